"""ASE calculators: a Deep Potential, and a committee of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.errors import InputError, warn
from ionpath_ase._geometry import ContactCheck, contact_radii, model_cell
from ionpath_ase._model import Evaluation, Model
from ionpath_ase.potentials import members, resolve
from ionpath_ase.potentials.neutral import untrained_phases, warn_if_charged

__all__ = ["Committee", "IonPath", "Ionpath"]

_PER_ATOM = ("energies", "stresses")


class _DeepPotential(Calculator):
    """What one potential and a committee share. An error leaves a calculator as it was before it saw any atoms."""

    nolabel = True
    _models: list[Model]

    def __init__(self, models: list[Model], closest: float, **kwargs: Any) -> None:
        self._models = models
        self._contacts = ContactCheck(closest)
        self._numbers: NDArray[np.int64] | None = None
        self._types: list[NDArray[np.int64]] = []
        self._touching: ContactCheck | None = None
        self._told: set[str] = set()
        super().__init__(closest=closest, **kwargs)

    @property
    def untrained_phases(self) -> tuple[str, ...]:
        """Phases by name, such as LPSCl-I, that a shipped potential among the models was not trained on."""
        return tuple(sorted({phase for model in self._models for phase in untrained_phases(model.path)}))

    def set(self, **kwargs: Any) -> dict[str, Any]:
        """Change parameters: `closest`, and `model` of a single potential; nothing changes if one cannot be used."""
        unknown = sorted(set(kwargs) - set(self.default_parameters))
        if unknown:
            got = ", ".join(map(repr, unknown))
            raise InputError("parameter", need=f"one of {', '.join(self.default_parameters)}", got=got)
        contacts = ContactCheck(kwargs.get("closest", self._contacts.closest))
        models = [Model(resolve(kwargs["model"]))] if "model" in kwargs else self._models
        changed: dict[str, Any] = super().set(**kwargs)
        if changed:
            self._models, self._contacts, self._numbers = models, contacts, None
            self.reset()
        return changed

    def check_state(self, atoms: Atoms, tol: float = 0.0) -> list[str]:
        """What changed since the last call, of what a potential depends on: any change counts, `tol` is not used."""
        before = self.atoms
        if before is None:
            return list(all_changes)
        pairs = {
            "positions": (before.positions, atoms.positions),
            "numbers": (before.numbers, atoms.numbers),
            "cell": (before.cell.array, atoms.cell.array),
            "pbc": (before.pbc, atoms.pbc),
        }
        return [name for name, (old, new) in pairs.items() if not np.array_equal(old, new)]

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate; ASE calls this. Energy and forces always come along."""
        try:
            super().calculate(atoms, properties, system_changes)
            if self.atoms is None:
                remedy = "calculator.get_potential_energy(atoms)"
                raise InputError("atoms", need="an Atoms object", got="none", remedy=remedy)
            self.results = self._evaluated(self.atoms, any(name in properties for name in _PER_ATOM))
        except BaseException:
            self.reset()  # ASE has stored the atoms, and would take the next ones for unchanged
            raise
        if {"stress", "stresses"} & set(properties) and "stress" not in self.results:
            raise PropertyNotImplementedError("the stress needs a periodic cell with three independent vectors")

    def _evaluated(self, atoms: Atoms, per_atom: bool) -> dict[str, Any]:
        """Results as ASE names them."""
        return self._each(atoms, per_atom)[0]

    def _each(self, atoms: Atoms, per_atom: bool) -> list[dict[str, Any]]:
        """Results of each model."""
        cell = model_cell(atoms, max(model.cutoff for model in self._models))
        positions = atoms.get_positions()
        self._contacts(positions, cell)
        if self._numbers is None or not np.array_equal(self._numbers, atoms.numbers):
            symbols = atoms.get_chemical_symbols()
            types = [model.types(symbols) for model in self._models]
            warn_if_charged(self._models[0].path, symbols, float(atoms.get_initial_charges().sum()))
            self._numbers, self._types = atoms.numbers.copy(), types
            self._touching = ContactCheck(0.0, contact_radii(atoms.numbers))
        if self._touching is not None and len(self._models) == 1:  # a committee says itself what it does not know
            self._warn_if_touching(atoms, self._touching, cell)
        return [
            _results(atoms, model.evaluate(positions, cell, types, per_atom=per_atom))
            for model, types in zip(self._models, self._types, strict=True)
        ]

    def _warn_if_touching(self, atoms: Atoms, touching: ContactCheck, cell: NDArray[np.float64] | None) -> None:
        """Warn of atoms that have fallen onto each other, once for each composition."""
        try:
            touching(atoms.positions, cell)
        except InputError as error:
            self._touching = None  # until the atoms are others
            formula = atoms.get_chemical_formula()
            if formula not in self._told:
                self._told.add(formula)
                warn(f"{formula}: {error}; no material has such a distance, and its energy may mean nothing")


