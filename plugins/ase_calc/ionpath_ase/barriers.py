"""Barriers of hops by nudged elastic bands: which hops, their bands, and statistics by class."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.geometry import get_distances
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from ionpath.arguments import typed
from ionpath.cores import threads_each
from ionpath.documented import documented
from ionpath.elements import Symbol
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.estimate import Estimate, student
from ionpath.files import atomic_path, locked
from ionpath.msonable import Msonable
from ionpath_ase._geometry import check_calculator
from ionpath_ase.bands import (
    Barrier,
    Hop,
    Job,
    begin_worker,
    changes,
    finished,
    identity,
    note_parts,
    packed,
    parts,
    relaxed,
    run,
    run_in_worker,
    save,
)
from ionpath_ase.calculator import IonPath

__all__ = ["Barrier", "BarrierClass", "Barriers", "Hop", "hop_candidates", "migration_barriers"]


@documented
@dataclass(frozen=True)
class BarrierClass(Msonable):
    """Barriers of the hops of one class."""

    # (n_hops,): barriers from the start in eV, of converged bands, in the order of the hops
    forward: NDArray[np.float64]
    mean: Estimate  # their mean in eV; the 95 % interval is that of Student's t, and not determined for fewer than two
    not_converged: int  # bands that did not reach the force limit; they are left out
    refused: int  # hops of this class that have no band

    def histogram(self, width: float = 0.1) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Hops (n_bins,), and edges (n_bins + 1,) in eV, of bins that begin at a multiple of `width` in eV.

        InputError if the width is no positive number, or there is no barrier to count.
        """
        positive("width", width, "eV")
        if not len(self.forward):
            raise InputError("histogram", need="at least one converged band", got="none")
        first, last = np.floor(self.forward.min() / width), np.floor(self.forward.max() / width) + 1
        counts, edges = np.histogram(self.forward, bins=np.arange(first, last + 1) * width)
        return counts.astype(np.int64), edges


@typed
@documented
@dataclass(frozen=True)
class Barriers(Msonable):
    """Hops of a structure."""

    hops: tuple[Barrier, ...]  # one entry per hop that could be followed, in the order asked for
    refused: tuple[tuple[int, str], ...]  # index of each hop that was left out, and why
    candidates: tuple[Hop, ...] = ()  # the hops asked for

    @property
    def mean(self) -> float:
        """Mean of the forward barriers of converged bands, eV."""
        return _mean(self.hops).value

    @property
    def standard_error(self) -> float:
        """Standard error of `mean`, eV."""
        return _mean(self.hops).error

    def by_class(self, by: Literal["both", "start"] = "both") -> dict[str, BarrierClass]:
        """Sort barriers by the softness of where hops begin and end: class -> `BarrierClass`.

        Classes are such as ``"soft to hard"``, or with ``by="start"`` ``"soft"`` and ``"hard"``; a hop without a class,
        of an ion and a point, is in ``""``. InputError if `by` is another word.

        Where more than half of the hops of a class have no barrier its mean says so: bands that converge are rarely a
        fair sample of all. Errors hold for independent hops. Those that share an ion, or surroundings, in one structure
        are less so: take several structures, and compare their means.

        Examples
        --------
        >>> import numpy as np
        >>> hop = lambda forward, kind: Barrier(0, forward, 0.1, np.zeros(3), 6.0, True, kind=kind)
        >>> found = Barriers((hop(0.2, "soft to hard"), hop(0.4, "soft to hard"), hop(0.5, "hard to soft")), ())
        >>> print(found.by_class()["soft to hard"].mean, sorted(found.by_class("start")))
        0.3 ± 0.1 eV ['hard', 'soft']
        """
        one_of("by", by, ("both", "start"))

        def name(kind: str) -> str:
            return kind.split(" to ")[0] if by == "start" else kind

        lost = [name(self.candidates[index].kind) if self.candidates else "" for index, _ in self.refused]
        names = dict.fromkeys([name(hop.kind) for hop in self.hops] + lost)
        found = {}
        for known in names:
            of_kind = [hop for hop in self.hops if name(hop.kind) == known]
            values = np.array([hop.forward for hop in of_kind if hop.converged])
            refused = lost.count(known)
            found[known] = BarrierClass(values, _mean(of_kind, refused), len(of_kind) - len(values), refused)
        return found


