"""How long a step takes on this machine, beside the model card."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from ionpath.cores import cores, threads_each
from ionpath.data import example
from ionpath.errors import IonpathError
from ionpath_cli.study.graph import step_seconds

SECONDS = 2.0
"""Time that is spent on it."""


def measured_pace(model: str, workers: int) -> float | None:
    """Time of a step over that of the model card, with as many runs at once as there will be."""
    number = min(workers, cores())
    try:
        with ProcessPoolExecutor(
            number, get_context("spawn"), initializer=_begin, initargs=(threads_each(number),)
        ) as pool:
            found = list(pool.map(_step, [model] * number))
    except (IonpathError, OSError, RuntimeError):  # of a potential that is not there or for other elements
        return None
    return float(np.mean([seconds / step_seconds(model, atoms) for seconds, atoms in found]))


def _begin(environment: dict[str, str]) -> None:
    os.environ.update(environment)


def _step(model: str) -> tuple[float, int]:
    """Time of one evaluation in s, and its number of atoms."""
    from ase.io import read

    from ionpath_ase import IonPath

    atoms = read(example().structure).repeat((2, 1, 1))
    atoms.calc = IonPath(model=model)
    atoms.get_forces()  # which loads the model
    rng, took = np.random.default_rng(0), []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        atoms.positions += rng.normal(0.0, 0.001, atoms.positions.shape)
        begin = time.perf_counter()
        atoms.get_forces()
        took.append(time.perf_counter() - begin)
    return float(np.median(took)), len(atoms)
