"""Times that no file says are refused, by every reader and every class that gives a time, a rate or a diffusivity."""

from __future__ import annotations

import warnings

import ase
import ase.io
import h5py
import MDAnalysis as mda
import numpy as np
import pytest
from MDAnalysis.transformations.boxdimensions import set_dimensions

from ionpath.errors import InputError
from ionpath.softness import StructureFunctions
from ionpath_mdanalysis import (
    AnionSpeciation,
    CoordinationShells,
    IonDiffusion,
    IonHops,
    MarkovStates,
    NonAffineDisplacement,
    NonGaussianParameter,
    PathEntropy,
    SelfVanHove,
    ShellStates,
    Softness,
    TetrahedronTilt,
)
from ionpath_mdanalysis._base import IonAnalysis
from ionpath_mdanalysis.example import hopping_universe

SENTENCE = (
    "frame_time: need the time between the frames of the trajectory in ps, got none: {} does not say it.*frame_time="
)
FUNCTIONS = StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=8.0)
BOX = [18.0, 18.0, 18.0, 90.0, 90.0, 90.0]


@pytest.fixture(scope="module")
def source():
    return hopping_universe(60)


@pytest.fixture(scope="module")
def files(source, tmp_path_factory):
    """The same frames, 0.1 ps apart, in every format; those of ASE without a time."""
    folder = tmp_path_factory.mktemp("times")
    frames = [ase.Atoms(source.atoms.elements, ts.positions, cell=BOX[:3], pbc=True) for ts in source.trajectory]
    with warnings.catch_warnings(action="ignore"):
        for name in ("a.xyz", "a.pdb", "a.xtc", "a.trr", "a.dcd", "a.trz"):
            source.atoms.write(folder / name, frames="all")
    for name, fmt in (("a.extxyz", "extxyz"), ("a.traj", "traj"), ("XDATCAR", "vasp-xdatcar")):
        ase.io.write(folder / name, frames, format=fmt)
    with open(folder / "a.lammpstrj", "w") as dump:
        for k, atoms in enumerate(frames):
            dump.write(f"ITEM: TIMESTEP\n{50 * k}\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n")
            dump.write("0 18\n" * 3 + "ITEM: ATOMS id type x y z\n")
            for i, (symbol, place) in enumerate(zip(atoms.symbols, atoms.positions, strict=True)):
                dump.write(f"{i + 1} {1 if symbol == 'Li' else 2} {place[0]:.4f} {place[1]:.4f} {place[2]:.4f}\n")
    return folder


def opened(source, path, **options):
    options |= {"format": "LAMMPSDUMP"} if path.suffix == ".lammpstrj" else {}
    with warnings.catch_warnings(action="ignore"):
        u = mda.Universe(source._topology, str(path), **options)
    if u.dimensions is None:
        u.trajectory.add_transformations(set_dimensions(BOX))
    return u.atoms[:24]


@pytest.mark.filterwarnings("ignore:Reader has no dt information", "ignore:DCDReader currently")
@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("name", ["a.xyz", "a.pdb", "a.extxyz", "a.traj", "XDATCAR", "a.lammpstrj"])
def test_files_without_times_are_refused_by_every_reader(source, files, name, in_memory):
    ions = opened(source, files / name, in_memory=in_memory)
    with pytest.raises(InputError, match=SENTENCE.format(name)):
        IonDiffusion(ions).run()
    run = IonDiffusion(ions, frame_time=0.1).run()  # what is advised works
    assert run.frame_time == pytest.approx(0.1)
    assert run.results.diffusion_coefficient.value == pytest.approx(1.65, rel=0.05)  # A^2/ps, as in XTC below
    if in_memory:
        return  # MDAnalysis takes no dt= then
    told = opened(source, files / name, dt=0.1 / (50 if name == "a.lammpstrj" else 1))
    assert IonDiffusion(told).run().frame_time == pytest.approx(0.1, rel=1e-6)  # a dump: of a step of LAMMPS


def test_a_dump_opened_with_the_time_between_frames_is_refused(source, files):
    """MDAnalysis multiplies the steps by dt: 50 steps a frame made a diffusion coefficient 50 times too small."""
    ions = opened(source, files / "a.lammpstrj", dt=0.1)
    with pytest.raises(InputError, match="dt: need the time step of the run in ps.*5 ps apart; .* frame_time=0.1"):
        IonDiffusion(ions).run()
    told = IonDiffusion(ions, frame_time=0.1).run()
    assert told.results.diffusion_coefficient.value == pytest.approx(1.65, rel=0.05)  # A^2/ps, as in XTC below


