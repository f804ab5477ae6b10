"""Diffusion and conductivity of a trajectory in one call."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import indices, typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, shape
from ionpath.estimate import Estimate
from ionpath.framework import Drift, Driftless, remove_drift
from ionpath.msonable import Msonable
from ionpath.periodic import as_cells
from ionpath.transport._checks import above_zero, numbers, unwrapped_positions
from ionpath.transport.conduction import conductivity
from ionpath.transport.diffusion import Diffusion, estimate_diffusion
from ionpath.transport.msd import mean_squared_displacement
from ionpath.transport.wrapping import continued


@documented
@dataclass(frozen=True)
class IonTransport(Msonable):
    """Diffusion and conductivity of the mobile ions of one trajectory."""

    diffusion: Diffusion  # coefficients in A^2/ps, window and displacements
    conductivity: Estimate  # Nernst-Einstein conductivity in mS/cm, as if ions moved independently
    collective_conductivity: Estimate  # conductivity in mS/cm with the correlations between ions
    temperature: float  # K
    charge: float  # charge of an ion in e
    density: float  # number density of the ions in A^-3
    drift: Floats  # (T, 3): displacement in A that was taken off all positions
    drift_reference: str  # Whose: that of the ``framework``, of the ``ions``, or ``none``

    def __str__(self) -> str:
        lines = [
            f"D      {self.diffusion.coefficient}",
            f"sigma  {self.conductivity} (Nernst-Einstein, {self.temperature:g} K)",
            f"sigma  {self.collective_conductivity} (collective)",
            f"Haven  {self.diffusion.haven_ratio}",
            self.diffusion.verdict,
        ]
        return "\n".join(lines)


@typed
@references("guan2024", "bullerjahn2020")
def ion_transport(
    positions: ArrayLike,
    cells: ArrayLike,
    mobile: ArrayLike,
    *,
    frame_time: float,
    temperature: float,
    charge: float = 1.0,
    masses: ArrayLike | None = None,
    drift: Drift = "framework",
    window: tuple[float, float] | None = None,
    minimum_msd: float = 9.0,
    ballistic: float = 1.0,
) -> IonTransport:
    """Diffusion coefficient and conductivity of a trajectory, with errors.

    Parameters
    ----------
    positions : array_like, shape (T, N, 3)
        Positions of all atoms in A. Wrapped ones are unwrapped here; unwrapped ones stay as they are.
    cells : array_like, shape (3, 3) or (T, 3, 3)
        Cell vectors as rows in A, one for all frames or one for each (constant pressure).
    mobile : array_like of int or bool
        Indices of the mobile ions, or a mask over the atoms.
    frame_time : float
        Time between frames in ps.
    temperature : float
        Temperature in K.
    charge : float, optional
        Charge of an ion in e.
    masses : array_like, shape (N,), optional
        Masses of all atoms, for the drift of the framework; all the same by default.
    drift : {"framework", "none"}, optional
        Whether the drift of all other atoms is taken off.
    window : tuple of float, optional
        First and last lag time of the fit in ps; chosen by the local exponent by default.
    minimum_msd : float, optional
        Mean squared displacement in A^2 below which only an upper bound is given.
    ballistic : float, optional
        Lag times below this (ps) are never used.

    Returns
    -------
    IonTransport
        Coefficients and conductivities, each with error and 95 % interval.

    Raises
    ------
    InputError
        If arrays are malformed, no ion is selected, the trajectory is too short, or wrapped ions move by half of the
        cell between frames, where a step cannot be told from a jump across its faces.

    Examples
    --------
    >>> walk = np.random.default_rng(0).normal(scale=0.3, size=(300, 40, 3)).cumsum(axis=0)
    >>> walk[:, 20:] = [5.0, 5.0, 5.0]
    >>> print(ion_transport(walk, 12 * np.eye(3), np.arange(20), frame_time=1.0, temperature=300.0).conductivity)
    325.7 ± 6.4 mS/cm
    """
    frames = unwrapped_positions(positions)
    chosen = _mask(mobile, frames.shape[1])
    above_zero(temperature, "temperature", "a temperature in K")
    numbers(charge, "charge", "the charge of an ion in e")
    matrices = as_cells(cells)
    each = np.broadcast_to(matrices, (len(frames), 3, 3)) if matrices.ndim == 2 else matrices
    shape("cells", each, "(3, 3), or (T, 3, 3) with one cell for each frame", len(frames), 3, 3)
    whole = continued(frames, each, chosen, "pass frames that lie closer together, or unwrapped positions")
    weights = None if masses is None else np.asarray(masses, dtype=np.float64)[~chosen]
    free = remove_drift(whole[:, chosen], whole[:, ~chosen], masses=weights, drift=drift)
    found = diffusion_without_drift(free, frame_time, window=window, minimum_msd=minimum_msd, ballistic=ballistic)
    volume = float(np.abs(np.linalg.det(matrices)).mean())
    n_ions = int(chosen.sum())
    return IonTransport(
        diffusion=found,
        conductivity=conductivity(found.coefficient, n_ions, volume, temperature, charge=charge),
        collective_conductivity=conductivity(found.collective, n_ions, volume, temperature, charge=charge),
        temperature=float(temperature),
        charge=float(charge),
        density=n_ions / volume,
        drift=free.drift,
        drift_reference=free.reference,
    )


def diffusion_without_drift(
    free: Driftless,
    frame_time: float,
    *,
    window: tuple[float, float] | None = None,
    minimum_msd: float = 9.0,
    ballistic: float = 1.0,
) -> Diffusion:
    """Diffusion of ions whose drift was removed, corrected for what a reference made of the ions hides."""
    msd = mean_squared_displacement(
        free.positions / np.sqrt(free.factor), frame_time=frame_time, lags=None, collective=free.reference != "ions"
    )
    return estimate_diffusion(msd, window=window, minimum_msd=minimum_msd, ballistic=ballistic)


def _mask(mobile: ArrayLike, n_atoms: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    given = np.asarray(mobile)
    mask = np.zeros(n_atoms, dtype=bool)
    if given.dtype == bool and given.shape != (n_atoms,):
        remedy = "or pass indices"
        raise InputError("mobile", need=f"a mask over {n_atoms} atoms", got=f"shape {given.shape}", remedy=remedy)
    given = given if given.dtype == bool else indices("mobile", mobile, n_atoms)
    if given.dtype != bool and given.size > np.unique(given).size:
        raise InputError("mobile", need="every ion once", got=repr(mobile)[:60], remedy="leave out what is named twice")
    mask[given] = True
    if not mask.any():
        raise InputError("mobile", need="at least one ion", got="none", remedy="check the selection of mobile ions")
    return mask