@typed
class IonPath(_DeepPotential):
    """Deep Potential of lithium thiophosphates as an ASE calculator.

    Parameters
    ----------
    model : str or path, default "argyrodite"
        Name of a potential (`ionpath_ase.potentials.available`), or a file that deepmd-kit reads with the backends that
        are installed (.pb, .pth, .dp, .savedmodel, .json and others).
    closest : float, default 0.5
        Atoms closer than this, in A, are an error. No model knows such distances, and at zero they give no forces.
    **kwargs
        Passed to `ase.calculators.calculator.Calculator`.

    Raises
    ------
    InputError
        If the model is unknown; at the first evaluation if it cannot be read or lacks an element, if coordinates are
        not finite, or atoms overlap.

    Warns
    -----
    UserWarning
        If a shipped potential is asked about a structure that is not neutral (`ionpath_ase.potentials.neutral`), and,
        once for each composition, if atoms are closer than in any material, such as P and S within 1.59 A.

    Notes
    -----
    Energies in eV, forces in eV/A, stress in eV/A^3 (Voigt order xx, yy, zz, yz, xz, xy; tensile positive). The model
    is loaded with the first evaluation. Atoms may come in any order and any cell: thinner than the cutoff, skewed,
    left-handed, periodic in some directions only (the others get vacuum).

    ``energies`` holds the energy of each atom, ``stresses`` the share of each atom in the stress, so that they add up
    to it.

    Examples
    --------
    >>> from ase import Atoms
    >>> from ionpath_ase import IonPath
    >>> pair = Atoms("LiCl", positions=[(0, 0, 0), (0, 0, 2.3)], calculator=IonPath())
    >>> forces = pair.get_forces()
    >>> bool(abs(forces.sum(axis=0)).max() < 1e-9)
    True
    """

    name = "ionpath"
    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces", "stress", "stresses"]
    default_parameters: ClassVar[dict[str, Any]] = {"model": "argyrodite", "closest": 0.5}

    def __init__(self, model: str | os.PathLike[str] = "argyrodite", *, closest: float = 0.5, **kwargs: Any) -> None:
        super().__init__([Model(resolve(model))], closest, model=os.fspath(model), **kwargs)

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that the potential knows."""
        return self._models[0].elements

    @property
    def cutoff(self) -> float:
        """Range of the interactions in A."""
        return self._models[0].cutoff


@typed
class Committee(_DeepPotential):
    """Mean of several Deep Potentials, with their disagreement about each force.

    Parameters
    ----------
    models : str, path, or sequence of (str, path or IonPath)
        A name or file that stands for all its members (`ionpath_ase.potentials.members`): ``"argyrodite"`` for
        ``argyrodite.pb``, ``argyrodite.2.pb`` and so on. Or at least two potentials that know the same elements.
    closest : float, default 0.5
        Atoms closer than this, in A, are an error.
    **kwargs
        Passed to `ase.calculators.calculator.Calculator`.

    Raises
    ------
    InputError
        If fewer than two models are given, or one cannot be used.

    Notes
    -----
    ``results["force_deviation"]`` (eV/A, shape (n_atoms,)) is the model deviation of concurrent learning,

    .. math:: \\epsilon_i = \\sqrt{\\langle |F_i - \\langle F_i \\rangle|^2 \\rangle},

    over the members (Zhang et al., Phys. Rev. Mater. 3, 023804 (2019), doi:10.1103/PhysRevMaterials.3.023804), and
    ``results["max_force_deviation"]`` its largest value; ``results["energy_deviation"]`` is the standard deviation of
    the energy in eV per atom.

    Examples
    --------
    >>> from ase import Atoms
    >>> from ionpath_ase import Committee
    >>> pair = Atoms("LiCl", positions=[(0, 0, 0), (0, 0, 2.3)], calculator=Committee(["argyrodite", "argyrodite"]))
    >>> _ = pair.get_forces()
    >>> pair.calc.results["max_force_deviation"]
    0.0
    """

    name = "ionpath_committee"
    implemented_properties: ClassVar[list[str]] = [
        *IonPath.implemented_properties,
        "force_deviation",
        "max_force_deviation",
        "energy_deviation",
    ]
    default_parameters: ClassVar[dict[str, Any]] = {"closest": 0.5}

    def __init__(
        self,
        models: str | os.PathLike[str] | Sequence[str | os.PathLike[str] | IonPath],
        *,
        closest: float = 0.5,
        **kwargs: Any,
    ) -> None:
        given = list(members(models)) if isinstance(models, str | os.PathLike) else list(models)
        if len(given) < 2:
            got = f"{len(given)}: {', '.join(_label(m) for m in given) or 'none'}"
            remedy = "use IonPath for one, or train others with other seeds (ionpath train fit --seed)"
            raise InputError("models", need="at least two potentials", got=got, remedy=remedy)
        potentials = [m._models[0] if isinstance(m, IonPath) else Model(resolve(m)) for m in given]
        super().__init__(potentials, closest, **kwargs)

    def __len__(self) -> int:
        """Number of members."""
        return len(self._models)

    @property
    def elements(self) -> tuple[str, ...]:
        """Elements that all members know."""
        return tuple(e for e in self._models[0].elements if all(e in m.elements for m in self._models))

    def _evaluated(self, atoms: Atoms, per_atom: bool) -> dict[str, Any]:
        """Means over the members, and how far these are from them."""
        members = self._each(atoms, per_atom)
        results = {name: np.mean([m[name] for m in members], axis=0) for name in members[0]}
        for name in ("energy", "free_energy"):
            results[name] = float(results[name])
        deviation = force_deviation(np.array([m["forces"] for m in members]))
        return results | {
            "force_deviation": deviation,
            "max_force_deviation": float(deviation.max(initial=0.0)),
            "energy_deviation": float(np.std([m["energy"] for m in members]) / max(len(atoms), 1)),
        }


def force_deviation(forces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Disagreement of a committee about each force.

    >>> force_deviation(np.array([[[1.0, 0, 0]], [[-1.0, 0, 0]]]))
    array([1.])
    """
    spread: NDArray[np.float64] = forces - forces.mean(axis=0)
    return np.sqrt((spread**2).sum(axis=2).mean(axis=0))


def _label(model: str | os.PathLike[str] | IonPath) -> str:
    """What to call a member in a message."""
    return str(model.parameters["model"]) if isinstance(model, IonPath) else os.path.basename(model)


def _results(atoms: Atoms, value: Evaluation) -> dict[str, Any]:
    """Results of one evaluation as ASE names them."""
    results: dict[str, Any] = {"energy": value.energy, "free_energy": value.energy, "forces": value.forces}
    if value.energies is not None:
        results["energies"] = value.energies
    if atoms.pbc.any() and atoms.cell.rank == 3:
        volume = atoms.get_volume()
        symmetric = -0.5 * (value.virial + value.virial.T) / volume
        results["stress"] = full_3x3_to_voigt_6_stress(symmetric)
        if value.virials is not None:
            each = -0.5 * (value.virials + value.virials.transpose(0, 2, 1)) / volume
            results["stresses"] = full_3x3_to_voigt_6_stress(each)
    return results


Ionpath = IonPath
"""The name under which ASE looks the class up."""
