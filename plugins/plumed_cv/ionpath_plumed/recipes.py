"""What every protocol gives: the lines before the bias, and where its basins are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ionpath.errors import InputError
from ionpath_plumed.presets import Protocol
from ionpath_plumed.structure import Crystal, check_atoms, neighbouring_cages, shell_of, shells_to_choose


@dataclass(frozen=True)
class Choice:
    """What the caller chose; None is found."""

    ion: int | None  # index of the ion
    centres: Sequence[int] | None  # indices of the centres
    mobile: str  # element that moves
    radius: float  # largest distance in A of an ion from the centre of its shell
    rotation: float  # degrees by which the crystal axes are turned about z
    region: Sequence[Sequence[float]] | None  # box in A
    fence: float | None  # A by which a third centre may be nearer


@dataclass(frozen=True)
class Recipe:
    """What a protocol makes of a structure."""

    body: list[str]  # lines that define variables and walls
    variables: tuple[str, ...]  # variables that are biased
    printed: str  # what is printed
    grid: list[tuple[float | str, float | str]] | None  # grid of the bias; None for none
    atoms: dict[str, list[int]]  # numbers of atoms from 1 by role
    # start, end, reach, end_reach: as in `PlumedInput`
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    end_reach: tuple[float, ...] = ()
    files: dict[str, str] = field(default_factory=dict)  # name -> text of further files


def choose_hop(crystal: Crystal, choice: Choice, centres: Sequence[int] | None) -> tuple[int, int, int]:
    """Ion and two neighbouring shell centres of a hop."""
    ion, mobile, radius = choice.ion, choice.mobile, choice.radius
    ions: list[int] = []
    if centres is None:
        shells = shells_to_choose(crystal, mobile, radius)
        pairs = neighbouring_cages(crystal, shells)
        if ion is not None:
            check_atoms(crystal, [ion])
            own = int(crystal.distances(ion, [shell.centre for shell in shells]).argmin())
            pairs = [(own, i + j - own, d) for i, j, d in pairs if own in (i, j)]
        first, second = shells[pairs[0][0]].centre, shells[pairs[0][1]].centre
        ions = list(shells[pairs[0][0]].ions)
    elif len(centres) == 2:
        first, second = centres
        check_atoms(crystal, [first, second])
    else:
        remedy = "name the shell it is in and the next one"
        raise InputError("centres", need="two", got=f"{len(centres)}", remedy=remedy)
    if ion is None:
        ions = ions or list(shell_of(crystal, first, mobile=mobile, radius=radius).ions)
        ion = ions[int(crystal.distances(second, ions).round(3).argmin())]  # of equals the first
    check_atoms(crystal, [ion, first, second])
    return ion, first, second


def named(crystal: Crystal, atom: int) -> str:
    """Element and number of an atom."""
    return f"{crystal.symbols[atom]} {atom + 1}"


def walls(settings: Protocol, arguments: Sequence[str]) -> list[str]:
    """Walls of a protocol on the first variables."""
    if settings.walls is None:
        return []
    low, high = settings.walls
    n = len(arguments)
    joined = ",".join(arguments)
    return [
        "# walls in A keep the run between the two shells; their springs are in kJ/mol/A^2",
        f"lower: LOWER_WALLS ARG={joined} AT={repeated(low, n)} KAPPA={repeated(500.0, n)}",
        f"upper: UPPER_WALLS ARG={joined} AT={repeated(high, n)} KAPPA={repeated(500.0, n)}",
    ]


def repeated(value: float, n: int) -> str:
    """A number for each variable."""
    return ",".join([f"{value:g}"] * n)
