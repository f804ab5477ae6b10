"""``ionpath build``: every crystal, every format that its help names, and sentences for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure
from pymatgen.io.cif import CifWriter

from ionpath import plugins
from ionpath.errors import InputError
from ionpath.occupancies import check_full_occupancies
from ionpath_cli import cli
from ionpath_cli.build import build, formula, main
from pymatgen.analysis.argyrodite import analyse, argyrodite, hooks

ase_io = pytest.importorskip("ase.io", reason="ASE is not installed")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, and the names of this package also where its entry point is not installed."""
    monkeypatch.chdir(tmp_path)
    missing = "LSPSCl" not in plugins.available("structures")
    if missing:
        plugins.register(hooks, "argyrodite")
    yield tmp_path
    if missing:
        plugins.unregister(hooks)


def made(words: str) -> None:
    assert main(words.split()) == 0


def test_composition_is_printed_per_tetrahedron(capsys: pytest.CaptureFixture[str]) -> None:
    made("--excess 0.5 --inversion 0.75 --supercell 2 --seed 1 -o start.extxyz")
    made("LSPSCl -o cell.json")
    made("beta-Li3PS4 -o beta.cif")
    assert capsys.readouterr().out.splitlines() == [
        "start.extxyz: Li5.5PS4.5Cl1.5, 400 atoms", "cell.json: Li20Si3P3S23Cl, 50 atoms", "beta.cif: Li3PS4, 64 atoms"
    ]  # fmt: skip
    assert formula(argyrodite(x_excess=0.375, supercell=2)) == "Li45P8S37Cl11"
    found = analyse(Structure.from_ase_atoms(ase_io.read("start.extxyz")))
    assert (found.x_excess, found.inversion) == (0.5, 0.75)


FORMATS = (
    "a.extxyz", "a.xyz", "a.traj", "a.cif", "a.json", "a.vasp", "POSCAR", "POSCAR.start", "a.lmp", "a.data"
)  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_structure(name: str) -> None:
    made(f"--excess 0.5 --inversion 0.75 --seed 2 -o {name}")
    expected = build(0.5, 0.75, (1, 1, 1), seed=2)
    if name.endswith((".lmp", ".data")):
        atoms = ase_io.read(name, format="lammps-data", atom_style="atomic")
        read = Structure.from_ase_atoms(atoms)
        masses = Path(name).read_text().split("Masses")[1].split("Atoms")[0]
        assert [line.split()[-1] for line in masses.strip().splitlines()] == ["Li", "P", "S", "Cl"]
    elif name.endswith((".extxyz", ".xyz", ".traj")):
        read = Structure.from_ase_atoms(ase_io.read(name))
    else:
        read = Structure.from_file(name)
    assert read.composition == expected.composition
    assert (analyse(read).inversion, analyse(read).x_excess) == (0.75, 0.5)
    np.testing.assert_allclose(read.lattice.matrix, expected.lattice.matrix, atol=1e-6)


def test_poscar_has_each_element_once() -> None:
    made("--inversion 0.5 -o POSCAR")
    lines = Path("POSCAR").read_text().splitlines()
    assert (lines[5].split(), lines[6].split()) == (["Li", "P", "S", "Cl"], ["24", "4", "20", "4"])


def test_every_name_is_built() -> None:
    for name in plugins.available("structures"):
        made(f"{name} -o {name}.extxyz")
        assert len(ase_io.read(f"{name}.extxyz")) > 0


def test_refined_file_becomes_an_ordered_cell(capsys: pytest.CaptureFixture[str]) -> None:
    CifWriter(argyrodite(inversion=0.63, a=9.86, lithium="48h", ordered=False)).write_file("refined.cif")
    made("--from refined.cif --supercell 2 -o plain.cif")
    assert analyse(Structure.from_file("plain.cif")).inversion == 20 / 32
    made("--from refined.cif --supercell 2 --excess 0.5 --inversion 0.75 --lattice 9.8 -o rich.json")
    rich = Structure.from_file("rich.json")
    assert (analyse(rich).formula, analyse(rich).inversion) == ("Li5.5PS4.5Cl1.5", 0.75)
    assert rich.lattice.a == pytest.approx(19.6)  # A
    assert "plain.cif: Li6PS5Cl, 416 atoms" in capsys.readouterr().out


def test_what_the_shipped_potentials_do_not_know_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    made("LPSCl-I -o one.extxyz")
    assert "argyrodite-lpscl-i was trained on this phase (--model argyrodite-lpscl-i)" in capsys.readouterr().out
    made("LPSCl-II -o two.extxyz")
    assert "No shipped potential" not in capsys.readouterr().out


def test_grid() -> None:
    made("--grid excess --step 0.5 --supercell 1 -o grid")
    assert len(list(Path("grid").glob("*.extxyz"))) == 6
    made("--grid inversion --step 0.5 --supercell 1 1 2 --halide Br -o bromide")
    assert len(ase_io.read("bromide/x0.00000-y0.50000-s0.extxyz")) == 104


