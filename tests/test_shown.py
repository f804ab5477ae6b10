"""Every result that a package exports shows itself in a notebook."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module

import numpy as np
import pytest

PACKAGES = {
    "ionpath.kinetics": "numpy",
    "ionpath.transport": "numpy",
    "ionpath.structure": "numpy",
    "ionpath.disorder": "numpy",
    "ionpath.softness": "numpy",
    "ionpath.lattice": "numpy",
    "ionpath.free_energy": "numpy",
    "ionpath.cvs": "numpy",
    "ionpath_mdanalysis": "MDAnalysis",
    "ionpath_ase": "ase",
    "ionpath_ase.training": "ase",
    "ionpath_plumed": "numpy",
    "pymatgen.analysis.argyrodite": "pymatgen.core",
}
"""Packages, and what each needs."""
SETTINGS = {"Component", "DpgenSettings", "Fold", "LoopSettings", "Preset", "Rational", "Window"}
"""What is put in and not got out; collective variables are so, too."""


def results_of(package: str) -> list[type]:
    """Dataclasses that a package exports, but for those that are put in."""
    pytest.importorskip(PACKAGES[package])
    module = import_module(package)
    from ionpath.cvs.base import Variable

    found = [thing for name in module.__all__ if inspect.isclass(thing := getattr(module, name))]
    results = [c for c in found if dataclasses.is_dataclass(c) and not issubclass(c, Variable)]
    return [c for c in results if c.__name__ not in SETTINGS]


@pytest.mark.parametrize("package", list(PACKAGES))
def test_exported_results_have_a_page(package: str) -> None:
    assert [c.__name__ for c in results_of(package) if not hasattr(c, "_repr_html_")] == []


def test_a_barrier_leads_with_its_sentence() -> None:
    from ionpath.estimate import Estimate
    from ionpath.free_energy import FreeEnergySurface, Verdict
    from ionpath_plumed.results import MetadynamicsResult

    grid = np.linspace(0, np.pi, 5)
    surface = FreeEnergySurface((grid,), np.zeros(5), ("theta",), (None,))
    verdict = Verdict(False, "not converged: one basin", 0, 0.0)
    barrier = Estimate(float("nan"), float("nan"), float("-inf"), 6.51, "kJ/mol")
    found = MetadynamicsResult(surface, [], None, barrier, barrier, None, verdict, 20, 2.0)
    page = found._repr_html_()
    assert page.startswith("<b>MetadynamicsResult: barrier &lt; 6.51 kJ/mol; 20 hills in 2 ps; not converged")
    assert "<th style='text-align:left'>barrier</th><td>&lt; 6.51 kJ/mol</td>" in page


def test_an_input_is_shown_whole() -> None:
    from ionpath_plumed import PlumedInput

    text = "UNITS LENGTH=A\n" + "DISTANCE ATOMS=1,2\n" * 20
    assert text in PlumedInput(text)._repr_html_()


def test_a_printed_result_says_what_its_numbers_are_and_in_which_unit() -> None:
    """Nobody reads arrays of thousands of numbers without a word: docs/plumed.md and docs/pymatgen.md print these."""
    from ionpath.free_energy import FreeEnergySurface

    surface = FreeEnergySurface((np.linspace(1, 3, 41),), np.linspace(0, 7.16, 41), ("d1",), (None,))
    assert str(surface).splitlines() == [
        "FreeEnergySurface",
        "  axes     array of 41, 1 to 3 (grid points along each variable, increasing and equally spaced)",
        "  values   array of 41, 0 to 7.16 (free energy in kJ/mol, one axis per variable; inf or nan where nothing was "
        "sampled)",
        "  names    d1 (names of the variables)",
        "  periods  none (period of each variable; a periodic axis does not repeat its first point)",
    ]
    assert "free energy in kJ/mol" in surface._repr_html_()


@pytest.mark.parametrize("package", list(PACKAGES))
def test_what_a_result_prints_has_an_author(package: str) -> None:
    """A sentence, a report, a line of its own, or the table of its fields: not what dataclasses print by themselves."""
    assert [c.__name__ for c in results_of(package) if c.__str__ is object.__str__] == []
