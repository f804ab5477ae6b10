"""Structure and disorder beside freud and dynasor: answers first, then times.

Usage: OMP_NUM_THREADS=1 python benchmarks/structure.py [--data FOLDER] [--frames N]

FOLDER holds ``aimd/Li6PS5Cl-50p-run1.XDATCAR.gz`` and its ordered partner; without them a random gas of the same
size is used, and the published entropies are left out.
"""

from __future__ import annotations

import argparse
import gzip
import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.disorder import bond_vectors, shannon_entropy, support_entropy, tetrahedra, tetrahedral_distortion
from ionpath.frames import freud_system
from ionpath.structure import (
    anion_clusters,
    averaged_steinhardt,
    persistent_rings,
    radial_distribution,
    reciprocal_vectors,
    voronoi_volumes,
)
from ionpath.structure.reciprocal import DirectSum

Row = tuple[str, str, float, float]


def read(path: Path) -> tuple[Any, Any, Any]:
    """Positions, cell and symbols of an XDATCAR of constant cell."""
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    cell = np.array([line.split() for line in lines[2:5]], dtype=float) * float(lines[1])
    symbols = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
    n = len(symbols)
    frames = [
        np.array([x.split() for x in lines[k + 1 : k + 1 + n]], dtype=float) for k in range(7, len(lines) - n, n + 1)
    ]
    return np.array(frames) @ cell, cell, symbols


def gas() -> tuple[Any, Any, Any]:
    """A random gas of the size of the real trajectory."""
    symbols = np.repeat(["Li", "Cl", "S", "P"], [192, 32, 160, 32])
    cell = np.eye(3) * 20.31
    return np.random.default_rng(0).uniform(0, 20.31, (140, 416, 3)), cell, symbols


def timed(work: Callable[[], Any], repeats: int = 3) -> tuple[Any, float]:
    """Result, and the least CPU time of a few runs after one to warm up."""
    work()
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return result, best


def rdf_rows(positions: Any, cell: Any, symbols: Any) -> list[Row]:
    import freud

    def ours() -> Any:
        return radial_distribution(positions, cell, symbols.tolist(), r_max=10.0, bins=100, pairs=[("Li", "S")])

    kernel = freud.density.RDF(100, 10.0)
    lithium, sulfur = np.flatnonzero(symbols == "Li"), np.flatnonzero(symbols == "S")

    def theirs() -> Any:
        for k, frame in enumerate(positions):
            box, points = freud_system(frame, cell)
            kernel.compute((box, points[sulfur]), query_points=points[lithium], reset=k == 0)
        return np.array(kernel.bin_counts), np.array(kernel.rdf)

    (a, t), (b, u) = timed(ours), timed(theirs)
    moved = np.abs(a.shells[0] * len(positions) - b[0]).sum() / b[0].sum()
    return [("RDF Li-S, 100 bins to 10 A", f"pairs in another bin: {moved:.1e}", t, u)]


def order_rows(positions: Any, cell: Any) -> list[Row]:
    import freud

    few = positions[:40]
    kernel = freud.order.Steinhardt(l=6, average=True)
    cells = freud.locality.Voronoi()

    def order() -> Any:
        return np.array(
            [
                np.array(kernel.compute(freud_system(f, cell), neighbors={"num_neighbors": 12}).particle_order)
                for f in few
            ]
        )

    def volumes() -> Any:
        return np.array([np.array(cells.compute(freud_system(f, cell)).volumes) for f in few])

    rows = []
    pairs: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
        ("averaged q6, 12 neighbours", lambda: averaged_steinhardt(few, cell), order),
        ("Voronoi volumes", lambda: voronoi_volumes(few, cell), volumes),
    ]
    for name, ours, theirs in pairs:
        (a, t), (b, u) = timed(ours), timed(theirs)
        rows.append((f"{name}, 40 frames", f"largest difference: {np.abs(a - b).max():.1e}", t, u))
    return rows


