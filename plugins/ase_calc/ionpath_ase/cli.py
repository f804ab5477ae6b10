"""``ionpath train``: structures, labels, training, concurrent learning, judgement."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ase import Atoms

EXAMPLE = """examples:
  ionpath train structures LPSCl-II LPSCl-III -o starts.extxyz --strains -0.02 0 0.02 --rattle 0.05
  ionpath train label starts.extxyz -o labelled.extxyz
  ionpath train fit labelled.extxyz more.extxyz.gz -o my-potential --steps 60000
  ionpath train evaluate my-potential/model.pb held-back.extxyz
  ionpath train loop labelled.extxyz --start LPSCl-II LPSCl-III -o loop --temperatures 300 600 900
  ionpath train dpgen labelled.extxyz --start LPSCl-III -o cluster
"""
_STRUCTURES = """examples:
  ionpath train structures --list
  ionpath train structures LPSCl-III melt-75Li2S-25P2S5 -o starts.extxyz --shortest 9 --copies 3
"""
_LABEL = """examples:
  ionpath train label starts.extxyz -o labelled.extxyz
  ionpath train label trajectory.xyz -o labelled.extxyz --teacher argyrodite --max-force 30
"""
_FIT = """examples:
  ionpath train fit labelled.extxyz -o my-potential --steps 60000
  ionpath train fit OUTCAR --format vasp/outcar -o my-potential --weight '*LSPSCl*=2' --test held-back.extxyz
  ionpath train fit labelled.extxyz -o longer --initial my-potential/frozen.pb
"""
_EVALUATE = """examples:
  ionpath train evaluate argyrodite held-back.extxyz
  ionpath train evaluate my-potential/model.pb held-back.extxyz -o errors.csv
"""
_LEAN = """example:
  ionpath train lean compressed.pb -o lean.pb
"""
_LOOP = """example:
  ionpath train loop labelled.extxyz --start LPSCl-II cell.cif -o loop --held-back held-back.extxyz --picoseconds 5
"""
_DPGEN = """example:
  ionpath train dpgen labelled.extxyz --start LPSCl-III -o cluster && cd cluster && dpgen run param.json machine.json
