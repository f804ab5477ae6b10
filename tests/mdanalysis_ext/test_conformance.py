"""MDAnalysis' own tests of readers, run on ours, and its rules for parallel analyses."""

from __future__ import annotations

import ase.io
import numpy as np
import pytest
from MDAnalysis.analysis.backends import BackendMultiprocessing
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.transformations import set_dimensions, translate

from ionpath_mdanalysis import MarkovStates, PathEntropy, ShellStates
from ionpath_mdanalysis.readers.asetraj import AseTrajReader
from ionpath_mdanalysis.readers.extxyz import ExtxyzReader
from ionpath_mdanalysis.readers.xdatcar import XDATCARReader

base = pytest.importorskip(
    "MDAnalysisTests.coordinates.base", reason="needs MDAnalysisTests: pip install --no-deps MDAnalysisTests"
)
OURS = (ShellStates, MarkovStates, PathEntropy)


class Reference(base.BaseReference):
    """The five frames that MDAnalysis tests all formats with, written by ASE or as VASP would."""

    def __init__(self, reader, path):
        super().__init__()
        self.reader, self.trajectory = reader, str(path)
        self.changing_dimensions = True
        self.prec = 4
        images = []
        for k in range(self.n_frames):
            box = self.dimensions_second_frame if k == 1 else self.dimensions
            images.append(ase.Atoms("LiPSCl2", positions=2**k * self.first_frame.positions, cell=box, pbc=True))
            images[-1].info["time"] = float(k)
        if reader is XDATCARReader:
            self._write_xdatcar(images)
        else:
            ase.io.write(self.trajectory, images)

    def _write_xdatcar(self, images):
        with open(self.trajectory, "w") as file:
            for k, atoms in enumerate(images):
                rows = "\n".join(" ".join(f"{x:.15f}" for x in row) for row in atoms.cell[:])
                file.write(f"cell\n1.0\n{rows}\nLi P S Cl\n1 1 1 2\nDirect configuration= {k + 1}\n")
                scaled = atoms.get_scaled_positions(wrap=False)
                file.writelines(" ".join(f"{x:.15f}" for x in row) + "\n" for row in scaled)


def as_mdanalysis_warns(cls):
    """MDAnalysis' tests use a deprecated argument, compare a Timestep without a time, and move atoms straight."""
    for message in (
        "asel argument to timeseries:DeprecationWarning", "Reader has no dt information:UserWarning",
        ".*time= is taken as ps:UserWarning",
    ):  # fmt: skip
        cls = pytest.mark.filterwarnings(f"ignore:{message}")(cls)
    return cls


class OurReaderTest(base.MultiframeReaderTest):
    """Our formats are read only, so that the two tests of writers do not apply."""

    test_get_writer_1 = None
    test_get_writer_2 = None

    @pytest.fixture
    @staticmethod
    def transformed(ref):
        reader = ref.reader(ref.trajectory, dt=1.0)
        reader.add_transformations(translate([1, 1, 1]), translate([0, 0, 0.33]))
        return reader


@as_mdanalysis_warns
class TestXDATCAR(OurReaderTest):
    @pytest.fixture
    @staticmethod
    def ref(tmp_path):
        return Reference(XDATCARReader, tmp_path / "XDATCAR")

    @pytest.fixture
    @staticmethod
    def reader(ref):
        return _with_auxiliaries(XDATCARReader(ref.trajectory, dt=1.0), ref)


@as_mdanalysis_warns
class TestExtxyz(OurReaderTest):
    @pytest.fixture
    @staticmethod
    def ref(tmp_path):
        return Reference(ExtxyzReader, tmp_path / "md.extxyz")

    @pytest.fixture
    @staticmethod
    def reader(ref):
        return _with_auxiliaries(ExtxyzReader(ref.trajectory, dt=1.0), ref)


@as_mdanalysis_warns
class TestAseTraj(OurReaderTest):
    @pytest.fixture
    @staticmethod
    def ref(tmp_path):
        return Reference(AseTrajReader, tmp_path / "md.traj")

    @pytest.fixture
    @staticmethod
    def reader(ref):
        return _with_auxiliaries(AseTrajReader(ref.trajectory, dt=1.0), ref)


