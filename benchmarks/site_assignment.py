"""The site of every lithium ion in an ab initio trajectory, beside site-analysis and a bare k-d tree.

    python benchmarks/site_assignment.py            all frames of the trajectory, about a minute
    python benchmarks/site_assignment.py --quick    20 frames, seconds

Answers are compared before times are taken; times are CPU seconds of one thread, without reading files, the best of
five for the fast codes. site-analysis (``pip install site-analysis``) is only needed here. The trajectory is Li6PS5Cl,
416 atoms, if the reference data is found in the folder that IONPATH_TEST_DATA names, and simulated otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from ionpath.kinetics import CoordinationShells, Tetrahedra, assign_sites, assign_tetrahedra, match_atoms
from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework, tetrahedral_sites
from ionpath.periodic import fractional, wrap_fractional

FASTER_THAN_PEER, SLOWER_THAN_TREE = 30.0, 2.0  # the aims

Floats = NDArray[np.float64]


class Run(NamedTuple):
    """A trajectory in Cartesian coordinates."""

    name: str
    cell: Floats
    elements: NDArray[np.str_]
    positions: Floats


def supercell(points: Floats) -> Floats:
    """Fractional coordinates in a 2 x 2 x 2 cell."""
    shifts = np.array(np.meshgrid(*[range(2)] * 3, indexing="ij")).reshape(3, -1).T
    return ((points[None] + shifts[:, None]) / 2).reshape(-1, 3)


def trajectory(frames: int) -> Run:
    """The ab initio trajectory, or a simulated one of the same size."""
    folder = Path(os.environ.get("IONPATH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    file = folder / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz"
    if not file.is_file():
        return simulated(frames)
    with gzip.open(file, "rt") as text:
        lines = text.read().splitlines()
    cell = np.array([line.split() for line in lines[2:5]], dtype=float)
    counts = [int(n) for n in lines[6].split()]
    size = sum(counts) + 1
    blocks = [lines[7 + t * size + 1 : 7 + (t + 1) * size] for t in range(min(frames, (len(lines) - 7) // size))]
    coordinates = np.array([[line.split()[:3] for line in block] for block in blocks], dtype=float)
    return Run(file.name, cell, np.repeat(lines[5].split(), counts), coordinates @ cell)


def simulated(frames: int) -> Run:
    """Framework and lithium ions that rattle about their sites and change places with others."""
    rng = np.random.default_rng(0)
    cell = np.eye(3) * 2 * REFERENCE_EDGE
    places, kinds, _ = framework()
    frame = supercell(places) @ cell
    lithium = supercell(cage_sites()) @ cell
    site = np.array([rng.permutation(len(lithium)) if t % 7 == 0 else np.arange(192) for t in range(frames)])
    moving = np.concatenate([np.repeat(frame[None], frames, axis=0), lithium[site]], axis=1)
    elements = np.concatenate([np.tile(kinds, 8), np.full(192, "Li")])
    return Run("simulated", cell, elements, moving + rng.normal(0, 0.25, moving.shape))


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    """Least CPU time of some calls."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return float(best)


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Result and CPU time of one call."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def peer_trajectory(run: Run, sites: list[Any]) -> tuple[NDArray[np.int64], float]:
    """Site indices (T, N) by site-analysis and the time it takes, without making its structures."""
    from pymatgen.core import Lattice, Structure
    from site_analysis.atom import atoms_from_structure
    from site_analysis.trajectory import Trajectory

    lattice = Lattice(run.cell)
    structures = [
        Structure(lattice, run.elements.tolist(), wrap_fractional(fractional(frame, run.cell)))
        for frame in run.positions
    ]
    first = sites[0].index
    analysis = Trajectory(sites=sites, atoms=atoms_from_structure(structures[0], "Li"))
    _, spent = timed(lambda: analysis.trajectory_from_structures(structures))
    table = [[-1 if s is None else s - first for s in frame] for frame in analysis.atoms_trajectory]
    return np.array(table), spent


