"""ASE's PLUMED calculator, with the forces that a bias of the potential energy scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.plumed import Plumed
from ase.stress import voigt_6_to_full_3x3_stress


class ScalingPlumed(Plumed):
    """`ase.calculators.plumed.Plumed` that tells PLUMED the forces and the virial of the potential.

    A bias U(E) of the potential energy multiplies forces and virial by 1 + dU/dE. PLUMED does this to the arrays it is
    given. ASE's class gives it zeros, so that such a bias, OPES_EXPANDED among them, would have no effect.
    """

    def compute_bias(self, pos: Any, istep: int, unbiased_energy: float) -> list[Any]:
        """Ask PLUMED; ASE calls this."""
        periodic = self.atoms.cell.rank == 3
        before = np.ascontiguousarray(self.calc.get_forces(self.atoms))
        own = np.zeros((3, 3))
        if periodic and "stress" in self.calc.implemented_properties:
            own = voigt_6_to_full_3x3_stress(self.calc.get_stress(self.atoms)) * self.atoms.get_volume()
        forces, virial, bias = before.copy(), own.copy(), np.zeros(1)
        # PLUMED keeps addresses and reads them in performCalc: each array has to live until then.
        box, places, masses = np.array(self.atoms.cell.array), np.array(pos, order="C"), self.atoms.get_masses()
        tell = self.plumed.cmd
        tell("setStep", istep)
        if periodic:
            tell("setBox", box)
        tell("setPositions", places)
        tell("setEnergy", unbiased_energy)
        tell("setMasses", masses)
        tell("setForces", forces)
        tell("setVirial", virial)
        tell("prepareCalc")
        tell("performCalc")
        tell("getBias", bias)
        return [bias[0], forces - before, virial - own]
