"""Rotation of a whole tetrahedron against a reference, by the best fit of all its anions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import atan2, hypot, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from ionpath.cvs.base import CollectiveVariable, Component
from ionpath.cvs.shell import check_rotation
from ionpath.errors import InputError

Floats = NDArray[np.float64]
Points = tuple[tuple[float, float, float], ...]
IDEAL: Points = ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0))


@dataclass(frozen=True)
class TetrahedronRotation(CollectiveVariable):
    """Rotation of a rigid tetrahedron, none of whose anions is singled out.

    Atoms: the central atom, then the anions in the order of the reference. Components (rad): ``theta``, how far the
    third crystal axis fixed to the tetrahedron has tilted, ``phi``, towards which azimuth it tilted, ``psi``, the
    twist about that axis; ``angle``, the whole angle of the rotation; ``rx``, ``ry``, ``rz``, the rotation vector
    (axis times angle).

    Attributes
    ----------
    reference : tuple of (float, float, float)
        Vectors from the central atom to the anions in the reference orientation, in the frame of the box; their
        common length does not matter.
    rotation : tuple of 3 rows
        Rows are the crystal axes a, b, c as unit vectors in the frame of the box; angles are measured against them.

    Notes
    -----
    The rotation R maximises ``sum_k v_k . R u_k`` over proper rotations (v_k bonds, u_k reference vectors), and its
    differential is ``(tr(M) 1 - M)^-1 sum_k (R u_k) x dv_k`` with ``M = sum_k v_k (R u_k)^T``. With the unit
    quaternion (w, x, y, z) of R: ``theta = 2 atan2(|x, y|, |w, z|)``, ``phi`` the azimuth of the tilted axis, ``psi
    = 2 atan2(z, w)``, ``angle = 2 atan2(|x, y, z|, |w|)``.

    Where theta is 0, phi is undefined and has a gradient of 0, as theta itself; where theta is pi the same holds
    for psi. The rotation vector is smooth but at an angle of pi. Swapping anions gives another rotation of the same
    shape: the free energy of all of them is periodic under the twelve rotations of a tetrahedron.

    Examples
    --------
    >>> turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # 90 degrees about z
    >>> place = np.vstack([np.zeros(3), 1.2 * np.array(IDEAL) @ turn.T])
    >>> result = TetrahedronRotation().evaluate(place)
    >>> np.degrees([result["theta"], result["psi"], result["rz"]]).round(6) + 0.0
    array([ 0., 90., 90.])
    """

    reference: Points = IDEAL
    rotation: Points = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def __post_init__(self) -> None:
        """Refuse a reference that does not fix a rotation."""
        check_rotation(self.rotation)
        shape = np.asarray(self.reference, dtype=float)
        if (
            shape.ndim != 2
            or shape.shape[1] != 3
            or len(shape) < 3
            or np.linalg.matrix_rank(shape, tol=1e-3) < 2
        ):
            raise InputError(
                "reference", need="three or more vectors (x, y, z) that are not on one line",
                got=f"{shape.round(3).tolist()}", remedy="give the bonds in the reference orientation",
            )  # fmt: skip

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        turn = (-pi, pi)
        free = [Component(name) for name in ("angle", "rx", "ry", "rz")]
        return (Component("theta"), Component("phi", turn), Component("psi", turn), *free)

    @cached_property
    def combination(self) -> Floats:
        """Bonds from the central atom."""
        n = len(self.reference)
        return np.hstack([-np.ones((n, 1)), np.eye(n)])

    @cached_property
    def _reference(self) -> Floats:
        shape = np.asarray(self.reference, dtype=float) @ self._axes.T
        return shape / np.sqrt((shape**2).sum(1).mean())

    @cached_property
    def _axes(self) -> Floats:
        return np.array(self.rotation, dtype=float)

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of the bonds."""
        vectors = vectors @ self._axes.T
        rotation = best_rotation(vectors, self._reference)
        turned = self._reference @ rotation.T
        fit = vectors.T @ turned
        response = np.linalg.inv(np.trace(fit) * np.eye(3) - fit)
        # d(omega_a)/d(v_kb) = response_ac eps_cdb turned_kd
        spin = np.einsum("ac,kcb->kab", response, _cross_matrices(turned))
        values, slopes = _angles(_quaternion(rotation))
        return values, np.einsum("ca,kab->ckb", slopes, spin) @ self._axes


