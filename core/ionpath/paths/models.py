"""What Markov models of ions say: passage times, populations and path entropies, with errors from one set of draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.estimate import Estimate
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.resampling import ResampledChains, Spread
from ionpath.msonable import Msonable
from ionpath.paths.entropy import path_entropy_matrix
from ionpath.paths.passage import mfpt_matrix

NAN = float("nan")
ALL_CONNECTED = "as asked"
MOST_NAMED = 12
"""States that are named one by one in a sentence."""


@dataclass(frozen=True, eq=False)
class PooledKinetics(Msonable):
    """Kinetics of one model of all ions; times in the unit of the frame time."""

    # (n_states, n_states): probabilities within the lag; nan for states that are not connected
    transition_matrix: Floats
    # stationary_distribution, stationary_distribution_error: (n_states,): populations and their standard errors
    stationary_distribution: Floats
    stationary_distribution_error: Floats
    # stationary_distribution_low, stationary_distribution_high: (n_states,): 95 % intervals
    stationary_distribution_low: Floats
    stationary_distribution_high: Floats
    # connected_states, excluded_states: states of the model, and those that it leaves out
    connected_states: tuple[int, ...]
    excluded_states: tuple[int, ...]
    # mfpt, mfpt_error, mfpt_low, mfpt_high: (n_states, n_states): mean first-passage times from row to column with
    # standard errors and 95 % intervals
    mfpt: Floats
    mfpt_error: Floats
    mfpt_low: Floats
    mfpt_high: Floats
    # mfpt_between_vertices, mfpt_to_external: mean over pairs within a shell, and over the vertices on the way out of
    # it
    mfpt_between_vertices: Estimate
    mfpt_to_external: Estimate


def pooled_kinetics(chains: ResampledChains, frame_time: float) -> PooledKinetics:
    """Kinetics of a model, with the errors that its samples tell."""
    best = chains.best
    populations = chains.spread(lambda chain: chain.expand(chain.stationary_distribution, 0.0), scale="logit")

    def times(chain: Chain) -> Floats:
        return mfpt_matrix(chain, frame_time=frame_time)

    passages = chains.spread(times, scale="log")
    return PooledKinetics(
        transition_matrix=best.expand(best.transition_matrix, np.nan),
        stationary_distribution=populations.value,
        stationary_distribution_error=populations.error,
        stationary_distribution_low=populations.low,
        stationary_distribution_high=populations.high,
        connected_states=tuple(best.states.tolist()),
        excluded_states=tuple(best.outside.tolist()),
        mfpt=passages.value,
        mfpt_error=passages.error,
        mfpt_low=passages.low,
        mfpt_high=passages.high,
        mfpt_between_vertices=_mean(chains.spread(lambda c: _mean_of(times(c)[1:, 1:]), scale="log")),
        mfpt_to_external=_mean(chains.spread(lambda c: _mean_of(times(c)[1:, :1]), scale="log")),
    )


def why_excluded(excluded: Sequence[int], frames: Ints) -> tuple[str, bool]:
    """Why states are left out, and whether that is news: that no ion ever leaves its cage is a result."""
    absent = [k for k in excluded if frames[k] == 0]
    apart = [k for k in excluded if frames[k] > 0]
    if absent == [0] and not apart:
        return "no ion was in state 0 (outside) in any frame: it is left out", False
    said = [f"no ion was in states {_listed(absent)}"] if absent else []
    said += [f"states {_listed(apart)} are not connected in both directions at this lag"] if apart else []
    return (f"{' and '.join(said)}: they are left out", True) if said else (ALL_CONNECTED, False)


def _listed(states: Sequence[int]) -> str:
    """Numbers of states, in few words where they are many."""
    shown = list(states) if len(states) <= MOST_NAMED else [*states[: MOST_NAMED - 1]]
    return str(shown) if len(shown) == len(states) else f"{str(shown)[:-1]}, ...], {len(states)} in all,"


def _mean_of(times: Floats) -> float:
    known = times[np.isfinite(times) & (times > 0)]
    return float(known.mean()) if known.size else NAN


def _mean(spread: Spread) -> Estimate:
    return Estimate(float(spread.value), float(spread.error), float(spread.low), float(spread.high), "ps")


@dataclass(frozen=True, eq=False)
class KineticsPerIon(Msonable):
    """Kinetics of one model for each ion, and averages over those ions for which a quantity exists."""

    # (n_ions, n_states, n_states): probabilities within the lag; nan for states that an ion does not connect
    transition_matrix: Floats
    stationary_distribution: Floats  # (n_ions, n_states): populations
    n_ions_per_pair: Ints  # (n_states, n_states): ions that connect a pair
    # mfpt, mfpt_error, mfpt_median: (n_states, n_states): mean over ions of the first-passage times, its standard
    # error, and their median
    mfpt: Floats
    mfpt_error: Floats
    mfpt_median: Floats


def kinetics_per_ion(models: Sequence[Any], frame_time: float) -> KineticsPerIon:
    """Kinetics of one model for each ion."""
    chains = [as_chain(model) for model in models]
    times = np.array([mfpt_matrix(chain, frame_time=frame_time) for chain in chains])
    known = np.isfinite(times).sum(axis=0)
    mean, median, error = over_ions(times)
    return KineticsPerIon(
        transition_matrix=np.array([chain.expand(chain.transition_matrix, np.nan) for chain in chains]),
        stationary_distribution=np.array([c.expand(c.stationary_distribution, 0.0) for c in chains]),
        n_ions_per_pair=known,
        mfpt=mean,
        mfpt_error=error,
        mfpt_median=median,
    )


def over_ions(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, median and standard error of the mean over the ions for which an entry is known.

    >>> [one.tolist() for one in over_ions(np.array([[0.0, 2.0], [2.0, np.nan]]))]
    [[1.0, 2.0], [1.0, 2.0], [1.0, nan]]
    """
    flat = values.reshape(len(values), -1).T
    known = [row[np.isfinite(row)] for row in flat]
    mean = [row.mean() if row.size else NAN for row in known]
    median = [float(np.median(row)) if row.size else NAN for row in known]
    error = [row.std(ddof=1) / np.sqrt(row.size) if row.size > 1 else NAN for row in known]
    return tuple(np.array(one).reshape(values.shape[1:]) for one in (mean, median, error))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class EntropiesPerIon(Msonable):
    """Path entropies of one model for each ion."""

    # path_entropy, path_entropy_error, flux_entropy: (n_states, n_states): means over the ions that connect a pair,
    # zero where none does, and standard error
    path_entropy: Floats
    path_entropy_error: Floats
    flux_entropy: Floats
    ion_total: Floats  # (n_ions,): sum over the pairs of each ion
    # total_error, escape_error: standard errors of the sums of the means, by drawing ions with replacement
    total_error: float
    escape_error: float


