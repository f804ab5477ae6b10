"""What a message advises exists where it is said: options of commands, arguments and names of Python."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
TREES = {
    "core": ("core/ionpath",),
    "command line": ("core/ionpath_cli",),
    "ase": ("plugins/ase_calc",),
    "mdanalysis": ("plugins/mdanalysis_ext",),
    "plumed": ("plugins/plumed_cv",),
    "pymatgen": ("plugins/pymatgen_ext",),
}
HOSTS = {
    "dt",
    "format",
    "topology_format",
    "continuous",
    "pbc",
    "fill_value",
    "cell",
    "axis",
    "vacuum",
    "updating",
    "to_guess",
    "nopbc",
}
"""Arguments of the hosts' own functions that are advised: Universe, Atoms, center, select_atoms; and a word of INIT."""
OPTION = r"(?<![\w-])--[a-z][a-z-]+"
READS = ("sites", "lammps", "heads", "space", "elements", "trajectory", "density", "record", "options")
OF_MODULE = {**dict.fromkeys(READS, "analyze"), "runs": "report", "interactive": "report", "messages": "md"}
"""Commands whose words modules of other names speak: readers of trajectories are of one, messages of any."""
COMMANDS = ("demo", "doctor", "build", "md", "analyze", "metad", "study", "slurm", "train", "report")


class Advice(NamedTuple):
    """One piece of advice: where it stands, and its text with X for what is filled in."""

    place: str
    tree: str
    text: str


