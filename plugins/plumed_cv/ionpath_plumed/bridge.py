"""What every ``IMPORT=ionpath_plumed.X`` of a plumed.dat shares: parameters, checks, and the call of each step.

PLUMED asks an imported module for the attribute that is named by INIT, and nothing more; with
``INIT={nodes=[[6.5,6.5],[2,2]]}`` that name is the text between the braces. A module-level ``__getattr__`` therefore
reads the parameters from the name. They become a `Request` when PLUMED reads the line, and the request a `Bound`
variable at the first step, when PLUMED knows atoms and cell.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ionpath.cvs.base import CollectiveVariable
from ionpath.cvs.groups import Groups
from ionpath.errors import InputError, IonpathError
from ionpath.files import read_text
from ionpath.plumed_run import REFUSALS

if TYPE_CHECKING:
    from ionpath.cvs.base import Variable

Build = Callable[..., "Variable"]
"""Function ``build(serials, **parameters)``; `serials` are the numbers of the atoms, None before PLUMED knows them."""

SHORTEST_BOND = 0.6
SMALLEST_BOX = 6.0
_UNKNOWN_COUNT = 10_000
"""Largest whole number in INIT while the number of atoms is not known: they count atoms, or are small exponents."""


@dataclass(frozen=True)
class Request:
    """What one line of a plumed.dat asks for."""

    build: Build  # makes the variable
    parameters: Mapping[str, Any]  # its parameters
    values: Any = None  # components to keep; None for all
    periodic: bool = True  # whether the minimum image is taken
    groups: Any = None  # number of groups of atoms, each with a variable of its own; None for one without a number

    @classmethod
    def parse(cls, text: str, build: Build) -> Request:
        """Read the text of INIT."""
        found = parse_parameters(text, build)
        values, free, groups = found.pop("values", None), found.pop("nopbc", False), found.pop("groups", None)
        return cls(build, found, values, not free, groups)

    def variable(self, label: str, serials: Sequence[int] | None) -> Variable:
        """Build the variable, for numbered atoms where they are known."""
        most = _UNKNOWN_COUNT if serials is None else max(len(serials), 100)
        for name, value in self.parameters.items():
            if isinstance(value, int) and abs(value) > most:
                remedy = "count the atoms of ATOMS"
                raise InputError("INIT", need=f"{name} of at most {most}", got=f"{value}", remedy=remedy)
        if serials is not None:
            check_serials(label, serials)
        groups = self.groups
        try:
            made = self.build(serials if groups is None else self._first_group(label, serials), **self.parameters)
            made = made if groups is None else Groups(cast(CollectiveVariable, made), groups)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, IonpathError):
                raise
            told = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
            need = f"values that {label or 'the variable'} can be made with"
            remedy = "see the header of the module for their kinds"
            raise InputError("INIT", need=need, got=f"{told} ({error})", remedy=remedy) from error
        if serials is not None and made.n_atoms != len(serials):
            need = f"{made.n_atoms} atoms for these parameters"
            remedy = "see the header of the module for the order of the atoms"
            raise InputError(f"ATOMS of {label}", need=need, got=f"{len(serials)}", remedy=remedy)
        return made

    def _first_group(self, label: str, serials: Sequence[int] | None) -> Sequence[int] | None:
        """Atoms of the first group, by whose order all are built."""
        if serials is None or isinstance(self.groups, bool) or not isinstance(self.groups, int) or self.groups < 1:
            return serials
        if len(serials) % self.groups:
            need = f"as many atoms in each of {self.groups} groups"
            remedy = "name the atoms of one group after those of the other, or change groups"
            raise InputError(f"ATOMS of {label}", need=need, got=f"{len(serials)} atoms", remedy=remedy)
        return serials[: len(serials) // self.groups]

    def outputs(self, variable: Variable) -> tuple[tuple[str, int], ...]:
        """Names of the components that are kept, with their places among all."""
        known = [component.name for component in variable.components]
        names = [self.values] if isinstance(self.values, str) else self.values
        if names is not None and self.groups is not None:  # a component without a number is that of all groups
            each = {name: [k for k in known if k.rpartition("-")[0] == name] or [name] for name in map(str, names)}
            names = [member for name in map(str, names) for member in each[name]]
        for name in names or ():
            if name not in known:
                near = difflib.get_close_matches(str(name), known, 1)
                remedy = f"did you mean {near[0]!r}?" if near else "choose among them"
                raise InputError("values", need=f"components among {', '.join(known)}", got=repr(name), remedy=remedy)
        return tuple((name, known.index(name)) for name in (known if names is None else names))


@dataclass(frozen=True)
class Bound:
    """A variable that is tied to atoms and outputs: what PLUMED calls at each step."""

    variable: Variable  # the variable
    outputs: tuple[tuple[str, int], ...]  # components that PLUMED wants
    periodic: bool  # whether PLUMED's periodic boundaries are used

    def __call__(self, action: Any) -> Any:
        """Values, gradients and virials as PLUMED takes them."""
        from ionpath.cvs.base import Periodic

        boundaries = action.getPbc() if self.periodic else Periodic()
        values, gradients, virials = self.variable.evaluate_at(action.getPositions(), boundaries)
        found = {name: [values[k], gradients[k], virials[k]] for name, k in self.outputs}
        return found if len(found) > 1 else next(iter(found.values()))


def hooks(build: Build) -> tuple[Callable[..., Any], Callable[..., Any], Callable[[str], Any]]:
    """Make what PLUMED looks up in a module."""

    def initialise(action: Any, text: str = "") -> dict[str, Any]:
        try:
            request = Request.parse(text, build)
            variable = request.variable(action.label, None)
            names = [name for name, _ in request.outputs(variable)]
        except Exception as error:
            _say(error)
            action.data["error"] = error
            return _of_no_use(build)
        action.data["request"] = request
        if text:
            action.lognl(f"  ionpath parameters {text}")
        action.lognl(f"  ionpath components {', '.join(names)}")
        periods = {component.name: component.period for component in variable.components}
        return {"COMPONENTS": {name: {"period": _period(periods[name]), "derivative": True} for name in names}}

    def calculate(action: Any) -> Any:
        try:
            if "error" in action.data:
                raise action.data["error"]
            if "bound" not in action.data:
                action.data["bound"] = _bind(action, action.data["request"])
            return action.data["bound"](action)
        except IonpathError as error:
            _say(error)
            raise

    def attribute(name: str) -> Any:
        if "=" not in name:
            if name[:1].isalpha():  # an INIT without a value; Python itself asks for names with underscores
                return lambda action: initialise(action, name)
            raise AttributeError(f"no attribute {name!r}: parameters are written INIT={{name=value ...}}")
        return lambda action: initialise(action, name)

    return initialise, calculate, attribute


def _bind(action: Any, request: Request) -> Bound:
    """Tie a request to the atoms of the action, once PLUMED knows them, and check what can be checked."""
    variable = request.variable(action.label, [int(k) + 1 for k in action.absoluteIndexes()])
    if request.periodic:
        box = np.array(action.getPbc().getBox(), dtype=float)
        if abs(np.linalg.det(box)) < 1e-12:
            remedy = "set the cell of the atoms (in a driver run: line 2 of the xyz file), or add nopbc=True to INIT"
            raise InputError("cell", need="a periodic cell", got="none from the MD engine", remedy=remedy)
        check_units(action.label, np.array(action.getPositions()), box)
    return Bound(variable, request.outputs(variable), request.periodic)


def _period(ends: tuple[float, float] | None) -> list[str | float] | None:
    """Ends of a period, pi as text that PLUMED reads exactly."""
    return None if ends is None else [{np.pi: "pi", -np.pi: "-pi"}.get(end, end) for end in ends]


def parse_parameters(text: str, build: Build) -> dict[str, Any]:
    """Read ``name=value`` pairs, separated by spaces or commas."""
    known = [p.name for p in inspect.signature(build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    known += ["values", "nopbc", "groups"]
    starts = [m for m in re.finditer(r"([A-Za-z_]\w*)\s*=", text) if _depth(text, m.start()) == 0]
    rest = text[: starts[0].start()] if starts else text
    if rest.strip(" ,"):
        remedy = f"write INIT={{name=value ...}} with names among {', '.join(known)}"
        raise InputError("INIT", need="parameters as name=value", got=repr(rest.strip()), remedy=remedy)
    found: dict[str, Any] = {}
    ends = [m.start() for m in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=False):
        name = match[1]
        value = text[match.end() : end].strip(" ,\t")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.4)
            remedy = f"did you mean {near[0]!r}?" if near else "remove it"
            raise InputError("INIT", need=f"parameters among {', '.join(known)}", got=repr(name), remedy=remedy)
        if name in found:
            raise InputError("INIT", need="each parameter once", got=f"{name!r} twice", remedy="remove one")
        found[name] = _literal(value)
        if found[name] in ("", "nan", "inf", "-inf"):
            remedy = f"write {name}=value, or leave it out"
            raise InputError("INIT", need=f"a finite value of {name}", got=repr(value), remedy=remedy)
    return found


def _depth(text: str, at: int) -> int:
    before = text[:at]
    return sum(before.count(c) for c in "[({") - sum(before.count(c) for c in "])}")


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        pass
    if value.startswith("[") and value.endswith("]"):
        return [_literal(word.strip()) for word in value[1:-1].split(",") if word.strip()]
    return value


def check_serials(label: str, serials: Sequence[int]) -> None:
    """Refuse repeated atoms."""
    repeated = sorted(serial for serial, count in Counter(serials).items() if count > 1)
    if repeated:
        got = f"atom {repeated[0]} more than once"
        raise InputError(f"ATOMS of {label}", need="different atoms", got=got, remedy="name every atom once")


def check_units(label: str, positions: np.ndarray[Any, Any], box: np.ndarray[Any, Any]) -> None:
    """Recognise lengths that arrive in nm where A are meant."""
    if len(positions) < 2:
        return
    from ionpath.periodic import minimum_image

    i, j = np.triu_indices(min(len(positions), 50), 1)
    gaps = np.sqrt((minimum_image(positions[j] - positions[i], box) ** 2).sum(1))
    side = float(np.sqrt((box**2).sum(1)).min())
    if gaps.min() < SHORTEST_BOND and side < SMALLEST_BOX:
        got = f"a distance of {gaps.min():.3g} in a box of {side:.3g}: ten times too small, these are nm"
        remedy = "begin plumed.dat with UNITS LENGTH=A"
        raise InputError(f"units of {label}", need="lengths in A", got=got, remedy=remedy)


def _of_no_use(build: Build) -> dict[str, Any]:
    """Components without parameters: PLUMED ends the process on an error during input, so that it comes at a step."""
    try:
        names = [component.name for component in Request(build, {}).variable("", None).components]
    except IonpathError:
        names = []
    return {"COMPONENTS": {name: {"period": None, "derivative": True} for name in names or ["refused"]}}


def _say(error: Exception) -> None:
    """Print the sentence at once, and keep it: PLUMED loses Python's own message."""
    if isinstance(error, InputError):
        REFUSALS.append(error)
    kind = "" if isinstance(error, IonpathError) else f"{type(error).__name__}: "
    print(f"ionpath_plumed: {kind}{error}", file=sys.stderr, flush=True)


