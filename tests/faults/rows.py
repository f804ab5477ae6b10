"""Valid calls of what no docstring calls by its public name: function, positional and keyword arguments."""

# ruff: noqa: E501
from __future__ import annotations

import importlib
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

rng = np.random.default_rng(0)
# Results: what made them knows their fields, and nobody else makes them.
RESULTS = {
    "ionpath_ase.md.MDProfile",
    "ionpath.cvs.CollectiveVariable", "ionpath.cvs.Component", "ionpath.cvs.Evaluation", "ionpath.data.Example",
    "ionpath.disorder.EntropyComparison", "ionpath.disorder.MixingEntropy", "ionpath.disorder.RotationCounter",
    "ionpath.disorder.RotationRate", "ionpath.disorder.TiltFreeEnergy", "ionpath.disorder.TiltHistogram",
    "ionpath.free_energy.BarrierSeries", "ionpath.free_energy.Basin", "ionpath.free_energy.CrossingError",
    "ionpath.free_energy.Histogram", "ionpath.free_energy.MinimumPath", "ionpath.free_energy.Verdict", "ionpath.kinetics.Chain",
    "ionpath.kinetics.ChapmanKolmogorov", "ionpath.kinetics.ImpliedTimescales",
    "ionpath.kinetics.MacrostatePathEntropy", "ionpath.kinetics.MarkovVerdict",
    "ionpath.kinetics.PathEntropySummary", "ionpath.kinetics.PathEntropyUncertainty", "ionpath.kinetics.Pathways",
    "ionpath.kinetics.ReferenceAtoms", "ionpath.kinetics.ResampledChains", "ionpath.kinetics.ShellRuns",
    "ionpath.kinetics.ShellTrajectories", "ionpath.kinetics.SiteAssignment", "ionpath.kinetics.SiteOccupancies",
    "ionpath.kinetics.Spread", "ionpath.kinetics.SymmetryTest", "ionpath.lattice.Decorations",
    "ionpath.lattice.Interstices", "ionpath.lattice.NeighbourList", "ionpath.lattice.PairedCageRule",
    "ionpath.lattice.PairedCages", "ionpath.lattice.Superlattice", "ionpath.lattice.TetrahedralSite",
    "ionpath.softness.AffineFit", "ionpath.softness.ArrheniusSplit", "ionpath.softness.Correlation",
    "ionpath.softness.CrossValidation", "ionpath.softness.Fold", "ionpath.softness.GridSearch",
    "ionpath.softness.Labels", "ionpath.softness.Neighbours", "ionpath.softness.Preset",
    "ionpath.softness.RearrangementProbability", "ionpath.softness.Scores", "ionpath.softness.SoftnessModel",
    "ionpath.softness.Weights", "ionpath.structure.AngleDistribution", "ionpath.structure.AngleHistogram",
    "ionpath.structure.AnionClusters", "ionpath.structure.DiffractionPeak",
    "ionpath.structure.DirectStructureFactor", "ionpath.structure.LayerProfile", "ionpath.structure.Lifetime",
    "ionpath.structure.PersistenceDiagram", "ionpath.structure.RadialHistogram", "ionpath.structure.Regions",
    "ionpath.structure.Rings", "ionpath.transport.Arrhenius", "ionpath.transport.DensityGrid",
    "ionpath.transport.DensitySites", "ionpath.transport.Diffusion", "ionpath.transport.DiffusiveWindow",
    "ionpath.transport.Driftless", "ionpath.transport.Hops", "ionpath.transport.IonTransport",
    "ionpath.transport.MeanSquaredDisplacement", "ionpath.transport.MeyerNeldel", "ionpath.transport.NonGaussian",
    "ionpath.transport.Percolation", "ionpath.transport.RegionPopulations", "ionpath.transport.Residence",
    "ionpath.transport.Strings", "ionpath.transport.VanHove", "ionpath.structure.AmorphisationProfile",
    "ionpath.structure.RadialDistribution", "ionpath.lattice.FreeAnions", "ionpath.lattice.Sublattice",
    "ionpath_ase.Barrier", "ionpath_ase.Barriers", "ionpath_ase.Hop", "ionpath_ase.md.MDResult",
    "ionpath_ase.training.Errors", "ionpath_ase.training.LabelReport", "ionpath_ase.training.LoopResult",
    "ionpath_ase.training.TrainedModel", "ionpath_mdanalysis.IonAnalysis",
    "ionpath_mdanalysis.anion_disorder.PhaseDynamics", "ionpath_mdanalysis.ion_transport.Extrapolation",
    "ionpath_mdanalysis.softness.LayerMeans", "ionpath_plumed.PlumedInput",
    "pymatgen.analysis.argyrodite.AnionClusterExpansion", "pymatgen.analysis.argyrodite.Argyrodite",
    "pymatgen.analysis.argyrodite.LithiumOrdering", "pymatgen.analysis.argyrodite.SiteEnergies",
}  # fmt: skip


