"""What the transport analyses share: the framework, its drift, and unwrapped series of ions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.framework import Driftless, remove_drift, split_common
from ionpath.periodic import fractional, minimum_image, unwrap, wrap
from ionpath_mdanalysis._base import Chunk, IonAnalysis, cell_vectors

Floats = NDArray[np.float64]


class DriftingAnalysis(IonAnalysis):
    """Base of analyses that take the drift of the framework off the positions of ions.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    framework : AtomGroup, optional
        The atoms that do not diffuse; default: all others.
    drift : {"framework", "none"}, default "framework"
        Whether the drift of the framework is taken off.
    weights : {"mass", "equal"}, optional
        How the atoms of the framework count; default: by mass if the topology has masses.
    others : dict of str to AtomGroup, optional
        Further groups to read.
    **kwargs
        ``frame_time``, ``chunk_frames``, ``verbose`` of `IonAnalysis`, and everything that is to be kept as a
        parameter.

    Notes
    -----
    The drift of a frame is the mean displacement of the framework atoms in fractional coordinates from the first
    analysed frame, each by its shortest image about their common motion. It needs no other frame, so that blocks
    of a trajectory can be worked on apart.
    """

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        drift: str = "framework",
        weights: str | None = None,
        others: Mapping[str, Any] | None = None,
        frame_time: float | None = None,
        chunk_frames: int | None = None,
        verbose: bool = False,
        **kwargs: Any,
    ) -> None:
        if drift not in ("framework", "none"):
            raise InputError(
                "drift", need="'framework' or 'none'", got=repr(drift), remedy="choose one of them"
            )
        groups = dict(others or {})
        rest = _rest(mobile) if framework is None else framework
        given = framework is not None or (rest is not None and len(rest))
        if drift == "framework" and given:
            groups["framework"] = rest
        super().__init__(
            mobile,
            groups,
            frame_time=frame_time,
            chunk_frames=chunk_frames,
            verbose=verbose,
            parameters={"drift": drift, "weights": weights, **kwargs},
        )
        self._weights = _weights(groups.get("framework"), weights)
        self._reference: dict[str, Floats] = {}

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        # Read once, before blocks are given away: all blocks measure the drift from the same frame.
        first = self._sliced_trajectory[0]
        dimensions = np.full(6, np.nan) if first.dimensions is None else first.dimensions
        cell = cell_vectors(np.asarray(dimensions, dtype=np.float64)[None])[0]
        self._reference = {"cell": cell}
        for name, group in self.groups.items():
            self._reference[name] = first.positions[group.ix].astype(np.float64)

    def _drift(self, chunk: Chunk) -> Floats:
        """Displacement of the framework in fractional coordinates, up to whole cells, shape (n_frames, 3)."""
        if "framework" not in self.groups:
            return np.zeros((len(chunk.frames), 3))
        start = fractional(self._reference["framework"], self._reference["cell"])
        moved = fractional(chunk.positions["framework"], chunk.cells) - start
        return split_common(moved, self._weights)[1][:, 0]

    def _mean_positions(self, sums: Floats, name: str, n_frames: int) -> Floats:
        """Mean positions of a group in the first cell, from sums of `_displacements`."""
        start = fractional(self._reference[name], self._reference["cell"])
        return np.asarray((start + sums / n_frames) @ self._reference["cell"])

    def _displacements(self, chunk: Chunk, name: str, drift: Floats) -> Floats:
        """Fractional displacement of a group that does not diffuse, without drift, by shortest images."""
        start = fractional(self._reference[name], self._reference["cell"])
        moved = fractional(chunk.positions[name], chunk.cells) - start - drift[:, None]
        return np.asarray(moved - np.rint(moved))


class SeriesAnalysis(DriftingAnalysis):
    """Base of analyses that need the whole series of positions of the mobile ions.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    framework : AtomGroup, optional
        The atoms that do not diffuse; default: all others.
    unwrap : bool, default True
        Undo jumps across the faces of the cell. Input that is unwrapped already stays as it is, as long as no ion
        moves further than half of the cell between two frames.
    **kwargs
        See `DriftingAnalysis`.

    Notes
    -----
    The series takes 24 bytes for each mobile ion and frame; nothing else grows with the trajectory.
    """

    _min_frames: ClassVar[int] = 2
    _even_times: ClassVar[bool] = True

    def __init__(self, mobile: Any, framework: Any = None, *, unwrap: bool = True, **kwargs: Any) -> None:
        super().__init__(mobile, framework, unwrap=unwrap, **kwargs)
        self._unwrap = unwrap

    def _prepare_block(self) -> None:
        self._pieces: list[Floats] = []
        self._drifts: list[Floats] = []
        self._cells: list[Floats] = []
        self._before: tuple[Floats, Floats] | None = None
        self._first: Floats | None = None
        self._jumps = 0

    def _process(self, chunk: Chunk) -> None:
        raw = chunk.positions["mobile"].astype(np.float64)
        cells = chunk.cells.copy()
        drift = self._drift(chunk)
        if self._before is None:
            self._first = raw[0].copy()
            steps = self._steps(raw, cells)
            moved = np.concatenate([np.zeros_like(raw[:1]), steps])
        else:
            last, cell = self._before
            steps = self._steps(np.concatenate([last[None], raw]), np.concatenate([cell[None], cells]))
            moved = steps
        series = np.cumsum(moved, axis=0)
        if self._pieces:
            series += self._pieces[-1][-1]
        self._pieces.append(series)
        self._drifts.append(drift)
        self._cells.append(cells)
        self._before = (raw[-1].copy(), cells[-1].copy())

    def _steps(self, raw: Floats, cells: Floats) -> Floats:
        """Displacements from frame to frame, and the number of jumps across faces that were undone."""
        plain = np.diff(raw, axis=0)
        if not self._unwrap or len(raw) < 2:
            return plain
        constant = bool((cells == cells[0]).all())
        steps = np.diff(unwrap(raw, cells[0] if constant else cells), axis=0)
        self._jumps += int((np.abs(steps - plain).max(axis=-1) > 0.1).sum())
        return np.asarray(steps)

    def _block_results(self) -> dict[str, Any]:
        assert self._first is not None and self._before is not None
        return {
            "series": np.concatenate(self._pieces),
            "drift": np.concatenate(self._drifts),
            "cells": np.concatenate(self._cells),
            "first": self._first,
            "last": self._before[0],
            "jumps": self._jumps,
        }

    def _join(self, before: dict[str, Any], after: dict[str, Any]) -> Floats:
        """Displacement from the last frame of a block to the first one of the next."""
        plain = after["first"] - before["last"]
        if not self._unwrap:
            return np.asarray(plain)
        here, there = before["cells"][-1], after["cells"][0]
        if np.array_equal(here, there):
            step = minimum_image(plain, there)
        else:
            step = minimum_image(wrap(after["first"], there) - wrap(before["last"], here), there)
        after["jumps"] += int((np.abs(step - plain).max(axis=-1) > 0.1).sum())
        return np.asarray(step)

    def _assemble(self, blocks: list[dict[str, Any]]) -> tuple[Driftless, Floats]:
        """Positions of the ions without drift, and the cells."""
        start = blocks[0]["first"].copy()
        previous = None
        for block in blocks:
            if previous is not None:
                start = start + previous["series"][-1] + self._join(previous, block)
            # The series of a block begins at zero; absolute positions replace it.
            previous = {**block, "series": block["series"][-1:].copy()}
            block["series"] += start
        positions = np.concatenate([block["series"] for block in blocks])
        cells = np.concatenate([block["cells"] for block in blocks])
        self.results.wrapped = bool(sum(block["jumps"] for block in blocks))
        self.results.crossings = int(sum(block["jumps"] for block in blocks))
        if "framework" not in self.groups:
            with warnings.catch_warnings():
                if self.parameters["drift"] == "none":
                    warnings.simplefilter("ignore")
                free = remove_drift(positions, None, drift=self.parameters["drift"])
        else:
            fraction = np.concatenate([block["drift"] for block in blocks])
            steps = np.diff(fraction, axis=0)
            steps -= np.rint(steps)
            whole = np.concatenate([fraction[:1], fraction[0] + np.cumsum(steps, axis=0)])
            moved = np.einsum("ti,tij->tj", whole, cells)
            positions -= moved[:, None, :]
            free = Driftless(positions, moved, "framework", 1.0)
        self.results.drift, self.results.drift_reference = free.drift, free.reference
        return free, cells


def mean_volume(cells: Floats) -> float:
    """Mean volume of the cell."""
    return float(np.abs(np.linalg.det(cells)).mean()) if np.isfinite(cells).all() else float("nan")


def constant_cell(cells: Floats) -> Floats:
    """One cell for all frames where it does not change."""
    return np.asarray(cells[0] if (cells == cells[0]).all() else cells)


def _rest(mobile: Any) -> Any:
    """All atoms of the universe but the mobile ones; None for what is no AtomGroup, which is refused later."""
    universe = getattr(mobile, "universe", None)
    return None if universe is None else universe.atoms - mobile


def _weights(framework: Any, weights: str | None) -> Floats:
    if framework is None:
        return np.empty(0)
    if weights not in (None, "mass", "equal"):
        raise InputError("weights", need="'mass' or 'equal'", got=repr(weights), remedy="choose one of them")
    masses = getattr(framework, "masses", None)
    known = masses is not None and bool(np.all(np.asarray(masses) > 0))
    if weights == "mass" and not known:
        raise InputError(
            "weights",
            need="masses of all framework atoms for weights='mass'",
            got="none" if masses is None else "atoms without a mass",
            remedy="add them with u.add_TopologyAttr('masses', values), or use weights='equal'",
        )
    values = np.asarray(masses, dtype=np.float64) if known and weights != "equal" else np.ones(len(framework))
    return values / values.sum()
