"""The stretch of lag times in which ions diffuse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.msonable import Msonable
from ionpath.transport._checks import numbers
from ionpath.transport.covariance import msd_covariance, straight_line
from ionpath.transport.msd import MeanSquaredDisplacement

FEWEST_FRAMES = 10
SPREAD = 4.0
"""An exponent is taken over lags from t to this many times t."""
CONTRADICTION = 0.998
"""Confidence with which an exponent must miss the band to show that ions do not diffuse yet at this lag."""
AGREEMENT = 0.8
"""Confidence with which the line from a lag on must differ from that from four times the lag to be rejected. It is low,
since ions that block each other hop back more often for long: with 0.98 their D came out 3 % too high."""
GUARD = 2.0
"""Where shorter lags were rejected, what rejects them has not yet died out at the first lag that passes: the window
starts this many times later."""
HOPS = 0.999
"""Confidence with which displacements of ions must scatter more than those of Gaussian walkers to show single hops."""
STRAIGHT = 1.5
"""Standard errors by which an early and a late slope may differ where growth counts as straight."""
LEAST = 0.02
"""Relative difference of slopes below which growth counts as straight, however small the errors are."""
FEW_IONS = 8
"""Of fewer ions than this the three axes count as samples of their own in tests."""


@documented
@dataclass(frozen=True)
class DiffusiveWindow(Msonable):
    """Lag times over which the mean squared displacement is taken as a straight line."""

    # start, stop: first and last lag time in ps
    start: float
    stop: float
    # start_lag, stop_lag: the same in frames
    start_lag: int
    stop_lag: int
    # exponent, exponent_error: exponent of the mean squared displacement from `start` on (over lags up to four times
    # `start`), and its standard error
    exponent: float
    exponent_error: float
    # {"exponent", "offset", "given", "none"}: why this window: the exponent is near 1; the growth is linear above a
    # constant offset (vibration in cages); the caller chose it; or no stretch was found and this is the last half
    criterion: str
    contested: bool = False  # whether the slopes from earlier lags were rejected since they differ from later ones


@typed
def diffusive_window(
    msd: MeanSquaredDisplacement,
    *,
    band: tuple[float, float] = (0.9, 1.1),
    ballistic: float = 1.0,
    discard: float = 0.3,
    window: tuple[float, float] | None = None,
    minimum_msd: float = 0.0,
) -> DiffusiveWindow:
    """Choose the lag times at which ions diffuse.

    Parameters
    ----------
    msd : MeanSquaredDisplacement
        With the values of single ions at logarithmic lags (``lags=None``).
    band : tuple of float, optional
        Exponents that count as diffusion.
    ballistic : float, optional
        Lag times below this (ps) are never used.
    discard : float, optional
        Fraction of the longest lags that is never used, since few origins are averaged there.
    window : tuple of float, optional
        First and last lag time in ps, if you choose them yourself.
    minimum_msd : float, optional
        Mean squared displacement of one hop in A^2. Where ions hop the window starts after two hops, if these take less
        than an eighth of the lags, else there.

    Returns
    -------
    DiffusiveWindow
        The window and why it was chosen.

    Raises
    ------
    InputError
        If the trajectory is too short for any window, or the given window does not fit into it.

    Notes
    -----
    The window starts at the first lag at which ``d ln MSD / d ln t`` lies in `band`, within its own standard error,
    from which on it never significantly leaves the band, and from which on the fitted slope does not significantly
    differ from that of a fit that starts four times later; twice as late if earlier lags failed. Ions that rattle
    in cages while they diffuse have MSD = c + 2 d D t, whose exponent reaches 0.9 only where diffusion has gone nine
    times as far as the rattling. If that takes too long, the window starts where the early and the late slope agree
    within 1.5 standard errors of their difference. Ions that hop back and forth for long never pass that test in a
    short run: their slope still falls, and a fit that starts early would give too much. A hop and the
    hop back take two hops: where displacements scatter more between ions than those of Gaussian walkers would, the
    window starts after two hops of `minimum_msd`.

    Examples
    --------
    >>> from ionpath.transport import mean_squared_displacement
    >>> steps = np.random.default_rng(0).normal(size=(400, 32, 3))
    >>> walk = mean_squared_displacement(steps.cumsum(axis=0), frame_time=0.5, lags=None)
    >>> chosen = diffusive_window(walk)
    >>> chosen.criterion, chosen.start
    ('exponent', 1.0)
    """
    return windows(msd, band, ballistic, discard, window, minimum_msd)[0]


def windows(
    msd: MeanSquaredDisplacement,
    band: tuple[float, float],
    ballistic: float,
    discard: float,
    window: tuple[float, float] | None,
    minimum_msd: float,
) -> tuple[DiffusiveWindow, DiffusiveWindow]:
    """Windows of single ions and of their sum, which has many hops at any lag."""
    dt = msd.frame_time
    for name, value in (("ballistic", ballistic), ("discard", discard)):
        numbers(value, name, "a finite number")
    positive("ballistic", ballistic, "ps", zero=True)
    if not 0.0 <= discard < 1.0:
        raise InputError("discard", need="a fraction from 0 to below 1", got=repr(discard), remedy="use 0.3")
    limits = numbers(band, "band", "two exponents that increase")
    if limits.shape != (2,) or not 0.0 < limits[0] < limits[1]:
        raise InputError("band", need="two exponents that increase", got=repr(band), remedy="use (0.9, 1.1)")
    if msd.n_frames < FEWEST_FRAMES:
        need = f"at least {FEWEST_FRAMES} frames to see diffusion"
        raise InputError("positions", need=need, got=f"{msd.n_frames}", remedy="use a longer trajectory")
    if msd.lags.size == 0:
        remedy = "compute it with mean_squared_displacement(lags=None)"
        raise InputError("msd", need="values of single ions", got="none", remedy=remedy)
    if window is not None:
        return (_given(msd, window),) * 2
    first = max(1, int(np.ceil(ballistic / dt - 1e-3)))  # times of files are rounded
    last = int((1.0 - discard) * (msd.n_frames - 1))
    if last < 2 * first or last < 3:
        need = f"lag times beyond twice the ballistic limit of {ballistic:g} ps"
        got = f"{last * dt:g} ps once the last {discard:.0%} are left out"
        raise InputError("positions", need=need, got=got, remedy="use a longer trajectory, or lower ballistic=")
    lags = msd.lags[(msd.lags >= first) & (msd.lags <= last)]
    first_in_band = _first_in_band(msd, lags[lags <= last / 2], last, band)
    if first_in_band:
        begin = _after_single_hops(msd, lags[(lags >= first_in_band) & (lags <= last / 8)], minimum_msd)
        early = _from(msd, lags, first_in_band, last, guarded=lags[0] < first_in_band)
        hopped = begin and begin != first_in_band
        return (_from(msd, lags, begin, last, guarded=False) if hopped else early), early
    for start in lags[lags <= last / SPREAD]:
        if _straight(msd, int(start), last):
            return (_window(msd, int(start), last, "offset"),) * 2
    return (_window(msd, int(max(first, last // 2)), last, "none"),) * 2


def _from(msd: MeanSquaredDisplacement, lags: Ints, begin: int, last: int, *, guarded: bool) -> DiffusiveWindow:
    """Window that starts at a lag, or where later slopes agree; later still where earlier lags were rejected."""
    found = _first_in_agreement(msd, lags[(lags >= begin) & (lags <= last / 2)], last)
    contested = found != begin
    if contested or guarded:
        found = max(found, min(int(GUARD * found), last // 2))
    return replace(_window(msd, found, last, "exponent"), contested=contested)


def _after_single_hops(msd: MeanSquaredDisplacement, lags: Ints, minimum: float) -> int:
    """First lag at which ions have hopped twice, or at which single hops do not show; 0 if there is none.

    Numbers of few hops scatter more between ions than squares of Gaussian steps do, and no ion that hopped less than
    twice can have hopped back.
    """
    for lag in lags:
        if msd.total[lag] >= 2.0 * minimum or not _shows_hops(msd, int(lag)):
            return int(lag)
    return int(lags[-1]) if lags.size else 0


def _shows_hops(msd: MeanSquaredDisplacement, lag: int) -> bool:
    """Whether displacements scatter more between ions than those of equal Gaussian walkers would."""
    from scipy.stats import chi2

    own = msd.by_ion[:, np.searchsorted(msd.lags, lag)].mean(axis=1)
    expected = msd_covariance([lag], msd.per_axis[: 2 * lag + 1], msd.n_frames)[0, 0] / 3.0
    freedom = msd.n_ions - 1
    return bool(freedom > 0 and freedom * own.var(ddof=1) > chi2.ppf(HOPS, freedom) * expected)


def exponent_from(msd: MeanSquaredDisplacement, start: int, stop: int) -> tuple[float, float]:
    """Exponent of the mean squared displacement over lags from `start` to four times `start`."""
    used = (msd.lags >= start) & (msd.lags <= max(min(SPREAD * start, stop), start + 1))
    own = _samples(msd, used)
    mean = own.mean(axis=0)
    if not (mean > 0).all() or mean.size < 2:
        return 0.0, 0.0
    weights = _slope_weights(np.log(msd.lags[used]))
    return float(weights @ np.log(mean)), _error((own / mean - 1.0) @ weights)


def _first_in_band(msd: MeanSquaredDisplacement, lags: Ints, last: int, band: tuple[float, float]) -> int:
    """First lag with an exponent in the band that no later lag contradicts; 0 if there is none."""
    found, contradiction = 0, _quantile(msd, CONTRADICTION)
    for lag in lags[::-1]:
        exponent, error = exponent_from(msd, int(lag), last)
        outside = max(band[0] - exponent, exponent - band[1])
        if outside > contradiction * error:
            break
        if outside <= error:
            found = int(lag)
    return found


def _first_in_agreement(msd: MeanSquaredDisplacement, lags: Ints, last: int) -> int:
    """First lag from which on the line has the slope that it has from four times this lag on."""
    allowed = _quantile(msd, AGREEMENT)
    for lag in lags[lags <= last / SPREAD**2]:
        change = _slopes(msd, int(lag), last) - _slopes(msd, int(SPREAD * lag), last)
        if abs(change.mean()) <= allowed * _error(change):
            return int(lag)
    late = lags[lags > last / SPREAD**2]
    return int(late[0] if late.size else lags[-1])


def _slopes(msd: MeanSquaredDisplacement, start: int, stop: int) -> Floats:
    """Slope of each sample's own line from `start` to `stop`, fitted with the weights of the mean."""
    lags = msd.lags[(msd.lags >= start) & (msd.lags <= stop)]
    lags = lags[np.unique(np.linspace(0, lags.size - 1, min(lags.size, 12)).round().astype(int))]
    line = straight_line(lags, msd.per_axis, msd.n_frames, msd.frame_time)
    return _samples(msd, np.searchsorted(msd.lags, lags)) @ line.weights[0]


