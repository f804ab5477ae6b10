"""Rotation of a whole tetrahedron against a reference, by the best fit of all its anions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import atan2, hypot, pi, sqrt, tan

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.cvs.base import CollectiveVariable, Component
from ionpath.cvs.directions import check_rotation
from ionpath.documented import documented
from ionpath.errors import InputError

Points = tuple[tuple[float, float, float], ...]
Quaternion = tuple[float, float, float, float]
# Row d, column (a, b): the sign of a_vector x p written as p @ this.
_LEVI_CIVITA = np.array(
    [[0, 0, 0, 0, 0, -1, 0, 1, 0], [0, 0, 1, 0, 0, 0, -1, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0]], dtype=float
)
IDEAL: Points = ((1.0, 1.0, 1.0), (1.0, -1.0, -1.0), (-1.0, 1.0, -1.0), (-1.0, -1.0, 1.0))


@typed
@documented
@dataclass(frozen=True)
class TetrahedronRotation(CollectiveVariable):
    """Rotation of a rigid tetrahedron, none of whose anions is singled out.

    Atoms: the central atom, then the anions in the order of the reference. Components (rad): ``theta``, how far the
    third crystal axis fixed to the tetrahedron has tilted, ``phi``, towards which azimuth it tilted, ``psi``, the twist
    about that axis; ``angle``, the whole angle of the rotation; ``rx``, ``ry``, ``rz``, the rotation vector (axis times
    angle).

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

    # vectors from the central atom to the anions in the reference orientation, in the frame of the box; their common
    # length does not matter
    reference: Points = IDEAL
    # rows are the crystal axes a, b, c as unit vectors in the frame of the box; angles are measured against them
    rotation: Points = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    vector: bool = True  # give ``angle``, ``rx``, ``ry``, ``rz`` besides ``theta``, ``phi``, ``psi``

    def __post_init__(self) -> None:
        """Refuse a reference that does not fix a rotation."""
        check_rotation(self.rotation)
        shape = np.asarray(self.reference, dtype=float)
        if shape.ndim != 2 or shape.shape[1] != 3 or len(shape) < 3 or np.linalg.matrix_rank(shape, tol=1e-3) < 2:
            need = "three or more vectors (x, y, z) that are not on one line"
            remedy = "give the bonds in the reference orientation"
            raise InputError("reference", need=need, got=f"{shape.round(3).tolist()}", remedy=remedy)

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        turn = (-pi, pi)
        free = [Component(name) for name in ("angle", "rx", "ry", "rz") if self.vector]
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

    @cached_property
    def _plain(self) -> bool:
        return np.array_equal(self._axes, np.eye(3))

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of the bonds."""
        vectors = vectors if self._plain else vectors @ self._axes.T
        quaternion = _best_quaternion((vectors.T @ self._reference).tolist())
        turned = self._reference @ np.array(_matrix(quaternion)).T
        response = _inverse_of_trace_minus((vectors.T @ turned).tolist())
        values, slopes = _angles(quaternion, self.vector)
        # d(omega) = response sum_k (R u_k) x dv_k, so that a slope g along omega gives (response g) x (R u_k).
        crossed = (turned @ _LEVI_CIVITA).reshape(-1, 3, 3)
        by_bond = ((slopes @ response) @ crossed).transpose(1, 0, 2)
        return values, by_bond if self._plain else by_bond @ self._axes

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Angles and derivatives of the bonds of many tetrahedra."""
        vectors = vectors if self._plain else vectors @ self._axes.T
        bonds = vectors.transpose(0, 2, 1)
        quaternions = _best_quaternions(bonds @ self._reference)
        turned = self._reference @ np.array([_matrix(q) for q in quaternions]).transpose(0, 2, 1)
        fit = bonds @ turned
        response = np.linalg.inv(np.trace(fit, axis1=1, axis2=2)[:, None, None] * np.eye(3) - fit)
        values, slopes = map(np.array, zip(*(_angles(q, self.vector) for q in quaternions), strict=True))
        crossed = (turned @ _LEVI_CIVITA).reshape(len(vectors), -1, 3, 3)
        by_bond = ((slopes @ response)[:, None] @ crossed).transpose(0, 2, 1, 3)
        return values, by_bond if self._plain else by_bond @ self._axes


def best_rotation(vectors: Floats, reference: Floats) -> Floats:
    """Proper rotation that brings the reference closest to the vectors (Kabsch).

    >>> best_rotation(np.eye(3)[[1, 2, 0]], np.eye(3)).round(6) + 0.0
    array([[0., 0., 1.],
           [1., 0., 0.],
           [0., 1., 0.]])
    """
    left, _, right = np.linalg.svd(vectors.T @ reference)
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    return np.asarray((left * np.array([1.0, 1.0, sign])) @ right)


