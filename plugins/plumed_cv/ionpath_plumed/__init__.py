"""PLUMED plugin: collective variables for ion conductors, inputs, runs, and free energies.

Modules that PLUMED imports by name: ``shell``, ``tilt``, ``distortion``, ``path``, ``position``, ``flux``,
``plugin``. For Python: `metadynamics_input` writes an input, `run_metadynamics` runs it, `analyse_metadynamics`
gives the barrier, `free_energy` the surface.
"""

from typing import TYPE_CHECKING

from ionpath.lazy import face

if TYPE_CHECKING:
    from ionpath_plumed.checks import check_input as check_input
    from ionpath_plumed.driver import evaluate as evaluate
    from ionpath_plumed.figures import export as export, isosurface as isosurface
    from ionpath_plumed.files import read_hills as read_hills
    from ionpath_plumed.inputs import PlumedInput as PlumedInput
    from ionpath_plumed.metadynamics import run_metadynamics as run_metadynamics
    from ionpath_plumed.protocols import metadynamics_input as metadynamics_input
    from ionpath_plumed.structure import (
        find_shells as find_shells,
        find_tetrahedra as find_tetrahedra,
        neighbouring_cages as neighbouring_cages,
    )
    from ionpath_plumed.surfaces import (
        analyse_metadynamics as analyse_metadynamics,
        free_energy as free_energy,
        free_energy_from_colvar as free_energy_from_colvar,
    )
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        checks=["check_input"],
        driver=["evaluate"],
        figures=["export", "isosurface"],
        files=["read_hills"],
        inputs=["PlumedInput"],
        metadynamics=["run_metadynamics"],
        protocols=["metadynamics_input"],
        structure=["find_shells", "find_tetrahedra", "neighbouring_cages"],
        surfaces=["analyse_metadynamics", "free_energy", "free_energy_from_colvar"],
    )
