"""Analyses of a study on the two trajectories that are shipped: 600 K, Li6PS5Cl and Li5.5PS4.5Cl1.5."""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import MDAnalysis
import numpy as np
import pytest
from ase.io import read

pytest.importorskip("pymatgen")

from ionpath.data import EXAMPLES, example
from ionpath.estimate import Estimate
from ionpath_ase import Barrier, Barriers
from ionpath_cli.intact import DONE
from ionpath_cli.study import soft
from ionpath_cli.study.analyses import _whole
from ionpath_cli.study.definition import Figure, load_study
from ionpath_cli.study.figures import draw_figures, embedded
from ionpath_cli.study.finished import Run, widths
from ionpath_cli.study.plan import make_plan
from ionpath_cli.study.quantities import Rows, quantity
from ionpath_cli.study.registry import ACROSS, ANALYSES, function_of
from ionpath_cli.study.soft import fitted
from ionpath_cli.study.structural import _of_slab, counted
from ionpath_cli.study.structures import make_structure
from ionpath_cli.study.tasks import Task

MADE = {EXAMPLES[0]: ({}, 52), EXAMPLES[1]: ({"x_excess": 0.5, "inversion": 0.75}, 50)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Folders of a run and of its structure, as the engine leaves them."""
    found = {}
    for name, (arguments, atoms) in MADE.items():
        run, structure = (tmp_path_factory.mktemp(f"{kind}-{name}") for kind in ("run", "structure"))
        shutil.copy(example(name).structure, run / "start.extxyz")
        shutil.copy(example(name).trajectory, run / "trajectory.xtc")
        settings = {"temperature": 600.0, "model": "argyrodite.2", "interval": 0.05}
        (run / DONE).write_text(json.dumps({"name": f"run/{name}.1-600K", "settings": settings}))
        build = {"builder": "argyrodite", "arguments": arguments, "supercell": (1, 1, 1), "seed": 1, "atoms": atoms}
        make_structure(Task("structure", "structure", build), structure, [])
        found[name] = (run, structure)
    return found


def test_arrangements_of_lspscl_differ(tmp_path: Path) -> None:
    """The stored one first, then drawings from all 48, each the same when it is made again."""
    made = []
    for seed, place in ((1, "first"), (2, "second"), (2, "again"), (3, "third")):
        build = {"builder": "lspscl", "arguments": {}, "supercell": [[1, 1, 0], [-1, 1, 0], [0, 0, 1]], "atoms": 100}
        (tmp_path / place).mkdir()
        make_structure(Task("structure", "structure", build | {"seed": seed}), tmp_path / place, [])
        made.append(read(tmp_path / place / "structure.extxyz"))
    assert {one.get_chemical_formula() for one in made} == {"Cl2Li40P6S46Si6"}
    assert made[1] == made[2]
    spectra = [np.sort(one.get_all_distances(mic=True), axis=None) for one in (made[0], made[1], made[3])]
    assert all(np.abs(a - b).max() > 0.05 for a, b in itertools.combinations(spectra, 2))


def numbers(rows: Rows) -> dict[str, tuple[float, float, float]]:
    return {row["quantity"]: (row["low"], row["value"], row["high"]) for row in rows}


def analyse(runs: dict[str, tuple[Path, Path]], name: str, analysis: str, place: Path) -> Rows:
    task = Task("analysis", "analysis", {"temperature": 600.0, "analysis": analysis})
    return function_of(ANALYSES[analysis])(Run(task, place, *runs[name]))


@pytest.mark.slow
def test_site_energies_overlap_more_with_disorder(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """Jang et al., Fig. 4c, at 600 K: T4 is apart from T5 in the ordered crystal and comes close with inversion."""
    ordered, disordered = (numbers(analyse(runs, name, "sites", tmp_path)) for name in EXAMPLES)
    assert ordered["overlap of T5 and T4"][2] < 0.05 < disordered["overlap of T5 and T4"][0]
    assert (tmp_path / "sites.npz").exists()


def test_freedom_of_tilt_has_an_error(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """Guan et al., Fig. 5a: the entropy of the angle rises from LPSCl-II to LPSCl-III; ln 90 nat is that of no peak."""
    two, three = (numbers(analyse(runs, name, "tilt", tmp_path))["entropy of theta, P-S"] for name in EXAMPLES)
    assert two[0] < two[1] < two[2] < 4.5 and two[1] < three[1]


@pytest.mark.parametrize(("n_frames", "runs", "lag"), [(900, 1, 10), (10_000, 8, 10), (120, 4, 4)])
def test_softness_does_not_depend_on_the_length_of_runs(
    monkeypatch: pytest.MonkeyPatch, n_frames: int, runs: int, lag: int
) -> None:
    """It was that of rearrangements over a thirtieth of a run, and support vectors of many runs never ended."""
    seen: dict[str, float] = {}

    def softness(groups, **options):
        return SimpleNamespace(run=lambda step: seen.update(options, step=step))

    universe = SimpleNamespace(trajectory=SimpleNamespace(n_frames=n_frames, dt=0.05), select_atoms=lambda text: text)
    monkeypatch.setattr(soft, "universe_of", lambda run: universe)
    monkeypatch.setattr(soft, "read_json", lambda path: {"name": f"run/A.{path.parent.name}-900K"})
    monkeypatch.setattr(soft, "fitted", lambda name, *given: (SimpleNamespace(kind=name), 4.8))
    monkeypatch.setattr(soft, "Softness", softness)
    for kind, most in (("rbf-svm", soft.SAMPLES // runs), ("logistic", None)):
        seen.clear()
        soft.Joint([Path(str(k)) for k in range(1, runs + 1)], {"preset": kind})
        assert (seen["step"], seen["lag"], seen.get("most")) == (3, lag, most)


@pytest.mark.parametrize(
    ("constant", "majority", "balanced", "skilled"),
    [(True, 0.78, np.nan, False), (False, 0.78, 0.5, False), (False, 0.5, 0.5, True), (False, 0.78, 0.7, True)],
)
def test_softness_that_tells_nothing_claims_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, constant: bool, majority: float, balanced: float, skilled: bool
) -> None:
    """One class for all ions has a mean of no meaning, which differed between systems by rounding."""
    rng = np.random.default_rng(3)
    each = tuple(0.28 + (1e-16 if constant else 0.1) * rng.standard_normal((20, 40)) for _ in range(2))
    scores = SimpleNamespace(
        accuracy=0.77, balanced_accuracy=balanced, majority_accuracy=majority, balance=[majority, 1.0 - majority]
    )
    results = SimpleNamespace(lag_time=1.5, scores=scores, cross_validation=None, weights=None)
    found = SimpleNamespace(save=lambda path: None, results=results, parameters={"split": "random"})
    joint = SimpleNamespace(found=found, runs=[("A", 1), ("B", 1)], reach=4.8, each=each, groups={}, step=30)
    monkeypatch.setattr(soft, "Joint", lambda *given: joint)
    rows = [row for row in soft.softness([], tmp_path, {}) if row["quantity"] == "mean softness"]
    assert len(rows) == 2 and all(np.isnan(row["value"]) == constant for row in rows)
    assert all(("no better" in row.get("doubt", "")) == (not skilled) for row in rows)


def test_distances_have_errors(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """P-S is 2.05 A long in argyrodites, and its peak is known to a bin of 0.02 A."""
    low, value, high = numbers(analyse(runs, EXAMPLES[0], "bonds", tmp_path))["P-S bond"]
    assert value == pytest.approx(2.05, abs=0.03) and 0.01 < high - low < 0.1


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
def test_one_hyperplane_whose_neighbours_fit_into_the_cells(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    import MDAnalysis as mda

    universes = [mda.Universe(*example(name)) for name in EXAMPLES]
    preset, reach = fitted("chen2025", universes)  # 10 A as published; half of 9.8 A here
    assert reach == pytest.approx(0.49 * min(widths(u) for u in universes), abs=0.01)
    assert preset.functions.cutoff == reach and max(preset.functions.positions) <= reach
    arguments = {"preset": "chen2025", "model": "argyrodite.2", "correlate": ["order", "anions"]}
    rows = function_of(ACROSS["softness"])([run for run, _ in runs.values()], tmp_path, arguments)
    soft = {row["system"]: row for row in rows if row["quantity"] == "mean softness"}
    assert soft[EXAMPLES[1]]["value"] > soft[EXAMPLES[0]]["value"]  # Guan et al., Fig. 6c-f: III above II
    assert all(row["error"] > 0.0 and row["arrangement"] == 1 for row in soft.values())
    # of what is said of all runs together, one arrangement of each system leaves a main cause out
    assert all(("system" in row) != ("One arrangement of" in row.get("doubt", "")) for row in rows)
    found = numbers(rows)
    assert 0.0 <= found["share of Li-S in the weights"][1] <= 1.0
    assert abs(found["correlation of softness with order"][1]) < 1.0
    assert abs(found["correlation of softness with PS4"][1]) < 1.0  # sulfur of PS4 against free sulfur


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")
@pytest.mark.parametrize(("without", "skilled"), [(4, True), (10, True), (4, False), (12, True)])
def test_barriers_of_few_bands_or_of_no_softness_claim_nothing(
    runs: dict[str, tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: int, skilled: bool
) -> None:
    """Of 40 exchanges in two glasses 6 had a barrier, and were what the classes would have been compared by."""

    def barriers(glass, hops, **options):
        made = [Barrier(h.ion, 1.0 + 0.1 * k, 1.0, np.zeros(7), 5.0, True, h.kind) for k, h in enumerate(hops)]
        kinds = [one.kind.split(" to ")[0] for one in made]
        rank = [kinds[:k].count(kind) for k, kind in enumerate(kinds)]  # as many without a barrier in both classes
        made = [replace(one, converged=rank[k] >= without // 2) for k, one in enumerate(made)]
        return Barriers(tuple(made), (), tuple(hops))

    monkeypatch.setattr(soft, "migration_barriers", barriers)
    monkeypatch.setattr(soft, "better_than_chance", lambda *scores: skilled)
    arguments = {"preset": "chen2023", "number": 4, "mode": "exchange", "model": "argyrodite.2"}
    rows = soft.bands([runs[EXAMPLES[1]][0]], tmp_path, arguments)
    told = " ".join(row["doubt"] for row in rows)
    assert len(rows) == 2 and all(f"{without} without a barrier" in row["note"] for row in rows)
    assert all((row["error"] > 0.0) == (without < 12) for row in rows)  # of two barriers there is no mean
    assert ("10 of 16 bands without a barrier" in told) == (without == 10) and ("no better" in told) != skilled


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:softness. need a model that tells")
def test_bands_of_hops_chosen_by_softness(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    arguments = {"preset": "chen2023", "number": 1, "mode": "exchange", "model": "argyrodite.2"}
    begin = [runs[EXAMPLES[1]][0]]
    rows = soft.bands(begin, tmp_path, arguments)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("bands-1/band-*.json")}
    assert len(kept) == 4 and soft.bands(begin, tmp_path, arguments) == rows  # taken from the folder
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("bands-1/band-*.json")} == kept
    with np.load(tmp_path / "barriers.npz") as found:
        assert len(found["soft"]) + len(found["hard"]) <= 4 and (np.concatenate(list(found.values())) > 0.0).all()


def test_figures_are_drawn_from_what_is_finished(tmp_path: Path) -> None:
    study = load_study("guan2024")
    rows = [
        {"analysis": "transport", "quantity": "diffusion coefficient", "system": system, "temperature": t,
         "potential": study.dynamics.model, "arrangement": 1, "value": v, "error": 0.1 * v, "low": 0.8 * v,
         "high": 1.2 * v, "unit": "A^2/ps", "note": "", "picoseconds": 50.0}
        for system, t, v in (("LPSCl-II", 900.0, 0.1), ("LPSCl-III", 900.0, 0.5), ("LPSCl-III", 600.0, 0.2))
    ]  # fmt: skip
    (only,) = draw_figures(study, rows, tmp_path)
    assert only[0].name == "6a-diffusion" and only[1].read_bytes()[:4] == b"\x89PNG"
    assert embedded(only[1]).startswith("data:image/png;base64,iVBOR")
    assert isinstance(only[0], Figure)
    plain = only[1].read_bytes()
    bound = {**rows[0], "system": "LSPSCl", "value": np.nan, "error": np.nan, "low": 0.0, "high": 0.7}
    assert draw_figures(study, [*rows[1:], bound], tmp_path)[0][1].read_bytes() != plain  # a mark of its own
    assert draw_figures(study, [rows[0], bound], tmp_path) == []  # one number and a bound are no figure
    shown: dict[Path, str] = {}
    path = draw_figures(study, rows, tmp_path, shown)[0][1]
    path.write_bytes(b"not drawn again")
    assert draw_figures(study, rows, tmp_path, shown)[0][1].read_bytes() == b"not drawn again"
    draw_figures(study, [*rows[1:], bound], tmp_path, shown)
    assert path.read_bytes() != b"not drawn again"  # another number
    path.unlink()
    assert draw_figures(study, [*rows[1:], bound], tmp_path, shown)[0][1].exists()


@pytest.mark.slow
def test_cluster_expansion_has_the_published_number_of_functions(tmp_path: Path) -> None:
    """Guan et al., Fig. S2: 27 functions."""
    pytest.importorskip("smol")
    rows = function_of(ACROSS["expansion"])(
        [], tmp_path, {"x_excess": 0.5, "structures": 10, "relax": 0, "model": "argyrodite.2"}
    )
    assert numbers(rows)["functions"] == (27.0, 27.0, 27.0)


def test_phases_of_a_slab_in_its_glass(tmp_path: Path) -> None:
    """Li that takes steps of 0.03 A in the crystal and 0.3 A in the glass: D is 100 times higher."""
    import MDAnalysis
    import numpy as np

    rng = np.random.default_rng(0)
    lattice = 3.0 * np.stack(np.meshgrid(range(6), range(12), range(6), indexing="ij"), -1).reshape(-1, 3) + 0.5
    places = np.concatenate([lattice, rng.uniform([0, 36, 0], [18, 72, 18], (432, 3))])
    steps = rng.normal(0, 0.3, (120, 864, 3)) * (np.arange(864) % 2 == 0)[:, None]
    steps[:, :432] *= 0.1
    u = MDAnalysis.Universe.empty(864, trajectory=True)
    u.add_TopologyAttr("elements", ["Li", "S"] * 432)
    u.add_TopologyAttr("masses", [6.94, 32.06] * 432)
    u.load_new((places + steps.cumsum(axis=0)).astype("f4"), order="fac", dimensions=[18, 72, 18, 90, 90, 90], dt=0.1)
    run = Run(Task("analysis", "analysis", {"temperature": 700.0}), tmp_path, tmp_path, tmp_path)
    run.__dict__["universe"] = u
    rows = {row["quantity"]: row for row in function_of(ANALYSES["phases"])(run)}
    assert rows["diffusion in the glass"]["value"] == pytest.approx(0.45, rel=0.15)  # A^2/ps: 0.09 / (2 x 0.1)
    # 100 times slower, of which so short a run knows a bound
    assert rows["diffusion in the crystal"]["high"] < 0.2 * rows["diffusion in the glass"]["low"]
    assert rows["amorphisation of the crystal"]["high"] < rows["amorphisation of the glass"]["low"]
    assert rows["share of Li of the crystal"]["value"] == pytest.approx(50.0, abs=3.0)
    assert "of which left it" in rows["diffusion in the glass"]["note"]


def test_distances_are_those_of_a_teacher_by_weights(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """Of a teacher that is the potential itself nothing shifts; of another one P-S bonds do by less than 0.02 A."""
    arguments = {"model": "argyrodite.2", "teacher": "argyrodite.2"}
    inputs = [run for run, _ in runs.values()]
    (tmp_path / "same").mkdir()
    same = function_of(ACROSS["distances"])(inputs, tmp_path / "same", arguments)
    shifts = [row for row in same if row["quantity"].startswith("shift")]
    assert {row["quantity"] for row in shifts} >= {"shift of P-S", "shift of Li-S", "shift of Li-Li"}
    assert all(abs(row["value"]) < 1e-6 and "40 effective" in row["note"] for row in shifts)
    assert all(row["value"] < 0.01 for row in same if row["quantity"].startswith("force error"))
    other = function_of(ACROSS["distances"])(inputs, tmp_path, {**arguments, "teacher": "argyrodite"})
    bonds = [row for row in other if row["quantity"] == "shift of P-S"]
    assert len(bonds) == 2 and all(0.0 < abs(row["value"]) < 0.02 and row["unit"] == "A" for row in bonds)
    assert all(5.0 < row["value"] < 80.0 for row in other if row["quantity"] == "force error in own frames")


def test_runs_that_are_not_diffusive_bound_what_is_colder(tmp_path: Path) -> None:
    """D falls with the temperature, and sigma = n e^2 D / (k T) holds at 300 K what n and the bound at 600 K say."""
    inputs = []
    for kelvin, top in ((600.0, 0.08), (900.0, 0.23)):
        place = tmp_path / f"{kelvin:g}"
        place.mkdir()
        labels = {"system": "II", "temperature": kelvin, "arrangement": 1, "potential": "argyrodite.2"}
        bound = Estimate(math.nan, math.nan, 0.0, top, "A^2/ps")
        rows = [quantity("diffusion coefficient", bound), quantity("lithium density", 0.025, unit="1/A^3")]
        (place / "quantities.json").write_text(json.dumps(rows))
        (place / DONE).write_text(json.dumps({"settings": labels}))
        inputs.append(place)
    found = {row["quantity"]: row for row in function_of(ACROSS["arrhenius"])(inputs, tmp_path, {})}
    assert math.isnan(found["activation energy"]["value"])
    assert found["diffusion coefficient"]["high"] == 0.08 and found["diffusion coefficient"]["temperature"] == 300.0
    sigma = 0.025e30 * 1.602176634e-19**2 * 0.08e-8 / (1.380649e-23 * 300.0) * 10.0  # mS/cm
    assert found["conductivity"]["high"] == pytest.approx(sigma, rel=1e-6)
    assert "600 K" in found["conductivity"]["note"]


def test_a_row_says_which_package_its_analysis_lacks() -> None:
    """Without it the step is left out, and the row says what to install."""
    study = load_study("guan2024")
    lacking = replace(next(a for a in study.across if a.name == "expansion"), packages=("smol", "no_such_package"))
    study = replace(study, across=(lacking, *(a for a in study.across if a.name != "expansion")))
    plan = make_plan(study, budget=2.0)
    assert not any(task.name == "across/expansion" for task in plan.tasks)
    assert "pip install smol no_such_package" in plan.dropped[39]


def test_share_of_few_ions_stays_within_its_bounds() -> None:
    """Wilson's interval for 0 and for 12 of 48 (doi:10.1080/01621459.1927.10502953)."""
    none, some = counted(1e-16, 48), counted(0.25, 48)
    assert (none.value, none.low) == (0.0, 0.0) and none.high == pytest.approx(7.41, abs=0.01)
    assert (some.low, some.high) == pytest.approx((14.9, 38.8), abs=0.1)


def test_macrostates_without_an_ion_outside(runs: dict[str, tuple[Path, Path]], tmp_path: Path) -> None:
    """In ordered Li6PS5Cl no lithium leaves its cage in 15 ps: those between its parts are numbers."""
    found = numbers(analyse(runs, EXAMPLES[0], "paths", tmp_path))
    low, value, high = found["path entropy, top to bottom"]
    assert 0.0 <= low < value < high < math.log(8)
    assert math.isnan(found["path entropy, top to external"][1])


def test_tetrahedra_of_all_systems_lie_alike_where_their_entropies_are_compared(tmp_path: Path) -> None:
    """A crystal whose bonds lie along the diagonals of its box had the lowest entropy, that of its orientation."""
    rng = np.random.default_rng(3)
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 2.05 / math.sqrt(3.0)
    turn = np.array([[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, math.sqrt(2.0)]]) / math.sqrt(2.0)
    bonds = corners + rng.normal(0.0, 0.15, (1120, 4, 4, 3))  # frames, tetrahedra, bonds
    centres = 7.0 * np.array([[x, y, 1.0] for x in (0.5, 1.5) for y in (0.5, 1.5)])
    found = {}
    for name, vectors in (("box", bonds @ turn), ("diagonals", bonds)):
        places = np.concatenate([centres[:, None] + np.zeros((1120, 4, 1, 3)), centres[:, None] + vectors], axis=2)
        universe = MDAnalysis.Universe.empty(20, trajectory=True)
        universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"] * 4)
        universe.load_new(places.reshape(1120, 20, 3).astype(np.float32), dimensions=[14.0] * 3 + [90.0] * 3, dt=1.0)
        (tmp_path / name).mkdir()
        run = SimpleNamespace(universe=universe, place=tmp_path / name)
        found[name] = function_of(ANALYSES["distortion"])(run)
    (box, shannon), (turned, turned_shannon) = found["box"], found["diagonals"]
    assert "4480 tetrahedra, in the frame of the box, bins" in box["note"]
    said = re.search(
        r"turned by 45 degrees as those of argyrodites lie \((.+) in the frame of the box\)", turned["note"]
    )
    assert said and float(said[1]) < box["value"] - 3.0
    assert turned["value"] == pytest.approx(box["value"], abs=0.01)
    assert turned_shannon["value"] == pytest.approx(shannon["value"], abs=0.01)


def test_a_tetrahedron_that_is_stretched_for_a_moment_stops_no_analysis(tmp_path: Path) -> None:
    """Bonds are those of the first frame: of SiS3Cl at 900 K one was longer than 3 A where a part of the run began."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 2.05 / math.sqrt(3.0)
    frames = 6.0 + np.concatenate([np.zeros((40, 1, 3)), np.broadcast_to(corners, (40, 4, 3))], axis=1)
    frames[1:] += np.random.default_rng(1).normal(0.0, 0.05, (39, 5, 3))
    frames[[0, 1, 10, 20], 4, 2] += 1.5
    universe = MDAnalysis.Universe.empty(5, trajectory=True)
    universe.add_TopologyAttr("elements", ["P", "S", "S", "S", "S"])
    universe.load_new(frames.astype(np.float32), dimensions=[12.0] * 3 + [90.0] * 3, dt=1.0)
    assert [_whole(universe.atoms[:1], slice(start, None)) for start in (0, 5, 10, 20)] == [2, 5, 11, 21]
    run = SimpleNamespace(universe=universe, place=tmp_path, temperature=300.0)
    found = numbers(function_of(ANALYSES["tilt"])(run))
    assert found["entropy of theta, P-S"][0] < found["entropy of theta, P-S"][2]


def test_layers_of_a_slab_are_told_by_its_atoms() -> None:
    """The first half of the atoms was held: two layers of it, two of the melt, and one at each side of a border."""
    import MDAnalysis as mda

    from ionpath.structure import AmorphisationProfile

    y = np.concatenate([np.linspace(0.5, 23.5, 40), np.linspace(24.5, 47.5, 40)])
    u = mda.Universe.empty(80, trajectory=True)
    u.add_TopologyAttr("elements", ["S"] * 80)
    at = np.stack([np.full(80, 5.0), y, np.full(80, 5.0)], axis=1)
    cell = np.array([[12.0, 0.0, 0.0], [9.0, 48.0, 0.0], [0.0, 0.0, 12.0]])  # a second vector that leans
    box = mda.lib.mdamath.triclinic_box(*cell)
    at = (at / [12.0, 48.0, 12.0] @ cell).astype("f4")
    u.load_new(at[None], order="fac", dimensions=box, dt=0.1)
    flat = AmorphisationProfile(1, 6.0 * np.arange(8) + 3.0, np.ones(8), np.zeros(8), 6.0, 1)
    run = SimpleNamespace(universe=u, task=SimpleNamespace(settings={"crystal_fraction": 0.5}))
    assert _of_slab(run, flat).layers.tolist() == [1, 0, 0, 1, 1, 2, 2, 1]


def test_compensation_needs_lines_whose_barriers_differ() -> None:
    """Two lines, or three of one barrier, tell nothing of the Meyer-Neldel rule: a sentence, and no failed step."""
    from ionpath.transport import arrhenius
    from ionpath_cli.study.across import _compensation

    kelvins = np.array([600.0, 750.0, 900.0])

    def line(barrier: float, prefactor: float):
        values = prefactor * np.exp(-barrier / (8.617333e-5 * kelvins))
        return arrhenius(kelvins, values, 0.05 * values)

    (few,) = _compensation([line(0.2, 1.0), line(0.3, 4.0)])
    assert np.isnan(few["value"]) and few["note"] == "2 systems with a barrier and a prefactor, 3 are needed"
    (equal,) = _compensation([line(0.2, 1.0), line(0.2, 2.0), line(0.2, 3.0)])
    assert (
        np.isnan(equal["value"]) and "need activation energies that differ by more than their errors" in equal["note"]
    )
    energy, chance = _compensation([line(0.1, 1.0), line(0.3, np.exp(3.0)), line(0.5, np.exp(6.0))])
    assert energy["value"] == pytest.approx(0.2 / 3.0, rel=1e-3)  # eV: the slope of ln D0 against the barrier is 15/eV
    assert chance["value"] > 0.9
