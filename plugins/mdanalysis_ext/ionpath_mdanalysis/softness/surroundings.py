"""Surroundings of the ions of one trajectory, and how far these were displaced afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.softness.functions import StructureFunctions
from ionpath.softness.neighbours import Neighbours
from ionpath.softness.systems import Samples
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.softness._increments import IncrementAnalysis, Increments


class Surroundings(IncrementAnalysis):
    """Structure functions of the ions of one system at the beginnings of intervals.

    Species of the functions may be `absent`. Displacements sum the roots of D2min, or with ``power="square"`` D2min
    itself. `most` ions and times are kept; longer runs are sampled evenly in time. Options are those of
    `IncrementAnalysis`.
    """

    def __init__(
        self,
        mobile: Any,
        atoms: Any,
        functions: StructureFunctions,
        *,
        absent: bool,
        power: str,
        most: int,
        **options: Any,
    ) -> None:
        symbols = _checks.elements_of(atoms, "atoms")
        self._codes = functions.codes(symbols, absent=absent)
        self._shorter = f"train with functions=StructureFunctions.spaced({functions.species!r}, cutoff={{half}})"
        super().__init__(mobile, atoms, {"power": power}, reach=functions.reach, **options)
        self._functions, self._most = functions, most
        self.species = tuple(sorted(set(symbols.tolist())))

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        samples = len(self._rows) * ((self._total - 1) // self._lag + 1)
        self._every = max(1, -(-samples // self._most))

    def _measure(self, neighbours: Neighbours) -> Any:
        return self._functions.of_neighbours(neighbours, self._codes).astype(np.float32)

    def _fill(self, sums: Increments) -> None:
        sums.check()
        frames = np.array([frame for frame, _ in sums.measured], dtype=np.int64)
        self.results.update(
            frames=frames,
            every=self._every,
            lag_time=self._lag * self.frame_time,
            indices=np.asarray(self.groups["mobile"].ix, dtype=np.int64),
            samples=Samples(
                features=np.array([row for _, row in sums.measured]),
                displacement=sums.displaced(self.parameters["power"] == "root"),
                times=self._times_of(frames),
                species=self.species,
            ),
        )
