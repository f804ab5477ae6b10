"""Ours beside the published, row by row, with an error whose parts are named and a verdict."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ionpath import __version__
from ionpath.files import atomic_path
from ionpath_cli.study.definition import Row, Study
from ionpath_cli.study.plan import Plan
from ionpath_cli.study.tasks import (
    DONE,
    QUANTITIES,
    checksum,
    done,
    place_of,
    read_json,
    task_keys,
    write_json,
)

Z95 = 1.96


@dataclass(frozen=True)
class Combined:
    """One quantity of one system over its arrangements.

    Attributes
    ----------
    value : float
        Mean over arrangements; nan where one of them has an upper bound only.
    sampling, arrangements, potential : float
        Standard errors: of runs of finite length, of the choice of arrangements, of the potential. nan: unknown.
    total : float
        Root of the sum of their squares, of those that are known.
    low, high : float
        95 % interval.
    unit : str
        Unit.
    number : int
        Arrangements.
    notes : tuple of str
        How it was obtained.
    """

    value: float
    sampling: float
    arrangements: float
    potential: float
    total: float
    low: float
    high: float
    unit: str
    number: int
    notes: tuple[str, ...]


def combine(
    rows: Sequence[Mapping[str, Any]], *, ordered: bool = False, others: Sequence[Mapping[str, Any]] = ()
) -> Combined | None:
    """Mean over arrangements, with what their scatter and another potential say about its error.

    Parameters
    ----------
    rows : sequence of dict
        The quantity in each arrangement.
    ordered : bool
        Whether arrangements are repetitions of one crystal, whose scatter is that of sampling.
    others : sequence of dict
        The same quantity with another potential.

    Returns
    -------
    Combined or None
        None if there are no rows.

    Notes
    -----
    The scatter of n arrangements holds both the spread of arrangements and the sampling error of each run. The mean has
    the standard error s / sqrt(n); the part of arrangements is what of its square is left when sampling is taken off.
    Its interval is of Student's t with n - 1 degrees of freedom.
    """
    if not rows:
        return None
    values = np.array([float(r["value"]) for r in rows])
    errors = np.array([float(r["error"]) for r in rows])
    n, unit, nan = len(rows), str(rows[0]["unit"]), float("nan")
    notes = tuple(dict.fromkeys(str(r["note"]) for r in rows if r["note"]))
    if not np.isfinite(values).all():
        highs = [float(r["high"]) for r in rows]
        top = max(highs) if np.isfinite(highs).all() else nan
        return Combined(nan, nan, nan, nan, nan, 0.0 if math.isfinite(top) else nan, top, unit, n, notes)
    mean = float(values.mean())
    sampling = float(np.sqrt((errors**2).sum()) / n) if np.isfinite(errors).all() else nan
    scatter = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else nan
    spread = math.sqrt(max(scatter**2 - np.nan_to_num(sampling) ** 2, 0.0)) if n > 1 else nan
    if ordered:
        sampling, spread = float(np.nanmax([sampling, scatter])) if n > 1 else sampling, 0.0
    potential = _difference(rows, others)
    total = math.sqrt(sum(e**2 for e in (sampling, spread, potential) if math.isfinite(e)))
    if n == 1 and not math.isfinite(potential) and math.isfinite(float(rows[0]["low"])):
        low, high = float(rows[0]["low"]), float(rows[0]["high"])
    else:
        half = math.sqrt((Z95 * np.nan_to_num(sampling)) ** 2 + (_student(n) * np.nan_to_num(spread)) ** 2
                         + (Z95 * np.nan_to_num(potential)) ** 2)  # fmt: skip
        low, high = mean - half, mean + half
    if not (math.isfinite(sampling) or math.isfinite(spread)):
        total = low = high = nan
    return Combined(mean, sampling, spread, potential, total, low, high, unit, n, notes)


def _student(n: int) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, n - 1)) if n > 1 else Z95


def _difference(rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> float:
    """What another potential says in the same arrangements, as a difference."""
    same = {r["arrangement"]: float(r["value"]) for r in others}
    pairs = [float(r["value"]) - same[r["arrangement"]] for r in rows if r["arrangement"] in same]
    known = [d for d in pairs if math.isfinite(d)]
    return abs(float(np.mean(known))) if known else float("nan")


@dataclass(frozen=True)
class Compared:
    """One row of the comparison.

    Attributes
    ----------
    number, figure, title, published, unit : int, str, str, str, str
        Of the published row.
    ours : str
        Value with its error, or a bound.
    value, sampling, arrangements, potential, low, high : float or None
        Of ours, in the published unit; None where unknown.
    conditions : str
        Systems, temperatures, number of arrangements.
    verdict : str
        ``agrees``, ``order agrees``, ``differs``, ``not sampled`` or ``out of reach here``.
    sentence : str
        What the difference is, and where it comes from.
    """

    number: int
    figure: str
    title: str
    published: str
    unit: str
    ours: str
    value: float | None
    sampling: float | None
    arrangements: float | None
    potential: float | None
    low: float | None
    high: float | None
    conditions: str
    verdict: str
    sentence: str


def compare(study: Study, rows: Sequence[Mapping[str, Any]], dropped: Mapping[int, str]) -> list[Compared]:
    """Compare every published row with what was computed."""
    return [_compared(study, row, rows, dropped.get(row.number, "")) for row in study.rows]


def _compared(study: Study, row: Row, rows: Sequence[Mapping[str, Any]], dropped: str) -> Compared:
    points = [] if row.kind == "out" else _points(study, row, rows)
    if row.kind == "out" or not points or any(p is None for _, p in points):
        if row.kind == "out" or (dropped and row.kind == "text"):
            return _row(row, None, "", "out of reach here", row.note)
        why = dropped or "its runs or analyses are not finished"
        return _row(row, None, "", "not sampled", f"{why}. {row.note}".strip())
    known = [(label, p) for label, p in points if p is not None]
    conditions = "; ".join(f"{label}, {p.number} arrangement{'s' * (p.number > 1)}" for label, p in known)
    notes = "; ".join(dict.fromkeys(n for _, p in known for n in p.notes))
    judge = {"number": _number, "bound": _bound, "order": _order}.get(row.kind, _words)
    verdict, sentence = judge(row, known)
    said = " ".join(part for part in (sentence, row.note) if part)
    return _row(row, known, f"{conditions} ({notes})" if notes else conditions, verdict, said)


def _points(study: Study, row: Row, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Combined | None]]:
    """Ours for each system and temperature of a row, in its order."""
    found: list[tuple[str, Combined | None]] = []
    for system in row.systems:
        for temperature in row.temperatures or (0.0,):
            same = [
                r for r in rows
                if r["analysis"] == row.analysis and r["quantity"] == row.quantity
                and r["system"] == system and r["temperature"] == temperature
            ]  # fmt: skip
            own = [r for r in same if r["potential"] == study.dynamics.model]
            others = [r for r in same if r["potential"] != study.dynamics.model]
            label = system + (f" {temperature:g} K" if temperature else "")
            found.append((label, combine(own, ordered=study.systems[system].ordered, others=others)))
    return found


def _number(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    own, published = points[0][1], float(row.published)
    low, high, value = (row.factor * x for x in (own.low, own.high, own.value))
    width = row.tolerance * abs(published)
    if math.isnan(value):
        if math.isfinite(high) and published > high + width:
            return "differs", f"The upper bound {high:.3g} lies below the published {published:g} {row.unit}."
        return "not sampled", "Only an upper bound was found." if math.isfinite(
            high
        ) else "It could not be determined."
    if not math.isfinite(low):
        return "not sampled", "The run gives a value without an error."
    if low - width <= published <= high + width:
        return "agrees", ""
    ratio = value / published if published else math.inf
    return "differs", f"Ours is {ratio:.3g} times the published value."


def _bound(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Published as "< 35" or "> 1.6"."""
    text = str(row.published)
    limit, below = float(text[1:]), text[0] == "<"
    own = points[0][1]
    low, high = row.factor * own.low, row.factor * own.high
    if not math.isfinite(high):
        return "not sampled", "It could not be determined."
    if (high if below else -low) <= (limit if below else -limit):
        return "agrees", ""
    if (low if below else -high) > (limit if below else -limit):
        return "differs", f"Ours lies on the other side of {limit:g} {row.unit}."
    return "not sampled", f"The interval {low:.3g} to {high:.3g} holds the bound."


