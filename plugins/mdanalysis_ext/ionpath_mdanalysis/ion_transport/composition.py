"""Conductivity over composition and disorder, as a line and as a map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import InputError, positive
from ionpath.estimate import Estimate, combine
from ionpath.lines import LinearFit
from ionpath_mdanalysis import _plots
from ionpath_mdanalysis.ion_transport.activation import _temperature, extrapolate
from ionpath_mdanalysis.ion_transport.diffusion import IonDiffusion


@typed
@references("jang2025")
def plot_conductivity_map(
    points: Mapping[tuple[float, float], Any],
    temperature: float | None = None,
    ax: Any = None,
    *,
    labels: tuple[str, str] = ("excess halide x", "inversion y"),
) -> Any:
    """Draw conductivities over two quantities, such as excess halide and inversion.

    Parameters
    ----------
    points : mapping of (float, float) to Estimate, IonDiffusion or sequence of IonDiffusion
        What was found at each (x, y): a conductivity, a finished run, or several finished runs. Runs at `temperature`
        are averaged over their arrangements; runs at other temperatures are carried to it by `extrapolate`.
    temperature : float, optional
        In K; may be left out if all runs have the same.
    ax : matplotlib.axes.Axes, optional
        Where to draw; new axes by default.
    labels : tuple of str
        Names of both quantities.

    Returns
    -------
    matplotlib.axes.Axes
        With a square for each point: its colour is the conductivity on a logarithmic scale, its text that number and
        its standard error, in mS/cm. Bounds, and what could not be determined, have no colour; a star stands for the
        verdicts in the title.

    Raises
    ------
    InputError
        If there is no point, a point has no run, runs differ in temperature and none is named, or a conductivity has
        another unit.

    Notes
    -----
    Jang et al., J. Mater. Chem. A 13, 16547 (2025), show such a map at 300 K. One arrangement for each point says
    nothing of the scatter between arrangements, which can be larger than the differences in the map.

    Examples
    --------
    >>> from ionpath.estimate import Estimate
    >>> nan = float("nan")
    >>> ordered, mixed = Estimate(nan, nan, 0.0, 3.0, "mS/cm"), Estimate(21.0, 2.0, 17.0, 25.0, "mS/cm")
    >>> known = {(0.0, 0.0): ordered, (0.5, 0.5): mixed}
    >>> [text.get_text() for text in plot_conductivity_map(known, 300.0).texts]
    ['< 3', '21\\n± 2']
    """
    at, found = _found(points, temperature)
    ax = _axes(ax)
    known = {point: e.value for point, e in found.items() if math.isfinite(e.value) and e.value > 0}
    square = {"marker": "s", "s": 1100, "edgecolors": "0.5", "linewidths": 0.5}
    rest = [point for point in found if point not in known]
    if rest:
        ax.scatter(*zip(*rest, strict=True), facecolors="none", **square)
    if known:
        low, high = min(known.values()), max(known.values())
        from matplotlib.colors import LogNorm

        scale = LogNorm(low, high if high > low else 1.01 * low)
        image = ax.scatter(*zip(*known, strict=True), c=list(known.values()), norm=scale, cmap="viridis", **square)
        ax.figure.colorbar(image, ax=ax, label="conductivity (mS/cm)")
    for point, estimate in found.items():
        words = str(estimate.to("mS/cm")).split(" (")[0] if point in known else str(estimate)
        shown = words.replace(" mS/cm", "").replace(" ±", "\n±")
        dark = point in known and math.log(known[point]) < 0.5 * (math.log(low) + math.log(high))
        shown += "*" if point in known and estimate.verdict else ""
        ax.text(*point, shown, ha="center", va="center", fontsize=6, color="white" if dark else "black")
    ax.set(xlabel=labels[0], ylabel=labels[1], title=_title(at, found))
    ax.margins(0.2)
    return ax


@typed
@references("jang2025")
def plot_conductivity_line(
    points: Mapping[float, Any],
    temperature: float | None = None,
    ax: Any = None,
    *,
    label: str = "inversion y",
    line: LinearFit | None = None,
) -> Any:
    """Draw conductivities against one quantity, such as inversion or an entropy of mixing.

    Parameters
    ----------
    points, temperature, ax
        As in `plot_conductivity_map`, with one number for each point.
    label : str
        Name of the quantity.
    line : LinearFit, optional
        A line to draw, such as `ionpath.lines.linear_fit` fits to the numbers.

    Returns
    -------
    matplotlib.axes.Axes
        With 95 % intervals; bounds are arrows that point down, and stars stand for the verdicts in the title.

    Raises
    ------
    InputError
        As `plot_conductivity_map`.

    Examples
    --------
    Jang et al. (2025) find a conductivity that is linear in the entropy of mixing:

    >>> from ionpath.disorder import argyrodite_mixing_entropy
    >>> from ionpath.estimate import Estimate
    >>> from ionpath.lines import linear_fit
    >>> sigma = {y: Estimate(v, 1.0, v - 2, v + 2, "mS/cm") for y, v in ((0.0, 1.0), (0.25, 12.2), (0.5, 15.1))}
    >>> by_entropy = {float(argyrodite_mixing_entropy(0.0, y)): found for y, found in sigma.items()}
    >>> fit = linear_fit(list(by_entropy), list(by_entropy.values()))
    >>> print(fit.slope, "for each R per formula unit")
    10.11 ± 0.96 mS/cm for each R per formula unit
    >>> plot_conductivity_line(by_entropy, 300.0, label="mixing entropy (R)", line=fit).get_title()
    '300 K'
    """
    at, found = _found(points, temperature)
    ax = _axes(ax)
    known = {x: e for x, e in found.items() if math.isfinite(e.value)}
    ends = [[abs(e.value - e.low) for e in known.values()], [abs(e.high - e.value) for e in known.values()]]
    ax.errorbar(list(known), [e.value for e in known.values()], ends, fmt="o", capsize=3)
    bounds = {x: e.high for x, e in found.items() if x not in known and math.isfinite(e.high)}
    if bounds:
        ax.plot(list(bounds), list(bounds.values()), marker=r"$\downarrow$", ls="", ms=10, color="0.4", label="bound")
        ax.legend()
    if line is not None:
        ends_of_line = [min(found), max(found)]
        ax.plot(ends_of_line, [line.at(x).value for x in ends_of_line], "--", color="0.4")
    doubted = {x: e.value for x, e in known.items() if e.verdict}
    if doubted:
        ax.plot(list(doubted), list(doubted.values()), "*", color="white", mec="black", ms=9, zorder=5)
    ax.set(xlabel=label, ylabel="conductivity (mS/cm)", title=_title(at, found))
    return ax


def _axes(ax: Any) -> Any:
    """Axes that were given, or new ones."""
    ax = _plots.new_axes(ax, figsize=(5.2, 4.2))
    if not hasattr(ax, "errorbar"):
        raise InputError("ax", need="axes of matplotlib", got=repr(ax)[:40], remedy="leave it out for new ones")
    return ax


def _title(at: float | None, found: Mapping[Any, Estimate]) -> str:
    """Temperature, and what the stars of a figure stand for."""
    verdicts = dict.fromkeys(e.verdict for e in found.values() if math.isfinite(e.value) and e.verdict)
    return "\n".join(filter(None, ("" if at is None else f"{at:g} K", f"* {'; '.join(verdicts)}" if verdicts else "")))


def _found(points: Mapping[Any, Any], temperature: float | None) -> tuple[float | None, dict[Any, Estimate]]:
    """The temperature of a figure, and its conductivities."""
    if not points:
        raise InputError("points", need="at least one place with its runs", got="none", remedy="pass a dict of them")
    at = _common(points) if temperature is None else positive("temperature", temperature, "K")
    return at, {point: _conductivity(runs, at) for point, runs in points.items()}


def _runs_of(runs: Any) -> list[IonDiffusion]:
    each = [runs] if isinstance(runs, IonDiffusion) else runs
    if not isinstance(each, (list, tuple)) or not each or not all(isinstance(run, IonDiffusion) for run in each):
        need = "an Estimate, an IonDiffusion or a list of these for each place"
        raise InputError("points", need=need, got=repr(runs)[:80], remedy="leave out points without a run")
    return list(each)


def _common(points: Mapping[Any, Any]) -> float | None:
    """The temperature of all runs; none where there are only numbers."""
    runs = [run for each in points.values() if not isinstance(each, Estimate) for run in _runs_of(each)]
    kelvins = sorted({_temperature(run) for run in runs})
    if len(kelvins) > 1:
        several = ", ".join(f"{kelvin:g}" for kelvin in kelvins)
        got = f"none, and runs at {several} K"
        remedy = "pass temperature=300, to which they are extrapolated"
        raise InputError("temperature", need="one, as runs have several", got=got, remedy=remedy)
    return kelvins[0] if kelvins else None


def _conductivity(found: Any, temperature: float | None) -> Estimate:
    if isinstance(found, Estimate):
        return found.to("mS/cm")
    runs = _runs_of(found)
    if {_temperature(run) for run in runs} != {temperature}:
        return extrapolate(runs, float(temperature or 0)).conductivity
    each = [run.results.conductivity for run in runs]
    return combine(each) if len(each) > 1 else each[0]
