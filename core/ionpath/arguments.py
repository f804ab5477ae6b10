"""Arguments of public calls are held against their annotations: what has the wrong kind is refused by name.

Ranges are the matter of each function. Here it is kinds: NaN, text or a truth value where a number belongs,
1.5 where something is counted, a count without end, an array of words, one word where several belong, a word that is
none of those that are known, an object of another class.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, TypeVar

import numpy as np

from ionpath.errors import InputError, IonpathError, named_file, of_arrays, one_of
from ionpath.kinds import MOST, UNCOUNTED, Rule, is_wholes, plain, rules_of, without_end

Thing = TypeVar("Thing", bound=Callable[..., Any])


def typed(thing: Thing) -> Thing:
    """Hold the arguments of a function, or of a class and its public methods, against their annotations.

    Whole numbers that came as floats (``2.0``) reach the function as integers, and none is above ten thousand million
    (a seed may be). NaN is a number only where it is the default. Words are those of the annotation, symbols those of
    elements, and temperatures lie between 1e-9 and 1e12 K where they are not zero. A function that writes files
    is not begun with a wrong argument; any other may refuse it in its own words, which know more. What arithmetic says
    of arguments that do not fit each other (an index beyond an axis, shapes that do not match, memory that is not
    there) becomes one sentence with all of them; errors of hosts and of a user's own functions stay as they are.

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

    bare: Any = judged
    bare.__signature__ = inspect.signature(function)  # monty asks without following wrappers which arguments to save
    return judged


class _Held:
    """What the annotations of a function say of its arguments."""

    def __init__(self, function: Any, module: str) -> None:
        self.name = function.__name__
        self.names, self.rest, self.rules = rules_of(function, module)
        # What writes files is not begun with an argument of a wrong kind; of NaN and words it may say more itself.
        path = any("path" in rule.need.split() for rule in self.rules.values())
        self.writes = path and self.name != "__init__"

    def judged(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], InputError | None, bool]:
        """Arguments, with whole numbers as integers, what is wrong with the first, and whether it may be said later."""
        refused, late = None, not self.writes
        given = [(self.names[i] if i < len(self.names) else self.rest, value) for i, value in enumerate(args)]
        fixed = []
        for k, (name, value) in enumerate([*given, *kwargs.items()]):
            rule, value = self.rules.get(name), plain(value)
            if rule is not None:
                if not rule.check(value):
                    refused = refused or _refusal(name, rule, value)
                    nan = isinstance(value, float) and math.isnan(value) and "number" in rule.need
                    late = late or (isinstance(value, str) if rule.words else nan)
                elif rule.counts and name not in UNCOUNTED and without_end(value):
                    raise InputError(name, need=f"a whole number of at most {MOST:,}", got=described(value))
                elif rule.counts and isinstance(value, float):
                    value = int(value)
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
        need = "arguments whose kinds, shapes and sizes fit each other"
        remedy = "these were " + ", ".join(text[:60] for text in texts)[:300]
        return InputError(self.name, need=need, got=f"{type(error).__name__}: {error}"[:200], remedy=remedy)


def _refusal(name: str, rule: Rule, value: Any) -> InputError:
    if rule.words and isinstance(value, str):
        try:
            one_of(name, value, rule.words)
        except InputError as error:
            return error
    return InputError(name, need=rule.need, got=described(value))


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
    if not is_wholes(array):
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
        masked = f", {np.ma.count_masked(value)} of it masked" if np.ma.is_masked(value) else ""
        return f"an array of {value.dtype}, shape {value.shape}{masked}"
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, list, tuple, dict, np.generic)):
        text = repr(value)
        return text if len(text) <= 80 else text[:77] + "..."
    return f"an object of class {type(value).__name__}"
