"""Numbers with errors as rows of a table, as all analyses of a study leave them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.estimate import Estimate

Rows = list[dict[str, Any]]
BLOCKS = 5


def quantity(name: str, value: Any, note: str = "", unit: str = "") -> dict[str, Any]:
    """Row of a number with its error; a bare number has none."""
    nan = float("nan")
    e = value if isinstance(value, Estimate) else Estimate(float(value), nan, nan, nan, unit)
    numbers = {key: float(getattr(e, key)) for key in ("value", "error", "low", "high")}
    return {"quantity": name, **numbers, "unit": e.unit, "note": note}


def normal(value: float, error: float, unit: str = "") -> Estimate:
    """Estimate with a symmetric interval."""
    value, error = float(value), float(error)
    return Estimate(value, error, value - 1.96 * error, value + 1.96 * error, unit)


def estimated(series: Any, unit: str = "") -> Estimate:
    """Mean of a time series with its error from blocks."""
    blocks = np.array([b.mean() for b in np.array_split(np.asarray(series, dtype=float), BLOCKS)])
    return normal(float(np.mean(series)), float(blocks.std(ddof=1) / np.sqrt(BLOCKS)), unit)
