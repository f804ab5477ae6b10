"""All inequivalent arrangements of halide and chalcogenide, with their multiplicities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Bools, Indices
from ionpath.citations import references
from ionpath.elements import CHALCOGENS, HALOGENS
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.lattice.decorations import Sublattice, count_decorations
from ionpath.lattice.superlattices import inequivalent_superlattices
from pymatgen.analysis.argyrodite.anions import count_halides, place_anions
from pymatgen.analysis.argyrodite.composition import between, check_charges, check_conserved, whole_number
from pymatgen.analysis.argyrodite.energies import EnergyFunction, check_calculator, describe, energy_function
from pymatgen.analysis.argyrodite.framework import MOBILE, Argyrodite, analyse
from pymatgen.analysis.argyrodite.inequivalent import Cell, decorations, make_cell
from pymatgen.analysis.argyrodite.lithium import change_lithium
from pymatgen.analysis.argyrodite.symmetry import SymmetryOf, framework_operations
from pymatgen.analysis.argyrodite.transformations.base import ArgyroditeTransformation, Change

if TYPE_CHECKING:
    from pymatgen.core import Structure


@typed
@references("jang2025", "guan2024")
class EnumerateSiteInversionTransformation(ArgyroditeTransformation):
    """List the arrangements of halide and free chalcogenide that symmetry does not make equivalent.

    Parameters
    ----------
    fractions : sequence of float, optional
        Inversions to list; without them all that the composition and the cell allow.
    cell_sizes : sequence of int
        Numbers of input cells per supercell; all inequivalent supercells of each size are used. With several sizes
        an arrangement that repeats one of a smaller cell is left out of the larger.
    x_excess : float, optional
        Excess halide to enumerate at; without it that of the structure.
    lithium_orderings : bool
        Also enumerate which lithium sites of the structure are vacant. Otherwise lithium stays where it is, or, if
        `x_excess` asks for vacancies, they are chosen by the rule "cage" for each arrangement.
    symmetry : {"framework", "structure"}
        Whether the lithium of the structure counts when arrangements are compared. "framework" compares the anions.
    calculator : str, dict or object, optional
        Energy to rank by, see `SiteInversionTransformation`. Without it nothing is ranked: the order is by cell
        size, inversion and falling multiplicity.
    max_structures : int
        Most arrangements to list per supercell and inversion. Where there are more, so many are drawn at random, all
        inequivalent ones equally likely, and the size of the whole is stated.
    symprec : float
        Tolerance of symmetry, in A.
    seed : int
        Seed of draws and of vacancies.

    Notes
    -----
    The multiplicities of a complete list at one inversion add up to the number of arrangements, and the number of
    entries is that of Burnside's lemma. The draw is that of J. D. Dixon and H. S. Wilf, J. Algorithms 4, 205 (1983),
    doi:10.1016/0196-6774(83)90021-6.

    Examples
    --------
    Six inequivalent arrangements of four chlorides on the eight free anion sites of the cubic cell:

    >>> from pymatgen.analysis.argyrodite import EnumerateSiteInversionTransformation, argyrodite
    >>> listed = EnumerateSiteInversionTransformation().apply_transformation(argyrodite(), return_ranked_list=100)
    >>> [(entry["inversion"], entry["multiplicity"]) for entry in listed]
    [(0.0, 1), (0.25, 16), (0.5, 24), (0.5, 12), (0.75, 16), (1.0, 1)]
    """

    def __init__(
        self,
        fractions: Sequence[float] | None = None,
        cell_sizes: Sequence[int] = (1,),
        x_excess: float | None = None,
        lithium_orderings: bool = False,
        symmetry: SymmetryOf = "framework",
        calculator: Any = None,
        max_structures: int = 1000,
        symprec: float = 0.1,
        seed: int = 0,
    ) -> None:
        one_of("symmetry", symmetry, ("framework", "structure"))
        self.fractions = None if fractions is None else [between("fractions", f, 0.0, 1.0) for f in fractions]
        self.cell_sizes = [whole("cell_sizes", n) for n in cell_sizes]
        self.x_excess = None if x_excess is None else between("x_excess", x_excess, -1.0, 1.0)
        self.lithium_orderings = lithium_orderings
        self.symmetry = symmetry
        self.calculator = check_calculator(calculator)
        self.max_structures = whole("max_structures", max_structures)
        self.symprec = positive("symprec", symprec, "A")
        self.seed = whole("seed", seed, 0)

    def apply_transformation(
        self, structure: Structure, return_ranked_list: bool | int = False
    ) -> Structure | list[dict[str, Any]]:
        """Apply it.

        Parameters
        ----------
        structure : Structure
            A cell or supercell with all lithium sites that lithium may use. Partial occupancies are replaced by one
            arrangement first, as `order_occupancies` does.
        return_ranked_list : bool or int
            False gives the first structure alone; a number, that many entries; True, all.

        Returns
        -------
        Structure or list of dict
            Entries have "structure", "multiplicity", "inversion", "inversions" (all that were asked for in that
            supercell), "x_excess", "cell_size", "supercell" (matrix), "inequivalent" and "arrangements" (numbers in all
            at that supercell and inversion), "complete" (whether all are listed), and with a calculator "energy" and
            "energy_per_atom" in eV, lowest per atom first.

        Raises
        ------
        InputError
            If it is not an argyrodite, or the cell cannot hold a fraction.
        """
        entries = self.entries(structure)
        wanted = _how_many(return_ranked_list)
        if self.calculator is None:
            listed = [entry for entry, _ in zip(entries, range(wanted), strict=False)] if wanted else list(entries)
        else:
            listed = _ranked(list(entries), energy_function(self.calculator), describe(self.calculator))[:wanted]
        if not listed:
            raise InputError("fractions", need="a fraction that some cell can hold", got=repr(self.fractions))
        return listed if return_ranked_list is not False else listed[0]["structure"]

    def entries(self, structure: Structure) -> Iterator[dict[str, Any]]:
        """Go through the arrangements one by one, without energies: entries as those of `apply_transformation`."""
        for cell in self._cells(structure):
            yield from self._in_cell(cell)

    def count(self, structure: Structure) -> list[dict[str, Any]]:
        """Count the arrangements without listing them, by Burnside's lemma.

        Each dict has "cell_size", "supercell", "inversion", "inequivalent" and "arrangements"; repeats of smaller cells
        are counted here.
        """
        rows = []
        for cell in self._cells(structure):
            for inverted, parts in self._choices(cell):
                number, every = count_decorations(cell.permutations, parts)
                rows.append(
                    {
                        "cell_size": cell.size, "supercell": cell.supercell,
                        "inversion": inverted / cell.found.n_formula_units,
                        "inequivalent": number, "arrangements": every,
                    }
                )  # fmt: skip
        return rows

    def _cells(self, structure: Structure) -> Iterator[Cell]:
        start = self._ordered(structure)
        found = analyse(start)
        # Lithium that takes part must be mapped onto itself too.
        of: SymmetryOf = "structure" if self.lithium_orderings else self.symmetry
        operations = framework_operations(start, found, of=of, symprec=self.symprec)
        self._check_fractions(found.n_formula_units)
        for size in sorted(set(self.cell_sizes)):
            for lattice in inequivalent_superlattices(operations.rotations, size):
                yield make_cell(start, found, operations, lattice, self.lithium_orderings, self.symprec)

    def _apply(self, structure: Structure, found: Argyrodite) -> tuple[Structure, Change]:
        raise NotImplementedError("one structure gives many")

    def _choices(self, cell: Cell) -> Iterator[tuple[int, list[Sublattice]]]:
        """Return the sublattices and numbers for each inversion."""
        n = cell.found.n_formula_units
        now = count_halides(cell.found)
        halides = now
        if self.x_excess is not None:
            halides = whole_number("1 + x", 1 + self.x_excess, n, nearest=None, low=0, high=2 * n)
        low, high = max(0, halides - n), min(n, halides)
        vacancies = halides - now if self.lithium_orderings else 0
        lithium = self._lithium(cell, vacancies)
        for inverted in self._numbers(cell, low, high):
            parts = [Sublattice(tuple(range(n)), halides - inverted), Sublattice(tuple(range(n, 2 * n)), inverted)]
            yield inverted, parts + lithium

    def _check_fractions(self, n: int) -> None:
        """Refuse a fraction that none of the sizes of a cell with so many formula units can hold."""
        for fraction in self.fractions or ():
            if len(self.cell_sizes) > 1 and not any(_fits(fraction, n * size) for size in self.cell_sizes):
                remedy = f"add a size to {self.cell_sizes}, or leave it out"
                raise InputError(
                    "fractions", need="a fraction that some cell can hold", got=f"{fraction:g}", remedy=remedy
                )

    def _numbers(self, cell: Cell, low: int, high: int) -> list[int]:
        n = cell.found.n_formula_units
        if self.fractions is None:
            return list(range(low, high + 1))
        # With several sizes a fraction is listed where it fits, and each once.
        fitting = [f for f in self.fractions if len(self.cell_sizes) == 1 or _fits(f, n)]
        return list(dict.fromkeys(whole_number("fraction", f, n, nearest=None, low=low, high=high) for f in fitting))

    def _lithium(self, cell: Cell, vacancies: int) -> list[Sublattice]:
        if not self.lithium_orderings:
            return []
        n = cell.found.n_formula_units
        ions = len(cell.found.mobile)
        if not 0 <= vacancies <= ions:
            need = f"0 to {ions / n:g} vacancies per formula unit on the lithium sites that are there"
            remedy = "start from a structure with more lithium sites"
            raise InputError("x_excess", need=need, got=f"{vacancies / n:g}", remedy=remedy)
        return [Sublattice(tuple(range(2 * n, 2 * n + ions)), ions - vacancies)]

    def _in_cell(self, cell: Cell) -> Iterator[dict[str, Any]]:
        n, choices = cell.found.n_formula_units, list(self._choices(cell))
        for inverted, parts in choices:
            listed = decorations(cell.permutations, parts, self.max_structures, self.seed)
            keep = np.arange(len(listed))
            if len(self.cell_sizes) > 1:
                keep = keep[~_repeats(listed.chosen, cell.lattice_translations)]
            keep = keep[np.argsort(-listed.multiplicity[keep], kind="stable")]
            for k in keep:
                built, change = self._build(cell, listed.chosen[k])
                check_conserved(cell.structure, built, change)
                yield {
                    "structure": built,
                    "multiplicity": int(listed.multiplicity[k]),
                    "inversion": inverted / n,
                    "inversions": [other / n for other, _ in choices],
                    "x_excess": int(listed.chosen[k, : 2 * n].sum()) / n - 1.0,
                    "cell_size": cell.size,
                    "supercell": cell.supercell,
                    "inequivalent": listed.inequivalent,
                    "arrangements": listed.arrangements,
                    "complete": listed.complete,
                }

    def _build(self, cell: Cell, chosen: Bools) -> tuple[Structure, Change]:
        n = cell.found.n_formula_units
        new = place_anions(cell.structure, cell.found, cell.sites[: 2 * n][chosen[: 2 * n]], seed=self.seed)
        gain = int(chosen[: 2 * n].sum()) - count_halides(cell.found)
        change = {MOBILE: float(-gain), HALOGENS: float(gain), CHALCOGENS: float(-gain)} if gain else {}
        if self.lithium_orderings:
            new.remove_sites([int(k) for k in cell.sites[2 * n :][~chosen[2 * n :]]])
        elif self.x_excess is not None:
            check_charges(cell.found)
            new = change_lithium(new, analyse(new), -gain, "cage", self.seed)
        return new, change

    @property
    def is_one_to_many(self) -> bool:
        """True: one structure gives many."""
        return True


def _how_many(return_ranked_list: bool | int) -> int | None:
    """The number of entries to return, None for all."""
    if isinstance(return_ranked_list, bool):
        return None if return_ranked_list else 1
    return whole("return_ranked_list", return_ranked_list)


def _fits(fraction: float, sites: int) -> bool:
    """Whether a fraction of sites is a whole number of them."""
    return abs(fraction * sites - round(fraction * sites)) < 1e-6 * sites


def _repeats(chosen: Bools, translations: Indices) -> Bools:
    """Tell which arrangements are repeats of a smaller cell."""
    repeated = np.zeros(len(chosen), dtype=bool)
    for translation in translations:
        repeated |= (chosen[:, translation] == chosen).all(axis=1)
    return repeated


def _ranked(entries: list[dict[str, Any]], energy: EnergyFunction, name: str) -> list[dict[str, Any]]:
    for entry in entries:
        entry["energy"] = float(energy(entry["structure"]))
        entry["energy_per_atom"] = entry["energy"] / len(entry["structure"])
        entry["calculator"] = name
    return sorted(entries, key=lambda entry: float(entry["energy_per_atom"]))
