"""Errors that say what is wrong, what was needed, what was found, and what to do about it."""

from __future__ import annotations

import importlib
from types import ModuleType


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
