"""Runs in one trajectory of which one repeats a stretch of the one before: refused at every door, and only then."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError

pytest.importorskip("ionpath_mdanalysis", reason="the MDAnalysis plugin is not installed")

import ase.io
import MDAnalysis as mda
from MDAnalysis.lib.mdamath import triclinic_box

from ionpath_mdanalysis import IonDiffusion, NonAffineDisplacement

N, EDGE = 8, 12.0  # atoms; A
FRAME_TIME = 0.1  # ps


def walk(n_frames: int, seed: int = 0) -> np.ndarray:
    """Atoms that move on by 0.1 A from frame to frame, as ions that vibrate do in 0.1 ps."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0, EDGE, (1, N, 3)) + np.cumsum(rng.normal(0, 0.1, (n_frames, N, 3)), axis=0)


def write_xdatcar(path: Path, *runs: np.ndarray) -> Path:
    lines = []
    for run in runs:
        lines += ["joined", "1.0", *(" ".join(map(str, row)) for row in EDGE * np.eye(3)), "Li", str(N)]
        for k, frame in enumerate(run, 1):
            lines += [f"Direct configuration= {k:5d}", *(" ".join(f"{x:.8f}" for x in row) for row in frame / EDGE % 1)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_dump(path: Path, run: np.ndarray) -> Path:
    with path.open("w") as file:
        for step, frame in enumerate(run):
            file.write(f"ITEM: TIMESTEP\n{50 * step}\nITEM: NUMBER OF ATOMS\n{N}\nITEM: BOX BOUNDS pp pp pp\n")
            file.write(f"0 {EDGE}\n" * 3 + "ITEM: ATOMS id type xu yu zu\n")
            file.writelines(f"{k + 1} 1 {x:.5f} {y:.5f} {z:.5f}\n" for k, (x, y, z) in enumerate(frame))
    return path


def universe(folder: Path, kind: str, first: np.ndarray, second: np.ndarray) -> Any:
    if kind == "XDATCAR":
        return mda.Universe(str(write_xdatcar(folder / "XDATCAR", first, second)))
    if kind == "XDATCARs":
        files = [write_xdatcar(folder / f"XDATCAR_{k}", run) for k, run in enumerate((first, second))]
        return mda.Universe(str(files[0]), [str(file) for file in files])
    if kind == "dump":
        files = [str(write_dump(folder / f"{k}.lammpstrj", run)) for k, run in enumerate((first, second))]
        made = mda.Universe(
            files[0], files, format="LAMMPSDUMP", topology_format="LAMMPSDUMP", lammps_coordinate_convention="unwrapped"
        )
        made.add_TopologyAttr("elements", ["Li"] * N)
        return made
    frames = mda.Universe.empty(N, trajectory=True)
    frames.add_TopologyAttr("elements", ["Li"] * N)
    files = []
    for k, run in enumerate((first, second)):
        files.append(str(folder / f"{k}.{kind}"))
        with mda.Writer(files[-1], N) as writer:
            for frame in run:
                frames.atoms.positions = frame
                frames.dimensions = [EDGE] * 3 + [90.0] * 3
                writer.write(frames.atoms)
    made = mda.Universe.empty(N)
    made.add_TopologyAttr("elements", ["Li"] * N)
    made.load_new(files)
    return made


def diffusion(u: Any, **run: Any) -> Any:
    return IonDiffusion(u.select_atoms("element Li"), temperature=600.0, frame_time=FRAME_TIME).run(**run)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["XDATCAR", "XDATCARs", "xtc", "dcd", "dump"])
@pytest.mark.parametrize("back", [2, 15])
def test_a_restart_that_repeats_frames_is_refused(tmp_path: Path, kind: str, back: int) -> None:
    frames = walk(80)
    u = universe(tmp_path, kind, frames[:40], frames[40 - back :])
    with pytest.raises(
        InputError,
        match=rf"trajectory: need runs that go on .*, got frame 40 the same as frame {40 - back}, .*stop=40 and with",
    ):
        diffusion(u)
    assert diffusion(u, stop=40).n_frames == 40  # what the message advises
    assert diffusion(u, start=40).n_frames == 40 + back


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["XDATCAR", "XDATCARs", "xtc", "dcd", "dump"])
def test_runs_that_go_on_are_taken(tmp_path: Path, kind: str) -> None:
    frames = walk(80)
    assert diffusion(universe(tmp_path, kind, frames[:40], frames[40:])).n_frames == 80


@pytest.mark.filterwarnings("ignore")
def test_atoms_that_stand_still_between_events_repeat_nothing(tmp_path: Path) -> None:
    frames = walk(80)
    frames[20:60] = frames[20]
    assert diffusion(universe(tmp_path, "XDATCARs", frames[:40], frames[40:])).n_frames == 80


