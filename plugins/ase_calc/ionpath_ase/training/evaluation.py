"""How far a potential is from its labels, by system."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.constants import EV_PER_A3_IN_GPA
from ionpath.documented import documented
from ionpath.errors import InputError
from ionpath.files import atomic_path, marked, no_formula
from ionpath.msonable import Msonable
from ionpath_ase._geometry import check_calculator


@documented
@dataclass(frozen=True)
class Errors(Msonable):
    """Errors over the frames of one tag."""

    tag: str  # system and temperature, or ``all``
    frames: int  # number of frames
    force_mae: float  # mean absolute error of the force components, meV/A
    force_rmse: float  # root mean square error of the force components, meV/A
    force_slope: float  # slope of predicted against labelled force components; 1 is perfect
    energy_mae: float  # mean absolute error of the energy, meV/atom
    # mean error of the energy with its sign, meV/atom: below zero the potential finds these frames too stable. Between
    # two tags of one composition, the difference is the error of going from one to the other.
    energy_bias: float
    # the same after the mean difference of each composition is taken off: energies of two methods differ by a constant
    # per element
    energy_shifted_mae: float
    stress_mae: float  # mean absolute error of the stress components, GPa; nan where frames have none


@typed
def evaluate(frames: Sequence[Atoms], calculator: Any) -> list[Errors]:
    """Compare a potential with labelled frames.

    Parameters
    ----------
    frames : sequence of ase.Atoms
        Frames with labels; ``info["tag"]`` groups them.
    calculator : ase.calculators.calculator.Calculator
        Potential to judge.

    Returns
    -------
    list of Errors
        One entry per tag in alphabetic order, then one for all.

    Examples
    --------
    >>> from ase.build import bulk
    >>> from ase.calculators.emt import EMT
    >>> frame = bulk("Cu"); frame.calc = EMT()
    >>> evaluate([frame], EMT())[-1].energy_mae
    0.0
    """
    if not frames:
        raise InputError("frames", need="at least one labelled frame", got="none")
    check_calculator("calculator", calculator)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*no material has such a distance")  # which labels are there for
        compared = [_compare(atoms, calculator) for atoms in frames]
    groups: dict[str, list[_Pair]] = {}
    for atoms, pair in zip(frames, compared, strict=True):
        groups.setdefault(str(atoms.info.get("tag", "untagged")), []).append(pair)
    return [*(_summary(tag, groups[tag]) for tag in sorted(groups)), _summary("all", compared)]


@typed
def write_table(errors: Sequence[Errors], path: str | os.PathLike[str]) -> Path:
    """Write errors as CSV.

    Parameters
    ----------
    errors : sequence of Errors
        Rows.
    path : str or path
        File.

    Returns
    -------
    pathlib.Path
        The file.
    """
    names = [field.name for field in fields(Errors)]
    with atomic_path(path, own=marked(",".join(names).encode())) as part, part.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        for row in errors:
            cells = asdict(row) | {"tag": no_formula(row.tag)}
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in cells.items()})
    return Path(path)


@typed
def format_table(errors: Sequence[Errors]) -> str:
    """Show errors as text.

    Parameters
    ----------
    errors : sequence of Errors
        Rows.

    Returns
    -------
    str
        Table with a heading.
    """
    names = ("system", "frames", "F MAE", "F RMSE", "slope", "E MAE", "E bias", "E shift", "S MAE")
    units = ("", "", "meV/A", "meV/A", "", "meV/at", "meV/at", "meV/at", "GPa")
    width = max(len("system"), *(len(row.tag) for row in errors)) if errors else len("system")
    layout = f"{{:{width}s}}" + " {:>6s} {:>7s} {:>7s} {:>6s} {:>7s} {:>7s} {:>7s} {:>6s}"
    lines = [layout.format(*names), layout.format(*units)]
    for row in errors:
        lines.append(
            f"{row.tag:{width}s} {row.frames:6d} {row.force_mae:7.1f} {row.force_rmse:7.1f} {row.force_slope:6.3f} "
            f"{row.energy_mae:7.2f} {row.energy_bias:+7.2f} {row.energy_shifted_mae:7.2f} {row.stress_mae:6.3f}"
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class _Pair:
    """Predicted and labelled values of one frame."""

    composition: str
    forces: NDArray[np.float64]
    labels: NDArray[np.float64]
    energy: float
    stress: NDArray[np.float64]


def _compare(atoms: Atoms, calculator: Any) -> _Pair:
    frame = atoms.copy()
    frame.calc = calculator
    known = atoms.calc.results
    energy = (frame.get_potential_energy() - atoms.get_potential_energy()) / len(atoms)
    empty: NDArray[np.float64] = np.empty(0)
    stress = frame.get_stress() - known["stress"] if "stress" in known else empty
    return _Pair(
        atoms.get_chemical_formula(empirical=True),
        frame.get_forces().ravel(),
        atoms.get_forces().ravel(),
        energy,
        stress,
    )


def _summary(tag: str, pairs: Sequence[_Pair]) -> Errors:
    predicted = np.concatenate([pair.forces for pair in pairs])
    labels = np.concatenate([pair.labels for pair in pairs])
    stress = np.concatenate([pair.stress for pair in pairs])
    energy = np.array([pair.energy for pair in pairs])
    names = np.array([pair.composition for pair in pairs])
    shifted = energy.copy()
    for name in set(names.tolist()):
        shifted[names == name] -= energy[names == name].mean()
    difference = predicted - labels
    power = float(labels @ labels)
    return Errors(
        tag,
        len(pairs),
        1e3 * float(np.abs(difference).mean()),
        1e3 * float(np.sqrt((difference**2).mean())),
        float(predicted @ labels / power) if power > 0.0 else float("nan"),
        1e3 * float(np.abs(energy).mean()),
        1e3 * float(energy.mean()),
        1e3 * float(np.abs(shifted).mean()),
        EV_PER_A3_IN_GPA * float(np.abs(stress).mean()) if len(stress) else float("nan"),
    )