def _order(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Points in the order in which the published values grow."""
    unclear, wrong = [], []
    for (a, first), (b, second) in itertools.pairwise(points):
        lower = first.high if math.isnan(first.value) else first.value + _half(first)
        if second.value - _half(second) > lower or (second.low > first.high):
            continue
        z = (second.value - first.value) / math.hypot(
            np.nan_to_num(first.total), np.nan_to_num(second.total) or 1e-300
        )
        if not math.isfinite(z) or abs(z) < Z95:
            unclear.append(f"{a} and {b}")
        elif z < 0:
            wrong.append(f"{a} above {b}")
    if wrong:
        return "differs", f"Found: {'; '.join(wrong)}."
    if unclear:
        return "not sampled", f"Within their errors the same: {'; '.join(unclear)}."
    return "order agrees", ""


def _half(one: Combined) -> float:
    """Half of the interval for differences of two values that do not depend on each other."""
    return Z95 * float(np.nan_to_num(one.total)) / math.sqrt(2.0)


def _words(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    return "not sampled", "Published in words or as a figure only; ours stands for itself."


def _row(
    row: Row, points: Sequence[tuple[str, Combined]] | None, conditions: str, verdict: str, sentence: str
) -> Compared:
    published = ", ".join(map(str, row.published)) if isinstance(row.published, tuple) else str(row.published)
    empty = dict.fromkeys(("value", "sampling", "arrangements", "potential", "low", "high"))
    ours = ""
    if points:
        ours = "; ".join((f"{label}: " if len(points) > 1 else "") + _shown(p, row) for label, p in points)
        if len(points) == 1:
            empty = {key: _finite(row.factor * getattr(points[0][1], key)) for key in empty}
    return Compared(row.number, row.figure, row.title, published, row.unit, ours, **empty, conditions=conditions,
                    verdict=verdict, sentence=sentence.strip())  # fmt: skip


def _shown(one: Combined, row: Row) -> str:
    unit = row.unit if row.factor != 1.0 else one.unit
    if math.isnan(one.value):
        return (
            f"< {row.factor * one.high:.3g} {unit}".strip() if math.isfinite(one.high) else "not determined"
        )
    error = f" ± {row.factor * one.total:.2g}" if math.isfinite(one.total) else ""
    return f"{row.factor * one.value:.4g}{error} {unit}".strip()


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def collect(plan: Plan, folder: Path) -> list[dict[str, Any]]:
    """Rows of all finished steps of a plan, with their analysis, system, temperature, arrangement and potential."""
    keys = task_keys(plan.tasks)
    found = []
    for task in plan.tasks:
        place = place_of(folder, task, keys[task.name])
        if task.stage not in ("analysis", "across", "biased") or not done(
            place, keys[task.name], task.picoseconds
        ):
            continue
        settings = task.settings
        analysis = settings.get("protocol", settings.get("analysis"))
        labels = {
            k: settings[k] for k in ("system", "temperature", "arrangement", "potential") if k in settings
        }
        for row in read_json(place / QUANTITIES) or []:
            found.append({"analysis": analysis, **labels, **row, "folder": str(place.relative_to(folder))})
    return found


def write_comparison(plan: Plan, folder: Path) -> Path:
    """Write ``comparison.csv``, ``.json`` and ``.html``; what is not finished is said to be so."""
    from ionpath_cli.study.page import write_page

    quantities = collect(plan, folder)
    compared = compare(plan.study, quantities, plan.dropped)
    keys = task_keys(plan.tasks)
    records = [
        record for task in plan.tasks
        if (record := read_json(place_of(folder, task, keys[task.name]) / DONE)) is not None
    ]  # fmt: skip
    models = {t.settings["model"] for t in plan.tasks if "model" in t.settings}
    about = {
        "study": plan.study.name,
        "title": plan.study.title,
        "source": plan.study.source,
        "version": __version__,
        "models": {name: checksum(name) for name in sorted(models)},
        "lengths": dict(plan.lengths),
        "hours": round(sum(r["seconds"] for r in records) / 3600, 3),
        "steps": {"finished": len(records), "planned": len(plan.tasks)},
        "seeds": {t.name: t.settings["seed"] for t in plan.tasks if "seed" in t.settings},
    }
    content = {**about, "rows": [asdict(c) for c in compared], "quantities": [_strict(q) for q in quantities]}
    write_json(folder / "comparison.json", content)
    with (
        atomic_path(folder / "comparison.csv") as part,
        part.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, list(asdict(compared[0])) if compared else ["number"])
        writer.writeheader()
        writer.writerows(asdict(c) for c in compared)
    return write_page(folder, plan.study, about, compared, quantities)


def _strict(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without nan, which JSON does not know."""
    return {k: (None if isinstance(v, float) and not math.isfinite(v) else v) for k, v in row.items()}
