"""A published row beside ours."""

from __future__ import annotations

from dataclasses import dataclass


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
