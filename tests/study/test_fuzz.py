"""Damaged files of a study and of a report: one sentence, or what they say as it is; as a script it prints counts."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pymatgen")

from ionpath.errors import InputError
from ionpath_cli.intact import DONE, QUANTITIES, fingerprints, write_json
from ionpath_cli.interactive import charts
from ionpath_cli.options import with_config
from ionpath_cli.report import _own
from ionpath_cli.study import load_study, make_plan
from ionpath_cli.study.command import main
from ionpath_cli.study.output import collect
from ionpath_cli.study.tasks import perform, place_of, task_keys

STUDY = Path(__file__).with_name("small.toml").read_text(encoding="utf-8")


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    """Cuts, flips, deletions and insertions without end."""
    rng = np.random.default_rng(seed)
    while True:
        at, size = int(rng.integers(len(data))), int(rng.integers(1, 12))
        yield data[:at]
        flipped = bytearray(data)
        flipped[at] ^= 1 << int(rng.integers(8))
        yield bytes(flipped)
        yield data[:at] + data[at + size :]
        yield data[:at] + rng.integers(0, 256, size, np.uint8).tobytes() + data[at:]


Kind = Callable[[Path], tuple[Path, Callable[[], object]]]
"""Makes a sound file in a folder, and returns how a user meets it."""


def study_file(folder: Path) -> tuple[Path, Callable[[], object]]:
    """A definition, up to its plan."""
    path = folder / "small.toml"
    path.write_text(STUDY)

    def plan() -> object:
        found = make_plan(load_study(str(path)))
        assert found.tasks and all(np.isfinite(task.seconds) for task in found.tasks)
        return [task.settings for task in found.tasks]

    return path, plan


def finished(folder: Path) -> Any:
    plan = make_plan(load_study("jang2025"), only=[49])
    (task,) = plan.tasks
    key = task_keys(plan.tasks)[task.name]
    place = place_of(folder, task, key)
    assert perform(task, key, str(folder)).good
    write_json(folder / "plan.json", {"study": "jang2025", "asked": dict(plan.asked)})
    return plan, place


def table(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Numbers of a finished step: what is not what it left is shown nowhere."""
    plan, place = finished(folder)
    assert set(fingerprints(place)) == {QUANTITIES}
    return place / QUANTITIES, lambda: collect(plan, folder)


def record(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Record of a finished step, whose numbers stay as they are."""
    plan, place = finished(folder)
    return place / DONE, lambda: collect(plan, folder)


def plan_file(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Plan of a folder."""
    finished(folder)

    def status() -> object:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main(["jang2025", "-o", str(folder), "--status"])
        return said.getvalue()

    return folder / "plan.json", status


def options(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Options of a command in a file."""
    from ionpath_cli.cli import COMMANDS

    path = folder / "md.toml"
    path.write_text('temperature = 600.0\npicoseconds = 20\nmodel = "argyrodite"\nfiles = ["start.extxyz"]\n')
    return path, lambda: with_config(["--config", str(path)], "md", COMMANDS)


def heat(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Table of pairs, as the page of a report shows it."""
    rows = "".join(f"{a},{b},{a + 2 * b + 0.5},{3.5 * a + b + 1}\n" for a in range(4) for b in range(4) if a != b)
    (folder / "pairs.csv").write_text(f"source,target,path_entropy,mfpt\n{rows}")
    return folder / "pairs.csv", lambda: charts("Path entropy", [(folder, "x")], _own)


def series(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Displacement against time."""
    rows = "".join(f"{0.1 * k},{0.3 * k + 0.2}\n" for k in range(1, 20))
    (folder / "msd.csv").write_text(f"time,msd\n{rows}")
    return folder / "msd.csv", lambda: charts("Mean squared displacement", [(folder, "x")], _own)


def density(folder: Path) -> tuple[Path, Callable[[], object]]:
    """Grid of a density."""
    from ionpath_cli.density import density_table

    run = _density()
    (folder / "density.json").write_text(json.dumps(density_table(run), separators=(",", ":")))
    return folder / "density.json", lambda: charts("Density of the ions", [(folder, "x")], _own)


def _density() -> Any:
    import MDAnalysis as mda
    from MDAnalysis.analysis.ion_transport import IonDensity

    from ionpath.data import EXAMPLES, example

    u = mda.Universe(*example(EXAMPLES[0]))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "sites: need voxels")  # a coarse grid is a small file
        return IonDensity(u.select_atoms("element Li"), spacing=2.5, verbose=False).run(stop=20)


KINDS = (study_file, table, record, plan_file, options, heat, series, density)
SEALED = ("table", "record")
"""Kinds whose numbers are either the sound ones or none."""


def fuzz(
    kind: Callable[[Path], tuple[Path, Callable[[], object]]], n: int, folder: Path, seed: int = 0
) -> Counter[str]:
    path, read = kind(folder)
    sound, data = repr(read()), path.read_bytes()
    seen: Counter[str] = Counter()
    for _, damaged in zip(range(n), mutations(data, seed), strict=False):
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = repr(read())
        except InputError as error:
            seen["clear" if "\n" not in str(error) and len(str(error)) < 2000 else f"long: {error}"[:90]] += 1
        except Exception as error:  # what no user should meet
            seen[f"bare {type(error).__name__}: {error}"[:100]] += 1
        else:
            none = found in ("[]", "None")
            seen["same" if found == sound else "none" if none else "other"] += 1
    return seen


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_or_shown_nowhere(kind: Callable[..., Any], tmp_path: Path) -> None:
    seen = fuzz(kind, 24, tmp_path)
    assert set(seen) <= {"clear", "same", "none", "other"} - ({"other"} if kind.__name__ in SEALED else set()), seen


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told_in_any_place(kind: Callable[..., Any], tmp_path: Path) -> None:
    seen = fuzz(kind, 600, tmp_path, seed=1)
    assert set(seen) <= {"clear", "same", "none", "other"} - ({"other"} if kind.__name__ in SEALED else set()), seen


if __name__ == "__main__":
    for one in KINDS:
        with tempfile.TemporaryDirectory() as place:
            print(one.__name__, dict(fuzz(one, int(sys.argv[1]), Path(place))))