def _with_auxiliaries(reader, ref):
    for name, file, step in (("lowf", ref.aux_lowf, ref.aux_lowf_dt), ("highf", ref.aux_highf, ref.aux_highf_dt)):
        reader.add_auxiliary(name, file, dt=step, initial_time=0, time_selector=None)
    return reader


@pytest.mark.parametrize("cls", OURS)
def test_classes_are_parallel_analyses(cls):
    assert issubclass(cls, AnalysisBase)
    assert cls._analysis_algorithm_is_parallelizable
    assert cls.get_supported_backends() == ("serial", "multiprocessing", "dask")


def test_parallelizable(lithium, shells):
    assert ShellStates(lithium, shells).parallelizable


@pytest.mark.parametrize(
    ("choice", "frames"),
    [
        ({}, np.arange(600)),
        ({"start": 20}, np.arange(20, 600)),
        ({"stop": 20}, np.arange(20)),
        ({"step": 20}, np.arange(0, 600, 20)),
        ({"start": 20, "step": 30}, np.arange(20, 600, 30)),
        ({"start": 10, "stop": 50, "step": 7}, np.arange(10, 50, 7)),
        ({"frames": [4, 5, 6]}, np.array([4, 5, 6])),
        ({"frames": np.arange(600) % 2 == 0}, np.arange(0, 600, 2)),
    ],
)
@pytest.mark.parametrize("how", [{}, {"backend": "multiprocessing", "n_workers": 2}])
def test_frames_and_times(lithium, shells, choice, frames, how):
    run = ShellStates(lithium, shells).run(**choice, **how)
    assert run.n_frames == len(frames)
    assert np.array_equal(run.frames, frames)
    assert np.allclose(run.times, 0.1 * frames, atol=1e-4)
    assert len(run.results.states) == len(frames)


def test_frames_cannot_be_given_twice(lithium, shells):
    with pytest.raises(ValueError, match="start/stop/step cannot be combined with frames"):
        ShellStates(lithium, shells).run(frames=[0, 1], start=0)


def test_more_parts_than_frames(lithium, shells):
    with pytest.warns(UserWarning, match="Set `n_parts` to 4 to match the total number of frames being analyzed"):
        run = ShellStates(lithium, shells).run(stop=4, n_parts=9)
    assert run.n_frames == 4


def test_no_progress_bar_in_parallel(lithium, shells):
    with pytest.raises(ValueError, match="Can not display progressbar with non-serial backend"):
        ShellStates(lithium, shells).run(backend="multiprocessing", n_workers=2, verbose=True)


def test_a_backend_object(lithium, shells):
    backend = BackendMultiprocessing(n_workers=2)
    run = ShellStates(lithium, shells).run(backend=backend, unsupported_backend=True)
    assert np.array_equal(run.results.sites, ShellStates(lithium, shells).run().results.sites)
    with pytest.raises(ValueError, match="n_workers specified twice"):
        ShellStates(lithium, shells).run(backend=backend, n_workers=3, unsupported_backend=True)


def test_transformations_that_cannot_be_split_are_refused(universe, shells):
    u = universe.copy()
    u.trajectory.add_transformations(set_dimensions([18, 18, 18, 90, 90, 90], parallelizable=False))
    with pytest.raises(ValueError, match="Trajectory should not have associated unparallelizable transformations"):
        ShellStates(u.select_atoms("name Li"), shells).run(backend="multiprocessing", n_workers=2)


def test_running_twice_gives_the_same(lithium, shells):
    states = ShellStates(lithium, shells)
    first = states.run().results.sites
    assert np.array_equal(states.run().results.sites, first)
    assert len(states.run(stop=50).results.sites) == 50


def test_progress_bar(lithium, shells, capsys):
    ShellStates(lithium, shells, verbose=True).run(stop=30)
    assert "30/30" in capsys.readouterr().err
