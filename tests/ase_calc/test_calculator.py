"""The calculator: right numbers in any cell, ASE's own checks, and errors that say what is wrong."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError, get_calculator_class
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.io import read, write

from ionpath.errors import InputError
from ionpath_ase import Committee, IonPath, run_md
from ionpath_ase._geometry import (
    ContactCheck,
    check_phosphorus,
    check_positions,
    closest_pair,
    contact_radii,
    has_phosphorus_clusters,
)
from ionpath_ase.calculator import force_deviation
from ionpath_ase.potentials import available, resolve
from ionpath_ase.potentials.neutral import excess_charge
from ionpath_ase.training import read_frames, starting_structure, starting_structures

# The networks are in single precision: differences of energies carry noise of some 1e-5 eV / displacement.
NOISE = 5e-3  # eV/A


@pytest.fixture(scope="module")
def calculator() -> IonPath:
    return IonPath()


def test_forces_are_gradients(salt: Atoms, calculator: IonPath) -> None:
    salt.calc = calculator
    forces = salt.get_forces()
    numerical = calculate_numerical_forces(salt, eps=1e-2, iatoms=[0, 5])
    assert np.abs(forces[[0, 5]] - numerical).max() < NOISE + 0.02 * np.abs(forces).max()
    assert np.abs(forces.sum(axis=0)).max() < 1e-8


def test_stress_is_the_strain_derivative(salt: Atoms, calculator: IonPath) -> None:
    salt.set_cell(salt.cell.array @ (np.eye(3) + [[0, 0.03, 0.01], [0, 0.02, 0], [0.01, 0, -0.01]]), scale_atoms=True)
    salt.calc = calculator
    numerical = calculate_numerical_stress(salt, eps=2e-3)
    assert np.abs(salt.get_stress() - numerical).max() < 3e-4  # eV/A^3, 0.05 GPa


def test_agrees_with_the_calculator_of_deepmd(argyrodite: Atoms, calculator: IonPath) -> None:
    from deepmd.calculator import DP

    ours, theirs = argyrodite.copy(), argyrodite.copy()
    ours.calc, theirs.calc = calculator, DP(resolve("argyrodite"))
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-9)
    assert np.allclose(ours.get_forces(), theirs.get_forces(), atol=1e-9)
    assert np.allclose(ours.get_stress(), theirs.get_stress(), atol=1e-11)


def test_per_atom_parts_add_up(argyrodite: Atoms, calculator: IonPath) -> None:
    argyrodite.calc = calculator
    assert argyrodite.get_potential_energies().sum() == pytest.approx(argyrodite.get_potential_energy(), abs=1e-6)
    assert np.allclose(argyrodite.get_stresses().sum(axis=0), argyrodite.get_stress(), atol=1e-7)
    assert argyrodite.get_potential_energy(force_consistent=True) == argyrodite.get_potential_energy()


@pytest.mark.parametrize("change", ["order", "origin", "wrapping", "left-handed", "skewed", "supercell", "rotated"])
def test_what_must_not_matter(salt: Atoms, calculator: IonPath, change: str) -> None:
    salt.calc = calculator
    energy, forces, pressure = (salt.get_potential_energy(), salt.get_forces(), np.trace(salt.get_stress(voigt=False)))
    other, order, count, turn = salt.copy(), np.arange(len(salt)), 1, np.eye(3)
    if change == "order":
        order = np.random.default_rng(0).permutation(len(salt))
        other = other[order]
    elif change == "origin":
        other.positions += [1.3, -20.1, 0.7]
    elif change == "wrapping":
        other.positions += np.random.default_rng(1).integers(-3, 4, (len(salt), 3)) @ salt.cell.array
    elif change == "left-handed":
        other.set_cell(salt.cell.array[[1, 0, 2]])
    elif change == "skewed":
        other.set_cell(salt.cell.array + [[0, 0, 0], 2 * salt.cell.array[0], -3 * salt.cell.array[0]])
    elif change == "supercell":
        other, count = other.repeat((2, 1, 3)), 6
    else:
        turn = np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]])
        other.set_cell(salt.cell.array @ turn)
        other.positions = salt.positions @ turn
    other.calc = calculator
    assert other.get_potential_energy() == pytest.approx(count * energy, abs=2e-5 * count)
    assert np.allclose(other.get_forces()[: len(salt)], forces[order] @ turn, atol=2e-5)
    assert np.trace(other.get_stress(voigt=False)) == pytest.approx(pressure, abs=1e-6)


def test_clusters_slabs_and_wires(calculator: IonPath) -> None:
    pair = Atoms("LiCl", positions=[(0, 0, 0), (0.3, 0.2, 2.2)])
    energies = []
    for pbc, cell in (
        (False, None),
        (True, [30, 31, 32]),
        ((True, True, False), [30, 31, 0]),
        ((False, False, True), [0, 0, 40]),
    ):
        atoms = pair.copy()
        atoms.pbc = pbc
        if cell:
            atoms.set_cell(cell)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    assert np.ptp(energies) < 1e-5
    pair.calc = calculator
    pair.get_forces()
    with pytest.raises(PropertyNotImplementedError, match="stress needs a periodic cell"):
        pair.get_stress()


def test_a_slab_does_not_see_its_images(salt: Atoms, calculator: IonPath) -> None:
    slab, wide = salt.copy(), salt.copy()
    slab.pbc = (True, True, False)  # the third vector, as long as the slab, is not a period
    wide.set_cell([5.13, 5.13, 40.0])
    slab.calc, wide.calc = calculator, calculator
    energy = slab.get_potential_energy()
    assert energy == pytest.approx(wide.get_potential_energy(), abs=2e-5)


def test_lookup_by_name_of_ase() -> None:
    found = get_calculator_class("ionpath")
    assert found is IonPath
    assert found.name == "ionpath"
    assert found.nolabel


def test_command_line_of_ase(tmp_path: Path, salt: Atoms) -> None:
    write(tmp_path / "salt.extxyz", salt)
    done = subprocess.run(
        [sys.executable, "-m", "ase", "run", "ionpath", "salt.extxyz", "-o", "done.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    salt.calc = IonPath()
    stored = read(tmp_path / "done.json").get_potential_energy()
    assert stored == pytest.approx(salt.get_potential_energy(), abs=1e-5)


def test_nothing_is_printed_when_it_loads() -> None:
    code = (
        "from ase import Atoms; from ionpath_ase import IonPath;"
        "Atoms('LiCl', positions=[(0, 0, 0), (0, 0, 2.3)], calculator=IonPath()).get_forces()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout + done.stderr == ""


def test_import_is_light() -> None:
    code = (
        "import sys, ionpath_ase._ase_plugin, ionpath_ase.calculator;"
        "print([m for m in ('deepmd', 'tensorflow', 'MDAnalysis', 'matplotlib', 'lammps') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_keras_is_left_alone_and_can_be_used_afterwards() -> None:
    """TensorFlow imports it on its own, with scikit-learn, pandas and matplotlib: a third of the start-up time."""
    code = (
        "import sys; from ase import Atoms; from ionpath_ase import IonPath;"
        "a = Atoms('LiCl', positions=[(0, 0, 0), (0, 0, 2.3)], calculator=IonPath('argyrodite.2'));"
        "a.get_forces(); print(sorted({'keras', 'sklearn', 'pandas', 'matplotlib'} & set(sys.modules)));"
        "import tensorflow as tf; print(tf.keras.optimizers.Adam.__name__, 'keras.src.optimizers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "Adam True"]


def test_pickles_copies_and_files(tmp_path: Path, salt: Atoms, calculator: IonPath) -> None:
    salt.calc = calculator
    energy = salt.get_potential_energy()
    for twin in (pickle.loads(pickle.dumps(calculator)), copy.deepcopy(calculator)):
        atoms = salt.copy()
        atoms.calc = twin
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-9)
    write(tmp_path / "salt.traj", salt)
    assert read(tmp_path / "salt.traj").get_potential_energy() == energy


def test_results_follow_changes(salt: Atoms) -> None:
    calculator = IonPath()
    salt.calc = calculator
    first = salt.get_potential_energy()
    assert not calculator.calculation_required(salt, ["energy", "forces", "stress"])
    salt.positions[0] += 0.1
    assert calculator.calculation_required(salt, ["energy"])
    assert salt.get_potential_energy() != first
    calculator.set(closest=0.4)
    assert calculator.results == {}


def test_lattice_parameter_of_rocksalt(calculator: IonPath) -> None:
    # Experiment: LiCl 5.13 A at 298 K (Hull, Trans. AIEE 38, 1445 (1919) and later); PBE-D3 at 0 K is below that.
    lengths = np.linspace(4.8, 5.5, 8)
    energies = []
    for a in lengths:
        atoms = bulk("LiCl", "rocksalt", a=a)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
    best = np.roots(np.polyder(np.polyfit(lengths, energies, 3)))
    assert min(abs(best.real - 5.13)) < 0.13


def test_optimises_with_ase(argyrodite: Atoms, calculator: IonPath) -> None:
    from ase.optimize import FIRE

    argyrodite.calc = calculator
    start = argyrodite.get_potential_energy()
    FIRE(argyrodite, logfile=None).run(fmax=0.3, steps=30)
    assert argyrodite.get_potential_energy() < start
    ps = argyrodite.get_all_distances(mic=True)[argyrodite.numbers == 15][:, argyrodite.numbers == 16]
    assert ((ps < 2.4).sum(axis=1) == 4).all()  # PS4 tetrahedra stay whole


def test_committee_of_twins_agrees(salt: Atoms, calculator: IonPath) -> None:
    salt.calc = Committee([calculator, "argyrodite"])
    single = salt.copy()
    single.calc = calculator
    assert np.allclose(salt.get_forces(), single.get_forces(), atol=1e-9)
    assert np.allclose(salt.get_stress(), single.get_stress(), atol=1e-9)
    assert salt.calc.results["max_force_deviation"] < 1e-9
    assert salt.calc.get_property("force_deviation", salt).shape == (8,)


def test_force_deviation_is_its_definition() -> None:
    forces = np.random.default_rng(2).normal(size=(4, 5, 3))
    slow = [
        np.sqrt(np.mean([np.linalg.norm(forces[k, i] - forces[:, i].mean(axis=0)) ** 2 for k in range(4)]))
        for i in range(5)
    ]
    assert np.allclose(force_deviation(forces), slow)


def test_an_atom_is_as_near_to_its_own_image_as_the_shortest_lattice_vector() -> None:
    """0.3 A, also where that is a sum of the vectors of a skewed cell: the model gave an energy."""
    for cell in ([[0.3, 0, 0], [0, 10, 0], [0, 0, 10]], [[10, 0, 0], [10, 0.3, 0], [0, 0, 10]]):
        atoms = Atoms("Li", cell=cell, pbc=True, calculator=IonPath("argyrodite.2"))
        told = (
            "atoms at least 0.5 A apart, got atoms 0 and its own image at 0.300 A; remove duplicates, or check the cell"
        )
        with pytest.raises(InputError, match=told):
            atoms.get_potential_energy()
    assert closest_pair(np.zeros((1, 3)), 2.0 * np.eye(3), 1.9) is None
    assert closest_pair(np.zeros((1, 3)), 2.0 * np.eye(3), 1.9, np.array([0.1])) == (0, 0, pytest.approx(1.8))


def test_no_atoms_are_a_sentence() -> None:
    for ask in (IonPath("argyrodite.2").calculate, IonPath("argyrodite.2").get_potential_energy):
        with pytest.raises(InputError, match="atoms: need an Atoms object, got none; calculator.get_potential_energy"):
            ask()


def test_closest_pair_is_that_of_all_pairs(argyrodite: Atoms) -> None:
    cell = argyrodite.cell.array + [[0, 0, 0], [4.0, 0, 0], [-3.0, 2.5, 0]]
    atoms = Atoms("H52", positions=argyrodite.positions, cell=cell, pbc=True)
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    found = closest_pair(atoms.positions, cell, 1.9)
    if distances.min() < 1.9:
        assert found is not None
        assert found[2] == pytest.approx(distances.min())
        assert distances[found[:2]] == pytest.approx(distances.min())
    assert closest_pair(atoms.positions, cell, distances.min() - 1e-6) is None
    atoms.positions[7] = atoms.positions[3] + [0.3, 0, 0] + cell[1]
    found = closest_pair(atoms.positions, cell, 0.5)
    assert found is not None
    assert found[:2] == (3, 7)
    assert found[2] == pytest.approx(0.3)


def test_contacts_are_judged_by_the_size_of_the_atoms(argyrodite: Atoms) -> None:
    radii = contact_radii(argyrodite.numbers)
    gaps = argyrodite.get_all_distances(mic=True) - radii[:, None] - radii
    np.fill_diagonal(gaps, np.inf)
    found = closest_pair(argyrodite.positions, argyrodite.cell.array, gaps.min() + 1e-6, radii)
    assert found is not None
    assert found[2] == pytest.approx(gaps.min())
    assert closest_pair(argyrodite.positions, argyrodite.cell.array, gaps.min() - 1e-6, radii) is None
    one, two = np.flatnonzero(argyrodite.symbols == "P")[:2]
    argyrodite.positions[two] = argyrodite.positions[one] + [0.0, 0.0, 1.5]
    with pytest.raises(InputError, match=rf"atoms at least 1.6 A apart, got atoms {one} and {two} at 1.500 A"):
        ContactCheck(0.0, radii)(argyrodite.positions, argyrodite.cell.array)
    nitrogen = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.1]])  # A: no bond is shorter for its atoms
    check_positions(nitrogen, None, 0.0, contact_radii(np.array([7, 7])))


def test_phosphorus_in_clusters_is_refused(potential_data: Path) -> None:
    """P2S6 has one bond between P, and hot melts have four in a row for a time. Black phosphorus has no sulfur."""
    crystal = starting_structure("Li4P2S6", shortest=8.0)
    phosphorus = np.flatnonzero(crystal.symbols == "P")
    near = crystal.get_distances(phosphorus[0], phosphorus, mic=True)
    (bonded,) = phosphorus[(near > 0) & (near < 2.5)]
    chain = [phosphorus[0], *phosphorus[~np.isin(phosphorus, (phosphorus[0], bonded))][[0, 2, -1]]]
    for last, added in pairwise(chain):
        check_phosphorus(crystal, crystal.positions, crystal.cell.array)  # two, three, four
        crystal.positions[added] = crystal.positions[last] + [0.0, 2.2, 0.0]
    atoms = ", ".join(map(str, sorted((bonded, *chain))))
    with pytest.raises(
        InputError, match=rf"need at most four P joined by bonds of 2.5 A or less, got 5, atoms {atoms}; lower"
    ):
        check_phosphorus(crystal, crystal.positions, crystal.cell.array)
    assert has_phosphorus_clusters(crystal)  # so that a run that begins with them goes on
    assert not has_phosphorus_clusters(crystal[crystal.symbols == "P"])
    for frame in read_frames(potential_data / "hot-melt.extxyz.gz"):
        if frame.info["tag"].startswith("held:"):
            check_phosphorus(frame, frame.positions, frame.cell.array)


def test_real_melts_have_no_contacts(shared_data: Path) -> None:
    for name in ("Li7PS6", "beta-Li3PS4"):
        frames = read(shared_data / "dft" / f"{name}.extxyz.gz", ":")
        assert len(frames) >= 100
        for frame in frames:  # CP2K PBE at 3000 K
            check_positions(frame.positions, frame.cell.array, 0.0, contact_radii(frame.numbers))
            check_phosphorus(frame, frame.positions, frame.cell.array)


def test_errors_say_what_is_wrong(salt: Atoms, calculator: IonPath, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"known name, got 'argirodite'; the nearest names are: argyrodite"):
        IonPath("argirodite")
    with pytest.raises(InputError, match="model: need an existing file, got .*gone.pb, which does not exist"):
        IonPath(tmp_path / "gone.pb")
    with pytest.raises(InputError, match="parameter: need one of model, closest, got 'modle'"):
        IonPath(modle="argyrodite")
    (tmp_path / "broken.pb").write_text("no model")
    salt.calc = IonPath(tmp_path / "broken.pb")
    with pytest.raises(InputError, match=r"model broken.pb: need a file that deepmd-kit reads"):
        salt.get_forces()
    sodium = bulk("NaCl", "rocksalt", a=5.64)
    sodium.calc = calculator
    with pytest.raises(InputError, match=r"elements: need only Li, P, S, Cl, Si, .* got Na; use a potential"):
        sodium.get_forces()
    with pytest.raises(InputError, match="models: need at least two potentials"):
        Committee(["argyrodite"])


def test_bad_positions_are_refused(salt: Atoms, calculator: IonPath) -> None:
    salt.calc = calculator
    salt.positions[2] = salt.positions[4] + salt.cell[0]
    with pytest.raises(InputError, match=r"atoms at least 0.5 A apart, got atoms 2 and 4 at 0.000 A"):
        salt.get_forces()
    salt.positions[2, 1] = np.nan
    with pytest.raises(InputError, match=r"need finite coordinates and cell, got values .* for 1 atoms .first: .2"):
        salt.get_forces()
    flat = Atoms("LiCl", positions=[(0, 0, 0), (0, 0, 2.3)], cell=[5, 5, 0], pbc=True, calculator=calculator)
    with pytest.raises(InputError, match="cell: need independent lattice vectors along all periodic directions"):
        flat.get_forces()


@pytest.mark.parametrize(
    ("pair", "distance", "least"), [("LiLi", 1.0, "1.28"), ("PS", 1.1, "1.59"), ("SLi", 0.9, "1.43")]
)
def test_atoms_far_too_close_are_warned_of_once(
    calculator: IonPath, pair: str, distance: float, least: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sums of the radii of `contact_radii`; closer than 0.5 A is an error."""
    from ionpath_ase import _geometry

    atoms = Atoms(pair, positions=[(0, 0, 0), (0, 0, distance)], calculator=calculator)
    told = rf"positions: need atoms at least {least} A apart, got atoms 0 and 1 at {distance:.3f} A; .*may mean nothing"
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for step in range(3):  # as in a relaxation
            atoms.positions[1, 2] = distance + 0.01 * step
            assert np.isfinite(atoms.get_potential_energy())
    assert len([one for one in seen if re.search(told, str(one.message))]) == 1
    assert atoms.get_chemical_formula() in str(seen[-1].message)
    searches, search = [], _geometry.closest_pair
    monkeypatch.setattr(_geometry, "closest_pair", lambda *a: searches.append(a[3]) or search(*a))
    atoms.positions[1, 2] = distance
    atoms.get_potential_energy()
    assert [radii for radii in searches if radii is not None] == []  # it costs nothing once it is told
    Atoms("LiCl", positions=[(0, 0, 0), (0, 0, 2.3)], calculator=calculator).get_potential_energy()  # no warning


