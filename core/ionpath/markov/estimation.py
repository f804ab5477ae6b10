"""Markov state models from discrete trajectories: deeptime estimates, the state labels are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices, Ints
from ionpath.citations import references
from ionpath.errors import DisconnectedError, InputError, one_of, positive, whole
from ionpath.markov.chain import largest_set, strong_components
from ionpath.markov.counting import count_matrices, counts_and_frames, state_histogram
from ionpath.markov.inputs import CountedTrajectories, Trajectories, as_trajectories
from ionpath.markov.symmetry import average_counts

if TYPE_CHECKING:
    from deeptime.markov import BayesianMSMPosterior, TransitionCountModel
    from deeptime.markov.msm import MarkovStateModel

MOST_SAMPLES = 100_000
MAXIMUM_ERROR = 1e-8
"""Convergence of the reversible estimate: Euclidean norm of the relative changes of the stationary weights."""


@typed
@references("prinz2011", "trendelkamp2015", "deeptime")
def estimate_msm(
    dtrajs: Trajectories,
    lag: int,
    *,
    n_states: int | None = None,
    count_mode: str = "sliding",
    reversible: bool = True,
    connected: str = "all",
    symmetry: ArrayLike | None = None,
    maxerr: float = MAXIMUM_ERROR,
) -> MarkovStateModel:
    r"""Maximum-likelihood Markov state model of all ions together.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame, from 0 on; windows that begin or end in an unassigned frame (-1) do not count.
    lag : int
        Lag in frames.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    count_mode : {"sliding", "sliding-effective", "sample", "effective"}
        How windows are counted, see `count_matrix`. It does not change a sliding estimate, only its error.
    reversible : bool
        Whether to enforce detailed balance.
    connected : {"all", "largest"}
        What to do if some state is absent or not connected in both directions: refuse, or estimate on the largest
        connected set. The model then still knows the label of each of its rows (``msm.count_model.state_symbols``), and
        every function of this package gives results for all `n_states` labels: zero flux and zero entropy, but nan
        for committors and times, of states outside the set.
    symmetry : array_like of int, shape (n_operations, n_states), optional
        Permutations of equivalent states, over which the counts are averaged, see `shell_symmetry`.
    maxerr : float
        Convergence of the reversible estimate.

    Returns
    -------
    deeptime.markov.msm.MarkovStateModel
        Model with its count model; ``lagtime`` is in frames. If one state only is ever visited, nothing moves: the
        model is that single state, whatever `connected` says.

    Raises
    ------
    DisconnectedError
        If states are absent or not connected and `connected` is "all".

    Notes
    -----
    The reversible estimate maximises :math:`\prod_{ij} T_{ij}^{C_{ij}}` under :math:`\pi_i T_{ij} = \pi_j T_{ji}` by
    the fixed-point iteration :math:`x_{ij} \leftarrow (C_{ij} + C_{ji}) / (C_i / x_i + C_j / x_j)`,
    :math:`T_{ij} = x_{ij} / x_i` (doi:10.1063/1.3565032, doi:10.1063/1.4934536).

    Examples
    --------
    >>> msm = estimate_msm([0, 0, 1, 1, 0, 0, 1, 0], lag=1)
    >>> msm.transition_matrix.round(3)
    array([[0.5  , 0.5  ],
           [0.667, 0.333]])
    """
    counts, frames = counts_and_frames(dtrajs, lag, n_states, count_mode)
    if symmetry is not None:
        counts = average_counts(counts, symmetry)
    largest = positive("maxerr", maxerr, remedy="leave it out")
    return model_of_counts(counts, frames, lag, reversible, connected, count_mode, largest)


def model_of_counts(
    counts: Floats,
    frames: Ints,
    lag: int,
    reversible: bool,
    connected: str,
    count_mode: str = "sliding",
    maxerr: float = MAXIMUM_ERROR,
) -> MarkovStateModel:
    """Maximum-likelihood model of a count matrix, and the frames in each state."""
    subset = connected_states(counts, frames > 0, connected)
    return _fit(_count_model(counts, frames, subset, lag, count_mode), reversible, maxerr)


@typed
def estimate_msms(
    dtrajs: Trajectories, lag: int, *, n_states: int | None = None, reversible: bool = True
) -> list[MarkovStateModel]:
    """One Markov state model per ion, each on the largest connected set of that ion.

    Parameters
    ----------
    dtrajs, lag, n_states, reversible
        See `estimate_msm`.

    Returns
    -------
    list of deeptime.markov.msm.MarkovStateModel
        One model per ion; rows keep their labels. An ion that never leaves a state has a model of one state.

    Raises
    ------
    InputError
        If an argument cannot be used, or an ion is assigned in no window.

    Examples
    --------
    >>> [msm.n_states for msm in estimate_msms([[0, 1, 0, 1], [2, 2, 2, 2]], lag=1)]
    [2, 1]
    """
    models = []
    trajectories = as_trajectories(dtrajs)
    for ion, counts in enumerate(count_matrices(dtrajs, lag, n_states=n_states)):
        if not counts.any():
            got = f"none for ion {ion}"
            remedy = "leave that ion out or use a shorter lag"
            raise InputError("dtrajs", need="windows with both ends assigned for each ion", got=got, remedy=remedy)
        own: Any = trajectories[ion]
        frames = state_histogram(own if isinstance(own, CountedTrajectories) else [own], len(counts))
        models.append(model_of_counts(counts, frames, lag, reversible, "largest"))
    return models


@typed
@references("trendelkamp2015", "deeptime")
def bayesian_msm(
    dtrajs: Trajectories,
    lag: int,
    *,
    n_states: int | None = None,
    n_samples: int = 100,
    count_mode: str = "sliding-effective",
    reversible: bool = True,
    connected: str = "all",
    seed: int | None = None,
) -> BayesianMSMPosterior:
    """Posterior samples of the transition matrix on the connected set.

    Parameters
    ----------
    dtrajs, lag, n_states
        See `count_matrix`.
    n_samples : int
        Number of samples.
    count_mode : {"sliding-effective", "effective", "sample"}
        Counts that are taken for independent: every window divided by the lag; windows divided by the statistical
        inefficiency of their row, as deeptime estimates it; or windows one lag apart. See Notes.
    reversible : bool
        Whether samples obey detailed balance.
    connected : {"all", "largest"}
        See `estimate_msm`.
    seed : int, optional
        Seed of the sampler; the same seed gives the same samples.

    Returns
    -------
    deeptime.markov.msm.BayesianMSMPosterior
        ``prior`` is the maximum-likelihood model of the same counts, ``samples`` the sampled models.

    Raises
    ------
    InputError
        If an argument cannot be used; plain sliding counts are refused, for they are correlated.
    DisconnectedError
        If states are absent or not connected and `connected` is "all".

    Notes
    -----
    Gibbs sampler of reversible matrices by Trendelkamp-Schroer et al., doi:10.1063/1.4934536, as in deeptime;
    non-reversible rows are drawn from their Dirichlet posterior.

    All three ways take the ions for alike and the dynamics at this lag for Markovian. On 60 ions of the trajectories
    released with arXiv:2412.07115 the standard error of the total path entropy (704 J/mol/K) was 9.5 from a bootstrap
    over ions, 6.6 from "sliding-effective" and 3.7 from "effective" counts, which took a second per ion: where there
    are enough ions, prefer the bootstrap of `entropy_uncertainty`.

    Examples
    --------
    >>> chain = [0, 0, 1, 1, 0, 0, 1, 0] * 50
    >>> posterior = bayesian_msm(chain, lag=1, n_samples=20, count_mode="sample", seed=1)
    >>> len(posterior.samples), posterior.samples[0].transition_matrix.shape
    (20, (2, 2))
    """
    check_independent(count_mode)
    whole("n_samples", n_samples, 1, MOST_SAMPLES, remedy="a few hundred tell an error to 5 %")
    from deeptime.markov import BayesianMSMPosterior

    counts, frames = counts_and_frames(dtrajs, lag, n_states, count_mode)
    prior = model_of_counts(counts, frames, lag, reversible, connected, count_mode)
    matrices = sample_matrices(prior, n_samples, reversible, seed)
    return BayesianMSMPosterior(prior, [_model(matrix, prior.count_model, reversible) for matrix in matrices])


def check_independent(count_mode: str) -> None:
    """Refuse counts for a posterior that are correlated."""
    if count_mode == "sliding":
        got = "'sliding', whose counts are correlated"
        remedy = "use count_mode='sliding-effective', which divides them by the lag"
        raise InputError("count_mode", need="'effective', 'sliding-effective' or 'sample'", got=got, remedy=remedy)


def sample_matrices(prior: MarkovStateModel, n_samples: int, reversible: bool, seed: int | None) -> Floats:
    """Transition matrices from the posterior of a model's own counts."""
    counts = np.asarray(prior.count_model.count_matrix, dtype=float)
    if len(counts) == 1:
        return np.ones((n_samples, 1, 1))
    if not reversible:
        rng = np.random.default_rng(seed)
        matrices = np.zeros((n_samples, *counts.shape))
        for i, row in enumerate(counts):
            matrices[:, i, row > 0] = rng.dirichlet(row[row > 0], size=n_samples)
        return matrices
    from deeptime.markov.tools.estimation.dense.tmat_sampling.sampler_rev import SamplerRev

    steps = 2 * len(counts)  # many more than the usual sqrt(n), for they are cheap: samples hardly correlated
    sampler = SamplerRev(counts, P0=prior.transition_matrix, seed=int(np.random.default_rng(seed).integers(2**31 - 1)))
    sampler.update(10 * steps)
    return np.array([sampler.sample(N=steps) for _ in range(n_samples)])