"""
_SCRIPTS = {"refine": "refine.py", "reproduce": "reproduce.py"}
"""Words that are scripts of the repository: what one potential was made with."""


def train(argv: list[str]) -> int:
    """Run ``ionpath train``."""
    if argv and argv[0] in _SCRIPTS:
        return _script(argv[0])
    options = parser().parse_args(argv)
    return _TASKS[options.task].run(options)


def parser(task: str = "") -> argparse.ArgumentParser:
    """Parser of the command, or of one of its tasks."""
    layout: Any = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    words = "Train a Deep Potential. Every task can be stopped; the same command goes on."
    whole = argparse.ArgumentParser(prog="ionpath train", description=words, epilog=EXAMPLE, **layout)
    tasks = whole.add_subparsers(dest="task", required=True)
    for name, one in _TASKS.items():
        one.add_options(tasks.add_parser(name, help=one.words, description=one.words, epilog=one.example, **layout))
    return tasks.choices[task] if task else whole


def _script(name: str) -> int:
    """Say where a script of the repository is."""
    from ionpath.errors import InputError

    remedy = f"run python examples/potential/{_SCRIPTS[name]} --help in a clone of the repository"
    raise InputError("task", need=" or ".join(", ".join(_TASKS).rsplit(", ", 1)), got=name, remedy=remedy)


def _add_teacher(parser: argparse.ArgumentParser) -> None:
    words = "gives labels: 7net-... (SevenNet with D3), a Deep Potential, or a calculator of ASE; default 7net-l3i5"
    parser.add_argument("--teacher", default="7net-l3i5", help=words)


def _add_starts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("frames", type=Path, nargs="+", help="files with labelled frames")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder")
    words = "names (ionpath train structures --list) or files that ASE reads"
    parser.add_argument("--start", nargs="+", required=True, help=words)
    parser.add_argument("--preset", help="settings of the models by name")
    parser.add_argument("--steps", type=int, help="training steps, if not those of the preset")
    window: Any = {"metavar": ("LOW", "HIGH"), "default": (0.15, 0.25)}
    words = "force deviations worth a label, eV/A; default 0.15 0.25"
    parser.add_argument("--window", type=float, nargs=2, help=words, **window)
    parser.add_argument("--exploration", help="md, opes-multithermal or opes-multithermal-multibaric")
    parser.add_argument("--picoseconds", type=float, help="length of each exploring run")
    parser.add_argument("--temperatures", type=float, nargs="+", help="temperatures of exploration in K")


def _structures_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("names", nargs="*", help="names; all without any")
    made.add_argument("--list", action="store_true", help="show the names")
    made.add_argument("-o", "--output", type=Path, help="extended XYZ file")
    made.add_argument("--shortest", type=float, default=6.0, help="shortest lattice vector in A; default 6")
    made.add_argument("--strains", type=float, nargs="+", default=[0.0], help="linear strains; default 0")
    made.add_argument("--rattle", type=float, default=0.0, help="random displacement in A; default 0")
    made.add_argument("--copies", type=int, default=1, help="copies for each strain; default 1")
    made.add_argument("--seed", type=int, default=0, help="seed; default 0")


def _label_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("frames", type=Path, nargs="+", help="files that ASE reads")
    made.add_argument("-o", "--output", type=Path, required=True, help="extended XYZ file to append to")
    made.add_argument("--max-force", type=float, default=12.0, help="refuse larger force components, eV/A; default 12")
    _add_teacher(made)


def _fit_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("frames", type=Path, nargs="+", help="files with labelled frames, or folders of deepmd-kit data")
    made.add_argument("--format", help="dpdata's name of their kind: vasp/outcar, cp2k/output and others")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for data, checkpoints and model.pb")
    made.add_argument("--preset", default="shipped", help="settings by name; default shipped")
    made.add_argument("--steps", type=int, help="training steps, if not those of the preset")
    made.add_argument("--seed", type=int, default=1, help="seed of the weights; default 1")
    aside = made.add_mutually_exclusive_group()
    aside.add_argument("--test-fraction", type=float, default=0.1, help="share of each tag set aside; default 0.1")
    aside.add_argument("--test", type=Path, nargs="+", help="files with frames to judge by, instead of a share")
    made.add_argument("--initial", type=Path, help="checkpoint or frozen model (.pb, .pb.gz) to start from")
    words = "draw frames whose tag fits more often, such as '*LSPSCl*=2'"
    made.add_argument("--weight", action="append", default=[], metavar="PATTERN=FACTOR", help=words)


def _evaluate_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("model", help="name or file")
    made.add_argument("frames", type=Path, nargs="+", help="files with labelled frames")
    made.add_argument("--committee", action="store_true", help="the mean of all members, not the first alone")
    made.add_argument("-o", "--output", type=Path, help="CSV file")


def _lean_options(made: argparse.ArgumentParser) -> None:
    made.add_argument("model", type=Path, help="frozen TensorFlow model (.pb), best a compressed one")
    made.add_argument("-o", "--output", type=Path, required=True, help="faster model")


def _loop_options(made: argparse.ArgumentParser) -> None:
    _add_starts(made)
    _add_teacher(made)
    made.add_argument("--held-back", type=Path, nargs="+", default=[], help="files with frames to judge by")
    made.add_argument("--iterations", type=int, help="iterations at most; default 5")
    made.add_argument("--members", type=int, help="models in the committee; default 3")
    made.add_argument("--engine", choices=("lammps", "ase"), help="engine of exploration; default lammps")
    made.add_argument("--ensemble", choices=("nvt", "npt", "npt-aniso"), help="default nvt")
    made.add_argument("--limit", type=float, help="deviation in eV/A that stops a run; default 2")
    made.add_argument("--seed", type=int, help="seed; default 1")


def _dpgen_options(made: argparse.ArgumentParser) -> None:
    _add_starts(made)
    made.add_argument("--queue", help="name of the queue")


def _starts(words: list[str]) -> dict[str, Atoms]:
    """Structures by name or file."""
    from ase.io import read

    from ionpath_ase.training import starting_structure

    found = {}
    for word in words:
        if Path(word).exists():
            found[Path(word).stem] = read(word)
        else:
            found[word] = starting_structure(word, shortest=6.0)
    return found


def _given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Options that were set, with lists as settings have them."""
    values = {name: getattr(options, name) for name in ("preset", "steps", "exploration", "picoseconds", *names)}
    values["temperatures"] = tuple(options.temperatures or ()) or None
    return {name: value for name, value in values.items() if value is not None}


def _structures(options: argparse.Namespace) -> int:
    from ase.io import write

    from ionpath.errors import InputError
    from ionpath.files import atomic_path
    from ionpath_ase.training import starting_structures, structure_names, variants

    if options.list:
        print("\n".join(structure_names()))
        return 0
    if options.output is None:
        raise InputError("--output", need="a file to write to", got="none", remedy="or --list")
    frames = []
    for name, atoms in starting_structures(options.names or None, shortest=options.shortest, seed=options.seed).items():
        copies = variants(
            atoms, strains=options.strains, shear=0.0, rattle=options.rattle, copies=options.copies, seed=options.seed
        )
        for copy in copies:
            copy.info["tag"] = name
        frames += copies
    with atomic_path(options.output) as part:
        write(part, frames, format="extxyz")
        if options.output.exists() and options.output.read_bytes() != part.read_bytes():
            remedy = "name another, for example -o structures.extxyz, or move it away"
            raise InputError("--output", need="a new file", got=f"{options.output} with something else", remedy=remedy)
    print(f"{len(frames)} structures: {options.output}")
    return 0


