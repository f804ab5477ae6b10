"""Protocols of hops: one ion between two cages, within one, and two ions together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ionpath.errors import InputError
from ionpath_plumed.presets import BETWEEN, WITHIN, Protocol
from ionpath_plumed.recipes import Choice, Recipe, choose_hop, named, walls
from ionpath_plumed.structure import Crystal, check_atoms, shell_of, shells_to_choose


def inter_cage(crystal: Crystal, settings: Protocol, choice: Choice) -> Recipe:
    """One ion from a shell to the next, by the distances to both centres."""
    ion, first, second = choose_hop(crystal, choice, choice.centres)
    gap = float(crystal.distances(first, [second])[0])
    if settings.walls == BETWEEN and gap + 0.5 > BETWEEN[1]:
        settings = replace(settings, walls=(BETWEEN[0], round(gap + 1.3, 1)))  # as far beyond as in Li6PS5Cl
    d1 = float(crystal.distances(ion, [first])[0])
    variables = ("cage.py-d1", "cage.py-d2")
    shortest = 2 * float(np.sqrt((crystal.vectors(first, [second]) ** 2).sum()))
    heights = crystal.cell.diagonal().min()
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
    else:
        shell = shell_of(crystal, choice.centres[0], mobile=mobile, radius=radius)
    first = shell.centre
    wide = shell.reach is not None and settings.walls == WITHIN
    settings = replace(settings, walls=(WITHIN[0], shell.reach or 0.0)) if wide else settings
    ion = shell.ions[0] if ion is None else ion
    check_atoms(crystal, [ion, first])
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
