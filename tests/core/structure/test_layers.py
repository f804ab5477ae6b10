"""Layers: amorphisation against its literal definition, regions, composition, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.structure import amorphisation_profile, divide_regions, layer_profiles
from ionpath.structure.amorphisation import AmorphisationProfile


def half_and_half(seed: int = 5, amplitude: float = 0.1) -> Any:
    """Crystal with thermal motion below, glass of the same density above, in a box of 24 x 60 x 24 A."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(8), np.arange(10), np.arange(8), indexing="ij"), -1).reshape(-1, 3)
    crystal = grid * 3.0 + 1.5 + rng.normal(0, amplitude, (640, 3))
    glass: list[Any] = []
    while len(glass) < 640:
        trial = rng.uniform([0, 30, 0], [24, 60, 24])
        if glass:
            d = np.array(glass[-400:]) - trial
            d[:, [0, 2]] -= 24 * np.rint(d[:, [0, 2]] / 24)
            if ((d**2).sum(axis=1) < 1.8**2).any():
                continue
        glass.append(trial)
    return np.concatenate([crystal, np.array(glass)]), np.diag([24.0, 60.0, 24.0])


def literal_profile(positions: Any, cell: Any, n_layers: int, grid: float, sigma: float, power: int) -> Any:
    """Eq. 6 of Chen et al. as it stands: a grid of Gaussians, summed over the layer, FFT, no zeroth term."""
    nx, ny, nz = (int(np.ceil(length / grid)) for length in np.diag(cell))
    ny = int(np.ceil(ny / n_layers)) * n_layers
    axes = [np.arange(n) * length / n for n, length in zip((nx, ny, nz), np.diag(cell), strict=True)]
    axes[1] = axes[1] + 0.5 * cell[1, 1] / ny
    columns = []
    for axis, points in enumerate(axes):
        d = points[:, None] - positions[:, axis]
        d -= cell[axis, axis] * np.rint(d / cell[axis, axis])
        columns.append(np.exp(-0.5 * (d / sigma) ** 2))
    sums = np.empty(n_layers)
    for layer in range(n_layers):
        weight = columns[1].reshape(n_layers, -1, len(positions))[layer].sum(axis=0)
        density = (columns[0] * weight) @ columns[2].T
        intensity = np.abs(np.fft.fftshift(np.fft.fft2(density))) ** power
        intensity[nx // 2, nz // 2] = 0.0
        sums[layer] = intensity.sum()
    return sums / sums.max()


@pytest.mark.parametrize(("mode", "power"), [("correct", 1), ("power", 2)])
def test_equals_the_literal_definition(mode: str, power: int) -> None:
    positions, cell = half_and_half()
    found = amorphisation_profile(positions, cell, thickness=6.0, mode=mode)
    expected = literal_profile(positions, cell, 10, 0.5, 0.7, power)
    np.testing.assert_allclose(found.profile, expected, atol=3e-3)


def test_amplitude_puts_glass_above_crystal_and_power_below() -> None:
    """PHYSICS 3.5: amplitude near 0.7 in the crystal, near 1 in the glass; power the other way round."""
    positions, cell = half_and_half()
    amplitude = amorphisation_profile(positions, cell, thickness=6.0).profile
    assert amplitude[1:4].max() < 0.8 and amplitude[6:9].min() > 0.9
    power = amorphisation_profile(positions, cell, thickness=6.0, mode="power").profile
    assert power[1:4].min() > power[6:9].max()


def test_profile_turns_with_the_box_and_ignores_images() -> None:
    positions, cell = half_and_half()
    base = amorphisation_profile(positions, cell, thickness=6.0).profile
    jumped = positions + np.random.default_rng(0).integers(-1, 2, positions.shape) @ cell
    np.testing.assert_allclose(amorphisation_profile(jumped, cell, thickness=6.0).profile, base, atol=1e-9)
    order = [1, 2, 0]
    turned = amorphisation_profile(positions[:, order], np.diag(np.diag(cell)[order]), axis=0, thickness=6.0)
    np.testing.assert_allclose(turned.profile, base, atol=1e-9)


def test_frames_give_an_error_that_shrinks() -> None:
    frames = [half_and_half(seed)[0] for seed in range(6)]
    cell = half_and_half()[1]
    few, many = (amorphisation_profile(frames[:n], cell, thickness=6.0) for n in (2, 6))
    assert np.isnan(amorphisation_profile(frames[0], cell, thickness=6.0).error).all()
    assert (few.error > 0).all() and many.error.mean() < 0.05


def test_regions_and_the_atoms_in_them() -> None:
    positions, cell = half_and_half()
    regions = divide_regions(amorphisation_profile(positions, cell, thickness=6.0))
    assert regions.layers[1:4].tolist() == [0, 0, 0]
    assert regions.layers[6:9].tolist() == [2, 2, 2]
    assert set(regions.layers.tolist()) == {0, 1, 2}
    assert sum(regions.fractions().values()) == pytest.approx(1.0)
    # Dividing lines at 30 A and at the periodic border.
    distance = np.abs(regions.boundaries[:, None] - [0.0, 0.5, 1.0]).min(axis=1) * 60.0
    assert len(regions.boundaries) == 2 and (distance < 6.0).all()
    kinds = regions.of(positions, cell)
    assert (kinds[:640] != 2).mean() > 0.95 and (kinds[640:] != 0).mean() > 0.95


def profile_of(values: list[float]) -> AmorphisationProfile:
    v = np.array(values)
    return AmorphisationProfile(1, np.arange(len(v)) + 0.5, v, np.zeros(len(v)), 1.0, 1)


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        # a dip inside the glass and a bump inside the crystal stay what is around them
        ([0.6, 0.8, 0.6, 1.0, 0.85, 1.0], {"interface_layers": 0}, [0, 0, 0, 2, 2, 2]),
        # a layer between leads from one to the other
        ([0.6, 0.6, 0.8, 1.0, 1.0, 0.8], {}, [0, 0, 1, 2, 2, 1]),
        # sharp borders are widened as long as something is left
        ([0.6] * 4 + [1.0] * 4, {}, [1, 0, 0, 1, 1, 2, 2, 1]),
        ([0.6] * 2 + [1.0] * 2, {}, [0, 0, 2, 2]),
        ([0.6] * 4 + [1.0] * 4, {"interface_layers": 0}, [0, 0, 0, 0, 2, 2, 2, 2]),
    ],
)
def test_hysteresis(values: list[float], options: dict[str, Any], expected: list[int]) -> None:
    assert divide_regions(profile_of(values), **options).layers.tolist() == expected


