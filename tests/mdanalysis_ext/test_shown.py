"""What notebooks show of results, and how much of a file they take for it."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.data import example
from ionpath.estimate import Estimate

mda = pytest.importorskip("MDAnalysis")


@pytest.fixture(scope="module")
def lithium():
    return mda.Universe(*example()).select_atoms("element Li")


def test_results_come_before_parameters_and_keep_their_values(lithium) -> None:
    from ionpath_mdanalysis import CoordinationShells, ShellStates

    states = ShellStates(lithium, shells=CoordinationShells.for_argyrodite(lithium.universe, mobile=lithium)).run()
    page, rule = states._repr_html_(), states.parameters["unassigned"]
    found, _, asked = page.partition("<details>")
    share = f"{states.results.unassigned_fraction:.2%}"
    assert share in found and share not in asked
    assert f"<td>{rule}</td>" in asked, "of the same name, and no longer in its place"


def test_shells_and_estimates_show_themselves(lithium) -> None:
    from ionpath_mdanalysis import CoordinationShells

    shells = CoordinationShells.for_argyrodite(lithium.universe, mobile=lithium)
    page = shells._repr_html_()
    assert page.startswith("<b>CoordinationShells(") and "<th" in page and "array of 24" in page
    assert "<sup>2</sup>" in Estimate(1.0, 0.1, 0.8, 1.2, "A^2/ps")._repr_html_()


def test_what_reports_of_itself_shows_its_report() -> None:
    argyrodites = pytest.importorskip("pymatgen.analysis.argyrodite")
    found = argyrodites.analyse(argyrodites.argyrodite())
    assert f"<pre>{found.report().splitlines()[0]}" in found._repr_html_()
    assert "J/mol/K" in argyrodites.configurational_entropy(argyrodites.argyrodite())._repr_html_()


def test_isosurface_is_small_and_keeps_the_mean(lithium) -> None:
    """A grid of 66 points an edge took 23.5 MB in a notebook."""
    pytest.importorskip("plotly")
    from ionpath_mdanalysis import IonDensity

    density = IonDensity(lithium, spacing=0.1).run(step=20)
    assert min(density.results.density.shape) > 90
    drawn = density.plot_isosurface()
    assert len(drawn.to_json()) < 2e6
    assert len(drawn.data[0].value) == 36**3
    fine = density.results.density
    sizes = np.diff(np.linspace(0, len(fine), 37).astype(int))
    weights = np.einsum("i,j,k->ijk", sizes, sizes, sizes).ravel()
    mean = np.average(np.asarray(drawn.data[0].value, dtype=float), weights=weights)
    assert mean == pytest.approx(fine.mean(), rel=1e-5)


def test_heat_map_leaves_out_states_that_the_model_left_out(lithium) -> None:
    """No ion of the ordered crystal leaves its cage: the outside has no path entropy, and not one of 0."""
    import matplotlib

    matplotlib.use("agg")
    from ionpath_mdanalysis import CoordinationShells, PathEntropy

    shells = CoordinationShells.for_argyrodite(lithium.universe, mobile=lithium)
    paths = PathEntropy(lithium, shells=shells, lag_time=1.0, verbose=False).run()
    assert list(paths.results.connected_states) == [1, 2, 3, 4, 5, 6]
    shown = np.ma.filled(paths.plot_path_entropy().images[0].get_array(), np.nan)
    assert np.isnan(shown[0]).all() and np.isnan(shown[:, 0]).all()
    inside = shown[1:, 1:][~np.eye(6, dtype=bool)]
    assert (inside > 5.0).all(), "J/mol/K"


@pytest.mark.parametrize("name", ["PathEntropy-per-ion", "PathEntropy-largest", "PathEntropy"])
def test_heat_maps_of_saved_analyses(name: str) -> None:
    """Those of version 0.1.0, and of a model for each ion, which say nothing of connected states."""
    import matplotlib

    matplotlib.use("agg")
    from pathlib import Path

    from ionpath_mdanalysis import PathEntropy

    file = Path(__file__).parent / "saved-0.1.0" / f"{name}.npz"
    paths = PathEntropy.load(file)
    shown = np.ma.filled(paths.plot_path_entropy().images[0].get_array(), np.nan)
    assert shown.shape == paths.results.path_entropy.shape
    assert np.isfinite(shown).any()
