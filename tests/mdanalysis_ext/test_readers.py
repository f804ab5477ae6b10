"""Files that a Universe opens by name, with the same content as ASE reads from them."""

from __future__ import annotations

import contextlib
import gzip
import pickle
import subprocess
import sys

import ase
import ase.io
import MDAnalysis as mda
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import Trajectory
from ase.units import fs
from MDAnalysis.transformations import NoJump

from ionpath.errors import InputError
from ionpath_mdanalysis.readers.source import ByteSource
from ionpath_mdanalysis.readers.xdatcar import is_xdatcar

EV = 96.48533212331
"""1 eV in kJ/mol, CODATA 2018."""
N_FRAMES = 7
SYMBOLS = ["Li"] * 5 + ["P"] * 2 + ["S"] * 6


def frames(*, sheared: bool = True, breathing: bool = True) -> list[ase.Atoms]:
    """Walking atoms in a cell that is not along the axes."""
    rng = np.random.default_rng(2)
    base = np.array([[9.0, 0.3, -0.2], [1.5, 8.0, 0.1], [0.4, -2.0, 10.0]]) if sheared else np.diag([9.0, 8.0, 10.0])
    scaled = rng.uniform(size=(len(SYMBOLS), 3))
    images = []
    for k in range(N_FRAMES):
        scaled = scaled + rng.normal(scale=0.06, size=scaled.shape)
        cell = base * (1.0 + 0.01 * k * breathing)
        atoms = ase.Atoms(SYMBOLS, scaled_positions=scaled % 1.0, cell=cell, pbc=True)
        atoms.set_velocities(rng.normal(size=scaled.shape) * 1e-3 / fs)
        atoms.calc = SinglePointCalculator(atoms, energy=-5.0 - k, forces=rng.normal(size=scaled.shape))
        atoms.info["time"] = 0.25 * k
        images.append(atoms)
    return images


def write_xdatcar(path, images, *, constant: bool) -> None:
    """As VASP writes it: one header for a constant cell, one for each frame otherwise."""
    kinds = list(dict.fromkeys(images[0].get_chemical_symbols()))
    counts = [images[0].get_chemical_symbols().count(kind) for kind in kinds]
    with open(path, "w") as file:
        for k, atoms in enumerate(images):
            if k == 0 or not constant:
                rows = "\n".join(" ".join(f"{x:18.12f}" for x in row) for row in atoms.cell[:] / 1.5)
                file.write(f"unknown system\n  1.5\n{rows}\n {'  '.join(kinds)}\n {' '.join(map(str, counts))}\n")
            file.write(f"Direct configuration={k + 1:6d}\n")
            file.writelines(" ".join(f"{x:.10f}" for x in row) + "\n" for row in atoms.get_scaled_positions())


@pytest.fixture(params=["xdatcar", "npt-xdatcar", "extxyz", "traj"])
def file(request, tmp_path):
    """A file of each format, and the frames in it."""
    images = frames(breathing=request.param != "xdatcar")
    if request.param.endswith("xdatcar"):
        path = tmp_path / "XDATCAR"
        write_xdatcar(path, images, constant=request.param == "xdatcar")
    elif request.param == "extxyz":
        path = tmp_path / "md.extxyz"
        ase.io.write(path, images, format="extxyz")
    else:
        path = tmp_path / "md.traj"
        with Trajectory(path, "w") as writer:
            for atoms in images:
                writer.write(atoms)
    return path, images


def compress(path):
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def distances(positions, cell):
    return ase.Atoms("X" * len(positions), positions=positions, cell=cell, pbc=True).get_all_distances(mic=True)


@pytest.mark.parametrize("compressed", [False, True])
def test_content(file, compressed):
    path, images = file
    u = mda.Universe(compress(path) if compressed else path, dt=0.25)
    assert u.trajectory.n_frames == N_FRAMES
    assert u.atoms.names.tolist() == u.atoms.elements.tolist() == SYMBOLS
    assert np.allclose(u.atoms.masses, images[0].get_masses(), rtol=2e-3)
    for k in (3, 0, N_FRAMES - 1, 1, 2):
        ts = u.trajectory[k]
        assert ts.frame == k
        assert ts.time == pytest.approx(0.25 * k)
        assert np.allclose(ts.dimensions, images[k].cell.cellpar(), atol=1e-4)
        ours = distances(ts.positions.astype(float), ts.triclinic_dimensions.astype(float))
        assert np.allclose(ours, images[k].get_all_distances(mic=True), atol=2e-5)
        inverse = np.linalg.inv(ts.triclinic_dimensions.astype(float))
        scaled = images[k].get_scaled_positions(wrap=False)
        assert np.allclose(ts.positions @ inverse, scaled, atol=1e-5)