def test_composition_and_mass_density() -> None:
    rng = np.random.default_rng(1)
    positions = np.concatenate(
        [rng.uniform([0, 0, 0], [10, 20, 10], (300, 3)), rng.uniform([0, 20, 0], [10, 40, 10], (100, 3))]
    )
    species, masses = ["Li"] * 300 + ["S"] * 100, np.r_[np.full(300, 6.94), np.full(100, 32.06)]  # u
    found = layer_profiles(positions, np.diag([10.0, 40.0, 10.0]), species, masses, bins=2)
    np.testing.assert_allclose(found.fractions, [[1.0, 0.0], [0.0, 1.0]])
    # 300 x 6.94 u in 2000 A^3; 1 u/A^3 = 1.66054 g/cm^3
    np.testing.assert_allclose(
        found.mass_density, [300 * 6.94 * 1.66054 / 2000, 100 * 32.06 * 1.66054 / 2000], rtol=1e-5
    )
    np.testing.assert_allclose(found.y, [10.0, 30.0])


def test_bad_input() -> None:
    positions, cell = half_and_half()
    with pytest.raises(InputError, match="thickness: need a positive thickness that fits twice into 60 A, got 40 A"):
        amorphisation_profile(positions, cell, thickness=40)
    with pytest.raises(InputError, match="grid: need a positive distance of at most sigma = 0.7 A, got 1 A"):
        amorphisation_profile(positions, cell, grid=1.0)
    with pytest.raises(InputError, match="axis: need cell vector 0, 1 or 2, got 3"):
        amorphisation_profile(positions, cell, axis=3)
    with pytest.raises(InputError, match="mode: need 'correct' or 'power', got 'x'"):
        amorphisation_profile(positions, cell, mode="x")
    with pytest.raises(
        InputError, match="profile: need values that differ by 0.1 at least, got 0.970 to 1.000; the cell"
    ):
        divide_regions(profile_of([0.97, 1.0, 0.98]))
    with pytest.raises(InputError, match="thresholds: need crystal below glass"):
        divide_regions(profile_of([0.6, 1.0]), thresholds=(0.9, 0.7))
    with pytest.raises(InputError, match="masses: need 2 positive masses in u"):
        layer_profiles(positions[:2], cell, ["Li", "S"], [6.94])
    with pytest.raises(InputError, match="axis: need cell vector 0, 1 or 2 and at least one layer"):
        layer_profiles(positions[:2], cell, ["Li", "S"], [6.94, 32.06], axis=5)
