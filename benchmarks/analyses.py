"""Every analysis of the MDAnalysis plugin at 3,328 atoms: against reading, beside a peer, and at half a million frames.

Usage: python benchmarks/analyses.py [--quick] [--only NAME ...] [--markdown]

Each class runs at two lengths in a process of its own. Times are CPU seconds of one thread: the slope between the two
lengths is the time of a frame, the rest is what a run costs however long it is. Peers see the same frames in the same
process, without reading them, and answers are compared first. Half a million frames are extrapolated linearly.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

MANY = 500_000
"""Frames that are extrapolated to."""
NOISE = 8.0
"""Memory that the allocator takes and keeps anyway, in MB: of what grows by less between the two lengths, only the
tables among the results count."""


class Row(NamedTuple):
    """How to make an analysis, at which two lengths it runs, and which peer stands beside it."""

    make: Callable[..., Any]
    frames: tuple[int, int]
    peer: Callable[[Any, Any], tuple[str, Callable[[], Any], str]] | None = None


def write(folder: Path, cells: int, n_frames: int) -> None:
    """Lithium that rattles and hops between the cage sites of Li6PS5Cl, 0.1 ps between frames, as XTC."""
    import MDAnalysis
    from MDAnalysis.coordinates.XTC import XTCWriter
    from scipy.spatial import cKDTree

    from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework

    rng = np.random.default_rng(0)
    edge = REFERENCE_EDGE * cells
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    places, elements, _ = framework()
    fixed = ((np.asarray(places)[:, None] + grid) / cells).reshape(-1, 3) * edge
    sites = ((cage_sites()[:, None] + grid) / cells).reshape(-1, 3) * edge
    names = np.concatenate([np.full(len(sites), "Li"), np.repeat(elements, len(grid))])
    universe = MDAnalysis.Universe.empty(len(names), trajectory=True)
    universe.add_TopologyAttr("names", names)
    universe.dimensions = [edge, edge, edge, 90, 90, 90]
    near = cKDTree(sites % edge, boxsize=edge).query(sites % edge, k=4)[1]
    home, at = np.arange(len(sites)), np.concatenate([sites, fixed])
    there = home.copy()
    width = np.where(names == "Li", 0.3, 0.1)[:, None]
    rattle = rng.normal(size=at.shape)
    with XTCWriter(str(folder / "md.xtc"), len(names)) as writer:
        for frame in range(n_frames):
            for a in rng.integers(len(home), size=len(home) // 200):
                # Two neighbours change places: no site is ever filled twice.
                b = there[near[home[a], rng.integers(1, 4)]]
                home[[a, b]] = home[[b, a]]
                there[home[[a, b]]] = a, b
            rattle = 0.8 * rattle + 0.6 * rng.normal(size=at.shape)
            now = np.concatenate([sites[home], fixed]) + width * rattle
            universe.atoms.positions = now % edge
            universe.trajectory.ts.frame, universe.trajectory.ts.time = frame, 0.1 * frame
            writer.write(universe.atoms)
    np.save(folder / "names.npy", names)


def opened(folder: Path) -> Any:
    """The Universe of the trajectory."""
    import MDAnalysis

    names = np.load(folder / "names.npy")
    universe = MDAnalysis.Universe.empty(len(names), trajectory=False)
    for attribute in ("names", "elements"):
        universe.add_TopologyAttr(attribute, names)
    universe.guess_TopologyAttrs(to_guess=["masses"])
    return universe.load_new(str(folder / "md.xtc"))


@cache
def states(u: Any) -> Any:
    """States around the centres of the cages."""
    from ionpath_mdanalysis import CoordinationShells

    return CoordinationShells.for_argyrodite(u, mobile=u.select_atoms("name Li"))


def cages(u: Any) -> Any:
    """The anions in the middle of the cages."""
    return u.atoms[states(u).centre_atoms]


def frame_of(u: Any) -> tuple[Any, Any, Any]:
    """Positions, cell and symbols of the first frame."""
    ts = u.trajectory[0]
    return ts.positions.astype(float), ts.triclinic_dimensions.astype(float), u.atoms.names.astype(str)


def gap(ours: Any, theirs: Any) -> str:
    """Largest difference."""
    return f"{np.abs(np.asarray(ours) - np.asarray(theirs)).max():.0e}"


def rdf_by_freud(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """Each pair of species by freud.density.RDF."""
    import freud

    from ionpath.frames import freud_system
    from ionpath.structure import radial_distribution

    positions, cell, symbols = frame_of(u)
    found = radial_distribution(positions, cell, symbols.tolist(), r_max=10.0)

    def peer() -> Any:
        box, points = freud_system(positions, cell)
        rows = []
        for a, b in found.pairs:
            mode = "finite_size" if a == b else "exact"
            rdf = freud.density.RDF(bins=len(found.r), r_max=10.0, normalization_mode=mode)
            query = None if a == b else points[symbols == b]
            rows.append(rdf.compute((box, points[symbols == a]), query_points=query).rdf)
        return rows

    wrong = np.abs(found.g - np.array(peer()))[:, 40:].mean()
    return "freud RDF", peer, f"mean {wrong:.0e}"


def order_by_freud(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """Averaged q6 of twelve neighbours by freud."""
    import freud

    from ionpath.frames import freud_system
    from ionpath.structure import averaged_steinhardt

    positions, cell, _ = frame_of(u)

    def peer() -> Any:
        system = freud_system(positions, cell)
        order = freud.order.Steinhardt(6, average=True)
        return order.compute(system, neighbors={"num_neighbors": 12}).particle_order

    # The twelfth neighbour of a few atoms depends on the single precision of freud.
    return "freud Steinhardt", peer, f"median {np.median(np.abs(averaged_steinhardt(positions, cell) - peer())):.0e}"


def cells_by_freud(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """Voronoi volumes of all atoms by freud (voro++)."""
    import freud

    from ionpath.frames import freud_system
    from ionpath.structure import voronoi_volumes

    positions, cell, symbols = frame_of(u)
    lithium = np.flatnonzero(symbols == "Li")

    def peer() -> Any:
        return freud.locality.Voronoi().compute(freud_system(positions, cell)).volumes

    return "freud Voronoi", peer, gap(voronoi_volumes(positions, cell, lithium), peer()[lithium]) + " A^3"


def rings_by_gudhi(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """Complex and persistence by gudhi, without cycles."""
    from ionpath.structure.homology import diagram_by_gudhi, diagram_of, periodic_alpha_complex, triangulated

    positions, cell, symbols = frame_of(u)
    network = positions[np.isin(symbols, ["P", "S"])]
    spots = np.mod(network @ np.linalg.inv(cell), 1.0) @ cell
    spots += np.random.default_rng(20).uniform(-1e-5, 1e-5, spots.shape)  # as in periodic_alpha_complex

    def peer() -> Any:
        return diagram_by_gudhi(triangulated(spots, cell, None))

    ours, theirs = diagram_of(periodic_alpha_complex(network, cell)), peer()
    return "gudhi", peer, gap(np.sort(ours.death), np.sort(theirs.death)) + " A^2"


def factor_by_dynasor(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """Partial structure factors at the same wave vectors by dynasor."""
    from dynasor.core.reciprocal import calc_rho_q

    from ionpath.structure.reciprocal import DirectSum, reciprocal_vectors

    positions, cell, symbols = frame_of(u)
    vectors = reciprocal_vectors(cell, 12.0)
    groups = [np.flatnonzero(symbols == s) for s in sorted(set(symbols.tolist()))]
    q = 2 * np.pi * vectors @ np.linalg.inv(cell).T

    def peer() -> Any:
        modes = np.array([calc_rho_q(positions[g], q) for g in groups])
        return (modes[:, None] * modes[None].conj()).real / len(symbols)

    sums = DirectSum(symbols.tolist(), vectors)
    sums.add(positions, cell)
    found, modes = sums.result(), peer()
    worst, species = 0.0, sorted(set(symbols.tolist()))
    for (x, y), values in zip(found.pairs, found.partials, strict=True):
        own = found.fractions[x] if x == y else 0.0
        reference = 1 + (modes[species.index(x), species.index(y)] - own) / (found.fractions[x] * found.fractions[y])
        worst = max(worst, float((np.abs(values - reference) / (1 + np.abs(reference))).max()))
    return "dynasor", peer, f"{worst:.0e}"


def sites_by_tree(u: Any, done: Any) -> tuple[str, Callable[[], Any], str]:
    """The bare nearest site by scipy's tree, sites at rest, without states, drift or doubt."""
    from scipy.spatial import cKDTree

    shells = states(u)
    positions, cell, symbols = frame_of(u)
    edge = float(cell[0, 0])
    tree = cKDTree(np.mod(shells.site_positions, edge), boxsize=edge)
    ions = np.mod(positions[symbols == "Li"], edge)
    nearest = np.asarray(tree.query(ions)[1])
    known = done.results.sites[0] >= 0
    share = (done.results.sites[0][known] == nearest[known]).mean()
    return "scipy cKDTree", lambda: tree.query(ions), f"{share:.2%} alike"


