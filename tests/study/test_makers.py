"""jobflow Makers, run on this machine without a server, and what they say where jobflow is missing."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

jobflow = pytest.importorskip("jobflow")
stores = pytest.importorskip("maggma.stores")

from ionpath_cli.makers import DiffusionMaker, MDMaker, PathEntropyMaker, SiteInversionMaker, StudyMaker  # noqa: E402  # after the check that jobflow is there

# monty deprecates a function that jobflow uses
pytestmark = pytest.mark.filterwarnings("ignore:cd is deprecated:FutureWarning")


def run(what: Any, folder: Path) -> dict[str, Any]:
    """Output of every job by its name."""
    store = jobflow.JobStore(stores.MemoryStore())
    found = jobflow.run_locally(what, store=store, log=False, root_dir=folder, create_folders=True, ensure_success=True)
    return {store.query_one({"uuid": uuid})["name"]: next(iter(out.values())).output for uuid, out in found.items()}


def test_structure_to_trajectory(tmp_path: Path) -> None:
    from pymatgen.analysis.argyrodite import analyse, argyrodite

    inversion = SiteInversionMaker(inversion=0.5, seed=1).make(argyrodite())
    options = {"temperature": 600.0, "picoseconds": 0.04, "interval": 0.02, "model": "argyrodite.2", "processes": 1}
    dynamics = MDMaker(options=options).make(inversion.output)
    found = run(jobflow.Flow([inversion, dynamics]), tmp_path)
    assert analyse(found["site inversion"]).inversion == 0.5  # two of the four sites of the free sulfur
    out = found["molecular dynamics"]
    assert len(out["structure"]) == 52 and out["temperature"] == 600.0  # K
    import MDAnalysis as mda

    assert len(mda.Universe(out["topology"], out["trajectory"]).trajectory) == 3  # 0, 0.02 and 0.04 ps


def test_trajectory_to_estimates(tmp_path: Path, shared_data: Path) -> None:
    """Ab initio trajectory of Li6PS5Cl with 50 % inversion at 500 K: the same numbers as from the classes."""
    file = str(shared_data / "aimd" / "Li6PS5Cl-50p-run1.XDATCAR.gz")
    paths = PathEntropyMaker(frame_time=0.1, options={"lag": 5, "n_samples": 10}).make(file, file)
    diffusion = DiffusionMaker(frame_time=0.1).make(file, file, 500.0)
    found = run(paths, tmp_path) | run(diffusion, tmp_path)
    import MDAnalysis as mda
    from MDAnalysis.analysis.ion_transport import IonDiffusion
    from MDAnalysis.analysis.path_entropy import PathEntropy

    total, saved = found["path entropy"]["total"], PathEntropy.load(found["path entropy"]["file"])
    assert total.unit == "J/mol/K" and total.value == pytest.approx(saved.results.total, rel=1e-9)
    assert found["path entropy"]["lag_time"] == pytest.approx(0.5)  # ps
    universe = mda.Universe(file, dt=0.1)
    direct = IonDiffusion(universe.select_atoms("element Li"), temperature=500.0, verbose=False).run()
    D, expected = found["diffusion"]["diffusion_coefficient"], direct.results.diffusion_coefficient
    assert D.unit == "A^2/ps"
    for got, want in ((D.value, expected.value), (D.high, expected.high)):
        assert got == pytest.approx(want, rel=1e-6, nan_ok=True)
    assert math.isfinite(D.high)


@pytest.mark.filterwarnings("ignore:No mass column found in dump file")
def test_frames_of_a_lammps_dump_are_as_far_apart_as_is_said(tmp_path: Path) -> None:
    """MDAnalysis multiplies the steps of a dump by `dt`: 50 steps a frame would make D 50 times too small."""
    import MDAnalysis as mda

    from ionpath.data import example

    start, trajectory = map(str, example())
    atoms, lines = mda.Universe(start, trajectory).atoms, []
    for k, ts in enumerate(atoms.universe.trajectory):
        sides = [f"0 {length:.6f}" for length in ts.dimensions[:3]]
        rows = [f"{i + 1} {x:.5f} {y:.5f} {z:.5f}" for i, (x, y, z) in enumerate(ts.positions)]
        lines += ["ITEM: TIMESTEP", str(50 * k), "ITEM: NUMBER OF ATOMS", str(len(rows)), "ITEM: BOX BOUNDS pp pp pp"]
        lines += [*sides, "ITEM: ATOMS id x y z", *rows]
    dump = tmp_path / "run.lammpsdump"
    dump.write_text("\n".join(lines) + "\n")
    apart = float(atoms.universe.trajectory.dt)  # ps
    maker = DiffusionMaker(frame_time=apart)
    found = [run(maker.make(start, file, 600.0), tmp_path)["diffusion"] for file in (trajectory, str(dump))]
    one, two = (out["diffusion_coefficient"] for out in found)
    assert (one.unit, two.high) == ("A^2/ps", pytest.approx(one.high, rel=0.02))


def test_a_study_is_a_flow(tmp_path: Path) -> None:
    """Row 49 needs no run: 2 ln 2 R, and the mean over inversions is largest at x = 0.25 (Jang et al., Eq. 3)."""
    maker = StudyMaker(study="jang2025", folder=str(tmp_path / "study"), options={"only": [49]})
    found = run(maker.make(), tmp_path)
    assert found["across/mixing"]["state"] == "done"
    (row,) = found["comparison"]
    assert row["number"] == 49 and row["verdict"] == "agrees"
    assert (tmp_path / "study" / "comparison.html").exists()
    again = run(maker.make(), tmp_path)
    assert again["across/mixing"]["state"] == "kept"


def test_without_jobflow_the_makers_import_and_say_what_to_install() -> None:
    code = (
        "import sys; sys.modules['jobflow'] = None\n"
        "from ionpath_cli.makers import MDMaker\n"
        "from ionpath.errors import MissingDependency\n"
        "try: MDMaker(options={'temperature': 300}).make(None)\n"
        "except MissingDependency as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        'jobflow is needed for jobs and flows and was not found; install it with: pip install "ionpath[jobflow]"'
    )