def test_forces_velocities_and_energies(file):
    path, images = file
    u = mda.Universe(path, dt=0.25)
    if path.name == "XDATCAR":
        assert not u.trajectory.ts.has_forces
        return
    for k in (4, 1):
        ts = u.trajectory[k]
        turned = images[k].get_forces() @ np.linalg.solve(images[k].cell[:], ts.triclinic_dimensions)
        assert np.allclose(ts.forces, EV * turned, rtol=1e-4, atol=1e-3)
        assert ts.data["info"]["energy"] == pytest.approx(-5.0 - k)
        if path.suffix == ".traj":
            speed = np.linalg.norm(images[k].get_velocities() * 1000 * fs, axis=1)
            assert np.allclose(np.linalg.norm(ts.velocities, axis=1), speed, rtol=1e-4)
    native = mda.Universe(path, convert_units=False).trajectory[1]
    assert np.allclose(native.forces * EV, u.trajectory[1].forces, rtol=1e-5)


def test_pickles_copies_and_slices(file):
    path, _ = file
    u = mda.Universe(path, dt=0.25)
    expected = u.trajectory.timeseries()
    u.trajectory[2]
    for other in (pickle.loads(pickle.dumps(u)), u.copy()):
        assert other.trajectory.frame == 2
        assert np.array_equal(other.trajectory.timeseries(), expected)
        other.trajectory.close()
    assert np.array_equal([ts.positions.copy() for ts in u.trajectory[5:1:-2]], expected[5:1:-2])


@pytest.mark.parametrize("name", ["XDATCAR", "md.extxyz", "md.traj"])
def test_unwrapped_positions_do_not_depend_on_the_road(tmp_path, name):
    images = frames(sheared=False, breathing=False)
    path = tmp_path / name
    if name == "XDATCAR":
        write_xdatcar(path, images, constant=True)
    else:
        ase.io.write(path, images)
    wrapped = mda.Universe(path, dt=0.25)
    jumps = np.abs(np.diff(wrapped.trajectory.timeseries(), axis=0))
    assert jumps.max() > 4.0, "the example must wrap"
    u = mda.Universe(path, dt=0.25, unwrap=True)
    in_order = np.array([ts.positions.copy() for ts in u.trajectory])
    assert np.abs(np.diff(in_order, axis=0)).max() < 4.0
    for k in (5, 1, 6, 0, 3):
        assert np.allclose(u.trajectory[k].positions, in_order[k], atol=1e-5)
    wrapped.trajectory.add_transformations(NoJump())
    assert np.allclose([ts.positions.copy() for ts in wrapped.trajectory], in_order, atol=1e-4)
    again = pickle.loads(pickle.dumps(u))
    assert np.allclose(again.trajectory[4].positions, in_order[4], atol=1e-5)


def test_long_walks_unwrap_after_jumps(tmp_path):
    rng = np.random.default_rng(5)
    walk = 5.0 + np.cumsum(rng.normal(scale=0.5, size=(700, 3, 3)), axis=0)
    images = [ase.Atoms("Li3", positions=x % 10.0, cell=[10.0] * 3, pbc=True) for x in walk]
    u = mda.Universe(images, dt=1.0, unwrap=True)
    for k in (650, 10, 300, 699, 257, 256):
        moved = u.trajectory[k].positions.copy() - u.trajectory[0].positions
        assert np.allclose(moved, walk[k] - walk[0], atol=1e-3)


