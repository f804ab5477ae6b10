"""Other spacings, cutoffs, penalties and thresholds of a softness, scored on the frames of its run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.grid import GridSearch, grid_search as search
from ionpath.softness.neighbours import find_neighbours
from ionpath.softness.systems import Samples, folds_of
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.softness._frames_again import System


def grid_search(
    soft: Any,
    systems: Sequence[System],
    *,
    spacings: Sequence[float] = (0.2,),
    cutoffs: Sequence[float] = (10.0,),
    penalties: Sequence[float] = (0.01, 0.1, 1.0),
    thresholds: Sequence[float] = (0.5,),
) -> GridSearch:
    """Held-out scores on a grid; each pair of spacing and cutoff reads the trajectories once."""
    p, r = soft.parameters, soft.results
    symbols = [_checks.elements_of(s.needed("grid_search"), "atoms") for s in systems]

    def features(functions: StructureFunctions) -> Floats:
        rows = []
        for system, names in zip(systems, symbols, strict=True):
            codes = functions.codes(names, absent=len(systems) > 1)
            for x, cell in system.read(system.frames[: len(system.displacement)]):
                rows.append(functions.of_neighbours(find_neighbours(x, cell, functions.reach, system.rows), codes))
        return np.concatenate(rows)

    samples = [Samples(np.empty(0), s.displacement, s.times, ()) for s in systems]
    folds = folds_of(samples, p["split"], gap=r.window_time, n_folds=p["n_folds"], seed=p["seed"])
    return search(
        features, np.concatenate([s.displacement.ravel() for s in systems]), p["functions"], folds,
        spacings=spacings, cutoffs=cutoffs, penalties=penalties, thresholds=thresholds, kind=p["kind"],
        mobile=soft._ion, label_method="quantile" if p["label"] == "quantile" else "threshold",
    )  # fmt: skip
