"""The site of every ion: against brute force over images, in every cell, with and without drift."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.periodic import minimum_image, wrap
from ionpath.sites.assign import assign_sites
from ionpath.sites.shells import CoordinationShells

CUBE = np.eye(3) * 12.0
SHEARED = np.array([[12.0, 0.0, 0.0], [5.5, 11.0, 0.0], [-5.0, 5.0, 10.0]])
VERY_SHEARED = np.array([[1, 0, 0], [2, 1, 0], [-1, 2, 1]]) @ SHEARED
THIN = np.array([[30.0, 0.0, 0.0], [0.0, 30.0, 0.0], [1.0, 2.0, 4.0]])
CELLS = {"cube": CUBE, "sheared": SHEARED, "very sheared": VERY_SHEARED, "thin": THIN}


def random_shells(cell, n_centres=5, n_vertices=4, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 1, (n_centres, 3))
    directions = rng.normal(size=(n_centres, n_vertices, 3))
    offsets = 1.8 * directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    labels = np.tile(np.arange(1, n_vertices + 1), n_centres)
    owner = np.repeat(np.arange(n_centres), n_vertices)
    return CoordinationShells(
        cell, centres, offsets.reshape(-1, 3), owner, labels, np.full(n_centres, "S"), np.arange(n_centres)
    )


def brute_force(ions, shells, cells, centres, cutoff, reach):
    """Slow twin: every site of every frame and all its images, one ion at a time, in the metric of the reference."""
    shifts = np.array(list(itertools.product(range(-reach, reach + 1), repeat=3))) @ shells.cell
    found = np.full(ions.shape[:2], -1)
    distances = np.full(ions.shape[:2], np.inf)
    for t, frame in enumerate(ions):
        to_reference = np.linalg.inv(cells[t]) @ shells.cell
        middle = shells.centres @ shells.cell if centres is None else centres[t] @ to_reference
        sites = middle[shells.centre_of] + shells.offsets
        for n, ion in enumerate(frame):
            ion = wrap(ion @ to_reference, shells.cell)
            images = wrap(sites, shells.cell)[:, None] + shifts[None]
            squares = ((images - ion) ** 2).sum(axis=-1).min(axis=1)
            distances[t, n] = np.sqrt(squares.min())
            if distances[t, n] <= cutoff:
                found[t, n] = squares.argmin()
    return found, distances


@pytest.mark.parametrize("cutoff", [1.4, np.inf])
@pytest.mark.parametrize("name", list(CELLS))
def test_sites_at_rest_agree_with_brute_force(name, cutoff):
    cell, reach = CELLS[name], {"cube": 2, "sheared": 3, "very sheared": 10, "thin": 8}[name]
    shells = random_shells(cell)
    ions = np.random.default_rng(1).uniform(-1.0, 2.0, (5, 16, 3)) @ cell
    expected, _ = brute_force(ions, shells, np.repeat(cell[None], 5, axis=0), None, cutoff, reach)
    found = assign_sites(ions, shells, cell, cutoff=cutoff)
    assert found.site.dtype == np.int32
    np.testing.assert_array_equal(found.site, expected)
    if cutoff < 2.0:
        assert (found.site < 0).any()


@pytest.mark.parametrize("cutoff", [1.4, np.inf])
@pytest.mark.parametrize("amplitude", [0.1, 2.5])
@pytest.mark.parametrize("name", ["cube", "very sheared"])
def test_moving_centres_in_a_changing_cell_agree_with_brute_force(name, amplitude, cutoff):
    cell, reach = CELLS[name], {"cube": 3, "very sheared": 10}[name]
    rng = np.random.default_rng(2)
    shells = random_shells(cell)
    strain = np.eye(3) + rng.normal(0, 0.02, (4, 3, 3))
    cells = cell @ strain
    drift = rng.uniform(-9, 9, (4, 1, 3))
    centres = (shells.centres + rng.integers(-2, 3, (4, 5, 3))) @ cells + rng.normal(0, amplitude, (4, 5, 3)) + drift
    ions = rng.uniform(-1.0, 2.0, (4, 16, 3)) @ cells
    expected, _ = brute_force(ions, shells, cells, centres, cutoff, reach)
    found = assign_sites(ions, shells, cells, centres, cutoff=cutoff)
    np.testing.assert_array_equal(found.site, expected)


def test_a_description_of_the_lattice_does_not_matter():
    # The same crystal, with cell vectors that are far from perpendicular: fractional coordinates change, sites do not.
    shells = random_shells(SHEARED)
    integers = np.rint(VERY_SHEARED @ np.linalg.inv(SHEARED))
    other = CoordinationShells(
        VERY_SHEARED, shells.centres @ np.linalg.inv(integers), shells.offsets, shells.centre_of, shells.vertex,
        shells.kinds, shells.family,
    )  # fmt: skip
    ions = np.random.default_rng(3).uniform(-20, 20, (3, 200, 3))
    np.testing.assert_array_equal(
        assign_sites(ions, shells, SHEARED).site, assign_sites(ions, other, VERY_SHEARED).site
    )


def test_ambiguous_ions_have_a_second_site_within_the_margin(cages):
    rng = np.random.default_rng(4)
    ions = rng.uniform(0, 1, (4, 300, 3)) @ cages.cell
    found = assign_sites(ions, cages, cages.cell, cutoff=2.5, margin=0.3)
    vectors = minimum_image(ions[:, :, None] - cages.site_positions, cages.cell)
    both = np.sort(np.linalg.norm(vectors, axis=-1), axis=-1)[..., :2]
    expected = (both[..., 1] - both[..., 0] < 0.3) & (both[..., 0] <= 2.5)
    np.testing.assert_array_equal(found.ambiguous, expected)
    assert 0.02 < expected.mean() < 0.9
    moving = assign_sites(ions, cages, cages.cell, np.repeat((cages.centres @ cages.cell)[None], 4, axis=0),
                          cutoff=2.5, margin=0.3)  # fmt: skip
    np.testing.assert_array_equal(moving.ambiguous, expected)


def vibrating(cages, seed=5, frames=30):
    """Ions near sites (0.25 A) of cages whose centres vibrate (0.15 A), under drift and a cell that breathes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, cages.n_sites, (frames, 50))
    strain = np.eye(3) * (1.0 + 0.01 * np.sin(np.arange(frames)))[:, None, None]
    cells = cages.cell @ strain
    shake = rng.normal(0, 0.15, (frames, cages.n_centres, 3))
    drift = np.cumsum(rng.normal(0, 0.5, (frames, 1, 3)), axis=0)
    centres = cages.centres @ cells + shake + drift
    offsets = np.einsum("tni,tij->tnj", cages.offsets[truth], strain)
    ions = np.take_along_axis(centres, cages.centre_of[truth][..., None], axis=1) + offsets
    return truth, ions + rng.normal(0, 0.25, ions.shape), centres, cells


