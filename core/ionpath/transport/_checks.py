"""Checks that every function of this folder makes at its door."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arrays import Floats, Ints
from ionpath.cells import FARTHEST
from ionpath.errors import InputError
from ionpath.estimate import Estimate


def unwrapped_positions(positions: ArrayLike, *, frames: int = 2, name: str = "positions") -> NDArray[Any]:
    """Positions as an array of floats with frames, ions and three components."""
    array = np.asanyarray(positions)
    if array.dtype.kind not in "fiub":
        raise InputError(name, need="real numbers", got=str(array.dtype), remedy="pass positions in A")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if array.ndim != 3 or array.shape[2] != 3:
        remedy = "pass one position in A for each ion in each frame"
        raise InputError(name, need="an array of shape (frames, ions, 3)", got=f"shape {array.shape}", remedy=remedy)
    if array.shape[0] < frames:
        remedy = "read more of the trajectory or a smaller step between frames"
        raise InputError(name, need=f"at least {frames} frames", got=f"{array.shape[0]}", remedy=remedy)
    if array.shape[1] == 0:
        raise InputError(name, need="at least one ion", got="none", remedy="check the selection of mobile ions")
    good = (array.max(axis=(1, 2)) < FARTHEST) & (array.min(axis=(1, 2)) > -FARTHEST)  # nor is it NaN
    if not good.all():
        k = int(np.argmin(good))
        far = bool(np.isfinite(array[k]).all())
        need = f"coordinates within {FARTHEST:g} A of the origin" if far else "finite coordinates"
        got = f"{'farther' if far else 'nan or infinite'} ones in frame {k}"
        raise InputError(name, need=need, got=got, remedy="repair the trajectory or leave these frames out")
    return array


def in_unit(value: Estimate, unit: str, name: str) -> Estimate:
    """An estimate in a unit that a formula needs; one without a unit is taken to have it."""
    if not value.unit:
        return value
    try:
        return value.to(unit)
    except InputError as error:
        need = f"a number in {unit}, or in a unit of that kind"
        raise InputError(name, need=need, got=f"{value}", remedy="check its kind") from error


def above_zero(value: float, name: str, what: str) -> float:
    """A number above zero."""
    number = number_of(value)
    if not (np.isfinite(number) and number > 0.0):
        raise InputError(name, need=f"{what} above zero", got=repr(value), remedy=f"pass the {name.replace('_', ' ')}")
    return number


def number_of(value: object) -> float:
    """A number as a float; nan for what is none."""
    try:
        return float(value)  # type: ignore[arg-type]  # whatever a user passes
    except (TypeError, ValueError):
        return float("nan")


def numbers(values: Any, name: str, need: str) -> Floats:
    """Finite numbers as an array."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not np.isfinite(array).all():
        raise InputError(name, need=need, got=repr(values)[:80], remedy="check units and the order of arguments")
    return array


def lag_array(lags: ArrayLike, n_frames: int) -> Ints:
    """Lags in frames, whole and inside the trajectory."""
    given = np.atleast_1d(np.asarray(lags))
    whole = given.astype(np.int64) if given.dtype.kind in "fiu" and np.isfinite(given).all() else given[:0]
    if given.size == 0 or not np.array_equal(whole, given):
        remedy = "divide times by the frame time"
        raise InputError("lags", need="whole numbers of frames", got=repr(lags), remedy=remedy)
    if whole.min() < 0 or whole.max() >= n_frames:
        need = f"lags from 0 to {n_frames - 1} frames in a trajectory of {n_frames} frames"
        got = f"{int(whole.min() if whole.min() < 0 else whole.max())}"
        raise InputError("lags", need=need, got=got, remedy="use shorter lags or a longer trajectory")
    return whole


def lag_times(lags: Ints, frame_time: float) -> Floats:
    """Times of lags."""
    return np.asarray(lags, dtype=np.float64) * frame_time
