"""A term of energy that sees angles, as nodes in the graph of a frozen Deep Potential.

The descriptor ``se_e2_a`` holds products of sums of distances and of directions: degree 0 and 1 in the direction to
a neighbour. The four neighbours of a P in a tetrahedron cancel in both, and so do six in an octahedron: how such a cage
is turned or bent is seen only through the distances between its corners. This term has degree 2, 3 and 4 as well:

    A[i, c, l, m] = sum over j of g_c(r_ij) Y_lm(direction of j)
    D[i, c, a, l] = sum over m of A[i, c, l, m] A'[i, a, l, m],    A' = a few linear combinations of the A over c
    E_i = net of the element of i (D[i], A[i, c, 0])

where each g_c is a sum of Gaussians with coefficients of its own for each pair of elements: the power spectrum of
Bartok, Kondor and Csanyi (doi:10.1103/PhysRevB.87.184115) with learned channels. It is a function of the matrix of
environments that the first descriptor of the model uses, so that neighbours are searched once, and forces and virials
come with those of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TINY = 1e-6


@dataclass(frozen=True)
class AngularSettings:
    """Sizes of the angular term.

    Attributes
    ----------
    degree : int
        Highest degree in the direction to a neighbour, 1 to 4.
    basis : int
        Gaussians along the distance.
    channels : int
        Combinations of them for each pair of elements.
    axes : int
        Combinations of channels that each channel is multiplied with.
    neurons : int
        Neurons in both layers of the nets.
    """

    degree: int = 4
    basis: int = 12
    channels: int = 24
    axes: int = 8
    neurons: int = 128

    @property
    def features(self) -> int:
        """Numbers that an atom gives its net."""
        return self.channels * (1 + self.axes * (self.degree + 1))


def initial_values(settings: AngularSettings, n_types: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Random weights of a term that is zero everywhere."""
    rng = np.random.default_rng(seed)
    s = settings

    def normal(fan_in: int, *shape: int) -> NDArray[np.float32]:
        return (rng.normal(size=shape) / np.sqrt(fan_in)).astype(np.float32)

    values = {
        "radial": normal(s.basis, n_types, s.channels, n_types * s.basis),
        "mean": np.zeros((n_types, s.features), np.float32),
        "scale": np.ones((n_types, s.features), np.float32),
        "first": normal(s.features, n_types, s.features, s.neurons),
        "first_bias": np.zeros((n_types, s.neurons), np.float32),
        "second": normal(s.neurons, n_types, s.neurons, s.neurons),
        "second_bias": np.zeros((n_types, s.neurons), np.float32),
        "last": np.zeros((n_types, s.neurons), np.float32),
    }
    for degree in range(s.degree + 1):
        values[f"axes_{degree}"] = normal(s.channels, n_types, s.axes, s.channels)
    return values


def harmonics(tf: Any, direction: Sequence[Any], degree: int) -> Any:
    """Real spherical harmonics of unit vectors in the norm in which their squares sum to 1 for each degree."""
    x, y, z = direction
    found = [tf.ones_like(x), x, y, z]
    xx, yy, zz = x * x, y * y, z * z
    rr = xx + yy + zz  # 1 for unit vectors; with it, shorter ones do not depend on the axes either
    if degree >= 2:
        a = 3.0**0.5
        found += [a * x * y, a * y * z, a * x * z, 0.5 * a * (xx - yy), 0.5 * (3.0 * zz - rr)]
    if degree >= 3:
        a, b, c = (5 / 8) ** 0.5, 15.0**0.5, (3 / 8) ** 0.5
        found += [
            a * y * (3.0 * xx - yy), b * x * y * z, c * y * (5.0 * zz - rr), 0.5 * z * (5.0 * zz - 3.0 * rr),
            c * x * (5.0 * zz - rr), 0.5 * b * z * (xx - yy), a * x * (xx - 3.0 * yy),
        ]  # fmt: skip
    if degree >= 4:
        a, b, c, d = 35.0**0.5, (35 / 8) ** 0.5, 5.0**0.5, (5 / 8) ** 0.5
        found += [
            0.5 * a * x * y * (xx - yy), b * y * z * (3.0 * xx - yy), 0.5 * c * x * y * (7.0 * zz - rr),
            d * y * z * (7.0 * zz - 3.0 * rr), (35.0 * zz * zz - 30.0 * zz * rr + 3.0 * rr * rr) / 8.0,
            d * x * z * (7.0 * zz - 3.0 * rr), 0.25 * c * (xx - yy) * (7.0 * zz - rr), b * x * z * (xx - 3.0 * yy),
            0.125 * a * (xx * xx - 6.0 * xx * yy + yy * yy),
        ]  # fmt: skip
    return tf.stack(found, axis=-1)


