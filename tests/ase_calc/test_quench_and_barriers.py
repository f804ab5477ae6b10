"""Glasses and hop barriers, on cheap potentials whose answers are known, and on the shipped one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from ionpath.errors import InputError
from ionpath_ase import melt_quench, migration_barriers


@pytest.fixture
def vacancy() -> tuple[Atoms, int, np.ndarray]:
    """Copper with one atom missing: structure, a neighbour of the hole, and the hole."""
    crystal = bulk("Cu", cubic=True).repeat(2)
    hole = crystal.positions[0].copy()
    del crystal[0]
    neighbour = int(np.argmin(np.linalg.norm(crystal.positions - hole, axis=1)))
    crystal.calc = EMT()
    return crystal, neighbour, hole


def test_vacancy_barrier_of_copper(vacancy: tuple[Atoms, int, np.ndarray]) -> None:
    atoms, ion, hole = vacancy
    found = migration_barriers(atoms, [(ion, hole)], calculator=EMT(), images=3, fmax=0.05)
    (hop,) = found.hops
    assert hop.converged
    # by symmetry both ends are the same, the barrier is at the middle image, and the hop is a nearest-neighbour step
    assert hop.forward == pytest.approx(hop.backward, abs=5e-3)
    assert hop.energies.argmax() == 2
    assert hop.distance == pytest.approx(3.61 / np.sqrt(2), abs=0.15)
    assert 0.3 < hop.forward < 1.2  # eV; experiment 0.70 eV (Ehrhart, Landolt-Boernstein III/25)
    assert found.mean == pytest.approx(hop.forward)
    assert np.isnan(found.standard_error)


def test_hops_that_cannot_be_followed_are_named(vacancy: tuple[Atoms, int, np.ndarray]) -> None:
    atoms, ion, hole = vacancy
    short = atoms.positions[ion] + 0.3 * (hole - atoms.positions[ion])
    found = migration_barriers(atoms, [(ion, short)], calculator=EMT(), images=1)
    assert found.hops == ()
    assert found.refused[0][0] == 0
    assert f"ion {ion} relaxes back to within" in found.refused[0][1]
    with pytest.raises(InputError, match=r"hop 0: need an empty place, at least 1.2 A from every other atom, got atom"):
        migration_barriers(atoms, [(ion, atoms.positions[ion + 1])], calculator=EMT())
    with pytest.raises(InputError, match="hop 0: need an atom index below 31, got 99"):
        migration_barriers(atoms, [(99, hole)], calculator=EMT())
    with pytest.raises(InputError, match="hops: need at least one, got none"):
        migration_barriers(atoms, [], calculator=EMT())
    with pytest.raises(InputError, match="images: need at least 1 image"):
        migration_barriers(atoms, [(ion, hole)], calculator=EMT(), images=0)


def test_melt_quench_goes_through_its_stages(tmp_path: Path) -> None:
    atoms = bulk("Cu", cubic=True).repeat(2)
    atoms.calc = EMT()
    made = melt_quench(
        atoms,
        tmp_path,
        melt_temperature=2000.0,
        melt_picoseconds=0.3,
        cooling_rate=4000.0,
        settle_picoseconds=0.1,
        settle_ensemble="nvt",
        fixed=[0, 1],
        engine="ase",
        interval=0.02,
        damping=0.05,
        progress=False,
    )
    assert list(made.stages) == ["melt", "cool", "settle"]
    assert made.stages["cool"].steps == 425  # (2000 - 300) / 4000 ps at 1 fs
    cool = np.genfromtxt(made.stages["cool"].log, delimiter=",", names=True)["temperature_K"]
    assert cool[:4].mean() > 1.5 * cool[-4:].mean()
    moved = np.linalg.norm(made.atoms.positions - atoms.positions, axis=1)
    assert moved[:2].max() < 1e-9
    assert moved[2:].max() > 0.2
    with pytest.raises(InputError, match="melt_temperature: need a temperature above final_temperature"):
        melt_quench(atoms, tmp_path, melt_temperature=200.0)
    with pytest.raises(InputError, match="cooling_rate: need a positive number, got 0"):
        melt_quench(atoms, tmp_path, cooling_rate=0)


@pytest.mark.slow
def test_lithium_vacancy_hop_in_argyrodite(argyrodite: Atoms) -> None:
    lithium = [atom.index for atom in argyrodite if atom.symbol == "Li"]
    gone = lithium[0]
    hole = argyrodite.positions[gone].copy()
    distances = argyrodite.get_distances(gone, lithium[1:], mic=True)
    ion = lithium[1:][int(distances.argmin())]
    del argyrodite[gone]
    with pytest.warns(UserWarning, match=r"a charge of -\d e; argyrodite has seen no other"):  # a vacancy
        found = migration_barriers(argyrodite, [(ion - 1 if ion > gone else ion, hole)], fmax=0.1)
    assert len(found.hops) + len(found.refused) == 1
    for hop in found.hops:
        assert -0.02 < hop.forward < 1.0  # eV
