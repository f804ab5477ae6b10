"""Ours beside the published, row by row, with an error whose parts are named and a verdict."""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath.estimate import Estimate, error_unknown, half_of_scatter, middles_of_bounds, spread_over, student_of
from ionpath.units import conversion
from ionpath_cli.study.definition import ALL, Row, Study

Z95 = 1.96
ROUNDING = 1e-9
RATIO = re.compile(r"Ours is (\S+) times the published value\.")
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
"""A number in words, but none of a formula or a name."""
ADVICE = re.compile(r"; use a longer lag, finer states, or core sets\.?")
"""Of a verdict on a Markov model: what to do, which readers of a page cannot."""


@dataclass(frozen=True)
class Combined:
    """One quantity of one system over its arrangements."""

    # mean over arrangements with its whole error, of the parts that are known; a bound where one has a bound only
    estimate: Estimate
    # sampling, arrangements, potential: standard errors: of runs of finite length, of the choice of arrangements, of
    # the potential. nan: unknown.
    sampling: float = float("nan")
    arrangements: float = float("nan")
    potential: float = float("nan")
    number: int = 1  # arrangements
    notes: tuple[str, ...] = ()  # how it was obtained
    # atoms, picoseconds: size and length of the runs; 0 where it is of several or of none
    atoms: int = 0
    picoseconds: float = 0.0
    # whether arrangements were put together before, so that their spread is in the error of sampling
    pooled: bool = False
    where: str = ""  # system and temperature
    doubt: str = ""  # why the number is not what its name says, whatever its error; nothing is claimed from it

    @property
    def width(self) -> float:
        """Standard error of a normal distribution with the same interval."""
        return (self.estimate.high - self.estimate.low) / (2.0 * Z95)

    def to(self, unit: str) -> Combined:
        """The same in another unit, or as it is where that measures something else, such as an arbitrary one."""
        try:
            factor = conversion(self.estimate.unit, unit)
        except InputError:
            return self
        return replace(
            self,
            estimate=self.estimate.to(unit),
            sampling=factor * self.sampling,
            arrangements=factor * self.arrangements,
            potential=factor * self.potential,
        )


@dataclass(frozen=True)
class Compared:
    """One row of the comparison."""

    # number, figure, title, published, unit: of the published row
    number: int
    figure: str
    title: str
    published: str
    unit: str
    ours: str  # value with its error, or a bound
    # value, error, sampling, arrangements, potential, low, high: of ours, in the published unit; None where unknown
    value: float | None
    error: float | None
    sampling: float | None
    arrangements: float | None
    potential: float | None
    low: float | None
    high: float | None
    parts: str  # errors of sampling, arrangements and potential of every point; ? where unknown
    conditions: str  # systems, temperatures, number of arrangements
    complete: bool  # whether ours has every point of the row
    verdict: str  # ``agrees``, ``order agrees``, ``differs``, ``ours alone``, ``not sampled`` or ``out of reach here``
    sentence: str  # what the difference is, and where it comes from


