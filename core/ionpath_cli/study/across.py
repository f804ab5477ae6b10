"""What is read from several runs together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath_cli.study.definition import ALL
from ionpath_cli.study.quantities import Rows, estimated, normal, pooled, quantity
from ionpath_cli.study.simulate import TOPOLOGY, TRAJECTORY
from ionpath_cli.study.tasks import DONE, QUANTITIES, Task, read_json, write_json

Arguments = Mapping[str, Any]
LEAST_SYSTEMS = 3
SIGNIFICANT = 0.05
SOFTNESS_FRAMES = 300


def analyse_across(task: Task, place: Path, inputs: list[Path]) -> None:
    """Do one analysis of several runs; each row names its system and temperature."""
    function = ACROSS[task.settings["analysis"]]
    arguments = {**task.settings["arguments"], "model": task.settings["model"], "path": task.options.get("path")}
    rows = function(inputs, place, arguments)
    labels = {"system": ALL, "temperature": 0.0, "arrangement": 0, "potential": task.settings["potential"]}
    write_json(place / QUANTITIES, [{**labels, **row} for row in rows])


def table(inputs: list[Path]) -> Rows:
    """Rows of all inputs with system, temperature and arrangement."""
    rows = []
    for place in inputs:
        settings = read_json(place / DONE)["settings"]
        labels = {key: settings[key] for key in ("system", "temperature", "arrangement", "potential")}
        rows += [{**row, **labels} for row in read_json(place / QUANTITIES)]
    return rows


def _mean(rows: Rows, name: str, system: str, temperature: float | None = None) -> Any:
    """One quantity of one system, over its arrangements."""
    from ionpath_cli.study.comparison import combine

    return combine(
        [r for r in rows if r["quantity"] == name and r["system"] == system and temperature in (None, r["temperature"])]
    )


def arrhenius(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Activation energies, and what they say of another temperature, with the covariance carried over."""
    from ionpath.transport import arrhenius as fit, meyer_neldel

    rows = table(inputs)
    target = float(arguments.get("temperature", 300.0))
    found: Rows = []
    lines = []
    for system in dict.fromkeys(row["system"] for row in rows):
        kelvins = sorted({row["temperature"] for row in rows if row["system"] == system})
        means = [(t, _mean(rows, "diffusion coefficient", system, t)) for t in kelvins]
        points = [(t, m.estimate.value, m.width) for t, m in means if m.estimate.value > 0 and m.width > 0]
        seen, all_of_them = (", ".join(f"{t:g}" for t in some) for some in ([p[0] for p in points], kelvins))
        note = f"diffusive at {seen or 'none'} of {all_of_them} K"
        if len(points) < 2:
            nan = float("nan")
            found.append({**quantity("activation energy", Estimate(nan, nan, nan, nan, "eV"), note), "system": system})
            continue
        line = fit(*map(np.array, zip(*points, strict=True)))
        lines.append(line)
        density = _mean(rows, "lithium density", system).estimate.value
        beyond = f"{note}; extrapolated, one barrier assumed"
        own = [
            quantity("activation energy", line.activation_energy, note),
            quantity("log prefactor", line.log_prefactor, note),
            {**quantity("diffusion coefficient", line.at(target), beyond), "temperature": target},
            {**quantity("conductivity", line.conductivity(target, density), beyond), "temperature": target},
        ]
        of_all = all(m.number > 1 for t, m in means if t in [p[0] for p in points])
        found += pooled(own, system=system) if of_all else [{**row, "system": system} for row in own]
    if len(lines) >= LEAST_SYSTEMS:
        from scipy.stats import chi2

        rule, freedom = meyer_neldel(lines), len(lines) - 2
        chance = float(chi2.sf(rule.chi_squared, freedom))
        note = f"{len(lines)} systems, chi-squared {rule.chi_squared:.3g}, isokinetic at {rule.temperature:.4g} K"
        found.append(quantity("Meyer-Neldel energy", rule.energy, note))
        # A rule that is not refuted may still be wrong: no lower end then.
        low = chance if chance < SIGNIFICANT else 0.0
        found.append(quantity("chance of the Meyer-Neldel rule", Estimate(chance, 0.0, low, chance), note))
    return found


