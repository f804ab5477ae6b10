"""Screened nuclear repulsion at distances that no training set holds, as a table that deepmd-kit adds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import ArrayLike, NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import InputError
from ionpath.files import atomic_path, nothing

TABLE = "repulsion.txt"
COULOMB = 14.399645
"""e^2 / (4 pi epsilon_0) in eV A."""
SCREENING = ((0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162))
"""Amplitudes and decay constants of the universal screening function."""
FIRST, LAST, STEP = 0.005, 3.0, 0.005
"""Distances of a table in A, which deepmd-kit extrapolates to the range of the potential."""


@typed
def screened_repulsion(first: str, second: str, distance: ArrayLike) -> Floats:
    """Evaluate the repulsion of Ziegler, Biersack and Littmark between two atoms.

    Parameters
    ----------
    first, second : str
        Elements.
    distance : array_like, (n,)
        Distances in A, above 0.

    Returns
    -------
    ndarray, (n,)
        Energies in eV.

    Raises
    ------
    InputError
        If an element is unknown, or a distance is not above 0.

    Notes
    -----
    E = Z1 Z2 e^2 / (4 pi epsilon_0 r) sum_k c_k exp(-d_k r / a) with a = 0.46850 A / (Z1^0.23 + Z2^0.23):
    J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Matter, Pergamon (1985).

    Examples
    --------
    >>> float(screened_repulsion("P", "S", [0.9])[0].round(1))
    86.2
    """
    for element in (first, second):
        if element not in atomic_numbers:
            raise InputError("element", need="chemical symbols", got=repr(element))
    r: NDArray[np.float64] = np.asarray(distance, dtype=np.float64)
    if not (np.isfinite(r).all() and (r > 0.0).all()):
        raise InputError("distance", need="finite numbers above 0 A", got=str(distance))
    z1, z2 = atomic_numbers[first], atomic_numbers[second]
    x = r * (z1**0.23 + z2**0.23) / 0.46850
    screening = sum(amplitude * np.exp(-decay * x) for amplitude, decay in SCREENING)
    return np.asarray(COULOMB * z1 * z2 / r * screening)


@typed
def write_repulsion(path: str | os.PathLike[str], elements: Sequence[str]) -> Path:
    """Write the table that ``model/use_srtab`` of deepmd-kit names.

    Parameters
    ----------
    path : str or path
        File.
    elements : sequence of str
        Elements in the order of the model's types.

    Returns
    -------
    pathlib.Path
        The file: distances in A, then energies in eV of each pair of types, 0-0, 0-1, and so on.

    Raises
    ------
    InputError
        If an element is unknown, or the file is there with something else.
    """
    r = np.arange(FIRST, LAST + 0.5 * STEP, STEP)
    pairs = list(combinations_with_replacement(elements, 2))
    table = np.column_stack([r, *(screened_repulsion(a, b, r) for a, b in pairs)])
    with atomic_path(Path(path), own=nothing) as part:
        np.savetxt(part, table, fmt="%.8e")
    return Path(path)
