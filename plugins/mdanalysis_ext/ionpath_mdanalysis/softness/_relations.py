"""What softness goes with: order parameters, energies of the ions, the anions around them, series of other analyses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import Floats, Ints
from ionpath.errors import InputError, require
from ionpath.frames import pairs_within
from ionpath.softness.correlation import Correlation, neighbour_fraction, softness_correlation
from ionpath.structure.clusters import ClusterFinder
from ionpath.structure.rings import persistent_rings
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis.anion_disorder.order_parameter import evaluate, parameter
from ionpath_mdanalysis.anion_disorder.rings import LARGE
from ionpath_mdanalysis.softness._frames_again import System, frames_of, series_of


def correlate(systems: Sequence[System], quantity: Any, n_bins: int) -> Correlation:
    """Correlate the softness of one or several systems with a quantity."""
    given: list[Any] | None = None
    if isinstance(quantity, (list, tuple)) and len(systems) > 1:
        given = list(quantity)
    elif isinstance(quantity, str) or len(systems) == 1:
        given = [quantity] * len(systems)
    if given is None or len(given) != len(systems):
        need = f"one for each of {len(systems)} systems, or a name for all"
        got = type(quantity).__name__ if given is None else str(len(given))
        raise InputError("quantity", need=need, got=got, remedy="pass a list")
    values = [_values(system, one) for system, one in zip(systems, given, strict=True)]
    several = len(systems) > 1
    return softness_correlation(
        tuple(s.softness for s in systems) if several else systems[0].softness,
        tuple(values) if several else values[0],
        n_bins=n_bins,
    )


def _values(system: System, quantity: Any) -> Any:
    """Values of a quantity at the times of the softness, (n_times, n_ions)."""
    function = parameter(quantity) if isinstance(quantity, str) else None
    if function is not None:
        n_atoms = len(system.needed("correlate"))
        found = [evaluate(quantity, function, *frame, n_atoms) for frame in system.read()]
        return np.array(found)[:, system.rows]
    if _is_calculator(quantity):
        return potential_energies([system], quantity)
    return series_of(quantity, system.frames, system.indices)


def potential_energies(systems: Sequence[System], calculator: Any, *, verbose: bool = False, **options: Any) -> Any:
    """Potential energy of each ion at the times of the softness, in eV.

    The energy is that of all atoms of the universe. How it is shared among atoms is up to the potential, and differs
    between potentials that agree on the total; differences between ions of one species in one potential are what can be
    compared. One frame is in memory at a time.
    """
    found = [
        _energies(
            s.needed("potential_energies").universe.atoms, s.frames, s.indices, calculator, verbose=verbose, **options
        )
        for s in systems
    ]
    return tuple(found) if len(found) > 1 else found[0]


def correlate_rings(systems: Sequence[System], n_bins: int, most: int, **rules: Any) -> Correlation:
    """Correlate softness with the large rings around each ion, at `most` times of each system at most."""
    times = [np.unique(np.linspace(0, len(s.frames) - 1, most).round().astype(int)) for s in systems]
    counts = [
        _rings_beside(s.needed("correlate_rings"), s.frames[t], s.rows, **rules)
        for s, t in zip(systems, times, strict=True)
    ]
    if np.ptp(np.concatenate([count.ravel() for count in counts])) == 0:
        need = "ions with more large rings around them than others"
        raise InputError("rings", need=need, got="the same for all", remedy="a larger cell, or another network")
    soft = tuple(s.softness[t] for s, t in zip(systems, times, strict=True))
    return softness_correlation(soft, tuple(counts), n_bins=n_bins)


def correlate_anions(
    systems: Sequence[System], kinds: str | Sequence[str] | None, n_bins: int, **rules: Any
) -> dict[str, Correlation]:
    """Correlate softness with the shares of the kinds of anions around each ion."""
    shares = [_anion_shares(s.needed("correlate_anions"), s.frames, s.rows, **rules) for s in systems]
    known = sorted({kind for share in shares for kind in share})
    table: dict[str, tuple[Floats, ...]] = {
        kind: tuple(share.get(kind, np.zeros_like(s.softness)) for s, share in zip(systems, shares, strict=True))
        for kind in known
    }
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if wanted is None:
        wanted = [kind for kind, rows in table.items() if np.ptp(np.concatenate([r.ravel() for r in rows])) > 0]
    absent = [kind for kind in wanted if kind not in table]
    if absent or not wanted:
        need = f"anions among {', '.join(known)}" if absent else "anions of more than one kind"
        remedy = "choose others, or other species of ligands" if absent else "correlate something else"
        raise InputError("kinds", need=need, got=absent[0] if absent else f"only {', '.join(known)}", remedy=remedy)
    soft = tuple(s.softness for s in systems)
    return {kind: softness_correlation(soft, table[kind], n_bins=n_bins) for kind in wanted}


def _is_calculator(quantity: Any) -> bool:
    """Tell calculators and their names from arrays and analyses."""
    return isinstance(quantity, (str, type)) or hasattr(quantity, "get_potential_energy")


def _calculator_of(calculator: Any, **options: Any) -> Any:
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


def _energies(
    atoms: Any, frames: Ints, indices: Ints, calculator: Any, *, verbose: bool = False, **options: Any
) -> Floats:
    """Compute energies of single atoms frame by frame."""
    made = _calculator_of(calculator, **options)
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


def _rings_beside(
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


def _anion_shares(
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
