"""What the transport analyses share: the framework, its drift, and positions of ions continued across faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from MDAnalysis.core.groups import AtomGroup
from numpy.typing import NDArray

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, one_of
from ionpath.framework import common_shift, without_framework
from ionpath.periodic import fractional
from ionpath.transport.lagged import LaggedPairs
from ionpath.transport.wrapping import Follower, Jumps, Leaps, frames_to_look_at
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._accumulating import Accumulating
from ionpath_mdanalysis._base import Chunk, Reading
from ionpath_mdanalysis.looks import (
    check_lengths,
    check_places,
    check_speed,
    look_at,
    needs_folding,
    places_named,
    spacing,
)

SERIES_BYTES = 2**27
"""Series of positions beyond this size are not kept: they are added up while they are read."""
FOLD = "pass unwrap=True if no ion moves further than half of the cell between two analysed frames"


class DriftOptions(Reading, total=False):
    """Keywords of every analysis that takes the drift off."""

    drift: Literal["framework", "none"]
    weights: Literal["mass", "equal"] | None


class SeriesOptions(DriftOptions, total=False):
    """Keywords of every analysis of the displacements of ions."""

    unwrap: bool | None
    method: Literal["auto", "exact", "stream"]


class DriftingAnalysis(Accumulating):
    """Base of analyses that take the drift of the framework off the positions of ions.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse; default: all others.
    drift : {"framework", "none"}, default "framework"
        Whether the drift of the framework is taken off.
    weights : {"mass", "equal"}, optional
        How the atoms of the framework count; default: by mass if the topology has masses.
    parameters, others, **options
        See `IonAnalysis`.

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
        parameters: Mapping[str, Any] | None = None,
        *,
        drift: str = "framework",
        weights: str | None = None,
        others: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        one_of("drift", drift, ("framework", "none"))
        _check_others(mobile, framework)
        groups = dict(others or {})
        rest = _rest(mobile) if framework is None else framework
        given = framework is not None or (rest is not None and len(rest))
        if drift == "framework" and given:
            groups["framework"] = rest
        chosen = {"drift": drift, "weights": weights, **(parameters or {})}
        super().__init__(mobile, groups, parameters=chosen, **options)
        self._weights = _weights(groups.get("framework"), weights)
        self._reference: dict[str, Any] = {}

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        # Read once, before blocks are given away: all blocks measure the drift from the same frame.
        self._reference = look_at(self, 0)

    def _moved(self, chunk: Chunk, name: str) -> Floats:
        """Fractional displacement of a group from the first frame, as the coordinates have it."""
        start = fractional(self._reference[name], self._reference["cell"])
        return fractional(chunk.positions[name], chunk.cells) - start

    def _drift(self, chunk: Chunk) -> Floats:
        """Displacement of the framework in fractional coordinates, up to whole cells, shape (n_frames, 3)."""
        if "framework" not in self.groups:
            return np.zeros((len(chunk.frames), 3))
        start = fractional(self._reference["framework"], self._reference["cell"])
        return common_shift(chunk.positions["framework"], chunk.cells, np.asarray(start), self._weights)

    def _displacements(self, chunk: Chunk, name: str, drift: Floats) -> Floats:
        """Fractional displacement of a group that does not diffuse, without drift, by shortest images."""
        moved = self._moved(chunk, name) - drift[:, None]
        return np.asarray(moved - np.rint(moved))


