"""Molecular dynamics with one call on two engines, ASE and LAMMPS, that can be stopped and taken up at any time."""

from ionpath_ase.md.driver import MolecularDynamics, UnstableRun
from ionpath_ase.md.profile import MDProfile
from ionpath_ase.md.run import run_md, temperature_series
from ionpath_ase.md.settings import MDResult, MDSettings

__all__ = ["MDProfile", "MDResult", "MDSettings", "MolecularDynamics", "UnstableRun", "run_md", "temperature_series"]
