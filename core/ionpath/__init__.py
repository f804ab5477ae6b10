"""Why lithium moves: the physics of disordered solid electrolytes, on NumPy arrays.

Subpackages are imported when they are first used, so that ``import ionpath`` is fast and pulls in no host framework.

What has the wrong kind or shape, or is not finite, every function refuses with an `ionpath.errors.InputError` that
names the argument and a remedy. Docstrings name what is refused besides.
"""

from typing import TYPE_CHECKING

from ionpath.citations import bibtex as bibtex, cite as cite
from ionpath.lazy import face
from ionpath.version import __version__ as __version__

if TYPE_CHECKING:
    from ionpath import (
        cvs as cvs,
        disorder as disorder,
        free_energy as free_energy,
        kinetics as kinetics,
        lattice as lattice,
        plugins as plugins,
        softness as softness,
        structure as structure,
        transport as transport,
        units as units,
    )
else:
    _PACKAGES = "cvs disorder free_energy kinetics lattice plugins softness structure transport units"
    __all__, __getattr__, __dir__ = face(__name__, **{name: [name] for name in _PACKAGES.split()})
    __all__ += ["__version__", "bibtex", "cite"]