@pytest.mark.filterwarnings("ignore")
def test_times_that_go_back_into_a_run_are_refused(tmp_path: Path) -> None:
    """An xtc that a restart appended to, whose times say it where no join does, also with `frame_time`."""
    frames, path = walk(80), tmp_path / "appended.xtc"
    u = mda.Universe.empty(N, trajectory=True)
    u.dimensions = [EDGE] * 3 + [90.0] * 3
    with mda.Writer(str(path), N) as writer:
        for k in [*range(40), *range(25, 80)]:
            u.atoms.positions, u.trajectory.ts.time = frames[k], k * FRAME_TIME
            u.trajectory.ts.data["time"] = k * FRAME_TIME
            writer.write(u.atoms)
    made = mda.Universe.empty(N)
    made.add_TopologyAttr("elements", ["Li"] * N)
    made.load_new(str(path))
    with pytest.raises(InputError, match=r"trajectory: need runs that go on .*, got 3.9 ps then 2.5 ps, .*stop=40 and"):
        diffusion(made)
    assert diffusion(made, stop=40).n_frames == 40


def joined(run: np.ndarray, analysis: Any = IonDiffusion, dt: float = FRAME_TIME, **options: Any) -> Any:
    """A run of 24 ions among 8 atoms at rest, in one file that says nothing of joins, and an analysis of it."""
    rng = np.random.default_rng(1)
    still = np.arange(8)[:, None] // [4, 2, 1] % 2 * 6.0 + rng.normal(0, 0.02, (len(run), 8, 3))
    u = mda.Universe.empty(32, trajectory=True)
    u.add_TopologyAttr("elements", ["Li"] * 24 + ["S"] * 8)
    box = np.tile([EDGE, EDGE, EDGE, 90, 90, 90], (len(run), 1))
    u.load_new(np.concatenate([run, still], axis=1).astype(np.float32), order="fac", dimensions=box, dt=dt)
    return analysis(u.atoms[:24], u.atoms[24:], **options)


def softness(mobile: Any, rest: Any) -> Any:
    """Non-affine displacements, on whose frames the classes of softness stand."""
    mobile.universe.add_TopologyAttr("masses", [6.94] * 24 + [32.06] * 8)
    return NonAffineDisplacement(mobile, mobile + rest, lag=5, cutoff=5.9)


ROADS: list[dict[str, Any]] = [{}, {"backend": "multiprocessing", "n_workers": 1, "n_parts": 3}]


@pytest.mark.parametrize("road", ROADS, ids=["serial", "parts"])
@pytest.mark.parametrize("join", [60, 100])
def test_unwrapped_runs_that_were_wrapped_between_are_refused(join: int, road: dict[str, Any]) -> None:
    """Image flags that a restart set to zero: the mean squared displacement was 2.5 times too large, without a word.

    The walk goes on, so that the true one is that of the whole walk, 0.03 A^2 a frame; 100 is where a part begins.
    """
    rng = np.random.default_rng(3)
    walk = rng.uniform(0, EDGE, (1, 24, 3)) + np.cumsum(rng.normal(0, 0.5, (300, 24, 3)), axis=0)
    again = walk.copy()
    again[join:] -= np.floor(walk[join] / EDGE) * EDGE
    told = (
        rf"coordinates: need unwrapped ones .*, got leaps of \d+ by whole cells from frame {join - 1} to {join}; pass"
    )
    with pytest.raises(InputError, match=told):
        joined(again).run(**road)
    with pytest.raises(InputError, match=told[:-4] + "wrap the coordinates of all frames"):
        joined(again, softness).run(**road)
    right = joined(walk).run(**road).results.msd
    assert right[1:60] == pytest.approx(0.75 * np.arange(1, 60), rel=0.15)  # A^2
    assert joined(again, unwrap=True).run(**road).results.msd == pytest.approx(right, rel=1e-4)  # what is advised


@pytest.mark.parametrize("road", ROADS, ids=["serial", "parts"])
@pytest.mark.parametrize("join", [60, 100])
def test_runs_of_other_ions_positions_are_warned_of(join: int, road: dict[str, Any]) -> None:
    """Two runs in one file without a sign of it, the second from other positions; or frames that are missing."""
    rng = np.random.default_rng(3)
    walk = rng.uniform(0, EDGE, (1, 24, 3)) + np.cumsum(rng.normal(0, 0.1, (300, 24, 3)), axis=0)
    other = walk.copy()
    other[join:] += rng.normal(0, 1.0, (24, 3))  # A
    told = rf"half of the ions move 1.\d A from frame {join - 1} to {join}, and 0.15 A between others: .* stop={join}"
    for run in (other, other % EDGE):
        for analysis in (IonDiffusion, softness):
            with pytest.warns(UserWarning, match=told):
                joined(run, analysis).run(**road)
    for analysis in (IonDiffusion, softness):
        joined(walk, analysis).run(**road)  # without a word


def test_the_frames_of_softness_are_those_of_thermal_motion() -> None:
    walk = np.random.default_rng(3).normal(0, 0.1, (60, 24, 3)).cumsum(axis=0) + 6.0
    with pytest.warns(
        UserWarning, match="mobile ions move 0.17 A .* 0.001 ps apart; thermal motion takes them 0.027 A"
    ):
        joined(walk, softness, dt=0.001).run()


