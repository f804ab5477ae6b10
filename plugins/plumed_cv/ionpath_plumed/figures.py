"""Figures and files of free energies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.constants import BOHR
from ionpath.errors import InputError, require
from ionpath.files import atomic_path, marked
from ionpath.free_energy import BarrierSeries, FreeEnergySurface
from ionpath_plumed.results import MetadynamicsResult

PLOTS = "pip install matplotlib"
LABELS = {
    "d1": "distance to centre 1 (Å)", "d2": "distance to centre 2 (Å)", "theta": "polar angle (rad)",
    "phi": "azimuthal angle (rad)", "s": "progress along the path (node)", "z": "distance from the path (Å)",
    "x": "x (Å)", "y": "y (Å)",
}  # fmt: skip


def axis_label(name: str) -> str:
    """Label of an axis from the name of a variable.

    >>> axis_label("cage.py-d1")
    'distance to centre 1 (Å)'
    """
    return LABELS.get(name.split(".py-")[-1], name)


def plot_surface(result: MetadynamicsResult, *, ax: Any = None, title: str = "", top: float = 120.0) -> Any:
    """Draw the free energy of one or two variables, with basins and the minimum path."""
    plt = require("matplotlib.pyplot", purpose="figures", install=PLOTS)
    surface = result.surface
    if ax is None:
        _, ax = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
    values = surface.values
    while values.ndim > 2:
        values = values.min(axis=-1)
    finite = values[np.isfinite(values)]
    if values.ndim == 1:
        ax.plot(surface.axes[0], np.where(np.isfinite(values), values, np.nan))
        ax.set_ylabel("free energy (kJ/mol)")
    else:
        shown = np.ma.masked_invalid(values.T)
        high = max(min(top, float(finite.max())), 1.0)
        filled = ax.contourf(surface.axes[0], surface.axes[1], shown, np.linspace(0, high, 25), cmap="viridis")
        ticker = require("matplotlib.ticker", purpose="figures", install=PLOTS)  # levels end at no round number
        ax.figure.colorbar(filled, ax=ax, label="free energy (kJ/mol)", ticks=ticker.MaxNLocator(8))
        ax.set_ylabel(axis_label(surface.names[1]))
    if result.path is not None:
        points = result.path.points
        along = points[:, 1] if values.ndim == 2 else result.path.energies - _surface_low(result)
        wide = [np.inf if period is None else 0.5 * period for period in result.surface.periods]
        ends = np.flatnonzero((np.abs(np.diff(points, axis=0)) > wide).any(axis=1)) + 1  # it goes on at the other side
        x, along = (np.insert(column, ends, np.nan) for column in (points[:, 0], along))
        ax.plot(x, along, "w-" if values.ndim == 2 else "k--", lw=1.5, label="minimum free-energy path")
        saddle = np.array(result.path.saddle)
        if values.ndim == 2:
            ax.plot(saddle[0], saddle[1], "wx")
    ax.set_xlabel(axis_label(surface.names[0]))
    ax.set_title("\n".join(filter(None, (title, _caption(result)))), fontsize=9)
    return ax


def _surface_low(result: MetadynamicsResult) -> float:
    """Free energy of the lowest point in the frame of the path's energies."""
    assert result.path is not None
    index = result.surface.index(result.path.points[0])
    return float(result.path.energies[0] - result.surface.values[index])


def _caption(result: MetadynamicsResult) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(str(result), 70))


def plot_convergence(series: BarrierSeries, *, ax: Any = None, part: float = 0.2, title: str = "") -> Any:
    """Draw the barrier against time, the last part shaded with its mean and error."""
    plt = require("matplotlib.pyplot", purpose="figures", install=PLOTS)
    if ax is None:
        _, ax = plt.subplots(figsize=(5.2, 3.0), layout="constrained")
    for values, label, backward in ((series.forward, "forward", False), (series.backward, "back", True)):
        (line,) = ax.plot(series.times, values, "o-", ms=3, label=label)
        estimate = series.estimate(part, backward=backward)
        if np.isfinite(estimate.value):
            ax.axhspan(
                estimate.value - estimate.error, estimate.value + estimate.error, color=line.get_color(), alpha=0.2
            )
    ax.axvspan(series.times[-1] * (1 - part), series.times[-1], color="0.9", zorder=0)
    ax.set_xlabel("time (ps)")
    ax.set_ylabel("barrier (kJ/mol)")
    ax.set_title(title, fontsize=9)
    ax.legend(frameon=False)
    return ax


def write_figures(result: MetadynamicsResult, figure: Path, title: str = "") -> tuple[Path, ...]:
    """Write the surface, its convergence and the numbers."""
    plt = require("matplotlib.pyplot", purpose="figures", install=PLOTS)
    written = [_save(plot_surface(result, title=title), figure, plt)]
    if result.series is not None and np.isfinite(result.series.forward).any():
        name = figure.with_name(f"{figure.stem}-convergence{figure.suffix}")
        written.append(_save(plot_convergence(result.series, title=_caption(result)), name, plt))
    written.append(export(result.surface, figure.with_suffix(".npz")))
    if result.surface.ndim == 3:
        written.append(export(result.surface, figure.with_suffix(".cube")))
    return tuple(written)


def _save(ax: Any, path: Path, plt: Any) -> Path:
    with atomic_path(path, own=marked(b"ionpath", head=-1)) as part:
        made = {".png": {"Software": "ionpath"}, ".pdf": {"Creator": "ionpath"}, ".svg": {"Creator": "ionpath"}}
        ax.figure.savefig(part, dpi=160, metadata=made.get(path.suffix))
    plt.close(ax.figure)
    return path


