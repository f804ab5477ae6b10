"""PathEntropy over a 3,328-atom trajectory: memory against the number of frames, speed against reading alone.

Run with ``python benchmarks/path_entropy_streaming.py [--frames 1000 5000 20000]``. Each measurement is a process of
its own; times are CPU seconds of one thread, peaks are the largest resident size.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

LAG = 100
FORMATS = ("xtc", "dcd")


def write(folder: Path, n_frames: int) -> None:
    """Write lithium hopping between the 24g cage sites of Li6PS5Cl, 4 x 4 x 4 cells, in both formats."""
    import MDAnalysis
    from MDAnalysis.coordinates.DCD import DCDWriter
    from MDAnalysis.coordinates.XTC import XTCWriter

    from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework

    rng = np.random.default_rng(0)
    cells, edge = 4, REFERENCE_EDGE * 4
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    positions, elements, orbits = framework()
    fixed = ((positions[:, None] + grid) / cells).reshape(-1, 3) * edge
    symbols, orbit = np.repeat(elements, len(grid)), np.repeat(orbits, len(grid))
    sites = ((cage_sites()[:, None] + grid) / cells).reshape(-1, 3) * edge
    names = np.concatenate([np.full(len(sites), "Li"), symbols])
    universe = MDAnalysis.Universe.empty(len(names), trajectory=True)
    universe.add_TopologyAttr("names", names)
    neighbours = _neighbours(sites, edge)
    np.savez(folder / "sites.npz", names=names, sites=sites, centres=fixed[orbit == "4d"], edge=edge,
             centre_atoms=len(sites) + np.flatnonzero(orbit == "4d"))  # fmt: skip
    at = np.arange(len(sites))
    writers = [XTCWriter(str(folder / "md.xtc"), len(names)), DCDWriter(str(folder / "md.dcd"), len(names), dt=0.1)]
    universe.dimensions = [edge, edge, edge, 90, 90, 90]
    for frame in range(n_frames):
        hop = np.flatnonzero(rng.random(len(at)) < 0.004)
        at[hop] = neighbours[at[hop], rng.integers(neighbours.shape[1], size=len(hop))]
        lithium = sites[at] + rng.normal(scale=0.35, size=sites.shape)
        framework_now = fixed + rng.normal(scale=0.12, size=fixed.shape)
        universe.atoms.positions = np.concatenate([lithium, framework_now]) % edge
        universe.trajectory.ts.time = 0.1 * frame
        universe.trajectory.ts.frame = frame
        for writer in writers:
            writer.write(universe.atoms)
    for writer in writers:
        writer.close()


def _neighbours(sites: np.ndarray, edge: float) -> np.ndarray:
    from scipy.spatial import cKDTree

    tree = cKDTree(sites % edge, boxsize=edge)
    return tree.query(sites % edge, k=9)[1][:, 1:]


def load(folder: Path, form: str) -> tuple[object, object]:
    """Open a trajectory and make its shells."""
    import MDAnalysis

    from ionpath_mdanalysis import CoordinationShells

    with np.load(folder / "sites.npz") as data:
        names, edge = data["names"], float(data["edge"])
        shells = CoordinationShells.from_sites(
            np.eye(3) * edge,
            data["centres"] / edge,
            data["sites"] / edge,
            n_vertices=6,
            centre_atoms=data["centre_atoms"],
        )
    universe = MDAnalysis.Universe.empty(len(names), trajectory=True)
    universe.add_TopologyAttr("names", names)
    universe.load_new(str(folder / f"md.{form}"))
    return universe, shells


def read(folder: Path, form: str, n_frames: int) -> None:
    """Read the frames and do nothing."""
    universe, _ = load(folder, form)
    begin = time.process_time()
    for _ in universe.trajectory[:n_frames]:
        pass
    report(begin)


def analyse(folder: Path, form: str, n_frames: int) -> None:
    """Read the frames and compute the path entropy with everything that comes with it."""
    import deeptime.markov.msm  # noqa: F401 - imported before the clock starts, as everything else is

    from ionpath_mdanalysis import PathEntropy

    universe, shells = load(folder, form)
    begin = time.process_time()
    run = PathEntropy(universe.select_atoms("name Li"), shells, lag=LAG).run(stop=n_frames)
    report(begin, total=run.results.total, hops=run.results.n_hops, unassigned=run.results.unassigned_fraction)


def report(begin: float, **more: float) -> None:
    """Hand time and memory to the process that asked."""
    used = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": used, "peak": peak, **more}))


def measure(task: str, folder: Path, form: str, n_frames: int) -> dict[str, float]:
    """Run a task in a process of its own."""
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder), "--form", form]
    done = subprocess.run(
        [*command, "--frames", str(n_frames)],
        check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Write the trajectory, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--folder", type=Path, help="keep the trajectory here")
    parser.add_argument("--task", choices=("read", "analyse"), help=argparse.SUPPRESS)
    parser.add_argument("--form", choices=FORMATS, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="1,000 frames only")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.frames = [1000]
    warnings.simplefilter("ignore")
    if chosen.task:
        {"read": read, "analyse": analyse}[chosen.task](chosen.folder, chosen.form, chosen.frames[0])
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "sites.npz").exists():
            write(folder, max(chosen.frames))
        table(folder, sorted(chosen.frames))


def table(folder: Path, frames: list[int]) -> None:
    """Print what was measured."""
    print("format  frames   read alone     path entropy   speed    peak memory   hops     total, J/mol/K")
    for form in FORMATS:
        for n_frames in frames:
            alone = measure("read", folder, form, n_frames)
            whole = measure("analyse", folder, form, n_frames)
            print(
                f"{form:6} {n_frames:7d} {1e3 * alone['seconds'] / n_frames:9.3f} ms/fr "
                f"{1e3 * whole['seconds'] / n_frames:9.3f} ms/fr {alone['seconds'] / whole['seconds']:7.2f} "
                f"{whole['peak']:9.0f} MB {whole['hops']:9d} {whole['total']:12.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
