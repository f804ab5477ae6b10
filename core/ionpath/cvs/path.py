"""Progress along a path of nodes in the space of distances, and the distance from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.cvs.base import CollectiveVariable, Component
from ionpath.documented import documented
from ionpath.errors import InputError, shape
from ionpath.lines import equal_arcs

Form = Literal["geometric", "branduardi"]
CONCERTED = ((6.5, 6.5), (5.0, 5.0), (3.5, 3.5), (2.0, 2.0))
"""Nodes of the concerted two-ion hop of Guan et al., arXiv:2412.07115, supplementary note 2, in A."""


@typed
@documented
@dataclass(frozen=True)
class PathProgress(CollectiveVariable):
    """Progress ``s`` along given nodes, and distance ``z`` from them, for any list of distances.

    Atoms: for each distance its two atoms, one pair after the other.

    Notes
    -----
    Geometric form, with i the closest and j the second closest node, ``v = X - X_i``, ``u = X_i - X_j``, p the vector
    from X_i to the node on its other side (u at the ends):
    ``dx = 1/2 [(sqrt((v.p)^2 - p^2 (v^2 - |X - X_j|^2)) + v.p) / p^2 - 1]``, ``s = i + (i - j) dx``, ``z = |v - dx
    u|``. s counts nodes from 1 and may leave [1, n_nodes] beyond the ends. The formula needs equidistant nodes.
    Where i and j are not neighbours along the path the nearest point of the line through the nodes is taken
    instead; s then jumps. The gradient of z is 0 exactly on the path.

    Second form: ``s = sum_k k exp(-lam d_k^2) / sum_k exp(-lam d_k^2)``, ``z = -ln(sum_k exp(-lam d_k^2)) / lam``
    (A^2, may be negative).

    Examples
    --------
    >>> values, _ = PathProgress().progress([5.5, 5.9])
    >>> values.round(4)
    array([1.5333, 0.2828])
    """

    nodes: tuple[tuple[float, ...], ...] = CONCERTED  # distances in A at each node, (n_nodes, n_distances)
    # {"geometric", "branduardi"}: diaz Leines and Ensing (doi:10.1103/PhysRevLett.109.020601; PLUMED's GPATH), or
    # Branduardi, Gervasio and Parrinello (doi:10.1063/1.2432340; PLUMED's PATH)
    form: Form = "geometric"
    # lambda of the second form, in A^-2; by default 2.3 over the mean square distance of adjacent nodes
    lam: float | None = None

    def __post_init__(self) -> None:
        """Check the nodes."""
        if self.form not in ("geometric", "branduardi"):
            raise InputError("form", need="'geometric' or 'branduardi'", got=repr(self.form), remedy="choose one")
        if self.lam is not None and not self.lam > 0:
            raise InputError("lam", need="a number above 0 in A^-2", got=f"{self.lam}", remedy="leave it out")
        check_nodes(self.nodes, equidistant=self.form == "geometric")

    @cached_property
    def components(self) -> tuple[Component, ...]:
        """Names and periods of the outputs."""
        return (Component("s"), Component("z"))

    @cached_property
    def combination(self) -> Floats:
        """Vectors between the atoms of each pair."""
        n = self._nodes.shape[1]
        return np.kron(np.eye(n), np.array([[-1.0, 1.0]])).astype(float)

    @cached_property
    def _nodes(self) -> Floats:
        return np.asarray(self.nodes, dtype=float)

    @cached_property
    def _lambda(self) -> float:
        gaps = np.diff(self._nodes, axis=0)
        return self.lam or float(2.3 / (gaps**2).sum(1).mean())

    def function(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Values and derivatives of the vectors of the pairs."""
        distances = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        values, slopes = self.progress(distances)
        units = vectors / np.where(distances > 0, distances, 1.0)[:, None]
        return values, slopes[:, :, None] * units

    def functions(self, vectors: Floats) -> tuple[Floats, Floats]:
        """The same of many groups."""
        if self.form != "geometric":
            return super().functions(vectors)
        distances = np.sqrt(np.einsum("gij,gij->gi", vectors, vectors))
        values, slopes = _many_geometric(distances, self._nodes)
        units = vectors / np.where(distances > 0, distances, 1.0)[..., None]
        return values, slopes[..., None] * units[:, None]

    def progress(self, point: ArrayLike) -> tuple[Floats, Floats]:
        """``(s, z)`` of a point (n_distances,) of distances in A, and their derivatives (2, n_distances)."""
        x = finite("point", point)
        shape("point", x, "(n_distances,)", self._nodes.shape[1])
        if self.form == "branduardi":
            return _branduardi(x, self._nodes, self._lambda)
        return _geometric(x, self._nodes)


