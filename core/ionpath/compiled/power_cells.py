"""Voronoi and power cells: a polytope around each atom, cut by one neighbour after the other until none reaches it.

A corner is kept as the three planes that meet in it, numbered in the order of their cuts, in one sense of turning seen
from outside; `owner[a, b]` is the corner in which plane b follows plane a. So faces, edges and corners are at hand
as what is dual to edges, triangles and tetrahedra of the Delaunay triangulation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

MOST = 128
"""Room for planes and corners of one cell; atoms of a fluid have about 15 faces and 25 corners."""


def power_cell_kernel(
    positions: Any, fractions: Any, cell: Any, grid: Any, span: Any, weights: Any, wanted: Any, reach: float,
    simplices: bool,
) -> Any:  # fmt: skip
    """Volumes of the cells of some atoms, whether each is closed within `reach`, and the simplices they are dual to.

    Atoms wrapped into the cell, in A and fractional, on a grid of which `reach` spans `span` cells; `weights` their
    squared radii. The value of a simplex in the alpha filtration is the least power on what it is dual to. Each
    simplex is given for its atom of lowest index; two images of one atom come in either order.

    Returns volumes (n,), -1 of an atom on top of another, and flags (n,); number of all corners; atoms (., 4), images
    (., 4, 3) and values of simplices, of which each row has 1 to 4 atoms (filled up with -1).
    """
    n_atoms, n_wanted = len(positions), len(wanted)
    begin, home = np.zeros(grid[0] * grid[1] * grid[2] + 1, dtype=np.int64), np.empty((n_atoms, 3), dtype=np.int64)
    for i in range(n_atoms):
        for k in range(3):
            home[i, k] = min(int(fractions[i, k] * grid[k]), grid[k] - 1)
        begin[(home[i, 0] * grid[1] + home[i, 1]) * grid[2] + home[i, 2] + 1] += 1
    for k in range(len(begin) - 1):
        begin[k + 1] += begin[k]
    place, inside = begin[:-1].copy(), np.empty(n_atoms, dtype=np.int64)
    for i in range(n_atoms):
        at = (home[i, 0] * grid[1] + home[i, 1]) * grid[2] + home[i, 2]
        inside[place[at]] = i
        place[at] += 1
    volumes, closed = np.zeros(n_wanted), np.ones(n_wanted, dtype=np.bool_)
    n_all, heaviest = 0, weights.max()
    # Delaunay triangulations of atoms have 27 or so simplices an atom; one without room is found to be incomplete.
    room = 60 * n_wanted if simplices else 1
    found, atoms, values = 0, np.full((room, 4), -1, dtype=np.int64), np.empty(room)
    images = np.zeros((room, 4, 3), dtype=np.int64)
    near, near_atom, near_image = np.empty((0, 4)), np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.int64)
    normal, offset, source = np.empty((MOST, 3)), np.empty(MOST), np.empty(MOST, dtype=np.int64)
    corner, planes = np.empty((MOST, 3)), np.empty((MOST, 3), dtype=np.int64)
    owner, outside = np.zeros((MOST, MOST), dtype=np.int64), np.empty(MOST, dtype=np.bool_)
    rim, rim_corner = np.empty((MOST, 2), dtype=np.int64), np.empty((MOST, 3))
    for row in range(n_wanted):
        i = wanted[row]
        most = candidates(home[i], grid, span, begin)
        if most > len(near):
            near, near_atom = np.empty((2 * most, 4)), np.empty(2 * most, dtype=np.int64)
            near_image = np.empty((2 * most, 3), dtype=np.int64)
        n_near = neighbours(i, positions, cell, home[i], grid, span, begin, inside, reach, near, near_atom, near_image)
        if n_near < 0:
            volumes[row] = -1.0
            continue
        n_planes, n_corners = cube(reach, normal, offset, source, corner, planes, owner)
        farthest, finished = 3.0 * reach * reach, False
        for at in np.argsort(near[:n_near, 3]):
            # Nearest point of the plane, at the least; farther planes of lighter atoms are no nearer.
            bound = near[at, 3] + weights[i] - heaviest
            if bound > 0.0 and bound * bound >= 4.0 * near[at, 3] * farthest:
                finished = True
                break
            limit = 0.5 * (near[at, 3] + weights[i] - weights[near_atom[at]])
            kept, reached = cut(
                near[at], limit, 1e-12 * reach * reach, n_planes, n_corners, corner, planes, owner, outside, rim,
                rim_corner,
            )  # fmt: skip
            if kept < 0:
                break
            if kept == 0:
                n_corners, finished = 0, True
                break
            if reached >= 0.0:
                for c in range(3):
                    normal[n_planes, c] = near[at, c]
                offset[n_planes], source[n_planes] = limit, at
                n_planes, n_corners, farthest = n_planes + 1, kept, reached
        bound = reach * reach + weights[i] - heaviest
        closed[row] = finished or (bound > 0.0 and bound * bound >= 4.0 * reach * reach * farthest)
        volume = volume_of(n_corners, normal, offset, corner, planes, owner)
        if volume < 0.0:
            closed[row] = False
        if not closed[row]:
            continue
        volumes[row] = volume
        n_all += n_corners
        if simplices and n_corners and found + 3 * n_corners + n_planes < room:
            found = simplices_of(
                i, weights[i], n_planes, n_corners, normal, offset, source, corner, planes, owner, near_atom,
                near_image, found, atoms, images, values,
            )  # fmt: skip
    return volumes, closed, n_all, atoms[:found], images[:found], values[:found]


def candidates(home: Any, grid: Any, span: Any, begin: Any) -> int:
    """Number of atoms in the cells of the grid around one of them."""
    n = 0
    for da in range(-span[0], span[0] + 1):
        for db in range(-span[1], span[1] + 1):
            for dc in range(-span[2], span[2] + 1):
                a, b, c = (home[0] + da) % grid[0], (home[1] + db) % grid[1], (home[2] + dc) % grid[2]
                at = (a * grid[1] + b) * grid[2] + c
                n += begin[at + 1] - begin[at]
    return n


def neighbours(
    i: int, positions: Any, cell: Any, home: Any, grid: Any, span: Any, begin: Any, inside: Any, reach: float,
    near: Any, near_atom: Any, near_image: Any,
) -> int:  # fmt: skip
    """Vectors to the neighbours of an atom with their squares, atoms and images; their number, -1 if one is on top."""
    n = 0
    for da in range(-span[0], span[0] + 1):
        sa = (home[0] + da) // grid[0]
        for db in range(-span[1], span[1] + 1):
            sb = (home[1] + db) // grid[1]
            for dc in range(-span[2], span[2] + 1):
                sc = (home[2] + dc) // grid[2]
                x0 = sa * cell[0, 0] + sb * cell[1, 0] + sc * cell[2, 0] - positions[i, 0]
                y0 = sa * cell[0, 1] + sb * cell[1, 1] + sc * cell[2, 1] - positions[i, 1]
                z0 = sa * cell[0, 2] + sb * cell[1, 2] + sc * cell[2, 2] - positions[i, 2]
                a, b, c = home[0] + da - sa * grid[0], home[1] + db - sb * grid[1], home[2] + dc - sc * grid[2]
                at = (a * grid[1] + b) * grid[2] + c
                for k in range(begin[at], begin[at + 1]):
                    j = inside[k]
                    x, y, z = positions[j, 0] + x0, positions[j, 1] + y0, positions[j, 2] + z0
                    square = x * x + y * y + z * z
                    if square > reach * reach or (j == i and sa == 0 and sb == 0 and sc == 0):
                        continue
                    if square < 1e-12:
                        return -1
                    near[n, 0], near[n, 1], near[n, 2], near[n, 3] = x, y, z, square
                    near_atom[n] = j
                    near_image[n, 0], near_image[n, 1], near_image[n, 2] = sa, sb, sc
                    n += 1
    return n


def cube(reach: float, normal: Any, offset: Any, source: Any, corner: Any, planes: Any, owner: Any) -> Any:
    """Begin with a cube that no closed cell reaches."""
    for k in range(6):
        for c in range(3):
            normal[k, c] = 0.0
        normal[k, k // 2] = 1.0 - 2.0 * (k % 2)
        offset[k], source[k] = reach, -1
    for k in range(8):
        x, y, z = k & 1, (k >> 1) & 1, (k >> 2) & 1
        corner[k, 0], corner[k, 1] = reach * (1.0 - 2.0 * x), reach * (1.0 - 2.0 * y)
        corner[k, 2] = reach * (1.0 - 2.0 * z)
        planes[k, 0] = x
        planes[k, 1], planes[k, 2] = (2 + y, 4 + z) if (x + y + z) % 2 == 0 else (4 + z, 2 + y)
        for e in range(3):
            owner[planes[k, e], planes[k, (e + 1) % 3]] = k
    return 6, 8


def cut(
    normal: Any, limit: float, touch: float, new: int, n_corners: int, corner: Any, planes: Any, owner: Any,
    outside: Any, rim: Any, rim_corner: Any,
) -> Any:  # fmt: skip
    """Cut by one plane; a plane that touches a corner does not cut it off.

    Returns the number of corners left, -1 without room, and the square of the farthest, -1 if nothing was cut.
    """
    x, y, z = normal[0], normal[1], normal[2]
    n_out = 0
    for k in range(n_corners):
        outside[k] = x * corner[k, 0] + y * corner[k, 1] + z * corner[k, 2] > limit + touch
        n_out += outside[k]
    if n_out == 0:
        return n_corners, -1.0
    if n_out == n_corners:
        return 0, 0.0
    # The rim: edges between a corner that stays and one that goes, where the new corners are.
    n_rim = 0
    for k in range(n_corners):
        if not outside[k]:
            continue
        outer = x * corner[k, 0] + y * corner[k, 1] + z * corner[k, 2]
        for e in range(3):
            a, b = planes[k, e], planes[k, (e + 1) % 3]
            m = owner[b, a]
            if outside[m]:
                continue
            inner = x * corner[m, 0] + y * corner[m, 1] + z * corner[m, 2]
            share = min(max((limit - inner) / (outer - inner), 0.0), 1.0)
            rim[n_rim, 0], rim[n_rim, 1] = a, b
            for c in range(3):
                rim_corner[n_rim, c] = corner[m, c] + share * (corner[k, c] - corner[m, c])
            n_rim += 1
    if n_corners - n_out + n_rim > len(corner) or new + 1 == len(corner):
        return -1, 0.0
    kept, farthest = 0, 0.0
    for k in range(n_corners + n_rim):
        if k < n_corners:
            if outside[k]:
                continue
            for c in range(3):
                corner[kept, c], planes[kept, c] = corner[k, c], planes[k, c]
        else:
            for c in range(3):
                corner[kept, c] = rim_corner[k - n_corners, c]
            planes[kept, 0], planes[kept, 1], planes[kept, 2] = rim[k - n_corners, 0], rim[k - n_corners, 1], new
        for e in range(3):
            owner[planes[kept, e], planes[kept, (e + 1) % 3]] = kept
        farthest = max(farthest, corner[kept, 0] ** 2 + corner[kept, 1] ** 2 + corner[kept, 2] ** 2)
        kept += 1
    return kept, farthest


def volume_of(n_corners: int, normal: Any, offset: Any, corner: Any, planes: Any, owner: Any) -> float:
    """Sum over the faces of height times area, from its directed edges; -1 if an edge leads nowhere."""
    volume = 0.0
    for k in range(n_corners):
        for e in range(3):
            p, b = planes[k, e], planes[k, (e + 1) % 3]
            m = owner[b, p]
            if m >= n_corners or not (
                (planes[m, 0] == b and planes[m, 1] == p)
                or (planes[m, 1] == b and planes[m, 2] == p)
                or (planes[m, 2] == b and planes[m, 0] == p)
            ):
                return -1.0
            x = corner[k, 1] * corner[m, 2] - corner[k, 2] * corner[m, 1]
            y = corner[k, 2] * corner[m, 0] - corner[k, 0] * corner[m, 2]
            z = corner[k, 0] * corner[m, 1] - corner[k, 1] * corner[m, 0]
            height = normal[p, 0] * x + normal[p, 1] * y + normal[p, 2] * z
            volume += offset[p] * height / (normal[p, 0] ** 2 + normal[p, 1] ** 2 + normal[p, 2] ** 2)
    return abs(volume) / 6.0


def simplices_of(
    i: int, weight: float, n_planes: int, n_corners: int, normal: Any, offset: Any, source: Any, corner: Any,
    planes: Any, owner: Any, near_atom: Any, near_image: Any, found: int, atoms: Any, images: Any, values: Any,
) -> int:  # fmt: skip
    """Write down the simplices of which atom i is the lowest; returns how many there are by now."""
    used, lowest = np.zeros(n_planes, dtype=np.bool_), np.empty(n_planes, dtype=np.bool_)
    face_value = np.full(n_planes, np.inf)
    for p in range(n_planes):
        lowest[p] = source[p] >= 0 and near_atom[source[p]] >= i
    for k in range(n_corners):
        square = corner[k, 0] ** 2 + corner[k, 1] ** 2 + corner[k, 2] ** 2
        if lowest[planes[k, 0]] and lowest[planes[k, 1]] and lowest[planes[k, 2]]:
            atoms[found, 0], values[found] = i, square - weight
            for e in range(3):
                atoms[found, e + 1] = near_atom[source[planes[k, e]]]
                for c in range(3):
                    images[found, e + 1, c] = near_image[source[planes[k, e]], c]
            found += 1
        for e in range(3):
            a, b = planes[k, e], planes[k, (e + 1) % 3]
            m = owner[b, a]
            used[a] = True
            x, y, z = corner[m, 0] - corner[k, 0], corner[m, 1] - corner[k, 1], corner[m, 2] - corner[k, 2]
            edge = x * x + y * y + z * z
            inward = -(corner[k, 0] * x + corner[k, 1] * y + corner[k, 2] * z)
            value = square
            if inward >= edge:
                value = corner[m, 0] ** 2 + corner[m, 1] ** 2 + corner[m, 2] ** 2
            elif inward > 0.0:
                value = square - inward * inward / edge
            face_value[a] = min(face_value[a], value)
            if a < b and lowest[a] and lowest[b]:
                atoms[found, 0], values[found] = i, value - weight
                atoms[found, 1], atoms[found, 2] = near_atom[source[a]], near_atom[source[b]]
                for c in range(3):
                    images[found, 1, c], images[found, 2, c] = near_image[source[a], c], near_image[source[b], c]
                found += 1
    nearest = 0.0
    for p in range(n_planes):
        if not used[p]:
            continue
        # The foot of the plane, if it lies on the face, and else the nearest point of its edges.
        foot = offset[p] / (normal[p, 0] ** 2 + normal[p, 1] ** 2 + normal[p, 2] ** 2)
        value = foot * offset[p]
        for q in range(n_planes):
            if used[q] and q != p:
                along = normal[p, 0] * normal[q, 0] + normal[p, 1] * normal[q, 1] + normal[p, 2] * normal[q, 2]
                if foot * along > offset[q]:
                    value = face_value[p]
                    break
        if offset[p] < 0.0:
            nearest = value if nearest == 0.0 else min(nearest, value)
        if not lowest[p]:
            continue
        atoms[found, 0], atoms[found, 1], values[found] = i, near_atom[source[p]], value - weight
        for c in range(3):
            images[found, 1, c] = near_image[source[p], c]
        found += 1
    # An atom outside of its own cell, which is beyond the planes of negative offset.
    atoms[found, 0], values[found] = i, nearest - weight
    return found + 1


HELPERS = candidates, neighbours, cube, cut, volume_of, simplices_of
