"""Cluster expansion of the energy of anion and lithium arrangements, on smol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import cKDTree

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, require
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image, wrap_fractional
from pymatgen.analysis.argyrodite.framework import MOBILE, analyse, require_ordered

if TYPE_CHECKING:
    from pymatgen.core import Structure

PUBLISHED_CUTOFFS: dict[int, float] = {2: 6.0, 3: 5.0, 4: 4.0, 5: 4.0}
"""Largest extent of pairs, triplets, quadruplets and quintuplets of Guan et al., arXiv:2412.07115, in A."""

_OFF_SITE = 0.6
_PENALTIES = np.concatenate([[1e-12], np.logspace(-8, 1, 19)])


@typed
@documented
@dataclass(frozen=True)
class AnionClusterExpansion(Msonable):
    """Energy of arrangements as a sum over clusters of sites."""

    subspace: Any  # the clusters, a smol.cofe.ClusterSubspace
    # (n_functions,): effective interactions times multiplicities, in eV per primitive cell
    coefficients: Floats
    # root mean square error on the structures of the fit, in meV per primitive cell (one formula unit)
    training_error: float
    validation_error: float  # the same on structures left out of the fit, in turn
    n_structures: int  # structures of the fit
    penalty: float  # ridge penalty with the smallest validation error
    lithium: bool  # whether lithium and vacancies are part of the expansion

    @property
    def n_functions(self) -> int:
        """Number of correlation functions, the constant included."""
        return len(self.coefficients)

    @classmethod
    @references("guan2024")
    def fit(
        cls,
        structures: Sequence[Structure],
        energies: Sequence[float],
        *,
        cutoffs: Mapping[int, float] | None = None,
        parent: Structure | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> AnionClusterExpansion:
        """Fit an expansion to energies.

        Parameters
        ----------
        structures : sequence of Structure
            Arrangements on one lattice (not relaxed ones; their energies may be those after relaxation).
        energies : sequence of float
            Energy of each cell, in eV.
        cutoffs : mapping of int to float, optional
            Number of sites of a cluster -> its largest extent, in A; the published ones without it.
        parent : Structure, optional
            Cell with lithium on sites that none of the structures uses, but later ones may.
        folds : int
            Parts of the cross-validation.
        seed : int
            Seed of the parts.

        Returns
        -------
        AnionClusterExpansion
            With its errors.

        Raises
        ------
        InputError
            If there are too few structures, or one does not lie on the lattice.
        MissingDependency
            If smol is not installed.

        Notes
        -----
        H = sum over clusters of H_S times their correlation functions (Guan et al., Eq. 3), with cutoffs of 6 A for
        pairs, 5 A for triplets and 4 A for quadruplets and quintuplets; S and X on both orbits and Li and vacancies on
        24g give 27 functions, the published number. The coefficients come from a ridge regression (scikit-learn) whose
        penalty is chosen by cross-validation; the constant is not penalised. Errors
        are root mean squares, where the paper names a mean squared error with the unit of its root.
        """
        if len(structures) != len(energies) or len(structures) < folds + 2:
            got = f"{len(structures)} structures and {len(energies)} energies"
            raise InputError("structures", need=f"as many as energies, and at least {folds + 2}", got=got)
        for structure in structures:
            require_ordered(structure, "a cluster expansion")
        n = np.array([analyse(s).n_formula_units for s in structures])
        primitive = disordered_primitive([*structures, *([] if parent is None else [parent])])
        lithium = any(not site.is_ordered and site.species.elements[0].symbol in MOBILE for site in primitive)
        subspace = _subspace(primitive, cutoffs or PUBLISHED_CUTOFFS)
        features = np.array([correlations(subspace, s) for s in structures])
        fitted = _ridge(features, np.asarray(energies, dtype=np.float64) / n, folds, seed)
        return cls(subspace, *fitted[:3], len(structures), fitted[3], lithium)

    def predict(self, structure: Structure) -> float:
        """Energy in eV of the cell of an arrangement on the lattice of the expansion."""
        n = analyse(structure).n_formula_units
        return float(correlations(self.subspace, structure) @ self.coefficients) * n

    def rank(self, entries: Sequence[Mapping[str, Any]], number: int | None = None) -> list[dict[str, Any]]:
        """Order entries of `EnumerateSiteInversionTransformation` by predicted energy, lowest first.

        They come back with "predicted_energy" in eV per formula unit: the first `number`, or all.
        """
        ranked = []
        for entry in entries:
            n = analyse(entry["structure"]).n_formula_units
            ranked.append({**entry, "predicted_energy": self.predict(entry["structure"]) / n})
        return sorted(ranked, key=lambda entry: float(entry["predicted_energy"]))[:number]

    def report(self) -> str:
        """Size and errors in one line."""
        return (
            f"{self.n_functions} correlation functions, {self.n_structures} structures: root mean square error "
            f"{self.training_error:.2f} (fit), {self.validation_error:.2f} (cross-validation) meV per primitive cell"
        )


def correlations(subspace: Any, structure: Structure) -> Floats:
    """Return the correlation functions of an arrangement."""
    matrix, mapping = on_lattice(subspace.structure, structure)
    plain = structure.copy()
    plain.remove_oxidation_states()
    features = subspace.corr_from_structure(plain, scmatrix=matrix, site_mapping=mapping)
    return np.asarray(features, dtype=np.float64)


def on_lattice(primitive: Structure, structure: Structure) -> tuple[Indices, list[int]]:
    """Find the sites of a structure in the supercell of a primitive cell."""
    remedy = "pass structures before their relaxation, with lithium on the sites of the parent"
    ratio = structure.lattice.matrix @ np.linalg.inv(primitive.lattice.matrix)
    matrix = np.rint(ratio).astype(np.intp)
    if np.abs(ratio - matrix).max() > 0.05 or abs(np.linalg.det(matrix)) < 0.5:
        got = f"{structure.lattice.abc} A"
        raise InputError("structure", need="a supercell of the cell of the expansion", got=got, remedy=remedy)
    supercell = primitive.copy()
    supercell.make_supercell(matrix.tolist())
    tree = cKDTree(wrap_fractional(supercell.frac_coords), boxsize=1.0)
    _, place = tree.query(wrap_fractional(structure.frac_coords))
    apart = minimum_image(
        (structure.frac_coords - supercell.frac_coords[place]) @ supercell.lattice.matrix, supercell.lattice.matrix
    )
    distance = np.linalg.norm(apart, axis=1)
    if distance.max() > _OFF_SITE or len(np.unique(place)) < len(place):
        need = f"one ion per site of the expansion, within {_OFF_SITE} A"
        got = f"one {distance.max():.2f} A away or two on one site"
        raise InputError("structure", need=need, got=got, remedy=remedy)
    return matrix, [int(k) for k in place]


def _subspace(primitive: Structure, cutoffs: Mapping[int, float]) -> Any:
    cofe = require("smol.cofe", purpose="cluster expansions", install="pip install smol")
    chosen = dict(sorted(cutoffs.items()))
    while True:
        try:
            return cofe.ClusterSubspace.from_cutoffs(primitive, cutoffs=chosen, basis="sinusoid")
        except KeyError:
            # No cluster of some size fits within its cutoff, so there are none of the next size either.
            chosen.popitem()


def disordered_primitive(structures: Sequence[Structure]) -> Structure:
    """Return the primitive cell with every species on each site that some of the structures has there."""
    frame = structures[0].copy()
    frame.remove_oxidation_states()
    found = analyse(frame)
    halide = next((h for h in (analyse(s).halide for s in structures) if h), "Cl")
    for k in np.concatenate([found.halide_sites, found.sulfur_sites]).tolist():
        frame[k] = {"S": 0.5, halide: 0.5}
    frame.remove_sites(found.mobile.tolist())
    primitive = frame.get_primitive_structure(tolerance=0.05)
    cell = primitive.lattice
    places: list[Floats] = []
    filled = True
    for structure in structures:
        ions = analyse(structure).mobile
        own = _distinct(np.mod(cell.get_fractional_coords(structure.cart_coords[ions]), 1.0), cell.matrix)
        before = len(places)
        places = _distinct(np.reshape([*places, *own], (-1, 3)), cell.matrix)
        size = analyse(structure).n_formula_units
        filled &= len(ions) == len(places) * size and before in (0, len(places))
    symbol = structures[0][int(analyse(structures[0]).mobile[0])].specie.symbol if places else ""
    for place in places:
        primitive.append({symbol: 1.0 if filled else 0.5}, place)
    return primitive


def _distinct(places: Floats, cell: Floats) -> list[Floats]:
    """Keep one of each group of fractional coordinates that are the same up to a lattice vector."""
    kept: list[Floats] = []
    for place in places:
        if not kept or np.linalg.norm(minimum_image((np.array(kept) - place) @ cell, cell), axis=1).min() > 0.1:
            kept.append(place)
    return kept


def _ridge(features: Floats, target: Floats, folds: int, seed: int) -> tuple[Floats, float, float, float]:
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import KFold, cross_val_predict

    parts = KFold(folds, shuffle=True, random_state=seed)
    best: tuple[float, float] = (np.inf, _PENALTIES[0])
    for penalty in _PENALTIES:
        model = Ridge(alpha=penalty, solver="svd")
        left_out = cross_val_predict(model, features[:, 1:], target, cv=parts)
        best = min(best, (_rms(left_out - target), float(penalty)))
    model = Ridge(alpha=best[1], solver="svd").fit(features[:, 1:], target)
    coefficients = np.concatenate([[model.intercept_], model.coef_])
    return coefficients, _rms(features @ coefficients - target), best[0], best[1]


def _rms(difference: Floats) -> float:
    """Root mean square in meV."""
    return float(1000.0 * np.sqrt(np.mean(difference**2)))
