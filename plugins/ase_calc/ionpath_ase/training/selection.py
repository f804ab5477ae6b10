"""Which frames a committee is sure of, which it should learn, and which it cannot judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, IonpathError

FloatArray = NDArray[np.float64]
_NAMED = 5


class DeviationError(IonpathError):
    """A committee that disagrees more than a limit allows."""


@typed
@documented
@dataclass(frozen=True)
class Window:
    """Range of the largest force deviation in which frames are worth a label.

    Notes
    -----
    The default of 0.15 to 0.25 eV/A is that of Guan et al., arXiv:2412.07115; the scheme is that of Zhang et al., Phys.
    Rev. Mater. 3, 023804 (2019), doi:10.1103/PhysRevMaterials.3.023804.

    Examples
    --------
    >>> Window().classify([0.1, 0.15, 0.2, 0.25]).tolist()
    ['accurate', 'candidate', 'candidate', 'failed']
    """

    low: float = 0.15  # below it, in eV/A, the committee agrees: the frame is accurate
    high: float = 0.25  # from it on, in eV/A, the frame is too far from everything known: it failed

    def __post_init__(self) -> None:
        if not 0.0 < self.low < self.high:
            got = f"{self.low:g} and {self.high:g}"
            raise InputError("window", need="two deviations in eV/A, above 0 and ascending", got=got)

    def classify(self, deviations: Sequence[float] | FloatArray) -> NDArray[np.str_]:
        """Sort frames by their largest force deviations (n_frames,) in eV/A: ``accurate``, ``candidate`` or ``failed``.

        What is not a number failed.
        """
        values = np.asarray(deviations, dtype=float)
        return np.where(
            values < self.low, "accurate", np.where((values >= self.low) & (values < self.high), "candidate", "failed")
        )


def frame_deviations(frames: Sequence[Atoms], committee: Any) -> FloatArray:
    """Force deviation of every atom in every frame."""
    rows = []
    for frame in frames:
        copy = frame.copy()
        copy.calc = committee
        rows.append(copy.calc.get_property("force_deviation", copy))
    return np.array(rows).reshape(len(rows), len(frames[0]) if len(frames) else 0)


def check_deviation(deviation: FloatArray, limit: float, symbols: Sequence[str], where: str) -> None:
    """Stop where a committee disagrees too much, and name the atoms.

    >>> check_deviation(np.array([0.1, 3.0]), 2.0, ["Li", "S"], "LiS at 600 K, 1.5 ps")
    Traceback (most recent call last):
    ...
    ionpath_ase.training.selection.DeviationError: LiS at 600 K, 1.5 ps: need a force deviation of at most 2 eV/A, got \
3 eV/A at atom 1 (S); label frames before this one and train again, or lower the temperature
    """
    above = np.flatnonzero(~(deviation <= limit))
    if len(above) == 0:
        return
    order = above[np.argsort(-np.nan_to_num(deviation[above], nan=np.inf), kind="stable")]
    named = ", ".join(f"{index} ({symbols[index]})" for index in order[:_NAMED])
    more = f" and {len(order) - _NAMED} others" if len(order) > _NAMED else ""
    plural = "s" if len(order) > 1 else ""
    raise DeviationError(
        f"{where}: need a force deviation of at most {limit:g} eV/A, got {deviation[order[0]]:.3g} eV/A at "
        f"atom{plural} {named}{more}; label frames before this one and train again, or lower the temperature"
    )


def choose(classes: NDArray[np.str_], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Choose candidates at random.

    >>> choose(np.array(["accurate", "candidate", "candidate"]), 5, np.random.default_rng(0)).tolist()
    [1, 2]
    """
    candidates = np.flatnonzero(classes == "candidate")
    if len(candidates) > most:
        candidates = np.sort(rng.choice(candidates, most, replace=False))
    return candidates
