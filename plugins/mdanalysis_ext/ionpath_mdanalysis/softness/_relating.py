"""What softness goes with: energies of the ions, the anions around them, and series of other analyses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath.softness.correlation import Correlation, softness_correlation
from ionpath_mdanalysis.softness import _mapping, _quantities
from ionpath_mdanalysis.softness._increments import Floats


class Relating:
    """Correlations of `Softness`."""

    results: Any
    _rows: Any
    _require_results: Any

    def correlate(self, quantity: Any, *, n_bins: int = 20) -> Correlation:
        """Correlate softness with another quantity, by sample, by ion and in bins of softness."""
        self._require_results()
        if _quantities.is_calculator(quantity):
            values: Any = self.potential_energies(quantity)
        else:
            values = _mapping.series_of(quantity, self.results.frames, self.results.indices)
        return softness_correlation(self.results.softness, values, n_bins=n_bins)

    def potential_energies(
        self, calculator: Any = "ionpath", *, verbose: bool = False, **options: Any
    ) -> Floats:
        """Compute the potential energy of each ion at the times of the softness, one frame after another.

        Notes
        -----
        The energy is that of all atoms of the universe. How it is shared among atoms is up to the potential, and
        differs between potentials that agree on the total; differences between ions of one species in one potential
        are what can be compared. One frame is in memory at a time.
        """
        self._require_results()
        atoms = _mapping.atoms_of(self, "potential_energies").universe.atoms
        return _quantities.potential_energies(
            atoms, self.results.frames, self.results.indices, calculator, verbose=verbose, **options
        )

    def correlate_anions(
        self,
        kinds: str | Sequence[str] | None = None,
        *,
        cutoff: float = 5.0,
        centre_species: str | Sequence[str] = "P",
        ligand_species: str | Sequence[str] = "S",
        bond: float = 2.6,
        centre_bond: float = 2.6,
        n_bins: int = 20,
    ) -> dict[str, Correlation]:
        """Correlate softness with the kinds of anions around each ion."""
        self._require_results()
        atoms = _mapping.atoms_of(self, "correlate_anions")
        shares = _quantities.anion_shares(
            atoms, self.results.frames, self._rows, cutoff=cutoff, centres=centre_species, ligands=ligand_species,
            bond=bond, centre_bond=centre_bond,
        )  # fmt: skip
        wanted = [kinds] if isinstance(kinds, str) else kinds
        if wanted is None:
            wanted = [kind for kind, share in shares.items() if np.ptp(share) > 0]
        absent = [kind for kind in wanted if kind not in shares]
        if absent or not wanted:
            raise InputError(
                "kinds", need=f"anions among {', '.join(shares)}" if absent else "anions of more than one kind",
                got=absent[0] if absent else f"only {', '.join(shares)}",
                remedy="choose others, or other species of ligands" if absent else "correlate something else",
            )  # fmt: skip
        soft = self.results.softness
        return {kind: softness_correlation(soft, shares[kind], n_bins=n_bins) for kind in wanted}