@typed
def export(surface: FreeEnergySurface, path: str | Path) -> Path:
    """Write a surface to a file.

    Parameters
    ----------
    surface : FreeEnergySurface
        Free energy in kJ/mol.
    path : str or path
        ``.npz`` (arrays), ``.csv`` (one row per point), ``.dat`` (as ``plumed sum_hills``), or ``.cube`` (three
        variables in A, Gaussian cube in kJ/mol).

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the suffix is unknown, a cube would have other than three variables, or the file is there and of something
        else.
    """
    file = Path(path)
    writers = {
        ".npz": (_npz, b"axis0.npy"), ".csv": (_csv, b"free_energy_kJ_per_mol"), ".dat": (_dat, b" file.free\n"),
        ".cube": (_cube, b"free energy in kJ/mol"),
    }  # fmt: skip
    if file.suffix not in writers:
        remedy = "add one"
        raise InputError("path", need=f"a suffix among {', '.join(writers)}", got=file.suffix or "none", remedy=remedy)
    if file.suffix == ".cube" and surface.ndim != 3:
        raise InputError("surface", need="three variables for a cube", got=f"{surface.ndim}", remedy="use .npz or .csv")
    write, mark = writers[file.suffix]
    with atomic_path(file, own=marked(mark)) as part:
        write(surface, part)
    return file


def _npz(surface: FreeEnergySurface, part: Path) -> None:
    axes = {f"axis{k}": axis for k, axis in enumerate(surface.axes)}
    arrays: dict[str, Any] = {**axes, "values": surface.values, "names": np.array(surface.names), "unit": "kJ/mol"}
    if surface.error is not None:
        arrays["error"] = surface.error
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _rows(surface: FreeEnergySurface) -> Any:
    grids = np.meshgrid(*surface.axes, indexing="ij")
    return np.stack([g.ravel() for g in grids] + [surface.values.ravel()], axis=1)


def _csv(surface: FreeEnergySurface, part: Path) -> None:
    header = ",".join([*surface.names, "free_energy_kJ_per_mol"])
    np.savetxt(part, _rows(surface), delimiter=",", header=header, comments="", fmt="%.9g")


def _dat(surface: FreeEnergySurface, part: Path) -> None:
    lines = [f"#! FIELDS {' '.join(surface.names)} file.free"]
    for name, axis, period in zip(surface.names, surface.axes, surface.periods, strict=True):
        periodic = period is not None
        end = axis[0] + period if period is not None else axis[-1]
        lines += [f"#! SET min_{name} {axis[0]:.9g}", f"#! SET max_{name} {end:.9g}"]
        lines += [f"#! SET nbins_{name} {len(axis)}", f"#! SET periodic_{name} {'true' if periodic else 'false'}"]
    rows = _rows(surface)
    shape = surface.values.shape
    fastest_first = np.arange(len(rows)).reshape(shape).transpose(range(len(shape))[::-1]).ravel()
    body = "\n".join(" ".join(f"{c:.9f}" for c in row) for row in rows[fastest_first])
    part.write_text("\n".join(lines) + "\n" + body + "\n")


def _cube(surface: FreeEnergySurface, part: Path) -> None:
    n = surface.values.shape
    origin = np.array([axis[0] for axis in surface.axes]) / BOHR
    steps = np.diag(surface.spacing / BOHR)
    high = surface.values[np.isfinite(surface.values)].max()
    values = np.where(np.isfinite(surface.values), surface.values, high)
    lines = ["free energy in kJ/mol", "lengths in bohr", f"1 {' '.join(f'{c:.6f}' for c in origin)}"]
    lines += [f"{n[k]} {' '.join(f'{c:.6f}' for c in steps[k])}" for k in range(3)]
    low = surface.point(np.unravel_index(int(values.argmin()), n)) / BOHR
    lines.append(f"3 0.0 {' '.join(f'{c:.6f}' for c in low)}")
    flat = values.reshape(-1, n[2])
    for row in flat:
        lines += [" ".join(f"{v:.5e}" for v in row[k : k + 6]) for k in range(0, len(row), 6)]
    part.write_text("\n".join(lines) + "\n")


@typed
def isosurface(surface: FreeEnergySurface, levels: list[float], path: str | Path) -> Path:
    """Write an HTML page with isosurfaces of a free energy of three variables.

    Parameters
    ----------
    surface : FreeEnergySurface
        Free energy in kJ/mol.
    levels : list of float
        Free energies in kJ/mol at which surfaces are drawn.
    path : str or path
        HTML file, self-contained.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If there are not three variables, or the file is there and of something else.
    """
    if surface.ndim != 3:
        raise InputError("surface", need="three variables", got=f"{surface.ndim}", remedy="use plot_surface")
    go = require("plotly.graph_objects", purpose="isosurfaces", install="pip install plotly")
    grids = np.meshgrid(*surface.axes, indexing="ij")
    high = surface.values[np.isfinite(surface.values)].max()
    values = np.where(np.isfinite(surface.values), surface.values, high)
    drawn = go.Isosurface(
        x=grids[0].ravel(), y=grids[1].ravel(), z=grids[2].ravel(), value=values.ravel(), isomin=min(levels),
        isomax=max(levels), surface_count=len(levels), opacity=0.4,
        caps={"x_show": False, "y_show": False, "z_show": False},
        colorbar={"title": "kJ/mol"},
    )  # fmt: skip
    names = [axis_label(name) for name in surface.names]
    page = go.Figure(drawn).update_layout(scene={f"{a}axis_title": n for a, n in zip("xyz", names, strict=True)})
    with atomic_path(path, own=marked(b"isosurface", b"kJ/mol", head=-1)) as part:
        page.write_html(part, include_plotlyjs=True)
    return Path(path)
