"""Numbers with errors as rows of a table, as all analyses of a study leave them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ionpath.estimate import Estimate

Rows = list[dict[str, Any]]
BLOCKS = 5


def quantity(name: str, value: Any, note: str = "", unit: str = "") -> dict[str, Any]:
    """Row of a number with its error; a bare number has none. What an estimate says against itself is a doubt."""
    nan = float("nan")
    e = value if isinstance(value, Estimate) else Estimate(float(value), nan, nan, nan, unit)
    numbers = {key: float(getattr(e, key)) for key in ("value", "error", "low", "high")}
    row = {"quantity": name, **numbers, "unit": e.unit, "note": note}
    doubt = f"{e.verdict[0].upper()}{e.verdict[1:]}." if e.verdict and not math.isnan(e.value) else ""
    return row | {"verdict": e.verdict, "doubt": doubt} if doubt else row


def pooled(rows: Rows, **labels: Any) -> Rows:
    """Rows of several arrangements together, whose spread is in their errors, with labels such as the system."""
    return [{**row, "pooled": True, **labels} for row in rows]


def normal(value: float, error: float, unit: str = "") -> Estimate:
    """Estimate whose error is known by itself, or from many samples, with the interval of a normal distribution."""
    value, error = float(value), float(error)
    return Estimate(value, error, value - 1.96 * error, value + 1.96 * error, unit)


def student(value: float, error: float, parts: float, unit: str = "") -> Estimate:
    """Estimate whose error comes from the scatter of a few parts, with the interval of Student's t.

    >>> round(student(1.0, 0.1, 5).high, 3)
    1.278
    """
    from scipy.stats import t

    half = float(t.ppf(0.975, parts - 1)) * float(error)  # nan of one part
    return Estimate(float(value), float(error), float(value) - half, float(value) + half, unit)


def summed(value: float, parts: Sequence[tuple[float, float]], unit: str = "") -> Estimate:
    """Estimate with independent errors of given degrees of freedom.

    The interval is of Student's t with the effective number of Welch and Satterthwaite (doi:10.2307/3002019).

    >>> found = summed(1.0, [(0.1, 4), (0.1, np.inf)])  # 16 effective
    >>> round(found.error, 4), round(found.high, 4)
    (0.1414, 1.2998)
    """
    squares = np.array([error**2 for error, _ in parts], dtype=float)
    weights = (squares**2 / np.array([freedom for _, freedom in parts])).sum()
    freedom = float(squares.sum() ** 2 / weights) if weights > 0 else np.inf
    return student(value, float(np.sqrt(squares.sum())), freedom + 1.0, unit)


def scattered(values: Any, unit: str = "") -> Estimate:
    """Mean of a few numbers with the error of their scatter.

    >>> print(scattered([0.2, 0.3, 0.4], "eV"))
    0.300 ± 0.058 eV
    """
    own = np.asarray(values, dtype=float)
    return student(float(own.mean()), float(own.std(ddof=1)) / len(own) ** 0.5, len(own), unit)


def estimated(series: Any, unit: str = "") -> Estimate:
    """Mean of a time series with its error from blocks; unknown where there are fewer numbers than blocks.

    >>> print(estimated(np.arange(10.0)), estimated([1.0, 2.0]), estimated([]), sep="; ")
    4.5 ± 1.4; 1.5 (error not known); not determined
    """
    values, nan = np.asarray(series, dtype=float), float("nan")
    if len(values) < BLOCKS:
        return Estimate(float(values.mean()) if len(values) else nan, nan, nan, nan, unit)
    blocks = np.array([b.mean() for b in np.array_split(values, BLOCKS)])
    return student(float(values.mean()), float(blocks.std(ddof=1) / np.sqrt(BLOCKS)), BLOCKS, unit)


def jackknifed(frames: Any, function: Callable[[Any], Mapping[str, float]]) -> dict[str, Estimate]:
    """Numbers of all frames, with errors from leaving out each of five blocks.

    >>> found = jackknifed(np.arange(100), lambda frames: {"mean": frames.mean()})
    >>> print(found["mean"])
    50 ± 14
    """
    frames = np.asarray(frames)
    parts = np.array_split(np.arange(len(frames)), BLOCKS)
    whole = function(frames)
    without = [function(np.delete(frames, part)) for part in parts]
    found = {}
    for name, value in whole.items():
        values = np.array([one[name] for one in without])
        error = float(np.sqrt((BLOCKS - 1) / BLOCKS * ((values - values.mean()) ** 2).sum()))
        found[name] = student(value, error, BLOCKS)
    return found


def parted(n_frames: int, function: Callable[[slice], Mapping[str, float]]) -> dict[str, Estimate]:
    """Numbers of all frames, with errors from the scatter of five parts, for what needs frames at equal steps.

    >>> found = parted(100, lambda part: {"mean": np.arange(100)[part].mean()})
    >>> print(found["mean"])
    50 ± 14
    """
    edges = [k * n_frames // BLOCKS for k in range(BLOCKS + 1)]
    whole = function(slice(0, n_frames))
    each = [function(slice(a, b)) for a, b in itertools.pairwise(edges)]
    errors = {name: np.std([one[name] for one in each], ddof=1) / BLOCKS**0.5 for name in whole}
    return {name: student(value, float(errors[name]), BLOCKS) for name, value in whole.items()}
