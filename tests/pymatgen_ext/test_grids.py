"""The published grids: what they hold, that they go on where they stopped, and that memory stays flat."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import analyse, excess_grid, inversion_grid, write_grid
from pymatgen.analysis.argyrodite.grids import iterate_grid


def test_points_are_those_of_the_paper() -> None:
    """33 points in steps of 3.125 %; nine at x = 0, five at x = 0.5: Jang et al. (2025)."""
    assert [p.inversion for p in inversion_grid()] == [k / 32 for k in range(33)]
    points = excess_grid()
    numbers = [sum(p.x_excess == x for p in points) for x in np.arange(0, 1.01, 0.125)]
    assert numbers == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert points[0].entropy == 0.0
    assert max(p.entropy for p in points) == pytest.approx(2 * np.log(2))  # R per formula unit
    assert len(inversion_grid(0.5, seeds=range(3))) == 9


def test_steps_must_divide_one() -> None:
    with pytest.raises(InputError, match=r"step: need one part in a whole number, as 1/32, got 0.3"):
        inversion_grid(0.3)


def test_full_size_structure() -> None:
    """4 x 4 x 4 cells have 3,328 atoms and 256 + 256 free anion sites; a step of 1/32 is eight exchanges."""
    ((_, structure),) = iterate_grid(inversion_grid()[1:2])
    found = analyse(structure)
    assert len(structure) == 3328
    assert found.halide_on_sulfur_sites.sum() == 8
    assert found.n_formula_units == 256


def test_written_structures_are_what_they_say(tmp_path: Path) -> None:
    points = excess_grid(0.25)
    paths = write_grid(tmp_path, points, supercell=1)
    assert len(paths) == 15
    for point, path in zip(points, paths, strict=True):
        found = analyse(Structure.from_file(path))
        assert (found.x_excess, found.inversion, found.mobile_content) == (
            point.x_excess,
            point.inversion,
            6 - point.x_excess,
        )
    with (tmp_path / "grid.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [r["file"] for r in rows] == [p.name for p in paths]
    assert float(rows[2]["entropy_R"]) == pytest.approx(points[2].entropy, abs=1e-6)


@pytest.mark.parametrize("fmt", ["cif", "extxyz", "json"])
def test_formats(tmp_path: Path, fmt: str) -> None:
    if fmt == "extxyz":
        pytest.importorskip("ase", reason="ASE is not installed")
    (path,) = write_grid(tmp_path, inversion_grid(0.25)[1:2], supercell=1, fmt=fmt)  # type: ignore[arg-type]
    if fmt == "extxyz":
        from ase.io import read

        assert len(read(path)) == 52
    else:
        assert analyse(Structure.from_file(path)).inversion == 0.25


def test_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = inversion_grid(0.25)
    whole = [p.read_bytes() for p in write_grid(tmp_path / "whole", points, supercell=1)]
    from pymatgen.analysis.argyrodite import grids

    built: list[float] = []
    build = grids.build_point

    def stops(parent, point, lithium, arrangement):  # type: ignore[no-untyped-def]
        if len(built) == 3:
            raise KeyboardInterrupt
        built.append(point.inversion)
        return build(parent, point, lithium, arrangement)

    monkeypatch.setattr(grids, "build_point", stops)
    with pytest.raises(KeyboardInterrupt):
        write_grid(tmp_path / "parts", points, supercell=1)
    assert len(list((tmp_path / "parts").glob("*.vasp"))) == 3
    built.clear()
    paths = write_grid(tmp_path / "parts", points, supercell=1)
    assert built == [0.75, 1.0]  # what was there is not made again
    assert [p.read_bytes() for p in paths] == whole


def test_other_settings_in_one_folder_are_refused(tmp_path: Path) -> None:
    write_grid(tmp_path, inversion_grid(1.0), supercell=1)
    with pytest.raises(InputError, match=r"folder: need a new folder, or the settings of the grid in .*halide"):
        write_grid(tmp_path, inversion_grid(1.0), supercell=1, halide="Br")
    with pytest.raises(InputError, match=r"fmt: need one of 'poscar', 'cif', 'extxyz', 'json', got 'xyz'"):
        write_grid(tmp_path, inversion_grid(1.0), supercell=1, fmt="xyz")  # type: ignore[arg-type]


def test_memory_does_not_grow_with_the_grid() -> None:
    def peak(n: int) -> int:
        tracemalloc.start()
        for _ in iterate_grid(inversion_grid(1 / 8, seeds=range(n)), supercell=(1, 1, 2)):
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(1)  # imports
    assert peak(6) < 1.3 * peak(1)
