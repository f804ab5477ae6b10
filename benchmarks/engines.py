"""The LAMMPS engine against a LAMMPS input written by hand, and what PLUMED adds to a step.

python benchmarks/engines.py [--quick]

The hand-written input makes the same NVT steps, and dumps as often as the engine writes frames. Times are those of the
loop alone, in turns, the best of some rounds; both use one process and one thread. Last energies are compared first.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from calculator import structure

from ionpath_ase import run_md
from ionpath_ase.md.lammps_engine import environment
from ionpath_ase.md.lammps_input import data_file, kinds
from ionpath_ase.md.programs import lammps_program, plugin
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.start import draw_velocities
from ionpath_ase.potentials import resolve

os.environ["OMP_NUM_THREADS"] = "1"
TEMPERATURE = 600.0
HAND = """plugin load {plugin}
units metal
boundary p p p
atom_style atomic
read_data start.data
pair_style deepmd {model}
pair_coeff * * {species}
timestep 0.002
neighbor 1.0 bin
fix 1 all nvt temp {temperature} {temperature} 0.1
thermo_style custom step pe press temp
thermo {every}
dump 1 all custom {every} frames.dump id type xu yu zu
dump_modify 1 sort id
run {steps}
"""


def by_hand(atoms: Atoms, folder: Path, steps: int, every: int) -> tuple[float, float]:
    """Seconds of the loop, and last potential energy in eV, of LAMMPS alone."""
    (folder / "start.data").write_text(data_file(atoms, np.eye(3)))
    text = HAND.format(
        plugin=plugin(), model=resolve("argyrodite"), species=" ".join(symbol for symbol, _ in kinds(atoms)),
        temperature=TEMPERATURE, every=every, steps=steps,
    )  # fmt: skip
    (folder / "in.lammps").write_text(text)
    done = subprocess.run(
        [str(lammps_program()[0]), "-in", "in.lammps", "-log", "none"], cwd=folder, env=environment(1),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds = float(re.findall(r"Loop time of (\S+)", done.stdout)[-1])
    energy = float(re.findall(rf"^\s*{steps}\s+(-\S+)", done.stdout, re.MULTILINE)[-1])
    return seconds, energy


def by_engine(atoms: Atoms, folder: Path, steps: int, every: int, plumed: list[str]) -> tuple[float, float]:
    """The same through `run_md`."""
    result = run_md(
        atoms, engine="lammps", processes=1, temperature=TEMPERATURE, picoseconds=steps * 2e-3,
        interval=every * 2e-3, checkpoint_interval=steps * 2e-3, trajectory=folder / "run.xtc", restart=False,
        plumed=plumed, progress=False,
    )  # fmt: skip
    energy = float(np.loadtxt(result.log, delimiter=",", skiprows=1)[-1, 3])
    return steps * 2e-6 / result.speed * 86400.0, energy


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="52 atoms, one round")
    options = parser.parse_args()
    sizes = {52: (1, 1, 1)} if options.quick else {52: (1, 1, 1), 416: (2, 2, 2)}
    print(" atoms      by hand       engine  +DISTANCE  +Python CV   ms a step; engine / by hand, CVs / engine")
    for count, cells in sizes.items():
        atoms = structure(cells)
        draw_velocities(atoms, MDSettings(temperature=TEMPERATURE, steps=1))
        steps = 200 if options.quick else 1000 if count < 100 else 300
        times = measure(atoms, steps, 50, 1 if options.quick else 3)
        hand, engine, native, python = (1e3 * value / steps for value in times)
        ratios = f"{engine / hand:.3f}, {native / engine:.3f}, {python / engine:.3f}"
        print(f"{count:6d} {hand:12.3f} {engine:12.3f} {native:10.3f} {python:11.3f}   {ratios}", flush=True)


def measure(atoms: Atoms, steps: int, every: int, rounds: int) -> list[float]:
    """Best seconds of the loop: by hand, engine, engine with PLUMED's distance, with ours."""
    symbols = np.array(atoms.get_chemical_symbols())
    ion = int(np.flatnonzero(symbols == "Li")[0]) + 1
    one, two = (int(n) + 1 for n in np.flatnonzero(symbols == "S")[:2])
    inputs = [
        [],
        ["UNITS LENGTH=A", f"d: DISTANCE ATOMS={ion},{one}", "PRINT ARG=d FILE=COLVAR STRIDE=50"],
        ["UNITS LENGTH=A", f"LOAD FILE={pycv()}",
         f"s: PYCVINTERFACE ATOMS={ion},{one},{two} IMPORT=ionpath_plumed.shell",
         "PRINT ARG=s.* FILE=COLVAR STRIDE=50"],
    ]  # fmt: skip
    best = [np.inf] * 4
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name), Path.cwd()
        os.chdir(folder)
        try:
            for _ in range(rounds):
                found = [by_hand(atoms, folder, steps, every)]
                found += [by_engine(atoms, folder, steps, every, lines) for lines in inputs]
                energies = [energy for _, energy in found]
                assert np.ptp(energies) < 2e-3 * len(atoms), energies  # chaotic in single precision, but one run
                best = [min(old, new[0]) for old, new in zip(best, found, strict=True)]
        finally:
            os.chdir(home)
    return best


def pycv() -> str:
    """Where PLUMED's interface to Python is."""
    from ionpath_plumed.kernel import pycv_path

    return str(pycv_path())


if __name__ == "__main__":
    main()
