"""Diffusion coefficients: right, with errors that mean what they say, or a bound."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.transport import estimate_diffusion, ion_transport, mean_squared_displacement, msd_covariance, remove_drift


def brownian(rng, frames, ions, diffusion, frame_time, rattle=0.0, memory=0.0):
    """Walk of known coefficient (A^2/ps); with rattling of width `rattle` (A) that lasts `memory` (ps)."""
    walk = rng.normal(scale=np.sqrt(2 * diffusion * frame_time), size=(frames, ions, 3)).cumsum(axis=0)
    noise = rng.normal(scale=rattle, size=walk.shape) if rattle else np.zeros_like(walk)
    if memory:
        keep = np.exp(-frame_time / memory)
        for i in range(1, frames):
            noise[i] = keep * noise[i - 1] + np.sqrt(1 - keep**2) * noise[i]
    return walk + noise


def hopping(rng, frames, ions, rate, length, frame_time, rattle):
    """Jumps of `length` (A) along +-x, +-y, +-z at `rate` (1/ps) in all, with rattling; D = rate length^2 / 6."""
    jumps = rng.poisson(rate * frame_time / 6, size=(frames, ions, 2, 3))
    walk = length * (jumps[:, :, 0] - jumps[:, :, 1]).cumsum(axis=0)
    return walk + rng.normal(scale=rattle, size=walk.shape)


def test_covariance_is_that_of_many_walks():
    rng = np.random.default_rng(4)
    frames, lags = 40, [1, 3, 8, 15]
    walks = rng.normal(size=(60000, frames)).cumsum(axis=1) + rng.normal(scale=0.7, size=(60000, frames))
    values = np.stack([((walks[:, n:] - walks[:, :-n]) ** 2).mean(axis=1) for n in lags], axis=1)
    model = np.arange(60.0) + 2 * 0.7**2
    model[0] = 0.0
    expected = msd_covariance(lags, model, frames)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(expected / scale, np.cov(values.T) / scale, atol=0.02)


def test_covariance_of_overlapping_windows_equals_the_double_sum():
    frames, n, m = 12, 5, 3
    walk = np.minimum.outer(np.arange(frames), np.arange(frames)).astype(float)  # E[x_i x_j] of a walk with unit steps
    total = 0.0
    for i in range(frames - n):
        for j in range(frames - m):
            product = walk[i + n, j + m] - walk[i + n, j] - walk[i, j + m] + walk[i, j]
            total += 2 * product**2
    total /= (frames - n) * (frames - m)
    assert msd_covariance([n, m], np.arange(30.0), frames)[0, 1] == pytest.approx(total, rel=1e-12)


def coverage(make, truth, repeats=100):
    found = [estimate_diffusion(*make()).coefficient for _ in range(repeats)]
    inside = np.mean([abs(e.value - truth) <= e.error for e in found])
    within = np.mean([e.low <= truth <= e.high for e in found])
    bias = np.mean([e.value for e in found]) / truth - 1
    return inside, within, bias


CASES = {
    "free": (lambda rng: (brownian(rng, 200, 32, 0.1, 1.0), 1.0), 0.1),
    "rattling": (lambda rng: (brownian(rng, 200, 32, 0.1, 1.0, rattle=0.5), 1.0), 0.1),
    "slow rattling": (lambda rng: (brownian(rng, 200, 32, 0.1, 1.0, rattle=0.5, memory=3.0), 1.0), 0.1),
    "hops": (lambda rng: (hopping(rng, 200, 32, 0.1, 2.5, 1.0, 0.4), 1.0), 0.1 * 2.5**2 / 6),
}


@pytest.mark.parametrize("case", CASES)
def test_intervals_cover_the_truth(case):
    """68 % within 8 points and 95 % within 5 of 100 walks of 32 ions and 200 frames; no bias beyond 3 %."""
    make, truth = CASES[case]
    rng = np.random.default_rng(7)
    inside, within, bias = coverage(lambda: make(rng), truth)
    assert inside == pytest.approx(0.68, abs=0.08)
    assert within == pytest.approx(0.95, abs=0.05)
    assert abs(bias) < 0.03


def test_ions_that_move_at_the_same_times_widen_the_error():
    """Groups of eight ions share the times at which they are fast: quoted errors must follow the true scatter."""
    rng = np.random.default_rng(17)
    values, errors, widened = [], [], []
    for _ in range(40):
        pace = np.repeat(rng.exponential(size=(20, 4)), 8, axis=1).repeat(10, axis=0)
        steps = rng.normal(size=(200, 32, 3)) * np.sqrt(0.2 * pace)[..., None]
        found = estimate_diffusion(steps.cumsum(axis=0), 1.0, window=(1, 40))
        values.append(found.coefficient.value)
        errors.append(found.coefficient.error)
        widened.append(found.widening > 1)
    assert np.mean(widened) > 0.9
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.35)
    alone = [estimate_diffusion(brownian(rng, 200, 32, 0.1, 1.0), 1.0).widening > 1 for _ in range(40)]
    assert np.mean(alone) <= 0.15


def test_window_starts_after_two_hops_where_hops_show():
    """0.1 hops of 3 A a frame and nothing else: two hops are 18 A^2; walkers with the same D start at once."""
    rng = np.random.default_rng(21)
    hops = estimate_diffusion(hopping(rng, 600, 60, 0.1, 3.0, 1.0, 0.0), 1.0)
    assert hops.msd.total[hops.window.start_lag] == pytest.approx(18.0, abs=2.5)
    assert hops.coefficient.low < 0.1 * 3.0**2 / 6 < hops.coefficient.high
    walk = estimate_diffusion(brownian(rng, 600, 60, 0.15, 1.0), 1.0)
    assert walk.window.start == 1.0
    free = estimate_diffusion(hopping(rng, 600, 60, 0.1, 3.0, 1.0, 0.0), 1.0, minimum_msd=1.0)
    assert free.window.start_lag < hops.window.start_lag


def test_axes_have_their_own_coefficients():
    rng = np.random.default_rng(3)
    walk = brownian(rng, 2000, 64, 1.0, 1.0) * np.sqrt([0.1, 0.2, 0.4])
    found = estimate_diffusion(walk, 1.0)
    for axis, truth in zip(found.axes, (0.1, 0.2, 0.4), strict=True):
        assert axis.value == pytest.approx(truth, abs=3 * axis.error)
        assert axis.error < 0.05 * truth
    assert found.coefficient.value == pytest.approx(np.mean([a.value for a in found.axes]), rel=1e-9)


def test_independent_ions_have_a_haven_ratio_of_one():
    found = estimate_diffusion(brownian(np.random.default_rng(0), 4000, 24, 0.1, 1.0), 1.0)
    assert found.haven_ratio.low < 1.0 < found.haven_ratio.high
    assert found.haven_ratio.error < 0.1


def test_ions_that_move_in_pairs_carry_twice_the_charge():
    alone = brownian(np.random.default_rng(5), 4000, 12, 0.1, 1.0)
    found = estimate_diffusion(np.concatenate([alone, alone + 3.0], axis=1), 1.0)
    assert found.collective.value / found.coefficient.value == pytest.approx(2.0, rel=0.2)
    assert found.haven_ratio.low < 0.5 < found.haven_ratio.high


def test_caged_ions_give_a_bound_and_say_why():
    rng = np.random.default_rng(8)
    found = estimate_diffusion(rng.normal(scale=0.5, size=(500, 20, 3)), 0.1)
    assert not found.diffused
    assert np.isnan(found.coefficient.value)
    assert found.coefficient.low == 0.0
    assert 0 < found.coefficient.high < 0.02
    assert "upper bound only" in found.verdict
    assert str(found.coefficient).startswith("< ")


def test_bound_lies_above_rare_hops():
    rng = np.random.default_rng(9)
    truth = 0.0005 * 3.0**2 / 6
    bounds = [estimate_diffusion(hopping(rng, 200, 32, 0.0005, 3.0, 1.0, 0.4), 1.0).coefficient.high for _ in range(40)]
    assert np.mean(np.array(bounds) >= truth) >= 0.95


def test_moves_shorter_than_a_site_spacing_do_not_count():
    walk = brownian(np.random.default_rng(2), 300, 32, 0.005, 1.0)
    assert "less than the 9 A^2 of one site spacing" in estimate_diffusion(walk, 1.0).verdict
    assert estimate_diffusion(walk, 1.0, minimum_msd=1.0).coefficient.value == pytest.approx(0.005, rel=0.15)


def test_result_does_not_depend_on_units_of_time_origin_or_order():
    walk = brownian(np.random.default_rng(6), 300, 16, 0.2, 1.0)
    found = estimate_diffusion(walk, 1.0).coefficient
    faster = estimate_diffusion(walk, 0.5, ballistic=0.5).coefficient
    assert faster.value == pytest.approx(2 * found.value, rel=1e-9)
    moved = estimate_diffusion(walk[:, ::-1] + 100.0, 1.0).coefficient
    assert (moved.value, moved.error) == pytest.approx((found.value, found.error), rel=1e-6)


def test_given_window_is_used():
    walk = brownian(np.random.default_rng(6), 300, 16, 0.2, 1.0)
    found = estimate_diffusion(walk, 1.0, window=(20, 100))
    assert (found.window.start, found.window.stop, found.window.criterion) == (20.0, 100.0, "given")
    assert found.coefficient.value == pytest.approx(0.2, abs=4 * found.coefficient.error)


def test_displacements_may_be_computed_before():
    walk = brownian(np.random.default_rng(6), 300, 16, 0.2, 1.0)
    msd = mean_squared_displacement(walk, frame_time=1.0, lags=None)
    assert estimate_diffusion(msd).coefficient == estimate_diffusion(walk, 1.0).coefficient


def test_drift_of_the_framework_is_taken_off():
    rng = np.random.default_rng(11)
    walk, frame = brownian(rng, 300, 20, 0.2, 1.0), np.tile(rng.uniform(0, 10, (30, 3)), (300, 1, 1))
    moving = np.arange(300.0)[:, None, None] * np.array([0.1, -0.2, 0.05])
    free = remove_drift(walk + moving, frame + moving)
    np.testing.assert_allclose(free.drift, moving[:, 0], atol=1e-9)
    np.testing.assert_allclose(free.positions, walk, atol=1e-9)


def test_without_framework_the_centre_of_ions_is_used_and_corrected_for():
    rng = np.random.default_rng(12)
    with pytest.warns(UserWarning, match="no framework atoms: the drift of the centre of the mobile ions"):
        free = remove_drift(brownian(rng, 3000, 8, 0.2, 1.0))
    assert (free.reference, free.factor) == ("ions", 1 - 1 / 8)
    assert estimate_diffusion(free.positions, 1.0).coefficient.value == pytest.approx(0.2 * 7 / 8, rel=0.05)


def test_one_call_unwraps_corrects_and_converts():
    """Against the Nernst-Einstein relation written out; the input is wrapped and drifts."""
    rng = np.random.default_rng(13)
    edge, temperature = 12.0, 400.0
    walk = brownian(rng, 2000, 30, 0.05, 1.0) + rng.uniform(0, edge, (30, 3))
    frame = np.tile(rng.uniform(0, edge, (50, 3)), (2000, 1, 1))
    drift = np.arange(2000.0)[:, None, None] * 0.01
    positions = np.concatenate([frame, walk], axis=1) + drift
    found = ion_transport(
        positions % edge, edge * np.eye(3), np.arange(50, 80), frame_time=1.0, temperature=temperature
    )
    assert found.diffusion.coefficient.value == pytest.approx(0.05, abs=3 * found.diffusion.coefficient.error)
    expected = 30 / edge**3 * 1e30 * 1.602176634e-19**2 * 0.05e-8 / (1.380649e-23 * temperature) * 10  # S/m -> mS/cm
    assert found.conductivity.value == pytest.approx(expected, abs=3 * found.conductivity.error)
    assert found.conductivity.unit == "mS/cm"
    assert found.drift_reference == "framework"
    assert "mS/cm" in str(found)


def test_one_call_takes_unwrapped_positions_as_they_are_and_refuses_long_steps_of_wrapped_ones():
    """Steps of 4 A (one sigma) in a cell of 12 A: D = 16 / 2 = 8 A^2/ps; folded they would give about 6."""
    rng = np.random.default_rng(3)
    ions = rng.normal(0.0, 4.0, (400, 30, 3)).cumsum(axis=0) + rng.uniform(0, 12, (30, 3))
    positions = np.concatenate([ions, np.tile(rng.uniform(0, 12, (50, 3)), (400, 1, 1))], axis=1)
    options = {"frame_time": 1.0, "temperature": 400.0}
    found = ion_transport(positions, 12 * np.eye(3), np.arange(30), **options).diffusion.coefficient
    assert found.value == pytest.approx(8.0, abs=3 * found.error)  # A^2/ps
    for cells in (12 * np.eye(3), np.repeat(12 * np.eye(3)[None], 400, axis=0)):
        with pytest.raises(InputError, match="steps of ions between frames: need steps well below half.*lie closer"):
            ion_transport(positions % 12, cells, np.arange(30), **options)
    positions[200:, 30:] += 12.0  # the framework jumps by a cell, the ions do not
    with pytest.raises(InputError, match="coordinates: need unwrapped ones throughout.*near frame"):
        ion_transport(positions, 12 * np.eye(3), np.arange(30), **options)
    with pytest.raises(InputError, match="cells: need shape .*one cell for each frame, got shape"):
        ion_transport(positions, np.repeat(12 * np.eye(3)[None], 5, axis=0), np.arange(30), **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"window": (0.0, 50.0)}, "window: need two lag times well apart, between 1 ps and 299 ps"),
        ({"window": (20.0, 400.0)}, "choose another window or leave it out"),
        ({"ballistic": 200.0}, "need lag times beyond twice the ballistic limit of 200 ps, got 209 ps"),
        ({"minimum_msd": -1.0}, r"minimum_msd: need a displacement in A\^2 above zero"),
    ],
)
def test_bad_options_are_named(options, sentence):
    walk = brownian(np.random.default_rng(6), 300, 4, 0.2, 1.0)
    with pytest.raises(InputError, match=sentence):
        estimate_diffusion(walk, 1.0, **options)


def test_too_short_a_trajectory_is_named():
    with pytest.raises(InputError, match="need at least 10 frames to see diffusion, got 8; use a longer trajectory"):
        estimate_diffusion(np.zeros((8, 2, 3)), 1.0)


def test_displacements_without_ions_are_refused():
    msd = mean_squared_displacement(brownian(np.random.default_rng(0), 50, 4, 0.1, 1.0))
    with pytest.raises(InputError, match="need values of single ions, got none; compute it with"):
        estimate_diffusion(msd)


@pytest.mark.parametrize(
    ("mobile", "sentence"),
    [
        ([7], "mobile: need whole numbers from 0 to 3, got 7"),
        ([-1], "mobile: need whole numbers from 0 to 3, got -1"),
        ([], "need at least one ion, got none"),
        (np.array([True, False]), r"need a mask over 4 atoms, got shape \(2,\)"),
    ],
)
def test_bad_selection_is_named(mobile, sentence):
    walk = brownian(np.random.default_rng(0), 50, 4, 0.1, 1.0)
    with pytest.raises(InputError, match=sentence):
        ion_transport(
            walk, 20 * np.eye(3), np.asarray(mobile, dtype=None if len(mobile) else int), frame_time=1, temperature=1
        )


@pytest.mark.parametrize(("inversion", "run"), [("0p", 1), ("0p", 2), ("50p", 1), ("50p", 2)])
def test_short_real_runs_give_bounds(aimd, inversion, run):
    """14 ps at 500 K carry lithium less than one site spacing: no number without a word."""
    data = aimd(inversion, run)
    found = ion_transport(
        data.positions, data.cell, data.elements == "Li", frame_time=data.frame_time, temperature=500.0
    )
    assert not found.diffusion.diffused
    assert 0.05 < found.diffusion.coefficient.high < 0.25  # A^2/ps; kinisi puts 50 % at 0.133 from 2 ps on
    assert found.drift_reference == "framework"


def test_lower_threshold_gives_the_coefficient_of_disordered_lithium(aimd):
    """With a given window: other tools give 0.133 (kinisi) to 0.140 A^2/ps (GEMDAT); disorder moves lithium faster."""
    values = {}
    for inversion in ("0p", "50p"):
        runs = [
            estimate_diffusion(
                remove_drift(d.lithium, d.framework).positions, d.frame_time, window=(2.0, 9.8), minimum_msd=6.0
            ).coefficient
            for d in (aimd(inversion, 1), aimd(inversion, 2))
        ]
        assert abs(runs[0].value - runs[1].value) < 3 * np.hypot(runs[0].error, runs[1].error)
        values[inversion] = np.mean([e.value for e in runs])
    assert values["50p"] == pytest.approx(0.138, abs=0.015)
    assert values["50p"] > values["0p"]


def test_times_that_a_file_has_rounded_give_the_same_window():
    """0.1 ps in single precision is 0.10000000149 ps, or 0.09999999 as a difference: the ballistic limit of 1 ps was
    10 or 11 frames, and the Haven ratio 1.5 or 1.7.
    """
    walk = np.random.default_rng(0).normal(scale=1.5, size=(400, 100, 3)).cumsum(axis=0)
    found = [
        estimate_diffusion(mean_squared_displacement(walk, frame_time=0.1 * (1 + rounding), lags=None)).window.start_lag
        for rounding in (0.0, 1e-6, -1e-6)
    ]
    assert found == [10, 10, 10]
