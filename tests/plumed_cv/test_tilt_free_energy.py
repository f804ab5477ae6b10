"""Tilt of a PS4 tetrahedron: an unbiased run and metadynamics of the same system give the same free energy."""

from __future__ import annotations

import os

import numpy as np
import pytest

from ionpath_plumed import free_energy, free_energy_from_colvar, metadynamics_input, read_hills, run_metadynamics

PICOSECONDS = float(os.environ.get("IONPATH_TILT_PICOSECONDS", "15"))
TEMPERATURE = 600.0


@pytest.mark.slow
def test_unbiased_and_metadynamics_agree_within_their_errors(tmp_path):
    calculator = pytest.importorskip("ionpath_ase.calculator", reason="the ASE plugin needs deepmd-kit")
    pytest.importorskip("deepmd", reason="the shipped potential needs deepmd-kit")
    core = pytest.importorskip("pymatgen.analysis.argyrodite", reason="the pymatgen plugin builds the crystal")
    from pymatgen.io.ase import AseAtomsAdaptor

    def atoms():
        made = AseAtomsAdaptor.get_atoms(core.argyrodite(), msonable=False)
        made.calc = calculator.IonPath()
        return made

    # Small hills and a low gamma, so that the bond explores its basin and does not leave it.
    given = metadynamics_input(
        atoms(), "tilt", temperature=TEMPERATURE, sigma=0.06, height=0.8, pace=10.0, bias_factor=4.0
    )
    options = {"picoseconds": PICOSECONDS, "trajectory_every": 1.0, "checkpoint_every": 1.0, "progress": False}
    unbiased = [line for line in given.lines if not line.startswith(("metad:", "PRINT"))]
    unbiased.append("PRINT ARG=tilt.* STRIDE=5 FILE=COLVAR")
    plain = run_metadynamics(atoms(), unbiased, folder=tmp_path / "plain", temperature=TEMPERATURE, seed=1, **options)
    biased = run_metadynamics(atoms(), given, folder=tmp_path / "biased", seed=2, **options)
    for name, axis, span in (("tilt.py-theta", 0, (0.0, np.pi)), ("tilt.py-phi", 1, (-np.pi, np.pi))):
        direct = free_energy_from_colvar(
            plain.colvar, [name], temperature=TEMPERATURE, bins=60, ranges=[span], skip=0.1, n_blocks=6
        )
        halves = []
        for part in (0.6, 0.8, 1.0):
            hills = read_hills(biased.hills).until(part * PICOSECONDS)
            halves.append(_profile(free_energy(hills), axis, direct.axes[0]))
        reached = np.isfinite(halves).all(axis=0)
        halves = [np.where(reached, half, np.nan) for half in halves]
        metadynamics, spread = np.mean(halves, axis=0), np.std(halves, axis=0, ddof=1)
        # Bins within 10 kJ/mol (2 RT) of the minimum that both runs visited.
        both = (
            np.isfinite(direct.values) & np.isfinite(metadynamics) & np.isfinite(direct.error) & (direct.values < 10.0)
        )
        assert both.sum() >= 4
        difference = metadynamics[both] - direct.values[both]
        difference -= difference.mean()
        error = np.sqrt(direct.error[both] ** 2 + spread[both] ** 2 + 0.5**2)
        assert (np.abs(difference) < 3 * error).all(), (difference, error)
        assert np.sqrt(np.mean((difference / error) ** 2)) < 2.0


def _profile(surface, axis: int, where: np.ndarray) -> np.ndarray:
    """Free energy of one angle with the other integrated out, at the middle of the bins of the unbiased run."""
    flat = surface.projection(axis, TEMPERATURE)
    return np.interp(where, flat.axes[0], flat.values, left=np.inf, right=np.inf)
