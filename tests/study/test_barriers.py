"""Barriers of a study: cages that a symmetry of the crystal exchanges have one barrier for both ways."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from pymatgen.io.ase import AseAtomsAdaptor

from ionpath_cli.study.simulate import barrier_of, exchangeable, start_in_cell
from pymatgen.analysis.argyrodite import ExcessHalideTransformation, argyrodite

ARCHIVE = Path(__file__).parents[2] / "docs" / "studies" / "guan2024.zip"


def _atoms(structure):
    return AseAtomsAdaptor.get_atoms(structure, msonable=False)


def _free_sulfur(atoms, number: int) -> tuple[int, int]:
    """Two free anions of an element that are nearest to each other."""
    bonded = (atoms.get_all_distances(mic=True)[:, atoms.symbols == "P"] < 2.5).any(axis=1)
    free = np.flatnonzero((atoms.numbers == number) & ~bonded)
    others = atoms.get_distances(free[0], free[1:], mic=True)
    return int(free[0]), int(free[1:][np.argmin(others)])


def test_cages_of_an_ordered_crystal_are_exchanged_by_its_symmetry() -> None:
    ordered = _atoms(argyrodite(a=9.75))
    one, other = _free_sulfur(ordered, 16)
    assert exchangeable(ordered, one, other)
    assert not exchangeable(ordered, one, int(np.flatnonzero(ordered.symbols == "Cl")[0]))
    bonded = int(np.flatnonzero((ordered.get_all_distances(mic=True)[:, ordered.symbols == "P"] < 2.5).any(axis=1))[0])
    assert not exchangeable(ordered, one, bonded)  # sulfur both, but one of them in a tetrahedron
    moved = ordered.copy()
    moved.positions[other] += 0.5
    assert not exchangeable(moved, one, other)
    disordered = _atoms(
        ExcessHalideTransformation(0.5, inversion=0.75, seed=1).apply_transformation(argyrodite(a=9.69))
    )
    assert not exchangeable(disordered, *_free_sulfur(disordered, 17))


@pytest.mark.slow
def test_there_and_back_of_the_ordered_crystal_are_one_barrier(tmp_path: Path) -> None:
    """They came out at 42 and 7 kJ/mol; the error of either alone was 3.5."""
    group, system = "biased/inter-cage/", "LPSCl-II, 208 atoms.1"
    with ZipFile(ARCHIVE) as archive:
        for name in archive.namelist():
            if name.startswith((group, f"structure/{system}", f"cell/{system}-300K")):
                archive.extract(name, tmp_path)
    (run,), (structure,), (cell,) = (
        tuple(tmp_path.glob(f"{where}/{system}*")) for where in ("biased/inter-cage", "structure", "cell")
    )
    found = barrier_of(run, start_in_cell(structure, cell), "")
    assert found.barrier.value == found.reverse_barrier.value
    assert found.barrier.error > 15.0 and not found.verdict.converged