def correlation(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Pearson correlation of a quantity with a number that is known for each system, with a 95 % interval of Fisher."""
    rows, against = table(inputs), dict(arguments["against"])
    points = [
        (float(against[system]), own.estimate.value)
        for system in dict.fromkeys(row["system"] for row in rows)
        if system in against and (own := _mean(rows, arguments["quantity"], system)) and np.isfinite(own.estimate.value)
    ]
    name = f"correlation of {arguments['quantity']} with {arguments['name']}"
    if len(points) < 4:
        nan = float("nan")
        return [quantity(name, Estimate(nan, nan, nan, nan), f"{len(points)} systems with a value, 4 are needed")]
    r = float(np.corrcoef(np.array(points).T)[0, 1])
    z, width = np.arctanh(np.clip(r, -0.999999, 0.999999)), 1.0 / np.sqrt(len(points) - 3)
    low, high = np.tanh([z - 1.96 * width, z + 1.96 * width])
    return [quantity(name, Estimate(r, float((1 - r**2) * width), float(low), float(high)), f"{len(points)} systems")]


def mixing(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Largest ideal entropy of anion mixing, and the excess at which its mean over inversions is largest; exact."""
    from ionpath.disorder import argyrodite_mixing_entropy

    ordered = float(max(argyrodite_mixing_entropy(0.0, y) for y in np.linspace(0.0, 1.0, 33)))
    steps = np.arange(0.0, 1.01, 0.125)
    means = {x: np.mean([argyrodite_mixing_entropy(x, y) for y in steps if y >= x - 1e-9]) for x in steps}
    best = max(means, key=lambda x: means[x])
    return [
        quantity("largest mixing entropy at x = 0", Estimate(ordered, 0.0, ordered, ordered, "R")),
        quantity("excess with the largest mean mixing entropy", Estimate(best, 0.0, best, best)),
    ]


def errors(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Errors of the potential on labelled frames that it was not trained on, for each structure by its tag."""
    from ionpath_ase import IonPath
    from ionpath_ase.training import read_frames

    calculator = IonPath(model=arguments["model"])
    found: dict[str, list[tuple[float, Any]]] = {ALL: []}
    for frame in read_frames(arguments["path"]):
        labels, energy = frame.get_forces(), frame.get_potential_energy()
        atoms = frame.copy()
        atoms.calc = calculator
        off = (1e3 * (atoms.get_potential_energy() - energy) / len(atoms), 1e3 * (atoms.get_forces() - labels).ravel())
        found[ALL].append(off)
        for system, pattern in dict(arguments.get("systems", {})).items():
            if re.search(pattern, str(frame.info.get("tag", ""))):
                found.setdefault(system, []).append(off)
    rows: Rows = []
    for system, offs in found.items():
        each = np.array([np.abs(f).mean() for _, f in offs])
        energies = np.abs([e for e, _ in offs])
        note, n = f"{len(offs)} frames that were not in training", len(offs) ** 0.5
        own = [
            quantity("force error", normal(each.mean(), each.std() / n, "meV/A"), note),
            quantity("force error, rms", _rms([(f**2).mean() for _, f in offs], "meV/A"), note),
            quantity("energy error, rms", _rms(energies**2, "meV/atom"), note),
            quantity("energy error", normal(energies.mean(), energies.std() / n, "meV/atom"), note),
        ]
        rows += pooled(own, system=system)
    return rows


def _rms(squares: Any, unit: str) -> Estimate:
    """Root of a mean of squares, one for each frame, with the error that follows from their scatter."""
    mean = float(np.mean(squares))
    return normal(mean**0.5, float(np.std(squares, ddof=1)) / len(squares) ** 0.5 / (2.0 * mean**0.5), unit)


def softness(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """One hyperplane for all runs: softness of each run, scores, weights, and what soft ions have around them."""
    import MDAnalysis as mda
    from MDAnalysis.analysis.softness import Softness

    # A run knows its system by its name alone: equal settings are equal runs, whatever they are called.
    names = [read_json(run / DONE)["name"] for run in inputs]
    runs = [_system_of(name) for name in names]
    universes = [mda.Universe(str(run / TOPOLOGY), str(run / TRAJECTORY)) for run in inputs]
    groups = {name: u.select_atoms("element Li") for name, u in zip(names, universes, strict=True)}
    step = max(max(1, u.trajectory.n_frames // SOFTNESS_FRAMES) for u in universes)
    options = {key: arguments[key] for key in ("mode", "label", "kind", "value") if key in arguments}
    chosen, reach = fitted(arguments.get("preset", "chen2025"), universes)
    found = Softness(groups, preset=chosen, nonaffine_cutoff=min(5.0, reach), verbose=False, **options).run(step=step)
    found.save(place / "softness.npz")
    r = found.results
    soft = r.softness if isinstance(r.softness, tuple) else (r.softness,)
    note = f"neighbours within {reach:g} A; "
    none = quantity("none", Estimate(0.0, 0.0, 0.0, 0.0))
    rows = [*_scores(r, [name for name, _ in runs], note), *_weights(r, note), none]
    for own, (system, arrangement) in zip(soft, runs, strict=True):
        ions = own.mean(axis=0)
        error = np.hypot(ions.std(ddof=1) / len(ions) ** 0.5, estimated(own.mean(axis=1)).error)
        labels = {"system": system, "arrangement": arrangement}
        rows.append({**quantity("mean softness", normal(ions.mean(), error), f"{note}{len(ions)} ions"), **labels})
    for kind in arguments.get("correlate", ()):
        rows += RELATIONS[kind](found, groups, step, {**arguments, "reach": min(5.0, reach)})
    return rows


def _system_of(name: str) -> tuple[str, int]:
    """System and arrangement of ``run/SYSTEM.ARRANGEMENT-TEMPERATURE``."""
    found = re.fullmatch(r"run/(.+)\.(\d+)-[^-]*K.*", name)
    if found is None:
        raise InputError("run", need="a record of a run of this study", got=name, remedy="run the study again")
    return found[1], int(found[2])


def fitted(name: Any, universes: Any) -> tuple[Any, float]:
    """Preset whose neighbours fit into half of the smallest cell, and how far they reach."""
    from ionpath.softness import preset
    from ionpath_cli.study.finished import widths

    species = tuple(sorted({str(e) for u in universes for e in u.atoms.elements}))
    chosen = preset(name, species)
    reach = min(chosen.functions.cutoff, round(0.49 * min(widths(u) for u in universes), 2))
    inside = tuple(mu for mu in chosen.functions.positions if mu <= reach)
    return replace(chosen, functions=replace(chosen.functions, positions=inside, cutoff=reach)), reach


def _scores(results: Any, systems: list[str], note: str) -> Rows:
    """Accuracy on ions and times that were not in training, in the whole and of each system."""
    scores, folds = results.scores, results.cross_validation
    error = float(folds.error) if folds is not None else float("nan")
    note += f"majority alone {scores.majority_accuracy:.2f}; other ions and times than in training"
    rows = [
        quantity("accuracy", normal(scores.accuracy, error), note),
        quantity("balanced accuracy", normal(scores.balanced_accuracy, error), note),
    ]
    for name in dict.fromkeys(systems):
        own = [one for one, system in zip(folds.by_system if folds else (), systems, strict=False) if system == name]
        if own:
            mean = float(np.average([one.accuracy for one in own], weights=[one.n_samples for one in own]))
            rows += pooled([quantity("accuracy", normal(mean, error), f"{note}; error of the whole")], system=name)
    return rows


def _weights(results: Any, note: str) -> Rows:
    """How much of the hyperplane's normal is of sulfur."""
    if results.weights is None:
        return []
    labels, w, e = results.weights.labels, results.weights.values, results.weights.errors
    sulfur = np.array([label.split()[0] == "S" for label in labels])
    share = float((w[sulfur] ** 2).sum() / (w**2).sum())
    slope = 2.0 * w * np.where(sulfur, 1.0 - share, -share) / (w**2).sum()
    error = float(np.sqrt(((slope * e) ** 2).sum()))
    return [quantity("share of Li-S in the weights", normal(share, error), f"{note}squares of W(r)")]


def _related(name: str, found: Any) -> Rows:
    """Coefficient over single ions and times, and over means in bins of softness, which published values are."""
    about = f"ions and times; means in {len(found.softness)} bins of softness: {found.binned:.2f}"
    single = quantity(f"correlation of softness with {name}", normal(found.samples, found.samples_error), about)
    return [single, quantity(f"correlation of softness with {name}, in bins", found.binned)]


def _with_anions(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    try:
        kinds = found.correlate_anions(cutoff=arguments["reach"])
    except InputError as error:  # one kind of anion only
        return [quantity("correlation of softness with anions", float("nan"), str(error))]
    return [row for kind, one in kinds.items() for row in _related(kind, one)]


def _with_order(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    from MDAnalysis.analysis.anion_disorder import AveragedSteinhardt

    made = [
        AveragedSteinhardt(g.universe.atoms, of=g, series=True, verbose=False).run(step=step) for g in groups.values()
    ]
    return _related("order", found.correlate(made if len(made) > 1 else made[0]))


def _with_volume(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    from MDAnalysis.analysis.anion_disorder import IonVoronoiVolume

    made = [IonVoronoiVolume(g, series=True, verbose=False).run(step=step) for g in groups.values()]
    return _related("volume", found.correlate(made if len(made) > 1 else made[0]))


def _with_energy(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    energies = found.potential_energies("ionpath", model=arguments["model"])
    return _related("energy", found.correlate(list(energies) if isinstance(energies, tuple) else energies))


def _with_rings(found: Any, groups: Any, step: int, arguments: Arguments) -> Rows:
    """Rings of more than 8 atoms that the sulfur atoms next to an ion belong to, means over the run."""
    from MDAnalysis.analysis.anion_disorder import RingTopology
    from MDAnalysis.lib.distances import capped_distance

    values = []
    for ions in groups.values():
        universe = ions.universe
        rings = RingTopology(universe.atoms, verbose=False).run(step=max(1, universe.trajectory.n_frames // 25))
        sulfur, total = universe.select_atoms("element S"), np.zeros(len(ions))
        for ts in universe.trajectory[:: max(1, universe.trajectory.n_frames // 25)]:
            pairs = capped_distance(ions, sulfur, 3.2, box=ts.dimensions, return_distances=False)
            counts = np.maximum(np.bincount(pairs[:, 0], minlength=len(ions)), 1)
            total += np.bincount(pairs[:, 0], rings.results.membership[sulfur.ix][pairs[:, 1]], len(ions)) / counts
        values.append(total)
    return _related("rings", found.correlate(values if len(values) > 1 else values[0]))


RELATIONS: dict[str, Callable[[Any, Any, int, Arguments], Rows]] = {
    "anions": _with_anions,
    "order": _with_order,
    "volume": _with_volume,
    "energy": _with_energy,
    "rings": _with_rings,
}
"""What softness can be correlated with."""


def expansion(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Cluster expansion of relaxed arrangements of the cubic cell, on lithium's sites before relaxation."""
    from ase.optimize import LBFGS
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import IonPath
    from pymatgen.analysis.argyrodite import AnionClusterExpansion, EnumerateSiteInversionTransformation, argyrodite

    draw = EnumerateSiteInversionTransformation(
        x_excess=arguments["x_excess"], lithium_orderings=True, max_structures=arguments["structures"], seed=1
    )
    structures = [e["structure"] for e in draw.apply_transformation(argyrodite(), return_ranked_list=True)]
    energies, calculator = [], IonPath(model=arguments["model"])
    for structure in structures:
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        atoms.calc = calculator
        if arguments["relax"]:
            LBFGS(atoms, logfile=None).run(fmax=0.03, steps=arguments["relax"])
        energies.append(float(atoms.get_potential_energy()))
    np.savez_compressed(place / "energies.npz", energies=energies)
    found = AnionClusterExpansion.fit(structures, energies)
    note = f"{len(structures)} structures of the cubic cell, {arguments['relax']} steps of relaxation in a fixed cell"
    # Each prediction is of a structure left out; a root of a mean of n squares scatters by 1 / sqrt(2 n).
    error = found.validation_error / (2.0 * len(structures)) ** 0.5
    n = found.n_functions
    return pooled(
        [
            quantity("functions", Estimate(n, 0.0, n, n), note),
            quantity("error of prediction", normal(found.validation_error, error, "meV"), f"{note}; left out in turn"),
            quantity("error of fit", normal(found.training_error, error, "meV"), note),
        ]
    )


ACROSS: dict[str, Callable[[list[Path], Path, Arguments], Rows]] = {
    "arrhenius": arrhenius,
    "correlation": correlation,
    "mixing": mixing,
    "errors": errors,
    "softness": softness,
    "network": softness,
    "melts": errors,
    "expansion": expansion,
}
"""Name -> function of folders, its own folder, and arguments."""
