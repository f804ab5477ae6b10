"""What the analyses of structure share: named groups, frames added up in blocks of time, and looks at one frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from ionpath.arrays import Floats, heights
from ionpath.elements import ANIONS
from ionpath.errors import InputError, whole
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._accumulating import Accumulating, TimeBlocks
from ionpath_mdanalysis._base import Chunk, Reading
from ionpath_mdanalysis._frames import cell_vectors

Kind = Literal["neutron", "xray"]
MOST_BINS = 1_000_000
"""Bins of a distribution at most: more take memory and say nothing."""


class Options(Reading, total=False):
    """Keywords that every analysis of structure takes."""

    n_blocks: int


class StructureAnalysis(Accumulating):
    """Base of the analyses of structure: frames are added up in blocks of time, whose spread gives errors.

    A subclass sets ``_make``, which makes an empty accumulator with ``add(positions, cell)`` and ``result()``, and
    names what it takes from the result: ``_values``, and ``_spread`` for those whose standard error is wanted too.

    Groups have the names that errors and tables call them; `parameters` is what else the user chose. There are
    `n_blocks` blocks of time, 5 by default; other options are those of `IonAnalysis`.
    """

    _make: Callable[[], Any]
    _values: ClassVar[tuple[str, ...]] = ()
    _spread: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, groups: Mapping[str, Any], parameters: Mapping[str, Any], *, n_blocks: int = 5, **options: Any
    ) -> None:
        n_blocks = whole("n_blocks", n_blocks, 1, 10_000, remedy="use 5")
        super().__init__(groups, parameters={**parameters, "n_blocks": n_blocks}, **options)
        self._n_blocks = n_blocks

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        self._look_at(self._sliced_trajectory[0])

    def _look_at(self, first: Any) -> None:
        """Take what must be the same in all parts of a run from its first frame."""

    def _empty(self) -> Any:
        return TimeBlocks(self._make)

    def _add(self, sums: Any, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk):
            sums.at(block).add(positions, cell)

    def _fill(self, sums: Any) -> None:
        found = sums.total().result()
        self.results.update({name: getattr(found, name) for name in self._values})
        for name in self._spread:
            self.results[f"{name}_error"] = sums.error(lambda part, name=name: getattr(part.result(), name))
        self._add_results(found)

    def _add_results(self, found: Any) -> None:
        """Add results that are no attributes of `found`."""

    def _frames_of(self, chunk: Chunk) -> Iterator[tuple[int, Floats, Floats]]:
        """Frames of a chunk: block of time, positions of all groups one after another, and cell."""
        frames = zip(self._blocks(chunk).tolist(), self._joined(chunk), chunk.cells, strict=True)
        for block, positions, cell in frames:
            yield block, positions.astype(np.float64), cell

    def _joined(self, chunk: Chunk) -> Any:
        groups = [chunk.positions[name] for name in self.groups]
        return np.concatenate(groups, axis=1) if len(groups) > 1 else groups[0]

    def _blocks(self, chunk: Chunk) -> Any:
        """Block of time of each frame of a chunk."""
        return (chunk.first + np.arange(len(chunk.frames))) * self._n_blocks // max(self._total, 1)


def symbols_of(group: Any, name: str = "atoms") -> list[str]:
    """Chemical symbols of a group."""
    _checks.check_group(group, name)
    return [str(symbol) for symbol in _checks.elements_of(group, name)]


def cell_now(group: Any) -> Floats:
    """Cell of the frame that the universe of a group is at."""
    ts = group.universe.trajectory.ts
    _checks.check_box(ts.dimensions, int(ts.frame), group.universe.trajectory)
    return np.asarray(cell_vectors(np.asarray(ts.dimensions)[None])[0], dtype=np.float64)


def default_reach(group: Any, longest: float = 10.0) -> float:
    """A radius that fits into half of the cell with some room for its fluctuations."""
    return float(min(longest, 0.95 * 0.5 * heights(cell_now(group)).min()))


def ligands_of(centres: Any, ligands: Any) -> Any:
    """The ligands that were passed, or all anions of the universe."""
    _checks.check_group(centres, "centres")
    if ligands is not None:
        _checks.check_group(ligands, "ligands")
        if not len(ligands - centres):
            need, got = "atoms that are not among the centres", f"{len(ligands)} that are"
            raise InputError("ligands", need=need, got=got, remedy="select centres or ligands by their element")
        return ligands - centres
    everything = centres.universe.atoms
    symbols = np.array(symbols_of(everything, "centres"))
    chosen = everything[np.isin(symbols, sorted(ANIONS))] - centres
    if not len(chosen):
        got = f"only {', '.join(sorted(set(symbols)))}"
        if np.isin(symbols, sorted(ANIONS)).any():
            got = "all of them among the centres"
        remedy = "pass the ligands as an AtomGroup"
        raise InputError("ligands", need=f"atoms of {', '.join(sorted(ANIONS))}", got=got, remedy=remedy)
    return chosen


def check_species(wanted: str | Sequence[str], symbols: Sequence[str], name: str) -> list[str]:
    """Species as a list; refuse those that are not among the symbols."""
    chosen = [wanted] if isinstance(wanted, str) else [str(symbol) for symbol in wanted]
    present = set(symbols)
    for symbol in chosen:
        if symbol not in present:
            remedy = "choose species that are there"
            raise InputError(name, need=f"atoms of {symbol}", got=f"only {', '.join(sorted(present))}", remedy=remedy)
    return chosen
