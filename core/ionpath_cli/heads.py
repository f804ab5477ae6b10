"""Files before a host opens them: what their heads claim against what they hold; columns and frames of LAMMPS."""

from __future__ import annotations

import itertools
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from ionpath.errors import InputError, require
from ionpath_cli.options import reading

LEAST = {"gro": 40.0, "xyz": 8.0, "xtc": 0.05, "trr": 12.0, "dcd": 12.0}
"""Bytes that a file has for each atom at least."""


def check_claim(path: Path) -> None:
    """Refuse a file that claims more atoms than it can hold: a host would fill the memory for them."""
    from ionpath_mdanalysis.readers.source import ByteSource

    kind = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    if kind not in LEAST or not path.is_file() or path.stat().st_size < 3:
        return
    with open(path, "rb") as file:
        if file.read(3) == b"BZh":
            return
    source = ByteSource(path)
    try:
        claimed = _claimed(kind, source.read_at(0, 2**16))
    finally:
        source.close()
    if claimed is None or claimed < 0 or claimed * LEAST[kind] > source.most:
        got = "no number" if claimed is None else f"{claimed} in a file of {path.stat().st_size} bytes"
        remedy = "restore the file, or name its format with --format"
        raise InputError(str(path), need="a number of atoms that the file has room for", got=got, remedy=remedy)


def _claimed(kind: str, head: bytes) -> int | None:
    """Number of atoms that the head of a file claims."""
    from ionpath_mdanalysis.readers.dcd import dcd_head

    lines = head.split(b"\n", 2)
    try:
        if kind == "gro":
            return int(lines[1])
        if kind == "xyz":
            return int(lines[0])
        if kind in ("xtc", "trr"):
            return int(struct.unpack(">i", head[4:8] if kind == "xtc" else head[64:68])[0])
        return dcd_head(head)[1]
    except (ValueError, IndexError, struct.error):
        return None


def units_of_h5md(path: Path, kind: str | None) -> dict[str, bool]:
    """What MDAnalysis is told of an H5MD file that lacks a unit, which it does not read otherwise."""
    if (kind or path.suffix[1:]).upper() != "H5MD":
        return {}
    with require("h5py", purpose="reading H5MD files", install="pip install h5py").File(path) as file:
        group = next(iter(file["particles"].values()))
        series = [group[name] for name in ("position", "velocity", "force") if name in group]
        said = all("unit" in one[part].attrs for one in series for part in ("value", "time") if part in one)
    return {} if said else {"convert_units": False}


STYLES = {
    "atomic": "id type x y z",
    "charge": "id type charge x y z",
    "molecular": "id resid type x y z",
    "full": "id resid type charge x y z",
}
"""Columns of the section Atoms in a LAMMPS data file; three more hold the images of an atom."""
ANGSTROM = ("metal", "real")
"""Units of LAMMPS whose lengths are in A."""
KEY = b"ITEM: TIMESTEP"
MOST = 2**26
"""Bytes without a new frame, above which a file is no dump of frames of that size."""


def columns(path: Path, style: str | None) -> str:
    """Columns of the atoms in a LAMMPS data file: MDAnalysis takes them for molecules if it is not told."""
    with reading("LAMMPS", path), open(path, encoding="utf-8", errors="replace") as file:
        head = list(
            itertools.islice(itertools.takewhile(lambda line: not re.match(r"\s*Atoms\b", line), file), 100_000)
        )
    with open(path, encoding="utf-8", errors="replace") as file:
        after = itertools.dropwhile(lambda line: not re.match(r"\s*Atoms\b", line), file)
        title = next(after, "")
        rows = itertools.takewhile(lambda line: not re.match(r"\s*[A-Z]", line), after)
        filled = (line for line in rows if line.strip())
        width = len(next(filled, "").split())
        n_rows = sum(1 for _ in filled) + (width > 0)
    _check_units(path, next(iter(re.findall(r"units = (\w+)", head[0] if head else "")), None))
    claimed = next((int(m[1]) for line in head if (m := re.match(r"\s*(\d+)\s+atoms\b", line))), None)
    if claimed is not None and claimed != n_rows:
        remedy = "restore the file, or correct its head"
        raise InputError(str(path), need=f"{claimed} rows of atoms as its head says", got=str(n_rows), remedy=remedy)
    if style is not None and {"id", "type", "x", "y", "z"} <= set(style.split()):
        return _fitting(path, style, width, ())
    style = style or next(iter(re.findall(r"#\s*(\w+)", title)), None)
    if style is None:
        fitting = [name for name, held in STYLES.items() if width in (len(held.split()), len(held.split()) + 3)]
        style = fitting[0] if len(fitting) == 1 else None
    if style not in STYLES:
        need = f"the style of the section Atoms in {path}, one of {', '.join(STYLES)}, or its columns"
        got = style or f"none in the file, and {width} columns"
        remedy = "add --atom-style charge, or name the columns, for example --atom-style 'id type diameter x y z'"
        raise InputError("--atom-style", need=need, got=got, remedy=remedy)
    return _fitting(path, STYLES[style], width, (0, 3))


