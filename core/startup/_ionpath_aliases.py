"""Second names for ionpath modules, so that existing scripts find them where they look.

Python runs install() at start-up (ionpath_aliases.pth, or ionpath_aliases.start from Python 3.15 on).
Nothing is imported before a script asks for one of the names, and where a host is not installed nothing changes:
its names stay unknown. The finder stands last, so that a module that a host ships itself always wins.
"""

import sys

ALIASES = {
    "MDAnalysis.analysis.path_entropy": "ionpath_mdanalysis.path_entropy",
    "MDAnalysis.analysis.ion_transport": "ionpath_mdanalysis.ion_transport",
    "MDAnalysis.analysis.anion_disorder": "ionpath_mdanalysis.anion_disorder",
    "MDAnalysis.analysis.softness": "ionpath_mdanalysis.softness",
    "ase.calculators.ionpath": "ionpath_ase.calculator",
    "pymatgen.transformations.site_inversion": "pymatgen.analysis.argyrodite.transformations",
}


class Aliases:
    """Meta path finder and loader of the names in ``ALIASES``."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ALIASES:
            from importlib.machinery import ModuleSpec

            return ModuleSpec(name, Aliases)
        return None

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        from importlib import import_module

        # Replacing the entry, rather than returning the target from create_module, keeps the target's own __spec__.
        sys.modules[module.__name__] = import_module(ALIASES[module.__name__])


def install():
    """Add the finder once."""
    if Aliases not in sys.meta_path:
        sys.meta_path.append(Aliases)
