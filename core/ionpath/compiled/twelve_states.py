"""The twelve states about pairs of tetrahedra, as `ionpath.lattice.paired_cages` defines them frame by frame."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.compiled.displacements import shortest


def twelve_states(
    ions: Any, atoms: Any, edges: Any, base: Any, faces: Any, squares: Any, centres: Any, ligands: Any, axes: Any,
    limits: Any, states: Any, cage: Any,
) -> None:  # fmt: skip
    """Write state and pair (T, N) of ions (T, N, 3); `limits` are the four distances of the rule, in its order."""
    rectangular, many = len(edges) > 0, len(faces) > 1
    ex = ey = ez = 1.0
    to, distance, reach, nearest = np.empty((2, 3)), np.empty(2), np.empty(2), np.empty(2, np.int64)
    bonds, height = np.empty((4, 3)), np.empty(4)
    for t in range(len(ions)):
        c = t if many else 0
        if rectangular:
            ex, ey, ez = edges[c, 0], edges[c, 1], edges[c, 2]
        for n in range(ions.shape[1]):
            x, y, z = ions[t, n, 0], ions[t, n, 1], ions[t, n, 2]
            for k in range(2):
                least = np.inf
                for m in range(len(centres)):
                    o = centres[m, k]
                    a, b, d = x - atoms[t, o, 0], y - atoms[t, o, 1], z - atoms[t, o, 2]
                    if rectangular:
                        a, b, d = a - np.rint(a / ex) * ex, b - np.rint(b / ey) * ey, d - np.rint(d / ez) * ez
                    else:
                        a, b, d = shortest(a, b, d, c, base, faces, squares)
                    square = a * a + b * b + d * d
                    if square < least:
                        least, nearest[k] = square, m
                        to[k, 0], to[k, 1], to[k, 2] = a, b, d
                distance[k] = np.sqrt(least)
                least = np.inf
                for j in range(4):
                    o = ligands[nearest[k], k, j]
                    a, b, d = x - atoms[t, o, 0], y - atoms[t, o, 1], z - atoms[t, o, 2]
                    if rectangular:
                        a, b, d = a - np.rint(a / ex) * ex, b - np.rint(b / ey) * ey, d - np.rint(d / ez) * ez
                    else:
                        a, b, d = shortest(a, b, d, c, base, faces, squares)
                    least = min(least, a * a + b * b + d * d)
                reach[k] = np.sqrt(least)
            side = 0 if distance[0] <= distance[1] else 1
            home = nearest[side]
            cage[t, n] = home
            ax, ay, az = axes[home, 0], axes[home, 1], axes[home, 2]
            up = 1 if to[0, 0] * ax + to[0, 1] * ay + to[0, 2] * az > 0.0 else 0
            states[t, n] = 0
            if max(distance[0], distance[1]) <= limits[1]:
                states[t, n] = 2 - up
            elif max(reach[0], reach[1]) <= limits[2] and min(reach[0], reach[1]) >= limits[3]:
                states[t, n] = 12 - up
            elif distance[side] <= limits[0]:
                o = centres[home, side]
                x, y, z = atoms[t, o, 0], atoms[t, o, 1], atoms[t, o, 2]
                for j in range(4):
                    o = ligands[home, side, j]
                    a, b, d = atoms[t, o, 0] - x, atoms[t, o, 1] - y, atoms[t, o, 2] - z
                    if rectangular:
                        a, b, d = a - np.rint(a / ex) * ex, b - np.rint(b / ey) * ey, d - np.rint(d / ez) * ez
                    else:
                        a, b, d = shortest(a, b, d, c, base, faces, squares)
                    bonds[j, 0], bonds[j, 1], bonds[j, 2] = a, b, d
                    height[j] = a * ax + b * ay + d * az
                first = np.argmax(height)
                height[first] = -np.inf
                second = np.argmax(height)
                u = bonds[first, 0] - bonds[second, 0]
                v = bonds[first, 1] - bonds[second, 1]
                w = bonds[first, 2] - bonds[second, 2]
                along = u * ax + v * ay + w * az
                u, v, w = u - along * ax, v - along * ay, w - along * az
                lead = u if abs(u) >= abs(v) else v
                lead = lead if abs(lead) >= abs(w) else w
                if lead < 0.0:
                    u, v, w = -u, -v, -w
                a, b, d = to[side, 0], to[side, 1], to[side, 2]
                east = a * u + b * v + d * w
                north = a * (ay * w - az * v) + b * (az * u - ax * w) + d * (ax * v - ay * u)
                turn = np.arctan2(north, east)
                if turn < 0.0:
                    turn += 2.0 * np.pi
                states[t, n] = 3 + 4 * side + int(np.floor(turn / (0.5 * np.pi))) % 4
