"""A Deep Potential as a function of arrays: deepmd-kit's model, loaded once and quietly, with checked input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError, IonpathError, require
from ionpath_ase._quiet import calm_environment, quiet_exit, quiet_stderr, without_keras
from ionpath_ase._verlet import VerletNeighbours, can_take_lists, evaluate as evaluate_with_lists

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
    """A model file of any backend of deepmd-kit that is installed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._potential: Any = None
        self._cutoff: float | None = None
        self._elements: tuple[str, ...] = ()
        self._neighbours: VerletNeighbours | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_potential": None, "_cutoff": None, "_elements": (), "_neighbours": None}

    def load(self) -> Any:
        """Load the model at the first call."""
        if self._potential is None:
            calm_environment()
            quiet_exit()
            with quiet_stderr(), without_keras():
                infer = require("deepmd.infer", purpose="evaluating a Deep Potential", install=INSTALL)
                try:
                    self._potential = infer.DeepPot(str(self.path))
                except Exception as error:
                    raise InputError(
                        f"model {self.path.name}",
                        need="a file that deepmd-kit reads with the backends that are installed",
                        got=f"{type(error).__name__}: {str(error)[:200]}",
                        remedy="check the file, and install the backend it was written with",
                    ) from error
            if can_take_lists(getattr(self._potential, "deep_eval", None)):
                self._neighbours = VerletNeighbours(float(self._potential.get_rcut()))
        return self._potential

    @property
    def cutoff(self) -> float:
        """Range of the interactions in A."""
        if self._cutoff is None:
            self._cutoff = float(self.load().get_rcut())
        return self._cutoff

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that the model knows, in the order of its types."""
        if not self._elements:
            self._elements = tuple(self.load().get_type_map())
        return self._elements

    def types(self, symbols: Sequence[str]) -> NDArray[np.int64]:
        """Map element symbols to types of the model."""
        index = {symbol: number for number, symbol in enumerate(self.elements)}
        missing = sorted(set(symbols) - set(index))
        if missing:
            raise InputError(
                "elements",
                need=f"only {', '.join(self.elements)}, which the model {self.path.name} was trained for",
                got=", ".join(missing),
                remedy="use a potential that knows them, or train one with `ionpath train`",
            )
        return np.array([index[symbol] for symbol in symbols], dtype=np.int64)

    def evaluate(
        self, positions: FloatArray, cell: FloatArray | None, types: NDArray[np.int64], *, per_atom: bool = False
    ) -> Evaluation:
        """Evaluate one configuration."""
        model = self.load()
        if self._neighbours is not None and cell is not None and len(types) and not per_atom:
            found = evaluate_with_lists(model.deep_eval, self._neighbours, positions, cell, types)
            self._check(*found[:2])
            return Evaluation(*found)
        box = None if cell is None else np.asarray(cell, dtype=float).reshape(1, 9)
        parts = model.eval(np.asarray(positions, dtype=float).reshape(1, -1), box, types, atomic=per_atom)
        energy, forces, virial = float(parts[0].ravel()[0]), parts[1].reshape(-1, 3), parts[2].reshape(3, 3)
        self._check(energy, forces)
        if not per_atom:
            return Evaluation(energy, forces, virial)
        return Evaluation(energy, forces, virial, parts[3].reshape(-1), parts[4].reshape(-1, 3, 3))

    def _check(self, energy: float, forces: FloatArray) -> None:
        """Refuse results that are not numbers."""
        if np.isfinite(energy) and np.isfinite(forces).all():
            return
        bad = np.flatnonzero(~np.isfinite(forces).all(axis=1))
        raise IonpathError(
            f"the model {self.path.name} gives an energy of {energy} eV and forces that are not finite on "
            f"{len(bad)} atoms (first: {bad[:5].tolist()}); the configuration is outside of what it can describe"
        )
