"""Structure of disordered conductors: pair and angle distributions, scattering, anions, order, volumes and rings.

Every name is imported when it is first used. Functions take positions of one frame (N, 3) or of many
(T, N, 3) in A with one cell or one per frame, and species as chemical symbols.
"""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Pairs and angles
    "RadialDistribution": "rdf",
    "RadialHistogram": "rdf",
    "radial_distribution": "rdf",
    "first_minimum": "rdf",
    "AngleDistribution": "angles",
    "AngleHistogram": "angles",
    "angle_distribution": "angles",
    # Scattering
    "neutron_lengths": "form_factors",
    "xray_form_factors": "form_factors",
    "partial_structure_factors": "scattering",
    "total_structure_factor": "scattering",
    "first_sharp_diffraction_peak": "scattering",
    "DiffractionPeak": "scattering",
    "r_chi": "scattering",
    "read_structure_factor": "scattering",
    "DirectStructureFactor": "reciprocal",
    "direct_structure_factors": "reciprocal",
    "reciprocal_vectors": "reciprocal",
    # Layers
    "LayerProfile": "profiles",
    "layer_profiles": "profiles",
    "AmorphisationProfile": "amorphisation",
    "amorphisation_profile": "amorphisation",
    "Regions": "regions",
    "divide_regions": "regions",
    # Anions
    "AnionClusters": "clusters",
    "anion_clusters": "clusters",
    "Lifetime": "lifetime",
    "lifetimes": "lifetime",
    "persistent_labels": "lifetime",
    # Order and volume
    "averaged_steinhardt": "steinhardt",
    "voronoi_volumes": "voronoi",
    # Rings
    "PersistenceDiagram": "homology",
    "persistence_diagram": "homology",
    "Rings": "rings",
    "persistent_rings": "rings",
}
"""Public name -> module of this package that defines it."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath.structure.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath.structure' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
