"""Why lithium moves: the physics of disordered solid electrolytes, on NumPy arrays.

Subpackages are imported when they are first used, so that ``import ionpath`` is fast and pulls in no host framework.
"""

from importlib import import_module
from typing import Any

from ionpath.citations import cite

__version__ = "0.1.0"

_SUBPACKAGES = ("cvs", "disorder", "kinetics", "lattice", "plugins", "softness", "structure", "transport")

__all__ = ["__version__", "cite", *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return import_module(f"ionpath.{name}")
    raise AttributeError(f"module 'ionpath' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
