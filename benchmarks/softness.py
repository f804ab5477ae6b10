"""Structure functions and non-affine displacement of lithium, beside the neighbour query of freud alone.

    python benchmarks/softness.py            twenty frames of the trajectory, seconds
    python benchmarks/softness.py --quick    three frames

Pairs are compared before times are taken; times are CPU seconds of one thread per frame, without reading files, the
best of several. The trajectory is Li6PS5Cl, 416 atoms of which 192 are lithium, if the reference data is found in the
folder that IONPATH_TEST_DATA names, and simulated otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import freud
import numpy as np
from numpy.typing import NDArray

from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework
from ionpath.softness import StructureFunctions, find_neighbours, nonaffine_displacement

CUTOFF, NONAFFINE, LIMIT = 10.0, 5.0, 3.0
LAG = 10

Floats = NDArray[np.float64]


def trajectory(frames: int) -> tuple[str, Floats, NDArray[np.str_], Floats]:
    """Name, cell, elements and Cartesian positions of the ab initio trajectory, or of a simulated one."""
    folder = Path(os.environ.get("IONPATH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    file = folder / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz"
    if not file.is_file():
        return simulated(frames)
    with gzip.open(file, "rt") as text:
        lines = text.read().splitlines()
    cell = np.array([line.split() for line in lines[2:5]], dtype=float)
    counts = [int(n) for n in lines[6].split()]
    size = sum(counts) + 1
    read = min(frames, (len(lines) - 7) // size)
    blocks = [lines[7 + t * size + 1 : 7 + (t + 1) * size] for t in range(read)]
    coordinates = np.array([[line.split()[:3] for line in block] for block in blocks], dtype=float)
    return file.name, cell, np.repeat(lines[5].split(), counts), coordinates @ cell


def simulated(frames: int) -> tuple[str, Floats, NDArray[np.str_], Floats]:
    """Atoms that rattle about the sites of ordered Li6PS5Cl."""
    shifts = np.array(np.meshgrid(*[range(2)] * 3, indexing="ij")).reshape(3, -1).T
    places, kinds, _ = framework()
    cell = np.eye(3) * 2 * REFERENCE_EDGE
    sites = np.concatenate([((p[None] + shifts[:, None]) / 2).reshape(-1, 3) for p in (places, cage_sites())])
    rattle = np.random.default_rng(0).normal(0, 0.25, (frames, len(sites), 3))
    elements = np.concatenate([np.tile(kinds, 8), np.full(192, "Li")])
    return "simulated", cell, elements, sites @ cell + rattle


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Least CPU time of some calls."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return float(best)


def freud_query(cell: Floats, positions: Floats, centres: NDArray[np.intp]) -> Any:
    """Neighbour list of freud within 10 A."""
    box = freud.box.Box.from_matrix(cell.T)
    points = box.wrap(positions - 0.5 * cell.sum(axis=0)).astype(np.float32)
    query = freud.locality.AABBQuery(box, points)
    return query.query(points[centres], {"r_max": CUTOFF, "exclude_ii": False}).toNeighborList()


def main() -> int:
    """Compare, then measure.

    Returns
    -------
    int
        1 if pairs differ or we are slower than the limit.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="three frames")
    quick = parser.parse_args().quick
    freud.set_num_threads(1)
    name, cell, elements, positions = trajectory(LAG + (3 if quick else 20))
    lithium = np.flatnonzero(elements == "Li")
    functions = StructureFunctions.spaced(tuple(sorted(set(elements.tolist()))), spacing=0.2, cutoff=CUTOFF)
    codes = functions.codes(elements)
    print(f"{name}: {len(lithium)} Li, {len(elements)} atoms, {functions.n_functions} structure functions at 10 A")

    ours = find_neighbours(positions[0], cell, CUTOFF, lithium)
    peer = freud_query(cell, positions[0], lithium)
    pairs = {(i, j) for i, j in zip(ours.row.tolist(), ours.atom.tolist(), strict=True)}
    other = {
        (i, j) for i, j in zip(peer.query_point_indices.tolist(), peer.point_indices.tolist(), strict=True)
        if lithium[i] != j
    }  # fmt: skip
    # freud works in single precision: pairs at 10 A sharp may be on either side.
    rim = {(i, j) for i, j, r in zip(ours.row, ours.atom, ours.distances, strict=True) if r > CUTOFF - 1e-4}
    differing = len((pairs ^ other) - rim)
    table = functions.of_neighbours(ours, codes)
    of_first = (peer.query_point_indices == 0) & (elements[peer.point_indices] == functions.species[0])
    others = peer.distances[of_first & (peer.point_indices != lithium[0]), None]
    slow = np.exp(-(((others - functions.positions) / functions.width) ** 2)).sum(axis=0)
    error = float(np.abs(table[0, : len(functions.positions)] - slow).max())
    print(f"pairs {len(pairs)}, of which freud has all but {differing}; largest error of a function {error:.1e}")

    def frame(t: int) -> None:
        near = find_neighbours(positions[t], cell, CUTOFF, lithium)
        functions.of_neighbours(near, codes)
        nonaffine_displacement(positions[t], positions[t + LAG], near.within(NONAFFINE), cell=cell)

    frames, repeats = len(positions) - LAG, 5
    timings = {
        "freud: neighbour query": lambda: [freud_query(cell, positions[t], lithium) for t in range(frames)],
        "ours: neighbours": lambda: [find_neighbours(positions[t], cell, CUTOFF, lithium) for t in range(frames)],
        "ours: neighbours, structure functions, D2min": lambda: [frame(t) for t in range(frames)],
    }
    found = {label: 1e3 * seconds(call, repeats) / frames for label, call in timings.items()}
    for label, value in found.items():
        print(f"{label:46s} {value:7.2f} ms per frame")
    query, *_, all_of_it = found.values()
    ratio = all_of_it / query
    print(f"ratio {ratio:.2f}, at most {LIMIT:g} wanted")
    return int(differing > 0 or error > 1e-10 or ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
