"""Energy of shipped potentials at constant energy, at time steps longer than the default too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.md.velocitydistribution import Stationary
from ase.md.verlet import VelocityVerlet

from ionpath.lattice.argyrodite import REFERENCE_EDGE, cage_sites, framework
from ionpath_ase import IonPath, run_md
from ionpath_ase.training import starting_structure

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crystal() -> Atoms:
    """Li6PS5Cl, 52 atoms, after 0.3 ps at constant energy from 1200 K of kinetic energy: about 600 K."""
    places, symbols, _ = framework()
    atoms = Atoms(
        ["Li"] * 24 + symbols.tolist(), scaled_positions=np.concatenate([cage_sites(), places]),
        cell=[REFERENCE_EDGE] * 3, pbc=True, calculator=IonPath(),
    )  # fmt: skip
    scale = np.sqrt(atoms.get_masses() * units.kB * 1200.0)[:, None]
    atoms.set_momenta(np.random.default_rng(1).normal(size=(52, 3)) * scale)
    Stationary(atoms)
    VelocityVerlet(atoms, 2.0 * units.fs).run(150)
    assert 400.0 < atoms.get_temperature() < 800.0
    return atoms


def energies(atoms: Atoms, timestep: float, steps: int) -> np.ndarray:
    """Total energy after each step in meV/atom."""
    run, found = atoms.copy(), []
    run.calc = atoms.calc
    dynamics = VelocityVerlet(run, timestep * units.fs)
    dynamics.attach(lambda: found.append(run.get_total_energy()))
    dynamics.run(steps)
    return 1e3 * np.array(found) / len(run)


def test_energy_is_kept_at_3_and_at_4_fs(crystal: Atoms) -> None:
    """No drift in 0.6 ps, and ripples that grow as the square of the step, as those of velocity Verlet do."""
    ripple = {}
    for timestep in (2.0, 3.0, 4.0):
        found = energies(crystal, timestep, round(600 / timestep))
        slope = np.polyfit(np.arange(len(found)) * timestep * 1e-3, found, 1)[0]
        assert abs(slope) < 0.3  # meV/atom/ps; 0.002 in the runs of docs/potential.md, which are ten times as long
        ripple[timestep] = found.std()
    assert ripple[4.0] < 0.4  # meV/atom, of 78 of kinetic energy
    assert ripple[3.0] / ripple[2.0] == pytest.approx(2.25, rel=0.5)
    assert ripple[4.0] / ripple[2.0] == pytest.approx(4.0, rel=0.5)


@pytest.mark.filterwarnings("ignore:.* the cell was kept at .* far from zero pressure:UserWarning")  # that of 0 K
def test_energy_of_lpscl_i_is_kept_in_both_engines(tmp_path: Path) -> None:
    """1 ps at a constant energy and about 600 K, with the potential that was trained on the phase."""
    start, first = starting_structure("LPSCl-I").repeat((2, 1, 1)), []
    for engine in ("lammps", "ase"):
        run = run_md(
            start, temperature=1200.0, picoseconds=1.0, interval=0.01, ensemble="nve", engine=engine, processes=1,
            model="argyrodite-lpscl-i", seed=1, trajectory=tmp_path / f"{engine}.xtc", progress=False,
        )  # fmt: skip
        log = np.genfromtxt(run.log, delimiter=",", names=True)
        total = 1e3 * log["total_energy_eV"] / len(start)
        assert abs(np.polyfit(log["time_ps"], total, 1)[0]) < 0.3  # meV/atom/ps
        assert 400.0 < log["temperature_K"][50:].mean() < 800.0
        first.append([log["potential_energy_eV"][0], log["total_energy_eV"][0]])
    np.testing.assert_allclose(first[0], first[1], atol=2e-3)  # eV