def test_moving_centres_are_followed_through_drift_and_strain(cages):
    truth, ions, centres, cells = vibrating(cages)
    found = assign_sites(ions, cages, cells, centres)
    np.testing.assert_array_equal(found.site, truth)


def test_wrapping_and_unwrapping_do_not_matter(cages):
    truth, ions, centres, cells = vibrating(cages)
    found = assign_sites(wrap(ions, cells), cages, cells, wrap(centres, cells))
    np.testing.assert_array_equal(found.site, truth)
    shift = np.array([3.3, -7.1, 40.0])
    np.testing.assert_array_equal(assign_sites(ions + shift, cages, cells, centres + shift).site, truth)


def test_drift_is_taken_out_without_centres(cages):
    rng = np.random.default_rng(6)
    truth = rng.integers(0, cages.n_sites, (20, 40))
    drift = np.cumsum(rng.normal(0, 0.7, (20, 3)), axis=0)
    ions = cages.site_positions[truth] + rng.normal(0, 0.2, (20, 40, 3)) + drift[:, None]
    np.testing.assert_array_equal(assign_sites(ions, cages, cages.cell, drift=drift).site, truth)
    assert (assign_sites(ions, cages, cages.cell).site != truth).mean() > 0.2


def test_order_of_ions_and_single_precision_do_not_matter(cages):
    _, ions, centres, cells = vibrating(cages)
    order = np.random.default_rng(7).permutation(ions.shape[1])
    site = assign_sites(ions, cages, cells, centres).site
    np.testing.assert_array_equal(assign_sites(ions[:, order], cages, cells, centres).site, site[:, order])
    single = assign_sites(ions.astype(np.float32), cages, cells, centres.astype(np.float32)).site
    np.testing.assert_array_equal(single, site)


def test_a_lattice_translation_moves_labels_with_it(cages):
    rng = np.random.default_rng(8)
    ions = rng.uniform(0, 1, (3, 100, 3)) @ cages.cell
    here = assign_sites(ions, cages, cages.cell).site
    there = assign_sites(ions + cages.cell[0] / 2, cages, cages.cell).site
    np.testing.assert_array_equal(here < 0, there < 0)
    on = here >= 0
    np.testing.assert_array_equal(cages.vertex[here[on]], cages.vertex[there[on]])
    moved = minimum_image(
        cages.site_positions[there[on]] - cages.site_positions[here[on]] - cages.cell[0] / 2, cages.cell
    )
    np.testing.assert_allclose(moved, 0.0, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"ions": np.zeros((2, 0, 3))}, "ions: need frames of ions"),
        ({"ions": np.zeros((4, 3))}, "ions: need frames of ions .* got shape"),
        ({"ions": np.full((1, 2, 3), np.nan)}, "ions: need finite coordinates, got NaN or infinity in 2 of 2"),
        ({"cells": None}, "cells: need a periodic cell, got none"),
        ({"cells": np.zeros((3, 3))}, "cells: need three independent cell vectors"),
        ({"cells": np.stack([CUBE] * 3)}, "cells: need 2 cells, one per frame, got 3"),
        ({"centres": np.zeros((2, 3, 3))}, r"centres: need shape \(2, 32, 3\), .* got shape \(2, 3, 3\)"),
        ({"centres": np.full((2, 32, 3), np.inf)}, "centres: need finite coordinates"),
        ({"centres": np.zeros((2, 32, 3)), "drift": np.zeros((2, 3))}, "need either `centres` or `drift`, got both"),
        ({"drift": np.zeros((5, 3))}, r"drift: need shape \(2, 3\)"),
        ({"cutoff": 0.0}, "cutoff: need a positive distance"),
        ({"cutoff": float("nan")}, "cutoff: need a positive distance"),
        ({"method": "closest"}, "method: need one of 'nearest', 'geometric', 'voronoi', got 'closest'"),
    ],
)
def test_errors_say_what_to_do(cages, arguments, sentence):
    given = {"ions": np.zeros((2, 4, 3)), "shells": cages, "cells": cages.cell, **arguments}
    with pytest.raises(InputError, match=sentence):
        assign_sites(**given)
