"""Ensembles of Li20Si3P3S23Cl: arrangements of Si, P and Cl with their multiplicities, lithium by Monte Carlo."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymatgen.core import Element, Lattice, Structure

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices
from ionpath.citations import references
from ionpath.constants import BOLTZMANN_EV
from ionpath.elements import CHARGES
from ionpath.errors import InputError, positive, require, whole
from ionpath.lattice.permutations import site_permutations
from pymatgen.analysis.argyrodite.energies import describe, energy_function
from pymatgen.analysis.argyrodite.thiophosphates import lspscl

MOST = 10_000
_FRAME_TOLERANCE = 0.6
"""A; within it the centres and anions of the stored cell have the symmetry P4_2/nmc of their parent, Li10GeP2S12."""
_BOND = 2.7
_LITHIUM = ((0.26, 0.27, 0.19), (0.25, 0.25, 0.0), (0.0, 0.5, 0.94), (0.0, 0.0, 0.25))
"""One point of each lithium orbit, 16h, 8f, 4d and 4c, rounded; origin choice 1 with centres on 2b (0, 0, 1/2)."""
_CLOSEST = 2.0
_SCREENING = 10.0
"""Dielectric constant that brings formal charges to the scale on which lithium orders."""


@typed
@references("guan2024")
def lspscl_arrangements(
    calculator: Any = None, *, per_arrangement: int = 1, temperature: float = 600.0, sweeps: int = 200, seed: int = 0
) -> list[dict[str, Any]]:
    """List all inequivalent arrangements of Si, P and Cl in Li20Si3P3S23Cl, with lithium drawn for each.

    Parameters
    ----------
    calculator : str, dict or object, optional
        Energy of the finished structures, as in `SiteInversionTransformation`; the Ewald sum without it.
    per_arrangement : int
        Drawings of lithium for each arrangement.
    temperature : float
        Of the Monte Carlo for lithium, in K.
    sweeps : int
        Trial moves per lithium.
    seed : int
        Seed of the drawings.

    Returns
    -------
    list of dict
        "structure" (50 atoms), "multiplicity", "arrangements" (48 in all), "energy" in eV and "calculator"; lowest
        first.

    Raises
    ------
    MissingDependency
        If spglib is not installed.

    Notes
    -----
    Of the six tetrahedra four are equivalent (4d of P4_2/nmc); three of them hold Si, and chloride takes the place of
    one of the twelve sulfur atoms bound to Si, which makes the SiS3Cl of Guan et al., arXiv:2412.07115: 48
    arrangements. Lithium moves among 32 sites in a Metropolis walk in the field of formal charges screened by 10, no
    two closer than 2 A. Positions are those of the parent; relax them before they are used.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import lspscl_arrangements
    >>> entries = lspscl_arrangements(sweeps=2)
    >>> sum(entry["multiplicity"] for entry in entries), {entry["structure"].formula for entry in entries}
    (48, {'Li20 Si3 P3 S23 Cl1'})
    """
    number = whole("per_arrangement", per_arrangement)
    if number > MOST:
        remedy = "use several seeds"
        raise InputError("per_arrangement", need=f"at most {MOST:,} drawings", got=f"{number:g}", remedy=remedy)
    parent = _Parent()
    energy = energy_function(calculator)
    positive("temperature", temperature, "K")
    whole("sweeps", sweeps)
    rng = np.random.default_rng(whole("seed", seed, 0))
    entries = []
    for (phosphorus, chlorine), multiplicity in parent.arrangements():
        for _ in range(number):
            made = parent.build(phosphorus, chlorine, temperature, sweeps, rng)
            entries.append(
                {
                    "structure": made, "multiplicity": multiplicity, "arrangements": 48,
                    "energy": energy(made), "calculator": describe(calculator),
                }
            )  # fmt: skip
    return sorted(entries, key=lambda entry: float(entry["energy"]))


class _Parent:
    """Frame with the symmetry of the parent, its operations, and the interactions of all sites."""

    def __init__(self) -> None:
        spglib = require("spglib", purpose="the symmetry of a crystal", install="pip install 'ionpath[pymatgen]'")
        stored = lspscl()
        frame = [k for k, s in enumerate(stored) if s.specie.symbol != "Li"]
        frame.sort(key=lambda k: stored[k].specie.symbol not in ("Si", "P"))
        self.centres = np.arange(6)
        labels = np.where(np.arange(30) < 6, 1, 2)
        places = stored.frac_coords[frame]
        found = spglib.get_symmetry((stored.lattice.matrix, places, labels), symprec=_FRAME_TOLERANCE)
        rotations, translations = found["rotations"], found["translations"]
        a, c = float(np.mean(stored.lattice.abc[:2])), stored.lattice.c
        self.lattice = Lattice.tetragonal(a, c)
        tolerance = _FRAME_TOLERANCE / a
        self.permutations = site_permutations(rotations, translations, places, tolerance=3 * tolerance)
        ideal = np.zeros_like(places)
        for permutation, r, t in zip(self.permutations, rotations, translations, strict=True):
            image = places @ r.T + t
            ideal[permutation] += image - np.rint(image - places[permutation])
        self.frame = ideal / len(rotations)
        sizes = np.array([len(set(self.permutations[:, k])) for k in self.centres])
        self.mixed = self.centres[sizes == 4]
        apart = self.frame[:6, None] - self.frame[None, 6:]
        distance = np.linalg.norm((apart - np.rint(apart)) @ self.lattice.matrix, axis=-1)
        self.bound = [6 + np.flatnonzero(row < _BOND) for row in distance]
        self.lithium = _orbits(rotations, translations, self._origin())
        self.coupling = _interactions(self.lattice, np.concatenate([self.frame, self.lithium]))
        between = self.lithium[:, None] - self.lithium[None]
        reach = np.linalg.norm((between - np.rint(between)) @ self.lattice.matrix, axis=-1)
        self.close = (reach < _CLOSEST) & ~np.eye(len(self.lithium), dtype=bool)

    def _origin(self) -> Floats:
        """The centre on 2b nearest to (0, 0, 1/2), which the table of lithium starts from."""
        fixed = self.frame[np.setdiff1d(self.centres, self.mixed)]
        shift = fixed - np.array([0.0, 0.0, 0.5])
        shift -= np.rint(shift)
        return np.asarray(shift[np.linalg.norm(shift, axis=1).argmin()])

    def arrangements(self) -> list[tuple[tuple[int, int], int]]:
        """One (site of P, site of Cl) of each orbit, and the size of the orbit."""
        pairs = [(p, int(c)) for p in self.mixed for k in self.mixed if k != p for c in self.bound[k]]
        left, listed = dict.fromkeys(pairs), []
        while left:
            p, c = next(iter(left))
            orbit = {(int(q[p]), int(q[c])) for q in self.permutations}
            for pair in orbit:
                left.pop(pair, None)
            listed.append(((int(p), c), len(orbit)))
        return listed

    def build(
        self, phosphorus: int, chlorine: int, temperature: float, sweeps: int, rng: np.random.Generator
    ) -> Structure:
        symbols = np.array(["P"] * 6 + ["S"] * 24, dtype="U2")
        symbols[np.setdiff1d(self.mixed, phosphorus)] = "Si"
        symbols[chlorine] = "Cl"
        charges = np.array([CHARGES[str(s)] for s in symbols], dtype=float)
        field = self.coupling[30:, :30] @ charges * 2.0 + np.diag(self.coupling)[30:]
        filled = self._walk(field, BOLTZMANN_EV * temperature * _SCREENING, sweeps, rng)
        species = [Element("Li")] * int(filled.sum()) + [Element(str(s)) for s in symbols]
        made = Structure(self.lattice, species, np.concatenate([self.lithium[filled], self.frame]))
        return made.get_sorted_structure(key=lambda s: ("Li", "Si", "P", "S", "Cl").index(s.specie.symbol))

    def _walk(self, field: Floats, thermal: float, sweeps: int, rng: np.random.Generator) -> Bools:
        """Metropolis walk of 20 lithium over the sites; too close pairs cost 3 eV, so that none is left."""
        pair = 2.0 * self.coupling[30:, 30:] + 30.0 * self.close * thermal
        np.fill_diagonal(pair, 0.0)
        filled = np.zeros(len(field), dtype=bool)
        filled[rng.permutation(len(field))[:20]] = True
        steps = 20 * sweeps
        for step in range(steps):
            on, off = rng.choice(np.flatnonzero(filled)), rng.choice(np.flatnonzero(~filled))
            here = filled.copy()
            here[on] = False
            rise = field[off] - field[on] + pair[off, here].sum() - pair[on, here].sum()
            hot = thermal * max(1.0, 10.0 * (1.0 - 2.0 * step / steps))  # cools over the first half
            if rise <= 0 or rng.random() < np.exp(-rise / hot):
                filled[on], filled[off] = False, True
        return filled


def _orbits(rotations: Indices, translations: Floats, origin: Floats) -> Floats:
    """All images of the lithium sites under the operations of the frame."""
    kept: list[Floats] = []
    for point in _LITHIUM:
        for r, t in zip(rotations, translations, strict=True):
            image = np.mod((np.array(point) + origin) @ r.T + t, 1.0)
            apart = np.array(kept).reshape(-1, 3) - image
            if not len(kept) or np.abs(apart - np.rint(apart)).max(axis=1).min() > 0.03:
                kept.append(image)
    return np.array(kept)


def _interactions(lattice: Lattice, places: Floats) -> Floats:
    """Ewald energies of unit charges on all sites; a neutral choice of charges q has the energy q G q, in eV."""
    from pymatgen.analysis.ewald import EwaldSummation

    sites = Structure(lattice, ["Li"] * len(places), places)
    sites.add_oxidation_state_by_element({"Li": 1})
    return np.asarray(EwaldSummation(sites, compute_forces=False).total_energy_matrix, dtype=np.float64)
