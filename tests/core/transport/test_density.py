"""Density on a grid: counts, smoothing, percolation, sites, files, regions."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.lattice.argyrodite import cage_sites
from ionpath.periodic import minimum_image, wrap
from ionpath.transport import (
    DensityAccumulator,
    density_sites,
    gaussian_smooth,
    ion_density,
    percolates,
    percolation_threshold,
    region_populations,
    remove_drift,
    write_opendx,
    write_vasp_grid,
)

SHEARED = np.array([[10.0, 0, 0], [4.0, 9.0, 0], [-3.0, 2.0, 8.0]])


@pytest.fixture
def ions():
    return np.random.default_rng(0).normal(scale=9.0, size=(40, 11, 3))


@pytest.mark.parametrize("cell", [np.diag([8.0, 9.0, 10.0]), SHEARED], ids=["orthorhombic", "sheared"])
def test_counts_equal_a_histogram(ions, cell):
    grid = ion_density(ions, cell, shape=(4, 5, 6))
    inside = (ions.reshape(-1, 3) @ np.linalg.inv(cell)) % 1.0
    expected = np.histogramdd(inside, bins=(4, 5, 6), range=[(0, 1)] * 3)[0]
    np.testing.assert_array_equal(grid.counts, expected)
    assert grid.n_ions == 11
    assert grid.density().sum() * grid.voxel_volume == pytest.approx(11)
    assert grid.relative(0.5).mean() == pytest.approx(1.0)


def test_parts_add_up_and_wrapping_does_not_matter(ions):
    cell = 9 * np.eye(3)
    whole = ion_density(ions, cell)
    first, second = (DensityAccumulator(cell) for _ in range(2))
    first.add(wrap(ions[:15], cell), cell)
    for frame in ions[15:]:
        second.add(frame[None], cell)
    first.merge(second)
    np.testing.assert_array_equal(first.result().counts, whole.counts)
    np.testing.assert_allclose(first.result().cell, whole.cell)


def test_sites_do_not_smear_when_the_cell_breathes():
    cells = np.eye(3) * np.linspace(9.0, 11.0, 50)[:, None, None]
    positions = np.full((50, 1, 3), 0.57) * np.diagonal(cells, axis1=1, axis2=2)[:, None]
    grid = ion_density(positions, cells, shape=(20, 20, 20))
    assert grid.counts.max() == 50
    np.testing.assert_allclose(grid.cell, 10 * np.eye(3))


@pytest.mark.parametrize("cell", [6 * np.eye(3), 0.8 * SHEARED], ids=["cubic", "sheared"])
def test_smoothing_equals_the_sum_over_images(cell):
    rng = np.random.default_rng(1)
    values = rng.random((8, 7, 6))
    places = np.stack(np.meshgrid(*(np.arange(n) / n for n in values.shape), indexing="ij"), -1).reshape(-1, 3) @ cell
    squares = (minimum_image(places[:, None] - places, cell) ** 2).sum(axis=-1)
    kernel = np.where(squares <= 25 * 0.5**2, np.exp(-squares / (2 * 0.5**2)), 0.0)
    expected = (kernel / kernel.sum(axis=0)) @ values.ravel()
    np.testing.assert_allclose(gaussian_smooth(values, cell, 0.5).ravel(), expected, rtol=1e-9)


def test_percolation_needs_a_closed_walk():
    """A rod that touches both faces at different places does not connect the crystal; a staircase that closes does."""
    broken = np.zeros((6, 6, 6), dtype=bool)
    broken[:3, 1, 1] = broken[3:, 3, 3] = True
    assert percolates(broken).tolist() == [False, False, False]
    straight = np.zeros((6, 6, 6), dtype=bool)
    straight[:, 2, 2] = True
    assert percolates(straight).tolist() == [True, False, False]
    stairs = np.zeros((6, 6, 6), dtype=bool)
    for k in range(6):  # goes up by one in b for each step in a: closes after one cell along a and b together
        stairs[k, k, 0] = stairs[k, (k + 1) % 6, 0] = True
    assert percolates(stairs).tolist() == [True, True, False]
    assert percolates(np.zeros((3, 3, 3), dtype=bool)).tolist() == [False] * 3
    assert percolates(np.ones((3, 3, 3), dtype=bool)).tolist() == [True] * 3


def test_threshold_is_the_weakest_voxel_of_the_strongest_path():
    grid = np.full((5, 5, 5), 0.1)
    grid[2, :, 1] = 1.5
    grid[:, 1, 1] = [9, 8, 3, 7, 9]
    grid[:, 3, 3] = [9, 9, 2, 9, 9]
    found = percolation_threshold(grid)
    assert found.threshold == 3.0
    assert found.axes == (3.0, 1.5, 0.1)
    shifted = percolation_threshold(np.roll(grid, (2, 3, 1), axis=(0, 1, 2)))
    assert shifted == found


def test_sites_are_found_where_ions_are():
    """Four sites with occupancies 1, 1/2, 1/2, 1 A-wide noise of 0.25 A, one of them across the face of the cell."""
    rng = np.random.default_rng(2)
    places = np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, 0.0, 0.2]]) @ SHEARED
    frames = np.stack([places[[0, 1 if k % 2 else 2]] for k in range(2000)])
    found = density_sites(ion_density(frames + rng.normal(scale=0.25, size=frames.shape), SHEARED))
    gap = np.linalg.norm(minimum_image(found.positions[:, None] - places, SHEARED), axis=-1)
    assert len(found.positions) == 3
    assert gap.min(axis=0).max() < 0.05
    assert found.occupancies[gap.argmin(axis=0)] == pytest.approx([1.0, 0.5, 0.5], abs=0.01)
    assert found.assigned_fraction > 0.99


def test_voxels_too_coarse_for_sites_are_warned_of() -> None:
    """Two places 2.5 A apart share a voxel of 3 A: one site, where a finer grid finds both."""
    rng = np.random.default_rng(0)
    ions = np.array([[2.2, 4.5, 4.5], [4.7, 4.5, 4.5]]) + rng.normal(scale=0.2, size=(400, 2, 3))
    with pytest.warns(UserWarning, match="need voxels below half of the least distance of two sites, 1.1 A, got 3 A"):
        density_sites(ion_density(ions, 9 * np.eye(3), spacing=3.0))
    assert len(density_sites(ion_density(ions, 9 * np.eye(3))).positions) == 2


def test_sites_that_count_as_one_place_are_told() -> None:
    """Silver in alpha-AgI, a = 5.05 A: 12 tetrahedral sites (12d of Im-3m, Strock 1934), each 1.79 A from the next."""
    rng = np.random.default_rng(0)
    half = [[0.25, 0.0, 0.5], [0.75, 0.0, 0.5]]
    places = 5.05 * np.array([np.roll(one, k) for one in half for k in range(3)] + [
        np.roll([0.5, 0.0, x], k) for x in (0.25, 0.75) for k in range(3)
    ])  # fmt: skip
    ions = places[rng.integers(12, size=(4000, 2))] + rng.normal(scale=0.2, size=(4000, 2, 3))
    grid = ion_density(ions, 5.05 * np.eye(3))
    with pytest.warns(
        UserWarning, match="maxima of the density are nearly as high .* count as the same .* separation=1.5"
    ):
        assert len(density_sites(grid).positions) < 12
    assert len(density_sites(grid, separation=1.5).positions) == 12


def test_sites_are_the_crystallographic_ones(aimd):
    """Li6PS5Cl at 500 K, 28 ps folded to one cell: with the defaults all 24 positions of 24g and nothing else.

    24g of F-43m as `cage_sites` lists it (doi:10.1021/acs.chemmater.0c03738); every single hole would be one of 48.
    """
    small, parts = None, []
    for run in (1, 2):
        data = aimd("0p", run)
        small = data.cell / 2
        parts.append(remove_drift(data.lithium, data.framework).positions)
    grid = ion_density(np.concatenate(parts), small)
    found = density_sites(grid)
    apart = np.linalg.norm(minimum_image((found.coordinates[:, None] - cage_sites()) @ small, small), axis=-1)
    assert len(found.coordinates) == 24
    assert sorted(apart.argmin(axis=1)) == list(range(24))
    assert apart.min(axis=1).mean() < 0.2  # A
    assert apart.min(axis=1).max() < 0.35
    assert found.occupancies == pytest.approx(8 * 0.875, rel=0.1)  # 8 cells; 12.5 % are between sites
    assert len(density_sites(grid, sites="holes").positions) == 40  # in between 24 and 48: the run is too short


def test_empty_level_gives_no_sites():
    grid = ion_density(np.random.default_rng(3).uniform(0, 8, (50, 20, 3)), 8 * np.eye(3))
    assert len(density_sites(grid, level=1e6).positions) == 0


def test_opendx_is_read_by_another_library(tmp_path):
    gridding = pytest.importorskip("gridData", reason="GridDataFormats is not installed")
    values = np.random.default_rng(4).random((3, 4, 5))
    write_opendx(tmp_path / "density.dx", values, np.diag([3.0, 8.0, 5.0]))
    read = gridding.Grid(str(tmp_path / "density.dx"))
    np.testing.assert_allclose(read.grid, values, rtol=1e-10)
    np.testing.assert_allclose(np.diag(read.delta) if np.ndim(read.delta) == 2 else read.delta, [1.0, 2.0, 1.0])
    np.testing.assert_allclose(read.origin, [0.5, 1.0, 0.5])


def test_vasp_grid_is_read_by_another_library(tmp_path):
    outputs = pytest.importorskip("pymatgen.io.vasp.outputs", reason="pymatgen is not installed")
    values = np.random.default_rng(5).random((3, 4, 5))
    cell = np.diag([3.0, 8.0, 5.0])
    write_vasp_grid(
        tmp_path / "CHGCAR", values, cell, symbols=["S", "Li", "S"], positions=[[1.0, 1, 1], [2, 2, 2], [0.5, 3, 4]]
    )
    read = outputs.VolumetricData.parse_file(str(tmp_path / "CHGCAR"))
    np.testing.assert_allclose(read[1]["total"] / 120.0, values, rtol=1e-9)
    assert [site.specie.symbol for site in read[0].structure] == ["S", "S", "Li"]
    half = np.array([0.5, 1.0, 0.5])
    np.testing.assert_allclose(read[0].structure[2].coords, np.array([2.0, 2.0, 2.0]) - half, atol=1e-6)


def test_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "density.dx"
    target.write_text("old")
    with pytest.raises(InputError, match="values: need finite values on a grid"):
        write_opendx(target, np.full((2, 2, 2), np.nan), np.eye(3))
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_populations_of_regions():
    rng = np.random.default_rng(6)
    still = rng.uniform(0, 10, (60, 3)) + rng.normal(scale=0.1, size=(400, 60, 3))
    steady = region_populations(still, 10 * np.eye(3), [0.1, 0.4, 0.8], frame_time=0.5)
    inside = (still[..., 2] % 10 >= 1) & (still[..., 2] % 10 < 4)
    np.testing.assert_allclose(steady.fractions[:, 0], inside.mean(axis=1))
    np.testing.assert_allclose(steady.fractions.sum(axis=1), 1.0)
    assert all(t.low <= 0 <= t.high for t in steady.trends)
    flow = still.copy()
    flow[..., 2] = np.where(rng.random((400, 60)) < np.linspace(0.2, 0.8, 400)[:, None], 2.0, 9.0)
    trend = region_populations(flow, 10 * np.eye(3), [0.1, 0.4, 0.8], frame_time=0.5).trends[0]
    assert trend.value == pytest.approx(0.6 / 200, rel=0.05)
    assert trend.low > 0


def test_real_density_percolates_only_with_disorder(aimd):
    """Li6PS5Cl, 500 K: with 50 % inversion the density connects the crystal at a far higher level."""
    levels, sites = {}, {}
    for inversion in ("0p", "50p"):
        data = aimd(inversion, 1)
        grid = ion_density(remove_drift(data.lithium, data.framework).positions, data.cell, spacing=0.3)
        levels[inversion] = percolation_threshold(grid.relative(0.3)).threshold
        sites[inversion] = density_sites(grid)
    assert levels["50p"] > 2 * levels["0p"]
    assert 150 < len(sites["0p"].positions) < 450  # 192 Li; 24g or 48h sites of 32 formula units
    assert sites["0p"].assigned_fraction > 0.85


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: DensityAccumulator(np.eye(3), shape=(2, 0, 2)), "shape: need three numbers of voxels"),
        (lambda: DensityAccumulator(np.eye(3), spacing=-1.0), "spacing: need a positive number in A, got -1.0"),
        (
            lambda: DensityAccumulator(np.eye(3), spacing=1e-5),
            r"spacing: need a grid of at most 1e\+08 voxels, got 1e\+15",
        ),
        (
            lambda: density_sites(ion_density(np.ones((1, 1, 3)), np.eye(3)), sites="hole"),
            "sites: .*did you mean 'holes'",
        ),
        (lambda: DensityAccumulator(np.eye(3)).result(), "frames: need at least one, got none"),
        (
            lambda: DensityAccumulator(np.eye(3), shape=(2, 2, 2)).merge(
                DensityAccumulator(np.eye(3), shape=(3, 2, 2))
            ),
            r"other: need a grid of \(2, 2, 2\), got \(3, 2, 2\)",
        ),
        (lambda: percolation_threshold(np.zeros((3, 3))), r"grid: need finite values on a grid \(na, nb, nc\)"),
        (lambda: region_populations(np.zeros((3, 1, 3)), np.eye(3), [0.5]), "edges: need two or more increasing"),
        (lambda: region_populations(np.zeros((3, 1, 3)), np.eye(3), [0, 0.5], axis=3), "axis: need 0, 1 or 2, got 3"),
        (
            lambda: write_vasp_grid("CHGCAR", np.ones((2, 2, 2)), np.eye(3), symbols=["Li"]),
            "positions: need 1 positions, one per symbol",
        ),
    ],
)
def test_bad_input_is_named(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
