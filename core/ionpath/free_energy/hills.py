"""Free energy from the hills of metadynamics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.free_energy.surface import FreeEnergySurface, within_period
from ionpath.msonable import Msonable

CUTOFF = 6.25
"""Half the squared distance, in widths, beyond which a hill of PLUMED is zero."""


@typed
@documented
@dataclass(frozen=True)
class Hills(Msonable):
    """Gaussian hills that a metadynamics run deposited."""

    times: Floats  # (n,): time of each hill in ps
    centres: Floats  # (n, n_variables): where they were put
    sigmas: Floats  # (n, n_variables): their widths
    # (n,): heights in kJ/mol as PLUMED writes them: in well-tempered runs multiplied by gamma / (gamma - 1), so that
    # the free energy is minus their sum
    heights: Floats
    names: tuple[str, ...]  # names of the variables
    periods: tuple[tuple[float, float] | None, ...]  # lower and upper end of the period of each variable
    bias_factor: float = 1.0  # gamma; 1 where the run was not well-tempered
    # hills reach zero at a finite distance (PLUMED's default), rather than being plain Gaussians
    stretched: bool = True
    assumed: str = ""  # what is taken for granted for want of an input that says it: units

    def __post_init__(self) -> None:
        """Check shapes."""
        n, d = self.centres.shape
        if self.sigmas.shape != (n, d) or self.heights.shape != (n,) or len(self.names) != d or n == 0:
            need = "one or more hills with a centre, a width and a height each"
            got = f"centres {self.centres.shape}, widths {self.sigmas.shape}, heights {self.heights.shape}"
            raise InputError("hills", need=need, got=got, remedy="check that the run deposited hills")
        for what in ("times", "centres", "sigmas", "heights", "bias_factor"):
            values = np.asarray(getattr(self, what), dtype=np.float64)
            if not np.isfinite(values).all():
                got = f"{values[~np.isfinite(values)].flat[0]}"
                remedy = "leave out hills that are damaged"
                raise InputError(f"hills ({what})", need="finite numbers", got=got, remedy=remedy)
        if not (self.sigmas > 0).all():
            raise InputError("hills", need="widths above 0", got=f"{self.sigmas.min()}", remedy="check SIGMA")

    def __len__(self) -> int:
        """Number of hills."""
        return len(self.times)

    def until(self, time: float) -> Hills:
        """Hills deposited up to a time in ps."""
        keep = self.times <= time
        return replace(
            self, times=self.times[keep], centres=self.centres[keep], sigmas=self.sigmas[keep],
            heights=self.heights[keep],
        )  # fmt: skip

    def default_axes(self, points_per_sigma: float = 4.0, margin: float = 3.6) -> tuple[Floats, ...]:
        """Grid points along each variable that cover all hills.

        They lie `points_per_sigma` to the narrowest width, up to `margin` widths beyond the outermost centres.
        """
        axes: list[Floats] = []
        for k, period in enumerate(self.periods):
            step = self.sigmas[:, k].min() / points_per_sigma
            if period is not None:
                n = max(int(np.ceil((period[1] - period[0]) / step)), 8)
                axes.append(np.asarray(period[0] + (period[1] - period[0]) / n * np.arange(n), dtype=np.float64))
            else:
                reach = margin * self.sigmas[:, k].max()
                low, high = self.centres[:, k].min() - reach, self.centres[:, k].max() + reach
                axes.append(np.linspace(low, high, max(int(np.ceil((high - low) / step)) + 1, 8)))
        return tuple(axes)


@typed
def sum_hills(hills: Hills, axes: Sequence[ArrayLike] | None = None, *, from_zero: bool = True) -> FreeEnergySurface:
    """Free energy as minus the sum of the hills.

    Parameters
    ----------
    hills : Hills
        Deposited hills.
    axes : sequence of array_like, optional
        Equally spaced grid points along each variable; by default a grid that covers all hills.
    from_zero : bool
        Put the lowest value at 0. PLUMED's sum_hills does not, without ``--mintozero``.

    Returns
    -------
    FreeEnergySurface
        Free energy in kJ/mol.

    Notes
    -----
    ``F(s) = -sum_k h_k g(s - s_k)`` with the heights that PLUMED writes, for which the factor gamma / (gamma - 1) of
    well-tempered metadynamics (Barducci et al., doi:10.1103/PhysRevLett.100.020603) is included. A stretched hill is
    ``(exp(-q) - exp(-6.25)) / (1 - exp(-6.25))`` for ``q = sum (s - s_k)^2 / 2 sigma^2 < 6.25``, else 0.

    Examples
    --------
    >>> one = Hills(np.zeros(1), np.zeros((1, 1)), np.full((1, 1), 0.2), np.full(1, 5.0), ("x",), (None,))
    >>> sum_hills(one, [np.linspace(-1, 1, 3)], from_zero=False).values.round(3)
    array([-0., -5., -0.])
    """
    surface = next(partial_sums(hills, [len(hills)], axes))
    return surface.from_zero() if from_zero else surface


def partial_sums(
    hills: Hills, counts: Sequence[int], axes: Sequence[ArrayLike] | None = None
) -> Iterator[FreeEnergySurface]:
    """Free energies in kJ/mol, not shifted: minus the sum of the first hills, for increasing numbers, in one pass."""
    grid = hills.default_axes() if axes is None else tuple(np.asarray(axis, dtype=float) for axis in axes)
    _check_axes(grid, hills)
    bias = np.zeros(tuple(len(axis) for axis in grid))
    widths = tuple(None if p is None else p[1] - p[0] for p in hills.periods)
    done = 0
    for count in counts:
        for k in range(done, count):
            _add(bias, grid, hills, k, widths)
        done = count
        yield FreeEnergySurface(grid, -bias, hills.names, widths, assumed=hills.assumed)


def growing_counts(hills: Hills, n_times: int) -> list[int]:
    """Numbers of hills at equally spaced times."""
    return sorted({max(int(c), 1) for c in np.linspace(len(hills) / n_times, len(hills), n_times)})


def _check_axes(grid: tuple[Floats, ...], hills: Hills) -> None:
    if len(grid) != len(hills.names):
        remedy = "give all of them"
        raise InputError("axes", need=f"one per variable ({', '.join(hills.names)})", got=f"{len(grid)}", remedy=remedy)
    for axis, name in zip(grid, hills.names, strict=True):
        steps = np.diff(axis)
        if axis.ndim != 1 or len(axis) < 2 or steps.min() <= 0 or np.ptp(steps) > 1e-6 * steps.mean():
            need = "two or more increasing, equally spaced points"
            raise InputError(f"axis of {name}", need=need, got=f"{len(axis)} points", remedy="use numpy.linspace")


def _add(bias: Floats, grid: tuple[Floats, ...], hills: Hills, k: int, widths: tuple[float | None, ...]) -> None:
    """Add one hill where it is not zero."""
    reach = np.sqrt(2 * (CUTOFF if hills.stretched else 40.0))
    exponent = np.zeros(())
    where: list[Indices] = []
    for d, axis in enumerate(grid):
        step, sigma = axis[1] - axis[0], hills.sigmas[k, d]
        low = int(np.ceil((hills.centres[k, d] - reach * sigma - axis[0]) / step))
        high = int(np.floor((hills.centres[k, d] + reach * sigma - axis[0]) / step))
        period = widths[d]
        if period is None:
            index = np.arange(max(low, 0), min(high, len(axis) - 1) + 1)
        else:
            index = np.unique(np.arange(low, min(high, low + len(axis) - 1) + 1) % len(axis))
        if not len(index):
            return
        where.append(index)
        away = within_period(axis[index] - hills.centres[k, d], period)
        exponent = exponent[..., None] + 0.5 * (away / sigma) ** 2
    shape = np.exp(-exponent)
    if hills.stretched:
        floor = np.exp(-CUTOFF)
        shape = np.where(exponent < CUTOFF, (shape - floor) / (1 - floor), 0.0)
    bias[np.ix_(*where)] += hills.heights[k] * shape
