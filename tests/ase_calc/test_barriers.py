"""Hops by class: which are chosen, how they are followed, kept and counted."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from ionpath.errors import InputError, IonpathError
from ionpath.files import locked
from ionpath_ase import Barrier, Barriers, Hop, bands, hop_candidates, migration_barriers


@pytest.fixture(scope="module")
def copper() -> Atoms:
    return bulk("Cu", cubic=True).repeat(2)


def neighbour(atoms: Atoms, ion: int) -> int:
    apart = atoms.get_distances(ion, np.arange(len(atoms)), mic=True)
    apart[ion] = np.inf
    return int(apart.argmin())


def test_candidates_have_their_classes_and_distances() -> None:
    salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True) * (3, 3, 3)
    lithium = np.flatnonzero(salt.symbols == "Li")
    softness = np.random.default_rng(3).normal(size=len(lithium))
    found = hop_candidates(salt, softness, number=15, seed=4)
    assert [hop.kind for hop in found[:4]] == ["soft to soft", "soft to hard", "hard to soft", "hard to hard"]
    assert len(found) == len({(hop.ion, hop.partner) for hop in found}) == 60
    of_atom = dict(zip(lithium.tolist(), softness, strict=True))
    for hop in found:
        assert 5.0 <= salt.get_distance(hop.ion, hop.partner, mic=True) <= 10.0  # A
        words = ["soft" if of_atom[index] > 0 else "hard" for index in (hop.ion, hop.partner)]
        assert hop.kind == " to ".join(words)
    assert hop_candidates(salt, softness, number=15, seed=4) == found
    assert hop_candidates(salt, softness, number=15, seed=5) != found
    everything = hop_candidates(salt, softness, number=10**9, seed=4)  # ends with the pairs that there are
    assert everything == hop_candidates(salt, softness, number=10**4, seed=4) and len(everything) > len(found)
    per_atom = np.full(len(salt), np.nan)
    per_atom[lithium] = softness
    assert hop_candidates(salt, per_atom, number=15, seed=4) == found
    close = hop_candidates(salt, softness, distances=(3.0, 4.0), mode="exchange", threshold=9.0)
    assert {hop.kind for hop in close} == {"hard to hard"} and {hop.mode for hop in close} == {"exchange"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"softness": np.zeros(3)}, r"softness: need a number for each of 4 Li or of 8 atoms, got shape \(3,\)"),
        ({"softness": [0, 0, 0, np.nan]}, "softness: need finite numbers for the mobile ions, got nan or inf"),
        ({"mobile": "Na"}, "softness: need a number for each of 0 Na"),
        ({"distances": (10.0, 5.0)}, "distances: need two positive numbers in A, the smaller one first, got 10.0"),
        ({"distances": (5.0, 10.0)}, "distances: need two Li 5 to 10 A apart, got none; take a larger cell"),
        ({"number": 0}, "number: need a whole number of at least 1, got 0"),
        ({"mode": "swap"}, "mode: need 'vacancy' or 'exchange', got 'swap'"),
    ],
)
def test_candidates_that_cannot_be_chosen(change: dict[str, Any], sentence: str) -> None:
    salt = bulk("LiCl", "rocksalt", a=5.13, cubic=True)
    with pytest.raises(InputError, match=sentence):
        hop_candidates(salt, **({"softness": np.zeros(4), "distances": (3.0, 4.0)} | change))


def test_a_partner_taken_out_leaves_the_vacancy_barrier(copper: Atoms) -> None:
    """The hop to the site of an ion is that into the vacancy which this ion leaves, whichever index is the larger."""
    partner = neighbour(copper, 5)
    crystal = copper.copy()
    hole = crystal.positions[partner].copy()
    del crystal[partner]
    vacancy = migration_barriers(crystal, [(5 - (partner < 5), hole)], calculator=EMT(), images=3)
    both = [Hop(5, partner=partner), Hop(partner, partner=5)]
    found = migration_barriers(copper, both, calculator=EMT(), images=3)
    assert found.refused == () and all(hop.converged for hop in found.hops)
    for hop in found.hops:  # by symmetry the same
        assert hop.forward == pytest.approx(vacancy.hops[0].forward, abs=5e-3)  # eV
        assert (hop.ion, hop.others) in ((5, 0), (partner, 0))


@pytest.mark.slow
def test_two_climbing_images_enclose_the_same_saddle(copper: Atoms) -> None:
    hop = [Hop(5, partner=neighbour(copper, 5))]
    options: dict[str, Any] = {"calculator": EMT(), "images": 5, "fmax": 0.03}
    one = migration_barriers(copper, hop, **options).hops[0]
    two = migration_barriers(copper, hop, climbing=2, **options).hops[0]
    assert one.converged and two.converged
    assert two.forward == pytest.approx(one.forward, abs=0.01)  # eV
    assert 0.0 <= two.accuracy < 0.05 and np.isnan(one.accuracy)  # eV
    second = np.sort(two.energies)[-3]
    assert second > np.sort(one.energies)[-3] + 0.02  # its neighbours climbed, those of one climbing image did not


@pytest.mark.slow
def test_exchanges_and_other_atoms(copper: Atoms) -> None:
    """Both atoms of an exchange are asked for; others that move are refused or counted."""
    hop = Hop(5, partner=neighbour(copper, 5), mode="exchange")
    found = migration_barriers(copper, [hop], calculator=EMT(), images=3, fmax=0.2, steps=60)
    assert found.refused == ()
    (barrier,) = found.hops
    assert barrier.energies[-1] == pytest.approx(0.0, abs=1e-3)  # eV: the same crystal
    assert barrier.others == 0 and barrier.forward > 1.5  # eV, far above that of a vacancy
    start, ion, calculator = copper.copy(), 5, EMT()
    job = bands.Job(3, 0.05, 5, 0.02, 1, "refuse")
    with pytest.MonkeyPatch.context() as patch:

        def together(atoms: Atoms, *words: object) -> Atoms:
            made = atoms.copy()
            made.positions[9] += [1.5, 0, 0]
            made.info["relaxed"] = True
            return made

        patch.setattr(bands, "relaxed", together)
        assert bands.run(start, Hop(ion, target=(0.9, 0.9, 0.9)), calculator, job) == "other atoms move as well: [9]"
        free = bands.run(start, Hop(ion, target=(0.9, 0.9, 0.9)), calculator, bands.Job(3, 0.05, 2, 0.02, 1, "allow"))
    assert isinstance(free, Barrier) and free.others == 1 and not free.converged


class Counting(EMT):
    """Counts how often it is asked."""

    calls = 0

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = ()) -> None:
        Counting.calls += 1
        super().calculate(atoms, properties, system_changes)


@pytest.mark.parametrize("climbing", [1, 2])
def test_each_image_is_calculated_once_a_step(copper: Atoms, monkeypatch: pytest.MonkeyPatch, climbing: int) -> None:
    """Images share one calculator, which remembers the last of them only; a step asked it 43 times for five images."""
    monkeypatch.setattr(Counting, "calls", 0)
    start, hop = copper.copy(), Hop(5, partner=neighbour(copper, 5), mode="exchange")
    bands.run(start, hop, Counting(), bands.Job(5, 1e-3, 10, 1e-3, climbing, "allow"))
    relaxation, band = 11, 2 + 5 * 2 * 11  # the ends, and five images in ten steps without and ten with climbing
    assert Counting.calls <= relaxation + band


def test_ions_that_change_places_pass_each_other_at_any_number_of_images(copper: Atoms) -> None:
    """Half-way both would be at one point, and the pair potential of the start path would be no number there."""
    ion, partner = 5, neighbour(copper, 5)
    for images in (1, 2, 5):
        band = [copper.copy() for _ in range(images + 2)]
        change = copper.get_distance(ion, partner, mic=True, vector=True)
        for k, image in enumerate(band):
            image.positions[ion] += change * k / (images + 1)
            image.positions[partner] -= change * k / (images + 1)
        bands._pass_by(band, ion, partner)
        closest = min(image.get_distance(ion, partner) for image in band[1:-1])
        assert closest > 1.5  # A
        assert np.allclose(band[-1].positions[ion] - band[0].positions[ion], change)
        for image in band[1:-1]:
            assert np.allclose(image.positions.sum(axis=0), copper.positions.sum(axis=0))  # in opposite directions
    pair = [image[[ion, partner]] for image in band]
    bands._pass_by(pair, 0, 1)  # with nobody else about
    assert pair[3].get_distance(0, 1) > 1.5  # A
    middle = bands._around(copper, copper.positions[ion])
    assert np.allclose(middle.positions[ion], copper.cell.sum(axis=0) / 2)
    assert np.allclose(middle.get_all_distances(mic=True), copper.get_all_distances(mic=True))


def test_lithium_changes_places_with_another_far_away() -> None:
    """Across the boundary of a disordered argyrodite, past the atoms between them: such bands broke, one and all."""
    pytest.importorskip("deepmd", reason="deepmd-kit runs the shipped potential")
    from ase.io import read

    from ionpath.data import EXAMPLES, example
    from ionpath_ase import IonPath

    atoms = read(example(EXAMPLES[1]).structure, "0")
    lithium = np.flatnonzero(atoms.symbols == "Li")
    hops = hop_candidates(atoms, np.ones(len(lithium)), mode="exchange", distances=(4.0, 5.0), number=3, seed=2)
    found = migration_barriers(
        atoms,
        hops,
        calculator=IonPath(model="argyrodite.2"),
        others="allow",
        images=3,
        fmax=0.5,
        relax_fmax=0.2,
        steps=80,
    )
    assert [reason for _, reason in found.refused if "the band broke" in reason] == []
    assert len(found.hops) == 3 and all(0.0 < hop.forward < 3.0 for hop in found.hops)  # eV


class Wary(EMT):
    """Warns of near atoms at each step, as a Deep Potential does of paths that are still far from the lowest one."""

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = ()) -> None:
        warnings.warn("Cu32: positions: need more; no material has such a distance, and its energy", stacklevel=1)
        super().calculate(atoms, properties, system_changes)


def test_near_atoms_are_told_where_a_band_ends_and_not_on_its_way(
    copper: Atoms, monkeypatch: pytest.MonkeyPatch
) -> None:
    hop = Hop(5, partner=neighbour(copper, 5), mode="exchange")
    start = bands.relaxed(copper, EMT(), 0.5, 10)
    job = bands.Job(images=1, fmax=0.5, steps=10, relax_fmax=0.5, climbing=1, others="allow")
    with warnings.catch_warnings(record=True) as told:
        bands.run(start, hop, Wary(), job)
    assert [str(w.message) for w in told] == []
    monkeypatch.setattr(bands, "contact_radii", lambda numbers: np.full(len(numbers), 1.25))  # A; 2.5 A in a pair
    with pytest.warns(UserWarning, match=r"hop of ion 5: positions: need atoms at least 2.5 A .* on the way"):
        bands.run(start, hop, Wary(), job)


class Breaking(EMT):
    """Refuses cells in which an atom is far from where it was, as a potential refuses what it does not know."""

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = ()) -> None:
        if len(atoms) < 32:
            raise IonpathError("the configuration is outside of what it can describe")
        super().calculate(atoms, properties, system_changes)


def test_a_band_that_breaks_is_named_and_the_others_go_on(copper: Atoms) -> None:
    partner = neighbour(copper, 5)
    hops = [Hop(5, partner=partner, kind="soft to hard"), Hop(5, partner=partner, mode="exchange", kind="hard to soft")]
    found = migration_barriers(copper, hops, calculator=Breaking(), images=1, fmax=0.5, steps=10)
    assert found.refused == ((0, "the band broke: the configuration is outside of what it can describe"),)
    assert len(found.hops) == 1
    classes = found.by_class()
    assert (classes["soft to hard"].refused, classes["soft to hard"].not_converged) == (1, 0)
    assert str(classes["soft to hard"].mean) == "not determined"
    assert classes["hard to soft"].refused == 0


def test_bands_are_kept_and_taken_up(copper: Atoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partner = neighbour(copper, 5)
    hops = [Hop(5, partner=partner, kind="soft to soft"), Hop(partner, partner=5), Hop(0, target=(0.1, 0.0, 0.0))]
    options: dict[str, Any] = {"calculator": EMT(), "images": 1, "fmax": 0.2, "steps": 40, "folder": tmp_path / "b"}
    follow, calls = bands.run, []

    def counted(start: Atoms, hop: Hop, calculator: Any, job: bands.Job) -> Barrier | str:
        calls.append(hop)
        if len(calls) == 2:
            raise KeyboardInterrupt("killed in the second band")
        return follow(start, hop, calculator, job)

    monkeypatch.setattr("ionpath_ase.barriers.run", counted)
    with pytest.raises(KeyboardInterrupt, match="killed in the second band"):
        migration_barriers(copper, hops, **options)
    found = migration_barriers(copper, hops, **options)
    assert calls == [hops[0], hops[1], hops[1], hops[2]]  # the first was kept
    again = migration_barriers(copper, hops, **options)
    assert len(calls) == 4
    assert [str(hop) for hop in again.hops] == [str(hop) for hop in found.hops] and again.refused == found.refused
    assert "relaxes back to within" in found.refused[0][1]
    assert found.hops[0].kind == "soft to soft"
    for change, told in (({"fmax": 0.1}, "fmax 0.1 instead of"), ({"images": 2}, "images 2 instead of 1")):
        need = "folder b: need bands of the same structure, potential and settings, got "
        with pytest.raises(InputError, match=need + told):
            migration_barriers(copper, hops, **(options | change))
    stronger = EMT()
    stronger.get_potential_energy = lambda *a, **k: 1.0  # as another model of a class without parameters
    with pytest.raises(InputError, match="got a potential that gives 1 eV for the structure instead of"):
        migration_barriers(copper, hops, **(options | {"calculator": stronger}))
    with pytest.raises(InputError, match="folder b: need bands of the same structure.*got other cell; other positions"):
        migration_barriers(copper * (1, 1, 2), hops[:1], **options)
    with (
        locked(tmp_path / "b" / ".lock", "bands"),
        pytest.raises(InputError, match="bands in b: need no other run in it, got one that is going on"),
    ):
        migration_barriers(copper, hops, **options)
    kept = next((tmp_path / "b").glob("band-5-*.json"))
    kept.write_text(kept.read_text()[:40])
    with pytest.raises(InputError, match=r"band band-5-\w+\.json: need a file that this call wrote, got .*; remove"):
        migration_barriers(copper, hops, **options)


def test_several_bands_at_a_time_are_the_same(copper: Atoms) -> None:
    partner = neighbour(copper, 5)
    hops = [Hop(5, partner=partner), Hop(partner, partner=5), Hop(29, partner=neighbour(copper, 29))]
    options: dict[str, Any] = {"calculator": EMT(), "images": 1, "fmax": 0.3, "steps": 20}
    one = migration_barriers(copper, hops, **options)
    two = migration_barriers(copper, hops, processes=2, **(options | {"calculator": EMT()}))
    assert [hop.ion for hop in two.hops] == [hop.ion for hop in one.hops]
    for a, b in zip(one.hops, two.hops, strict=True):
        assert np.allclose(a.energies, b.energies, atol=1e-10)  # eV


def test_a_calculator_that_cannot_be_copied_is_named(copper: Atoms) -> None:
    used = EMT()
    atoms = copper.copy()
    atoms.calc = used
    atoms.get_potential_energy()
    with pytest.raises(InputError, match="processes: need 1 for a calculator .* got EMT: .*; pass processes=1"):
        migration_barriers(copper, [Hop(5, partner=6)] * 2, calculator=used, processes=2)


DRIVER = """
from ase.build import bulk
from ase.calculators.emt import EMT
from ionpath_ase import Hop, migration_barriers
if __name__ == "__main__":
    atoms = bulk("Cu", cubic=True).repeat(3)
    hops = [Hop(k, partner=k + 1) for k in range(0, 100, 2)]
    migration_barriers(atoms, hops, calculator=EMT(), images=9, fmax=1e-9, steps=10**6, relax_fmax=1.0, processes=2)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_no_worker_outlives_its_driver(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    driver = subprocess.Popen([sys.executable, str(script)])

    def workers() -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and "spawn_main" in (entry / "cmdline").read_text():
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(fields[1]) == driver.pid:
                        found.append(int(entry.name))
        return found

    try:
        while len(alive := workers()) < 2:
            assert driver.poll() is None
            time.sleep(0.1)
        time.sleep(3.0)  # into their bands
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in alive):
            break
        time.sleep(0.1)
    assert not [pid for pid in alive if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize(
    ("hop", "change", "sentence"),
    [
        (Hop(5, partner=5), {}, "hop 0: need two atoms, got atom 5 twice"),
        (Hop(5, partner=99), {}, "hop 0: need an atom index below 32, got 99"),
        ((5, (0.0, np.nan, 0.0)), {}, "hop 0: need a place of three finite numbers, got"),
        ((5, (0.0, 1.0)), {}, "hop 0: need a place of three finite numbers"),
        (Hop(5, partner=6), {"climbing": 3}, "climbing: need a whole number from 1 to 2, got 3"),
        (Hop(5, partner=6), {"fmax": float("nan")}, "fmax: need a positive number in eV/A, got nan"),
        (Hop(5, partner=6), {"others": "maybe"}, "others: need 'refuse' or 'allow', got 'maybe'"),
        (Hop(5, partner=6), {"processes": 0}, "processes: need a whole number of at least 1, got 0"),
        (Hop(5, partner=6), {"steps": 0}, "steps: need a whole number of at least 1, got 0"),
    ],
)
def test_bad_hops_and_settings(copper: Atoms, hop: Any, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        migration_barriers(copper, [hop], **({"calculator": EMT()} | change))


def barrier(forward: float, kind: str, converged: bool = True) -> Barrier:
    return Barrier(0, forward, 0.1, np.zeros(3), 6.0, converged, kind=kind)


def test_classes_count_and_their_errors_cover() -> None:
    """95 % intervals of means of six barriers, 0.4 eV with a spread of 0.1 eV: 2,000 sets."""
    rng = np.random.default_rng(8)
    hit = 0
    for values in rng.normal(0.4, 0.1, (2000, 6)):
        found = Barriers(tuple(barrier(v, "soft to hard") for v in values), ()).by_class()["soft to hard"].mean
        hit += found.low <= 0.4 <= found.high
    assert 0.935 < hit / 2000 < 0.965
    hops = (
        barrier(0.21, "soft to hard"), barrier(0.29, "soft to soft"), barrier(0.44, "hard to soft"),
        barrier(9.0, "soft to hard", converged=False),
    )  # fmt: skip
    found = Barriers(
        hops, ((4, "the band broke: no"),), (*(Hop(0, kind=h.kind) for h in hops), Hop(0, kind="hard to soft"))
    )
    assert set(found.by_class()) == {"soft to hard", "soft to soft", "hard to soft"}
    by_start = found.by_class("start")
    assert by_start["soft"].mean.value == pytest.approx(0.25)  # eV; the band that did not converge is left out
    assert by_start["soft"].mean.error == pytest.approx(0.04)
    assert (by_start["soft"].not_converged, by_start["hard"].refused) == (1, 1)
    assert np.isnan(by_start["hard"].mean.error) and by_start["hard"].mean.value == pytest.approx(0.44)
    assert "without" not in str(by_start["soft"].mean)
    more = Barriers((*hops, hops[3], hops[3]), ()).by_class("start")["soft"].mean
    assert str(more).endswith("eV (3 of 5 bands without a barrier)")
    counts, edges = by_start["soft"].histogram(0.05)
    assert counts.tolist() == [1, 1] and edges == pytest.approx([0.2, 0.25, 0.3])  # eV
    with pytest.raises(InputError, match="width: need a positive number in eV, got 0"):
        by_start["soft"].histogram(0)
    with pytest.raises(InputError, match="by: need 'both' or 'start', got 'end'"):
        found.by_class("end")  # type: ignore[arg-type]
    empty = Barriers((), ((0, "no"),), (Hop(0, kind="soft to soft"),)).by_class()["soft to soft"]
    with pytest.raises(InputError, match="histogram: need at least one converged band, got none"):
        empty.histogram()
