"""Entropy and inversion against temperature: exact sums over listed arrangements, and Monte Carlo on an expansion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln, logsumexp

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.constants import BOLTZMANN_EV, GAS_CONSTANT
from ionpath.disorder.mixing import argyrodite_mixing_entropy
from ionpath.documented import documented
from ionpath.errors import InputError, require
from ionpath.msonable import Msonable
from pymatgen.analysis.argyrodite.expansion import on_lattice
from pymatgen.analysis.argyrodite.framework import analyse

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.expansion import AnionClusterExpansion


@documented
@dataclass(frozen=True)
class Thermodynamics(Msonable):
    """Averages over arrangements against temperature."""

    temperature: Floats  # (T,): in K
    energy: Floats  # (T,): mean energy per formula unit, in eV
    entropy: Floats  # (T,): configurational entropy per formula unit, in R
    inversion: Floats  # (T,): mean halide fraction of the free-sulfur orbit
    # (T,): entropy of ideal mixing of the anions at that inversion, in R; finite cells have less
    ideal_entropy: Floats
    limit: float  # entropy of complete disorder in this cell, ln W per formula unit, in R

    @property
    def lost(self) -> Floats:
        """Entropy that ordering takes away from complete disorder of the same cell, in R."""
        return self.limit - self.entropy

    @property
    def joule(self) -> Floats:
        """Entropy per mole of formula units, in J/mol/K."""
        return self.entropy * GAS_CONSTANT


@typed
def thermodynamics(entries: Sequence[Mapping[str, Any]], temperatures: ArrayLike) -> Thermodynamics:
    """Sum over a complete list of inequivalent arrangements.

    Parameters
    ----------
    entries : sequence of mapping
        Entries of `EnumerateSiteInversionTransformation` of one supercell, with "energy", "multiplicity" and
        "inversion", complete.
    temperatures : array_like, (T,)
        In K.

    Returns
    -------
    Thermodynamics
        Exact for this cell and these energies.

    Raises
    ------
    InputError
        If the list is not complete, has no energies, or mixes cells, or a temperature is not positive.

    Notes
    -----
    Z = sum over entries of multiplicity times exp(-E/kT); S = k ln Z + <E>/T.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import EnumerateSiteInversionTransformation, argyrodite
    >>> listed = EnumerateSiteInversionTransformation(calculator="ewald").apply_transformation(argyrodite(), True)
    >>> found = thermodynamics(listed, [1e9])
    >>> bool(abs(found.entropy[0] - np.log(70) / 4) < 1e-4)
    True
    """
    kelvin = _temperatures(temperatures)
    _check_entries(entries)
    n = analyse(entries[0]["structure"]).n_formula_units
    energy = np.array([e["energy"] for e in entries])
    weight = np.array([e["multiplicity"] for e in entries], dtype=np.float64)
    inversion = np.array([e["inversion"] for e in entries])
    logs = np.log(weight)[None, :] - (energy - energy.min())[None, :] / (BOLTZMANN_EV * kelvin[:, None])
    log_z = logsumexp(logs, axis=1)
    p = np.exp(logs - log_z[:, None])
    mean = p @ (energy - energy.min())
    entropy = (log_z + mean / (BOLTZMANN_EV * kelvin)) / n
    y = p @ inversion
    ideal = argyrodite_mixing_entropy(float(entries[0]["x_excess"]), np.clip(y, inversion.min(), inversion.max()))
    limit = float(np.log(weight.sum()) / n)
    return Thermodynamics(kelvin, (mean + energy.min()) / n, entropy, y, np.asarray(ideal), limit)


def _temperatures(temperatures: ArrayLike) -> Floats:
    kelvin = np.atleast_1d(np.asarray(temperatures, dtype=np.float64))
    if not (np.isfinite(kelvin).all() and (kelvin > 0).all()):
        raise InputError("temperatures", need="positive temperatures in K", got=np.array2string(kelvin))
    return kelvin


def _check_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    if not entries or any("energy" not in e for e in entries):
        got = "none" if not entries else "some without"
        remedy = "give EnumerateSiteInversionTransformation a calculator"
        raise InputError("entries", need="arrangements with energies", got=got, remedy=remedy)
    if len({(str(e["supercell"]), round(float(e["x_excess"]), 9), len(e["structure"])) for e in entries}) > 1:
        raise InputError("entries", need="arrangements of one cell and composition", got="several")
    seen = {float(e["inversion"]) for e in entries}
    if lost := sorted({float(y) for e in entries for y in e.get("inversions", ())} - seen):
        got = f"none at {', '.join(f'{y:g}' for y in lost)}"
        remedy = (
            'list the supercell by itself (cell_sizes=[entries[0]["cell_size"]], return_ranked_list=True), which '
            "leaves no repeats of smaller cells out"
        )
        raise InputError("entries", need="arrangements at every inversion of the cell", got=got, remedy=remedy)
    whole = {(float(e["inversion"]), int(e["arrangements"])) for e in entries}
    listed, expected = sum(int(e["multiplicity"]) for e in entries), sum(n for _, n in whole)
    if listed != expected:
        remedy = "raise max_structures and return_ranked_list, or use monte_carlo"
        raise InputError("entries", need=f"all {expected} arrangements", got=f"{listed}", remedy=remedy)


@typed
def monte_carlo(
    expansion: AnionClusterExpansion,
    start: Structure,
    temperatures: ArrayLike,
    *,
    sweeps: int = 200,
    equilibration: float = 0.25,
    bridge: int = 16,
    seed: int = 0,
) -> Thermodynamics:
    """Sample arrangements of a supercell at constant composition, from complete disorder down.

    Parameters
    ----------
    expansion : AnionClusterExpansion
        Energies.
    start : Structure
        Supercell of the right composition on the lattice of the expansion.
    temperatures : array_like, (T,)
        In K.
    sweeps : int
        Trial exchanges per site that can change, at each temperature.
    equilibration : float
        Fraction of them left out of the averages.
    bridge : int
        Steps of 1/T from infinite temperature to the lowest one, for the integral of the entropy.
    seed : int
        Seed.

    Returns
    -------
    Thermodynamics
        In the order of the temperatures given.

    Raises
    ------
    InputError
        If the structure does not lie on the lattice.
    MissingDependency
        If smol is not installed.

    Notes
    -----
    Exchanges within each sublattice of smol (both orbits of anions are one) with the Metropolis rule. The entropy is
    that of complete disorder, ln W, plus the thermodynamic integral S/k = ln W + b E(b) - int_0^b E db', b = 1/kT.
    """
    kelvin = _temperatures(temperatures)
    sampling = _Sampling(expansion, start, seed)
    wanted = 1.0 / (BOLTZMANN_EV * kelvin)
    grid = np.unique(np.concatenate([np.linspace(0.0, wanted.max(), bridge + 1), wanted]))
    averages = np.array([sampling.run(beta, sweeps, equilibration) for beta in grid])
    energy, variance, inversion = averages.T
    entropy = sampling.log_arrangements + grid * energy - _integral(grid, energy, variance)
    take = np.searchsorted(grid, wanted)
    n, x = sampling.n, sampling.x_excess
    y = inversion[take]
    ideal = argyrodite_mixing_entropy(x, np.clip(y, max(0.0, x), min(1.0, 1.0 + x)))
    limit = sampling.log_arrangements / n
    return Thermodynamics(kelvin, energy[take] / n, entropy[take] / n, y, np.asarray(ideal), limit)


def _integral(beta: Floats, energy: Floats, variance: Floats) -> Floats:
    """Integrate the energy from 0 to each b by Hermite's rule, as dE/db = -var E is known as well."""
    step = np.diff(beta)
    parts = step / 2 * (energy[1:] + energy[:-1]) + step**2 / 12 * (variance[1:] - variance[:-1])
    return np.concatenate([[0.0], np.cumsum(parts)])


