"""Barriers of single lithium hops by the climbing-image nudged elastic band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True)
class Barrier:
    """One hop.

    Attributes
    ----------
    ion : int
        Index of the atom that hops.
    forward : float
        Barrier from the start in eV.
    backward : float
        Barrier from the end in eV.
    energies : numpy.ndarray, shape (n_images,)
        Energies along the band, relative to the start, in eV.
    distance : float
        Distance of the hop between the relaxed ends in A.
    converged : bool
        Whether the band reached the force limit.
    """

    ion: int
    forward: float
    backward: float
    energies: NDArray[np.float64]
    distance: float
    converged: bool


@dataclass(frozen=True)
class Barriers:
    """Hops of a structure.

    Attributes
    ----------
    hops : tuple of Barrier
        One entry per hop that could be followed, in the order asked for.
    refused : tuple of (int, str)
        Index of each hop that was left out, and why.
    """

    hops: tuple[Barrier, ...]
    refused: tuple[tuple[int, str], ...]

    @property
    def mean(self) -> float:
        """Mean of the forward barriers of converged bands, eV."""
        values = [hop.forward for hop in self.hops if hop.converged]
        return float(np.mean(values)) if values else float("nan")

    @property
    def standard_error(self) -> float:
        """Standard error of `mean`, eV."""
        values = [hop.forward for hop in self.hops if hop.converged]
        return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


def migration_barriers(
    atoms: Atoms,
    hops: Sequence[tuple[int, Sequence[float]]],
    *,
    calculator: Any = None,
    images: int = 5,
    fmax: float = 0.05,
    steps: int = 200,
    relax_fmax: float = 0.02,
) -> Barriers:
    """Find the barriers of hops to empty places.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure in which an ion can move; it is relaxed first at fixed cell.
    hops : sequence of (int, (3,) array_like)
        Index of the ion and the position in A where it goes, which must be empty.
    calculator : ase.calculators.calculator.Calculator, optional
        Potential; the shipped one if left out.
    images : int, default 5
        Images between the ends.
    fmax : float, default 0.05
        Force limit of the band in eV/A.
    steps : int, default 200
        Steps at most for each relaxation and band.
    relax_fmax : float, default 0.02
        Force limit of the ends in eV/A.

    Returns
    -------
    Barriers
        Energies and barriers, and why hops were left out: an end that relaxes back, or another ion that takes part.

    Raises
    ------
    InputError
        If a hop names no atom, or leads onto another atom.

    Notes
    -----
    Climbing image (Henkelman, Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000), doi:10.1063/1.1329672) with improved
    tangents, started from the image-dependent pair potential (Smidstrup et al., J. Chem. Phys. 140, 214106 (2014),
    doi:10.1063/1.4878664), both from ASE. Single-precision potentials do not relax below about 0.005 eV/A.
    """
    from ase.geometry import find_mic

    if calculator is None:
        from ionpath_ase.calculator import IonPath

        calculator = IonPath()
    if not hops:
        raise InputError("hops", need="at least one", got="none")
    if images < 1:
        raise InputError("images", need="at least 1 image between the ends", got=str(images))
    start = _relaxed(atoms, calculator, relax_fmax, steps)
    found: list[Barrier] = []
    refused: list[tuple[int, str]] = []
    for number, (ion, target) in enumerate(hops):
        _check_hop(start, number, ion, np.asarray(target, dtype=float))
        moved = start.copy()
        shift = find_mic(np.asarray(target, dtype=float) - start.positions[ion], start.cell, start.pbc)[0]
        moved.positions[ion] += shift
        end = _relaxed(moved, calculator, relax_fmax, steps)
        steps_taken = np.linalg.norm(
            find_mic(end.positions - start.positions, start.cell, start.pbc)[0], axis=1
        )
        if steps_taken[ion] < 0.5 * np.linalg.norm(shift):
            refused.append(
                (number, f"ion {ion} relaxes back to within {steps_taken[ion]:.2f} A of where it was")
            )
            continue
        others = np.flatnonzero(steps_taken > 1.0)
        if len(others) > 1:
            refused.append((number, f"other atoms move as well: {[int(k) for k in others if k != ion][:5]}"))
            continue
        found.append(_band(start, end, ion, calculator, images, fmax, steps))
    return Barriers(tuple(found), tuple(refused))


def _check_hop(atoms: Atoms, number: int, ion: int, target: NDArray[np.float64]) -> None:
    from ase.geometry import get_distances

    if not 0 <= ion < len(atoms):
        raise InputError(f"hop {number}", need=f"an atom index below {len(atoms)}", got=str(ion))
    others = np.delete(np.arange(len(atoms)), ion)
    distances = get_distances(target[None], atoms.positions[others], cell=atoms.cell, pbc=atoms.pbc)[1][0]
    if distances.min() < 1.2:
        raise InputError(
            f"hop {number}",
            need="an empty place, at least 1.2 A from every other atom",
            got=f"atom {others[distances.argmin()]} at {distances.min():.2f} A",
            remedy="for a hop into a vacancy, take out the ion that is there",
        )


def _relaxed(atoms: Atoms, calculator: Any, fmax: float, steps: int) -> Atoms:
    from ase.optimize import FIRE

    copy = atoms.copy()
    copy.calc = calculator
    FIRE(copy, logfile=None).run(fmax=fmax, steps=steps)
    return copy


def _band(
    start: Atoms, end: Atoms, ion: int, calculator: Any, images: int, fmax: float, steps: int
) -> Barrier:
    """Relax a band between two ends, first without and then with the climbing image."""
    from ase.geometry import find_mic
    from ase.mep import NEB
    from ase.optimize import FIRE

    first, last = start.copy(), start.copy()
    last.positions += find_mic(end.positions - start.positions, start.cell, start.pbc)[0]
    band = [first, *(start.copy() for _ in range(images)), last]
    for image in band:
        image.calc = calculator
    ends = [image.get_potential_energy() for image in (first, last)]
    neb = NEB(band, method="improvedtangent", allow_shared_calculator=True)
    neb.interpolate("idpp")
    FIRE(neb, logfile=None).run(fmax=4.0 * fmax, steps=steps)
    neb.climb = True
    converged = bool(FIRE(neb, logfile=None).run(fmax=fmax, steps=steps))
    inner = [image.get_potential_energy() for image in band[1:-1]]
    energies = np.array([ends[0], *inner, ends[1]]) - ends[0]
    distance = float(np.linalg.norm(last.positions[ion] - first.positions[ion]))
    top = float(energies.max())
    return Barrier(ion, top, top - float(energies[-1]), energies, distance, converged)
