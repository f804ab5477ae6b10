"""Intervals of numbers whose errors come from few parts hold the known truth."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from ionpath.estimate import Estimate
from ionpath_cli.study.across import _rms, _rms_of
from ionpath_cli.study.quantities import scattered, student, summed
from ionpath_cli.study.soft import GROUPS, _related, _scores, _weights
from ionpath_cli.study.structural import peak

Draw = Callable[[np.random.Generator], Estimate]


def of_frames(rng: np.random.Generator) -> Estimate:
    """Mean of four frames, of mean 1."""
    return scattered(1.0 + rng.normal(size=4))


def of_ions_and_blocks(rng: np.random.Generator) -> Estimate:
    """Mean 1 over 24 ions, of spread 1, and over five blocks of time, of spread 0.6."""
    ions, blocks = rng.normal(size=24), 0.6 * rng.normal(size=5)
    errors = [(x.std(ddof=1) / x.size**0.5, x.size - 1) for x in (ions, blocks)]
    return summed(1.0 + ions.mean() + blocks.mean(), errors)


def of_squares(rng: np.random.Generator) -> Estimate:
    """Root of a mean of 30 squares, each of a frame of 150 forces, whose spreads are all 1."""
    return _rms([(rng.normal(size=150) ** 2).mean() for _ in range(30)], "meV/A")


def of_residuals(rng: np.random.Generator) -> Estimate:
    """Root of a mean of six squares of residuals of spread 1."""
    return _rms_of(float((rng.normal(size=6) ** 2).mean() ** 0.5), 6, "meV")


@pytest.mark.parametrize("draw", [of_frames, of_ions_and_blocks, of_squares, of_residuals])
def test_intervals_of_few_parts_cover(draw: Draw) -> None:
    rng = np.random.default_rng(3)
    held = [found.low <= 1.0 <= found.high for found in (draw(rng) for _ in range(1000))]
    assert 0.90 <= np.mean(held) <= 0.99


def test_errors_from_folds_and_groups_have_their_quantile() -> None:
    """Half an interval in standard errors, t(0.975, n - 1): 2.776 of 5 folds, 2.262 of 10 groups, 2.201 of 12 ions."""

    def wide(row: dict[str, float] | Estimate) -> float:
        low, high, error = (row[k] if isinstance(row, dict) else getattr(row, k) for k in ("low", "high", "error"))
        return round((high - low) / (2.0 * error), 3)

    scores = SimpleNamespace(accuracy=0.8, balanced_accuracy=0.7, majority_accuracy=0.6, n_samples=100)
    folds = SimpleNamespace(error=0.02, accuracy=np.full(5, 0.8), by_system=(scores,))
    rows = _scores(SimpleNamespace(scores=scores, cross_validation=folds), ["A"], "", "ion")
    assert [wide(row) for row in rows] == [2.776] * 3
    weights = SimpleNamespace(labels=("S 2.5", "Cl 2.5"), values=np.array([0.8, 0.6]), errors=np.array([0.1, 0.1]))
    related = _related("order", SimpleNamespace(softness=[1], binned=0.5, samples=0.3, samples_error=0.1))
    assert GROUPS == 10 and wide(_weights(SimpleNamespace(weights=weights), "")[0]) == wide(related[0]) == 2.262
    alpha = SimpleNamespace(peak=0.4, alpha2=np.array([0.1, 0.4]), error=np.array([0.2, 0.05]))
    assert wide(peak(alpha, 12)) == 2.201 and np.isnan(student(1.0, 0.1, 1).high)
