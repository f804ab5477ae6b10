"""Markov state models of mobile ions, with the tests that tell whether to believe them."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.kinetics import (
    as_chain,
    chapman_kolmogorov,
    estimate_msm,
    estimate_msms,
    implied_timescales,
    markovian_verdict,
    mfpt_matrix,
    net_flux,
    pathways,
)
from ionpath.sites.runs import ShellRuns
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis.path_entropy.averages import default_lag, over_ions
from ionpath_mdanalysis.path_entropy.states import ShellStates

POOLING = ("all", "per_ion")


@references("guan2024", "prinz2011", "trendelkamp2015", "deeptime")
class MarkovStates(ShellStates):
    """Markov state model of ions hopping in coordination shells.

    Parameters
    ----------
    mobile : AtomGroup or None
        The mobile ions; may be left out if `states` is given.
    shells : CoordinationShells, optional
        Sites around centres, see `ionpath_mdanalysis.CoordinationShells`.
    states : ShellStates, optional
        States that were computed already, instead of `shells`; the trajectory is then not read again.
    lag : int, optional
        Lag in frames that are analysed.
    lag_time : float, optional
        The same in ps. Without either, the shortest lag is taken from which on the slowest implied timescale changes
        by less than 10 % when the lag is doubled; if there is none, a tenth of the trajectory. ``results.lag_reason``
        says which.
    pooling : {"all", "per_ion"}
        One model of all ions, or one for each ion, with averages over those ions for which a quantity exists.
    connected : {"all", "largest"}
        What to do if states are not connected at this lag: refuse, or go on with the largest connected set. State 0 is
        left out where no ion was in it, as in an ordered crystal; ``results.connected_reason`` says so.
    n_samples : int, default 50
        Bootstrap samples over ions for all errors; 0 leaves them out.
    seed : int, default 0
        Seed of the bootstrap.
    **options
        Of `ShellStates`.

    Attributes
    ----------
    results.transition_matrix : ndarray, (n_states, n_states)
        Probabilities to go from row to column within the lag; nan for states outside the connected set. With
        ``pooling="per_ion"`` one for each ion, (n_ions, n_states, n_states).
    results.stationary_distribution : ndarray, (n_states,) or (n_ions, n_states)
        Equilibrium probabilities.
    results.mfpt : ndarray, (n_states, n_states)
        Mean first-passage times from row to column in ps. State 0 is outside the shell (external).
    results.mfpt_median : ndarray, (n_states, n_states)
        Median over ions, with ``pooling="per_ion"`` only.
    results.implied_timescales : ndarray, (n_lags, n_states - 1)
        In ps, slowest first, at the lags ``results.timescales.lags``; errors in ``results.timescales.errors``.
    results.timescales : ionpath.kinetics.ImpliedTimescales
        The same with errors and lags.
    results.chapman_kolmogorov : ionpath.kinetics.ChapmanKolmogorov
        Test of the model at multiples of the lag; None if the trajectory is too short for it.
    results.verdict : ionpath.kinetics.MarkovVerdict
        Whether the lag is long enough, in a sentence.
    results.connected_states, results.connected_reason : tuple of int, str
        States of the model, with ``pooling="all"``, and why others are not among them.
    results.lag, results.lag_time : int, float
        Lag in frames and in ps.
    results.msm : deeptime.markov.msm.MarkovStateModel, or list of them
        The model, or one for each ion.
    results.unassigned_fraction, results.occupancy, results.runs
        And the others of `ShellStates`, without its tables.

    Raises
    ------
    InputError
        If the lag is longer than the trajectory, or arguments contradict each other.
    DisconnectedError
        If states are not connected at this lag and `connected` is "all".

    Notes
    -----
    Memory does not grow with the number of frames: what is kept are the hops. Published times of this kind (Guan et
    al., arXiv:2412.07115) are in lags times the time of a frame, a factor of the lag too short; here they are in ps.
    """

    _tables: ClassVar[bool] = False
    _min_frames: ClassVar[int] = 2
    _derived: ClassVar[tuple[str, ...]] = ("msm",)

    def __init__(
        self,
        mobile: Any = None,
        shells: Any = None,
        *,
        states: ShellStates | None = None,
        lag: int | None = None,
        lag_time: float | None = None,
        pooling: str = "all",
        connected: str = "all",
        n_samples: int = 50,
        seed: int = 0,
        **options: Any,
    ) -> None:
        if (shells is None) == (states is None):
            raise InputError(
                "shells",
                need="either shells or states",
                got="both" if shells is not None else "neither",
                remedy="pass shells=CoordinationShells.from_universe(...)",
            )
        if pooling not in POOLING:
            raise InputError("pooling", need=f"one of {', '.join(POOLING)}", got=repr(pooling))
        if lag is not None and lag_time is not None:
            raise InputError(
                "lag", need="either lag (frames) or lag_time (ps)", got="both", remedy="leave one out"
            )
        chosen = {
            "lag": lag,
            "lag_time": lag_time,
            "pooling": pooling,
            "connected": connected,
            "n_samples": n_samples,
            "seed": seed,
            **options.pop("parameters", {}),
        }
        self._states = states
        if states is None:
            super().__init__(mobile, shells, parameters=chosen, **options)
        else:
            self._take_over(states, options, chosen)

    def _take_over(self, states: ShellStates, options: dict[str, Any], chosen: dict[str, Any]) -> None:
        if not isinstance(states, ShellStates) or "runs" not in getattr(states, "results", {}):
            raise InputError(
                "states", need="ShellStates that were run", got=repr(states), remedy="call .run() on it first"
            )
        if options:
            raise InputError(
                "states",
                need="options of ShellStates given to ShellStates",
                got=", ".join(sorted(options)),
                remedy="leave them out here",
            )
        self.__dict__.update({k: v for k, v in states.__dict__.items() if k != "results"})
        self.results = type(states.results)()
        self._states = states
        self.parameters = {**states.parameters, **chosen}

    def run(self, *args: Any, **kwargs: Any) -> Self:
        """Read the trajectory, or take the states that were given, and estimate the model.

        Parameters
        ----------
        *args, **kwargs
            See `IonAnalysis.run`; not to be given with `states`.

        Returns
        -------
        MarkovStates
            Itself.

        Raises
        ------
        InputError
            See `IonAnalysis.run` and the class.
        """
        if self._states is None:
            return super().run(*args, **kwargs)
        if args or kwargs:
            raise InputError(
                "run",
                need="no arguments with states=",
                got="some",
                remedy="choose frames where ShellStates is run",
            )
        skipped = ("sites", "states")
        self.results = type(self.results)({k: v for k, v in self._states.results.items() if k not in skipped})
        self._metadata = {
            **self._states._metadata, "class": type(self).__name__, "parameters": self.parameters
        }  # fmt: skip
        self._model()
        return self

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        super()._finish(blocks)
        self._model()

    def _model(self) -> None:
        results, runs = self.results, self.results.runs
        results.lag, results.lag_reason = self._choose_lag(runs)
        results.lag_time = results.lag * self.frame_time
        results.connected, results.connected_reason = self.parameters["connected"], "as asked"
        if results.connected == "all" and self.parameters["pooling"] == "all" and runs.histogram()[0] == 0:
            results.connected = "largest"
            results.connected_reason = "no ion was in state 0 (outside) in any frame: it is left out"
        if self.parameters["pooling"] == "all":
            self._pooled(runs, results.lag)
        else:
            self._per_ion(runs, results.lag)
        self._validate(runs, results.lag)

    def _choose_lag(self, runs: ShellRuns) -> tuple[int, str]:
        lag, lag_time = self.parameters["lag"], self.parameters["lag_time"]
        if lag is not None:
            return lag, "as given"
        if lag_time is None:
            return default_lag(runs, self.frame_time)
        frames = round(lag_time / self.frame_time)
        if frames < 1 or abs(frames * self.frame_time - lag_time) > 0.01 * lag_time:
            raise InputError(
                "lag_time",
                need=f"a multiple of the time between frames, {self.frame_time:g} ps",
                got=f"{lag_time:g} ps",
                remedy=f"use {max(frames, 1) * self.frame_time:g} ps",
            )
        return frames, "as given"

    def _estimate(self, runs: ShellRuns, lag: int) -> Any:
        if self.parameters["pooling"] == "all":
            connected = self.results.get("connected", self.parameters["connected"])
            msm = estimate_msm(runs, lag, n_states=runs.n_states, connected=connected)
            if connected != self.parameters["connected"] and msm.n_states < runs.n_states - 1:
                return estimate_msm(runs, lag, n_states=runs.n_states)  # says which others are not connected
            return msm
        return estimate_msms(runs, lag, n_states=runs.n_states)

    def _pooled(self, runs: ShellRuns, lag: int) -> None:
        results = self.results
        results.msm = self._estimate(runs, lag)
        chain = as_chain(results.msm)
        results.transition_matrix = chain.expand(chain.transition_matrix, np.nan)
        results.stationary_distribution = chain.expand(chain.stationary_distribution, 0.0)
        results.connected_states = tuple(chain.states.tolist())
        results.mfpt = mfpt_matrix(results.msm, frame_time=self.frame_time)

    def _per_ion(self, runs: ShellRuns, lag: int) -> None:
        results = self.results
        results.msm = self._estimate(runs, lag)
        chains = [as_chain(msm) for msm in results.msm]
        results.transition_matrix = np.array([c.expand(c.transition_matrix, np.nan) for c in chains])
        results.stationary_distribution = np.array([c.expand(c.stationary_distribution, 0.0) for c in chains])
        times = np.array([mfpt_matrix(msm, frame_time=self.frame_time) for msm in results.msm])
        results.n_ions_per_pair = np.isfinite(times).sum(axis=0)
        results.mfpt = over_ions(np.mean, times)
        results.mfpt_median = over_ions(np.median, times)

    def _validate(self, runs: ShellRuns, lag: int) -> None:
        results, chosen = self.results, self.parameters
        shared: dict[str, Any] = {
            "n_states": runs.n_states,
            "connected": "largest",
            "frame_time": self.frame_time,
        }
        shared.update(n_samples=chosen["n_samples"], seed=chosen["seed"])
        longest = runs.n_frames - 1
        factors = (0.125, 0.25, 0.5, 1.0, 1.5, 2.0)
        lags = sorted({min(max(1, round(lag * f)), longest) for f in factors} | {lag})
        results.timescales = implied_timescales(runs, lags, **shared)
        results.implied_timescales = results.timescales.timescales
        multiples = [k for k in (1, 2, 3, 4, 5) if k * lag <= longest // 2]
        results.chapman_kolmogorov = (
            chapman_kolmogorov(runs, lag, multiples=multiples, **shared) if len(multiples) > 1 else None
        )
        if max(lags) > lag:
            results.verdict = markovian_verdict(results.timescales, lag, results.chapman_kolmogorov)
        else:
            results.verdict = None

    def _rebuild(self) -> None:
        super()._rebuild()
        self._states = None
        self.results.msm = self._estimate(self.results.runs, self.results.lag)

    def _headline(self) -> dict[str, Any]:
        verdict = self.results.verdict
        said = "not tested: the trajectory is no longer than the lag"
        return {
            "lag": f"{self.results.lag} frames = {self.results.lag_time:.5g} ps ({self.results.lag_reason})",
            **self._left_out(),
            "verdict": said if verdict is None else verdict.sentence,
            **super()._headline(),
        }

    def _left_out(self) -> dict[str, Any]:
        results, n = self.results, len(self.results.get("connected_states", ()))
        said = f"{n} of {results.n_states} ({results.get('connected_reason', 'as asked')})"
        return {"states": said} if 0 < n < results.n_states else {}

    def _pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        n = self.results.n_states
        source, target = np.nonzero(~np.eye(n, dtype=bool))
        return source, target

    def _table(self) -> dict[str, Any]:
        source, target = self._pairs()
        names = np.array(self.results.labels)
        times = self.results.mfpt[source, target]
        return {"source": names[source], "target": names[target], "mfpt": times, "units": {"mfpt": "ps"}}

    def pathways(self, source: Any, target: Any, **options: Any) -> Any:
        """Tabulate the pathways between states, most important first.

        Parameters
        ----------
        source, target : int or sequence of int
            States; 0 is external.
        **options
            See `ionpath.kinetics.pathways`.

        Returns
        -------
        pandas.DataFrame
            Pathway, its share of the flux, and its flux in passages per ps.
        """
        from ionpath.errors import require

        pandas = require("pandas", purpose="tables", install="pip install pandas")
        found = pathways(self._one_model(), source, target, **options)
        names = self.results.labels
        table = pandas.DataFrame(
            {
                "pathway": [" > ".join(names[k] for k in path) for path in found.paths],
                "edges": [len(path) - 1 for path in found.paths],
                "share": found.shares,
                "flux": found.fluxes / self.results.lag_time,
            }
        )
        table.attrs.update(units={"flux": "1/ps"}, total_flux=found.total_flux / self.results.lag_time)
        return table

    def _one_model(self) -> Any:
        self._require_results()
        if self.parameters["pooling"] != "all":
            raise InputError(
                "pooling",
                need="one model",
                got="one for each ion",
                remedy="use pooling='all', or results.msm[k]",
            )
        return self.results.msm

    def plot_mfpt(self, ax: Any = None) -> Any:
        """Plot mean first-passage times as a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        return _plots.pair_matrix(
            self._axes(ax), self.results.mfpt, self.results.labels, "mean first-passage time (ps)"
        )

    def plot_implied_timescales(self, ax: Any = None) -> Any:
        """Plot implied timescales against the lag, with 95 % intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        return _plots.implied_timescales(self._axes(ax), self.results.timescales, self.results.lag_time)

    def plot_chapman_kolmogorov(self, axes: Any = None) -> Any:
        """Plot the Chapman-Kolmogorov test, one panel for each state.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, optional
            One for each state; default: a new figure.

        Returns
        -------
        ndarray of matplotlib.axes.Axes
            The axes.

        Raises
        ------
        InputError
            If the trajectory was too short for the test.
        """
        self._require_results()
        test = self.results.chapman_kolmogorov
        if test is None:
            raise InputError(
                "lag",
                need="at most a quarter of the trajectory for the Chapman-Kolmogorov test",
                got=f"{self.results.lag} of {self.n_frames} frames",
                remedy="use a shorter lag or a longer trajectory",
            )
        if axes is None:
            columns = 4
            rows = -(-self.results.n_states // columns)
            axes = self._axes(
                nrows=rows, ncols=columns, figsize=(2.2 * columns, 2 * rows), sharex=True, squeeze=False
            )
        return _plots.chapman_kolmogorov(np.ravel(axes), test, self.results.labels)

    def plot_flux_network(self, source: Any, target: Any, ax: Any = None) -> Any:
        """Plot the net reactive flux between states, placed by committor.

        Parameters
        ----------
        source, target : int or sequence of int
            States; 0 is external.
        ax : matplotlib.axes.Axes, optional
            Where to plot; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from ionpath.kinetics import committor

        model = self._one_model()
        return _plots.flux_network(
            self._axes(ax),
            net_flux(model, source, target) / self.results.lag_time,
            committor(model, source, target),
            self.results.stationary_distribution,
            self.results.labels,
        )
