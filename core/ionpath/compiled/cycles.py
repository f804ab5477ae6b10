"""Persistence of the cycles of a complex that fills a torus, and the shortest cycles of its edges."""

from __future__ import annotations

from typing import Any

import numpy as np


def ring_pairs(boundary: Any, beside: Any, n_edges: int, n_solids: int) -> Any:
    """Edge that makes, for each triangle, the cycle that it fills; -1 where the triangle fills none.

    `boundary` (F, 3): edges of the triangles, rising; edges numbered, triangles sorted in the order of the filtration;
    `beside` (F, 2): the two tetrahedra of each. The columns of the boundary matrix are reduced modulo 2 from the left.
    Triangles that close a cavity are known beforehand, since their columns would come out empty: they are those that
    join two parts of the space outside, taken from the last triangle to the first.
    """
    n = len(boundary)
    parent = np.arange(n_solids)
    cavity = np.zeros(n, dtype=np.bool_)
    for t in range(n - 1, -1, -1):
        a, b = beside[t, 0], beside[t, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a != b:
            parent[a] = b
            cavity[t] = True
    found = np.full(n, -1, dtype=np.int64)
    begin, end = np.zeros(n_edges, dtype=np.int64), np.zeros(n_edges, dtype=np.int64)
    store = np.empty(16 * n, dtype=np.int64)
    filled = 0
    column, summed = np.empty(n_edges, dtype=np.int64), np.empty(n_edges, dtype=np.int64)
    for t in range(n):
        if cavity[t]:
            continue
        size = 3
        for k in range(3):
            column[k] = boundary[t, k]
        while size and end[column[size - 1]]:
            pivot = column[size - 1]
            i, j, k = 0, begin[pivot], 0
            last = end[pivot]
            while i < size and j < last:
                if column[i] < store[j]:
                    summed[k] = column[i]
                    i += 1
                    k += 1
                elif column[i] > store[j]:
                    summed[k] = store[j]
                    j += 1
                    k += 1
                else:
                    i += 1
                    j += 1
            while i < size:
                summed[k] = column[i]
                i += 1
                k += 1
            while j < last:
                summed[k] = store[j]
                j += 1
                k += 1
            column, summed = summed, column
            size = k
        if size:
            if filled + size > len(store):
                larger = np.empty(2 * len(store) + size, dtype=np.int64)
                larger[:filled] = store[:filled]
                store = larger
            pivot = column[size - 1]
            begin[pivot] = filled
            for k in range(size):
                store[filled + k] = column[k]
            filled += size
            end[pivot] = filled
            found[t] = pivot
    return found


def shortest_cycles(start: Any, other: Any, steps: Any, values: Any, edges: Any, images: Any, limits: Any) -> Any:
    """Fewest atoms around each edge, through edges with values up to its limit: the cycles, and which of them wind.

    Neighbours of atom i from start[i] to start[i + 1], in the order of `values`: `other`, the atom, in the image
    `steps` (., 3) seen from i. `edges` (n, 2) with `images` (n, 3) are those to be closed. A cycle closes in space
    where one does, and is else one around the cell. Breadth first from both ends, level by level; where the two meet,
    the cycle is the one that a search from the first end alone finds first.

    Returns sizes (n,), flags (n,), and the atoms of all cycles one behind the other.
    """
    n, n_atoms = len(edges), len(start) - 1
    sizes, winds = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_)
    members, filled = np.empty(16 * n + 64, dtype=np.int64), 0
    # Nodes reached, an atom in an image each, with the levels from both ends; in a table by hash, stamped by search.
    room, stamp = 4096, 0
    node, level, came = (
        np.empty((room, 4), dtype=np.int64),
        np.empty((room, 2), dtype=np.int64),
        np.empty(room, np.int64),
    )
    slots, stamps = np.zeros(2 * room, dtype=np.int64), np.zeros(2 * room, dtype=np.int64)
    queue, head, tail = np.empty((2, room), dtype=np.int64), np.zeros(2, np.int64), np.zeros(2, np.int64)
    done = np.zeros(2, dtype=np.int64)
    for row in range(n):
        for wound in range(2):
            stamp += 1
            for side in range(2):
                node[side, 0] = edges[row, side]
                for c in range(3):
                    node[side, 1 + c] = images[row, c] if side and not wound else 0
                level[side, side], level[side, 1 - side], came[side] = 0, -1, -1
                slot = slot_of(slots, stamps, node, stamp, node[side, 0], node[side, 1], node[side, 2], node[side, 3])
                stamps[slot], slots[slot] = stamp, side
                queue[side, 0], head[side], tail[side], done[side] = side, 0, 1, 0
            reached, met, asked = 2, False, False
            while not met and head[0] < tail[0] and head[1] < tail[1]:
                side = 0 if tail[0] - head[0] <= tail[1] - head[1] else 1
                sense = 1 - 2 * side
                last = tail[side]
                while head[side] < last:
                    at = queue[side, head[side]]
                    head[side] += 1
                    for k in range(start[node[at, 0]], start[node[at, 0] + 1]):
                        if values[k] > limits[row]:
                            break
                        dx, dy, dz = steps[k, 0], steps[k, 1], steps[k, 2]
                        if (
                            at == side
                            and other[k] == edges[row, 1 - side]
                            and sense * dx == images[row, 0]
                            and sense * dy == images[row, 1]
                            and sense * dz == images[row, 2]
                        ):
                            continue  # the edge itself
                        x = y = z = 0
                        if not wound:
                            x, y, z = node[at, 1] + dx, node[at, 2] + dy, node[at, 3] + dz
                        slot = slot_of(slots, stamps, node, stamp, other[k], x, y, z)
                        if stamps[slot] == stamp:
                            to = slots[slot]
                            if level[to, side] >= 0:
                                continue
                            met = True
                        else:
                            if reached == room:
                                room *= 2
                                node, level = np.concatenate((node, node)), np.concatenate((level, level))
                                came = np.concatenate((came, came))
                                wider = np.empty((2, room), dtype=np.int64)
                                wider[:, : room // 2] = queue
                                queue = wider
                                slots, stamps = np.zeros(2 * room, dtype=np.int64), np.zeros(2 * room, dtype=np.int64)
                                for r in range(reached):
                                    s = slot_of(
                                        slots, stamps, node, stamp, node[r, 0], node[r, 1], node[r, 2], node[r, 3]
                                    )
                                    stamps[s], slots[s] = stamp, r
                                slot = slot_of(slots, stamps, node, stamp, other[k], x, y, z)
                            to = reached
                            reached += 1
                            node[to, 0], node[to, 1], node[to, 2], node[to, 3] = other[k], x, y, z
                            level[to, 0] = level[to, 1] = -1
                            stamps[slot], slots[slot] = stamp, to
                        level[to, side] = done[side] + 1
                        if side == 0:
                            came[to] = at
                        queue[side, tail[side]] = to
                        tail[side] += 1
                done[side] += 1
                # A search that has left the cell behind may be endless: look once whether a way back exists.
                if not (met or asked or wound) and reached > 4 * n_atoms:
                    asked = True
                    if not closes(start, other, steps, values, edges[row], images[row], limits[row], n_atoms):
                        break
            if not met:
                continue
            # From where the searches met on to the other end, through nodes of falling level from there.
            first = tail[0]
            while first > 0 and level[queue[0, first - 1], 0] == done[0]:
                first -= 1
            last = tail[0]
            for left in range(done[1], 0, -1):
                for q in range(first, last):
                    at = queue[0, q]
                    if level[at, 1] != left:
                        continue
                    for k in range(start[node[at, 0]], start[node[at, 0] + 1]):
                        if values[k] > limits[row]:
                            break
                        x = y = z = 0
                        if not wound:
                            x, y, z = node[at, 1] + steps[k, 0], node[at, 2] + steps[k, 1], node[at, 3] + steps[k, 2]
                        slot = slot_of(slots, stamps, node, stamp, other[k], x, y, z)
                        to = slots[slot]
                        if stamps[slot] != stamp or level[to, 1] != left - 1 or level[to, 0] >= 0:
                            continue
                        level[to, 0], came[to] = done[0] + done[1] - left + 1, at
                        queue[0, tail[0]] = to
                        tail[0] += 1
                first, last = last, tail[0]
            there = 1
            length = done[0] + done[1] + 1
            if filled + length > len(members):
                members = np.concatenate((members, np.empty(len(members) + length, dtype=np.int64)))
            while there >= 0:
                members[filled] = node[there, 0]
                filled += 1
                there = came[there]
            sizes[row], winds[row] = length, wound == 1
            break
    return sizes, winds, members[:filled]


def slot_of(slots: Any, stamps: Any, node: Any, stamp: int, atom: int, x: int, y: int, z: int) -> int:
    """Where a node stands in the table, or the free place where it would."""
    mask = len(slots) - 1
    at = ((atom * 73856093) ^ (x * 19349663) ^ (y * 83492791) ^ (z * 50331653)) & mask
    while stamps[at] == stamp:
        row = slots[at]
        if node[row, 0] == atom and node[row, 1] == x and node[row, 2] == y and node[row, 3] == z:
            break
        at = (at + 1) & mask
    return at


def closes(start: Any, other: Any, steps: Any, values: Any, edge: Any, image: Any, limit: float, n_atoms: int) -> bool:
    """Whether a path leads from an edge's start to the image where it ends, without that edge.

    It does if the edge's own winding, against a tree of the others, is a combination of theirs over the rationals: a
    multiple of it is then closed by the others, and the images of the edge itself lead on to that multiple.
    """
    place = np.zeros((n_atoms, 3), dtype=np.int64)
    seen = np.zeros(n_atoms, dtype=np.bool_)
    queue = np.empty(n_atoms, dtype=np.int64)
    queue[0] = edge[0]
    seen[edge[0]] = True
    reached, looked = 1, 0
    basis = np.zeros((3, 3), dtype=np.int64)
    rank = 0
    own = np.zeros(3, dtype=np.int64)
    turn = np.zeros(3, dtype=np.int64)
    while looked < reached:
        atom = queue[looked]
        looked += 1
        for k in range(start[atom], start[atom + 1]):
            if values[k] > limit:
                break
            to = other[k]
            same = (
                atom == edge[0] and to == edge[1]
                and steps[k, 0] == image[0] and steps[k, 1] == image[1] and steps[k, 2] == image[2]
            )  # fmt: skip
            back = (
                atom == edge[1] and to == edge[0]
                and steps[k, 0] == -image[0] and steps[k, 1] == -image[1] and steps[k, 2] == -image[2]
            )  # fmt: skip
            if same or back:
                continue
            if not seen[to]:
                seen[to] = True
                for c in range(3):
                    place[to, c] = place[atom, c] + steps[k, c]
                queue[reached] = to
                reached += 1
                continue
            for c in range(3):
                turn[c] = place[atom, c] + steps[k, c] - place[to, c]
            if not spanned(basis, rank, turn):
                basis[rank] = turn
                rank += 1
    if not seen[edge[1]]:
        return False
    for c in range(3):
        own[c] = place[edge[0], c] + image[c] - place[edge[1], c]
    return spanned(basis, rank, own)


def spanned(basis: Any, rank: int, vector: Any) -> bool:
    """Whether a vector of whole numbers is a combination of the rows of a basis of the given rank."""
    if vector[0] == 0 and vector[1] == 0 and vector[2] == 0:
        return True
    if rank == 0:
        return False
    if rank == 3:
        return True
    a, b = basis[0], vector
    x = a[1] * b[2] - a[2] * b[1]
    y = a[2] * b[0] - a[0] * b[2]
    z = a[0] * b[1] - a[1] * b[0]
    if rank == 1:
        return bool(x == 0 and y == 0 and z == 0)
    c = basis[1]
    return bool(x * c[0] + y * c[1] + z * c[2] == 0)


HELPERS = slot_of, closes, spanned
