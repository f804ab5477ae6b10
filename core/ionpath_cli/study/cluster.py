"""The steps of a study as one graph on dask: on this machine, or on whatever a scheduler has."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ionpath.cores import threads_each
from ionpath.errors import InputError, require
from ionpath_cli.study.tasks import Outcome, Task, done, kept, perform, place_of, task_keys

SCRATCH = ".workers"
"""Folder of the workers in that of the study."""
INSTALL = 'pip install "ionpath[study]"'


def carry_out(
    tasks: Sequence[Task],
    folder: Path,
    *,
    workers: int,
    scheduler: str | None = None,
    known: Sequence[Outcome] = (),
    report: Callable[[Outcome, Sequence[Outcome]], None],
) -> list[Outcome]:
    """Do all steps, each when its inputs are there; a worker that dies is replaced and goes on where it was.

    What became of some is `known` before.
    """
    distributed = require("distributed", purpose="studies", install=INSTALL)
    keys = task_keys(tasks)
    numbers = {task.name: number for number, task in enumerate(tasks)}
    by_name = {task.name: task for task in tasks}
    outcomes = {outcome.name: outcome for outcome in known}
    processes = max((task.options.get("processes", 1) for task in tasks), default=1)
    threads = threads_each(workers * processes)
    with _client(distributed, workers, scheduler, folder / SCRATCH, threads) as client:
        going: dict[Any, str] = {}
        running = distributed.as_completed()
        quick = _quick(tasks, keys, folder) - outcomes.keys()
        waiting = {task.name: task for task in tasks if task.name not in outcomes}

        def begin() -> None:
            """Hand what is due to dask, first things first, and here no more than there are workers.

            Dask would give a worker the next of its queue before we have heard of the step that ended and handed in
            what follows: a cell of the last group of runs in place of the next run. Where workers come and go, their
            scheduler must see all that is due. What is kept is counted before anything else, for the same reason.
            """
            due = [
                task
                for task in waiting.values()
                if (not quick or task.name in quick) and outcomes.keys() >= set(task.inputs)
            ]
            due.sort(key=lambda task: (task.priority, numbers[task.name]))
            for task in due if scheduler else due[: workers - len(going)]:
                del waiting[task.name]
                future = client.submit(
                    kept if task.name in quick and task.stage != "structure" else perform,
                    task,
                    keys[task.name],
                    str(folder.resolve()),
                    *(outcomes[name] for name in task.inputs),
                    key=("step", f"{task.name}-{keys[task.name][:8]}-{time.time_ns()}"),
                    priority=-1000 * task.priority - numbers[task.name],
                    pure=False,
                )
                going[future.key] = task.name
                running.add(future)

        begin()
        for future in running:
            name = going.pop(future.key)
            try:
                outcome = future.result()
            except Exception as error:  # of dask itself: a worker that died again and again
                outcome = Outcome(name, "failed", "", f"{type(error).__name__}: {error}")
            if outcome.state == "due":  # it is damaged, and takes its time, as do those that need it
                waiting[name] = by_name[name]
                quick -= _with_followers(name, tasks)
                begin()
                continue
            outcomes[name] = outcome
            quick.discard(name)
            begin()
            report(outcome, list(outcomes.values()))  # while workers go on
    return list(outcomes.values())


def _quick(tasks: Sequence[Task], keys: Mapping[str, str], folder: Path) -> set[str]:
    """Structures, and steps that look finished, where the same holds for all that they need; none across runs."""
    found: set[str] = set()
    for task in tasks:
        key = keys[task.name]
        if found.issuperset(task.inputs) and (
            task.stage == "structure"
            or (task.stage != "across" and done(place_of(folder, task, key), key, task.picoseconds))
        ):
            found.add(task.name)
    return found


def _with_followers(name: str, tasks: Sequence[Task]) -> set[str]:
    """A step and all that need it, directly or not; tasks come after their inputs."""
    found = {name}
    for task in tasks:
        if not found.isdisjoint(task.inputs):
            found.add(task.name)
    return found


@contextmanager
def _made(scratch: Path) -> Iterator[None]:
    """A folder for as long as the block lasts."""
    scratch.mkdir()
    try:
        yield
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _client(
    distributed: Any, workers: int, scheduler: str | None, scratch: Path, threads: Mapping[str, str]
) -> Iterator[Any]:
    import dask

    if scheduler is not None:
        try:
            client = distributed.Client(scheduler, timeout="20s")
        except (OSError, ValueError) as error:
            need = "the address of a running dask scheduler"
            remedy = "start one with `dask scheduler`, and workers with `dask worker ADDRESS`"
            raise InputError("scheduler", need=need, got=f"{scheduler} ({error})", remedy=remedy) from error
        with client:
            yield client
        return
    # A step may take hours, during which Python may be busy: silence is no sign of death here.
    settings = {
        "temporary-directory": str(scratch.resolve()),  # of the scheduler too, which a killed call leaves
        "distributed.comm.timeouts.tcp": "300s",
        "distributed.admin.tick.limit": "1h",
        "distributed.scheduler.worker-ttl": None,
        # These cost 4 % of a core for each worker, which has nothing to do but wait for its run.
        "distributed.worker.profile.enabled": False,
        "distributed.admin.tick.interval": "1s",
        "distributed.admin.system-monitor.interval": "10s",
        "distributed.scheduler.worker-saturation": 1.0,  # no step waits behind another at a worker
        "distributed.nanny.pre-spawn-environ": threads,
    }
    shutil.rmtree(scratch, ignore_errors=True)  # of a killed call: the folder is ours alone while it is locked
    with (
        _made(scratch),
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address=":0",
            local_directory=str(scratch), silence_logs="CRITICAL",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client
