"""Damaged files give the same content, or one sentence that names them; as a script it prints the table of the docs."""

from __future__ import annotations

import gzip
import os
import resource
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionpath.errors import IonpathError

N_FRAMES, SYMBOLS = 7, ["Li"] * 4 + ["P"] + ["S"] * 3
HOSTS = ("a.xtc", "a.trr", "a.dcd", "a.gro", "a.pdb", "a.lammpstrj", "a.data")
"""Files that MDAnalysis reads, as `ionpath analyze` opens them."""
KINDS = ("XDATCAR", "XDATCAR.gz", "md.extxyz", "md.extxyz.gz", "md.traj", "md.traj.gz", "results.npz", "analysis.json")
ALL = (*KINDS, *HOSTS)
ALLOWED = {"clear", "same", "value"}


def make(folder: Path, kind: str) -> Path:
    """A sound file of each kind."""
    import ase
    import ase.io

    path, rng = folder / kind.removesuffix(".gz"), np.random.default_rng(1)
    if kind in HOSTS:
        make_hosts(folder)
    elif kind == "results.npz":
        from ionpath_mdanalysis import _store

        facts = {"class": "IonDiffusion", "frames": np.arange(9), "times": np.arange(9.0)}
        facts |= {"n_frames": 9, "frame_time": 1.0, "parameters": {}}
        _store.write(path, facts, {"msd": rng.random(400), "verdict": "diffusive"})
    elif kind == "analysis.json":
        from ionpath.estimate import Estimate
        from ionpath_cli.record import Quantity, Record

        Record("x", [Quantity("D", Estimate(1.0, 0.1, 0.8, 1.2, "A^2/ps"), "n")], notes=["short"]).save(folder)
    else:
        cell = np.array([[9.0, 0.0, 0.0], [1.5, 8.0, 0.0], [0.4, -2.0, 10.0]])
        images = []
        for k in range(N_FRAMES):
            images.append(ase.Atoms(SYMBOLS, scaled_positions=rng.random((8, 3)), cell=cell, pbc=True))
            images[-1].info["time"] = 0.25 * k
        if path.name == "XDATCAR":
            rows = "\n".join(" ".join(f"{x:.8f}" for x in row) for row in cell)
            text = f"run\n1.0\n{rows}\nLi P S\n4 1 3\n"
            for k, atoms in enumerate(images):
                lines = "".join(" ".join(f"{x:.8f}" for x in row) + "\n" for row in atoms.get_scaled_positions())
                text += f"Direct configuration={k + 1:6d}\n{lines}"
            path.write_text(text)
        else:
            ase.io.write(path, images)
    if kind.endswith(".gz"):
        packed = folder / kind
        packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        return packed
    return path


def make_hosts(folder: Path) -> None:
    """Sound files of what MDAnalysis reads."""
    with warnings.catch_warnings(action="ignore"):  # of attributes that formats have and these atoms do not
        make_moving(folder)


