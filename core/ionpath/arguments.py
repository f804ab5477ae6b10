"""Arguments of public calls are held against their annotations: what has the wrong kind is refused by name.

Ranges are the matter of each function. Here it is kinds: NaN, text or a truth value where a number belongs,
1.5 where something is counted, an array of words, one word where several belong, an object of another class.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import math
import os
import sys
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike as _ArrayLike

from ionpath.errors import InputError, IonpathError, finite_atoms, named_file, of_arrays

Thing = TypeVar("Thing", bound=Callable[..., Any])
Check = Callable[[Any], bool]
MANY = 1000
"""Elements of a sequence of objects that are looked at; arrays are judged by their type, however long."""


class Rule:
    """What a kind of argument needs, in words, and whether a value has it."""

    def __init__(self, need: str, check: Check, counts: bool = False) -> None:
        self.need, self.check, self.counts = need, check, counts


def typed(thing: Thing) -> Thing:
    """Hold the arguments of a function, or of a class and its public methods, against their annotations.

    Whole numbers that came as floats (``2.0``) reach the function as integers. NaN is a number only where it is the
    default. A function that writes files is not begun with a wrong argument; any other may refuse it in its own words,
    which know more. What arithmetic says of arguments that do not fit each other (an index beyond an axis, shapes that
    do not match, memory that is not there) becomes one sentence with all of them; errors of hosts and of a user's own
    functions stay as they are.

    Examples
    --------
    >>> @typed
    ... def half(length: float, *, times: int = 1) -> float:
    ...     return length / 2**times
    >>> half(3.0)
    1.5
    >>> half(3.0, times=1.5)
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: times: need a whole number, got 1.5
    >>> half("3")
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: length: need a number, got '3'
    """
    if not inspect.isclass(thing):
        return _wrapped(thing)
    plain = is_dataclass(thing) and not hasattr(thing, "__post_init__")  # a result: what made it knows its fields
    for name, member in list(vars(thing).items()):
        if name.startswith("_") and (name != "__init__" or plain):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(thing, name, type(member)(_wrapped(member.__func__, thing.__module__)))
        elif inspect.isfunction(member):
            setattr(thing, name, _wrapped(member, thing.__module__))
    return thing


def _wrapped(function: Any, module: str | None = None) -> Any:
    held: _Held | None = None

    @functools.wraps(function)
    def judged(*args: Any, **kwargs: Any) -> Any:
        nonlocal held
        if held is None:
            held = _Held(function, module or function.__module__)
        args, refused, late = held.judged(args, kwargs)
        if refused is not None and not late:
            raise refused
        try:
            found = function(*args, **kwargs)
        except IonpathError:
            raise  # the function's own words come first
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError) as error:
            raise refused or held.of_files(error, args, kwargs) from error
        except (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError) as error:
            if refused is not None:
                raise refused from error
            if not of_arrays(error):
                raise
            raise held.explained(error, args, kwargs) from error
        if refused is not None:
            raise refused
        return found

    # A frame of this name is passed over when a warning is told where it comes from: it names the caller's line.
    bare: Any = judged
    bare.__signature__ = inspect.signature(function)  # monty asks without following wrappers which arguments to save
    bare.__code__ = bare.__code__.replace(co_filename=f"{__file__} (importlib _bootstrap)")
    return judged


class _Held:
    """What the annotations of a function say of its arguments."""

    def __init__(self, function: Any, module: str) -> None:
        self.name = function.__name__
        self.names, self.rest, self.rules = _rules(function, module)
        # What writes files is not begun with an argument of a wrong kind; of NaN it may say more itself.
        path = any("path" in rule.need.split() for rule in self.rules.values())
        self.writes = path and self.name != "__init__"

    def judged(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], InputError | None, bool]:
        """Arguments, with whole numbers as integers, what is wrong with the first, and whether it may be said later."""
        refused, late = None, not self.writes
        given = [(self.names[i] if i < len(self.names) else self.rest, value) for i, value in enumerate(args)]
        fixed = []
        for k, (name, value) in enumerate([*given, *kwargs.items()]):
            rule = self.rules.get(name)
            if rule is not None:
                if not rule.check(value):
                    refused = refused or InputError(name, need=rule.need, got=described(value))
                    late = late or (isinstance(value, float) and math.isnan(value))
                elif rule.counts and isinstance(value, (float, np.floating)):
                    value = int(value)
                elif isinstance(value, np.generic):  # of NumPy's numbers some files and settings know nothing
                    value = value.item()
            if k < len(args):
                fixed.append(value)
            else:
                kwargs[name] = value
        return tuple(fixed), refused, late

    def of_files(self, error: OSError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
        """What the system said of a file that an argument names; of any other file, the error as it is."""
        names = [*self.names, *[self.rest] * len(args)]
        return named_file(error, [*zip(names, args, strict=False), *kwargs.items()])

    def explained(self, error: Exception, args: tuple[Any, ...], kwargs: dict[str, Any]) -> InputError:
        """One sentence for what arithmetic said."""
        given = {**dict(zip(self.names, args, strict=False)), **kwargs}
        texts = (f"{name} {getattr(value, 'shape', None) or described(value)}" for name, value in given.items())
        return InputError(
            self.name, need="arguments whose kinds, shapes and sizes fit each other",
            got=f"{type(error).__name__}: {error}"[:200],
            remedy="these were " + ", ".join(text[:60] for text in texts)[:300],
        )  # fmt: skip


def finite(name: str, values: Any) -> Any:
    """Finite numbers as an array of floats.

    Examples
    --------
    >>> finite("start", [1.0, float("nan")])
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: start: need finite numbers, got NaN or infinity in 1 of 2
    """
    array = np.asarray(values, dtype=np.float64)
    if bad := int(np.count_nonzero(~np.isfinite(array))):
        raise InputError(name, need="finite numbers", got=f"NaN or infinity in {bad} of {array.size}")
    return array


def indices(name: str, values: Any, below: int) -> Any:
    """Whole numbers from zero to below a bound, as an array.

    Examples
    --------
    >>> indices("centres", [0, 7], 5)
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: centres: need whole numbers from 0 to 4, got 7
    """
    array = np.asarray(values)
    if not _is_wholes(array):
        raise InputError(name, need=f"whole numbers from 0 to {below - 1}", got=described(values))
    if array.size and not (array.min() >= 0 and array.max() < below):
        bad = array[(array < 0) | (array >= below)].flat[0]
        raise InputError(name, need=f"whole numbers from 0 to {below - 1}", got=f"{bad}")
    return array.astype(np.int64)


def described(value: Any) -> str:
    """A value in few words.

    Examples
    --------
    >>> described([1.0, 2.0]), described(np.zeros((2, 3))), described(None)
    ('[1.0, 2.0]', 'an array of float64, shape (2, 3)', 'None')
    """
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}, shape {value.shape}"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, list, tuple, dict, np.generic)):
        text = repr(value)
        return text if len(text) <= 80 else text[:77] + "..."
    return f"an object of class {type(value).__name__}"


def _rules(function: Any, module: str) -> tuple[list[str], str, dict[str, Rule]]:
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
            table = next(iter(get_args(found)), None)  # Unpack[a TypedDict]
            kinds = {key: _resolved(value, scope) for key, value in getattr(table, "__annotations__", {}).items()}
            rules |= {key: rule for key, value in kinds.items() if (rule := rule_of(value))}
        elif found is not parameter.empty and (rule := rule_of(found)):
            rules[parameter.name] = _with_default(rule, parameter.default)
    return names, rest, rules


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


class _Words:
    """Arrays of text."""


class _Array:
    def __class_getitem__(cls, kind: Any) -> type:
        return _of_dtype(kind)


# Unions would dissolve `ArrayLike` into twenty protocols, so it is one class here, and arrays are told by their dtype.
_KNOWN: dict[str, Any] = {
    "ArrayLike": _Numbers, "Floats": _Numbers, "Ints": _Wholes, "Integers": _Wholes, "Whole": _Wholes,
    "Bools": _Numbers, "Symbols": _Words, "NDArray": _Array, "Finite": _Finite, "os": os,
}  # fmt: skip


def _of_dtype(kind: Any) -> type:
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
        return Rule("a number", lambda value: isinstance(value, _REAL) and not isinstance(value, (bool, np.bool_)))
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _union(inner, inside)
    if origin is Literal:
        text = all(isinstance(word, str) for word in inner)  # which word is the matter of the function
        return Rule(
            " or ".join(map(repr, inner)),
            lambda value: isinstance(value, str) if text else _hashable(value) and value in inner,
        )
    if origin is np.ndarray:
        return rule_of(_of_dtype(get_args(inner[1])[0])) if len(inner) == 2 and get_args(inner[1]) else None
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return _fixed(inner, inside)
    if origin in (tuple, list, Sequence, Iterable):
        return _several(inner[0], lazily=origin is Iterable)
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
    return Rule(need, lambda value: any(rule.check(value) for rule in rules), counts)


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


def _several(member: Any, *, lazily: bool) -> Rule:
    rule = rule_of(member, inside=True)

    def check(value: Any) -> bool:
        if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") or isinstance(value, Mapping):
            return False
        if rule is None or not isinstance(value, (Sequence, np.ndarray)):
            return lazily or isinstance(value, (Sequence, np.ndarray)) or hasattr(value, "__len__")
        return all(rule.check(item) for item in value[:MANY])

    return Rule("a sequence" + (f", each {rule.need}" if rule else ""), check)


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, np.generic, tuple))


def _is_number(value: Any) -> bool:
    if type(value) is float or type(value) is int:
        return not math.isnan(value)
    if isinstance(value, (bool, np.bool_, str, bytes, complex, np.complexfloating)):
        return False
    try:
        return not math.isnan(float(value)) and np.ndim(value) == 0
    except (TypeError, ValueError, OverflowError):
        return False


def _is_whole(value: Any) -> bool:
    return _is_number(value) and abs(value) < 2**63 and value == int(value)


def _is_array(value: Any, kinds: str) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return False
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return False
    return array.dtype.kind in kinds or (array.size == 0 and array.dtype.kind == "f")


def _is_wholes(value: Any) -> bool:
    if _is_array(value, "iub"):
        return True
    return _is_array(value, "f") and bool((np.asarray(value) == np.rint(value)).all())


_RELATED = {"Structure": ("Structure", "IStructure")}  # one that cannot be changed is a structure as well
_REAL = (int, float, np.integer, np.floating)
_SIMPLE: dict[Any, Rule] = {
    float: Rule("a number", _is_number),
    int: Rule("a whole number", _is_whole, counts=True),
    bool: Rule(
        "True or False", lambda value: isinstance(value, (bool, np.bool_)) or (type(value) is int and value in (0, 1))
    ),
    str: Rule("text", lambda value: isinstance(value, str)),
    None: Rule("None", lambda value: value is None),
    types.NoneType: Rule("None", lambda value: value is None),
    os.PathLike: Rule("a path", lambda value: isinstance(value, os.PathLike)),
    os.PathLike[str]: Rule("a path", lambda value: isinstance(value, os.PathLike)),
    _Numbers: Rule("an array of numbers", lambda value: _is_array(value, "iufb")),
    _Finite: Rule("finite numbers", lambda value: _is_array(value, "iufb") and bool(np.isfinite(value).all())),
    _Wholes: Rule("an array of whole numbers", _is_wholes),
    _Words: Rule("an array of text", lambda value: _is_array(value, "US")),
}