def _bars() -> bool:
    """Whether progress is shown: not with -q."""
    return logging.getLogger("ionpath").isEnabledFor(logging.INFO)


def _label(options: argparse.Namespace) -> int:
    from ase.io import read

    from ionpath_ase.training import label_frames, teacher_named

    frames = [atoms for path in options.frames for atoms in read(path, ":")]
    report = label_frames(
        frames, teacher_named(options.teacher), options.output, max_force=options.max_force, progress=_bars()
    )
    print(f"{report.labelled} labelled, {report.kept} already there, {report.duplicates} twice: {report.path}")
    for index, reason in report.refused:
        print(f"frame {index} refused: {reason}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    from ionpath_ase.training import fit, format_table, read_frames
    from ionpath_ase.training.fitting import weight_from_text

    result = fit(
        read_frames(*options.frames, format=options.format),
        options.output,
        preset=options.preset,
        steps=options.steps,
        seed=options.seed,
        test=None if options.test is None else read_frames(*options.test, format=options.format),
        test_fraction=options.test_fraction,
        initial=options.initial,
        weights=dict(weight_from_text(text) for text in options.weight),
        progress=_bars(),
    )
    print(format_table(result.errors))
    print(f"trained on {result.training_frames} frames: {result.path}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from ionpath_ase.calculator import Committee, IonPath
    from ionpath_ase.training import evaluate, format_table, read_frames, write_table

    kind = Committee if options.committee else IonPath
    errors = evaluate(read_frames(*options.frames), kind(options.model))
    print(format_table(errors))
    if options.output:
        print(write_table(errors, options.output))
    return 0


def _lean(options: argparse.Namespace) -> int:
    from ionpath_ase.training import simplify_graph

    made = simplify_graph(options.model, options.output)
    print(f"{made}: the same forces and energies; `ionpath md --model {made}` and IonPath({str(made)!r}) take it")
    return 0


def _loop(options: argparse.Namespace) -> int:
    from ionpath_ase.training import LoopSettings, Window, learn, read_frames, teacher_named

    given = _given(options, "members", "engine", "ensemble", "limit", "seed")
    if options.iterations:
        given["max_iterations"] = options.iterations
    result = learn(
        _starts(options.start),
        read_frames(*options.frames),
        teacher_named(options.teacher),
        options.output,
        settings=LoopSettings(window=Window(*options.window), **given),
        held_back=read_frames(*options.held_back),
        progress=_bars(),
    )
    print(f"stopped: {result.reason}\ncommittee: {result.models[0]} and {len(result.models) - 1} beside it")
    print(f"all labels: {result.dataset}")
    return 0


def _dpgen(options: argparse.Namespace) -> int:
    from ionpath_ase.training import DpgenSettings, Window, read_frames, write_dpgen

    settings = DpgenSettings(window=Window(*options.window), **_given(options, "queue"))
    folder = write_dpgen(_starts(options.start), read_frames(*options.frames), options.output, settings=settings)
    print(f"{folder}: set queue, commands and CPUs in machine.json, then dpgen run param.json machine.json")
    return 0


class _Task(NamedTuple):
    """One word behind ``ionpath train``: what it does, an example, its options, and the function that does it."""

    words: str
    example: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


_TASKS = {
    "structures": _Task("write starting structures", _STRUCTURES, _structures_options, _structures),
    "label": _Task(
        "compute energy, forces and stress of frames and append these to a file", _LABEL, _label_options, _label
    ),
    "fit": _Task("train a potential, freeze, compress and evaluate it", _FIT, _fit_options, _fit),
    "evaluate": _Task("compare a potential with labelled frames, by tag", _EVALUATE, _evaluate_options, _evaluate),
    "lean": _Task(
        "write the same model in a graph that takes less time, in ASE and in LAMMPS", _LEAN, _lean_options, _lean
    ),
    "loop": _Task("concurrent learning: train a committee, explore, label, and again", _LOOP, _loop_options, _loop),
    "dpgen": _Task("write the input of DP-GEN for the same on a cluster", _DPGEN, _dpgen_options, _dpgen),
}
