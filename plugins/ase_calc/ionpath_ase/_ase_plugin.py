"""What ASE reads through the entry point ``ase.plugins``."""

from __future__ import annotations

from typing import Any

import ionpath

__ase_plugins__: set[Any]
try:
    from ase._4.plugins.plugin import CalculatorPlugin
except ImportError:  # an ASE without this experimental interface
    __ase_plugins__ = set()
else:
    __ase_plugins__ = {
        CalculatorPlugin(
            "ionpath",
            citation="doi:10.1063/5.0155600",  # DeePMD-kit v2, the engine that evaluates the potentials
            module=ionpath,
            implementation="ionpath_ase.IonPath",
        )
    }
