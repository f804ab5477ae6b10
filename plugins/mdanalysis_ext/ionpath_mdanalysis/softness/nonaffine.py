"""Non-affine displacement of the surroundings of every ion, against time."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import one_of
from ionpath.softness.nonaffine import cumulative_displacement
from ionpath_mdanalysis._base import Reading
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.softness._increments import IncrementAnalysis, Increments


@typed
@references("falk1998", "cubuk2015", "chen2025")
class NonAffineDisplacement(IncrementAnalysis):
    """Squared non-affine displacement D2min over consecutive intervals, and its sum.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    atoms : AtomGroup, optional
        Atoms that count as neighbours; default: all of the universe.
    lag : int, default 10
        Length of an interval in analysed frames.
    cutoff : float, default 5.0
        Neighbours at the beginning of an interval, in A.
    per_neighbour : bool, default True
        Divide D2min by the number of neighbours; False gives the sum of Falk and Langer.
    power : {"root", "square"}
        Whether the cumulative displacement sums the roots of D2min, or D2min itself.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.d2min : ndarray, (n_intervals, n_ions)
        D2min of each interval, in A^2.
    results.cumulative : ndarray, (n_intervals, n_ions)
        Sum up to the end of each interval, in A for roots, in A^2 otherwise.
    results.per_ion : ndarray, (n_ions,)
        The sum over all intervals.
    results.times : ndarray, (n_intervals + 1,)
        Times of the frames between intervals, in ps.
    results.frames : ndarray of int, (n_intervals + 1,)
        Their numbers.
    results.lag_time : float
        Length of an interval in ps.
    results.mean : float
        Mean D2min in A^2.
    results.indices : ndarray of int, (n_ions,)
        Atom indices of the ions.

    Raises
    ------
    InputError
        If an ion has too few neighbours for an affine fit, the cutoff reaches beyond half of the cell, the lag is
        longer than the trajectory, or wrapped atoms move by nearly half of the cell between two frames.

    Notes
    -----
    Atoms are followed from frame to frame, whatever the lag: wrapped and unwrapped trajectories, and drift, give the
    same. Memory: 8 bytes for each ion and interval.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(100)
    >>> found = NonAffineDisplacement(u.select_atoms("name Li"), lag=20, cutoff=9.0).run()
    >>> found.results.d2min.shape
    (4, 24)
    """

    _called = "cutoff"

    def __init__(
        self,
        mobile: Any,
        atoms: Any = None,
        *,
        lag: int = 10,
        cutoff: float = 5.0,
        per_neighbour: bool = True,
        power: Literal["root", "square"] = "root",
        **options: Unpack[Reading],
    ) -> None:
        one_of("power", power, ("root", "square"))
        chosen = {"per_neighbour": per_neighbour, "power": power}
        super().__init__(mobile, atoms, chosen, lag=lag, nonaffine_cutoff=cutoff, **options)

    def _fill(self, sums: Increments) -> None:
        sums.check(self.frames)
        d2min = np.array([sums.d2min[k] for k in range(len(sums.d2min))])
        frames = np.array(sums.frames, dtype=np.int64)
        cumulative = cumulative_displacement(d2min, power=self.parameters["power"])
        self.results.update(
            d2min=d2min,
            cumulative=cumulative,
            per_ion=cumulative[-1],
            times=self._times_of(frames),
            frames=frames,
            lag_time=self._lag * self.frame_time,
            mean=float(d2min.mean()),
            indices=np.asarray(self.groups["mobile"].ix, dtype=np.int64),
        )

    def _headline(self) -> dict[str, Any]:
        r = self.results
        return {"intervals": len(r.d2min), "interval (ps)": r.lag_time, "mean D2min (A^2)": r.mean}

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the cumulative displacement against time: median, and where 50 % and 90 % of the ions are."""
        r = self.results
        levels = np.quantile(r.cumulative, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
        time = r.times[1:] - r.times[0]
        ax.fill_between(time, levels[0], levels[4], alpha=0.2, color="C0", lw=0, label="90 % of the ions")
        ax.fill_between(time, levels[1], levels[3], alpha=0.4, color="C0", lw=0, label="50 %")
        ax.plot(time, levels[2], color="C0", label="median")
        unit = "Å" if self.parameters["power"] == "root" else "Å²"
        ax.set(xlabel="time (ps)", ylabel=f"cumulative non-affine displacement ({unit})")
        ax.legend()

    @figure()
    def plot_distribution(self, ax: Any = None, *, bins: int = 40) -> Any:
        """Plot how D2min is distributed over ions and intervals, in `bins` evenly spaced in the logarithm."""
        values = self.results.d2min.ravel()
        values = values[values > 0]
        ax.hist(values, np.geomspace(values.min(), values.max() * (1 + 1e-9), bins + 1), histtype="step")
        ax.set(xscale="log", xlabel="$D^2_{min}$ (Å²)", ylabel="ions and intervals")

    def _table(self) -> dict[str, Any]:
        r = self.results
        n_intervals, n_ions = r.d2min.shape
        unit = "A" if self.parameters["power"] == "root" else "A^2"
        return {
            "time": np.repeat(r.times[:-1], n_ions), "atom": np.tile(r.indices, n_intervals),
            "d2min": r.d2min.ravel(), "cumulative": r.cumulative.ravel(),
            "units": {"time": "ps", "d2min": "A^2", "cumulative": unit},
        }  # fmt: skip