def few_converged(without: int, number: int) -> str:
    """What is wrong with a mean over the bands that converged, or nothing."""
    return f"{without} of {number} bands without a barrier" if 2 * without > number else ""


def _mean(hops: Sequence[Barrier], refused: int = 0) -> Estimate:
    """Mean of the forward barriers of converged bands with Student's interval."""
    values = np.array([hop.forward for hop in hops if hop.converged])
    n = len(values)
    mean = float(values.mean()) if n else math.nan
    error = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else math.nan
    reach = student(n - 1) * error
    said = few_converged(len(hops) + refused - n, len(hops) + refused)
    return Estimate(mean, error, mean - reach, mean + reach, "eV", verdict=said if n > 1 else "")


@typed
def hop_candidates(
    atoms: Atoms,
    softness: ArrayLike,
    *,
    mobile: Symbol = "Li",
    distances: tuple[float, float] = (5.0, 10.0),
    number: int = 20,
    mode: Literal["vacancy", "exchange"] = "vacancy",
    threshold: float = 0.0,
    seed: int = 0,
) -> tuple[Hop, ...]:
    """Choose hops of ions to the sites of others, by how soft both are.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure, such as a glass.
    softness : array_like, shape (n_mobile,) or (n_atoms,)
        Softness of the mobile ions in the order of their atoms, as `ionpath_mdanalysis.Softness` gives it.
    mobile : str, default "Li"
        Element of the mobile ions.
    distances : tuple of float, default (5, 10)
        Range of the distance between both in A.
    number : int, default 20
        Hops of each class; fewer where there are fewer pairs.
    mode : {"vacancy", "exchange"}
        Take the other ion out, or let both change places.
    threshold : float, default 0
        Ions above it are soft, others hard.
    seed : int, default 0
        Seed of the choice.

    Returns
    -------
    tuple of Hop
        Hops of the classes ``soft to soft``, ``soft to hard``, ``hard to soft`` and ``hard to hard``, in turns, for
        `migration_barriers`.

    Raises
    ------
    InputError
        If softness does not belong to the ions, no two of them are so far apart, or an argument cannot be used.

    Notes
    -----
    Each ordered pair within the range is as likely as any other of its class, as in the histograms of Chen et al., ACS
    Energy Lett. 8, 1969 (2023). Without its ion the structure is charged: a potential that has seen neutral ones only
    says so, and its barriers are best compared with those of ``mode="exchange"``.

    Examples
    --------
    >>> from ase.build import bulk
    >>> salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True) * (3, 3, 3)
    >>> hops = hop_candidates(salt, [(-1) ** k for k in range(108)], number=2, seed=1)
    >>> [hop.kind for hop in hops][:4]
    ['soft to soft', 'soft to hard', 'hard to soft', 'hard to hard']
    """
    one_of("mode", mode, ("vacancy", "exchange"))
    whole("number", number)
    low, high = distances
    if not 0.0 < low < high < np.inf:
        raise InputError("distances", need="two positive numbers in A, the smaller one first", got=f"{low}, {high}")
    ions = np.flatnonzero(np.asarray(atoms.symbols) == mobile)
    values = np.asarray(softness, dtype=float)
    if not len(ions) or values.shape not in ((len(ions),), (len(atoms),)):
        need = f"a number for each of {len(ions)} {mobile} or of {len(atoms)} atoms"
        raise InputError("softness", need=need, got=f"shape {values.shape}")
    values = values if len(values) == len(ions) else values[ions]
    if not np.isfinite(values).all():
        raise InputError("softness", need="finite numbers for the mobile ions", got="nan or inf")
    apart = get_distances(atoms.positions[ions], cell=atoms.cell, pbc=atoms.pbc)[1]
    first, second = np.nonzero((apart >= low) & (apart <= high))
    if not len(first):
        remedy = "take a larger cell or range"
        raise InputError("distances", need=f"two {mobile} {low:g} to {high:g} A apart", got="none", remedy=remedy)
    rng = np.random.default_rng(seed)
    soft = np.array(["hard", "soft"])[(values > threshold).astype(int)]
    chosen = []
    for start, end in (("soft", "soft"), ("soft", "hard"), ("hard", "soft"), ("hard", "hard")):
        pairs = rng.permutation(np.flatnonzero((soft[first] == start) & (soft[second] == end)))[:number]
        chosen.append(
            [Hop(int(ions[first[k]]), partner=int(ions[second[k]]), mode=mode, kind=f"{start} to {end}") for k in pairs]
        )
    return tuple(hop for turn in zip_longest(*chosen) for hop in turn if hop is not None)


