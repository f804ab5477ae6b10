"""What the tree promises about itself: who may import whom, and how large a room may be.

The layers of the core are checked by import-linter (`make lint`, pyproject.toml). Here is what it cannot see: imports
inside functions and for types only, names of modules in strings, the plugin inside pymatgen's namespace, and sizes.
"""

from __future__ import annotations

import ast
import importlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "ionpath": ROOT / "core/ionpath",
    "ionpath_cli": ROOT / "core/ionpath_cli",
    "ionpath_ase": ROOT / "plugins/ase_calc/ionpath_ase",
    "ionpath_mdanalysis": ROOT / "plugins/mdanalysis_ext/ionpath_mdanalysis",
    "ionpath_plumed": ROOT / "plugins/plumed_cv/ionpath_plumed",
    "pymatgen.analysis.argyrodite": ROOT / "plugins/pymatgen_ext/pymatgen/analysis/argyrodite",
}
PLUGINS = [name for name in PACKAGES if name not in ("ionpath", "ionpath_cli")]
HOSTS = {"ase", "MDAnalysis", "pymatgen", "plumed", "deepmd", "tensorflow", "torch", "matplotlib", "pandas"}


@cache
def modules() -> dict[str, Path]:
    """Dotted name -> file, of every module of the distribution."""
    found = {}
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(modules()[name].read_text())


def package_of(name: str) -> str:
    return max((p for p in PACKAGES if name == p or name.startswith(p + ".")), key=len, default="")


def imported(name: str) -> set[str]:
    """What a module imports anywhere, inside functions and for types only included."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in modules() else node.module)
    return found


def strings(name: str) -> Iterator[str]:
    """Text that may name a module to import: arguments of import_module and require."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Call) and node.args:
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if function in ("import_module", "require", "find_spec", "__import__"):
                yield from (part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)
                            and isinstance(part.value, str))  # fmt: skip


def belongs(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("name", [n for n in modules() if package_of(n) == "ionpath"])
def test_core_knows_no_host_and_no_plugin(name: str) -> None:
    if name == "ionpath.__main__":  # python -m ionpath is the command line
        return
    named = imported(name) | set(strings(name))
    assert not [n for n in named if n.split(".")[0] in HOSTS or any(belongs(n, p) for p in [*PLUGINS, "ionpath_cli"])]


@pytest.mark.parametrize("name", [n for n in modules() if package_of(n) in PLUGINS])
def test_plugins_do_not_know_each_other(name: str) -> None:
    """Not even in strings: they meet through a host's objects or a hook of ionpath.plugins."""
    others = [p for p in [*PLUGINS, "ionpath_cli"] if p != package_of(name)]
    named = imported(name) | set(strings(name))
    assert not [n for n in named if any(belongs(n, other) for other in others)]


def test_no_circle_of_imports() -> None:
    """Function-level and type-only imports count, too: each ties two files to one."""
    graph = {name: {n for n in imported(name) if n in modules() and n != name} for name in modules()}
    # A face imports its rooms, and rooms never their own face.
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            circle = [*path[path.index(name) :], name]
            pytest.fail("circle of imports: " + " -> ".join(circle))
        if name in done:
            return
        for other in sorted(graph[name]):
            visit(other, [*path, name])
        done.add(name)

    for name in sorted(graph):
        visit(name, [])


@pytest.mark.parametrize("name", list(modules()))
def test_no_private_module_of_another_package(name: str) -> None:
    folder = name.rsplit(".", 1)[0]
    for other in imported(name):
        if other in modules() and any(part.startswith("_") and part != "__main__" for part in other.split(".")):
            private = next(k for k, part in enumerate(other.split(".")) if part.startswith("_"))
            owner = ".".join(other.split(".")[:private])
            assert belongs(folder, owner) or belongs(name, owner), f"{name} imports {other}"


def test_no_two_public_definitions_of_one_name_in_core() -> None:
    """A name in a traceback or a search leads to one place."""
    where = defaultdict(list)
    for name in modules():
        if package_of(name) == "ionpath":
            for node in tree(name).body:
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                    where[node.name].append(name)
    assert {key: found for key, found in where.items() if len(set(found)) > 1} == {}


@pytest.mark.parametrize("name", list(modules()))
def test_modules_are_readable_in_one_sitting(name: str) -> None:
    path = modules()[name]
    lines = path.read_text().count("\n")
    assert lines <= 450
    if path.name == "__init__.py":
        spent = sum(
            (node.end_lineno or 0) - node.lineno + 1
            for node in tree(name).body
            if isinstance(node, (ast.Import, ast.ImportFrom))
        )
        assert spent <= 60


@pytest.mark.parametrize("name", list(modules()))
def test_constructors_take_few_parameters(name: str) -> None:
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    arguments = [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]
                    assert len(arguments) - 1 <= 12, f"{name}.{node.name} takes {len(arguments) - 1} parameters"


@pytest.mark.parametrize(
    "name", [n for n, path in modules().items() if "else:\n    __all__, __getattr__" in path.read_text()]
)
def test_lazy_faces_show_type_checkers_what_they_export(name: str) -> None:
    branch = next(node for node in tree(name).body if isinstance(node, ast.If))
    shown = {
        alias.asname or alias.name for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    module = importlib.import_module(name)
    assert shown == set(module.__all__) - {"__version__", "bibtex", "cite"}
    assert all(getattr(module, key) is not None for key in shown)
