"""What a study is: systems, runs, and the published rows that they are compared with, in one TOML file."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.files import is_name, read_text

SHIPPED = files("ionpath_cli.study").joinpath("studies")
KINDS = ("number", "bound", "order", "pairs", "peak", "text", "out")
"""Published: numbers, a bound of all points, an order or trend, orders of two and two, the highest of a series, words;
``out`` if no run here shows it."""

ALL = "all"
"""Stands for all systems together in rows."""

T = TypeVar("T")


@documented
@dataclass(frozen=True)
class System:
    """A material and how its structures are made."""

    name: str  # name in rows and folders
    label: str  # name in tables and figures
    builder: str  # one of `ionpath_cli.study.structures.BUILDERS`
    atoms: int  # number of atoms, for the plan; structures that have another number are refused
    arguments: Mapping[str, Any] = field(default_factory=dict)  # what the builder is told
    supercell: Any = (1, 1, 1)  # three repetitions, or a matrix of them
    arrangements: int = 1  # number of structures, with seeds 1, 2, ...
    ordered: bool = False  # whether there is no disorder, and with it no error from the choice of an arrangement
    # ``npt`` or ``npt-aniso``, with which the cell is found; with the latter every arrangement has edges of its own,
    # unless the system is ordered
    ensemble: str = "npt"
    # of a glass: what `ionpath_ase.melt_quench` is told; every arrangement has a cell of its own then. With
    # ``crystal_fraction`` the structure is that slab of `ionpath_ase.glass_ceramic`, and `atoms` counts both.
    quench: Mapping[str, Any] = field(default_factory=dict)


@documented
@dataclass(frozen=True)
class Runs:
    """Runs of some systems at some temperatures, and what is analysed in each."""

    name: str  # what they are for
    systems: tuple[str, ...]  # names of systems
    temperatures: tuple[float, ...]  # K
    # least, most: shortest length that is worth a run, and longest that is wanted, in ps
    least: float
    most: float
    analyses: tuple[str, ...] = ()  # names of `ionpath_cli.study.registry.ANALYSES`
    priority: int = 1  # the plan takes low numbers first
    model: str | None = None  # another potential than the study's
    arrangements: int | None = None  # take this many of each system's at most
    protocol: str | None = None  # a biased run (metadynamics) of this protocol of `ionpath_plumed.metadynamics_input`
    # what `ionpath_plumed.metadynamics_input` is told besides; ``centre`` names the element of the shell's anion
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Across:
    """An analysis of several runs together."""

    name: str  # one of `ionpath_cli.study.registry.ACROSS`
    uses: str = ""  # analysis of each run whose results it takes; ``run`` for trajectories, nothing if it needs no run
    systems: tuple[str, ...] = ()  # names of systems
    temperatures: tuple[float, ...] = ()  # K
    least: int = 2  # number of these temperatures that must have been run
    arguments: Mapping[str, Any] = field(default_factory=dict)  # what it is told
    # minutes, minutes_per_run: what it is expected to take on one core: at all, and more for each run that it reads
    minutes: float = 0.5
    minutes_per_run: float = 0.0
    packages: tuple[str, ...] = ()  # what it needs besides ionpath, by the names that are imported and installed

    @property
    def lacking(self) -> tuple[str, ...]:
        """Those of its packages that are not installed."""
        return tuple(name for name in self.packages if find_spec(name) is None)


@documented
@dataclass(frozen=True)
class Row:
    """One published result."""

    number: int  # number of the row
    figure: str  # figure or table of the paper
    title: str  # what was published, in words
    kind: str  # one of `KINDS`
    published: Any = ""  # value, values in the order of our points, or what is claimed
    unit: str = ""  # unit of the published value; ours is converted where it measures the same
    # analysis, quantity: where ours comes from; one analysis, or one for each quantity
    analysis: tuple[str, ...] = ()
    quantity: tuple[str, ...] = ()
    # systems, temperatures: of ours. Points are all quantities of all systems at all temperatures; an order or trend
    # has them as the published values grow.
    systems: tuple[str, ...] = ()
    temperatures: tuple[float, ...] = ()
    together: bool = False  # whether analyses, quantities and systems belong together one by one, and each is a point
    tolerance: float = 0.0  # relative uncertainty of the published value
    note: str = ""  # conditions of the published value, and why ours may differ


@dataclass(frozen=True)
class Figure:
    """A figure of the paper, drawn with our numbers and their 95 % intervals."""

    # name, title: part of the file's name, and what stands above it
    name: str
    title: str
    # analysis, quantity: where the numbers come from; several quantities are several lines
    analysis: tuple[str, ...]
    quantity: tuple[str, ...]
    # systems, temperatures: points along x, and lines; of ``arrhenius`` the other way round
    systems: tuple[str, ...]
    temperatures: tuple[float, ...] = ()
    kind: str = "series"  # {"series", "arrhenius"}: systems along x, or inverse temperature
    x: tuple[float, ...] = ()  # where each system lies; without it they stand side by side
    published: tuple[float, ...] = ()  # published numbers of the same systems
    # unit, xlabel, ylabel: unit of the numbers, and labels
    unit: str = ""
    xlabel: str = ""
    ylabel: str = ""
    log: bool = False  # whether y is logarithmic


@dataclass(frozen=True)
class Dynamics:
    """Settings of molecular dynamics that all runs share."""

    model: str = "argyrodite"  # potential
    # timestep, interval: time step in fs, and time between frames in ps
    timestep: float = 2.0
    interval: float = 0.02
    # cell_picoseconds, warm_picoseconds: lengths of the run that finds the cell, and of the warm-up, in ps
    cell_picoseconds: float = 10.0
    warm_picoseconds: float = 2.0


@documented
@dataclass(frozen=True)
class Study:
    """A study."""

    # name, title, source, lead: name, title, publication (DOI or arXiv number), and introduction of the page
    name: str
    title: str
    source: str
    lead: str
    dynamics: Dynamics  # settings that all runs share
    systems: Mapping[str, System]  # materials by name
    runs: tuple[Runs, ...]  # molecular dynamics and biased runs
    across: tuple[Across, ...]  # analyses of several runs
    rows: tuple[Row, ...]  # published results
    figures: tuple[Figure, ...] = ()  # figures of the paper
    folder: Path = Path()  # where the file lies, to which names of structure files are relative


LISTS: dict[str, tuple[type[Any], str, str]] = {
    "runs": (Runs, "runs", "name"),
    "across": (Across, "across", "name"),
    "rows": (Row, "row", "number"),
    "figures": (Figure, "figure", "name"),
}
"""Lists of tables of a study: what each is, in words, and by what it is told apart."""
DYNAMICS = ("timestep", "interval", "cell_picoseconds", "warm_picoseconds")
"""Settings of molecular dynamics that are above 0."""
ENSEMBLES = ("npt", "npt-aniso")
MOST_ATOMS = 10_000_000
"""Atoms of a system, which more than fill the memory of any machine that a study runs on."""
SHAPES = {
    "title": 'title = "..."', "source": 'source = "..."', "lead": 'lead = "..."', "dynamics": "a table [dynamics]",
    "systems": "a table [systems.NAME] for each material",
}  # fmt: skip
"""How keys of a study are written; the others are lists of tables, such as [[runs]]."""


def study_names() -> tuple[str, ...]:
    """List the studies that come with the package.

    Returns
    -------
    tuple of str
        Their names.

    Examples
    --------
    >>> "guan2024" in study_names()
    True
    """
    return tuple(sorted(p.name.removesuffix(".toml") for p in SHIPPED.iterdir() if p.name.endswith(".toml")))


def load_study(name: str) -> Study:
    """Read a study.

    Parameters
    ----------
    name : str
        Name of one that comes with the package, or a TOML file.

    Returns
    -------
    Study
        The study, checked.

    Raises
    ------
    InputError
        If there is no such study, or its file contradicts itself.
    """
    path = Path(name)
    if path.suffix == ".toml":
        text, folder = read_text(path, name, "a TOML file in UTF-8"), path.resolve().parent
    elif name in study_names():
        text, folder = SHIPPED.joinpath(f"{name}.toml").read_text("utf-8"), Path(str(SHIPPED))
    else:
        near = difflib.get_close_matches(name, study_names(), 1)
        got = repr(name)
        remedy = f"did you mean {near[0]}?" if near else "write my-study.toml, and name it with its ending"
        raise InputError("study", need=f"one of {', '.join(study_names())}, or a TOML file", got=got, remedy=remedy)
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(name, need="valid TOML", got=str(error)[:200], remedy="mend the line that it names") from error
    try:
        return _study(path.stem, data, folder)
    except InputError as error:
        where = f"{name}, {error.name.removeprefix(f'{path.stem}: ')}"
        raise InputError(where, need=error.need, got=error.got, remedy=error.remedy) from error


def _study(name: str, data: dict[str, Any], folder: Path) -> Study:
    _check_keys(data, {*SHAPES, *LISTS}, name)
    for key, value in data.items():
        if not _shaped(key, value):
            raise InputError(f"{name}: {key}", need=SHAPES.get(key, f"[[{key}]]"), got=f"{value!r}"[:60])
    systems = data.get("systems", {})
    lists: dict[str, Any] = {
        key: tuple(
            _made(cls, table, f"{word} {table.get(title, k)}") for k, table in enumerate(data.get(key, []), start=1)
        )
        for key, (cls, word, title) in LISTS.items()
    }
    study = Study(
        name=name,
        title=data.get("title", name),
        source=data.get("source", ""),
        lead=data.get("lead", ""),
        dynamics=_made(Dynamics, data.get("dynamics", {}), "dynamics"),
        systems={k: _made(System, {"name": k, "label": k, **table}, f"systems.{k}") for k, table in systems.items()},
        folder=folder,
        **lists,
    )
    _check(study)
    return study


def _shaped(key: str, value: Any) -> bool:
    """Whether a key of the file holds text, a table, or tables, as it should."""
    if key in ("title", "source", "lead"):
        return isinstance(value, str)
    if key in ("dynamics", "systems"):
        return isinstance(value, dict) and (key == "dynamics" or all(isinstance(t, dict) for t in value.values()))
    return isinstance(value, list) and all(isinstance(table, dict) for table in value)


def _check(study: Study) -> None:
    if not study.systems or not study.runs:
        raise InputError(study.name, need="at least one system and one [[runs]]", got="none", remedy="add them")
    members = [(f"{w} {getattr(m, title)}", m) for key, (_, w, title) in LISTS.items() for m in getattr(study, key)]
    names = [("system", name) for name in study.systems] + [("study", study.name)]
    names += [(where.split()[0], member.name) for where, member in members if not isinstance(member, Row)]
    for what, name in names:
        if not is_name(name):
            remedy = "leave out slashes and control characters"
            need = "a name that can be part of a file's"
            raise InputError(f"{what} {name!r}", need=need, got=repr(name), remedy=remedy)
    for where, member in members:
        for system in member.systems:
            one_of(f"{where}: systems", system, (*study.systems, ALL))
    numbers = [("dynamics", key, getattr(study.dynamics, key)) for key in DYNAMICS]
    for one in study.systems.values():
        where = f"systems.{one.name}"
        whole(f"{where}: atoms", one.atoms, 1, MOST_ATOMS, remedy="see a study that is shipped")
        numbers.append((where, "arrangements", one.arrangements))
        one_of(f"{where}: ensemble", one.ensemble, ENSEMBLES)
        if not _repeats(one.supercell):
            need = "three whole numbers of 1 or more, or a matrix of whole numbers with a positive determinant"
            remedy = "write supercell = [2, 2, 1]"
            raise InputError(f"{where}: supercell", need=need, got=f"{one.supercell!r}"[:60], remedy=remedy)
    tables = [(f"systems.{name}", one.arguments) for name, one in study.systems.items()]
    tables += [(f"across {one.name}", one.arguments) for one in study.across]
    for where, table in tables:
        if not isinstance(table.get("file", ""), str):
            raise InputError(f"{where}: file", need="the name of a file", got=f"{table['file']!r}"[:60])
    for where, key, number in numbers:
        positive(f"{where}: {key}", number, remedy="see a study that is shipped")
    for across in study.across:
        for key in ("minutes", "minutes_per_run"):
            positive(f"across {across.name}: {key}", getattr(across, key), "min", zero=True)
    for runs in study.runs:
        if not runs.systems or not runs.temperatures or min(runs.temperatures) <= 0 or runs.arrangements == 0:
            need = "systems, temperatures above 0 K, and arrangements of 1 or more"
            got = f"{list(runs.systems)}, {list(runs.temperatures)}, {runs.arrangements}"
            raise InputError(f"runs {runs.name}", need=need, got=got, remedy="see a study that is shipped")
        if not 0.0 < runs.least <= runs.most:
            got = f"{runs.least}, {runs.most}"
            raise InputError(f"runs {runs.name}: least, most", need="0 < least <= most", got=got)
    for figure in study.figures:
        for key in ("x", "published"):
            if getattr(figure, key) and len(getattr(figure, key)) != len(figure.systems):
                got = f"{len(getattr(figure, key))} for {len(figure.systems)} systems"
                raise InputError(f"figure {figure.name}: {key}", need="a number for each system", got=got)
    rows = [row.number for row in study.rows]
    for row in study.rows:
        if rows.count(row.number) > 1:
            raise InputError("rows", need="each number once", got=f"{row.number} twice")
        one_of(f"row {row.number}: kind", row.kind, KINDS)
        if row.kind not in ("out", "text") and not (row.analysis and row.quantity and row.systems):
            got = f"kind {row.kind!r} without"
            remedy = 'add them, or take kind = "out" with a note that says why'
            raise InputError(f"row {row.number}", need="analysis, quantity and systems", got=got, remedy=remedy)


def _made(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """A frozen dataclass from a table of TOML, whose lists become tuples."""
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    _check_keys(table, set(known), where)
    missing = [n for n, f in known.items() if n not in table and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise InputError(where, need=" and ".join(missing), got="none", remedy="add them")
    lists = {name for name, f in known.items() if str(f.type).startswith("tuple")}
    values = {k: _frozen([v] if k in lists and not isinstance(v, list) else v) for k, v in table.items()}
    for name, value in values.items():
        if not _fits(value, str(known[name].type)):
            need = KIND_OF.get(str(known[name].type), str(known[name].type))
            remedy = "see a study that is shipped"
            raise InputError(f"{where}: {name}", need=need, got=f"{table[name]!r}"[:60], remedy=remedy)
    return cls(**values)


KIND_OF = {
    "str": "a text", "int": "a whole number", "float": "a finite number", "bool": "true or false",
    "tuple[str, ...]": "a list of texts", "tuple[float, ...]": "a list of finite numbers",
    "Mapping[str, Any]": "a table",
}  # fmt: skip
"""Kinds of the fields of a study in words."""


def _fits(value: Any, kind: str) -> bool:
    """Whether a value of TOML is of the kind of a field; numbers are finite."""
    if kind.endswith(" | None"):
        return value is None or _fits(value, kind.removesuffix(" | None"))
    if kind.startswith("tuple["):
        return all(isinstance(one, str) if "str" in kind else _finite(one) for one in value)
    checks: dict[str, Callable[[Any], bool]] = {
        "str": lambda v: isinstance(v, str),
        "bool": lambda v: isinstance(v, bool),
        "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "float": _finite,
        "Mapping[str, Any]": lambda v: isinstance(v, dict),
    }
    return checks[kind](value) if kind in checks else True


def _finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _repeats(value: Any) -> bool:
    """Whether it is three repetitions, or a matrix of them."""
    if not isinstance(value, tuple) or len(value) != 3:
        return False
    if all(type(one) is int for one in value):
        return min(value) >= 1
    rows = [row for row in value if isinstance(row, tuple) and len(row) == 3 and all(type(one) is int for one in row)]
    return len(rows) == 3 and round(float(np.linalg.det(np.array(rows, dtype=float)))) >= 1


def _frozen(value: Any) -> Any:
    """Lists as tuples."""
    return tuple(_frozen(v) for v in value) if isinstance(value, list) else value


def _check_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        one_of(where, key, sorted(known))