def make_moving(folder: Path) -> None:
    """Sound files of 16 atoms that move a little, in a skewed cell, 12 frames 1 ps apart, by MDAnalysis and LAMMPS."""
    import MDAnalysis as mda
    from MDAnalysis.lib.mdamath import triclinic_box

    rng, symbols = np.random.default_rng(1), ["Li"] * 8 + ["P"] * 2 + ["S"] * 6
    cell = np.array([[12.0, 0.0, 0.0], [1.5, 8.0, 0.0], [0.4, -2.0, 10.0]])
    grid = np.stack(np.meshgrid(np.arange(4) / 4, [0.25, 0.75], [0.25, 0.75], indexing="ij"), -1).reshape(-1, 3)
    walk = grid @ cell + 0.2 * rng.normal(size=(12, 16, 3)).cumsum(axis=0)
    u = mda.Universe.empty(16, trajectory=True)
    u.load_new(walk, dt=1.0, dimensions=np.tile(triclinic_box(*cell), (12, 1)))
    for name, values in (("names", symbols), ("elements", symbols), ("resnames", ["X"])):
        u.add_TopologyAttr(name, values)
    u.atoms.write(folder / "a.gro")
    for name in ("a.xtc", "a.trr", "a.dcd"):
        u.atoms.write(folder / name, frames="all", dt=1.0)
    u.atoms.write(folder / "a.pdb", frames="all")
    lines = (folder / "a.pdb").read_text().splitlines()
    cryst = next(line for line in lines if line.startswith("CRYST1"))  # before each model but the first, as of GROMACS
    later = [f"{cryst}\n{line}" if line.startswith("MODEL") and line[-2:] != " 1" else line for line in lines]
    (folder / "a.pdb").write_text("\n".join(later) + "\n")
    rows = [
        "".join(f"{i + 1} {['Li', 'P', 'S'].index(e) + 1} {x:.5f} {y:.5f} {z:.5f}\n" for i, (e, (x, y, z)) in atoms)
        for atoms in (enumerate(zip(symbols, frame, strict=True)) for frame in walk)
    ]
    head = "ITEM: NUMBER OF ATOMS\n16\nITEM: BOX BOUNDS xy xz yz pp pp pp\n0.0 13.9 1.5\n-2.0 8.0 0.4\n0.0 10.0 -2.0\n"
    frames = [f"ITEM: TIMESTEP\n{100 * k}\n{head}ITEM: ATOMS id type x y z\n{text}" for k, text in enumerate(rows)]
    (folder / "a.lammpstrj").write_text("".join(frames))
    (folder / "a.data").write_text(
        "LAMMPS data file\n\n16 atoms\n3 atom types\n\n0.0 12.0 xlo xhi\n0.0 8.0 ylo yhi\n0.0 10.0 zlo zhi\n"
        f"1.5 0.4 -2.0 xy xz yz\n\nMasses\n\n1 6.94\n2 30.974\n3 32.06\n\nAtoms # atomic\n\n{rows[0]}"
    )


def content_of_hosts(path: Path) -> tuple[Any, ...]:
    """What an analysis of the command line reads, of this file and a sound one where it takes two."""
    from ionpath_cli.trajectory import Given, open_trajectory, without_times
    from ionpath_mdanalysis import IonDiffusion

    name, beside = path.name, path.parent
    files = (path, None) if name == "a.pdb" else (beside / "a.data", beside / "a.lammpstrj")
    if name in ("a.xtc", "a.trr", "a.dcd", "a.gro"):
        files = (path, beside / "a.xtc") if name == "a.gro" else (beside / "a.gro", path)
    said = None if files[0] is not None and files[0].suffix == ".gro" else 1.0
    opened = open_trajectory(Given(*files, frame_time=said))
    with without_times():
        IonDiffusion(opened.ions, opened.framework, temperature=300.0, frame_time=opened.frame_time).run()
        u = opened.universe
        frames = [np.concatenate([ts.positions.ravel(), ts.dimensions, [ts.time]]) for ts in u.trajectory]
    masses = np.asarray(u.atoms.masses)
    return (len(frames), len(u.atoms)), b"".join(x.tobytes() for x in (*frames, masses)) + repr(
        [*u.atoms.elements]
    ).encode()


def content(path: Path) -> tuple[Any, ...]:
    """Everything that a user gets from a file: the shape of it, and the numbers."""
    if path.name in HOSTS:
        return content_of_hosts(path)
    if path.suffix == ".npz":
        from ionpath_mdanalysis import _store

        metadata, values, _ = _store.read(path)
        return (sorted(metadata), sorted(values)), values["msd"].tobytes() + values["verdict"].encode()
    if path.suffix == ".json":
        from ionpath_cli.record import Record

        record = Record.load(path.parent)
        return len(record.quantities), str(record)  # of a note that is gone nothing else in the file tells
    import MDAnalysis as mda

    u = mda.Universe(str(path), **({"dt": 0.25} if "XDATCAR" in path.name else {}))
    frames = [(ts.positions.copy(), np.asarray(ts.dimensions), ts.time) for ts in u.trajectory]
    for positions, dimensions, time in frames:
        assert np.isfinite(positions).all() and np.isfinite(dimensions).all() and np.isfinite(time)
    assert (np.diff([time for *_, time in frames]) > 0).all()
    u.trajectory.close()
    shape = (len(frames), tuple(u.atoms.elements))
    return shape, b"".join(np.concatenate([p.ravel(), d, [t]]).tobytes() for p, d, t in frames)


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Cuts, flips, deletions, insertions and shuffles without end."""
    rng = np.random.default_rng(seed)
    while True:
        at, size = int(rng.integers(len(data))), int(rng.integers(1, 24))
        yield data[:at]
        flipped = bytearray(data)
        for k in rng.integers(len(data), size=int(rng.integers(1, 4))):
            flipped[k] ^= 1 << int(rng.integers(8))
        yield bytes(flipped)
        yield data[:at] + data[at + size :]
        yield data[:at] + rng.integers(0, 256, size, np.uint8).tobytes() + data[at:]
        block = np.frombuffer(data[at : at + size], np.uint8)
        yield data[:at] + rng.permutation(block).tobytes() + data[at + size :]


def outcome(path: Path, sound: tuple[Any, ...]) -> str:
    """What a user meets: a clear sentence, the same, other numbers of the same shape, fewer frames, or a bare error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = content(path)
    except IonpathError as error:
        text = str(error)
        named = path.name in text or path.name in HOSTS  # some name the atoms, the frame or the option
        return "clear" if named and "\n" not in text else f"unnamed: {text[:80]}"
    except FileNotFoundError:
        raise
    except BaseException as error:
        return f"bare {type(error).__name__}: {str(error)[:80]}"
    if found == sound:
        return "same"
    return "value" if found[0] == sound[0] else f"other shape {found[0]}"


