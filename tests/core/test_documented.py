"""Fields that are described beside themselves stand in the docstring of their class."""

from __future__ import annotations

import pydoc
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from ionpath import disorder, free_energy, kinetics, softness, structure, transport
from ionpath.documented import documented


@documented
@dataclass(frozen=True)
class Walk:
    """A walk of an ion.

    Examples
    --------
    >>> Walk
    """

    steps: NDArray[np.float64]  # (T, 3): in A, unwrapped
    kind: str  # {"free", "caged"}: what it looks like
    # low, high: 95 % interval of its length in A, with an end that is so far away from its beginning that its
    # description takes two lines
    low: float
    high: float | None = None
    seed: int = 0  # type: ignore[assignment]


def test_comments_of_fields_become_the_section_of_attributes() -> None:
    assert Walk.__doc__ == (
        "A walk of an ion.\n\nAttributes\n----------\n"
        "steps : ndarray, (T, 3)\n    In A, unwrapped.\n"
        'kind : {"free", "caged"}\n    What it looks like.\n'
        "low, high : float\n    95 % interval of its length in A, with an end that is so far away from its "
        "beginning that its description\n    takes two lines.\n"
        "seed : int\n\nExamples\n--------\n>>> Walk"
    )
    assert "In A, unwrapped." in pydoc.render_doc(Walk)


def test_a_class_without_its_source_keeps_its_first_sentence() -> None:
    space: dict[str, object] = {"documented": documented, "dataclass": dataclass}
    exec('@documented\n@dataclass\nclass Typed:\n    """Typed in."""\n    size: int', space)
    assert space["Typed"].__doc__ == "Typed in."


@pytest.mark.parametrize("package", [disorder, free_energy, kinetics, softness, structure, transport])
def test_every_field_of_a_documented_result_is_described(package: object) -> None:
    for name in package.__all__:  # type: ignore[attr-defined]
        cls = getattr(package, name)
        if isinstance(cls, type) and "documented" in type(vars(cls).get("__doc__")).__module__:
            section = (cls.__doc__ or "").split("----------\n")[1].split("\n\n")[0].splitlines()
            named = [k for line in section if not line.startswith(" ") for k in line.split(" : ")[0].split(", ")]
            assert named == [name for name, kind in cls.__annotations__.items() if "ClassVar" not in str(kind)], cls
            assert all(after.startswith("    ") for line, after in pairwise(section) if " : " in line), cls
