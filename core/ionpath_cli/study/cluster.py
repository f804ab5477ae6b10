"""The steps of a study as one graph on dask: on this machine, or on whatever a scheduler has."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ionpath.cores import threads_each
from ionpath.errors import InputError, require
from ionpath_cli.study.tasks import Outcome, Task, done, perform, place_of, task_keys

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
    outcomes = {outcome.name: outcome for outcome in known}
    processes = max((task.options.get("processes", 1) for task in tasks), default=1)
    threads = threads_each(workers * processes)
    with _client(distributed, workers, scheduler, folder / SCRATCH, threads) as client:
        going: dict[Any, str] = {}
        running = distributed.as_completed()
        # What is kept goes first, and with it all that follows: a step of hours would be taken while these are counted.
        early, held = _short(tasks, keys, folder) - outcomes.keys(), list[Task]()

        def begin(due: Iterable[Task]) -> None:
            """Hand steps to dask, in one group and without dependencies: it keeps these in one queue by their priority.

            What depends on others is dealt out to workers beforehand, where steps of minutes would wait for one
            worker while others are idle.
            """
            for task in due:
                if early and task.name not in early:
                    held.append(task)
                    continue
                future = client.submit(
                    perform,
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

        open_ = [task for task in tasks if task.name not in outcomes]
        begin(task for task in open_ if outcomes.keys() >= set(task.inputs))
        for future in running:
            try:
                outcome = future.result()
            except Exception as error:  # of dask itself: a worker that died again and again
                outcome = Outcome(going[future.key], "failed", "", f"{type(error).__name__}: {error}")
            outcomes[outcome.name] = outcome
            due = [task for task in open_ if outcome.name in task.inputs and outcomes.keys() >= set(task.inputs)]
            if outcome.name in early:
                early.remove(outcome.name)
                due += [] if early else held
            begin(sorted(due, key=lambda task: (task.priority, numbers[task.name])))  # an idle worker takes the first
            report(outcome, list(outcomes.values()))  # which writes pages, while workers go on
    return list(outcomes.values())


def _short(tasks: Sequence[Task], keys: Mapping[str, str], folder: Path) -> set[str]:
    """Steps that are kept, and structures, where the same holds for all that they need."""
    found: set[str] = set()
    for task in tasks:
        key = keys[task.name]
        if found.issuperset(task.inputs) and (
            task.stage == "structure" or done(place_of(folder, task, key), key, task.picoseconds)
        ):
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