def _fitting(path: Path, held: str, width: int, more: tuple[int, ...]) -> str:
    """The columns, if the rows of a data file have as many, and so many more; any number more where none is said."""
    least = len(held.split())
    if width < least or (more and width - least not in more):
        need = (
            f"{least} columns ({held}){', and three for images or none,' * bool(more)} in the section Atoms of {path}"
        )
        raise InputError("--atom-style", need=need, got=str(width), remedy="name the right style, or the columns")
    return held


def check_dump(path: Path, *, stop: int | None = None) -> set[int]:
    """Refuse a dump that MDAnalysis reads wrongly or not at all; return the vectors along which it is not periodic.

    Frames behind `stop` are not looked at, so that a file that is cut off can be read up to there.
    """
    with reading("LAMMPS", path):
        first: _Frame | None = None
        before = gap = 0
        open_sides: set[int] = set()
        for number, text in enumerate(_frames(path)):
            if stop is not None and 0 <= stop <= number:
                break
            frame = _Frame(path, number, text)
            first = first or frame
            if (frame.n, frame.titles) != (first.n, first.titles):
                raise frame.damaged(f"{first.n} atoms and columns as in frame 0", f"{frame.n} atoms, or other columns")
            if frame.kinds != first.kinds:
                raise frame.damaged("the atoms of frame 0, each once and of its type", "others")
            gap = frame.step - before if number == 1 else gap
            if number and (frame.step <= before or frame.step - before != gap):
                raise _uneven(path, number, before, frame.step)
            before, open_sides = frame.step, open_sides | frame.open_sides
    return open_sides


def _uneven(path: Path, number: int, before: int, step: int) -> InputError:
    return InputError(
        f"{path}, frame {number}",
        need="steps that increase evenly",
        got=f"step {step} after {before}",
        remedy=f"leave out the frames that a restart wrote twice or lost, or stop before them with --stop {number}"
        if number > 1
        else "write the frames in the order of their steps",
    )


class _Frame:
    """What the head of a frame says, checked against its rows."""

    def __init__(self, path: Path, number: int, text: bytes) -> None:
        from ionpath_mdanalysis.readers.reader import ends_within_a_number

        self.path, self.number = path, number
        lines = text.split(b"\n", 8)
        heads = [lines[k] if k < len(lines) else b"" for k in range(9)]
        known = [heads[1].strip(), heads[3][:16], heads[7][:11]]
        if known != [b"ITEM: NUMBER OF ATOMS", b"ITEM: BOX BOUNDS", b"ITEM: ATOMS"]:
            other = next((one for one in heads[1:] if one.startswith(b"ITEM:") and one[:11] not in _ITEMS), b"")
            if not other:
                raise self.damaged("lines of the number of atoms, the box and the columns", "others, or none")
            raise self.other(other.decode(errors="replace"))
        try:
            self.step, self.n = int(heads[0]), int(heads[2])
        except ValueError as error:
            raise self.damaged("whole numbers of steps and atoms", repr((heads[0] + heads[2])[:40])) from error
        self.titles = heads[7].split()[2:]
        flags = heads[3].split()[3:]
        if b"abc" in flags:
            got = "those of a general triclinic cell"
            remedy = "write it without the keyword triclinic/general"
            raise InputError(str(path), need="boxes of three bounds and tilts", got=got, remedy=remedy)
        if b"id" not in self.titles:
            need = "a column id, as LAMMPS changes the order of atoms from frame to frame"
            got = b" ".join(self.titles).decode(errors="replace") or "no columns"
            remedy = "write the dump with the column id, or sort its frames by hand and add it"
            raise InputError(str(path), need=need, got=got, remedy=remedy)
        sides = [flag for flag in flags if len(flag) == 2 and set(flag) <= set(b"pfsm")][-3:]
        self.open_sides = {k for k, flag in enumerate(sides) if flag != b"pp"}
        rows = heads[8]
        more = rows.find(b"ITEM: ")
        if more >= 0:
            raise self.other(rows[more : more + 40].split(b"\n")[0].decode(errors="replace"))
        count = rows.count(b"\n") + (not rows.endswith(b"\n") and bool(rows.strip()))
        count -= len(rows) - len(rows.rstrip(b"\n")) - 1 if rows.endswith(b"\n\n") else 0
        if count != self.n:
            raise self.damaged(f"{self.n} rows of atoms", f"{count}")
        words = rows.split()
        columns = {title: words[k :: len(self.titles)] for k, title in enumerate(self.titles)}
        ids, kinds = columns[b"id"], columns.get(b"element", columns.get(b"type", columns[b"id"]))
        self.kinds = dict(zip(ids, kinds, strict=False))
        if len(words) != self.n * len(self.titles) or len(self.kinds) != self.n:
            raise self.damaged(f"{self.n} rows of {len(self.titles)} columns, each of another id", "others")
        if ends_within_a_number(rows):
            raise self.damaged("a last number as long as that above it", "a shorter one, as of a file that is cut off")

    def damaged(self, need: str, got: str) -> InputError:
        remedy = f"restore the file, or read it up to there with --stop {self.number}" * (self.number > 1)
        return InputError(f"{self.path}, frame {self.number}", need=need, got=got, remedy=remedy or "restore the file")

    def other(self, item: str) -> InputError:
        return _other_item(self.path, item)


