"""Quantities of single ions, computed from frames that are read again one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, require
from ionpath.frames import pairs_within
from ionpath.softness.correlation import neighbour_fraction
from ionpath.structure.clusters import ClusterFinder
from ionpath.structure.rings import persistent_rings
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.anion_disorder.rings import LARGE
from ionpath_mdanalysis.softness._frames_again import frames_of


def is_calculator(quantity: Any) -> bool:
    """Tell calculators and their names from arrays and analyses."""
    return isinstance(quantity, (str, type)) or hasattr(quantity, "get_potential_energy")


def calculator_of(calculator: Any, **options: Any) -> Any:
    """Make a calculator from its name."""
    made = calculator
    if isinstance(calculator, str):
        ase = require("ase.calculators.calculator", purpose="potential energies", install="pip install ase")
        try:
            made = ase.get_calculator_class(calculator)
        except (ImportError, AttributeError) as error:
            need = "the name of a calculator that ASE knows"
            remedy = "ase.calculators.calculator.names lists them; 'ionpath' is the potential shipped here"
            raise InputError("calculator", need=need, got=repr(calculator), remedy=remedy) from error
    if isinstance(calculator, (str, type)):
        made = made(**options)
    elif options:
        got = type(made).__name__
        remedy = f"set {', '.join(options)} where it is made"
        raise InputError("calculator", need="a name or a class to pass options to", got=got, remedy=remedy)
    if not hasattr(made, "get_potential_energies"):
        raise _without_energies(made)
    return made


def _without_energies(calculator: Any) -> InputError:
    need = "a calculator with energies of single atoms (get_potential_energies)"
    remedy = "use one whose implemented_properties name 'energies', such as 'ionpath'"
    return InputError("calculator", need=need, got=f"{type(calculator).__name__}, which has none", remedy=remedy)


def potential_energies(
    atoms: Any, frames: Ints, indices: Ints, calculator: Any, *, verbose: bool = False, **options: Any
) -> Floats:
    """Compute energies of single atoms frame by frame."""
    made = calculator_of(calculator, **options)
    ase = require("ase", purpose="potential energies", install="pip install ase")
    from ase.calculators.calculator import PropertyNotImplementedError
    from MDAnalysis.lib.log import ProgressBar

    image = ase.Atoms(_checks.elements_of(atoms, "atoms").tolist(), pbc=True)
    found = np.empty((len(frames), len(indices)))
    bar = ProgressBar(frames_of(atoms, frames), total=len(frames), desc="Energies", disable=not verbose)
    for k, (positions, cell) in enumerate(bar):
        image.set_cell(cell)
        image.set_positions(positions)
        try:
            energies = np.asarray(made.get_potential_energies(image), dtype=np.float64)
        except (PropertyNotImplementedError, NotImplementedError) as error:
            raise _without_energies(made) from error
        if energies.shape != (len(image),) or not np.isfinite(energies).all():
            got = f"shape {energies.shape}" if energies.shape != (len(image),) else "nan or infinity"
            need = f"{len(image)} finite energies"
            remedy = "check the calculator and the structure"
            raise InputError("calculator", need=need, got=f"{got} in frame {int(frames[k])}", remedy=remedy)
        found[k] = energies[indices]
    return found


def rings_beside(
    atoms: Any, frames: Ints, rows: Ints, *, cutoff: float, network: Sequence[str], ligands: str
) -> Floats:
    """Large rings of the network to which the ligands next to each ion belong, mean over these ligands."""
    symbols = _checks.elements_of(atoms, "atoms").tolist()
    beside = np.flatnonzero(np.array(symbols) == ligands)
    if not len(beside):
        remedy = "name one of the network of rings"
        raise InputError("ligands", need="atoms of this element", got=f"no {ligands}", remedy=remedy)
    found = np.empty((len(frames), len(rows)))
    for k, (positions, cell) in enumerate(frames_of(atoms, frames)):
        rings = persistent_rings(positions, cell, symbols, select=tuple(network))
        members = rings.members[rings.size > LARGE]
        of = np.bincount(members[members >= 0], minlength=len(symbols)) / rings.copies
        points = np.asarray(positions, dtype=np.float64)
        row, ligand, *_ = pairs_within(points, np.asarray(cell, dtype=np.float64), cutoff, first=rows, second=beside)
        number = np.bincount(row, minlength=len(rows))
        if not number.all():
            ion = int(atoms.ix[rows[number.argmin()]])
            got = f"none within {cutoff:g} A of atom {ion} in frame {int(frames[k])}"
            raise InputError("cutoff", need="ligands next to each ion", got=got, remedy="use a larger cutoff")
        found[k] = np.bincount(row, of[beside[ligand]], len(rows)) / number
    return found


def anion_shares(
    atoms: Any,
    frames: Ints,
    rows: Ints,
    *,
    cutoff: float,
    centres: str | Sequence[str],
    ligands: str | Sequence[str],
    bond: float,
    centre_bond: float,
) -> dict[str, Floats]:
    """Compute which share of the ligands around each ion belongs to each kind of anion."""
    symbols = _checks.elements_of(atoms, "atoms").tolist()
    finder = ClusterFinder(symbols, centres=centres, ligands=ligands, bond=bond, centre_bond=centre_bond)
    shares: dict[str, Floats] = {}
    for k, (positions, cell) in enumerate(frames_of(atoms, frames)):
        units = finder.frame(positions, cell)
        kind = np.array(units.names)[units.ligand_unit]
        for name in np.unique(kind).tolist():
            share = neighbour_fraction(positions, cell, rows, finder.ligands, kind == name, cutoff)
            if np.isnan(share).any():
                raise InputError(
                    "cutoff", need="ligands around each ion",
                    got=f"none within {cutoff:g} A of atom {int(atoms.ix[rows[np.isnan(share).argmax()]])} in "
                    f"frame {int(frames[k])}",
                    remedy="use a larger cutoff",
                )  # fmt: skip
            shares.setdefault(name, np.zeros((len(frames), len(rows))))[k] = share
    return shares