@cache
def hills() -> Any:
    from ionpath.free_energy import Hills

    n, one = 60, np.random.default_rng(1)
    places, widths = one.uniform(0, 3, (n, 1)), np.full((n, 1), 0.2)
    return Hills(np.arange(1.0, n + 1), places, widths, one.uniform(1, 5, n), ("a",), (None,), 8.0)


@cache
def columns() -> Any:
    cell, places, names = np.diag([8.6, 8.6, 12.4]), [], []
    for z, centre in ((3.1, "Si"), (9.3, "P")):
        length = 2.1 if centre == "Si" else 2.05
        side, up = length * np.sqrt(2 / 3), length / np.sqrt(3)
        places += [[4.3, 4.3, z], [4.3 + side, 4.3, z + up], [4.3 - side, 4.3, z + up]]
        places += [[4.3, 4.3 + side, z - up], [4.3, 4.3 - side, z - up]]
        names += [centre, "S", "S", "S", "S"]
    return np.array(places), np.array(names), cell


@cache
def learning() -> dict[str, Any]:
    from ionpath.softness import StructureFunctions, split_samples

    functions = StructureFunctions.spaced(("S",), spacing=1.0, cutoff=4.0)
    features = rng.normal(size=(80, functions.n_functions))
    ions, times = np.tile(np.arange(10), 8), np.repeat(np.arange(8.0), 10)
    folds = split_samples(ions, times, n_folds=2)
    return {
        "features": features,
        "labels": (features[:, 0] > 0).astype(int),
        "functions": functions,
        "folds": folds,
        "ions": ions,
    }


@cache
def universe(n: int = 300) -> Any:
    from ionpath_mdanalysis.example import hopping_universe

    return hopping_universe(n_frames=n, seed=1)


def lithium() -> Any:
    return universe().select_atoms("name Li")


@cache
def shells() -> Any:
    from ionpath_mdanalysis import CoordinationShells

    return CoordinationShells.from_universe(universe(), centres="name S", mobile=lithium(), n_vertices=6)


@cache
def thiophosphate() -> Any:
    """Four PS4 that tremble, with lithium, 20 frames 0.1 ps apart."""
    import MDAnalysis
    from MDAnalysis.coordinates.memory import MemoryReader

    corners = 2.05 / np.sqrt(3) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    names, places = [], []
    for centre in ([2.5, 2.5, 2.5], [7.5, 7.5, 2.5], [2.5, 7.5, 7.5], [7.5, 2.5, 7.5]):
        names += ["P", "S", "S", "S", "S", "Li", "Li"]
        places += [centre, *(np.array(centre) + corners), np.add(centre, [2.5, 0, 0]), np.add(centre, [0, 2.5, 0])]
    moved = np.array(places)[None] + np.random.default_rng(2).normal(0, 0.05, (20, len(names), 3))
    made = MDAnalysis.Universe.empty(len(names), trajectory=True)
    for attribute in ("name", "type", "element"):
        made.add_TopologyAttr(attribute, names)
    made.add_TopologyAttr("mass", [{"P": 31.0, "S": 32.0, "Li": 7.0}[name] for name in names])
    made.load_new(moved.astype(np.float32), format=MemoryReader, dimensions=[10, 10, 10, 90, 90, 90], dt=0.1)
    return made


