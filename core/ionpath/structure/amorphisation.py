"""How amorphous the layers of a cell are, from the Fourier amplitude of their smeared atoms."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from ionpath.arguments import described, finite, typed
from ionpath.arrays import Floats, heights
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.frames import as_frames
from ionpath.msonable import Msonable
from ionpath.periodic import wrap_fractional

Complexes = NDArray[np.complex128]


@typed
@documented
@dataclass(frozen=True)
class AmorphisationProfile(Msonable):
    """Amorphisation of layers."""

    axis: int  # cell vector that counts the layers
    y: Floats  # (B,): centres of the layers along the normal, in A
    profile: Floats  # (B,): Fourier amplitude of each layer over that of the largest: 1 in a glass, less in a crystal
    error: Floats  # (B,): standard deviation between frames over the root of their number; nan for one frame
    thickness: float  # thickness of a layer, in A
    n_frames: int  # number of frames

    def __post_init__(self) -> None:
        whole("axis", self.axis, 0, 2)
        layers = finite("y", self.y)
        finite("profile", self.profile)
        for name in ("profile", "error"):
            if layers.ndim != 1 or np.shape(getattr(self, name)) != layers.shape:
                need = f"one number for each of {layers.size} layers"
                raise InputError(name, need=need, got=described(getattr(self, name)))
        positive("thickness", self.thickness, "A")
        whole("n_frames", self.n_frames)


@dataclass(frozen=True)
class LayerGrid:
    """How a cell is cut into layers, and how finely each is resolved."""

    axis: int  # cell vector that counts the layers
    n_layers: int  # number of layers
    shape: tuple[int, int]  # points of the grid along the two other cell vectors
    sigma: float  # width of the Gaussian of an atom, in A

    @property
    def plane(self) -> tuple[int, int]:
        """The two cell vectors in the layers."""
        first, second = (i for i in range(3) if i != self.axis)
        return first, second


def layer_grid(
    cell: Floats, *, axis: int = 1, thickness: float = 6.0, grid: float = 0.5, sigma: float = 0.7
) -> LayerGrid:
    """Cut a cell into layers of equal thickness."""
    if axis not in (0, 1, 2):
        raise InputError("axis", need="cell vector 0, 1 or 2", got=repr(axis), remedy="choose one of them")
    height = float(heights(cell)[axis])
    if not (0 < thickness <= 0.5 * height):
        need = f"a positive thickness that fits twice into {height:.4g} A"
        raise InputError("thickness", need=need, got=f"{thickness:g} A", remedy="use thinner layers, or another axis")
    if not (0 < grid <= sigma):
        need = f"a positive distance of at most sigma = {sigma:g} A"
        raise InputError("grid", need=need, got=f"{grid:g} A", remedy="use a finer grid or wider Gaussians")
    first, second = np.ceil(np.delete(np.linalg.norm(cell, axis=1), axis) / grid).astype(int).tolist()
    return LayerGrid(axis, round(height / thickness), (first, second), float(sigma))


def layer_amplitudes(positions: Floats, cell: Floats, layers: LayerGrid, power: int = 1) -> Floats:
    """Sum a power of the Fourier amplitudes of every layer of one frame, without the zeroth.

    The transform of a sum of Gaussians is a Gaussian times the sum of phases. It is taken at every wave vector that the
    grid resolves, from where the atoms are: by finufft where it is installed (extra "fast"), else as a product of two
    small matrices per layer, so that no error of a grid remains. An atom belongs to a layer with the part of its
    Gaussian that lies inside.
    """
    transform = _transform()
    coordinates = wrap_fractional(positions @ np.linalg.inv(cell))
    first, second = layers.plane
    n, m = (np.rint(np.fft.fftfreq(size) * size) for size in layers.shape)
    plane = cell[[first, second]]
    metric = np.linalg.inv(plane @ plane.T)
    square = metric[0, 0] * n[:, None] ** 2 + 2 * metric[0, 1] * np.outer(n, m) + metric[1, 1] * m**2
    damping = np.exp(-0.5 * (2 * np.pi * layers.sigma) ** 2 * square)
    damping[0, 0] = 0.0
    shares = _shares(coordinates[:, layers.axis], layers, float(heights(cell)[layers.axis]))
    flat = coordinates[:, [first, second]]
    return np.array([((np.abs(transform(flat, share, layers.shape)) * damping) ** power).sum() for share in shares])


def plane_modes(coordinates: Floats, share: Floats, shape: tuple[int, int]) -> Complexes:
    """Sums of share * exp(-2 pi i (n x + m y)) at all wave vectors of a grid, in the order of numpy.fft."""
    near = np.flatnonzero(share > 1e-12)
    n, m = (np.rint(np.fft.fftfreq(size) * size) for size in shape)
    one = np.exp(-2j * np.pi * np.outer(n, coordinates[near, 0])) * share[near]
    return np.asarray(one @ np.exp(-2j * np.pi * np.outer(coordinates[near, 1], m)))


def _fast_plane_modes(finufft: Any, coordinates: Floats, share: Floats, shape: tuple[int, int]) -> Complexes:
    """The same by a transform from points that lie anywhere, to twelve digits (doi:10.1137/18M120885X)."""
    near = np.flatnonzero(share > 1e-12)
    x, y = np.ascontiguousarray((2 * np.pi * coordinates[near]).T)
    weights = share[near].astype(np.complex128)
    return np.asarray(
        finufft.nufft2d1(x, y, weights, shape, eps=1e-12, isign=-1, modeord=1, nthreads=1)
        if len(near) else np.zeros(shape, dtype=np.complex128)
    )  # fmt: skip


@cache
def _transform() -> Callable[[Floats, Floats, tuple[int, int]], Complexes]:
    try:
        return partial(_fast_plane_modes, importlib.import_module("finufft"))
    except ImportError:
        return plane_modes


def _shares(along: Floats, layers: LayerGrid, height: float) -> Floats:
    """Part of the Gaussian of each atom inside each layer, (layers, atoms)."""
    edges = np.arange(layers.n_layers + 1) / layers.n_layers
    scale = height / (layers.sigma * np.sqrt(2.0))
    shares = np.zeros((layers.n_layers, len(along)))
    for image in (-1.0, 0.0, 1.0):
        below = 0.5 * erf((edges[:, None] - along - image) * scale)
        shares += np.diff(below, axis=0)
    return shares


@typed
@references("chen2025")
def amorphisation_profile(
    positions: ArrayLike,
    cell: ArrayLike,
    *,
    axis: int = 1,
    thickness: float = 6.0,
    grid: float = 0.5,
    sigma: float = 0.7,
    mode: str = "correct",
) -> AmorphisationProfile:
    r"""Compute how amorphous the layers of a cell are.

    Parameters
    ----------
    positions : array_like, (N, 3) or (T, N, 3)
        Positions of all atoms, or of those that tell, in A, wrapped or not.
    cell : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.
    axis : {1, 0, 2}
        Cell vector that counts the layers.
    thickness : float, default 6
        Thickness of a layer, in A; rounded so that whole layers fit.
    grid : float, default 0.5
        Largest distance between points of the grid, in A; it sets the largest wave vector, pi / grid.
    sigma : float, default 0.7
        Width of the Gaussian of an atom, in A.
    mode : {"correct", "power"}
        ``"power"`` sums squared amplitudes; then a crystal comes out above a glass.

    Returns
    -------
    AmorphisationProfile
        Profile along the normal of the layers.

    Raises
    ------
    InputError
        If fewer than two layers fit, or lengths make no sense.

    Notes
    -----
    .. math:: F(y) = \frac{\sum_{k_x k_z \neq 0} |\hat\rho_y(k_x, k_z)|}{\max_y \sum |\hat\rho_y|}

    with the density of a layer summed along its normal (Eq. 6 of Chen et al. 2025). In a crystal few wave
    vectors carry all of the amplitude; in a glass every one carries some, and the sum is larger. Layers of
    different density differ too, by the root of the number of atoms.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> lattice = np.stack(np.meshgrid(*[np.arange(6)] * 3), -1).reshape(-1, 3) * 4.0 + 1.0
    >>> glass = rng.uniform(0, 24, (216, 3)) + [0, 24, 0]
    >>> p = amorphisation_profile(np.r_[lattice, glass], np.diag([24.0, 48.0, 24.0]), thickness=12)
    >>> bool((p.profile[:2] < 0.75).all() and (p.profile[2:] > 0.9).all())
    True
    """
    one_of("mode", mode, ("correct", "power"))
    frames, cells, _ = as_frames(positions, cell)
    layers = layer_grid(cells[0], axis=axis, thickness=thickness, grid=grid, sigma=sigma)
    power = 1 if mode == "correct" else 2
    sums = np.array([layer_amplitudes(f, lattice, layers, power) for f, lattice in zip(frames, cells, strict=True)])
    mean_height = float(np.mean([heights(lattice)[axis] for lattice in cells]))
    return normalised_profile(sums.sum(axis=0), (sums**2).sum(axis=0), len(sums), mean_height, layers)


def normalised_profile(
    total: Floats, squares: Floats, n_frames: int, height: float, layers: LayerGrid
) -> AmorphisationProfile:
    """Make a profile from sums over frames."""
    mean = total / n_frames
    variance = np.maximum(squares / n_frames - mean**2, 0.0) * n_frames / max(n_frames - 1, 1)
    error = np.sqrt(variance / n_frames) if n_frames > 1 else np.full_like(mean, np.nan)
    y = (np.arange(layers.n_layers) + 0.5) * height / layers.n_layers
    return AmorphisationProfile(
        layers.axis, y, mean / mean.max(), error / mean.max(), height / layers.n_layers, n_frames
    )
