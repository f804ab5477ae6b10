"""Deep Potential molecular dynamics of lithium thiophosphates in ASE and LAMMPS.

Nothing heavy is imported before it is used: deepmd-kit, TensorFlow and LAMMPS load with the first evaluation.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "IonPath": "calculator",
    "Committee": "calculator",
    "potentials": "potentials",
    "run_md": "md",
    "MolecularDynamics": "md",
    "temperature_series": "md",
    "melt_quench": "quench",
    "anneal": "glass",
    "glass_ceramic": "glass",
    "migration_barriers": "barriers",
    "training": "training",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ionpath_ase' has no attribute {name!r}")
    module = import_module(f"ionpath_ase.{_HOME[name]}")
    return module if name == _HOME[name] else getattr(module, name)


def __dir__() -> list[str]:
    return __all__
