"""Structure and anion disorder: pairs, scattering, anions, order, volumes, rings, tilt and distortion.

Also importable as ``MDAnalysis.analysis.anion_disorder``. Every class is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "RadialDistributions": "radial",
    "AngleDistribution": "radial",
    "StructureFactor": "scattering",
    "LayerProfiles": "layers",
    "AmorphisationProfile": "layers",
    "AnionSpeciation": "speciation",
    "AveragedSteinhardt": "per_atom",
    "IonVoronoiVolume": "per_atom",
    "RingTopology": "rings",
    "TetrahedronTilt": "tilt",
    "TetrahedralDistortion": "distortion",
    "compare_disorder": "distortion",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"ionpath_mdanalysis.anion_disorder.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ionpath_mdanalysis.anion_disorder' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
