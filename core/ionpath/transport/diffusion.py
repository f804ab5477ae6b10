"""Diffusion coefficients with calibrated errors, or an upper bound where ions did not diffuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.estimate import Estimate
from ionpath.msonable import Msonable
from ionpath.transport._checks import above_zero
from ionpath.transport.conduction import haven_ratio
from ionpath.transport.covariance import Line, straight_line
from ionpath.transport.msd import COOPERATION_BLOCKS, MeanSquaredDisplacement, mean_squared_displacement
from ionpath.transport.window import DiffusiveWindow, windows

UNIT = "A^2/ps"
MOST_LAGS = 24
"""Lags that take part in a fit; more carry no information that these do not."""
CHOICE = 1.5
"""Factor on the error where slopes of early lags were rejected: those of late lags differ from them by chance, too.
Coefficients of free walks and lattice gases scattered by 1.2 to 1.5 times their errors there, by 0.9 to 1.0 elsewhere.
"""
LEAST_SIGNIFICANCE = 2.0
"""A coefficient below this many standard errors is reported as an upper bound."""


@documented
@dataclass(frozen=True)
class Diffusion(Msonable):
    """Diffusion of ions in one trajectory."""

    # tracer diffusion coefficient in A^2/ps (1 A^2/ps = 1e-8 m^2/s = 1e-4 cm^2/s), with standard error and 95 %
    # interval. Where ions did not diffuse it is an upper bound (95 % confidence): value nan, ``high`` the bound.
    coefficient: Estimate
    axes: tuple[Estimate, Estimate, Estimate]  # the same along x, y and z
    collective: Estimate  # coefficient of the diffusion of charge, from the summed displacement of all ions
    haven_ratio: Estimate  # `coefficient` over `collective`
    offset: float  # displacement in A^2 at which the fitted line starts: vibration and rattling in cages
    window: DiffusiveWindow  # lag times of the fit
    msd: MeanSquaredDisplacement  # what was fitted
    minimum_msd: float  # displacement (A^2) that ions had to reach within the window
    # factor by which errors were widened because ions move at the same times; 1 if there is no sign of it
    widening: float
    verdict: str  # one sentence: what was found and whether to trust it

    @property
    def diffused(self) -> bool:
        """Whether there is a coefficient (else only a bound)."""
        return bool(np.isfinite(self.coefficient.value))


@typed
@references("bullerjahn2020", "michalet2010")
def estimate_diffusion(
    positions: ArrayLike | MeanSquaredDisplacement,
    frame_time: float = 1.0,
    *,
    window: tuple[float, float] | None = None,
    minimum_msd: float = 9.0,
    band: tuple[float, float] = (0.9, 1.1),
    ballistic: float = 1.0,
    discard: float = 0.3,
) -> Diffusion:
    """Diffusion coefficient of ions with a calibrated error.

    Parameters
    ----------
    positions : array_like of shape (T, N, 3), or MeanSquaredDisplacement
        Unwrapped positions in A without the drift of the framework; or their displacements with ``lags=None``.
    frame_time : float, optional
        Time between frames in ps; that of the displacements if these are given.
    window : tuple of float, optional
        First and last lag time of the fit in ps. By default it is chosen by the local exponent, see
        `diffusive_window`.
    minimum_msd : float, optional
        Mean squared displacement in A^2 that must be reached within the window for ions to count as diffusing:
        one site spacing squared.
    band : tuple of float, optional
        Local exponents that count as diffusion.
    ballistic : float, optional
        Lag times below this (ps) are never used.
    discard : float, optional
        Fraction of the longest lags that is never used.

    Returns
    -------
    Diffusion
        Coefficients along all axes and along each, collective coefficient and Haven ratio; upper bounds where the
        ions did not diffuse.

    Raises
    ------
    InputError
        If positions are malformed or the trajectory is too short.

    Notes
    -----
    ``MSD(t) = offset + 2 d D t`` is fitted by generalised least squares at up to 24 logarithmic lags; the covariance
    follows exactly from the displacements themselves for Gaussian walkers (`msd_covariance`), vibrations in cages
    included. The error is the larger of the one from this covariance and the scatter of the same line between
    ions, which also knows that hops are not Gaussian and ions not alike, times 1.5 where slopes of early
    lags were rejected for the window; the interval is symmetric in ln D and uses Student's t. Ions are taken as
    independent of each other; strongly cooperative hops make the true error larger.

    Examples
    --------
    >>> steps = np.random.default_rng(2).normal(scale=np.sqrt(2 * 0.1 * 1.0), size=(400, 32, 3))
    >>> result = estimate_diffusion(steps.cumsum(axis=0), frame_time=1.0)
    >>> print(result.coefficient)
    0.1001 ± 0.0013 A^2/ps
    """
    msd = (
        positions
        if isinstance(positions, MeanSquaredDisplacement)
        else mean_squared_displacement(positions, frame_time=frame_time, lags=None)
    )
    above_zero(minimum_msd, "minimum_msd", "a displacement in A^2")
    chosen, early = windows(msd, band, ballistic, discard, window, minimum_msd)
    lags = _fit_lags(msd, chosen)
    curve = msd.per_axis
    line = straight_line(lags, curve, msd.n_frames, msd.frame_time)
    by_ion = msd.by_ion[:, np.searchsorted(msd.lags, lags)]
    widening = _widening(msd)
    factor = widening * (CHOICE if chosen.contested else 1.0)
    coefficient = _coefficient(line, by_ion, factor)
    reason = _why_bound(chosen, float(3.0 * curve[chosen.stop_lag]), minimum_msd, coefficient)
    if reason:
        coefficient = _bound(msd, chosen, minimum_msd)
        axes = tuple(_bound(msd, chosen, minimum_msd, (axis,)) for axis in range(3))
    else:
        axes = tuple(_coefficient(line, by_ion[..., axis : axis + 1], factor) for axis in range(3))
    collective = _collective(msd, _fit_lags(msd, early))
    return Diffusion(
        coefficient=coefficient,
        axes=(axes[0], axes[1], axes[2]),
        collective=collective,
        haven_ratio=haven_ratio(coefficient, collective),
        offset=float(3.0 * line.weights[1] @ curve[lags]),
        window=chosen,
        msd=msd,
        minimum_msd=float(minimum_msd),
        widening=widening,
        verdict=reason or _verdict(chosen),
    )


def _fit_lags(msd: MeanSquaredDisplacement, window: DiffusiveWindow) -> Ints:
    inside = msd.lags[(msd.lags >= window.start_lag) & (msd.lags <= window.stop_lag)]
    picked = np.unique(np.linspace(0, inside.size - 1, min(inside.size, MOST_LAGS)).round().astype(int))
    return np.asarray(inside[picked])


def _coefficient(line: Line, by_ion: Floats, factor: float) -> Estimate:
    """Coefficient from the values of single ions along the axes that are given."""
    n_ions, _, dimensions = by_ion.shape
    own = np.einsum("l,nla->na", line.weights[0], by_ion)
    value, along = float(own.mean()), own.mean(axis=0)
    model = line.relative_error * float(np.sqrt((along**2).sum() / n_ions)) / dimensions
    if n_ions < 2:
        return positive_estimate(value, factor * model, 0)
    scatter = float(own.mean(axis=1).std(ddof=1) / np.sqrt(n_ions))
    freedom = (n_ions if scatter > model else n_ions * dimensions) - 1
    return positive_estimate(value, factor * float(np.fmax(scatter, model)), freedom)


def _widening(msd: MeanSquaredDisplacement) -> float:
    """Factor by which errors grow because ions move together, if they significantly do."""
    from scipy.stats import chi2

    freedom = min(COOPERATION_BLOCKS, msd.n_frames - 1) - 1
    if not msd.cooperation > chi2.ppf(0.95, max(freedom, 1)) / max(freedom, 1):
        return 1.0
    return float(np.sqrt(min(msd.cooperation, msd.n_ions)))


def positive_estimate(value: float, error: float, freedom: int) -> Estimate:
    """Estimate of a number that cannot be negative."""
    from scipy.stats import chi2, t

    if not (value > 0 and np.isfinite(error) and error > 0):
        return Estimate(value, error, value, value, UNIT)
    relative = error / value
    if freedom > 0:
        factor = float(np.exp(t.ppf(0.975, freedom) * relative))
        return Estimate(value, error, value / factor, value * factor, UNIT)
    dof = 2.0 / relative**2
    low, high = (float(dof / max(chi2.ppf(q, dof), 1e-300)) for q in (0.975, 0.025))
    return Estimate(value, error, value * low, value * high, UNIT)


def _collective(msd: MeanSquaredDisplacement, lags: Ints) -> Estimate:
    """Diffusion of charge: one walker in three dimensions, so the error comes from the model alone."""
    along = msd.at_all_lags(msd.collective.mean(axis=1))
    if not np.isfinite(along).all():
        return Estimate(float("nan"), float("nan"), float("nan"), float("nan"), UNIT)
    line = straight_line(lags, along, msd.n_frames, msd.frame_time)
    value = float(line.weights[0] @ along[lags])
    error = line.relative_error * abs(value) / np.sqrt(3.0)
    if value > LEAST_SIGNIFICANCE * error and np.isfinite(error):
        return positive_estimate(value, error, 0)
    # The line is lost in the noise: the displacement itself, with the scatter of few independent windows, is a bound.
    from scipy.stats import chi2

    lag = int(lags[-1])
    dof = 3.0 * max(1.0, msd.n_frames / lag)
    bound = float(along[lag] / (2.0 * lag * msd.frame_time) * dof / chi2.ppf(0.05, dof))
    return Estimate(float("nan"), float("nan"), 0.0, bound, UNIT)


def _why_bound(window: DiffusiveWindow, reached: float, minimum: float, found: Estimate) -> str:
    if window.criterion == "none":
        return (
            f"upper bound only: no stretch of lag times with exponent near 1 (it is {window.exponent:.2f} at "
            f"{window.start:.3g} ps); a longer trajectory is needed"
        )
    if reached < minimum:
        return (
            f"upper bound only: ions moved {reached:.3g} A^2 within {window.stop:.3g} ps, less than the "
            f"{minimum:.3g} A^2 of one site spacing; a longer trajectory is needed"
        )
    if not found.value > LEAST_SIGNIFICANCE * found.error:
        return "upper bound only: the slope is lost in its error; a longer trajectory is needed"
    return ""


def _verdict(window: DiffusiveWindow) -> str:
    exponent = format(Estimate(window.exponent, window.exponent_error, float("nan"), float("nan")), ".2f")
    how = {
        "exponent": f"diffusive with exponent {exponent}",
        "offset": "linear growth above the rattling in cages",
        "given": f"window as given, exponent {exponent}",
    }[window.criterion]
    return f"{how}, from {window.start:.3g} to {window.stop:.3g} ps"


def _bound(
    msd: MeanSquaredDisplacement, window: DiffusiveWindow, minimum: float, axes: tuple[int, ...] = (0, 1, 2)
) -> Estimate:
    """Largest coefficient that the data leave room for, at 95 % confidence.

    The displacement grows ever more slowly before diffusion sets in, so that its ratio to 2 d t lies above the
    coefficient. Hops that were too rare to be seen could still have happened up to three times.
    """
    from scipy.stats import t

    last = int(np.searchsorted(msd.lags, window.stop_lag, side="right")) - 1
    own = msd.by_ion[:, last][:, list(axes)].mean(axis=1) / (2.0 * msd.lags[last] * msd.frame_time)
    spread = own.std(ddof=1) / np.sqrt(msd.n_ions) if msd.n_ions > 1 else own.mean()
    seen = float(own.mean() + t.ppf(0.95, max(msd.n_ions - 1, 1)) * spread)
    unseen = 3.0 * minimum / (6.0 * msd.n_ions * msd.n_frames * msd.frame_time)
    return Estimate(float("nan"), float("nan"), 0.0, max(seen, unseen), UNIT)
