"""The framework that does not diffuse: its drift, on the torus and unwrapped, taken off the positions of ions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.compiled import kernels
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, shape, warn
from ionpath.msonable import Msonable
from ionpath.periodic import check_finite, fractional

Drift = Literal["framework", "none"]
NEAR = 0.25
"""Atoms that are all nearer than this to the first, in cells, have a mean about it."""


def split_common(displacements: Floats) -> tuple[Floats, Floats]:
    """Split displacements (T, M, 3) on a torus into the rest (T, M, 3) and what all atoms share (T, 1, 3).

    Displacements are differences of fractional coordinates, each known up to whole numbers, as their mean is; the rest
    is the shortest image.

    An angle has no mean, but the mean of unit vectors ``exp(2 pi i x)`` has a direction, wherever the origin is. About
    it atoms are less than half of a cell away, and the plain mean of their shortest images is exact.

    >>> rest, mean = split_common(np.array([[[0.49, 0.0, 0.0], [-0.49, 0.0, 0.0]]]))
    >>> rest[0, :, 0].round(2).tolist(), abs(float(mean[0, 0, 0]))
    ([-0.01, 0.01], 0.5)
    """
    common = common_displacement(displacements)[:, None]
    rest = displacements - common
    rest -= np.rint(rest)
    return rest, common


def common_displacement(displacements: Floats, weights: Floats | None = None) -> Floats:
    """Weighted mean of displacements on a torus (T, M, 3), up to whole numbers, shape (T, 3)."""
    n = displacements.shape[1]
    share = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    # An atom is near to the common displacement of most frames: the circular mean is needed where one is not.
    common = displacements[:, :1]
    rest = displacements - common
    rest -= np.rint(rest)
    if np.abs(rest).max(initial=0.0) > NEAR:
        phase = np.matmul(share, np.exp(2j * np.pi * displacements))[:, None]
        common = np.angle(phase) / (2 * np.pi)
        np.subtract(displacements, common, out=rest)
        rest -= np.rint(rest)
    return common[:, 0] + np.matmul(share, rest)


def common_shift(positions: NDArray[Any], cells: Floats, start: Floats, weights: Floats) -> Floats:
    """The same from positions (T, M, 3) in A and fractional places `start` (M, 3), by the compiled loop if it may.

    Weights add up to 1.
    """
    compiled = kernels()
    if compiled is not None and len(weights):
        common = np.empty((len(positions), 3))
        inverse = np.ascontiguousarray(np.linalg.inv(cells))
        if compiled.common_shift_kernel(positions, inverse, np.ascontiguousarray(start), weights, common) <= NEAR:
            return common
    return common_displacement(np.asarray(fractional(positions, cells)) - start, weights)


def framework_drift(positions: ArrayLike, masses: ArrayLike | None = None) -> Floats:
    """Displacement (T, 3) of the centre of mass of the framework from the first frame, in A.

    Positions (T, N, 3) in A are unwrapped, of the atoms that do not diffuse; without masses (N,), in any unit, all
    count the same. Subtract the drift from the positions of all atoms. InputError if there are no atoms, or the masses
    do not fit.

    >>> framework_drift([[[0.0, 0, 0], [2, 0, 0]], [[1.0, 0, 0], [2, 0, 0]]], masses=[3.0, 1.0])
    array([[0.  , 0.  , 0.  ],
           [0.75, 0.  , 0.  ]])
    """
    frames = check_finite(positions, "positions")
    if frames.ndim != 3 or frames.shape[1] == 0:
        remedy = "select the atoms that do not diffuse"
        raise InputError("positions", need="framework atoms (T, N, 3)", got=f"shape {frames.shape}", remedy=remedy)
    weights = np.ones(frames.shape[1]) if masses is None else np.asarray(masses, dtype=np.float64)
    if weights.shape != (frames.shape[1],) or not (weights > 0).all():
        got = f"shape {weights.shape}"
        remedy = "leave masses out to count all atoms the same"
        raise InputError("masses", need=f"{frames.shape[1]} positive masses, one per atom", got=got, remedy=remedy)
    centre = np.einsum("tni,n->ti", frames.astype(np.float64, copy=False), weights / weights.sum())
    return centre - centre[0]


@documented
@dataclass(frozen=True)
class Driftless(Msonable):
    """Positions of ions relative to what stands still."""

    positions: Floats  # (T, N, 3): unwrapped positions of the ions in A without drift
    drift: Floats  # (T, 3): what was taken off, in A; zero in the first frame
    reference: str  # {"framework", "ions", "none"}: whose centre of mass the drift is
    # by what mean squared displacements are too small because the reference is made of the ions themselves: 1 - 1/N for
    # independent ions, else 1
    factor: float


@typed
def remove_drift(
    mobile: ArrayLike,
    framework: ArrayLike | None = None,
    *,
    masses: ArrayLike | None = None,
    drift: Drift = "framework",
) -> Driftless:
    """Take the drift of the framework off the positions of ions.

    Parameters
    ----------
    mobile : array_like, shape (T, N, 3)
        Unwrapped positions of the mobile ions in A.
    framework : array_like, shape (T, M, 3), optional
        Unwrapped positions of all other atoms in A.
    masses : array_like, shape (M,), optional
        Masses of the other atoms; all the same by default.
    drift : {"framework", "none"}, optional
        Whether to take anything off.

    Returns
    -------
    Driftless
        Positions and what was taken off.

    Warns
    -----
    UserWarning
        If there are no framework atoms. The centre of the ions is taken instead, which hides their collective
        motion.

    Examples
    --------
    >>> moving = np.arange(3.0)[:, None, None] * np.ones((1, 2, 3))
    >>> remove_drift(moving, moving[:, :1]).positions[:, 0, 0].tolist()
    [0.0, 0.0, 0.0]
    """
    r = _unwrapped(mobile, "mobile")
    one_of("drift", drift, ("framework", "none"))
    if drift == "framework" and framework is not None and np.shape(framework)[1:2] != (0,):
        moved = framework_drift(_unwrapped(framework, "framework"), masses)
        return Driftless(r - moved[:, None, :], moved, "framework", 1.0)
    reference, factor = without_framework(r.shape[1], drift)
    if reference == "none":
        return Driftless(r, np.zeros((len(r), 3)), reference, factor)
    moved = framework_drift(r)
    return Driftless(r - moved[:, None, :], moved, reference, factor)


def without_framework(n_ions: int, drift: str) -> tuple[str, float]:
    """Whose drift is taken off where there are no framework atoms, and the factor that this puts on displacements."""
    if drift == "none":
        return "none", 1.0
    if n_ions == 1:
        warn("one ion and no framework atoms: drift cannot be told from diffusion and stays in")
        return "none", 1.0
    warn(
        "no framework atoms: the drift of the centre of the mobile ions is removed instead; pass the other atoms as "
        "framework, or drift='none' to keep the positions as they are"
    )
    return "ions", 1.0 - 1.0 / n_ions


def _unwrapped(positions: ArrayLike, name: str) -> Floats:
    frames = np.asarray(check_finite(positions, name), dtype=np.float64)
    shape(
        name, frames, "(T, N, 3)", None, None, 3, remedy="give unwrapped positions of at least one atom in every frame"
    )
    return frames
