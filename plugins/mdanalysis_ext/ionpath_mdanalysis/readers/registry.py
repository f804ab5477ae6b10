"""Make MDAnalysis know our formats, without taking any that it knows already."""

from __future__ import annotations

from importlib import import_module

FORMATS = {
    "XDATCAR": "ionpath_mdanalysis.readers.xdatcar",
    "EXTXYZ": "ionpath_mdanalysis.readers.extxyz",
    "TRAJ": "ionpath_mdanalysis.readers.asetraj",
    "ASE": "ionpath_mdanalysis.readers.atoms",
}
"""Format name -> module that defines reader and parser (and, for ASE, the converter)."""


def register() -> tuple[str, ...]:
    """Register the formats that MDAnalysis does not know.

    MDAnalysis has no entry points: a class registers by its metaclass when it is defined. A format that MDAnalysis
    brings is left to MDAnalysis.
    """
    import MDAnalysis

    new = tuple(name for name in FORMATS if name not in MDAnalysis._READERS)
    for name in new:
        import_module(FORMATS[name])
    return new
