"""A run goes on with what it was begun with: each thing that shapes it is known to its checkpoint, and told by name."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError

pytest.importorskip("ionpath_ase.md", reason="the ASE plugin is not installed")

from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from ionpath_ase.md.identity import _FREE, differences, identity
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.training import label_frames

PLUMED = ["d: DISTANCE ATOMS=1,4", "METAD ARG=d SIGMA=0.1 HEIGHT=1 PACE=10 BIASFACTOR=10 TEMP=300"]
SETTINGS = {
    "temperature": (400.0, r"temperature \(K\) 400.0 instead of 300.0"),
    "steps": (200, r"length of the ramp \(steps\) 200 instead of 100"),
    "ensemble": ("nve", "ensemble nve instead of nvt"),
    "engine": ("lammps", "engine lammps instead of ase"),
    "thermostat": ("langevin", "thermostat langevin instead of nose-hoover"),
    "timestep": (1.0, r"time step \(fs\) 1.0 instead of 2.0"),
    "damping": (0.5, r"damping \(ps\) 0.5 instead of 0.1"),
    "pressure": (1.0, r"pressure \(GPa\) 1.0 instead of 0.0"),
    "pressure_damping": (2.0, r"pressure damping \(ps\) 2.0 instead of 1.0"),
    "final_temperature": (900.0, r"final temperature \(K\) 900.0 instead of 600.0"),
    "stride": (5, "time steps between frames 5 instead of 25"),
    "seed": (7, "seed 7 instead of 0"),
    "fixed": ((2,), r"fixed atoms \[2\] instead of \[\]"),
}
"""Another value of each setting that shapes a run, and how it is told."""


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.calc = EMT()
    return atoms


def of(atoms: Atoms, plumed: list[str] = PLUMED, drawn: bool = True, **changed: Any) -> dict[str, Any]:
    base = MDSettings(300.0, 100, "nvt", "ase", damping=0.1, final_temperature=600.0, timestep=2.0)
    return identity(atoms, replace(base, **changed), plumed, Path("run.extxyz"), drawn)


def test_all_settings_are_in_the_table() -> None:
    assert {field.name for field in fields(MDSettings)} == SETTINGS.keys() | set(_FREE)


@pytest.mark.parametrize("name", SETTINGS)
def test_another_setting_is_told_by_name(name: str) -> None:
    """For both engines, and for metadynamics and its walkers, whose runs these are."""
    value, told = SETTINGS[name]
    assert differences(of(copper()), of(copper())) == []
    with pytest.raises(AssertionError, match=told):
        raise AssertionError("; ".join(differences(of(copper()), of(copper(), **{name: value}))))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda a: a.set_masses([65.0] + [63.546] * 7), "other masses"),
        (lambda a: a.set_pbc([True, True, False]), "periodic directions"),
        (lambda a: a.set_cell(a.cell.array * 1.001), "other cell"),
        (lambda a: a.rattle(0.01), "other positions"),
        (lambda a: a.set_velocities(np.ones((8, 3))), "other velocities"),
        (lambda a: a.symbols.__setitem__(0, "Au"), "other elements"),
        (lambda a: setattr(a, "calc", LennardJones()), "potential LennardJones .* instead of potential EMT"),
        (lambda a: setattr(a, "calc", EMT(asap_cutoff=True)), "potential EMT .*asap_cutoff=True.* instead of"),
    ],
)
def test_another_start_is_told_by_name(change: Any, told: str) -> None:
    before, after = copper(), copper()
    for atoms in (before, after):
        atoms.set_velocities(np.zeros((8, 3)))
    change(after)
    with pytest.raises(AssertionError, match=told):
        raise AssertionError("; ".join(differences(of(before, drawn=False), of(after, drawn=False))))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ATOMS=1,4", "ATOMS=1,3"), ("SIGMA=0.1", "SIGMA=0.2"), ("HEIGHT=1", "HEIGHT=2"), ("PACE=10", "PACE=20"),
        ("BIASFACTOR=10", "BIASFACTOR=20"), ("TEMP=300", "TEMP=400"),
    ],
)  # fmt: skip
def test_another_bias_is_told_by_its_line(old: str, new: str) -> None:
    changed = [line.replace(old, new) for line in PLUMED]
    (told,) = differences(of(copper()), of(copper(), changed))
    assert told.startswith("PLUMED input '") and new in told and old in told


def test_another_committee_is_told_by_its_members() -> None:
    from ionpath_ase import Committee
    from ionpath_ase.md.identity import potential

    same, other = (potential(Committee(["argyrodite", second]), None) for second in ("argyrodite", "argyrodite.2"))
    (told,) = differences({"potential": same}, {"potential": other})
    assert told.startswith("potential Committee (members=") and " instead of potential Committee (members=" in told
    assert differences({"potential": {"name": "Committee", "closest": 0.5}}, {"potential": other}) == []  # as saved


@pytest.mark.parametrize("periodic", [(True, True, False), (False, False, False)])
def test_no_pressure_is_kept_in_vacuum(periodic: tuple[bool, bool, bool]) -> None:
    from ionpath_ase import run_md

    atoms = copper()
    atoms.pbc = periodic
    with pytest.raises(InputError, match="ensemble: need nvt or nve for what is not periodic in all .* got npt; use"):
        run_md(atoms, engine="ase", ensemble="npt", picoseconds=0.01, progress=False)


def test_labels_of_another_calculator_are_not_mixed(tmp_path: Path) -> None:
    frames = [bulk("Cu", cubic=True) * 2, bulk("Cu", a=3.7, cubic=True) * 2]
    path = tmp_path / "labels.extxyz"
    label_frames(frames[:1], EMT(), path, progress=False)
    before = path.read_bytes()
    with pytest.raises(
        InputError, match=r"labels labels.extxyz: need the calculator that gave .* eV for the first frame of the file, "
        r"got one that gives .* eV; write the labels of another calculator to another file",
    ):  # fmt: skip
        label_frames(frames, LennardJones(sigma=2.3, epsilon=0.3), path, progress=False)
    assert path.read_bytes() == before
    assert label_frames(frames, EMT(), path, progress=False).labelled == 1


def test_a_training_goes_on_from_its_own_first_model(tmp_path: Path) -> None:
    from ionpath_ase.training.fit_folder import same_frames

    model, note = tmp_path / "frozen.pb", tmp_path / "frames.json"
    model.write_bytes(b"a model")
    same_frames(note, {}, model)
    same_frames(note, {}, model)
    for other in (None, tmp_path / "note.json"):
        (tmp_path / "note.json").write_bytes(b"another")
        with pytest.raises(InputError, match="initial: need the model that the folder began with, got .*; use another"):
            same_frames(note, {}, other)


def test_statements_that_differ_far_behind_show_where() -> None:
    """TEMP stands behind the first 80 letters of METAD, which were the same on both sides."""
    line = "metad: METAD ARG=cage.py-d1,cage.py-d2 SIGMA=0.1,0.1 HEIGHT=2 PACE=25 BIASFACTOR=10 TEMP={} FILE=HILLS"
    told = differences({"PLUMED input": [line.format(300)]}, {"PLUMED input": [line.format(400)]})
    shown = "'metad: METAD ARG=cag ... TEMP={} FILE=HILLS'"
    assert told == [f"PLUMED input {shown.format(400)} instead of {shown.format(300)}"]
