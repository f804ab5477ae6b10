"""Physical constants, exact SI values where the SI fixes them (CODATA 2018)."""

BOLTZMANN = 1.380649e-23
"""Boltzmann constant, J/K."""
ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge, C."""
AVOGADRO = 6.02214076e23
"""Avogadro constant, 1/mol."""
GAS_CONSTANT = BOLTZMANN * AVOGADRO
"""Molar gas constant R, J/mol/K (8.314462618...)."""
BOLTZMANN_EV = BOLTZMANN / ELEMENTARY_CHARGE
"""Boltzmann constant, eV/K."""
BOHR = 0.529177210903
"""Bohr radius, A."""
EV_PER_A3_IN_GPA = 160.21766208
"""1 eV/A^3 in GPa, as ASE has it (CODATA 2014)."""
EV_IN_KJ_PER_MOL = ELEMENTARY_CHARGE * AVOGADRO / 1000.0
"""1 eV per particle in kJ/mol (96.485...)."""
