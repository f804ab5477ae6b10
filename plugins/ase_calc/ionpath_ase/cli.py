"""``ionpath train``: label frames, train a Deep Potential on them, and judge potentials."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """examples:
  ionpath train label structures.extxyz -o labelled.extxyz
  ionpath train fit labelled.extxyz more.extxyz.gz -o my-potential --steps 60000
  ionpath train evaluate my-potential/model.pb held-back.extxyz
"""


def train(argv: list[str]) -> int:
    """Run ``ionpath train``.

    Parameters
    ----------
    argv : list of str
        Arguments after ``ionpath train``.

    Returns
    -------
    int
        Exit status.
    """
    options = _parser().parse_args(argv)
    return {"label": _label, "fit": _fit, "evaluate": _evaluate}[options.task](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ionpath train",
        description="Train a Deep Potential. Every task can be stopped; the same command goes on.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    tasks = parser.add_subparsers(dest="task", required=True)
    label = tasks.add_parser("label", help="label frames with SevenNet-l3i5 and D3(BJ)")
    label.add_argument("frames", type=Path, nargs="+", help="files that ASE reads")
    label.add_argument("-o", "--output", type=Path, required=True, help="extended XYZ file to append to")
    label.add_argument(
        "--max-force", type=float, default=12.0, help="refuse larger force components, eV/A; default 12"
    )
    fit = tasks.add_parser("fit", help="train, freeze, compress and evaluate")
    fit.add_argument("frames", type=Path, nargs="+", help="files with labelled frames")
    fit.add_argument(
        "-o", "--output", type=Path, required=True, help="folder for data, checkpoints and model"
    )
    fit.add_argument("--preset", default="shipped", help="settings by name; default shipped")
    fit.add_argument("--steps", type=int, help="training steps, if not those of the preset")
    fit.add_argument("--seed", type=int, default=1, help="seed of the weights; default 1")
    fit.add_argument(
        "--test-fraction", type=float, default=0.1, help="share of each tag set aside; default 0.1"
    )
    fit.add_argument("--initial", type=Path, help="deepmd-kit checkpoint to start from")
    judge = tasks.add_parser("evaluate", help="errors of a potential by system")
    judge.add_argument("model", help="name or file")
    judge.add_argument("frames", type=Path, nargs="+", help="files with labelled frames")
    judge.add_argument("-o", "--output", type=Path, help="CSV file")
    return parser


def _label(options: argparse.Namespace) -> int:
    from ase.io import read

    from ionpath_ase.training import label_frames, teacher

    frames = [atoms for path in options.frames for atoms in read(path, ":")]
    report = label_frames(frames, teacher(), options.output, max_force=options.max_force)
    print(
        f"{report.labelled} labelled, {report.kept} already there, {report.duplicates} twice: {report.path}"
    )
    for index, reason in report.refused:
        print(f"frame {index} refused: {reason}")
    return 0


def _fit(options: argparse.Namespace) -> int:
    from ionpath_ase.training import fit, format_table, read_frames

    result = fit(
        read_frames(*options.frames),
        options.output,
        preset=options.preset,
        steps=options.steps,
        seed=options.seed,
        test_fraction=options.test_fraction,
        initial=options.initial,
    )
    print(format_table(result.errors))
    print(f"trained on {result.training_frames} frames: {result.path}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from ionpath_ase.calculator import IonPath
    from ionpath_ase.training import evaluate, format_table, read_frames, write_table

    errors = evaluate(read_frames(*options.frames), IonPath(options.model))
    print(format_table(errors))
    if options.output:
        print(write_table(errors, options.output))
    return 0