def connected_states(counts: Floats, occurring: Bools, connected: str) -> Indices:
    """States on which a model of `counts` can be estimated."""
    one_of("connected", connected, ("all", "largest"))
    if not counts.any():
        remedy = "use a shorter lag or assign more frames"
        raise InputError("dtrajs", need="windows with both ends assigned", got="none", remedy=remedy)
    largest = largest_set(counts)
    if connected == "all" and occurring.sum() > 1 and largest.size < len(counts):
        raise _disconnected(strong_components(counts), occurring, largest)
    return largest


def _disconnected(groups: list[Indices], occurring: Bools, largest: Indices) -> DisconnectedError:
    absent = np.flatnonzero(~occurring).tolist()
    sets = [group.tolist() for group in groups if occurring[group].all()]
    found = [f"states {absent} never visited"] if absent else []
    if len(sets) > 1:
        found.append("the separate sets " + ", ".join(map(str, sets)))
    need = "every state visited and reachable from every other at this lag"
    remedy = f"use connected='largest' to go on with {largest.tolist()}, a shorter lag, more data, or merge states"
    return DisconnectedError("dtrajs", need=need, got=" and ".join(found), remedy=remedy)


def _count_model(counts: Floats, frames: Ints, subset: Indices, lag: int, count_mode: str) -> TransitionCountModel:
    from deeptime.markov import TransitionCountModel

    return TransitionCountModel(counts, count_mode, int(lag), frames).submodel(subset)


def _fit(count_model: TransitionCountModel, reversible: bool, maxerr: float) -> MarkovStateModel:
    counts = np.asarray(count_model.count_matrix, dtype=float)
    if len(counts) == 1:
        return _model(np.ones((1, 1)), count_model, True)
    from deeptime.markov.msm import MaximumLikelihoodMSM

    fitted = MaximumLikelihoodMSM(reversible=reversible, maxerr=maxerr).fit_fetch(count_model)
    return _model(fitted.transition_matrix, count_model, reversible, fitted.stationary_distribution)


def _model(
    matrix: Floats, count_model: TransitionCountModel, reversible: bool, stationary: Any = None
) -> MarkovStateModel:
    from deeptime.markov.msm import MarkovStateModel

    return MarkovStateModel(matrix, stationary_distribution=stationary, reversible=reversible, count_model=count_model)
