"""What the tree promises about itself: who may import whom, and how large a room may be."""

from __future__ import annotations

import ast
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


def files(package: str) -> list[Path]:
    return sorted(PACKAGES[package].rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Modules that a file imports anywhere, function-level and type-only imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("path", files("ionpath"), ids=lambda p: str(p.relative_to(ROOT)))
def test_core_knows_no_plugin(path: Path) -> None:
    others = (
        "ionpath_cli",
        "ionpath_ase",
        "ionpath_mdanalysis",
        "ionpath_plumed",
        "ase",
        "MDAnalysis",
        "pymatgen",
        "plumed",
    )
    assert not [name for name in imported(path) if name.split(".")[0] in others]
