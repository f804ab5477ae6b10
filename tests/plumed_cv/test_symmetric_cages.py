"""Cages that a symmetry of the crystal exchanges have one barrier for there and back."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath.errors import InputError
from ionpath_plumed import PlumedInput, analyse_metadynamics, metadynamics_input
from pymatgen.analysis.argyrodite import ExcessHalideTransformation, argyrodite

ARCHIVE = Path(__file__).parents[2] / "docs" / "studies" / "guan2024.zip"


def _atoms(structure):
    return AseAtomsAdaptor.get_atoms(structure, msonable=False)


@pytest.fixture
def ordered():
    return _atoms(argyrodite(a=9.75))


def test_inputs_know_the_symmetry_of_their_structure(ordered, tmp_path: Path) -> None:
    known = metadynamics_input(ordered, "inter-cage")
    assert known.equivalent
    known.write(tmp_path)
    assert PlumedInput.read(tmp_path).equivalent
    warm = ordered.copy()
    warm.rattle(0.1, seed=1)
    assert not metadynamics_input(warm, "inter-cage").equivalent
    assert metadynamics_input(warm, "inter-cage", built=ordered).equivalent
    assert not metadynamics_input(ordered, "concerted").equivalent
    other = warm.copy()
    other.symbols[-1] = "Br"
    with pytest.raises(InputError, match="built: need the 52 atoms of the structure, got 52 atoms of other elements"):
        metadynamics_input(warm, "inter-cage", built=other)


def test_other_cages_are_not_the_same(ordered) -> None:
    sulfur, chloride = (
        [shell for shell in range(len(ordered)) if ordered[shell].symbol == element] for element in ("S", "Cl")
    )
    between = (ordered.get_all_distances(mic=True)[:, ordered.symbols == "P"] > 2.5).all(axis=1)
    free = [k for k in sulfur if between[k]]
    assert metadynamics_input(ordered, "inter-cage", centres=free[:2]).equivalent
    assert not metadynamics_input(ordered, "inter-cage", centres=[free[0], chloride[0]]).equivalent
    bonded = next(k for k in sulfur if not between[k])
    assert not metadynamics_input(ordered, "inter-cage", centres=[free[0], bonded]).equivalent
    structure = ExcessHalideTransformation(0.5, inversion=0.75, seed=1).apply_transformation(argyrodite(a=9.69))
    assert not metadynamics_input(_atoms(structure), "inter-cage-disordered").equivalent


@pytest.mark.slow
def test_there_and_back_of_the_ordered_crystal_are_one_barrier(tmp_path: Path) -> None:
    """They came out at 42 and 7 kJ/mol; the error of either alone was 3.5."""
    with ZipFile(ARCHIVE) as archive:
        held = [name for name in archive.namelist() if name.startswith("biased/inter-cage/")]
        archive.extractall(tmp_path, held)
    found = analyse_metadynamics((tmp_path / held[0]).parent)
    assert found.barrier.value == found.reverse_barrier.value
    assert "the same back, as both ends are equivalent" in str(found)
    alone = analyse_metadynamics((tmp_path / held[0]).parent, equivalent=False)
    half = 0.5 * abs(alone.barrier.value - alone.reverse_barrier.value)  # kJ/mol
    assert found.barrier.error >= 0.99 * half > 4.0 * alone.barrier.error
    assert not found.verdict.converged
