"""The frame with the first vector along x and the second in the xy plane, which most formats and LAMMPS want."""

from __future__ import annotations

import numpy as np

from ionpath.errors import InputError
from ionpath_ase.md.state import FloatArray


def standard_frame(cell: FloatArray, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Turn a cell so that its first vector is along x and the second in the xy plane.

    >>> standard_frame(np.array([[0, 2.0, 0], [0, 0, 2.0], [2.0, 0, 0]]), np.eye(3))[0].diagonal()
    array([2., 2., 2.])
    """
    rotation = standard_rotation(cell)
    turned = cell @ rotation
    return np.tril(turned), positions @ rotation


def standard_rotation(cell: FloatArray) -> FloatArray:
    """Rotation of `standard_frame`: row vectors are multiplied by it from the right."""
    if not (volume := float(np.linalg.det(cell))) > 1e-9:
        need = "three lattice vectors that are right-handed, for LAMMPS and for .xtc, .dcd and .h5md files"
        remedy = "exchange two of them: atoms.set_cell(atoms.cell[[1, 0, 2]])"
        if not volume < -1e-9:
            remedy = 'write .extxyz or .traj with engine="ase", or give the atoms a cell: atoms.center(vacuum=10)'
        raise InputError("cell", need=need, got=str(cell.tolist()), remedy=remedy)
    if np.allclose(cell, np.tril(cell)) and (np.diagonal(cell) > 0.0).all():
        return np.eye(3)
    q, r = np.linalg.qr(cell.T)
    rotation: FloatArray = q * np.sign(np.diagonal(r))
    return rotation
