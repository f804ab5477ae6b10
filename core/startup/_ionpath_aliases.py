"""Second names for ionpath modules, so that existing scripts find them where they look; formats for MDAnalysis.

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


class Readers:
    """Meta path finder that lets MDAnalysis know our file formats as soon as it is imported.

    MDAnalysis has no entry points: a reader exists for it once the module that defines it was imported. This finder
    stands first, asks the others for MDAnalysis, and has our registration run when MDAnalysis has been executed.
    """

    asking = False

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "MDAnalysis" or cls.asking:
            return None
        from importlib.util import find_spec

        cls.asking = True
        try:
            spec = find_spec(name)
        finally:
            cls.asking = False
        try:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: cls.execute(module, execute)
        except AttributeError:  # not installed, or a loader of another kind: all stays as it is without us
            return None
        return spec

    @staticmethod
    def execute(module, execute):
        vars(module.__spec__.loader).pop("exec_module", None)
        execute(module)
        try:
            from ionpath_mdanalysis.readers import registry

            registry.register()
        except Exception as error:  # whatever happens to us, MDAnalysis works
            import warnings

            warnings.warn(f"ionpath could not add its file formats to MDAnalysis: {error!r}", stacklevel=2)


def install():
    """Add the finders once."""
    if Aliases not in sys.meta_path:
        sys.meta_path.append(Aliases)
    if Readers not in sys.meta_path:
        sys.meta_path.insert(0, Readers)
