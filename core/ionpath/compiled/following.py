"""The common displacement of a framework, and sites of ions: compared with the last, then with those around it."""

from __future__ import annotations

from typing import Any

import numpy as np

UNKNOWN = -2
"""Site of an ion for which the sites listed around its last do not decide."""


def follow_sites(
    ions: Any, inverse: Any, common: Any, shifts: Any, coordinates: Any, cell: Any, centre_of: Any, around: Any,
    vectors: Any, distances: Any, end: Any, same: Any, other: Any, cutoff: float, margin: float, last: Any, site: Any,
    ambiguous: Any,
) -> None:  # fmt: skip
    """Write the site of each ion in each frame, -1 for none, and whether a second one is as near within the margin.

    Ions (T, N, 3) in A, inverse cells, displacement (T, 3) of all centres in cells, and of each (T, M, 3) beyond that,
    in A of the reference `cell`; without moving centres M is 0. `around`, `vectors` and `distances` list the sites near
    to each, itself first, complete up to the distance `end`; `same` and `other` are the distances to the nearest site
    of its shell and of another. `last` (N,) is the last known site, updated.
    """
    n_frames, n_ions = ions.shape[:2]
    n_centres = shifts.shape[1]
    moved = np.zeros(max(n_centres, 1))
    x = y = z = 0.0
    for t in range(n_frames):
        largest = 0.0
        for m in range(n_centres):
            moved[m] = np.sqrt(shifts[t, m, 0] ** 2 + shifts[t, m, 1] ** 2 + shifts[t, m, 2] ** 2)
            largest = max(largest, moved[m])
        for n in range(n_ions):
            px, py, pz = ions[t, n, 0], ions[t, n, 1], ions[t, n, 2]
            a0 = px * inverse[t, 0, 0] + py * inverse[t, 1, 0] + pz * inverse[t, 2, 0] - common[t, 0]
            b0 = px * inverse[t, 0, 1] + py * inverse[t, 1, 1] + pz * inverse[t, 2, 1] - common[t, 1]
            c0 = px * inverse[t, 0, 2] + py * inverse[t, 1, 2] + pz * inverse[t, 2, 2] - common[t, 2]
            site[t, n] = UNKNOWN
            for _ in range(4):
                anchor = last[n]
                a, b, c = a0 - coordinates[anchor, 0], b0 - coordinates[anchor, 1], c0 - coordinates[anchor, 2]
                a -= np.rint(a)
                b -= np.rint(b)
                c -= np.rint(c)
                x = a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                y = a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                z = a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                limit = min(same[anchor], other[anchor])
                dx, dy, dz = x, y, z
                if n_centres:
                    m = centre_of[anchor]
                    limit = min(same[anchor], other[anchor] - moved[m] - largest)
                    dx, dy, dz = x - shifts[t, m, 0], y - shifts[t, m, 1], z - shifts[t, m, 2]
                limit = min(0.5 * (limit - margin), cutoff) - 1e-9
                if limit > 0.0 and dx * dx + dy * dy + dz * dz < limit * limit:
                    site[t, n] = anchor
                    ambiguous[t, n] = False
                    break
                start = np.sqrt(x * x + y * y + z * z) + largest
                best, first, second = anchor, np.inf, np.inf
                known = False
                for k in range(around.shape[1]):
                    # Sites from here on are farther than this.
                    if distances[anchor, k] == np.inf:
                        break
                    if distances[anchor, k] - start > min(first, cutoff) + margin:
                        known = True
                        break
                    dx, dy, dz = x - vectors[anchor, k, 0], y - vectors[anchor, k, 1], z - vectors[anchor, k, 2]
                    if n_centres:
                        m = centre_of[around[anchor, k]]
                        dx, dy, dz = dx - shifts[t, m, 0], dy - shifts[t, m, 1], dz - shifts[t, m, 2]
                    distance = np.sqrt(dx * dx + dy * dy + dz * dz)
                    if distance < first:
                        best, first, second = around[anchor, k], distance, first
                    elif distance < second:
                        second = distance
                known = known or end[anchor] - start > min(first, cutoff) + margin
                if known:
                    site[t, n] = best if first <= cutoff else -1
                    ambiguous[t, n] = first <= cutoff and second - first < margin
                    if first <= cutoff:
                        last[n] = best
                    break
                if best == anchor:
                    break
                last[n] = best


def common_shift_kernel(positions: Any, inverse: Any, start: Any, weights: Any, common: Any) -> float:
    """Write the weighted mean displacement (T, 3) of atoms from `start`, both fractional, about that of the first atom.

    Positions (T, M, 3) in A, inverse cells. Returns how far an atom is from the first, at most, in cells.
    """
    widest = 0.0
    for t in range(len(positions)):
        m = inverse[t]
        a0 = b0 = c0 = sa = sb = sc = 0.0
        for n in range(positions.shape[1]):
            x, y, z = float(positions[t, n, 0]), float(positions[t, n, 1]), float(positions[t, n, 2])
            a = x * m[0, 0] + y * m[1, 0] + z * m[2, 0] - start[n, 0]
            b = x * m[0, 1] + y * m[1, 1] + z * m[2, 1] - start[n, 1]
            c = x * m[0, 2] + y * m[1, 2] + z * m[2, 2] - start[n, 2]
            if n == 0:
                a0, b0, c0 = a, b, c
            a, b, c = a - a0, b - b0, c - c0
            a, b, c = a - np.rint(a), b - np.rint(b), c - np.rint(c)
            widest = max(widest, abs(a), abs(b), abs(c))
            sa, sb, sc = sa + weights[n] * a, sb + weights[n] * b, sc + weights[n] * c
        common[t, 0], common[t, 1], common[t, 2] = a0 + sa, b0 + sb, c0 + sc
    return widest
