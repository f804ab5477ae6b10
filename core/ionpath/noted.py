"""What the checkpoint of a run notes of the files beside it, by which readers see whether they are still those."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ALL = "all "
"""Beginning of a digest of all that a file held."""


def digest_of_all(path: Path, size: int) -> str:
    """Digest of the first bytes of a file."""
    with path.open("rb") as stream:
        return ALL + str(read_on(stream, size, hashlib.sha256()).hexdigest())


def read_on(stream: BinaryIO, size: int, digest: Any) -> Any:
    """Take bytes of a file into a digest, from where it stands up to a size."""
    while part := stream.read(min(1 << 20, size - stream.tell())):
        digest.update(part)
    return digest


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
        if have < size or digest_of_all(file, size) != digest:
            got = f"{have} bytes" if have < size else "other content"
            warnings.warn(
                f"{file.name}: need the {size} bytes that it had at the checkpoint {checkpoint.name}, got {got}: "
                "rows are missing or changed, and so are the numbers; put it back", stacklevel=5,
            )  # fmt: skip
