"""What both analyses share: non-affine displacements over consecutive intervals, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.frames import check_cutoff
from ionpath.softness.neighbours import Neighbours, find_neighbours
from ionpath.softness.nonaffine import nonaffine_displacement
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk, IonAnalysis, cell_vectors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Origin:
    """One frame at which an interval begins or ends.

    Attributes
    ----------
    frame : int
        Frame number in the trajectory.
    positions : ndarray, (n_atoms, 3)
        Positions in A.
    cell : ndarray, (3, 3)
        Cell vectors in A.
    """

    frame: int
    positions: Floats
    cell: Floats


class IncrementAnalysis(IonAnalysis):
    """Base of analyses of D2min over consecutive intervals.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    atoms : AtomGroup, optional
        Atoms that count as neighbours; default: all of the universe.
    lag : int
        Length of an interval in analysed frames.
    nonaffine_cutoff : float
        Neighbours of the affine fit, in A.
    reach : float
        Largest distance at which neighbours are needed at all, in A.
    window : int
        Intervals that are needed at least.
    parameters : dict
        What else the user chose.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose`` of `IonAnalysis`.
    """

    _even_times: ClassVar[bool] = True

    def __init__(
        self,
        mobile: Any,
        atoms: Any = None,
        *,
        lag: int,
        nonaffine_cutoff: float,
        reach: float,
        window: int,
        parameters: dict[str, Any],
        **options: Any,
    ) -> None:
        _checks.check_group(mobile, "mobile")
        everything = mobile.universe.atoms if atoms is None else atoms
        for name, value in (("lag", lag), ("window", window)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise InputError(name, need="a whole number of at least 1", got=repr(value))
        super().__init__(
            mobile,
            {"atoms": everything},
            parameters={"lag": int(lag), "nonaffine_cutoff": float(nonaffine_cutoff), **parameters},
            **options,
        )
        place = {int(i): k for k, i in enumerate(everything.ix)}
        missing = [int(i) for i in mobile.ix if int(i) not in place]
        if missing:
            raise InputError(
                "mobile", need="ions that are among atoms", got=f"atom {missing[0]}, which is not",
                remedy="pass a larger group as atoms",
            )  # fmt: skip
        self._rows = np.array([place[int(i)] for i in mobile.ix], dtype=np.int64)
        self._lag, self._window = int(lag), int(window)
        self._reach = max(reach, float(nonaffine_cutoff))
        dimensions = mobile.universe.trajectory.ts.dimensions
        if dimensions is not None:
            cell = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
            if np.isfinite(cell).all() and abs(np.linalg.det(cell)) > 0:
                check_cutoff(nonaffine_cutoff, cell, "nonaffine_cutoff")
                check_cutoff(self._reach, cell, "cutoff")

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        need = self._lag * self._window + 1
        if self.n_frames < need:
            raise InputError(
                "lag", need=f"at least {need} frames for {self._window} intervals of {self._lag} frames",
                got=f"{self.n_frames} frames", remedy="use a shorter lag or window, or more frames",
            )  # fmt: skip

    def _setup_computation_groups(self, *args: Any, **kwargs: Any) -> Any:
        groups = super()._setup_computation_groups(*args, **kwargs)
        # Blocks must agree on where intervals begin, and know only their own frames.
        self._origin_frames = np.concatenate(groups)[:: self._lag, 1]
        return groups

    def _prepare_block(self) -> None:
        self._first: Origin | None = None
        self._previous: tuple[Origin, Neighbours] | None = None
        self._found: list[Floats] = []
        self._starts: list[int] = []

    def _process(self, chunk: Chunk) -> None:
        for t in np.flatnonzero(np.isin(chunk.frames, self._origin_frames)):
            origin = Origin(
                int(chunk.frames[t]), chunk.positions["atoms"][t].astype(np.float64), chunk.cells[t].copy()
            )
            neighbours = find_neighbours(origin.positions, origin.cell, self._reach, self._rows)
            if self._previous is not None:
                self._found.append(self._between(*self._previous, origin))
            if self._first is None:
                self._first = origin
            self._starts.append(origin.frame)
            self._at_origin(neighbours)
            self._previous = origin, neighbours.within(self.parameters["nonaffine_cutoff"])

    def _at_origin(self, neighbours: Neighbours) -> None:
        """Use the neighbours of the mobile ions in a frame."""

    def _between(self, before: Origin, neighbours: Neighbours, after: Origin) -> Floats:
        """D2min of the interval between two frames."""
        try:
            return nonaffine_displacement(
                before.positions,
                after.positions,
                neighbours,
                cell=before.cell,
                current_cell=None if np.array_equal(before.cell, after.cell) else after.cell,
                per_neighbour=self.parameters.get("per_neighbour", True),
            )
        except InputError as error:
            cutoff = self.parameters["nonaffine_cutoff"]
            raise InputError(
                error.name, need=error.need, got=f"{error.got} within {cutoff:g} A in frame {before.frame}",
                remedy="use a larger nonaffine_cutoff",
            ) from error  # fmt: skip

    def _block_results(self) -> dict[str, Any]:
        if self._first is None or self._previous is None:
            return {"starts": [], "d2min": [], "first": None, "last": None}
        return {
            "starts": self._starts, "d2min": self._found, "first": self._first, "last": self._previous[0],
        }  # fmt: skip

    def _increments(self, blocks: list[dict[str, Any]]) -> tuple[Floats, NDArray[np.int64]]:
        """D2min of all intervals, and the frames where they begin and where the last one ends."""
        found: list[Floats] = []
        frames: list[int] = []
        last: Origin | None = None
        for block in (b for b in blocks if b["first"] is not None):
            if last is not None:
                near = find_neighbours(
                    last.positions, last.cell, self.parameters["nonaffine_cutoff"], self._rows
                )
                found.append(self._between(last, near, block["first"]))
            found += block["d2min"]
            frames += block["starts"]
            last = block["last"]
        return np.array(found), np.array(frames, dtype=np.int64)

    def _times_of(self, frames: NDArray[np.int64]) -> Floats:
        return np.asarray(self.times[np.searchsorted(self.frames, frames)], dtype=np.float64)