def entropies_per_ion(models: Sequence[Any], n_samples: int, seed: int | None, **kind: Any) -> EntropiesPerIon:
    """Path entropies of one model for each ion, averaged over ions."""
    chains = [as_chain(model) for model in models]
    pairs = np.array([chain.expand(np.ones_like(chain.transition_matrix), np.nan) for chain in chains])

    def known(**definition: Any) -> Floats:
        return pairs * np.array([path_entropy_matrix(chain, **definition) for chain in chains])

    values, flux = known(**kind), known(definition="flux", unit=kind.get("unit", "J/mol/K"))
    mean, _, error = over_ions(values)
    return EntropiesPerIon(
        path_entropy=np.nan_to_num(mean),
        path_entropy_error=error,
        flux_entropy=np.nan_to_num(over_ions(flux)[0]),
        ion_total=np.nansum(values, axis=(1, 2)),
        total_error=_drawn_total(values, n_samples, seed),
        escape_error=_drawn_total(values[:, :, :1], n_samples, seed),
    )


def _drawn_total(values: Floats, n_samples: int, seed: int | None) -> float:
    """Standard error of the sum of means over ions, by drawing ions with replacement."""
    rng = np.random.default_rng(seed)
    known = np.isfinite(values)
    weights = rng.multinomial(len(values), np.full(len(values), 1.0 / len(values)), size=max(n_samples, 2))
    sums = np.tensordot(weights.astype(float), np.where(known, values, 0.0), axes=1)
    numbers = np.tensordot(weights.astype(float), known.astype(float), axes=1)
    totals = np.divide(sums, numbers, out=np.zeros_like(sums), where=numbers > 0).sum(axis=(1, 2))
    return float(totals.std(ddof=1))
