"""From the states of 1,728 ions in 60,001 frames to passage times, fluxes and path entropies of all pairs.

    python benchmarks/path_entropy.py            full size, about two minutes
    python benchmarks/path_entropy.py --quick    a tenth of the ions, seconds

Compared with a loop of one deeptime model per ion and one deeptime flux per ion and pair, as in the code released with
arXiv:2412.07115. The loop runs over some ions and is extrapolated; the answers are compared before the times. CPU
seconds of one thread. The states are those of the release (432 ions, tiled) if the reference data is found in the
folder that IONPATH_TEST_DATA names, and simulated otherwise.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ionpath.kinetics import (
    as_chain,
    estimate_msm,
    estimate_msms,
    mfpt_matrix,
    net_flux,
    path_entropy_matrix,
    released_path_entropy,
)

IONS, FRAMES, LAG, STATES = 1728, 60001, 600, 7
RATIO, MEMORY = 50, 1.0  # the aims: times faster, GB


def states(ions: int) -> tuple[NDArray[np.int8], str]:
    """Trajectories (ions, frames) and where they are from."""
    here = Path(os.environ.get("IONPATH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    file = here / "states" / "lpscl-ii-300K-centre0.npz"
    if file.is_file():
        found = np.load(file)["states"]
        return np.resize(found, (ions, found.shape[1])), f"released states of {len(found)} Li, tiled"
    return simulated(ions, FRAMES), "simulated octahedra with an external state"


def simulated(ions: int, frames: int) -> NDArray[np.int8]:
    """Ions that stay for 150 frames on average, then go to one of the other six states."""
    rng = np.random.default_rng(0)
    result = np.empty((ions, frames), dtype=np.int8)
    for row in result:
        stays = rng.geometric(1 / 150, frames // 75)
        stays[-1] += frames  # the last one fills the row in any case
        hops = np.cumsum(rng.integers(1, STATES, stays.size)) % STATES
        row[:] = np.repeat(hops, stays)[:frames]
    return result


def pooled(dtrajs: NDArray[np.int8]) -> dict[str, Any]:
    """What is measured: one model of all ions, and everything about all pairs."""
    msm = estimate_msm(dtrajs, LAG, n_states=STATES)
    chain = as_chain(msm)
    pairs = [(s, e) for s in range(STATES) for e in range(STATES) if s != e]
    return {
        "mfpt": mfpt_matrix(msm),
        "flux": {pair: net_flux(chain, *pair) for pair in pairs},
        "path entropy": path_entropy_matrix(msm),
    }


def loop(dtrajs: NDArray[np.int8]) -> tuple[list[Any], float]:
    """One deeptime model per ion, one deeptime flux and passage time per pair, and the total of the mean fluxes."""
    from deeptime.markov import TransitionCountEstimator
    from deeptime.markov.msm import MaximumLikelihoodMSM

    models: list[Any] = []
    total = np.zeros((STATES,) * 4)
    visits = np.zeros((STATES, STATES))
    for row in dtrajs:
        counts = TransitionCountEstimator(LAG, "sliding-effective").fit_fetch(row).submodel_largest()
        labels = counts.state_symbols
        if len(labels) < 2:
            models.append(None)
            continue
        msm = MaximumLikelihoodMSM().fit_fetch(counts)
        times = {}
        for a, s in enumerate(labels):
            for b, e in enumerate(labels):
                if a == b:
                    continue
                tpt = msm.reactive_flux([a], [b])
                _, coarse = tpt.coarse_grain([[k] for k in range(len(labels))])
                total[s, e][np.ix_(labels, labels)] += coarse.net_flux  # source, intermediates, target
                visits[s, e] += 1
                times[s, e] = tpt.mfpt
        models.append((msm, times))
    return models, 8.314462618 * sum(
        walk_entropy(total[s, e] / visits[s, e], s, e)
        for s, e in np.argwhere((visits > 0) & (visits / len(dtrajs) >= 0.15))
    )


def walk_entropy(flux: NDArray[np.float64], source: int, target: int) -> float:
    """Entropy in nats of the walks of at most four steps, one by one."""
    sums = flux.sum(axis=1, keepdims=True)
    steps = np.where(sums < 10 * np.finfo(float).eps, flux, flux / np.where(sums > 0, sums, 1))

    def go(state: int, p: float, left: int) -> float:
        if state == target:
            return -p * np.log(p)
        if not left:
            return 0.0
        return sum(go(j, p * steps[state, j], left - 1) for j in range(STATES) if j != state and steps[state, j] > 0)

    return go(source, 1.0, 4)


def compare(dtrajs: NDArray[np.int8], models: list[Any], total: float) -> None:
    """Stop if the answers differ."""
    for ours, theirs in zip(estimate_msms(dtrajs, LAG, n_states=STATES), models, strict=True):
        if theirs is None:
            assert ours.n_states == 1
            continue
        msm, times = theirs
        np.testing.assert_allclose(ours.transition_matrix, msm.transition_matrix, atol=1e-10)
        matrix = mfpt_matrix(as_chain(ours)) / LAG
        for (s, e), lags in times.items():
            np.testing.assert_allclose(matrix[s, e], lags, rtol=1e-6)  # their pi is converged to 1e-8 only
    np.testing.assert_allclose(released_path_entropy(dtrajs, LAG, n_states=STATES), total, atol=1e-9)


def clock(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = time.process_time()
    result = function(*arguments)
    return result, time.process_time() - start


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the ions")
    parser.add_argument("--loop-ions", type=int, default=None, help="ions of the loop that is extrapolated (144)")
    options = parser.parse_args()
    ions = IONS // 10 if options.quick else IONS
    sample = options.loop_ions or (12 if options.quick else 144)
    dtrajs, origin = states(ions)
    subset = dtrajs[np.random.default_rng(0).choice(min(ions, 432), sample, replace=False)]
    print(f"states: {ions} ions x {dtrajs.shape[1]} frames, lag {LAG} frames; {origin}")

    loop(subset[:2])  # imports and first calls of both sides stay out of the times
    pooled(subset[:50])
    (models, total), loop_time = clock(loop, subset)
    compare(subset, models, total)
    print(f"answers: models and passage times of {len(subset)} ions agree; total {total:.9f} J/mol/K agrees to 1e-9")

    everything, pooled_time = clock(pooled, dtrajs)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    again, released_time = clock(lambda: released_path_entropy(dtrajs, LAG, n_states=STATES))
    whole = loop_time * ions / len(subset)
    rows = [
        ("one model per ion, deeptime loop", whole, f"from {loop_time:.2f} s for {len(subset)} ions"),
        ("the same in one model", pooled_time, f"{whole / pooled_time:.0f} times faster (aim {RATIO})"),
        ("released_path_entropy, all ions", released_time, f"{whole / released_time:.0f} times faster"),
    ]
    for name, seconds, remark in rows:
        print(f"{name:34s}{seconds:9.2f} s   {remark}")
    print(f"{'peak memory of the process':34s}{memory:9.2f} GB  (aim: below {MEMORY:g})")
    print(f"path entropy: {everything['path entropy'].sum():.4f} J/mol/K (one model), {again:.4f} (as released)")
    return 0


if __name__ == "__main__":
    with threadpool_limits(1):
        raise SystemExit(main())
