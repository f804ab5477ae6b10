"""What is read from several runs together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ase.optimize import LBFGS
from pymatgen.io.ase import AseAtomsAdaptor
from scipy.stats import chi2

from ionpath.disorder import argyrodite_mixing_entropy
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.files import atomic_path
from ionpath.transport import arrhenius as fit, meyer_neldel, nernst_einstein
from ionpath_ase import IonPath
from ionpath_ase.training import read_frames
from ionpath_cli.intact import DONE, QUANTITIES, read_json, write_json
from ionpath_cli.study.comparison import combine
from ionpath_cli.study.definition import ALL
from ionpath_cli.study.quantities import Rows, pooled, quantity, scattered, student
from ionpath_cli.study.registry import ACROSS, function_of
from ionpath_cli.study.tasks import Task
from pymatgen.analysis.argyrodite import AnionClusterExpansion, EnumerateSiteInversionTransformation, argyrodite

Arguments = Mapping[str, Any]
LEAST_SYSTEMS = 3
SIGNIFICANT = 0.05


def analyse_across(task: Task, place: Path, inputs: list[Path]) -> None:
    """Do one analysis of several runs; each row names its system and temperature."""
    function = function_of(ACROSS[task.settings["analysis"]])
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
    return combine(
        [r for r in rows if r["quantity"] == name and r["system"] == system and temperature in (None, r["temperature"])]
    )


def arrhenius(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Activation energies, and what they say of another temperature, with the covariance carried over."""
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
            own = [quantity("activation energy", Estimate(nan, nan, nan, nan, "eV"), note)]
            own += _bounds(rows, system, target, [t for t, m in means if math.isfinite(m.estimate.high)])
            found += [{**row, "system": system} for row in own]
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
    return found + _compensation(lines)


def _compensation(lines: list[Any]) -> Rows:
    """Whether prefactors rise with barriers, or why the lines do not tell."""
    name = "chance of the Meyer-Neldel rule"
    if len(lines) < LEAST_SYSTEMS:
        said = f"{len(lines)} systems with a barrier and a prefactor, {LEAST_SYSTEMS} are needed"
        return [quantity(name, float("nan"), said)]
    try:
        rule = meyer_neldel(lines)
    except InputError as error:
        return [quantity(name, float("nan"), str(error))]
    chance = float(chi2.sf(rule.chi_squared, len(lines) - 2))
    note = f"{len(lines)} systems, chi-squared {rule.chi_squared:.3g}, isokinetic at {rule.temperature:.4g} K"
    # A rule that is not refuted may still be wrong: no lower end then.
    low = chance if chance < SIGNIFICANT else 0.0
    return [
        quantity("Meyer-Neldel energy", rule.energy, note),
        quantity(name, Estimate(chance, 0.0, low, chance), note),
    ]


def _bounds(rows: Rows, system: str, target: float, kelvins: list[float]) -> Rows:
    """What the coldest run that is not below a temperature says of it: diffusion only slows down on the way."""
    hotter = [t for t in kelvins if t >= target]
    if not hotter:
        return []
    mean = _mean(rows, "diffusion coefficient", system, min(hotter)).estimate
    density = _mean(rows, "lithium density", system, min(hotter)).estimate.value
    top = replace(mean, value=math.nan, error=math.nan, low=0.0)
    note = f"not above the bound at {min(hotter):g} K"
    made = {"diffusion coefficient": top, "conductivity": nernst_einstein(top, density, target)}
    return [{**quantity(name, value, note), "temperature": target} for name, value in made.items()]


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
        note = f"{len(offs)} frames that were not in training"
        own = [
            quantity("force error", scattered(each, "meV/A"), note),
            quantity("force error, rms", _rms([(f**2).mean() for _, f in offs], "meV/A"), note),
            quantity("energy error, rms", _rms(energies**2, "meV/atom"), note),
            quantity("energy error", scattered(energies, "meV/atom"), note),
        ]
        rows += pooled(own, system=system)
    return rows


def _rms(squares: Any, unit: str) -> Estimate:
    """Root of a mean of squares, one for each frame, with the error that follows from their scatter."""
    mean = scattered(squares)
    root = mean.value**0.5
    return student(root, mean.error / (2.0 * root) if root > 0.0 else mean.error, len(squares), unit)


def _rms_of(root: float, number: int, unit: str) -> Estimate:
    """Root of a mean of so many squares of normal residuals, with the interval that follows from chi-squared."""
    low, high = (root * float(number / chi2.ppf(q, number)) ** 0.5 for q in (0.975, 0.025))
    return Estimate(root, root / (2.0 * number) ** 0.5, low, high, unit)


def expansion(inputs: list[Path], place: Path, arguments: Arguments) -> Rows:
    """Cluster expansion of relaxed arrangements of the cubic cell, on lithium's sites before relaxation."""
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
    with atomic_path(place / "energies.npz") as part:
        np.savez_compressed(part, energies=energies)
    found = AnionClusterExpansion.fit(structures, energies)
    note = f"{len(structures)} structures of the cubic cell, {arguments['relax']} steps of relaxation in a fixed cell"
    n, each = found.n_functions, len(structures)
    return pooled(
        [
            quantity("functions", Estimate(n, 0.0, n, n), note),
            quantity("error of prediction", _rms_of(found.validation_error, each, "meV"), f"{note}; left out in turn"),
            quantity("error of fit", _rms_of(found.training_error, each, "meV"), note),
        ]
    )