@typed
def migration_barriers(
    atoms: Atoms,
    hops: Sequence[Hop | tuple[int, Sequence[float]]],
    *,
    calculator: Any = None,
    images: int = 5,
    fmax: float = 0.05,
    steps: int = 500,
    relax_fmax: float = 0.02,
    climbing: int = 1,
    others: Literal["refuse", "allow"] = "refuse",
    folder: str | os.PathLike[str] | None = None,
    processes: int = 1,
    progress: bool = False,
) -> Barriers:
    """Find the barriers of hops.

    Parameters
    ----------
    atoms : ase.Atoms
        Structure in which an ion can move; it is relaxed first at fixed cell.
    hops : sequence of Hop or (int, (3,) array_like)
        Hops of `hop_candidates`, or the index of an ion and the position in A where it goes, which must be empty.
    calculator : ase.calculators.calculator.Calculator, optional
        Potential; the shipped one if left out.
    images : int, default 5
        Images between the ends.
    fmax : float, default 0.05
        Force limit of the band in eV/A.
    steps : int, default 500
        Steps at most for each relaxation and band; bands of a glass took 150 to 500 and more.
    relax_fmax : float, default 0.02
        Force limit of the ends in eV/A.
    climbing : {1, 2}
        One climbing image; or two, which climb to the saddle from both sides.
    others : {"refuse", "allow"}
        What to do with hops in which other atoms end more than 1 A from where they were: the rule in a glass.
    folder : str or path, optional
        Keep each band here as soon as it is done. The same call goes on where it was stopped.
    processes : int, default 1
        Bands at a time, each in a process of its own; the calculator is copied to them.
    progress : bool, default False
        Show a bar.

    Returns
    -------
    Barriers
        Energies and barriers, and why hops were left out: an end that relaxes back, another ion that takes part, or a
        band that the potential refuses.

    Raises
    ------
    InputError
        If a hop names no atom, or leads onto another atom, the folder belongs to another call, or an argument cannot
        be used.

    Notes
    -----
    Climbing image (Henkelman, Uberuaga, Jonsson, J. Chem. Phys. 113, 9901 (2000), doi:10.1063/1.1329672) with improved
    tangents, started from the image-dependent pair potential (Smidstrup et al., J. Chem. Phys. 140, 214106 (2014),
    doi:10.1063/1.4878664), both from ASE, with the hop in the middle of the cell; two ions that change places begin
    on a path on which they pass each other where there is most room. With ``climbing=2`` the neighbours of the highest
    image climb, so that they enclose the saddle, after the idea of Zarkevich and Johnson, J. Chem. Phys. 142, 024106
    (2015), doi:10.1063/1.4905209; how much lower they are is `Barrier.accuracy`. Single-precision potentials do not
    relax below about 0.005 eV/A.
    """
    calculator = IonPath() if calculator is None else calculator
    check_calculator("calculator", calculator)
    if not len(hops):
        raise InputError("hops", need="at least one", got="none")
    if images < 1:
        raise InputError("images", need="at least 1 image between the ends", got=str(images))
    whole("climbing", climbing, 1, 2)
    whole("steps", steps)
    whole("processes", processes)
    one_of("others", others, ("refuse", "allow"))
    for name, value in (("fmax", fmax), ("relax_fmax", relax_fmax)):
        positive(name, value, "eV/A")
    asked = tuple(hop if isinstance(hop, Hop) else Hop(hop[0], target=tuple(float(x) for x in hop[1])) for hop in hops)
    job = Job(images, fmax, steps, relax_fmax, climbing, others)
    for number, hop in enumerate(asked):
        hop.check(atoms, number)
    sent = b"" if processes == 1 else packed(calculator)  # before it is used: some cannot be copied afterwards
    about = None if folder is None else parts(atoms, calculator, job)
    with _kept(folder, identity(atoms, calculator, job), about) as place:
        start = relaxed(atoms, calculator, relax_fmax, steps)
        for number, hop in enumerate(asked):
            hop.check(start, number, vacant=True)
        found = dict(_bands(start, asked, calculator, sent, job, place, processes, progress))
    bands = [(number, found[number]) for number in range(len(asked))]
    return Barriers(
        tuple(replace(b, kind=asked[n].kind) for n, b in bands if isinstance(b, Barrier)),
        tuple((n, b) for n, b in bands if isinstance(b, str)),
        asked,
    )


