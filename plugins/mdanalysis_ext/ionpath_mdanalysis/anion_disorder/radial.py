"""Radial distribution functions, coordination numbers, and distributions of bond angles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ionpath.citations import references
from ionpath.frames import check_cutoff
from ionpath.structure import AngleHistogram, RadialHistogram, first_minimum
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.anion_disorder._structure import (
    Floats,
    StructureAnalysis,
    TimeBlocks,
    cell_now,
    check_species,
    default_reach,
    symbols_of,
)


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
    n_blocks : int, default 5
        Blocks of time, for errors.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

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

    def __init__(
        self,
        atoms: Any,
        *,
        r_max: float | None = None,
        bins: int | None = None,
        pairs: Sequence[tuple[str, str]] | None = None,
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        _checks.check_group(atoms, "atoms")
        symbols = symbols_of(atoms, "atoms")
        reach = default_reach(atoms, "atoms") if r_max is None else float(r_max)
        check_cutoff(reach, cell_now(atoms, "atoms"))
        for pair in pairs or ():
            check_species(pair, atoms, "pairs")
        chosen = None if pairs is None else tuple((str(a), str(b)) for a, b in pairs)
        parameters = {"r_max": reach, "bins": bins, "pairs": chosen, "n_blocks": n_blocks}
        super().__init__({"atoms": atoms}, n_blocks=n_blocks, parameters=parameters, **options)
        self._make = partial(RadialHistogram, symbols, reach, bins=bins, pairs=chosen)

    def _prepare_block(self) -> None:
        self._parts = TimeBlocks(self._make)

    def _process(self, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk, "atoms"):
            self._parts.at(block).add(positions, cell)

    def _block_results(self) -> dict[str, Any]:
        return {"parts": self._parts.states()}

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        parts = TimeBlocks(self._make)
        for block in blocks:
            parts.merge(block["parts"])
        rdf = parts.total().result()
        self.results.update(
            r=rdf.r, pairs=rdf.pairs, g=rdf.g, g_error=parts.error(_curves), rdf=rdf, n_frames=rdf.n_frames
        )

    def coordination_number(self, a: str, b: str, radius: float | None = None) -> float:
        """Give the number of atoms of one species around an atom of another.

        Parameters
        ----------
        a, b : str
            Atoms of `b` around one of `a`.
        radius : float, optional
            Radius in A; default: the first minimum of their g(r).

        Returns
        -------
        float
            Mean number.
        """
        self._require_results()
        rdf = self.results.rdf
        reach = first_minimum(rdf, a, b) if radius is None else radius
        return float(np.interp(reach, rdf.edges[1:], rdf.coordination(a, b)))

    def plot(self, pairs: Sequence[tuple[str, str]] | None = None, ax: Any = None) -> Any:
        """Plot radial distribution functions with their errors.

        Parameters
        ----------
        pairs : sequence of (str, str), optional
            Pairs; default: all.
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax)
        rdf = self.results.rdf
        for a, b in pairs or rdf.pairs:
            g, error = rdf.partial(a, b), self.results.g_error[rdf.index(a, b)]
            (line,) = axes.plot(rdf.r, g, label=f"{a}–{b}")
            axes.fill_between(rdf.r, g - error, g + error, color=line.get_color(), alpha=0.3, lw=0)
        axes.axhline(1.0, color="0.7", lw=0.8)
        axes.set(xlabel="r (Å)", ylabel="g(r)", ylim=(0, None))
        axes.legend(fontsize="small")
        return axes

    def _table(self) -> dict[str, Any]:
        rdf = self.results.rdf
        table: dict[str, Any] = {"r": rdf.r}
        for a, b in rdf.pairs:
            table[f"g {a}-{b}"] = rdf.partial(a, b)
            table[f"n {a}-{b}"] = rdf.coordination(a, b)
        return {**table, "units": {"r": "A"}}


def _curves(part: RadialHistogram) -> Floats:
    return part.result().g


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
    n_blocks : int, default 5
        Blocks of time, for errors.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.angles : ndarray, (B,)
        Centres of the bins, in degrees.
    results.density, results.density_error : ndarray, (B,)
        Probability density per degree, and its standard error.
    results.mean, results.std : float
        Mean and standard deviation, in degrees.

    Raises
    ------
    InputError
        If a species is absent, or no centre has two bonds.
    """

    def __init__(
        self,
        atoms: Any,
        *,
        centre: str = "P",
        ends: str | Sequence[str] = "S",
        cutoff: float = 2.6,
        bins: int = 180,
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        _checks.check_group(atoms, "atoms")
        chosen = [ends] if isinstance(ends, str) else list(ends)
        check_species([centre], atoms, "centre")
        check_species(chosen, atoms, "ends")
        parameters = {"centre": centre, "ends": chosen, "cutoff": cutoff, "bins": bins, "n_blocks": n_blocks}
        super().__init__({"atoms": atoms}, n_blocks=n_blocks, parameters=parameters, **options)
        self._make = partial(AngleHistogram, symbols_of(atoms, "atoms"), centre, chosen, cutoff, bins=bins)

    def _prepare_block(self) -> None:
        self._parts = TimeBlocks(self._make)

    def _process(self, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk, "atoms"):
            self._parts.at(block).add(positions, cell)

    def _block_results(self) -> dict[str, Any]:
        return {"parts": self._parts.states()}

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        parts = TimeBlocks(self._make)
        for block in blocks:
            parts.merge(block["parts"])
        found = parts.total().result()
        self.results.update(
            angles=found.angles,
            density=found.density,
            density_error=parts.error(_densities),
            mean=found.mean,
            std=found.std,
            peak=found.peak,
        )

    def plot(self, ax: Any = None) -> Any:
        """Plot the distribution.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax)
        r = self.results
        axes.plot(r.angles, r.density)
        axes.fill_between(r.angles, r.density - r.density_error, r.density + r.density_error, alpha=0.3, lw=0)
        ends = "/".join(self.parameters["ends"])
        axes.set(xlabel=f"angle {ends}–{self.parameters['centre']}–{ends} (°)", ylabel="density (1/°)")
        return axes

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {
            "angle": r.angles, "density": r.density, "error": r.density_error,
            "units": {"angle": "degree", "density": "1/degree", "error": "1/degree"},
        }  # fmt: skip


def _densities(part: AngleHistogram) -> Floats:
    return part.result().density
