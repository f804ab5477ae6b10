"""A published row beside ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Compared:
    """One row of the comparison.

    Attributes
    ----------
    number, figure, title, published, unit : int, str, str, str, str
        Of the published row.
    ours : str
        Value with its error, or a bound.
    value, error, sampling, arrangements, potential, low, high : float or None
        Of ours, in the published unit; None where unknown.
    parts : str
        Errors of sampling, arrangements and potential of every point; ? where unknown.
    conditions : str
        Systems, temperatures, number of arrangements.
    complete : bool
        Whether ours has every point of the row.
    verdict : str
        ``agrees``, ``order agrees``, ``differs``, ``ours alone``, ``not sampled`` or ``out of reach here``.
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
    error: float | None
    sampling: float | None
    arrangements: float | None
    potential: float | None
    low: float | None
    high: float | None
    parts: str
    conditions: str
    complete: bool
    verdict: str
    sentence: str
