"""Partial occupancies at every door that needs whole atoms: a sentence with what to type, never an error of a host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ionpath.errors import InputError

pytest.importorskip("pymatgen.analysis.argyrodite", reason="the pymatgen plugin is not installed")
pytest.importorskip("ionpath_ase", reason="the ASE plugin is not installed")
pytest.importorskip("ionpath_plumed", reason="the PLUMED plugin is not installed")

from ase.io import read
from pymatgen.io.cif import CifWriter

import pymatgen.analysis.argyrodite as core
from ionpath_cli.makers import _dynamics
from ionpath_plumed import metadynamics_input

DOORS: dict[str, Callable[[Any], Any]] = {
    "a job of molecular dynamics": _dynamics,
    "an input of metadynamics": metadynamics_input,
    "a relaxation": lambda structure: core.relax_ordering(structure, "lj"),
    "energies": lambda structure: core.computed_entries([structure], "lj"),
    "energies of sites": lambda structure: core.site_energies(structure, "lj"),
}


@pytest.mark.filterwarnings("ignore:energies of unrelaxed probes")
@pytest.mark.parametrize("door", DOORS)
def test_a_disordered_structure_is_refused_with_what_orders_it(door: str) -> None:
    mixed = core.argyrodite(inversion=0.5, ordered=False)
    told = r"structure: need full occupancies.*: order_occupancies\(structure\)"
    with pytest.raises(InputError, match=told):
        DOORS[door](mixed)


def test_atoms_of_a_refined_cif_are_not_biased_as_if_they_were_whole(tmp_path: Path) -> None:
    mixed = core.argyrodite(inversion=0.5, ordered=False)
    CifWriter(mixed).write_file(tmp_path / "refined.cif")
    with pytest.raises(InputError, match="atoms: need full occupancies, got S 0.5, Cl 0.5 on .*; order them first"):
        metadynamics_input(read(tmp_path / "refined.cif"))
    assert metadynamics_input(core.order_occupancies(mixed)).kind == "inter-cage"