def test_atoms_in_and_out():
    images = frames()
    u = mda.Universe(images, dt=0.25)
    assert u.trajectory.n_frames == N_FRAMES
    assert [ts.time for ts in u.trajectory] == pytest.approx([0.25 * k for k in range(N_FRAMES)])
    u.trajectory[3]
    back = u.atoms.convert_to("ASE")
    assert back.get_chemical_symbols() == SYMBOLS
    assert back.pbc.all()
    assert back.info["time"] == pytest.approx(0.75)
    assert np.allclose(back.cell.cellpar(), images[3].cell.cellpar(), atol=1e-4)
    assert np.allclose(back.get_all_distances(mic=True), images[3].get_all_distances(mic=True), atol=2e-5)
    assert np.allclose(back.get_masses(), images[3].get_masses())
    speeds = [np.linalg.norm(a.get_velocities(), axis=1) for a in (back, images[3])]
    assert np.allclose(*speeds, rtol=1e-4)
    assert np.allclose(*(np.linalg.norm(a.get_forces(), axis=1) for a in (back, images[3])), rtol=1e-4)
    part = mda.Universe(images[0], dt=1.0).select_atoms("name P").convert_to.ase()
    assert part.get_chemical_formula() == "P2"
    assert len(mda.Universe([images[0]]).trajectory) == 1
    assert pickle.loads(pickle.dumps(u)).trajectory[2].time == pytest.approx(0.5)


def test_molecules_without_a_cell():
    u = mda.Universe(ase.Atoms("OH2", positions=np.eye(3)), dt=1.0)
    assert u.dimensions is None
    assert not u.atoms.convert_to("ASE").pbc.any()
    with pytest.raises(InputError, match="unwrap: need a cell in every frame, got none at frame 0; read without"):
        mda.Universe(ase.Atoms("H"), unwrap=True)


def test_chains_of_files_still_work(tmp_path):
    images = frames()
    for k in (0, 1):
        ase.io.write(tmp_path / f"{k}.extxyz", images[3 * k : 3 * k + 3])
    u = mda.Universe(tmp_path / "0.extxyz", [str(tmp_path / f"{k}.extxyz") for k in (0, 1)], dt=0.25)
    assert u.trajectory.n_frames == 6


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("XDATCAR", True),
        ("XDATCAR.gz", True),
        ("XDATCAR_300K", True),
        ("run-1.XDATCAR.gz", True),
        ("XDATCAR.xyz", False),
        ("notes-on-XDATCAR.txt", False),
        ("md.xtc", False),
    ],
)
def test_names_of_xdatcar(name, expected):
    assert is_xdatcar(name) is expected
    assert not is_xdatcar(np.zeros(3))


