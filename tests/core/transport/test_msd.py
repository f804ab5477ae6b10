"""Mean squared displacement: the transform against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.transport import collective_displacement, local_exponent, mean_squared_displacement, msd, msd_by_fft


def direct(series):
    """Definition: mean over all origins of the squared difference, lag by lag."""
    frames = series.shape[-1]
    return np.stack(
        [((series[..., n:] - series[..., : frames - n]) ** 2).mean(axis=-1) for n in range(frames)], axis=-1
    )


@pytest.fixture
def walk():
    rng = np.random.default_rng(1)
    return rng.normal(size=(150, 12, 3)).cumsum(axis=0) * [1.0, 2.0, 0.5] + rng.uniform(-50, 50, (12, 3))


def test_transform_equals_definition(walk):
    series = walk.transpose(1, 2, 0)
    np.testing.assert_allclose(msd_by_fft(series), direct(series), rtol=1e-11, atol=1e-11)


def test_every_average_equals_definition(walk):
    found = mean_squared_displacement(walk, frame_time=0.5, lags=[1, 7, 149])
    expected = direct(walk.transpose(1, 2, 0))
    np.testing.assert_allclose(found.axes, expected.mean(axis=0).T, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found.total, expected.mean(axis=0).sum(axis=0), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(found.by_ion, expected[..., [1, 7, 149]].transpose(0, 2, 1), rtol=1e-10)
    together = direct(walk.sum(axis=1).T) / 12
    np.testing.assert_allclose(found.collective, together.T, rtol=1e-10, atol=1e-10)
    assert found.times[7] == pytest.approx(3.5)
    assert (found.n_frames, found.n_ions) == (150, 12)


def test_batches_of_ions_change_nothing(walk, monkeypatch):
    whole = mean_squared_displacement(walk, lags=None)
    monkeypatch.setattr(msd, "BATCH_BYTES", 1)
    one_by_one = mean_squared_displacement(walk, lags=None)
    np.testing.assert_allclose(one_by_one.total, whole.total, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(one_by_one.by_ion, whole.by_ion, rtol=1e-12)
    np.testing.assert_allclose(one_by_one.collective, whole.collective, rtol=1e-11, atol=1e-11)


def test_origin_order_and_direction_of_time_do_not_matter(walk):
    whole = mean_squared_displacement(walk).total
    order = np.random.default_rng(0).permutation(12)
    for other in (walk + [1e3, -2e3, 5e2], walk[:, order], walk[::-1]):
        np.testing.assert_allclose(mean_squared_displacement(other).total, whole, rtol=1e-8, atol=1e-8)


def test_single_precision_input_is_summed_in_double(walk):
    single = walk.astype(np.float32)
    np.testing.assert_allclose(
        mean_squared_displacement(single).total,
        direct(single.astype(float).transpose(1, 2, 0)).mean(axis=0).sum(axis=0),
        rtol=1e-11,
        atol=1e-11,
    )


def test_input_is_left_as_it_is(walk):
    before = walk.copy()
    mean_squared_displacement(walk, lags=None)
    np.testing.assert_array_equal(walk, before)


def test_equal_to_freud(walk):
    freud_msd = pytest.importorskip("freud.msd", reason="freud is not installed")
    expected = freud_msd.MSD(mode="window").compute(walk.astype(np.float64)).msd
    np.testing.assert_allclose(mean_squared_displacement(walk).total, expected, rtol=2e-4, atol=1e-3)


def test_exponents_of_ballistic_and_diffusive_motion():
    t = np.arange(200) * 0.1
    assert local_exponent(t, 5.0 * t**2)[20:100] == pytest.approx(2.0)
    assert local_exponent(t, 0.3 * t)[20:100] == pytest.approx(1.0)
    assert np.isnan(local_exponent(t, t)[[0, 199]]).all()


def test_collective_displacement_starts_at_zero(walk):
    np.testing.assert_allclose(collective_displacement(walk), (walk - walk[0]).sum(axis=1), atol=1e-9)


@pytest.mark.parametrize(
    ("positions", "sentence"),
    [
        (np.zeros((5, 3)), r"positions: need an array of shape \(frames, ions, 3\), got shape \(5, 3\)"),
        (np.zeros((1, 4, 3)), "need at least 2 frames, got 1; read more of the trajectory"),
        (np.zeros((5, 0, 3)), "need at least one ion, got none; check the selection"),
        (np.full((5, 2, 3), np.nan), "need finite coordinates, got nan or infinite ones in frame 0"),
    ],
)
def test_bad_positions_are_named(positions, sentence):
    with pytest.raises(InputError, match=sentence):
        mean_squared_displacement(positions)


@pytest.mark.parametrize(
    ("lags", "sentence"),
    [
        ([1, 150], "lags: need lags from 0 to 149 frames in a trajectory of 150 frames, got 150; use shorter lags"),
        ([-1], "got -1"),
        ([1.5], "need whole numbers of frames"),
    ],
)
def test_bad_lags_are_named(walk, lags, sentence):
    with pytest.raises(InputError, match=sentence):
        mean_squared_displacement(walk, lags=lags)


def test_frame_time_must_be_positive(walk):
    with pytest.raises(InputError, match=r"frame_time: need a time between frames in ps above zero, got 0\.0"):
        mean_squared_displacement(walk, frame_time=0.0)


def test_reference_values_on_real_data(aimd):
    """Li6PS5Cl, 50 % inversion, 500 K, without drift correction: freud, MDAnalysis, Ripple and NumPy agree on these."""
    lithium = aimd("50p", 1).lithium
    found = mean_squared_displacement(lithium).total
    np.testing.assert_allclose(found[[1, 10, 50]], [0.44538, 1.60030, 5.11224], rtol=0, atol=6e-6)  # A^2
    for lag in (1, 10, 50, 139):
        assert found[lag] == pytest.approx(((lithium[lag:] - lithium[:-lag]) ** 2).sum(axis=2).mean(), rel=1e-11)
