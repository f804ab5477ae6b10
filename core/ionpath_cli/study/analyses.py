"""What is read from each run: numbers with errors, and small files from which the analysis can be repeated."""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.io import read
from MDAnalysis.analysis.anion_disorder import TetrahedralDistortion, TetrahedronTilt
from MDAnalysis.analysis.ion_transport import IonDiffusion, IonHops, NonGaussianParameter, SelfVanHove
from MDAnalysis.analysis.path_entropy import CoordinationShells, PathEntropy, SiteNetwork
from MDAnalysis.lib.mdamath import triclinic_vectors

from ionpath.constants import GAS_CONSTANT
from ionpath.disorder import jackknife_error, shannon_entropy, support_entropy, tetrahedra
from ionpath.elements import ANIONS
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.kinetics import as_chain, macrostate_path_entropy, resampled_chains
from ionpath.paths.macrostates import OCTAHEDRON
from ionpath_cli.intact import QUANTITIES, write_json
from ionpath_cli.study import structural
from ionpath_cli.study.finished import Run
from ionpath_cli.study.quantities import Rows, estimated, normal, parted, quantity, student
from ionpath_cli.study.registry import ANALYSES, function_of
from ionpath_cli.study.structures import CRYSTAL, SITES, START
from ionpath_cli.study.tasks import Task

LAG = 12.0
"""Lag of the published Markov models, in ps. What a model then says of itself goes into the note."""
LAGS = 20
"""Lags that a run has at least: a shorter one takes fewer ps for its lag, though never less than one."""
PARTS = 4
"""Parts of a run from whose scatter an error is made."""
SAMPLES = 4480
"""Tetrahedra and frames from which an entropy of distortions is made, the same number for every system."""
DIAGONAL = 0.45
"""Mean sum of fourth powers of direction cosines below which bonds lie along the diagonals of the box, where it is 1/3;
it is 5/9 where a crystal is turned by 45 degrees, and 3/5 where bonds point anywhere."""


def analyse_run(task: Task, place: Path, inputs: list[Path]) -> None:
    """Do one analysis of one run."""
    run = Run(task, place, *inputs)
    rows = function_of(ANALYSES[task.settings["analysis"]])(run)
    write_json(place / QUANTITIES, [{**row, "picoseconds": run.picoseconds} for row in rows])


