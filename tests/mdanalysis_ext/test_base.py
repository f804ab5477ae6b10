"""What every analysis has from its base: blocks, checks, files, and how it shows itself."""

from __future__ import annotations

import json

import numpy as np
import pytest
from MDAnalysis import Universe, Writer
from MDAnalysis.lib.mdamath import triclinic_vectors
from MDAnalysis.transformations import translate

from ionpath.errors import InputError, MissingDependency
from ionpath.estimate import Estimate
from ionpath_mdanalysis import PathEntropy, _checks, _store
from ionpath_mdanalysis._base import IonAnalysis
from ionpath_mdanalysis._frames import cell_vectors, direct_frames


class MeanPosition(IonAnalysis):
    """Mean position of the ions relative to the edge of the cell."""

    _even_times = True
    __references__ = ("guan2024",)

    def __init__(self, mobile, others=None, **options):
        super().__init__(mobile, others, parameters={"colour": "blue"}, **options)

    def _prepare_block(self):
        self._rows = []
        self._sizes = []

    def _process(self, chunk):
        self._sizes.append(len(chunk.frames))
        self._rows.append(chunk.positions["mobile"].mean(axis=1) / chunk.cells[:, 0, :1])

    def _block_results(self):
        return {"rows": np.concatenate(self._rows), "largest": max(self._sizes)}

    def _finish(self, blocks):
        self.results.mean = np.concatenate([block["rows"] for block in blocks])
        self.results.largest_chunk = max(block["largest"] for block in blocks)
        self.results.first = float(self.results.mean[0, 0])
        self.results.estimate = Estimate(1.0, 0.5, 0.0, 2.0, "A")
        self.results.nothing = None
        self.results.pair = (1, [2.5, "x"])

    def _table(self):
        return {"time": self.times, "x": self.results.mean[:, 0], "units": {"time": "ps"}}


@pytest.fixture
def small():
    u = Universe.empty(6, trajectory=True)
    u.add_TopologyAttr("name", ["Li"] * 4 + ["S"] * 2)
    positions = np.random.default_rng(0).uniform(0, 10, (23, 6, 3)).astype("f4")
    return u.load_new(positions, order="fac", dimensions=[10, 10, 10, 90, 90, 90], dt=0.5)


@pytest.mark.parametrize(
    "how",
    [
        {"n_parts": 4},
        {"backend": "multiprocessing", "n_workers": 2},
        {"backend": "multiprocessing", "n_workers": 2, "n_parts": 5},
    ],
)
def test_all_backends_give_the_same(small, how):
    ions = small.select_atoms("name Li")
    serial = MeanPosition(ions).run()
    other = MeanPosition(ions).run(**how)
    assert np.array_equal(serial.results.mean, other.results.mean)
    assert np.array_equal(serial.times, other.times)
    assert np.array_equal(serial.frames, other.frames)


class Everything(MeanPosition):
    """All that was read."""

    def _process(self, chunk):
        self._sizes.append(len(chunk.frames))
        self._rows.append(
            np.concatenate([chunk.positions["mobile"].reshape(len(chunk.frames), -1), chunk.dimensions], 1)
        )


@pytest.fixture
def xtc(small, tmp_path):
    """The same frames as XTC, in a cell that changes shape in frame 10."""
    rng = np.random.default_rng(1)
    with Writer(str(tmp_path / "md.xtc"), 6) as writer:
        for k, ts in enumerate(small.trajectory):
            ts.dimensions = [10, 10, 10, 90, 90, 90] if k < 10 else [10, 11, 12, 88, 90 + rng.normal(), 86]
            writer.write(small.atoms)
    return lambda **options: Universe(small._topology, str(tmp_path / "md.xtc"), to_guess=(), **options)


@pytest.mark.parametrize(
    "how", [{}, {"step": 3}, {"frames": [3, 7, 11]}, {"backend": "multiprocessing", "n_workers": 2}]
)
@pytest.mark.parametrize("options", [{}, {"dt": 0.2}, {"convert_units": False}])
def test_frames_straight_from_a_file_are_those_of_the_reader(xtc, how, options, monkeypatch):
    u = xtc(**options)
    assert direct_frames(u.trajectory, np.arange(23)) is not None
    u.trajectory[4]
    group = u.atoms[[0, 4, 2]]
    fast = Everything(group).run(**how)
    assert u.trajectory.frame == (4 if "backend" in how else 0)
    monkeypatch.setattr("ionpath_mdanalysis._base.direct_frames", lambda reader, frames: None)
    slow = Everything(group).run(**{k: how[k] for k in how if k in ("step", "frames")})
    assert np.array_equal(fast.results.mean, slow.results.mean)  # A and degrees, bit by bit
    assert np.array_equal(fast.times, slow.times)
    assert np.array_equal(fast.frames, slow.frames)


