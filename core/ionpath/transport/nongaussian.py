"""Non-Gaussian parameter: how unlike ordinary diffusion the displacements are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.msonable import Msonable
from ionpath.transport._checks import above_zero, lag_array, lag_times, unwrapped_positions
from ionpath.transport.displacements import ion_batches, squared_displacements
from ionpath.transport.msd import logarithmic_lags


@documented
@dataclass(frozen=True)
class NonGaussian(Msonable):
    """Non-Gaussian parameter against lag time."""

    times: Floats  # (L,): lag times in ps
    lags: Ints  # (L,): the same in frames
    alpha: Floats  # (L,): Non-Gaussian parameter; nan where nothing has moved (lag 0)
    error: Floats  # (L,): standard error from the scatter between ions; nan if not asked for
    # second, fourth: (L,): mean square (A^2) and mean fourth power (A^4) of the displacement
    second: Floats
    fourth: Floats
    # peak, peak_time: largest value and its lag time in ps
    peak: float
    peak_time: float
    peak_reached: bool  # whether the largest value lies inside the range of lags. If not, the peak is earlier or later.


@typed
@references("rahman1964", "chen2025")
def non_gaussian_parameter(
    positions: ArrayLike, *, frame_time: float = 1.0, lags: ArrayLike | None = None, errors: bool = False
) -> NonGaussian:
    """Non-Gaussian parameter of the displacements of ions.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Unwrapped positions in A, without the drift of the framework.
    frame_time : float, optional
        Time between frames in ps.
    lags : array_like of int, optional
        Lags in frames; by default about 64 logarithmic ones up to 70 % of the trajectory.
    errors : bool, optional
        Whether to compute standard errors (twice the time).

    Returns
    -------
    NonGaussian
        Values at all lags, the peak and its time.

    Raises
    ------
    InputError
        If positions are malformed or a lag does not fit into the trajectory.

    Notes
    -----
    ``alpha_2(t) = 3 <dr^4> / (5 <dr^2>^2) - 1`` in three dimensions, averaged over ions and all origins. It is zero
    for Gaussian displacements, and 1/f - 1 if a fraction f of the ions diffuses and the others stand still. The
    peak time tells when ions are most unlike each other. The error takes ions as independent.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(size=(500, 40, 3)).cumsum(axis=0)
    >>> walk[:, 20:] = 0.0  # half of the ions stand still
    >>> non_gaussian_parameter(walk, lags=[1, 10]).alpha.round(1).tolist()
    [1.0, 1.0]
    """
    r = unwrapped_positions(positions)
    dt = above_zero(frame_time, "frame_time", "a time between frames in ps")
    frames, ions, _ = r.shape
    chosen = default_lags(frames) if lags is None else lag_array(lags, frames)
    by_ion = np.zeros((2, chosen.size, ions if errors else 1))
    first = 0
    for batch in ion_batches(r):
        columns = slice(first, first + batch.shape[2]) if errors else slice(0, 1)
        for k, lag in enumerate(chosen):
            by_ion[:, k, columns] += _moments(batch, int(lag), errors)
        first += batch.shape[2]
    by_ion /= (frames - chosen)[:, None] * (1 if errors else ions)
    return non_gaussian_of(by_ion, chosen, dt, errors=errors)


def default_lags(n_frames: int) -> Ints:
    """About 64 logarithmic lags up to 70 % of a trajectory."""
    return logarithmic_lags(n_frames, last=max(1, int(0.7 * (n_frames - 1))))


def non_gaussian_of(by_ion: Floats, lags: Ints, frame_time: float, *, errors: bool = True) -> NonGaussian:
    """Non-Gaussian parameter from mean squares and mean fourth powers of the ions, (2, L, N)."""
    ions = by_ion.shape[2]
    second, fourth = by_ion.mean(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = 0.6 * fourth / second**2 - 1.0
        relative = by_ion[1] / fourth[:, None] - 2.0 * by_ion[0] / second[:, None]
    error = (
        (alpha + 1.0) * relative.std(axis=1, ddof=1) / np.sqrt(ions)
        if errors and ions > 1
        else np.full(lags.size, np.nan)
    )
    top = int(np.nanargmax(alpha)) if np.isfinite(alpha).any() else 0
    return NonGaussian(
        times=lag_times(lags, frame_time),
        lags=lags,
        alpha=alpha,
        error=error,
        second=second,
        fourth=fourth,
        peak=float(alpha[top]),
        peak_time=float(lags[top] * frame_time),
        peak_reached=bool(0 < top < lags.size - 1),
    )


def _moments(batch: Floats, lag: int, by_ion: bool) -> Floats:
    ions = batch.shape[2]
    sums = np.zeros((2, ions if by_ion else 1))
    for square in squared_displacements(batch, lag):
        if by_ion:
            table = square.reshape(-1, ions)
            sums[0] += table.sum(axis=0)
            sums[1] += np.einsum("ti,ti->i", table, table)
        else:
            sums[0] += square.sum()
            sums[1] += square @ square
    return sums
