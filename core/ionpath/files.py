"""Files that are either the old one or the complete new one, and places that one run has at a time."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ionpath.errors import InputError, MissingFile, WriteError, warn

TEXT = 2**30
"""Bytes of a text that is read at once, at most."""


@contextmanager
def atomic_path(
    path: str | os.PathLike[str], *, own: Callable[[Path], bool] | None = None, argument: str = ""
) -> Iterator[Path]:
    """Yield a temporary path with the suffix of `path`, and put it in place when the block ends well.

    Missing parent folders are made. The file is untouched if the block raises, keeps its mode, and stays where a
    symbolic link points to. WriteError if the disk is full, or the folder cannot be written to.

    `own` tells whether a file that is there is one that this writer wrote and may replace, as `marked` does. Where it
    is not, and its content is another one, it stays, with an InputError in the name of `argument`.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> with atomic_path(target) as part:
    ...     _ = part.write_text("a,b")
    >>> target.read_text()
    'a,b'
    """
    final = Path(path if "\0" in os.fspath(path) else os.path.realpath(path))
    if os.path.isdir(final):
        raise InputError(
            argument or f"file {final.name}", need="a file to write", got="a folder", remedy="name another"
        )
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        mode = final.stat().st_mode & 0o7777 if final.exists() else 0o666 & ~_umask()
        _sweep(final)
        handle, name = tempfile.mkstemp(
            prefix=f".{final.stem}-{os.getpid()}-", suffix="".join(final.suffixes), dir=final.parent
        )
    except (OSError, ValueError) as error:  # a name with a null in it
        raise _unwritten(final, error) from error
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        if own is not None and final.is_file() and final.stat().st_size and not own(final) and not _same(final, part):
            raise InputError(
                argument or f"file {final.name}", need="a new file, or one that was written here by the same call",
                got=f"{path} with something else", remedy="name another, or move it away",
            )  # fmt: skip
        part.chmod(mode)
        os.replace(part, final)
    except OSError as error:
        if _full(error) or error.errno == errno.EISDIR:
            raise _unwritten(final, error) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def unread(path: str | os.PathLike[str], most: int | None = None) -> str:
    """Say why a path is no file that can be read to its end; nothing where it is one.

    >>> unread("no/such/file"), unread("/"), unread(__file__)
    ('no such file', 'a folder', '')
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return "no such file"
    except (OSError, ValueError) as error:  # links in a ring; a name with a null in it
        return str(error)
    if not stat.S_ISREG(found.st_mode):  # a pipe may never begin, and a device may never end
        return "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
    return f"{found.st_size:,} bytes, above {most:,}" if most is not None and found.st_size > most else ""


def read_text(path: str | os.PathLike[str], name: str, need: str, remedy: str = "check the file and its path") -> str:
    """Text of a file in UTF-8, or an `InputError` (`MissingFile` where there is none) in these words."""
    got = unread(path, TEXT)
    if not got:
        try:
            return Path(path).read_text(encoding="utf-8-sig")  # some editors put a mark in front
        except (OSError, UnicodeDecodeError) as error:
            got = str(error)[:200]
    if os.path.basename(path) not in name:
        got = f"{got} ({os.fspath(path)})"
    raise (InputError if os.path.lexists(path) else MissingFile)(name, need=need, got=got, remedy=remedy)


def marked(*marks: bytes, head: int = 4096) -> Callable[[Path], bool]:
    """Make a test for `atomic_path`: whether the first `head` bytes of a file hold all of the marks of its writer.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> _ = target.write_text("time,distance")
    >>> marked(b"time,")(target), marked(b"energy")(target)
    (True, False)
    """

    def own(path: Path) -> bool:
        with path.open("rb") as file:
            start = file.read(head)
        return all(mark in start for mark in marks)

    return own


