"""Energy above the hull of given competing phases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pymatgen.core import Composition
from scipy.optimize import linprog

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.documented import documented
from ionpath.errors import InputError, warn
from ionpath.msonable import Msonable
from pymatgen.analysis.argyrodite.energies import constructed, energy_function
from pymatgen.analysis.argyrodite.framework import analyse

if TYPE_CHECKING:
    from pymatgen.core import Structure
    from pymatgen.core.entries import ComputedStructureEntry


@documented
@dataclass(frozen=True)
class HullRow(Msonable):
    """One line of the table."""

    formula: str  # reduced formula
    energy_per_atom: float  # in eV
    # energy above the most stable mixture of the competing phases, in meV per atom; negative if it is below
    above_hull: float
    decomposition: dict[str, float]  # that mixture: formula -> fraction of the atoms

    def __str__(self) -> str:
        mixture = " + ".join(f"{p:.3f} {f}" for f, p in self.decomposition.items())
        return f"{self.formula:16s} {self.energy_per_atom:10.5f} eV/atom {self.above_hull:9.2f} meV/atom  {mixture}"


@typed
def energy_above_hull(
    structures: Sequence[Structure],
    competing: Sequence[Structure],
    calculator: Any = None,
    *,
    energies: Sequence[float] | None = None,
    competing_energies: Sequence[float] | None = None,
) -> list[HullRow]:
    """Compare structures with the most stable mixture of competing phases of the same composition.

    Parameters
    ----------
    structures : sequence of Structure
        What to judge.
    competing : sequence of Structure
        Phases that it may decompose into, for instance Li2S, LiCl and Li3PS4. Elements are not needed.
    calculator : str, dict or object, optional
        As in `SiteInversionTransformation`, for energies that are not given.
    energies, competing_energies : sequence of float, optional
        Energies of the cells, in eV.

    Returns
    -------
    list of HullRow
        In the order of the structures.

    Raises
    ------
    InputError
        If no mixture of the competing phases has the composition, or the numbers of energies differ.

    Warns
    -----
    UserWarning
        If a shipped potential evaluates LPSCl-I, Li5PS4Cl2 that is no cubic argyrodite, and was not trained on it.

    Notes
    -----
    For each structure the linear program min sum_i x_i E_i with sum_i x_i n_i = n, x >= 0, over the competing phases i,
    with energies E_i and atoms n_i per cell. Energies at 0 K without vibrations; a disordered phase that is above the
    hull may be stable at the temperature at which it is made by its entropy, T S per formula unit.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> salt = Structure(Lattice.cubic(3.0), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> row = energy_above_hull([salt], [salt], energies=[-3.9], competing_energies=[-4.0])[0]
    >>> round(row.above_hull, 6)
    50.0
    """
    host = constructed(calculator)
    here = _energies("energies", structures, energies, host)
    there = _energies("competing_energies", competing, competing_energies, host)
    elements = sorted({e.symbol for s in (*structures, *competing) for e in s.composition.element_composition})
    columns = np.array([[s.composition.element_composition[e] for e in elements] for s in competing]).T
    rows = []
    for structure, value in zip(structures, here, strict=True):
        amounts = np.array([structure.composition.element_composition[e] for e in elements])
        rows.append(_row(structure, value, amounts, competing, columns, there))
    return rows


@typed
def computed_entries(
    structures: Sequence[Structure],
    calculator: Any = None,
    *,
    energies: Sequence[float] | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> list[ComputedStructureEntry]:
    """Make pymatgen's entries of structures, for its phase diagrams, compatibility schemes and stores.

    Parameters
    ----------
    structures : sequence of Structure
        Ordered structures.
    calculator : str, dict or object, optional
        As in `SiteInversionTransformation`, for energies that are not given.
    energies : sequence of float, optional
        Energies of the cells, in eV.
    parameters : mapping, optional
        What is to be kept of how the energies came about; the calculator's name is, if it has one.

    Returns
    -------
    list of pymatgen.entries.computed_entries.ComputedStructureEntry
        In the order of the structures, without corrections: energies of one calculator, not to be mixed with those of
        another or of a database.

    Raises
    ------
    InputError
        If the numbers of energies and structures differ, or an energy is not finite.

    Warns
    -----
    UserWarning
        As `energy_above_hull`.

    Notes
    -----
    Without the elements as entries, phases between compounds are those of pymatgen's ``CompoundPhaseDiagram``, whose
    terminal compositions are the competing phases. Its energy above the hull is that of `energy_above_hull`.

    Examples
    --------
    >>> from pymatgen.core import Lattice, Structure
    >>> salt = Structure(Lattice.cubic(3.0), ["Li", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    >>> entry = computed_entries([salt], energies=[-7.8])[0]
    >>> entry.reduced_formula, entry.energy_per_atom
    ('LiCl', -3.9)
    """
    from pymatgen.entries.computed_entries import ComputedStructureEntry  # type: ignore[attr-defined]  # by a star

    known = dict(parameters or {})
    if energies is None and isinstance(calculator, (str, dict)):
        known.setdefault("calculator", calculator)
    values = _energies("energies", structures, energies, constructed(calculator))
    return [
        ComputedStructureEntry(structure, float(value), parameters=known, entry_id=f"{structure.reduced_formula}-{k}")
        for k, (structure, value) in enumerate(zip(structures, values, strict=True))
    ]


def _energies(name: str, structures: Sequence[Structure], given: Sequence[float] | None, calculator: Any) -> Floats:
    if given is None:
        energy = energy_function(calculator)
        argument = {"energies": "structures", "competing_energies": "competing"}[name]
        _warn_if_not_trained_on(argument, structures, calculator)
        return np.array([energy(s) for s in structures])
    if len(given) != len(structures):
        raise InputError(name, need=f"{len(structures)} energies", got=str(len(given)))
    values = np.asarray(given, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError(name, need="finite energies in eV", got=str(values.tolist())[:80], remedy="leave those out")
    return values


def _warn_if_not_trained_on(name: str, structures: Sequence[Structure], calculator: Any) -> None:
    """Warn of LPSCl-I where the calculator says that it was not trained on this phase (`untrained_phases`)."""
    if "LPSCl-I" not in getattr(calculator, "untrained_phases", ()):
        return
    found = [str(k) for k, structure in enumerate(structures) if _is_lpscl_i(structure)]
    if found:
        used = dict(getattr(calculator, "parameters", {})).get("model", "a committee")
        warn(
            f"{name}: need a potential that was trained on Li5PS4Cl2 outside of the cubic framework (LPSCl-I), got "
            f"{used} for structure {', '.join(found)}, whose energy is some 10 meV/atom too high beside that of other "
            'phases; use calculator={"name": "ionpath", "model": "argyrodite-lpscl-i"}'
        )


def _is_lpscl_i(structure: Structure) -> bool:
    """Whether a structure is Li5PS4Cl2 and no cubic argyrodite: displaced atoms and any cell do not matter."""
    if structure.composition.element_composition.reduced_composition != Composition("Li5PS4Cl2").reduced_composition:
        return False
    try:
        analyse(structure)
    except InputError:
        return True
    return False


def _row(
    structure: Structure,
    value: float,
    amounts: Floats,
    competing: Sequence[Structure],
    columns: Floats,
    energies: Floats,
) -> HullRow:
    solved = linprog(energies, A_eq=columns, b_eq=amounts, bounds=(0, None), method="highs")
    if not solved.success:
        names = ", ".join(s.composition.reduced_formula for s in competing)
        need = f"phases that mix to {structure.composition.reduced_formula}"
        remedy = "add a phase for every independent element, as Li2S, LiCl and Li3PS4"
        raise InputError("competing", need=need, got=names, remedy=remedy)
    n = len(structure)
    shares = {
        phase.composition.reduced_formula: float(x * len(phase) / n)
        for phase, x in zip(competing, solved.x, strict=True)
        if x * len(phase) / n > 1e-6
    }
    return HullRow(
        structure.composition.reduced_formula, float(value / n), float(1000 * (value - solved.fun) / n), shares
    )
