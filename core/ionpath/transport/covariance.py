"""How the mean squared displacements at different lags scatter together, and the best straight line through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError
from ionpath.msonable import Msonable
from ionpath.transport._checks import lag_array, numbers

QUADRATURE = 64
"""Points per shortest lag in the sum over pairs of origins; more change the covariance by less than 0.1 %."""
SMALLEST_EIGENVALUE = 1e-5
"""Modes of the correlation matrix below this fraction of the largest one are not trusted as weights."""


@dataclass(frozen=True)
class Line(Msonable):
    """Straight line through a mean squared displacement, ``2 D t + offset`` along one axis."""

    lags: Ints  # (L,): lags used, in frames
    # (2, L): the diffusion coefficient (A^2/ps) and the offset (A^2) are these weights times the values at the lags
    weights: Floats
    # standard error of the diffusion coefficient of one Gaussian walker along one axis, divided by the coefficient
    relative_error: float


@typed
def msd_covariance(lags: ArrayLike, msd: ArrayLike, n_frames: int) -> Floats:
    """Covariance of the mean squared displacements of one Gaussian walker along one axis.

    Parameters
    ----------
    lags : array_like of int, shape (L,)
        Lags in frames.
    msd : array_like, shape (M,)
        Expected mean squared displacement of the walker along this axis at lags 0, 1, ... in A^2, to at least twice
        the longest lag. It may hold vibrations in cages as well as diffusion.
    n_frames : int
        Length of the trajectory over whose origins is averaged.

    Returns
    -------
    ndarray, shape (L, L)
        Covariance in A^4. For N independent walkers it is divided by N.

    Raises
    ------
    InputError
        If `msd` is too short.

    Notes
    -----
    For a process with stationary Gaussian increments the products of two displacements follow from the mean squared
    displacement itself,

    ``E[(x(i+n) - x(i)) (x(j+m) - x(j))] = (M(k+m) + M(k-n) - M(k) - M(k+m-n)) / 2``, k = j - i,

    and by Wick's theorem the covariance of their squares is twice the square of that. The sum over all pairs of
    origins is what the average over overlapping windows needs. With M = 2 D t it is the covariance of Qian, Sheetz
    and Elson (doi:10.1016/S0006-3495(91)82125-7), with white noise added that of Michalet
    (doi:10.1103/PhysRevE.82.041914); here M may be the measured one. The idea of fitting with the covariance of
    the estimator is that of Bullerjahn et al. (doi:10.1063/5.0008312) and of kinisi (McCluskey et al.,
    doi:10.1021/acs.jctc.4c01249).

    Examples
    --------
    One step of a walk of T frames: T - 1 independent squares, each of variance 2 (2 D)^2.

    >>> float(msd_covariance([1], 2.0 * np.arange(20), 11)[0, 0] * 10)
    8.0
    """
    n = lag_array(lags, n_frames)
    m = numbers(msd, "msd", "finite mean squared displacements in A^2")
    if m.size < 2 * int(n.max()) + 1:
        got = f"up to lag {m.size - 1}"
        remedy = "extend the straight line beyond the window"
        raise InputError("msd", need=f"values up to lag {2 * int(n.max())}", got=got, remedy=remedy)
    mirrored = np.concatenate([m[:0:-1], m])
    out = np.empty((n.size, n.size))
    for a in range(n.size):
        for b in range(a + 1):
            long, short = max(int(n[a]), int(n[b])), min(int(n[a]), int(n[b]))
            out[a, b] = out[b, a] = _pair(long, short, mirrored, n_frames)
    return out


def straight_line(lags: ArrayLike, msd: ArrayLike, n_frames: int, frame_time: float) -> Line:
    """Best unbiased straight line through a mean squared displacement, offset included.

    Weights are ``(X^T C^-1 X)^-1 X^T C^-1`` with the covariance C of `msd_covariance`, made from the measured values at
    lags shorter than the window and from the line itself at longer ones, in two rounds.
    """
    n, m = lag_array(lags, n_frames), np.asarray(msd, dtype=np.float64)
    design = np.stack([2.0 * n * frame_time, np.ones(n.size)], axis=1)
    weights = np.asarray(np.linalg.pinv(design))
    relative = float("nan")
    for _ in range(2):
        slope, offset = weights @ m[n]
        if not slope > 0:
            break
        expected = np.maximum(offset, 0.0) + 2.0 * slope * frame_time * np.arange(2 * int(n.max()) + 1)
        known = min(int(n.min()), expected.size)
        expected[:known] = m[:known]
        covariance = msd_covariance(n, expected, n_frames)
        weights = _gls(design, covariance)
        variance = float(weights[0] @ covariance @ weights[0])
        relative = float(np.sqrt(max(variance, 0.0)) / slope)
    return Line(n, weights, relative)


def _pair(n: int, m: int, mirrored: Floats, n_frames: int) -> float:
    """Covariance of the values at lags n >= m: a sum over the distance k of the two origins.

    `mirrored` holds the mean squared displacement at lags from -L to L.
    """
    stride, known = max(1, m // QUADRATURE), mirrored.size // 2
    # Displacements that lie further apart than the msd is known are uncorrelated to the same accuracy.
    first, last = max(-(n_frames - n - 1), n - known), min(n_frames - m - 1, known - m)
    k = np.arange(first, last + 1, stride)
    pairs = np.minimum(n_frames - n, n_frames - m - k) - np.maximum(0, -k)
    at_0, at_m, at_n, at_mn = (
        mirrored[known + first + shift : known + last + shift + 1 : stride] for shift in (0, m, -n, m - n)
    )
    product = at_m + at_n - at_0 - at_mn
    total = 0.5 * stride * float(np.dot(pairs, product * product))
    return total / ((n_frames - n) * (n_frames - m))


def _gls(design: Floats, covariance: Floats) -> Floats:
    scale = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    values = np.maximum(values, SMALLEST_EIGENVALUE * values[-1])
    weighted = (vectors / values) @ vectors.T / np.outer(scale, scale) @ design
    return np.asarray(np.linalg.solve(design.T @ weighted, weighted.T))
