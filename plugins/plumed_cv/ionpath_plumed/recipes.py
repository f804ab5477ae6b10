"""What each protocol makes of a structure: the lines before the bias, and where its basins are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ionpath.errors import InputError
from ionpath_plumed.presets import BETWEEN, WITHIN, Protocol
from ionpath_plumed.structure import (
    Crystal,
    check_atoms,
    find_tetrahedra,
    neighbouring_cages,
    shell_of,
    shells_to_choose,
)


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
    gap = float(crystal.distances(first, [second])[0])
    _check_near(crystal, choice, ion, [first, second], max(radius, 0.5 * gap) + 1.0)  # it may be on its way
    return ion, first, second


def _check_near(crystal: Crystal, choice: Choice, ion: int, centres: Sequence[int], reach: float) -> None:
    """Refuse an ion that has nothing to do with the centres, and centres that move themselves."""
    for centre in centres:
        if crystal.symbols[centre] == choice.mobile:
            remedy = "name the anions that ions are around (find_shells lists them)"
            raise InputError("centres", need="atoms that stay", got=named(crystal, centre), remedy=remedy)
    distance = float(crystal.distances(ion, centres).min())
    if distance > reach:
        need = f"an ion within {reach:.3g} A of {' or '.join(named(crystal, centre) for centre in centres)}"
        remedy = (
            "name an ion of theirs, or the centres that it is next to: leave one of ion= and centres= out to see them"
        )
        raise InputError("ion", need=need, got=f"{named(crystal, ion)}, {distance:.3g} A away", remedy=remedy)


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


def inter_cage(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """One ion from a shell to the next, by the distances to both centres."""
    ion, first, second = choose_hop(crystal, choice, choice.centres)
    gap = float(crystal.distances(first, [second])[0])
    if settings.walls == BETWEEN and gap + 0.5 > BETWEEN[1]:
        settings = replace(settings, walls=(BETWEEN[0], round(gap + 1.3, 1)))  # as far beyond as in Li6PS5Cl
    d1 = float(crystal.distances(ion, [first])[0])
    variables = ("cage.py-d1", "cage.py-d2")
    shortest = 2 * float(np.sqrt((crystal.vectors(first, [second]) ** 2).sum()))
    heights = (1.0 / np.linalg.norm(np.linalg.inv(crystal.cell), axis=0)).min()
    small = [
        f"# the cell ({heights:.1f} A) is small: images of the second centre are neighbours of the first as well"
    ] * bool(heights < shortest)
    body = [
        f"# {named(crystal, ion)} between the shells of {named(crystal, first)} and {named(crystal, second)}, "
        f"{gap:.2f} A apart: distances to both centres",
        *small,
        f"cage: PYCVINTERFACE ATOMS={ion + 1},{first + 1},{second + 1} IMPORT=ionpath_plumed.shell",
        *walls(settings, variables),
    ]
    third = [] if choice.fence is None else _third_centres(crystal, choice, first, second, 1.3 * gap)
    if third:
        body += [
            "# and this one nearer to one of the two centres than to any third one around them, since both distances",
            "# cannot tell a third cage from the way between the two",
            f"third: PYCVINTERFACE ATOMS={','.join(str(i + 1) for i in [ion, *third])} IMPORT=ionpath_plumed.shell "
            f"INIT={{centres={len(third)} values=[nearest]}}",
            "beyond: COMBINE ARG=cage.py-nearest,third COEFFICIENTS=1,-1 PERIODIC=NO",
            f"fence: UPPER_WALLS ARG=beyond AT={choice.fence:g} KAPPA=500",
        ]
    near = min(d1, 3.0)
    # On any side of its own centre the ion is as far from the other one as the centres are, give or take its distance.
    return Recipe(
        body, variables, "cage.*", [(0.0, 12.0), (0.0, 12.0)], start=(near, gap), end=(gap, near), reach=(1.3, 3.0),
        end_reach=(3.0, 1.3), atoms={"ion": [ion + 1], "centres": [first + 1, second + 1]},
    )  # fmt: skip


def _third_centres(crystal: Crystal, choice: Choice, first: int, second: int, reach: float) -> list[int]:
    """Centres of other shells within reach of one of the two."""
    try:
        shells = shells_to_choose(crystal, choice.mobile, choice.radius)
    except InputError:
        return []  # ion and centres were named by hand, and there is no shell besides to keep the ion out of
    others = [shell.centre for shell in shells if shell.centre not in (first, second)]
    near = np.min([crystal.distances(end, others) for end in (first, second)], axis=0)
    return [centre for centre, distance in zip(others, near, strict=True) if distance <= reach]


def intra_cage(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """One ion within its shell, by the polar angle about the centre."""
    ion, mobile, radius, rotation = choice.ion, choice.mobile, choice.radius, choice.rotation
    if choice.centres is None:
        shells = shells_to_choose(crystal, mobile, radius)
        shell = shells[0]
        if ion is not None:
            check_atoms(crystal, [ion])
            shell = shells[int(crystal.distances(ion, [s.centre for s in shells]).argmin())]
    elif len(choice.centres) != 1:
        raise InputError("centres", need="one", got=f"{len(choice.centres)}", remedy="name the shell that it stays in")
    else:
        shell = shell_of(crystal, choice.centres[0], mobile=mobile, radius=radius)
    first = shell.centre
    wide = shell.reach is not None and settings.walls == WITHIN
    settings = replace(settings, walls=(WITHIN[0], shell.reach or 0.0)) if wide else settings
    ion = shell.ions[0] if ion is None else ion
    check_atoms(crystal, [ion, first])
    _check_near(crystal, choice, ion, [first], max(radius, shell.reach or 0.0) + 1.0)
    turned = f" rotation={rotation:g}" if rotation else ""
    body = [
        f"# {named(crystal, ion)} within the shell of {named(crystal, first)} ({len(shell.ions)} ions): "
        "polar angle in rad of the vector from the centre",
        *["# a shell about two tetrahedra reaches further from the first former than one about an anion"] * wide,
        f"cage: PYCVINTERFACE ATOMS={ion + 1},{first + 1} IMPORT=ionpath_plumed.shell INIT={{centres=1{turned}}}",
        *walls(settings, ["cage.py-d1"]),
    ]
    atoms = {"ion": [ion + 1], "centres": [first + 1]}
    return Recipe(body, ("cage.py-theta",), "cage.*", [("0", "pi")], atoms)


def _third_shell(crystal: Crystal, choice: Choice, first: int, second: int) -> int:
    """Centre of the shell that takes the second ion: the next one, or the first where all are equally full."""
    shells = shells_to_choose(crystal, choice.mobile, choice.radius)
    centres = [shell.centre for shell in shells]
    nearest = [int(crystal.distances(ion, centres).argmin()) for ion in crystal.of(choice.mobile)]
    others = [centre for centre in centres if centre not in (first, second)]
    if not others or len(set(np.bincount(nearest, minlength=len(centres)))) == 1:
        return first
    return min(others, key=lambda centre: float(crystal.distances(second, [centre])[0]))


def concerted(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """Two ions that move one after the other, by the progress along a path."""
    centres, mobile, radius = choice.centres, choice.mobile, choice.radius
    if centres is not None and len(centres) not in (2, 3):
        remedy = "name the shell of the first ion, the one it goes to, and the one to which another goes from there"
        raise InputError("centres", need="two or three of a concerted hop", got=f"{len(centres)}", remedy=remedy)
    if centres is None and shells_to_choose(crystal, mobile, radius)[0].reach is not None:
        need = "shells around free anions, whose path of two ions this protocol follows"
        remedy = "use inter-cage, intra-cage or position"
        raise InputError("structure", need=need, got="shells about pairs of tetrahedra", remedy=remedy)
    found = None if centres is None else centres[:2]
    one, first, second = choose_hop(crystal, replace(choice, ion=None), found)
    if centres is not None and len(centres) == 3:
        third = centres[2]
        check_atoms(crystal, [third])
    else:
        third = _third_shell(crystal, choice, first, second)
    if third == second:
        got = named(crystal, third) + " twice"
        remedy = "name the shell to which an ion goes from there; the first again exchanges two ions"
        raise InputError("centres", need="a third shell that is not the second", got=got, remedy=remedy)
    ions = [i for i in shell_of(crystal, second, mobile=mobile, radius=radius).ions if i != one]
    two = ions[int(crystal.distances(third, ions).round(3).argmin())]
    pairs = f"{one + 1},{second + 1},{two + 1},{third + 1}"
    body = [
        f"# {named(crystal, one)} moves to the shell of {named(crystal, second)} while {named(crystal, two)} moves "
        f"from there to {named(crystal, third)}" + (": they change places" if third == first else ""),
        "# s counts nodes (1 to 4), z is the distance in A from the line of nodes (6.5,6.5) to (2,2) A",
        f"hop: PYCVINTERFACE ATOMS={pairs} IMPORT=ionpath_plumed.path",
        f"p1: DISTANCE ATOMS={one + 1},{second + 1}",
        f"p2: DISTANCE ATOMS={two + 1},{third + 1}",
        *walls(settings, ["p1", "p2"]),
    ]
    variables = ("hop.py-s", "hop.py-z")
    distances = [float(crystal.distances(two, [third])[0]), float(crystal.distances(one, [second])[0])]
    low, high = 2.4, float(np.mean(distances))
    start, end = (1 + (6.5 - high) / 1.5, 0.0), (1 + (6.5 - low) / 1.5, 0.0)
    atoms = {"ions": [one + 1, two + 1], "centres": [second + 1, third + 1]}
    return Recipe(  # off the line of nodes, z is about 1 A
        body, variables, "hop.*,p1,p2", [(-1.0, 6.0), (0.0, 9.0)], atoms, start=start, end=end, reach=(0.7, 2.0)
    )


def tilt(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """One bond of a tetrahedron of the kind that the protocol is for, by its two angles."""
    try:
        found = {unit[0]: unit for unit in find_tetrahedra(crystal)}
    except InputError as error:
        remedy = "take a protocol without tetrahedra: inter-cage, intra-cage, concerted or position"
        raise InputError(error.name, need=error.need, got=error.got, remedy=remedy) from error
    if choice.centres is None:
        central, anion = _bond(crystal, settings, found)
    elif len(choice.centres) == 2:
        central, anion = choice.centres
        check_atoms(crystal, [central, anion])
        kind = (
            unit_name(crystal, found[central]) if central in found else f"no tetrahedron of {named(crystal, central)}"
        )
        if kind != settings.unit:
            need = f"an atom at the centre of a {settings.unit}, and an anion"
            remedy = "take a protocol for that unit (tilt, tilt-SiS4, tilt-SiS3Cl), or another atom"
            raise InputError("centres", need=need, got=kind, remedy=remedy)
    else:
        got = f"{len(choice.centres)} atoms"
        raise InputError("centres", need="a central atom and an anion", got=got, remedy="name two")
    rotation = choice.rotation
    turned = f" INIT={{rotation={rotation:g}}}" if rotation else ""
    body = [
        f"# tilt of the bond {named(crystal, central)} - {named(crystal, anion)} of a {settings.unit}: "
        "polar and azimuthal angle in rad",
        f"tilt: PYCVINTERFACE ATOMS={central + 1},{anion + 1} IMPORT=ionpath_plumed.tilt{turned}",
    ]
    variables = ("tilt.py-theta", "tilt.py-phi")
    atoms = {"central": [central + 1], "anion": [anion + 1]}
    return Recipe(body, variables, "tilt.*", [("0", "pi"), ("-pi", "pi")], atoms)


def unit_name(crystal: Crystal, unit: tuple[int, ...]) -> str:
    """Formula of a tetrahedron, the commoner anion first.

    >>> crystal = Crystal(np.array(["Si", "S", "Cl", "S", "S"]), np.zeros((5, 3)), np.eye(3))
    >>> unit_name(crystal, (0, 1, 2, 3, 4))
    'SiS3Cl'
    """
    counts = Counter(str(crystal.symbols[atom]) for atom in unit[1:])
    return str(crystal.symbols[unit[0]]) + "".join(
        f"{element}{number if number > 1 else ''}"
        for element, number in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    )


def _bond(crystal: Crystal, settings: Protocol, found: dict[int, tuple[int, ...]]) -> tuple[int, int]:
    """Central atom and anion of the first unit of the kind: the anion that occurs once, or the first."""
    names = {central: unit_name(crystal, unit) for central, unit in found.items()}
    for central, name in names.items():
        if name == settings.unit:
            anions = found[central][1:]
            count = Counter(crystal.symbols[list(anions)].tolist())
            return central, min(anions, key=lambda atom: (count[crystal.symbols[atom]], atom))
    got = ", ".join(sorted(set(names.values())))
    remedy = "take a protocol for a unit that is there (tilt, tilt-SiS4, tilt-SiS3Cl)"
    raise InputError("tetrahedra", need=f"a {settings.unit}, which this protocol is for", got=got, remedy=remedy)


def position(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """One ion by its position among the framework, in a box."""
    mobile, region = choice.mobile, choice.region
    ion, first, second = choose_hop(crystal, choice, choice.centres)
    framework = [i for i, s in enumerate(crystal.symbols) if s != mobile]
    start = crystal.positions[first] + crystal.vectors(first, [ion])[0]
    end = crystal.positions[first] + crystal.vectors(first, [second])[0] - crystal.vectors(first, [ion])[0]
    ends = np.array([crystal.positions[first], crystal.positions[first] + crystal.vectors(first, [second])[0]])
    middle, half = ends.mean(0), 0.5 * np.ptp(ends, axis=0) + 3.5
    most = 0.5 * np.abs(crystal.cell).max(0) - 0.6  # half a cell away components jump
    half = np.minimum(half, most)
    box = np.array([middle - half, middle + half]).T if region is None else np.asarray(region, dtype=float)
    if box.shape != (3, 2) or (box[:, 1] <= box[:, 0]).any():
        raise InputError("region", need="three pairs (low, high) in A", got=f"{box.tolist()}", remedy="mend the box")
    if (wide := np.ptp(box, axis=1) > 2 * most + 1e-6).any():
        axis = int(np.argmax(wide))
        need = f"at most {2 * most[axis]:.4g} A along {'xyz'[axis]} in this cell, so that images are apart"
        remedy = "repeat the structure, or leave region out"
        raise InputError("region", need=need, got=f"{np.ptp(box[axis]):.4g} A", remedy=remedy)
    origin = ",".join(f"{c:.4f}" for c in box.mean(1))
    serials = ",".join(str(i + 1) for i in [ion, *framework])
    names = ("frame.py-x", "frame.py-y", "frame.py-z")
    body = [
        f"# position in A of {named(crystal, ion)} in the frame of the {len(framework)} framework atoms",
        f"frame: PYCVINTERFACE ATOMS={serials} IMPORT=ionpath_plumed.position "
        f"INIT={{reference=framework.dat origin=[{origin}]}}",
        "# walls in A around the region; their springs are in kJ/mol/A^2",
        f"lower: LOWER_WALLS ARG={','.join(names)} AT={','.join(f'{c:.3f}' for c in box[:, 0])} KAPPA=500,500,500",
        f"upper: UPPER_WALLS ARG={','.join(names)} AT={','.join(f'{c:.3f}' for c in box[:, 1])} KAPPA=500,500,500",
    ]
    table = "\n".join(" ".join(f"{c:.6f}" for c in crystal.positions[i]) for i in framework) + "\n"
    return Recipe(
        body, names, "frame.*", None, start=tuple(map(float, start)), end=tuple(map(float, end)), reach=(1.0, 1.0, 1.0),
        atoms={"ion": [ion + 1], "centres": [first + 1, second + 1]}, files={"framework.dat": table},
    )  # fmt: skip


RECIPES: dict[str, Callable[[Crystal, Protocol, Choice], Recipe]] = {
    "inter-cage": inter_cage,
    "intra-cage": intra_cage,
    "concerted": concerted,
    "tilt": tilt,
    "position": position,
}
"""Kinds of protocols."""
