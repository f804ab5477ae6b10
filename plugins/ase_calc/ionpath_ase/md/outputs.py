"""The files of a run, and the one rule for them: none is overwritten or cut before it is known to be the run's."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ionpath.errors import InputError
from ionpath.files import locked
from ionpath_ase.md.state import Checkpoint
from ionpath_ase.md.writers import ALL, BEGINNING, ENDS, FrameFile, cut, digest_of, writer_of


@dataclass(frozen=True)
class Outputs:
    """Where a run writes."""

    # trajectory, log, topology, checkpoint: files of `MolecularDynamics`
    trajectory: Path
    log: Path
    topology: Path
    checkpoint: Path
    appended: dict[str, Path]  # files that PLUMED appends to: as the input names them, and where they are
    continued: bool = False  # the PLUMED input says RESTART: a new run goes on with PLUMED's files that are there
    # name of a file that grows -> how far it was read, the digest of that, and when it was written last
    _read: dict[str, tuple[int, Any, int]] = field(default_factory=dict, compare=False)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out of these files."""
        # A file of PLUMED may be named as the trajectory without its ending, and several ways may lead to a folder.
        own = (self.checkpoint.with_name(self.trajectory.stem), *self.appended.values())
        with ExitStack() as stack:
            for path in dict.fromkeys(path.parent.resolve() / path.name for path in own):
                stack.enter_context(locked(path.with_name(f".{path.name}.lock"), f"run {path.name}"))
            yield

    def named(self) -> dict[str, Path]:
        """Files that grow, by the names that a checkpoint has them under."""
        return {"trajectory": self.trajectory, "log": self.log, **self.appended}

    def fixed(self) -> dict[str, Path]:
        """Files that every run has, by what they are."""
        return {
            "trajectory": self.trajectory, "log": self.log, "topology": self.topology, "checkpoint": self.checkpoint,
            "PLUMED's log": self.trajectory.with_suffix(".plumed.log"),
            "LAMMPS's log": self.trajectory.with_suffix(".lammps.log"),
        }  # fmt: skip

    def heads(self, sizes: dict[str, int], frames: FrameFile) -> dict[str, str]:
        """Digests of all that files of these sizes hold, of which only what is new is read."""
        return {name: self._grown(name, size, frames) for name, size in sizes.items()}

    def _grown(self, name: str, size: int, frames: FrameFile | None = None) -> str:
        """Digest of all that a file of a size holds; `frames` is the open trajectory."""
        path = self.named()[name]
        done, digest, _ = self._read.pop(name, (0, hashlib.sha256(), 0))
        if done > size:
            done, digest = 0, hashlib.sha256()
        if name != "trajectory":
            parts = FrameFile.parts(path, done, size)
        else:
            parts = frames.own_parts(done, size) if frames is not None else writer_of(path).parts(path, done, size)
        for part in parts:
            digest.update(part)
        self._read[name] = size, digest, _written(path)
        return f"{ALL}{digest.hexdigest()}"

    def _same(self, name: str, size: int, saved: str | None) -> bool:
        """Whether a file has the content that it had at a size; one that is shorter is refused."""
        path, known = self.named()[name], saved or ""
        if known.startswith(ALL):
            if name in self._read and self._read[name][2] != _written(path):
                del self._read[name]  # what was read is no longer what is there
            return self._grown(name, size) == known
        head = writer_of(path).head if name == "trajectory" else digest_of
        return head(path, size, ENDS if known.startswith(ENDS) else BEGINNING) == known or saved is None

    def check_new(self, earlier: Checkpoint | None) -> None:
        """Refuse files that are there and belong to no run that may be begun anew."""
        foreign = [path for name, path in self.named().items() if not self._own(name, path, earlier)]
        self._read.clear()  # they are begun anew
        if self.topology.exists() and earlier is None:
            foreign.append(self.topology)
        if foreign:
            names = ", ".join(path.name for path in foreign)
            raise InputError(
                f"trajectory {self.trajectory.name}", need="new files, or those of a run that has a checkpoint here",
                got=f"{names} of something else", remedy="move them away, or take another name or folder",
            )  # fmt: skip

    def _own(self, name: str, path: Path, earlier: Checkpoint | None) -> bool:
        if not path.exists() or not path.stat().st_size or (self.continued and name in self.appended):
            return True
        if earlier is None or (earlier.begun and name not in earlier.heads):
            return earlier is not None and not isinstance(earlier.identity, dict)  # version 1 knows no beginnings
        try:
            return not earlier.begun or self._same(name, earlier.sizes[name], earlier.heads[name])
        except InputError:
            return False

    def check_old(self, checkpoint: Checkpoint) -> None:
        """Refuse to go on with files that are missing, shorter than they were, or others."""
        for name, size in checkpoint.sizes.items():
            if name in self.named() and not self._same(name, size, checkpoint.heads.get(name)):
                need = "the file of the run that the checkpoint belongs to"
                got = f"other content before the checkpoint (byte {size})"
                remedy = "put it back, or begin anew under another name"
                raise InputError(f"file {self.named()[name].name}", need=need, got=got, remedy=remedy)

    def cut_appended(self, checkpoint: Checkpoint) -> None:
        """Cut PLUMED's files back to the checkpoint, and remove those that it does not know."""
        for name, path in self.appended.items():
            if name in checkpoint.sizes:
                cut(path, checkpoint.sizes[name]).close()
            else:
                path.unlink(missing_ok=True)

    def appended_sizes(self) -> dict[str, int]:
        """Sizes of PLUMED's files now."""
        return {name: path.stat().st_size for name, path in self.appended.items() if path.exists()}


def _written(path: Path) -> int:
    """When a file was written last, in ns; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0