def _samples(msd: MeanSquaredDisplacement, used: NDArray[Any]) -> Floats:
    """Mean squared displacement along one axis of each ion; if there are few ions, of each ion and axis."""
    own = msd.by_ion[:, used]
    if msd.n_ions >= FEW_IONS:
        return np.asarray(own.mean(axis=2))
    return np.asarray(own.transpose(0, 2, 1).reshape(3 * msd.n_ions, -1))


def _quantile(msd: MeanSquaredDisplacement, confidence: float) -> float:
    from scipy.stats import t

    samples = msd.n_ions if msd.n_ions >= FEW_IONS else 3 * msd.n_ions
    return float(t.ppf(0.5 + 0.5 * confidence, samples - 1))


def _straight(msd: MeanSquaredDisplacement, start: int, stop: int) -> bool:
    """Whether the slopes of both halves of a window, on a logarithmic axis, agree within their error."""
    middle = np.sqrt(start * stop)
    slopes = []
    for low, high in ((start, middle), (middle, stop)):
        used = (msd.lags >= low) & (msd.lags <= high)
        if used.sum() < 3:
            return False
        slopes.append(_samples(msd, used) @ _slope_weights(msd.lags[used].astype(np.float64)))
    early, late = slopes
    difference = abs(float((early - late).mean()))
    return bool(late.mean() > 0 and difference <= max(STRAIGHT * _error(early - late), LEAST * late.mean()))


def _slope_weights(x: Floats) -> Floats:
    centred = x - x.mean()
    return np.asarray(centred / (centred @ centred))


def _error(values: Floats) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def _given(msd: MeanSquaredDisplacement, window: tuple[float, float]) -> DiffusiveWindow:
    limits = numbers(window, "window", "two lag times in ps")
    if limits.shape != (2,):
        raise InputError("window", need="two lag times in ps", got=repr(window), remedy="leave it out")
    start, stop = (round(float(limit) / msd.frame_time) for limit in limits)
    inside = ((msd.lags >= start) & (msd.lags <= stop)).sum()
    if not (start >= 1 and stop < msd.n_frames and inside >= 3):
        need = f"two lag times well apart, between {msd.frame_time:g} ps and {msd.times[-1]:g} ps"
        raise InputError("window", need=need, got=repr(window), remedy="choose another window or leave it out")
    return _window(msd, start, stop, "given")


def _window(msd: MeanSquaredDisplacement, start: int, stop: int, criterion: str) -> DiffusiveWindow:
    exponent, error = exponent_from(msd, start, stop)
    dt = msd.frame_time
    return DiffusiveWindow(start * dt, stop * dt, start, stop, exponent, error, criterion)
