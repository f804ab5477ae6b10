"""What makes a run the run that it is, and a sentence about what differs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units

from ionpath.files import sha256_of
from ionpath.plumed_input import same_everywhere
from ionpath.plumed_run import digests
from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import Snapshot
from ionpath_ase.potentials import resolve

_FREE = ("processes", "checkpoint_stride", "model")
"""Settings that do not shape a run, or that are in the identity by another name."""
_MEMBERS = "members"
_READ = "files that PLUMED reads"
_WORDS = {
    "timestep": "time step (fs)", "stride": "time steps between frames", "damping": "damping (ps)",
    "temperature": "temperature (K)", "final_temperature": "final temperature (K)", "pressure": "pressure (GPa)",
    "pressure_damping": "pressure damping (ps)", "fixed": "fixed atoms", "steps": "length of the ramp (steps)",
    "file": "ending of the trajectory",
}  # fmt: skip


def identity(atoms: Atoms, settings: MDSettings, plumed: Sequence[str], file: Path, drawn: bool) -> dict[str, Any]:
    """Everything that shapes a run but its length, by name: numbers and words as they are, arrays as digests."""
    parts = {name: value for name, value in asdict(settings).items() if name not in _FREE}
    if settings.final_temperature is None:
        del parts["steps"]
    parts |= {
        "file": file.suffix,
        "potential": potential(atoms.calc, settings.model),
        "elements": digest(atoms.numbers),
        "positions": digest(atoms.positions),
        "velocities": "drawn" if drawn else digest(_velocities(atoms)),
        "cell": digest(atoms.cell.array),
        "periodic directions": atoms.pbc.tolist(),
        "masses": digest(atoms.get_masses()),
        "PLUMED input": same_everywhere(plumed),
    }
    if read := digests(plumed, Path()):
        parts[_READ] = read
    return json.loads(json.dumps(parts))


def differences(saved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two runs, in words."""
    told = []
    for name in now:
        before, after = saved.get(name), now[name]
        if name == "potential" and isinstance(before, Mapping) and _MEMBERS not in before:  # an earlier checkpoint
            after = {key: value for key, value in after.items() if key != _MEMBERS}
        if before == after or (name == _READ and before is None):  # earlier checkpoints do not know of them
            continue
        word = _WORDS.get(name, name)
        if name == "PLUMED input":
            told.append(_other_line(before or [], after))
        elif name == _READ:
            known = dict(before or {})
            changed = sorted(file for file in {*known, *after} if known.get(file) != after.get(file))
            told.append(f"other content of {', '.join(changed)}, which PLUMED reads")
        elif name == "potential":
            told.append(f"{_named(after)} instead of {_named(before)}")
        elif isinstance(after, str) and len(after) == 64:
            told.append(f"other {word}")
        else:
            told.append(f"{word} {after} instead of {before}")
    return told


def _other_line(before: Sequence[str], after: Sequence[str]) -> str:
    """First statement of PLUMED that is another one."""
    for k in range(max(len(before), len(after))):
        old, new = (lines[k] if k < len(lines) else "nothing" for lines in (before, after))
        if old != new:
            a, b = _unlike(old, new)
            return f"PLUMED input {b!r} instead of {a!r}"
    return "another PLUMED input"


def _unlike(old: str, new: str) -> tuple[str, str]:
    """Beginnings of two statements, or the words that differ where these are further behind."""
    if old[:80] != new[:80]:
        return old[:80], new[:80]
    k = next(k for k, (a, b) in enumerate(zip(f"{old} ", f"{new} ", strict=False)) if a != b)
    start = old.rfind(" ", 0, k) + 1
    return f"{old[:20]} ... {old[start : start + 50]}", f"{new[:20]} ... {new[start : start + 50]}"


def _named(potential: Any) -> str:
    if not isinstance(potential, Mapping):
        return "none"
    more = ", ".join(f"{name}={value}" for name, value in potential.items() if name != "name")
    return f"potential {potential.get('name')}" + f" ({more[:120]})" * bool(more)


def digest(array: Any) -> str:
    """Digest of numbers to six decimals."""
    rounded = np.round(np.asarray(array, dtype=float), 6) + 0.0  # no minus zero
    return hashlib.sha256(np.ascontiguousarray(rounded).tobytes()).hexdigest()


def same_place(atoms: Atoms, snapshot: Snapshot) -> bool:
    """Whether atoms are where, and as fast as, a run stopped."""
    here = (atoms.positions, _velocities(atoms), atoms.cell.array)
    there = (snapshot.positions, snapshot.velocities, snapshot.cell)
    return all(a.shape == b.shape and np.allclose(a, b, rtol=0, atol=1e-5) for a, b in zip(here, there, strict=True))


def _velocities(atoms: Atoms) -> Any:
    """Velocities in A/ps."""
    return atoms.get_velocities() * (1000.0 * units.fs)


def potential(calculator: Any, model: str | None) -> dict[str, Any]:
    """Model file with its digest, or class and parameters of a calculator."""
    if calculator is None or getattr(calculator, "name", "") == "ionpath":
        name = str(model or calculator.parameters["model"])
        return {"name": Path(name).name, "checksum": sha256_of(resolve(name))[:16]}
    found = {"name": type(calculator).__qualname__.rpartition(".")[2]}
    if getattr(calculator, "name", "") == "ionpath_committee":
        found[_MEMBERS] = ", ".join(sha256_of(member.path)[:16] for member in calculator._models)
    return found | _plain(dict(getattr(calculator, "parameters", None) or {}))


def _plain(value: Any) -> Any:
    """Numbers, words and collections of them; anything else by the name of its class, which no address is in."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray):
        return digest(value) if value.dtype.kind in "biuf" else [_plain(part) for part in value.tolist()]
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__qualname__


def digest_of_version_1(atoms: Atoms, settings: MDSettings, plumed: Sequence[str]) -> str:
    """The one digest that checkpoints of version 1 have: elements, positions, cell, settings and PLUMED input."""
    parameters = asdict(settings)
    for name in ("processes", "checkpoint_stride"):
        del parameters[name]
    if settings.final_temperature is None:
        del parameters["steps"]
    found = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode())
    found.update("\n".join([*atoms.get_chemical_symbols(), *plumed]).encode())
    found.update(np.round(atoms.positions, 6).tobytes() + np.round(atoms.cell.array, 6).tobytes())
    return found.hexdigest()
