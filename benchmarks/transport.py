"""Transport beside the peers: the answers compared first, then the times.

    python benchmarks/transport.py                  everything, some minutes (most of it kinisi's)
    python benchmarks/transport.py --quick          small sizes, about a minute
    python benchmarks/transport.py --only coverage  one section: msd, displacements, distinct, ballistic, coverage, time

Times are CPU seconds of one thread without reading files, the best of three for the fast codes. Peers are only needed
here (``pip install freud-analysis Ripple-hpc kinisi pymatgen-analysis-diffusion``); a section says so where one is
missing. The trajectory of the sections msd, displacements and distinct is Li6PS5Cl, 416 atoms, if the reference data is
found in the folder that IONPATH_TEST_DATA names, and a random walk of the same size otherwise.
"""

from __future__ import annotations

import argparse
import gzip
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ionpath.transport import (
    distinct_van_hove,
    estimate_diffusion,
    mean_squared_displacement,
    non_gaussian_parameter,
    self_van_hove,
)

Floats = NDArray[np.float64]


def cpu(call: Callable[[], Any], repeats: int = 3) -> tuple[Any, float]:
    """Result and best CPU time of a call; the first one warms up."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return result, min(times)


def row(name: str, ours: float, peer: float, agreement: str) -> None:
    """One line of the table."""
    print(f"  {name:34s} ours {ours:9.4f} s   peer {peer:9.4f} s   ratio {ours / peer:6.2f}   {agreement}")


def trajectory() -> tuple[str, Floats, Floats]:
    """Unwrapped lithium positions (A) and the cell."""
    folder = Path(os.environ.get("IONPATH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    file = folder / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz"
    if not file.is_file():
        walk = np.random.default_rng(0).normal(scale=0.4, size=(140, 192, 3)).cumsum(axis=0)
        return "a random walk of 192 ions, 140 frames", walk, 20.3 * np.eye(3)
    with gzip.open(file, "rt") as text:
        lines = text.read().splitlines()
    cell = np.array([line.split() for line in lines[2:5]], dtype=float)
    elements = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
    starts = [i + 1 for i, line in enumerate(lines) if line.startswith("Direct")]
    frames = np.array([[line.split()[:3] for line in lines[i : i + elements.size]] for i in starts], dtype=float)
    steps = np.diff(frames, axis=0)
    steps -= np.rint(steps)
    unwrapped = np.concatenate([frames[:1], frames[0] + steps.cumsum(axis=0)]) @ cell
    return "Li6PS5Cl, 50 % inversion, 192 Li, 140 frames", unwrapped[:, elements == "Li"], cell


def brownian(rng: np.random.Generator, frames: int, ions: int, diffusion: float, rattle: float = 0.0) -> Floats:
    """Walk with 1 ps between frames, with rattling in cages of a width in A."""
    walk = rng.normal(scale=np.sqrt(2 * diffusion), size=(frames, ions, 3)).cumsum(axis=0)
    return walk + rng.normal(scale=rattle, size=walk.shape) if rattle else walk


def ripple_store(positions: Floats, cell: Floats, folder: str) -> Any:
    """The trajectory as Ripple wants it."""
    from ase import Atoms
    from ripple.prepare import memmap_create

    frames = [Atoms(["Li"] * positions.shape[1], positions=frame, cell=cell, pbc=True) for frame in positions]
    return memmap_create(frames, save_dir=folder, trajectory_tag="a", n_frames=len(frames))


def msd(quick: bool) -> None:
    """MSD against NumPy (truth) and freud (speed)."""
    import freud

    frames = 400 if quick else 2000
    walk = np.random.default_rng(1).normal(scale=0.3, size=(frames, 192, 3)).cumsum(axis=0)
    found, ours = cpu(lambda: mean_squared_displacement(walk, collective=False))
    peer, theirs = cpu(lambda: freud.msd.MSD(mode="window").compute(walk).msd)
    lags = [1, 10, 50, frames - 1]
    truth = np.array([((walk[n:] - walk[:-n]) ** 2).sum(axis=2).mean() for n in lags])
    exact, single = (np.abs(m[lags] / truth - 1).max() for m in (found.total, peer))
    row(f"MSD, {frames} frames x 192, freud", ours, theirs, f"from NumPy: ours {exact:.0e}, freud {single:.0e}")


def displacements(quick: bool) -> None:
    """Non-Gaussian parameter and self van Hove function against Ripple."""
    from ripple.diffusion import alpha2_cal
    from ripple.vhf import vhf_self_cal

    name, positions, cell = trajectory()
    print(f"  ({name})")
    frames = len(positions)
    with tempfile.TemporaryDirectory() as folder:
        store = ripple_store(positions, cell, folder)
        alpha, ours = cpu(lambda: non_gaussian_parameter(positions, lags=np.arange(frames)))
        peer, theirs = cpu(lambda: alpha2_cal(store, "Li", timestep_ps=0.1, drift_correction="off"))
        row(
            "alpha_2, all lags, Ripple",
            ours,
            theirs,
            f"largest difference {np.abs(alpha.alpha - peer.alpha2)[1:].max():.0e}",
        )
        hove, ours = cpu(lambda: self_van_hove(positions, np.arange(51), r_max=10.0))
        other, theirs = cpu(lambda: vhf_self_cal(store, "Li", r_max=10, dr=0.1, timestep_ps=0.1, lag_max=50))
        gap = np.abs(hove.values - other.Gs)[1:].max()
        row("self van Hove, 51 lags, Ripple", ours, theirs, f"largest difference {gap:.0e} A^-3")


def distinct(quick: bool) -> None:
    """Distinct van Hove function against Ripple."""
    from ripple.vhf import vhf_distinct_cal

    _, positions, cell = trajectory()
    lag = 5 if quick else 50
    with tempfile.TemporaryDirectory() as folder:
        store = ripple_store(positions, cell, folder)
        found, ours = cpu(lambda: distinct_van_hove(positions, cell, np.arange(lag + 1), r_max=10.0), 1)
        options = {"r_max": 10, "dr": 0.1, "timestep_ps": 0.1, "lag_max": lag}
        peer, theirs = cpu(lambda: vhf_distinct_cal(store, "Li", "Li", **options), 1)
        gap = np.abs(found.values - peer.Gd).max()
        row(f"distinct van Hove, {lag + 1} lags, Ripple", ours, theirs, f"largest difference {gap:.0e}")


def ballistic(quick: bool) -> None:
    """Ions that fly through the cell: the distinct part has to stay near 1."""
    rng, edge = np.random.default_rng(5), 16.0
    start, velocity = rng.uniform(0, edge, (100, 3)), rng.normal(size=(100, 3))
    velocity *= 0.1 * edge / np.linalg.norm(velocity, axis=1, keepdims=True)
    flight = start + np.arange(51)[:, None, None] * velocity
    lags = [0, 5, 10, 20, 40]
    found = distinct_van_hove(flight, edge * np.eye(3), lags, r_max=5.5, dr=0.5, origins=5)
    print("  cell lengths flown                 " + "".join(f"{n / 10:8.1f}" for n in lags))
    print("  mean G_d / rho over 2 to 5.5 A     " + "".join(f"{g:8.2f}" for g in found.values[:, 4:].mean(axis=1)))
    from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
    from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
    from pymatgen.core import Lattice, Structure

    # pymatgen needs a framework: one atom at rest.
    flight = np.concatenate([flight, np.zeros((51, 1, 3))], axis=1)
    first = Structure(Lattice.cubic(edge), ["Li"] * 100 + ["S"], flight[0], coords_are_cartesian=True)
    moved = (flight - flight[0]).transpose(1, 0, 2)
    data = DiffusionAnalyzer(first, moved, "Li", 300, 2, 1, smoothed=False, c_ranges=None)
    theirs = VanHoveAnalysis(data, avg_nsteps=5, ngrid=23, rmax=11.0, step_skip=1, sigma=0.1, species=["Li"])
    near = (theirs.interval >= 2) & (theirs.interval <= 5.5)
    print("  pymatgen VanHoveAnalysis           " + "".join(f"{theirs.gdrt[n][near].mean():8.2f}" for n in lags))


def coverage(quick: bool) -> None:
    """How often intervals hold the truth: walks of 32 ions, 200 frames, D = 0.1 A^2/ps."""
    repeats = 30 if quick else 100
    for name, rattle in (("free", 0.0), ("rattling by 0.5 A", 0.5)):
        rng = np.random.default_rng(11)
        found = [estimate_diffusion(brownian(rng, 200, 32, 0.1, rattle), 1.0).coefficient for _ in range(repeats)]
        _cover(f"ours, {name}", [(e.value, e.error, e.low, e.high) for e in found])
    rng = np.random.default_rng(11)
    _cover("kinisi, free, all lags", [_kinisi(brownian(rng, 200, 32, 0.1), None)[0] for _ in range(6 if quick else 40)])


def _cover(name: str, found: list[tuple[float, float, float, float]]) -> None:
    value, error, low, high = np.array(found).T
    one, two = np.mean(np.abs(value - 0.1) <= error), np.mean((low <= 0.1) & (high >= 0.1))
    print(
        f"  {name:28s} {len(found):3d} walks   68 %: {one:5.0%}   95 %: {two:5.0%}   mean D {value.mean():.4f}   "
        f"spread {value.std():.4f}   quoted {error.mean():.4f}"
    )


def _kinisi(walk: Floats, lags: int | None) -> tuple[tuple[float, float, float, float], float, float]:
    """D with error and interval by kinisi, and its CPU times: displacements, and regression."""
    import scipp as sc
    from ase import Atoms
    from kinisi.analyze import DiffusionAnalyzer

    frames = [Atoms(["Li"] * walk.shape[1], positions=f + 500.0, cell=[1000.0] * 3, pbc=True) for f in walk]
    options: dict[str, Any] = {"step_skip": 1 * sc.Unit("dimensionless"), "progress": False}
    if lags:
        times = np.unique(np.geomspace(1, len(walk) - 1, lags).astype(int)).astype(float)
        options["dt"] = sc.array(dims=["time interval"], values=times, unit="ps")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Framework-free: kinisi needs no other atoms for unwrapped positions without drift.
        start = time.process_time()
        k = DiffusionAnalyzer.from_ase(trajectory=frames, specie="Li", time_step=1.0 * sc.Unit("ps"), **options)
        middle = time.process_time()
        np.random.seed(0)  # noqa: NPY002  kinisi draws from the global generator
        k.diffusion(start_dt=1.0 * sc.Unit("ps"), progress=False)
        end = time.process_time()
    draws = k.D.to_unit("angstrom^2/ps").values
    answer = (float(draws.mean()), float(draws.std()), *(float(x) for x in np.quantile(draws, (0.025, 0.975))))
    return answer, middle - start, end - middle  # type: ignore[return-value]


def timing(quick: bool) -> None:
    """D with its error, 192 ions: ours and kinisi with all lags, its default."""
    frames = 400 if quick else 2000
    walk = brownian(np.random.default_rng(3), frames, 192, 0.1)
    found, ours = cpu(lambda: estimate_diffusion(walk, 1.0).coefficient)
    (value, error, *_), first, second = _kinisi(walk, None)
    agreement = f"D {found} and {value:.4f} ± {error:.4f} (kinisi: {first:.1f} + {second:.1f} s)"
    row(f"D, {frames} frames x 192, kinisi", ours, first + second, agreement)


SECTIONS: dict[str, Callable[[bool], None]] = {
    "msd": msd,
    "displacements": displacements,
    "distinct": distinct,
    "ballistic": ballistic,
    "coverage": coverage,
    "time": timing,
}


def main() -> int:
    """Run the sections that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    options = parser.parse_args()
    with threadpool_limits(1):
        for name, section in SECTIONS.items():
            if options.only in (None, name):
                print(name, "-", (section.__doc__ or "").split("\n")[0])
                try:
                    section(options.quick)
                except ModuleNotFoundError as error:
                    print(f"  the peer is not installed: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
