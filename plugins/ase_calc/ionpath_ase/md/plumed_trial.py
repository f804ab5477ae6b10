"""What is known of a PLUMED input before a run touches anything: it is checked, and evaluated once elsewhere."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ase import Atoms, units

from ionpath.errors import InputError, warn
from ionpath.plumed_calls import added, begin
from ionpath.plumed_input import appended_files, joined, keywords
from ionpath.plumed_run import (
    REFUSALS,
    check_input_files,
    check_python,
    check_temperature,
    idle,
    lost_sums,
    memories,
    read_files,
    written_files,
)
from ionpath_ase.md.settings import MDSettings


def check_lines(lines: Sequence[str], n_atoms: int, settings: MDSettings) -> None:
    """Refuse what can be seen in the text of an input."""
    check_input_files(lines)
    check_python(lines, n_atoms)
    if settings.ensemble != "nve" and settings.final_temperature is None:
        check_temperature(lines, settings.temperature)


def check_memories(lines: Sequence[str], name: str, step: int) -> None:
    """Refuse to go on with a bias whose memory is in no file, and say what else begins anew."""
    if told := memories(lines):
        got = f"{', '.join(told)}, whose memory of the first {step} steps is lost"
        remedy = "run it in one piece, under another name"
        raise InputError("plumed", need="biases that PLUMED can take up from its files", got=got, remedy=remedy)
    if told := lost_sums(lines):
        warn(
            f"{name} goes on from step {step}, at which begin anew: {', '.join(told)}; what they gave before is in "
            "PLUMED's files alone"
        )


def warn_of_idle(lines: Sequence[str], steps: int) -> None:
    """Say which biases of an input do nothing in a run of this length."""
    if told := idle(lines, steps):
        warn(f"a run of {steps} steps is not biased by all of its input: {'; '.join(told)}")


def taken_up(statements: Sequence[str]) -> list[str]:
    """Statements for a run that goes on: OPES takes no empty file up, and begins where it has not written yet."""
    found = []
    for statement in statements:
        files = appended_files([statement], "OPES_METAD", "OPES_METAD_EXPLORE", "OPES_EXPANDED")
        if files and not any(path.exists() and path.stat().st_size for path in files):
            for path in files:
                path.unlink(missing_ok=True)
            statement += " RESTART=NO"
        found.append(statement)
    return found


@contextmanager
def in_words_of_plumed(statements: Sequence[str]) -> Iterator[None]:
    """Turn an error of PLUMED into a sentence, with the reason that a variable in Python gave where it was one."""
    if not statements:  # PLUMED need not be installed
        yield
        return
    from plumed import PlumedError

    REFUSALS.clear()
    try:
        yield
    except PlumedError as error:
        if REFUSALS:
            raise REFUSALS[-1] from error
        remedy = "mend the input"
        raise InputError("plumed", need="an input that PLUMED takes", got=_words(str(error)), remedy=remedy) from error


def _words(text: str) -> str:
    """What PLUMED says, without the places in its source."""
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("(") and "assertion failed" not in line]
    return re.sub(r"\S*/ionpath-plumed-\w+/\d+-", "", " ".join(" ".join(told or lines).split()))[:400]


def try_input(atoms: Atoms, settings: MDSettings, statements: Sequence[str]) -> None:
    """Refuse an input that PLUMED does not take for these atoms."""
    from plumed import Plumed

    with tempfile.TemporaryDirectory(prefix="ionpath-plumed-") as place, in_words_of_plumed(statements):
        engine = Plumed()
        try:
            begin(
                engine.cmd,
                _elsewhere(statements, Path(place)),
                len(atoms),
                setMDEnergyUnits=units.mol / units.kJ,
                setLogFile=str(Path(place) / "log"),
                setTimestep=settings.timestep * 1e-3,
                setKbT=units.kB * settings.temperature,
            )
            cell = atoms.cell.array if atoms.cell.rank == 3 else None
            added(engine.cmd, 0, atoms.positions, cell, atoms.get_masses(), energy=0.0)
            if REFUSALS:  # of a variable that nothing uses
                raise REFUSALS[-1]
        finally:
            engine.finalize()


def _elsewhere(statements: Sequence[str], place: Path) -> list[str]:
    """The same input with every file that it writes in another folder, and those it reads by their whole paths."""
    moved = []
    names = {name: str(Path(name).absolute()) for name in read_files(statements) if Path(name).is_file()}
    names |= {str(path): str(place / f"{k}-{path.name}") for k, path in enumerate(written_files(statements))}
    continued = any(keywords(statement)[1] == "RESTART" for statement in joined(statements))
    for statement in statements:
        _, action, words = keywords(statement)
        own = appended_files([statement])
        if action == "METAD" and "WALKERS_DIR" in words:
            statement = _with(statement, words["WALKERS_DIR"], str(place))
        elif own and "FILE" not in words:
            statement += f" FILE={','.join(names[str(path)] for path in own)}"
        for name in sorted(names, key=len, reverse=True):
            statement = _with(statement, name, names[name])
        for path in own if continued else ():
            if path.is_file():
                Path(names[str(path)]).write_bytes(path.read_bytes())
        moved.append(statement)
    return moved


def _with(statement: str, name: str, other: str) -> str:
    """The statement with a value replaced by another one."""
    return re.sub(rf"(?<=[=,{{]){re.escape(name)}(?=[\s,}}]|$)", lambda _: other, statement)
