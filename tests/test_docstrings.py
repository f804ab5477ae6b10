"""Docstrings are contracts: they agree with the signatures, and their examples run."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "core/ionpath": "ionpath",
    "core/ionpath_cli": "ionpath_cli",
    "plugins/ase_calc/ionpath_ase": "ionpath_ase",
    "plugins/mdanalysis_ext/ionpath_mdanalysis": "ionpath_mdanalysis",
    "plugins/plumed_cv/ionpath_plumed": "ionpath_plumed",
    "plugins/pymatgen_ext/pymatgen/analysis/argyrodite": "pymatgen.analysis.argyrodite",
}
# No docstring, unknown, missing or misordered parameters, no Returns, summary without a full stop.
CHECKS = {"GL08", "PR01", "PR02", "PR03", "RT01", "SS03"}
# What every object needs that no package exports: users meet it in a traceback at most.
INTERNAL = {"GL08", "SS03"}
# Hosts call these by name and fix their signatures.
HOST_NAMES = {"plumedInit", "plumedCalculate"}


def module_names() -> list[str]:
    """Dotted names of all modules of the distribution, found on disk."""
    found = []
    for folder, package in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path.name == "__main__.py":  # runs when it is imported
                continue
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@cache
def exported() -> set[str]:
    """Full names of everything that a package or a module lists in ``__all__``."""
    found = set()
    for name in module_names():
        module = importlib.import_module(name)
        for thing in (getattr(module, key) for key in getattr(module, "__all__", ())):
            if inspect.isfunction(thing) or inspect.isclass(thing):
                found.add(f"{thing.__module__}.{thing.__qualname__}")
    return found


def public_objects(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(module).items():
        if name.startswith("_") or name in HOST_NAMES or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing) or (inspect.isclass(thing) and not issubclass(thing, Exception)):
            yield f"{module.__name__}.{name}", thing


def faults(path: str, thing: Any) -> list[str]:
    # A class whose fields are listed as Attributes (a dataclass) need not repeat them as Parameters.
    fields = inspect.isclass(thing) and "Attributes" in (thing.__doc__ or "")
    checks = CHECKS - {"PR01", "PR02", "PR03"} if fields else CHECKS
    if path not in exported():
        checks = INTERNAL
    return [f"{path}: {code} {text}" for code, text in validate(path)["errors"] if code in checks]


@pytest.mark.parametrize("name", module_names())
def test_docstrings_agree_with_signatures(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    if not any(part.startswith("_") for part in name.split(".")):
        found = [fault for path, thing in public_objects(module) for fault in faults(path, thing)]
        assert not found, "\n".join(found)


@pytest.mark.parametrize("name", module_names())
def test_examples_run(name: str) -> None:
    outcome = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert outcome.failed == 0
