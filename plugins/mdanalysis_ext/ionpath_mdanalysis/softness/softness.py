"""Softness of every ion in every frame, from a classifier trained here or elsewhere, on one system or several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack

import numpy as np
from MDAnalysis.analysis.results import Results

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError, positive, whole
from ionpath.softness.correlation import Correlation
from ionpath.softness.grid import GridSearch
from ionpath.softness.presets import Preset, PresetName
from ionpath.softness.rearrangement import RearrangementProbability, rearrangement_probability
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import IonAnalysis
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder.layers import Axis
from ionpath_mdanalysis.softness import _figures, _frames_again, _learning, _relations
from ionpath_mdanalysis.softness._frames_again import System, chosen_of, systems_of
from ionpath_mdanalysis.softness._increments import Surroundings
from ionpath_mdanalysis.softness._learning import learnt_from, table_of
from ionpath_mdanalysis.softness._settings import SoftnessOptions, groups_of, one_species, settle
from ionpath_mdanalysis.softness.profile import layer_means


@typed
@references("cubuk2015", "chen2025", "chen2023", "guan2024", "falk1998", "scikit-learn")
class Softness(IonAnalysis):
    """Softness of mobile ions: which surroundings come before motion.

    Parameters
    ----------
    mobile : AtomGroup or Universe, sequence or dict of them
        The mobile ions, of one species; the lithium ions of a universe. Several trajectories, of one material or of
        many, are learnt from together, on one hyperplane; a dict names them.
    atoms : AtomGroup, optional
        Atoms that count as neighbours, or a sequence of one for each trajectory; default: all of the universe.
    preset : {"chen2025", "chen2023", "guan2024"} or Preset
        Structure functions, classifier and test split, see `ionpath.softness.preset`.
    mode : {"correct", "published"}
        Corrected settings, or those of the paper.
    lag : int, optional
        Interval over which D2min is taken, in analysed frames; default: 10, or that of `model`.
    window : int, optional
        Intervals after a frame whose displacements are summed for its label; default: 1, or that of `model`.
    label : {"quantile", "threshold", "classes"}, optional
        What makes an ion mobile, see `ionpath.softness.label_ions`; default: a quantile, or the threshold of
        `model`.
    value : float or sequence of float, optional
        The quantile (default 0.5), threshold (A), or edges (A) or number of classes (default 5 of equal size; as
        published by ``guan2024``: edges every 10 A^2) of the summed displacement.
    model : SoftnessModel or Softness, optional
        Apply this model and do not train. A `Softness` that was run hands on its lag, its window and its threshold
        of mobility as well, so that mobile means the same.
    n_folds : int, default 5
        Folds of cross-validation.
    n_groups : int, default 10
        Groups of ions left out for the errors of W(r); 0 leaves the errors out.
    **options
        In place of the preset's: ``functions`` (StructureFunctions), ``kind`` ("logistic", "linear-svm", "rbf-svm" or
        "mlp"), ``penalty`` (C of the classifier), ``nonaffine_cutoff`` (neighbours of the affine fit in A), ``split``
        ("ion-and-time", "ion", "time" or "random": what test samples do not share with training samples). ``seed`` of
        the split and the network. ``most`` ions and times whose surroundings are kept of each trajectory (default
        250,000): longer ones are sampled evenly in time. ``frame_time`` (one, or one for each trajectory),
        ``chunk_frames``, ``verbose``: see `IonAnalysis`.

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
        Scores beside the majority baseline, with those of each system; None if a model was applied.
    results.scores : ionpath.softness.Scores
        Test scores: held-out folds, or these whole trajectories for a model trained elsewhere.
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
    results.every : int
        Surroundings were measured at every so many intervals.
    results.names : tuple of str
        Names of the systems. With more than one, ``softness``, ``decision``, ``displacement``, ``labels``, ``times``,
        ``frames`` and ``indices`` are tuples of one for each.

    Raises
    ------
    InputError
        If there is one class only, a species is absent, an ion has too few neighbours, a cutoff reaches beyond half
        of the cell, wrapped atoms move by nearly half of the cell between two frames, or a model does not belong to
        these ions, species or functions.

    Notes
    -----
    A sample is an ion at the beginning of an interval: its structure functions then, and the displacement of its
    surroundings after. Memory: 4 bytes for each ion, interval and structure function that is kept.
    The quantile is that of all samples of all systems, so that classes are balanced in the whole, not in each fold or
    system. A species that is absent from one of several systems has zero neighbours there. `correlate` relates softness
    to order parameters, energies, anions and series of other analyses. There is a warning where test scores are no
    better, within their error, than those of naming one class for all: nothing follows from such a softness.

    Examples
    --------
    >>> from ionpath.softness import StructureFunctions
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(200, inside=0.002, across=0.001)  # ions that are off their sites go back
    >>> soft = Softness(u.select_atoms("name Li"), lag=1, nonaffine_cutoff=9.0,
    ...                 functions=StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=8.0))
    >>> soft.run().results.softness.shape
    (200, 24)
    """

    _keywords = tuple(SoftnessOptions.__annotations__)
    _systems: tuple[Surroundings, ...] = ()

    def __init__(
        self,
        mobile: Any,
        atoms: Any = None,
        *,
        preset: PresetName | Preset = "chen2025",
        mode: Literal["correct", "published"] = "correct",
        lag: int | None = None,
        window: int | None = None,
        label: Literal["quantile", "threshold", "classes"] | None = None,
        value: float | Sequence[float] | None = None,
        model: Any = None,
        n_folds: int = 5,
        n_groups: int = 10,
        **options: Unpack[SoftnessOptions],
    ) -> None:
        names, groups, others = groups_of(mobile, atoms)
        symbols = [_checks.elements_of(group, "atoms") for group in others]
        self._ion = one_species(groups)
        chosen, self._model, parameters, rest = settle(
            preset, symbols, self._ion, dict(options), mode=mode, lag=lag, window=window, label=label, value=value,
            model=model,
        )  # fmt: skip
        parameters |= {
            "n_folds": whole("n_folds", n_folds, 2), "n_groups": whole("n_groups", n_groups, 0), "names": names,
        }  # fmt: skip
        times = rest.pop("frame_time", None)
        frame_times = list(times) if np.ndim(times) else [times] * len(groups)
        if len(frame_times) != len(groups):
            raise InputError("frame_time", need=f"one, or {len(groups)}", got=str(len(frame_times)))
        super().__init__(groups[0], {"atoms": others[0]}, parameters=parameters, frame_time=frame_times[0], **rest)
        if len(groups) > 1:
            chosen.functions.codes(np.concatenate(symbols))  # a species that no system has is refused
        kept = ("lag", "window", "nonaffine_cutoff", "power", "most")
        self._systems = tuple(
            Surroundings(
                group, everything, chosen.functions, absent=len(groups) > 1 or self._model is not None,
                frame_time=time, **{key: parameters[key] for key in kept}, **rest,
            )
            for group, everything, time in zip(groups, others, frame_times, strict=True)
        )  # fmt: skip

    def run(self, *args: Any, **kwargs: Any) -> Softness:
        """Read all trajectories with the arguments of `IonAnalysis.run`, train, and evaluate softness."""
        if not self.groups:
            return super().run(*args, **kwargs)
        for system in self._systems:
            system.run(*args, **kwargs)
        first, read = self._systems[0], [system.results for system in self._systems]
        lags = [r.lag_time for r in read]
        if not np.allclose(lags, lags[0], rtol=1e-6):
            got = ", ".join(f"{t:g} ps" for t in lags)
            remedy = "give frame_time, or read with a step, so that frames lie equally far apart"
            raise InputError("lag", need="the same time in all systems", got=got, remedy=remedy)
        for name in ("frames", "times", "n_frames", "frame_time", "start", "stop", "step"):
            setattr(self, name, getattr(first, name, None))
        self.results = Results()
        self._describe()
        self._learn(read)
        for system in self._systems:
            system.results = Results()  # structure functions need not be kept
        return self

    def _learn(self, read: list[Any]) -> None:
        self.results.update(learnt_from(read, self.parameters, self._model, self._ion))
        n_classes = max(int(s.classes.max()) for s in self._each()) + 1
        varies = np.ptp(np.concatenate([s.softness[: len(s.classes)].ravel() for s in self._each()])) > 0
        two = max(n_classes, self.results.model.n_classes) == 2
        self.results.probability = self._rearrangement(None, 12) if two and varies else None
        _learning.warn_of_chance(self.results.scores, self.results.cross_validation)

    def _each(self) -> list[System]:
        """The systems beside their results."""
        self._require_results()
        return systems_of(self.results, self._systems)

    def _headline(self) -> dict[str, Any]:
        s, decision = self.results.scores, self.results.decision
        tested = "on this trajectory" if self.parameters["applied"] else "held out"
        each = decision if isinstance(decision, tuple) else (decision,)
        return {
            "soft ions": ", ".join(f"{100 * float((d > 0).mean()):.1f} %" for d in each),
            f"accuracy {tested}": s.accuracy,
            "majority class alone": s.majority_accuracy,
            "balanced accuracy": s.balanced_accuracy,
            "MCC": s.matthews,
        }

    def rearrangement_probability(self, edges: Any = None, *, n_bins: int = 12) -> RearrangementProbability:
        """P_R(S) with other bins: their edges, or a number of them; InputError if there are more than two classes."""
        systems = self._each()
        n_classes = max(int(s.classes.max()) for s in systems) + 1
        if n_classes > 2 or self.results.model.n_classes > 2:
            raise InputError("labels", need="two classes", got=str(max(n_classes, self.results.model.n_classes)))
        return self._rearrangement(edges, n_bins)

    def _rearrangement(self, edges: Any, n_bins: int) -> RearrangementProbability:
        soft, classes = (
            np.concatenate([x.ravel() for x in part])
            for part in zip(*((s.softness[: len(s.classes)], s.classes) for s in self._each()), strict=True)
        )
        return rearrangement_probability(soft, classes, edges=edges, n_bins=n_bins)

    def correlate(self, quantity: Any, *, n_bins: int = 20) -> Correlation:
        """Correlate softness with another quantity, by sample, by ion and in bins of softness.

        The quantity is an array (n_times, n_ions); the name of an order parameter of an installed package; an analysis
        that was run with ``series=True``; or an ASE calculator with energies of single atoms, or its name. With several
        systems it is a list of one for each, or a name for all. Returns an `ionpath.softness.Correlation`.
        """
        return _relations.correlate(self._each(), quantity, n_bins)

    def potential_energies(self, calculator: Any = "ionpath", *, verbose: bool = False, **options: Any) -> Any:
        """Potential energy in eV of each ion at the times of the softness, (n_times, n_ions).

        Of several systems it is a tuple. `calculator` has energies of single atoms, or is the name or class of one that
        takes `options`; how a potential shares the energy among atoms is its own choice. One frame after another is
        read; `verbose` shows a progress bar.
        """
        return _relations.potential_energies(self._each(), calculator, verbose=verbose, **options)

    def correlate_anions(
        self,
        kinds: str | Sequence[str] | None = None,
        *,
        cutoff: float = 5.0,
        centre_species: str | Sequence[str] = "P",
        ligand_species: str | Sequence[str] = "S",
        bond: float = 2.6,
        centre_bond: float = 2.6,
        n_bins: int = 20,
    ) -> dict[str, Correlation]:
        """Correlate softness with the kinds of anions around each ion: kind -> `ionpath.softness.Correlation`.

        By default with all kinds whose share varies. Ligands within `cutoff` of an ion count; `bond` and `centre_bond`
        are the longest bonds between a centre and a ligand, and between two centres, all in A.
        """
        return _relations.correlate_anions(
            self._each(), kinds, n_bins, cutoff=cutoff, centres=centre_species, ligands=ligand_species, bond=bond,
            centre_bond=centre_bond,
        )  # fmt: skip

    def correlate_rings(
        self,
        *,
        cutoff: float = 3.2,
        network: Sequence[str] = ("P", "S"),
        ligands: str = "S",
        frames: int = 25,
        n_bins: int = 20,
    ) -> Correlation:
        """Correlate softness with the large rings around each ion, as an `ionpath.softness.Correlation`.

        Counted are the rings of more than 8 atoms (`ionpath.structure.persistent_rings` of the elements of `network`)
        to which each of the `ligands` within `cutoff` A of an ion belongs, at `frames` times of each trajectory.
        """
        positive("cutoff", cutoff, "A")
        return _relations.correlate_rings(
            self._each(), n_bins, whole("frames", frames), cutoff=cutoff, network=network, ligands=ligands
        )

    def grid_search(self, **axes: Sequence[float]) -> GridSearch:
        """Held-out scores with other parameters on the frames of the run.

        Axes are ``spacings``, ``cutoffs`` (A), ``penalties`` (C), ``thresholds`` (quantiles, or displacements if labels
        were made by threshold).
        """
        return _learning.grid_search(self, self._each(), **axes)

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the distribution of softness of ions that then moved, and of those that did not."""
        folds = self.results.get("cross_validation")
        error = float("nan") if folds is None else float(folds.error)
        _figures.distribution(ax, self._each(), self.results.scores, error)

    @figure()
    def plot_weights(self, ax: Any = None) -> Any:
        """Plot W(r) of each species with its errors."""
        _figures.weights(ax, self.results)

    @figure()
    def plot_probability(self, ax: Any = None) -> Any:
        """Plot the probability of rearrangement against softness."""
        _figures.probability(ax, self.rearrangement_probability())

    @figure()
    def plot_structure(self, frame: int = 0, ax: Any = None, *, axis: str = "z", system: int | str = 0) -> Any:
        """Plot the structure at one of the times of the softness, with ions coloured by it.

        `axis` is the Cartesian direction of view, `system` the number or name of one of several.
        """
        chosen = self._system(system, "plot_structure")
        positions, cell = next(iter(chosen.read([int(chosen.frames[frame])])))
        _figures.structure(ax, positions, cell, chosen.rows, chosen.softness[frame], axis)

    @figure()
    def plot_profile(self, ax: Any = None, *, axis: Axis = "y", bins: int = 20, system: int | str = 0) -> Any:
        """Plot the mean softness in layers across a cell, S(y); `axis` is the cell vector that counts the layers.

        `system` is the number or name of one of several.
        """
        self._system(system, "plot_profile")
        found = layer_means(self, axis=axis, bins=bins, system=system)
        ax.errorbar(found.y, found.mean, found.error, fmt="o-", ms=3)
        ax.set(xlabel="position (Å)", ylabel="softness")

    def _system(self, system: int | str, what: str) -> System:
        return chosen_of(self._each(), system, what)

    @figure()
    def plot_correlation(self, quantity: Any, ax: Any = None, *, name: str = "quantity") -> Any:
        """Plot a quantity that `correlate` takes, or its result, against softness in bins; `name` labels the axis."""
        found = quantity if isinstance(quantity, Correlation) else self.correlate(quantity)
        _figures.correlation(ax, found, name)

    @figure()
    def plot_grid(self, search: GridSearch, ax: Any = None, *, x: str = "cutoff", y: str = "spacing") -> Any:
        """Plot the scores of a `grid_search` over two of its axes, at the best place of the others.

        `x` and `y` are two of spacing, cutoff, penalty and threshold.
        """
        _figures.grid(ax, search, x, y)

    def write_extxyz(self, path: Any) -> None:
        """Write the structures with the softness of each ion, atomically."""
        _frames_again.write_extxyz(self._each(), path)

    def _table(self) -> dict[str, Any]:
        unit = "A" if self.parameters["power"] == "root" else "A^2"
        return {**table_of(self._each()), "units": {"time": "ps", "displacement": unit}}