def sources(tree: str) -> list[Path]:
    return [path for top in TREES[tree] for path in sorted((ROOT / top).rglob("*.py"))]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def text_of(node: ast.AST) -> str:
    """Constants of an expression, joined; what is computed is X."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "X"
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) for part in node.values)
    if isinstance(node, ast.BinOp):
        return text_of(node.left) + text_of(node.right)
    if isinstance(node, ast.IfExp):
        return f"{text_of(node.body)} | {text_of(node.orelse)}"
    return "X"


@cache
def advice() -> list[Advice]:
    """Remedies of all refusals, and all warnings, of the tree."""
    found = []
    for tree in TREES:
        for path in sources(tree):
            for node in ast.walk(parsed(path)):
                for text in map(text_of, advising(node)):
                    found.append(Advice(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", tree, text))
    return found


def advising(node: ast.AST) -> list[ast.expr]:
    """What a call, or the assignment of a remedy that a call is given by name, advises."""
    if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["remedy"]:
        return [node.value]
    if not isinstance(node, ast.Call):
        return []
    said = [word.value for word in node.keywords if word.arg == "remedy" and getattr(word.value, "id", "") != "remedy"]
    return said + (node.args[:1] if getattr(node.func, "id", getattr(node.func, "attr", "")) == "warn" else [])


@cache
def arguments(tree: str) -> frozenset[str]:
    """All arguments of functions, keys of keyword dictionaries, and fields of classes of a tree."""
    names: set[str] = set()
    for path in sources(tree):
        for node in ast.walk(parsed(path)):
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                a = node.args
                names |= {one.arg for one in [*a.posonlyargs, *a.args, *a.kwonlyargs]}
            elif isinstance(node, ast.ClassDef):
                names |= {part.target.id for part in node.body if isinstance(part, ast.AnnAssign)}  # type: ignore[union-attr]
    return frozenset(names)


@cache
def names(tree: str) -> frozenset[str]:
    """All functions and classes of a tree."""
    found: set[str] = set()
    for path in sources(tree):
        found |= {n.name for n in ast.walk(parsed(path)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    return frozenset(found)


@cache
def options() -> frozenset[str]:
    """Options of every command and task, and of the commands that plugins bring."""
    found = {"--help", "--length-units", "--box"}  # the last two are those of PLUMED's driver
    for tree in TREES:
        for path in sources(tree):
            for node in ast.walk(parsed(path)):
                name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
                if isinstance(node, ast.Call) and name in ("add_argument", "add"):
                    words = [getattr(arg, "value", "") for arg in node.args]
                    found |= {word for word in words if isinstance(word, str) and word.startswith("--")}
    return frozenset(found)


def reach(tree: str) -> list[str]:
    """Trees whose arguments a reader of a message may hold: the core is called through every plugin."""
    return {"core": [t for t in TREES if t != "command line"], "command line": list(TREES)}.get(tree, ["core", tree])


def test_there_is_advice_to_look_at():
    told = advice()
    assert len(told) > 600 and {one.tree for one in told} == set(TREES)
    assert sum(bool(re.search(r"\b[a-z]\w*=", one.text)) for one in told) > 60


def test_arguments_that_are_advised_exist():
    wrong = []
    for place, tree, text in advice():
        known = HOSTS.union(*(arguments(one) for one in reach(tree)))
        for name in re.findall(r"(?<![\w.\-\[&?/])([a-z]\w+)=", text):
            if name not in known:
                wrong.append(f"{place}: {name}= in {text!r}")
    assert not wrong, "\n".join(wrong)


def test_options_that_are_advised_exist():
    wrong = []
    for place, _, text in advice():
        for name in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
            shell = re.search(r"\b(pip|dp|tar|mount|conda|git|make)\b", text)
            if not shell and name not in options():
                wrong.append(f"{place}: {name} in {text!r}")
    assert not wrong, "\n".join(wrong)


def test_options_that_are_advised_are_of_the_command_that_says_so():
    """Modules of one command name its own options; a command that is written out has the options behind it."""
    cli = pytest.importorskip("ionpath_cli.cli")
    of = cache(lambda command, task="": cli.options_of(command, [task] if task else []) | {"--help"})
    wrong, looked_at = [], 0
    for place, _, text in advice():
        module = Path(place.partition(":")[0])
        spelt = [(m[1], m[2]) for m in re.finditer(r"ionpath ([a-z]+)\b([^`;)]*)", text) if m[1] in cli.COMMANDS]
        said = text
        for command, rest in spelt:
            task = next(iter(re.findall(r"^ ([a-z]+)", rest)), "") if command == "train" else ""
            inner = re.split(r" -- ", rest)  # what slurm hands on has options of its own
            known = of(command, task) | (of("md") if len(inner) > 1 else set())
            wrong += [f"{place}: {o} in {text!r}" for o in re.findall(OPTION, rest) if o not in known]
            said = said.replace(rest, "")
        if module.parts[:2] == ("core", "ionpath_cli"):
            command = "study" if "study" in module.parts else OF_MODULE.get(module.stem, module.stem)
            options = re.findall(OPTION, said)
            looked_at += len(options)
            wrong += [
                f"{place}: {o} in {text!r}" for o in options if command not in cli.COMMANDS or o not in of(command)
            ]
    assert looked_at > 30
    assert not wrong, "\n".join(wrong)


def test_functions_and_classes_that_are_advised_exist():
    wrong = []
    for place, tree, text in advice():
        known = frozenset().union(*(names(one) for one in [*reach(tree), "core"]))
        called = re.findall(r"\b([A-Z][a-z]{2,}[A-Z][a-z]\w+)\b", text)
        called += re.findall(r"(?<![\w.])([a-z]+_[a-z_]+)\(", text)
        for name in called:
            if name not in known | {"AtomGroup"}:
                wrong.append(f"{place}: {name} in {text!r}")
    assert not wrong, "\n".join(wrong)


def test_no_advice_names_python_on_the_command_line():
    """In every command: what has an option is said so, what has none is left out or called what it is."""
    cli, words = pytest.importorskip("ionpath_cli.cli"), pytest.importorskip("ionpath_cli.words")
    for command in COMMANDS:
        here = cli.options_of(command, [])
        for place, _, text in advice():
            said = words.in_words(f"it: need this, got that; {text}", here)
            if "; in Python: " not in said:
                assert not words.names_python(said.partition("; ")[2]), (command, place, said)