def test_contacts_are_found_without_a_search_each_time(salt: Atoms, monkeypatch: pytest.MonkeyPatch) -> None:
    from ionpath_ase import _geometry

    searches = []
    search = _geometry.closest_pair
    monkeypatch.setattr(_geometry, "closest_pair", lambda *a: searches.append(1) or search(*a))
    check, cell = _geometry.ContactCheck(0.5), salt.cell.array
    positions = salt.positions.copy()
    check(positions, cell)
    first = len(searches)
    for _ in range(5):
        check(positions, cell)
        positions += 0.01
    assert len(searches) == first

    def walk_into_the_neighbour() -> None:
        for _ in range(400):
            positions[0] += 0.01 * (positions[1] - positions[0]) / np.linalg.norm(positions[1] - positions[0])
            check(positions, cell)

    with pytest.raises(InputError, match="atoms 0 and 1 at"):
        walk_into_the_neighbour()
    assert first < len(searches) < 60
    positions[0] = np.nan
    with pytest.raises(InputError, match="need finite coordinates"):
        check(positions, cell)


def test_shipped_names() -> None:
    assert "argyrodite" in available()
    assert resolve("argyrodite").stat().st_size < 5.5e6  # bytes; its tables begin at 0.6 A
    assert IonPath().elements == ("Li", "P", "S", "Cl", "Si")
    assert IonPath().cutoff == 7.0
    assert IonPath("argyrodite.2").cutoff == 6.0  # the fast one


