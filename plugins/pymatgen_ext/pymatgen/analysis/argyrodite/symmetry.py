"""Symmetry of the argyrodite framework as permutations of its sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ionpath.arrays import Floats, Indices
from ionpath.errors import InputError, require
from ionpath.lattice.permutations import site_permutations

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite

SymmetryOf = Literal["framework", "structure"]


@dataclass(frozen=True)
class Operations:
    """Symmetry operations in fractional coordinates."""

    rotations: Indices  # (G, 3, 3): matrices that act on columns
    translations: Floats  # (G, 3): translations


def framework_operations(
    structure: Structure, found: Argyrodite, *, of: SymmetryOf = "framework", symprec: float = 0.1
) -> Operations:
    """Find the symmetry that the arrangements are compared under."""
    spglib = require("spglib", purpose="the symmetry of a crystal", install="pip install 'ionpath[pymatgen]'")
    # Centres and the two free orbits already have the whole symmetry F-43m; bound anions follow their centres.
    parts = [found.centres, found.halide_sites, found.sulfur_sites]
    if of == "structure":
        parts += [found.bonded, found.mobile]
    sites = np.concatenate(parts)
    labels = np.repeat(np.arange(len(parts)) + 1, [len(p) for p in parts])
    if of == "structure":
        names = {s: k for k, s in enumerate(sorted({structure[int(i)].species_string for i in sites}))}
        fixed = np.isin(labels, (1, 4, 5))
        kinds = np.array([names[structure[int(i)].species_string] for i in sites])
        labels = np.where(fixed, 10 * labels + 1000 * (kinds + 1), labels)
    cell = (structure.lattice.matrix, structure.frac_coords[sites], labels)
    try:
        symmetry = spglib.get_symmetry(cell, symprec=symprec)
    except Exception as error:  # newer spglib raises, older gives None
        raise _no_symmetry(symprec) from error
    if symmetry is None:
        raise _no_symmetry(symprec)
    return Operations(
        np.asarray(symmetry["rotations"], dtype=np.intp), np.asarray(symmetry["translations"], dtype=np.float64)
    )


def permutations_of(operations: Operations, structure: Structure, sites: Indices, *, symprec: float = 0.1) -> Indices:
    """Return where the operations take some sites of a structure."""
    # Displacements of two sites and of the operation itself add up.
    tolerance = min(10 * symprec, 0.8) / min(structure.lattice.abc)
    return site_permutations(
        operations.rotations, operations.translations, structure.frac_coords[sites], tolerance=max(tolerance, 1e-3)
    )


def _no_symmetry(symprec: float) -> InputError:
    remedy = "use a larger symprec, or start from argyrodite()"
    return InputError("structure", need=f"a symmetry within {symprec:g} A", got="none", remedy=remedy)