def ps4(words: str = "all") -> Any:
    return thiophosphate().select_atoms(words)


@cache
def copper() -> Any:
    from ase.build import bulk
    from ase.calculators.emt import EMT

    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.calc = EMT()
    return atoms


@cache
def labelled() -> Any:
    from ase.calculators.singlepoint import SinglePointCalculator

    made = [argyrodite_atoms().copy() for _ in range(2)]
    for atoms in made:
        atoms.calc = SinglePointCalculator(atoms, energy=-200.0, forces=np.zeros((len(atoms), 3)), stress=np.zeros(6))
        atoms.info["tag"] = "a"
    return made


@cache
def argyrodite_atoms() -> Any:
    from pymatgen.analysis.argyrodite import argyrodite

    return argyrodite().to_ase_atoms()


def folder(name: str = "made") -> Path:
    return Path(tempfile.mkdtemp(prefix="ionpath-faults-")) / name


@cache
def diffusions() -> Any:
    from ionpath_mdanalysis import IonDiffusion

    return [IonDiffusion(lithium(), temperature=float(t)).run() for t in (500, 600, 700)]


@cache
def walks(barrier: float) -> Any:
    """Runs of free ions that diffuse by 5 exp(-barrier / kT) A^2/ps, the barrier in eV."""
    import MDAnalysis

    from ionpath_mdanalysis import IonDiffusion

    rng, runs = np.random.default_rng(2), []
    for kelvin in (500.0, 600.0, 800.0):
        steps = rng.normal(scale=np.sqrt(10.0 * np.exp(-barrier / (8.617333e-5 * kelvin))), size=(200, 20, 3))
        u = MDAnalysis.Universe.empty(24, trajectory=True)
        u.add_TopologyAttr("elements", ["Li"] * 20 + ["S"] * 4)
        positions = np.concatenate([steps.cumsum(axis=0), np.zeros((200, 4, 3))], axis=1)
        u.load_new(positions, dimensions=[60.0, 60.0, 60.0, 90.0, 90.0, 90.0], dt=1.0)
        runs.append(IonDiffusion(u.select_atoms("element Li"), temperature=kelvin, unwrap=False).run())
    return runs


@cache
def files() -> dict[str, Path]:
    """HILLS and COLVAR of one variable, and a table of a structure factor."""
    place = folder()
    place.mkdir()
    head = "#! FIELDS time d sigma_d height biasf\n#! SET multivariate false\n#! SET kerneltype stretched-gaussian\n"
    rows = [f"{t} {1 + 0.1 * (t % 17)} 0.1 0.5 10" for t in range(1, 200)]
    (place / "HILLS").write_text(head + "\n".join(rows) + "\n")
    lines = [f"{t} {1 + 0.01 * (t % 17)} 0.5" for t in range(1, 200)]
    (place / "plumed.dat").write_text(
        "d: DISTANCE ATOMS=1,2\nMETAD ARG=d SIGMA=0.1 HEIGHT=0.5 PACE=5 TEMP=300 BIASFACTOR=10 FILE=HILLS\n"
        "PRINT ARG=d,metad.bias STRIDE=1 FILE=COLVAR\n"
    )
    (place / "COLVAR").write_text("#! FIELDS time d metad.bias\n" + "\n".join(lines) + "\n")
    (place / "sq.txt").write_text("\n".join(f"{0.1 * i} {1 + 0.1 * np.sin(i)}" for i in range(1, 50)) + "\n")
    (place / "lcurve.out").write_text("# step lr\n0 1e-3\n10 1e-4\n")
    labels = "Properties=species:S:1:pos:R:3:forces:R:3 energy=-1.0"
    (place / "set.extxyz").write_text(f'1\nLattice="9 0 0 0 9 0 0 0 9" {labels}\nCu 0 0 0 0 0 0\n')
    return {name: place / name for name in ("HILLS", "COLVAR", "sq.txt", "set.extxyz")}