class _Sampling:
    """A smol sampler that goes on from where it was."""

    def __init__(self, expansion: AnionClusterExpansion, start: Structure, seed: int) -> None:
        cofe = require("smol.cofe", purpose="Monte Carlo", install="pip install smol")
        self.moca = require("smol.moca", purpose="Monte Carlo", install="pip install smol")
        found = analyse(start)
        self.n, self.x_excess = found.n_formula_units, found.x_excess
        matrix, mapping = on_lattice(expansion.subspace.structure, start)
        model = cofe.ClusterExpansion(expansion.subspace, expansion.coefficients)
        self.ensemble = self.moca.Ensemble.from_cluster_expansion(model, matrix, processor_type="expansion")
        plain = start.copy()
        plain.remove_oxidation_states()
        self.occupancy = expansion.subspace.occupancy_from_structure(
            plain, scmatrix=matrix, site_mapping=mapping, encode=True
        )
        self.active = [s for s in self.ensemble.sublattices if len(s.active_sites)]
        self.on_sulfur_orbit, self.halide_code = self._sites(found.halide)
        self.rng = np.random.default_rng(seed)

    def _sites(self, halide: str) -> tuple[Indices, Indices]:
        """Find the sites of the free-sulfur orbit in the order of smol, and the code of the halide there."""
        found = analyse(self.ensemble.processor.structure)
        codes = np.empty(len(found.sulfur_sites), dtype=np.intp)
        for sublattice in self.active:
            names = [getattr(s, "symbol", "") for s in sublattice.species]
            own = np.isin(found.sulfur_sites, sublattice.sites)
            if own.any():
                codes[own] = int(sublattice.encoding[names.index(halide)])
        return found.sulfur_sites, codes

    @property
    def log_arrangements(self) -> float:
        """Natural logarithm of the number of arrangements at this composition."""
        total = 0.0
        for sublattice in self.active:
            _, counts = np.unique(self.occupancy[sublattice.active_sites], return_counts=True)
            total += float(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum())
        return total

    def run(self, beta: float, sweeps: int, equilibration: float) -> tuple[float, float, float]:
        """Sample at one temperature; give mean and variance of the energy in eV, and the mean inversion."""
        n_sites = sum(len(s.active_sites) for s in self.active)
        sampler = self.moca.Sampler.from_ensemble(
            self.ensemble, step_type="swap", temperature=1.0 / (BOLTZMANN_EV * max(beta, 1e-9)),
            seeds=[int(self.rng.integers(2**31))],
        )  # fmt: skip
        sampler.run(sweeps * n_sites, self.occupancy.reshape(1, -1), thin_by=max(1, n_sites // 4))
        skip = int(equilibration * sampler.samples.num_samples)
        occupancies = sampler.samples.get_occupancies(discard=skip)
        self.occupancy = sampler.samples.get_occupancies()[-1].astype(self.occupancy.dtype)
        energies = sampler.samples.get_energies(discard=skip)
        return (
            float(energies.mean()),
            float(energies.var()),
            float((occupancies[:, self.on_sulfur_orbit] == self.halide_code).mean()),
        )
