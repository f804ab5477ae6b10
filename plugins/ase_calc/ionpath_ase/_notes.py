"""Notes that a long job leaves in its folder, with digests of themselves and of the files that they are about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import atomic_path, read_text, sha256_of

_SEAL, _FILES = "sha256", "files"


def write_note(path: Path, data: Mapping[str, Any], files: Iterable[Path] = ()) -> None:
    """Write JSON, and what files in the folder of the note or below hold now."""
    noted = dict(data)
    if digests := {file.relative_to(path.parent).as_posix(): sha256_of(file) for file in sorted(files)}:
        noted[_FILES] = digests
    noted[_SEAL] = _seal(noted)
    with atomic_path(path) as part:
        part.write_text(json.dumps(noted, indent=1))


def read_note(path: Path, *names: str, again: str) -> dict[str, Any]:
    """What a note says; one sentence where it, or a file that it is about, is damaged. `again` says how to go on."""
    try:
        noted = json.loads(read_text(path, path.name, "a note"))
    except (ValueError, RecursionError) as error:
        raise _damaged(path, str(error)[:100], again) from error
    if not isinstance(noted, dict) or any(name not in noted for name in names):
        raise _damaged(path, "other entries", again)
    seal, known = noted.pop(_SEAL, None), noted.get(_FILES, {})
    earlier = seal is None and _FILES not in noted  # versions before this one wrote neither
    if not earlier and seal != _seal(noted):
        raise _damaged(path, "other values", again)
    for name, digest in known.items():
        file = path.parent / name
        if not file.is_file() or sha256_of(file) != digest:
            got = "other content" if file.is_file() else "none"
            raise _damaged(file, got, again)
    return {name: value for name, value in noted.items() if name != _FILES}


def _damaged(path: Path, got: str, again: str) -> InputError:
    name = "/".join(path.parts[-2:])
    return InputError(f"file {name}", need="what was written there", got=got, remedy=again)


def _seal(noted: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(noted, sort_keys=True).encode()).hexdigest()
