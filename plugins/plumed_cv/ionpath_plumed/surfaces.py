"""From hills to a free energy, a barrier with its error, figures and files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import InputError, one_of, positive, warn
from ionpath.estimate import Estimate
from ionpath.free_energy import (
    BarrierSeries,
    Basin,
    FreeEnergySurface,
    Hills,
    MinimumPath,
    Verdict,
    barrier_series,
    crossing_error,
    find_basins,
    judge,
    judge_flat,
    minimum_path,
    sum_hills,
    variation,
)
from ionpath.free_energy.blocks import recent_height, spent
from ionpath.free_energy.reweight import histogram_of, reweight
from ionpath.plumed_input import Units, joined, keywords, units
from ionpath.plumed_run import check_temperature, numbers_of
from ionpath.units import kt_in_kj_per_mol
from ionpath_plumed.files import PathLike, Table, input_of, read_hills, read_table, units_of
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.results import MetadynamicsResult


@typed
def free_energy(
    hills: PathLike | Sequence[PathLike] | Hills,
    *,
    axes: Sequence[ArrayLike] | None = None,
    bins: Sequence[int] | None = None,
    ranges: Sequence[tuple[float, float]] | None = None,
    from_zero: bool = True,
) -> FreeEnergySurface:
    """Free energy from the hills of a metadynamics run.

    Parameters
    ----------
    hills : path, sequence of paths (several walkers), or Hills
        HILLS files; a folder of `run_metadynamics` is also understood.
    axes : sequence of array_like, optional
        Grid points along each variable.
    bins, ranges : sequence, optional
        Number of bins and (lowest, highest) point along each variable, as ``--bin``, ``--min``, ``--max`` of
        ``plumed sum_hills``, in place of `axes`.
    from_zero : bool
        Lowest value at 0 (``--mintozero``).

    Returns
    -------
    FreeEnergySurface
        Free energy in kJ/mol, equal to that of ``plumed sum_hills``.

    Raises
    ------
    InputError
        If there are no hills, or the grid does not fit them.
    """
    given = hills if isinstance(hills, Hills) else read_hills(hills_files(hills))
    if bins is not None or ranges is not None:
        if bins is None or ranges is None or len(bins) != len(given.names) or len(ranges) != len(given.names):
            need = f"bins and ranges for each of {', '.join(given.names)}"
            raise InputError("bins", need=need, got=f"{bins}, {ranges}", remedy="give both, or neither")
        axes = [
            np.linspace(low, high, n + 1) if period is None else low + (high - low) / n * np.arange(n)
            for n, (low, high), period in zip(bins, ranges, given.periods, strict=True)
        ]
    return sum_hills(given, axes, from_zero=from_zero)


def hills_files(source: Any) -> list[Path]:
    """HILLS files of a folder, a run, or as they are given."""
    if hasattr(source, "hills"):
        return list(source.hills)
    if isinstance(source, str | os.PathLike):
        place = Path(source)
        if place.is_dir():
            given = PlumedInput.read(place).lines if (place / "plumed.dat").is_file() else []
            parts = [keywords(statement) for statement in joined(given)]
            names = [words.get("FILE", "HILLS") for _, action, words in parts if action == "METAD"] or ["HILLS"]
            # of several walkers each has its number behind the name
            found = sorted({path for name in names for path in (place / name, *place.glob(f"{name}.*[0-9]"))})
            found = [path for path in found if path.is_file()]
            # Those of the run that is there, not what was copied beside them, and none less.
            run = sorted(path.name[10:-15] for path in place.glob("trajectory*.checkpoint.npz"))
            if run and found:
                own = [place / f"{name}{number}" for name in names for number in run]
                if lost := [path.name for path in own if path not in found]:
                    need = f"the hills of all {len(run)} walkers in it"
                    raise InputError("folder", need=need, got=f"no {', '.join(lost)}", remedy="put back what was lost")
                found = own
            if not found:
                raise InputError("folder", need="HILLS files in it", got=f"none in {place.name!r}", remedy="run first")
            return found
        return [place]
    return [Path(one) for one in source]


@typed
def free_energy_from_colvar(
    colvar: PathLike | Sequence[PathLike],
    names: Sequence[str],
    *,
    temperature: float,
    bias: str | None = None,
    bins: int = 60,
    ranges: Sequence[tuple[float, float]] | None = None,
    skip: float = 0.0,
    n_blocks: int = 5,
) -> FreeEnergySurface:
    """Free energy of any printed variables from a COLVAR file, unbiased or reweighted.

    Parameters
    ----------
    colvar : path or sequence of paths
        COLVAR files; several are joined.
    names : sequence of str
        Columns.
    temperature : float
        Temperature in K.
    bias : str, optional
        Column of the bias, ``metad.rbias`` or ``opes.bias``, in kJ/mol or in the unit that the plumed.dat beside the
        file says; none: an unbiased run.
    bins : int
        Number of bins along each variable.
    ranges : sequence of (low, high), optional
        Range along each variable; by default what was visited, or the period.
    skip : float
        Fraction of the run at its beginning that is left out.
    n_blocks : int
        Blocks of time for the error.

    Returns
    -------
    FreeEnergySurface
        Free energy in kJ/mol with its standard error.

    Raises
    ------
    InputError
        If columns are missing or there are too few rows.
    """
    files = [colvar] if isinstance(colvar, str | os.PathLike) else list(colvar)
    if not files or len({Path(path).resolve() for path in files}) < len(files):
        raise InputError("colvar", need="one file or more, each once", got=", ".join(map(str, files)) or "none")
    if not 0.0 <= skip < 1.0:
        raise InputError("skip", need="a fraction of the run, from 0 to below 1", got=f"{skip:g}")
    tables = [read_table(path) for path in files]
    if any({"biasf", "height"} <= set(table.names) for table in tables):
        remedy = "use free_energy, which sums hills"
        raise InputError("colvar", need="values of a run, as PRINT writes them", got="hills of METAD", remedy=remedy)
    parts, biases = [], []
    scale, assumed = units_of(*files) if bias else (Units(), "")
    for path, table in zip(files, tables, strict=True):
        for name in (*names, *([bias] if bias else [])):
            one_of(f"column of {Path(path).name}", name, table.names)
        first = int(skip * len(table.data))
        parts.append(np.stack([table[name] for name in names], axis=1)[first:])
        if bias:
            check_temperature(input_of(path), temperature)
        else:
            _warn_of_bias(Path(path).name, table)
        biases.append((table[bias] * scale.energy if bias else np.zeros(len(table.data)))[first:])
    samples = np.vstack(parts)
    ends = [tables[0].period(name) for name in names]
    spans = ranges or [end or _span(samples[:, k]) for k, end in enumerate(ends)]
    histogram = histogram_of(names, bins, spans, [None if end is None else end[1] - end[0] for end in ends])
    surface = reweight(samples, histogram, temperature, bias=np.concatenate(biases), n_blocks=n_blocks)
    return replace(surface, assumed=assumed)


def _warn_of_bias(name: str, table: Table) -> None:
    """Say that values of a biased run are taken as those of an unbiased one."""
    told = [column for column in table.names if column.endswith((".bias", ".rbias")) and np.ptp(table[column]) > 0]
    if told:
        warn(
            f"{name}: the bias {', '.join(told)} is not taken off, so that this is no free energy of the unbiased "
            f"system; pass bias={told[-1]!r}"
        )


def _span(column: Floats) -> tuple[float, float]:
    if not len(column):
        raise InputError("COLVAR", need="rows", got="none", remedy="run first, or lower skip")
    low, high = float(column.min()), float(column.max())
    return low - 1e-9, high + 1e-9 + 1e-6 * abs(high)


@typed
def analyse_metadynamics(
    source: Any,
    *,
    temperature: float | None = None,
    figure: PathLike | None = None,
    title: str = "",
    equivalent: bool | None = None,
) -> MetadynamicsResult:
    """Free energy, minimum path, barrier with error, and verdict, of a run.

    Parameters
    ----------
    source : MetadynamicsRun, or path of its folder
        A run of `run_metadynamics`, or a folder with HILLS and plumed.dat.
    temperature : float, optional
        Temperature in K; by default that of the input.
    figure : path, optional
        Figure to write (.png, .svg, .pdf); beside it go the convergence plot (``-convergence``) and the surface
        (``.npz``, and ``.cube`` for three variables).
    title : str
        Title of the figure.
    equivalent : bool, optional
        A symmetry turns the variables into their images: it exchanges the two distances of a hop between cages, as in
        an ordered crystal, or turns theta within a cage into pi - theta. The free energy is averaged over both, and
        half the difference between the barrier and that of its image, before that, is the least error. Of a tilt: all
        bonds of the tetrahedron are alike, and the barrier is the mean of there and back, with the same least error.
        Default: as the input says, which knows the symmetry of the structure that it was written for.

    Returns
    -------
    MetadynamicsResult
        Results; `str` gives one honest sentence.

    Raises
    ------
    InputError
        If there are no hills yet, the run was not metadynamics, or it has no variables with images.
    """
    place = getattr(source, "folder", source)
    if not isinstance(place, (str, os.PathLike)):
        raise InputError("source", need="a run or its folder", got=repr(source)[:80], remedy="name its folder")
    folder = Path(place)
    given = PlumedInput.read(folder)
    if given.method != "metad":
        remedy = "use free_energy_from_colvar(..., bias='metad.bias') for OPES"
        raise InputError("run", need="hills of METAD", got=given.method, remedy=remedy)
    kelvin = given.temperature if temperature is None else positive("temperature", temperature, "K")
    check_temperature(given.lines, kelvin)
    hills = read_hills(hills_files(source if hasattr(source, "hills") else folder))
    _check_belongs(hills, given)
    shown = hills
    same = given.equivalent if equivalent is None else equivalent
    if same:
        if given.kind not in ("intra-cage", "tilt") and (len(given.start) != 2 or given.end != given.start[::-1]):
            need = "two variables that exchange with the ends (inter-cage), theta of one cage (intra-cage), or a tilt"
            got = f"{given.kind} with {', '.join(given.variables) or 'no variables'}"
            raise InputError("equivalent", need=need, got=got, remedy="leave it out")
        shown = hills if given.kind == "tilt" else _with_images(hills)
    surface = visited(_up_to_the_poles(sum_hills(shown, from_zero=False), given))
    basins, _ = find_basins(surface)
    ends = basin_ends(surface, given, basins)
    path = _path(surface, ends)
    series, verdict, forward, backward = _convergence(hills, shown, given, ends, kelvin)
    if same and given.kind == "tilt":
        forward = backward = _both_ways(forward, backward)
    result = MetadynamicsResult(
        surface.from_zero(), basins, path, forward, backward, series, verdict, len(hills), float(hills.times[-1]),
        equivalent=same and ends is not None and (given.kind == "tilt" or _are_images(surface, *ends)),
    )  # fmt: skip
    if figure is None:
        return result
    from ionpath_plumed.figures import write_figures

    return replace(result, figures=write_figures(result, Path(figure), title))


def _check_belongs(hills: Hills, given: PlumedInput) -> None:
    """Refuse hills of another input than the one beside them: other variables, widths, heights, times, bias factor."""
    told = []
    for _, action, words in map(keywords, joined(given.lines)):
        if action != "METAD":
            continue
        names, widths = words.get("ARG", "").split(","), numbers_of(words.get("SIGMA", ""))
        fixed = len(widths) == len(hills.names) and "ADAPTIVE" not in words
        here = []
        if len(names) == len(hills.names) and tuple(names) != hills.names and not set("*()") & set(words["ARG"]):
            here.append(f"hills of {', '.join(hills.names)} where ARG={words['ARG']}")
        if fixed and not np.allclose(hills.sigmas, widths, rtol=0.01):
            here.append(f"widths that are not SIGMA={words['SIGMA']}")
        factor = numbers_of(words.get("BIASFACTOR", ""))
        if factor and abs(hills.bias_factor - factor[0]) > 0.01 * factor[0]:
            here.append(f"a bias factor of {hills.bias_factor:g} where BIASFACTOR={words['BIASFACTOR']}")
        height = numbers_of(words.get("HEIGHT", ""))
        if height:
            most = height[0] * units(given.lines).energy
            most *= hills.bias_factor / (hills.bias_factor - 1.0) if hills.bias_factor > 1.0 else 1.0
            if hills.heights.max() > 1.01 * most:
                here.append(f"heights of up to {hills.heights.max():.3g} kJ/mol where HEIGHT={words['HEIGHT']}")
        pace, every = numbers_of(words.get("PACE", "")), np.diff(np.unique(hills.times))
        if pace and len(every) and given.kind != "custom":  # whose time step is known
            ps = pace[0] * given.timestep / 1e3
            if not 0.02 < np.median(every) / ps < 50.0:  # a run may have another step, but not by the unit of time
                here.append(f"hills every {np.median(every):.3g} ps where PACE={words['PACE']} are {ps:g} ps")
        if not here:
            return
        told += here
    if told:
        remedy = "analyse each with its input"
        raise InputError("hills", need="those of the plumed.dat beside them", got="; ".join(told), remedy=remedy)


def image(places: Floats) -> Floats:
    """What the symmetry makes of variables (..., n): two distances change places, an angle becomes pi less itself."""
    return places[..., ::-1] if places.shape[-1] == 2 else np.pi - places


def _with_images(hills: Hills) -> Hills:
    """Half of each hill where it is, and half where the symmetry puts it."""
    n = hills.centres.shape[1]
    pairs = np.stack([hills.centres, image(hills.centres)], axis=1).reshape(-1, n)
    widths = np.stack([hills.sigmas, hills.sigmas[:, ::-1]], axis=1).reshape(-1, n)
    times, heights = hills.times.repeat(2), 0.5 * hills.heights.repeat(2)
    return replace(hills, times=times, centres=pairs, sigmas=widths, heights=heights)


def _up_to_the_poles(surface: FreeEnergySurface, given: PlumedInput) -> FreeEnergySurface:
    """Leave out polar angles below 0 and above pi, to which hills reach and ions do not."""
    if given.kind not in ("intra-cage", "tilt"):
        return surface
    theta = surface.axes[0]
    kept = (theta >= 0.0) & (theta <= np.pi)
    return replace(surface, axes=(theta[kept], *surface.axes[1:]), values=surface.values[kept])


def _both_ways(there: Estimate, back: Estimate) -> Estimate:
    """The mean of two barriers that are one, with half of their difference as the least error."""
    mean = 0.5 * (there.value + back.value)
    error = max(there.error, back.error, 0.5 * abs(there.value - back.value))
    wide = max((one.high - one.value) / one.error for one in (there, back))  # of the few blocks that either has
    return replace(there, value=mean, error=error, low=mean - wide * error, high=mean + wide * error)


def _are_images(surface: FreeEnergySurface, start: Floats, end: Floats) -> bool:
    """Whether each of two minima lies where the symmetry puts the other, so that there and back are one barrier."""
    return bool((np.abs(image(start) - end) <= 1.5 * surface.spacing).all())


def visited(surface: FreeEnergySurface) -> FreeEnergySurface:
    """Mark points that no hill reached."""
    return replace(surface, values=np.where(surface.values < -1e-9, surface.values, np.inf))


def basin_ends(surface: FreeEnergySurface, given: PlumedInput, basins: list[Basin]) -> tuple[Floats, Floats] | None:
    """Two points between which the barrier is looked for."""
    if given.start and given.end:
        start = _basin_near(surface, basins, given.start, given.reach)
        end = _basin_near(surface, basins, given.end, given.end_reach or given.reach)
        return None if start is None or end is None else (start, end)
    if len(basins) > 1:
        return np.array(basins[0].point), np.array(basins[1].point)
    return None


def _basin_near(
    surface: FreeEnergySurface, basins: list[Basin], point: tuple[float, ...], reach: tuple[float, ...]
) -> Floats | None:
    """Deepest minimum in the box around a point, None where there is none."""
    for basin in basins:
        away = np.array(basin.point) - np.array(point)
        wide = np.array([np.inf if p is None else p for p in surface.periods])
        away = np.where(np.isfinite(wide), away - np.where(np.isfinite(wide), wide, 1) * np.round(away / wide), away)
        if (np.abs(away) <= np.array(reach)).all():
            return np.array(basin.point)
    return None


def _path(surface: FreeEnergySurface, ends: tuple[Floats, Floats] | None) -> MinimumPath | None:
    try:
        return None if ends is None else minimum_path(surface, *ends)
    except InputError:
        return None


def _convergence(
    hills: Hills, shown: Hills, given: PlumedInput, ends: tuple[Floats, Floats] | None, temperature: float
) -> tuple[BarrierSeries | None, Verdict, Estimate, Estimate]:
    unknown = Estimate(float("nan"), float("nan"), float("nan"), float("nan"), "kJ/mol")
    if ends is None and not given.start and hills.centres.shape[1] == 1:
        spread = variation(hills)
        flat = judge_flat(hills, spread, temperature)
        bound = replace(unknown, low=0.0, high=spread.high, verdict=flat.words)
        return None, flat, bound, bound
    if ends is None:
        why = "the second basin was never reached" if given.start else "only one basin was found"
        return None, Verdict(False, f"not converged: {why}{spent(hills)}", 0, float("nan")), unknown, unknown
    series = barrier_series(shown, *ends)
    slow = crossing_error(shown, *ends, temperature)
    verdict = judge(hills, series, temperature, error=slow)
    # Nobody knows a barrier better than the hills that are still being added, nor before several crossings than RT.
    lost = verdict.crossings < 4 or not slow.known
    floor = max(recent_height(hills), kt_in_kj_per_mol(temperature) if lost else 0.0)
    sides = [barrier_series(hills, *those) for those in (ends, (image(ends[0]), image(ends[1])))] * (shown is not hills)
    found = []
    for backward, froze in ((False, slow.forward), (True, slow.backward)):
        apart = np.ptp([side.estimate(backward=backward).value for side in sides]) if sides else 0.0
        error = froze if np.isfinite(froze) else 0.0
        estimate = series.estimate(backward=backward, floor=max(floor, 0.5 * float(apart)), crossings=error)
        found.append(estimate.judged(verdict.words))
    return series, verdict, found[0], found[1]
