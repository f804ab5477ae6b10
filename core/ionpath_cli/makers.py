"""jobflow Makers, for groups that live on atomate2 or quacc: what ionpath does as jobs, without a cluster or with one.

They can be imported without jobflow; making a job says what to install.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ionpath.documented import documented
from ionpath.errors import require
from ionpath.files import made_folder
from ionpath.occupancies import check_ordered
from ionpath_cli.trajectory import select, without_times

INSTALL = 'pip install "ionpath[jobflow]"'

try:
    from jobflow import Maker
except ModuleNotFoundError:

    @dataclass
    class Maker:  # type: ignore[no-redef]
        """Stands in where jobflow is missing, so that this module can be imported."""

        name: str = "Maker"


__all__ = ["DiffusionMaker", "MDMaker", "PathEntropyMaker", "SiteInversionMaker", "StudyMaker"]


def _job(name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    job = require("jobflow", purpose="jobs and flows", install=INSTALL).job(function)(*arguments, **options)
    job.name = name
    return job


@documented
@dataclass
class MDMaker(Maker):
    """Molecular dynamics."""

    name: str = "molecular dynamics"  # name of the job
    # keywords of `ionpath_ase.run_md`: temperature, picoseconds, model and others
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, structure: Any) -> Any:
        """Make the job that starts from a pymatgen Structure.

        Its output has ``topology``, ``trajectory``, ``log`` (absolute paths), the last ``structure``, the
        ``temperature`` in K and the ``mean_temperature`` of the second half.
        """
        return _job(self.name, _dynamics, structure, **self.options)


@documented
@dataclass
class PathEntropyMaker(Maker):
    """Path entropies of one trajectory."""

    name: str = "path entropy"  # name of the job
    mobile: str = "element Li"  # selection of the mobile ions
    frame_time: float | None = None  # time between frames in ps, for files that do not say
    # keywords of `MDAnalysis.analysis.path_entropy.PathEntropy`: lag, definition and others
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, topology: str, trajectory: str) -> Any:
        """Make the job for the files of an argyrodite that MDAnalysis reads.

        Its output has the estimates ``total``, ``mean_per_pair`` and ``escape``, the ``verdict`` of the Markov model,
        the ``lag_time`` in ps, and the ``file`` of the whole analysis.
        """
        return _job(self.name, _path_entropy, topology, trajectory, self.frame_time, self.mobile, **self.options)


@documented
@dataclass
class DiffusionMaker(Maker):
    """Diffusion and conductivity of one trajectory."""

    name: str = "diffusion"  # name of the job
    mobile: str = "element Li"  # selection of the mobile ions
    frame_time: float | None = None  # time between frames in ps, for files that do not say
    # keywords of `MDAnalysis.analysis.ion_transport.IonDiffusion`: window, charge and others
    options: dict[str, Any] = field(default_factory=dict)

    def make(self, topology: str, trajectory: str, temperature: float) -> Any:
        """Make the job for files that MDAnalysis reads, at a temperature in K.

        Its output has the estimates ``diffusion_coefficient``, ``conductivity`` and ``haven_ratio``, the ``verdict``,
        and the ``file`` of the whole analysis.
        """
        where = (topology, trajectory, self.frame_time)
        return _job(self.name, _diffusion, *where, self.mobile, temperature, **self.options)


@documented
@dataclass
class SiteInversionMaker(Maker):
    """Exchange of sulfur and halide in an argyrodite."""

    name: str = "site inversion"  # name of the job
    inversion: float = 0.5  # fraction of the free-sulfur orbit that halide takes
    seed: int = 0  # seed of the arrangement

    def make(self, structure: Any) -> Any:
        """Make the job for an argyrodite; its output is the structure."""
        return _job(self.name, _inverted, structure, self.inversion, self.seed)


@documented
@dataclass
class StudyMaker(Maker):
    """All steps of a study as one flow, in a folder that every worker sees."""

    name: str = "study"  # name of the flow
    study: str = "guan2024"  # name of a study that comes with ionpath, or a TOML file
    folder: str = "study"  # where results go; what is finished there is kept
    # keywords of `ionpath_cli.study.make_plan`: budget (hours), only, lengths (ps), processes
    options: dict[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """Make the flow: one job for each step; the output of the last one is the comparison, a list of rows."""
        from ionpath_cli.study import load_study, make_plan
        from ionpath_cli.study.tasks import task_keys

        jobflow = require("jobflow", purpose="jobs and flows", install=INSTALL)
        plan = make_plan(load_study(self.study), **self.options)
        keys = task_keys(plan.tasks)
        folder = str(Path(self.folder).resolve())
        jobs: dict[str, Any] = {}
        for task in plan.tasks:
            parents = [jobs[name].output for name in task.inputs]
            jobs[task.name] = _job(task.name, _step, asdict(task), keys[task.name], folder, parents)
        outcomes = [job.output for job in jobs.values()]
        last = _job("comparison", _comparison, self.study, folder, dict(self.options), outcomes)
        return jobflow.Flow([*jobs.values(), last], output=last.output, name=self.name)


def _dynamics(structure: Any, **options: Any) -> dict[str, Any]:
    from pymatgen.io.ase import AseAtomsAdaptor

    from ionpath_ase import run_md

    check_ordered(structure)
    atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
    done = run_md(atoms, **{"trajectory": Path("trajectory.xtc").resolve(), "progress": False, **options})
    files = {"topology": done.topology, "trajectory": done.trajectory, "log": done.log}
    return {
        **{name: str(path.resolve()) for name, path in files.items()},
        "structure": AseAtomsAdaptor.get_structure(done.atoms),
        "temperature": float(options.get("temperature", 300.0)),
        "mean_temperature": done.mean_temperature,
    }


@without_times()
def _path_entropy(
    topology: str, trajectory: str, frame_time: float | None, mobile: str, **options: Any
) -> dict[str, Any]:
    from MDAnalysis.analysis.path_entropy import CoordinationShells, PathEntropy

    ions = _ions(topology, trajectory, mobile)
    shells = CoordinationShells.for_argyrodite(ions.universe, mobile=mobile)
    found = PathEntropy(ions, shells=shells, frame_time=frame_time, verbose=False, **options).run()
    about = _kept(found, "path-entropy.npz", found.results.uncertainty, "total", "mean_per_pair", "escape")
    return {**about, "lag_time": float(found.results.lag_time)}


@without_times()
def _diffusion(
    topology: str, trajectory: str, frame_time: float | None, mobile: str, temperature: float, **options: Any
) -> dict[str, Any]:
    from MDAnalysis.analysis.ion_transport import IonDiffusion

    ions = _ions(topology, trajectory, mobile)
    found = IonDiffusion(ions, temperature=temperature, frame_time=frame_time, verbose=False, **options).run()
    return _kept(found, "diffusion.npz", found.results, "diffusion_coefficient", "conductivity", "haven_ratio")


def _ions(topology: str, trajectory: str, mobile: str) -> Any:
    import MDAnalysis as mda

    return select(mda.Universe(topology, trajectory), mobile, "mobile")


def _kept(found: Any, file: str, results: Any, *names: str) -> dict[str, Any]:
    """Estimates and verdict of an analysis, and the file that holds all of it."""
    found.save(file)
    estimates = {name: getattr(results, name) for name in names}
    return {**estimates, "verdict": str(found.results.verdict), "file": str(Path(file).resolve())}


def _inverted(structure: Any, inversion: float, seed: int) -> Any:
    from pymatgen.transformations.site_inversion import SiteInversionTransformation

    return SiteInversionTransformation(inversion, seed=seed).apply_transformation(structure)


def _step(task: Mapping[str, Any], key: str, folder: str, parents: list[Mapping[str, Any]]) -> dict[str, Any]:
    from ionpath_cli.study.tasks import Outcome, Task, perform

    made_folder(folder)
    step = Task(**{**task, "inputs": tuple(task["inputs"])})
    return asdict(perform(step, key, folder, *(Outcome(**parent) for parent in parents)))


def _comparison(study: str, folder: str, options: Mapping[str, Any], outcomes: list[Mapping[str, Any]]) -> list[Any]:
    from ionpath_cli.intact import read_json
    from ionpath_cli.study import load_study, make_plan
    from ionpath_cli.study.output import write_comparison

    write_comparison(make_plan(load_study(study), **options), Path(folder))
    return list(read_json(Path(folder) / "comparison.json")["rows"])