def test_potentials_say_which_phase_they_were_not_trained_on(tmp_path: Path) -> None:
    for calculator in (IonPath(), IonPath("argyrodite.2"), IonPath("argyrodite.3"), Committee("argyrodite")):
        assert calculator.untrained_phases == ("LPSCl-I",)
    assert "argyrodite-lpscl-i" in available()
    assert IonPath("argyrodite-lpscl-i").untrained_phases == ()
    assert Committee(["argyrodite", "argyrodite-lpscl-i"]).untrained_phases == ("LPSCl-I",)
    mine = tmp_path / "mine.pb"  # whoever trained it knows what it has seen
    mine.write_bytes(resolve("argyrodite.2").read_bytes())
    assert IonPath(mine).untrained_phases == ()


def test_plugin_entry_of_ase() -> None:
    from ionpath_ase._ase_plugin import __ase_plugins__

    (entry,) = __ase_plugins__
    assert entry.name == "ionpath"


def test_a_structure_that_is_not_neutral_is_named(tmp_path: Path) -> None:
    cell = starting_structure("LPSCl-II")
    lithium = np.flatnonzero(cell.symbols == "Li")
    short = cell[[i for i in range(len(cell)) if i not in lithium[:2]]]
    words = (
        r"structure: need a neutral one \(Li\+, P5\+, Si4\+, S2-, Cl-\), got 22 Li 4 P 20 S 4 Cl, a charge of -2 e; "
        r"argyrodite.* has seen no other"
    )
    for calculator in (IonPath(), IonPath("argyrodite.2"), Committee("argyrodite")):
        short.calc = calculator
        with pytest.warns(UserWarning, match=words):
            short.get_potential_energy()
        short.rattle(0.01, seed=1)
        short.get_potential_energy()  # said once: a warning is an error here
    short.calc = None
    with pytest.warns(UserWarning, match=words):
        run_md(
            short, temperature=300.0, picoseconds=0.004, interval=0.004, trajectory=tmp_path / "s.xtc", progress=False
        )
    mine = tmp_path / "mine.pb"  # whoever trained it knows what it has seen
    mine.write_bytes(resolve("argyrodite.2").read_bytes())
    short.calc = IonPath(mine)
    short.get_potential_energy()


def test_neutral_structures_and_those_with_bonds_of_phosphorus_are_not_named(potential_data: Path) -> None:
    known = [*read_frames(potential_data / "hot-melt.extxyz.gz"), *starting_structures().values()]
    assert {excess_charge(atoms.get_chemical_symbols()) for atoms in known} == {0}
    assert excess_charge(["Li"] * 4 + ["P", "S", "S", "S", "S"]) == 0
    assert excess_charge(["Li"] * 5 + ["P", "S", "S", "S", "S"]) == 2
    assert excess_charge(["S"] * 8) == -16