def no_formula(text: str) -> str:
    """A cell of a table that no table program takes for a formula.

    >>> no_formula("=HYPERLINK(1)"), no_formula("Li6PS5Cl")
    ("'=HYPERLINK(1)", 'Li6PS5Cl')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def is_name(text: str) -> bool:
    """Whether a word can be a part of a file's name, and leads into no other folder.

    >>> is_name("Li6PS5Cl, 600 K"), is_name("../elsewhere"), is_name("..")
    (True, False, False)
    """
    return text not in ("", ".", "..") and text.isprintable() and not {"/", "\\"} & set(text)


def nothing(path: Path) -> bool:
    """Test of a writer for `atomic_path` whose files cannot be told from those of others: none is replaced."""
    return False


def sha256_of(*paths: Path) -> str:
    """SHA-256 of files, and of all files in folders, one after the other.

    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "table.csv"
    >>> _ = target.write_text("time,distance")
    >>> sha256_of(target)[:8], sha256_of(target.parent) == sha256_of(target)
    ('8c5e525a', True)
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in [path] if path.is_file() else sorted(part for part in path.rglob("*") if part.is_file()):
            with file.open("rb") as stream:
                while block := stream.read(2**20):
                    digest.update(block)
    return digest.hexdigest()


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)


@contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder, and put it in place of an empty or missing one when the block ends well.

    WriteError if the disk is full, or the folder above cannot be written to.
    """
    final = Path(os.path.realpath(path))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{final.name}-{os.getpid()}-", dir=final.parent))
    except OSError as error:
        raise _unwritten(final, error) from error
    try:
        yield part
        part.chmod(0o777 & ~_umask())
        os.replace(part, final)
    except OSError as error:
        if _full(error):
            raise _unwritten(final, error) from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def made_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder where there is none; WriteError where that is not allowed, or something else has its name."""
    place = Path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(place, error) from error
    return place


def _full(error: OSError | ValueError) -> bool:
    """Whether there is no room: NumPy says so in words only."""
    code = getattr(error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or (code is None and "requested and" in str(error))


def _unwritten(final: Path, error: OSError | ValueError) -> WriteError:
    why = getattr(error, "strerror", None) or str(error)
    if _full(error):
        return WriteError(final, f"room for it, got {why}; make room and repeat, what was there is unchanged")
    return WriteError(final, f"a folder that can be written to, got {why}; name another one, or change its rights")


def _sweep(final: Path) -> None:
    """Remove parts of this file that killed processes left."""
    start, end = f".{final.stem}-", "".join(final.suffixes)
    for name in os.listdir(final.parent):
        pid = name.removeprefix(start).partition("-")[0]
        if name.startswith(start) and name.endswith(end) and pid.isdigit() and not _alive(int(pid)):
            with contextlib.suppress(OSError):
                (final.parent / name).unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def locked(path: str | os.PathLike[str], what: str, *, wait: bool = False) -> Iterator[None]:
    """Keep a second run out for as long as the block lasts, also where the first one is killed.

    The lock file `path` holds the number of the process, and is removed in the end; `what` belongs to one run at a
    time. InputError if another process, or another thread of this one, holds the lock, unless its end is to be waited
    for; WriteError if the folder cannot be written to.

    >>> import tempfile, pathlib
    >>> place = pathlib.Path(tempfile.mkdtemp())
    >>> with locked(place / "run.lock", "this folder"):
    ...     (place / "run.lock").exists()
    True
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    file = Path(path)
    while True:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise _unwritten(file, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            other = os.read(handle, 64).decode(errors="replace").strip()
            os.close(handle)
            got = f"one that is going on (process {other or 'unknown'})"
            remedy = "wait for its end, or use another name"
            raise InputError(what, need="no other run in it", got=got, remedy=remedy) from None
        except OSError as error:  # some network file systems have no locks
            warn(f"{what}: cannot be locked ({error}); see to it that one run at a time uses it")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(file)):
                break
        os.close(handle)  # its holder removed it between the two calls
    try:
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        yield
    finally:
        file.unlink(missing_ok=True)
        os.close(handle)
