"""Complete, commented plumed.dat for the metadynamics protocols, from a structure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_plumed.biases import Bias, write_bias
from ionpath_plumed.presets import Protocol, protocol
from ionpath_plumed.structure import (
    Crystal,
    as_crystal,
    check_atoms,
    crystal_tuple,
    find_shells,
    find_tetrahedra,
    neighbouring_cages,
    shell_of,
)

_TUPLES = ("variables", "start", "end", "reach", "end_reach")
Method = Literal["metad", "opes", "opes-explore", "opes-multithermal"]


@dataclass(frozen=True)
class PlumedInput:
    """An input for PLUMED, and what is needed to run and to analyse it.

    Attributes
    ----------
    text : str
        The plumed.dat.
    files : dict
        Name -> text of further files that it reads.
    kind : str
        Protocol, or ``custom``.
    temperature : float
        Temperature in K.
    timestep : float
        Time step in fs for which the paces are counted.
    variables : tuple of str
        Biased variables.
    start, end : tuple of float
        Where the two basins of interest are expected; empty where there is no such pair.
    reach : tuple of float
        Half widths of the box around the start in which the lowest point is looked for.
    end_reach : tuple of float
        The same for the end; empty where it is the same.
    atoms : dict
        What was chosen: numbers of atoms from 1 by role.
    method : str
        ``metad``, ``opes``, ``opes-explore`` or ``opes-multithermal``.
    """

    text: str
    files: dict[str, str] = field(default_factory=dict)
    kind: str = "custom"
    temperature: float = 300.0
    timestep: float = 2.0
    variables: tuple[str, ...] = ()
    start: tuple[float, ...] = ()
    end: tuple[float, ...] = ()
    reach: tuple[float, ...] = ()
    end_reach: tuple[float, ...] = ()
    atoms: dict[str, list[int]] = field(default_factory=dict)
    method: str = "metad"

    @property
    def lines(self) -> list[str]:
        """Lines of the plumed.dat."""
        return self.text.splitlines()

    def write(self, folder: str | Path) -> Path:
        """Write plumed.dat, the files that it reads, and ``protocol.json`` for the analysis.

        Parameters
        ----------
        folder : str or path
            Folder; it is made if missing.

        Returns
        -------
        pathlib.Path
            The plumed.dat.
        """
        place = Path(folder)
        about = {key: value for key, value in asdict(self).items() if key not in ("text", "files")}
        for name, text in {
            **self.files,
            "protocol.json": json.dumps(about, indent=1),
            "plumed.dat": self.text,
        }.items():
            with atomic_path(place / name) as part:
                part.write_text(text)
        return place / "plumed.dat"

    @classmethod
    def read(cls, folder: str | Path) -> PlumedInput:
        """Read what `write` wrote.

        Parameters
        ----------
        folder : str or path
            Folder with plumed.dat and, if it came from here, protocol.json.

        Returns
        -------
        PlumedInput
            The input; without protocol.json a custom one.
        """
        place = Path(folder)
        file = place / "plumed.dat"
        if not file.is_file():
            raise InputError(
                "folder", need="a plumed.dat in it", got=f"none in {str(folder)!r}", remedy="write one first"
            )
        about = (
            json.loads((place / "protocol.json").read_text()) if (place / "protocol.json").is_file() else {}
        )
        tuples = {key: tuple(about[key]) for key in _TUPLES if key in about}
        return cls(text=file.read_text(), **{**about, **tuples})


def metadynamics_input(
    structure: Any,
    name: str = "inter-cage",
    *,
    temperature: float = 300.0,
    timestep: float = 2.0,
    ion: int | None = None,
    centres: Sequence[int] | None = None,
    mobile: str = "Li",
    radius: float = 3.0,
    rotation: float = 0.0,
    region: Sequence[Sequence[float]] | None = None,
    method: Method = "metad",
    barrier: float = 80.0,
    temperature_range: tuple[float, float] = (300.0, 900.0),
    sigma: float | None = None,
    height: float | None = None,
    pace: float | None = None,
    bias_factor: float | None = None,
    walls: tuple[float, float] | None = None,
    fence: float | None = 0.0,
    walkers: int = 1,
) -> PlumedInput:
    """Write the input of a metadynamics run for a structure.

    Parameters
    ----------
    structure : object
        ASE Atoms, pymatgen Structure, Universe, or (symbols, positions, cell); lengths in A.
    name : str
        Protocol: a key of `ionpath_plumed.presets.PRESETS`.
    temperature : float
        Temperature in K.
    timestep : float
        Time step of the MD in fs; paces are counted with it.
    ion : int, optional
        Index (from 0) of the ion to bias; found if left out.
    centres : sequence of int, optional
        Indices of the centres: two shells (inter-cage), one (intra-cage), the shells from which, to which, and from
        there to which the ions go (concerted), or the central atom and an anion (tilt); found if left out. A concerted
        hop whose third shell is the first again is an exchange of two ions. It leaves all cages full, and is what is
        chosen where all are.
    mobile : str
        Element that moves.
    radius : float
        Largest distance in A of an ion from the centre of its shell.
    rotation : float
        Angle in degrees by which the crystal axes are turned about z against those of the box.
    region : sequence of (low, high), optional
        Box in A for the protocol ``position``; by default around two neighbouring cages.
    method : {"metad", "opes", "opes-explore", "opes-multithermal"}
        Well-tempered metadynamics, or on-the-fly probability enhanced sampling: of the variables, or of the potential
        energy in a range of temperatures (arXiv:2412.07115, Eq. 4).
    barrier : float
        Highest barrier in kJ/mol that OPES is to overcome.
    temperature_range : tuple of float
        Lowest (50 K or more) and highest temperature in K of ``opes-multithermal``.
    sigma, height, pace, bias_factor, walls : optional
        In place of the published values: A or rad, kJ/mol, fs, gamma, A.
    fence : float or None
        By how many A the ion may be nearer to the centre of a third shell than to the nearer of the two (inter-cage).
        None: the published walls alone, within which the ion also goes to third cages, which the two distances cannot
        tell from the way between the two.
    walkers : int
        Number of walkers that share hills.

    Returns
    -------
    PlumedInput
        Input with comments; `write` puts it in a folder.

    Raises
    ------
    InputError
        If the protocol is unknown or the structure lacks what it needs: a sentence says what.
    """
    settings = protocol(name, sigma=sigma, height=height, pace=pace, bias_factor=bias_factor, walls=walls)
    crystal = as_crystal(structure)
    bias = Bias(settings, temperature, timestep, method, barrier, walkers, temperature_range)
    if settings.kind == "inter-cage":
        return _inter_cage(crystal, bias, ion, centres, mobile, radius, fence)
    if settings.kind == "intra-cage":
        return _intra_cage(crystal, bias, ion, centres, mobile, radius, rotation)
    if settings.kind == "concerted":
        return _concerted(crystal, bias, centres, mobile, radius)
    if settings.kind == "tilt":
        return _tilt(crystal, bias, centres, rotation)
    return _position(crystal, bias, ion, mobile, radius, region)


def choose_hop(
    crystal: Crystal, ion: int | None, centres: Sequence[int] | None, mobile: str, radius: float
) -> tuple[int, int, int]:
    """Ion and two neighbouring shell centres of a hop."""
    if centres is None:
        shells = find_shells(crystal_tuple(crystal), mobile=mobile, radius=radius)
        pairs = neighbouring_cages(crystal_tuple(crystal), shells)
        if ion is not None:
            check_atoms(crystal, [ion])
            own = int(crystal.distances(ion, [shell.centre for shell in shells]).argmin())
            pairs = [(own, i + j - own, d) for i, j, d in pairs if own in (i, j)]
        first, second = shells[pairs[0][0]].centre, shells[pairs[0][1]].centre
    elif len(centres) == 2:
        first, second = centres
        check_atoms(crystal, [first, second])
    else:
        raise InputError(
            "centres", need="two", got=f"{len(centres)}", remedy="name the shell it is in and the next one"
        )
    if ion is None:
        ions = list(shell_of(crystal_tuple(crystal), first, mobile=mobile, radius=radius).ions)
        ion = ions[int(crystal.distances(second, ions).round(3).argmin())]  # of equals the first
    check_atoms(crystal, [ion, first, second])
    return ion, first, second


def _named(crystal: Crystal, atom: int) -> str:
    return f"{crystal.symbols[atom]} {atom + 1}"


def _walls(settings: Protocol, arguments: Sequence[str]) -> list[str]:
    if settings.walls is None:
        return []
    low, high = settings.walls
    n = len(arguments)
    joined = ",".join(arguments)
    return [
        "# walls in A keep the run between the two shells; their springs are in kJ/mol/A^2",
        f"lower: LOWER_WALLS ARG={joined} AT={_list(low, n)} KAPPA={_list(500.0, n)}",
        f"upper: UPPER_WALLS ARG={joined} AT={_list(high, n)} KAPPA={_list(500.0, n)}",
    ]


def _list(value: float, n: int) -> str:
    return ",".join([f"{value:g}"] * n)


def _inter_cage(
    crystal: Crystal, bias: Bias, ion: int | None, centres: Sequence[int] | None, mobile: str, radius: float,
    fence: float | None,
) -> PlumedInput:  # fmt: skip
    ion, first, second = choose_hop(crystal, ion, centres, mobile, radius)
    gap = float(crystal.distances(first, [second])[0])
    d1 = float(crystal.distances(ion, [first])[0])
    variables = ("cage.py-d1", "cage.py-d2")
    shortest = 2 * float(np.sqrt((crystal.vectors(first, [second]) ** 2).sum()))
    heights = crystal.cell.diagonal().min()
    small = [
        f"# the cell ({heights:.1f} A) is small: images of the second centre are neighbours of the first as well"
    ] * bool(heights < shortest)
    body = [
        f"# {_named(crystal, ion)} between the shells of {_named(crystal, first)} and {_named(crystal, second)}, "
        f"{gap:.2f} A apart: distances to both centres",
        *small,
        f"cage: PYCVINTERFACE ATOMS={ion + 1},{first + 1},{second + 1} IMPORT=ionpath_plumed.shell",
        *_walls(bias.settings, variables),
    ]
    third = [] if fence is None else _third_centres(crystal, first, second, 1.3 * gap, mobile, radius)
    if third:
        body += [
            "# and this one nearer to one of the two centres than to any third one around them, since both distances",
            "# cannot tell a third cage from the way between the two",
            f"third: PYCVINTERFACE ATOMS={','.join(str(i + 1) for i in [ion, *third])} IMPORT=ionpath_plumed.shell "
            f"INIT={{centres={len(third)} values=[nearest]}}",
            "beyond: COMBINE ARG=cage.py-nearest,third COEFFICIENTS=1,-1 PERIODIC=NO",
            f"fence: UPPER_WALLS ARG=beyond AT={fence:g} KAPPA=500",
        ]
    text = write_bias(body, bias, variables, "cage.*", grid=[(0.0, 12.0), (0.0, 12.0)])
    near = min(d1, 3.0)
    # On any side of its own centre the ion is as far from the other one as the centres are, give or take its distance.
    return _input(
        text, bias, variables, start=(near, gap), end=(gap, near), reach=(1.3, 3.0), end_reach=(3.0, 1.3),
        atoms={"ion": [ion + 1], "centres": [first + 1, second + 1]},
    )  # fmt: skip


def _third_centres(
    crystal: Crystal, first: int, second: int, reach: float, mobile: str, radius: float
) -> list[int]:
    """Centres of other shells within reach of one of the two."""
    try:
        shells = find_shells(crystal_tuple(crystal), mobile=mobile, radius=radius)
    except InputError:
        return []  # ion and centres were named by hand, and there is no shell besides to keep the ion out of
    others = [shell.centre for shell in shells if shell.centre not in (first, second)]
    near = np.min([crystal.distances(end, others) for end in (first, second)], axis=0)
    return [centre for centre, distance in zip(others, near, strict=True) if distance <= reach]


def _intra_cage(
    crystal: Crystal, bias: Bias, ion: int | None, centres: Sequence[int] | None, mobile: str, radius: float,
    rotation: float,
) -> PlumedInput:  # fmt: skip
    if centres is None:
        shells = find_shells(crystal_tuple(crystal), mobile=mobile, radius=radius)
        first = shells[0].centre
        if ion is not None:
            check_atoms(crystal, [ion])
            first = shells[int(crystal.distances(ion, [s.centre for s in shells]).argmin())].centre
    else:
        first = centres[0]
    shell = shell_of(crystal_tuple(crystal), first, mobile=mobile, radius=radius)
    ion = shell.ions[0] if ion is None else ion
    check_atoms(crystal, [ion, first])
    turned = f" rotation={rotation:g}" if rotation else ""
    body = [
        f"# {_named(crystal, ion)} within the shell of {_named(crystal, first)} ({len(shell.ions)} ions): "
        "polar angle in rad of the vector from the centre",
        f"cage: PYCVINTERFACE ATOMS={ion + 1},{first + 1} IMPORT=ionpath_plumed.shell INIT={{centres=1{turned}}}",
        *_walls(bias.settings, ["cage.py-d1"]),
    ]
    text = write_bias(body, bias, ["cage.py-theta"], "cage.*", grid=[("0", "pi")])
    atoms = {"ion": [ion + 1], "centres": [first + 1]}
    return _input(text, bias, ("cage.py-theta",), atoms=atoms)


def _third_shell(crystal: Crystal, first: int, second: int, mobile: str, radius: float) -> int:
    """Centre of the shell that takes the second ion: the next one, or the first where all are equally full."""
    centres = [s.centre for s in find_shells(crystal_tuple(crystal), mobile=mobile, radius=radius)]
    nearest = [int(crystal.distances(ion, centres).argmin()) for ion in crystal.of(mobile)]
    others = [centre for centre in centres if centre not in (first, second)]
    if not others or len(set(np.bincount(nearest, minlength=len(centres)))) == 1:
        return first
    return min(others, key=lambda centre: float(crystal.distances(second, [centre])[0]))


def _concerted(
    crystal: Crystal, bias: Bias, centres: Sequence[int] | None, mobile: str, radius: float
) -> PlumedInput:
    if centres is not None and len(centres) not in (2, 3):
        raise InputError(
            "centres",
            need="two or three of a concerted hop",
            got=f"{len(centres)}",
            remedy="name the shell of the first ion, the one it goes to, and the one to which another goes from there",
        )
    one, first, second = choose_hop(crystal, None, None if centres is None else centres[:2], mobile, radius)
    if centres is not None and len(centres) == 3:
        third = centres[2]
        check_atoms(crystal, [third])
    else:
        third = _third_shell(crystal, first, second, mobile, radius)
    if third == second:
        raise InputError(
            "centres",
            need="a third shell that is not the second",
            got=_named(crystal, third) + " twice",
            remedy="name the shell to which an ion goes from there; the first again exchanges two ions",
        )
    ions = [
        i for i in shell_of(crystal_tuple(crystal), second, mobile=mobile, radius=radius).ions if i != one
    ]
    two = ions[int(crystal.distances(third, ions).round(3).argmin())]
    pairs = f"{one + 1},{second + 1},{two + 1},{third + 1}"
    body = [
        f"# {_named(crystal, one)} moves to the shell of {_named(crystal, second)} while {_named(crystal, two)} moves "
        f"from there to {_named(crystal, third)}" + (": they change places" if third == first else ""),
        "# s counts nodes (1 to 4), z is the distance in A from the line of nodes (6.5,6.5) to (2,2) A",
        f"hop: PYCVINTERFACE ATOMS={pairs} IMPORT=ionpath_plumed.path",
        f"p1: DISTANCE ATOMS={one + 1},{second + 1}",
        f"p2: DISTANCE ATOMS={two + 1},{third + 1}",
        *_walls(bias.settings, ["p1", "p2"]),
    ]
    variables = ("hop.py-s", "hop.py-z")
    text = write_bias(body, bias, variables, "hop.*,p1,p2", grid=[(-1.0, 6.0), (0.0, 9.0)])
    distances = [float(crystal.distances(two, [third])[0]), float(crystal.distances(one, [second])[0])]
    low, high = 2.4, float(np.mean(distances))
    start, end = (1 + (6.5 - high) / 1.5, 0.0), (1 + (6.5 - low) / 1.5, 0.0)
    atoms = {"ions": [one + 1, two + 1], "centres": [second + 1, third + 1]}
    return _input(
        text, bias, variables, start=start, end=end, reach=(0.7, 2.0), atoms=atoms
    )  # off the line of nodes, z is about 1 A


def _tilt(crystal: Crystal, bias: Bias, centres: Sequence[int] | None, rotation: float) -> PlumedInput:
    if centres is None:
        central, anion = find_tetrahedra(crystal_tuple(crystal))[0][:2]
    elif len(centres) == 2:
        central, anion = centres
        check_atoms(crystal, [central, anion])
    else:
        raise InputError(
            "centres", need="a central atom and an anion", got=f"{len(centres)} atoms", remedy="name two"
        )
    turned = f" INIT={{rotation={rotation:g}}}" if rotation else ""
    body = [
        f"# tilt of the bond {_named(crystal, central)} - {_named(crystal, anion)}: polar and azimuthal angle in rad",
        f"tilt: PYCVINTERFACE ATOMS={central + 1},{anion + 1} IMPORT=ionpath_plumed.tilt{turned}",
    ]
    variables = ("tilt.py-theta", "tilt.py-phi")
    text = write_bias(body, bias, variables, "tilt.*", grid=[("0", "pi"), ("-pi", "pi")])
    return _input(text, bias, variables, atoms={"central": [central + 1], "anion": [anion + 1]})


def _position(
    crystal: Crystal,
    bias: Bias,
    ion: int | None,
    mobile: str,
    radius: float,
    region: Sequence[Sequence[float]] | None,
) -> PlumedInput:
    ion, first, second = choose_hop(crystal, ion, None, mobile, radius)
    framework = [i for i, s in enumerate(crystal.symbols) if s != mobile]
    start = crystal.positions[first] + crystal.vectors(first, [ion])[0]
    end = crystal.positions[first] + crystal.vectors(first, [second])[0] - crystal.vectors(first, [ion])[0]
    ends = np.array(
        [crystal.positions[first], crystal.positions[first] + crystal.vectors(first, [second])[0]]
    )
    middle, half = ends.mean(0), 0.5 * np.ptp(ends, axis=0) + 3.5
    half = np.minimum(half, 0.5 * np.abs(crystal.cell).max(0) - 0.6)  # half a cell away components jump
    box = np.array([middle - half, middle + half]).T if region is None else np.asarray(region, dtype=float)
    if box.shape != (3, 2) or (box[:, 1] <= box[:, 0]).any():
        raise InputError(
            "region", need="three pairs (low, high) in A", got=f"{box.tolist()}", remedy="mend the box"
        )
    origin = ",".join(f"{c:.4f}" for c in box.mean(1))
    serials = ",".join(str(i + 1) for i in [ion, *framework])
    names = ("frame.py-x", "frame.py-y", "frame.py-z")
    body = [
        f"# position in A of {_named(crystal, ion)} in the frame of the {len(framework)} framework atoms",
        f"frame: PYCVINTERFACE ATOMS={serials} IMPORT=ionpath_plumed.position "
        f"INIT={{reference=framework.dat origin=[{origin}]}}",
        "# walls in A around the region; their springs are in kJ/mol/A^2",
        f"lower: LOWER_WALLS ARG={','.join(names)} AT={','.join(f'{c:.3f}' for c in box[:, 0])} KAPPA=500,500,500",
        f"upper: UPPER_WALLS ARG={','.join(names)} AT={','.join(f'{c:.3f}' for c in box[:, 1])} KAPPA=500,500,500",
    ]
    text = write_bias(body, bias, names, "frame.*", grid=None)
    table = "\n".join(" ".join(f"{c:.6f}" for c in crystal.positions[i]) for i in framework) + "\n"
    return _input(
        text, bias, names, files={"framework.dat": table}, start=tuple(map(float, start)), end=tuple(map(float, end)),
        reach=(1.0, 1.0, 1.0), atoms={"ion": [ion + 1], "centres": [first + 1, second + 1]},
    )  # fmt: skip


def _input(text: str, bias: Bias, variables: Sequence[str], **more: Any) -> PlumedInput:
    return PlumedInput(
        text=text, kind=bias.settings.kind, temperature=bias.temperature, timestep=bias.timestep,
        variables=tuple(variables), method=bias.method, **more,
    )  # fmt: skip
