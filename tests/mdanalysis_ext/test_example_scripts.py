"""The example scripts run on a small crystal whose ions hop, and their tables hold what was put in."""

from __future__ import annotations

import runpy
import sys
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the scripts draw")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EDGE = 10.0  # A, of an argyrodite


def argyrodite_run(folder: Path, hops: bool, seed: int) -> Path:
    """2 x 2 x 1 cells of Li6PS5Cl that rattle; half of the lithium hops to the next cage in the middle of the run."""
    rng = np.random.default_rng(seed)
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    tetrahedron = 0.118 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    cage = 0.2 * np.concatenate([np.eye(3), -np.eye(3)])
    phosphorus, free, chlorine = fcc + 0.5, fcc + 0.25, fcc
    parts = {
        "Li": (free[:, None] + cage).reshape(-1, 3), "P": phosphorus, "Cl": chlorine,
        "S": np.r_[(phosphorus[:, None] + tetrahedron).reshape(-1, 3), free],
    }  # fmt: skip
    shifts = np.array([[i, j, 0] for i in range(2) for j in range(2)])
    names = [s for s, at in parts.items() for _ in range(4 * len(at))]
    sites = EDGE * np.concatenate([(shifts[:, None] + at).reshape(-1, 3) for at in parts.values()])
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("names", names)
    box = np.array([2 * EDGE, 2 * EDGE, EDGE, 90, 90, 90], dtype=np.float32)
    frames = sites + rng.normal(0, 0.15, (320, *sites.shape))
    if hops:
        frames[160:, np.flatnonzero(np.array(names) == "Li")[::2]] += [EDGE / 2, EDGE / 2, 0]
    u.load_new((frames % box[:3]).astype(np.float32), order="fac", dimensions=box, dt=0.1)
    folder.mkdir()
    with mda.Writer(str(folder / "trajectory.xtc"), len(names)) as writer:
        for ts in u.trajectory:
            ts.time = 0.1 * ts.frame
            writer.write(u.atoms)
    lines = [f"{s} {x:.6f} {y:.6f} {z:.6f}" for s, (x, y, z) in zip(names, sites, strict=True)]
    lattice = f"{2 * EDGE} 0 0 0 {2 * EDGE} 0 0 0 {EDGE}"
    head = f'{len(names)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n'
    (folder / "structure.extxyz").write_text(head + "\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return argyrodite_run(folder / "still", False, 1), argyrodite_run(folder / "hopping", True, 2)


def script(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    with warnings.catch_warnings():
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def row(text, start):
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line[len(start) :].split()


@pytest.mark.filterwarnings("ignore:half of the ions move")  # they hop all at once here
def test_disorder_and_transport(runs, tmp_path, monkeypatch, capsys):
    pair = f"{runs[1] / 'structure.extxyz'}+{runs[1] / 'trajectory.xtc'}"
    script(
        "mdanalysis_disorder_and_transport.py", monkeypatch, f"0={runs[0]}", f"50={pair}", "--skip", 1, "--quick",
        "--out", tmp_path / "figure",
    )  # fmt: skip
    text = capsys.readouterr().out
    assert row(text, "hops between cages  ") == ["0", "48"]  # half of 96 lithium, once
    assert row(text, "van Hove weight beyond 5 A after 10 ps, %")[0] == "0.00"
    # 10 ps of the 15 ps before and after the hop: origins that see it, 100 of 200, and half of the ions.
    assert float(row(text, "van Hove weight beyond 5 A after 10 ps, %")[1]) == pytest.approx(25.0, abs=1.0)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


@pytest.mark.filterwarnings("ignore:softness. need a model that tells")  # of so few samples nobody can say
def test_softness(runs, tmp_path, monkeypatch, capsys):
    script(
        "mdanalysis_softness.py", monkeypatch, f"crystal={runs[0]},{runs[1]}", "--lag", 1, "--calculator", "none",
        "--quick", "--out", tmp_path / "figure",
    )  # fmt: skip
    text = capsys.readouterr().out
    training, held, _, error, applied = row(text, "logistic, C = 0.01")
    assert 0.4 < float(held) <= float(training) <= 1.0
    assert 0 < float(error) < 0.2
    assert 0.3 < float(applied) < 0.7  # rattling holds nothing to learn
    assert "Voronoi volume" in text
    assert (tmp_path / "figure.png").stat().st_size > 10_000
