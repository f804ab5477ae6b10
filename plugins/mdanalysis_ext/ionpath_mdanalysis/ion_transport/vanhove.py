"""Van Hove functions of ions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.transport.vanhove import VanHove, distinct_van_hove, self_van_hove
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis, constant_cell
from ionpath_mdanalysis.ion_transport._lags import lags_from_times


class SelfVanHove(SeriesAnalysis):
    """Distribution of the displacements of ions, and optionally where the other ions are.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    framework : AtomGroup, optional
        The atoms that do not diffuse, whose drift is taken off; default: all others.
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
    drift : {"framework", "none"}, default "framework"
        Whether the drift of the framework is taken off.
    weights : {"mass", "equal"}, optional
        How the atoms of the framework count; default: by mass if the topology has masses.
    unwrap : bool, default True
        Undo jumps across the faces of the cell.
    **kwargs
        ``frame_time``, ``chunk_frames``, ``verbose`` of `IonAnalysis`.

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
    See `ionpath.transport.self_van_hove` and `ionpath.transport.distinct_van_hove`. Memory: 24 bytes per mobile ion and
    frame.

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
        drift: str = "framework",
        weights: str | None = None,
        unwrap: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            mobile,
            framework,
            lag_times=[float(t) for t in lag_times],
            r_max=r_max,
            dr=dr,
            distinct=distinct,
            origins=origins,
            drift=drift,
            weights=weights,
            unwrap=unwrap,
            **kwargs,
        )

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        free, cells = self._assemble(blocks)
        p, results = self.parameters, self.results
        lags = lags_from_times(p["lag_times"], self.frame_time, len(free.positions))
        found = self_van_hove(free.positions, lags, frame_time=self.frame_time, r_max=p["r_max"], dr=p["dr"])
        results.times, results.lags, results.distances, results.edges = (
            found.times,
            found.lags,
            found.distances,
            found.edges,
        )
        results.self_part, results.fractions, results.radial = found.values, found.fractions, found.radial
        if p["distinct"]:
            narrow = float((1.0 / np.linalg.norm(np.linalg.inv(cells), axis=-2)).min())
            reach = np.floor(min(p["r_max"], 0.5 * narrow) / p["dr"]) * p["dr"]
            other = distinct_van_hove(
                free.positions,
                constant_cell(cells),
                lags,
                frame_time=self.frame_time,
                r_max=float(reach),
                dr=p["dr"],
                origins=p["origins"],
            )
            results.distinct_distances, results.distinct_part = other.distances, other.values

    def weight_beyond(self, distance: float) -> Any:
        """Fraction of ions that have gone further than a distance.

        Parameters
        ----------
        distance : float
            Distance in A.

        Returns
        -------
        ndarray, shape (L,)
            Fraction at each lag time.
        """
        self._require_results()
        r = self.results
        return VanHove(r.times, r.lags, r.distances, r.edges, r.self_part, r.fractions).weight_beyond(
            distance
        )

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

    def plot(self, ax: Any = None, *, part: str = "self") -> Any:
        """Draw 4 pi r^2 G_s, or the distinct part, at each lag time.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; new axes by default.
        part : {"self", "distinct"}, default "self"
            What to draw.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax, r = self._axes(ax), self.results
        x, y = (r.distances, r.radial) if part == "self" else (r.distinct_distances, r.distinct_part)
        for k, time in enumerate(r.times):
            ax.plot(x, y[k], label=f"{time:g} ps")
        label = r"$4\pi r^2 G_s(r, t)$ (Å$^{-1}$)" if part == "self" else r"$G_d(r, t) / \rho$"
        ax.set(xlabel="r (Å)", ylabel=label, xlim=(0, None))
        ax.legend()
        return ax
