"""What the checkpoint of a run notes of the files beside it, by which readers see whether they are still those."""

from __future__ import annotations

import functools
import glob
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


@functools.lru_cache(maxsize=256)
def _digest_of_all(path: Path, size: int, written: int) -> str:
    """Digest of the first bytes of a file that was last written at a time in ns."""
    digest = hashlib.sha256()
    for part in parts_of(path, 0, size):
        digest.update(part)
    return ALL + digest.hexdigest()


def warn_of_changes(file: Path, name: str | None = None, frames: int | None = None) -> None:
    """Say that a file does not begin with what it held at the last checkpoint of the run beside it.

    `name` is what checkpoints call it, its own name by default; `frames` is how many it has, where they count these.
    """
    own = f"{glob.escape(file.stem)}.checkpoint.npz" if name else "*.checkpoint.npz"
    for checkpoint in sorted(file.parent.glob(own)):
        try:
            with np.load(checkpoint, allow_pickle=False) as data:
                meta = json.loads(str(data["meta"]))
            size, digest = int(meta["sizes"][name or file.name]), str(meta["heads"][name or file.name])
            status = file.stat()
        except Exception:  # one of an earlier version, or damaged, which the run says that goes on with it
            continue
        if not digest.startswith(ALL):
            continue
        have, unit = (status.st_size, "bytes") if frames is None else (frames, "frames")
        same = frames is not None or (have >= size and _digest_of_all(file, size, status.st_mtime_ns) == digest)
        if have < size or not same:
            got = f"{have} {unit}" if have < size else "other content"
            warn(
                f"{file.name}: need the {size} {unit} that it had at the checkpoint {checkpoint.name}, got {got}: "
                f"{'frames' if name else 'rows'} are missing or changed, and so are the numbers; put it back"
                + f", or move {checkpoint.name} away if you changed the file on purpose"
                * bool(name)
            )
