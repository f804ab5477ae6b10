"""How much each site is used, and how sure the assignment is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Ints, Truths
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.trajectories import check_sites


@documented
@dataclass(frozen=True, eq=False)
class SiteOccupancies(Msonable):
    """Use of the sites, in counts that add up over parts of a trajectory."""

    shells: CoordinationShells  # shells that the sites belong to
    counts: Ints  # (S,): Ion-frames on every site
    # n_unassigned, n_ambiguous: Ion-frames on no site, and with two sites equally close
    n_unassigned: int
    n_ambiguous: int
    n_ion_frames: int  # ions times frames
    n_frames: int  # frames
    cutoff: float = float("nan")  # cutoff of the assignment, in A; nan if it is not known

    def __add__(self, other: SiteOccupancies) -> SiteOccupancies:
        if len(other.counts) != len(self.counts):
            got = str(len(other.counts))
            remedy = "add only parts that use the same shells"
            raise InputError("occupancies", need=f"{len(self.counts)} sites in both parts", got=got, remedy=remedy)
        return SiteOccupancies(
            self.shells,
            self.counts + other.counts,
            self.n_unassigned + other.n_unassigned,
            self.n_ambiguous + other.n_ambiguous,
            self.n_ion_frames + other.n_ion_frames,
            self.n_frames + other.n_frames,
            self.cutoff if self.cutoff == other.cutoff else float("nan"),
        )

    @property
    def by_site(self) -> Floats:
        """Fraction of all ion-frames on every site; shape (S,)."""
        return self.counts / self.n_ion_frames

    @property
    def ions_per_site(self) -> Floats:
        """Mean number of ions on every site; shape (S,)."""
        return self.counts / self.n_frames

    @property
    def by_label(self) -> Floats:
        """Fraction of all ion-frames on the sites with every label; shape (n_states,), 0 for label 0."""
        return self._per_label(np.ones(self.shells.n_centres, dtype=bool))

    @property
    def by_kind(self) -> dict[str, Floats]:
        """Fraction of all ion-frames by kind of centre and label."""
        return {str(kind): self._per_label(self.shells.kinds == kind) for kind in np.unique(self.shells.kinds)}

    @property
    def unassigned_fraction(self) -> float:
        """Fraction of ion-frames on no site."""
        return self.n_unassigned / self.n_ion_frames

    @property
    def ambiguous_fraction(self) -> float:
        """Fraction of ion-frames with two sites equally close within the margin of the assignment."""
        return self.n_ambiguous / self.n_ion_frames

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know before trusting the assignment; empty if nothing."""
        found = []
        half = 0.5 * self.shells.site_distance
        if self.cutoff > half:
            found.append(
                f"spheres of {self.cutoff:.2f} A overlap: the closest sites are {2 * half:.2f} A apart, "
                "so ions between them go to the nearer one"
            )
        if self.unassigned_fraction > 0.2:
            found.append(f"{100 * self.unassigned_fraction:.0f} % of the ion-frames are on no site")
        unused = int((self.counts == 0).sum())
        if unused:
            found.append(f"{unused} of {len(self.counts)} sites are never visited")
        return tuple(found)

    def __str__(self) -> str:
        lines = [
            f"{self.n_frames} frames, {self.n_ion_frames // max(self.n_frames, 1)} ions, {self.shells!r}",
            f"on no site {100 * self.unassigned_fraction:.2f} %, ambiguous {100 * self.ambiguous_fraction:.2f} %",
        ]
        for kind, fractions in self.by_kind.items():
            lines.append(f"{kind}: " + ", ".join(f"{k}: {100 * f:.2f} %" for k, f in enumerate(fractions) if k))
        return "\n".join([*lines, *(f"note: {warning}" for warning in self.warnings)])

    def _per_label(self, centres: Bools) -> Floats:
        mine = centres[self.shells.centre_of]
        counts = np.bincount(self.shells.vertex[mine], self.counts[mine], minlength=self.shells.n_states)
        return np.asarray(counts / self.n_ion_frames)


@typed
def site_occupancies(
    site: ArrayLike, shells: CoordinationShells, *, ambiguous: Truths | None = None, cutoff: float = float("nan")
) -> SiteOccupancies:
    """Count how much each site is used.

    Parameters
    ----------
    site : array_like of int, (T, N)
        Site of every ion in every frame, -1 for none.
    shells : CoordinationShells
        Shells that the sites belong to.
    ambiguous : array_like of bool, (T, N), optional
        Ambiguous ions, from `assign_sites`.
    cutoff : float
        Cutoff that was used, in A; for the warnings.

    Returns
    -------
    SiteOccupancies
        Counts and fractions; those of parts of a trajectory can be added.

    Raises
    ------
    InputError
        If the sites are not those of the shells.

    Examples
    --------
    >>> octahedron = 0.2 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    >>> shells = CoordinationShells.from_sites(np.eye(3) * 12.0, [[0.5, 0.5, 0.5]], 0.5 + octahedron)
    >>> print(site_occupancies(np.array([[0, 5], [0, 3]]), shells, cutoff=1.8))
    2 frames, 2 ions, CoordinationShells(1 centre, 6 sites, 7 states, kinds: X)
    on no site 0.00 %, ambiguous 0.00 %
    X: 1: 50.00 %, 2: 0.00 %, 3: 0.00 %, 4: 25.00 %, 5: 0.00 %, 6: 25.00 %
    note: spheres of 1.80 A overlap: the closest sites are 3.39 A apart, so ions between them go to the nearer one
    note: 3 of 6 sites are never visited
    """
    array = check_sites(site, shells.n_sites)
    counts = np.bincount(array.ravel() + 1, minlength=shells.n_sites + 1)
    doubtful = 0 if ambiguous is None else int(np.count_nonzero(ambiguous))
    return SiteOccupancies(shells, counts[1:], int(counts[0]), doubtful, array.size, len(array), float(cutoff))
