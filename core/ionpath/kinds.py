"""What an annotation lets through: a rule for each kind, and for names that mean one thing everywhere."""

from __future__ import annotations

import builtins
import inspect
import itertools
import math
import numbers
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike as _ArrayLike

from ionpath.elements import SYMBOLS
from ionpath.errors import finite_atoms

Check = Callable[[Any], bool]
MANY = 1000
"""Elements of a sequence of objects that are looked at; arrays are judged by their type, however long."""
MOST = 10**10
"""Of nothing that is counted there are more; a loop of so many would not end in a life."""
UNCOUNTED = ("seed", "n_samples")
"""Whole numbers that are no count, and a count whose limit is lower, and told with what is enough."""
KELVIN = (1e-9, 1e12)
"""Temperatures in K that are none by mistake; what zero means, functions say."""
NOT_BELOW_ZERO = {
    "apart", "closest", "counts_ratio", "crossings_needed", "cutoff", "deviation_tolerance", "distance", "fmax",
    "interface_layers", "least", "margin", "max_edges", "max_per_bin", "min_count", "min_frames", "min_persistence",
    "minimum_msd", "minimum_residence", "multiplicity", "n_atoms", "n_classes", "n_groups", "n_samples", "n_times",
    "number", "padding", "part", "persistence", "points_per_sigma", "prominence", "q_min", "rattle",
    "sites_per_formula", "steps", "tie", "tolerance",
}  # fmt: skip
"""Counts, lengths and bounds of which less than nothing would be read as nothing, or as all there is."""


class Rule:
    """What a kind of argument needs, in words, and whether a value has it."""

    def __init__(self, need: str, check: Check, counts: bool = False, words: tuple[str, ...] = ()) -> None:
        self.need, self.check, self.counts, self.words = need, check, counts, words


def rules_of(function: Any, module: str) -> tuple[list[str], str, dict[str, Rule]]:
    """Names of positional parameters, that of the rest of them, and a rule for each parameter that can be judged."""
    scope = _Scope({**vars(sys.modules[module]), **_KNOWN})
    names: list[str] = []
    rest = ""
    rules: dict[str, Rule] = {}
    for parameter in inspect.signature(function).parameters.values():
        kind, found = parameter.kind, _resolved(parameter.annotation, scope)
        if kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
        elif kind is parameter.VAR_POSITIONAL:
            rest = parameter.name
        if kind is parameter.VAR_KEYWORD:
            kinds = options_of(function, parameter, module)
            rules |= {key: _of_name(key, rule) for key, value in kinds.items() if (rule := rule_of(value))}
        elif found is not parameter.empty and (rule := rule_of(found)):
            rules[parameter.name] = _with_default(_of_name(parameter.name, rule), parameter.default)
    return names, rest, rules


def options_of(function: Any, parameter: inspect.Parameter, module: str | None = None) -> dict[str, Any]:
    """Keywords of ``**options: Unpack[a TypedDict]``, with their kinds."""
    scope = _Scope({**vars(sys.modules[module or function.__module__]), **_KNOWN})
    table = next(iter(get_args(_resolved(parameter.annotation, scope))), None)
    return {key: _resolved(value, scope) for key, value in getattr(table, "__annotations__", {}).items()}


