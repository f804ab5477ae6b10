"""What the analyses of structure share: named groups, frames one by one, and blocks of time for errors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk, IonAnalysis

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ANIONS = ("S", "Cl", "Se", "O", "Br", "I", "F")
"""Elements that bind to the centre of a tetrahedron, if no ligands are passed."""


class Accumulator(Protocol):
    """What adds up frames and can be added to another one of its kind."""

    def state(self) -> Mapping[str, Any]:
        """Give sums."""

    def merge(self, state: Any) -> None:
        """Add the sums of another one."""


A = TypeVar("A", bound=Accumulator)


class TimeBlocks(Generic[A]):
    """One accumulator for each block of time.

    Parameters
    ----------
    make : callable
        Makes an empty accumulator.
    """

    def __init__(self, make: Callable[[], A]) -> None:
        self._make = make
        self._parts: dict[int, A] = {}

    def at(self, block: int) -> A:
        """Give the accumulator of a block."""
        if block not in self._parts:
            self._parts[block] = self._make()
        return self._parts[block]

    def states(self) -> dict[int, Mapping[str, Any]]:
        """Give the sums of all blocks."""
        return {number: part.state() for number, part in self._parts.items()}

    def merge(self, states: Mapping[int, Mapping[str, Any]]) -> None:
        """Add what `states` of another one gave."""
        for number, state in states.items():
            self.at(number).merge(state)

    def total(self) -> A:
        """Add up all blocks."""
        everything = self._make()
        for number in sorted(self._parts):
            everything.merge(self._parts[number].state())
        return everything

    def error(self, value: Callable[[A], Floats]) -> Floats:
        """Give the standard error of what is derived from the sums, from its spread between blocks."""
        values = np.array([value(self._parts[number]) for number in sorted(self._parts)])
        if len(values) < 2:
            return np.full(values.shape[1:], np.nan)
        return np.asarray(values.std(axis=0, ddof=1) / np.sqrt(len(values)), dtype=np.float64)


class StructureAnalysis(IonAnalysis):
    """Base of the analyses of structure.

    Parameters
    ----------
    groups : mapping of str to AtomGroup
        Groups to read, by the names that errors and tables call them.
    n_blocks : int, default 5
        Blocks of time, for errors.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``, ``parameters``: see `IonAnalysis`.

    Raises
    ------
    InputError
        If a group is empty, updates itself, or belongs to another universe.
    """

    def __init__(self, groups: Mapping[str, Any], *, n_blocks: int = 5, **options: Any) -> None:
        for name, group in groups.items():
            _checks.check_group(group, name)
        _checks.check_universe(dict(groups))
        if n_blocks < 1:
            raise InputError("n_blocks", need="at least 1", got=repr(n_blocks), remedy="use 5")
        first, *rest = groups
        super().__init__(groups[first], {name: groups[name] for name in rest}, **options)
        self.groups = dict(groups)
        self._n_blocks = n_blocks
        self._offset = self._total = 0

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        self._total = self.n_frames
        self._look_at_first_frame()

    def _look_at_first_frame(self) -> None:
        """Take what must be the same in all parts of a run from its first frame."""

    def _first_frame(self) -> Any:
        return self._sliced_trajectory[0]

    def _compute(self, indexed_frames: Any, verbose: bool | None = None, **kwargs: Any) -> Any:
        block = copy.copy(self)
        block._offset = int(indexed_frames[0, 0]) if len(indexed_frames) else 0
        return super(StructureAnalysis, block)._compute(indexed_frames, verbose, **kwargs)

    def _frames_of(self, chunk: Chunk, name: str) -> Iterator[tuple[int, Floats, Floats]]:
        """Go through the frames of a chunk: block of time, positions and cell."""
        for positions, cell in zip(chunk.positions[name], chunk.cells, strict=True):
            yield self._next_block(), positions.astype(np.float64), cell

    def _next_block(self) -> int:
        block = self._offset * self._n_blocks // max(self._total, 1)
        self._offset += 1
        return block


def symbols_of(group: Any, name: str) -> list[str]:
    """Give the chemical symbols of a group."""
    return [str(symbol) for symbol in _checks.elements_of(group, name)]


def cell_now(group: Any, name: str) -> Floats:
    """Give the cell of the frame that a universe is at."""
    from ionpath_mdanalysis._base import cell_vectors

    dimensions = group.universe.trajectory.ts.dimensions
    _checks.check_box(dimensions, int(group.universe.trajectory.ts.frame))
    return np.asarray(cell_vectors(np.asarray(dimensions)[None])[0], dtype=np.float64)


def default_reach(group: Any, name: str, longest: float = 10.0) -> float:
    """Give a radius that fits into half of the cell with some room for its fluctuations."""
    from ionpath.arrays import heights

    return float(min(longest, 0.95 * 0.5 * heights(cell_now(group, name)).min()))


def ligands_of(centres: Any, ligands: Any) -> Any:
    """Give the ligands that were passed, or all anions of the universe."""
    _checks.check_group(centres, "centres")
    if ligands is not None:
        _checks.check_group(ligands, "ligands")
        return ligands - centres
    everything = centres.universe.atoms
    symbols = np.array(symbols_of(everything, "centres"))
    chosen = everything[np.isin(symbols, ANIONS)] - centres
    if not len(chosen):
        raise InputError(
            "ligands", need=f"atoms of {', '.join(ANIONS)}", got=f"only {', '.join(sorted(set(symbols)))}",
            remedy="pass the ligands as an AtomGroup",
        )  # fmt: skip
    return chosen


def check_species(wanted: Sequence[str], group: Any, name: str) -> None:
    """Refuse species that a group does not hold."""
    present = set(symbols_of(group, name))
    for symbol in wanted:
        if symbol not in present:
            raise InputError(
                name, need=f"atoms of {symbol}", got=f"only {', '.join(sorted(present))}",
                remedy="choose species that are there",
            )  # fmt: skip
