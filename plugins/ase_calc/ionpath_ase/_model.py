"""A Deep Potential as a function of arrays: deepmd-kit's model, loaded once and quietly, with checked input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError, IonpathError, require
from ionpath_ase import _library
from ionpath_ase._quiet import calm_environment, quiet_exit, quiet_stderr, without_keras
from ionpath_ase._verlet import VerletNeighbours

FloatArray = NDArray[np.float64]
INSTALL = 'pip install "ionpath[ase]"'


class Evaluation(NamedTuple):
    """What a model says about one configuration."""

    energy: float
    """Potential energy in eV."""
    forces: FloatArray
    """Forces in eV/A, shape (n_atoms, 3)."""
    virial: FloatArray
    """Virial in eV, shape (3, 3): minus the volume times the stress."""
    energies: FloatArray | None = None
    """Energies of the atoms in eV, shape (n_atoms,), where they were asked for."""
    virials: FloatArray | None = None
    """Virials of the atoms in eV, shape (n_atoms, 3, 3), where they were asked for."""


class Model:
    """A model file of any backend of deepmd-kit: TensorFlow's frozen graphs through its C library, others by Python."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._potential: Any = None
        self._fast: _library.Library | None = None
        self._looked = False
        self._cutoff: float | None = None
        self._elements: tuple[str, ...] = ()
        self._neighbours: VerletNeighbours | None = None

    def __getstate__(self) -> dict[str, Any]:
        return Model(self.path).__dict__

    def _library(self) -> _library.Library | None:
        """The model through the C library, where that can be."""
        if not self._looked:
            calm_environment()
            quiet_exit()
            with quiet_stderr():
                self._fast = _library.opened(self.path)
            if self._fast is not None:
                self._neighbours = VerletNeighbours(self._fast.cutoff)
            self._looked = True
        return self._fast

    def lists(self) -> VerletNeighbours | None:
        """The lists of neighbours that are kept, where the model takes such."""
        self._library()
        return self._neighbours

    def load(self) -> Any:
        """The model through Python, loaded at the first call."""
        if self._potential is None:
            calm_environment()
            quiet_exit()
            with quiet_stderr(), without_keras():
                infer = require("deepmd.infer", purpose="evaluating a Deep Potential", install=INSTALL)
                try:
                    self._potential = infer.DeepPot(str(self.path))
                except Exception as error:
                    need = "a file that deepmd-kit reads with the backends that are installed"
                    got = f"{type(error).__name__}: {str(error)[:200]}"
                    remedy = "check the file, and install the backend it was written with"
                    raise InputError(f"model {self.path.name}", need=need, got=got, remedy=remedy) from error
        return self._potential

    @property
    def cutoff(self) -> float:
        """Range of the interactions in A."""
        if self._cutoff is None:
            fast = self._library()
            self._cutoff = float(self.load().get_rcut()) if fast is None else fast.cutoff
        return self._cutoff

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that the model knows, in the order of its types."""
        if not self._elements:
            fast = self._library()
            self._elements = tuple(self.load().get_type_map()) if fast is None else fast.elements
        return self._elements

    def types(self, symbols: Sequence[str]) -> NDArray[np.int64]:
        """Map element symbols to types of the model."""
        index = {symbol: number for number, symbol in enumerate(self.elements)}
        missing = sorted(set(symbols) - set(index))
        if missing:
            need = f"only {', '.join(self.elements)}, which the model {self.path.name} was trained for"
            remedy = "use a potential that knows them, or train one with `ionpath train`"
            raise InputError("elements", need=need, got=", ".join(missing), remedy=remedy)
        return np.array([index[symbol] for symbol in symbols], dtype=np.int64)

    def evaluate(
        self, positions: FloatArray, cell: FloatArray | None, types: NDArray[np.int64], *, per_atom: bool = False
    ) -> Evaluation:
        """Evaluate one configuration."""
        fast = self._library()
        if fast is None:
            parts = self._by_python(positions, cell, types, per_atom)
        elif self._neighbours is not None and cell is not None and len(types) and not per_atom:
            parts = fast.evaluate_with_lists(self._neighbours, positions, cell, types)
        else:
            parts = fast.evaluate(positions, cell, types, per_atom)
        energy, forces = float(parts[0]), parts[1]
        self._check(energy, forces)
        return Evaluation(energy, *parts[1:])

    def _by_python(
        self, positions: FloatArray, cell: FloatArray | None, types: NDArray[np.int64], per_atom: bool
    ) -> tuple[Any, ...]:
        box = None if cell is None else np.asarray(cell, dtype=float).reshape(1, 9)
        parts = self.load().eval(np.asarray(positions, dtype=float).reshape(1, -1), box, types, atomic=per_atom)
        shapes = ((), (-1, 3), (3, 3), (-1,), (-1, 3, 3))
        return tuple(np.asarray(part).reshape(shape) for part, shape in zip(parts, shapes, strict=False))

    def _check(self, energy: float, forces: FloatArray) -> None:
        """Refuse results that are not numbers."""
        if np.isfinite(energy) and np.isfinite(forces).all():
            return
        bad = np.flatnonzero(~np.isfinite(forces).all(axis=1))
        raise IonpathError(
            f"the model {self.path.name} gives an energy of {energy} eV and forces that are not finite on "
            f"{len(bad)} atoms (first: {bad[:5].tolist()}); the configuration is outside of what it can describe"
        )
