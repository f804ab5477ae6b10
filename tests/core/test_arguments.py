"""What is right reaches a function as it is, or as the Python number that it means."""

from __future__ import annotations

import os

import numpy as np
import pytest

from ionpath.arguments import typed
from ionpath.errors import InputError


@typed
def kinds(count: int, length: float = 1.0, name: str = "a") -> tuple[str, ...]:
    return tuple(type(value).__name__ for value in (count, length, name))


def test_numbers_of_numpy_become_those_of_python() -> None:
    """JSON knows nothing of np.int64: a seed of that class ended a run in a bare TypeError."""
    assert kinds(np.int64(3), np.float32(1.5), np.str_("b")) == ("int", "float", "str")
    assert kinds(2.0, length=np.int32(1)) == ("int", "int", "str")
    with pytest.raises(InputError, match="count: need a whole number, got 1.5"):
        kinds(1.5)


def test_a_structure_that_cannot_be_changed_is_a_structure() -> None:
    argyrodite = pytest.importorskip("pymatgen.analysis.argyrodite")
    from pymatgen.core import IStructure

    structure = argyrodite.argyrodite()
    fixed = IStructure.from_sites(structure)
    assert argyrodite.configurational_entropy(fixed) == argyrodite.configurational_entropy(structure)


def test_a_function_that_writes_does_not_begin_with_nan_for_a_flag() -> None:
    """It was refused at the end: a loop of trainings ran for hours before."""
    begun = []

    @typed
    def write(folder: str | os.PathLike[str], *, progress: bool = True) -> None:
        begun.append(folder)

    with pytest.raises(InputError, match="progress: need True or False, got nan"):
        write("a", progress=float("nan"))  # type: ignore[arg-type]
    assert not begun