def test_xdatcar_joined_from_restarts(tmp_path):
    images = frames(breathing=False)
    for part, chosen in (("a", images[:3]), ("b", images[3:])):
        write_xdatcar(tmp_path / part, chosen, constant=True)
    path = tmp_path / "XDATCAR"
    path.write_bytes((tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes())
    u = mda.Universe(path, dt=1.0)
    assert u.trajectory.n_frames == N_FRAMES
    scaled = u.trajectory[5].positions @ np.linalg.inv(u.trajectory.ts.triclinic_dimensions)
    assert np.allclose(scaled, images[5].get_scaled_positions(wrap=False), atol=1e-5)


def test_without_a_time_the_step_is_a_picosecond_and_said(tmp_path):
    write_xdatcar(tmp_path / "XDATCAR", frames(), constant=True)
    u = mda.Universe(tmp_path / "XDATCAR")
    with pytest.warns(UserWarning, match="Reader has no dt information, set to 1.0 ps"):
        assert u.trajectory[2].time == 2.0


def cut(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    return path


def test_broken_files(tmp_path):
    images = frames()
    write_xdatcar(tmp_path / "XDATCAR", images, constant=True)
    with pytest.raises(InputError, match="frame 6: need 13 lines of three numbers, got a frame that is cut off"):
        mda.Universe(cut(tmp_path / "XDATCAR", -100))
    (tmp_path / "XDATCAR").write_text("nothing\nat all\n")
    with pytest.raises(ValueError, match="need the header of an XDATCAR: comment, scale, three cell vectors, symbols,"):
        mda.Universe(tmp_path / "XDATCAR")
    ase.io.write(tmp_path / "md.extxyz", images)
    with pytest.raises(InputError, match="frame 6: need 15 lines, got 1., a file that is cut off; remove the lines of"):
        mda.Universe(cut(tmp_path / "md.extxyz", -300))
    (tmp_path / "md.extxyz").write_text("no number\n")
    with pytest.raises(ValueError, match="frame 0: need the number of atoms in its first line, got 'no number'"):
        mda.Universe(tmp_path / "md.extxyz")
    ase.io.write(tmp_path / "md.extxyz", [images[0], images[1][:4]])
    with pytest.raises(InputError, match="frame 1: need 13 atoms as in frame 0, got 4; a trajectory has one system"):
        mda.Universe(tmp_path / "md.extxyz")
    (tmp_path / "md.traj").write_bytes(b"something else, long enough to be read as a header of a file")
    with pytest.raises(ValueError, match="need an ASE trajectory, got something else"):
        mda.Universe(tmp_path / "md.traj")
    ase.io.write(tmp_path / "md.extxyz", images)
    compressed = cut(compress(tmp_path / "md.extxyz"), -50)
    with pytest.raises(InputError, match=r"need a complete gzip file, got a broken one \(it ends too early\); copy or"):
        mda.Universe(compressed)
    with pytest.raises(FileNotFoundError, match="absent.extxyz"):
        mda.Universe(tmp_path / "absent.extxyz")


def test_other_atoms_later_in_the_file(tmp_path):
    images = frames()
    other = images[1].copy()
    other.symbols[0] = "Na"
    for name in ("md.extxyz", "md.traj"):
        ase.io.write(tmp_path / name, [images[0], images[1], other, images[3]])
        other.info["time"] = 0.5
        u = mda.Universe(tmp_path / name, dt=0.25)
        with pytest.raises(InputError, match="frame 2: need the same atoms in the same order as in frame 0, got other"):
            u.trajectory[2]
        ase.io.write(tmp_path / name, [images[0], other])
        with pytest.raises(InputError, match="frame 1: need the same atoms in the same order as in frame 0"):
            mda.Universe(tmp_path / name)
    with pytest.raises(ValueError, match="Atoms 1 of the list: need the same atoms in the same order as in the first"):
        mda.Universe([images[0], other])


def test_bytes_of_a_gzip_file_at_any_offset(tmp_path):
    content = np.random.default_rng(0).integers(0, 40, 40 * 2**20, dtype=np.uint8).tobytes()
    path = tmp_path / "x.gz"
    half = len(content) // 2
    path.write_bytes(gzip.compress(content[:half], 1) + gzip.compress(content[half:], 1))  # two members
    source = ByteSource(path)
    assert source.compressed
    assert sum(len(block) for block in source.blocks()) == len(content)
    for at, size in ((0, 10), (39 * 2**20, 5000), (half - 3, 6), (17 * 2**20, 1), (5, 2**20), (len(content) - 4, 9)):
        assert source.read_at(at, size) == content[at : at + size]
    assert source.read_at(len(content) + 5, 3) == b""
    again = pickle.loads(pickle.dumps(source))
    assert again.read_at(half, 7) == content[half : half + 7]
    source.seek(half)
    assert source.read(4) == content[half : half + 4]
    assert source.tell() == half + 4


def write_extxyz(path, comments, velocity=None):
    """Frames of Li and S at fixed places in a cell of 10 A, each with a comment line of its own."""
    tail = "" if velocity is None else " " + " ".join(map(str, velocity))
    rows = f"Li 1.0 2.0 3.0{tail}\nS 4.0 5.0 6.0{tail}\n"
    path.write_text("".join(f"2\n{comment}\n{rows}" for comment in comments))
    return path


BOX = 'Lattice="10.0 0 0 0 10.0 0 0 0 10.0" Properties=species:S:1:pos:R:3'


@pytest.mark.filterwarnings("ignore:DCDReader currently makes independent timesteps:DeprecationWarning")
@pytest.mark.parametrize("kind", ["md.extxyz", "md.extxyz.gz", "md.traj", "md.traj.gz", "atoms"])
def test_dt_is_that_of_the_times(tmp_path, kind):
    """By every road that multiplies by dt: memory, other formats, totaltime."""
    images = frames()
    path = tmp_path / kind.removesuffix(".gz")
    if kind != "atoms":
        ase.io.write(path, images)
        path = compress(path) if kind.endswith(".gz") else path
    thing = images if kind == "atoms" else path
    u = mda.Universe(thing)
    assert u.trajectory.dt == pytest.approx(0.25, rel=1e-12)
    assert u.trajectory.totaltime == pytest.approx(0.25 * (N_FRAMES - 1), rel=1e-12)
    assert [ts.time for ts in u.trajectory] == pytest.approx([0.25 * k for k in range(N_FRAMES)])
    memory = mda.Universe(thing, in_memory=True)
    assert [ts.time for ts in memory.trajectory] == pytest.approx([0.25 * k for k in range(N_FRAMES)])
    u.atoms.write(tmp_path / "copy.dcd", frames="all")
    copy = mda.Universe(thing, str(tmp_path / "copy.dcd"))
    assert copy.trajectory.dt == pytest.approx(0.25, rel=1e-6)
    with pytest.warns(UserWarning, match=r"dt=1 ps is used; the file says 0.25 ps between its first frames") as told:
        other = mda.Universe(thing, dt=1.0)
    assert told[0].filename == __file__  # the line of the user, through calls of the host
    assert [ts.time for ts in other.trajectory[:3]] == [0.0, 1.0, 2.0]
    assert other.trajectory.dt == 1.0


def test_a_time_without_a_unit_is_not_guessed(tmp_path):
    """GPUMD writes Time in fs and velocities in A/fs, LAMMPS Time in the units of its input."""
    comments = [f"Time={100.0 * k:.8f} {BOX}:vel:R:3" for k in range(1, 5)]
    path = write_extxyz(tmp_path / "dump.extxyz", comments, velocity=(0.001, 0.002, 0.003))
    for name in (path, compress(path)):
        with pytest.raises(
            InputError,
            match=r"need the unit of Time, which this key does not say, got Time=100\.0; pass time_unit='fs' if GPUMD",
        ):
            mda.Universe(name)
        u = mda.Universe(name, time_unit="fs")
        assert [ts.time for ts in u.trajectory] == pytest.approx([0.1, 0.2, 0.3, 0.4])
        assert u.trajectory.dt == pytest.approx(0.1)
        assert np.allclose(u.atoms.velocities, [1.0, 2.0, 3.0])
        u = mda.Universe(name, dt=0.5)  # the remedy as it is typed, without a unit for velocities
        assert u.trajectory[3].time == 1.5
        assert not u.trajectory.ts.has_velocities
    atoms = ase.Atoms("Li", info={"Time": 5.0})
    with pytest.raises(InputError, match="Atoms, frame 0: need the unit of Time"):
        mda.Universe(atoms)
    with pytest.raises(InputError, match="time_unit: need one of 'fs', 'ps', 'ns', got 'minutes'"):
        mda.Universe(path, time_unit="minutes")


def test_keys_that_say_their_unit(tmp_path):
    for key, dt in (("time_fs", 0.05), ("time_ps", 50.0), ("time", 50.0)):
        path = write_extxyz(tmp_path / "md.extxyz", [f"{BOX} {key}={50.0 * k}" for k in range(3)])
        doubted = pytest.warns(UserWarning, match="time= is taken as ps, 50 ps between frames; if it is in fs, pass")
        with doubted if key == "time" else contextlib.nullcontext():
            assert mda.Universe(path).trajectory.dt == pytest.approx(dt)
    assert mda.Universe(path, time_unit="fs").trajectory.dt == pytest.approx(0.05)  # what it advises, without a warning
    assert mda.Universe(path, time_unit="ps").trajectory.dt == pytest.approx(50.0)
    # CP2K counts in fs in a comment line of its own, which is not extended XYZ: there is no time in it for us.
    path = write_extxyz(tmp_path / "cp2k.extxyz", [f" i = {k}, time = {50.0 * k:.3f}, E = -1.0" for k in range(3)])
    u = mda.Universe(path)
    assert u.trajectory.ts.data["info"] == {}
    with pytest.warns(UserWarning, match="Reader has no dt information"):
        assert u.trajectory[1].time == 1.0


def test_velocities_of_ase_in_extended_xyz(tmp_path):
    images = frames(sheared=False)
    ase.io.write(tmp_path / "md.extxyz", images)
    u = mda.Universe(tmp_path / "md.extxyz")
    assert "momenta" in (tmp_path / "md.extxyz").read_text()
    for k in (0, 4):
        assert np.allclose(u.trajectory[k].velocities, images[k].get_velocities() * 1000 * fs, atol=1e-4)


@pytest.mark.parametrize("name", ["md.extxyz", "md.traj", "atoms"])
def test_times_increase_and_every_frame_has_one(tmp_path, name):
    images = frames()
    images[3].info["time"], images[4].info["time"] = 1.0, 0.75
    thing = images
    if name != "atoms":
        thing = tmp_path / name
        ase.io.write(thing, images)
    u = mda.Universe(thing)
    u.trajectory[3]
    with pytest.raises(InputError, match=r"frame 4: need a time after the 1 ps of frame 3, got 0.75 ps; if frames"):
        u.trajectory[4]
    assert mda.Universe(images, dt=0.25).trajectory[4].time == 1.0, "the remedy works"
    del images[5].info["time"]
    images[6].info["time"] = -1.0
    if name != "atoms":
        ase.io.write(thing, images)
    with pytest.raises(InputError, match="frame 6: need a time after the 0 ps of frame 0, got -1 ps"):
        mda.Universe(thing)
    images[6].info["time"] = 2.0
    if name != "atoms":
        ase.io.write(thing, images)
    u = mda.Universe(thing)
    with pytest.raises(InputError, match="frame 5: need a time after the 0 ps of frame 0, got none"):
        u.trajectory[5]


def test_joined_xdatcars_are_compared_header_by_header(tmp_path):
    images = frames(breathing=False)
    first, second = tmp_path / "a", tmp_path / "b"
    path = tmp_path / "XDATCAR"
    write_xdatcar(first, images[:3], constant=True)
    order = np.argsort(SYMBOLS)[::-1]  # S before P before Li
    for chosen, got in ((order, "S6 P2 Li5"), (order[:-1], "S6 P2 Li4"), (order[order > 0], "S6 P2 Li4")):
        write_xdatcar(second, [atoms[chosen] for atoms in images[3:]], constant=True)
        path.write_bytes(first.read_bytes() + second.read_bytes())
        with pytest.raises(
            InputError,
            match=f"frame 3: need the atoms of the first header, Li5 P2 S6, in the same order, got {got}; read each",
        ):
            mda.Universe(path, dt=0.1)
    write_xdatcar(second, images[3:], constant=False)  # a run with a variable cell after one without
    path.write_bytes(first.read_bytes() + second.read_bytes())
    assert mda.Universe(path, dt=0.1).trajectory.n_frames == N_FRAMES


def test_fused_columns_are_parted_at_minus_signs(tmp_path):
    """As pymatgen reads them too: fixed Fortran columns touch where a number is negative."""
    rng = np.random.default_rng(0)
    scaled = rng.uniform(size=(3, 4, 3)) - [0.0, 1.0, 0.0]

    def write(row):
        text = "run\n1.0\n15 0 0\n0 15 0\n0 0 15\nLi S\n1 3\n"
        for k, frame in enumerate(scaled):
            text += f"Direct configuration= {k + 1:5d}\n" + "".join(row % tuple(x) for x in frame)
        (tmp_path / "XDATCAR").write_text(text)

    write(" %11.8f%11.8f %11.8f\n")
    assert "-" in (tmp_path / "XDATCAR").read_text().splitlines()[8].lstrip("- ").split()[0]
    u = mda.Universe(tmp_path / "XDATCAR", dt=0.1)
    assert np.allclose(u.trajectory.timeseries(), 15 * scaled, atol=1e-6)
    scaled[:] = abs(scaled)
    write(" %10.8f%10.8f %11.8f\n")  # nothing parts these
    with pytest.raises(InputError, match=r"frame 2: need 4 lines of three numbers, got '.*' in line 1 of them"):
        mda.Universe(tmp_path / "XDATCAR", dt=0.1)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("configuration=     4", "configuration=     5", "frame 3: need configuration 4 after 3, got 5, so that"),
        ("0.5000000000 0.2500000000 0.1250000000\n", "", "frame 2: need 13 lines of three numbers, got 12 lines"),
        ("0.5000000000 0.2500000000", "0.5000000000\n0.2500000000", "frame 2: need 13 lines of three numbers, got 14"),
        ("0.5000000000", "nan", "frame 2: need 13 lines of three numbers, got 'nan 0.25.*' in line 1 of them"),
        ("0.5000000000", "0.5 0.5", "frame 2: need 13 lines of three numbers, got '0.5 0.5 0.25.*' in line 1"),
        ("0.5000000000", "0.5x", "frame 2: need 13 lines of three numbers, got '0.5x 0.25.*' in line 1 of them"),
        ("Direct configuration=     3\n", "", "frame 1: need 13 lines of three numbers, got 26 lines"),
    ],
)  # fmt: skip
def test_damaged_xdatcar_names_frame_and_line(tmp_path, old, new, message):
    images = frames(breathing=False)
    images[2].set_scaled_positions([[0.5, 0.25, 0.125]] * len(SYMBOLS))
    write_xdatcar(tmp_path / "XDATCAR", images, constant=True)
    text = (tmp_path / "XDATCAR").read_text()
    assert old in text
    (tmp_path / "XDATCAR").write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        for _ in mda.Universe(tmp_path / "XDATCAR", dt=0.25).trajectory:
            pass


