"""Files and arguments that can be read and cannot be meant: each is refused, or said with its numbers."""

from __future__ import annotations

import contextlib

import ase
import ase.io
import MDAnalysis as mda
import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath_mdanalysis import IonDensity, IonDiffusion, IonVoronoiVolume, SelfVanHove
from ionpath_mdanalysis.example import hopping_universe

SYMBOLS = ["Li"] * 4 + ["S"] * 4
BOX = [12.0, 12.0, 12.0, 90.0, 90.0, 90.0]
DOUBT = "time= is taken as ps, {} ps between frames{}; if it is in fs, pass time_unit=.fs."
STRAIGHT = ", after which atoms still go straight on, as they do for a few fs only"


def vibrating(n_frames: int, step: float, seed: int = 0) -> np.ndarray:
    """Atoms that turn around every ps or so, 0.15 A from their places, `step` ps from frame to frame; in A."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 12, (8, 3))
    phase, period = rng.uniform(0, 2 * np.pi, (8, 3)), rng.uniform(0.3, 1.0, (8, 3))
    times = step * np.arange(n_frames)[:, None, None]
    return place + 0.15 * np.sin(2 * np.pi * times / period + phase)


def frames(positions: np.ndarray, time: float | None) -> list[ase.Atoms]:
    info = (lambda k: {}) if time is None else (lambda k: {"time": time * k})
    return [ase.Atoms(SYMBOLS, p, cell=BOX[:3], pbc=True, info=info(k)) for k, p in enumerate(positions)]


@pytest.mark.parametrize("name", ["a.extxyz", "a.traj"])
@pytest.mark.parametrize(
    ("step", "time", "doubt"),
    [
        (0.1, 0.1, None),  # ps
        (0.1, 100.0, DOUBT.format(100, "")),  # fs
        (0.002, 2.0, DOUBT.format(2, STRAIGHT)),  # fs, every second step of a run
        (2.0, 2.0, None),  # ps
    ],
)
def test_times_that_look_like_femtoseconds(tmp_path, name, step, time, doubt):
    ase.io.write(tmp_path / name, frames(vibrating(6, step), time))
    with pytest.warns(UserWarning, match=doubt) if doubt else contextlib.nullcontext():
        assert mda.Universe(tmp_path / name).trajectory.dt == pytest.approx(time)
    if doubt:
        assert mda.Universe(tmp_path / name, time_unit="fs").trajectory.dt == pytest.approx(step)


def test_atoms_of_the_frames_in_another_order_than_in_the_topology(tmp_path):
    images = frames(vibrating(6, 0.1), 0.1)
    ase.io.write(tmp_path / "a.extxyz", images)
    ase.io.write(tmp_path / "top.extxyz", images[0][::-1])
    ase.io.write(tmp_path / "b.extxyz", [image[::-1] for image in images])
    for files in (("top.extxyz", "a.extxyz"), ("a.extxyz", ["a.extxyz", "b.extxyz"])):
        u = mda.Universe(
            *([str(tmp_path / f) for f in one] if isinstance(one, list) else tmp_path / one for one in files)
        )
        with pytest.raises(
            InputError, match=r"extxyz: need its atoms in the order of the topology, got atom 0, which is"
        ):
            SelfVanHove(u.select_atoms("element Li")).run()


def test_a_joined_xdatcar_with_another_time_between_frames(tmp_path):
    points = vibrating(30, 0.1) / 12 % 1

    def part(rows, step):
        head = "run\n1.0\n12 0 0\n0 12 0\n0 0 12\nLi S\n4 4\n"
        body = (f"Direct configuration= {step * (k + 1):5d}\n" + _rows(points[t]) for k, t in enumerate(rows))
        return head + "".join(body)

    path = tmp_path / "XDATCAR"
    path.write_text(part(range(0, 10), 1) + part(range(10, 20), 1))
    assert mda.Universe(path, dt=0.1).trajectory.n_frames == 20
    path.write_text(part(range(0, 20, 2), 2) + part(range(20, 30), 1))
    with pytest.raises(
        InputError, match="frame 11: need steps of 2 between .* before the join, got steps of 1, so that"
    ):
        mda.Universe(path, dt=0.1)


def _rows(points: np.ndarray) -> str:
    return "".join(f"{x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in points)


def test_a_frame_that_a_restart_wrote_twice_is_said():
    u = hopping_universe(40)
    positions = u.trajectory.timeseries(order="fac")
    u.load_new(positions[[*range(20), *range(19, 40)]], dimensions=u.dimensions, dt=0.1)
    with pytest.warns(UserWarning, match="frames 19 and 20 are the same: where a restart wrote a frame again"):
        IonDensity(u.select_atoms("element Li"), spacing=1.0).run()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"frame_time": 1e-4},
            "ions move 1.4 A from frame to frame, which are 0.0001 ps apart; thermal .* 0.0027 A at 2000 K",
        ),
        ({"temperature": 0.05}, "thermal motion takes them 0.013 A at 0.05 K: check the time between"),
    ],
)
def test_ions_faster_than_thermal_motion_are_said(options, said):
    """A mean squared displacement is 3 k T t^2 / m at most: for Li at 0.05 K 0.134 A/ps, so 0.013 A in 0.1 ps."""
    u = hopping_universe(400, across=0.05, seed=1)
    with pytest.warns(UserWarning, match=said), contextlib.suppress(InputError):
        IonDiffusion(u.select_atoms("name Li"), **options).run()


def test_an_ion_has_a_charge():
    with pytest.raises(InputError, match="charge: need the charge of an ion in e, other than 0, got 0"):
        IonDiffusion(hopping_universe(10).select_atoms("name Li"), charge=0)


def test_the_charge_of_an_ion_is_that_of_its_element():
    """Conductivities of oxide ions were those of 1 e, a fourth of the right ones, and so were those of magnesium."""

    def ions(name):
        u = hopping_universe(400, across=0.05, seed=1)
        u.del_TopologyAttr("elements")
        u.select_atoms("name Li").names = name
        return u.select_atoms(f"name {name}")

    def charge(name, temperature=600.0):
        return IonDiffusion(ions(name), temperature=temperature).parameters["charge"]

    assert [charge(name) for name in ("Li", "LI2", "NA", "O", "Al")] == [1, 1, 1, -2, 3]
    assert charge("Mg", None) == 1.0  # without a temperature there is no conductivity
    with pytest.raises(
        InputError, match="charge: need the charge of a mobile ion in e, .* got none known for Mg; pass it"
    ):
        charge("Mg")
    with pytest.warns(UserWarning, match="charge: nothing says which element 7 is: conductivities are for 1 e"):
        assert charge("7") == 1.0
    lithium, oxide = (IonDiffusion(ions(name), temperature=600.0).run().results.conductivity for name in ("Li", "O"))
    assert oxide.value == pytest.approx(4.0 * lithium.value)


def test_the_conductivity_of_a_part_of_the_ions_is_told():
    """Half of the lithium has half of the conductivity."""
    lithium = hopping_universe(20).select_atoms("name Li")
    half = f"mobile: need all {len(lithium)} Li for the conductivity of the material, got {len(lithium) // 2}: it"
    with pytest.warns(UserWarning, match=half):
        IonDiffusion(lithium[::2], temperature=300.0)
    IonDiffusion(lithium[::2])


@pytest.mark.parametrize(("length", "shift"), [(1e30, 0.0), (1e9, 0.0), (1e-9, 0.0), (18.0, 1e9)])
def test_cells_and_coordinates_that_no_simulation_has(length, shift):
    u = hopping_universe(20)
    positions = u.trajectory.timeseries(order="fac") + np.float32(shift)
    u.load_new(positions, dimensions=[length] * 3 + [90.0] * 3, dt=0.1)
    match = r"within 1e\+07 A" if shift else r"lengths of the cell from 0.5 to 100000 A|cell vectors below 1e\+07 A"
    ions = u.select_atoms("element Li")
    for analysis in (IonDiffusion(ions), IonVoronoiVolume(ions), SelfVanHove(ions, lag_times=[0.5])):
        with pytest.raises(InputError, match=match):
            analysis.run()
