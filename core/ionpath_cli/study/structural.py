"""What is read from each run about structure: density of lithium, bonds, anions, order, rings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.errors import InputError
from ionpath_cli.study.quantities import Rows, estimated, normal, quantity

if TYPE_CHECKING:
    from ionpath_cli.study.finished import Run

FRAMES = 400
"""Frames that the slower of these look at, evenly spaced over the run."""


def _every(run: Run, frames: int = FRAMES) -> int:
    return max(1, run.universe.trajectory.n_frames // frames)


def density(run: Run) -> Rows:
    """Density of lithium, and the level at which its paths run through the cell, with errors from halves."""
    from MDAnalysis.analysis.ion_transport import IonDensity

    every = _every(run, 2000)
    found = IonDensity(run.ions, verbose=False).run(step=every)
    found.save(run.place / "density.npz")
    n = run.universe.trajectory.n_frames
    halves = [
        IonDensity(run.ions, verbose=False).run(start=a, stop=b, step=every).results.percolation
        for a, b in ((0, n // 2), (n // 2, n))
    ]
    whole = found.results.percolation
    levels = {"percolation level": [p.threshold for p in (whole, *halves)]}
    levels |= {f"percolation level along {axis}": [p.axes[k] for p in (whole, *halves)] for k, axis in enumerate("xyz")}
    return [
        quantity(name, normal(value, abs(first - second) / 2), "of the mean density; error from halves of the run")
        for name, (value, first, second) in levels.items()
    ]


def bonds(run: Run) -> Rows:
    """Distances, coordination, angles and structure factors."""
    from ionpath_mdanalysis.anion_disorder import AngleDistribution, RadialDistributions, StructureFactor

    every, atoms = _every(run), run.universe.atoms
    radial = RadialDistributions(atoms, verbose=False).run(step=every)
    radial.save(run.place / "radial.npz")
    rdf = radial.results.rdf
    g = rdf.partial("P", "S")
    rows = [
        quantity("P-S bond", float(rdf.r[int(np.argmax(g))]), "highest point of g(r), bins of 0.05 A", "A"),
        quantity("P-P within 2.6 A", _within(radial, "P", "P", 2.6), "neighbours of a P"),
        quantity("Li-S coordination", _minimum(radial, "Li", "S"), "to the first minimum of g(r)"),
    ]
    angles = AngleDistribution(atoms, verbose=False).run(step=every)
    angles.save(run.place / "angles.npz")
    rows.append(quantity("S-P-S angle", angles.results.mean, f"standard deviation {angles.results.std:.1f}", "degree"))
    factor = StructureFactor(atoms, verbose=False).run(step=every)
    factor.save(run.place / "structure-factor.npz")
    try:
        peak = factor.first_peak("neutron")
    except InputError as error:
        return [*rows, quantity("first sharp diffraction peak", float("nan"), str(error), "1/A")]
    return [
        *rows,
        quantity("first sharp diffraction peak", peak.position, f"neutrons, height {peak.height:.2f}", "1/A"),
        quantity("width of the first sharp diffraction peak", peak.width, "neutrons", "1/A"),
    ]


def _within(radial: Any, a: str, b: str, radius: float) -> float:
    return float(radial.coordination_number(a, b, radius))


def _minimum(radial: Any, a: str, b: str) -> float:
    try:
        return float(radial.coordination_number(a, b))
    except InputError:  # g(r) has no two peaks
        return float("nan")


def anions(run: Run) -> Rows:
    """Share of phosphorus in each kind of anion."""
    from MDAnalysis.analysis.anion_disorder import AnionSpeciation

    found = AnionSpeciation(run.universe.atoms, persistence=1.0, verbose=False).run(step=_every(run, 2000))
    found.save(run.place / "anions.npz")
    shares, errors = found.results.centre_fractions, found.results.centre_fractions_error
    n = len(run.universe.select_atoms("element P"))
    rows = []
    for name in dict.fromkeys(["PS4", "P2S7", "P2S6", *shares]):
        share = shares.get(name, 0.0)
        error = np.hypot(errors.get(name, 0.0), counting_error(share, n))
        note = f"persistence 1 ps; error of counting {n} P in one structure included"
        rows.append(quantity(f"P in {name}", normal(100 * share, 100 * error, "%"), note))
    return rows


def counting_error(share: float, number: int) -> float:
    """Standard error of a share of so many independent atoms, above 0 where none or all were found.

    Examples
    --------
    >>> round(counting_error(0.0, 12), 4), round(counting_error(0.5, 100), 4)
    (0.0688, 0.0495)
    """
    p = (share * number + 1.0) / (number + 2.0)  # rule of succession
    return float(np.sqrt(p * (1.0 - p) / (number + 2.0)))


def order(run: Run) -> Rows:
    """Averaged Steinhardt order and Voronoi volume of lithium."""
    from MDAnalysis.analysis.anion_disorder import AveragedSteinhardt, IonVoronoiVolume

    every, atoms = _every(run, 200), run.universe.atoms
    q6 = AveragedSteinhardt(atoms, of=run.ions, verbose=False).run(step=every)
    volume = IonVoronoiVolume(run.ions, verbose=False).run(step=every)
    q6.save(run.place / "order.npz")
    volume.save(run.place / "volume.npz")
    return [
        quantity("averaged q6 of Li", normal(q6.results.mean, q6.results.mean_error), "12 neighbours of any species"),
        quantity("Voronoi volume of Li", normal(volume.results.mean, volume.results.mean_error, "A^3"), "plain cells"),
    ]


def rings(run: Run) -> Rows:
    """Rings of the anion network and their length beside that of the first sharp diffraction peak."""
    from MDAnalysis.analysis.anion_disorder import RingTopology

    found = RingTopology(run.universe.atoms, verbose=False).run(step=_every(run, 50))
    found.save(run.place / "rings.npz")
    r = found.results
    large = float(r.rings_per_frame[r.sizes > 8].sum())
    return [
        quantity("length of rings of more than 8 atoms", normal(r.large_length, r.large_length_error, "A")),
        quantity("rings of more than 8 atoms", large, "in a frame"),
    ]


def rearrangement(run: Run) -> Rows:
    """Non-affine displacement of the surroundings of lithium within 1 ps."""
    from MDAnalysis.analysis.softness import NonAffineDisplacement

    step = max(1, round(0.1 / run.universe.trajectory.dt))
    found = NonAffineDisplacement(run.ions, lag=10, verbose=False).run(step=step)
    np.savez_compressed(
        run.place / "rearrangement.npz", d2min=found.results.d2min.astype(np.float32), lag_time=found.results.lag_time
    )
    note = f"per neighbour within 5 A, {found.results.lag_time:g} ps"
    return [quantity("non-affine displacement", estimated(found.results.d2min.mean(axis=1), "A^2"), note)]
