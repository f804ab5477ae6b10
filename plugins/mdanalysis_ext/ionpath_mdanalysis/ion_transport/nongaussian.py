"""Non-Gaussian parameter of ions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ionpath.transport.nongaussian import non_gaussian_parameter
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis
from ionpath_mdanalysis.ion_transport._lags import lags_from_times


class NonGaussianParameter(SeriesAnalysis):
    """Non-Gaussian parameter of displacements and the time of its peak.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    framework : AtomGroup, optional
        The atoms that do not diffuse, whose drift is taken off; default: all others.
    lag_times : sequence of float, optional
        Lag times in ps; default: about 64 logarithmic ones up to 70 % of the trajectory.
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
    results.alpha2, results.error : ndarray, shape (L,)
        Non-Gaussian parameter and its standard error.
    results.peak, results.peak_time : float
        Largest value and its lag time in ps.
    results.peak_reached : bool
        Whether the peak lies inside the range of lag times.

    Notes
    -----
    See `ionpath.transport.non_gaussian_parameter`. Memory: 24 bytes per mobile ion and frame.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> found = NonGaussianParameter(hopping_universe(400).select_atoms("name Li"), lag_times=[1.0, 10.0]).run()
    >>> found.results.times.round(6).tolist()
    [1.0, 10.0]
    """

    __references__ = ("rahman1964", "chen2025")

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        lag_times: Sequence[float] | None = None,
        drift: str = "framework",
        weights: str | None = None,
        unwrap: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            mobile,
            framework,
            lag_times=None if lag_times is None else [float(t) for t in lag_times],
            drift=drift,
            weights=weights,
            unwrap=unwrap,
            **kwargs,
        )

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        free, _ = self._assemble(blocks)
        given = self.parameters["lag_times"]
        lags = None if given is None else lags_from_times(given, self.frame_time, len(free.positions))
        found = non_gaussian_parameter(free.positions, frame_time=self.frame_time, lags=lags, errors=True)
        results = self.results
        results.times, results.lags, results.alpha2, results.error = (
            found.times,
            found.lags,
            found.alpha,
            found.error,
        )
        results.second, results.fourth = found.second, found.fourth
        results.peak, results.peak_time, results.peak_reached = (
            found.peak,
            found.peak_time,
            found.peak_reached,
        )

    def _headline(self) -> dict[str, Any]:
        where = "" if self.results.peak_reached else " (at the end of the range)"
        return {"peak": f"{self.results.peak:.3g} at {self.results.peak_time:.3g} ps{where}"}

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {"time": r.times, "alpha2": r.alpha2, "error": r.error, "units": {"time": "ps"}}

    def plot(self, ax: Any = None) -> Any:
        """Draw the non-Gaussian parameter against lag time.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; new axes by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax, r = self._axes(ax), self.results
        ax.semilogx(r.times, r.alpha2, "o-", ms=3)
        ax.fill_between(r.times, r.alpha2 - 1.96 * r.error, r.alpha2 + 1.96 * r.error, alpha=0.2, lw=0)
        if r.peak_reached:
            ax.axvline(r.peak_time, color="0.5", ls="--", lw=1, label=f"peak at {r.peak_time:.3g} ps")
            ax.legend()
        ax.set(xlabel="lag time (ps)", ylabel=r"$\alpha_2$")
        return ax
