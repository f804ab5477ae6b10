"""Structure and disorder on ab initio trajectories of Li6PS5Cl: published numbers, trends."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("MDAnalysis", reason="the MDAnalysis plugin needs MDAnalysis")
pytest.importorskip("freud", reason="order and volumes need freud")
pytest.importorskip("gudhi", reason="rings need gudhi")

import MDAnalysis as mda

import ionpath_mdanalysis.anion_disorder as ad
from ionpath.structure import anion_clusters, radial_distribution


@pytest.fixture(scope="module")
def universes(shared_data: Path) -> dict[str, Any]:
    """416 atoms, 500 K, 140 frames of 0.1 ps, 0 and 50 % S/Cl inversion (Morgan 2021)."""
    return {x: mda.Universe(shared_data / "aimd" / f"Li6PS5Cl-{x}-run1.XDATCAR.gz", dt=0.1) for x in ("0p", "50p")}


def distortion(u: Any, **options: Any) -> Any:
    return ad.TetrahedralDistortion(u.select_atoms("element P"), u.select_atoms("element S"), **options).run()


def test_published_entropies(universes: dict[str, Any]) -> None:
    """31.13 and 32.41 J/mol/K turned by 45 degrees, 25.2 and 30.4 along the crystal (PHYSICS 4.2)."""
    turned = {x: distortion(u, mode="published", rotation=45.0) for x, u in universes.items()}
    along = {x: distortion(u, mode="published") for x, u in universes.items()}
    assert turned["0p"].results.support_entropy == pytest.approx(31.13, abs=0.006)
    assert turned["50p"].results.support_entropy == pytest.approx(32.41, abs=0.006)
    assert along["0p"].results.support_entropy == pytest.approx(25.2, abs=0.06)
    assert along["50p"].results.support_entropy == pytest.approx(30.4, abs=0.06)
    both = ad.compare_disorder(turned)
    assert both.shannon[1] - both.shannon[0] > 3 * np.hypot(*both.shannon_error)
    with pytest.raises(ValueError, match="orientation of along"):
        ad.compare_disorder({"turned": turned["0p"], "along": along["0p"]})


def test_tilt_widens_with_disorder(universes: dict[str, Any]) -> None:
    reach = {}
    for x, u in universes.items():
        tilt = ad.TetrahedronTilt(u.select_atoms("element P"), temperature=500).run()
        free = tilt.results.free_energy["P-S"]
        assert free.n_samples == 140 * 32 * 4 and free.theta.min() == 0.0
        assert tilt.results.rotation["PS4"].events == 0  # librations only, in 14 ps at 500 K
        assert 0 < tilt.results.rotation["PS4"].high < 0.01  # 1/ps
        middle = 0.5 * (free.phi_edges[1:] + free.phi_edges[:-1])
        # bonds along (111): phi = +-45, +-135 degrees
        assert np.min(np.abs(np.abs(middle[np.argmin(free.phi)]) - [45.0, 135.0])) < 6.0
        reach[x] = np.isfinite(free.theta).mean()
    assert reach["50p"] >= reach["0p"]


def test_every_analysis_runs(universes: dict[str, Any]) -> None:
    u = universes["50p"]
    lithium = u.select_atoms("element Li")
    speciation = ad.AnionSpeciation(u.atoms, persistence=1.0).run(step=5)
    assert speciation.results.centre_fractions == {"PS4": 1.0}
    assert speciation.results.lifetimes[0].ends == 0 and speciation.results.lifetimes[0].low > 50  # ps
    rdf = ad.RadialDistributions(u.atoms).run(step=20)
    assert rdf.coordination_number("P", "S") == pytest.approx(4.0)
    assert 2.5 < rdf.coordination_number("Li", "S", 3.2) < 4.0
    angle = ad.AngleDistribution(u.atoms).run(step=20)
    assert angle.results.mean == pytest.approx(109.4, abs=0.3)  # degrees
    factor = ad.StructureFactor(u.atoms, q=np.arange(0.5, 8, 0.05)).run(step=20)
    assert np.isfinite(factor.results.xray).all() and factor.results.xray_error.max() < 1.0
    assert 1.6 < ad.LayerProfiles(u.atoms).run(step=20).results.mass_density.mean() < 1.75  # g/cm^3
    flat = ad.AmorphisationProfile(u.atoms, thickness=5.0).run(step=20)
    with pytest.raises(ValueError, match="the cell looks all alike"):
        flat.regions()
    volume = ad.IonVoronoiVolume(lithium).run(step=20)
    assert 19.0 < volume.results.mean < 23.0  # A^3
    order = ad.AveragedSteinhardt(u.atoms, lithium).run(step=20)
    assert 0.05 < order.results.mean < 0.2
    rings = ad.RingTopology(u.atoms).run(step=35)
    assert rings.results.sizes.min() == 3 and rings.results.winding_fraction < 0.01


def test_reader_and_functions_agree(universes: dict[str, Any]) -> None:
    u = universes["0p"]
    symbols = u.atoms.elements.tolist()
    rdf = ad.RadialDistributions(u.atoms, r_max=9.0, bins=90).run(start=30, stop=31)
    cell = u.trajectory[30].triclinic_dimensions
    expected = radial_distribution(u.atoms.positions, cell, symbols, r_max=9.0, bins=90)
    # cells pass through lengths and angles in single precision
    assert np.abs(rdf.results.rdf.shells - expected.shells).sum() < 10
    found = anion_clusters(u.atoms.positions, cell, symbols)
    assert found.unit_counts.tolist() == [[32, 32]]


def test_sums_do_not_grow_with_frames(universes: dict[str, Any]) -> None:
    u = universes["0p"]
    lithium = u.select_atoms("element Li")
    makers = {
        "rdf": (lambda: ad.RadialDistributions(u.atoms), 0),
        "angles": (lambda: ad.AngleDistribution(u.atoms), 0),
        "transform": (lambda: ad.StructureFactor(u.atoms), 0),
        "layers": (lambda: ad.LayerProfiles(u.atoms), 0),
        "amorphisation": (lambda: ad.AmorphisationProfile(u.atoms, thickness=5), 0),
        "tilt": (lambda: ad.TetrahedronTilt(u.select_atoms("element P"), temperature=500), 0),
        "volume": (lambda: ad.IonVoronoiVolume(lithium), 8),  # one number per frame
        "distortion": (lambda: ad.TetrahedralDistortion(u.select_atoms("element P")), 4 * 32),
        "speciation": (lambda: ad.AnionSpeciation(u.atoms), 2 * 192 + 8 * 2),
    }
    for name, (make, per_frame) in makers.items():
        sizes = []
        for stop in (10, 20):
            blocks: list[Any] = []
            analysis = make()
            analysis._finish = blocks.append
            analysis.run(stop=stop)
            sizes.append(len(pickle.dumps(blocks)))
        assert sizes[1] - sizes[0] <= 10 * per_frame + 200, name


@pytest.mark.slow
def test_every_analysis_runs_on_a_trajectory_of_the_shipped_potential(tmp_path: Path) -> None:
    """One cubic cell of Li6PS5Cl (52 atoms, 10 A), smaller than what neighbours and rings need."""
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    pytest.importorskip("pymatgen.analysis.argyrodite", reason="the structure comes from the pymatgen plugin")
    from ase import units
    from ase.io import Trajectory
    from ase.md.langevin import Langevin
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import IonPath
    from pymatgen.analysis.argyrodite import argyrodite

    atoms = AseAtomsAdaptor.get_atoms(argyrodite())
    atoms.calc = IonPath()
    rng = np.random.default_rng(0)
    atoms.set_momenta(rng.normal(size=(52, 3)) * np.sqrt(atoms.get_masses() * units.kB * 600)[:, None])
    with Trajectory(tmp_path / "run.traj", "w") as file:
        run = Langevin(atoms, 2 * units.fs, temperature_K=600, friction=0.01 / units.fs, fixcm=False, rng=rng)
        run.attach(lambda: file.write(atoms), interval=20)
        run.run(300)
    u = mda.Universe(tmp_path / "run.traj", dt=0.04)
    lithium, phosphorus = u.select_atoms("element Li"), u.select_atoms("element P")
    assert ad.AnionSpeciation(u.atoms).run().results.centre_fractions == {"PS4": 1.0}
    found = [
        ad.RadialDistributions(u.atoms),
        ad.AngleDistribution(u.atoms),
        ad.StructureFactor(u.atoms, method="direct"),
        ad.LayerProfiles(u.atoms, bins=4),
        ad.AmorphisationProfile(u.atoms, thickness=4.0),
        ad.AveragedSteinhardt(u.atoms, lithium),
        ad.IonVoronoiVolume(lithium),
        ad.TetrahedronTilt(phosphorus, temperature=600),
        ad.TetrahedralDistortion(phosphorus),
    ]
    for analysis in found:
        assert len(analysis.run().to_dataframe())
    assert 18.0 < found[6].results.mean < 24.0  # A^3
    rings = ad.RingTopology(u.atoms).run(stop=2)
    assert rings.results.sizes.min() == 3