class Walk:
    """Positions of ions without drift, continued frame after frame, and what consumes them.

    With `fold` coordinates are wrapped, see `Follower`; `centre` (3,) is where the centre of the ions is held fast in
    the absence of a framework. Consumers have ``add(first, positions, more)``, ``state()`` and ``merge(state,
    offset)``; `more` are the cells if nothing else is passed to `add` by its name.
    """

    def __init__(self, fold: bool, centre: Floats | None, consumers: Mapping[str, Any]) -> None:
        self.follower, self.jumps, self.leaps = Follower(fold), Jumps(FOLD), Leaps()
        self.consumers = dict(consumers)
        self._centre = centre
        self._rows: list[tuple[Floats, Floats, Floats]] = []  # drift, cells, mean positions

    def add(self, first: int, points: NDArray[np.floating[Any]], cells: Floats, drift: Floats, **more: Any) -> None:
        """Take positions (B, N, 3) of the frames from number `first` on, whose drift (B, 3) is in cells."""
        path = self.follower(points, cells, np.einsum("ti,tij->tj", drift, cells) if drift.any() else None)
        self.leaps.add(path, cells)
        mean = np.matmul(np.full(path.shape[1], 1.0 / path.shape[1]), path)
        if self._centre is not None:
            path += (self._centre - mean)[:, None]
        for name, consumer in self.consumers.items():
            consumer.add(first, path, more.get(name, cells))
        self._rows.append((drift, cells.copy(), mean))

    def state(self) -> tuple[Any, ...]:
        """All that is known of these frames."""
        states = {name: consumer.state() for name, consumer in self.consumers.items()}
        return self.follower.state(), self.jumps.state(), self.leaps.state(), self._rows, states

    def merge(self, state: tuple[Any, ...]) -> None:
        """Join the frames that follow."""
        follower, jumps, leaps, rows, states = state
        offset = self.follower.merge(follower)
        self.jumps.merge(jumps)
        self.leaps.merge(leaps, offset)
        mean = offset.mean(axis=0)
        self._rows += [(drift, cells, centre + mean) for drift, cells, centre in rows]
        for name, consumer in self.consumers.items():
            consumer.merge(states[name], offset if self._centre is None else offset - mean)

    def frames(self) -> tuple[Floats, Floats, Floats]:
        """Drift (T, 3) in fractional coordinates, cells (T, 3, 3), and mean positions of the ions (T, 3) in A."""
        drift, cells, mean = (np.concatenate([row[k] for row in self._rows]) for k in range(3))
        return drift, cells, mean


class SeriesAnalysis(DriftingAnalysis):
    """Base of analyses of how far ions move.

    Parameters
    ----------
    unwrap : bool, optional
        Whether jumps across the faces of the cell are undone. By default the data decide, once for the whole run:
        coordinates that were never wrapped stay as they are, however far an ion goes between two frames.
    method : {"auto", "exact", "stream"}
        ``"exact"`` keeps the whole series, 24 bytes for each mobile ion and frame, and averages over all origins of
        time. ``"stream"`` adds up while frames are read, in memory that does not grow with them, over origins that lie
        an eighth of a lag apart. Default: exact as long as the series takes less than 128 MiB.
    mobile, framework, parameters, **options
        See `DriftingAnalysis`.

    Raises
    ------
    InputError
        If steps between frames are so long that a step cannot be told from a jump across the faces of the cell.
    """

    _min_frames: ClassVar[int] = 2
    _even_times: ClassVar[bool] = True

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        parameters: Mapping[str, Any] | None = None,
        *,
        unwrap: bool | None = None,
        method: str = "auto",
        **options: Any,
    ) -> None:
        one_of("method", method, ("auto", "exact", "stream"))
        if unwrap not in (None, True, False):
            raise InputError("unwrap", need="True, False or None", got=repr(unwrap), remedy="leave it out")
        chosen = {**(parameters or {}), "unwrap": unwrap, "method": method}
        super().__init__(mobile, framework, chosen, **options)
        _checks.check_once(mobile, "mobile")

    def _consumers(self) -> dict[str, Any]:
        """What adds up positions as they are read, or keeps them."""
        raise NotImplementedError

    def _use(self, consumers: dict[str, Any], cells: Floats) -> None:
        """Fill results from what was added up."""
        raise NotImplementedError

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        p, n_ions = self.parameters, len(self.groups["mobile"])
        size = 24 * n_ions * self._total
        self._stream = p["method"] == "stream" or (p["method"] == "auto" and size > SERIES_BYTES)
        self._spacing = spacing(self, self._reference, look_at(self, self._total - 1))
        looks = [look_at(self, k) for k in frames_to_look_at(self._total)]
        check_lengths(looks)
        framework = "framework" if "framework" in self.groups else None
        if framework is not None:
            check_places(places_named(self.groups[framework].universe), self.groups[framework])
        self._fold = needs_folding(looks, "mobile", framework) if p["unwrap"] is None else bool(p["unwrap"])
        masses = getattr(self.groups["mobile"], "masses", None)
        check_speed(looks, masses, self._spacing, p.get("temperature"), fold=self._fold)
        self._reference_name, self._factor = "framework", 1.0
        if "framework" not in self.groups:
            self._reference_name, self._factor = without_framework(n_ions, p["drift"])

    def _empty(self) -> Walk:
        centre = self._reference["mobile"].mean(axis=0) if self._reference_name == "ions" else None
        return Walk(self._fold, centre, self._consumers())

    def _add(self, sums: Walk, chunk: Chunk) -> None:
        drift = self._drift(chunk)
        if not self._fold and "framework" in self.groups:
            moved = self._moved(chunk, "framework")
            sums.jumps.add(moved, chunk.frames)
            drift = np.einsum("tni,n->ti", moved, self._weights)
        sums.add(chunk.first, chunk.positions["mobile"], chunk.cells, drift, **self._more(chunk, drift))

    def _more(self, chunk: Chunk, drift: Floats) -> dict[str, Any]:
        """What consumers need besides positions and cells."""
        return {}

    def _fill(self, sums: Walk) -> None:
        drift, cells, mean = sums.frames()
        sums.follower.check(
            "analyse every frame (a smaller step=), save frames more often, or write unwrapped coordinates, which "
            "unwrap=False takes as they are"
        )
        sums.leaps.check(self.frames, self._fold, FOLD)
        results = self.results
        results.unwrapped, results.wrapped = self._fold, bool(sums.follower.crossings)
        results.crossings = sums.follower.crossings
        results.drift_reference = self._reference_name
        if self._reference_name == "framework":
            if self._fold:
                steps = np.diff(drift, axis=0, prepend=drift[:1])
                drift = drift[0] + np.cumsum(steps - np.rint(steps), axis=0)
            results.drift = np.einsum("ti,tij->tj", drift, cells)
        else:
            results.drift = mean - mean[0] if self._reference_name == "ions" else np.zeros_like(mean)
        results.method = "stream" if self._stream else "exact"
        self._use(sums.consumers, cells)

    def _lags_of(self, times: Any) -> Any:
        return lags_from_times(times, self._spacing, self._total)

    def _pairs(self, lags: Any, *consumers: Any, **options: Any) -> LaggedPairs:
        return LaggedPairs(lags, self._total, consumers, **options)


