"""How many paths ions take: path entropy of all pairs of states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ionpath.citations import references
from ionpath.errors import InputError, one_of
from ionpath.kinetics import path_entropy_matrix, released_path_entropy, summarise
from ionpath.markov.resampling import Resampling
from ionpath.markov.symmetry import SymmetryTest
from ionpath.paths.uncertainty import entropies_of
from ionpath.sites.network import SiteNetwork
from ionpath.sites.runs import ShellRuns
from ionpath.sites.shell_symmetry import states_symmetry
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis.path_entropy.averages import over_ions
from ionpath_mdanalysis.path_entropy.markov import MarkovStates

DEFINITIONS = ("pathway", "unlimited", "flux", "flux-row")


@references("guan2024", "ekroot1993", "metzner2009", "prinz2011", "trendelkamp2015", "deeptime")
class PathEntropy(MarkovStates):
    """Path entropy of mobile ions between the vertices of their coordination shells.

    Parameters
    ----------
    mobile : AtomGroup or None
        The mobile ions; may be left out if `states` is given.
    shells : CoordinationShells, optional
        Sites around centres, see `ionpath_mdanalysis.CoordinationShells`.
    lag : int, optional
        Lag in frames that are analysed; default: see `MarkovStates`.
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
        Average the counts over equivalent transitions before entropies are computed: over the operations of the shells
        where the counts do not contradict them (``results.symmetry`` says so), over none, or over those given.
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
        if definition not in DEFINITIONS:
            raise InputError("definition", need=f"one of {', '.join(DEFINITIONS)}", got=repr(definition))
        if mode not in ("correct", "published"):
            raise InputError("mode", need="'correct' or 'published'", got=repr(mode))
        if isinstance(symmetry, str):
            one_of("symmetry", symmetry, ("auto", "none"))
        one_of("estimator", estimator, ("extrapolated", "plain"))
        self._given = symmetry
        options["parameters"] = {
            "definition": definition,
            "max_edges": max_edges,
            "unit": unit,
            "counts_ratio": counts_ratio,
            "symmetry": symmetry if isinstance(symmetry, str) else "given",
            "estimator": estimator,
            **options.pop("parameters", {}),
        }
        if options.get("states") is None:
            options["mode"] = mode
        super().__init__(mobile, shells, lag=lag, **options)
        self.parameters["mode"] = mode

    def _model(self) -> None:
        super()._model()
        if self.parameters["pooling"] == "all":
            self._pooled_entropy(self.results.runs)
        else:
            self._entropy_per_ion()
        if self.parameters["mode"] == "published":
            self._published(self.results.runs)

    def _kind(self) -> dict[str, Any]:
        return {key: self.parameters[key] for key in ("definition", "max_edges", "unit")}

    def _pooled_entropy(self, runs: ShellRuns) -> None:
        results, chosen = self.results, self.parameters
        data = Resampling(
            runs, n_samples=chosen["n_samples"], connected=results.connected, seed=chosen["seed"]
        )
        results.symmetry, rows = self._symmetry(data)
        model = data.chains(results.lag, rows).best
        results.flux_entropy = path_entropy_matrix(model, definition="flux", unit=chosen["unit"])
        results.uncertainty, matrix = None, path_entropy_matrix(model, **self._kind())
        results.path_entropy_error = np.full_like(matrix, np.nan)
        errors = dict.fromkeys(("total", "mean_per_pair", "escape"), float("nan"))
        if chosen["n_samples"] > 1:
            found = entropies_of(
                data, results.lag, symmetry=rows, estimator=chosen["estimator"], **self._kind()
            )
            results.uncertainty, results.path_entropy_error, matrix = found, found.error, found.value
            errors = {key: getattr(found, key).error for key in errors}
        results.path_entropy = matrix
        summary = summarise(matrix, states=results.connected_states, unit=chosen["unit"])
        results.total, results.mean_per_pair = summary.total, summary.mean_per_pair
        results.escape = summary.escape
        for key, value in errors.items():
            results[f"{key}_error"] = value

    def _symmetry(self, data: Resampling) -> tuple[SymmetryTest | None, Any]:
        """Symmetry of the shells where the counts do not contradict it, or the one that was given."""
        if isinstance(self._given, str):
            if self._given == "none" or (
                isinstance(self.shells, SiteNetwork) and len(self.shells.permutations) < 2
            ):
                return None, None
            rows = states_symmetry(self.shells)
            found = data.symmetry_test(self.results.lag, rows)
            return found, rows if found.used else None
        found = data.symmetry_test(self.results.lag, self._given)
        return replace(found, used=True, sentence=f"{found.sentence}; used as given"), self._given

    def _entropy_per_ion(self) -> None:
        results, chosen = self.results, self.parameters
        unknown = ~np.isfinite(results.transition_matrix)

        def mean(**kind: Any) -> Any:
            values = np.array([path_entropy_matrix(msm, **kind) for msm in results.msm])
            values[unknown] = np.nan
            return values, np.nan_to_num(over_ions(np.mean, values))

        values, results.path_entropy = mean(**self._kind())
        _, results.flux_entropy = mean(definition="flux", unit=chosen["unit"])
        summary = summarise(results.path_entropy, unit=chosen["unit"])
        results.total, results.mean_per_pair = summary.total, summary.mean_per_pair
        results.escape = summary.escape
        known = np.isfinite(values).sum(axis=0)
        spread = over_ions(lambda row: np.std(row, ddof=1) if row.size > 1 else np.nan, values)
        results.path_entropy_error = spread / np.sqrt(np.maximum(known, 1))
        results.total_error = _bootstrap_total(values, max(chosen["n_samples"], 2), chosen["seed"])
        n = values.shape[1]
        results.mean_per_pair_error = results.total_error / max(n * (n - 1), 1)
        results.escape_error = _bootstrap_total(values[:, :, :1], max(chosen["n_samples"], 2), chosen["seed"])
        results.ion_total = np.nansum(values, axis=(1, 2))
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
        results, unit = self.results, self.parameters["unit"]
        error = f" ± {results.total_error:.2g}" if np.isfinite(results.total_error) else ""
        return {
            "total": f"{results.total:.5g}{error} {unit}",
            "mean per pair": f"{results.mean_per_pair:.4g} {unit}",
            "escape": f"{results.escape:.4g} {unit}",
            **({"symmetry": str(results.symmetry)} if results.get("symmetry") is not None else {}),
            **super()._headline(),
        }

    def _table(self) -> dict[str, Any]:
        source, target = self._pairs()
        results, unit = self.results, self.parameters["unit"]
        table = super()._table()
        table["path_entropy"] = results.path_entropy[source, target]
        table["path_entropy_error"] = results.path_entropy_error[source, target]
        table["flux_entropy"] = results.flux_entropy[source, target]
        table["units"].update(dict.fromkeys(("path_entropy", "path_entropy_error", "flux_entropy"), unit))
        return table

    def plot_path_entropy(self, ax: Any = None) -> Any:
        """Plot the path entropy of all pairs as a heat map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot; default: a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        label = f"path entropy ({self.parameters['unit']})"
        return _plots.pair_matrix(self._axes(ax), self.results.path_entropy, self.results.labels, label)


def _bootstrap_total(values: Any, n_samples: int, seed: int) -> float:
    """Standard error of the total of means over ions, by drawing ions with replacement."""
    rng = np.random.default_rng(seed)
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    drawn = rng.multinomial(len(values), np.full(len(values), 1.0 / len(values)), size=n_samples)
    sums = np.tensordot(drawn.astype(float), filled, axes=1)
    numbers = np.tensordot(drawn.astype(float), known.astype(float), axes=1)
    totals = np.divide(sums, numbers, out=np.zeros_like(sums), where=numbers > 0).sum(axis=(1, 2))
    return float(totals.std(ddof=1))
