"""Figures, files and reweighted free energies."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.free_energy import FreeEnergySurface
from ionpath_plumed import export, free_energy_from_colvar, isosurface
from ionpath_plumed.files import read_table, states

mpl.use("Agg")
KT = 2.494339  # kJ/mol at 300 K


def surface(ndim: int) -> FreeEnergySurface:
    axes = tuple(np.linspace(-1.5, 1.5, 13 + k) for k in range(ndim))
    grids = np.meshgrid(*axes, indexing="ij")
    values = 20 * (grids[0] ** 2 - 1) ** 2 + sum(10 * g**2 for g in grids[1:])
    names = tuple(f"frame.py-{a}" for a in "xyz"[:ndim])
    return FreeEnergySurface(axes, values, names, (None,) * ndim).from_zero()


def test_every_format_holds_the_values(tmp_path):
    two, three = surface(2), surface(3)
    table = np.loadtxt(export(two, tmp_path / "a.csv"), delimiter=",", skiprows=1)
    np.testing.assert_allclose(table[:, -1].reshape(two.values.shape), two.values, rtol=1e-8)
    with np.load(export(three, tmp_path / "a.npz")) as saved:
        np.testing.assert_array_equal(saved["values"], three.values)
        assert str(saved["unit"]) == "kJ/mol"
    plumed = read_table(export(two, tmp_path / "a.dat"))
    np.testing.assert_allclose(plumed["file.free"].reshape(two.values.shape[::-1]).T, two.values, atol=1e-8)


def test_a_cube_is_read_by_ase(tmp_path):
    from ase.io.cube import read_cube

    three = surface(3)
    with export(three, tmp_path / "a.cube").open() as file:
        found = read_cube(file)
    np.testing.assert_allclose(found["data"], three.values, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["origin"], [axis[0] for axis in three.axes], atol=1e-5)


def test_isosurfaces_are_one_page(tmp_path):
    pytest.importorskip("plotly", reason="isosurfaces need plotly")
    page = isosurface(surface(3), [5.0, 15.0], tmp_path / "a.html")
    text = page.read_text()
    assert "isosurface" in text
    assert "<html" in text


def test_a_colour_bar_has_round_numbers() -> None:
    """The highest level is the highest free energy, 61.39 kJ/mol as a run had it; steps of 7.67 are read by nobody."""
    from ionpath.estimate import Estimate
    from ionpath.free_energy import Verdict
    from ionpath_plumed.figures import plot_surface
    from ionpath_plumed.results import MetadynamicsResult

    flat = surface(2)
    steep = replace(flat, values=np.linspace(0, 61.39, flat.values.size).reshape(flat.values.shape))
    unknown = Estimate(*(float("nan") for _ in range(4)), "kJ/mol")
    none = Verdict(False, "not converged: one basin", 0, 0.0)
    ax = plot_surface(MetadynamicsResult(steep, [], None, unknown, unknown, None, none, 20, 2.0))
    (bar,) = [one for one in ax.figure.axes if one is not ax]
    ticks = bar.get_yticks()
    assert len(ticks) > 4
    assert ticks == pytest.approx(np.round(ticks)), "kJ/mol"


def test_a_path_over_the_end_of_a_period_is_not_drawn_across_the_figure() -> None:
    from ionpath.estimate import Estimate
    from ionpath.free_energy import Verdict, minimum_path
    from ionpath_plumed.figures import plot_surface
    from ionpath_plumed.results import MetadynamicsResult

    axes = np.linspace(0.0, np.pi, 21), np.linspace(-np.pi, np.pi, 40, endpoint=False)
    theta, phi = np.meshgrid(*axes, indexing="ij")
    values = 20 * (1 + np.cos(phi)) + 10 * (theta - 1.5) ** 2  # kJ/mol, lowest at phi = pi
    around = FreeEnergySurface(axes, values, ("t.py-theta", "t.py-phi"), (None, 2 * np.pi)).from_zero()
    path = minimum_path(around, np.array([1.5, 2.5]), np.array([1.5, -2.5]))
    unknown = Estimate(*(float("nan") for _ in range(4)), "kJ/mol")
    none = Verdict(False, "not converged: one basin", 0, 0.0)
    ax = plot_surface(MetadynamicsResult(around, [], path, unknown, unknown, None, none, 20, 2.0))
    line = next(one for one in ax.lines if one.get_label() == "minimum free-energy path").get_xydata()
    steps = np.abs(np.diff(line[:, 1]))
    assert np.isnan(steps).any() and np.nanmax(steps) < 0.5


def test_sentences(tmp_path):
    with pytest.raises(InputError, match="path: need a suffix among .npz, .csv, .dat, .cube, got .txt"):
        export(surface(2), tmp_path / "a.txt")
    with pytest.raises(InputError, match="surface: need three variables for a cube, got 2"):
        export(surface(2), tmp_path / "a.cube")
    with pytest.raises(InputError, match="surface: need three variables, got 2"):
        isosurface(surface(2), [5.0], tmp_path / "a.html")
    assert not list(tmp_path.iterdir())


def write_colvar(path, columns: dict[str, np.ndarray], periods: str = "") -> None:
    names = list(columns)
    rows = np.stack([columns[name] for name in names], axis=1)
    body = "\n".join(" ".join(f"{v:.8f}" for v in row) for row in rows)
    path.write_text(f"#! FIELDS {' '.join(names)}\n{periods}{body}\n")


def test_unbiased_and_reweighted_free_energies_from_a_colvar(tmp_path):
    rng = np.random.default_rng(0)
    n = 60_000
    x = rng.normal(scale=np.sqrt(KT / 40.0), size=n)  # U = 20 x^2
    write_colvar(tmp_path / "COLVAR", {"time": np.arange(n), "x": x})
    plain = free_energy_from_colvar(tmp_path / "COLVAR", ["x"], temperature=300.0, bins=12, ranges=[(-0.6, 0.6)])
    expected = 20 * plain.axes[0] ** 2
    np.testing.assert_allclose(plain.values - plain.values.min(), expected - expected.min(), atol=0.3)
    assert np.isfinite(plain.error).all()
    wide = rng.normal(scale=np.sqrt(KT / 20.0), size=n)  # with a bias of -10 x^2 on top
    (tmp_path / "plumed.dat").write_text("PRINT ARG=x,metad.rbias FILE=BIASED\n")
    write_colvar(tmp_path / "BIASED", {"time": np.arange(n), "x": wide, "metad.rbias": -10 * wide**2})
    again = free_energy_from_colvar(
        tmp_path / "BIASED", ["x"], temperature=300.0, bias="metad.rbias", bins=12, ranges=[(-0.6, 0.6)]
    )
    np.testing.assert_allclose(again.values, plain.values, atol=0.4)
    with pytest.raises(InputError, match="column of COLVAR: need 'time' or 'x', got 'y'"):
        free_energy_from_colvar(tmp_path / "COLVAR", ["y"], temperature=300.0)


def test_a_periodic_variable_takes_its_period_as_range(tmp_path):
    rng = np.random.default_rng(1)
    phi = rng.uniform(-np.pi, np.pi, 5000)
    write_colvar(
        tmp_path / "COLVAR", {"time": np.arange(5000), "t.py-phi": phi},
        "#! SET min_t.py-phi -pi\n#! SET max_t.py-phi pi\n",
    )  # fmt: skip
    found = free_energy_from_colvar(tmp_path / "COLVAR", ["t.py-phi"], temperature=300.0, bins=18)
    assert found.periods == (pytest.approx(2 * np.pi),)
    assert found.axes[0][0] == pytest.approx(-np.pi + np.pi / 18)
    assert found.values.max() < 1.0


def test_states_of_printed_memberships(tmp_path):
    p = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.4, 0.35, 0.25], [0.0, 0.1, 0.9], [0.7, 0.2, 0.1]])
    columns = {"time": np.arange(5.0), **{f"m.py-p{k}": p[:, k] for k in range(3)}}
    write_colvar(tmp_path / "COLVAR", columns)
    # The third frame is between sites: it keeps the state before it.
    assert states(tmp_path / "COLVAR", "m").tolist() == [0, 1, 1, 2, 0]
    with pytest.raises(InputError, match="label: need columns n.py-p0"):
        states(tmp_path / "COLVAR", "n")
