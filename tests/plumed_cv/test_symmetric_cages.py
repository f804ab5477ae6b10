"""Cages and bonds that a symmetry of the crystal exchanges, or turns round, have one barrier for there and back."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np
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


@pytest.mark.parametrize(("preset", "disordered"), [("intra-cage", "intra-cage"), ("tilt", "tilt-disordered")])
def test_cages_and_bonds_that_a_symmetry_turns_round(ordered, preset: str, disordered: str) -> None:
    assert metadynamics_input(ordered, preset).equivalent
    assert metadynamics_input(ordered.repeat((2, 2, 1)), preset).equivalent
    warm = ordered.copy()
    warm.rattle(0.1, seed=1)
    assert not metadynamics_input(warm, preset).equivalent
    assert metadynamics_input(warm, preset, built=ordered).equivalent
    structure = ExcessHalideTransformation(0.5, inversion=0.75, seed=1).apply_transformation(argyrodite(a=9.69))
    assert not metadynamics_input(_atoms(structure), disordered).equivalent


def test_which_axes_of_a_crystal_count(ordered) -> None:
    turned = ordered.copy()
    turned.rotate(20.0, (1, 2, 0), rotate_cell=True)  # no axis of the crystal lies in its plane z = 0 then
    assert not metadynamics_input(turned, "intra-cage").equivalent
    assert metadynamics_input(ordered.repeat((2, 1, 1)), "tilt").equivalent  # by the twofold axes that are left


def _run(folder: Path, angles: np.ndarray) -> Path:
    """An input for a cage, and hills at these angles as PLUMED writes them."""
    given = metadynamics_input(_atoms(argyrodite(a=9.75)), "intra-cage")
    given.write(folder)
    head = "#! FIELDS time cage.py-theta sigma_cage.py-theta height biasf\n"
    head += "#! SET multivariate false\n#! SET kerneltype stretched-gaussian\n"
    rows = "".join(f"{0.1 * (k + 1):.3f} {x:.6f} 0.1 {2 * 10 / 9 * 0.999**k:.6f} 10\n" for k, x in enumerate(angles))
    (folder / "HILLS").write_text(head + rows)
    return folder


def test_hills_count_at_theta_and_at_its_image(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    deep, flat = rng.normal(0.8, 0.12, 900), rng.normal(np.pi - 0.8, 0.12, 600)
    between = rng.uniform(0.8, np.pi - 0.8, 300)
    run = _run(tmp_path, rng.permutation(np.concatenate([deep, flat, between])))
    found, alone = analyse_metadynamics(run), analyse_metadynamics(run, equivalent=False)
    assert found.equivalent and not alone.equivalent
    np.testing.assert_allclose(found.surface.values, found.surface.values[::-1], atol=1e-9)
    assert found.barrier.value == pytest.approx(found.reverse_barrier.value, abs=1e-6)
    both = (alone.barrier.value, alone.reverse_barrier.value)
    assert min(both) < found.barrier.value < max(both)
    assert found.barrier.error >= 0.99 * 0.5 * np.ptp(both) > alone.barrier.error
    assert "the same back, as both ends are equivalent" in str(found)


def test_a_pair_of_ends_that_are_not_images_keeps_two_barriers(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    middle, sides = rng.normal(np.pi / 2, 0.12, 900), rng.normal(0.6, 0.12, 700)
    run = _run(tmp_path, rng.permutation(np.concatenate([middle, sides, rng.uniform(0.6, np.pi - 0.6, 200)])))
    found = analyse_metadynamics(run)
    np.testing.assert_allclose(found.surface.values, found.surface.values[::-1], atol=1e-9)
    assert not found.equivalent
    assert found.barrier.value - found.reverse_barrier.value > 5.0  # kJ/mol
    assert ", back " in str(found)


def test_a_tilt_there_and_back_is_one_barrier(tmp_path: Path) -> None:
    """PS4 of ordered Li6PS5Cl, 225 ps at 300 K: 96.1 +- 2.5 kJ/mol there and 65 +- 22 back."""
    with ZipFile(ARCHIVE) as archive:
        held = [name for name in archive.namelist() if name.startswith("biased/tilt/")]
        archive.extractall(tmp_path, held)
    folder = (tmp_path / held[0]).parent
    found, alone = analyse_metadynamics(folder), analyse_metadynamics(folder, equivalent=False)
    assert found.barrier == found.reverse_barrier and found.equivalent and not alone.equivalent
    both = (alone.barrier, alone.reverse_barrier)
    assert found.barrier.value == pytest.approx(np.mean([one.value for one in both]))
    least = max(*(one.error for one in both), 0.5 * abs(both[0].value - both[1].value))  # kJ/mol
    assert found.barrier.error == pytest.approx(least)
    assert all(found.barrier.low <= one.value <= found.barrier.high for one in both)
    assert found.barrier.verdict == "not converged"


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