def lag_time(picoseconds: float) -> float:
    """The published lag, or the one that a shorter run allows, in whole ps: the same for all runs of one length."""
    return float(np.clip(picoseconds // LAGS, 1.0, LAG))


def paths(run: Run) -> Rows:
    """States, Markov model, passage times and path entropies."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*they are left out", UserWarning)  # said beside the numbers
        found = PathEntropy(run.ions, lag_time=lag_time(run.picoseconds), verbose=False, **_states(run)).run()
    r = found.results
    note = r.connected_reason if r.excluded_states else ""
    found.save(run.place / "path-entropy.npz")
    n = len(r.path_entropy)
    about = "; ".join(part for part in (f"{n} states, lag {r.lag_time:g} ps", str(r.verdict), note) if part)
    rows = [
        quantity("path entropy, all pairs", r.uncertainty.total, about),
        quantity("path entropy, mean per pair", r.uncertainty.mean_per_pair, about),
        quantity("path entropy, escape", r.uncertainty.escape, about),
        *_passage(found, about),
        *(_macrostates(found, about) if n == 7 else []),
    ]
    if r.n_hops == 0:
        seen = f"no ion left its site in {run.picoseconds:g} ps"
        rows = [
            {**row, "note": f"{n} states; {seen}", "doubt": f"{seen.capitalize()}: no path, no entropy."}
            for row in rows
        ]
    elif not r.verdict:
        rows = [{**row, "doubt": f"The Markov model does not hold at its lag of {r.lag_time:g} ps."} for row in rows]
    growth = normal(r.verdict.growth, r.verdict.growth_error)
    return [
        *rows,
        quantity("frames between sites", 100.0 * r.unassigned_fraction, unit="%"),
        quantity("slowest relaxation", np.fmax.reduce(r.implied_timescales, axis=None), about, "ps"),
        quantity("change of the slowest relaxation at longer lags", growth, f"from a lag of {r.lag_time:g} ps on"),
    ]


def _states(run: Run) -> dict[str, Any]:
    """Cages of the run's own anions, the published twelve states about pairs of SiS4 and PS4, or sites of a crystal."""
    if (run.structure / CRYSTAL).exists():
        cell, whole = (read(run.structure / name) for name in (CRYSTAL, START))
        repeats = np.rint(whole.cell.lengths() / cell.cell.lengths()).astype(int)
        return {"shells": SiteNetwork.from_structure(cell, "Li", repeats=tuple(repeats.tolist()))}
    if (run.structure / SITES).exists():
        return {"shells": CoordinationShells.for_argyrodite(run.universe, mobile="element Li")}
    if {"Si", "P"} <= set(run.universe.atoms.elements):
        shells = CoordinationShells.for_paired_cages(run.universe, mobile="element Li")
        return {"shells": shells, "method": "paired-cages", "core_sets": False}
    return {"shells": CoordinationShells.from_density(run.universe, "element Li")}


def _passage(found: Any, about: str) -> Rows:
    times = {"within a cage": found.results.mfpt_between_vertices, "out of a cage": found.results.mfpt_to_external}
    return [quantity(f"first passage {k}", t, about) for k, t in times.items() if np.isfinite(t.value)]


def departures(run: Run) -> Rows:
    """Path entropies from site 1 of a shell to its other sites and outside, in nats."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*they are left out", UserWarning)
        found = PathEntropy(
            run.ions, lag_time=lag_time(run.picoseconds), unit="nat", verbose=False, **_states(run)
        ).run()
    r = found.results
    about = f"{len(r.path_entropy)} states, lag {r.lag_time:g} ps; {r.verdict}"
    rows = [quantity(f"path entropy from site 1 to {k}", e, about) for k, e in found.entropies_from(1).items()]
    if not r.verdict:
        rows = [{**row, "doubt": f"The Markov model does not hold at its lag of {r.lag_time:g} ps."} for row in rows]
    return rows


def _macrostates(found: Any, about: str) -> Rows:
    """Path entropies between top, plane, bottom of an octahedron and outside, in nats, with errors over ions."""
    r = found.results
    chains = resampled_chains(r.runs, r.lag, n_states=r.runs.n_states, n_samples=100, connected=r.connected)
    best, *samples = (as_chain(chain) for chain in (chains.best, *chains.samples))
    alike = [best, *(chain for chain in samples if np.array_equal(chain.states, best.states))]
    groups = {name: best.positions(np.array(states)) for name, states in OCTAHEDRON.items()}
    there = {name: own for name, own in groups.items() if len(own)}
    if len(alike) < 20 or any(len(own) != len(OCTAHEDRON[name]) for name, own in there.items()):
        return []
    made = [macrostate_path_entropy(chain.transition_matrix, there, unit="nat") for chain in alike]
    nan = float("nan")
    rows = []
    for source, target in itertools.product(("top", "plane", "bottom"), OCTAHEDRON):
        name = f"path entropy, {source} to {target}"
        if source in there and target in there and source != target:
            values = np.array([one.between(source, target) for one in made])
            # Samples that are all the same, such as of a flux along one path, say nothing of the error.
            spread = float(values[1:].std(ddof=1)) or nan
            low, high = np.percentile(values[1:], [2.5, 97.5]) if spread > 0 else (nan, nan)
            rows.append(quantity(name, Estimate(values[0], spread, low, high, "nat"), about))
        elif source in there and source != target:
            rows.append(quantity(name, Estimate(nan, nan, nan, nan, "nat"), f"no ion was seen in {target}"))
    return rows


def transport(run: Run) -> Rows:
    """Diffusion, conductivity, van Hove function, non-Gaussian parameter and hops."""
    diffusion = IonDiffusion(run.ions, temperature=run.temperature, verbose=False).run()
    diffusion.save(run.place / "diffusion.npz")
    r = diffusion.results
    rows = [
        quantity("diffusion coefficient", r.diffusion_coefficient, r.verdict),
        quantity("conductivity", r.conductivity, f"Nernst-Einstein at {run.temperature:g} K; {r.verdict}"),
        quantity("Haven ratio", r.haven_ratio),
        quantity("lithium density", r.density, unit="1/A^3"),
    ]
    rows += [quantity(f"diffusion along {axis}", value) for axis, value in zip("xyz", r.diffusion_axes, strict=True)]
    rows.append(_exponent(run, diffusion))
    gaussian = NonGaussianParameter(run.ions, verbose=False).run()
    gaussian.save(run.place / "non-gaussian.npz")
    g = gaussian.results
    where = "" if g.peak_reached else "at the end of the range"
    rows += [
        quantity("non-Gaussian peak", structural.peak(g, run.ions.n_atoms), where),
        quantity("non-Gaussian peak time", g.peak_time, where, "ps"),
    ]
    duration = diffusion.frame_time * (diffusion.n_frames - 1)
    vanhove = SelfVanHove(run.ions, lag_times=[t for t in (1.0, 2.0, 5.0, 10.0) if t < duration], verbose=False).run()
    vanhove.save(run.place / "van-hove.npz")
    last, n = float(vanhove.results.times[-1]), len(run.ions)
    for distance in (5.0, 10.0):
        beyond = float(vanhove.weight_beyond(distance)[-1])
        share = structural.counted(beyond, n)
        rows.append(quantity(f"ions beyond {distance:g} A", share, f"after {last:g} ps; error of counting {n} ions"))
    hops = IonHops(run.ions, mode="published_events", verbose=False).run()
    rows.append(quantity("displacements of 3 A", hops.results.rate, "per ion, published rule"))
    return rows


def _exponent(run: Run, diffusion: Any) -> Any:
    """Exponent of the displacements from 1 ps to a quarter of each part of the run, with the scatter of the parts."""
    n = run.universe.trajectory.n_frames
    last = diffusion.frame_time * (n // PARTS) / 4.0
    if last < 2.0:
        return quantity("exponent of displacements", float("nan"), "too short")
    slopes = []
    for k in range(PARTS):
        part = IonDiffusion(run.ions, verbose=False).run(start=k * n // PARTS, stop=(k + 1) * n // PARTS).results
        inside = (part.times >= 1.0) & (part.times <= last)
        slopes.append(np.polyfit(np.log(part.times[inside]), np.log(part.msd[inside]), 1)[0])
    error = float(np.std(slopes, ddof=1) / PARTS**0.5)
    return quantity("exponent of displacements", student(np.mean(slopes), error, PARTS), f"lags of 1 to {last:.3g} ps")


def tilt(run: Run) -> Rows:
    """Free energies of the directions of bonds, and rotations of tetrahedra."""
    centres = run.universe.select_atoms("element P Si")
    found = TetrahedronTilt(centres, temperature=run.temperature, verbose=False).run(start=_whole(centres))
    found.save(run.place / "tilt.npz")
    beta = 1000.0 / (GAS_CONSTANT * run.temperature)

    def freedom(part: slice) -> dict[str, float]:
        start = _whole(centres, part)
        one = TetrahedronTilt(centres, temperature=run.temperature, verbose=False).run(start=start, stop=part.stop)
        energies = {bond: free.theta for bond, free in one.results.free_energy.items()}
        made = {f"entropy of theta, {bond}": _shannon(np.exp(-beta * f)) for bond, f in energies.items()}
        return made | {
            f"theta below 20 kJ/mol, {bond}": 100.0 * float(np.mean(f < 20.0)) for bond, f in energies.items()
        }

    rows: Rows = []
    for name, own in parted(run.universe.trajectory.n_frames, freedom).items():
        shannon = name.startswith("entropy")
        note = "Shannon, bins of 2 degrees" if shannon else "share of 0 to 180 degrees"
        rows.append(quantity(name, replace(own, unit="nat" if shannon else "%"), note))
    for kind, rate in found.results.rotation.items():
        value = rate.rate if rate.events else float("nan")
        error = value / np.sqrt(rate.events) if rate.events else float("nan")
        estimate = Estimate(1e3 * value, 1e3 * error, 1e3 * rate.low, 1e3 * rate.high, "1/ns")
        rows.append(quantity(f"rotations of {kind}", estimate, f"{rate.events} events"))
    return rows


def _whole(centres: Any, part: slice = slice(0, None)) -> int:
    """First frame of a part in which each tetrahedron has four anions: hot ones are stretched for a moment."""
    universe = centres.universe
    anions = np.flatnonzero(np.isin(universe.atoms.elements, sorted(ANIONS)))
    for ts in universe.trajectory[part]:
        try:
            tetrahedra(ts.positions, triclinic_vectors(ts.dimensions), centres.ix, anions)
        except InputError:
            continue
        return int(ts.frame)
    return int(part.start)  # the analysis says which is none


def energy(run: Run) -> Rows:
    """Mean potential energy."""
    log = np.genfromtxt(run.run / "trajectory.csv", delimiter=",", names=True)
    series = 1e3 * log["potential_energy_eV"] / run.universe.atoms.n_atoms
    return [quantity("potential energy", estimated(series, "meV/atom"), f"{len(series)} frames")]


def _shannon(weights: Any) -> float:
    p = weights[weights > 0] / weights.sum()
    return float(-(p * np.log(p)).sum())


def distortion(run: Run) -> Rows:
    """Configurational entropy of the distortions of tetrahedra, published and Shannon, at equal numbers of samples.

    The measure depends on how tetrahedra lie in the box: all systems are taken as argyrodites lie in the published one,
    with two edges of a tetrahedron along its axes x and y, and a crystal that lies otherwise is turned by 45 degrees.
    """
    centres = run.universe.select_atoms("element P Si")
    every = max(1, run.universe.trajectory.n_frames * len(centres) // SAMPLES)
    start = _whole(centres)

    def support(x: Any) -> float:
        return support_entropy(x, widths=(0.05, 0.0525, 0.055), lower=0.0, upper=5.5)

    def shannon(x: Any) -> float:
        return shannon_entropy(x, width=0.05, lower=0.0, upper=5.5)

    def measured(rotation: float) -> tuple[TetrahedralDistortion, Any]:
        found = TetrahedralDistortion(centres, mode="published", rotation=rotation, verbose=False)
        found.run(start=start, step=every)
        return found, found.results.distortion[: SAMPLES // len(centres)].astype(float)

    (found, values), frame = measured(0.0), "in the frame of the box"
    if found.results.orientation < DIAGONAL:
        frame = f"turned by 45 degrees as those of argyrodites lie ({support(values):.1f} in the frame of the box)"
        found, values = measured(45.0)
    found.save(run.place / "distortion.npz")
    note = f"{values.size} tetrahedra, {frame}, bins of 0.05, 0.0525 and 0.055"
    return [
        quantity(name, student(f(values), jackknife_error(values, f, n_blocks=5), 5, "J/mol/K"), note)
        for name, f in (("configurational entropy", support), ("configurational entropy, Shannon", shannon))
    ]
