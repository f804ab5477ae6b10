"""Van Hove functions of ions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, heights
from ionpath.errors import one_of, whole
from ionpath.transport.lagged import DistanceCounts, Rows
from ionpath.transport.vanhove import DistinctCounts, VanHove, bin_edges, distinct_van_hove, self_van_hove, van_hove_of
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis, SeriesOptions


@typed
class SelfVanHove(SeriesAnalysis):
    """Distribution of the displacements of ions, and optionally where the other ions are.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse, whose drift is taken off; default: all others.
    lag_times : sequence of float, default (1.0, 2.0, 5.0, 10.0)
        Lag times in ps.
    r_max : float, default 15.0
        Largest displacement in A.
    dr : float, default 0.1
        Width of the bins in A.
    distinct : bool, default False
        Compute the distinct part as well, up to half of the narrowest width of the cell.
    origins : int, default 50
        Origins of time per lag for the distinct part.
    **options
        ``unwrap``, ``method``, ``drift``, ``weights``, ``frame_time``, ``chunk_frames``, ``verbose``: see
        `SeriesAnalysis`.

    Attributes
    ----------
    results.times : ndarray, shape (L,)
        Lag times in ps.
    results.distances : ndarray, shape (B,)
        Middle of the bins in A.
    results.self_part : ndarray, shape (L, B)
        G_s(r, t) in A^-3.
    results.radial : ndarray, shape (L, B)
        4 pi r^2 G_s(r, t) in A^-1, which integrates to one.
    results.distinct_distances, results.distinct_part : ndarray
        Bins in A, and G_d(r, t) over the mean density; only with ``distinct=True``.

    Notes
    -----
    See `ionpath.transport.self_van_hove` and `ionpath.transport.distinct_van_hove`.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> found = SelfVanHove(hopping_universe(300).select_atoms("name Li"), lag_times=[1.0, 20.0]).run()
    >>> far = found.weight_beyond(5.0)
    >>> bool(far[1] > far[0])
    True
    """

    __references__ = ("vanhove1954", "chen2025")

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        lag_times: Sequence[float] = (1.0, 2.0, 5.0, 10.0),
        r_max: float = 15.0,
        dr: float = 0.1,
        distinct: bool = False,
        origins: int = 50,
        **options: Unpack[SeriesOptions],
    ) -> None:
        chosen = {
            "lag_times": [float(t) for t in lag_times], "r_max": r_max, "dr": dr, "distinct": distinct,
            "origins": origins,
        }  # fmt: skip
        super().__init__(mobile, framework, chosen, **options)
        self._edges = bin_edges(r_max, dr)
        whole("origins", origins)

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        self._lags = self._lags_of(self.parameters["lag_times"])

    def _consumers(self) -> dict[str, Any]:
        if not self._stream:
            return {"series": Rows()}
        p, n_ions = self.parameters, len(self.groups["mobile"])
        counts = DistanceCounts(self._lags.size, p["dr"], self._edges.size - 1)
        found = {"self": self._pairs(self._lags, counts)}
        if p["distinct"]:
            # Cells to come may be narrower than the first one: what lies beyond half of any is cut off in the end.
            edges = bin_edges(self._reach(self._reference["cell"]), p["dr"])
            sums = DistinctCounts(self._lags.size, n_ions, n_ions, edges)
            found["distinct"] = self._pairs(self._lags, sums, origins=p["origins"])
        return found

    def _reach(self, cells: Floats) -> float:
        """Largest distance of the distinct part: half of the narrowest width of the cells, in whole bins."""
        p = self.parameters
        return float(np.floor(min(p["r_max"], 0.5 * float(heights(cells).min())) / p["dr"]) * p["dr"])

    def _use(self, consumers: dict[str, Any], cells: Floats) -> None:
        p, r, dt, lags = self.parameters, self.results, self.frame_time, self._lags
        reach = self._reach(cells) if p["distinct"] else 0.0
        if self._stream:
            pairs = consumers["self"]
            counts = pairs.consumers[0].total[:, :-1]
            fractions = counts / (pairs.n_origins * len(self.groups["mobile"]))[:, None]
            found = van_hove_of(fractions, lags, self._edges, dt)
            other = consumers["distinct"].consumers[0].result(lags, dt) if p["distinct"] else None
        else:
            positions = consumers["series"].positions
            found = self_van_hove(positions, lags, frame_time=dt, r_max=p["r_max"], dr=p["dr"])
            one = cells[0] if (cells == cells[0]).all() else cells
            other = (
                distinct_van_hove(positions, one, lags, frame_time=dt, r_max=reach, dr=p["dr"], origins=p["origins"])
                if p["distinct"]
                else None
            )
        r.update(
            times=found.times, lags=found.lags, distances=found.distances, edges=found.edges,
            self_part=found.values, fractions=found.fractions, radial=found.radial,
        )  # fmt: skip
        if other is not None:
            inside = other.edges[1:] <= reach + 1e-9
            r.update(distinct_distances=other.distances[inside], distinct_part=other.values[:, inside])

    def weight_beyond(self, distance: float) -> Any:
        """Fraction of ions (L,) that have gone further than a distance in A, at each lag time."""
        self._require_results()
        r = self.results
        return VanHove(r.times, r.lags, r.distances, r.edges, r.self_part, r.fractions).weight_beyond(distance)

    def _headline(self) -> dict[str, Any]:
        return {f"beyond 5 A after {self.results.times[-1]:g} ps": float(self.weight_beyond(5.0)[-1])}

    def _table(self) -> dict[str, Any]:
        r = self.results
        columns = {
            "time": np.repeat(r.times, r.distances.size),
            "distance": np.tile(r.distances, r.times.size),
            "self_part": r.self_part.ravel(),
            "radial": r.radial.ravel(),
        }
        return {**columns, "units": {"time": "ps", "distance": "A", "self_part": "A^-3", "radial": "A^-1"}}

    @figure()
    def plot(self, ax: Any = None, *, part: str = "self") -> Any:
        """Draw 4 pi r^2 G_s, or with ``part="distinct"`` the distinct part, at each lag time."""
        r = self.results
        one_of("part", part, ("self", "distinct") if "distinct_part" in r else ("self",))
        x, y = (r.distances, r.radial) if part == "self" else (r.distinct_distances, r.distinct_part)
        for k, time in enumerate(r.times):
            ax.plot(x, y[k], label=f"{time:g} ps")
        label = r"$4\pi r^2 G_s(r, t)$ (Å$^{-1}$)" if part == "self" else r"$G_d(r, t) / \rho$"
        ax.set(xlabel="r (Å)", ylabel=label, xlim=(0, None))
        ax.legend()