def _geometric(x: Floats, nodes: Floats) -> tuple[Floats, Floats]:
    away = x - nodes
    squares = np.einsum("ij,ij->i", away, away).tolist()
    i, j = sorted(range(len(squares)), key=squares.__getitem__)[:2]
    if abs(i - j) != 1:
        return _polyline(x, nodes)
    k = 2 * i - j
    u = nodes[i] - nodes[j]
    p = nodes[k] - nodes[i] if 0 <= k < len(nodes) else u
    v = away[i]
    vp, pp = float(v @ p), float(p @ p)
    root = sqrt(max(vp * vp - pp * (squares[i] - squares[j]), 1e-300))
    dx = 0.5 * ((root + vp) / pp - 1.0)
    slope = (0.5 / pp * (vp / root + 1.0)) * p + (0.5 / root) * u
    off = v - dx * u
    z = sqrt(float(off @ off))
    out = np.zeros((2, len(x)))
    out[0] = (i - j) * slope
    if z > 1e-12:
        out[1] = (off - float(off @ u) * slope) / z
    return np.array([i + 1 + (i - j) * dx, z]), out


def _many_geometric(points: Floats, nodes: Floats) -> tuple[Floats, Floats]:
    """`_geometric` of many points (n, n_distances)."""
    away = points[:, None] - nodes
    squares = np.einsum("gij,gij->gi", away, away)
    i, j = np.argsort(squares, axis=1, kind="stable")[:, :2].T
    here, k = np.arange(len(points)), 2 * i - j
    u = nodes[i] - nodes[j]
    p = np.where(((k >= 0) & (k < len(nodes)))[:, None], nodes[np.clip(k, 0, len(nodes) - 1)] - nodes[i], u)
    v = away[here, i]
    vp, pp = np.einsum("gi,gi->g", v, p), np.einsum("gi,gi->g", p, p)
    root = np.sqrt(np.maximum(vp * vp - pp * (squares[here, i] - squares[here, j]), 1e-300))
    dx = 0.5 * ((root + vp) / pp - 1.0)
    slope = (0.5 / pp * (vp / root + 1.0))[:, None] * p + (0.5 / root)[:, None] * u
    off = v - dx[:, None] * u
    z = np.sqrt(np.einsum("gi,gi->g", off, off))
    values = np.stack([i + 1 + (i - j) * dx, z], axis=1)
    slopes = np.zeros((len(points), 2, points.shape[1]))
    slopes[:, 0] = (i - j)[:, None] * slope
    off -= np.einsum("gi,gi->g", off, u)[:, None] * slope
    np.divide(off, z[:, None], out=slopes[:, 1], where=z[:, None] > 1e-12)
    for apart in np.flatnonzero(np.abs(i - j) != 1):
        values[apart], slopes[apart] = _polyline(points[apart], nodes)
    return values, slopes


