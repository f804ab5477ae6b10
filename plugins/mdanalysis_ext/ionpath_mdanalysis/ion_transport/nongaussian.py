"""Non-Gaussian parameter of ions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.transport.lagged import PowerSums, Rows
from ionpath.transport.nongaussian import default_lags, non_gaussian_of, non_gaussian_parameter
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis, SeriesOptions


@typed
class NonGaussianParameter(SeriesAnalysis):
    """Non-Gaussian parameter of displacements and the time of its peak.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse, whose drift is taken off; default: all others.
    lag_times : sequence of float, optional
        Lag times in ps; default: about 64 logarithmic ones up to 70 % of the trajectory.
    **options
        ``unwrap``, ``method``, ``drift``, ``weights``, ``frame_time``, ``chunk_frames``, ``verbose``: see
        `SeriesAnalysis`.

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
    See `ionpath.transport.non_gaussian_parameter`.

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
        **options: Unpack[SeriesOptions],
    ) -> None:
        given = None if lag_times is None else [float(t) for t in lag_times]
        super().__init__(mobile, framework, {"lag_times": given}, **options)

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        given = self.parameters["lag_times"]
        self._lags = default_lags(self._total) if given is None else self._lags_of(given)

    def _consumers(self) -> dict[str, Any]:
        sums = PowerSums(len(self.groups["mobile"]), self._lags.size)
        return {"moved": self._pairs(self._lags, sums) if self._stream else Rows()}

    def _use(self, consumers: dict[str, Any], cells: Floats) -> None:
        moved, dt = consumers["moved"], self.frame_time
        if self._stream:
            means = moved.consumers[0].total / moved.n_origins[:, None]
            found = non_gaussian_of(means, self._lags, dt)
        else:
            found = non_gaussian_parameter(moved.positions, frame_time=dt, lags=self._lags, errors=True)
        self.results.alpha2 = found.alpha
        for name in ("times", "lags", "error", "second", "fourth", "peak", "peak_time", "peak_reached"):
            self.results[name] = getattr(found, name)

    def _headline(self) -> dict[str, Any]:
        where = "" if self.results.peak_reached else " (at the end of the range)"
        return {"peak": f"{self.results.peak:.3g} at {self.results.peak_time:.3g} ps{where}"}

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {"time": r.times, "alpha2": r.alpha2, "error": r.error, "units": {"time": "ps"}}

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Draw the non-Gaussian parameter against lag time."""
        r = self.results
        ax.semilogx(r.times, r.alpha2, "o-", ms=3)
        ax.fill_between(r.times, r.alpha2 - 1.96 * r.error, r.alpha2 + 1.96 * r.error, alpha=0.2, lw=0)
        if r.peak_reached:
            ax.axvline(r.peak_time, color="0.5", ls="--", lw=1, label=f"peak at {r.peak_time:.3g} ps")
            ax.legend()
        ax.set(xlabel="lag time (ps)", ylabel=r"$\alpha_2$")
