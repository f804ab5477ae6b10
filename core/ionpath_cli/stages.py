"""Steps of a longer job that are done once: a second call goes on where the first one stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import atomic_path, is_name, made_folder
from ionpath_cli.intact import damaged, fingerprints, here, read_json
from ionpath_cli.messages import LOG


def stage(
    folder: Path,
    name: str,
    parameters: Mapping[str, Any],
    outputs: Sequence[str],
    make: Callable[[], None],
    *,
    title: str,
    also: Sequence[str] = (),
) -> bool:
    """Run one step, unless its outputs of the same settings are there, as it left them.

    Where one is missing or another, all of them are renamed to names that end on ``.old``, and the step is done again;
    `also` names files that it may leave.

    >>> import pathlib, tempfile
    >>> here = pathlib.Path(tempfile.mkdtemp())
    >>> def make():
    ...     _ = (here / "x.txt").write_text("1")
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")
    True
    >>> stage(here, "x", {"n": 1}, ["x.txt"], make, title="first")  # kept from the earlier run
    False
    """
    made_folder(folder)
    marker = folder / f".{name}.json"
    settings = json.loads(json.dumps(dict(parameters), default=str))
    LOG.info("== %s", title)
    before = _before(marker)
    if before is not None:
        wrong = next((name for name in outputs if not (folder / name).exists()), "") or damaged(
            folder, before, whole=True
        )
        if before["settings"] == settings and not wrong:
            LOG.info("   kept from an earlier run")
            return False
        for name in dict.fromkeys([*outputs, *before["files"]]):
            if is_name(name) and (folder / name).exists():  # a damaged record may name files of others
                (folder / name).replace(folder / f"{name}.old")
        if before["settings"] == settings:
            LOG.warning("%s is not what an earlier run left there: this step is done again", folder / wrong)
    begin = time.perf_counter()
    try:
        make()
    except InputError as error:
        raise here(error, folder) from error
    with atomic_path(marker) as part:
        part.write_text(json.dumps({"settings": settings, "files": fingerprints(folder, [*outputs, *also])}))
    LOG.info("   done in %.0f s", time.perf_counter() - begin)
    return True


def _before(marker: Path) -> dict[str, Any] | None:
    """Settings of an earlier run of a step, and the files that it left; None where it did not end."""
    found = read_json(marker)
    if not isinstance(found, dict):
        return None
    known = isinstance(found.get("files"), dict) and isinstance(found.get("settings"), dict)
    return found if known else {"settings": found, "files": {}}  # an earlier version wrote settings alone