def _polyline(x: Floats, nodes: Floats) -> tuple[Floats, Floats]:
    """Nearest point of the line through the nodes."""
    steps = np.diff(nodes, axis=0)
    free = np.einsum("ij,ij->i", x - nodes[:-1], steps) / (steps**2).sum(1)
    along = np.clip(free, 0.0, 1.0)
    off = x - nodes[:-1] - along[:, None] * steps
    best = int((off**2).sum(1).argmin())
    z = float(np.sqrt((off[best] ** 2).sum()))
    out = np.zeros((2, len(x)))
    if 0.0 < free[best] < 1.0:
        out[0] = steps[best] / (steps[best] ** 2).sum()
    if z > 1e-12:
        out[1] = off[best] / z
    return np.array([best + 1 + along[best], z]), out


def _branduardi(x: Floats, nodes: Floats, lam: float) -> tuple[Floats, Floats]:
    away = x - nodes
    exponents = -lam * np.einsum("ij,ij->i", away, away)
    top = exponents.max()
    weights = np.exp(exponents - top)
    total = weights.sum()
    weights /= total
    index = np.arange(1, len(nodes) + 1)
    s = float(weights @ index)
    slope_s = -2 * lam * ((weights * (index - s)) @ away)
    return np.array([s, -(np.log(total) + top) / lam]), np.stack([slope_s, 2 * (weights @ away)])


def check_nodes(nodes: Sequence[Sequence[float]], *, equidistant: bool = True) -> None:
    """Refuse nodes that do not make a path."""
    remedy = "list the distances of each node, one node after the other"
    if len({len(node) for node in nodes}) != 1 or len(nodes) < 2:
        got = f"lengths {[len(node) for node in nodes]}"
        raise InputError("nodes", need="two or more nodes of equal length", got=got, remedy=remedy)
    place = np.asarray(nodes, dtype=float)
    if not np.isfinite(place).all():
        raise InputError("nodes", need="finite distances in A", got="nan or infinity", remedy=remedy)
    steps = np.sqrt((np.diff(place, axis=0) ** 2).sum(1))
    if steps.min() == 0 or (equidistant and np.ptp(steps) > 0.01 * steps.mean()):
        raise InputError(
            "nodes", need="equidistant nodes (1 %)", got=f"spacings {', '.join(f'{d:.4g}' for d in steps)} A",
            remedy="place them again with ionpath.cvs.path.equidistant_nodes, or use form='branduardi'",
        )  # fmt: skip
    gaps = np.sqrt(((place[:, None] - place[None]) ** 2).sum(-1))
    far = np.abs(np.subtract.outer(np.arange(len(place)), np.arange(len(place)))) > 1
    if far.any() and gaps[far].min() < 0.999 * steps.min():
        i, j = divmod(int(np.where(far, gaps, np.inf).argmin()), len(place))
        raise InputError(
            "nodes", need="a path on which the two closest nodes are adjacent",
            got=f"nodes {i + 1} and {j + 1} only {gaps[i, j]:.4g} A apart, less than the spacing {steps.min():.4g} A",
            remedy="straighten the path or put nodes closer together",
        )  # fmt: skip


@references("guan2024")
def equidistant_nodes(points: ArrayLike, n_nodes: int) -> tuple[tuple[float, ...], ...]:
    """Place nodes at equal distances along the line through given points.

    >>> equidistant_nodes([(6.5, 6.5), (2.0, 2.0)], 4) == CONCERTED
    True
    """
    line = np.asarray(points, dtype=float)
    if line.ndim != 2 or len(line) < 2 or n_nodes < 2:
        got = f"points of shape {line.shape}, {n_nodes} nodes"
        raise InputError("points", need="two points and two nodes or more", got=got, remedy="add some")
    nodes = line
    for _ in range(200):  # spacing along the line first, then along the chords until these agree
        nodes = equal_arcs(nodes, n_nodes)
        steps = np.sqrt((np.diff(nodes, axis=0) ** 2).sum(1))
        if np.ptp(steps) < 1e-6 * steps.mean():
            break
    return tuple(tuple(round(float(c), 9) for c in node) for node in nodes)