@pytest.mark.parametrize(("words", "sentence"), [
    ("-o a.foo", r"--output: need a file name with .extxyz, .*, got a.foo; for example -o start.extxyz"),
    ("-o gone/a.cif", r"--output: need an existing folder, got gone; mkdir -p gone"),
    ("--supercell 2 2", r"--supercell: need one number or three, got 2 2"),
    ("--supercell -1 1 1", r"--supercell: need a whole number of at least 1, three of them"),
    ("--supercell 10000", r"--supercell: need at most 5,000,000 atoms, got 5.2e\+13"),
    ("--supercell 0", r"--supercell: need a whole number of at least 1"),
    ("--seed -1", r"--seed: need a whole number of at least 0, got -1"),
    ("--lattice -3", r"--lattice: need a positive number in A, got -3.0"),
    ("--excess nan", r"--excess: need excess halide from -1 to 1, got nan"),
    ("LPSCl-IV", r"name: need one of 'argyrodite', .*, got 'LPSCl-IV'; did you mean 'LPSCl-I"),
    ("LSPSCl --excess 0.5", r"--excess: need to be left out, as LSPSCl has its own composition, got 0.5; or leave"),
    ("--from gone.cif", r"--from: need an existing file, got gone.cif"),
    ("--from text.cif", r"--from: need a structure that pymatgen reads, such as .cif or POSCAR, got text.cif"),
    ("--inversion 0.3", r"--inversion: need a multiple of 1/4 .* --supercell \(5 times .*\), or --inversion 0.25"),
    ("--inversion 1.5", r"--inversion: need a number from 0 to 1, got 1.5"),
    ("--excess 0.5 --inversion 0.25", r"--inversion: need a fraction from 0.5 to 1 .* change --excess first"),
    ("--grid excess --step 0.3 -o grid", r"--step: need one part in a whole number, as 1/32, got 0.3"),
    ("--lattice 98", r"--lattice: need an edge of 8 to 13 A, as argyrodites have, got 98"),
    ("--lattice 0.98", r"--lattice: need an edge of 8 to 13 A, as argyrodites have, got 0.98"),
    ("--grid excess --step 1e-6 -o grid", r"--step: need at most 5000 structures, got 5e\+11"),
    ("--from text.cif -o text.cif", r"--output: need another file than that of --from, got text.cif"),
    ("--from text.cif --halide Br", r"--halide: need --excess beside it, as the file has a halide of its own, got Br"),
    ("--step 0.5", r"--step: need --grid inversion or --grid excess beside it, got 0.5 alone"),
])  # fmt: skip
def test_sentences(words: str, sentence: str) -> None:
    Path("text.cif").write_text("no crystal\n")
    with pytest.raises(InputError, match=sentence):
        main(words.split())
    assert [p.name for p in Path().iterdir()] == ["text.cif"]


def test_partial_occupancies_are_refused_where_a_host_rounds_them() -> None:
    """ASE reads inversion 0.63 as full inversion: the site takes its most abundant element."""
    CifWriter(argyrodite(inversion=0.63, ordered=False)).write_file("silent.cif")
    atoms = ase_io.read("silent.cif")
    assert analyse(Structure.from_ase_atoms(atoms)).inversion == 1.0
    with pytest.raises(InputError, match=r"silent.cif: need full occupancies, got .* on 16 of 60 sites; "
                       r"order them first: ionpath build --from FILE"):  # fmt: skip
        check_full_occupancies(atoms.info["occupancy"], "silent.cif")
    CifWriter(argyrodite()).write_file("full.cif")
    check_full_occupancies(ase_io.read("full.cif").info.get("occupancy"))
    check_full_occupancies(None)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("LSPSCl", {"Li": 20, "Si": 3, "P": 3, "S": 23, "Cl": 1}),  # of arXiv:2412.07115
        ("beta-Li3PS4", {"Li": 24, "P": 8, "S": 32}),
        ("LiCl", {"Li": 4, "Cl": 4}),
        ("melt-75Li2S-25P2S5", {"Li": 36, "P": 12, "S": 48}),
        pytest.param("glass-LiP0.465S1.605", {"Li": 86, "P": 40, "S": 138}, marks=pytest.mark.slow),
    ],
)
def test_every_kind_of_name_in_the_formats_of_vasp_and_lammps(
    name: str, formula: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crystals of both plugins, melts and glasses; a POSCAR has each element once, or a wrong POTCAR waits for it."""
    from ase.io import read

    pytest.importorskip("ionpath_ase.training")
    monkeypatch.chdir(tmp_path)
    for file in ("POSCAR", "a.lmp"):
        assert cli.main(["build", name, "--seed", "2", "-o", file]) == 0
    lines = Path("POSCAR").read_text().splitlines()
    assert dict(zip(lines[5].split(), map(int, lines[6].split()), strict=True)) == formula
    data = read("a.lmp", format="lammps-data")
    assert {element: data.symbols.count(element) for element in set(data.symbols)} == formula


def test_a_name_that_is_none_is_refused_with_all_that_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "melt-99Li2S", "-o", str(tmp_path / "a.cif")]) == 1
    said = capsys.readouterr().err
    assert "'melt-75Li2S-25P2S5'" in said and "'LSPSCl'" in said and "got 'melt-99Li2S'" in said
