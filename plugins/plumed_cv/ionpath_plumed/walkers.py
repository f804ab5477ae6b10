"""Several walkers that share their hills, each in a process of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ionpath.errors import InputError, IonpathError
from ionpath.files import atomic_path
from ionpath_plumed.checks import check_input
from ionpath_plumed.kernel import joined
from ionpath_plumed.protocols import PlumedInput

if TYPE_CHECKING:
    from ase import Atoms

    from ionpath_plumed.metadynamics import MetadynamicsRun


def walker_input(given: PlumedInput, walker: int, n_walkers: int) -> PlumedInput:
    """Input of one walker."""
    from dataclasses import replace

    lines = []
    found = False
    for line in joined(given.lines):
        words = line.split()
        if "METAD" in words[:2] and not line.startswith("#"):
            found = True
            pace = next((int(w[5:]) for w in words if w.startswith("PACE=")), 50)
            words = [
                w
                for w in words
                if not w.startswith("WALKERS_") and w != "CALC_RCT" and "RCT_USTRIDE" not in w
            ]
            words += [
                f"WALKERS_N={n_walkers}",
                f"WALKERS_ID={walker}",
                "WALKERS_DIR=.",
                f"WALKERS_RSTRIDE={10 * pace}",
            ]
            line = " ".join(words)
        lines.append(line.replace(",metad.rbias", ""))
    if not found:
        raise InputError("walkers", need="a METAD in the input", got="none", remedy="use walkers=1")
    return replace(given, text="\n".join(lines) + "\n")


def run_walkers(
    atoms: Atoms,
    given: PlumedInput,
    n_walkers: int,
    *,
    folder: Path,
    picoseconds: float,
    restart: bool,
    **settings: Any,
) -> MetadynamicsRun:
    """Run several walkers and wait for all of them."""
    from ionpath_plumed.metadynamics import MetadynamicsRun

    place = folder.resolve()
    given.write(place)
    check_input(given.lines, len(atoms))
    jobs = []
    for k in range(n_walkers):
        own = walker_input(given, k, n_walkers)
        settled = {"atoms": atoms, "given": own, "walker": k, "folder": place, "picoseconds": picoseconds,
               "restart": restart, **settings}  # fmt: skip
        with atomic_path(place / f"walker.{k}.pickle") as part:
            part.write_bytes(pickle.dumps(settled))
        with (place / f"walker.{k}.log").open("w") as log:
            command = [sys.executable, "-m", "ionpath_plumed.walkers", str(place / f"walker.{k}.pickle")]
            quiet = k > 0 or not settings.get("progress", True)
            jobs.append(
                subprocess.Popen(command, stdout=log, stderr=log if quiet else None, env=dict(os.environ))
            )
    try:
        codes = [job.wait() for job in jobs]
    except BaseException:
        for job in jobs:
            job.terminate()
        raise
    for k, code in enumerate(codes):
        if code:
            words = (place / f"walker.{k}.log").read_text().strip().splitlines()[-3:]
            raise IonpathError(f"walker {k} ended with status {code}: {' '.join(words)}")
    steps = round(picoseconds * 1000 / (settings.get("timestep") or given.timestep))
    every = range(n_walkers)
    return MetadynamicsRun(
        place, tuple(place / f"HILLS.{k}" for k in every), tuple(place / f"COLVAR.{k}" for k in every),
        tuple(place / f"trajectory.{k}.extxyz" for k in every), steps, picoseconds, 0,
    )  # fmt: skip


def main(path: str) -> None:
    """Run one walker from its job file."""
    from ionpath_plumed.metadynamics import Job

    settings = pickle.loads(Path(path).read_bytes())
    given, walker = settings["given"], settings["walker"]
    job = Job(
        settings["folder"], given, settings["temperature"] or given.temperature, settings["timestep"] or given.timestep,
        settings["friction"], settings["seed"] + walker, settings["trajectory_every"], settings["checkpoint_every"],
        settings["progress"] and walker == 0, f".{walker}", settings["engine"],
    )  # fmt: skip
    job.run(settings["atoms"], settings["picoseconds"], settings["restart"])


if __name__ == "__main__":
    main(sys.argv[1])
