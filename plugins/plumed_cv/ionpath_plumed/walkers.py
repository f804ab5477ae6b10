"""Several walkers that share their hills, each in a process of its own that ends with the one that started it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from ase import Atoms

from ionpath.cores import threads_each
from ionpath.errors import InputError, IonpathError
from ionpath.files import locked, made_folder
from ionpath.plumed_input import appended_files, joined, keywords
from ionpath_plumed.checks import inside
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.job import Job, MetadynamicsRun, left_behind, run_job, with_own_files


def walker_input(given: PlumedInput, walker: int, n_walkers: int) -> PlumedInput:
    """Input of one walker."""
    lines = []
    found = False
    for line in joined(given.lines):
        _, action, options = keywords(line)
        if action == "METAD":
            found = True
            pace = int(options.get("PACE", "50"))
            words = [
                word
                for word in line.split()
                if not word.startswith("WALKERS_") and word != "CALC_RCT" and "RCT_USTRIDE" not in word
            ]
            words += [f"WALKERS_N={n_walkers}", f"WALKERS_ID={walker}", "WALKERS_DIR=.", f"WALKERS_RSTRIDE={10 * pace}"]
            line = " ".join(words)
        lines.append(line.replace(",metad.rbias", ""))
    if not found:
        raise InputError("walkers", need="a METAD in the input", got="none", remedy="use walkers=1")
    return with_own_files(replace(given, text="\n".join(lines) + "\n"), walker)


def run_walkers(atoms: Atoms, job: Job, n_walkers: int) -> MetadynamicsRun:
    """Run several walkers and wait for all of them."""
    jobs = [
        replace(
            job,
            walker=k,
            given=walker_input(job.given, k, n_walkers),
            options={**job.options, "seed": job.options["seed"] + k, "progress": job.options["progress"] and k == 0},
        )
        for k in range(n_walkers)
    ]
    made_folder(job.folder)
    with locked(job.folder / ".walkers.lock", f"folder {job.folder.name}"):
        with inside(job.folder):
            runs = [one.prepare(atoms) for one in jobs]
            job.given.write(job.folder)
            # Each reads the hills of all others when it begins, and one that goes on needs them to be there.
            new = [one for one, run in zip(jobs, runs, strict=True) if run.rewind() is False]
        _run_all(atoms, sorted(jobs, key=lambda one: one not in new), new)
    steps = round(job.options["picoseconds"] * 1000 / job.options["timestep"])
    return left_behind(jobs, steps, job.options["picoseconds"], 0)


def _run_all(atoms: Atoms, jobs: list[Job], new: Sequence[Job] = ()) -> None:
    """Start all walkers, those that are new first; where one fails, end the others at once and say why."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        what = {job.suffix: pickle.dumps((atoms, job)) for job in jobs}
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        need = "a calculator that can be sent to another process, for several walkers"
        remedy = "take off what it was given, or use walkers=1"
        raise InputError("atoms", need=need, got=str(error)[:200], remedy=remedy) from error
    with ExitStack() as stack:
        try:
            for job in jobs:
                if job not in new:
                    files = [appended_files(one.given.lines, "METAD") for one in new]
                    _wait_for([job.folder / path for found in files for path in found], running)
                log = stack.enter_context((job.folder / f"walker{job.suffix}.log").open("w"))
                shown = None if job.options["progress"] else log
                walker = subprocess.Popen(
                    [sys.executable, "-m", "ionpath_plumed.walkers"],
                    stdin=subprocess.PIPE, stdout=log, stderr=shown, env={**os.environ, **threads_each(len(jobs))},
                )  # fmt: skip
                running.append(walker)
                assert walker.stdin is not None
                walker.stdin.write(what[job.suffix])
                walker.stdin.flush()  # and stays open: its end is the end of the walker
            while any(walker.poll() is None for walker in running) and not any(w.poll() for w in running):
                time.sleep(0.05)
        finally:
            for walker in running:
                if walker.poll() is None:
                    walker.terminate()
                walker.wait()
                if walker.stdin is not None:
                    walker.stdin.close()
    for job, walker in zip(jobs, running, strict=True):
        if walker.returncode not in (0, -signal.SIGTERM):
            said = (job.folder / f"walker{job.suffix}.log").read_text(errors="replace").strip().splitlines()
            words = [line for line in said if not line.startswith("+++")][-3:]
            raise IonpathError(f"walker {job.walker} ended with status {walker.returncode}: {' '.join(words)}")


def _wait_for(files: Sequence[Path], running: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until files are there, or a walker has ended."""
    while not all(file.exists() for file in files) and all(walker.poll() is None for walker in running):
        time.sleep(0.02)


def main() -> None:
    """Run the walker that comes through standard input, for as long as that stays open."""
    atoms, job = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        run_job(atoms, job)
    except IonpathError as error:
        print(f"{error}", flush=True)
        sys.exit(1)


def _end_with_parent() -> None:
    """Wait for the end of standard input, which comes when the process that started this one is gone."""
    while os.read(0, 1):  # the file itself: a buffer would be locked when Python ends
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