_ITEMS = {b"ITEM: NUMBER", b"ITEM: BOX B", b"ITEM: ATOMS", b"ITEM: NUMBE"}


def _other_item(path: Path, item: str) -> InputError:
    words = item.split()
    if words[:2] == ["ITEM:", "UNITS"]:
        _check_units(path, words[-1] if len(words) > 2 else None)
    show = f"zcat {path}" if path.suffix == ".gz" else f"cat {path}"
    return InputError(
        str(path),
        need="frames of the items TIMESTEP, NUMBER OF ATOMS, BOX BOUNDS and ATOMS only",
        got=item,
        remedy=f"take the others off: {show} | sed -e '/^ITEM: UNITS/{{N;d;}}' -e '/^ITEM: TIME$/{{N;d;}}' "
        "> plain.lammpstrj",
    )


def _check_units(path: Path, units: str | None) -> None:
    """Refuse lengths that are known to be in other units than A."""
    if units is not None and units not in ANGSTROM:
        got = f"units {units}"
        remedy = "convert positions and box to A, and write that into the file"
        raise InputError(str(path), need="lengths in A, as in LAMMPS' units metal and real", got=got, remedy=remedy)


def _frames(path: Path) -> Iterator[bytes]:
    """Text of each frame behind its key; what stands before the first one is refused."""
    from ionpath_mdanalysis.readers.source import ByteSource

    held, begun = b"", False
    for block in ByteSource(path).blocks():
        held += block
        parts = held.split(KEY)
        if len(parts) == 1 and len(held) > MOST:
            _refuse_size(path, held, begun)
        if not begun and len(parts) > 1:
            if parts[0].strip():
                raise _other_item(path, " ".join(parts[0].decode(errors="replace").split()[:3]))
            begun = True
            parts = parts[1:]
            held = b"".join(KEY + part for part in parts)
        elif begun:
            parts = parts[1:]
        if begun:
            yield from (part.removeprefix(b"\r").removeprefix(b"\n") for part in parts[:-1])
            held = KEY + parts[-1]
    if not begun:
        got = repr(held[:40].decode(errors="replace"))
        remedy = "name its format with --format"
        raise InputError(str(path), need="a dump of LAMMPS with lines ITEM: TIMESTEP", got=got, remedy=remedy)
    yield held[len(KEY) :].removeprefix(b"\r").removeprefix(b"\n")


def _refuse_size(path: Path, held: bytes, begun: bool) -> None:
    """Refuse more text than the atoms of a frame can need."""
    claimed = re.search(rb"NUMBER OF ATOMS\r?\n(\d+)", held[:4096])
    if not begun or claimed is None or len(held) > 1000 * int(claimed[1]):
        got = f"none in {len(held)} bytes"
        raise InputError(str(path), need="frames with lines ITEM: TIMESTEP", got=got, remedy="restore the file")