def combine(
    rows: Sequence[Mapping[str, Any]], *, ordered: bool = False, others: Sequence[Mapping[str, Any]] = ()
) -> Combined | None:
    """Mean over arrangements, with what their scatter and another potential say about its error; None without rows.

    With `ordered` the arrangements are repetitions of one crystal, whose scatter is that of sampling; `others` are rows
    of another potential.

    The scatter of n arrangements holds both the spread of arrangements and the sampling error of each run. The mean has
    the standard error s / sqrt(n); the part of arrangements is what of its square is left when sampling is taken off.

    Intervals, and what bounds among numbers count as, are those of `ionpath.estimate.combine`.
    """
    if not rows:
        return None
    rows = [_without_noise(row) for row in rows]
    each = middles_of_bounds(
        [Estimate(float(r["value"]), float(r["error"]), float(r["low"]), float(r["high"])) for r in rows]
    )
    values, errors = (np.array([getattr(e, name) for e in each]) for name in ("value", "error"))
    n, unit, nan = len(rows), str(rows[0]["unit"]), float("nan")
    notes = tuple(dict.fromkeys(str(r["note"]) for r in rows if r["note"]))
    pooled = all(r.get("pooled") for r in rows)
    if not np.isfinite(values).all():
        top = max(e.high for e in each) if all(math.isfinite(e.high) for e in each) else nan
        return Combined(
            Estimate(nan, nan, 0.0 if math.isfinite(top) else nan, top, unit), number=n, notes=notes, pooled=pooled
        )
    mean, sampling, spread = spread_over(values.tolist(), errors.tolist())
    chance = student_of(errors.tolist(), [0.5 * (e.high - e.low) for e in each])
    apart = half_of_scatter(values.tolist(), float(np.nan_to_num(sampling))) if n > 1 else math.nan
    if ordered:
        sampling, spread, apart = (math.hypot(np.nan_to_num(sampling), spread) if n > 1 else sampling), 0.0, 0.0
    potential = _difference(rows, others)
    total = math.hypot(*(e for e in (sampling, spread, potential) if math.isfinite(e)))
    half = math.hypot(*(e for e in (chance * sampling, apart, Z95 * potential) if math.isfinite(e)))
    low, high = mean - half, mean + half
    if n == 1 and math.isnan(potential):
        low, high = each[0].low, each[0].high
    if error_unknown(values.tolist(), errors.tolist()):
        sampling = total = low = high = nan
    found = Estimate(mean, total, low, high, unit).judged(each[0].verdict)
    return Combined(found, sampling, spread, potential, n, notes, pooled=pooled)