def test_readers_that_do_more_than_read_are_left_to_it(xtc):
    u = xtc()
    u.trajectory.add_transformations(translate([1.0, 0.0, 0.0]))
    assert direct_frames(u.trajectory, np.arange(23)) is None
    assert direct_frames(xtc(in_memory=True).trajectory, np.arange(23)) is None
    plain = MeanPosition(xtc().atoms).run().results.mean[0, 0]
    assert MeanPosition(u.atoms).run().results.mean[0, 0] == pytest.approx(plain + 0.1, abs=1e-6)  # of a cell of 10 A


@pytest.mark.parametrize("size", [1, 5, 23, 100])
def test_chunks_change_nothing_but_memory(small, size):
    ions = small.select_atoms("name Li")
    run = MeanPosition(ions, {"framework": small.select_atoms("name S")}, chunk_frames=size).run()
    assert run.results.largest_chunk == min(size, 23)
    expected = [ions.positions.mean(axis=0) / 10 for _ in small.trajectory]
    assert np.allclose(run.results.mean, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("choice", "frames"),
    [
        ({}, range(23)),
        ({"start": 3}, range(3, 23)),
        ({"stop": -2, "step": 4}, range(0, 21, 4)),
        ({"frames": [2, 4, 6]}, (2, 4, 6)),
    ],
)
def test_start_stop_step(small, choice, frames):
    run = MeanPosition(small.select_atoms("name Li")).run(**choice)
    assert run.n_frames == len(frames)
    assert np.array_equal(run.frames, list(frames))
    assert np.allclose(run.times, 0.5 * np.array(list(frames)))
    assert run.frame_time == pytest.approx(0.5 * (frames[1] - frames[0]))


def test_scattered_atoms_are_read_in_their_order(small):
    ions = small.atoms[[5, 0, 3]]
    run = MeanPosition(ions).run()
    small.trajectory[0]
    assert np.allclose(run.results.mean[0], ions.positions.mean(axis=0) / 10, rtol=1e-6)


def test_a_frame_time_replaces_that_of_the_file(small):
    run = MeanPosition(small.select_atoms("name Li"), frame_time=0.02).run(step=2)
    assert run.frame_time == pytest.approx(0.04)
    assert run.times[-1] == pytest.approx(22 * 0.02)


def test_save_and_load(small, tmp_path):
    run = MeanPosition(small.select_atoms("name Li")).run()
    run.save(tmp_path / "mean.npz")
    again = MeanPosition.load(tmp_path / "mean.npz")
    for key, value in run.results.items():
        assert np.array_equal(again.results[key], value) if isinstance(value, np.ndarray) else True
    assert again.results.estimate == Estimate(1.0, 0.5, 0.0, 2.0, "A")
    assert again.results.pair == (1, [2.5, "x"])
    assert again.results.nothing is None
    assert again.parameters == {"colour": "blue"}
    assert np.array_equal(again.times, run.times)
    assert again.to_dataframe().equals(run.to_dataframe())
    assert repr(again) == repr(run)
    with np.load(tmp_path / "mean.npz") as file:
        assert json.loads(str(file["__json__"]))["ionpath"]
    with pytest.raises(InputError, match="run: need a trajectory, got results loaded from a file; make a new Mean"):
        again.run()


def test_files_of_others_are_refused(small, tmp_path):
    MeanPosition(small.select_atoms("name Li")).run().save(tmp_path / "mean.npz")
    with pytest.raises(InputError, match="need results of PathEntropy, got results of MeanPosition; load it with"):
        PathEntropy.load(tmp_path / "mean.npz")
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(InputError, match=r"need a file written by .save\(\), got something else"):
        MeanPosition.load(tmp_path / "text.npz")
    with pytest.raises(FileNotFoundError, match="none.npz"):
        MeanPosition.load(tmp_path / "none.npz")


def test_a_failed_save_leaves_the_old_file(small, tmp_path):
    run = MeanPosition(small.select_atoms("name Li")).run()
    run.save(tmp_path / "mean.npz")
    before = (tmp_path / "mean.npz").read_bytes()
    run.results.thing = object()
    with pytest.raises(InputError, match="thing: need arrays, numbers, texts, or results of ionpath, got object"):
        run.save(tmp_path / "mean.npz")
    assert (tmp_path / "mean.npz").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["mean.npz"]


def test_only_dataclasses_of_ours_are_made_from_files(tmp_path):
    for name in ("os:system", "ionpath.estimate:Estimate.__str__"):
        tree = {
            "format": 1,
            "ionpath": "0",
            "metadata": {"dict": {}},
            "values": {"x": {"dataclass": name, "fields": {}}},
        }
        np.savez(tmp_path / "evil.npz", __json__=np.array(json.dumps(tree)))
        with pytest.raises(InputError, match="dataclass: need a (class|dataclass) of ionpath"):
            _store.read(tmp_path / "evil.npz")


