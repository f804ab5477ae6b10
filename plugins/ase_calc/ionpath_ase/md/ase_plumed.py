"""ASE's PLUMED calculator, with the forces that a bias of the potential energy scales."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.calculators.plumed import Plumed
from ase.stress import voigt_6_to_full_3x3_stress

from ionpath.plumed_calls import added


class ScalingPlumed(Plumed):
    """`ase.calculators.plumed.Plumed` that tells PLUMED the forces and the virial of the potential.

    A bias U(E) of the potential energy multiplies forces and virial by 1 + dU/dE. PLUMED does this to the arrays it is
    given. ASE's class gives it zeros, so that such a bias, OPES_EXPANDED among them, would have no effect.
    """

    def compute_bias(self, pos: Any, istep: int, unbiased_energy: float) -> list[Any]:
        """Ask PLUMED; ASE calls this."""
        periodic = self.atoms.cell.rank == 3
        forces, virial = self.calc.get_forces(self.atoms), np.zeros((3, 3))
        if periodic and "stress" in self.calc.implemented_properties:
            virial = voigt_6_to_full_3x3_stress(self.calc.get_stress(self.atoms)) * self.atoms.get_volume()
        cell, masses = self.atoms.cell.array if periodic else None, self.atoms.get_masses()
        more, strain, bias = added(
            self.plumed.cmd, istep, pos, cell, masses, energy=unbiased_energy, forces=forces, virial=virial
        )
        return [bias, more, strain]
