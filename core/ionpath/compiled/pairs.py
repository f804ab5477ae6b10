"""Pairs by species and distance, and density modes."""

from __future__ import annotations

from typing import Any

import numpy as np


def pair_histogram(
    positions: Any, fractions: Any, cell: Any, kinds: Any, rows: Any, grid: Any, reach: Any, limit: float, counts: Any
) -> None:
    """Count pairs by species and distance: atoms in the cells of a grid, each pair of near cells once.

    Atoms wrapped into the cell, fractional and in A; `rows[a, b]` the row of `counts` for a pair of kinds, -1 for none.
    With fewer cells along an axis than the reach needs, all pairs are looked at by their shortest image instead.
    """
    n_atoms = len(positions)
    bins = counts.shape[1]
    scale = bins / limit
    square = limit * limit
    crowded = False
    for k in range(3):
        crowded = crowded or 2 * reach[k] + 1 > grid[k]
    if crowded:
        for i in range(n_atoms):
            for j in range(i + 1, n_atoms):
                row = rows[kinds[i], kinds[j]]
                if row >= 0:
                    a = fractions[j, 0] - fractions[i, 0]
                    b = fractions[j, 1] - fractions[i, 1]
                    c = fractions[j, 2] - fractions[i, 2]
                    a -= np.rint(a)
                    b -= np.rint(b)
                    c -= np.rint(c)
                    x = a * cell[0, 0] + b * cell[1, 0] + c * cell[2, 0]
                    y = a * cell[0, 1] + b * cell[1, 1] + c * cell[2, 1]
                    z = a * cell[0, 2] + b * cell[1, 2] + c * cell[2, 2]
                    d = x * x + y * y + z * z
                    if d < square:
                        at = int(np.sqrt(d) * scale)
                        if at < bins:
                            counts[row, at] += 1
        return
    n_cells = grid[0] * grid[1] * grid[2]
    start = np.zeros(n_cells + 1, dtype=np.int64)
    home = np.empty(n_atoms, dtype=np.int64)
    for i in range(n_atoms):
        a = min(int(fractions[i, 0] * grid[0]), grid[0] - 1)
        b = min(int(fractions[i, 1] * grid[1]), grid[1] - 1)
        c = min(int(fractions[i, 2] * grid[2]), grid[2] - 1)
        home[i] = (a * grid[1] + b) * grid[2] + c
        start[home[i] + 1] += 1
    for k in range(n_cells):
        start[k + 1] += start[k]
    place = start[:-1].copy()
    sorted_at = np.empty((n_atoms, 3))
    kind = np.empty(n_atoms, dtype=np.int64)
    for i in range(n_atoms):
        at = place[home[i]]
        place[home[i]] += 1
        kind[at] = kinds[i]
        for k in range(3):
            sorted_at[at, k] = positions[i, k]
    for a in range(grid[0]):
        for b in range(grid[1]):
            for c in range(grid[2]):
                here = (a * grid[1] + b) * grid[2] + c
                for da in range(0, reach[0] + 1):
                    for db in range(-reach[1], reach[1] + 1):
                        for dc in range(-reach[2], reach[2] + 1):
                            # Half of the directions: the other half sees the same pairs from the other side.
                            if da == 0 and (db < 0 or (db == 0 and dc < 0)):
                                continue
                            na, nb, nc = a + da, b + db, c + dc
                            sa = na // grid[0]
                            sb = nb // grid[1]
                            sc = nc // grid[2]
                            there = ((na - sa * grid[0]) * grid[1] + nb - sb * grid[1]) * grid[2] + nc - sc * grid[2]
                            sx = sa * cell[0, 0] + sb * cell[1, 0] + sc * cell[2, 0]
                            sy = sa * cell[0, 1] + sb * cell[1, 1] + sc * cell[2, 1]
                            sz = sa * cell[0, 2] + sb * cell[1, 2] + sc * cell[2, 2]
                            same = da == 0 and db == 0 and dc == 0
                            for i in range(start[here], start[here + 1]):
                                xi = sorted_at[i, 0] - sx
                                yi = sorted_at[i, 1] - sy
                                zi = sorted_at[i, 2] - sz
                                first = i + 1 if same else start[there]
                                for j in range(first, start[there + 1]):
                                    x = sorted_at[j, 0] - xi
                                    y = sorted_at[j, 1] - yi
                                    z = sorted_at[j, 2] - zi
                                    d = x * x + y * y + z * z
                                    if d < square:
                                        row = rows[kind[i], kind[j]]
                                        at = int(np.sqrt(d) * scale)
                                        if row >= 0 and at < bins:
                                            counts[row, at] += 1