def voronoi(run: Run, names: tuple[str, ...]) -> list[tuple[str, float, str]]:
    """Nearest site of all: the same states as the Voronoi sites of site-analysis."""
    points = supercell(cage_sites() if names == ("24g",) else tetrahedral_sites(names)[0])
    centres = supercell(framework()[0][framework()[2] == "4d"])
    shells = CoordinationShells.from_sites(run.cell, centres, points, tie=None)  # T4 is shared by cages
    lithium = run.positions[:, run.elements == "Li"]

    def ours() -> NDArray[np.int32]:
        return assign_sites(lithium, shells, run.cell, cutoff=np.inf).site

    edges = np.diag(run.cell).copy()
    inside = wrap_fractional(fractional(lithium.reshape(-1, 3), run.cell)) * edges
    at = wrap_fractional(points) * edges

    def bare() -> Any:
        return cKDTree(at, boxsize=edges).query(inside)

    rows = []
    try:
        from site_analysis.voronoi_site import VoronoiSite
    except ModuleNotFoundError:
        print("site-analysis is not installed: compared with the tree only")
    else:
        theirs, peer = peer_trajectory(run, [VoronoiSite(point) for point in points])
        same = float((theirs == ours()).mean())
        rows.append(("site-analysis, Voronoi sites", peer, f"{100 * same:.3f} % identical"))
    tree = float((bare()[1].reshape(lithium.shape[:2]) == ours()).mean())
    rows.append(("one cKDTree query (boxsize)", seconds(bare), f"{100 * tree:.3f} % identical"))
    rows.append(("ionpath, nearest", seconds(ours), ""))
    moving = np.repeat((centres @ run.cell)[None], len(lithium), axis=0)
    moving = moving + np.random.default_rng(0).normal(0, 0.2, moving.shape)
    follow = seconds(lambda: assign_sites(lithium, shells, run.cell, moving, cutoff=np.inf))
    rows.append(("ionpath, sites follow vibrating centres", follow, ""))
    return rows


def polyhedra(run: Run) -> list[tuple[str, float, str]]:
    """Tetrahedra of four anions."""
    positions, elements, _ = framework()
    tetrahedra = Tetrahedra.from_sites(
        run.cell, supercell(positions[elements != "P"]), supercell(tetrahedral_sites()[0])
    )
    anions = np.flatnonzero(np.isin(run.elements, ["S", "Cl"]))
    order = anions[match_atoms(run.cell, run.positions[:, anions], tetrahedra.atoms)]
    lithium, corners = run.positions[:, run.elements == "Li"], run.positions[:, order]

    def ours() -> NDArray[np.int32]:
        return assign_tetrahedra(lithium, tetrahedra, run.cell, corners)

    rows = []
    try:
        from site_analysis.polyhedral_site import PolyhedralSite
    except ModuleNotFoundError:
        pass
    else:
        sites = [PolyhedralSite(vertex_indices=order[four].tolist()) for four in tetrahedra.corners]
        theirs, peer = peer_trajectory(run, sites)
        same = float((theirs == ours()).mean())
        rows.append(("site-analysis, polyhedral sites", peer, f"{100 * same:.3f} % identical"))
    rows.append(("ionpath, tetrahedra", seconds(ours), ""))
    return rows


def show(title: str, rows: list[tuple[str, float, str]], frames: int) -> None:
    """Print a table; the last column is how many times slower than ours."""
    own = next(spent for name, spent, _ in rows if name.startswith("ionpath"))
    print(f"\n{title}\n  {'':42s}{'ms/frame':>10s}{'x ionpath':>11s}")
    for name, spent, note in rows:
        print(f"  {name:42s}{1000 * spent / frames:10.3f}{spent / own:11.1f}  {note}")


def main() -> int:
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="20 frames")
    frames = 20 if parser.parse_args().quick else 140
    run = trajectory(frames)
    print(f"{run.name}: {len(run.positions)} frames, {(run.elements == 'Li').sum()} Li of {len(run.elements)} atoms")
    missed = False
    with threadpool_limits(1):
        for names in (("24g",), ("T2", "T4", "T5")):
            rows = voronoi(run, names)
            show(f"nearest of {192 if names == ('24g',) else 896} sites ({', '.join(names)})", rows, len(run.positions))
            spent = {name.split(",")[0].split(" (")[0]: cpu for name, cpu, _ in reversed(rows)}
            tree = spent["ionpath"] / spent["one cKDTree query"]
            print(f"  {tree:.2f} times the bare tree (aim at most {SLOWER_THAN_TREE:.0f})")
            missed |= tree > SLOWER_THAN_TREE
            if "site-analysis" in spent:
                peer = spent["site-analysis"] / spent["ionpath"]
                print(f"  {peer:.0f} times faster than site-analysis (aim {FASTER_THAN_PEER:.0f})")
                missed |= peer < FASTER_THAN_PEER
            missed |= any("Voronoi" in name and not note.startswith("100.000") for name, _, note in rows)
        show("enclosing one of 1088 tetrahedra", polyhedra(run), len(run.positions))
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