class _Scope(dict[str, Any]):
    """Names as annotations use them; those that type checkers alone import are known where hosts own them."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            return vars(builtins)[name]
        return type(name, (_Named,), {}) if name in ("Atoms", "AtomGroup", "Structure", "Universe") else Any


class _Named:
    """A class that is known by its name only, as those of hosts that a module does not import."""


class _Numbers:
    """Arrays of numbers."""


class _Finite:
    """Arrays of numbers, none of them NaN or infinite."""


class _Wholes:
    """Arrays of whole numbers."""


class _Truths:
    """Arrays of truth values."""


class _Words:
    """Arrays of text."""


class _Symbol:
    """Text that is the symbol of an element."""


class _Array:
    def __class_getitem__(cls, kind: Any) -> type:
        return _of_dtype(kind)


# Unions would dissolve `ArrayLike` into twenty protocols, so it is one class here, and arrays are told by their dtype.
_KNOWN: dict[str, Any] = {
    "ArrayLike": _Numbers, "Floats": _Numbers, "Ints": _Wholes, "Indices": _Wholes, "Whole": _Wholes,
    "Bools": _Numbers, "Truths": _Truths, "Symbols": _Words, "NDArray": _Array, "Finite": _Finite,
    "Symbol": _Symbol, "os": os,
}  # fmt: skip


def _of_dtype(kind: Any) -> type:
    kind = get_origin(kind) or kind  # np.signedinteger[Any]
    if inspect.isclass(kind) and issubclass(kind, np.integer):
        return _Wholes
    if inspect.isclass(kind) and issubclass(kind, np.str_):
        return _Words
    return _Numbers if inspect.isclass(kind) and issubclass(kind, (np.floating, np.bool_)) else object


def _resolved(annotation: Any, scope: dict[str, Any]) -> Any:
    """An annotation as an object; text is read with the names of its module."""
    if isinstance(annotation, ForwardRef):
        module = annotation.__forward_module__
        scope = _Scope({**vars(sys.modules[module]), **_KNOWN}) if isinstance(module, str) else scope
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, {"__builtins__": {}}, scope)  # the text of our own source, nothing of a user's
    except (AttributeError, TypeError):  # what is known by its name only has no parts and takes no subscript
        return Any


def _of_name(name: str, rule: Rule) -> Rule:
    """The rule of an argument whose name means one thing wherever it stands."""
    if name in NOT_BELOW_ZERO:
        need = f"{rule.need}, of zero or more"
        return Rule(need, lambda value: rule.check(value) and not _below_zero(value), rule.counts, rule.words)
    if not name.endswith(("temperature", "temperatures")):
        return rule
    low, high = KELVIN
    need = f"{rule.need}, in K from {low:g} to {high:g}"
    return Rule(need, lambda value: rule.check(value) and _is_kelvin(value), rule.counts, rule.words)


def _below_zero(value: Any) -> bool:
    return isinstance(value, REAL) and bool(value < 0)


def _is_kelvin(value: Any) -> bool:
    if not _is_array(value, "iuf"):
        return True  # none, or several in another way
    size = np.asarray(value, dtype=np.float64)
    return bool(((size == 0) | ((size >= KELVIN[0]) & (size <= KELVIN[1]))).all())


def _with_default(rule: Rule, default: Any) -> Rule:
    """What is given by default is right, whatever its annotation says: NaN stands for "not known"."""
    if not isinstance(default, float) or not math.isnan(default):
        return rule
    return Rule(rule.need, lambda value: rule.check(value) or (isinstance(value, float) and math.isnan(value)))


def rule_of(kind: Any, *, inside: bool = False) -> Rule | None:
    """What an annotation lets through; None where it cannot be judged.

    Inside a sequence kinds alone are judged: which lengths and which numbers are right there, functions say better.

    Examples
    --------
    >>> rule_of(float).check(1), rule_of(float).check(True), rule_of(int | None).check(None)
    (True, False, True)
    >>> rule_of(int | tuple[int, int, int]).need
    'a whole number or 3 whole numbers'
    """
    if kind is Any or kind is object:
        return None
    if inside and kind is float:
        return Rule("a number", lambda value: isinstance(value, REAL) and not isinstance(value, (bool, np.bool_)))
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(inner, inside)
    if origin is Literal:
        words = inner if all(isinstance(word, str) for word in inner) else ()
        known = lambda value: _hashable(value) and value in inner  # noqa: E731
        return Rule(" or ".join(map(repr, inner)), known, words=words)
    if origin is np.ndarray:
        return rule_of(_of_dtype(get_args(inner[1])[0])) if len(inner) == 2 and get_args(inner[1]) else None
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return _fixed(inner, inside)
    if origin in (tuple, list, Sequence, Iterable):
        return _several(inner[0], lazily=origin is Iterable, inside=inside)
    if origin in (dict, Mapping):
        values = rule_of(inner[1])
        need = "a mapping" + (f" to {values.need}" if values else "")
        return Rule(
            need, lambda value: isinstance(value, Mapping) and (not values or all(map(values.check, value.values())))
        )
    if origin is Callable:
        return Rule("a function", callable)
    if inspect.isclass(kind) and not getattr(kind, "_is_protocol", False) and origin is None:
        names = _RELATED.get(kind.__name__, (kind.__name__,))  # of hosts' classes some are known by name only
        rule = Rule(
            f"an object of class {kind.__name__}",
            lambda value: isinstance(value, kind) or any(base.__name__ in names for base in type(value).__mro__),
        )
        return Rule(rule.need, lambda one: rule.check(one) and finite_atoms(one)) if kind.__name__ == "Atoms" else rule
    return None


def _union(members: tuple[Any, ...], inside: bool) -> Rule | None:
    if set(get_args(_ArrayLike)) <= set(members):
        members = (_Numbers, *(member for member in members if member not in get_args(_ArrayLike)))
    found = [rule_of(member, inside=inside) for member in members]
    rules = [rule for rule in found if rule is not None]
    if len(rules) < len(found):
        return None
    need = " or ".join(dict.fromkeys(rule.need for rule in rules))
    counts = int in members and float not in members
    words = next((rule.words for rule in rules if rule.words), ()) if str not in members else ()
    return Rule(need, lambda value: any(rule.check(value) for rule in rules), counts, words)


def _fixed(inner: tuple[Any, ...], inside: bool) -> Rule:
    rules = [rule_of(member, inside=member is not float) for member in inner]  # of few numbers none is NaN
    kinds = {rule.need if rule else "a value" for rule in rules}
    need = f"{len(inner)} {kinds.pop().removeprefix('a ')}s" if len(kinds) == 1 else f"{len(inner)} values"

    def check(value: Any) -> bool:
        if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
            return False
        if len(value) != len(rules) and not inside:
            return False
        return all(rule is None or rule.check(item) for rule, item in zip(rules, value, strict=False))

    return Rule(need, check)


def _several(member: Any, *, lazily: bool, inside: bool) -> Rule:
    rule = rule_of(member, inside=inside or member is not float)  # of numbers by themselves none is NaN

    def check(value: Any) -> bool:
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") or isinstance(value, Mapping):
            return False
        if rule is None or not isinstance(value, (Sequence, np.ndarray)):
            return lazily or isinstance(value, (Sequence, np.ndarray)) or hasattr(value, "__len__")
        return all(rule.check(item) for item in itertools.islice(value, MANY))

    return Rule("a sequence" + (f", each {rule.need}" if rule else ""), check)


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, np.generic, tuple))


def _is_number(value: Any) -> bool:
    if type(value) is float or type(value) is int:
        return bool(value == value)
    if isinstance(value, (bool, np.bool_, str, bytes, complex, np.complexfloating)):
        return False
    try:
        return not math.isnan(float(value)) and np.ndim(value) == 0
    except (TypeError, ValueError, OverflowError):
        return False


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or float(value).is_integer())


def _is_array(value: Any, kinds: str) -> bool:
    if (isinstance(value, float) and math.isnan(value)) or np.ma.is_masked(value):
        return False  # under a mask there is a number, which is not to be read
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return False
    return array.dtype.kind in kinds or (array.size == 0 and array.dtype.kind == "f")


def plain(value: Any) -> Any:
    """A number as Python has it, which files and settings know, and a table of pandas as an array; all else as it is.

    >>> from fractions import Fraction
    >>> plain(np.array(2.0)), plain(np.int64(3)), plain(Fraction(1, 4)), plain("x")
    (2.0, 3, 0.25, 'x')
    """
    if np.ma.is_masked(value):
        return value
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype != object):
        value = value.item()
    if isinstance(value, numbers.Number) and not isinstance(value, (int, float, complex)):
        return float(value)  # type: ignore[arg-type]
    return value.to_numpy() if hasattr(type(value), "to_numpy") else value


def without_end(value: Any) -> bool:
    """Whether there is no end to what a number counts."""
    return isinstance(value, REAL) and bool(abs(value) > MOST)  # type: ignore[operator]


def is_wholes(value: Any) -> bool:
    """Whether a value is an array of whole numbers, of whatever type."""
    if _is_array(value, "iub"):
        return True
    return _is_array(value, "f") and bool((np.asarray(value) == np.rint(value)).all())


def _is_truths(value: Any) -> bool:
    return _is_array(value, "b") or (_is_array(value, "iuf") and bool(np.isin(np.asarray(value), (0, 1)).all()))


_RELATED = {"Structure": ("Structure", "IStructure")}  # one that cannot be changed is a structure as well
REAL = (int, float, np.integer, np.floating)
_SIMPLE: dict[Any, Rule] = {
    float: Rule("a number", _is_number),
    int: Rule("a whole number", _is_whole, counts=True),
    bool: Rule(
        "True or False", lambda value: isinstance(value, (bool, np.bool_)) or (type(value) is int and value in (0, 1))
    ),
    str: Rule("text", lambda value: isinstance(value, str)),
    _Symbol: Rule("the symbol of an element", lambda value: isinstance(value, str) and value in SYMBOLS),
    None: Rule("None", lambda value: value is None),
    types.NoneType: Rule("None", lambda value: value is None),
    os.PathLike: Rule("a path", lambda value: isinstance(value, os.PathLike)),
    os.PathLike[str]: Rule("a path", lambda value: isinstance(value, os.PathLike)),
    _Numbers: Rule("an array of numbers", lambda value: _is_array(value, "iufb")),
    _Finite: Rule("finite numbers", lambda value: _is_array(value, "iufb") and bool(np.isfinite(value).all())),
    _Wholes: Rule("an array of whole numbers", is_wholes),
    _Truths: Rule("an array of truth values", _is_truths),
    _Words: Rule("an array of text", lambda value: _is_array(value, "US")),
}