def density_mode_sums(
    angles: Any,
    order: Any,
    first: Any,
    second: Any,
    starts: Any,
    third: Any,
    begins: Any,
    members: Any,
    signs: Any,
    bounds: Any,
    modes: Any,
) -> None:
    """Sums of exp(2 pi i n r) over groups of atoms, vectors sorted by their first two indices.

    `angles` (3, N) are 2 pi times the coordinates; `first`, `second` the signed indices of each pair, whose vectors
    `third` (unsigned) are those from starts[p] to starts[p + 1]. Vector v stands for the wanted ones
    members[begins[v]:begins[v + 1]], whose third index has the sign `signs`; `modes` (groups, wanted) is added to.
    """
    n_atoms = angles.shape[1]
    # Phases for indices without sign, one sine and one cosine each; products of halves keep their errors small.
    real = np.empty((3, order + 1, n_atoms))
    imaginary = np.empty((3, order + 1, n_atoms))
    for axis in range(3):
        real[axis, 0], imaginary[axis, 0] = 1.0, 0.0
        for k in range(n_atoms):
            if order > 0:
                real[axis, 1, k], imaginary[axis, 1, k] = np.cos(angles[axis, k]), np.sin(angles[axis, k])
        for n in range(2, order + 1):
            r0, i0 = real[axis, n // 2], imaginary[axis, n // 2]
            r1, i1 = real[axis, n - n // 2], imaginary[axis, n - n // 2]
            product, other = real[axis, n], imaginary[axis, n]
            for k in range(n_atoms):
                product[k] = r0[k] * r1[k] - i0[k] * i1[k]
                other[k] = r0[k] * i1[k] + i0[k] * r1[k]
    # A few hundred atoms at a time: their phases along one axis stay in the cache of the core.
    block = 256
    re = np.empty(block)
    im = np.empty(block)
    for low in range(0, n_atoms, block):
        size = min(block, n_atoms - low)
        for p in range(len(first)):
            a, b = abs(first[p]), abs(second[p])
            one = -1.0 if first[p] < 0 else 1.0
            two = -1.0 if second[p] < 0 else 1.0
            # Slices that start at 0: an index that may be negative keeps numba from vectorising a loop.
            r0, i0 = real[0, a, low : low + size], imaginary[0, a, low : low + size]
            r1, i1 = real[1, b, low : low + size], imaginary[1, b, low : low + size]
            for k in range(size):
                re[k] = r0[k] * r1[k] - one * two * i0[k] * i1[k]
                im[k] = two * r0[k] * i1[k] + one * i0[k] * r1[k]
            for g in range(len(bounds)):
                begin = max(bounds[g, 0] - low, 0)
                end = min(bounds[g, 1] - low, size)
                if begin >= end:
                    continue
                rp, ip = re[begin:end], im[begin:end]
                for v in range(starts[p], starts[p + 1]):
                    rc = real[2, third[v], low + begin : low + end]
                    ic = imaginary[2, third[v], low + begin : low + end]
                    cc = ss = cs = sc = 0.0
                    for k in range(end - begin):
                        cc += rp[k] * rc[k]
                        ss += ip[k] * ic[k]
                        cs += rp[k] * ic[k]
                        sc += ip[k] * rc[k]
                    for m in range(begins[v], begins[v + 1]):
                        sign = signs[members[m]]
                        modes[g, members[m]] += complex(cc - sign * ss, sc + sign * cs)
