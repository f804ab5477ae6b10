"""Ions continued across the faces of the cell, and powers of their displacements over lags."""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK = 64
"""Ions whose sums over all lags are held at a time: with their positions in a chunk they fit the cache."""


def shortest(a: float, b: float, d: float, c: int, base: Any, faces: Any, squares: Any) -> Any:
    """Shortest image of a vector in cell number c of `ionpath.cells.image_tables`, whatever its shape."""
    m, q = base[1, c], base[0, c]
    f = np.rint(a * m[0, 0] + b * m[1, 0] + d * m[2, 0])
    g = np.rint(a * m[0, 1] + b * m[1, 1] + d * m[2, 1])
    h = np.rint(a * m[0, 2] + b * m[1, 2] + d * m[2, 2])
    a -= f * q[0, 0] + g * q[1, 0] + h * q[2, 0]
    b -= f * q[0, 1] + g * q[1, 1] + h * q[2, 1]
    d -= f * q[0, 2] + g * q[1, 2] + h * q[2, 2]
    again = True
    while again:
        again = False
        for k in range(7):
            ratio = (a * faces[c, k, 0] + b * faces[c, k, 1] + d * faces[c, k, 2]) / squares[c, k]
            if abs(ratio) > 0.5 + 1e-9:
                turns = np.rint(ratio)
                a -= turns * faces[c, k, 0]
                b -= turns * faces[c, k, 1]
                d -= turns * faces[c, k, 2]
                again = True
    return a, b, d


HELPERS = (shortest,)


def continue_path(
    positions: Any, moved: Any, cells: Any, inverse: Any, edges: Any, base: Any, faces: Any, squares: Any,
    limit: float, constant: bool, last: Any, last_cell: Any, end: Any, path: Any, counts: Any,
) -> None:  # fmt: skip
    """Write the continued path (T, N, 3) of positions (T, N, 3) less what all moved (T, 3).

    `edges`, `base`, `faces` and `squares` are `ionpath.cells.image_tables` of one cell or of T. Where cells change (not
    `constant`) wrapped positions are followed, of `cells` and their `inverse`, `last_cell` (2, 3, 3) before the first.
    `last` and `end` (N, 3) are positions as read and continued, updated. Adds crossings of faces and steps that are
    near half of the cell to `counts` (2,).
    """
    n_ions = positions.shape[1]
    rectangular, many = len(edges) > 0, len(faces) > 1
    for t in range(len(positions)):
        c = t if many else 0
        for n in range(n_ions):
            for i in range(3):
                path[t, n, i] = float(positions[t, n, i]) - moved[t, i]
            x, y, z = path[t, n, 0] - last[n, 0], path[t, n, 1] - last[n, 1], path[t, n, 2] - last[n, 2]
            a, b, d = x, y, z
            if not constant:
                a0 = b0 = d0 = 0.0
                for side in range(2):
                    m = inverse[t] if side else last_cell[1]
                    q = cells[t] if side else last_cell[0]
                    u = path[t, n] if side else last[n]
                    f = u[0] * m[0, 0] + u[1] * m[1, 0] + u[2] * m[2, 0]
                    g = u[0] * m[0, 1] + u[1] * m[1, 1] + u[2] * m[2, 1]
                    h = u[0] * m[0, 2] + u[1] * m[1, 2] + u[2] * m[2, 2]
                    f, g, h = f - np.floor(f), g - np.floor(g), h - np.floor(h)
                    a = f * q[0, 0] + g * q[1, 0] + h * q[2, 0] - a0
                    b = f * q[0, 1] + g * q[1, 1] + h * q[2, 1] - b0
                    d = f * q[0, 2] + g * q[1, 2] + h * q[2, 2] - d0
                    a0, b0, d0 = a, b, d
            if rectangular:
                a -= np.rint(a / edges[c, 0]) * edges[c, 0]
                b -= np.rint(b / edges[c, 1]) * edges[c, 1]
                d -= np.rint(d / edges[c, 2]) * edges[c, 2]
            else:
                a, b, d = shortest(a, b, d, c, base, faces, squares)
            if abs(x - a) > 0.1 or abs(y - b) > 0.1 or abs(z - d) > 0.1:
                counts[0] += 1
            if a * a + b * b + d * d > limit * limit:
                for k in range(7):
                    along = (a * faces[c, k, 0] + b * faces[c, k, 1] + d * faces[c, k, 2]) / squares[c, k]
                    if abs(along) > 0.4:
                        counts[1] += 1
                        break
            for i in range(3):
                last[n, i] = path[t, n, i]
            end[n, 0] += a
            end[n, 1] += b
            end[n, 2] += d
            path[t, n, 0], path[t, n, 1], path[t, n, 2] = end[n, 0], end[n, 1], end[n, 2]
        if not constant:
            last_cell[0] = cells[t]
            last_cell[1] = inverse[t]


def add_squares(lag: Any, starts: Any, begin: Any, positions: Any, stop: Any, sums: Any) -> None:
    """Add the squared displacements from `starts[begin]` to `positions[stop]`, both (T, 3 N), to `sums` (N, L, 3)."""
    n_ions, n_lags = sums.shape[:2]
    part = np.empty((n_lags, 3 * BLOCK))
    for first in range(0, n_ions, BLOCK):
        at, size = 3 * first, 3 * min(BLOCK, n_ions - first)
        part[:] = 0.0
        for p in range(len(lag)):
            here, there, to = starts[begin[p], at : at + size], positions[stop[p], at : at + size], part[lag[p]]
            for c in range(size):
                d = there[c] - here[c]
                to[c] += d * d
        for c in range(size):
            for k in range(n_lags):
                sums[first + c // 3, k, c % 3] += part[k, c]


def add_powers(lag: Any, starts: Any, begin: Any, positions: Any, stop: Any, sums: Any) -> None:
    """Add the second and fourth powers of the displacements to `sums` (2, L, N), as `add_squares` does."""
    n_ions = sums.shape[2]
    part = np.empty(3 * BLOCK)
    for first in range(0, n_ions, BLOCK):
        size = min(BLOCK, n_ions - first)
        at, end = 3 * first, 3 * (first + size)
        for p in range(len(lag)):
            here, there = starts[begin[p], at:end], positions[stop[p], at:end]
            for c in range(3 * size):
                d = there[c] - here[c]
                part[c] = d * d
            two, four = sums[0, lag[p], first : first + size], sums[1, lag[p], first : first + size]
            for n in range(size):
                square = part[3 * n] + part[3 * n + 1] + part[3 * n + 2]
                two[n] += square
                four[n] += square * square
