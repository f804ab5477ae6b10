"""Numbers that can be computed with and cannot be meant."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.disorder import bond_vectors
from ionpath.errors import InputError
from ionpath.free_energy import FreeEnergySurface, Hills
from ionpath.periodic import minimum_image
from ionpath.softness.neighbours import find_neighbours
from ionpath.transport import estimate_diffusion, gaussian_smooth, msd_by_fft, write_opendx

POINTS = np.random.default_rng(0).uniform(0, 15, (60, 3))
CELL = 15.0 * np.eye(3)
FAR = np.zeros((20, 2, 3))
FAR[3, 0, 0] = 1e200
X = np.linspace(0.0, 1.0, 5)
HILLS = {
    "times": np.arange(3.0), "centres": np.zeros((3, 1)), "sigmas": np.full((3, 1), 0.1), "heights": np.ones(3),
}  # fmt: skip


def test_no_neighbour_is_within_a_radius_that_is_next_to_nothing() -> None:
    twice = np.concatenate([POINTS, POINTS[:1] + 1e-13])
    for radius, pairs in ((1e-12, 2), (1e-3, 2), (1e-15, 0)):
        assert len(find_neighbours(twice, CELL, radius).atom) == pairs


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (
            lambda: find_neighbours(POINTS, 1e30 * np.eye(3), 3.0),
            r"cell: need cell vectors below 1e\+07 A, got 1e\+30 A",
        ),
        (lambda: minimum_image(POINTS, -1e12 * np.eye(3)), r"cell: need cell vectors below 1e\+07 A, got 1e\+12 A"),
        (
            lambda: find_neighbours(POINTS + 1e30, CELL, 3.0),
            r"positions: need coordinates within 1e\+07 A of the origin",
        ),
        (lambda: find_neighbours(POINTS * np.nan, CELL, 3.0), "positions: need finite coordinates, got NaN"),
        (lambda: estimate_diffusion(FAR), r"positions: need .* within 1e\+07 A .* got farther ones in frame 3"),
        (lambda: msd_by_fft(FAR[:, 0, 0]), r"series: need coordinates within 1e\+14 A of the origin, got 1e\+200 A"),
        (
            lambda: minimum_image(1e30 * POINTS, [[9, 0, 0], [2, 9, 0], [3, 1, 9]]),
            r"vectors: need coordinates within 1e",
        ),
        (
            lambda: minimum_image(POINTS, [[13, 0, 0], [-1e-22, 3e-22, 0], [0, 2, 9]]),
            "cell: need a lattice in which vectors",
        ),
        (lambda: bond_vectors(FAR, CELL, [0], [[1]]), r"positions: need coordinates within 1e\+07 A of the origin"),
        (lambda: gaussian_smooth(np.ones((2, 2, 2)), 1e200 * CELL, 1.0), r"cell: need cell vectors below 1e\+07 A"),
        (lambda: write_opendx("x.dx", np.ones((2, 2, 2)), 1e200 * CELL), r"cell: need cell vectors below 1e\+07 A"),
    ],
)
def test_cells_and_coordinates_of_another_scale(call, match) -> None:
    with pytest.raises(InputError, match=match):
        call()


@pytest.mark.parametrize("field", ["times", "centres", "sigmas", "heights", "bias_factor"])
def test_hills_are_numbers(field: str) -> None:
    fields = {**HILLS, "bias_factor": np.float64(10.0)}
    fields[field] = np.asarray(fields[field]) * np.nan
    with pytest.raises(InputError, match=rf"hills \({field}\): need finite numbers, got nan"):
        Hills(**{**fields, "bias_factor": float(fields["bias_factor"])}, names=("x",), periods=(None,))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"axes": (X * np.nan,)}, "axes: need finite numbers, got NaN or infinity in 5 of 5"),
        ({"axes": (X[::-1],)}, "axis of x: need finite grid points that increase"),
        ({"values": X - np.inf}, "values: need free energies, inf or nan where nothing was sampled, got -inf"),
        ({"periods": (float("nan"),)}, "period of x: need a positive number, or None, got nan"),
        ({"periods": (-1.0,)}, "period of x: need a positive number, or None, got -1"),
        ({"error": X - 2.0}, "error: need standard errors of 0 or more"),
        ({"error": X[:3]}, r"error: need standard errors of 0 or more of shape \(5,\), got shape \(3,\)"),
    ],
)
def test_surfaces_are_free_energies_on_a_grid(fields, match) -> None:
    whole = {"axes": (X,), "values": X, "names": ("x",), "periods": (None,), "error": None}
    with pytest.raises(InputError, match=match):
        FreeEnergySurface(**{**whole, **fields})