def test_lengths_in_nm_are_warned_of(source):
    """In nm all atoms stand on one another in a cell in A, no ion leaves its place, and the bound was 100 too low."""
    small = mda.Universe(source._topology, 0.1 * source.trajectory.timeseries(order="fac"), order="fac", dt=0.1)
    small.trajectory.add_transformations(set_dimensions(BOX))
    with pytest.warns(UserWarning, match="half of the atoms are within 0.2.* A of another one: positions are"):
        IonDiffusion(small.atoms[:24]).run()


@pytest.mark.filterwarnings("ignore:DCDReader currently")
@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("name", ["a.xtc", "a.trr", "a.dcd", "a.trz"])
def test_files_with_times_need_no_word(source, files, name, in_memory):
    """Written by MDAnalysis, which tells a DCD file 1 ps unless it is told otherwise."""
    run = IonDiffusion(opened(source, files / name, in_memory=in_memory)).run()
    assert run.frame_time == pytest.approx(0.1, rel=1e-5)
    assert run.results.diffusion_coefficient.value == pytest.approx(1.65, rel=0.05)  # A^2/ps


@pytest.mark.filterwarnings("ignore:DCDReader currently")
@pytest.mark.parametrize(
    "title", [b"Created by DCD plugin", b"REMARK CP2K DCD file created by CP2K version 2024.1", b"Written by LAMMPS"]
)
def test_dcd_files_of_programs_with_times_of_their_own_are_refused(source, files, tmp_path, title):
    """VMD and mdtraj write 1 in CHARMM's units, 0.049 ps, whatever the time is; CP2K and LAMMPS write fs or ps."""
    content = (files / "a.dcd").read_bytes()
    (tmp_path / "b.dcd").write_bytes(content[:100] + title.ljust(80) + content[180:])
    ions = opened(source, tmp_path / "b.dcd")
    with pytest.raises(InputError, match=r"frame_time: .* b.dcd does not say it, .* not put there in CHARMM's units"):
        IonDiffusion(ions).run()
    assert IonDiffusion(ions, frame_time=0.1).run().frame_time == pytest.approx(0.1)


@pytest.mark.filterwarnings("ignore:DCDReader currently")
def test_the_time_that_mdanalysis_makes_up_in_a_dcd_file_is_told(source, files, tmp_path):
    """A Writer that is not told dt= writes 1 ps: a diffusion coefficient ten times too small, without a word."""
    for name, options in (("made-up.dcd", {}), ("none.dcd", {"dt": 0.0})):
        with mda.Writer(str(tmp_path / name), len(source.atoms), **options) as writer:
            for _ in source.trajectory:
                writer.write(source.atoms)
    ions = opened(source, tmp_path / "made-up.dcd")
    with pytest.warns(UserWarning, match="made-up.dcd: 1 ps between frames is what MDAnalysis writes .* frame_time="):
        IonDiffusion(ions).run()
    assert IonDiffusion(ions, frame_time=1.0).run().frame_time == pytest.approx(1.0)  # without a warning
    with pytest.raises(InputError, match=r"frame_time: need .* got none: none.dcd does not say it"):
        IonDiffusion(opened(source, tmp_path / "none.dcd")).run()


@pytest.mark.filterwarnings("ignore:DCDReader currently", "ignore:Reader has no dt information")
@pytest.mark.parametrize(("unit", "factor"), [("fs", 1000.0), ("ps", 1.0)])
def test_times_of_h5md_go_along_or_are_asked_for(source, tmp_path, unit, factor):
    """MDAnalysis has times of H5MD right and their dt wrong: in memory and in a DCD, D was ten times too small."""
    path = tmp_path / "a.h5md"
    with mda.Writer(str(path), len(source.atoms), n_frames=60, timeunit=unit, lengthunit="Angstrom") as writer:
        for _ in source.trajectory:
            writer.write(source.atoms)
    with h5py.File(path, "a") as file:
        file["particles/trajectory/position/time"][:] = 0.1 * factor * np.arange(60)
    read = opened(source, path)
    assert IonDiffusion(read).run().frame_time == pytest.approx(0.1)
    read.universe.atoms.write(tmp_path / "b.dcd", frames="all")
    assert IonDiffusion(opened(source, tmp_path / "b.dcd")).run().frame_time == pytest.approx(0.1)
    others = [opened(source, path, in_memory=True)]
    others += [opened(source, path, convert_units=False)] * (unit == "fs")  # times stay in fs
    for ions in others:
        with pytest.raises(InputError, match="frame_time: need the time between the frames .* got none: a.h5md"):
            IonDiffusion(ions).run()
        assert IonDiffusion(ions, frame_time=0.1).run().frame_time == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["a.xtc", "a.trr"])
