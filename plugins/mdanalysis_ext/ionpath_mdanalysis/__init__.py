"""Analyses of mobile ions for MDAnalysis, with readers for the formats of ASE and VASP.

The readers register with MDAnalysis when this package is imported; the analyses are imported
when they are first used.
"""

from importlib import import_module
from typing import Any

from ionpath_mdanalysis.readers.registry import register

_HOMES = {
    "CoordinationShells": "path_entropy",
    "ShellStates": "path_entropy",
    "MarkovStates": "path_entropy",
    "PathEntropy": "path_entropy",
    "IonAnalysis": "_base",
    "NonAffineDisplacement": "softness",
    "Softness": "softness",
    "IonDiffusion": "ion_transport",
    "SelfVanHove": "ion_transport",
    "NonGaussianParameter": "ion_transport",
    "IonHops": "ion_transport",
    "IonDensity": "ion_transport",
    "TetrahedronTilt": "anion_disorder",
    "TetrahedralDistortion": "anion_disorder",
    "AnionSpeciation": "anion_disorder",
    "AveragedSteinhardt": "anion_disorder",
    "AmorphisationProfile": "anion_disorder",
    "IonVoronoiVolume": "anion_disorder",
    "RingTopology": "anion_disorder",
    "StructureFactor": "anion_disorder",
}

__all__ = sorted(_HOMES)

register()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"ionpath_mdanalysis.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'ionpath_mdanalysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
