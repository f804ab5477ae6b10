"""Steps of a longer job that are done once: a second call goes on where the first one stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ionpath.files import atomic_path
from ionpath_cli.messages import LOG


def stage(
    folder: Path,
    name: str,
    parameters: Mapping[str, Any],
    outputs: Sequence[str],
    make: Callable[[], None],
    *,
    title: str,
) -> bool:
    """Run one step, unless its outputs of the same settings are there.

    >>> import pathlib, tempfile
    >>> here = pathlib.Path(tempfile.mkdtemp())
    >>> def make():
    ...     _ = (here / "x.txt").write_text("1")
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")
    True
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")  # kept from the earlier run
    False
    """
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / f".{name}.json"
    settings = json.loads(json.dumps(dict(parameters), default=str))
    LOG.info("== %s", title)
    if _done(marker, settings) and all((folder / output).exists() for output in outputs):
        LOG.info("   kept from an earlier run")
        return False
    if marker.exists() and not _done(marker, settings):
        for output in outputs:  # of other settings
            (folder / output).unlink(missing_ok=True)
    begin = time.perf_counter()
    make()
    with atomic_path(marker) as part:
        part.write_text(json.dumps(settings))
    LOG.info("   done in %.0f s", time.perf_counter() - begin)
    return True


def _done(marker: Path, settings: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(marker.read_text()) == settings)
    except (OSError, ValueError):
        return False
