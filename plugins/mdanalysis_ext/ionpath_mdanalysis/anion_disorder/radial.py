"""Radial distribution functions, coordination numbers, and distributions of bond angles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import whole
from ionpath.frames import check_cutoff
from ionpath.structure import AngleHistogram, RadialHistogram, first_minimum
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import (
    MOST_BINS,
    Options,
    StructureAnalysis,
    cell_now,
    check_species,
    default_reach,
    symbols_of,
)


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
