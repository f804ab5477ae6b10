"""Implied timescales: does the model at this lag describe the dynamics?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, positive
from ionpath.markov.chain import Chain
from ionpath.markov.inputs import Trajectories, check_lag
from ionpath.markov.resampling import Blocks, Resampling, interval
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True, eq=False)
class ImpliedTimescales(Msonable):
    """Implied timescales as a function of the lag, with errors.

    Notes
    -----
    As an array it is its `timescales`.
    """

    lags: Indices  # (n_lags,): lags in frames, ascending
    lag_times: Floats  # (n_lags,): the same in the unit of `frame_time`
    # (n_lags, n_timescales): slowest first, in the unit of `frame_time`; nan where a lag connects too few states
    timescales: Floats
    # (n_lags, n_timescales): standard errors from a bootstrap over ions; nan if none were asked for
    errors: Floats
    # low, high: (n_lags, n_timescales): 95 % interval
    low: Floats
    high: Floats
    # (n_samples, n_lags, n_timescales): the bootstrap itself: a sample has drawn the same ions at every lag
    samples: Floats
    frame_time: float  # time between frames

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.timescales, dtype=dtype)


@typed
@references("prinz2011", "deeptime")
def implied_timescales(
    dtrajs: Trajectories,
    lags: Iterable[int] | int,
    *,
    frame_time: float,
    n_states: int | None = None,
    n_timescales: int | None = None,
    n_samples: int = 50,
    **sampling: Unpack[Blocks],
) -> ImpliedTimescales:
    r"""Implied timescales at several lags, with errors from a block bootstrap over ions.

    Parameters
    ----------
    dtrajs : array_like of int, shape (n_frames,) or (n_ions, n_frames), or sequence of (n_frames_i,) arrays
        State of each ion in each frame.
    lags : iterable of int
        Lags in frames.
    frame_time : float
        Time between frames; the results have its unit.
    n_states : int, optional
        Number of states; the largest label plus one by default.
    n_timescales : int, optional
        How many, slowest first; all n_states - 1 by default.
    n_samples : int
        Bootstrap samples; 0 leaves the errors out.
    **sampling
        ``n_blocks``, ``reversible``, ``connected``, ``seed``: see `resampled_chains`.

    Returns
    -------
    ImpliedTimescales
        Timescales, errors and the bootstrap samples.

    Raises
    ------
    DisconnectedError
        If states are absent or not connected at some lag and `connected` is "all".

    Notes
    -----
    :math:`t_i(\tau) = -\tau / \ln |\lambda_i(\tau)|` for the eigenvalues other than :math:`\lambda_1 = 1` of
    :math:`T(\tau)`. For a Markovian model they do not depend on :math:`\tau` (doi:10.1063/1.3565032); a timescale that
    still grows with the lag says that the lag is too short, see `markovian_verdict`.

    Examples
    --------
    >>> from deeptime.markov.msm import MarkovStateModel
    >>> dtraj = MarkovStateModel([[0.9, 0.1], [0.1, 0.9]]).simulate(50000, seed=1)
    >>> its = implied_timescales(dtraj, [1, 2, 4], frame_time=0.5, n_samples=20)
    >>> bool(abs(its.timescales[:, 0] - 0.5 / -np.log(0.8)).max() < 0.1)
    True
    """
    data = Resampling(dtrajs, n_states=n_states, n_samples=n_samples, **sampling).check_bootstrap()
    return timescales_of(data, lags, frame_time, n_timescales)


def timescales_of(
    data: Resampling, lags: Iterable[int] | int, frame_time: float, n_timescales: int | None = None
) -> ImpliedTimescales:
    """Implied timescales of trajectories that were checked already, from the samples that all errors share."""
    size = data.n_states
    steps = sorted({check_lag(data.trajectories, lag) for lag in ([lags] if isinstance(lags, int) else lags)})
    if not steps:
        raise InputError("lags", need="at least one lag", got="none")
    count = size - 1 if n_timescales is None else n_timescales
    if not 0 <= count < max(size, 2):
        raise InputError("n_timescales", need=f"at most {size - 1}, one less than the states", got=str(count))
    time = positive("frame_time", frame_time)
    resampled = [data.chains(lag) for lag in steps]
    best = np.array([chain_timescales(chains.best, count) * time for chains in resampled])
    drawn = [[chain_timescales(chain, count) * time for chain in chains.samples] for chains in resampled]
    fewest = min(map(len, drawn))
    samples = np.array([rows[:fewest] for rows in drawn]).reshape(len(steps), fewest, count).swapaxes(0, 1)
    found = interval(best, samples, resampled[0].n_blocks, "log")
    return ImpliedTimescales(
        np.array(steps), np.array(steps) * time, best, found.error, found.low, found.high, samples, time
    )


def chain_timescales(chain: Chain, count: int) -> Floats:
    """Slowest implied timescales of one chain, in frames."""
    matrix = chain.transition_matrix
    values: NDArray[Any]
    if chain.reversible:
        root = np.sqrt(chain.stationary_distribution)
        symmetric = root[:, None] * matrix / root[None, :]
        values = np.linalg.eigvalsh(0.5 * (symmetric + symmetric.T))
    else:
        values = np.asarray(np.linalg.eigvals(matrix))
    sizes = np.sort(np.abs(np.delete(values, np.argmin(np.abs(values - 1.0)))))[::-1][:count]
    times = np.full(count, np.nan)
    inside = np.clip(sizes, 1e-300, 1.0 - 1e-16)
    times[: sizes.size] = -chain.lag / np.log(inside)
    return times
