"""Softness of every ion in every frame, from a classifier trained here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.grid import GridSearch, grid_search
from ionpath.softness.labels import check_classes, label_ions
from ionpath.softness.model import ModelKind, SoftnessModel
from ionpath.softness.neighbours import Neighbours
from ionpath.softness.presets import preset as settings_of
from ionpath.softness.rearrangement import RearrangementProbability, rearrangement_probability
from ionpath.softness.scores import score
from ionpath.softness.splits import SplitKind, split_samples
from ionpath.softness.training import cross_validate, feature_weights, fit_softness
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.softness import _mapping
from ionpath_mdanalysis.softness._increments import Floats, IncrementAnalysis
from ionpath_mdanalysis.softness._relating import Relating
from ionpath_mdanalysis.softness._showing import Showing


@references("cubuk2015", "chen2025", "chen2023", "guan2024", "falk1998", "scikit-learn")
class Softness(Relating, Showing, IncrementAnalysis):
    """Softness of mobile ions: which surroundings come before motion.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions, of one species.
    atoms : AtomGroup, optional
        Atoms that count as neighbours; default: all of the universe.
    preset : {"chen2025", "chen2023", "guan2024"}
        Structure functions, classifier and test split, see `ionpath.softness.preset`.
    mode : {"correct", "published"}
        Corrected settings, or those of the paper.
    functions : StructureFunctions, optional
        Structure functions instead of those of the preset.
    kind : {"logistic", "linear-svm", "rbf-svm", "mlp"}, optional
        Classifier instead of that of the preset.
    penalty : float, optional
        C of the classifier.
    lag : int, optional
        Interval over which D2min is taken, in analysed frames; default: 10, or that of `model`.
    window : int, optional
        Intervals after a frame whose displacements are summed for its label; default: 1, or that of `model`.
    label : {"quantile", "threshold", "classes"}, optional
        What makes an ion mobile, see `ionpath.softness.label_ions`; default: a quantile, or the threshold of
        `model`.
    value : float or sequence of float, optional
        The quantile (default 0.5), threshold (A) or edges (A) of the summed displacement.
    nonaffine_cutoff : float, optional
        Neighbours of the affine fit in A; default: that of the preset, or of `model`.
    split : {"ion-and-time", "ion", "time", "random"}, optional
        What test samples do not share with training samples; default: that of the preset.
    n_folds : int, default 5
        Folds of cross-validation.
    n_groups : int, default 10
        Groups of ions left out for the errors of W(r); 0 leaves the errors out.
    model : SoftnessModel or Softness, optional
        Apply this model and do not train. A `Softness` that was run hands on its lag, its window and its threshold
        of mobility as well, so that mobile means the same.
    seed : int, default 1
        Seed of the split and the network.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.softness : ndarray, (n_times, n_ions)
        Signed distance from the hyperplane, (W.G - b) / norm(W), positive for soft; for classifiers without hyperplane
        their decision value; for several classes the expected class. The model is trained on all samples; scores
        are of models that were not.
    results.decision : ndarray, (n_times, n_ions)
        Unscaled decision value.
    results.displacement : ndarray, (n_labelled, n_ions)
        Displacement after each frame, in A (A^2 for ``"chen2023"`` as published).
    results.labels : ionpath.softness.Labels
        Classes of the first ``n_labelled`` times, with thresholds and balance.
    results.model : ionpath.softness.SoftnessModel
        To be applied elsewhere.
    results.cross_validation : ionpath.softness.CrossValidation or None
        Scores beside the majority baseline; None if a model was applied.
    results.scores : ionpath.softness.Scores
        Test scores: held-out folds, or this whole trajectory for a model trained elsewhere.
    results.weights : ionpath.softness.Weights or None
        W(r) with errors of a linear model trained here.
    results.probability : ionpath.softness.RearrangementProbability or None
        P_R(S), for two classes.
    results.times, results.frames : ndarray, (n_times,)
        Times in ps and frame numbers.
    results.lag_time, results.window_time : float
        In ps.
    results.indices : ndarray of int, (n_ions,)
        Atom indices of the ions.

    Raises
    ------
    InputError
        If there is one class only, a species is absent, an ion has too few neighbours, a cutoff reaches beyond half
        of the cell, or a model does not belong to these ions, species or functions.

    Notes
    -----
    A sample is an ion at the beginning of an interval: its structure functions then, and the displacement of its
    surroundings after. Memory: 4 bytes for each ion, interval and structure function.

    The quantile is that of all samples, so that classes are balanced in the whole, not in each fold.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(400)
    >>> soft = Softness(u.select_atoms("name Li"), lag=20, nonaffine_cutoff=9.0,
    ...                 functions=StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=8.0))
    >>> soft.run().results.softness.shape
    (20, 24)
    """

    def __init__(
        self,
        mobile: Any,
        atoms: Any = None,
        *,
        preset: Literal["chen2025", "chen2023", "guan2024"] = "chen2025",
        mode: Literal["correct", "published"] = "correct",
        functions: StructureFunctions | None = None,
        kind: ModelKind | None = None,
        penalty: float | None = None,
        lag: int | None = None,
        window: int | None = None,
        label: Literal["quantile", "threshold", "classes"] | None = None,
        value: float | Sequence[float] | None = None,
        nonaffine_cutoff: float | None = None,
        split: SplitKind | None = None,
        n_folds: int = 5,
        n_groups: int = 10,
        model: Any = None,
        seed: int = 1,
        **options: Any,
    ) -> None:
        _checks.check_group(mobile, "mobile")
        everything = mobile.universe.atoms if atoms is None else atoms
        _checks.check_group(everything, "atoms")
        symbols = _checks.elements_of(everything, "atoms")
        ion = _one_species(_checks.elements_of(mobile, "mobile"))
        chosen = settings_of(preset, tuple(symbols.tolist()), mode=mode, mobile=ion)
        power = chosen.power
        if isinstance(model, Softness):
            model._require_results()
            trained, p = model.results.model, model.parameters
            label, value = _same_labels(model, label, value)
            power, lag, window = (
                p["power"],
                p["lag"] if lag is None else lag,
                p["window"] if window is None else window,
            )
            nonaffine_cutoff = p["nonaffine_cutoff"] if nonaffine_cutoff is None else nonaffine_cutoff
        else:
            trained = model
        lag, window = 10 if lag is None else lag, 1 if window is None else window
        label, value = label or "quantile", 0.5 if value is None else value
        if trained is not None and not isinstance(trained, SoftnessModel):
            raise InputError(
                "model", need="a Softness that was run, or its results.model", got=type(model).__name__,
                remedy="pass Softness(...).run()",
            )  # fmt: skip
        used = functions or (chosen.functions if trained is None else trained.functions)
        if trained is not None:
            trained.check(used, ion, tuple(symbols.tolist()))
        self._codes = used.codes(symbols)
        self._functions, self._model, self._ion = used, trained, ion
        self._system = tuple(sorted(set(symbols.tolist())))
        parameters = {
            "preset": preset, "mode": mode, "functions": used, "window": int(window), "label": label,
            "value": value if np.isscalar(value) else list(np.asarray(value, float)), "power": power,
            "kind": trained.kind if trained is not None else kind or chosen.kind,
            "penalty": chosen.penalty if penalty is None and kind in (None, chosen.kind) else penalty,
            "split": split or chosen.split, "n_folds": n_folds, "n_groups": n_groups, "seed": seed,
            "applied": trained is not None,
        }  # fmt: skip
        cutoff = chosen.nonaffine_cutoff if nonaffine_cutoff is None else nonaffine_cutoff
        super().__init__(
            mobile, everything, lag=lag, nonaffine_cutoff=cutoff, reach=used.reach, window=window,
            parameters=parameters, **options,
        )  # fmt: skip

    def _prepare_block(self) -> None:
        super()._prepare_block()
        self._features: list[Any] = []

    def _at_origin(self, neighbours: Neighbours) -> None:
        self._features.append(self._functions.of_neighbours(neighbours, self._codes).astype(np.float32))

    def _block_results(self) -> dict[str, Any]:
        return {**super()._block_results(), "features": self._features}

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        p, r = self.parameters, self.results
        d2min, frames = self._increments(blocks)
        features = np.array([frame for block in blocks for frame in block["features"]])
        steps = np.sqrt(d2min) if p["power"] == "root" else d2min
        moved = np.lib.stride_tricks.sliding_window_view(steps, self._window, axis=0).sum(axis=-1)
        labels = label_ions(moved, p["label"], p["value"])
        n_labelled = len(moved)
        r.update(
            displacement=moved,
            labels=labels,
            times=self._times_of(frames),
            frames=frames,
            lag_time=self._lag * self.frame_time,
            window_time=self._lag * self._window * self.frame_time,
            indices=np.asarray(self.groups["mobile"].ix, dtype=np.int64),
        )
        if self._model is None:
            self._train(features[:n_labelled])
        else:
            r.update(model=self._model, cross_validation=None, weights=None)
            predicted = self._model.predict(features[:n_labelled])
            r.scores = score(labels.values, predicted, max(len(labels.balance), self._model.n_classes))
        r.softness, r.decision = r.model.softness(features), r.model.decision(features)
        two = len(labels.balance) == 2 and np.ptp(r.softness[:n_labelled]) > 0
        r.probability = self._rearrangement(None, 12) if two else None

    def _train(self, features: Any) -> None:
        p, r = self.parameters, self.results
        n_times, n_ions = r.labels.values.shape
        x, y = features.reshape(n_times * n_ions, -1), check_classes(r.labels.values)
        ions = np.tile(np.arange(n_ions), n_times)
        options = {
            "kind": p["kind"], "penalty": p["penalty"], "mobile": self._ion, "system": self._system,
            "seed": p["seed"],
        }  # fmt: skip
        folds = self._folds()
        r.cross_validation = cross_validate(x, y, self._functions, folds, **options)
        r.scores = r.cross_validation.test
        r.model = fit_softness(x, y, self._functions, **options)
        r.weights = None
        if r.model.linear and p["n_groups"]:
            groups = min(p["n_groups"], n_ions)
            r.weights = feature_weights(x, y, self._functions, ions, n_groups=groups, **options)

    def _folds(self) -> Any:
        p, r = self.parameters, self.results
        n_times, n_ions = r.labels.values.shape
        ions = np.tile(np.arange(n_ions), n_times)
        times = np.repeat(r.times[:n_times], n_ions)
        return split_samples(
            ions, times, p["split"], n_folds=p["n_folds"], gap=r.window_time, seed=p["seed"]
        )  # fmt: skip

    def _headline(self) -> dict[str, Any]:
        s, r = self.results.scores, self.results
        tested = "on this trajectory" if self.parameters["applied"] else "held out"
        return {
            "soft ions": f"{100 * float((r.decision > 0).mean()):.1f} %",
            f"accuracy {tested}": s.accuracy,
            "majority class alone": s.majority_accuracy,
            "balanced accuracy": s.balanced_accuracy,
            "MCC": s.matthews,
        }

    def rearrangement_probability(self, edges: Any = None, *, n_bins: int = 12) -> RearrangementProbability:
        """Compute P_R(S) with other bins.

        Parameters
        ----------
        edges : array_like, optional
            Edges of the bins of softness.
        n_bins : int, default 12
            Number of bins without `edges`.

        Returns
        -------
        ionpath.softness.RearrangementProbability
            Probability in each bin.

        Raises
        ------
        InputError
            If there are more than two classes.
        """
        self._require_results()
        if len(self.results.labels.balance) != 2:
            raise InputError("labels", need="two classes", got=str(len(self.results.labels.balance)))
        return self._rearrangement(edges, n_bins)

    def _rearrangement(self, edges: Any, n_bins: int) -> RearrangementProbability:
        labels = self.results.labels.values
        return rearrangement_probability(
            self.results.softness[: len(labels)], labels, edges=edges, n_bins=n_bins
        )

    def grid_search(
        self,
        *,
        spacings: Sequence[float] = (0.2,),
        cutoffs: Sequence[float] = (10.0,),
        penalties: Sequence[float] = (0.01, 0.1, 1.0),
        thresholds: Sequence[float] = (0.5,),
    ) -> GridSearch:
        """Score other spacings, cutoffs, penalties and thresholds on the frames of the run.

        Parameters
        ----------
        spacings, cutoffs : sequence of float
            Distances between structure functions, and cutoffs, in A. The trajectory is read once for each pair.
        penalties : sequence of float
            C.
        thresholds : sequence of float
            Quantiles of the displacement, or thresholds if labels were made by threshold.

        Returns
        -------
        ionpath.softness.GridSearch
            Held-out scores.

        Raises
        ------
        InputError
            If the results were loaded from a file.
        """
        self._require_results()
        atoms = _mapping.atoms_of(self, "grid_search")
        r, p = self.results, self.parameters
        symbols = _checks.elements_of(atoms, "atoms")
        n_times = len(r.displacement)

        def features(functions: StructureFunctions) -> Floats:
            frames = _mapping.frames_of(atoms, r.frames[:n_times])
            return np.concatenate([functions.compute(x, cell, symbols, self._rows) for x, cell in frames])

        return grid_search(
            features, r.displacement, self._functions, self._folds(), spacings=spacings, cutoffs=cutoffs,
            penalties=penalties, thresholds=thresholds, kind=p["kind"], mobile=self._ion,
            label_method="quantile" if p["label"] == "quantile" else "threshold",
        )  # fmt: skip

    def _table(self) -> dict[str, Any]:
        r = self.results
        n_times, n_ions = r.softness.shape
        moved = np.full((n_times, n_ions), np.nan)
        classes = np.full((n_times, n_ions), -1)
        moved[: len(r.displacement)], classes[: len(r.displacement)] = r.displacement, r.labels.values
        return {
            "time": np.repeat(r.times, n_ions), "frame": np.repeat(r.frames, n_ions),
            "atom": np.tile(r.indices, n_times), "softness": r.softness.ravel(),
            "displacement": moved.ravel(), "class": classes.ravel(),
            "units": {"time": "ps", "displacement": "A" if self.parameters["power"] == "root" else "A^2"},
        }  # fmt: skip


def _one_species(symbols: Any) -> str:
    found = sorted(set(symbols.tolist()))
    if len(found) != 1:
        raise InputError(
            "mobile",
            need="ions of one species",
            got=", ".join(found),
            remedy="train a model for each species",
        )
    return str(found[0])


def _same_labels(trained: Softness, label: Any, value: Any) -> tuple[Any, Any]:
    """Mobile means the same displacement as in training, unless the user says otherwise."""
    if label is not None or value is not None:
        return label, value
    edges = trained.results.labels.thresholds
    return ("threshold", float(edges[0])) if len(edges) == 1 else ("classes", edges.tolist())
