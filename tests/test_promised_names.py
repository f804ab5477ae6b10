"""The names that users and their scripts rely on, and that may not move."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

PROMISED = {
    "ionpath": ["cite", "__version__"],
    "ionpath.kinetics": [
        "CoordinationShells",
        "SiteNetwork",
        "chapman_kolmogorov",
        "estimate_msm",
        "implied_timescales",
        "mfpt_matrix",
        "net_flux",
        "path_entropy",
        "path_entropy_matrix",
        "released_path_entropy",
    ],
    "ionpath.disorder": [
        "argyrodite_mixing_entropy",
        "mixing_entropy",
        "shannon_entropy",
        "support_entropy",
        "tetrahedral_distortion",
    ],
    "ionpath.transport": ["nernst_einstein"],
    "ionpath.structure": ["amorphisation_profile", "anion_clusters", "averaged_steinhardt"],
    "ionpath.softness": ["nonaffine_displacement", "radial_structure_functions"],
    "MDAnalysis.analysis.path_entropy": [
        "CoordinationShells",
        "MarkovStates",
        "PathEntropy",
        "ShellStates",
        "SiteNetwork",
    ],
    "MDAnalysis.analysis.ion_transport": [
        "IonDensity",
        "IonDiffusion",
        "IonHops",
        "NonGaussianParameter",
        "SelfVanHove",
    ],
    "MDAnalysis.analysis.anion_disorder": [
        "AmorphisationProfile",
        "AnionSpeciation",
        "AveragedSteinhardt",
        "IonVoronoiVolume",
        "RingTopology",
        "StructureFactor",
        "TetrahedralDistortion",
        "TetrahedronTilt",
    ],
    "MDAnalysis.analysis.softness": ["NonAffineDisplacement", "Softness"],
    "ionpath_ase": ["Committee", "IonPath", "hop_candidates", "melt_quench", "migration_barriers", "run_md"],
    "ionpath_ase.training": ["packed_ions"],
    "ase.calculators.ionpath": ["IonPath", "Ionpath"],
    "pymatgen.analysis.argyrodite": [
        "AliovalentSubstitutionTransformation",
        "EnumerateSiteInversionTransformation",
        "ExcessHalideTransformation",
        "SiteInversionTransformation",
        "argyrodite",
        "configurational_entropy",
        "lithium_sites",
        "site_energies",
    ],
    "pymatgen.transformations.site_inversion": [
        "EnumerateSiteInversionTransformation",
        "ExcessHalideTransformation",
        "SiteInversionTransformation",
    ],
    "ionpath_plumed": ["free_energy"],
    "ionpath_plumed.shell": ["plumedCalculate", "plumedInit"],
    "ionpath_plumed.tilt": ["plumedCalculate", "plumedInit"],
    "ionpath_plumed.distortion": ["plumedCalculate", "plumedInit"],
    "ionpath_plumed.path": ["plumedCalculate", "plumedInit"],
    "ionpath_plumed.position": ["plumedCalculate", "plumedInit"],
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in PROMISED.items() for n in names])
def test_promised_name(module: str, name: str) -> None:
    assert getattr(importlib.import_module(module), name) is not None


SIGNATURES = {
    "estimate_msm": ["dtrajs", "lag", "n_states", "count_mode", "reversible"],
    "mfpt_matrix": ["msm_or_T", "lag", "frame_time"],
    "net_flux": ["msm_or_T", "source", "target"],
    "path_entropy": ["msm_or_T", "source", "target", "definition", "max_edges", "unit"],
    "released_path_entropy": ["dtrajs", "lag", "n_states", "counts_ratio", "max_edges"],
    "implied_timescales": ["dtrajs", "lags", "frame_time", "n_states"],
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_promised_keywords(name: str) -> None:
    parameters = inspect.signature(getattr(importlib.import_module("ionpath.kinetics"), name)).parameters
    assert [p for p in SIGNATURES[name] if p not in parameters] == []


@pytest.mark.parametrize(
    "package",
    [
        *("ionpath", "ionpath.kinetics", "ionpath.transport", "ionpath.structure", "ionpath.disorder"),
        *("ionpath_ase", "ionpath_ase.training"),
    ],
)
def test_core_and_lazy_faces_import_no_host(package: str) -> None:
    hosts = "{'ase', 'MDAnalysis', 'pymatgen', 'plumed', 'deepmd', 'tensorflow', 'torch', 'matplotlib', 'pandas'}"
    code = f"import sys, {package}; print(sorted({hosts} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