def angular_term(
    tf: Any,
    environment: Any,
    types: Any,
    counts: Any,
    sel: Sequence[int],
    average: NDArray[np.float64],
    deviation: NDArray[np.float64],
    values: dict[str, Any],
    settings: AngularSettings,
) -> tuple[Any, list[Any]]:
    """Energies of the atoms in the term."""
    s, sel = settings, [int(n) for n in sel]
    by_kind = {name: tf.unstack(value, num=len(sel)) for name, value in values.items()}
    raw = tf.cast(environment, tf.float32) * tf.gather(deviation.astype(np.float32), types)
    raw = raw + tf.gather(average.astype(np.float32), types)
    raw = tf.reshape(raw, tf.concat([tf.shape(types), [sum(sel), 4]], axis=0))
    inverse, *direction = tf.unstack(raw, axis=-1)  # inverse: 1 / r, turned down to zero at the cutoff
    length = tf.sqrt(inverse * inverse + 1e-8)
    angles = harmonics(tf, [part / length for part in direction], s.degree)
    root = (tf.maximum(inverse, 0.0) + _TINY) ** (1 / 3)  # falls almost linearly with r
    centres = np.linspace(0.05, 0.8, s.basis, dtype=np.float32)
    gauss = tf.exp(-(((root[..., None] - centres) * (s.basis / 0.9)) ** 2))
    radial = gauss * (4.0 * inverse / root)[..., None]
    by_element = tf.concat(  # (frames, atoms, types * basis, harmonics)
        [
            tf.matmul(of_distance, of_direction, transpose_a=True)
            for of_distance, of_direction in zip(
                tf.split(radial, sel, axis=-2), tf.split(angles, sel, axis=-2), strict=True
            )
        ],
        axis=-2,
    )
    energies, features = [], []
    for kind, of_kind in enumerate(tf.split(by_element, counts, axis=1, num=len(sel))):
        weights = {name: parts[kind] for name, parts in by_kind.items()}
        given = _features(tf, of_kind, weights, s)
        features.append(given)
        hidden = (given - weights["mean"]) * weights["scale"]
        hidden = tf.tanh(tf.tensordot(hidden, weights["first"], 1) + weights["first_bias"])
        hidden += tf.tanh(tf.tensordot(hidden, weights["second"], 1) + weights["second_bias"])
        energies.append(tf.tensordot(hidden, weights["last"], 1))
    return tf.concat(energies, axis=1) * 0.02, features


def _features(tf: Any, sums: Any, weights: dict[str, Any], s: AngularSettings) -> Any:
    """Numbers that do not change when the atoms are turned, for the atoms of one type."""
    frames, atoms = tf.shape(sums)[0], tf.shape(sums)[1]
    flat = tf.reshape(sums, [frames * atoms, sums.shape[2], sums.shape[3]])
    channels = tf.einsum("cb,nbm->ncm", weights["radial"], flat)
    by_degree = tf.split(channels, [2 * degree + 1 for degree in range(s.degree + 1)], axis=2)
    found = [tf.reshape(by_degree[0], [frames * atoms, s.channels])]
    for degree, part in enumerate(by_degree):
        axes = tf.einsum("ac,ncm->nam", weights[f"axes_{degree}"], part)
        found.append(tf.reshape(tf.matmul(part, axes, transpose_b=True), [frames * atoms, s.channels * s.axes]))
    return tf.reshape(tf.concat(found, axis=1), [frames, atoms, s.features])