def best_rotation(vectors: Floats, reference: Floats) -> Floats:
    """Proper rotation that brings the reference closest to the vectors (Kabsch).

    Parameters
    ----------
    vectors, reference : ndarray, (n, 3)
        Vectors from a common centre.

    Returns
    -------
    ndarray, (3, 3)
        Rotation R with ``vectors ~ reference @ R.T``.

    Examples
    --------
    >>> best_rotation(np.eye(3)[[1, 2, 0]], np.eye(3)).round(6) + 0.0
    array([[0., 0., 1.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    left, _, right = np.linalg.svd(vectors.T @ reference)
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    return np.asarray((left * np.array([1.0, 1.0, sign])) @ right)


def _cross_matrices(vectors: Floats) -> Floats:
    """Matrices of ``v x .``, (n, 3, 3)."""
    x, y, z = vectors.T
    zero = np.zeros(len(vectors))
    return np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]]).transpose(2, 0, 1)


def _quaternion(r: Floats) -> tuple[float, float, float, float]:
    """Unit quaternion (w, x, y, z), w >= 0, from the largest of its four squares."""
    trace = r[0, 0] + r[1, 1] + r[2, 2]
    squares = [trace, r[0, 0], r[1, 1], r[2, 2]]
    best = int(np.argmax(squares))
    if best == 0:
        q = [1.0 + trace, r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]
    else:
        i = best - 1
        j, k = (i + 1) % 3, (i + 2) % 3
        q = [r[k, j] - r[j, k], 0.0, 0.0, 0.0]
        q[1 + i] = 1.0 + r[i, i] - r[j, j] - r[k, k]
        q[1 + j] = r[j, i] + r[i, j]
        q[1 + k] = r[k, i] + r[i, k]
    sign = (-1.0 if q[0] < 0 else 1.0) / sqrt(sum(float(c) * float(c) for c in q))
    w, x, y, z = (float(c) * sign for c in q)
    return w, x, y, z


def _angles(q: tuple[float, float, float, float]) -> tuple[Floats, Floats]:
    """Components and their derivatives (7, 3) with respect to a small rotation of the frame of the box."""
    w, x, y, z = q
    # dq/d(omega) of q' = (omega / 2) q
    spin = 0.5 * np.array([[-x, -y, -z], [w, z, -y], [-z, w, x], [y, -x, w]])
    swing, twist, sine = hypot(x, y), hypot(w, z), sqrt(x * x + y * y + z * z)
    axis = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z])
    slopes = np.zeros((7, 3))
    angle = 2 * atan2(sine, w)
    psi = 2 * atan2(z, w)
    values = np.array(
        [2 * atan2(swing, twist), atan2(axis[1], axis[0]), (psi + pi) % (2 * pi) - pi, angle, 0, 0, 0]
    )
    if swing > 0 and twist > 0:
        slopes[0] = 2 * (
            twist * (x * spin[1] + y * spin[2]) / swing - swing * (w * spin[0] + z * spin[3]) / twist
        )
        flat = axis[0] ** 2 + axis[1] ** 2
        turn = np.array([[0, axis[2], -axis[1]], [-axis[2], 0, axis[0]]])  # d(axis)/d(omega), rows x and y
        slopes[1] = (axis[0] * turn[1] - axis[1] * turn[0]) / flat
    if twist > 0:
        slopes[2] = 2 * (w * spin[3] - z * spin[0]) / twist**2
    if sine > 0:
        slopes[3] = np.array([x, y, z]) / sine
    values[4:], slopes[4:] = _rotation_vector(np.array([x, y, z]), sine, angle)
    return values, slopes


def _rotation_vector(imaginary: Floats, sine: float, angle: float) -> tuple[Floats, Floats]:
    """Axis times angle, and its derivative: the inverse of the left Jacobian of the rotation group."""
    scale = angle / sine if sine > 1e-8 else 2.0
    vector = scale * imaginary
    half = angle / 2
    factor = (1 - half / np.tan(half)) / angle**2 if angle > 1e-3 else 1 / 12 + angle**2 / 720
    cross = _cross_matrices(vector[None])[0]
    return vector, np.eye(3) - 0.5 * cross + factor * (cross @ cross)
