"""Errors that say what is wrong, what was needed, what was found, and what to do about it."""

from __future__ import annotations

import difflib
import functools
import importlib
import math
import os
import re
import sys
import warnings
from collections.abc import Iterable
from types import ModuleType
from typing import Any

_OURS = {"ionpath", "ionpath_ase", "ionpath_cli", "ionpath_mdanalysis", "ionpath_plumed"}
_ARITHMETIC = _OURS | {"numpy", "scipy", "sklearn", "numba"}
_CALL = re.compile(r"(unexpected|unknown) keyword|required (positional|keyword-only) arg|positional arguments? but")


_HOSTS = {"MDAnalysis", "ase", "jobflow", "monty", "pymatgen"}


def warn(message: str) -> None:
    """Warn at the line of the user's own code, however many calls of ours and of the hosts lie between."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS | _HOSTS:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


class IonpathError(Exception):
    """Base of every error that ionpath raises on purpose."""


class InputError(IonpathError, ValueError):
    """An argument or a file that cannot be used: its name, what is needed, what was found, and what to do about it.

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
        known = {"need": self.need, "got": self.got, "remedy": self.remedy}
        return functools.partial(type(self), self.name, **known), ()


def one_of(name: str, value: object, choices: Iterable[str]) -> None:
    """Refuse, with an `InputError` that names the nearest, what is not one of several words.

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
    """The number, if it is finite and above zero (or `zero`, too), else an `InputError` that names the unit.

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
    """The whole number, if it lies from `least` to `most`, else an `InputError`.

    A float without a fraction is fine, a truth value is not.

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
    """Refuse an array whose axes have not the lengths `sizes`, with an `InputError`; None is any length but zero.

    `wanted` is the shape in words of the caller's documentation.

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
    """A file that cannot be written: the disk is full, or the folder refuses."""

    def __init__(self, path: object, need: str) -> None:
        super().__init__(f"{path}: need {need}")
        self._given = (path, need)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), self._given


class MissingFile(InputError, FileNotFoundError):
    """A file or folder that is not there."""


def named_file(error: OSError, given: Iterable[tuple[str, Any]]) -> Exception:
    """What the system said of a file, in the name of the argument that has it; as it is where none can have it."""
    paths = [(name, os.fspath(value)) for name, value in given if isinstance(value, (str, os.PathLike))]
    at = str(error.filename or error)
    found = next((one for one in paths if one[1] and one[1] in at), next(iter(paths), None))
    if found is None:
        return error
    kind = MissingFile if isinstance(error, FileNotFoundError) else InputError
    need = "a file or folder that is there and of the right kind"
    return kind(found[0], need=need, got=f"{found[1]!r} ({error.strerror or error})", remedy="check the path")


def finite_atoms(atoms: Any) -> bool:
    """True for atoms whose positions and cell are finite; InputError in the name of the part that is not."""
    import numpy as np

    for name, need in (("positions", "coordinates"), ("cell", "lattice vectors")):
        values = np.asarray(getattr(atoms, name))
        if not (finite := np.isfinite(values).all(axis=-1)).all():
            raise InputError(name, need=f"finite {need}", got=str(values[~finite][:3].tolist()))
    return True


def of_arrays(error: BaseException) -> bool:
    """Whether an error came out of arithmetic on arguments, rather than out of a host or of a user's own code."""
    trace = error.__traceback__
    if trace is None or trace.tb_next is None or _CALL.search(str(error)):
        return False  # the call itself: an argument too many, or one that is missing
    while trace.tb_next is not None:
        trace = trace.tb_next
    name = str(trace.tb_frame.f_globals.get("__name__", ""))
    return name.split(".")[0] in _ARITHMETIC or name.startswith("pymatgen.analysis.argyrodite")


class DisconnectedError(InputError):
    """States that the trajectories do not connect in both directions."""


class MissingDependency(IonpathError, ImportError):
    """A package or a program that is not installed: what it is needed for, and what to type to get it."""

    def __init__(self, package: str, *, purpose: str, install: str) -> None:
        self.package, self.purpose, self.install = package, purpose, install
        super().__init__(f"{package} is needed for {purpose} and was not found; install it with: {install}")

    def __reduce__(self) -> tuple[object, ...]:
        return functools.partial(type(self), self.package, purpose=self.purpose, install=self.install), ()


def require(module: str, *, purpose: str, install: str) -> ModuleType:
    """Import an optional module, or raise a `MissingDependency` that says what to type.

    >>> require("json", purpose="reading JSON", install="nothing, it is in Python").__name__
    'json'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not (module == error.name or module.startswith(error.name + ".")):
            raise  # the module is there and misses something of its own
        raise MissingDependency(module, purpose=purpose, install=install) from error
