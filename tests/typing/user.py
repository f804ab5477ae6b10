"""What a type checker sees in a user's file: mypy reads this (`make lint`), nobody runs it.

Every promised name has a real type: an ``Any`` fails `assert_type` or leaves an ignore unused, which is an error, and
so does a misspelt name that passes.
"""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import ionpath
import ionpath_mdanalysis
from ionpath import kinetics
from ionpath.disorder import argyrodite_mixing_entropy, mixing_entropy, tetrahedral_distortion
from ionpath.estimate import Estimate
from ionpath.kinetics import pth_entropy  # type: ignore[attr-defined]  # misspelt on purpose
from ionpath.softness import nonaffine_displacement
from ionpath.structure import averaged_steinhardt
from ionpath.transport import nernst_einstein
from ionpath_ase import IonPath, MolecularDynamics, melt_quench, migration_barriers, run_md
from ionpath_ase.md import MDResult
from ionpath_mdanalysis import CoordinationShells, IonDiffusion, PathEntropy, Softness
from ionpath_plumed import free_energy, run_metadynamics
from pymatgen.analysis.argyrodite import argyrodite, configurational_entropy, lithium_sites, site_energies

Floats = NDArray[np.float64]

T = np.array([[0.9, 0.1], [0.2, 0.8]])
assert_type(kinetics.path_entropy(T, 0, 1), float)
assert_type(ionpath.kinetics.path_entropy_matrix(T), Floats)
assert_type(kinetics.mfpt_matrix(T), Floats)
assert_type(kinetics.net_flux(T, 0, 1), Floats)
assert_type(kinetics.released_path_entropy([[0, 1, 0]], 1, n_states=2), float)
assert_type(nernst_einstein(Estimate(1e-3, 1e-4, 8e-4, 1.2e-3, "A^2/ps"), 0.02, 300.0), Estimate)

kinetics.path_entropy(T, 0, 1, definition=3)  # type: ignore[arg-type]
kinetics.path_entropy(T, 0, 1, nonsense=5)  # type: ignore[call-arg]
kinetics.estimate_msm([[0, 1]], lag="1")  # type: ignore[arg-type]
kinetics.implied_timescales([[0, 1]], [1], frame_time=None)  # type: ignore[arg-type]
mixing_entropy(3)  # type: ignore[arg-type]
argyrodite_mixing_entropy()  # type: ignore[call-arg]
tetrahedral_distortion()  # type: ignore[call-arg]
nonaffine_displacement()  # type: ignore[call-arg]
averaged_steinhardt([[0.0, 0.0, 0.0]])  # type: ignore[call-arg]
run_md()  # type: ignore[call-arg]
melt_quench()  # type: ignore[call-arg]
migration_barriers()  # type: ignore[call-arg]
IonPath(model=1.5)  # type: ignore[arg-type]
PathEntropy(lag="50")  # type: ignore[arg-type]
IonDiffusion()  # type: ignore[call-arg]
free_energy()  # type: ignore[call-arg]
run_metadynamics()  # type: ignore[call-arg]
argyrodite(nonsense=1)  # type: ignore[call-arg]
configurational_entropy()  # type: ignore[call-arg]
lithium_sites()  # type: ignore[call-arg]
site_energies()  # type: ignore[call-arg]

_classes: tuple[type, ...] = (CoordinationShells, MDResult, MolecularDynamics, Softness)
_function: Callable[..., Any] = pth_entropy
_typo = ionpath_mdanalysis.PathEntrpy  # type: ignore[attr-defined]  # misspelt on purpose
