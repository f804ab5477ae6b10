"""Tilt of tetrahedra: directions of their bonds, and free energies of the directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import finite, indices, typed
from ionpath.arrays import Finite, Floats, Ints, Whole
from ionpath.cells import as_cells, check_finite
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, positive, whole
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from ionpath.sums import Sums
from ionpath.units import kt_in_kj_per_mol


@typed
def tetrahedra(
    positions: ArrayLike,
    cell: ArrayLike,
    centres: ArrayLike,
    ligands: Whole,
    *,
    cutoff: float = 3.0,
    n_ligands: int = 4,
) -> Ints:
    """Find the ligands of every centre.

    Parameters
    ----------
    positions : array_like, (N, 3)
        Positions of one frame, in A.
    cell : array_like, (3, 3)
        Cell vectors as rows, in A.
    centres, ligands : array_like of int
        Indices of possible centres and ligands.
    cutoff : float, default 3.0
        Longest bond, in A.
    n_ligands : int, default 4
        Ligands that every centre must have.

    Returns
    -------
    ndarray of int, (M, n_ligands)
        Indices of the ligands of each centre, in ascending order.

    Raises
    ------
    InputError
        If a centre has another number of ligands.

    Examples
    --------
    >>> s = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.18
    >>> tetrahedra(np.r_[[[0, 0, 0]], s], np.eye(3) * 12, [0], [1, 2, 3, 4]).tolist()
    [[1, 2, 3, 4]]
    """
    points = check_finite(positions, "positions")
    if points.ndim not in (2, 3):
        raise InputError("positions", need="shape (T, N, 3) or (N, 3)", got=f"shape {points.shape}")
    hubs = indices("centres", centres, points.shape[-2])
    ends = indices("ligands", ligands, points.shape[-2])
    found = np.empty((len(hubs), n_ligands), dtype=np.int64)
    for row, hub in enumerate(hubs):
        distances = np.linalg.norm(minimum_image(points[ends] - points[hub], as_cells(cell)), axis=1)
        near = ends[(distances < cutoff) & (ends != hub)]
        if len(near) != n_ligands:
            need = f"{n_ligands} ligands within {cutoff:g} A"
            remedy = "choose another cutoff, centres that have as many, or another first frame with start="
            raise InputError(f"tetrahedron of atom {hub}", need=need, got=str(len(near)), remedy=remedy)
        found[row] = np.sort(near)
    return found


@typed
def bond_vectors(positions: Finite, cells: ArrayLike, centres: Whole, ligands: Whole) -> Floats:
    """Return the vectors from centres to their ligands.

    Parameters
    ----------
    positions : array_like, (T, N, 3) or (N, 3)
        Positions in A, wrapped or not.
    cells : array_like, (3, 3) or (T, 3, 3)
        Cell vectors as rows, in A.
    centres : array_like of int, (M,)
        Indices of the centres.
    ligands : array_like of int, (M, n)
        Indices of their ligands.

    Returns
    -------
    ndarray, (T, M, n, 3) or (M, n, 3)
        Shortest vectors, in A.
    """
    points = check_finite(positions, "positions").astype(np.float64, copy=False)
    hubs, ends = (indices(*one, points.shape[-2]) for one in (("centres", centres), ("ligands", ligands)))
    return minimum_image(points[..., ends, :] - points[..., hubs, None, :], cells)


@typed
@references("guan2024")
def bond_angles(vectors: ArrayLike) -> tuple[Floats, Floats]:
    r"""Return the polar and the azimuthal angle of vectors.

    Parameters
    ----------
    vectors : array_like, (..., 3)
        Vectors, in any unit.

    Returns
    -------
    theta, phi : ndarray, (...)
        Polar angle from the z axis, 0 to 180 degrees, and azimuth from the x axis, -180 to 180 degrees.

    Notes
    -----
    .. math:: \theta = \arccos(b_z / |b|), \qquad \phi = \mathrm{atan2}(b_y, b_x)

    Examples
    --------
    >>> [float(a) for a in bond_angles([0.0, -1.0, 0.0])]
    [90.0, -90.0]
    """
    b = np.asarray(vectors, dtype=np.float64)
    if b.shape[-1:] != (3,) or not b.any(axis=-1).all():
        got = f"shape {b.shape}" if b.shape[-1:] != (3,) else "one of no length"
        raise InputError("vectors", need="vectors (..., 3) of some length", got=got, remedy="check the bonds")
    finite("vectors", b)
    theta = np.degrees(np.arctan2(np.hypot(b[..., 0], b[..., 1]), b[..., 2]))
    return np.asarray(theta, dtype=np.float64), np.degrees(np.arctan2(b[..., 1], b[..., 0]))


@documented
@dataclass(frozen=True)
class TiltFreeEnergy(Msonable):
    """Free energies of the direction of a bond."""

    # theta_edges, phi_edges: edges of the bins, in degrees
    theta_edges: Floats
    phi_edges: Floats
    theta: Floats  # F(theta) in kJ/mol, lowest value 0; infinite where no bond was seen
    theta_error: Floats  # its standard error from blocks of time, in kJ/mol; nan where it cannot be known
    # phi, phi_error: F(phi) and its standard error, in the same way
    phi: Floats
    phi_error: Floats
    # joint_theta_edges, joint_phi_edges: edges of the coarser bins of the joint free energy, in degrees
    joint_theta_edges: Floats
    joint_phi_edges: Floats
    # joint, joint_error: (theta, phi): F(theta, phi) and its standard error, in kJ/mol
    joint: Floats
    joint_error: Floats
    temperature: float  # in K
    jacobian: bool  # whether the density was divided by the solid angle of a bin
    n_samples: int  # bonds and frames


@typed
class TiltHistogram(Sums):
    """Directions counted frame by frame in blocks of time; histograms of parts of a run can be added up.

    Parameters
    ----------
    bins : int
        Bins of the polar angle; the azimuth has twice as many, the joint histogram half as many along both.
    n_blocks : int
        Blocks of time.
    """

    _adding = ("theta", "phi", "joint")

    def __init__(self, *, bins: int = 90, n_blocks: int = 5) -> None:
        if whole("bins", bins, 4, 3600, remedy="use 90") % 2:
            raise InputError("bins", need="an even number of at least 4", got=repr(bins), remedy="use 90")
        whole("n_blocks", n_blocks, remedy="use 5")
        self.bins = bins
        self.theta = np.zeros((n_blocks, bins))
        self.phi = np.zeros((n_blocks, 2 * bins))
        self.joint = np.zeros((n_blocks, bins // 2, bins))

    def add(self, theta: Floats, phi: Floats, block: Ints) -> None:
        """Count directions: angles (T, ...) in degrees, and the block of time (T,) of each frame."""
        for number in np.unique(block):
            t, p = theta[block == number].ravel(), phi[block == number].ravel()
            i = np.minimum((t / 180.0 * self.bins).astype(int), self.bins - 1)
            j = np.minimum(((p + 180.0) / 180.0 * self.bins).astype(int), 2 * self.bins - 1)
            self.theta[number] += np.bincount(i, minlength=self.bins)
            self.phi[number] += np.bincount(j, minlength=2 * self.bins)
            both = np.bincount(i // 2 * self.bins + j // 2, minlength=self.bins**2 // 2)
            self.joint[number] += both.reshape(self.bins // 2, self.bins)

    def result(self, temperature: float, *, jacobian: bool = False) -> TiltFreeEnergy:
        """Free energies in kJ/mol from the counts, at a temperature in K.

        With `jacobian` counts are divided by the solid angle of a bin, so that free rotation gives a flat free energy.
        InputError if the temperature is not positive, or nothing was counted.
        """
        positive("temperature", temperature, "K")
        if not self.theta.sum():
            raise InputError("samples", need="angles", got="none", remedy="add frames first")
        theta_edges = np.linspace(0.0, 180.0, self.bins + 1)
        joint_edges = theta_edges[::2]
        weight = _solid_angle(theta_edges) if jacobian else np.ones(self.bins)
        joint_weight = _solid_angle(joint_edges) if jacobian else np.ones(self.bins // 2)
        kt = kt_in_kj_per_mol(temperature)
        theta, theta_error = _free_energy(self.theta / weight, kt)
        phi, phi_error = _free_energy(self.phi, kt)
        joint, joint_error = _free_energy(self.joint / joint_weight[:, None], kt)
        phi_edges = np.linspace(-180.0, 180.0, 2 * self.bins + 1)
        return TiltFreeEnergy(
            theta_edges, phi_edges, theta, theta_error, phi, phi_error, joint_edges, phi_edges[::2],
            joint, joint_error, float(temperature), jacobian, int(self.theta.sum()),
        )  # fmt: skip


def _solid_angle(edges: Floats) -> Floats:
    return np.asarray(-np.diff(np.cos(np.radians(edges))), dtype=np.float64)


def _free_energy(counts: Floats, kt: float) -> tuple[Floats, Floats]:
    """Free energy of mean counts (blocks, ...), and its error from their spread between blocks."""
    filled = counts[counts.reshape(len(counts), -1).sum(axis=1) > 0]
    mean = filled.mean(axis=0)
    with np.errstate(divide="ignore"):
        energy = -kt * np.log(mean / mean.max())
    if len(filled) < 2:
        return np.asarray(energy, dtype=np.float64), np.full(mean.shape, np.nan)
    spread = filled.std(axis=0, ddof=1) / np.sqrt(len(filled))
    error = np.divide(kt * spread, mean, out=np.full(mean.shape, np.nan), where=mean > 0)
    return np.asarray(energy, dtype=np.float64), np.asarray(error, dtype=np.float64)


@typed
@references("guan2024")
def tilt_free_energy(
    theta: ArrayLike, phi: ArrayLike, *, temperature: float, bins: int = 90, n_blocks: int = 5, jacobian: bool = False
) -> TiltFreeEnergy:
    r"""Compute the free energies of the directions of bonds.

    Parameters
    ----------
    theta, phi : array_like, (T, ...)
        Polar and azimuthal angles in degrees, frames first.
    temperature : float
        Temperature of the samples, in K.
    bins : int, default 90
        Bins of the polar angle; the azimuth has twice as many, the joint free energy half as many along both.
    n_blocks : int, default 5
        Blocks of time, for errors.
    jacobian : bool, default False
        Divide by the solid angle of a bin.

    Returns
    -------
    TiltFreeEnergy
        F(theta), F(phi) and F(theta, phi) with errors, in kJ/mol.

    Raises
    ------
    InputError
        If the angles do not fit together, or there are fewer frames than blocks.

    Notes
    -----
    .. math:: F(\theta) = -k_B T \ln \int p(\theta, \phi)\, d\phi

    as in Guan et al., up to the sign that is printed there. Bonds that point anywhere alike have
    p(theta) proportional to sin(theta); with ``jacobian=True`` that becomes flat.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> theta, phi = bond_angles(rng.normal(size=(20_000, 3)))
    >>> free = tilt_free_energy(theta, phi, temperature=300, bins=20, jacobian=True)
    >>> bool(free.theta.max() < 1.0)
    True
    """
    t, p = np.asarray(theta, dtype=np.float64), np.asarray(phi, dtype=np.float64)
    whole("n_blocks", n_blocks)
    inside = (np.abs(t - 90.0) <= 90.0 + 1e-9).all() and (np.abs(p) <= 180.0 + 1e-9).all()
    if not inside:
        need = "polar angles from 0 to 180 and azimuths from -180 to 180 degrees"
        raise InputError("theta, phi", need=need, got="others", remedy="make them with bond_angles")
    if t.shape != p.shape or t.ndim < 1 or len(t) < n_blocks:
        got = f"{t.shape} and {p.shape}"
        remedy = "give both for every bond and frame, or use fewer blocks"
        raise InputError("theta", need=f"as many angles as phi, in at least {n_blocks} frames", got=got, remedy=remedy)
    histogram = TiltHistogram(bins=bins, n_blocks=n_blocks)
    histogram.add(t, p, np.arange(len(t)) * n_blocks // len(t))
    return histogram.result(temperature, jacobian=jacobian)