def _core(package: str, name: str) -> Any:
    return getattr(importlib.import_module(f"ionpath.{package}"), name)


def _named(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


MDA, ASE, ARG, PLU = "ionpath_mdanalysis", "ionpath_ase", "pymatgen.analysis.argyrodite", "ionpath_plumed"
TRAIN, ANION, ION, SOFT = f"{ASE}.training", f"{MDA}.anion_disorder", f"{MDA}.ion_transport", f"{MDA}.softness"


def row(module: str, name: str, arguments: Any) -> Any:
    """Arguments are made when they are needed."""

    def make() -> Any:
        given = arguments()
        args, kwargs = (
            given if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict) else (given, {})
        )
        return _named(module, name), tuple(args), kwargs

    return f"{module}.{name}", make


def _series() -> Any:
    return _core("free_energy", "barrier_series")(hills(), [0.5], [2.5])


def _fitted() -> Any:
    one = learning()
    return one["features"], one["labels"], one["functions"]


def _site() -> Any:
    return np.zeros((5, 2), int) + 1


def _entries() -> Any:
    return [{"energy": -1.0, "multiplicity": 1}, {"energy": -0.9, "multiplicity": 2}]


def _argyrodite() -> Any:
    return _named(ARG, "argyrodite")()


@cache
def _energies() -> Any:
    made = _named(ARG, "argyrodite")(lithium="none")
    from ase.calculators.lj import LennardJones

    return [_named(ARG, "site_energies")(made, LennardJones(rc=3.0))]


def _surface() -> Any:
    return _named(PLU, "free_energy")(str(files()["HILLS"]))


def _bowl() -> Any:
    """A free energy of three variables."""
    axes = (np.linspace(-1.0, 1.0, 6),) * 3
    values = 10.0 * sum(x**2 for x in np.meshgrid(*axes, indexing="ij"))
    return _core("free_energy", "FreeEnergySurface")(axes, values, ("a", "b", "c"), (None,) * 3)


def _crystal() -> Any:
    return _named(PLU, "find_shells")(argyrodite_atoms())