def as_rotation(rotation: Any) -> Any:
    """Crystal axes from an angle or from nine numbers."""
    try:
        flat = np.asarray(rotation, dtype=float).ravel()
    except (TypeError, ValueError):
        flat = np.full(1, np.nan)
    if len(flat) not in (1, 9) or not np.isfinite(flat).all():
        got = f"{len(flat)} numbers" if np.isfinite(flat).all() else repr(rotation)
        remedy = "leave it out for no rotation"
        raise InputError("rotation", need="an angle in degrees or nine numbers", got=got, remedy=remedy)
    if len(flat) == 1:
        c, s = np.cos(np.radians(flat[0])), np.sin(np.radians(flat[0]))
        return ((float(c), float(s), 0.0), (float(-s), float(c), 0.0), (0.0, 0.0, 1.0))
    return tuple(tuple(map(float, row)) for row in flat.reshape(3, 3))


def as_points(name: str, points: Any) -> tuple[tuple[float, ...], ...]:
    """Rows of numbers from a list or from a text file."""
    where, lines = "", points
    if isinstance(points, str):
        remedy = "give its path from the folder in which PLUMED runs"
        where, lines = f" in {points}", read_text(points, name, "a text file with one row per line", remedy).split("\n")
    try:
        with warnings.catch_warnings(action="ignore"):  # of a file without numbers, which is said below
            table = np.loadtxt(lines, ndmin=2) if where else np.array(points, dtype=float, ndmin=2)
    except (TypeError, ValueError) as error:
        need = "rows of numbers of equal length"
        raise InputError(name, need=need, got=f"{str(error)[:120]}{where}", remedy="mend the table") from error
    if not table.size or not np.isfinite(table).all():
        got = "nan or infinity" if table.size else "none"
        raise InputError(name, need="finite numbers", got=f"{got}{where}", remedy="mend the table")
    return tuple(tuple(map(float, row)) for row in table)
