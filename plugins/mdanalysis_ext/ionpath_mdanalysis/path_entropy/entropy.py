"""How many paths ions take: path entropy of all pairs of states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError, one_of
from ionpath.estimate import Estimate
from ionpath.kinetics import path_entropy_matrix, released_path_entropy, summarise
from ionpath.markov.resampling import Resampling
from ionpath.markov.symmetry import SymmetryTest
from ionpath.paths.models import entropies_per_ion
from ionpath.paths.uncertainty import TOTALS, entropies_of
from ionpath.sites.network import SiteNetwork
from ionpath.sites.runs import ShellRuns
from ionpath.sites.symmetry import states_symmetry
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.path_entropy.markov import MarkovStates

DEFINITIONS = ("pathway", "unlimited", "flux", "flux-row")


@typed
@references("guan2024", "ekroot1993", "metzner2009", "prinz2011", "trendelkamp2015", "deeptime")
class PathEntropy(MarkovStates):
    """Path entropy of mobile ions between the vertices of their coordination shells.

    Parameters
    ----------
    mobile, shells, lag
        See `MarkovStates`.
    definition : {"pathway", "unlimited", "flux", "flux-row"}
        What is counted, see `ionpath.kinetics.path_entropy`.
    max_edges : int, default 4
        Longest pathway, for ``"pathway"`` only.
    unit : {"J/mol/K", "R", "nat"}
        Unit of all entropies.
    mode : {"correct", "published"}
        ``"published"`` computes the total as the public code release of Guan et al. does, from one model for each ion
        in its first shell, and adds nothing to the entropies of pairs; it also takes the published variant of the
        geometric rule.
    counts_ratio : float, default 0.15
        For ``"published"``: a pair that a smaller part of the ions visits has no entropy.
    symmetry : {"auto", "none"} or array_like of int, (n_operations, n_states)
        Average the counts over equivalent transitions before entropies are computed: over the operations of the shells,
        or of the crystal of a network, where the counts do not contradict them (``results.symmetry`` says so), over
        none, or over those given. With ``"auto"`` for shells, whose operations are those of positions alone, counts
        must look as symmetric as in half of all symmetric shells, and the intervals also hold what is found without
        symmetry, since counts cannot tell a small break from none; give the operations
        (`ionpath.kinetics.shell_symmetry`) where the crystal has them.
    estimator : {"extrapolated", "plain"}
        Entropies without the part that noise adds, or those of the fitted model as they are, as published; see
        `ionpath.kinetics.entropy_uncertainty`. They differ by several errors where a shell is symmetric.
    **options
        ``states``, ``lag_time``, ``pooling``, ``connected``, ``n_samples``, ``seed`` of `MarkovStates`, and those of
        `ShellStates`.

    Attributes
    ----------
    results.path_entropy : ndarray, (n_states, n_states)
        Entropy of the distribution over pathways from row to column, zero on the diagonal. State 0 is outside the
        shell (external).
    results.total : float
        Sum over all ordered pairs. It grows with the number of states: compare totals of equal numbers only.
    results.mean_per_pair : float
        The same by pair.
    results.escape : float
        Sum of the entropies into the external state.
    results.flux_entropy : ndarray, (n_states, n_states)
        Entropy of the normalised net flux of each pair, Eq. 1 of the paper taken literally.
    results.path_entropy_error, results.total_error, results.mean_per_pair_error, results.escape_error
        Standard errors from a bootstrap over ions; nan if ``n_samples`` is 0.
    results.uncertainty : ionpath.kinetics.PathEntropyUncertainty
        The same with 95 % intervals; None if ``n_samples`` is 0.
    results.symmetry : ionpath.markov.symmetry.SymmetryTest or None
        Which symmetry was used, and whether the counts agree with it.
    results.mfpt, results.transition_matrix, results.stationary_distribution, results.msm
        And the others of `MarkovStates`: times in ps.

    Raises
    ------
    InputError
        If the lag is longer than the trajectory, or arguments contradict each other.
    DisconnectedError
        If states are not connected at this lag.

    Notes
    -----
    With the net reactive flux :math:`f^+_{ij}` from s to e and :math:`P_{ij} = f^+_{ij} / \\sum_k f^+_{ik}`, the path
    entropy is :math:`-R \\sum_w p_w \\ln p_w` over pathways w with :math:`p_w = \\prod P_{ij}` (P. Guan et al.,
    arXiv:2412.07115). The published totals come from a mean over ions of fluxes whose indices are not those of the
    states; ``mode="published"`` repeats that.

    Examples
    --------
    >>> from MDAnalysis.analysis.path_entropy import CoordinationShells, PathEntropy
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(n_frames=2000, seed=1)
    >>> lithium = u.select_atoms("name Li")
    >>> shells = CoordinationShells.from_universe(u, centres="name S", mobile=lithium, n_vertices=6)
    >>> entropy = PathEntropy(lithium, shells=shells, lag=20).run()
    >>> entropy.results.path_entropy.shape
    (7, 7)
    """

    def __init__(
        self,
        mobile: Any = None,
        shells: Any = None,
        *,
        lag: int | None = None,
        definition: str = "pathway",
        max_edges: int = 4,
        unit: str = "J/mol/K",
        mode: str = "correct",
        counts_ratio: float = 0.15,
        symmetry: Any = "auto",
        estimator: str = "extrapolated",
        **options: Any,
    ) -> None:
        one_of("definition", definition, DEFINITIONS)
        one_of("mode", mode, ("correct", "published"))
        if isinstance(symmetry, str):
            one_of("symmetry", symmetry, ("auto", "none"))
        one_of("estimator", estimator, ("extrapolated", "plain"))
        if options.get("states") is None:
            options["mode"] = mode
        super().__init__(mobile, shells, lag=lag, **options)
        self._permutations = symmetry
        self.parameters.update(
            definition=definition, max_edges=max_edges, unit=unit, counts_ratio=counts_ratio, mode=mode,
            symmetry=symmetry if isinstance(symmetry, str) else "given", estimator=estimator,
        )  # fmt: skip

    def _model(self) -> None:
        super()._model()
        if self.parameters["pooling"] == "all":
            self._pooled_entropy()
        else:
            self._entropy_per_ion()
        if self.parameters["mode"] == "published":
            self._published(self.results.runs)

    def _kind(self) -> dict[str, Any]:
        return {key: self.parameters[key] for key in ("definition", "max_edges", "unit")}

    def _pooled_entropy(self) -> None:
        results, chosen, data = self.results, self.parameters, self._data
        results.symmetry, rows = self._symmetry(data)
        model = data.chains(results.lag, rows).best
        results.flux_entropy = path_entropy_matrix(model, definition="flux", unit=chosen["unit"])
        results.uncertainty = None
        if not data.n_samples:
            matrix = path_entropy_matrix(model, **self._kind())
            self._totals(matrix, np.full_like(matrix, np.nan))
            return
        # A symmetry of positions alone is not one of the crystal: what the counts cannot tell stays in the intervals.
        found = entropies_of(
            data, results.lag, symmetry=rows, certain=self._certain(), estimator=chosen["estimator"], **self._kind()
        )
        results.uncertainty = found = found.judged(self._words)
        errors = {key: getattr(found, key).error for key in TOTALS}
        self._totals(found.value, found.error, **errors)

    def _totals(self, matrix: Any, error: Any, **errors: float) -> None:
        """Entropies of pairs and their sums, with errors where they are known."""
        results = self.results
        results.path_entropy, results.path_entropy_error = matrix, error
        connected = results.get("connected_states")
        summary = summarise(matrix, states=connected, unit=self.parameters["unit"])
        for key in TOTALS:
            results[key] = getattr(summary, key)
            results[f"{key}_error"] = errors.get(key, float("nan"))

    def _symmetry(self, data: Resampling) -> tuple[SymmetryTest | None, Any]:
        """Symmetry of the shells where the counts do not contradict it, or the one that was given."""
        lag, of = self.results.lag, "crystal" if isinstance(self.shells, SiteNetwork) else "shell"
        if not isinstance(self._permutations, str):
            found = data.symmetry_test(lag, self._permutations, of)
            return replace(found, used=True, sentence=f"{found.sentence}; used as given"), self._permutations
        rows = states_symmetry(self.shells) if self._permutations == "auto" else ()
        if len(rows) < 2:
            return None, None
        found = data.symmetry_test(lag, rows, of, certain=self._certain())
        return found, rows if found.used else None

    def _certain(self) -> bool:
        """Whether the operations are given or those of a crystal, and not of positions alone."""
        return self.parameters["symmetry"] == "given" or getattr(self.shells, "permutations", None) is not None

    def _entropy_per_ion(self) -> None:
        results, chosen = self.results, self.parameters
        found = entropies_per_ion(results.msm, chosen["n_samples"], chosen["seed"], **self._kind())
        pairs = max(results.n_states * (results.n_states - 1), 1)
        self._totals(
            found.path_entropy, found.path_entropy_error, total=found.total_error,
            mean_per_pair=found.total_error / pairs, escape=found.escape_error,
        )  # fmt: skip
        results.flux_entropy, results.ion_total = found.flux_entropy, found.ion_total
        results.uncertainty = None

    def _published(self, runs: ShellRuns) -> None:
        results, chosen = self.results, self.parameters
        first = replace(runs, home="initial") if runs.home == "visited" else runs
        results.total = released_path_entropy(
            first,
            results.lag,
            n_states=runs.n_states,
            counts_ratio=chosen["counts_ratio"],
            max_edges=chosen["max_edges"],
            unit=chosen["unit"],
        )
        n = runs.n_states
        results.mean_per_pair = results.total / (n * (n - 1))
        results.total_error = results.mean_per_pair_error = float("nan")

    def _headline(self) -> dict[str, Any]:
        results = self.results
        return {
            **{key.replace("_", " "): str(self._sum(key)) for key in TOTALS},
            **({"symmetry": str(results.symmetry)} if results.get("symmetry") is not None else {}),
            **({"hops": found.verdict} if (found := results.get("uncertainty")) is not None and found.verdict else {}),
            **super()._headline(),
        }

    def _sum(self, key: str) -> Estimate:
        """A sum with its error, where it is known, and its verdict."""
        results, nan = self.results, float("nan")
        if (found := results.get("uncertainty")) is not None and self.parameters.get("mode") != "published":
            return getattr(found, key).judged(self._words)
        error = float(results.get(f"{key}_error", nan))
        return Estimate(float(results[key]), error, nan, nan, self.parameters["unit"], self._words)

    def _table(self) -> dict[str, Any]:
        source, target = self._pairs()
        results, unit = self.results, self.parameters["unit"]
        table = super()._table()
        table["path_entropy"] = results.path_entropy[source, target]
        table["path_entropy_error"] = results.path_entropy_error[source, target]
        table["flux_entropy"] = results.flux_entropy[source, target]
        table["units"].update(dict.fromkeys(("path_entropy", "path_entropy_error", "flux_entropy"), unit))
        return table

    def entropies_from(self, state: int) -> dict[str, Estimate]:
        """Path entropies from one state, such as 1, to every other: name of the target -> `Estimate`.

        Only states of the model; InputError if `state` is none of them. Tables S3 and S4 of arXiv:2412.07115 list such
        rows. Intervals are of 95 %; ``results.verdict`` says whether the lag suffices.
        """
        results, unit = self.results, self.parameters["unit"]
        states = results.get("connected_states") or range(results.n_states)
        if state not in states:
            need = f"one of {', '.join(map(str, states))}, which the model connects"
            remedy = "see results.connected_states and results.connected_reason"
            raise InputError("state", need=need, got=repr(state), remedy=remedy)
        found, value, error = results.uncertainty, results.path_entropy[state], results.path_entropy_error[state]
        nothing = np.full_like(value, np.nan)
        low, high = (found.low[state], found.high[state]) if found else (nothing, nothing)
        return {
            results.labels[k]: Estimate(
                float(value[k]), float(error[k]), float(low[k]), float(high[k]), unit, self._sum("total").verdict
            )
            for k in states
            if k != state
        }

    @figure()
    def plot_path_entropy(self, ax: Any = None) -> Any:
        """Plot the path entropy of all pairs as a heat map."""
        label = f"path entropy ({self.parameters['unit']})"
        title = f"mean {self._sum('mean_per_pair')}"
        _plots.pair_matrix(ax, _of_the_model(self.results), self.results.labels, label, title)


def _of_the_model(results: Any) -> Any:
    """Path entropies, without pairs of states that were left out: their 0 is no value."""
    states = np.arange(len(results.path_entropy))
    kept = np.isin(states, results.get("connected_states", states))  # with a model for each ion there are none
    return np.where(np.outer(kept, kept), results.path_entropy, np.nan)
