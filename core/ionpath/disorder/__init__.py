"""Disorder of the anions: tilt and distortion of tetrahedra, and configurational entropies.

Every name is imported when it is first used.
"""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Ideal mixing on sublattices
    "MixingEntropy": "mixing",
    "mixing_entropy": "mixing",
    "argyrodite_mixing_entropy": "mixing",
    "entropy_map": "mixing",
    # Tetrahedra and sampled entropies
    # -- the modules on tilt, distortion, support and Shannon entropies add their names below this line --
    "support_entropy": "entropy",
    "shannon_entropy": "entropy",
    "compare_entropies": "entropy",
    "EntropyComparison": "entropy",
    "jackknife_error": "entropy",
    "number_of_states": "entropy",
    "tetrahedra": "tilt",
    "bond_vectors": "tilt",
    "bond_angles": "tilt",
    "tilt_free_energy": "tilt",
    "TiltFreeEnergy": "tilt",
    "TiltHistogram": "tilt",
    "rotation_rate": "rotation",
    "RotationRate": "rotation",
    "RotationCounter": "rotation",
    "site_permutations": "rotation",
    "tetrahedral_distortion": "distortion",
    # -- and above this one --
}
"""Public name -> module of this package that defines it."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath.disorder.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath.disorder' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
