"""Protocols in the frame of the framework: the tilt of a tetrahedron, and the position of an ion."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ionpath.errors import InputError
from ionpath_plumed.presets import Protocol
from ionpath_plumed.recipes import Choice, Recipe, choose_hop, named
from ionpath_plumed.structure import Crystal, check_atoms, find_tetrahedra


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