def test_a_time_that_contradicts_the_file_is_told(source, files, name):
    with pytest.warns(UserWarning, match=r"frame_time=0.2 ps is used; the trajectory says 0.1 ps between its frames"):
        run = IonDiffusion(opened(source, files / name), frame_time=0.2).run()
    assert run.frame_time == pytest.approx(0.2)
    IonDiffusion(opened(source, files / name), frame_time=0.1).run(step=2)  # without a word


@pytest.mark.filterwarnings("ignore:DCDReader currently", "ignore:Reload offsets")
@pytest.mark.parametrize(("name", "head"), [("a.xtc", b"\0\0\7\xcb"), ("a.trr", b"\0\0\7\xc9"), ("a.dcd", b"")])
def test_a_file_that_ends_within_a_frame_is_told(source, files, tmp_path, name, head):
    """MDAnalysis reads up to there without a word: a shorter run."""
    cut = tmp_path / name
    content = (files / name).read_bytes()
    cut.write_bytes(content[: content.rindex(head) + 20] if head else content[:-40])
    with pytest.warns(UserWarning, match=f"{name}.*: need (a whole frame|whole frames), got .*; copy the file again"):
        run = IonDiffusion(opened(source, cut)).run()
    assert run.n_frames == 59


@pytest.mark.filterwarnings("ignore:Reader has no dt information")
def test_joined_files_say_their_time_if_each_does(source, files):
    with pytest.raises(InputError, match=SENTENCE.format("a.xyz")):
        IonDiffusion(mda.Universe(source._topology, [str(files / "a.xyz")] * 2).atoms[:24]).run()


def test_arrays_without_a_time_are_told(source):
    series = source.trajectory.timeseries(order="fac")
    box = np.tile(np.float32(BOX), (60, 1))
    with pytest.warns(
        UserWarning, match="frame_time: need .* got none with these arrays, and MDAnalysis' 1 ps is used"
    ):
        run = IonDiffusion(mda.Universe(source._topology, series, order="fac", dimensions=box).atoms[:24]).run()
    assert run.frame_time == 1.0
    told = mda.Universe(source._topology, series, order="fac", dimensions=box, dt=1.0)
    assert IonDiffusion(told.atoms[:24]).run().frame_time == 1.0


def shells():
    u = hopping_universe(400)
    return CoordinationShells.from_universe(u, mobile="name Li", centres="name S")


CLASSES = {
    "IonDiffusion": IonDiffusion,
    "IonHops": IonHops,
    "SelfVanHove": SelfVanHove,
    "NonGaussianParameter": NonGaussianParameter,
    "NonAffineDisplacement": lambda ions, **o: NonAffineDisplacement(ions, lag=5, cutoff=8.9, **o),
    "Softness": lambda ions, **o: Softness(ions, lag=5, nonaffine_cutoff=8.9, functions=FUNCTIONS, **o),
    "ShellStates": lambda ions, **o: ShellStates(ions, shells(), **o),
    "MarkovStates": lambda ions, **o: MarkovStates(ions, shells(), lag=5, **o),
    "PathEntropy": lambda ions, **o: PathEntropy(ions, shells=shells(), lag=5, **o),
    "AnionSpeciation": lambda ions, **o: AnionSpeciation(
        ions.universe.atoms, centre_species="S", ligand_species="Li", bond=3.0, **o
    ),
    "TetrahedronTilt": lambda ions, **o: TetrahedronTilt(ions.universe.atoms[24:], ions, temperature=300, **o),
}


@pytest.mark.filterwarnings("ignore:Reader has no dt information")
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_with_times_refuses(source, files, name):
    with pytest.raises(InputError, match=SENTENCE.format("XDATCAR")):
        CLASSES[name](opened(source, files / "XDATCAR")).run()


def test_no_class_with_times_is_left_out():
    def all_of(cls):
        return {cls} | {found for one in cls.__subclasses__() for found in all_of(one)}

    timed = {cls.__name__ for cls in all_of(IonAnalysis) if cls._even_times and cls.__module__.startswith("ionpath_")}
    parts = {"IncrementAnalysis", "SeriesAnalysis", "Surroundings", "_Hops"}  # of Softness, of states in networks
    assert timed - parts <= set(CLASSES)


@pytest.mark.filterwarnings("ignore:Reader has no dt information")
def test_extended_xyz_under_another_name_is_called_what_it_is(files, tmp_path):
    path = tmp_path / "dump.xyz"
    path.write_bytes((files / "a.extxyz").read_bytes())
    with pytest.raises(InputError, match="frame_time: .* the file is extended XYZ: read it with Universe.*'EXTXYZ'"):
        IonDiffusion(mda.Universe(str(path)).atoms[:24]).run()
    with pytest.raises(InputError, match="frame_time: .* a.extxyz does not say it"):  # read so, it has no times either
        IonDiffusion(mda.Universe(str(files / "a.extxyz")).atoms[:24]).run()