def _best_quaternion(s: list[list[float]]) -> Quaternion:
    """Unit quaternion (w, x, y, z), w >= 0, of the best rotation from the correlation of bonds and reference (Horn)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = s
    _, vectors = np.linalg.eigh(
        [
            [xx + yy + zz, zy - yz, xz - zx, yx - xy],
            [zy - yz, xx - yy - zz, xy + yx, xz + zx],
            [xz - zx, xy + yx, yy - xx - zz, yz + zy],
            [yx - xy, xz + zx, yz + zy, zz - xx - yy],
        ]
    )
    w, x, y, z = vectors[:, 3].tolist()
    return (w, x, y, z) if w >= 0 else (-w, -x, -y, -z)


def _best_quaternions(s: Floats) -> list[Quaternion]:
    """`_best_quaternion` of correlations (n, 3, 3)."""
    trace = np.trace(s, axis1=1, axis2=2)
    table = np.empty((len(s), 4, 4))
    table[:, 0, 0], table[:, 1:, 1:] = trace, s + s.transpose(0, 2, 1) - trace[:, None, None] * np.eye(3)
    turn = np.stack([s[:, 2, 1] - s[:, 1, 2], s[:, 0, 2] - s[:, 2, 0], s[:, 1, 0] - s[:, 0, 1]], axis=1)
    table[:, 0, 1:] = table[:, 1:, 0] = turn
    best = np.linalg.eigh(table)[1][:, :, 3]
    return [tuple(q) for q in (best * np.where(best[:, :1] < 0, -1.0, 1.0)).tolist()]


def _matrix(q: Quaternion) -> list[list[float]]:
    """Rotation matrix of a unit quaternion."""
    w, x, y, z = q
    return [
        [w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z],
    ]


def _inverse_of_trace_minus(m: list[list[float]]) -> Floats:
    """Inverse of ``tr(M) 1 - M`` for the symmetric M of a best fit."""
    (a, d, e), (_, b, f), (_, _, c) = m
    p, q, r = b + c, a + c, a + b
    # The matrix is [[p, -d, -e], [-d, q, -f], [-e, -f, r]].
    pp, qq, rr = q * r - f * f, p * r - e * e, p * q - d * d
    pq, pr, qr = d * r + e * f, d * f + e * q, p * f + d * e
    scale = 1.0 / (p * pp - d * pq - e * pr)
    return np.array([[pp, pq, pr], [pq, qq, qr], [pr, qr, rr]]) * scale


def _angles(q: Quaternion, vector: bool) -> tuple[Floats, Floats]:
    """Components and their derivatives (3 or 7, 3) with respect to a small rotation of the frame of the box.

    A small rotation changes the quaternion by ``dq = (0, omega) q / 2``.
    """
    w, x, y, z = q
    swing, twist, sine = hypot(x, y), hypot(w, z), sqrt(x * x + y * y + z * z)
    ax, ay, az = 2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z
    angle = 2 * atan2(sine, w)
    none = (0.0, 0.0, 0.0)
    theta, phi, psi, whole = none, none, none, none
    if swing > 0 and twist > 0:
        # The tilted axis a moves by omega x a: theta grows along (z x a) / |z x a|.
        flat = hypot(ax, ay)
        theta = (-ay / flat, ax / flat, 0.0)
        phi = (-ax * az / (flat * flat), -ay * az / (flat * flat), 1.0)
    if twist > 0:
        square = twist * twist
        psi = ((w * y + z * x) / square, (z * y - w * x) / square, 1.0)
    turned = 2 * atan2(z, w)
    turned = turned - 2 * pi if turned > pi else turned + 2 * pi if turned <= -pi else turned
    three = [2 * atan2(swing, twist), atan2(ay, ax), turned]
    if not vector:
        return np.array(three), np.array([theta, phi, psi])
    if sine > 0:
        whole = (x / sine, y / sine, z / sine)
    rotated, jacobian = _rotation_vector(x, y, z, sine, angle)
    return np.array([*three, angle, *rotated]), np.array([theta, phi, psi, whole, *jacobian])


def _rotation_vector(
    x: float, y: float, z: float, sine: float, angle: float
) -> tuple[tuple[float, float, float], list[list[float]]]:
    """Axis times angle, and its derivative: the inverse of the left Jacobian of the rotation group."""
    scale = angle / sine if sine > 1e-8 else 2.0
    a, b, c = scale * x, scale * y, scale * z
    half = angle / 2
    k = (1 - half / tan(half)) / angle**2 if angle > 1e-3 else 1 / 12 + angle**2 / 720
    return (a, b, c), [
        [1 - k * (b * b + c * c), 0.5 * c + k * a * b, -0.5 * b + k * a * c],
        [-0.5 * c + k * a * b, 1 - k * (a * a + c * c), 0.5 * a + k * b * c],
        [0.5 * b + k * a * c, -0.5 * a + k * b * c, 1 - k * (a * a + b * b)],
    ]
