"""Cost per step of Python collective variables, beside a bare pycv distance and PLUMED's own, answers compared first.

Run: ``python benchmarks/cvs.py``. CPU times are the least of many short rounds taken in turns, in microseconds a step
of the whole call of PLUMED, minus that of a run without any variable.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ionpath_plumed.driver import evaluate
from ionpath_plumed.kernel import Engine

HEAD = ["UNITS LENGTH=A", "LOAD FILE=PythonCVInterface.so"]
CELL = np.diag([20.0, 21.0, 22.0])
N_ATOMS = 260
BARE = """
import numpy as np
import plumedCommunications as PLMD

plumedInit = {"Value": PLMD.defaults.COMPONENT}


def plumedCalculate(action):
    positions = action.getPositions()
    vector = action.getPbc().apply((positions[1] - positions[0]).reshape(1, 3))[0]
    distance = np.linalg.norm(vector)
    unit = vector / distance
    gradient = np.zeros_like(positions)
    gradient[0], gradient[1] = -unit, unit
    return distance, gradient, -np.outer(vector, unit)
"""
NATIVE_TILT = ["o: FIXEDATOM AT=0,0,0", "z: FIXEDATOM AT=0,0,1"]
SWITCH = "{{RATIONAL R_0=0.3 D_0=2.6 D_MAX=60 NOSTRETCH}}"
ONE_CALL = ", in one call"
# name: (number of atoms, our line, output, native lines, native output); {a} is the list of atoms, {k} the number
CASES: dict[str, tuple[int, str, str, list[str], str]] = {
    "shell, d1 and d2 only": (
        3, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.shell INIT={{values=[d1,d2]}}", "v{k}.py-d1",
        ["n{k}: DISTANCE ATOMS={first},{second}"], "n{k}",
    ),
    "shell, all values": (
        3, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.shell", "v{k}.py-d1",
        ["n{k}: DISTANCE ATOMS={first},{second}"], "n{k}",
    ),
    "tilt of a bond": (
        2, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.tilt", "v{k}.py-theta",
        [*NATIVE_TILT, "n{k}: ANGLE ATOMS={first},{second},z,o"], "n{k}",
    ),
    "rotation of a tetrahedron": (
        5, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.tilt INIT={{reference=ideal}}", "v{k}.py-theta", [], "",
    ),
    "the same with its vector": (
        5, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.tilt INIT={{reference=ideal vector=True}}",
        "v{k}.py-theta", [], "",
    ),
    "distortion": (
        5, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.distortion", "v{k}.py-sd",
        [f"n{{k}}: TETRAHEDRAL SPECIESA={{first}} SPECIESB={{rest}} SWITCH={SWITCH} MEAN"], "n{k}.mean",
    ),
    "path": (
        4, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.path", "v{k}.py-s",
        ["a{k}: DISTANCE ATOMS={first},{second}", "b{k}: DISTANCE ATOMS={third},{fourth}",
         "n{k}: GPATH REFERENCE={pdb} ARG=a{k},b{k}"], "n{k}.s",
    ),
    "position": (
        5, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.position "
        "INIT={{reference={reference} origin={origin}}}", "v{k}.py-x",
        ["c{k}: CENTER ATOMS={rest}", "n{k}: DISTANCE ATOMS=c{k},{first} COMPONENTS"], "n{k}.x",
    ),
    "flux, six sites": (
        2, "v{k}: PYCVINTERFACE ATOMS={a} IMPORT=ionpath_plumed.flux "
        "INIT={{sites=[[2.4,0,0],[-2.4,0,0],[0,2.4,0],[0,-2.4,0],[0,0,2.4],[0,0,-2.4]]}}", "v{k}.py-p1", [], "",
    ),
}  # fmt: skip


def positions() -> np.ndarray:
    """Clusters of five atoms like tetrahedra, 52 of them."""
    rng = np.random.default_rng(0)
    corner = 2.05 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    place = np.repeat(rng.random((N_ATOMS // 5, 3)) * np.diag(CELL), 5, axis=0)
    place.reshape(-1, 5, 3)[:, 1:] += corner
    return place + rng.normal(scale=0.05, size=place.shape)


def time_steps(inputs: list[list[str]], place: np.ndarray, steps: int, rounds: int) -> list[float]:
    """Least time per step in microseconds of several inputs, taken in turns so that all meet the same machine."""
    best = np.full(len(inputs), np.inf)
    with contextlib.ExitStack() as stack:
        engines = [stack.enter_context(Engine([*HEAD, *lines], N_ATOMS)) for lines in inputs]
        for round_ in range(rounds):
            for k, engine in enumerate(engines):
                engine.step(0, place, CELL)
                begin = time.process_time()
                for step in range(1, steps + 1):
                    engine.step(step + round_ * steps, place, CELL)
                best[k] = min(best[k], (time.process_time() - begin) / steps)
    return [float(t) * 1e6 for t in best]


def in_one_call(line: str, output: str, count: int) -> tuple[str, str]:
    """The line of a variable of many groups, and the name of its output for group {k}."""
    line = line.replace("{k}", "")
    number = f"groups={count}"
    line = line.replace("INIT={{", f"INIT={{{{{number} ") if "INIT=" in line else f"{line} INIT={{{{{number}}}}}"
    return line, output.replace("{k}", "") + "-{k}"


def write_lines(name: str, count: int, pdb: str) -> tuple[list[str], list[str], list[str]]:
    """Our lines, native lines and bare lines for `count` variables, each with a weak restraint."""
    n, ours, output, native, native_output = CASES[name.removesuffix(ONE_CALL)]
    together = name.endswith(ONE_CALL)
    if together:
        ours, output = in_one_call(ours, output, count)
    place = positions()
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    for k in range(count):
        atoms = [5 * k + 1 + i for i in range(n)]
        words = {
            "k": k, "a": ",".join(map(str, atoms)), "first": atoms[0], "second": atoms[1],
            "third": atoms[min(2, n - 1)], "fourth": atoms[min(3, n - 1)], "rest": ",".join(map(str, atoms[1:])),
            "pdb": pdb,
            "origin": str(place[atoms[0] - 1].round(4).tolist()).replace(" ", ""),
            "reference": str(place[[a - 1 for a in atoms[1:]]].round(9).tolist()).replace(" ", ""),
        }  # fmt: skip
        restraint = "RESTRAINT ARG={} AT=0 KAPPA=0.01"
        if together:
            found[0].append(restraint.format(output.format(k=k + 1)))
        else:
            found[0].extend([ours.format(**words), restraint.format(output.format(**words))])
        if native:
            shared = [] if k else [line for line in native if line in NATIVE_TILT]
            each = [line.format(**words) for line in native if line not in NATIVE_TILT]
            found[1].extend([*shared, *each, f"RESTRAINT ARG={native_output.format(**words)} AT=0 KAPPA=0.01"])
        bare = f"w{k}: PYCVINTERFACE ATOMS={words['a']} IMPORT=ionpath_bench_bare"
        found[2].extend([bare, f"RESTRAINT ARG=w{k} AT=0 KAPPA=0.01"])
    if together:
        words["a"] = ",".join(str(5 * k + 1 + i) for k in range(count) for i in range(n))
        found[0].insert(0, ours.format(**words))
    return found


def compare(name: str, pdb: str) -> str:
    """Largest difference between our value and PLUMED's on the same frame."""
    from ase import Atoms

    _, _, output, native, native_output = CASES[name]
    if not native:
        return "-"
    ours, theirs, _ = write_lines(name, 1, pdb)
    names = [output.format(k=0), native_output.format(k=0)]
    frame = Atoms("Li" * N_ATOMS, positions=positions(), cell=CELL, pbc=True)
    kept = [line for line in [*ours, *theirs] if not line.startswith("RESTRAINT")]
    table = evaluate([*HEAD, *kept], frame, arguments=names)
    shift = positions()[1:5].mean(0)[0] if name == "position" else 0.0
    return f"{abs(table.data[0, 1] - shift - table.data[0, 2]):.0e}"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="steps of a round, shared by the variables")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--only", nargs="+", help="these variables")
    parser.add_argument("--quick", action="store_true", help="five rounds, one variable each")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.counts = 5, [1]
    place = positions()
    print("variable                                 n   ours us  bare us  ratio  native us  difference")
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        (Path(folder) / "ionpath_bench_bare.py").write_text(BARE)
        pdb = Path(folder) / "path.pdb"
        rows = [(6.5, 6.5), (5.0, 5.0), (3.5, 3.5), (2.0, 2.0)]
        pdb.write_text("".join(f"REMARK TYPE=EUCLIDEAN\nREMARK ARG=a0,b0 a0={a} b0={b}\nEND\n" for a, b in rows))
        before = os.getcwd()
        os.chdir(folder)
        try:
            for count in options.counts:
                chosen = options.only or list(CASES)
                for name in chosen if count == 1 else [each + end for each in chosen for end in ("", ONE_CALL)]:
                    ours, native, bare = write_lines(name, count, str(pdb))
                    if count > 1 and (name == "path" or name.endswith(ONE_CALL)):
                        native = []  # the file of a path names the distances of one
                    inputs = [[], ours, bare, native]
                    empty, *cost = time_steps(inputs, place, max(options.steps // count, 4), options.rounds)
                    mine, plain, theirs = (t - empty for t in cost)
                    difference = compare(name, str(pdb)) if count == 1 else ""
                    shown = f"{theirs:10.1f}" if native else " " * 10
                    print(f"{name:40} {count:2d} {mine:8.1f} {plain:8.1f} {mine / plain:6.2f} {shown}  {difference}")
        finally:
            os.chdir(before)
    return 0


if __name__ == "__main__":
    sys.exit(main())
