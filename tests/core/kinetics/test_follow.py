"""Following ions must give what looking each of them up gives."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.kinetics import CoordinationShells, SiteFollower, assign_sites
from ionpath.periodic import fractional
from ionpath.sites.follow import PointFollower
from ionpath.sites.nearest import Points, nearest_in_frames

OCTAHEDRON = 2.3 * np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
CELLS = {
    "cubic": np.diag([14.0, 14.0, 14.0]),
    "orthorhombic": np.diag([13.0, 14.5, 15.0]),
    "triclinic": np.array([[14.0, 0.0, 0.0], [4.0, 13.0, 0.0], [-3.0, 2.0, 14.0]]),
    "sheared": np.array([[14.0, 0.0, 0.0], [30.0, 14.0, 0.0], [-25.0, 18.0, 14.0]]),
}
N_FRAMES, N_IONS = 70, 30


def system(name: str, *, amplitude: float, strain: float, seed: int = 0):
    """Shells, ions that hop anywhere, cells that breathe, and centres that move and drift."""
    rng = np.random.default_rng(seed)
    cell = CELLS[name]
    grid = np.stack(np.meshgrid(*[[0.25, 0.75]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    sites = (grid @ cell)[:, None] + OCTAHEDRON
    shells = CoordinationShells.from_sites(cell, grid, sites.reshape(-1, 3) @ np.linalg.inv(cell))
    cells = cell * (1.0 + strain * rng.normal(size=(N_FRAMES, 1, 1)))
    drift = 0.3 * np.arange(N_FRAMES)[:, None, None] * np.array([1.0, -0.5, 0.2])
    centres = np.matmul(np.broadcast_to(grid, (N_FRAMES, *grid.shape)), cells)
    centres = centres + rng.normal(scale=0.15, size=centres.shape) + drift
    hop = rng.random((N_FRAMES, N_IONS)) < 0.05
    hop[0] = True
    last = np.maximum.accumulate(np.where(hop, np.arange(N_FRAMES)[:, None], 0), axis=0)
    site = np.take_along_axis(rng.integers(shells.n_sites, size=hop.shape), last, axis=0)
    ions = np.take_along_axis(centres, shells.centre_of[site][..., None], axis=1) + shells.offsets[site]
    ions += rng.normal(scale=amplitude, size=ions.shape)
    ions += np.matmul(rng.integers(-2, 3, size=ions.shape), cells)  # any image
    return shells, ions.astype(np.float32), cells, centres.astype(np.float32)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("amplitude", [0.2, 0.6])
@pytest.mark.parametrize("strain", [0.0, 0.01])
def test_same_as_one_by_one(name, amplitude, strain):
    shells, ions, cells, centres = system(name, amplitude=amplitude, strain=strain)
    expected = assign_sites(ions, shells, cells, centres)
    follower = SiteFollower(shells)
    for size in (N_FRAMES, 9):  # the second time with a history, in other chunks
        parts = [
            follower(ions[a : a + size], cells[a : a + size], centres[a : a + size]) for a in range(0, N_FRAMES, size)
        ]
        assert np.array_equal(np.concatenate([p.site for p in parts]), expected.site)
        assert np.array_equal(np.concatenate([p.ambiguous for p in parts]), expected.ambiguous)
    assert 0.0 < (expected.site < 0).mean() < 0.6 or amplitude < 0.5


@pytest.mark.parametrize("name", CELLS)
def test_the_road_without_numba(name, monkeypatch):
    """The compiled loop and the one in NumPy give the same, frame by frame and ion by ion."""
    shells, ions, cells, centres = system(name, amplitude=0.5, strain=0.01, seed=2)
    compiled = SiteFollower(shells)(ions, cells, centres)
    monkeypatch.setattr("ionpath.sites.follow.kernels", lambda: None)
    plain = SiteFollower(shells)(ions, cells, centres)
    assert np.array_equal(plain.site, compiled.site)
    assert np.array_equal(plain.ambiguous, compiled.ambiguous)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("moving", [True, False])
def test_nearest_point_followed_however_far(name, moving):
    """Nearest centres without a cutoff, in two chunks, against the search of every ion in every frame."""
    shells, ions, cells, centres = system(name, amplitude=0.9, strain=0.0, seed=3)
    points = Points(shells.cell, shells.centres, np.arange(shells.n_centres))
    places = np.asarray(fractional(ions.astype(float), cells))
    shifts = (np.asarray(fractional(centres.astype(float), cells)) - shells.centres) if moving else None
    if shifts is not None:
        places = places - shifts.mean(axis=1, keepdims=True)
        shifts = (shifts - shifts.mean(axis=1, keepdims=True)) @ shells.cell
    follower = PointFollower(points)
    found = [follower(places[part], None if shifts is None else shifts[part]) for part in (slice(40), slice(40, None))]
    expected = nearest_in_frames(points, places, shifts, np.inf, 0.0).site
    assert np.array_equal(np.concatenate(found), expected)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("cutoff", [0.7, 3.0, np.inf])
def test_sites_at_rest_and_other_cutoffs(name, cutoff):
    shells, ions, cells, centres = system(name, amplitude=0.5, strain=0.0, seed=1)
    for followed in (None, centres):
        expected = assign_sites(ions, shells, cells, followed, cutoff=cutoff, margin=0.3)
        found = SiteFollower(shells, cutoff=cutoff, margin=0.3)(ions, cells, followed)
        assert np.array_equal(found.site, expected.site)
        assert np.array_equal(found.ambiguous, expected.ambiguous)
    assert expected.ambiguous.any() or cutoff < 1.0


def test_one_site_and_one_cell():
    shells = CoordinationShells.from_sites(np.eye(3) * 9.0, [[0.5, 0.5, 0.5]], [[0.5, 0.5, 0.7]])
    ions = np.array([[[4.5, 4.5, 6.3 + 9.0]], [[4.5, 4.5, 0.0]]])
    assert SiteFollower(shells)(ions, np.eye(3) * 9.0).site.ravel().tolist() == [0, -1]


def test_another_number_of_ions_starts_afresh():
    shells, ions, cells, centres = system("cubic", amplitude=0.3, strain=0.0)
    follower = SiteFollower(shells)
    follower(ions, cells, centres)
    part = follower(ions[:, 3:9], cells, centres).site
    assert np.array_equal(part, assign_sites(ions[:, 3:9], shells, cells, centres).site)


def test_refusals():
    shells, ions, cells, centres = system("cubic", amplitude=0.3, strain=0.0)
    with pytest.raises(InputError, match="cutoff: need a positive distance in A, got -1; 1.4 suits lithium sites"):
        SiteFollower(shells, cutoff=-1.0)
    with pytest.raises(InputError, match="centres: need shape"):
        SiteFollower(shells)(ions, cells, centres[:, :3])
