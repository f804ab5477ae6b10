"""PLUMED plugin: collective variables for ion conductors, inputs, runs, and free energies.

Modules that PLUMED imports by name: ``shell``, ``tilt``, ``distortion``, ``path``, ``position``, ``flux``,
``plugin``. For Python: `metadynamics_input` writes an input, `run_metadynamics` runs it, `analyse_metadynamics`
gives the barrier, `free_energy` the surface.
"""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "PlumedInput": "protocols",
    "analyse_metadynamics": "surfaces",
    "check_input": "checks",
    "evaluate": "driver",
    "export": "figures",
    "find_shells": "structure",
    "find_tetrahedra": "structure",
    "free_energy": "surfaces",
    "free_energy_from_colvar": "surfaces",
    "isosurface": "figures",
    "metadynamics_input": "protocols",
    "neighbouring_cages": "structure",
    "read_hills": "files",
    "run_metadynamics": "metadynamics",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath_plumed.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath_plumed' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
