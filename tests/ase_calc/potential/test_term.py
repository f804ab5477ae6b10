"""The angular term: its definition, its derivatives, its training, and models that carry it."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path

import numpy as np
import pytest
from angular import AngularSettings, harmonics, initial_values
from ase import Atoms
from ase.io import write
from ase.neighborlist import neighbor_list
from half_precision import store_in_half_precision
from numpy.polynomial.legendre import Legendre
from refine import RefineSettings, main, refine

from ionpath.errors import InputError
from ionpath_ase import IonPath, run_md
from ionpath_ase.potentials import members, resolve
from ionpath_ase.training import read_frames, simplify_graph

SIZES = AngularSettings(basis=6, channels=5, axes=3, neurons=8)
HELD_OUT = Path(__file__).parents[1] / "data" / "held-out.extxyz.gz"
BASE = resolve("argyrodite.2")
SETTINGS = RefineSettings(steps=300)
MODULE = importlib.import_module("refine")


@pytest.fixture(scope="module")
def frames() -> list[Atoms]:
    return [atoms for atoms in read_frames(HELD_OUT) if atoms.info["tag"].startswith("LSPSCl")][::3]


@pytest.fixture(scope="module")
def refined(tmp_path_factory: pytest.TempPathFactory, frames: list[Atoms]) -> Path:
    target = tmp_path_factory.mktemp("refine") / "refined.pb"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODULE, "_KEPT_EVERY", 100)
        patch.setattr(MODULE, "_BLOCK", 100)
        return refine(BASE, frames, target, settings=SETTINGS, sizes=SIZES, progress=False)


def energy_and_forces(model: Path, atoms: Atoms) -> tuple[float, np.ndarray]:
    atoms = atoms.copy()
    atoms.calc = IonPath(model)
    return atoms.get_potential_energy(), atoms.get_forces()


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_harmonics_obey_the_addition_theorem(degree: int) -> None:
    """Products summed over the orders of a degree are Legendre polynomials of the angle between two directions."""
    pair = np.random.default_rng(1).normal(size=(2, 50, 3))
    pair /= np.linalg.norm(pair, axis=-1, keepdims=True)
    one, two = (harmonics(np, v.T, degree) for v in pair)
    assert one.shape == (50, (degree + 1) ** 2)
    cosine = (pair[0] * pair[1]).sum(axis=1)
    for order in range(degree + 1):
        part = slice(order**2, (order + 1) ** 2)
        np.testing.assert_allclose((one[:, part] * two[:, part]).sum(axis=1), Legendre.basis(order)(cosine), atol=1e-12)


def defined(atoms: Atoms, weights: dict[str, np.ndarray], sizes: AngularSettings, cutoff: float) -> float:
    """Energy of the term, atom by atom, with Legendre polynomials of the angles between all pairs of neighbours."""
    kinds = np.array([("Li", "P", "S", "Cl", "Si").index(symbol) for symbol in atoms.symbols])
    first, second, distance, vector = neighbor_list("ijdD", atoms, cutoff)
    centres = np.linspace(0.05, 0.8, sizes.basis)
    total = 0.0
    for atom, kind in enumerate(kinds):
        near = first == atom
        x = (distance[near] - 0.5) / (cutoff - 0.5)
        inverse = (x**3 * (-6 * x**2 + 15 * x - 10) + 1) / distance[near]
        root = (inverse + 1e-6) ** (1 / 3)
        gauss = np.exp(-(((root[:, None] - centres) * sizes.basis / 0.9) ** 2))
        radial = np.zeros((len(root), 5, sizes.basis))
        radial[np.arange(len(root)), kinds[second[near]]] = gauss * (4 * inverse / root)[:, None]
        channels = radial.reshape(len(root), -1) @ weights["radial"][kind].T
        unit = vector[near] / distance[near][:, None]
        cosine = unit @ unit.T
        features = [channels.sum(axis=0)]
        for degree in range(sizes.degree + 1):
            angles = Legendre.basis(degree)(cosine)
            axes = channels @ weights[f"axes_{degree}"][kind].T
            features.append((channels.T @ angles @ axes).ravel())
        hidden = (np.concatenate(features) - weights["mean"][kind]) * weights["scale"][kind]
        hidden = np.tanh(hidden @ weights["first"][kind] + weights["first_bias"][kind])
        hidden = hidden + np.tanh(hidden @ weights["second"][kind] + weights["second_bias"][kind])
        total += 0.02 * float(hidden @ weights["last"][kind])
    return total


def test_the_term_is_what_it_is_defined_to_be(refined: Path, frames: list[Atoms]) -> None:
    with np.load(f"{refined}.npz") as file:
        weights = {
            name.removeprefix("refine/"): file[name].astype(float)
            for name in file.files
            if name.startswith("refine/") and "Adam" not in name
        }
    atoms = frames[1]
    term = energy_and_forces(refined, atoms)[0] - energy_and_forces(BASE, atoms)[0]
    assert abs(term) > 1e-3  # eV, well above what the next line allows
    assert term == pytest.approx(defined(atoms, weights, SIZES, 6.0), abs=2e-4)  # A; eV, single precision


def test_training_lowers_the_error(refined: Path, frames: list[Atoms]) -> None:
    before, after = (
        np.mean([np.abs(energy_and_forces(model, atoms)[1] - atoms.get_forces()).mean() for atoms in frames])
        for model in (BASE, refined)
    )
    assert 0.001 < after < 0.97 * before  # eV/A


def test_forces_and_stress_are_derivatives(refined: Path, argyrodite: Atoms) -> None:
    argyrodite.rattle(0.1, seed=2)
    argyrodite.calc = IonPath(refined)
    forces, stress = argyrodite.get_forces(), argyrodite.get_stress(voigt=False)
    assert argyrodite.calc.get_property("energies", argyrodite).sum() == pytest.approx(
        argyrodite.get_potential_energy(), abs=1e-6
    )
    for atom, axis in ((0, 0), (20, 1), (40, 2)):
        energies = []
        for step in (0.01, -0.01):
            moved = argyrodite.copy()
            moved.calc = argyrodite.calc
            moved.positions[atom, axis] += step
            energies.append(moved.get_potential_energy())
        assert forces[atom, axis] == pytest.approx(
            (energies[1] - energies[0]) / 0.02, abs=0.01
        )  # eV/A, steps of 0.01 A
    strain = np.array([[0.5, 0.3, 0.0], [0.3, -0.2, 0.1], [0.0, 0.1, 0.4]])
    energies = []
    for step in (0.002, -0.002):
        bent = argyrodite.copy()
        bent.calc = argyrodite.calc
        bent.set_cell(bent.cell.array @ (np.eye(3) + step * strain), scale_atoms=True)
        energies.append(bent.get_potential_energy())
    slope = (energies[0] - energies[1]) / 0.004 / argyrodite.get_volume()
    assert (stress * strain).sum() == pytest.approx(slope, abs=2e-4)  # eV/A3


def test_turned_renamed_and_repeated(refined: Path, argyrodite: Atoms) -> None:
    argyrodite.rattle(0.1, seed=2)
    energy, forces = energy_and_forces(refined, argyrodite)
    turned = argyrodite.copy()
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    assert energy_and_forces(refined, turned)[0] == pytest.approx(energy, abs=1e-4)
    order = np.random.default_rng(3).permutation(len(argyrodite))
    other, there = energy_and_forces(refined, argyrodite[order])
    assert other == pytest.approx(energy, abs=1e-4)
    np.testing.assert_allclose(there, forces[order], atol=1e-4)
    assert energy_and_forces(refined, argyrodite.repeat((2, 1, 1)))[0] == pytest.approx(2 * energy, abs=2e-4)
    gone = argyrodite[[atom.index for atom in argyrodite if atom.symbol != "Cl"]]
    assert np.isfinite(energy_and_forces(refined, gone)[1]).all()


def test_several_frames_at_once(refined: Path, argyrodite: Atoms) -> None:
    from deepmd.infer import DeepPot

    argyrodite.rattle(0.1, seed=2)
    potential = DeepPot(str(refined))
    types = [potential.get_type_map().index(symbol) for symbol in argyrodite.symbols]
    two = np.stack([argyrodite.positions, argyrodite.positions + [0.0, 0.3, 0.7]]).reshape(2, -1)
    energies, forces, virials = potential.eval(two, np.stack([argyrodite.cell.array.ravel()] * 2), types)
    np.testing.assert_allclose(energies[0], energies[1], atol=1e-4)
    np.testing.assert_allclose(virials[0], virials[1], atol=1e-3)
    np.testing.assert_allclose(forces[0], energy_and_forces(refined, argyrodite)[1], atol=1e-5)


def test_lammps_and_a_lean_twin_agree(refined: Path, argyrodite: Atoms, tmp_path: Path) -> None:
    """The model that is refined here is lean already, the one of deepmd-kit is made lean afterwards."""
    assert simplify_graph(refined, tmp_path / "lean.pb").read_bytes() == refined.read_bytes()
    argyrodite.rattle(0.05, seed=2)
    kicks, ends = np.random.default_rng(5).normal(size=(len(argyrodite), 3)), []
    for engine in ("ase", "lammps"):
        atoms = argyrodite.copy()
        atoms.set_momenta(kicks)
        ends.append(
            run_md(
                atoms, ensemble="nve", picoseconds=0.02, interval=0.02, timestep=1.0, engine=engine, model=refined,
                trajectory=tmp_path / f"{engine}.xtc",
                progress=False,
            )
        )  # fmt: skip
    np.testing.assert_allclose(ends[0].atoms.positions, ends[1].atoms.positions, atol=1e-6)  # A


@pytest.mark.slow
def test_a_stopped_training_goes_on_to_the_same_term(
    refined: Path, frames: list[Atoms], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MODULE, "_KEPT_EVERY", 100)
    monkeypatch.setattr(MODULE, "_BLOCK", 100)
    save, calls = MODULE._save, []

    def killed(checkpoint: Path, values: dict[str, np.ndarray]) -> None:
        save(checkpoint, values)
        calls.append(int(values["step"]))
        if len(calls) == 2:
            raise KeyboardInterrupt("after step 200")

    monkeypatch.setattr(MODULE, "_save", killed)
    target = tmp_path / "broken.pb"
    with pytest.raises(KeyboardInterrupt, match="after step 200"):
        refine(BASE, frames, target, settings=SETTINGS, sizes=SIZES, progress=False)
    assert not target.exists()
    refine(BASE, frames, target, settings=SETTINGS, sizes=SIZES, progress=False)
    assert calls == [100, 200, 300]
    one, two = (energy_and_forces(model, frames[0]) for model in (refined, target))
    assert one[0] == pytest.approx(two[0], abs=1e-4)
    np.testing.assert_allclose(one[1], two[1], atol=1e-4)


def test_one_term_starts_from_another(refined: Path, frames: list[Atoms], tmp_path: Path) -> None:
    onward = refine(
        BASE, frames, tmp_path / "onward.pb", settings=RefineSettings(steps=0), sizes=SIZES,
        initial=f"{refined}.npz", progress=False,
    )  # fmt: skip
    forces = energy_and_forces(refined, frames[0])[1]
    np.testing.assert_allclose(energy_and_forces(onward, frames[0])[1], forces, atol=1e-6)


def test_half_precision_takes_less_room(frames: list[Atoms], tmp_path: Path, potential_data: Path) -> None:
    whole = tmp_path / "whole.pb"
    whole.write_bytes(gzip.decompress((potential_data / "argyrodite-frozen.pb.gz").read_bytes()))
    small = store_in_half_precision(whole, tmp_path / "small.pb")
    assert small.stat().st_size < 0.7 * whole.stat().st_size
    one, two = (energy_and_forces(model, frames[0]) for model in (whole, small))
    assert one[0] == pytest.approx(two[0], abs=1e-4 * len(frames[0]))
    assert 0.0 < np.abs(one[1] - two[1]).mean() < 1e-4  # eV/A
    assert store_in_half_precision(small, tmp_path / "again.pb").read_bytes() == small.read_bytes()
    with pytest.raises(InputError, match=r"model held-out\.extxyz\.gz: need a frozen Deep Potential"):
        store_in_half_precision(HELD_OUT, small)
    for name in ("argyrodite", "argyrodite.2", "argyrodite.3"):  # those that are shipped
        assert b"/half" in resolve(name).read_bytes()
    assert b"angular/first/matrix/eight_bits" in (new := resolve("argyrodite-lpscl-i")).read_bytes()
    assert new.stat().st_size < 4e6  # bytes
    assert sum(path.stat().st_size for path in members("argyrodite")) < 12e6


@pytest.mark.slow
def test_command_line(frames: list[Atoms], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels, made = tmp_path / "labels.extxyz", tmp_path / "made.pb"
    write(labels, frames[:2])
    words = [str(BASE), str(labels), "-o", str(made), "--steps", "2", "--weight", "LSPSCl*=2"]
    main(words)
    assert f"{made}: `ionpath md --model {made}`" in capsys.readouterr().out
    assert (tmp_path / "made.pb.npz").exists()
    forces = energy_and_forces(made, frames[0])[1]
    assert 0.0 < np.abs(forces - energy_and_forces(BASE, frames[0])[1]).max() < 0.1  # two steps from a term of zero


def test_weights_in_eight_bits(refined: Path, frames: list[Atoms], tmp_path: Path) -> None:
    """A row of a matrix is within half a step of what it was: 1/254 of its largest number. Training goes on from it."""
    small = store_in_half_precision(refined, tmp_path / "small.pb", eight_bits=["angular/first/*"])
    assert small.stat().st_size < store_in_half_precision(refined, tmp_path / "half.pb").stat().st_size
    names = initial_values(SIZES, 5, 1)
    before, after = (MODULE._term_of(model, names) for model in (refined, small))
    step = np.abs(before["first"]).max(axis=-1, keepdims=True) / 127.0
    assert 0.0 < np.abs(after["first"] - before["first"]).max() <= 0.501 * step.max()
    assert (np.abs(after["first"] - before["first"]) <= 0.501 * step).all()
    np.testing.assert_array_equal(after["radial"], before["radial"])
    one, two = (energy_and_forces(model, frames[0]) for model in (refined, small))
    assert one[0] == pytest.approx(two[0], abs=3e-3 * len(frames[0]))  # eV
    assert 0.0 < np.abs(one[1] - two[1]).mean() < 5e-3  # eV/A
    with pytest.raises(InputError, match=r"eight bits: need patterns that fit .* got nothing\*, which fits none"):
        store_in_half_precision(refined, tmp_path / "none.pb", eight_bits=["angular/first/*", "nothing*"])
    assert not (tmp_path / "none.pb").exists()


def test_training_goes_on_from_the_term_of_a_potential(refined: Path, frames: list[Atoms], tmp_path: Path) -> None:
    one = refine(BASE, frames[:2], tmp_path / "one.pb", settings=RefineSettings(steps=0), sizes=SIZES, initial=refined,
                 progress=False)  # fmt: skip
    np.testing.assert_allclose(
        energy_and_forces(one, frames[0])[1], energy_and_forces(refined, frames[0])[1], atol=1e-6
    )


def test_bad_input(refined: Path, frames: list[Atoms], tmp_path: Path) -> None:
    out, short = tmp_path / "out.pb", RefineSettings(steps=1)
    with pytest.raises(InputError, match="one that has an angular term"):
        refine(refined, frames, out, settings=short)
    (tmp_path / "words.pb").write_text("not a model")
    with pytest.raises(InputError, match=r"model words\.pb: need a frozen Deep Potential"):
        refine(tmp_path / "words.pb", frames, out, settings=short)
    with pytest.raises(InputError, match=r"frames: need at least one labelled frame"):
        refine(BASE, [], out, settings=short)
    bare = frames[0].copy()
    with pytest.raises(InputError, match=r"frame 1: need energy, forces and stress .* got no labels"):
        refine(BASE, [frames[0], bare], out, settings=short)
    with pytest.raises(InputError, match=r"weights: need patterns that fit a tag"):
        refine(BASE, frames, out, settings=short, weights={"nothing*": 2.0})
    with pytest.raises(InputError, match=r"initial: need a checkpoint of `refine` .* got no file .*none\.npz"):
        refine(BASE, frames, out, settings=short, initial=tmp_path / "none.npz")
    with pytest.raises(InputError, match=r"model argyrodite\.2\.pb: need a term of the sizes .* got none"):
        refine(BASE, frames, out, settings=short, initial=BASE)
    with pytest.raises(InputError, match=r"model argyrodite\.pb: need a term of the sizes .* got another one"):
        refine(BASE, frames, out, settings=short, sizes=SIZES, initial=resolve("argyrodite"))
    with pytest.raises(InputError, match=r"checkpoint refined\.pb\.npz: need a term of the sizes"):
        refine(BASE, frames, out, settings=short, initial=f"{refined}.npz")
    assert not out.exists()
