"""What is read from each run about structure: density of lithium, bonds, anions, order, rings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from ase import Atoms
from MDAnalysis.analysis.anion_disorder import (
    AmorphisationProfile,
    AnionSpeciation,
    AveragedSteinhardt,
    IonVoronoiVolume,
    LayerProfiles,
    RingTopology,
)
from MDAnalysis.analysis.ion_transport import IonDensity, IonDiffusion, NonGaussianParameter
from MDAnalysis.analysis.softness import NonAffineDisplacement
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.files import atomic_path
from ionpath.structure import divide_regions
from ionpath_cli.study.finished import Run
from ionpath_cli.study.quantities import BLOCKS, Rows, estimated, jackknifed, quantity, scattered, student, summed
from ionpath_mdanalysis.anion_disorder import AngleDistribution, RadialDistributions, StructureFactor, phase_dynamics
from pymatgen.analysis.argyrodite import site_free_energies

FRAMES = 400
"""Frames that the slower of these look at, evenly spaced over the run."""


def _every(run: Run, frames: int = FRAMES) -> int:
    return max(1, run.universe.trajectory.n_frames // frames)


def density(run: Run) -> Rows:
    """Density of lithium, and the level at which its paths run through the cell."""
    every = _every(run, 1000)
    found = IonDensity(run.ions, verbose=False).run(step=every)
    found.save(run.place / "density.npz")

    def levels(frames: Any) -> dict[str, float]:
        p = IonDensity(run.ions, verbose=False).run(frames=frames).results.percolation
        along = {f"percolation level along {axis}": p.axes[k] for k, axis in enumerate("xyz")}
        return {"percolation level": p.threshold, **along}

    made = jackknifed(range(0, run.universe.trajectory.n_frames, every), levels)
    return [quantity(name, value, "of the mean density") for name, value in made.items()]


def bonds(run: Run) -> Rows:
    """Distances, coordination, angles and structure factors, with errors from parts of the run."""
    n = run.universe.trajectory.n_frames
    found = [_bonds(run, k * n // PARTS, (k + 1) * n // PARTS) for k in range(PARTS)]
    rows = []
    for name, (unit, note) in BONDS.items():
        values = np.array([one[name] for one in found])
        error = np.hypot(values.std(ddof=1) / PARTS**0.5, BIN / 12**0.5 if name == "P-S bond" else 0.0)
        row = quantity(name, student(values.mean(), float(error), PARTS, unit), note)
        rows.append({**row, **_blurred(run.reach(FAR))} if "diffraction" in name else row)
    return rows


def _blurred(reach: float) -> dict[str, str]:
    """What a small cell does to a peak of S(Q), which no scatter of the parts of a run can show."""
    width = 2.0 * np.pi / reach
    doubt = f"Within {reach:g} A, which is half of the cell, S(Q) resolves no less than {width:.2g} 1/A."
    return {"doubt": doubt} if reach < FAR else {}


PARTS, BIN, FAR = 4, 0.02, 10.0
BONDS = {
    "P-S bond": ("A", f"highest point of g(r), bins of {BIN} A"),
    "P-P within 2.6 A": ("", "neighbours of a P"),
    "Li-S coordination": ("", "to the first minimum of g(r)"),
    "S-P-S angle": ("degree", "mean"),
    "first sharp diffraction peak": ("1/A", "neutrons"),
    "width of the first sharp diffraction peak": ("1/A", "neutrons"),
}
"""Quantity -> unit and note."""


def _bonds(run: Run, start: int, stop: int) -> dict[str, float]:
    atoms, frames = run.universe.atoms, {"start": start, "stop": stop, "step": _every(run)}
    reach, part = run.reach(FAR), f"{start // max(1, stop - start)}"
    radial = RadialDistributions(atoms, r_max=reach, bins=round(reach / BIN), verbose=False).run(**frames)
    angles = AngleDistribution(atoms, verbose=False).run(**frames)
    factor = StructureFactor(atoms, verbose=False).run(**frames)
    for name, made in (("radial", radial), ("angles", angles), ("structure-factor", factor)):
        made.save(run.place / f"{name}-{part}.npz")
    rdf = radial.results.rdf
    found = {
        "P-S bond": float(rdf.r[int(np.argmax(rdf.partial("P", "S")))]),
        "P-P within 2.6 A": float(radial.coordination_number("P", "P", 2.6)),
        "Li-S coordination": _minimum(radial, "Li", "S"),
        "S-P-S angle": float(angles.results.mean),
        "first sharp diffraction peak": float("nan"),
        "width of the first sharp diffraction peak": float("nan"),
    }
    try:
        peak = factor.first_peak("neutron")
    except InputError:  # no peak below the main one
        return found
    return found | {
        "first sharp diffraction peak": float(peak.position),
        "width of the first sharp diffraction peak": float(peak.width),
    }


def _minimum(radial: Any, a: str, b: str) -> float:
    try:
        return float(radial.coordination_number(a, b))
    except InputError:  # g(r) has no two peaks
        return float("nan")


def anions(run: Run) -> Rows:
    """Share of phosphorus in each kind of anion."""
    found = AnionSpeciation(run.universe.atoms, persistence=1.0, verbose=False).run(step=_every(run, 2000))
    found.save(run.place / "anions.npz")
    shares, errors = found.results.centre_fractions, found.results.centre_fractions_error
    n = len(run.universe.select_atoms("element P"))
    rows = []
    for name in dict.fromkeys(["PS4", "P2S7", "P2S6", *shares]):
        share = shares.get(name, 0.0)
        parts = (100 * errors.get(name, 0.0), BLOCKS - 1), (100 * counting_error(share, n), n - 1)
        note = f"persistence 1 ps; error of counting {n} P in one structure included"
        own = summed(100 * share, parts, "%")
        rows.append(quantity(f"P in {name}", replace(own, low=max(0.0, own.low), high=min(100.0, own.high)), note))
    return rows


def counting_error(share: float, number: int) -> float:
    """Standard error of a share of so many independent atoms, above 0 where none or all were found.

    >>> round(counting_error(0.0, 12), 4), round(counting_error(0.5, 100), 4)
    (0.0688, 0.0495)
    """
    p = (share * number + 1.0) / (number + 2.0)  # rule of succession
    return float(np.sqrt(p * (1.0 - p) / (number + 2.0)))


def counted(share: float, number: int) -> Estimate:
    """A share of so many independent atoms in %, with Wilson's interval, which stays between 0 and 100 %.

    >>> found = counted(0.0, 48)
    >>> found.value, found.low, round(found.high, 2)
    (0.0, 0.0, 7.41)
    """
    p = min(1.0, max(0.0, float(share)))
    z2 = 1.959964**2
    middle, half = (p + z2 / (2 * number)), (z2 * (p * (1 - p) / number + z2 / (4 * number**2))) ** 0.5
    low, high = (100.0 * min(1.0, max(0.0, (middle + s * half) / (1 + z2 / number))) for s in (-1, 1))
    value = 0.0 if p < 1e-9 else 100.0 * p
    return Estimate(value, 100.0 * counting_error(p, number), 0.0 if value == 0.0 else low, high, "%")


def order(run: Run) -> Rows:
    """Averaged Steinhardt order and Voronoi volume of lithium."""
    every, atoms = _every(run, 200), run.universe.atoms
    q6 = AveragedSteinhardt(atoms, of=run.ions, verbose=False).run(step=every)
    volume = IonVoronoiVolume(run.ions, verbose=False).run(step=every)
    q6.save(run.place / "order.npz")
    volume.save(run.place / "volume.npz")
    both = (q6.results, ""), (volume.results, "A^3")
    own, space = (student(one.mean, one.mean_error, BLOCKS, unit) for one, unit in both)
    return [
        quantity("averaged q6 of Li", own, "12 neighbours of any species"),
        quantity("Voronoi volume of Li", space, "plain cells"),
    ]


def rings(run: Run) -> Rows:
    """Rings of the anion network and their length beside that of the first sharp diffraction peak."""
    found = RingTopology(run.universe.atoms, verbose=False).run(step=_every(run, 50))
    found.save(run.place / "rings.npz")
    r = found.results
    large = r.sizes > 8
    number = student(r.rings_per_frame[large].sum(), np.hypot.reduce(r.rings_per_frame_error[large]), BLOCKS)
    return [
        quantity("length of rings of more than 8 atoms", student(r.large_length, r.large_length_error, BLOCKS, "A")),
        quantity("rings of more than 8 atoms", number, "in a frame"),
    ]


def sites(run: Run) -> Rows:
    """Free energies of the tetrahedral sites of an argyrodite from how often they are filled, and their overlaps."""
    atoms = run.universe.atoms
    crystal = []
    for ts in run.universe.trajectory[:: _every(run, 200)]:
        frame = Atoms(atoms.elements, positions=ts.positions, cell=ts.dimensions.copy(), pbc=True)
        crystal.append(AseAtomsAdaptor.get_structure(frame))
    n, kinds = len(crystal), (("T5", "T2"), ("T5", "T4"))
    whole = site_free_energies(crystal, run.temperature)
    arrays = {name: getattr(whole, name) for name in ("kinds", "energies", "error", "bound", "population")}
    with atomic_path(run.place / "sites.npz") as part:
        np.savez_compressed(part, **arrays)
    never = int(whole.bound.sum()) if whole.bound is not None else 0
    note = f"{n} frames, {never} of {len(whole.energies)} sites never filled"

    def numbers(frames: Any) -> dict[str, float]:
        one = site_free_energies([crystal[k] for k in frames], run.temperature)
        spreads = {f"spread of {kind}": one.spread(kind) for kind in ("T2", "T4", "T5")}
        return {f"overlap of {a} and {b}": one.overlap(a, b) for a, b in kinds} | spreads

    made = jackknifed(range(n), numbers)
    return [quantity(name, replace(value, unit="eV" if name[0] == "s" else ""), note) for name, value in made.items()]


def rearrangement(run: Run) -> Rows:
    """Non-affine displacement of the surroundings of lithium within 1 ps."""
    step, cutoff = max(1, round(0.1 / run.universe.trajectory.dt)), run.reach(5.0)
    found = NonAffineDisplacement(run.ions, lag=10, cutoff=cutoff, verbose=False).run(step=step)
    with atomic_path(run.place / "rearrangement.npz") as part:
        np.savez_compressed(part, d2min=found.results.d2min.astype(np.float32), lag_time=found.results.lag_time)
    note = f"per neighbour within {cutoff:g} A, {found.results.lag_time:g} ps"
    return [quantity("non-affine displacement", estimated(found.results.d2min.mean(axis=1), "A^2"), note)]


PHASES = ("crystal", "interface", "glass")


def phases(run: Run) -> Rows:
    """Amorphisation, density, lithium and its motion in crystal, interface and glass of a glass-ceramic."""
    every, atoms = _every(run, 200), run.universe.atoms
    profile = AmorphisationProfile(atoms, verbose=False).run(step=every)
    layers = LayerProfiles(atoms, bins=len(profile.results.y), verbose=False).run(step=every)
    profile.save(run.place / "amorphisation.npz")
    layers.save(run.place / "layers.npz")
    found = layers.results
    series = {
        "amorphisation": ("", profile.results.profile),
        "density": ("g/cm^3", found.mass_density),
        "share of Li": ("%", 100.0 * found.fractions[found.species.index("Li")]),
    }
    told, doubt = "by their profile", {}
    try:
        regions = profile.regions()
    except InputError as error:  # amplitudes of layers of some forty atoms hardly tell a crystal
        if "crystal_fraction" not in run.task.settings:  # nobody says where the slab was
            return [quantity(f"{name} of the glass", float("nan"), str(error)) for name in series]
        regions, told = _of_slab(run, profile.results.layers), "by the slab that was held while the rest was melted"
        doubt = {"doubt": "In a cell so narrow layers of crystal and glass have nearly the same amplitudes."}
    kinds = regions.layers
    rows: Rows = []
    for k, phase in enumerate(PHASES):
        here = kinds == k
        if here.sum() > 1:
            rows += [
                {**quantity(f"{name} of the {phase}", scattered(values[here], unit), f"{here.sum()} layers, {told}"),
                 **(doubt if name == "amorphisation" else {})}
                for name, (unit, values) in series.items()
            ]  # fmt: skip
    for name, unit, analysis, value in (
        ("diffusion", "", IonDiffusion, lambda r, _: r.diffusion_coefficient),
        ("non-Gaussian peak", "", NonGaussianParameter, peak),
    ):
        moving = phase_dynamics(regions, run.ions, analysis, verbose=False)
        for phase, one in moving.analyses.items():
            note = f"{moving.initial[phase]} ions, {moving.left[phase]} of which left it; layers {told}"
            rows.append(quantity(f"{name} in the {phase}", value(one.results, moving.initial[phase]), note, unit))
    return rows


def _of_slab(run: Run, profile: Any) -> Any:
    """Layers told by the atoms of the slab, which come first, among those of the framework in the first frame."""
    number, universe = len(profile.y), run.universe
    universe.trajectory[0]
    rest = universe.select_atoms("not element Li")
    inverse = np.linalg.inv(universe.trajectory.ts.triclinic_dimensions)
    along = (rest.positions @ inverse)[:, profile.axis] % 1.0
    layer = np.minimum((along * number).astype(int), number - 1)
    melted = rest.ix >= round(run.task.settings["crystal_fraction"] * len(universe.atoms))
    part = np.bincount(layer, melted, number) / np.maximum(np.bincount(layer, minlength=number), 1)
    return divide_regions(replace(profile, profile=part))


def peak(results: Any, ions: int) -> Any:
    """Highest non-Gaussian parameter with the error of its place, which is that of the scatter of so many ions."""
    return student(results.peak, results.error[int(np.nanargmax(results.alpha2))], ions)
