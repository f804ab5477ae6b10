"""Motion of the whole crystal, which is not diffusion."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.errors import InputError
from ionpath.periodic import framework_drift
from ionpath.transport._checks import Floats, unwrapped_positions

Drift = Literal["framework", "none"]


@dataclass(frozen=True)
class Driftless:
    """Positions of ions relative to what stands still.

    Attributes
    ----------
    positions : ndarray, shape (T, N, 3)
        Unwrapped positions of the ions in A without drift.
    drift : ndarray, shape (T, 3)
        What was taken off, in A; zero in the first frame.
    reference : {"framework", "ions", "none"}
        Whose centre of mass the drift is.
    factor : float
        By what mean squared displacements are too small because the reference is made of the ions themselves:
        1 - 1/N for independent ions, else 1.
    """

    positions: Floats
    drift: Floats
    reference: str
    factor: float


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

    Raises
    ------
    InputError
        If arrays are malformed or `drift` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> moving = np.arange(3.0)[:, None, None] * np.ones((1, 2, 3))
    >>> remove_drift(moving, moving[:, :1]).positions[:, 0, 0].tolist()
    [0.0, 0.0, 0.0]
    """
    r = unwrapped_positions(mobile, frames=1, name="mobile")
    if drift not in ("framework", "none"):
        raise InputError("drift", need="'framework' or 'none'", got=repr(drift), remedy="choose one of them")
    if drift == "none":
        return Driftless(np.asarray(r, dtype=np.float64), np.zeros((len(r), 3)), "none", 1.0)
    if framework is not None and np.shape(framework)[1:2] != (0,):
        moved = framework_drift(unwrapped_positions(framework, frames=1, name="framework"), masses)
        return Driftless(r - moved[:, None, :], moved, "framework", 1.0)
    if r.shape[1] == 1:
        warnings.warn(
            "one ion and no framework atoms: drift cannot be told from diffusion and stays in", stacklevel=2
        )
        return Driftless(np.asarray(r, dtype=np.float64), np.zeros((len(r), 3)), "none", 1.0)
    warnings.warn(
        "no framework atoms: the drift of the centre of the mobile ions is removed instead; pass the other atoms as "
        "framework, or drift='none' to keep the positions as they are",
        stacklevel=2,
    )
    moved = framework_drift(r)
    return Driftless(r - moved[:, None, :], moved, "ions", 1.0 - 1.0 / r.shape[1])