def lithium(u: Any) -> Any:
    """The ions."""
    return u.select_atoms("name Li")


def rows() -> dict[str, Row]:
    """Every public analysis."""
    import ionpath_mdanalysis as im
    from ionpath_mdanalysis import anion_disorder as ad

    softness = {"lag": 10, "n_groups": 5, "most": 20_000}  # a twelfth of the default, for a short benchmark
    return {
        "ShellStates": Row(lambda u, **o: im.ShellStates(lithium(u), states(u), **o), (500, 1500), sites_by_tree),
        "MarkovStates": Row(lambda u, **o: im.MarkovStates(lithium(u), shells=states(u), lag=10, **o), (500, 1500)),
        "PathEntropy": Row(lambda u, **o: im.PathEntropy(lithium(u), shells=states(u), lag=10, **o), (500, 1500)),
        "IonDiffusion (exact)": Row(lambda u, **o: im.IonDiffusion(lithium(u), method="exact", **o), (500, 1500)),
        "IonDiffusion": Row(lambda u, **o: im.IonDiffusion(lithium(u), method="stream", **o), (500, 1500)),
        "NonGaussianParameter": Row(
            lambda u, **o: im.NonGaussianParameter(lithium(u), method="stream", **o), (500, 1500)
        ),
        "SelfVanHove": Row(
            lambda u, **o: im.SelfVanHove(lithium(u), lag_times=[1, 2], method="stream", **o), (500, 1500)
        ),
        "IonHops": Row(lambda u, **o: im.IonHops(lithium(u), centres=cages(u), method="stream", **o), (500, 1500)),
        "IonDensity": Row(lambda u, **o: im.IonDensity(lithium(u), **o), (50, 250)),
        "TetrahedronTilt": Row(
            lambda u, **o: im.TetrahedronTilt(u.select_atoms("name P"), temperature=600, **o), (100, 500)
        ),
        "TetrahedralDistortion": Row(
            lambda u, **o: im.TetrahedralDistortion(u.select_atoms("name P"), **o), (100, 500)
        ),
        "AnionSpeciation": Row(lambda u, **o: im.AnionSpeciation(u.atoms, **o), (50, 200)),
        "AngleDistribution": Row(lambda u, **o: ad.AngleDistribution(u.atoms, **o), (50, 200)),
        "LayerProfiles": Row(lambda u, **o: ad.LayerProfiles(u.atoms, **o), (100, 500)),
        "AmorphisationProfile": Row(lambda u, **o: im.AmorphisationProfile(u.atoms, thickness=6.0, **o), (10, 40)),
        "AveragedSteinhardt": Row(
            lambda u, **o: im.AveragedSteinhardt(u.atoms, lithium(u), **o), (10, 40), order_by_freud
        ),
        "IonVoronoiVolume": Row(lambda u, **o: im.IonVoronoiVolume(lithium(u), **o), (10, 40), cells_by_freud),
        "RingTopology": Row(lambda u, **o: im.RingTopology(u.atoms, **o), (4, 16), rings_by_gudhi),
        "RadialDistributions": Row(lambda u, **o: ad.RadialDistributions(u.atoms, **o), (10, 40), rdf_by_freud),
        "StructureFactor": Row(lambda u, **o: im.StructureFactor(u.atoms, **o), (5, 20)),
        "StructureFactor (direct)": Row(
            lambda u, **o: im.StructureFactor(u.atoms, method="direct", **o), (5, 20), factor_by_dynasor
        ),
        "NonAffineDisplacement": Row(lambda u, **o: im.NonAffineDisplacement(lithium(u), lag=10, **o), (150, 300)),
        "Softness": Row(lambda u, **o: im.Softness(lithium(u), **softness, **o), (1280, 3840)),
    }


