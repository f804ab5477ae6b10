"""Configurational entropies from samples of a local order parameter, and how to compare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Finite, Floats, Ints
from ionpath.citations import references
from ionpath.constants import GAS_CONSTANT
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.estimate import Z95, Estimate, difference, student
from ionpath.msonable import Msonable
from ionpath.units import entropy_factor

Correction = Literal["miller-madow", "none"]

PUBLISHED_WIDTHS = (0.05, 0.0525, 0.055)
"""Widths of bins over which the published entropies are averaged."""


def _histogram(samples: ArrayLike, width: float, lower: float, upper: float) -> Ints:
    values = np.asarray(samples, dtype=np.float64).ravel()
    if not values.size or not np.isfinite(values).all():
        got = "none" if not values.size else "nan or infinity"
        remedy = "give the order parameter of every tetrahedron and frame"
        raise InputError("samples", need="finite numbers", got=got, remedy=remedy)
    if not (np.isfinite(width) and 0 < width <= upper - lower):
        need = f"a positive width of at most {upper - lower:g}"
        raise InputError("width", need=need, got=repr(width), remedy="use 0.05")
    whole("bins", round((upper - lower) / width), 1, 10_000_000, remedy="use wider bins")
    edges = np.arange(lower, upper, width)
    if values.min() < edges[0] or values.max() > edges[-1]:
        got = f"{values.min():.4g} to {values.max():.4g}"
        remedy = "give lower and upper, or take absolute values as in the published measure"
        raise InputError("samples", need=f"values from {edges[0]:g} to {edges[-1]:g}", got=got, remedy=remedy)
    return np.asarray(np.histogram(values, edges)[0], dtype=np.int64)


@typed
@references("guan2024")
def support_entropy(
    samples: ArrayLike,
    *,
    widths: tuple[float, ...] = PUBLISHED_WIDTHS,
    lower: float = 0.0,
    upper: float = 5.5,
    unit: str = "J/mol/K",
) -> float:
    r"""Compute the logarithm of the number of values that occur.

    Parameters
    ----------
    samples : array_like
        Order parameter of all tetrahedra in all frames, such as the absolute distortion s_d.
    widths : tuple of float, default (0.05, 0.0525, 0.055)
        Widths of the bins; the result is the mean over them.
    lower, upper : float, default 0 and 5.5
        Range of the bins.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result.

    Returns
    -------
    float
        Entropy.

    Raises
    ------
    InputError
        If there are no samples, or some lie outside the range.

    Notes
    -----
    .. math:: S_c = R \ln W

    with the number W of bins that are not empty: Eq. 2 of Guan et al. A single visit counts as much as a
    thousand, so the result grows with the number of samples, and it depends on how the tetrahedra lie in the box
    if the order parameter does. Compare it only at equal numbers of samples and equal orientation: see
    `compare_entropies`. `shannon_entropy` weighs the bins.

    Examples
    --------
    >>> round(support_entropy([0.11, 0.52, 0.53, 2.0], widths=(0.1,), unit="nat"), 6)
    1.098612
    """
    logarithms = [np.log(np.count_nonzero(_histogram(samples, w, lower, upper))) for w in widths]
    return float(np.mean(logarithms) * entropy_factor(unit))


@typed
@references("guan2024", "miller1955")
def shannon_entropy(
    samples: ArrayLike,
    *,
    width: float = 0.05,
    lower: float = 0.0,
    upper: float = 5.5,
    correction: Correction = "miller-madow",
    unit: str = "J/mol/K",
) -> float:
    r"""Compute the Shannon entropy of a histogram.

    Parameters
    ----------
    samples : array_like
        Order parameter of all tetrahedra in all frames.
    width : float, default 0.05
        Width of the bins.
    lower, upper : float, default 0 and 5.5
        Range of the bins.
    correction : {"miller-madow", "none"}
        Correction of the bias of a finite sample.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result.

    Returns
    -------
    float
        Entropy.

    Raises
    ------
    InputError
        If there are no samples, some lie outside the range, or the correction is unknown.

    Notes
    -----
    .. math:: S = -R \sum_k p_k \ln p_k + R \frac{W - 1}{2 N}

    with the number W of bins that are not empty and the number N of samples; the last term is the correction of
    Miller and Madow. Samples that follow each other are correlated, so the number that counts is less than N and
    the bias somewhat larger than what is corrected. The value goes with the logarithm of the width.

    Examples
    --------
    >>> coin = [0.1, 0.1, 0.7, 0.7]
    >>> round(shannon_entropy(coin, width=0.5, correction="none", unit="nat"), 6)
    0.693147
    >>> round(shannon_entropy(coin, width=0.5, unit="nat"), 6)
    0.818147
    """
    one_of("correction", correction, ("miller-madow", "none"))
    counts = _histogram(samples, width, lower, upper)
    counts = counts[counts > 0]
    p = counts / counts.sum()
    nats = float(-(p * np.log(p)).sum())
    if correction == "miller-madow":
        nats += (len(counts) - 1) / (2.0 * float(counts.sum()))
    return nats * entropy_factor(unit)


@typed
def jackknife_error(samples: Finite, estimator: Callable[[Floats], float], *, n_blocks: int = 10) -> float:
    r"""Estimate the standard error of an entropy from blocks of time.

    Parameters
    ----------
    samples : array_like, (T, ...)
        Samples, frames first.
    estimator : callable
        Function of samples.
    n_blocks : int, default 10
        Number of blocks; each should be longer than what the samples remember.

    Returns
    -------
    float
        Standard error, in the unit of the estimator.

    Raises
    ------
    InputError
        If there are fewer frames than blocks, or fewer than two blocks.

    Notes
    -----
    .. math:: \sigma^2 = \frac{n - 1}{n} \sum_b (S_{(b)} - \bar S)^2

    with the estimate :math:`S_{(b)}` without block b.

    Examples
    --------
    >>> round(jackknife_error(np.arange(8.0), lambda x: float(x.mean()), n_blocks=8), 4)  # std / sqrt(8)
    0.866
    """
    values = np.asarray(samples, dtype=np.float64)
    if n_blocks < 2 or len(values) < n_blocks:
        need = f"2 to {len(values)} blocks, one frame each at least"
        raise InputError("n_blocks", need=need, got=str(n_blocks), remedy="use fewer blocks or more frames")
    edges = np.linspace(0, len(values), n_blocks + 1).astype(int)
    without = [estimator(np.concatenate([values[:a], values[b:]])) for a, b in pairwise(edges)]
    spread = np.array(without) - np.mean(without)
    return float(np.sqrt((n_blocks - 1) / n_blocks * (spread**2).sum()))


@documented
@dataclass(frozen=True)
class EntropyComparison(Msonable):
    """Entropies of several systems on equal terms."""

    names: tuple[str, ...]  # systems
    n_samples: int  # samples that every value rests on
    orientation: str  # frame of reference that all of them share
    # support, support_error: support entropies and their standard errors, in `unit`
    support: Floats
    support_error: Floats
    # shannon, shannon_error: shannon entropies and their standard errors, in `unit`
    shannon: Floats
    shannon_error: Floats
    unit: str  # unit of entropy
    # path entropy of each system, mean per ordered pair of states, in `unit`; empty if none were given
    path_entropy: tuple[Estimate, ...] = ()
    n_pairs: tuple[int, ...] = ()  # ordered pairs of states that each of these means is over
    n_blocks: int = 0  # blocks that the errors of both entropies come from; 0 in results that do not say it

    def rows(self) -> list[dict[str, str | float]]:
        """One dictionary for each system, as ``pandas.DataFrame(both.rows())`` takes them; entropies in `unit`."""
        errors = ("support", self.support, self.support_error), ("shannon", self.shannon, self.shannon_error)
        table: list[dict[str, str | float]] = []
        for k, name in enumerate(self.names):
            row: dict[str, str | float] = {"system": name}
            for kind, values, error in errors:
                row |= {f"{kind}_entropy": float(values[k]), f"{kind}_entropy_error": float(error[k])}
            if self.path_entropy:
                found = self.path_entropy[k]
                row |= {"path_entropy": found.value, "path_entropy_error": found.error, "pairs": self.n_pairs[k]}
                row |= {"path_entropy_low": found.low, "path_entropy_high": found.high, "verdict": found.verdict}
            table.append(row)
        return table

    @property
    def sentence(self) -> str:
        """Whether the path entropy rises with the disorder of the anions, as far as the errors allow to say.

        Systems are put in the order of their Shannon entropies. A step counts if the 95 % interval of the difference
        is away from zero in both quantities.
        """
        if not self.path_entropy:
            return "no path entropies were given"
        if doubts := [n for n, e in zip(self.names, self.path_entropy, strict=True) if e.verdict]:
            why = self.path_entropy[self.names.index(doubts[0])].verdict
            return f"not told: the path entropy of {', '.join(doubts)} is in doubt ({why})"
        if not all(np.isfinite([e.low, e.high]).all() for e in self.path_entropy):
            return "not told: path entropies have no errors"
        order, steps = np.argsort(self.shannon, kind="stable"), []
        wide = student(self.n_blocks - 1) if self.n_blocks > 1 else Z95
        for low, high in pairwise(order):
            apart = difference(self.path_entropy[high], self.path_entropy[low])
            anions = self.shannon[high] - self.shannon[low]
            sure = anions > wide * np.hypot(self.shannon_error[low], self.shannon_error[high])
            sign = 0 if not sure or apart.low <= 0 <= apart.high else int(np.sign(apart.value))
            steps.append((sign, f"{self.names[low]} to {self.names[high]}"))
        names = " < ".join(self.names[k] for k in order)
        if falls := [name for sign, name in steps if sign < 0]:
            return f"the path entropy does not rise with disorder ({names}): it falls from {', '.join(falls)}"
        if same := [name for sign, name in steps if not sign]:
            return f"not told: within errors one of the two is the same from {', '.join(same)}"
        return f"the path entropy rises with the disorder of the anions: {names}"


@typed
@references("guan2024", "miller1955")
def compare_entropies(
    samples: Mapping[str, ArrayLike],
    *,
    orientations: Mapping[str, str] | None = None,
    n_samples: int | None = None,
    width: float = 0.05,
    lower: float = 0.0,
    upper: float = 5.5,
    n_blocks: int = 10,
    unit: str = "J/mol/K",
) -> EntropyComparison:
    """Compare entropies at equal numbers of samples and equal orientation.

    Parameters
    ----------
    samples : mapping of str to array_like, (T, M)
        Order parameter of each system, frames first.
    orientations : mapping of str to str, optional
        For a measure that depends on it, how the tetrahedra of each system lie in the box, in words of your
        choice; they must be the same. Leave it out for invariant measures.
    n_samples : int, optional
        Samples taken from each; default: as many as the smallest set has. Longer sets are cut into pieces of
        whole frames, whose entropies are averaged.
    width : float, default 0.05
        Width of the bins of the Shannon entropy; the support entropy has the published widths, scaled alike.
    lower, upper : float, default 0 and 5.5
        Range of the bins.
    n_blocks : int, default 10
        Blocks of time for the errors.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the results.

    Returns
    -------
    EntropyComparison
        Both entropies of every system.

    Raises
    ------
    InputError
        If orientations differ, or a set is smaller than `n_samples`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> sets = {"narrow": rng.normal(2, 0.1, (400, 5)), "wide": rng.normal(2, 0.4, (800, 5))}
    >>> both = compare_entropies(sets)
    >>> both.n_samples, bool(both.shannon[1] > both.shannon[0])
    (2000, True)
    """
    if orientations is not None:
        named = {orientations.get(name, "unknown") for name in samples}
        if len(named) > 1:
            raise InputError(
                "orientations", need="one orientation for all systems", got=", ".join(sorted(named)),
                remedy="turn all bonds to one set of axes before, or leave orientations out and take 'q' or "
                "'rmsd', which have none",
            )  # fmt: skip
    orientation = next(iter(orientations.values())) if orientations else "invariant"
    arrays = {name: np.atleast_2d(np.asarray(x, dtype=np.float64)) for name, x in samples.items()}
    smallest = min((x.size for x in arrays.values()), default=0)
    wanted = smallest if n_samples is None else int(n_samples)
    for name, x in arrays.items():
        if x.size < wanted or wanted < 1:
            remedy = "compare at the size of the smallest set"
            raise InputError(f"samples of {name}", need=f"{wanted} samples", got=str(x.size), remedy=remedy)
    scale = width / PUBLISHED_WIDTHS[0]
    widths = tuple(w * scale for w in PUBLISHED_WIDTHS)

    def support(x: Floats) -> float:
        return support_entropy(x, widths=widths, lower=lower, upper=upper, unit=unit)

    def shannon(x: Floats) -> float:
        return shannon_entropy(x, width=width, lower=lower, upper=upper, unit=unit)

    rows = [
        [*_windowed(x, wanted, support, n_blocks), *_windowed(x, wanted, shannon, n_blocks)] for x in arrays.values()
    ]
    columns, blocks = np.array(rows).T, min(n_blocks, wanted)
    return EntropyComparison(
        tuple(arrays), wanted, orientation, columns[0], columns[1], columns[2], columns[3], unit, n_blocks=blocks
    )


def _windowed(
    samples: Floats, n_samples: int, estimator: Callable[[Floats], float], n_blocks: int
) -> tuple[float, float]:
    """Mean over consecutive pieces of the same number of samples, and its standard error."""
    flat = samples.ravel()
    pieces = [flat[k : k + n_samples] for k in range(0, len(flat) - n_samples + 1, n_samples)]
    errors = [jackknife_error(piece, estimator, n_blocks=min(n_blocks, len(piece))) for piece in pieces]
    mean = float(np.mean([estimator(piece) for piece in pieces]))
    return mean, float(np.sqrt(np.mean(np.square(errors)) / len(pieces)))


@typed
def number_of_states(entropy: float) -> float:
    """Return the number of equally likely states behind an entropy.

    Parameters
    ----------
    entropy : float
        Entropy in J/mol/K.

    Returns
    -------
    float
        Number of states.

    Examples
    --------
    >>> round(number_of_states(32.53), 2)  # published for LPSCl-II
    50.02
    """
    return float(np.exp(entropy / GAS_CONSTANT))
