"""Collective variables on a trajectory that exists: a Universe, a list of ASE Atoms, or frames of a file.

    python examples/plumed_cvs.py trajectory.extxyz

Prints distances of one lithium to two shell centres, the tilt of a tetrahedron and its distortion, frame by frame.
"""

from __future__ import annotations

import sys

from ase.io import read

from ionpath_plumed import evaluate, find_shells, find_tetrahedra, neighbouring_cages


def main(path: str) -> int:
    """Evaluate and print."""
    frames = read(path, index=":")
    shells = find_shells(frames[0])
    first, second, gap = neighbouring_cages(frames[0], shells)[0]
    ion, centres = shells[first].ions[0] + 1, (shells[first].centre + 1, shells[second].centre + 1)
    tetrahedron = ",".join(str(atom + 1) for atom in find_tetrahedra(frames[0])[0])
    lines = [
        "UNITS LENGTH=A",
        "LOAD FILE=PythonCVInterface.so",
        f"cage: PYCVINTERFACE ATOMS={ion},{centres[0]},{centres[1]} IMPORT=ionpath_plumed.shell",
        f"tilt: PYCVINTERFACE ATOMS={','.join(tetrahedron.split(',')[:2])} IMPORT=ionpath_plumed.tilt",
        f"shape: PYCVINTERFACE ATOMS={tetrahedron} IMPORT=ionpath_plumed.distortion",
    ]
    names = ["cage.py-d1", "cage.py-d2", "tilt.py-theta", "tilt.py-phi", "shape.py-sd", "shape.py-q"]
    table = evaluate(lines, frames, arguments=names)
    print(f"lithium {ion}, shells of {centres[0]} and {centres[1]}, {gap:.2f} A apart; d1 and d2 in A, angles in rad")
    print("    time (ps)  " + "  ".join(f"{name:>13}" for name in names))
    for k, time in enumerate(table["time"]):
        print(f"{time:12.3f}  " + "  ".join(f"{table[name][k]:13.4f}" for name in names))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 and sys.argv[1] not in ("-h", "--help") else __doc__)