def _rest(mobile: Any) -> Any:
    """All atoms of the universe but the mobile ones; None for what is no AtomGroup, which is refused later."""
    return mobile.universe.atoms - mobile if isinstance(mobile, AtomGroup) else None


def _check_others(mobile: Any, framework: Any) -> None:
    """Refuse a framework of mobile ions alone, without whose drift they have no common motion left."""
    if not (isinstance(mobile, AtomGroup) and isinstance(framework, AtomGroup) and len(framework)):
        return  # what is no AtomGroup, or empty, is refused later
    if mobile.universe is framework.universe and not np.setdiff1d(framework.ix, mobile.ix).size:
        need, got = "atoms that do not diffuse", f"{len(framework)} atoms that are all among the mobile ones"
        raise InputError("framework", need=need, got=got, remedy="leave it out: by default it is all other atoms")


def _weights(framework: Any, weights: str | None) -> Floats:
    if framework is None:
        return np.empty(0)
    if weights is not None:
        one_of("weights", weights, ("mass", "equal"))
    masses = getattr(framework, "masses", None)
    known = masses is not None and bool(np.all(np.asarray(masses) > 0))
    if weights == "mass" and not known:
        got = "none" if masses is None else "atoms without a mass"
        remedy = "add them with u.add_TopologyAttr('masses', values), or use weights='equal'"
        raise InputError("weights", need="masses of all framework atoms for weights='mass'", got=got, remedy=remedy)
    values = np.asarray(masses, dtype=np.float64) if known and weights != "equal" else np.ones(len(framework))
    return values / values.sum()


def lags_from_times(times: Sequence[float], frame_time: float, n_frames: int) -> Ints:
    """Nearest whole numbers of frames to lag times.

    >>> lags_from_times([0.5, 1.0], 0.1, 20).tolist()
    [5, 10]
    """
    lags = np.unique(np.rint(np.atleast_1d(np.asarray(times, dtype=np.float64)) / frame_time).astype(np.int64))
    longest = (n_frames - 1) * frame_time
    if lags.size == 0 or lags[0] < 0 or lags[-1] > n_frames - 1:
        need = f"lag times from 0 to {longest:g} ps, the length of the trajectory"
        got = ", ".join(f"{t:g}" for t in np.atleast_1d(times)) + " ps"
        raise InputError("lag_times", need=need, got=got, remedy="use shorter lag times or a longer trajectory")
    return lags
