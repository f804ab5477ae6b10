"""From sites to trajectories of states, and how much each site is used."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.sites.occupancy import site_occupancies
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.trajectories import core_sets, iter_shell_trajectories, shell_trajectories


def random_sites(n_sites, frames=200, ions=30, seed=1, unassigned=0.3):
    """Ions that stay for a while, with frames on no site, and one that never is on a site."""
    rng = np.random.default_rng(seed)
    site = np.empty((frames, ions), dtype=np.int32)
    for n in range(ions):
        stays = rng.geometric(0.2, size=frames)
        site[:, n] = np.repeat(rng.integers(0, n_sites, frames), stays)[:frames]
    site[rng.random(site.shape) < unassigned] = -1
    site[:, 7] = -1
    return site


def loop_core_sets(site, minimum_residence):
    """Slow twin, ion by ion and frame by frame."""

    def fill(series):
        assigned = [s for s in series if s >= 0]
        if not assigned:
            return list(series)
        last, filled = assigned[0], []
        for s in series:
            last = s if s >= 0 else last
            filled.append(last)
        return filled

    result = []
    for series in site.T:
        series = fill(series)
        if minimum_residence > 1:
            start, kept = 0, list(series)
            for t in range(1, len(series) + 1):
                if t == len(series) or series[t] != series[start]:
                    if t - start < minimum_residence:
                        kept[start:t] = [-1] * (t - start)
                    start = t
            series = fill(kept)
        result.append(series)
    return np.array(result).T


@pytest.mark.parametrize("minimum_residence", [1, 2, 5, 1000])
def test_core_sets_agree_with_a_loop(minimum_residence):
    site = random_sites(12)
    before = site.copy()
    found = core_sets(site, minimum_residence=minimum_residence)
    np.testing.assert_array_equal(found, loop_core_sets(site, minimum_residence))
    np.testing.assert_array_equal(site, before)
    assert (found[:, 7] == -1).all()
    if minimum_residence < 1000:
        assert (np.delete(found, 7, axis=1) >= 0).all()


def loop_trajectories(site, shells, home):
    """Slow twin: (ion, cage) -> list of states."""
    rows = {}
    for n in range(site.shape[1]):
        sites = site[:, n].tolist()
        cages = [int(shells.centre_of[s]) if s >= 0 else None for s in sites]
        visited = sorted({c for c in cages if c is not None})
        if home == "initial":
            visited = [next(c for c in cages if c is not None)] if visited else []
        if home == "folded":
            rows[n, -1] = [int(shells.vertex[s]) if s >= 0 else 0 for s in sites]
            continue
        for cage in visited:
            rows[n, cage] = [int(shells.vertex[s]) if c == cage else 0 for s, c in zip(sites, cages, strict=True)]
    return rows


@pytest.mark.parametrize("smoothed", [True, False])
@pytest.mark.parametrize("home", ["visited", "initial", "folded"])
def test_trajectories_agree_with_a_loop(cages, home, smoothed):
    site = random_sites(cages.n_sites)
    site = core_sets(site) if smoothed else site
    found = shell_trajectories(site, cages, home=home)
    expected = loop_trajectories(site, cages, home)
    assert found.dtrajs.dtype == np.int8
    assert list(zip(found.ion.tolist(), found.cage.tolist(), strict=True)) == list(expected)
    np.testing.assert_array_equal(found.dtrajs, list(expected.values()))
    assert (found.n_states, len(found)) == (7, len(expected))


def test_parts_of_the_ions_add_up_to_the_whole(cages):
    site = random_sites(cages.n_sites)
    whole = shell_trajectories(site, cages)
    parts = list(iter_shell_trajectories(site, cages, ions_at_once=7))
    assert len(parts) == 5
    np.testing.assert_array_equal(np.concatenate([p.dtrajs for p in parts]), whole.dtrajs)
    np.testing.assert_array_equal(np.concatenate([p.ion for p in parts]), whole.ion)
    np.testing.assert_array_equal(np.concatenate([p.cage for p in parts]), whole.cage)


def test_frames_on_no_site_can_be_skipped(cages):
    site = random_sites(cages.n_sites)
    external = shell_trajectories(site, cages)
    skipped = shell_trajectories(site, cages, unassigned="skip")
    on_no_site = site.T[skipped.ion] < 0
    assert (skipped.dtrajs[on_no_site] == -1).all()
    assert (external.dtrajs[on_no_site] == 0).all()
    np.testing.assert_array_equal(skipped.dtrajs[~on_no_site], external.dtrajs[~on_no_site])


def test_every_ion_is_inside_one_of_its_cages_at_a_time(cages):
    series = shell_trajectories(core_sets(random_sites(cages.n_sites)), cages)
    inside = np.zeros((30, 200), dtype=int)
    np.add.at(inside, series.ion, (series.dtrajs > 0).astype(int))
    np.testing.assert_array_equal(np.delete(inside, 7, axis=0), 1)


def test_order_of_ions_only_reorders_rows(cages):
    site = random_sites(cages.n_sites)
    order = np.random.default_rng(3).permutation(30)
    one, other = shell_trajectories(site, cages), shell_trajectories(site[:, order], cages)
    rows = sorted(zip(one.ion.tolist(), one.cage.tolist(), one.dtrajs.tolist(), strict=True))
    back = sorted(zip(order[other.ion].tolist(), other.cage.tolist(), other.dtrajs.tolist(), strict=True))
    assert rows == back


def test_occupancies_count_and_add_up(cages):
    site = random_sites(cages.n_sites)
    ambiguous = np.random.default_rng(4).random(site.shape) < 0.1
    whole = site_occupancies(site, cages, ambiguous=ambiguous, cutoff=1.4)
    parts = site_occupancies(site[:80], cages, ambiguous=ambiguous[:80], cutoff=1.4) + site_occupancies(
        site[80:], cages, ambiguous=ambiguous[80:], cutoff=1.4
    )
    np.testing.assert_array_equal(parts.counts, whole.counts)
    assert parts.unassigned_fraction == whole.unassigned_fraction == (site < 0).mean()
    assert parts.ambiguous_fraction == ambiguous.mean()
    assert whole.by_site.sum() + whole.unassigned_fraction == pytest.approx(1.0)
    for label in range(1, 7):
        expected = (cages.vertex[site[site >= 0]] == label).sum() / site.size
        assert whole.by_label[label] == pytest.approx(expected)
    np.testing.assert_allclose(whole.by_kind["S"], whole.by_label)
    assert whole.ions_per_site.sum() == pytest.approx(30 * (1 - whole.unassigned_fraction))


def test_occupancies_warn_of_spheres_that_overlap(cages):
    # The closest sites are 3.27 A apart.
    site = np.arange(cages.n_sites)[None]
    assert site_occupancies(site, cages, cutoff=1.4).warnings == ()
    report = site_occupancies(site, cages, cutoff=1.8)
    assert "spheres of 1.80 A overlap: the closest sites are 3.27 A apart" in report.warnings[0]
    lost = site_occupancies(np.full((1, 4), -1), cages, cutoff=1.4)
    assert "100 % of the ion-frames are on no site" in lost.warnings
    assert "192 of 192 sites are never visited" in lost.warnings


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: core_sets(np.zeros((3, 2))), r"site: need integers \(T, N\), frames x ions, got float64"),
        (lambda s: core_sets(np.zeros((0, 2), dtype=int)), "site: need integers"),
        (lambda s: core_sets(np.full((2, 2), -2)), "site: need site indices from -1 to ..., got values from -2 to -2"),
        (
            lambda s: core_sets(np.zeros((2, 2), dtype=int), minimum_residence=0),
            "minimum_residence: need a whole number of at least 1",
        ),
        (
            lambda s: shell_trajectories(np.full((2, 2), 192), s),
            "site indices from -1 to 191, got values from 192 to 192",
        ),
        (
            lambda s: shell_trajectories(np.full((2, 2), -1), s),
            "need ions on sites, got no ion on any site in any frame",
        ),
        (
            lambda s: shell_trajectories(np.zeros((2, 2), dtype=int), s, home="away"),
            "home: need one of 'visited', 'initial'",
        ),
        (
            lambda s: shell_trajectories(np.zeros((2, 2), dtype=int), s, unassigned="x"),
            "unassigned: need 'external' or 'skip'",
        ),
        (lambda s: site_occupancies(np.full((2, 2), 500), s), "use the shells that the sites were assigned with"),
    ],
)
def test_errors_say_what_to_do(cages, call, sentence):
    with pytest.raises(InputError, match=sentence):
        call(cages)


def test_more_vertices_than_an_int8_holds_are_refused():
    rng = np.random.default_rng(5)
    sites = rng.uniform(0, 1, (130, 3))
    shells = CoordinationShells(
        np.eye(3) * 20, [[0.5] * 3], (sites - 0.5) * 20, np.zeros(130), np.arange(1, 131), ["X"], [0]
    )
    with pytest.raises(InputError, match="shells: need at most 126 vertices, got 130"):
        shell_trajectories(np.zeros((2, 2), dtype=int), shells)


def test_occupancies_of_other_shells_do_not_add(cages):
    other = CoordinationShells.from_sites(np.eye(3) * 9, [[0.5] * 3], [[0.6, 0.5, 0.5]])
    one, two = (
        site_occupancies(np.zeros((1, 1), dtype=int), cages),
        site_occupancies(np.zeros((1, 1), dtype=int), other),
    )
    with pytest.raises(InputError, match="occupancies: need 192 sites in both parts, got 1"):
        one + two
