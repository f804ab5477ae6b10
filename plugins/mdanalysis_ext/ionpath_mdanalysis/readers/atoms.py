"""ASE ``Atoms`` objects: into a Universe, and out of an AtomGroup."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

import numpy as np
from MDAnalysis.converters.base import ConverterBase
from MDAnalysis.lib.mdamath import triclinic_vectors

from ionpath.constants import EV_IN_KJ_PER_MOL
from ionpath.errors import InputError, require
from ionpath_mdanalysis._checks import elements_of
from ionpath_mdanalysis.readers.asetraj import frame_of
from ionpath_mdanalysis.readers.reader import FileParser, FileReader, Frame, FrameFile


def is_atoms(thing: Any) -> bool:
    """Tell ASE Atoms, or a sequence of them, without importing ASE."""
    ase = sys.modules.get("ase")
    atoms = getattr(ase, "Atoms", None)
    if atoms is None:
        return False
    if isinstance(thing, (list, tuple)):
        return bool(thing) and all(isinstance(item, atoms) for item in thing)
    return isinstance(thing, atoms)


class AtomsFrames(FrameFile):
    """Frames of ASE Atoms in memory, one for each of a sequence."""

    def __init__(self, atoms: Any) -> None:
        self._atoms = list(atoms) if isinstance(atoms, (list, tuple)) else [atoms]
        self.symbols = np.array(self._atoms[0].get_chemical_symbols())
        self.masses = self._atoms[0].get_masses()
        for k, other in enumerate(self._atoms):
            if not np.array_equal(other.get_chemical_symbols(), self.symbols):
                need = "the same atoms in the same order as in the first"
                remedy = "make a Universe of each system"
                raise InputError(f"Atoms {k} of the list", need=need, got=other.get_chemical_formula(), remedy=remedy)

    def __len__(self) -> int:
        return len(self._atoms)

    def frame(self, index: int) -> Frame:
        """Read one frame."""
        return frame_of(self._atoms[index], f"Atoms {index} of the list")

    def close(self) -> None:
        """Do nothing: all is in memory."""


class ASEParser(FileParser):
    """Topology of ASE Atoms, or of a list of them."""

    format = "ASE"
    _file = AtomsFrames

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_atoms(thing) and ASEParser.is_sound(thing)


class ASEReader(FileReader):
    """Frames of ASE Atoms, or of a list of them, with times as `AseTrajReader` finds them."""

    format = "ASE"
    _file = AtomsFrames

    @staticmethod
    def _format_hint(thing: Any) -> bool:
        return is_atoms(thing)


class ASEConverter(ConverterBase):
    """Convert an AtomGroup or a Universe to ASE Atoms.

    >>> import ionpath_mdanalysis, MDAnalysis as mda, ase.build
    >>> u = mda.Universe(ase.build.bulk("LiCl", "rocksalt", a=5.13))
    >>> u.atoms.convert_to("ASE")
    Atoms(symbols='LiCl', pbc=True, cell=[[3.62..., 0.0, 0.0], [1.81..., 3.14..., 0.0], [1.81..., 1.04..., 2.96...]])
    """

    lib = "ASE"
    units: ClassVar[dict[str, Any]] = {"time": None, "length": "Angstrom"}

    def convert(self, obj: Any) -> Any:
        """Make Atoms of the current frame."""
        require("ase", purpose="conversion to ASE", install="pip install ase")
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.units import fs

        group = obj.atoms
        ts = group.universe.trajectory.ts
        atoms = Atoms(
            symbols=list(elements_of(group, "convert_to('ASE')")),
            positions=group.positions.astype(np.float64),
            cell=None if ts.dimensions is None else triclinic_vectors(ts.dimensions, dtype=np.float64),
            pbc=ts.dimensions is not None,
            info={"frame": int(ts.frame), **({"time": float(ts.time)} if {"time", "dt"} & set(ts.data) else {})},
        )
        masses = getattr(group, "masses", None)
        usual = atoms.get_masses()
        if masses is not None and np.all(masses > 0) and not np.allclose(masses, usual, rtol=2e-3):
            atoms.set_masses(masses)
        if ts.has_velocities:
            atoms.set_velocities(group.velocities.astype(np.float64) / (1000.0 * fs))
        if ts.has_forces:
            forces = group.forces.astype(np.float64) / EV_IN_KJ_PER_MOL
            atoms.calc = SinglePointCalculator(atoms, forces=forces)
        return atoms


def let_atoms_pass() -> None:
    """Keep MDAnalysis from taking Atoms, which have a length, for a chain of files."""
    from MDAnalysis import _READER_HINTS

    chain = _READER_HINTS["CHAIN"]
    if not getattr(chain, "lets_atoms_pass", False):

        def hint(thing: Any) -> bool:
            return not is_atoms(thing) and bool(chain(thing))

        hint.lets_atoms_pass = True  # type: ignore[attr-defined]
        _READER_HINTS["CHAIN"] = hint


let_atoms_pass()