@contextmanager
def _kept(
    folder: str | os.PathLike[str] | None, mark: str, about: Mapping[str, Any] | None = None
) -> Iterator[Path | None]:
    """Folder of the bands, which one call has at a time and which belongs to one structure and its settings."""
    if folder is None:
        yield None
        return
    place = Path(folder)
    with ExitStack() as stack:
        stack.enter_context(locked(place / ".lock", f"bands in {place.name}"))
        note = place / "bands.sha256"
        told = [] if about is None else changes(place, about)
        if told or (note.exists() and note.read_text(errors="replace") != mark):
            need = "bands of the same structure, potential and settings"
            remedy = "use another folder"
            raise InputError(f"folder {place.name}", need=need, got="; ".join(told) or "others", remedy=remedy)
        with atomic_path(note) as part:
            part.write_text(mark)
        if about is not None:
            note_parts(place, about)
        yield place


def _bands(
    start: Atoms, hops: Sequence[Hop], calculator: Any, sent: bytes, job: Job, place: Path | None, processes: int,
    progress: bool,
) -> Iterator[tuple[int, Barrier | str]]:  # fmt: skip
    """Number of each hop, with its barrier or the reason why there is none."""
    open_: list[int] = []
    with tqdm(total=len(hops), desc="bands", unit="band", disable=not progress) as bar:
        for number, hop in enumerate(hops):
            known = None if place is None else finished(place, hop)
            if known is None:
                open_.append(number)
            else:
                bar.update()
                yield number, known
        for number, made in _made(start, [(n, hops[n]) for n in open_], calculator, sent, job, processes):
            if place is not None:
                save(place, hops[number], made)
            bar.update()
            yield number, made


def _made(
    start: Atoms, hops: Sequence[tuple[int, Hop]], calculator: Any, sent: bytes, job: Job, processes: int
) -> Iterator[tuple[int, Barrier | str]]:
    """Bands one after the other, or several at a time."""
    if processes == 1 or len(hops) < 2:
        for number, hop in hops:
            yield number, run(start, hop, calculator, job)
        return
    bare = start.copy()  # without its calculator, which each worker has
    number = min(processes, len(hops))
    with ProcessPoolExecutor(
        number, get_context("spawn"), initializer=begin_worker, initargs=(sent, threads_each(number))
    ) as pool:
        waiting = {pool.submit(run_in_worker, bare, hop, job): number for number, hop in hops}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