def spent(call: Callable[[], Any]) -> tuple[Any, float]:
    """Result and CPU time."""
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


def peak() -> float:
    """Largest resident size so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, folder: Path, quick: bool) -> dict[str, Any]:
    """Times, memory and peer of one class."""
    row, u = rows()[name], opened(folder)
    threadpool_limits(1)
    short, long = row.frames
    if quick:
        # Softness needs lags enough for its folds.
        short, long = (60, 80) if name == "Softness" else (max(3, short // 10), max(5, long // 10))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in ("ShellStates", "MarkovStates", "PathEntropy", "IonHops"):
            states(u)  # once for all runs, and not counted
        # Buffers of one length, so that memory grows by what is kept alone.
        run = lambda frames: row.make(u, chunk_frames=min(short, 400)).run(stop=frames)  # noqa: E731
        run(short)  # warms up
        _, reading = spent(lambda: [None for _ in u.trajectory[:long]])
        _, first = spent(lambda: run(short))
        done, second = spent(lambda: run(long))
        slope = max(second - first, 0.0) / (long - short)
        facts: dict[str, Any] = {
            "name": name, "read": reading / long, "frame": slope, "constant": max(second - slope * long, 0.0),
            "peak": peak(), "growth": 0.0,
        }  # fmt: skip
        if row.peer is not None:
            try:
                label, call, agreement = row.peer(u, done)
                _freud_on_one_thread()
                call()
                facts |= {"peer": label, "agreement": agreement, "theirs": min(spent(call)[1] for _ in range(3))}
            except ModuleNotFoundError as error:
                facts |= {"peer": f"{error.name} is not installed"}
    return facts


def memory(name: str, folder: Path, frames: int) -> dict[str, Any]:
    """Largest resident size of one run in a process that did nothing else."""
    u = opened(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done = rows()[name].make(u, chunk_frames=min(rows()[name].frames[0], 100)).run(stop=frames)
    tables = (x for x in done.results.values() if isinstance(x, np.ndarray) and x.shape[:1] == (frames,))
    return {"peak": peak(), "kept": sum(x.nbytes for x in tables) / frames / 2**20}


def _apart(name: str, folder: str, *more: str) -> dict[str, Any]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, "--folder", folder, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _freud_on_one_thread() -> None:
    if "freud" in sys.modules:
        sys.modules["freud"].parallel.set_num_threads(1)


def line(facts: dict[str, Any], markdown: bool) -> str:
    """One row of the table."""
    hours = (facts["frame"] * MANY + facts["constant"]) / 3600
    memory = (facts["peak"] + facts["growth"] * MANY) / 1024
    peer = "" if "theirs" not in facts else f"{facts['peer']} {1e3 * facts['theirs']:.3g} ms"
    ratio = "" if "theirs" not in facts else f"{facts['frame'] / facts['theirs']:.2f}"
    cells = [
        facts["name"],
        f"{1e3 * facts['frame']:.3g}", f"{facts['frame'] / facts['read']:.3g}", f"{facts['constant']:.1f}",
        f"{hours:.2g}", f"{memory:.2g}", peer or facts.get("peer", ""), ratio, facts.get("agreement", ""),
    ]  # fmt: skip
    if markdown:
        return "| " + " | ".join(cells) + " |"
    return "{:26s}{:>9s}{:>9s}{:>8s}{:>9s}{:>9s}  {:28s}{:>7s}  {}".format(*cells)


HEAD = ["class", "ms/frame", "x reading", "once, s", "h, 500k", "GB, 500k", "peer", "ratio", "apart"]


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="416 atoms and few frames in one process, to see it work")
    parser.add_argument("--only", nargs="+", help="these classes")
    parser.add_argument("--markdown", action="store_true", help="the table as in the docs")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--frames", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        facts = measure(options.measure, options.folder, False) if options.frames is None else None
        print(json.dumps(facts or memory(options.measure, options.folder, options.frames)))
        return 0
    chosen = options.only or list(rows())
    if unknown := set(chosen) - set(rows()):
        parser.error(f"unknown {', '.join(sorted(unknown))}; there are {', '.join(rows())}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write(folder, 2 if options.quick else 4, 160 if options.quick else 1500)
        print("| " + " | ".join(HEAD) + " |\n" + "|---" * len(HEAD) + "|" if options.markdown else
              "{:26s}{:>9s}{:>9s}{:>8s}{:>9s}{:>9s}  {:28s}{:>7s}  {}".format(*HEAD))  # fmt: skip
        for name in chosen:
            if options.quick:
                facts = measure(name, folder, True)
            else:
                facts = _apart(name, temporary)
                lengths = rows()[name].frames
                first, last = (_apart(name, temporary, "--frames", str(n)) for n in lengths)
                grown = last["peak"] - first["peak"]
                growth = grown / (lengths[1] - lengths[0]) if grown > NOISE else last["kept"]
                facts |= {"peak": last["peak"], "growth": growth}
            print(line(facts, options.markdown), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