ROWS: dict[str, Any] = dict(
    [
        row("ionpath.free_energy", "Hills", lambda: (
            (np.arange(1.0, 5.0), np.ones((4, 1)), np.ones((4, 1)), np.ones(4), ("a",), (None,)), {"bias_factor": 8.0})),
        row("ionpath_ase.md", "MDSettings", lambda: ((), {"temperature": 300.0, "steps": 100})),
        row("ionpath.structure", "radial_distribution", lambda: (
            (rng.uniform(0, 9, (12, 3)), np.eye(3) * 9, ["S"] * 12), {"r_max": 4.0, "bins": 20})),
        row("ionpath.free_energy", "barrier_series", lambda: ((hills(), [0.5], [2.5]), {"n_times": 5})),
        row("ionpath.free_energy", "crossing_error", lambda: ((hills(), [0.5], [2.5], 300.0), {"n_times": 5})),
        row("ionpath.free_energy", "judge", lambda: (hills(), _series(), 300.0)),
        row("ionpath.free_energy", "judge_flat", lambda: (hills(), _series().estimate, 300.0)),
        row("ionpath.free_energy", "variation", lambda: (hills(),)),
        row("ionpath.disorder", "bond_vectors", lambda: (rng.uniform(0, 9, (3, 6, 3)), 9 * np.eye(3), [0], [[1, 2, 3, 4]])),
        row("ionpath.disorder", "tetrahedral_distortion", lambda: (
            2.05 / np.sqrt(3) * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.1]]),)),
        row("ionpath.kinetics", "iter_shell_trajectories", lambda: (_site(), shells())),
        row("ionpath.lattice", "find_paired_cages", lambda: columns()),
        row("ionpath.lattice", "paired_cage_states", lambda: (
            np.array([[[4.3, 4.3, 6.2]]]), columns()[0][None], columns()[2], _core("lattice", "find_paired_cages")(*columns()))),
        row("ionpath.lattice", "cage_vertices", lambda: (
            _core("lattice", "FreeAnions")(np.arange(1), np.arange(1, 2), "4d", 10.155 * np.eye(3)),)),
        row("ionpath.softness", "cross_validate", lambda: (*_fitted(), learning()["folds"])),
        row("ionpath.softness", "feature_weights", lambda: ((*_fitted(), learning()["ions"]), {"n_groups": 3})),
        row("ionpath.softness", "grid_search", lambda: (
            lambda functions: rng.normal(size=(80, functions.n_functions)), np.arange(80.0), learning()["functions"], learning()["folds"])),
        row("ionpath.softness", "make_classifier", lambda: ((), {"kind": "logistic", "penalty": 1.0})),
        row("ionpath.structure", "read_structure_factor", lambda: (str(files()["sq.txt"]),)),
        row("ionpath.structure", "read_radial_distribution", lambda: (str(files()["sq.txt"]),)),
        row("ionpath.structure", "persistent_rings", lambda: (
            (rng.uniform(0, 9, (12, 3)), np.eye(3) * 9, ["S"] * 12), {"select": ["S"]})),
        row("ionpath.structure", "persistence_diagram", lambda: (rng.uniform(0, 9, (12, 3)), np.eye(3) * 9)),
        row(MDA, "ShellStates", lambda: ((lithium(), shells()), {})),
        row(MDA, "MarkovStates", lambda: ((lithium(), shells()), {"lag": 2, "n_samples": 2})),
        row(MDA, "AnionSpeciation", lambda: (ps4(),)),
        row(MDA, "AveragedSteinhardt", lambda: (ps4("element S"),)),
        row(MDA, "RingTopology", lambda: ((ps4(),), {"chunk_frames": 4})),
        row(MDA, "StructureFactor", lambda: ((ps4(),), {"r_max": 4.5, "q": np.linspace(1.5, 6, 20)})),
        row(MDA, "TetrahedralDistortion", lambda: (ps4("element P"), ps4("element S"))),
        row(MDA, "TetrahedronTilt", lambda: ((ps4("element P"), ps4("element S")), {"temperature": 300.0})),
        row(MDA, "AmorphisationProfile", lambda: ((ps4("element S"),), {"thickness": 3.0})),
        row(MDA, "IonVoronoiVolume", lambda: (ps4("element Li"), ps4())),
        row(ANION, "AngleDistribution", lambda: (ps4(),)),
        row(ANION, "LayerProfiles", lambda: (ps4(),)),
        row(ANION, "RadialDistributions", lambda: ((ps4(),), {"r_max": 4.5, "bins": 50})),
        row(ANION, "compare_disorder", lambda: (
            {name: _named(MDA, "TetrahedralDistortion")(ps4("element P"), ps4("element S")).run() for name in "ab"},)),
        row(ION, "arrhenius", lambda: (diffusions(),)),
        row(ION, "extrapolate", lambda: (diffusions(), 300.0)),
        row(ION, "meyer_neldel", lambda: ({name: walks(barrier) for name, barrier in zip("abc", (0.1, 0.12, 0.15), strict=True)},)),
        row(ION, "plot_arrhenius", lambda: (_named(ION, "arrhenius")(diffusions()),)),
        row(ASE, "melt_quench", lambda: ((copper(), folder()), {"engine": "ase",
            "melt_picoseconds": 0.02, "settle_picoseconds": 0.02, "cooling_rate": 1e5, "seed": 1})),
        row(ASE, "glass_ceramic", lambda: ((copper(), folder()), {"relax_picoseconds": 0.02, "engine": "ase", "melt": {
            "melt_picoseconds": 0.02, "settle_picoseconds": 0.02, "cooling_rate": 1e5}})),
        row(ASE, "anneal", lambda: ((copper(), folder(), [_named(f"{ASE}.glass", "HeatStep")(300.0, 0.02, ensemble="nvt")]), {"engine": "ase"})),
        row(ASE, "migration_barriers", lambda: ((copper(), [(0, [0.9, 0.9, 0.9])]), {
            "calculator": copper().calc, "images": 1, "fmax": 1.0, "steps": 1})),
        row(ASE, "temperature_series", lambda: ((copper(), [300.0, 400.0], folder()), {"picoseconds": 0.02, "engine": "ase"})),
        row(TRAIN, "format_table", lambda: ([_named(TRAIN, "Errors")("a", 1, 1, 1, 1, 1, 1, 1, 1)],)),
        row(TRAIN, "write_table", lambda: ([_named(TRAIN, "Errors")("a", 1, 1, 1, 1, 1, 1, 1, 1)], folder("t.md"))),
        row(TRAIN, "compress", lambda: (str(files()["HILLS"]), folder("out.pb"))),
        row(TRAIN, "fit", lambda: ((labelled(), folder()), {"steps": 2, "progress": False})),
        row(TRAIN, "learn", lambda: (({"a": argyrodite_atoms()}, labelled(), copper().calc, folder()), {"progress": False})),
        row(TRAIN, "learning_curve", lambda: (str(files()["HILLS"].parent),)),
        row(TRAIN, "read_frames", lambda: (str(files()["set.extxyz"]),)),
        row(TRAIN, "teacher", lambda: ()),
        row(TRAIN, "write_repulsion", lambda: (folder("t.tab"), ["Li", "S"])),
        row(TRAIN, "write_deepmd", lambda: (labelled(), folder())),
        row(TRAIN, "write_dpgen", lambda: ({"a": argyrodite_atoms()}, labelled(), folder())),
        row(TRAIN, "DpgenSettings", lambda: ()),
        row(TRAIN, "LoopSettings", lambda: ()),
        row(PLU, "analyse_metadynamics", lambda: ((str(files()["HILLS"].parent),), {"temperature": 300.0})),
        row(PLU, "check_input", lambda: (["d: DISTANCE ATOMS=1,2", "PRINT ARG=d FILE=COLVAR"], 8)),
        row(PLU, "evaluate", lambda: (["d: DISTANCE ATOMS=1,2"], [copper()])),
        row(PLU, "export", lambda: (_surface(), folder("f.csv"))),
        row(PLU, "isosurface", lambda: (_bowl(), [5.0], folder("f.html"))),
        row(PLU, "find_shells", lambda: (argyrodite_atoms(),)),
        row(PLU, "find_tetrahedra", lambda: (argyrodite_atoms(),)),
        row(PLU, "neighbouring_cages", lambda: (argyrodite_atoms(), _crystal())),
        row(PLU, "free_energy", lambda: (str(files()["HILLS"]),)),
        row(PLU, "free_energy_from_colvar", lambda: ((str(files()["COLVAR"]), ["d"]), {"temperature": 300.0})),
        row(PLU, "read_hills", lambda: (str(files()["HILLS"]),)),
        row(PLU, "metadynamics_input", lambda: ((argyrodite_atoms(), "inter-cage"), {})),
        row(PLU, "run_metadynamics", lambda: ((copper(), [
            "UNITS LENGTH=A", "d: DISTANCE ATOMS=1,4", "METAD ARG=d SIGMA=0.05 HEIGHT=0.5 PACE=7 FILE=HILLS"]), {
            "picoseconds": 0.02, "folder": folder(), "temperature": 300.0, "timestep": 2.0, "progress": False})),
        row(ARG, "overlap_table", lambda: (_energies(),)),
        row(ARG, "plot_site_energies", lambda: (_energies(),)),
        row(ARG, "plot_entropy_map", lambda: ([0.0, 0.5], [0.0, 0.5])),
        row(ARG, "relax_ordering", lambda: ((_argyrodite(), _named("ionpath_ase", "IonPath")()), {"steps": 1, "rattle": 0.0})),
        row(ARG, "write_grid", lambda: ((folder(), [_named(ARG, "inversion_grid")(0.5)[0]]), {"supercell": 1})),
    ]
)  # fmt: skip

