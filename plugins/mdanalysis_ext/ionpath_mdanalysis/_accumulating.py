"""Analyses that are declared by what adds up their frames: sums of every block of time, merged in its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ionpath.arrays import Floats
from ionpath_mdanalysis._base import Chunk, IonAnalysis


class Accumulator(Protocol):
    """What adds up frames, and can be joined to the one of the frames before."""

    def state(self) -> Any:
        """All that is known, as arrays, numbers and texts."""

    def merge(self, state: Any) -> None:
        """Join the state of the one of the frames that follow."""


A = TypeVar("A", bound=Accumulator)


class TimeBlocks(Generic[A]):
    """One accumulator for each block of time, each empty one made by `make`."""

    def __init__(self, make: Callable[[], A]) -> None:
        self._make = make
        self._parts: dict[int, A] = {}

    def at(self, block: int) -> A:
        """The accumulator of a block."""
        if block not in self._parts:
            self._parts[block] = self._make()
        return self._parts[block]

    def state(self) -> dict[int, Any]:
        """States of all blocks."""
        return {number: part.state() for number, part in self._parts.items()}

    def merge(self, state: Mapping[int, Any]) -> None:
        """Join the states of the blocks that follow."""
        for number, part in state.items():
            self.at(number).merge(part)

    def total(self) -> A:
        """All blocks joined."""
        everything = self._make()
        for number in sorted(self._parts):
            everything.merge(self._parts[number].state())
        return everything

    def error(self, value: Callable[[A], Any]) -> Floats:
        """Standard error of what is derived from the sums, from its spread between blocks where it is known."""
        values = [value(self._parts[number]) for number in sorted(self._parts)]
        return block_error(np.array([v for v in values if np.ndim(v) or np.isfinite(v)]))


def block_error(means: Floats) -> Floats:
    """Standard error of a mean from the values of blocks, (blocks, ...); nan of one block."""
    if len(means) < 2:
        return np.full(means.shape[1:], np.nan)
    return np.asarray(means.std(axis=0, ddof=1) / np.sqrt(len(means)), dtype=np.float64)


class Accumulating(IonAnalysis):
    """Base of analyses that are declared by what adds up their frames.

    A subclass makes an empty `Accumulator` in ``_empty``, adds chunks to it in ``_add``, and turns the sum over all
    frames into results in ``_fill``.
    """

    def _empty(self) -> Any:
        raise NotImplementedError

    def _add(self, sums: Any, chunk: Chunk) -> None:
        sums.add(chunk)

    def _fill(self, sums: Any) -> None:
        raise NotImplementedError

    def _prepare_block(self) -> None:
        self._sums = self._empty()

    def _process(self, chunk: Chunk) -> None:
        self._add(self._sums, chunk)

    def _block_results(self) -> dict[str, Any]:
        return {"sums": self._sums.state()}

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        sums = self._empty()
        for block in blocks:
            sums.merge(block.pop("sums"))
        self._fill(sums)
