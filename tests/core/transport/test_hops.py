"""Hops in three modes, residence times, transition counts and strings."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image
from ionpath.transport import (
    cage_hops,
    cooperative_strings,
    displacement_hops,
    final_displacement_hops,
    remove_drift,
    residence_times,
    site_hops,
)


def line(*places, other=0.0):
    """One ion that is at these places (A) along x."""
    path = np.full((len(places), 1, 3), other)
    path[:, 0, 0] = places
    return path


def events_slowly(r, limit):
    """The published rule, ion by ion and frame by frame."""
    found = []
    for ion in range(r.shape[1]):
        reference = r[0, ion]
        for frame in range(len(r)):
            if np.linalg.norm(r[frame, ion] - reference) > limit:
                found.append((frame, ion))
                reference = r[frame, ion]
    return sorted(found)


def test_events_equal_the_slow_rule():
    walk = np.random.default_rng(0).normal(scale=0.6, size=(200, 9, 3)).cumsum(axis=0)
    hops = displacement_hops(walk, smoothing=0.0)
    assert sorted(zip(hops.frame.tolist(), hops.ion.tolist(), strict=True)) == events_slowly(walk, 3.0)
    assert (hops.lengths > 3.0).all()
    assert hops.per_ion.sum() == hops.count
    assert (np.diff(hops.times) >= 0).all()


def test_smoothing_removes_vibrations():
    shaking = np.random.default_rng(1).normal(scale=1.6, size=(400, 20, 3))
    assert displacement_hops(shaking, frame_time=0.1, smoothing=0.0).count > 50
    assert displacement_hops(shaking, frame_time=0.1, smoothing=2.0).count == 0


def test_final_displacement_counts_each_ion_once():
    path = line(0, 4, 0, 8, 12)
    assert final_displacement_hops(path).count == 1
    assert displacement_hops(path, smoothing=0.0).count == 4
    assert final_displacement_hops(line(0, 4, 8, 2)).count == 0


def test_three_angstrom_does_not_tell_cages_apart():
    """By the published rule a 4 A move within one cage counts, and a 2.4 A hop between cages does not."""
    cell, centres = np.diag([20.0, 10.0, 10.0]), [[3.0, 0, 0], [10.0, 0, 0]]
    within = line(*[1.0] * 10, *[5.0] * 10)
    between = line(*[5.4] * 10, *[7.8] * 10)
    options = {"frame_time": 0.5}
    assert displacement_hops(within, smoothing=0.0).count == 1
    assert cage_hops(within, cell, centres, **options)[0].count == 0
    assert displacement_hops(between, smoothing=0.0).count == 0
    hops, cages = cage_hops(between, cell, centres, **options)
    assert (hops.count, hops.origin[0], hops.destination[0]) == (1, 0, 1)
    assert hops.lengths[0] == pytest.approx(2.4)
    assert cages[:, 0].tolist() == [0] * 10 + [1] * 10


def test_short_visits_do_not_count_as_hops():
    cell, centres = 20 * np.eye(3), [[3.0, 0, 0], [10.0, 0, 0]]
    visit = line(*[4.0] * 20, *[8.0] * 4, *[4.0] * 20)
    assert cage_hops(visit, cell, centres, frame_time=0.2, hysteresis=1.0)[0].count == 0
    assert cage_hops(visit, cell, centres, frame_time=0.2, hysteresis=0.5)[0].count == 2
    assert cage_hops(visit, cell, centres, frame_time=0.2, hysteresis=0.5)[0].returns == 1.0


def test_cages_do_not_depend_on_wrapping_or_origin():
    rng = np.random.default_rng(2)
    cell = np.array([[10.0, 0, 0], [3.0, 9.0, 0], [-2.0, 4.0, 11.0]])
    walk = rng.normal(scale=0.5, size=(100, 8, 3)).cumsum(axis=0)
    centres = rng.uniform(size=(6, 3)) @ cell
    expected = cage_hops(walk, cell, centres)[1]
    shift = rng.integers(-2, 3, (8, 3)) @ cell
    np.testing.assert_array_equal(cage_hops(walk + shift, cell, centres + cell[0])[1], expected)
    vectors = minimum_image(walk[:, :, None] - centres, cell)
    nearest = np.linalg.norm(vectors, axis=-1).argmin(axis=-1)
    np.testing.assert_array_equal(cage_hops(walk, cell, centres, hysteresis=0.0)[1], nearest)


def test_rate_is_that_of_a_poisson_process():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(60):
        sites = (rng.random((300, 20)) < 0.02).cumsum(axis=0) % 5
        rate = site_hops(sites, frame_time=0.5).rate
        inside += rate.low <= 0.04 <= rate.high
        assert rate.unit == "1/ps"
    assert inside >= 54


def test_no_hops_give_an_upper_bound_of_the_rate():
    rate = site_hops(np.zeros((101, 10), dtype=int), frame_time=1.0).rate
    assert np.isnan(rate.value)
    assert rate.high == pytest.approx(-np.log(0.05) / 1000)  # 95 %: exp(-rate * 1000 ps) = 0.05


def test_transit_is_not_a_site():
    """Another code books -1 as the last site, and so counts hops to a site that nobody was on."""
    sites = np.array([[0, -1, -1, 1, 1, -1, 1, 0], [2, 2, -1, 2, 2, 2, -1, -1]]).T
    hops = site_hops(sites)
    assert hops.matrix(4).tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert hops.frame.tolist() == [3, 7]


def test_sites_that_nobody_visits_shift_nothing():
    """Another code renumbers sites when one of them stays empty: states 3 3 4 4 came out as 0 0 1 1."""
    cell, centres = 50 * np.eye(3), np.array([[5.0 + 8 * k, 5.0, 5.0] for k in range(5)])
    path = line(29.0, 29.2, 37.0, 37.1, other=5.0)
    hops, cages = cage_hops(path, cell, centres, hysteresis=0.0)
    assert cages[:, 0].tolist() == [3, 3, 4, 4]
    assert hops.matrix(5)[3, 4] == 1
    assert hops.matrix(5).sum() == 1
    assert hops.lengths[0] == pytest.approx(7.8)


def test_residence_times_and_what_is_cut_off():
    stays = residence_times(np.array([[0, 0, -1, 0, 1, 1, 0, 0, 0], [3] * 9, [-1] * 9]).T, frame_time=0.5)
    assert stays.times.tolist() == [2.0, 1.0, 1.5, 4.5]
    assert stays.place.tolist() == [0, 1, 0, 3]
    assert stays.complete.tolist() == [False, True, False, False]
    assert stays.departed.tolist() == [True, True, False, False]
    assert stays.mean.value == pytest.approx(9.0 / 2)


def test_mean_residence_covers_the_truth_although_stays_are_cut_off():
    """Leaving with 0.5 % per frame: 200 frames on average, in series of 150 frames; complete stays alone say 50."""
    rng = np.random.default_rng(4)
    values = []
    for _ in range(40):
        sites = (rng.random((150, 30)) < 0.005).cumsum(axis=0) % 3
        stays = residence_times(sites)
        values.append(stays.mean)
    assert np.mean([v.low <= 200 <= v.high for v in values]) >= 0.9
    assert stays.times[stays.complete].mean() < 100


def test_site_analysis_counts_the_same_transitions():
    spheres = pytest.importorskip("site_analysis.spherical_site", reason="site-analysis is not installed")
    atoms = pytest.importorskip("site_analysis.atom", reason="site-analysis is not installed")
    collections = pytest.importorskip(
        "site_analysis.spherical_site_collection", reason="site-analysis is not installed"
    )
    rng = np.random.default_rng(5)
    edge, frames = 12.0, 200
    places = np.array([[x, 3.0, 3.0] for x in (1.5, 4.5, 7.5, 10.5)])
    walk = np.full((frames, 5, 3), 3.0)
    walk[..., 0] = rng.normal(scale=0.7, size=(frames, 5)).cumsum(axis=0) + rng.uniform(0, 12, 5)
    theirs = [spheres.SphericalSite(frac_coords=p / edge, rcut=1.0) for p in places]
    ions = [atoms.Atom(index=k) for k in range(5)]
    collection = collections.SphericalSiteCollection(theirs)
    for frame in walk:
        for ion in ions:
            ion.assign_coords(frame / edge)
        collection.assign_site_occupations(ions, edge * np.eye(3))
        for ion in ions:
            ion.trajectory.append(ion.in_site)
    vectors = minimum_image(walk[:, :, None] - places, edge * np.eye(3))
    distance = np.linalg.norm(vectors, axis=-1)
    ours = np.where(distance.min(axis=-1) <= 1.0, distance.argmin(axis=-1), -1)
    lookup = {site.index: k for k, site in enumerate(theirs)}
    trajectories = np.array([[-1 if s is None else lookup[s] for s in ion.trajectory] for ion in ions]).T
    if trajectories.size:
        np.testing.assert_array_equal(trajectories, ours)
    expected = np.zeros((4, 4), dtype=int)
    for site in theirs:
        for other, number in site.transitions.items():
            expected[lookup[site.index], lookup[other]] += number
    assert expected.sum() > 10
    np.testing.assert_array_equal(site_hops(ours, transit=False).matrix(4), expected)
    assert site_hops(ours).count > expected.sum()


def test_strings_join_ions_that_follow_each_other():
    """A train of three ions, a fourth that hops far away, a fifth that follows too late, and one across the face."""
    edge = 30.0
    r = np.zeros((40, 6, 3))
    r[:, :, 0] = [2.0, 5.0, 8.0, 20.0, -1.0, 29.0 - 30.0]
    r[:, 5, 1] = 10.0
    r[10:, :3, 0] += 3.0
    r[10:, 3, 0] += 4.0
    r[30:, 4, 0] += 3.5
    hops = displacement_hops(r, frame_time=0.1, smoothing=0.0, distance=2.5)
    strings = cooperative_strings(hops, edge * np.eye(3), window=0.5, distance=1.0)
    assert sorted(strings.sizes.tolist()) == [1, 1, 3]
    assert {tuple(p) for p in strings.ions.tolist()} == {(0, 1), (1, 2)}
    assert strings.cooperative_fraction == pytest.approx(3 / 5)
    sizes, counts = strings.distribution()
    assert (sizes.tolist(), counts.tolist()) == ([1, 2, 3], [2, 0, 1])
    later = cooperative_strings(hops, edge * np.eye(3), window=2.5, distance=1.0)
    assert sorted(later.sizes.tolist()) == [1, 4]


def test_strings_equal_brute_force_in_a_sheared_cell():
    rng = np.random.default_rng(6)
    cell = np.array([[9.0, 0, 0], [4.0, 8.0, 0], [-3.0, 2.0, 9.0]])
    walk = rng.normal(scale=0.8, size=(60, 12, 3)).cumsum(axis=0) + rng.uniform(size=(12, 3)) @ cell
    hops = displacement_hops(walk, frame_time=0.5, smoothing=0.0, distance=2.0)
    strings = cooperative_strings(hops, cell, window=2.0, distance=1.5)
    gap = np.linalg.norm(minimum_image(hops.end[:, None] - hops.start, cell), axis=-1)
    late = np.abs(hops.times[:, None] - hops.times)
    joined = (gap < 1.5) & (late <= 2.0) & (hops.ion[:, None] != hops.ion)
    expected = {tuple(p) for p in np.argwhere(joined).tolist()}
    assert len(expected) > 10
    assert {tuple(p) for p in strings.hops.tolist()} == expected


def test_disorder_lets_lithium_leave_its_cage(aimd):
    """Li6PS5Cl at 500 K: no hop between the sulfur cages in 14 ps without inversion, dozens with 50 %."""
    counts = {}
    for inversion in ("0p", "50p"):
        data = aimd(inversion, 1)
        free = remove_drift(data.lithium, data.framework)
        frame = (data.framework - free.drift[:, None]).mean(axis=0)
        elements = data.elements[data.elements != "Li"]
        anions, phosphorus = frame[elements != "P"], frame[elements == "P"]
        gap = np.linalg.norm(minimum_image(anions[:, None] - phosphorus, data.cell), axis=-1).min(axis=1)
        central = anions[gap > 3.0]
        inner = np.round(central @ np.linalg.inv(data.cell) * 8) % 2 == 1  # 4d: odd eighths of a 2x2x2 cell
        hops, _ = cage_hops(free.positions, data.cell, central[inner.all(axis=1)], frame_time=data.frame_time)
        counts[inversion] = hops.count
    assert counts["0p"] <= 2
    assert counts["50p"] >= 40


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: cage_hops(line(1, 2), np.eye(3), [[0, 0, 0]]), r"centres: need at least two positions \(M, 3\) in A"),
        (lambda: site_hops(np.zeros((4, 2))), r"site: need integers \(T, N\)"),
        (lambda: site_hops(np.zeros((4, 2), int), np.zeros((4, 3, 3))), r"positions: need shape \(4, 2, 3\)"),
        (lambda: displacement_hops(line(1, 2), smoothing=5.0), "smoothing: need less than the 2 frames"),
        (lambda: displacement_hops(line(1, 2), distance=0.0), "distance: need a distance in A above zero"),
        (lambda: displacement_hops(line(0, 9), smoothing=0.0).matrix(), "need hops between cages or sites"),
        (lambda: site_hops(np.array([[0], [5]])).matrix(3), "n_cages: need at least 6, got 3"),
    ],
)
def test_bad_input_is_named(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
