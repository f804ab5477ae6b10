"""Path entropies of many networks."""

from __future__ import annotations

from typing import Any

import numpy as np


def walk_entropies(potential: Any, hops: Any, tolerance: float, max_edges: int, out: Any) -> None:
    """Path entropies in nats of all pairs in networks of conductances (k, n, n), as `walks.walk_entropy` has them.

    `potential[k, s] - potential[k, t]` are the potentials of the states when current flows from s to t.
    """
    n = hops.shape[1]
    level = np.empty(n)
    steps, logs = np.zeros((n, n)), np.zeros((n, n))
    weight, entropy, weight_next, entropy_next = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for k in range(len(hops)):
        for s in range(n):
            for t in range(s + 1, n):
                for i in range(n):
                    level[i] = potential[k, s, i] - potential[k, t, i]
                largest = 0.0
                for i in range(n):
                    for j in range(n):
                        flux = hops[k, i, j] * (level[i] - level[j])
                        if j == s or i == t or flux < 0.0:
                            flux = 0.0
                        steps[i, j] = flux
                        largest = max(largest, flux)
                for i in range(n):
                    total = 0.0
                    for j in range(n):
                        if steps[i, j] < tolerance * largest:
                            steps[i, j] = 0.0
                        total += steps[i, j]
                    share = 1.0 / total if total > 0.0 else 0.0
                    for j in range(n):
                        p = steps[i, j] * share
                        steps[i, j] = p
                        logs[i, j] = p * np.log(p) if p > 0.0 else 0.0
                weight[:] = 0.0
                entropy[:] = 0.0
                weight[s] = 1.0
                found = 0.0
                for _ in range(max_edges):
                    weight_next[:] = 0.0
                    entropy_next[:] = 0.0
                    for i in range(n):
                        if weight[i] > 0.0:
                            for j in range(n):
                                weight_next[j] += weight[i] * steps[i, j]
                                entropy_next[j] += entropy[i] * steps[i, j] + weight[i] * logs[i, j]
                    found -= entropy_next[t]
                    weight[:] = weight_next
                    entropy[:] = entropy_next
                out[k, s, t] = out[k, t, s] = max(found, 0.0)