def scattering_rows(positions: Any, cell: Any, symbols: Any) -> list[Row]:
    if find_spec("dynasor") is None:
        print("S(Q): dynasor is not installed (pip install dynasor), left out")
        return []
    from dynasor.core.reciprocal import calc_rho_q

    few = positions[:40]
    species = sorted(set(symbols.tolist()))
    groups = [np.flatnonzero(symbols == s) for s in species]
    every = reciprocal_vectors(cell, 3.0, max_per_bin=None)
    some = every[np.random.default_rng(0).permutation(len(every))[:500]]
    spread = reciprocal_vectors(cell, 10.0)
    rows = []
    sets = [(every, "all", "3"), (some, "some", "3"), (spread, "some", "10")]
    for vectors, how_many, q_max in sets if len(few) > 10 else sets[:1]:
        q = 2 * np.pi * vectors @ np.linalg.inv(cell).T

        def ours(vectors: Any = vectors) -> Any:
            sums = DirectSum(symbols.tolist(), vectors)
            for frame in few:
                sums.add(frame, cell)
            return sums.result()

        def theirs(q: Any = q) -> Any:
            total = np.zeros((len(species), len(species), len(q)))
            for frame in few:
                modes = np.array([calc_rho_q(frame[g], q) for g in groups])
                total += (modes[:, None] * modes[None].conj()).real
            return total / len(few) / len(symbols)

        (a, t), (b, u) = timed(ours), timed(theirs)
        worst = 0.0
        for (x, y), values in zip(a.pairs, a.partials, strict=True):
            i, j = species.index(x), species.index(y)
            c = a.fractions[x] * a.fractions[y]
            reference = 1 + (b[i, j] - (a.fractions[x] if x == y else 0)) / c
            worst = max(worst, float((np.abs(values - reference) / (1 + np.abs(reference))).max()))
        name = f"S(Q), {how_many} vectors to {q_max}/A ({len(vectors)})"
        rows.append((name, f"largest difference: {worst:.1e}", t, u))
    return rows


def own_rows(positions: Any, cell: Any, symbols: Any) -> list[tuple[str, float]]:
    names = symbols.tolist()
    lithium = np.flatnonzero(symbols == "Li")[:32]
    radii = np.where(symbols == "Li", 0.8, 1.8)
    work: list[tuple[str, Callable[[], Any], int]] = [
        ("anion speciation", lambda: anion_clusters(positions, cell, names), len(positions)),
        (
            "all 10 partial RDFs, 500 bins",
            lambda: radial_distribution(positions[:20], cell, names, r_max=10, bins=500),
            20,
        ),
        ("rings of P and S", lambda: [persistent_rings(f, cell, names) for f in positions[:3]], 3),
        (
            "radical volumes of 32 Li",
            lambda: voronoi_volumes(positions[0], cell, lithium, mode="radical", radii=radii),
            1,
        ),
    ]
    return [(name, timed(function, 2)[1] / frames * 1e3) for name, function, frames in work]


def entropies(folder: Path) -> None:
    turned = np.array([[1, 1, 0], [-1, 1, 0], [0, 0, np.sqrt(2)]]) / np.sqrt(2)
    print("\nEntropies of s_d (published measure), J/mol/K, 4480 tetrahedra:")
    print(f"{'':28s}{'support, 45 deg':>16s}{'support, crystal':>18s}{'Shannon, 45 deg':>17s}{'corrected':>11s}")
    for run in ("0p-run1", "0p-run2", "50p-run1", "50p-run2"):
        path = folder / "aimd" / f"Li6PS5Cl-{run}.XDATCAR.gz"
        if not path.is_file():
            continue
        positions, cell, symbols = read(path)
        centres = np.flatnonzero(symbols == "P")
        members = tetrahedra(positions[0], cell, centres, np.flatnonzero(symbols == "S"))
        bonds = bond_vectors(positions, cell, centres, members)
        a = tetrahedral_distortion(bonds, mode="published", rotation=turned)
        b = tetrahedral_distortion(bonds, mode="published")
        plain = shannon_entropy(a, correction="none")
        values = support_entropy(a), support_entropy(b), plain, shannon_entropy(a)
        print(f"Li6PS5Cl {run:19s}{values[0]:16.2f}{values[1]:18.2f}{values[2]:17.2f}{values[3]:11.2f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = os.environ.get("IONPATH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--frames", type=int, default=140)
    parser.add_argument("--quick", action="store_true", help="ten frames")
    options = parser.parse_args()
    if options.quick:
        options.frames = 10
    path = options.data / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz"
    positions, cell, symbols = read(path) if path.is_file() else gas()
    positions = positions[: options.frames]
    print(f"{path.name if path.is_file() else 'random gas'}: {len(positions)} frames x {len(symbols)} atoms\n")
    rows = rdf_rows(positions, cell, symbols) + order_rows(positions, cell) + scattering_rows(positions, cell, symbols)
    print(f"{'quantity':44s}{'answers':34s}{'ours':>9s}{'peer':>9s}{'ratio':>7s}")
    for name, answers, ours, theirs in rows:
        print(f"{name:44s}{answers:34s}{ours:7.3f} s{theirs:7.3f} s{ours / theirs:7.2f}")
    print("\nWithout a peer, ms per frame:")
    for name, milliseconds in own_rows(positions, cell, symbols):
        print(f"{name:44s}{milliseconds:10.1f}")
    entropies(options.data)


if __name__ == "__main__":
    main()
