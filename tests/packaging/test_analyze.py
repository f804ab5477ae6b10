"""``ionpath analyze`` on the files of several programs: the diffusion of a walk that is known, or one sentence."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import subprocess
import warnings
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

pytest.importorskip("MDAnalysis")

from ionpath.data import example
from ionpath.errors import InputError
from ionpath_cli import cli
from ionpath_cli.record import Record
from ionpath_cli.trajectory import Given, open_trajectory
from ionpath_cli.words import PYTHON

EDGE, FRAME_TIME, RATE, STEP = 15.0, 0.1, 0.2, 2.5
D = RATE * STEP**2 / 6
"""Diffusion coefficient of the walk, A^2/ps: hops of STEP along an axis at RATE (Einstein relation)."""
SYMBOLS = ["Li"] * 32 + ["S"] * 27


@pytest.fixture(scope="module")
def walk() -> np.ndarray:
    """32 ions that hop on a grid, and 27 that stay; unwrapped positions of 300 frames in A."""
    rng = np.random.default_rng(2)
    grid = (np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5) * EDGE / 3
    moves = np.zeros((300, 32, 3))
    moves[0] = rng.integers(0, 6, (32, 3)) * STEP
    hops = rng.poisson(RATE * FRAME_TIME, (299, 32))
    for frame, ion in np.argwhere(hops):
        for _ in range(hops[frame, ion]):
            moves[frame + 1, ion, rng.integers(3)] += rng.choice([-STEP, STEP])
    ions = moves.cumsum(axis=0) + rng.normal(0, 0.1, moves.shape)
    return np.concatenate([ions, grid + rng.normal(0, 0.1, (300, 27, 3))], axis=1)


def row(values: np.ndarray, digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)


def xdatcar(path: Path, walk: np.ndarray) -> Path:
    text = f"run\n1.0\n{EDGE} 0 0\n0 {EDGE} 0\n0 0 {EDGE}\nLi S\n32 27\n"
    for k, frame in enumerate(walk / EDGE % 1):
        text += f"Direct configuration={k + 1:6d}\n" + "".join(row(x, 8) + "\n" for x in frame)
    path.write_text(text)
    return path


def extxyz(path: Path, walk: np.ndarray, time: str = "time={:.3f}", unit: float = FRAME_TIME) -> Path:
    with path.open("w") as file:
        for k, frame in enumerate(walk % EDGE):
            said = time.format(unit * k)
            file.write(f'59\nLattice="15.0 0 0 0 15.0 0 0 0 15.0" Properties=species:S:1:pos:R:3 {said}\n')
            file.writelines(f"{s} {row(x, 6)}\n" for s, x in zip(SYMBOLS, frame, strict=True))
    return path


def dump(path: Path, walk: np.ndarray, steps: list[int] | None = None) -> Path:
    with path.open("w") as file:
        for k, frame in enumerate(walk % EDGE):
            step = 100 * k if steps is None else steps[k]
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n59\nITEM: BOX BOUNDS pp pp pp\n" + "0 15\n" * 3)
            file.write("ITEM: ATOMS id type x y z\n")
            file.writelines(f"{i + 1} {1 + (i >= 32)} {row(x, 4)}\n" for i, x in enumerate(frame))
    return path


def data(path: Path, walk: np.ndarray, title: str = "Atoms # atomic", between: str = "") -> Path:
    head = "x\n\n59 atoms\n2 atom types\n\n0 15 xlo xhi\n0 15 ylo yhi\n0 15 zlo zhi\n\n"
    atoms = enumerate(walk[0] % EDGE)
    rows = [f"{i + 1} {1 + (i >= 32)} {between}{row(x, 4)} 0 0 0\n" for i, x in atoms]
    path.write_text(f"{head}Masses\n\n1 6.94\n2 32.06\n\n{title}\n\n{''.join(rows)}")
    return path


def gro(path: Path, walk: np.ndarray) -> Path:
    names = ["LI" if symbol == "Li" else symbol for symbol in SYMBOLS]
    rows = [
        f"    1{'UNK':5}{name:>5}{i + 1:5}" + "".join(f"{value:8.3f}" for value in x) + "\n"
        for i, (name, x) in enumerate(zip(names, walk[0] / 10, strict=True))
    ]
    path.write_text("x\n59\n" + "".join(rows) + "1.5 1.5 1.5\n")
    return path


def run(*words: object, code: int = 0) -> None:
    assert cli.main(["analyze", *map(str, words), "--temperature", "600", "-q"]) == code


def diffusion(folder: Path) -> float:
    record = Record.load(folder)
    found = next(q.estimate for q in record.quantities if q.name == "diffusion coefficient")
    assert abs(found.value - D) < 4 * found.error, f"{found}, right: {D} A^2/ps"
    assert record.parameters["elements"] == {"Li": 32, "S": 27}
    return found.value


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    run(*words, code=1)
    said = capsys.readouterr().err
    assert said.startswith("ionpath analyze: ")
    assert len(said.splitlines()) == 1, said
    return said


def test_xdatcar_needs_its_frame_time(tmp_path, walk, capsys):
    path, out = xdatcar(tmp_path / "XDATCAR", walk), tmp_path / "out"
    for files in ([path], [path, path]):
        assert "--frame-time: need the time between the frames of the file in ps" in refused(capsys, *files, "-o", out)
    assert not out.exists()
    run(path, "--frame-time", 0.1, "-o", out)
    diffusion(out)
    facts = Record.load(out).parameters
    assert facts["frame_time"] == 0.1
    assert facts["frame_time_from"] == "--frame-time"
    assert facts["files"] == [str(path)]
    assert facts["n_frames"] == facts["frames"] == 300
    assert facts["charge"] == 1.0
    assert facts["mobile"] == "element Li"
    assert facts["ionpath"] and facts["MDAnalysis"]


def test_ions_that_a_restart_wrapped_again_are_followed_with_unwrap(tmp_path, walk, capsys):
    """Image flags that were set to zero half-way; the remedy is an option of this command, and works."""
    again = walk.copy()
    again[150:] -= np.floor(walk[150] / EDGE) * EDGE
    head = "ITEM: NUMBER OF ATOMS\n59\nITEM: BOX BOUNDS pp pp pp\n" + "0 15\n" * 3 + "ITEM: ATOMS id type xu yu zu\n"
    path = tmp_path / "run.lammpstrj"
    with path.open("w") as file:
        for k, frame in enumerate(again):
            file.write(f"ITEM: TIMESTEP\n{100 * k}\n{head}")
            file.writelines(f"{i + 1} {1 + (i >= 32)} {row(x, 4)}\n" for i, x in enumerate(frame))
    words = path, "--frame-time", FRAME_TIME, "--elements", "1=Li,2=S", "-o", tmp_path / "out"
    assert "by whole cells from frame 149 to 150; pass --unwrap if no ion moves further" in refused(capsys, *words)
    run(*words, "--unwrap")
    diffusion(tmp_path / "out")


def test_same_numbers_by_every_format(tmp_path, walk, capsys):
    """Extended XYZ under both names and packed, LAMMPS dump alone and with its data, GROMACS with DCD and XTC."""
    import MDAnalysis as mda

    extxyz(tmp_path / "md.extxyz", walk)
    extxyz(tmp_path / "md.xyz", walk)
    (tmp_path / "md.xyz.gz").write_bytes(gzip.compress((tmp_path / "md.xyz").read_bytes()))
    extxyz(tmp_path / "gpumd.extxyz", walk, "Time={:.1f}", 1000 * FRAME_TIME)
    dump(tmp_path / "run.lammpstrj", walk)
    data(tmp_path / "run.data", walk)
    data(tmp_path / "plain.lmp", walk, "Atoms", between="0.0 ")
    gro(tmp_path / "conf.gro", walk)
    u = mda.Universe(str(tmp_path / "md.extxyz"))
    for name in ("md.xtc", "md.dcd"):
        u.atoms.write(tmp_path / name, frames="all")
    found = {}
    for k, words in enumerate(
        [
            "md.extxyz",
            "md.xyz",
            "md.xyz.gz",
            "gpumd.extxyz --time-unit fs",
            "gpumd.extxyz --frame-time 0.1",
            "run.lammpstrj --frame-time 0.1 --elements 1=Li,2=S",
            "run.data run.lammpstrj --frame-time 0.1",
            "plain.lmp run.lammpstrj --frame-time 0.1 --atom-style charge",
            "conf.gro md.xtc",
            "conf.gro md.dcd",
            "md.extxyz md.dcd --frame-time 0.1",
        ]
    ):
        names = [tmp_path / word if (tmp_path / word).exists() else word for word in words.split()]
        run(*names, "-o", tmp_path / f"out{k}")
        found[words] = diffusion(tmp_path / f"out{k}")
    assert max(found.values()) - min(found.values()) < 0.02 * D, found
    notes = Record.load(tmp_path / "out8").notes
    assert "The files name no elements; by their names they are Li 32, S 27." in [
        note.replace("masses", "names") for note in notes
    ]


def test_what_the_files_do_not_say_is_asked_for(tmp_path, walk, capsys):
    short = walk[:20]
    run_dump = dump(tmp_path / "run.lammpstrj", short)
    said = refused(capsys, run_dump)
    assert (
        "--elements: need the element of each type of atoms, got types 1, 2, which do not say it; add --elements"
        in said
    )
    said = refused(capsys, run_dump, "--elements", "1=Li")
    assert (
        "--elements: need the element of each type of atoms, as in 1=Li,2=S, got none for 2; the types are 1, 2" in said
    )
    structure = data(tmp_path / "run.lmp", short, "Atoms # atomic")
    said = refused(capsys, run_dump, structure)
    assert f"got a LAMMPS data file, which is one structure; name it first: ionpath analyze {structure}" in said
    assert "got 'Xx', which is none" in refused(capsys, run_dump, "--elements", "1=Li,2=Xx")
    ambiguous = data(tmp_path / "plain.lmp", short, "Atoms", between="0.0 ")
    assert "--atom-style: need the style of the section Atoms" in refused(capsys, ambiguous, run_dump)
    wrong = data(tmp_path / "wrong.data", walk, "Atoms # full")
    told = (
        r"--atom-style: need 7 columns (id resid type charge x y z), and three for images or none, in the section Atoms"
    )
    assert told in refused(capsys, wrong, run_dump)  # in words of Python before
    assert "need 9 columns (id a b c d type x y z) in the section Atoms of " in refused(
        capsys, wrong, run_dump, "--atom-style", "id a b c d type x y z"
    )
    said = refused(capsys, extxyz(tmp_path / "a.extxyz", short, "Time={:.1f}"))
    assert "need the unit of Time" in said
    assert "pass --time-unit fs if GPUMD wrote the file" in said
    assert "for example --frame-time 0.1" in said
    plain = extxyz(tmp_path / "b.extxyz", short)
    said = refused(capsys, plain, "--mobile", "element Na")
    assert "--mobile: need a selection of MDAnalysis that has atoms, got no atom from 'element Na'" in said
    assert "the elements are Li, S: for example --mobile 'element Li'" in said
    other = tmp_path / "mg.extxyz"
    other.write_text(plain.read_text().replace("Li ", "Mg ").replace("S ", "Cl "))
    assert "for example --mobile 'element Mg'" in refused(capsys, other)  # not the chloride, which comes first
    assert "got SelectionError" in refused(capsys, plain, "--mobile", "elment Na")
    assert "--charge: need the charge of a mobile ion in e" in refused(capsys, plain, "--mobile", "element Li S")
    assert "--frame-time: need a positive number, got -1" in refused(capsys, plain, "--frame-time", "-1")
    twice = dump(tmp_path / "twice.lammpstrj", short, [100 * (k - (k > 9)) for k in range(20)])
    said = refused(capsys, twice, "--elements", "1=Li,2=S", "--frame-time", "0.1")
    assert (
        "frame 10: need steps that increase evenly, got step 900 after 900; leave out the frames that a restart" in said
    )


def test_other_ions_charges_and_frames(tmp_path, walk, capsys):
    path = extxyz(tmp_path / "md.extxyz", walk)
    path.write_text(path.read_text().replace("Li ", "Mg "))
    words = [path, "--mobile", "element Mg", "--framework", "element S"]
    assert "--charge: need the charge of a mobile ion in e, got none known for Mg; add it" in refused(capsys, *words)
    run(*words, "--charge", "2", "--start", "10", "--stop", "290", "--step", "2", "-o", tmp_path / "out")
    record = Record.load(tmp_path / "out")
    found = {q.name: q.estimate for q in record.quantities}
    assert abs(found["diffusion coefficient"].value - D) < 4 * found["diffusion coefficient"].error
    assert record.parameters["frames"] == 140
    assert record.parameters["framework"] == "element S"
    # Nernst-Einstein, n (z e)^2 D / (k T) with z = 2, in S/m from SI units (CODATA 2018); 1 S/m = 10 mS/cm.
    density, e, k = 32 / EDGE**3 * 1e30, 1.602176634e-19, 1.380649e-23
    expected = density * (2 * e) ** 2 * found["diffusion coefficient"].value * 1e-8 / (k * 600) * 10
    assert found["conductivity (Nernst-Einstein)"].value == pytest.approx(expected, rel=1e-3)


def test_json_config_and_the_file_written_back(tmp_path, walk, capsys):
    path, out = extxyz(tmp_path / "md.extxyz", walk), tmp_path / "out"
    assert cli.main(["analyze", str(path), "--temperature", "600", "--json", "-", "-o", str(out), "-q"]) == 0
    printed = capsys.readouterr().out

    def no_constants(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    record = json.loads(printed, parse_constant=no_constants)
    assert record["parameters"]["temperature"] == 600.0
    assert json.loads((out / "analysis.json").read_text(), parse_constant=no_constants) == record
    again = tmp_path / "again"
    assert cli.main(["analyze", "--config", str(out / "analyze.toml"), "-o", str(again), "-q"]) == 0
    assert Record.load(again).quantities == Record.load(out).quantities
    yaml = tmp_path / "run.yml"
    yaml.write_text(f"temperature: 300\nanalyze:\n  temperature: 500\n  step: 2\n  files: [{path}]\n")
    assert cli.main(["analyze", "--config", str(yaml), "--temperature", "700", "-o", str(again), "-q"]) == 0
    facts = Record.load(again).parameters
    assert (facts["temperature"], facts["step"]) == (700.0, 2)


def test_files_and_times_that_disagree_are_told(tmp_path, walk):
    path = extxyz(tmp_path / "md.extxyz", walk)
    run(path, "--frame-time", "0.2", "-o", tmp_path / "out")
    record = Record.load(tmp_path / "out")
    assert any("--frame-time 0.2 ps is used; the file says 0.1 ps" in note for note in record.notes)
    assert record.parameters["frame_time"] == 0.2
    import MDAnalysis as mda

    mda.Universe(str(path)).atoms.write(tmp_path / "md.xtc", frames="all")
    run(path, tmp_path / "md.xtc", "--frame-time", "0.2", "-o", tmp_path / "xtc")
    notes = Record.load(tmp_path / "xtc").notes
    assert [one for one in notes if "is used" in one] == [
        "--frame-time 0.2 ps is used; the trajectory says 0.1 ps between its frames."
    ]


@pytest.fixture(scope="module")
def antifluorite(tmp_path_factory) -> Path:
    """Lithium on the 216 tetrahedral sites of 3 x 3 x 3 cells of sulfur, no cages; it hops 2.85 A, a tenth a step."""
    folder, rng = tmp_path_factory.mktemp("antifluorite"), np.random.default_rng(0)
    a, cells = 5.7, np.array(list(np.ndindex(3, 3, 3)))
    anions = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    holes = np.array(list(np.ndindex(2, 2, 2))) / 2 + 0.25
    sulfur, sites = ((cells[:, None] + part).reshape(-1, 3) * a for part in (anions, holes))
    near = np.linalg.norm((d := sites[:, None] - sites) - np.rint(d / 17.1) * 17.1, axis=-1)
    near = np.argwhere(np.abs(near - a / 2) < 0.1)[:, 1].reshape(216, 6)
    on = rng.permutation(216)[:160]
    frames = []
    for t in range(300):
        for ion in rng.permutation(160)[:40]:
            there = rng.choice(near[on[ion]])
            if there not in on and rng.random() < 0.3:
                on[ion] = there
        places = [sites[on] + rng.normal(0, 0.2, (160, 3)), sulfur + rng.normal(0, 0.08, sulfur.shape)]
        frames.append(ase.Atoms(["Li"] * 160 + ["S"] * 108, np.concatenate(places), cell=[17.1] * 3, pbc=True))
        frames[-1].info["time"] = 0.1 * t
    ase.io.write(folder / "run.extxyz", frames)
    ase.Atoms(["Li"] * 216 + ["S"] * 108, np.concatenate([sites, sulfur]), cell=[17.1] * 3, pbc=True).write(
        folder / "sites.cif"
    )
    return folder


def test_without_cages_the_states_are_a_network(antifluorite: Path, tmp_path: Path, capsys) -> None:
    """Eight sites of the cell, 27 of each in 3 x 3 x 3 cells."""
    run, out = str(antifluorite / "run.extxyz"), tmp_path / "out"
    assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "averaged over 3 x 3 x 3 cells, which the framework repeats (--repeats)" in said
    assert "There are no cages (cages: " in said and "site 1 (27), " in said
    record = json.loads((out / "analysis.json").read_text())
    assert record["parameters"]["repeats"] == [3, 3, 3]
    assert record["parameters"]["states"] == 9 and record["parameters"]["pairs"] == 56


@pytest.mark.slow
def test_states_without_cages_as_they_are_asked_for(antifluorite: Path, tmp_path: Path, capsys) -> None:
    run, out = str(antifluorite / "run.extxyz"), tmp_path / "out"
    crystal = ["--sites", str(antifluorite / "sites.cif")]
    assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out), *crystal]) == 0
    said = capsys.readouterr().out
    # Translations of fcc leave two of them.
    assert "the states are the sites of the crystal" in said and "8c 1 (108), 8c 2 (108)" in said
    cell = ase.io.read(antifluorite / "sites.cif")
    inside = (cell.get_scaled_positions() < 1 / 3 - 1e-6).all(axis=1)
    one = cell[inside]
    one.set_cell(cell.cell / 3)
    one.write(antifluorite / "one.cif")
    repeated = ["--sites", str(antifluorite / "one.cif"), "--repeats", "3", "3", "3"]
    assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out), *repeated]) == 0
    assert capsys.readouterr().out == said
    assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out), *repeated[:2]]) == 0
    alone = "--sites: need the S108 that do not diffuse in the trajectory, got S4; use a crystal of the same size"
    assert alone in (told := capsys.readouterr().out) and "or one cell with its repeats" in told
    from pymatgen.core import Structure
    from pymatgen.io.ase import AseAtomsAdaptor

    whole = AseAtomsAdaptor.get_structure(ase.io.read(antifluorite / "sites.cif"))
    names = [{"Li": 0.5}] * 432 + ["S"] * 108
    halves = np.concatenate([whole.cart_coords[:216] + shift for shift in ([0, 0, -0.6], [0, 0, 0.6])])
    split = Structure(
        whole.lattice, names, np.concatenate((halves, whole.cart_coords[216:])), coords_are_cartesian=True
    )
    split.to(filename=str(antifluorite / "split.cif"))
    halved = ["--sites", str(antifluorite / "split.cif")]
    assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out), *halved]) == 0
    said = capsys.readouterr().out
    assert "those closer than 1.5 A are one site in their middle" in said and "8c 1 (108), 8c 2 (108)" in said
    refused = [["--repeats", "1", "1", "1"], [*crystal, "--fold", "symmetry"]]
    advice = ["fold equivalent sites with --repeats", "tell them apart with --fold translations or --fold none"]
    for options, remedy in zip(refused, advice, strict=True):
        assert cli.main(["analyze", run, "--temperature", "600", "-q", "-o", str(out), *options]) == 0
        said = capsys.readouterr().out
        assert "note: No path entropy. states: need " in said and remedy in said
        assert not PYTHON.search(said), said


def test_how_far_sites_of_the_density_are_apart(antifluorite: Path, tmp_path: Path, capsys) -> None:
    """Sites are 2.85 A apart: a larger distance leaves some of them out, which is told with the remedy."""
    run, out = str(antifluorite / "run.extxyz"), tmp_path / "out"
    words = ["analyze", run, "--temperature", "600", "-q", "-o", str(out), "--fold", "translations", "--separation"]
    assert cli.main([*words, "2.4"]) == 0
    assert "site 1 (27), " in capsys.readouterr().out
    assert json.loads((out / "analysis.json").read_text())["parameters"]["states"] == 9
    assert cli.main([*words, "3.2"]) == 0
    said = capsys.readouterr().out
    assert "less than 3.2 A from it, and count as the same place" in said and "or pass --separation 1.5" in said
    assert "note: No path entropy. density: need maxima " in said and "otherwise --separation 2 finds 216 sites" in said
    for value, got in (("0", "got 0"), ("3.2", "got --sites; leave one of the two out")):
        sites = ["--sites", str(antifluorite / "sites.cif")] * (value != "0")
        assert cli.main([*words, value, *sites]) == 1
        error = capsys.readouterr().err
        assert "--separation: need " in error and got in error


def test_options_for_sites_that_are_not_used_are_told(tmp_path: Path, capsys) -> None:
    """The cages of an argyrodite are known, and need no density."""
    files = list(example())
    words = ["--temperature", "600", "-q", "-o", str(tmp_path / "out")]
    options = ["--repeats", "1", "1", "1", "--separation", "2", "--fold", "symmetry"]
    assert cli.main(["analyze", *files, *words, *options]) == 0
    said = capsys.readouterr().out
    for option in ("--repeats", "--separation", "--fold"):
        assert f"note: {option} is not used: the sites are the cages of an argyrodite." in said


def test_cells_and_lengths_that_files_do_not_say(tmp_path, walk, capsys):
    """What has no cell, or repeats in none of its directions, takes --cell; what is in nm takes --length-unit."""
    short = walk[:60]
    two = ["--elements", "1=Li,2=S", "--frame-time", "0.1"]
    text = extxyz(tmp_path / "a.extxyz", short).read_text()
    lattice = 'Lattice="15.0 0 0 0 15.0 0 0 0 15.0" '
    (tmp_path / "none.extxyz").write_text(text.replace(lattice, ""))
    (tmp_path / "slab.extxyz").write_text(text.replace(lattice, f'{lattice}pbc="T T F" '))
    (tmp_path / "plane.extxyz").write_text(text.replace(lattice, 'Lattice="15 0 0 0 15 0 15 15 0" '))
    free = dump(tmp_path / "free.dump", short)
    free.write_text(free.read_text().replace("pp pp pp", "pp ff pp"))
    (tmp_path / "nm.dump").write_text(dump(tmp_path / "a.dump", short / 10).read_text().replace("0 15\n", "0 1.5\n"))
    cell = ["--cell", "15,15,15"]
    need = "--cell: need a periodic cell, as displacements and volume are those of one, got "
    for words, got, remedy in (
        (["none.extxyz"], f"{need}none in ", cell),
        (["slab.extxyz"], "which does not repeat along vector 3; add its lengths in A", cell),
        (["plane.extxyz"], "got vectors in one plane in ", cell),
        (["free.dump", *two], "which does not repeat along vector 2;", cell),
        (["nm.dump", *two], "got nearest atoms at 0.1", ["--length-unit", "nm"]),
    ):
        file = tmp_path / words[0]
        assert got in refused(capsys, file, *words[1:]), words
        opened = open_trajectory(Given(file, **given(words[1:] + remedy)))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Reader has no dt information")  # here --frame-time stands for it
            found = opened.universe.trajectory[7]
        assert np.allclose(found.dimensions, [15, 15, 15, 90, 90, 90], atol=1e-4)
        if words[0] == "nm.dump":  # of positions that were folded into 15 A before they were divided
            assert np.allclose(opened.universe.atoms.positions, (short[7] / 10 % EDGE) * 10, atol=2e-3)
    top = gro(tmp_path / "a.gro", walk)
    for option in ("--time-unit", "fs"), ("--atom-style", "id type x y z"):
        said = refused(capsys, top, tmp_path / "a.extxyz" if "x y z" in option else free, *two[2:], *option)
        assert f"{option[0]}: need files of " in said and said.endswith("leave it out\n")
    assert "need three lengths in A, or these and three angles" in refused(capsys, free, *two, "--cell", "15,15")
    assert "of a cell that has a volume" in refused(capsys, free, *two, "--cell", "15,15,15,90,90,180")


@pytest.mark.filterwarnings("ignore:Reader has no dt information")
def test_units_that_an_h5md_file_does_not_say(tmp_path, walk, capsys):
    """MDAnalysis refuses such a file: the time is asked for, and the lengths stay those that are said."""
    h5py = pytest.importorskip("h5py")
    top, time = gro(tmp_path / "a.gro", walk), ["--frame-time", "0.1"]
    nm = ["--length-unit", "nm"]
    for lengths, times, options, missing in (
        ("nm", None, time, "--frame-time"), ("Angstrom", None, time, "--frame-time"), (None, None, time + nm, None),
        (None, "ps", nm, "--length-unit"), ("nm", "ps", [], None),
    ):  # fmt: skip
        file = tmp_path / f"{lengths}-{times}.h5md"
        with h5py.File(file, "w") as made:
            group = made.create_group("particles/x")
            group.create_group("box").attrs["dimension"] = 3
            unit = 1.0 if lengths == "Angstrom" else 0.1
            for name, values in (
                ("position", walk * unit),
                ("box/edges", np.tile(EDGE * unit * np.eye(3), (300, 1, 1))),
            ):
                group[f"{name}/value"], group[f"{name}/step"] = values, np.arange(300)
                group[f"{name}/time"] = FRAME_TIME * np.arange(300)
                group[f"{name}/value"].attrs.update({"unit": lengths} if lengths else {})
                group[f"{name}/time"].attrs.update({"unit": times} if times else {})
        if missing:
            assert f"{missing}: need " in refused(capsys, top, file)
        opened = open_trajectory(Given(top, file, **given(options)))
        assert opened.facts["frame_time"] == pytest.approx(FRAME_TIME)
        assert np.allclose(opened.universe.trajectory[9].positions, walk[9], atol=1e-4)
        assert np.allclose(opened.universe.dimensions, [EDGE] * 3 + [90] * 3, atol=1e-4)
    assert "--length-unit: need no unit for a file whose format says it, got nm for " in refused(capsys, top, file, *nm)


def given(words: list[str]) -> dict:
    """Options as fields of `Given`."""
    names = (word[2:].replace("-", "_") for word in words[::2])
    return {
        name: float(value) if name == "frame_time" else value for name, value in zip(names, words[1::2], strict=True)
    }


def test_damaged_dumps_and_other_heads(tmp_path, walk, capsys):
    """A billion atoms, items that are not read, no identities, a frame that is cut off: a sentence, in no time."""
    short = walk[:20]
    two = ["--elements", "1=Li,2=S", "--frame-time", "0.1"]
    text = dump(tmp_path / "a.dump", short).read_text()
    end = text.index("ITEM: TIMESTEP\n1000\n")
    for name, changed, got in (
        ("many", text.replace("ATOMS\n59", "ATOMS\n1000000000", 1), "frame 0: need 1000000000 rows of atoms, got 59"),
        ("real", "ITEM: UNITS\nreal\n" + text, "got ITEM: UNITS real; take the others off: cat "),
        ("time", text.replace("ITEM: TIMESTEP", "ITEM: TIME\n1.5\nITEM: TIMESTEP"), "got ITEM: TIME"),
        ("lj", "ITEM: UNITS\nlj\n" + text, "need lengths in A, as in LAMMPS' units metal and real, got units lj"),
        ("id", text.replace("ATOMS id type", "ATOMS atom type"), "need a column id, as LAMMPS changes the order"),
        ("abc", text.replace("BOUNDS pp", "BOUNDS abc origin pp"), "got those of a general triclinic cell"),
        ("less", text[: end - 30], "frame 9: need 59 rows of atoms, got "),
        ("cut", text[: end + 200], "frame 10: need "),
        ("head", text[: end + 20], "frame 10: need "),
    ):
        file = tmp_path / f"{name}.dump"
        file.write_text(changed)
        assert got in (said := refused(capsys, file, *two)), said
    # Both remedies, as they are typed.
    said = refused(capsys, tmp_path / "cut.dump", *two)
    stop = int(re.search(r"--stop (\d+)", said)[1])
    assert len(open_trajectory(Given(tmp_path / "cut.dump", stop=stop, **given(two))).universe.trajectory) >= 10
    said = refused(capsys, tmp_path / "time.dump", *two)
    shell = re.search(r"cat .* > plain\.lammpstrj", said)[0]
    subprocess.run(["sh", "-c", shell], check=True, cwd=tmp_path)
    assert (tmp_path / "plain.lammpstrj").read_text() == text
    head = data(tmp_path / "many.data", short).read_text()
    (tmp_path / "many.data").write_text(head.replace("59 atoms", "1000000000 atoms"))
    assert "need 1000000000 rows of atoms as its head says, got 59" in refused(
        capsys, tmp_path / "many.data", tmp_path / "a.dump", *two[2:]
    )
    (tmp_path / "lj.data").write_text(head.replace("x\n", "LAMMPS data file, units = lj\n", 1))
    assert "got units lj" in refused(capsys, tmp_path / "lj.data", tmp_path / "a.dump", *two[2:])
    (tmp_path / "many.gro").write_text(gro(tmp_path / "a.gro", short).read_text().replace("59\n", "1000000000\n", 1))
    said = refused(capsys, tmp_path / "many.gro", tmp_path / "a.dump", *two)
    assert "need a number of atoms that the file has room for, got 1000000000" in said


def test_structures_and_trajectories_that_do_not_fit(tmp_path, walk, capsys):
    """Another order of atoms, a trajectory without names, binary files that are cut off, and a CIF that names atoms."""
    import MDAnalysis as mda

    short = walk[:40]
    u = mda.Universe(str(extxyz(tmp_path / "a.extxyz", short)))
    for name in ("a.xtc", "a.dcd", "a.trr"):
        u.atoms.write(tmp_path / name, frames="all")
    order = np.random.default_rng(0).permutation(59)
    atoms = ase.io.read(tmp_path / "a.extxyz", 0)
    atoms[order].write(tmp_path / "POSCAR", format="vasp")
    said = refused(capsys, tmp_path / "POSCAR", tmp_path / "a.xtc")
    assert "need the same atoms in the same order, got framework atoms" in said
    atoms.write(tmp_path / "a.cif")
    for structure in ("a.cif", "a.extxyz"):
        opened = open_trajectory(Given(tmp_path / structure, tmp_path / "a.xtc"))
        assert (opened.facts["elements"], opened.facts["frame_time"]) == ({"Li": 32, "S": 27}, pytest.approx(0.1))
    assert "name a structure before the trajectory" in refused(capsys, tmp_path / "a.xtc")
    for name in ("a.dcd", "a.trr", "a.xtc"):
        (tmp_path / f"cut-{name}").write_bytes((tmp_path / name).read_bytes()[:-50])
        said = refused(capsys, tmp_path / "a.extxyz", tmp_path / f"cut-{name}")
        assert "with --stop 39" in said, said
        opened = open_trajectory(Given(tmp_path / "a.extxyz", tmp_path / f"cut-{name}", stop=39))
        assert opened.universe.trajectory[38].n_atoms == 59
    assert "need atoms that are not among the mobile ones, got 32 that are" in refused(
        capsys, tmp_path / "a.extxyz", "--framework", "all"
    )
    masses = data(tmp_path / "deuterated.data", short)
    masses.write_text(masses.read_text().replace("1 6.94", "1 7.016").replace("2 32.06", "2 2.014"))
    opened = open_trajectory(Given(masses, tmp_path / "a.xtc"))
    assert opened.facts["elements"] == {"H": 27, "Li": 32}
    assert opened.universe.atoms.masses[[0, 58]].tolist() == [7.016, 2.014]


def test_results_overwrite_nothing_of_a_user(tmp_path, walk, capsys):
    path = extxyz(tmp_path / "a.extxyz", walk[:20])
    before = path.read_bytes()
    assert "--json: need a new file" in refused(capsys, path, "--json", path, "-o", tmp_path / "out")
    assert "which is a folder" in refused(capsys, path, "--json", tmp_path, "-o", tmp_path / "out")
    assert "--output: need a folder, got " in refused(capsys, path, "-o", path)
    (tmp_path / "msd.csv").write_text("mine")
    assert "need a folder without files of the names of results, got msd.csv" in refused(capsys, path, "-o", tmp_path)
    own = tmp_path / "of-somebody"
    own.mkdir()
    (own / "density.pdf").write_text("a paper")
    assert "got density.pdf" in refused(capsys, path, "-o", own) and (own / "density.pdf").read_text() == "a paper"
    assert path.read_bytes() == before and (tmp_path / "msd.csv").read_text() == "mine"
    assert not (tmp_path / "out").exists()


def test_nothing_of_an_earlier_analysis_stays_beside_the_results(tmp_path, walk):
    """Tables and figures of an analysis that found more, or of other ions, lay there as if they were of this one."""
    out, path = tmp_path / "out", extxyz(tmp_path / "a.extxyz", walk[:40])
    for words in ((), ("--figures", "svg")):
        run(path, "-o", out, *words)
        first = {file.name: file.read_bytes() for file in out.iterdir()}
        assert {"msd.csv", "diffusion.npz", "analysis.json", "analyze.toml"} <= set(first)
        for name in ("path-entropy.npz", "pairs.csv", "mfpt.png", "mfpt.svg"):
            (out / name).write_text("of an earlier one")
        (out / "notes.txt").write_text("mine")
        run(path, "-o", out)
        assert {file.name for file in out.iterdir()} == {n for n in first if not n.endswith(".svg")} | {"notes.txt"}
        (out / "notes.txt").unlink()


def test_names_of_force_fields_are_not_cut_to_an_element() -> None:
    """SOD and CLA are sodium and chloride; cut to their first letters they were sulfur and carbon."""
    import MDAnalysis as mda

    from ionpath_cli.space import set_elements

    universe = mda.Universe.empty(3, trajectory=True)
    universe.add_TopologyAttr("names", ["Li1", "LI", "S_2"])
    assert set_elements(universe, None) == "names"
    assert universe.atoms.elements.tolist() == ["Li", "Li", "S"]
    for name in ("SOD", "CLA"):
        other = mda.Universe.empty(2, trajectory=True)
        other.add_TopologyAttr("names", ["Li1", name])
        with pytest.raises(
            InputError, match=rf"--elements: need the element of each type of atoms, got types .*{name}"
        ):
            set_elements(other, None)


def test_what_is_warned_of_stands_among_the_notes() -> None:
    """With -q nothing else shows it, and the page is made of the record."""
    from ionpath.errors import warn
    from ionpath_cli.analyze import _noting

    record = Record("x", notes=["first."])
    with contextlib.suppress(InputError), _noting(record):
        for text in ("first", "sites: 5 maxima", "sites: 5 maxima", "Reader has no dt information"):
            warn(text)
        raise InputError("sites", need="more", got="none")
    assert record.notes == ["first.", "sites: 5 maxima."]
