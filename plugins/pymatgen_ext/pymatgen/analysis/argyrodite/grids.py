"""The grids of the literature: inversion, and excess halide by inversion, made one by one and written to disk."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.disorder.mixing import argyrodite_mixing_entropy
from ionpath.errors import InputError, one_of
from ionpath.files import atomic_path, read_text
from ionpath.msonable import Msonable

if TYPE_CHECKING:
    import os

    from pymatgen.core import Structure

Format = Literal["poscar", "cif", "extxyz", "json"]

_SUFFIX = {"poscar": "vasp", "cif": "cif", "extxyz": "extxyz", "json": "json"}
FINEST = 1e-4
_SETTINGS = "grid.json"
_TABLE = "grid.csv"


@dataclass(frozen=True)
class GridPoint(Msonable):
    """One structure of a grid."""

    # x_excess, inversion: excess halide and halide fraction of the free-sulfur orbit
    x_excess: float
    inversion: float
    seed: int  # seed of its arrangement

    @property
    def name(self) -> str:
        """File name without suffix."""
        return f"x{self.x_excess:.5f}-y{self.inversion:.5f}-s{self.seed}"

    @property
    def entropy(self) -> float:
        """Ideal entropy of mixing per formula unit, in R."""
        return float(argyrodite_mixing_entropy(self.x_excess, self.inversion))


@typed
@references("jang2025")
def inversion_grid(step: float = 1 / 32, *, seeds: Iterable[int] = (0,)) -> list[GridPoint]:
    """Return the points of Li6PS5X from no to full inversion.

    Parameters
    ----------
    step : float
        Step of the inversion; 1/32 gives the 33 points of Jang et al., J. Mater. Chem. A 13, 16547 (2025).
    seeds : iterable of int
        Arrangements per point.

    Returns
    -------
    list of GridPoint
        In rising order of the inversion.

    Raises
    ------
    InputError
        If 1 is not a whole number of steps.

    Examples
    --------
    >>> points = inversion_grid()
    >>> len(points), points[1].inversion
    (33, 0.03125)
    """
    return [GridPoint(0.0, y, s) for y in _steps(0.0, step) for s in seeds]


@typed
@references("jang2025")
def excess_grid(step: float = 0.125, *, seeds: Iterable[int] = (0,)) -> list[GridPoint]:
    """Return the points of Li(6-x)PS(5-x)X(1+x) over excess halide and inversion.

    Parameters
    ----------
    step : float
        Step of both; 1/8 gives the 45 points of Jang et al., J. Mater. Chem. A 13, 16547 (2025).
    seeds : iterable of int
        Arrangements per point.

    Returns
    -------
    list of GridPoint
        x from 0 to 1, and y from x to 1 at each.

    Raises
    ------
    InputError
        If 1 is not a whole number of steps.

    Examples
    --------
    >>> len(excess_grid())
    45
    """
    return [GridPoint(x, y, s) for x in _steps(0.0, step) for y in _steps(x, step) for s in seeds]


def _steps(start: float, step: float) -> list[float]:
    if not 0 < step <= 1 or abs(1 / step - round(1 / step)) > 1e-9:
        raise InputError("step", need="one part in a whole number, as 1/32", got=f"{step:g}")
    if step < FINEST:
        raise InputError("step", need=f"{FINEST:g} or more", got=f"{step:g}", remedy="take 1/32 or 1/8")
    n = round(1 / step)
    return [float(Fraction(k, n)) for k in range(round(start * n), n + 1)]


@typed
def write_grid(
    folder: str | os.PathLike[str],
    points: Iterable[GridPoint] | None = None,
    *,
    halide: str = "Cl",
    supercell: int | tuple[int, int, int] = 4,
    lithium: Literal["vacancies", "restored"] = "vacancies",
    arrangement: Literal["random", "even"] = "random",
    fmt: Format = "poscar",
    a: float | None = None,
    progress: bool = False,
) -> list[Path]:
    """Build the structures of a grid one after another and write each to its own file.

    Parameters
    ----------
    folder : path
        Where to write; made if missing. ``grid.csv`` lists the structures, ``grid.json`` holds the settings.
    points : iterable of GridPoint, optional
        What to build; the 33 points of `inversion_grid` without it.
    halide : {"Cl", "Br", "I"}
        The halide.
    supercell : int or three ints
        Repetition of the cubic cell; 4 gives 3,328 atoms at x = 0.
    lithium : {"vacancies", "restored"}
        Neutral cells, or six lithium per formula unit at every x.
    arrangement : {"random", "even"}
        How halide is arranged.
    fmt : {"poscar", "cif", "extxyz", "json"}
        Format of the files; "extxyz" needs ASE.
    a : float, optional
        Edge of the cubic cell, in A.
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of pathlib.Path
        All files of the grid in order, those that were there already included.

    Raises
    ------
    InputError
        If the folder holds a grid with other settings or other files of these names, or a point does not fit in the
        cell.

    Notes
    -----
    One structure is in memory at a time. Files are written whole or not at all, and those that are there are not made
    again, so that a run that was stopped goes on where it was.
    """
    from tqdm import tqdm

    one_of("fmt", fmt, _SUFFIX)
    chosen = list(inversion_grid() if points is None else points)
    target = Path(folder)
    settings = {
        "halide": halide, "supercell": supercell if isinstance(supercell, int) else list(supercell),
        "lithium": lithium, "arrangement": arrangement, "fmt": fmt, "a": a,
    }  # fmt: skip
    paths = [target / f"{point.name}.{_SUFFIX[fmt]}" for point in chosen]
    _check_settings(target, settings, [*paths, target / _TABLE])
    missing = [k for k, path in enumerate(paths) if not path.exists()]
    if missing:
        parent = _parent(halide, supercell, a)
        for k in tqdm(missing, desc="structures", disable=not progress):
            structure = build_point(parent, chosen[k], lithium, arrangement)
            with atomic_path(paths[k]) as part:
                _write(structure, part, fmt)
    _write_table(target / _TABLE, chosen, paths)
    return paths


@typed
def iterate_grid(
    points: Iterable[GridPoint], *, halide: str = "Cl", supercell: int | tuple[int, int, int] = 4,
    lithium: Literal["vacancies", "restored"] = "vacancies", arrangement: Literal["random", "even"] = "random",
) -> Iterator[tuple[GridPoint, Structure]]:  # fmt: skip
    """Build the structures of a grid one after another, without writing them.

    Parameters
    ----------
    points, halide, supercell, lithium, arrangement
        As in `write_grid`.

    Yields
    ------
    GridPoint, Structure
        A point and its structure.

    Examples
    --------
    >>> [len(s) for _, s in iterate_grid(excess_grid(0.5), supercell=1)]
    [52, 52, 52, 50, 50, 48]
    """
    parent = _parent(halide, supercell, None)
    for point in points:
        yield point, build_point(parent, point, lithium, arrangement)


def _parent(halide: str, supercell: int | tuple[int, int, int], a: float | None) -> Structure:
    from pymatgen.analysis.argyrodite.prototypes import argyrodite

    return argyrodite(halide, supercell=supercell, a=a)


def build_point(
    parent: Structure, point: GridPoint, lithium: Literal["vacancies", "restored"], arrangement: Any
) -> Structure:
    """Build one structure of a grid from its parent."""
    from pymatgen.analysis.argyrodite.transformations import ExcessHalideTransformation, SiteInversionTransformation

    made: Any = SiteInversionTransformation(point.inversion, arrangement=arrangement, seed=point.seed)
    if point.x_excess:
        made = ExcessHalideTransformation(
            point.x_excess, lithium=lithium, inversion=point.inversion, arrangement=arrangement, seed=point.seed
        )
    try:
        return made.apply_transformation(parent)
    except InputError as error:  # points of a grid are taken as they are: no nearest one
        remedy = error.remedy.replace("nearest=True for ", "a point at ")
        raise InputError(error.name, need=error.need, got=error.got, remedy=remedy) from error


def _check_settings(folder: Path, settings: dict[str, Any], files: list[Path]) -> None:
    path = folder / _SETTINGS
    there = _json(path) if path.exists() else {}
    foreign = [path] if there is None else [file for file in files if file.exists()] if not there else []
    if there is None or foreign:
        got = f"{foreign[0].name} of something else"
        raise InputError("folder", need="a new folder, or that of a grid", got=got, remedy="choose another folder")
    if there:
        other = {k: there.get(k) for k in settings if there.get(k) != settings[k]}
        if other:
            need = f"a new folder, or the settings of the grid in {folder.name!r} ({other})"
            remedy = "choose another folder"
            raise InputError("folder", need=need, got=f"{ {k: settings[k] for k in other} }", remedy=remedy)
        return
    with atomic_path(path) as part:
        part.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def _json(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(read_text(path, path.name, "settings of a grid"))
    except ValueError:
        return None
    return found if isinstance(found, dict) and "arrangement" in found else None


def _write(structure: Structure, path: Path, fmt: Format) -> None:
    if fmt == "extxyz":
        from ase.io import write
        from pymatgen.io.ase import AseAtomsAdaptor

        write(path, AseAtomsAdaptor.get_atoms(structure, msonable=False), format="extxyz")
    elif fmt == "poscar":
        from pymatgen.io.vasp import Poscar

        Poscar(structure, sort_structure=True).write_file(str(path))
    else:
        structure.to(filename=str(path), fmt=fmt)


def _write_table(path: Path, points: list[GridPoint], files: list[Path]) -> None:
    with atomic_path(path) as part, part.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["file", "x_excess", "inversion", "seed", "entropy_R"])
        writer.writeheader()
        for point, file in zip(points, files, strict=True):
            writer.writerow({"file": file.name, **asdict(point), "entropy_R": f"{point.entropy:.6f}"})
