"""Structure factors, as X-rays and neutrons see them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.frames import check_cutoff
from ionpath.structure import (
    DiffractionPeak,
    RadialHistogram,
    first_sharp_diffraction_peak,
    neutron_lengths,
    partial_structure_factors,
    r_chi,
    read_structure_factor,
    reciprocal_vectors,
    total_structure_factor,
    xray_form_factors,
)
from ionpath.structure.reciprocal import DirectSum
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import (
    MOST_BINS,
    Kind,
    Options,
    StructureAnalysis,
    cell_now,
    default_reach,
    symbols_of,
)

SHORTEST = 4.0
"""A transform of less, in A, is of a few neighbours, and its ripples are no structure."""


@typed
@references("faber1965", "lorch1969", "waasmaier1995", "sears1992", "wright1993", "chen2025")
class StructureFactor(StructureAnalysis):
    """Static structure factors: partials, and the totals of X-ray and neutron scattering.

    Parameters
    ----------
    atoms : AtomGroup
        All atoms that scatter.
    q : array_like, optional
        Moduli in 1/A (transform), or edges of bins (direct); default: 0.3 to 12 in steps of 0.02, or 0.1.
    method : {"transform", "direct"}
        ``"transform"`` of the radial distribution functions; ``"direct"`` sum at the scattering vectors that fit
        into the cell, for crystals and to check the other.
    r_max : float, optional
        Range of the transform, in A; default: what fits into half of the cell.
    bin_width : float, default 0.02
        Bins of the radial distribution functions, in A.
    lorch : bool, default False
        Damp the ripples that the end of the transform makes.
    isotopes : mapping of str to (float or str), optional
        Neutron scattering lengths in fm, or names such as ``"7Li"``.
    ions : mapping of str to str, optional
        X-ray form factors of ions, such as ``{"Cl": "Cl-"}``.
    max_per_bin : int or None, default 200
        Scattering vectors of about the same length that the direct sum takes at most.
    mode : {"correct", "published"}
        ``"published"`` totals are not normalised, see `ionpath.structure.total_structure_factor`.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.q : ndarray, (Q,)
        Moduli, in 1/A.
    results.pairs : tuple of (str, str)
        Pairs of species.
    results.partials : ndarray, (pairs, Q)
        Faber-Ziman partial structure factors.
    results.neutron, results.xray : ndarray, (Q,)
        Total structure factors.
    results.neutron_error, results.xray_error : ndarray, (Q,)
        Their standard errors.
    results.fractions : dict of str to float
        Number fractions.

    Raises
    ------
    InputError
        If elements are not known or not tabulated, `r_max` is beyond half of the cell, or less than 4 A fit into that.
    """

    def __init__(
        self,
        atoms: Any,
        *,
        q: ArrayLike | None = None,
        method: Literal["transform", "direct"] = "transform",
        r_max: float | None = None,
        bin_width: float = 0.02,
        lorch: bool = False,
        isotopes: Mapping[str, float | str] | None = None,
        ions: Mapping[str, str] | None = None,
        max_per_bin: int | None = 200,
        mode: Literal["correct", "published"] = "correct",
        **options: Unpack[Options],
    ) -> None:
        symbols = symbols_of(atoms)
        one_of("method", method, ("transform", "direct"))
        cell = cell_now(atoms)
        reach = default_reach(atoms, np.inf) if r_max is None else check_cutoff(r_max, cell)
        if method == "transform" and r_max is None and reach < SHORTEST:
            need = f"a range of {SHORTEST:g} A or more, in which an atom has neighbours"
            got = f"{reach:.3g} A, which is what fits into half of the cell"
            remedy = 'pass method="direct", or repeat the cell; a skewed one may have shorter vectors'
            raise InputError("r_max", need=need, got=got, remedy=remedy)
        step = 0.02 if method == "transform" else 0.1
        moduli = np.arange(0.3, 12.0 + 0.5 * step, step) if q is None else np.asarray(q, dtype=np.float64)
        if moduli.ndim != 1 or len(moduli) < 2 or moduli[0] <= 0 or (np.diff(moduli) <= 0).any():
            raise InputError("q", need="positive moduli that increase", got=repr(q), remedy="give them in 1/A")
        parameters = {
            "method": method, "r_max": reach, "bin_width": bin_width, "lorch": lorch, "mode": mode,
            "isotopes": dict(isotopes or {}), "ions": dict(ions or {}), "max_per_bin": max_per_bin,
        }  # fmt: skip
        super().__init__({"atoms": atoms}, parameters, **options)
        self._q = moduli
        neutron_lengths(symbols, isotopes=isotopes)
        xray_form_factors(symbols, moduli[:1], ions=ions)
        if method == "transform":
            bins = max(10, round(reach / positive("bin_width", bin_width, "A")))
            whole("r_max / bin_width", bins, 1, MOST_BINS, remedy="use wider bins")
            self._make = partial(RadialHistogram, symbols, reach, bins=bins, pairs=None)
        else:
            vectors = reciprocal_vectors(cell, moduli[-1], q_min=moduli[0], max_per_bin=max_per_bin)
            self._make = partial(DirectSum, symbols, vectors)

    def _fill(self, sums: Any) -> None:
        found, r = sums.total().result(), self.results
        numbers = found.fractions if self.parameters["method"] == "direct" else found.numbers
        fractions = {s: n / sum(numbers.values()) for s, n in numbers.items()}
        q, partials, counts = self._partials(found)
        there = np.isfinite(q)
        r.update(q=q[there], pairs=found.pairs, partials=partials[:, there], fractions=fractions)
        if counts is not None:
            r.vectors_per_bin = counts[there]
        p, species = self.parameters, list(fractions)
        scattering: dict[str, Mapping[str, ArrayLike]] = {
            "neutron": neutron_lengths(species, isotopes=p["isotopes"]),
            "xray": xray_form_factors(species, r.q, ions=p["ions"]),
        }
        for kind, weights in scattering.items():

            def total(part: Any, weights: Any = weights) -> Floats:
                curves = self._partials(part.result())[1][:, there]
                return total_structure_factor(curves, found.pairs, fractions, weights, mode=p["mode"])

            r[kind], r[f"{kind}_error"] = total(sums.total()), sums.error(total)

    def _partials(self, found: Any) -> tuple[Floats, Floats, Any]:
        """Moduli, partial structure factors, and the numbers of vectors of the direct sum."""
        if self.parameters["method"] == "direct":
            return found.binned(self._q)
        return self._q, partial_structure_factors(found, self._q, lorch=self.parameters["lorch"]), None

    def first_peak(self, kind: Kind = "neutron", **options: Any) -> DiffractionPeak:
        """Position, height, width and length of the first sharp diffraction peak of the neutron or X-ray total.

        Options are ``low``, ``high``, ``prominence`` of `ionpath.structure.first_sharp_diffraction_peak`.
        """
        self._require_results()
        return first_sharp_diffraction_peak(self.results.q, self.results[kind], **options)

    def r_chi(
        self,
        experiment: str | os.PathLike[str] | tuple[ArrayLike, ArrayLike],
        kind: Kind = "neutron",
        *,
        q_range: tuple[float, float] | None = None,
    ) -> float:
        """R_chi in percent: how far the neutron or X-ray total is from an experiment.

        `experiment` is a file with two columns, Q in 1/A and S(Q), or these two arrays; `q_range` in 1/A is compared.
        """
        self._require_results()
        q, s = experiment if isinstance(experiment, tuple) else read_structure_factor(experiment)
        return r_chi(q, s, self.results.q, self.results[kind], q_range=q_range)

    @figure()
    def plot(self, kind: Kind = "neutron", experiment: Any = None, ax: Any = None) -> Any:
        """Plot the neutron or X-ray total with its error, over an `experiment` as `r_chi` takes it."""
        r = self.results
        ax.plot(r.q, r[kind], label=kind)
        error = r[f"{kind}_error"]
        ax.fill_between(r.q, r[kind] - error, r[kind] + error, alpha=0.3, lw=0)
        if experiment is not None:
            q, s = experiment if isinstance(experiment, tuple) else read_structure_factor(experiment)
            ax.plot(q, s, "k.", ms=2, label="experiment")
            ax.legend()
        ax.set(xlabel="Q (1/Å)", ylabel="S(Q)")

    @figure()
    def plot_partials(self, ax: Any = None) -> Any:
        """Plot the partial structure factors."""
        for (a, b), curve in zip(self.results.pairs, self.results.partials, strict=True):
            ax.plot(self.results.q, curve, label=f"{a}–{b}")
        ax.set(xlabel="Q (1/Å)", ylabel="partial S(Q)")
        ax.legend(fontsize="small")

    def _table(self) -> dict[str, Any]:
        r = self.results
        table = {"q": r.q, "neutron": r.neutron, "neutron error": r.neutron_error}
        table.update({"xray": r.xray, "xray error": r.xray_error})
        table.update({f"{a}-{b}": curve for (a, b), curve in zip(r.pairs, r.partials, strict=True)})
        return {**table, "units": {"q": "1/A"}}
