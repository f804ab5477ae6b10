"""Damaged tables of numbers that the product reads: a sentence that names the file, or what a reader can know of it.

Of a table in plain text nobody can know that a digit is another one, or that rows at its end are missing; what no such
table holds is refused: rows of other lengths, words, infinities, times that go back.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from ionpath.errors import InputError

Mutations = Callable[..., Iterable[bytes]]
Kind = Callable[[Path], tuple[Path, Callable[[], np.ndarray]]]


def structure_factor(folder: Path) -> tuple[Path, Callable[[], np.ndarray]]:
    from ionpath.structure import read_structure_factor

    q = np.linspace(0.5, 20.0, 60)
    (folder / "sq.dat").write_text("# Q S\n" + "".join(f"{a:.4f} {1 + np.sin(a) / a:.6f}\n" for a in q))
    return folder / "sq.dat", lambda: np.array(read_structure_factor(folder / "sq.dat"))


def radial_distribution(folder: Path) -> tuple[Path, Callable[[], np.ndarray]]:
    from ionpath.structure import read_radial_distribution

    r = np.linspace(0.5, 10.0, 60)
    (folder / "gr.csv").write_text("r, g\n" + "".join(f"{a:.4f},{1 + np.sin(a) / a:.6f}\n" for a in r))
    return folder / "gr.csv", lambda: np.array(read_radial_distribution(folder / "gr.csv"))


def colvar(folder: Path) -> tuple[Path, Callable[[], np.ndarray]]:
    """Reweighting of a biased run."""
    files = pytest.importorskip("ionpath_plumed")
    rng = np.random.default_rng(0)
    rows = [f" {0.01 * k:f} {2 + 0.3 * rng.standard_normal():f} {-rng.random():f}\n" for k in range(300)]
    (folder / "COLVAR").write_text("#! FIELDS time d opes.bias\n" + "".join(rows))

    (folder / "plumed.dat").write_text("PRINT ARG=d,opes.bias FILE=COLVAR\n")

    def surface() -> np.ndarray:
        found = files.free_energy_from_colvar(folder / "COLVAR", ["d"], temperature=300.0, bias="opes.bias", bins=20)
        assert len(found.axes[0]) == 20
        return found.values

    return folder / "COLVAR", surface


def memberships(folder: Path) -> tuple[Path, Callable[[], np.ndarray]]:
    """States of a run that printed them."""
    files = pytest.importorskip("ionpath_plumed.files")
    shares = np.random.default_rng(0).random(100)
    rows = [f" {0.01 * k:f} {x:f} {1 - x:f}\n" for k, x in enumerate(shares)]
    (folder / "COLVAR").write_text("#! FIELDS time f.py-p0 f.py-p1\n" + "".join(rows))
    return folder / "COLVAR", lambda: files.states(folder / "COLVAR", "f")


def points(folder: Path) -> tuple[Path, Callable[[], np.ndarray]]:
    """Sites or nodes that a variable of PLUMED reads."""
    bridge = pytest.importorskip("ionpath_plumed.bridge")
    np.savetxt(folder / "nodes.dat", np.random.default_rng(0).random((12, 3)) * 9.0)
    return folder / "nodes.dat", lambda: np.array(bridge.as_points("nodes", str(folder / "nodes.dat")))


KINDS = (structure_factor, radial_distribution, colvar, memberships, points)


def check(kind: Kind, folder: Path, count: int, mutations: Mutations) -> None:
    path, read = kind(folder)
    sound, data = read(), path.read_bytes()
    seen: Counter[str] = Counter()
    for damaged in mutations(data, count, 5):
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings(action="ignore"):
                found = read()
        except InputError as error:
            seen["told" if path.name in str(error) and "\n" not in str(error) else str(error)[:100]] += 1
        except Exception as error:  # what no user should meet
            seen[f"bare {type(error).__name__}: {error}"[:100]] += 1
        else:
            assert found.ndim == sound.ndim and not np.isnan(found).any()
            seen["read"] += 1
    assert set(seen) <= {"told", "read"} and seen["told"] > count // 3, seen


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told(kind: Kind, tmp_path: Path, mutations: Mutations) -> None:
    check(kind, tmp_path, 60, mutations)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_in_any_place(kind: Kind, tmp_path: Path, mutations: Mutations) -> None:
    check(kind, tmp_path, 600, mutations)


@pytest.mark.parametrize("name", ["density.dx", "CHGCAR"])
def test_a_grid_that_is_damaged_is_written_whole_or_kept(name: str, tmp_path: Path, mutations: Mutations) -> None:
    """A grid of ours is replaced by the same one; where nothing says that it is ours, it stays, and is named."""
    from ionpath.transport import write_opendx, write_vasp_grid

    path, values, cell = tmp_path / name, np.random.default_rng(0).random((3, 4, 5)), np.diag([3.0, 4.0, 5.0])

    def make() -> None:
        if name == "CHGCAR":
            write_vasp_grid(path, values, cell, symbols=["Li"], positions=[[0.0, 0.0, 0.0]])
        else:
            write_opendx(path, values, cell)

    make()
    sound, seen = path.read_bytes(), Counter()
    for damaged in mutations(sound, 100, 5):
        path.write_bytes(damaged)
        try:
            make()
        except InputError as error:
            seen["kept" if name in str(error) and path.read_bytes() == damaged else str(error)] += 1
        else:
            assert path.read_bytes() == sound
            seen["written"] += 1
    assert set(seen) == {"kept", "written"}
