"""Whether a trajectory says the time between its frames: what does not is given 1 ps by MDAnalysis."""

from __future__ import annotations

import os
import warnings
from typing import Any

from MDAnalysis.core._get_readers import get_reader_for

from ionpath.errors import InputError, warn
from ionpath_mdanalysis._checks import as_extended
from ionpath_mdanalysis.readers.source import is_extended_xyz

LONGEST_STEP = 0.005
"""No run takes a longer time step in ps: a longer `dt` of a LAMMPS dump is the time between its frames."""
FOREIGN = ("LAMMPS", "CP2K", "CREATED BY DCD PLUGIN")
"""In titles of DCD files: what writes times in units of its own (LAMMPS, CP2K), or none (VMD, mdtraj)."""
TIMED = {"XTC", "TRR", "TNG", "NCDF", "NC", "H5MD", "TRZ", "TRC", "DCD", "LAMMPS", "IMD"}
"""Formats of MDAnalysis whose files say the time of a frame in a unit that they name, or that a reader is told."""


def says_times(trajectory: Any) -> bool:
    """Whether the times of frames come from a file, or from whoever opened it.

    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> says_times(hopping_universe(3).trajectory)
    True
    """
    if hasattr(trajectory, "readers"):
        return all(says_times(part) for part in trajectory.readers)
    if trajectory.format == "DCD":  # which has a dt in any case
        title = str(trajectory._file.header["remarks"]).upper()
        own = trajectory.dt > 0 and not any(word in title for word in FOREIGN)
        return own or trajectory._kwargs["dt"] is not None
    if getattr(trajectory, "has_times", False) or "dt" in getattr(trajectory, "_ts_kwargs", {}):
        return True
    formats = {trajectory.format} if isinstance(trajectory.format, str) else set(trajectory.format)
    if "H5MD" in formats:  # which may name no unit, and is not converted where its reader is told so
        unit = trajectory.units["time"]
        return unit == "ps" or (unit is not None and trajectory.convert_units)
    if "MEMORY" in formats:  # a number of frames times the 1 ps of whoever told nothing
        return not isinstance(trajectory.ts.data.get("dt"), int) and not _copied_without(trajectory)
    return bool(formats & TIMED)


def read_from_file(trajectory: Any) -> bool:
    """Whether the times of frames are those of a file, rather than of whoever opened it or wrote none into it."""
    for part in getattr(trajectory, "readers", [trajectory]):
        formats = {part.format} if isinstance(part.format, str) else set(part.format)
        told = getattr(part, "_kwargs", {}).get("dt") is not None
        if not getattr(part, "has_times", bool(formats & TIMED) and not told):
            return False
    return says_times(trajectory) and not made_up(trajectory)


def spacing(trajectory: Any) -> float:
    """Time between the first two frames in ps; MDAnalysis has a ``dt`` of 1 ps for some files with other times."""
    frame = trajectory.frame
    first, second = (float(trajectory[k].time) for k in (0, 1))
    trajectory[frame]
    return second - first


def _copied_without(trajectory: Any) -> bool:
    """Whether frames in memory come from a file that has no times, of which MDAnalysis makes whole picoseconds."""
    name, dt = trajectory.filename, float(trajectory.ts.data.get("dt", 0.5))
    if not isinstance(name, (str, os.PathLike)) or dt != round(dt):
        return False
    try:
        with warnings.catch_warnings(action="ignore"), get_reader_for(os.fspath(name))(os.fspath(name)) as reader:
            return not says_times(reader) or abs(reader.dt - spacing(reader)) > 1e-3 * reader.dt  # as of H5MD
    except Exception:  # gone, or of a format that its name does not tell: LAMMPS' dumps have many names
        return os.fspath(name).rpartition(".")[2].lower() in ("lammpstrj", "lammpsdump", "dump", "xyz")


def check_times(trajectory: Any) -> None:
    """Refuse files that do not say the time between their frames, and warn of arrays that came without.

    InputError if that time would be a guess.
    """
    _check_steps(trajectory)
    if says_times(trajectory):
        if name := made_up(trajectory):
            warn(
                f"{name}: 1 ps between frames is what MDAnalysis writes into a DCD where it is not told the time; pass "
                "frame_time= if it is another one, or frame_time=1 if it is not"
            )
        return
    need = "the time between the frames of the trajectory in ps"
    remedy = "pass frame_time=, for example frame_time=0.1"
    if isinstance(trajectory.format, str) and trajectory.format == "MEMORY" and trajectory.filename is None:
        warn(
            f"frame_time: need {need}, got none with these arrays, and MDAnalysis' 1 ps is used; {remedy}, or dt=0.1 "
            "where they are loaded"
        )
        return
    files = [getattr(part, "filename", None) for part in getattr(trajectory, "readers", [trajectory])]
    named = next((os.path.basename(os.fspath(f)) for f in files if isinstance(f, (str, os.PathLike))), "what was read")
    dump = "LAMMPSDUMP" in str(trajectory.format)
    how = (
        " (LAMMPS: the time step times the steps between frames)"
        if dump
        else ", or dt=0.1 where the Universe is made (VASP: POTIM in fs times NBLOCK / 1000)"
    )
    if len(files) == 1 and not hasattr(trajectory, "has_times") and is_extended_xyz(files[0]):
        remedy, how = as_extended(files[0]), ""
    would = "a time that its writer has not put there in CHARMM's units" if trajectory.format == "DCD" else "1 ps"
    got = f"none: {named} does not say it, and MDAnalysis would take {would}"
    raise InputError("frame_time", need=need, got=got, remedy=remedy + how)


def made_up(trajectory: Any) -> str:
    """Name of a DCD file with the 1 ps that MDAnalysis writes where it is told no time, and leaves no title; or ""."""
    for part in getattr(trajectory, "readers", [trajectory]):
        bare = part.format == "DCD" and part._kwargs["dt"] is None and not part._file.header["remarks"].strip("\0 ")
        if bare and abs(part.dt - 1.0) < 1e-5:
            return os.path.basename(part.filename)
    return ""


def _check_steps(trajectory: Any) -> None:
    """Refuse LAMMPS dumps that were opened with the time between frames, where MDAnalysis wants that of a step."""
    frame = trajectory.frame
    for part in getattr(trajectory, "readers", [trajectory]):
        dt = getattr(part, "_ts_kwargs", {}).get("dt")
        if "LAMMPSDUMP" not in str(part.format) or dt is None or dt <= LONGEST_STEP or part.n_frames < 2:
            continue
        steps = part[1].data["step"] - part[0].data["step"]
        trajectory[frame]
        if steps > 1:
            raise InputError(
                "dt", need="the time step of the run in ps, which MDAnalysis multiplies by the steps of a LAMMPS dump",
                got=f"{dt:g} ps, which puts frames {dt * steps:g} ps apart",
                remedy=f"open the dump without dt and pass frame_time={dt:g} if its frames are {dt:g} ps apart",
            )  # fmt: skip