def test_how_it_shows_itself(small, capsys):
    run = MeanPosition(small.select_atoms("name Li"))
    assert repr(run) == "<MeanPosition: mobile 4 atoms, state not run yet>"
    with pytest.raises(InputError, match=r"MeanPosition: need results, got none yet; call .run\(\) first"):
        run.to_dataframe()
    run.run()
    assert "frames 23, 0.5 ps apart" in repr(run)
    assert "<td>blue</td>" in run._repr_html_()
    assert run.to_dataframe().attrs["units"] == {"time": "ps"}
    run.cite()
    assert "arXiv:2412.07115" in capsys.readouterr().out


def test_progress_bar(small, capsys):
    MeanPosition(small.select_atoms("name Li")).run(verbose=True)
    assert "23/23" in capsys.readouterr().err


def test_without_pandas(small, monkeypatch):
    run = MeanPosition(small.select_atoms("name Li")).run()
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingDependency, match="pandas is needed for tables and was not found; install it with: pip"):
        run.to_dataframe()


def test_empty_selection(small):
    with pytest.raises(InputError, match="mobile: need at least one atom, got an empty selection; the universe holds"):
        MeanPosition(small.select_atoms("name Na"))


def test_what_is_no_group(small):
    with pytest.raises(InputError, match="mobile: need an MDAnalysis AtomGroup, got str"):
        MeanPosition("name Li")
    with pytest.raises(InputError, match="mobile: need the same atoms in every frame, got an updating AtomGroup"):
        MeanPosition(small.select_atoms("name Li", updating=True))
    with pytest.raises(InputError, match="framework: need atoms of the same universe as mobile, got atoms of another"):
        MeanPosition(small.atoms, {"framework": small.copy().atoms})


def test_no_box(small):
    u = Universe.empty(2, trajectory=True)
    u.load_new(np.zeros((3, 2, 3), "f4"), order="fac", dt=1.0)
    with pytest.raises(InputError, match="box: need a periodic cell in every frame, got none at frame 0; set it with"):
        MeanPosition(u.atoms).run()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_coordinates_that_are_no_numbers(small, value):
    u = small.copy()
    u.trajectory.get_array()[7, 2, 1] = value
    with pytest.raises(
        InputError, match="coordinates of mobile: need finite numbers, got .* at frame 7, atom 2 of the"
    ):
        MeanPosition(u.atoms, chunk_frames=5).run()


def test_too_few_frames(small):
    class Pairs(MeanPosition):
        _min_frames = 2

    with pytest.raises(InputError, match="frames: need at least 2 frames, got 1; check start, stop and step"):
        Pairs(small.atoms).run(stop=1)
    with pytest.raises(InputError, match="frames: need at least 1 frame, got 0"):
        MeanPosition(small.atoms).run(stop=0)


def test_times_that_do_not_increase(small):
    with pytest.raises(InputError, match="times of the frames: need times that increase, got 2 ps then 1 ps; give the"):
        MeanPosition(small.atoms).run(frames=[2, 4, 2])
    with pytest.raises(InputError, match="times of the frames: need equal steps, got steps from 0.5 to 1 ps"):
        MeanPosition(small.atoms).run(frames=[2, 4, 5])
    with pytest.raises(InputError, match="times of the frames: need times that increase, got 0 ps then 0 ps"):
        _checks.even_frame_time(np.zeros(3))


def test_times_in_single_precision_are_even():
    times = (1000.0 + 0.02 * np.arange(60001)).astype(np.float32).astype(float)
    assert _checks.even_frame_time(times) == pytest.approx(0.02, rel=1e-4)
    late = (1e6 + 0.02 * np.arange(100)).astype(np.float32).astype(float)
    assert _checks.even_frame_time(late) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("bad", [{"frame_time": -1.0}, {"frame_time": np.nan}, {"chunk_frames": 0}])
def test_options_that_cannot_be(small, bad):
    with pytest.raises(InputError, match="need (a positive time in ps|at least 1), got"):
        MeanPosition(small.atoms, **bad)


def test_elements(small):
    with pytest.raises(InputError, match="mobile: need chemical elements in the topology, got none; call u.guess"):
        _checks.elements_of(small.atoms, "mobile")
    small.add_TopologyAttr("elements", ["Li"] * 4 + ["S", ""])
    with pytest.raises(InputError, match="need chemical elements in the topology, got atoms without an element"):
        _checks.elements_of(small.atoms, "mobile")
    assert _checks.elements_of(small.atoms[:2]).tolist() == ["Li", "Li"]


def test_cell_vectors_are_those_of_mdanalysis():
    rng = np.random.default_rng(1)
    boxes = np.concatenate([rng.uniform(8, 30, (50, 3)), rng.uniform(60, 115, (50, 3))], axis=1)
    boxes[0, 3:] = 90.0
    for box, cell in zip(boxes, cell_vectors(boxes), strict=True):
        expected = triclinic_vectors(box.astype("f4"), dtype=np.float64)
        assert np.allclose(cell, expected, atol=1e-4) or not expected.any()
    assert np.isnan(cell_vectors(np.full((1, 6), np.nan))).any()