def test_long_steps_of_exact_coordinates_are_no_leaps() -> None:
    """Hops of 7 A in a cell of 12 A, and steps far beyond the cell, are taken as they are."""
    rng = np.random.default_rng(3)
    start = rng.uniform(0, EDGE, (1, 24, 3))
    hops = 7.0 * rng.choice([-1, 0, 1], (300, 24, 3), p=[0.01, 0.98, 0.01]) + rng.normal(0, 0.05, (300, 24, 3))
    for steps in (hops, rng.normal(0, 20.0, (300, 24, 3))):
        assert not joined(start + np.cumsum(steps, axis=0)).run().results.unwrapped


@pytest.mark.parametrize("road", ROADS, ids=["serial", "parts"])
def test_another_cell_of_the_same_lattice_is_refused(road: dict[str, Any]) -> None:
    """As LAMMPS turns a skewed cell into another one: the drift in coordinates of the first made 3 times the motion."""
    rng = np.random.default_rng(3)
    cells = np.repeat(np.array([[EDGE, 0, 0], [5.9, EDGE, 0], [0, 0, EDGE]])[None], 200, axis=0)
    cells[:, 1, 0] += np.linspace(0, 0.2, 200)
    cells[100:, 1, 0] -= EDGE  # where a part begins
    walk = rng.uniform(0, EDGE, (1, 24, 3)) + np.cumsum(rng.normal(0, 0.3, (200, 24, 3)), axis=0)
    boxes = np.array([triclinic_box(*cell) for cell in cells])
    u = mda.Universe.empty(24, trajectory=True)
    u.load_new(walk.astype(np.float32), order="fac", dimensions=boxes, dt=FRAME_TIME)
    told = (
        r"box: need a cell whose vectors .*, got .* \(5.9 12 0\) .* \(-5.999 12 0\) .* at frame 100; analyse the parts"
    )
    with pytest.raises(InputError, match=told):
        IonDiffusion(u.atoms[:12]).run(**road)
    for part in ({"stop": 100}, {"start": 100}):
        assert IonDiffusion(u.atoms[:12]).run(**part, **road).results.msd[1] == pytest.approx(0.29, rel=0.1)  # A^2


@pytest.mark.filterwarnings("ignore:Reader has no dt information")
def test_a_long_run_that_is_there_twice(tmp_path: Path) -> None:
    """Its first frame lies further back than a restart goes."""
    run = walk(230)
    with pytest.raises(InputError, match="got frame 230 the same as frame 0"):
        diffusion(universe(tmp_path, "XDATCARs", run, run))


@pytest.mark.parametrize("kind", ["pdb", "extxyz", "Atoms", "data"])
def test_a_structure_in_another_order_than_the_trajectory_is_refused(tmp_path: Path, kind: str) -> None:
    """It gives every ion the way of another atom: the mean squared displacement was 40 % too small, without a word."""
    rng = np.random.default_rng(0)
    still = np.arange(27)[:, None] // [9, 3, 1] % 3 * 4.0 + 1.0
    walk = rng.uniform(0, EDGE, (1, 12, 3)) + np.cumsum(rng.normal(0, 0.3, (50, 12, 3)), axis=0)
    frames = np.concatenate([walk, still + rng.normal(0, 0.05, (50, 27, 3))], axis=1)
    order, names = rng.permutation(39), np.array(["Li"] * 12 + ["S"] * 27)
    box = np.tile([EDGE, EDGE, EDGE, 90, 90, 90], (50, 1))
    u = mda.Universe.empty(39, trajectory=True)
    u.load_new(frames.astype(np.float32), order="fac", dimensions=box, dt=FRAME_TIME)
    with warnings.catch_warnings(action="ignore"):
        u.atoms.write(tmp_path / "a.xtc", frames="all")
    for rows, fits in ((np.arange(39), True), (order, False)):
        atoms = ase.Atoms(names[rows], positions=frames[0, rows], cell=[EDGE] * 3, pbc=True)
        given: Any = atoms
        options = {"atom_style": "id type x y z", "topology_format": "DATA"} if kind == "data" else {}
        if kind == "data":
            given = str(tmp_path / f"{fits}.data")
            ase.io.write(given, atoms, format="lammps-data", atom_style="atomic", masses=True, specorder=["Li", "S"])
        elif kind != "Atoms":
            given = str(tmp_path / f"{fits}.{kind}")
            ase.io.write(given, atoms, format={"pdb": "proteindatabank"}.get(kind, kind))
        with warnings.catch_warnings(action="ignore"):
            made = mda.Universe(given, str(tmp_path / "a.xtc"), **options)
        ions = made.select_atoms("type 1" if kind == "data" else "name Li")
        if fits:
            assert IonDiffusion(ions).run().results.msd[1] == pytest.approx(0.28, rel=0.1)  # A^2
            continue
        named = "the atoms given" if kind == "Atoms" else f"False.{kind}"
        told = f"a.xtc with {named}: need the same atoms in the same order, got framework atoms .*; name the structure"
        with pytest.raises(InputError, match=told):
            IonDiffusion(ions).run()
