"""Mean squared displacement over all time origins, by fast Fourier transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints
from ionpath.cells import FARTHEST
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, whole
from ionpath.msonable import Msonable
from ionpath.transport._checks import above_zero, lag_array, numbers, unwrapped_positions
from ionpath.transport.lagged import LaggedPairs

BATCH_BYTES = 2**26
"""Memory that one batch of ions may take in the transform (bytes)."""
COOPERATION_BLOCKS = 20
"""Pieces of a trajectory over which the squared displacement of all ions is compared."""


@typed
@documented
@dataclass(frozen=True)
class MeanSquaredDisplacement(Msonable):
    """Mean squared displacement of ions, averaged over ions and time origins."""

    # (M,): lag times in ps, from zero: all of them (M = T), or those of `lags` where frames were read once as a stream
    times: Floats
    total: Floats  # (M,): mean of ``|r(t0 + t) - r(t0)|^2`` in A^2
    axes: Floats  # (M, 3): the same along x, y and z in A^2; they sum to `total`
    # (M, 3): mean square of the summed displacement of all ions, divided by their number, along x, y and z in A^2
    collective: Floats
    lags: Ints  # (L,): lags (frames) at which the ions are kept apart
    by_ion: Floats  # (N, L, 3): mean squared displacement of each ion along each axis at these lags in A^2
    frame_time: float  # time between frames in ps
    # n_frames, n_ions: size of the trajectory
    n_frames: int
    n_ions: int
    # how much more the squared displacement of all ions fluctuates in time than that of independent ions would, see
    # `cooperation`; nan if ions are not kept apart
    cooperation: float = float("nan")

    def at_all_lags(self, values: Floats) -> Floats:
        """Values at `times` for every lag from 0 to T - 1, on straight lines between those that are known."""
        if len(values) == self.n_frames:
            return values
        return np.interp(np.arange(self.n_frames), self.times / self.frame_time, values)

    @property
    def per_axis(self) -> Floats:
        """Mean over the axes at every lag in A^2, shape (T,)."""
        return self.at_all_lags(self.axes.mean(axis=1))


@typed
def msd_by_fft(series: ArrayLike) -> Floats:
    """Mean squared displacement of scalar series over all time origins.

    Parameters
    ----------
    series : array_like, shape (..., T)
        Coordinates in A along the last axis.

    Returns
    -------
    ndarray, shape (..., T)
        Mean squared displacement in A^2 at lags 0 to T - 1 frames.

    Notes
    -----
    ``sum (x[i + n] - x[i])^2`` is the sum of the squares that take part minus twice the autocorrelation, and the
    latter is the inverse transform of the power spectrum of the zero-padded series (Calandrini et al.,
    doi:10.1051/sfn/201112010). The mean of each series is taken off first, so that no digits are lost far from
    the origin.

    Examples
    --------
    >>> msd_by_fft([0.0, 1.0, 2.0, 3.0]).round(12).tolist()
    [0.0, 1.0, 4.0, 9.0]
    """
    x = numbers(series, "series", "finite coordinates in A")
    if not x.size:
        raise InputError("series", need="at least one frame", got="none", remedy="read more of the trajectory")
    if not np.abs(x).max() < FARTHEST**2:  # it may be a sum over many ions
        need, remedy = f"coordinates within {FARTHEST**2:g} A of the origin", "repair the trajectory"
        raise InputError("series", need=need, got=f"{np.abs(x).max():.3g} A", remedy=remedy)
    x = x - x.mean(axis=-1, keepdims=True)
    return _from_power(_squares(x), _power(x), x.shape[-1])


@typed
@references("calandrini2011")
def mean_squared_displacement(
    positions: ArrayLike, *, frame_time: float = 1.0, lags: ArrayLike | None = (), collective: bool = True
) -> MeanSquaredDisplacement:
    """Mean squared displacement of ions: all together, along each axis, collective, and each ion at a few lags.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework. A memory map will do: ions are taken in
        batches.
    frame_time : float, optional
        Time between frames in ps.
    lags : array_like of int or None, optional
        Lags (frames) at which each ion's own value is kept; ``None`` for about 64 logarithmic ones, none by default.
    collective : bool, optional
        Whether to compute the collective displacement too (else nan).

    Returns
    -------
    MeanSquaredDisplacement
        Values at all lags, in A^2.

    Raises
    ------
    InputError
        If positions are not (frames, ions, 3), not finite, or of one frame only.

    Notes
    -----
    ``MSD(t) = < |r_i(t0 + t) - r_i(t0)|^2 >`` over ions i and all origins t0. Memory besides the positions does
    not grow with the number of ions.

    Examples
    --------
    >>> straight = np.arange(5.0)[:, None, None] * np.array([1.0, 0.0, 2.0])
    >>> mean_squared_displacement(straight, frame_time=0.1).total.round(9).tolist()
    [0.0, 5.0, 20.0, 45.0, 80.0]
    """
    r = unwrapped_positions(positions)
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    n_frames, n_ions, _ = r.shape
    if lags is None:
        kept = logarithmic_lags(n_frames)
    else:
        kept = lag_array(lags, n_frames) if np.size(lags) else np.empty(0, dtype=np.int64)
    axes, by_ion, summed = np.zeros((3, n_frames)), np.empty((n_ions, kept.size, 3)), np.zeros((3, n_frames))
    power, squares = 0.0, np.zeros((3, n_frames))
    step = max(1, BATCH_BYTES // (n_frames * 3 * 8 * 6))
    for first in range(0, n_ions, step):
        x = np.array(r[:, first : first + step].transpose(1, 2, 0), dtype=np.float64, order="C")
        x -= x.mean(axis=-1, keepdims=True)
        spectrum, square = _power(x), _squares(x)
        power, squares = power + spectrum.sum(axis=0), squares + square.sum(axis=0)
        summed += x.sum(axis=0)
        if kept.size:
            own = _from_power(square, spectrum, n_frames)[..., kept]
            by_ion[first : first + step] = own.transpose(0, 2, 1)
    axes = _from_power(squares, np.asarray(power), n_frames) / n_ions
    together = msd_by_fft(summed) / n_ions if collective else np.full((3, n_frames), np.nan)
    return MeanSquaredDisplacement(
        times=np.arange(n_frames, dtype=np.float64) * dt,
        total=axes.sum(axis=0),
        axes=np.ascontiguousarray(axes.T),
        collective=np.ascontiguousarray(together.T),
        lags=kept,
        by_ion=by_ion,
        frame_time=dt,
        n_frames=n_frames,
        n_ions=n_ions,
        cooperation=cooperation(r) if kept.size else float("nan"),
    )


@typed
def cooperation(positions: ArrayLike, *, blocks: int = COOPERATION_BLOCKS) -> float:
    """How much ions move at the same times.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A.
    blocks : int, optional
        Consecutive pieces into which the trajectory is cut.

    Returns
    -------
    float
        Variance over the pieces of the squared displacement averaged over ions, divided by what it would be if each
        ion had its own variance and moved independently: 1 for independent ions, N if all move at once; nan for one
        ion or fewer than four pieces. It scatters by the square root of 2 / (pieces - 1).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> bursts = rng.exponential(size=(400, 1, 1)) * rng.normal(size=(400, 30, 3))
    >>> cooperation(bursts.cumsum(axis=0)) > 2
    True
    """
    r = unwrapped_positions(positions)
    return cooperation_of(np.asarray(r[equal_pieces(r.shape[0], blocks)], dtype=np.float64))


def equal_pieces(n_frames: int, pieces: int = COOPERATION_BLOCKS) -> Ints:
    """Frames that cut a run into pieces of equal length, ends included."""
    number = min(whole("blocks", pieces), n_frames - 1)
    return np.arange(0, n_frames, (n_frames - 1) // number)[: number + 1]


def cooperation_of(ends: Floats) -> float:
    """The same from positions (pieces + 1, N, 3) at the ends of the pieces."""
    if ends.shape[1] < 2 or len(ends) < 5:
        return float("nan")
    squares = (np.diff(ends, axis=0) ** 2).sum(axis=2)
    independent = squares.var(axis=0, ddof=1).mean() / ends.shape[1]
    return float(squares.mean(axis=1).var(ddof=1) / independent) if independent > 0 else float("nan")


def msd_of_sums(pairs: LaggedPairs, ends: Floats, frame_time: float, factor: float = 1.0) -> MeanSquaredDisplacement:
    """Mean squared displacement from the `SquareSums` of a stream with its centre, and positions at `equal_pieces`.

    `factor` is that of `ionpath.framework.Driftless`: where it is not 1, nothing is known about the ions together.
    """
    consumer: Any = pairs.consumers[0]
    *ions, centre = consumer.total / pairs.n_origins[:, None]
    own = np.array(ions) / factor
    together = centre * len(own) if factor == 1.0 else np.full_like(centre, np.nan)
    axes, collective = (np.concatenate([np.zeros((1, 3)), x]) for x in (own.mean(axis=0), together))
    return MeanSquaredDisplacement(
        times=np.append(0, pairs.lags) * frame_time,
        total=axes.sum(axis=1),
        axes=axes,
        collective=collective,
        lags=pairs.lags,
        by_ion=own,
        frame_time=frame_time,
        n_frames=pairs.n_frames,
        n_ions=len(own),
        cooperation=cooperation_of(ends),
    )


@typed
def collective_displacement(positions: ArrayLike) -> Floats:
    """Sum of the displacements of all ions since the first frame.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A.

    Returns
    -------
    ndarray, shape (T, 3)
        Summed displacement in A (the dipole of the moved charge divided by the charge).

    Examples
    --------
    >>> collective_displacement(np.array([[[0.0, 0, 0], [5.0, 0, 0]], [[1.0, 0, 0], [7.0, 0, 0]]])).tolist()
    [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]]
    """
    total = unwrapped_positions(positions).sum(axis=1, dtype=np.float64)
    return np.asarray(total - total[0])


@typed
def local_exponent(times: Finite, msd: Finite, *, span: float = 2.0) -> Floats:
    """Local exponent of the mean squared displacement.

    Parameters
    ----------
    times : array_like, shape (T,)
        Lag times in ps that grow from zero.
    msd : array_like, shape (T,)
        Mean squared displacement in A^2.
    span : float, optional
        Ratio of the longest to the shortest time of the stretch around each time over which the slope is taken.

    Returns
    -------
    ndarray, shape (T,)
        ``beta(t) = d ln MSD / d ln t``; nan where the stretch does not fit into the data. 2 is ballistic motion,
        1 diffusion, less than 1 is motion in cages.

    Examples
    --------
    >>> t = np.arange(100) * 0.1
    >>> local_exponent(t, 3 * t**0.5)[[10, 50]].round(6).tolist()
    [0.5, 0.5]
    """
    t, m = np.asarray(times, dtype=np.float64), np.asarray(msd, dtype=np.float64)
    if t.ndim != 1 or t.shape != m.shape:
        raise InputError("msd", need=f"one value for each of {t.size} times", got=f"shape {m.shape}")
    if not span > 1.0:
        raise InputError("span", need="a ratio of times above 1", got=repr(span), remedy="use 2")
    index = np.arange(t.size)
    if t.size > 2 and not np.allclose(t, t[1] * index, rtol=1e-9, atol=0.0):
        with np.errstate(divide="ignore"):
            x, y, half = np.log(t), np.log(m), 0.5 * np.log(span)
        low, high = (np.interp(x + shift, x[1:], y[1:], left=np.nan, right=np.nan) for shift in (-half, half))
        return np.asarray((high - low) / (2.0 * half), dtype=np.float64)
    low = np.maximum(np.floor(index / np.sqrt(span)), 1).astype(int)
    high = np.maximum(np.ceil(index * np.sqrt(span)), low + 1).astype(int)
    out = np.full(t.size, np.nan)
    inside = (index > 0) & (high < t.size)
    a, b = low[inside], high[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        out[inside] = np.log(m[b] / m[a]) / np.log(t[b] / t[a])
    return out


def logarithmic_lags(n_frames: int, number: int = 64, last: int | None = None) -> Ints:
    """Whole lags that are spread evenly on a logarithmic scale.

    >>> logarithmic_lags(200, number=6).tolist()
    [1, 3, 8, 24, 69, 199]
    """
    end = n_frames - 1 if last is None else last
    return np.unique(np.round(np.geomspace(1, end, number)).astype(np.int64))


def _power(x: Floats) -> Floats:
    from scipy.fft import next_fast_len, rfft

    spectrum = rfft(x, next_fast_len(2 * x.shape[-1], real=True), axis=-1)
    return np.asarray(spectrum.real**2 + spectrum.imag**2)


def _squares(x: Floats) -> Floats:
    """Sum over origins of the squares at both ends of each lag, shape of `x`."""
    sums = np.cumsum(x * x, axis=-1)
    starts = sums[..., ::-1]
    ends = np.concatenate([sums[..., -1:], sums[..., -1:] - sums[..., :-1]], axis=-1)
    return np.asarray(starts + ends)


def _from_power(squares: Floats, power: Floats, n_frames: int) -> Floats:
    from scipy.fft import irfft, next_fast_len

    correlation = irfft(power, next_fast_len(2 * n_frames, real=True), axis=-1)[..., :n_frames]
    msd = (squares - 2.0 * correlation) / np.arange(n_frames, 0, -1)
    msd[..., 0] = 0.0
    return np.maximum(msd, 0.0)
