"""Errors that say what is wrong, what was needed, what was found, and what to do about it."""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any


class IonpathError(Exception):
    """Base of every error that ionpath raises on purpose."""


class InputError(IonpathError, ValueError):
    """An argument or a file that cannot be used.

    Parameters
    ----------
    name : str
        What the user passed: an argument, a file, a selection.
    need : str
        What is needed there.
    got : str
        What was found instead.
    remedy : str, optional
        What to do about it.

    Examples
    --------
    >>> raise InputError("lag", need="fewer frames than the trajectory", got="600 of 100 frames",
    ...                  remedy="use a shorter lag")
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: lag: need fewer frames than the trajectory, got 600 of 100 frames; use a shorter lag
    """

    def __init__(self, name: str, *, need: str, got: str, remedy: str = "") -> None:
        self.name, self.need, self.got, self.remedy = name, need, got, remedy
        super().__init__(f"{name}: need {need}, got {got}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments do not survive the default pickling, which worker processes use for errors.
        return _rebuild, (type(self), self.name, self.need, self.got, self.remedy)


def one_of(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse what is not one of several words, and name the nearest.

    Parameters
    ----------
    name : str
        What the user passed.
    value : object
        What was passed.
    choices : iterable of str
        What can be passed.

    Raises
    ------
    InputError
        If the value is none of them.

    Examples
    --------
    >>> one_of("mode", "corect", ("correct", "published"))
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: mode: need 'correct' or 'published', got 'corect'; did you mean 'correct'?
    """
    words = list(choices)
    if isinstance(value, str) and value in words:
        return
    need = " or ".join(map(repr, words)) if len(words) < 3 else f"one of {', '.join(map(repr, words))}"
    near = difflib.get_close_matches(str(value), words, 1)
    remedy = f"did you mean {near[0]!r}?" if near else "choose one of them"
    raise InputError(name, need=need, got=repr(value)[:80], remedy=remedy)


def positive(name: str, value: object, unit: str = "", *, zero: bool = False, remedy: str = "") -> float:
    """Refuse what is no finite number above zero.

    Parameters
    ----------
    name : str
        What the user passed.
    value : object
        What was passed.
    unit : str, optional
        Its unit.
    zero : bool, optional
        Whether zero is fine, too.
    remedy : str, optional
        What to do about it.

    Returns
    -------
    float
        The number.

    Raises
    ------
    InputError
        If it is none, not finite, or not positive.

    Examples
    --------
    >>> positive("cutoff", -1, "A")
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: cutoff: need a positive number in A, got -1
    """
    number = _number(value)
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        kind = "a number of zero or more" if zero else "a positive number"
        raise InputError(name, need=kind + f" in {unit}" * bool(unit), got=repr(value)[:80], remedy=remedy)
    return number


def whole(name: str, value: object, least: int = 1, most: int | None = None, *, remedy: str = "") -> int:
    """Refuse what is no whole number in a range.

    Parameters
    ----------
    name : str
        What the user passed.
    value : object
        What was passed; a float without a fraction is fine, a truth value is not.
    least, most : int, optional
        Ends of the range, which belong to it.
    remedy : str, optional
        What to do about it.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        If it is none, has a fraction, or lies outside.

    Examples
    --------
    >>> whole("lag", 2.5)
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: lag: need a whole number of at least 1, got 2.5
    """
    number = _number(value)
    inside = math.isfinite(number) and number == int(number) and number >= least
    if not inside or (most is not None and number > most):
        span = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(name, need=f"a whole number {span}", got=repr(value)[:80], remedy=remedy)
    return int(number)


def shape(name: str, array: Any, wanted: str, *sizes: int | None, remedy: str = "") -> None:
    """Refuse an array whose axes do not fit.

    Parameters
    ----------
    name : str
        What the user passed.
    array : array
        What was passed.
    wanted : str
        The shape in words of the caller's documentation, such as "(T, N, 3)".
    *sizes : int or None
        Lengths of the axes; None where any length but zero is fine.
    remedy : str, optional
        What to do about it.

    Raises
    ------
    InputError
        If number or lengths of axes differ.

    Examples
    --------
    >>> import numpy as np
    >>> shape("ions", np.zeros((4, 3)), "(T, N, 3)", None, None, 3)
    Traceback (most recent call last):
    ...
    ionpath.errors.InputError: ions: need shape (T, N, 3), got shape (4, 3)
    """
    found = tuple(array.shape)
    if len(found) != len(sizes) or any(n == 0 if k is None else n != k for n, k in zip(found, sizes, strict=False)):
        raise InputError(name, need=f"shape {wanted}", got=f"shape {found}", remedy=remedy)


def _number(value: object) -> float:
    if isinstance(value, (bool, str, bytes)):
        return math.nan
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return math.nan


class WriteError(IonpathError, OSError):
    """A file that cannot be written: the disk is full, or the folder refuses.

    Parameters
    ----------
    path : path
        File.
    need : str
        What is needed, what was found, and what to do.
    """

    def __init__(self, path: object, need: str) -> None:
        super().__init__(f"{path}: need {need}")
        self._given = (path, need)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._given


class DisconnectedError(InputError):
    """States that the trajectories do not connect in both directions."""


class MissingDependency(IonpathError, ImportError):
    """A package or a program that is not installed.

    Parameters
    ----------
    package : str
        Import name or program name.
    purpose : str
        What it is needed for.
    install : str
        What to type to get it.
    """

    def __init__(self, package: str, *, purpose: str, install: str) -> None:
        self.package, self.purpose, self.install = package, purpose, install
        super().__init__(f"{package} is needed for {purpose} and was not found; install it with: {install}")

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild_missing, (self.package, self.purpose, self.install)


def require(module: str, *, purpose: str, install: str) -> ModuleType:
    """Import an optional module, or say what to type.

    Parameters
    ----------
    module : str
        Dotted import name.
    purpose : str
        What it is needed for; goes into the error.
    install : str
        Command that installs it; goes into the error.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingDependency
        If the module is not installed.

    Examples
    --------
    >>> require("json", purpose="reading JSON", install="nothing, it is in Python").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not (module == error.name or module.startswith(error.name + ".")):
            raise  # the module is there and misses something of its own
        raise MissingDependency(module, purpose=purpose, install=install) from error


def _rebuild(cls: type[InputError], name: str, need: str, got: str, remedy: str) -> InputError:
    return cls(name, need=need, got=got, remedy=remedy)


def _rebuild_missing(package: str, purpose: str, install: str) -> MissingDependency:
    return MissingDependency(package, purpose=purpose, install=install)