# Called by methods of themselves in examples, or by other rows here.
BY_METHODS = {
    "ionpath.kinetics.CoordinationShells", "ionpath.kinetics.SiteNetwork", "ionpath.kinetics.Tetrahedra",
    "ionpath.softness.StructureFunctions", "ionpath_mdanalysis.CoordinationShells", "ionpath_mdanalysis.SiteNetwork",
}  # fmt: skip
SLOW = {
    "ionpath.structure.persistent_rings",
    "ionpath.structure.persistence_diagram",
    "ionpath.structure.radial_distribution",
}

# Functions that the short leg tries: they answer at once.
SHORT = {
    "ionpath.transport.nernst_einstein", "ionpath.transport.conductivity", "ionpath.transport.site_hops",
    "ionpath.transport.mean_squared_displacement", "ionpath.transport.self_van_hove", "ionpath.lattice.find_paired_cages",
    "ionpath.lattice.cage_vertices", "ionpath.free_energy.variation", "ionpath.free_energy.barrier_series",
}  # fmt: skip
# Wrong at first sight, right by what the function says of itself.
ALLOWED: dict[tuple[str, str, str], str] = {
    ("ionpath.kinetics.shell_symmetry", "positions", "1.5 of a count"): "a position, not a count",
    ("ionpath.kinetics.summarise", "matrix", "1.5 of a count"): "an entropy, not a count",
    ("ionpath.kinetics.site_occupancies", "cutoff", "nan"): "NaN stands for no cutoff",
    ("ionpath.transport.nernst_einstein", "charge", "1.5 of a count"): "an effective charge",
    ("ionpath.free_energy.FreeEnergySurface", "values", "nan array"): "NaN is what no sample has seen",
    ("ionpath.disorder.tilt_free_energy", "temperature", "1.5 of a count"): "a temperature in K, not a count",
    ("ionpath.structure.amorphisation_profile", "thickness", "1.5 of a count"): "a length in A, not a count",
    ("ionpath.transport.cage_hops", "centres", "1.5 of a count"): "a position, not a count",
    ("ionpath.structure.AmorphisationProfile", "error", "nan array"): "NaN is the error of a single frame",
    ("ionpath_ase.hop_candidates", "softness", "1.5 of a count"): "softness, not a count",
    ("ionpath_ase.training.Window.classify", "deviations", "nan array"): "what is not a number failed, as it says",
    ("ionpath_ase.training.simplify_graph", "", ""): "takes a frozen potential",
    ("ionpath_ase.training.teacher", "", ""): "needs SevenNet, which no test tool brings",
    ("ionpath_ase.training.compress", "", ""): "a potential takes minutes to compress",
    ("ionpath_ase.training.learn", "held_back", "empty"): "the default, with which a loop begins that takes hours",
    ("ionpath_ase.training.starting_structures", "names", "None"): "all structures, which take a minute",
    ("ionpath_ase.glass_ceramic", "melt", "None"): "the default melt, which takes minutes",
    ("ionpath_ase.glass_ceramic", "melt", "empty"): "the same",
}
# What is not tried, and why.
UNTRIED = {
    "ionpath_mdanalysis.anion_disorder.OrderParameter": "takes an order parameter of another package",
    "ionpath_mdanalysis.softness.softness_arrhenius": "takes several trained runs",
    "ionpath_mdanalysis.softness.plot_softness_arrhenius": "takes what softness_arrhenius returns",
    "pymatgen.analysis.argyrodite.monte_carlo": "takes an expansion fitted by smol, which need not be there",
}
