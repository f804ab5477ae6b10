"""A free energy on a regular grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, typed
from ionpath.arrays import Bools, Floats
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.msonable import Msonable


@typed
@documented
@dataclass(frozen=True)
class FreeEnergySurface(Msonable):
    """Free energy of one or more collective variables on a grid.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 5)
    >>> surface = FreeEnergySurface((x,), 4.0 * x**2 + 1.0, ("x",), (None,))
    >>> surface.from_zero().values
    array([0.  , 0.25, 1.  , 2.25, 4.  ])
    """

    axes: tuple[Floats, ...]  # grid points along each variable, increasing and equally spaced
    values: Floats  # free energy in kJ/mol, one axis per variable; inf or nan where nothing was sampled
    names: tuple[str, ...]  # names of the variables
    periods: tuple[float | None, ...]  # period of each variable; a periodic axis does not repeat its first point
    error: Floats | None = None  # standard error in kJ/mol
    assumed: str = ""  # what is taken for granted of the files that it is from: units that no input beside them says

    def __post_init__(self) -> None:
        """Check that shapes agree."""
        shape = tuple(len(finite("axes", axis)) for axis in self.axes)
        if self.values.shape != shape or not len(shape) == len(self.names) == len(self.periods):
            need = f"an array of shape {shape} and one name and period per axis"
            got = f"shape {self.values.shape}, {len(self.names)} names, {len(self.periods)} periods"
            raise InputError("values", need=need, got=got, remedy="give one axis per dimension of the values")
        for name, axis, period in zip(self.names, self.axes, self.periods, strict=True):
            if (np.diff(axis) <= 0).any():
                got = f"{axis[:4]}"
                remedy = "sort the values with their axis"
                raise InputError(f"axis of {name}", need="finite grid points that increase", got=got, remedy=remedy)
            if period is not None and not (np.isfinite(period) and period > 0):
                raise InputError(f"period of {name}", need="a positive number, or None", got=f"{period}")
        if (self.values == -np.inf).any():
            need = "free energies, inf or nan where nothing was sampled"
            remedy = "a probability above 1 or infinite weights are behind it"
            raise InputError("values", need=need, got="-inf", remedy=remedy)
        if self.error is not None and (np.shape(self.error) != shape or (np.asarray(self.error) < 0).any()):
            got = f"shape {np.shape(self.error)}"
            remedy = "give one for each value, nan where there is none"
            raise InputError("error", need=f"standard errors of 0 or more of shape {shape}", got=got, remedy=remedy)

    @property
    def ndim(self) -> int:
        """Number of variables."""
        return len(self.axes)

    @property
    def spacing(self) -> Floats:
        """Distance of grid points along each variable."""
        return np.array([axis[1] - axis[0] for axis in self.axes])

    def from_zero(self) -> FreeEnergySurface:
        """Return the same surface with its lowest finite value at 0."""
        low = self.values[np.isfinite(self.values)]
        return replace(self, values=self.values - (low.min() if len(low) else 0.0))

    def point(self, index: ArrayLike) -> Floats:
        """Variables at a grid index, (n_variables,) or (n, n_variables) integers."""
        place = np.asarray(index, dtype=int)
        return np.stack([axis[place[..., k]] for k, axis in enumerate(self.axes)], axis=-1)

    def index(self, point: ArrayLike) -> tuple[int, ...]:
        """Grid index nearest to a point (n_variables,)."""
        found = []
        for value, axis, period in zip(np.asarray(point, dtype=float), self.axes, self.periods, strict=True):
            found.append(int(np.abs(within_period(axis - value, period)).argmin()))
        return tuple(found)

    def projection(self, axis: int, temperature: float) -> FreeEnergySurface:
        """Integrate all variables but `axis` out, at a temperature in K.

        ``-RT ln sum exp(-F/RT)`` over the other variables, lowest value at 0.
        """
        from scipy.special import logsumexp

        from ionpath.units import kt_in_kj_per_mol

        kt = kt_in_kj_per_mol(temperature)
        others = tuple(k for k in range(self.ndim) if k != axis)
        filled = np.where(np.isnan(self.values), np.inf, self.values)
        values = -kt * logsumexp(-filled / kt, axis=others) if others else filled
        flat = FreeEnergySurface(
            (self.axes[axis],), np.asarray(values), (self.names[axis],), (self.periods[axis],), assumed=self.assumed
        )
        return flat.from_zero()


def within_period(away: Floats, period: float | None) -> Floats:
    """Differences of a variable, or with a period their shortest images."""
    return away if period is None else away - period * np.round(away / period)


def where_visited(surface: FreeEnergySurface) -> FreeEnergySurface:
    """A sum of hills with inf where there are none."""
    return replace(surface, values=np.where(surface.values < -1e-9, surface.values, np.inf))


def inside_box(surface: FreeEnergySurface, point: ArrayLike, reach: ArrayLike) -> Bools:
    """Grid points within a box around a point."""
    inside = np.ones((), dtype=bool)
    half = np.broadcast_to(reach, (surface.ndim,))
    for axis, period, x, r in zip(surface.axes, surface.periods, np.asarray(point, float), half, strict=True):
        inside = inside[..., None] & (np.abs(within_period(axis - x, period)) <= r)
    return inside


def lowest_near(surface: FreeEnergySurface, point: ArrayLike, reach: ArrayLike) -> Floats | None:
    """Lowest sampled point within a box around a point."""
    values = np.where(inside_box(surface, point, reach), surface.values, np.inf)
    values = np.where(np.isnan(values), np.inf, values)
    if not np.isfinite(values).any():
        return None
    return surface.point(np.unravel_index(int(values.argmin()), values.shape))
