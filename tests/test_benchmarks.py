"""The table of all analyses runs: every public class has a row, and a peer that is there agrees."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("MDAnalysis", reason="the table is of its analyses")
pytest.importorskip("freud", reason="the structural analyses need freud")
pytest.importorskip("gudhi", reason="RingTopology needs gudhi")

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "analyses.py"
CALLED_WITH_MORE = {"OrderParameter"}
"""Analyses of what a plugin brings, which have no time of their own."""


def test_quick_table_has_every_analysis_and_agrees_with_its_peers() -> None:
    import ionpath_mdanalysis
    from ionpath_mdanalysis import anion_disorder, ion_transport, path_entropy, softness
    from ionpath_mdanalysis._base import IonAnalysis

    public = {
        name
        for module in (ionpath_mdanalysis, anion_disorder, ion_transport, path_entropy, softness)
        for name in module.__all__
        if isinstance(thing := getattr(module, name), type) and issubclass(thing, IonAnalysis)
    } - {"IonAnalysis"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--quick", "--markdown"],
        capture_output=True, text=True, check=False, env={**os.environ, "NUMBA_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[2:]]
    measured = {row[0].split(" ")[0] for row in table}
    assert measured == public - CALLED_WITH_MORE
    peers = {row[0]: (row[6], row[8]) for row in table if row[8]}
    volumes, rings, order = peers["IonVoronoiVolume"][1], peers["RingTopology"][1], peers["AveragedSteinhardt"][1]
    assert float(volumes.removesuffix(" A^3")) < 1e-4  # freud is in single precision
    assert float(rings.removesuffix(" A^2")) < 1e-5
    assert float(order.removeprefix("median ")) < 1e-5
    assert float(peers["RadialDistributions"][1].removeprefix("mean ")) < 1e-3
    assert float(re.sub("%.*", "", peers["ShellStates"][1])) > 99.0


@pytest.mark.parametrize("script", sorted(SCRIPT.parent.glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_finds_what_it_imports(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(script.parent))  # they share a module
    spec = importlib.util.spec_from_file_location(f"benchmark_{script.stem}", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where their dataclasses look for themselves
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    spec.loader.exec_module(module)
    assert callable(module.main)