@pytest.mark.parametrize("name", ["slab.extxyz", "slab.traj", "atoms"])
def test_a_slab_has_no_third_vector(tmp_path, name, lithium):
    from ionpath_mdanalysis import IonDiffusion

    rng = np.random.default_rng(1)
    images = [
        ase.Atoms("Li2S", positions=rng.uniform(size=(3, 3)), cell=[9, 9, 0], pbc=[1, 1, 0], info={"time": 0.1 * k})
        for k in range(30)
    ]
    thing = images
    if name != "atoms":
        thing = tmp_path / name
        ase.io.write(thing, images)
    u = mda.Universe(thing)
    assert u.dimensions is None
    with pytest.raises(
        InputError, match=r"box: need a periodic cell in every frame, got vector 3 of length 0 at frame"
    ):
        IonDiffusion(u.select_atoms("element Li")).run()


@pytest.mark.parametrize("name", ["md.extxyz", "md.traj", "atoms"])
def test_atoms_and_cells_beyond_any_simulation(tmp_path, name):
    """A damaged exponent gives positions of 1e30 A, which single precision would turn to inf or lose."""
    for change, message in (
        (
            lambda atoms: atoms.positions.__setitem__((0, 0), 1e30),
            r"frame 2: need positions below 1e\+07 A, got others",
        ),
        (lambda atoms: atoms.set_cell([1e9, 8, 8]), r"frame 2: need cell vectors below 1e\+07 A, got others"),
        (
            lambda atoms: atoms.set_cell([9, 8, 0]),
            "frame 2: need a cell with a volume in all frames or in none, got none",
        ),
    ):
        thing = images = frames()
        change(images[2])
        if name != "atoms":
            thing = tmp_path / name
            ase.io.write(thing, images)
        u = mda.Universe(thing)
        with pytest.raises(InputError, match=message):
            u.trajectory[2]


