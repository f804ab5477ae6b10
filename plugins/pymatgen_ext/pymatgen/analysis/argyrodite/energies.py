"""Energies of structures from whatever the user has: an ASE calculator, a function, or the Ewald sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ionpath.arguments import described
from ionpath.elements import CHARGES
from ionpath.errors import InputError, require
from pymatgen.analysis.argyrodite.framework import require_ordered

if TYPE_CHECKING:
    from pymatgen.core import Structure

EnergyFunction = Callable[["Structure"], float]


def energy_function(calculator: Any) -> EnergyFunction:
    """Turn a calculator of any kind into a function of the structure.

    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> energy_function(lambda structure: -2.0)(argyrodite())
    -2.0
    """
    made = constructed(calculator)
    return _from_ase(made) if hasattr(made, "get_potential_energy") else cast(EnergyFunction, made)


def constructed(calculator: Any) -> Any:
    """Construct what a name or a mapping stands for: an ASE calculator, or a function of the structure."""
    if calculator is None or calculator == "ewald":
        return ewald_energy
    if isinstance(calculator, str):
        return _by_name(calculator, {})
    if isinstance(calculator, Mapping):
        arguments = dict(calculator)
        name = arguments.pop("name", None)
        if not isinstance(name, str):
            raise InputError("calculator", need="a mapping with 'name'", got=repr(sorted(calculator)))
        return _by_name(name, arguments)
    return check_calculator(calculator)


def check_calculator(calculator: Any) -> Any:
    """What `energy_function` takes, as it is; a name is looked up when it is used."""
    named = calculator is None or isinstance(calculator, (str, Mapping))
    if named or hasattr(calculator, "get_potential_energy") or callable(calculator):
        return calculator
    need = "'ewald', the name of an ASE calculator, a mapping, a function or an ASE calculator"
    raise InputError("calculator", need=need, got=type(calculator).__name__)


def relaxing(calculator: Any) -> Any:
    """A calculator of ASE that knows stresses: the one that is given, or that of a name."""
    if isinstance(calculator, str):
        return _by_name(calculator, {})
    if hasattr(calculator, "get_potential_energy") and hasattr(calculator, "get_stress"):
        return calculator
    need = "a calculator of ASE with stresses, or its name"
    raise InputError("calculator", need=need, got=described(calculator), remedy="for example 'ionpath'")


def describe(calculator: Any) -> str:
    """Name a calculator for a report.

    >>> describe(None), describe({"name": "ionpath", "model": "argyrodite"})
    ('ewald', 'ionpath')
    """
    if calculator is None:
        return "ewald"
    if isinstance(calculator, str):
        return calculator
    if isinstance(calculator, Mapping):
        return str(calculator.get("name"))
    return str(getattr(calculator, "name", None) or getattr(calculator, "__name__", type(calculator).__name__))


def json_ready(calculator: Any) -> Any:
    """Check that a calculator can be written as JSON."""
    if calculator is None or isinstance(calculator, str | Mapping):
        return calculator
    got = type(calculator).__name__
    remedy = "give {'name': 'ionpath', ...} instead of the object"
    raise InputError("calculator", need="a name or a mapping to be written as JSON", got=got, remedy=remedy)


def ewald_energy(structure: Structure) -> float:
    """Return the electrostatic energy of formal charges.

    Formal charges exaggerate every difference, and get some orders wrong: they make T4 the best site for lithium. They
    serve to rank arrangements roughly and to test, not to predict.

    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> ewald_energy(argyrodite()) < 0
    True
    """
    from pymatgen.analysis.ewald import EwaldSummation

    charged = structure
    if any(getattr(species, "oxi_state", None) is None for species in structure.composition):
        unknown = [e for e in structure.composition.element_composition if e.symbol not in CHARGES]
        if unknown:
            raise InputError("oxidation states", need="known formal charges", got=str(unknown[0]))
        charged = structure.copy()
        charged.add_oxidation_state_by_element(
            {e.symbol: CHARGES[e.symbol] for e in structure.composition.element_composition}
        )
    return float(EwaldSummation(charged, compute_forces=False).total_energy)


def _by_name(name: str, arguments: Mapping[str, Any]) -> Any:
    calculators = require(
        "ase.calculators.calculator", purpose=f"the calculator {name!r}", install="pip install 'ionpath[ase]'"
    )
    try:
        found = calculators.get_calculator_class(name)
    except (ImportError, AttributeError) as error:
        need = "'ewald' or the name of a calculator of ASE"
        remedy = "'ionpath' is the shipped potential"
        raise InputError("calculator", need=need, got=repr(name), remedy=remedy) from error
    return found(**arguments)


def _from_ase(calculator: Any) -> EnergyFunction:
    require("ase", purpose="energies from an ASE calculator", install="pip install 'ionpath[ase]'")
    from pymatgen.io.ase import AseAtomsAdaptor

    def energy(structure: Structure) -> float:
        require_ordered(structure, "an energy")
        atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
        atoms.calc = calculator
        return float(atoms.get_potential_energy())

    return energy