def apart(path: Path, sound: tuple[Any, ...]) -> str:
    """The same in a process of its own, of which crashes, no end and 4 GiB of memory are told."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # glibc's last words
        os.write(writing, outcome(path, sound).encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        found = pipe.read()
    _, status, used = os.wait4(child, 0)
    large = used.ru_maxrss > 4 << 20
    return f"killed: {os.waitstatus_to_exitcode(status)}, {used.ru_maxrss >> 10} MiB" if large or not found else found


def fuzz(kind: str, n: int, seed: int = 0, path_of: Callable[[], str] = tempfile.mkdtemp) -> Counter[str]:
    folder = Path(path_of())
    path = make(folder, kind)
    with warnings.catch_warnings(action="ignore"):
        data, sound = path.read_bytes(), content(path)
    seen: Counter[str] = Counter()
    for mutated, _ in zip(mutations(data, seed), range(n), strict=False):
        path.write_bytes(mutated)
        for left in folder.glob(".*_offsets.*"):  # MDAnalysis' notes of the last file
            left.unlink()
        seen[(apart if kind in HOSTS else outcome)(path, sound)] += 1
    return seen


def check(kind: str, n: int, seed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30 if hard < 0 else min(8 << 30, hard), hard))
    try:
        seen = fuzz(kind, n, seed)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    # A cut at the end of a frame is a shorter file of text that nothing in it tells; it is not counted as damage.
    wrong = {k: v for k, v in seen.items() if k not in ALLOWED and not (k.startswith("other shape") and is_prefix(k))}
    assert not wrong, wrong
    assert seen["clear"] > n // 4, seen


def is_prefix(outcome: str) -> bool:
    """Fewer frames of the same atoms."""
    frames, _, rest = outcome.removeprefix("other shape (").partition(", ")
    return frames.isdigit() and (
        (int(frames) < N_FRAMES and rest.startswith(repr(tuple(SYMBOLS)))) or (int(frames) < 12 and rest == "16)")
    )


@pytest.mark.parametrize("kind", ALL)
def test_damage_is_told(kind: str) -> None:
    check(kind, 30 if kind in HOSTS else 60, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ALL)
def test_damage_is_told_in_any_place(kind: str) -> None:
    check(kind, 600 if kind in HOSTS else 1500, seed=1)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 320
    print("| file | clear sentence | same content | other value | fewer frames | anything else |")
    print("|---|---|---|---|---|---|")
    for name in ALL:
        seen = fuzz(name, count)
        fewer = sum(v for k, v in seen.items() if k.startswith("other shape") and is_prefix(k))
        rest = count - seen["clear"] - seen["same"] - seen["value"] - fewer
        print(f"| {name} | {seen['clear']} | {seen['same']} | {seen['value']} | {fewer} | {rest} |")
        for key, number in seen.items():
            if key not in ALLOWED and not (key.startswith("other shape") and is_prefix(key)):
                print(f"    {number} {key}", file=sys.stderr)
