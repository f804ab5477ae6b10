"""What every ``IMPORT=ionpath_plumed.X`` of a plumed.dat shares: parameters, checks, and the call of each step.

PLUMED asks an imported module for the attribute that is named by INIT, and nothing more; with
``INIT={nodes=[[6.5,6.5],[2,2]]}`` that name is the text between the braces. A module-level ``__getattr__`` therefore
reads the parameters from the name.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.errors import InputError, IonpathError

if TYPE_CHECKING:
    from ionpath.cvs import CollectiveVariable

Build = Callable[..., "CollectiveVariable"]
"""Function ``build(serials, **parameters)``; `serials` are the numbers of the atoms, None before PLUMED knows them."""

SHORTEST_BOND = 0.6
SMALLEST_BOX = 6.0


def hooks(build: Build) -> tuple[Callable[..., Any], Callable[..., Any], Callable[[str], Any]]:
    """Make what PLUMED looks up in a module."""

    def initialise(action: Any, text: str = "") -> dict[str, Any]:
        try:
            parameters = parse_parameters(text, build)
            action.data["parameters"] = parameters
            names = parameters.get("values")
            components = _selected(build(None, **_own(parameters)), names)
        except Exception as error:
            _say(error)
            raise
        action.data["build"] = build
        if parameters:
            action.lognl(f"  ionpath parameters {parameters}")
        action.lognl(f"  ionpath components {', '.join(name for name, _ in components)}")
        found = {name: {"period": period, "derivative": True} for name, period in components}
        return {"COMPONENTS": found}

    def calculate(action: Any) -> Any:
        data = action.data
        if "compute" not in data:
            _first_step(action, data)
        values, gradients, virials = data["compute"](
            action.getPositions(), data["image"] or action.getPbc().apply
        )
        found = {name: [values[k], gradients[k], virials[k]] for name, k in data["outputs"]}
        return found if len(found) > 1 else next(iter(found.values()))

    def attribute(name: str) -> Any:
        if "=" not in name:
            raise AttributeError(f"no attribute {name!r}: parameters are written INIT={{name=value ...}}")
        return lambda action: initialise(action, name)

    return initialise, calculate, attribute


def parse_parameters(text: str, build: Build) -> dict[str, Any]:
    """Read ``name=value`` pairs, separated by spaces or commas."""
    known = [p.name for p in inspect.signature(build).parameters.values() if p.kind is p.KEYWORD_ONLY]
    known += ["values", "nopbc"]
    starts = [m for m in re.finditer(r"([A-Za-z_]\w*)\s*=", text) if _depth(text, m.start()) == 0]
    rest = text[: starts[0].start()] if starts else text
    if rest.strip(" ,"):
        raise InputError(
            "INIT", need="parameters as name=value", got=repr(rest.strip()),
            remedy=f"write INIT={{name=value ...}} with names among {', '.join(known)}",
        )  # fmt: skip
    found: dict[str, Any] = {}
    ends = [m.start() for m in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=False):
        name = match[1]
        value = text[match.end() : end].strip(" ,\t")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.4)
            raise InputError(
                "INIT", need=f"parameters among {', '.join(known)}", got=repr(name),
                remedy=f"did you mean {near[0]!r}?" if near else "remove it",
            )  # fmt: skip
        if name in found:
            raise InputError("INIT", need="each parameter once", got=f"{name!r} twice", remedy="remove one")
        found[name] = _literal(value)
    return found


def _depth(text: str, at: int) -> int:
    before = text[:at]
    return sum(before.count(c) for c in "[({") - sum(before.count(c) for c in "])}")


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        pass
    if value.startswith("[") and value.endswith("]"):
        return [_literal(word.strip()) for word in value[1:-1].split(",") if word.strip()]
    return value


def _own(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in ("values", "nopbc")}


def _selected(variable: CollectiveVariable, names: Any) -> list[tuple[str, list[Any] | None]]:
    """Names and periods (as text that PLUMED reads exactly) of the components that were asked for."""
    known = [c.name for c in variable.components]
    wanted = known if names is None else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            raise InputError(
                "values", need=f"components among {', '.join(known)}", got=repr(name),
                remedy=f"did you mean {near[0]!r}?" if near else "choose among them",
            )  # fmt: skip
    periods = {c.name: c.period for c in variable.components}
    return [(name, None if (p := periods[name]) is None else [_pi(p[0]), _pi(p[1])]) for name in wanted]


def _pi(value: float) -> str | float:
    return {np.pi: "pi", -np.pi: "-pi"}.get(value, value)


def _first_step(action: Any, data: dict[str, Any]) -> None:
    """Build the variable for the atoms of the action, once PLUMED knows them, and check what can be checked."""
    parameters, build = data["parameters"], data["build"]
    serials = [int(k) + 1 for k in action.absoluteIndexes()]
    check_serials(action.label, serials)
    variable = build(serials, **_own(parameters))
    if variable.n_atoms != len(serials):
        raise InputError(
            f"ATOMS of {action.label}", need=f"{variable.n_atoms} atoms for these parameters", got=f"{len(serials)}",
            remedy="see the header of the module for the order of the atoms",
        )  # fmt: skip
    box = np.array(action.getPbc().getBox(), dtype=float)
    periodic = not parameters.get("nopbc", False)
    if periodic and abs(np.linalg.det(box)) < 1e-12:
        raise InputError(
            "cell", need="a periodic cell", got="none from the MD engine",
            remedy="set the cell of the atoms (in a driver run: line 2 of the xyz file), or add nopbc=True to INIT",
        )  # fmt: skip
    positions = np.array(action.getPositions())
    if periodic:
        check_units(action.label, positions, box)
    order = {c.name: k for k, c in enumerate(variable.components)}
    data["outputs"] = [(name, order[name]) for name, _ in _selected(variable, parameters.get("values"))]
    data["image"] = None if periodic else _free
    # A variable of a plugin package takes the cell; ours take PLUMED's minimum image.
    data["cell"] = hasattr(variable, "compute_in_cell")
    data["compute"] = getattr(variable, "compute_in_cell", variable.compute)


def _free(vectors: Any) -> Any:
    return vectors


def check_serials(label: str, serials: Sequence[int]) -> None:
    """Refuse repeated atoms."""
    repeated = sorted({k for k in serials if serials.count(k) > 1})
    if repeated:
        raise InputError(
            f"ATOMS of {label}", need="different atoms", got=f"atom {repeated[0]} more than once",
            remedy="name every atom once",
        )  # fmt: skip


def check_units(label: str, positions: np.ndarray[Any, Any], box: np.ndarray[Any, Any]) -> None:
    """Recognise lengths that arrive in nm where A are meant."""
    if len(positions) < 2:
        return
    from ionpath.periodic import minimum_image

    i, j = np.triu_indices(min(len(positions), 50), 1)
    gaps = np.sqrt((minimum_image(positions[j] - positions[i], box) ** 2).sum(1))
    side = float(np.sqrt((box**2).sum(1)).min())
    if gaps.min() < SHORTEST_BOND and side < SMALLEST_BOX:
        raise InputError(
            f"units of {label}", need="lengths in A", got=f"a distance of {gaps.min():.3g} in a box of {side:.3g}: "
            "ten times too small, these are nm",
            remedy="begin plumed.dat with UNITS LENGTH=A",
        )  # fmt: skip


def _say(error: Exception) -> None:
    """Print the sentence at once: PLUMED aborts on an error during input, and Python's own message is lost."""
    kind = "" if isinstance(error, IonpathError) else f"{type(error).__name__}: "
    print(f"ionpath_plumed: {kind}{error}", file=sys.stderr, flush=True)


def as_rotation(rotation: Any) -> Any:
    """Crystal axes from an angle or from nine numbers."""
    if isinstance(rotation, int | float):
        c, s = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
        return ((float(c), float(s), 0.0), (float(-s), float(c), 0.0), (0.0, 0.0, 1.0))
    flat = np.asarray(rotation, dtype=float).ravel()
    if len(flat) != 9:
        raise InputError(
            "rotation", need="an angle in degrees or nine numbers", got=f"{len(flat)} numbers", remedy=""
        )
    return tuple(tuple(map(float, row)) for row in flat.reshape(3, 3))


def as_points(name: str, points: Any) -> tuple[tuple[float, ...], ...]:
    """Rows of numbers from a list or from a text file."""
    try:
        table = (
            np.loadtxt(points, ndmin=2) if isinstance(points, str) else np.array(points, dtype=float, ndmin=2)
        )
    except OSError as error:
        raise InputError(name, need="a text file with one row per line", got=f"no file {points!r}",
                         remedy="give its path from the folder in which PLUMED runs") from error  # fmt: skip
    except ValueError as error:
        need = "rows of numbers of equal length"
        raise InputError(name, need=need, got=str(error), remedy="mend the table") from error
    return tuple(tuple(map(float, row)) for row in table)
