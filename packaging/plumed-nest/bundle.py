"""Zip nest.yml with one example: python packaging/plumed-nest/bundle.py [plumed-nest-inter-cage.zip]."""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "plumed_inter_cage_III"
INSTRUCTIONS = """# Hop of lithium between two cages of an argyrodite

`plumed.dat` biases the distances of one lithium to the two cage centres; `start.extxyz` is the crystal. The variables
are Python (pycv): PLUMED 2.10 with pycv, and `pip install "ionpath[plumed,ase]"` into the Python that pycv uses.

    ionpath metad start.extxyz --picoseconds 400 --folder hop     the run, with the Deep Potential that ionpath ships
    ionpath-plumed driver --plumed plumed.dat --ixyz frames.xyz --length-units A     the variables on frames of your own

A PLUMED of your own needs the full path of the interface in its LOAD line, which `ionpath doctor --plumed-line` prints.
"""


def bundle(path: Path) -> Path:
    """Write a new zip; its nest.yml lies at the top, as PLUMED-NEST wants it."""
    if path.suffix != ".zip" or path.exists():
        raise SystemExit(f"bundle.py: need the name of a new file that ends on .zip, got {path}; name another")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(Path(__file__).with_name("nest.yml"), "nest.yml")
        archive.writestr("README.md", INSTRUCTIONS)
        for file in sorted(EXAMPLE.iterdir()):
            archive.write(file, f"inter-cage/{file.name}")
    return path


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("zip", nargs="?", type=Path, default=Path("plumed-nest-inter-cage.zip"))
    print(bundle(parser.parse_args().zip))