def _without_noise(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row whose error is that of rounding has samples that are all the same: its error is not known."""
    if not 0.0 < float(row["error"]) < ROUNDING * abs(float(row["value"])):
        return row
    return {**row, **dict.fromkeys(("error", "low", "high"), float("nan"))}


def _difference(rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> float:
    """What another potential says in the same arrangements, as a difference."""
    same = {r["arrangement"]: float(r["value"]) for r in others}
    pairs = [float(r["value"]) - same[r["arrangement"]] for r in rows if r["arrangement"] in same]
    known = [d for d in pairs if math.isfinite(d)]
    return abs(float(np.mean(known))) if known else float("nan")


def compare(study: Study, rows: Sequence[Mapping[str, Any]], dropped: Mapping[int, str]) -> list[Compared]:
    """Compare every published row with what was computed."""
    return [_compared(study, row, rows, dropped.get(row.number, "")) for row in study.rows]


def _compared(study: Study, row: Row, rows: Sequence[Mapping[str, Any]], dropped: str) -> Compared:
    if row.kind == "out":
        return _row(row, [], "", "out of reach here", row.note)
    points = points_of(study, row, rows)
    known = [(label, p) for label, p in points if p is not None]
    if len(known) < len(points):
        missing = ", ".join(label for label, p in points if p is None and label)
        why = dropped or _unknown(row, rows) or (f"not finished: {missing}" if missing else "not finished")
        return _row(row, known, "", "not sampled", f"{why[0].upper()}{why[1:]}. {row.note}")
    conditions = "; ".join(dict.fromkeys(filter(None, (_conditions(p) for _, p in known))))
    notes = "; ".join(merged([ADVICE.sub("", n) for _, p in known for n in p.notes]))
    judge = {"number": _numbers, "bound": _bound, "order": _order, "pairs": _pairs, "peak": _peak}.get(row.kind, _words)
    verdict, sentence = judge(row, known)
    single = [(label, p) for label, p in known if p.number == 1 and math.isnan(p.arrangements) and not p.pooled]
    alone = list(dict.fromkeys(p.where or label or "the systems" for label, p in single))
    if alone and row.kind != "text" and verdict in ("differs", "order agrees") + ("agrees",) * (row.kind == "bound"):
        sentence = f"{sentence} One arrangement of {', '.join(alone)}: what others would say is in no interval.".strip()
        verdict = "not sampled"
    doubts = " ".join(dict.fromkeys(p.doubt for _, p in known if p.doubt))
    if doubts:
        verdict = verdict if verdict == "ours alone" else "not sampled"
        sentence = f"{sentence} {doubts}"
    about = f"{conditions} ({notes})" if conditions and notes else conditions or notes
    return _row(row, known, about, verdict, f"{sentence} {row.note}", complete=True)


def merged(notes: Sequence[str]) -> list[str]:
    """Notes in their order, each once; those that differ in numbers alone as one, with the range of each number.

    >>> merged(["30 ions, 2 of which left it", "36 ions, 2 of which left it", "diffusive"])
    ['30\u201336 ions, 2 of which left it', 'diffusive']
    """
    alike: dict[str, list[str]] = {}
    for note in dict.fromkeys(notes):
        alike.setdefault(NUMBER.sub("#", note), []).append(note)
    found = []
    for same in alike.values():
        ranges = [_range(numbers) for numbers in zip(*map(NUMBER.findall, same), strict=True)]
        found.append("".join(map("".join, zip(NUMBER.split(same[0]), [*ranges, ""], strict=True))))
    return found


def _range(numbers: Sequence[str]) -> str:
    """The least and the greatest of some numbers, or the one that they are."""
    ends = dict.fromkeys((min(numbers, key=float), max(numbers, key=float)))
    return (" to " if any(end[0] in "+-" for end in ends) else "\u2013").join(ends)


def _unknown(row: Row, rows: Sequence[Mapping[str, Any]]) -> str:
    """Which quantity of a row its analyses do not have, though they are finished; nothing where all are there."""
    given = {r["quantity"] for r in rows if r["analysis"] in row.analysis and r["system"] in row.systems}
    for name in row.quantity if given else ():
        if name not in given:
            near = difflib.get_close_matches(name, sorted(given), 1, 0.0)[0]
            return f"{' and '.join(dict.fromkeys(row.analysis))} gave no {name!r}; the nearest name is {near!r}"
    return ""


def points_of(study: Study, row: Row, rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, Combined | None]]:
    """Ours for each quantity, system and temperature of a row, in its order and in its unit."""
    found: list[tuple[str, str, Combined | None]] = []
    analyses = row.analysis * len(row.quantity) if len(row.analysis) == 1 else row.analysis
    if row.together:
        triples = list(zip(analyses, row.quantity, row.systems, strict=True))
    else:
        pairs = list(zip(analyses, row.quantity, strict=True))
        triples = [(a, name, system) for (a, name), system in itertools.product(pairs, row.systems)]
    for (analysis, name, system), temperature in itertools.product(triples, row.temperatures or (0.0,)):
        same = [
            r for r in rows
            if r["analysis"] == analysis and r["quantity"] == name and r["system"] == system
            and r["temperature"] == temperature
        ]  # fmt: skip
        own = [r for r in same if r["potential"] == study.dynamics.model]
        others = [r for r in same if r["potential"] != study.dynamics.model]
        where = " ".join([system] * (system != ALL) + [f"{temperature:g} K"] * bool(temperature))
        made = study.systems.get(system)
        one = combine(own, ordered=made is None or made.ordered, others=others)
        if one:
            doubt = " ".join(dict.fromkeys(r["doubt"] for r in own if r.get("doubt")))
            judged = one.estimate.judged(*(str(r["verdict"]) for r in own if r.get("verdict")))
            one = replace(one, estimate=judged, where=where, doubt=doubt)
        if one and made and not one.pooled:
            one = replace(one, atoms=made.atoms, picoseconds=max(float(r.get("picoseconds") or 0.0) for r in own))
        found.append((name, where, one.to(row.unit) if one else None))
    # A label says what differs between the points; where all are of one system, that stands in their conditions.
    several, one_place = len(row.quantity) > 1, len({where for _, where, _ in found}) == 1
    return [
        (" ".join([name] * several + [where] * bool(where and not (several and one_place))), one)
        for name, where, one in found
    ]


def _conditions(own: Combined) -> str:
    parts = [own.where] if own.where else []
    parts += [f"{own.atoms} atoms"] if own.atoms else []
    parts += [f"{own.picoseconds:g} ps"] if own.picoseconds else []
    parts += [f"{own.number} arrangement{'s' * (own.number > 1)}"] if own.atoms else []
    return ", ".join(parts)


def _numbers(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Each published value beside ours."""
    published = row.published if isinstance(row.published, tuple) else (row.published,)
    for _, own in points:
        if own.estimate.unit not in ("", row.unit):
            return "ours alone", f"Ours is in {own.estimate.unit}, the published value in {row.unit or 'none'}."
    found = [_number(float(p), row.tolerance, own.estimate) for p, (_, own) in zip(published, points, strict=True)]
    for verdict in ("differs", "not sampled"):
        these: dict[str, list[str]] = {}
        for (label, _), (judged, sentence) in zip(points, found, strict=True):
            if judged == verdict:
                these.setdefault(sentence, []).append(label)
        if these:
            return verdict, _together(these, len(points))
    return "agrees", ""


def _together(said: Mapping[str, Sequence[str]], number: int) -> str:
    """Sentences with the points of which each is said; how many times the published value ours are, in one sentence."""
    if number == 1:
        return next(iter(said))
    times = [(RATIO.fullmatch(sentence), labels) for sentence, labels in said.items()]
    ratios = [f"{match[1]} ({', '.join(labels)})" for match, labels in times if match]
    sentences = [f"Ours over the published value: {', '.join(ratios)}."] if ratios else []
    for sentence, labels in said.items():
        if not RATIO.fullmatch(sentence):
            sentences.append(sentence if len(labels) == number else f"{sentence[:-1]}: {', '.join(labels)}.")
    return " ".join(sentences)


def _number(published: float, tolerance: float, own: Estimate) -> tuple[str, str]:
    width = tolerance * abs(published)
    above = math.isfinite(own.high) and published > own.high + width
    below = math.isfinite(own.low) and published < own.low - width
    if above or below:
        ratio = own.value / published if published else math.nan
        times = f"Ours is {ratio:.3g} times the published value." if math.isfinite(ratio) else f"Ours is {own}."
        return "differs", times
    if published and math.isfinite(own.value) and own.error >= abs(own.value):
        return "not sampled", "Our error is as large as our value: that is too wide to agree with anything."
    if math.isfinite(own.value) and math.isfinite(own.high):
        return "agrees", ""
    if math.isfinite(own.value):
        return "not sampled", "The error of ours is not known."
    return "not sampled", "It is known as a bound only." if math.isfinite(own.high) else "It could not be determined."


def _bound(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Published as "<35" or ">1.6", of each point."""
    below, limit = str(row.published)[0] == "<", float(str(row.published)[1:])
    signed = limit if below else -limit
    told: dict[str, dict[str, list[str]]] = {"differs": {}, "not sampled": {}}
    for label, one in points:
        own = one.estimate
        inner, outer = (own.high, own.low) if below else (-own.low, -own.high)
        if math.isfinite(inner) and inner <= signed:
            continue
        if math.isfinite(outer) and outer > signed:
            told["differs"].setdefault(f"Ours, {own}, lies on the other side of it.", []).append(label)
        else:
            sentence = "Our interval holds the bound." if math.isfinite(own.high) else "It could not be determined."
            told["not sampled"].setdefault(sentence, []).append(label)
    verdict = next((verdict for verdict, said in told.items() if said), "agrees")
    return verdict, _together(told[verdict], len(points)) if verdict in told else ""


def _order(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Points in the order in which the published values grow."""
    wrong: list[str] = []
    alike: list[str] = []
    unknown: list[str] = []
    for (a, first), (b, second) in itertools.pairwise(points):
        low, high = first.estimate, second.estimate
        z = (high.value - low.value) / math.hypot(first.width, second.width or 1e-300)
        if z >= Z95 or high.low > low.high:
            continue
        # Two bounds, or a bound and a number that it holds, are not the same: nothing is known of their order.
        told = wrong if z <= -Z95 or low.low > high.high else alike if math.isfinite(z) else unknown
        told.append(f"{a} and {b}")
    if wrong:
        return "differs", f"In the opposite order: {'; '.join(wrong)}."
    sentences = (("The same within errors", alike), ("Not known well enough to be told apart", unknown))
    if alike or unknown:
        return "not sampled", " ".join(f"{what}: {'; '.join(pairs)}." for what, pairs in sentences if pairs)
    return "order agrees", ""


def _pairs(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """Two and two points, the lower one first."""
    found = [_order(row, points[k : k + 2]) for k in range(0, len(points), 2)]
    for verdict in ("differs", "not sampled"):
        these = [sentence for judged, sentence in found if judged == verdict]
        if these:
            return verdict, " ".join(these)
    return "order agrees", ""


def _peak(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    """One system is published as the highest of a series: none is above it, and both ends are below."""
    top = next(own for label, own in points if label.split()[0] == row.published)
    above, level = [], []
    for k, (label, own) in enumerate(points):
        z = (own.estimate.value - top.estimate.value) / (math.hypot(own.width, top.width) or 1e-300)
        if z >= Z95 or own.estimate.low > top.estimate.high:
            above.append(label)
        elif own is not top and k in (0, len(points) - 1) and not (z <= -Z95 or own.estimate.high < top.estimate.low):
            level.append(label)
    if above:
        return "differs", f"Higher: {', '.join(above)}."
    return ("not sampled", f"Not lower beyond errors: {', '.join(level)}.") if level else ("order agrees", "")


def _words(row: Row, points: Sequence[tuple[str, Combined]]) -> tuple[str, str]:
    sentence = "Published in words or as a figure, without a number to compare with."
    known = any(math.isfinite(number) for _, own in points for number in (own.estimate.value, own.estimate.high))
    return ("ours alone", sentence) if known else ("not sampled", f"It could not be determined. {sentence}")


def _row(
    row: Row,
    points: Sequence[tuple[str, Combined]],
    conditions: str,
    verdict: str,
    sentence: str,
    *,
    complete: bool = False,
) -> Compared:
    published = ", ".join(map(str, row.published)) if isinstance(row.published, tuple) else str(row.published)
    numbers: dict[str, float | None] = dict.fromkeys(
        ("value", "error", "sampling", "arrangements", "potential", "low", "high")
    )
    if len(points) == 1:
        known = {**asdict(points[0][1].estimate), **asdict(points[0][1])}
        numbers = {key: _finite(known[key]) for key in numbers}
    named = [f"{label}: " for label in shortened([label for label, _ in points])] if len(points) > 1 else [""]
    ours = "; ".join(label + str(p.estimate) for label, (_, p) in zip(named, points, strict=False))
    parts = "; ".join(
        label + ", ".join(f"{e:.2g}" if math.isfinite(e) else "?" for e in (p.sampling, p.arrangements, p.potential))
        for label, (_, p) in zip(named, points, strict=False)
    )
    unit = row.unit if row.kind in ("number", "bound") else ""  # of a number, not of an order or of words
    return Compared(row.number, row.figure, row.title, published, unit, ours, **numbers, parts=parts,
                    conditions=conditions, complete=complete, verdict=verdict,
                    sentence=sentence.strip())  # fmt: skip


def shortened(labels: Sequence[str]) -> list[str]:
    """Labels whose first words, where two or more are those of all, stand in the first label alone.

    >>> shortened(["diffusion along x", "diffusion along y"])
    ['diffusion along x', 'y']
    """
    words = [label.split(" ") for label in labels]
    number = sum(1 for _ in itertools.takewhile(lambda same: len(set(same)) == 1, zip(*words, strict=False)))
    number = min(number, *(len(one) - 1 for one in words))
    return [labels[0], *(" ".join(one[number:]) for one in words[1:])] if number > 1 else list(labels)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