@pytest.mark.parametrize("name", ["dump.xyz", "dump.xyz.gz"])
def test_extended_xyz_under_the_name_of_plain_xyz(tmp_path, name):
    from ionpath_mdanalysis import IonDiffusion

    path = write_extxyz(tmp_path / "dump.xyz", [f"{BOX} time={0.1 * k}" for k in range(30)])
    path = compress(path) if name.endswith(".gz") else path
    with pytest.raises(
        InputError,
        match=r"the file is extended XYZ: .*Universe\(.*, format='EXTXYZ', topology_format='EXTXYZ'\), or end its name",
    ):
        IonDiffusion(mda.Universe(path, dt=0.1).select_atoms("name Li")).run()
    u = mda.Universe(path, format="EXTXYZ", topology_format="EXTXYZ")
    assert u.dimensions[0] == 10.0
    assert u.trajectory.dt == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["a.extxyz", "a.extxyz.gz", "a.xyz"])
def test_a_byte_order_mark_is_no_part_of_a_number(tmp_path, name):
    frame = '2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3 time={}\nLi 0 0 0\nCl 2 0 0\n'
    text = b"\xef\xbb\xbf" + "".join(frame.format(0.5 * k) for k in range(3)).encode()
    (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    u = mda.Universe(tmp_path / name, format="EXTXYZ", topology_format="EXTXYZ")
    assert [ts.time for ts in u.trajectory] == [0.0, 0.5, 1.0]  # ps
    assert u.atoms.elements.tolist() == ["Li", "Cl"]


def test_files_of_other_kinds_are_named(tmp_path):
    for name in ("md.extxyz", "md.traj", "XDATCAR"):
        path = tmp_path / name
        path.write_bytes(b"")
        with pytest.raises(InputError, match="need at least one frame, got an empty file; write it again"):
            mda.Universe(path)
        path.write_bytes(b"BZh91AY&SY")
        with pytest.raises(InputError, match="need a plain or gzip file, got bzip2; decompress it first"):
            mda.Universe(path)
        path.unlink()
        path.mkdir()
        with pytest.raises(InputError, match="need a file, got a folder; name a file in it"):
            mda.Universe(path)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_script_that_imports_mdanalysis_alone(tmp_path):
    """What ionpath installs at start-up makes the formats known, and imports neither ASE nor deeptime."""
    write_xdatcar(tmp_path / "XDATCAR", frames(), constant=True)
    code = (
        "import sys, MDAnalysis as mda\n"
        f"u = mda.Universe({str(tmp_path / 'XDATCAR')!r}, dt=0.1)\n"
        "print(len(u.trajectory), 'ase' in sys.modules, 'deeptime' in sys.modules)\n"
        "print(mda.__spec__.loader.get_source('MDAnalysis') is not None, 'exec_module' in vars(mda.__loader__))\n"
    )
    assert run(code).splitlines() == [f"{N_FRAMES} False False", "True False"]


def test_asking_whether_mdanalysis_is_there_does_not_lose_the_formats():
    code = (
        "import importlib.util, sys\n"
        "assert importlib.util.find_spec('MDAnalysis') is not None and 'MDAnalysis' not in sys.modules\n"
        "import MDAnalysis; print('EXTXYZ' in MDAnalysis._READERS, 'TRAJ' in MDAnalysis._PARSERS)\n"
    )
    assert run(code) == "True True"


def test_a_failure_of_ours_leaves_mdanalysis_working():
    code = (
        "import sys, warnings; sys.modules['ionpath_mdanalysis'] = None\n"
        "with warnings.catch_warnings(record=True) as seen:\n"
        "    warnings.simplefilter('always')\n"
        "    import MDAnalysis\n"
        "print(MDAnalysis.Universe.__name__, sum('could not add its file formats' in str(w.message) for w in seen))\n"
    )
    assert run(code) == "Universe 1"


def test_a_format_that_mdanalysis_brings_is_left_to_it(monkeypatch):
    from ionpath_mdanalysis.readers import registry

    assert registry.register() == ()
    theirs = object()
    monkeypatch.setitem(mda._READERS, "XDATCAR", theirs)
    registry.register()
    assert mda._READERS["XDATCAR"] is theirs


@pytest.mark.parametrize("name", ["Li6PS5Cl-0p-run1", "Li6PS5Cl-50p-run1"])
def test_real_xdatcar(shared_data, name):
    path = shared_data / "aimd" / f"{name}.XDATCAR.gz"
    u = mda.Universe(path, dt=0.1)
    with gzip.open(path, "rt") as file:
        last = ase.io.read(file, index=-1, format="vasp-xdatcar")
    assert u.trajectory.n_frames == 140
    u.trajectory[-1]
    chosen = u.atoms[::20].convert_to("ASE")
    assert np.allclose(chosen.get_all_distances(mic=True), last[::20].get_all_distances(mic=True), atol=1e-5)


def test_real_extxyz(shared_data):
    path = shared_data / "dft" / "beta-Li3PS4.extxyz.gz"
    u = mda.Universe(path, dt=0.5)
    with gzip.open(path, "rt") as file:
        frame = ase.io.read(file, index=57, format="extxyz")
    ts = u.trajectory[57]
    assert np.allclose(ts.positions, frame.positions, atol=1e-5)
    assert np.allclose(ts.forces, EV * frame.get_forces(), rtol=1e-5, atol=1e-3)
