"""Markov state models of mobile ions, with the tests that tell whether to believe them."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Indices
from ionpath.citations import references
from ionpath.errors import InputError, one_of, warn
from ionpath.kinetics import estimate_msms, net_flux, pathways
from ionpath.markov.resampling import Resampling
from ionpath.markov.verdict import choose_lag, judge_lag
from ionpath.paths.models import ALL_CONNECTED, kinetics_per_ion, pooled_kinetics, why_excluded
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis._base import IonAnalysis, Reading
from ionpath_mdanalysis._checks import check_keywords
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.path_entropy.states import ShellStates, facts

POOLING = ("all", "per_ion")
TABLES = ("sites", "states")
"""Results of `ShellStates` that grow with the frames."""


class _Hops(ShellStates):
    """States without their tables."""

    _tables: ClassVar[bool] = False
    _min_frames: ClassVar[int] = 2


@typed
@references("guan2024", "prinz2011", "trendelkamp2015", "deeptime")
class MarkovStates(IonAnalysis):
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
    connected : {"largest", "all"}
        What to do if states are not connected at this lag: go on with the largest connected set, and say which states
        are left out, or refuse. That no ion leaves its cage in an ordered crystal is a result.
    n_samples : int, default 50
        Bootstrap samples over ions for all errors; 0 leaves them out.
    seed : int, default 0
        Seed of the bootstrap.
    **options
        Of `ShellStates`.

    Attributes
    ----------
    states : ShellStates
        The states that the model is of.
    results.transition_matrix : ndarray, (n_states, n_states)
        Probabilities to go from row to column within the lag; nan for states outside the connected set. With
        ``pooling="per_ion"`` one for each ion, (n_ions, n_states, n_states).
    results.stationary_distribution : ndarray, (n_states,) or (n_ions, n_states)
        Equilibrium probabilities, with ``_error``, ``_low`` and ``_high`` (95 %) where there is one model.
    results.mfpt, results.mfpt_error, results.mfpt_low, results.mfpt_high : ndarray, (n_states, n_states)
        Mean first-passage times from row to column in ps, standard errors and 95 % intervals, which with
        ``pooling="per_ion"`` are left out. State 0 is outside the shell (external).
    results.mfpt_between_vertices, results.mfpt_to_external : Estimate
        Their means over pairs within a shell and over the vertices on the way out of it, where there is one model.
    results.mfpt_median : ndarray, (n_states, n_states)
        Median over ions, with ``pooling="per_ion"`` only.
    results.implied_timescales, results.implied_timescales_error : ndarray, (n_lags, n_states - 1)
        In ps, slowest first, at the lags ``results.timescales.lags``, and standard errors.
    results.timescales : ionpath.kinetics.ImpliedTimescales
        The same with lags and intervals.
    results.chapman_kolmogorov : ionpath.kinetics.ChapmanKolmogorov
        Test of the model at multiples of the lag; None if the trajectory is too short for it.
    results.verdict : ionpath.kinetics.MarkovVerdict
        Whether the lag is long enough, in a sentence.
    results.connected_states, results.excluded_states : tuple of int
        States of the model, and those that it leaves out, with ``pooling="all"``.
    results.connected_reason : str
        Why others are not among them.
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

    Warns
    -----
    UserWarning
        If states that ions visit are not connected and left out.

    Notes
    -----
    All errors come from the same draws of ions. Memory does not grow with the number of frames: what is kept are the
    hops. Published times of this kind (Guan et al., arXiv:2412.07115) are in lags times the time of a frame, a factor
    of the lag too short; here they are in ps.
    """

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
        connected: str = "largest",
        n_samples: int = 50,
        seed: int = 0,
        **options: Any,
    ) -> None:
        if (shells is None) == (states is None):
            got = "both" if shells is not None else "neither"
            remedy = "pass shells=CoordinationShells.from_universe(...)"
            raise InputError("shells", need="either shells or states", got=got, remedy=remedy)
        one_of("pooling", pooling, POOLING)
        one_of("connected", connected, ("largest", "all"))
        if lag is not None and lag_time is not None:
            raise InputError("lag", need="either lag (frames) or lag_time (ps)", got="both", remedy="leave one out")
        self._given = states is not None
        self.states = self._known(states, options) if states is not None else self._new(mobile, shells, options)
        chosen = {
            "lag": lag, "lag_time": lag_time, "pooling": pooling, "connected": connected,
            "n_samples": n_samples, "seed": seed,
        }  # fmt: skip
        parameters = {**self.states.parameters, **chosen}
        if self.states.groups:
            super().__init__(self.states.groups, parameters=parameters)
        else:
            self._without_trajectory(parameters)

    @classmethod
    def _new(cls, mobile: Any, shells: Any, options: Mapping[str, Any]) -> ShellStates:
        known = [*signature(ShellStates.__init__).parameters, *Reading.__annotations__]
        check_keywords([name for name in options if name not in known], cls, known)
        return _Hops(mobile, shells, **options)

    @staticmethod
    def _known(states: ShellStates, options: Mapping[str, Any]) -> ShellStates:
        if not isinstance(states, ShellStates) or "runs" not in getattr(states, "results", {}):
            remedy = "call .run() on it first"
            raise InputError("states", need="ShellStates that were run", got=repr(states), remedy=remedy)
        if options:
            need = "options of ShellStates given to ShellStates"
            raise InputError("states", need=need, got=", ".join(sorted(options)), remedy="leave them out here")
        return states

    @property
    def shells(self) -> Any:
        """Sites that the states belong to."""
        return self.results.get("shells", None) or self.states.shells

    def run(self, *args: Any, **kwargs: Any) -> Self:
        """Read the trajectory, or take the states that were given, and estimate the model.

        Arguments and errors are those of `IonAnalysis.run`; none may be given with `states`.
        """
        if self._given and (args or kwargs):
            remedy = "choose frames where ShellStates is run"
            raise InputError("run", need="no arguments with states=", got="some", remedy=remedy)
        if not self._given:
            self.states.run(*args, **kwargs)
        read = self.states
        self.frames, self.times, self.n_frames = read.frames, read.times, read.n_frames
        self.frame_time = read.frame_time
        kept = {key: value for key, value in read.results.items() if key not in TABLES}
        self.results = type(read.results)(kept)
        self._metadata = {**read._metadata, "class": type(self).__name__, "parameters": self.parameters}
        try:
            self._model()
        except np.linalg.LinAlgError as error:
            raise InputError(
                "states", need="states between which ions go often enough for a model",
                got=f"{self.results.runs.n_states - 1} states in {self.n_frames} frames, some hardly ever left",
                remedy="fold equivalent sites into fewer states with fold='translations', or use a longer trajectory",
            ) from error  # fmt: skip
        return self

    def _model(self) -> None:
        results, chosen = self.results, self.parameters
        # States that a longer lag does not connect do no harm there; those of the model are looked at below.
        drawn = chosen["n_samples"] if chosen["n_samples"] > 1 else 0
        self._data = Resampling(results.runs, n_samples=drawn, connected="largest", seed=chosen["seed"])
        results.lag, results.lag_reason = choose_lag(self._data, self.frame_time, chosen["lag"], chosen["lag_time"])
        results.lag_time = results.lag * self.frame_time
        results.connected, results.connected_reason = chosen["connected"], ALL_CONNECTED
        results.msm = self._estimate()
        if chosen["pooling"] == "all":
            found: Any = pooled_kinetics(self._data.chains(results.lag), self.frame_time)
            results.update(vars(found))
            self._name_excluded()
        else:
            results.update(vars(kinetics_per_ion(results.msm, self.frame_time)))
        results.timescales, results.chapman_kolmogorov, results.verdict = judge_lag(
            self._data, results.lag, self.frame_time
        )
        for key in ("mfpt_between_vertices", "mfpt_to_external"):
            if key in results:
                results[key] = results[key].judged(self._words)
        results.implied_timescales = results.timescales.timescales
        results.implied_timescales_error = results.timescales.errors

    def _estimate(self) -> Any:
        results, chosen = self.results, self.parameters
        if chosen["pooling"] == "all":
            return self._data.model(results.lag, connected=chosen["connected"])
        return estimate_msms(results.runs, results.lag, n_states=results.runs.n_states)

    def _name_excluded(self) -> None:
        results = self.results
        results.connected_reason, loud = why_excluded(results.excluded_states, self._data.frames)
        if loud:
            warn(
                f"{results.connected_reason}; results are over the states {list(results.connected_states)}. Use a "
                "shorter lag or more data, or connected='all' to refuse."
            )

    def _rebuild(self) -> None:
        chosen, results = self.parameters, self.results
        self.states, self._given = ShellStates.__new__(ShellStates), True
        self.states._without_trajectory(chosen)
        self.states.results.update({key: results[key] for key in results if key not in self._derived})
        self.states._rebuild()
        self._data = Resampling(results.runs, n_samples=0, connected="largest", seed=chosen["seed"])
        chosen.setdefault("connected", "all")
        connected = results.get("connected", chosen["connected"])
        results.msm = (
            self._data.model(results.lag, connected=connected) if chosen["pooling"] == "all" else self._estimate()
        )

    @property
    def _words(self) -> str:
        """What stands beside every number of the model."""
        verdict = self.results.get("verdict")
        return "lag not tested" if verdict is None else str(verdict.words)

    def _headline(self) -> dict[str, Any]:
        results = self.results
        verdict = results.verdict
        said = "not tested: the trajectory is no longer than the lag"
        n = len(results.get("connected_states", ()))
        reason = results.get("connected_reason", ALL_CONNECTED)
        left_out = {"states": f"{n} of {results.n_states} ({reason})"} if 0 < n < results.n_states else {}
        return {
            "lag": f"{results.lag} frames = {results.lag_time:.5g} ps ({results.lag_reason})",
            **left_out,
            "verdict": said if verdict is None else verdict.sentence,
            **facts(results),
        }

    def _pairs(self) -> tuple[Indices, Indices]:
        source, target = np.nonzero(~np.eye(self.results.n_states, dtype=bool))
        return source, target

    def _table(self) -> dict[str, Any]:
        source, target = self._pairs()
        names, results = np.array(self.results.labels), self.results
        table = {"source": names[source], "target": names[target], "mfpt": results.mfpt[source, target]}
        if "mfpt_error" in results:
            table["mfpt_error"] = results.mfpt_error[source, target]
        table["verdict"] = [self._words] * len(source)
        return {**table, "units": {"mfpt": "ps", "mfpt_error": "ps"}}

    def pathways(self, source: Any, target: Any, **options: Any) -> Any:
        """Pathways between states as a pandas DataFrame, most important first.

        Each with its share of the flux, and its flux in passages per ps. `source` and `target` are a state or several,
        0 is external; for options see `ionpath.kinetics.pathways`.
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
            remedy = "use pooling='all', or results.msm[k]"
            raise InputError("pooling", need="one model", got="one for each ion", remedy=remedy)
        return self.results.msm

    @figure()
    def plot_mfpt(self, ax: Any = None) -> Any:
        """Plot mean first-passage times as a heat map."""
        label = "mean first-passage time (ps)"
        _plots.pair_matrix(ax, self.results.mfpt, self.results.labels, label, self._words)

    @figure()
    def plot_implied_timescales(self, ax: Any = None) -> Any:
        """Plot implied timescales against the lag, with 95 % intervals."""
        _plots.implied_timescales(ax, self.results.timescales, self.results.lag_time)
        ax.set_title(self._words)

    def plot_chapman_kolmogorov(self, axes: Any = None) -> Any:
        """Plot the Chapman-Kolmogorov test on one of the axes for each state, by default of a new figure; return them.

        InputError if the trajectory was too short for the test.
        """
        self._require_results()
        test = self.results.chapman_kolmogorov
        if test is None:
            need = "at most a quarter of the trajectory for the Chapman-Kolmogorov test"
            remedy = "use a shorter lag or a longer trajectory"
            raise InputError("lag", need=need, got=f"{self.results.lag} of {self.n_frames} frames", remedy=remedy)
        if axes is None:
            columns = 4
            rows = -(-self.results.n_states // columns)
            axes = self._axes(nrows=rows, ncols=columns, figsize=(2.2 * columns, 2 * rows), sharex=True, squeeze=False)
        return _plots.chapman_kolmogorov(np.ravel(axes), test, self.results.labels)

    @figure()
    def plot_flux_network(self, source: Any, target: Any, ax: Any = None) -> Any:
        """Plot the net reactive flux from one state or several to others (0 is external), placed by committor."""
        from ionpath.kinetics import committor

        model = self._one_model()
        _plots.flux_network(
            ax,
            net_flux(model, source, target) / self.results.lag_time,
            committor(model, source, target),
            self.results.stationary_distribution,
            self.results.labels,
        )
        ax.set_title(" ".join(filter(None, (ax.get_title(), f"({self._words})" if self._words else ""))))

    @figure()
    def plot_occupancy(self, ax: Any = None) -> Any:
        """Plot the mean number of ions on the sites with each label, by kind of shell."""
        _plots.occupancy(ax, self.shells, self.results.occupancy)
