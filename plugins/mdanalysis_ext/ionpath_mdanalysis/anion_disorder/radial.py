"""Radial distribution functions, coordination numbers, and distributions of bond angles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.errors import InputError, one_of, whole
from ionpath.frames import check_cutoff
from ionpath.structure import (
    AngleHistogram,
    RadialHistogram,
    first_minimum,
    neutron_lengths,
    r_chi,
    read_radial_distribution,
    total_structure_factor,
    xray_form_factors,
)
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import (
    MOST_BINS,
    Kind,
    Options,
    StructureAnalysis,
    cell_now,
    check_species,
    default_reach,
    symbols_of,
)

Form = Literal["g", "G", "T"]
Isotopes = Mapping[str, float | str] | None


@typed
@references("freud", "chen2025")
class RadialDistributions(StructureAnalysis):
    """Radial distribution functions of all pairs of species, with running coordination numbers.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms, usually all of them.
    r_max : float, optional
        Largest distance, in A; default: 10, or what fits into half of the cell.
    bins : int, optional
        Number of bins; default: bins of 0.05 A.
    pairs : sequence of (str, str), optional
        Pairs of species; default: all.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.r : ndarray, (B,)
        Centres of the bins, in A.
    results.pairs : tuple of (str, str)
        Pairs of species.
    results.g, results.g_error : ndarray, (pairs, B)
        Radial distribution functions and their standard errors.
    results.rdf : ionpath.structure.RadialDistribution
        The same, with ``partial(a, b)`` and ``coordination(a, b)``.

    Raises
    ------
    InputError
        If a species is absent, elements are not known, or `r_max` is beyond half of the cell.
    """

    _values = ("r", "pairs", "g", "n_frames")
    _spread = ("g",)

    def __init__(
        self,
        atoms: Any,
        *,
        r_max: float | None = None,
        bins: int | None = None,
        pairs: Sequence[tuple[str, str]] | None = None,
        **options: Unpack[Options],
    ) -> None:
        symbols = symbols_of(atoms)
        reach = default_reach(atoms) if r_max is None else check_cutoff(r_max, cell_now(atoms))
        if bins is not None:
            whole("bins", bins, 1, MOST_BINS)
        for pair in pairs or ():
            check_species(pair, symbols, "pairs")
        chosen = None if pairs is None else tuple((str(a), str(b)) for a, b in pairs)
        super().__init__({"atoms": atoms}, {"r_max": reach, "bins": bins, "pairs": chosen}, **options)
        self._make = partial(RadialHistogram, symbols, reach, bins=bins, pairs=chosen)

    def _add_results(self, found: Any) -> None:
        self.results.rdf = found

    def coordination_number(self, a: str, b: str, radius: float | None = None) -> float:
        """Mean number of atoms of `b` around one of `a`, within a radius in A, by default that of the first minimum."""
        self._require_results()
        rdf = self.results.rdf
        reach = first_minimum(rdf, a, b) if radius is None else radius
        return float(np.interp(reach, rdf.edges[1:], rdf.coordination(a, b)))

    def total(self, kind: Kind = "neutron", form: Form = "g", isotopes: Isotopes = None) -> Floats:
        """What a neutron or X-ray experiment sees of all pairs, (B,), at ``results.r``.

        `form` is g(r), which is 1 where nothing is correlated, the reduced G(r) = 4 pi rho r (g - 1) or the total
        correlation function T(r) = 4 pi rho r g, in 1/A^2. Each pair is weighted by fractions and scattering lengths;
        for X-rays by numbers of electrons, as form factors at Q = 0. `isotopes` are neutron scattering lengths in fm
        or names such as ``"7Li"``. InputError if not all pairs were computed.
        """
        self._require_results()
        one_of("kind", kind, ("neutron", "xray"))
        one_of("form", form, ("g", "G", "T"))
        rdf = self.results.rdf
        species = list(rdf.numbers)
        n = sum(rdf.numbers.values())
        fractions = {s: rdf.numbers[s] / n for s in species}
        weights: Any = (
            neutron_lengths(species, isotopes=isotopes) if kind == "neutron"
            else {s: f[0] for s, f in xray_form_factors(species, np.array([1e-6])).items()}
        )  # fmt: skip
        g = total_structure_factor(rdf.g, rdf.pairs, fractions, weights)  # the same sum over pairs, with g for S
        return g if form == "g" else 4.0 * np.pi * rdf.density * rdf.r * (g - 1.0 if form == "G" else g)

    def r_chi(
        self,
        experiment: str | os.PathLike[str] | tuple[ArrayLike, ArrayLike],
        kind: Kind = "neutron",
        form: Form = "g",
        *,
        r_range: tuple[float, float] | None = None,
        isotopes: Isotopes = None,
    ) -> float:
        """R_chi in percent: how far the total is from a measured g(r), G(r) or T(r).

        `experiment` is a file with two columns, r in A and the function, or these two arrays; `r_range` in A is
        compared. `kind`, `form` and `isotopes` are those of `total`. A measured function is broadened by its largest Q,
        ours is not: compare S(Q) with `StructureFactor.r_chi` where sharp peaks matter.
        """
        own, r = self.total(kind, form, isotopes), self.results.r
        at, measured = experiment if isinstance(experiment, tuple) else read_radial_distribution(experiment)
        low, high = (float(r[0]), float(r[-1])) if r_range is None else r_range
        inside = (np.asarray(at, dtype=np.float64) >= low) & (np.asarray(at, dtype=np.float64) <= high)
        if low < r[0] - 1e-9 or high > r[-1] + 1e-9 or inside.sum() < 3:
            need = f"three measured distances or more, within {r[0]:g} to {r[-1]:g} A"
            remedy = "widen it, or compute a larger r_max"
            raise InputError("r_range", need=need, got=f"{inside.sum()} from {low:g} to {high:g} A", remedy=remedy)
        return r_chi(at, measured, r, own, q_range=(low, high))

    @figure()
    def plot(self, pairs: Sequence[tuple[str, str]] | None = None, ax: Any = None) -> Any:
        """Plot radial distribution functions of pairs of species (default: all) with their errors."""
        rdf = self.results.rdf
        for a, b in pairs or rdf.pairs:
            g, error = rdf.partial(a, b), self.results.g_error[rdf.index(a, b)]
            (line,) = ax.plot(rdf.r, g, label=f"{a}–{b}")
            ax.fill_between(rdf.r, g - error, g + error, color=line.get_color(), alpha=0.3, lw=0)
        ax.axhline(1.0, color="0.7", lw=0.8)
        ax.set(xlabel="r (Å)", ylabel="g(r)", ylim=(0, None))
        ax.legend(fontsize="small")

    def _table(self) -> dict[str, Any]:
        rdf = self.results.rdf
        table: dict[str, Any] = {"r": rdf.r}
        for a, b in rdf.pairs:
            table[f"g {a}-{b}"] = rdf.partial(a, b)
            table[f"n {a}-{b}"] = rdf.coordination(a, b)
        return {**table, "units": {"r": "A"}}


@typed
@references("chen2025")
class AngleDistribution(StructureAnalysis):
    """Distribution of the angles of bonds, such as S-P-S.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms that hold the species named.
    centre : str, default "P"
        Species at the vertex.
    ends : str or sequence of str, default "S"
        Species at the ends.
    cutoff : float, default 2.6
        Longest bond, in A.
    bins : int, default 180
        Bins from 0 to 180 degrees.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.angles : ndarray, (B,)
        Centres of the bins, in degrees.
    results.density, results.density_error : ndarray, (B,)
        Probability density per degree, and its standard error.
    results.mean, results.std : float
        Mean and standard deviation, in degrees.
    results.peak : float
        Most probable angle, in degrees.

    Raises
    ------
    InputError
        If a species is absent, or no centre has two bonds.
    """

    _values = ("angles", "density", "mean", "std", "peak")
    _spread = ("density",)

    def __init__(
        self,
        atoms: Any,
        *,
        centre: str = "P",
        ends: str | Sequence[str] = "S",
        cutoff: float = 2.6,
        bins: int = 180,
        **options: Unpack[Options],
    ) -> None:
        whole("bins", bins, 1, MOST_BINS)
        symbols = symbols_of(atoms)
        check_species(centre, symbols, "centre")
        chosen = check_species(ends, symbols, "ends")
        parameters = {"centre": centre, "ends": chosen, "cutoff": cutoff, "bins": bins}
        super().__init__({"atoms": atoms}, parameters, **options)
        self._make = partial(AngleHistogram, symbols, centre, chosen, cutoff, bins=bins)

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the distribution."""
        r = self.results
        ax.plot(r.angles, r.density)
        ax.fill_between(r.angles, r.density - r.density_error, r.density + r.density_error, alpha=0.3, lw=0)
        ends = "/".join(self.parameters["ends"])
        ax.set(xlabel=f"angle {ends}–{self.parameters['centre']}–{ends} (°)", ylabel="density (1/°)")

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {
            "angle": r.angles, "density": r.density, "error": r.density_error,
            "units": {"angle": "degree", "density": "1/degree", "error": "1/degree"},
        }  # fmt: skip
