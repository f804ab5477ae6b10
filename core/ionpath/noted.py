"""What the checkpoint of a run notes of the files beside it, by which readers see whether they are still those."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ionpath.errors import warn

ALL = "all "
"""Beginning of a digest of all that a file held."""


def parts_of(path: Path, first: int, last: int) -> Iterator[bytes]:
    """Bytes of a file between two places, in pieces."""
    with path.open("rb") as stream:
        stream.seek(first)
        while part := stream.read(min(1 << 20, last - stream.tell())):
            yield part


def _digest_of_all(path: Path, size: int) -> str:
    digest = hashlib.sha256()
    for part in parts_of(path, 0, size):
        digest.update(part)
    return ALL + digest.hexdigest()


def warn_of_changes(file: Path) -> None:
    """Say that a file does not begin with what it held at the last checkpoint of the run beside it."""
    for checkpoint in sorted(file.parent.glob("*.checkpoint.npz")):
        try:
            with np.load(checkpoint, allow_pickle=False) as data:
                meta = json.loads(str(data["meta"]))
            size, digest = int(meta["sizes"][file.name]), str(meta["heads"][file.name])
        except Exception:  # one of an earlier version, or damaged, which the run says that goes on with it
            continue
        if not digest.startswith(ALL):
            continue
        have = file.stat().st_size
        if have < size or _digest_of_all(file, size) != digest:
            got = f"{have} bytes" if have < size else "other content"
            warn(
                f"{file.name}: need the {size} bytes that it had at the checkpoint {checkpoint.name}, got {got}: "
                "rows are missing or changed, and so are the numbers; put it back"
            )
