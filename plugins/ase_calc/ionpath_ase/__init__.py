"""Deep Potential molecular dynamics of lithium thiophosphates in ASE and LAMMPS.

Nothing heavy is imported before it is used: deepmd-kit, TensorFlow and LAMMPS load with the first evaluation.
"""

from typing import TYPE_CHECKING

from ionpath.lazy import face
from ionpath_ase import atoms_json as atoms_json

if TYPE_CHECKING:
    from ionpath_ase import potentials as potentials, training as training
    from ionpath_ase.bands import Barrier as Barrier, Hop as Hop
    from ionpath_ase.barriers import (
        Barriers as Barriers,
        hop_candidates as hop_candidates,
        migration_barriers as migration_barriers,
    )
    from ionpath_ase.calculator import Committee as Committee, IonPath as IonPath
    from ionpath_ase.glass import anneal as anneal, glass_ceramic as glass_ceramic
    from ionpath_ase.md import (
        MolecularDynamics as MolecularDynamics,
        run_md as run_md,
        temperature_series as temperature_series,
    )
    from ionpath_ase.quench import melt_quench as melt_quench
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        bands=["Barrier", "Hop"],
        barriers=["Barriers", "hop_candidates", "migration_barriers"],
        calculator=["Committee", "IonPath"],
        glass=["anneal", "glass_ceramic"],
        md=["MolecularDynamics", "run_md", "temperature_series"],
        potentials=["potentials"],
        quench=["melt_quench"],
        training=["training"],
    )
