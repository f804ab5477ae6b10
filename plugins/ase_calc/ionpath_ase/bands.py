"""One nudged elastic band: its ends, its relaxation, and the file that keeps it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.geometry import find_mic, get_distances
from ase.mep import NEB
from ase.mep.neb import NEBState, idpp_interpolate
from ase.optimize import FIRE
from numpy.typing import NDArray

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import InputError, IonpathError, warn
from ionpath.msonable import Msonable
from ionpath_ase._geometry import ContactCheck, contact_radii, model_cell
from ionpath_ase._notes import read_note, write_note
from ionpath_ase.md.identity import differences, digest, potential

_FAR = 1.0
"""An atom that ends farther than this from where it was, in A, has taken part in a hop."""
_EMPTY = 1.2
"""Distance in A to the nearest atom that makes a place empty."""
PASSING = 2.4
"""How far apart in A two ions that change places pass each other on the path from which a band starts."""


@typed
@documented
@dataclass(frozen=True)
class Hop(Msonable):
    """A hop to be followed."""

    ion: int  # index of the atom that hops
    target: tuple[float, ...] | None = None  # where it goes, in A
    partner: int | None = None  # the atom to whose site it goes instead
    mode: str = "vacancy"  # ``"vacancy"``: the partner is taken out; ``"exchange"``: both change places
    kind: str = ""  # class of the hop, such as ``"soft to hard"``

    def check(self, atoms: Atoms, number: int, vacant: bool = False) -> None:
        """Refuse atoms that do not exist and, in the relaxed structure, places that are not empty."""
        for index in (self.ion,) if self.partner is None else (self.ion, self.partner):
            if not 0 <= index < len(atoms):
                raise InputError(f"hop {number}", need=f"an atom index below {len(atoms)}", got=str(index))
        if self.partner is not None:
            if self.partner == self.ion:
                raise InputError(f"hop {number}", need="two atoms", got=f"atom {self.ion} twice")
            return
        target = np.asarray(self.target, dtype=float)
        if target.shape != (3,) or not np.isfinite(target).all():
            raise InputError(f"hop {number}", need="a place of three finite numbers", got=str(self.target))
        if not vacant:
            return
        others = np.delete(np.arange(len(atoms)), self.ion)
        distances = get_distances(target[None], atoms.positions[others], cell=atoms.cell, pbc=atoms.pbc)[1][0]
        if distances.min() < _EMPTY:
            need = f"an empty place, at least {_EMPTY} A from every other atom"
            got = f"atom {others[distances.argmin()]} at {distances.min():.2f} A"
            remedy = "for a hop into a vacancy, take out the ion that is there"
            raise InputError(f"hop {number}", need=need, got=got, remedy=remedy)


@documented
@dataclass(frozen=True)
class Barrier(Msonable):
    """One hop that was followed."""

    ion: int  # index of the atom that hops
    forward: float  # barrier from the start in eV
    backward: float  # barrier from the end in eV
    energies: NDArray[np.float64]  # (n_images,): energies along the band, relative to the start, in eV
    distance: float  # distance of the hop between the relaxed ends in A
    converged: bool  # whether the band and its ends reached their force limits
    kind: str = ""  # class of the hop
    others: int = 0  # other atoms that end more than 1 A from where they were
    # with two climbing images, how much lower in eV the lower one of them is than the highest image; nan with one, and
    # beside an end, where one climbs alone
    accuracy: float = float("nan")


@dataclass(frozen=True)
class Job:
    """Settings of all bands of a call."""

    images: int
    fmax: float
    steps: int
    relax_fmax: float
    climbing: int
    others: str


def relaxed(atoms: Atoms, calculator: Any, fmax: float, steps: int) -> Atoms:
    """A relaxed copy at fixed cell; ``info["relaxed"]`` says whether it reached the limit."""
    copy = atoms.copy()
    copy.calc = calculator
    copy.info["relaxed"] = bool(FIRE(copy, logfile=None).run(fmax=fmax, steps=steps))
    return copy


def run(start: Atoms, hop: Hop, calculator: Any, job: Job) -> Barrier | str:
    """Barrier of a hop, or the reason why there is none."""
    try:
        with warnings.catch_warnings():
            # a path on its way to the lowest one may have them; where it ends is looked at
            warnings.filterwarnings("ignore", ".*no material has such a distance")
            found, images = _followed(start, hop, calculator, job)
        _warn_if_touching(images, hop)
        return found
    except (IonpathError, np.linalg.LinAlgError, FloatingPointError) as error:
        return f"the band broke: {error}"


def _warn_if_touching(images: Sequence[Atoms], hop: Hop) -> None:
    """Say where a band that is done passes atoms nearer than any material has them."""
    for image in images:
        try:
            touching = ContactCheck(0.0, contact_radii(image.numbers))
            touching(image.positions, model_cell(image, 0.0))
        except InputError as error:
            about = "no material has such a distance, and the barrier may mean nothing"
            warn(f"hop of ion {hop.ion}: {error.name}: need {error.need}, got {error.got} on the way; {about}")
            return


_OF_WORKER: list[Any] = []
"""The calculator of a worker process, so that a potential is loaded once and not for each band."""


def begin_worker(packed: bytes, environment: Mapping[str, str]) -> None:
    """Unpack the calculator of a worker, and end the worker when its parent is gone."""
    os.environ.update(environment)
    _OF_WORKER[:] = [pickle.loads(packed)]
    parent = parent_process()
    if parent is not None:

        def watch() -> None:
            wait([parent.sentinel])
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


def run_in_worker(start: Atoms, hop: Hop, job: Job) -> Barrier | str:
    """`run` with the calculator of this worker."""
    return run(start, hop, _OF_WORKER[0], job)


def packed(calculator: Any) -> bytes:
    """A calculator as bytes, to be sent to other processes."""
    try:
        return pickle.dumps(calculator)
    except Exception as error:  # whatever it holds says no in its own way
        need = "1 for a calculator that cannot be copied to another process"
        got = f"{type(calculator).__name__}: {str(error)[:80]}"
        raise InputError("processes", need=need, got=got, remedy="pass processes=1") from error


def _followed(start: Atoms, hop: Hop, calculator: Any, job: Job) -> tuple[Barrier | str, Sequence[Atoms]]:
    """Barrier or a reason, with the images of the band."""
    ion, first = hop.ion, start
    end = start.copy()
    if hop.partner is None:
        target = np.asarray(hop.target, dtype=float)
    else:
        target = start.positions[hop.partner].copy()
        if hop.mode == "exchange":
            end.positions[hop.partner] = start.positions[ion]
        else:
            first = start.copy()
            del first[hop.partner], end[hop.partner]
            ion -= hop.partner < ion
            first = relaxed(first, calculator, job.relax_fmax, job.steps)
            end.positions = first.positions.copy()
    shift = find_mic(target - first.positions[ion], first.cell, first.pbc)[0]
    end.positions[ion] = first.positions[ion] + shift
    end = relaxed(end, calculator, job.relax_fmax, job.steps)
    moved = np.linalg.norm(find_mic(end.positions - first.positions, first.cell, first.pbc)[0], axis=1)
    if moved[ion] < 0.5 * np.linalg.norm(shift):
        return f"ion {hop.ion} relaxes back to within {moved[ion]:.2f} A of where it was", ()
    taken = np.flatnonzero(moved > _FAR)
    taken = taken[(taken != ion) & ((taken != hop.partner) | (hop.mode != "exchange"))]
    if len(taken) and job.others == "refuse":
        return f"other atoms move as well: {[int(k) for k in taken][:5]}", ()
    return _band(first, end, hop, ion, len(taken), calculator, job)


def _band(
    start: Atoms, end: Atoms, hop: Hop, ion: int, others: int, calculator: Any, job: Job
) -> tuple[Barrier, Sequence[Atoms]]:
    """Relax a band between two ends, first without and then with its climbing images."""
    ready = bool(start.info.get("relaxed", True)) and bool(end.info["relaxed"])
    moved = find_mic(end.positions - start.positions, start.cell, start.pbc)[0]
    first = _around(start, start.positions[ion] + moved[ion] / 2)
    last = first.copy()
    last.positions += moved
    band = [first, *(first.copy() for _ in range(job.images)), last]
    for image in band:
        image.calc = _Keeping(calculator)
    ends = [image.get_potential_energy() for image in (first, last)]
    neb = (NEB if job.climbing == 1 else _TwoClimbing)(band, method="improvedtangent")
    neb.interpolate()
    if hop.mode == "exchange" and hop.partner is not None:
        _pass_by(band, ion, hop.partner)
    idpp_interpolate(neb, traj=None, log=None)
    FIRE(neb, logfile=None).run(fmax=4.0 * job.fmax, steps=job.steps)
    neb.climb = True
    converged = bool(FIRE(neb, logfile=None).run(fmax=job.fmax, steps=job.steps))
    inner = [image.get_potential_energy() for image in band[1:-1]]
    energies = np.array([ends[0], *inner, ends[1]]) - ends[0]
    distance = float(np.linalg.norm(last.positions[ion] - first.positions[ion]))
    highest = int(energies.argmax())
    top = float(energies[highest])
    accuracy = float("nan")
    if job.climbing == 2 and 1 < highest < len(band) - 2:  # beside an end one image climbs alone
        accuracy = top - float(min(energies[highest - 1], energies[highest + 1]))
    found = Barrier(
        hop.ion, top, top - float(energies[-1]), energies, distance, converged and ready, others=others,
        accuracy=accuracy,
    )  # fmt: skip
    return found, band


def _around(atoms: Atoms, point: NDArray[np.float64]) -> Atoms:
    """A copy whose atoms lie around a point: the pair potential knows no images, and near the hop it now needs none."""
    copy = atoms.copy()
    if copy.cell.rank == 3:
        copy.positions += copy.cell.sum(axis=0) / 2 - point
    copy.wrap()
    return copy


def _pass_by(band: list[Atoms], ion: int, partner: int) -> None:
    """Let two ions that change places pass each other where there is most room, and not through each other."""
    inner, first = band[1:-1], band[0]
    along = band[-1].positions[ion] - first.positions[ion]
    along /= np.linalg.norm(along)
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    other = np.cross(along, across)
    bow = PASSING / 2 * np.sin(np.pi * np.arange(1, len(band) - 1) / (len(band) - 1))
    rest = np.delete(np.arange(len(first)), [ion, partner])

    def room(way: NDArray[np.float64]) -> float:
        if not len(rest):
            return np.inf
        places = [image.positions[k] + sign * b * way for image, b in zip(inner, bow, strict=True)
                  for k, sign in ((ion, 1), (partner, -1))]  # fmt: skip
        return float(get_distances(places, first.positions[rest], cell=first.cell, pbc=first.pbc)[1].min())

    ways = [np.cos(angle) * across + np.sin(angle) * other for angle in np.arange(0, 2 * np.pi, np.pi / 6)]
    way = max(ways, key=room)
    for image, b in zip(inner, bow, strict=True):
        image.positions[ion] += b * way
        image.positions[partner] -= b * way


class _Keeping(Calculator):
    """A calculator that remembers one image: band and optimiser ask for the same forces up to nine times a step."""

    implemented_properties = ("energy", "forces")

    def __init__(self, calculator: Any) -> None:
        super().__init__()
        self.calculator = calculator

    def calculate(self, atoms: Atoms, properties: Sequence[str], system_changes: Sequence[str]) -> None:
        super().calculate(atoms, properties, system_changes)
        energy = self.calculator.get_potential_energy(atoms)
        self.results = {"forces": self.calculator.get_forces(atoms), "energy": energy}


class _TwoClimbing(NEB):
    """A band in which the neighbours of the highest image climb, and that one is held between them by its springs.

    Both feel the whole force with its part along the band turned around, so that they walk uphill from either side;
    where the highest image lies beside an end, it climbs alone.
    """

    def get_forces(self) -> NDArray[np.float64]:
        energies = [image.get_potential_energy() for image in self.images]
        highest = 1 + int(np.argmax(energies[1:-1]))
        climb = bool(getattr(self, "climb", False))
        if not climb or not 1 < highest < self.nimages - 2:
            return super().get_forces()
        self.climb = False  # for the base class, which would let the highest image climb
        forces = super().get_forces().reshape(self.nimages - 2, self.natoms, 3)
        self.climb = climb
        state = NEBState(self, self.images, self.energies)
        for k in (highest - 1, highest + 1):
            tangent = self.neb_method.get_tangent(state, state.spring(k - 1), state.spring(k), k)
            force = self.real_forces[k]
            forces[k - 1] = force - 2.0 * np.vdot(force, tangent) * tangent
        return forces.reshape(-1, 3)


def identity(atoms: Atoms, calculator: Any, job: Job) -> str:
    """Digest of everything that shapes the bands of a call, its hops aside."""
    digest = hashlib.sha256(json.dumps(asdict(job), sort_keys=True).encode())
    for values in (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc):
        digest.update(np.ascontiguousarray(values).tobytes())
    for model in getattr(calculator, "_models", ()):
        digest.update(model.path.read_bytes())
    parameters = sorted((str(k), str(v)) for k, v in (getattr(calculator, "parameters", None) or {}).items())
    digest.update(repr((type(calculator).__qualname__, parameters)).encode())
    return digest.hexdigest()


_PARTS, _SAME_ENERGY = "bands.json", 1e-5


def parts(atoms: Atoms, calculator: Any, job: Job) -> dict[str, Any]:
    """The same by name, and the energy of the structure, by which potentials without parameters are told apart."""
    copy = atoms.copy()
    copy.calc = calculator
    found = {name: digest(getattr(atoms, name)) for name in ("positions", "numbers")}
    about = {"cell": digest(atoms.cell.array), "periodic directions": atoms.pbc.tolist(), **found, **asdict(job)}
    return about | {"potential": potential(calculator, None), "energy": float(copy.get_potential_energy())}


def changes(place: Path, about: Mapping[str, Any]) -> list[str]:
    """What is not as it was when the bands of a folder were begun, in words."""
    path = place / _PARTS
    if not path.exists():  # as earlier versions leave it
        return []
    try:
        before = read_note(path, "energy", again="")
        energy = float(before.pop("energy"))
    except (ValueError, TypeError) as error:
        need = f"the {_PARTS} that this call wrote"
        got = error.got if isinstance(error, InputError) else str(error)
        raise InputError(f"folder {place.name}", need=need, got=got, remedy="use another folder") from error
    now = json.loads(json.dumps({name: value for name, value in about.items() if name != "energy"}))
    told = differences(before, now)
    if not told and not abs(energy - about["energy"]) <= _SAME_ENERGY * max(1.0, abs(energy)):
        told = [f"a potential that gives {about['energy']:.6g} eV for the structure instead of {energy:.6g} eV"]
    return told


def note_parts(place: Path, about: Mapping[str, Any]) -> None:
    """Note what the bands of a folder are of."""
    if not (place / _PARTS).exists():
        write_note(place / _PARTS, about)


def _file(place: Path, hop: Hop) -> Path:
    words = json.dumps([hop.ion, hop.target, hop.partner, hop.mode])
    return place / f"band-{hop.ion}-{hashlib.sha256(words.encode()).hexdigest()[:12]}.json"


def finished(place: Path, hop: Hop) -> Barrier | str | None:
    """What an earlier call found for a hop; None where it has not come so far."""
    path = _file(place, hop)
    if not path.exists():
        return None
    try:
        kept = read_note(path, "refused", "barrier", again="")
        if isinstance(kept["refused"], str):
            return str(kept["refused"])
        numbers = kept["barrier"]
        return Barrier(**(numbers | {"energies": np.array(numbers["energies"], dtype=float)}))
    except (ValueError, KeyError, TypeError) as error:
        got = error.got if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        remedy = "remove it, and it is made again"
        raise InputError(f"band {path.name}", need="a file that this call wrote", got=got, remedy=remedy) from error


def save(place: Path, hop: Hop, made: Barrier | str) -> None:
    """Keep what was found for a hop."""
    kept: dict[str, Any] = {"refused": made, "barrier": None}
    if isinstance(made, Barrier):
        kept = {"refused": None, "barrier": asdict(made) | {"energies": made.energies.tolist()}}
    write_note(_file(place, hop), kept)
