"""Inputs written from structures: what is found, what is written, and that PLUMED reads it."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from ionpath.errors import InputError
from ionpath.plumed_input import keywords
from ionpath_plumed import (
    analyse_metadynamics,
    evaluate,
    find_shells,
    find_tetrahedra,
    free_energy,
    metadynamics_input,
    neighbouring_cages,
    read_hills,
    run_metadynamics,
)
from ionpath_plumed.files import read_table
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.presets import PRESETS, protocol


def argyrodite(repeat: tuple[int, int, int] = (1, 1, 1), a: float = 10.155) -> Atoms:
    """Cubic Li6PS5Cl from its sites (PHYSICS 7.1, setting with the free sulfur on 4d), lithium on 24g."""
    x, u = 0.11824, 0.0226
    faces = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])

    def orbit(point) -> np.ndarray:
        found = []
        for permutation in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0)):
            for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)):
                image = np.array(signs) * np.array(point)[list(permutation)]
                found += [tuple(np.round((image + face) % 1.0, 6) % 1.0) for face in faces]
        return np.array(sorted(set(found)))

    parts = {
        "Li": orbit((0.25, 0.25, 1.0 - u)),
        "P": orbit((0.5, 0.5, 0.5)),
        "S": np.vstack([orbit((x, x, 0.5 - x)), orbit((0.75, 0.25, 0.25))]),
        "Cl": orbit((0.0, 0.0, 0.0)),
    }
    symbols = [s for s, sites in parts.items() for _ in sites]
    atoms = Atoms(symbols, scaled_positions=np.vstack(list(parts.values())), cell=np.eye(3) * a, pbc=True)
    return atoms.repeat(repeat)


@pytest.fixture(scope="module")
def crystal() -> Atoms:
    return argyrodite()


def statement(given: PlumedInput, action: str) -> dict[str, str]:
    return next(words for line in given.lines for _, name, words in [keywords(line)] if name == action)


def test_the_structure_of_these_tests(crystal):
    assert str(crystal.symbols.formula.count()) == "{'Li': 24, 'P': 4, 'S': 20, 'Cl': 4}"


def test_shells_cages_and_tetrahedra_are_found(crystal):
    shells = find_shells(crystal)
    assert len(shells) == 4
    assert all(crystal.symbols[s.centre] == "S" and len(s.ions) == 6 for s in shells)
    pairs = neighbouring_cages(crystal, shells)
    assert len(pairs) == 6
    assert pairs[0][2] == pytest.approx(10.155 / np.sqrt(2), abs=1e-3)  # 7.18 A, PHYSICS 7.2
    tetrahedra = find_tetrahedra(crystal)
    assert len(tetrahedra) == 4
    bonds = [crystal.get_distance(t[0], s, mic=True) for t in tetrahedra for s in t[1:]]
    np.testing.assert_allclose(bonds, 2.08, atol=0.01)
    assert not {s for t in tetrahedra for s in t[1:]} & {s.centre for s in shells}


def test_what_is_found_does_not_depend_on_wrapping_or_order(crystal):
    order = np.random.default_rng(0).permutation(len(crystal))
    moved = crystal[order]
    moved.positions += np.random.default_rng(1).integers(-1, 2, size=(52, 3)) @ np.array(crystal.cell) + 0.7
    centres = {int(np.flatnonzero(order == s.centre)[0]) for s in find_shells(crystal)}
    assert {s.centre for s in find_shells(moved)} == centres


def test_the_same_shells_are_found_in_hot_frames(shared_data):
    # 416 atoms, 500 K. Ordered: all 32 shells in every frame. With half of S and Cl exchanged some hold fewer than
    # four ions at times, but those that are found are always among the same 32 sites, half of them chloride.
    import gzip

    for name in ("Li6PS5Cl-0p-run1", "Li6PS5Cl-50p-run1"):
        with gzip.open(shared_data / "aimd" / f"{name}.XDATCAR.gz", "rt") as file:
            lines = file.read().split("\n")
        cell = np.array([line.split() for line in lines[2:5]], dtype=float) * float(lines[1])
        symbols = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
        starts = [k for k, line in enumerate(lines) if "configuration" in line][::35]
        found = []
        for k in starts:
            place = np.array([line.split()[:3] for line in lines[k + 1 : k + 1 + len(symbols)]], dtype=float) @ cell
            found.append({shell.centre for shell in find_shells((symbols, place, cell))})
        assert len(set.union(*found)) <= 32, name
        assert min(len(centres) for centres in found) >= (32 if "-0p-" in name else 30), name
        assert len(set.union(*found) & set(np.flatnonzero(symbols == "Cl"))) == (0 if "-0p-" in name else 16), name


@pytest.fixture(scope="module")
def mixed(crystal) -> Atoms:
    """The crystal with a SiS4, a SiS3Cl and two PS4."""
    atoms = crystal.copy()
    second, third = find_tetrahedra(crystal)[1:3]
    atoms.symbols[[second[0], third[0]]] = "Si"
    atoms.symbols[third[3]] = "Cl"
    return atoms


@pytest.mark.parametrize("name", PRESETS)
def test_every_protocol_is_written_read_and_evaluated_by_plumed(name, tmp_path, crystal, mixed, monkeypatch):
    crystal = mixed if "Si" in name else crystal
    given = metadynamics_input(crystal, name, temperature=450.0, hills="published")
    assert given.write(tmp_path) == tmp_path / "plumed.dat"
    assert PlumedInput.read(tmp_path).variables == given.variables
    assert PlumedInput.read(tmp_path).start == given.start
    monkeypatch.chdir(tmp_path)
    table = evaluate([line for line in given.lines if "WALLS" not in line], crystal, arguments=given.variables)
    assert np.isfinite(table.data).all()
    metad, settings = statement(given, "METAD"), PRESETS[name]
    assert {float(s) for s in metad["SIGMA"].split(",")} == {settings.sigma}
    assert float(metad["HEIGHT"]) == settings.height
    assert int(metad["PACE"]) * 2.0 == settings.pace  # steps of 2 fs
    assert float(metad["BIASFACTOR"]) == settings.bias_factor
    assert float(metad["TEMP"]) == 450.0
    assert metad["ARG"] == ",".join(given.variables)
    assert "UNITS LENGTH=A ENERGY=kj/mol TIME=ps" in given.text
    assert given.text.count("#") >= 3


class Tethered(Calculator):
    """Every atom on a spring to where it began."""

    implemented_properties = ("energy", "forces")

    def __init__(self, places):
        super().__init__()
        self.places = places.copy()

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        away = self.atoms.positions - self.places
        self.results.update(energy=1.5 * float((away**2).sum()), forces=-3.0 * away)  # eV, eV/A


@pytest.mark.parametrize("name", PRESETS)
def test_every_protocol_runs_and_gives_a_free_energy(name, tmp_path, crystal, mixed, monkeypatch):
    """Five hills of published height around where the variables began; their sum is the free energy, upside down."""
    atoms = (mixed if "Si" in name else crystal).copy()
    atoms.calc = Tethered(atoms.positions)
    given = metadynamics_input(atoms, name, temperature=300.0, pace=2.0, timestep=1.0, hills="published")
    every = {"trajectory_every": 0.005, "checkpoint_every": 0.005, "progress": False}
    run = run_metadynamics(atoms, given, picoseconds=0.01, folder=tmp_path, **every)
    hills = read_hills(run.hills[0])
    assert hills.names == given.variables
    assert len(hills) == 5
    monkeypatch.chdir(tmp_path)  # beside framework.dat
    lines = [line for line in given.lines if "WALLS" not in line]
    start = evaluate(lines, mixed if "Si" in name else crystal, arguments=given.variables)
    for k, variable in enumerate(given.variables):
        apart = np.abs(hills.centres[:, k] - start[variable][0])
        assert np.minimum(apart, 2 * np.pi - apart).max() < 0.3  # A or rad
    surface = free_energy(hills)
    assert surface.ndim == len(given.variables)
    assert surface.values.min() == 0.0
    assert 1.0 * PRESETS[name].height < np.ptp(surface.values) <= 5.0 * PRESETS[name].height  # kJ/mol


@pytest.mark.parametrize(
    ("name", "central", "anion"), [("tilt", "P", "S"), ("tilt-SiS4", "Si", "S"), ("tilt-SiS3Cl", "Si", "Cl")]
)
def test_a_tilt_is_that_of_the_unit_in_its_name(name, central, anion, crystal, mixed):
    unit = PRESETS[name].unit
    given = metadynamics_input(mixed, name)
    atoms = given.atoms["central"][0] - 1, given.atoms["anion"][0] - 1
    assert [mixed.symbols[atom] for atom in atoms] == [central, anion]
    own = next(t for t in find_tetrahedra(mixed) if t[0] == atoms[0])
    around = sorted(mixed.symbols[list(own[1:])])
    assert around == sorted(["S"] * (3 if unit == "SiS3Cl" else 4) + ["Cl"] * (unit == "SiS3Cl"))
    assert f"of a {unit}" in given.text
    other = next(t for t in find_tetrahedra(mixed) if mixed.symbols[t[0]] != central)
    with pytest.raises(InputError, match=f"centres: need an atom at the centre of a {unit}, and an anion, got"):
        metadynamics_input(mixed, name, centres=other[:2])
    if unit != "PS4":
        with pytest.raises(InputError, match=f"tetrahedra: need a {unit}, which this protocol is for, got PS4"):
            metadynamics_input(crystal, name)


def test_default_hills_are_those_that_find_a_known_barrier(crystal):
    # docs/plumed.md: 0.1 A wide and 2 kJ/mol high ones are right within their error, 0.2 A wide ones are not
    for name in ("inter-cage", "inter-cage-disordered", "intra-cage", "concerted"):
        metad = statement(metadynamics_input(crystal, name), "METAD")
        assert {float(s) for s in metad["SIGMA"].split(",")} == {0.1}
        assert float(metad["HEIGHT"]) == 2.0
        assert "in place of those of" in metadynamics_input(crystal, name).text
    with pytest.raises(InputError, match="hills: need 'recommended' or 'published', got 'own'"):
        metadynamics_input(crystal, hills="own")


def test_published_settings():
    # PHYSICS section 6: sigma, height kJ/mol, pace fs, gamma.
    expected = {
        "inter-cage": (0.20, 5.0, 50.0, 20.0),
        "inter-cage-disordered": (0.20, 5.0, 100.0, 20.0),
        "intra-cage": (0.20, 2.0, 100.0, 10.0),
        "concerted": (0.20, 2.0, 100.0, 10.0),
        "tilt": (0.25, 2.0, 100.0, 10.0),
        "tilt-disordered": (0.25, 2.0, 100.0, 20.0),
        "tilt-amm2": (0.25, 5.0, 50.0, 20.0),
        "tilt-SiS4": (0.25, 2.0, 50.0, 100.0),
        "tilt-SiS3Cl": (0.25, 2.0, 100.0, 20.0),
        "position": (0.20, 5.0, 100.0, 50.0),
    }
    found = {name: (p.sigma, p.height, p.pace, p.bias_factor) for name, p in PRESETS.items()}
    assert found == expected
    assert PRESETS["inter-cage"].walls == (1.5, 8.5)
    assert PRESETS["intra-cage"].walls == (1.5, 3.0)


def test_the_ion_of_a_hop_is_the_nearest_to_the_other_cage(crystal):
    given = metadynamics_input(crystal, "inter-cage")
    ion, (first, second) = given.atoms["ion"][0] - 1, [c - 1 for c in given.atoms["centres"]]
    d1, d2 = (crystal.get_distance(ion, c, mic=True) for c in (first, second))
    assert d1 < 3.0 < d2
    for other in find_shells(crystal)[0].ions:
        assert crystal.get_distance(other, second, mic=True) >= d2 - 1e-6
    gap = crystal.get_distance(first, second, mic=True)
    assert given.start == pytest.approx((d1, gap), abs=0.3)
    assert given.end_reach == given.reach[::-1] and abs(d2 - gap) < given.reach[1]
    assert given.end == given.start[::-1]


def test_a_small_cell_is_told_by_its_height_however_its_vectors_stand(crystal):
    turned = crystal.copy()
    turned.set_cell(turned.cell[[1, 0, 2]])
    told = [
        next(line for line in metadynamics_input(c, "inter-cage").lines if "small" in line) for c in (crystal, turned)
    ]
    assert told[0] == told[1] and f"({crystal.cell.lengths().min():.1f} A)" in told[0]


def test_third_cages_are_fenced_off_unless_the_published_walls_are_wanted(crystal):
    given = metadynamics_input(crystal, "inter-cage")
    first, second = given.atoms["centres"]
    others = [s.centre + 1 for s in find_shells(crystal) if s.centre + 1 not in (first, second)]
    line = next(line for line in given.lines if line.startswith("third:"))
    named = [int(word) for word in line.split("ATOMS=")[1].split()[0].split(",")]
    assert named[0] == given.atoms["ion"][0] and sorted(named[1:]) == sorted(others) and len(others) == 2
    assert "beyond: COMBINE ARG=cage.py-nearest,third COEFFICIENTS=1,-1 PERIODIC=NO" in given.lines
    assert "fence: UPPER_WALLS ARG=beyond AT=0 KAPPA=500" in given.lines
    variables = [line for line in given.lines if keywords(line)[1] not in ("METAD", "LOWER_WALLS", "UPPER_WALLS")]
    ion, shells = named[0] - 1, {shell.centre + 1: shell for shell in find_shells(crystal)}
    way = crystal.get_distance(first - 1, second - 1, mic=True, vector=True)
    places = [crystal.positions[first - 1] + part * way for part in (0.35, 0.5, 0.65)]
    places += [crystal.positions[shells[third].ions[2]] for third in others]
    frames = [crystal.copy() for _ in places]
    for frame, place in zip(frames, places, strict=True):
        frame.positions[ion] = place
    beyond = evaluate(variables, frames, arguments=["beyond"])["beyond"]
    assert (beyond[:3] < -0.5).all() and (beyond[3:] > 0.5).all()  # open between the two, closed in third cages
    published = metadynamics_input(crystal, "inter-cage", fence=None)
    assert not any("fence" in line for line in published.lines)
    assert [line for line in given.lines if line in published.lines] == published.lines


def test_two_named_centres_need_no_shells_and_no_fence():
    atoms = Atoms("LiSS", [[2.4, 0, 0], [0, 0, 0], [6.5, 0, 0]], cell=[20, 20, 20], pbc=True)  # A
    given = metadynamics_input(atoms, "inter-cage", ion=0, centres=(1, 2))
    assert given.atoms == {"ion": [1], "centres": [2, 3]}
    assert given.lines == metadynamics_input(atoms, "inter-cage", ion=0, centres=(1, 2), fence=None).lines
    with pytest.raises(InputError, match="shells: need free anions with 4 Li or more within 3.0 A, got 1 at most"):
        metadynamics_input(atoms, "inter-cage")


def test_an_ion_and_centres_of_ones_own(crystal):
    shells = find_shells(crystal)
    given = metadynamics_input(
        crystal, "inter-cage", ion=shells[1].ions[2], centres=(shells[1].centre, shells[3].centre)
    )
    assert given.atoms == {"ion": [shells[1].ions[2] + 1], "centres": [shells[1].centre + 1, shells[3].centre + 1]}
    given = metadynamics_input(crystal, "inter-cage", ion=shells[2].ions[0])
    assert given.atoms["centres"][0] == shells[2].centre + 1
    ion, centres = shells[1].ions[2], [shell.centre for shell in shells]
    for name, two, told in (
        (
            "inter-cage",
            (centres[0], centres[2]),
            "ion: need an ion within 4.5. A of S 45 or S 47, got Li .*, 5.* A away",
        ),
        ("position", (centres[0], centres[2]), "ion: need an ion within 4.5. A of S 45 or S 47, got Li "),
        (
            "intra-cage",
            (centres[0],),
            "ion: need an ion within 4 A of S 45, got Li .* leave one of ion= and centres= out",
        ),
        ("inter-cage", (centres[1], shells[1].ions[0]), "centres: need atoms that stay, got Li .*find_shells lists"),
        ("intra-cage", (shells[1].ions[0],), "centres: need atoms that stay, got Li "),
    ):
        with pytest.raises(InputError, match=told):
            metadynamics_input(crystal, name, ion=ion, centres=two)


def test_a_concerted_hop_goes_on_or_exchanges_two_ions(crystal):
    shells = {shell.centre: shell.ions for shell in find_shells(crystal)}
    first, second, third, _ = shells
    for centres, last in (((first, second, third), third), ((first, second, first), first)):
        given = metadynamics_input(crystal, "concerted", centres=centres)
        one, two = (ion - 1 for ion in given.atoms["ions"])
        assert given.atoms["centres"] == [second + 1, last + 1]
        assert one in shells[first] and two in shells[second]
        near = crystal.get_distances(two, list(shells), mic=True)
        assert crystal.get_distance(two, last, mic=True) == pytest.approx(np.sort(near)[1], abs=1e-6)
    with pytest.raises(
        InputError, match=f"centres: need a third shell that is not the second, got S {second + 1} twice"
    ):
        metadynamics_input(crystal, "concerted", centres=(first, second, second))
    # all cages are full, so that two ions change places; with one ion less, the second goes to the next cage
    chosen = metadynamics_input(crystal, "concerted", centres=(first, second))
    assert chosen.atoms["centres"] == [second + 1, first + 1]
    vacancy = crystal.copy()
    del vacancy[shells[third][0]]
    chosen = metadynamics_input(vacancy, "concerted", centres=(first - 1, second - 1))
    assert chosen.atoms["centres"][0] == second
    assert chosen.atoms["centres"][1] not in (first, second)


def test_a_position_in_a_cube_of_15_a(crystal):
    """The published region needs a cell of its own size; where images of the ion would be in it, it is refused."""

    def cube(atoms):
        return [(x - 7.5, x + 7.5) for x in 0.5 * atoms.cell.lengths()]

    large = argyrodite((2, 2, 2))
    given = metadynamics_input(large, "position", region=cube(large))
    walls = [statement(given, action)["AT"] for action in ("LOWER_WALLS", "UPPER_WALLS")]
    low, high = (np.array(w.split(","), dtype=float) for w in walls)
    np.testing.assert_allclose(high - low, 15.0, atol=2e-3)  # A
    with pytest.raises(
        InputError, match="region: need at most 8.955 A along x in this cell, so that images .* got 15 A; repeat the"
    ):
        metadynamics_input(crystal, "position", region=cube(crystal))


def test_variants_of_the_bias(crystal):
    opes = metadynamics_input(crystal, "inter-cage", method="opes", barrier=70)
    assert statement(opes, "OPES_METAD")["BARRIER"] == "70"
    explore = metadynamics_input(crystal, "inter-cage", method="opes-explore")
    assert statement(explore, "OPES_METAD_EXPLORE")["TEMP"] == "300"
    thermal = metadynamics_input(crystal, "inter-cage", method="opes-multithermal", temperature_range=(300, 900))
    assert statement(thermal, "ECV_MULTITHERMAL")["TEMP_MAX"] == "900"
    assert statement(thermal, "OPES_EXPANDED")["ARG"] == "ecv.*"
    shared = metadynamics_input(crystal, "inter-cage", walkers=3)
    assert statement(shared, "METAD")["WALKERS_N"] == "3"
    changed = metadynamics_input(crystal, "inter-cage", sigma=0.3, pace=10, timestep=1.0)
    assert (statement(changed, "METAD")["SIGMA"], statement(changed, "METAD")["PACE"]) == ("0.3,0.3", "10")


def test_structures_of_other_packages(crystal):
    expected = metadynamics_input(crystal, "inter-cage").text
    arrays = (crystal.get_chemical_symbols(), crystal.positions, np.array(crystal.cell))
    assert metadynamics_input(arrays, "inter-cage").text == expected
    core = pytest.importorskip("pymatgen.core")
    structure = core.Structure(np.array(crystal.cell), crystal.get_chemical_symbols(), crystal.get_scaled_positions())
    assert metadynamics_input(structure, "inter-cage").text == expected
    mda = pytest.importorskip("MDAnalysis")
    universe = mda.Universe.empty(52, trajectory=True)
    universe.add_TopologyAttr("elements", crystal.get_chemical_symbols())
    universe.atoms.positions = crystal.positions
    universe.dimensions = crystal.cell.cellpar()
    assert metadynamics_input(universe, "inter-cage").atoms == metadynamics_input(crystal, "inter-cage").atoms


@pytest.mark.parametrize(
    ("change", "arguments", "match"),
    [
        (None, {"name": "intercage"}, "protocol: need one of .* got 'intercage'; did you mean 'inter-cage'"),
        (None, {"mobile": "Na"}, "mobile: need atoms of Na, got only Cl, Li, P, S"),
        (None, {"radius": 1.0}, "shells: need free anions with 4 Li or more within 1.0 A, got 0 at most"),
        (None, {"ion": 99}, "atom: need a number from 1 to 52, got 100"),
        (None, {"ion": 24}, "ion: need an atom of Li, got P 25; name an ion of that element, or mobile= for another"),
        (
            None,
            {"name": "concerted", "ion": 0},
            "ion: need none for concerted, which does not use it, got atom 1 of the structure; leave it",
        ),
        (
            None,
            {"name": "tilt", "ion": 0},
            "ion: need none for tilt, which does not use it, got atom 1 of the structure; leave it out",
        ),
        (None, {"barrier": 50.0}, "barrier: need none for metad, which does not use it, got 50.0; leave it out"),
        (None, {"temperature_range": (300.0, 600.0)}, "temperature_range: need none for metad, which does not use it"),
        (None, {"centres": (50, 50)}, "atoms: need different atoms"),
        (None, {"centres": (50,)}, "centres: need two, got 1"),
        (
            None,
            {"name": "intra-cage", "centres": (48, 49)},
            "centres: need one, got 2; name the shell that it stays in",
        ),
        (None, {"name": "concerted", "centres": (48,)}, "centres: need two or three of a concerted hop, got 1"),
        (None, {"centres": (24, 49)}, "centre 25: need a Li within 3.0 A, got the nearest at"),
        (None, {"temperature": -1.0}, "temperature: need a positive number, got -1.0"),
        (None, {"sigma": 0.0}, "sigma: need a positive number"),
        (None, {"bias_factor": 1.0}, "bias_factor: need a number above 1"),
        (None, {"method": "umbrella"}, "method: need one of 'metad', 'opes', .* got 'umbrella'"),
        (None, {"method": "opes", "walkers": 2}, "walkers: need 1 with OPES"),
        (
            None,
            {"method": "opes-multithermal", "temperature_range": (0.0, 600.0)},
            "temperature_range: need 50 K or more, .* got 0 to 600 K; the expanded ensemble is singular",
        ),
        (None, {"name": "position", "region": [[0, 1]]}, r"region: need three pairs \(low, high\)"),
        (None, {"name": "tilt", "centres": (24,)}, "centres: need a central atom and an anion"),
        ("cell", {}, "cell: need a periodic cell, got none"),
        ("nan", {}, "positions: need finite numbers"),
        ("phosphorus", {"name": "tilt"}, "tetrahedra: need a P, Si, Ge"),
    ],
)
def test_sentences(crystal, change, arguments, match):
    atoms = crystal.copy()
    if change == "cell":
        atoms.cell[:] = 0
    if change == "nan":
        atoms.positions[3] = np.nan
    if change == "phosphorus":
        del atoms[atoms.symbols == "P"]
    with pytest.raises(InputError, match=match):
        metadynamics_input(atoms, **{"name": "inter-cage", **arguments})


def test_settings_are_checked():
    assert protocol("tilt", height=3.0).height == 3.0
    with pytest.raises(InputError, match="pace: need a positive number"):
        protocol("tilt", pace=-1.0)
    with pytest.raises(InputError, match="folder: need a plumed.dat in it"):
        PlumedInput.read("missing-folder")


@pytest.fixture(scope="module")
def paired():
    argyrodites = pytest.importorskip("pymatgen.analysis.argyrodite", reason="pymatgen is not installed")
    crystal = argyrodites.lspscl(supercell=(2, 2, 1))
    return Atoms(
        [s.specie.symbol for s in crystal], positions=crystal.cart_coords, cell=crystal.lattice.matrix, pbc=True
    )


def test_shells_of_paired_tetrahedra(paired):
    """Li20Si3P3S23Cl has no free anions: shells are about Si that has P in its column, with the lithium within 4 A."""
    shells = find_shells(paired)
    assert len(shells) >= 4
    assert all(paired.symbols[shell.centre] == "Si" and shell.reach == 4.0 for shell in shells)
    for shell in shells:
        away = paired.get_distances(shell.centre, [i for i, s in enumerate(paired.symbols) if s == "Li"], mic=True)
        assert (away <= 4.0).sum() == len(shell.ions)


@pytest.mark.parametrize("name", ["inter-cage", "intra-cage", "position"])
def test_hops_of_paired_tetrahedra_are_read_by_plumed(paired, name):
    given = metadynamics_input(paired, name)
    lines = [line for line in given.lines if "WALLS" not in line]
    ion, centres = given.atoms["ion"][0] - 1, [k - 1 for k in given.atoms["centres"]]
    assert paired.symbols[ion] == "Li"
    assert {paired.symbols[k] for k in centres} == {"Si"}
    assert paired.get_distance(ion, centres[0], mic=True) <= 4.0  # A
    if name == "position":
        assert given.files["framework.dat"].count("\n") == 4 * 30
        return
    table = evaluate(lines, paired, arguments=given.variables)
    if name == "inter-cage":
        for variable, centre in zip(given.variables, centres, strict=True):
            assert table[variable][0] == pytest.approx(paired.get_distance(ion, centre, mic=True), abs=1e-3)
        gap = paired.get_distance(*centres, mic=True)
        assert gap == pytest.approx(8.57, abs=0.05)  # A: beyond the upper wall of Li6PS5Cl, 8.5 A, which moves with it
        assert statement(given, "UPPER_WALLS")["AT"] == "9.9,9.9"
    else:
        vector = paired.get_distance(centres[0], ion, mic=True, vector=True)
        assert table[given.variables[0]][0] == pytest.approx(np.arccos(vector[2] / np.linalg.norm(vector)), abs=1e-3)
        assert statement(given, "UPPER_WALLS")["AT"] == "4"
        narrow = metadynamics_input(paired, name, walls=(1.5, 3.3))
        assert statement(narrow, "UPPER_WALLS")["AT"] == "3.3"


def test_a_path_of_two_ions_needs_free_anions(paired):
    with pytest.raises(
        InputError, match="structure: need shells around free anions, .* got shells about pairs of tetra"
    ):
        metadynamics_input(paired, "concerted")


def test_an_input_without_its_record_knows_its_temperature(tmp_path, crystal):
    """Without protocol.json a folder was analysed at 300 K, whatever TEMP its bias has."""
    given = metadynamics_input(crystal, "inter-cage", temperature=450.0)
    given.write(tmp_path)
    (tmp_path / "protocol.json").unlink()
    found = PlumedInput.read(tmp_path)
    assert (found.temperature, found.variables, found.method) == (450.0, given.variables, "metad")
    with pytest.raises(InputError, match="temperature: need a positive number in K, got 0"):
        analyse_metadynamics(tmp_path, temperature=0.0)  # which was that of the input


@pytest.mark.parametrize("name", ["HILLS", "COLVAR"])
def test_a_file_that_no_row_was_written_to_yet_is_one_of_a_short_run(tmp_path, name):
    """It asked for a header, and for the name of a file that PLUMED wrote, which it was."""
    (tmp_path / name).touch()
    read_one = read_hills if name == "HILLS" else read_table
    with pytest.raises(InputError, match=f"{name}: need rows of PLUMED, got an empty file; run for longer"):
        read_one(tmp_path / name)


def test_rows_without_a_header_are_named_so(tmp_path):
    """A damaged first line asked for rows of no numbers."""
    (tmp_path / "HILLS").write_text("X! FIELDS time d sigma_d height biasf\n 1 2 0.1 1 10\n")
    with pytest.raises(InputError, match=r"HILLS: need a header '#! FIELDS ...' in front of its rows, got 'X! FIELDS"):
        read_hills(tmp_path / "HILLS")
