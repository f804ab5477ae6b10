"""PLUMED's own tools inside this Python: the driver, its numerical derivatives, and sum_hills."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from ionpath_plumed import free_energy, read_hills
from ionpath_plumed.driver import main
from ionpath_plumed.figures import export
from ionpath_plumed.files import read_table

VARIABLES = """
UNITS LENGTH=A
LOAD FILE=PythonCVInterface.so
s: PYCVINTERFACE ATOMS=1,2,3,4,5,6 IMPORT=ionpath_plumed.shell INIT={neighbours=[4,5,6] rotation=30 softness=0.3}
t: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.tilt INIT={rotation=20}
w: PYCVINTERFACE ATOMS=1,2,3,4,5 IMPORT=ionpath_plumed.tilt INIT={reference=ideal vector=True}
d: PYCVINTERFACE ATOMS=1,2,3,4,5 IMPORT=ionpath_plumed.distortion INIT={d0=1.5 r0=0.9}
p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path
x: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.position INIT={reference=[[1,1,1],[3,1,2]]}
m: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.flux INIT={sites=[[2,0,0],[0,2,0]] width=1.0}
"""
LABELS = {
    "s": ("d1", "difference", "nearest", "theta", "phi", "coordination"),
    "t": ("theta", "phi"),
    "w": ("theta", "psi", "rx", "ry", "rz"),
    "d": ("sd", "q"),
    "p": ("s", "z"),
    "x": ("x", "y", "z"),
    "m": ("p0", "p1"),
}


def run_tool(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ionpath_plumed.driver", *arguments],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith(("IONPATH_PLUMED", "LD_LIBRARY_PATH"))},
    )  # fmt: skip


@pytest.fixture(scope="module")
def driven(tmp_path_factory):
    """One driver run with numerical derivatives of every variable."""
    folder = tmp_path_factory.mktemp("driver")
    arguments = [f"{label}.py-{name}" for label, names in LABELS.items() for name in names]
    n = len(arguments)
    rng = np.random.default_rng(2)
    place = 4.0 + rng.normal(scale=1.6, size=(6, 3))
    (folder / "t.xyz").write_text(
        "6\n14 0 0 3 13 0 -2 1.5 15\n" + "".join(f"Li {a:.8f} {b:.8f} {c:.8f}\n" for a, b, c in place)
    )
    restraint = f"RESTRAINT ARG={','.join(arguments)} AT={','.join(['0.3'] * n)} KAPPA={','.join(['0.1'] * n)}"
    (folder / "plumed.dat").write_text(VARIABLES + restraint + "\nPRINT ARG=* FILE=COLVAR\n")
    found = run_tool(
        folder, "driver", "--plumed", "plumed.dat", "--ixyz", "t.xyz", "--length-units", "A",
        "--debug-forces", "forces",
    )  # fmt: skip
    return folder, found


def test_driver_finds_the_interface_by_its_bare_name(driven):
    folder, found = driven
    assert found.returncode == 0, found.stderr
    table = read_table(folder / "COLVAR")
    assert len(table.data) >= 1
    assert {"s.py-d1", "w.py-psi", "m.py-p2"} <= set(table.names)


def test_numerical_derivatives_of_plumed_agree_in_positions_and_cell(driven):
    folder, _ = driven
    forces = read_table(folder / "forces")
    assert len(forces.data) == 6 * 3 + 9
    analytical, numerical = forces["analytical"], forces["numerical"]
    assert np.abs(analytical).max() > 1.0
    # PLUMED differentiates with a step of about 1e-8 in single-digit units: its own accuracy is what is tested here.
    np.testing.assert_allclose(analytical, numerical, atol=2e-4 * np.abs(analytical).max())


def test_driver_explains_a_mistake_before_plumed_aborts(tmp_path):
    (tmp_path / "plumed.dat").write_text(
        "UNITS LENGTH=A\nLOAD FILE=PythonCVInterface.so\n"
        "s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell INIT={softnes=0.1}\n"
    )
    found = run_tool(tmp_path, "driver", "--plumed", "plumed.dat")
    assert found.returncode == 1
    assert "did you mean 'softness'?" in found.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("driver --plumed missing.dat --ixyz t.xyz", "--plumed: need an existing file, got no file 'missing.dat'"),
        ("driver --plumed=plumed.dat --mf_dcd=t.dcd", "--mf_dcd: need an existing file, got no file 't.dcd'"),
        ("sum_hills --hills HILLS.0,HILLS.1", "--hills: need an existing file, got no file 'HILLS.1'"),
        ("driver --plumed plumed.dat --ixyz t.xyz", "got none, which PLUMED takes for nm; add --length-units A"),
        ("driver --plumed plumed.dat --ixyz t.xyz --length-units A", "got extended XYZ; add --box 14,13,15 if all"),
        ("driver --plumed plumed.dat --ixyz plain.xyz --length-units A", "got 'made by hand'; add --box with 3 or 9"),
        (
            "driver --plumed plumed.dat --ixyz t.xyz --length-units Angstrom",
            "got 'Angstrom'; for example --length-units A",
        ),
        (
            "driver --plumed plumed.dat --mf_dcd a.dcd --length-units A",
            "need none with --mf_dcd, .* got A; leave it out",
        ),
        ("driver --plumed plumed.dat --ixyz cube.xyz --length-units nm", "nm, by which they are 20 A apart; .*units A"),
        ("driver --plumed plumed.dat --mf_xtc a.dcd", "--mf_xtc: need a XTC file, got something else in a.dcd"),
        ("driver --plumed=plumed.dat --ixtc=a.dcd", "--ixtc: need a XTC file, got something else in a.dcd"),
        ("driver --plumed plumed.dat --mf_dcd plain.xyz", "--mf_dcd: need a DCD file, got something else in plain.xyz"),
        ("driver plumed.dat", "driver: need options, .* got 'plumed.dat'; for example --plumed plumed.dat"),
        (
            "driver --plumed plumed.dat --trajectory_stride 5",
            "--trajectory_stride; did you mean --trajectory-stride[?]",
        ),
        ("driver --plumed a.dcd", "--plumed: need a text file, got 'utf-8' codec"),
        (
            "driver --plumed run.dat --mf_dcd a.dcd",
            "none of the files of the run .*, got HILLS; work in another folder",
        ),
        ("sum_hills HILLS", "sum_hills: need options, .* got 'HILLS'; for example --hills HILLS"),
        ("sum_hills --hils HILLS", "sum_hills: need its options, got --hils; did you mean --hills[?]"),
        ("sum_hills --hills plumed.dat", "--hills: need a header '#! FIELDS ...', got something else in plumed.dat"),
    ],
)
def test_files_that_plumed_dies_over_are_foreseen(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="latin-1")
    note = json.dumps({"sizes": {"HILLS": 9}, "heads": {"HILLS": ""}})
    np.savez(tmp_path / "run.checkpoint.npz", meta=np.array(note))
    assert main(arguments.split()) == 1
    assert re.search(said, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "sum_hills --hills HILLS --min 3,3 --max 1,1 --bin 9,9",
            "sum_hills: maximum in grid must be larger than minimum",
        ),
        ("driver --plumed plumed.dat", "ERROR: missing trajectory data"),
        ("sum_hills", "sum_hills: you should use --histo or/and --hills command"),
    ],
)
def test_what_plumed_refuses_is_a_sentence_and_no_crash(tmp_path, arguments, said):
    write_hills(tmp_path / "HILLS", False, 3)
    (tmp_path / "plumed.dat").write_text(FILES["plumed.dat"])
    found = run_tool(tmp_path, *arguments.split())
    assert found.returncode == 1 and said in found.stderr and "terminate called" not in found.stderr


FILES = {
    "plumed.dat": "UNITS LENGTH=A\nd: DISTANCE ATOMS=1,2\nPRINT ARG=d FILE=COLVAR FMT=%.8f\n",
    "t.xyz": '2\nLattice="14 0 0 0 13 0 0 0 15" Properties=species:S:1:pos:R:3\nLi 0.5 0 0\nS 13 0 0\n',
    "plain.xyz": "2\nmade by hand\nLi 0 0 0\nS 1 0 0\n",
    "cube.xyz": "8\n4 4 4\n" + "".join(f"Li {k & 2} {k & 4} {2 * (k & 1)}\n" for k in range(8)),
    "HILLS.0": "",
    "HILLS": "#! FIELDS time d\n",
    "a.dcd": "T\0\0\0CORD\xa3\xa3",
    "run.dat": "d: DISTANCE ATOMS=1,2\nMETAD ARG=d SIGMA=1 HEIGHT=1 PACE=1\n",
}


def test_the_box_that_is_advised_for_extended_xyz_is_in_the_units_of_the_file(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    found = run_tool(
        tmp_path, "driver", "--plumed", "plumed.dat", "--ixyz", "t.xyz", "--length-units", "A", "--box", "14,13,15"
    )
    assert found.returncode == 0, found.stderr
    assert read_table(tmp_path / "COLVAR")["d"] == pytest.approx(1.5, abs=1e-7)  # A, across the cell of 14 A


def write_hills(path, periodic: bool, n: int = 120) -> None:
    rng = np.random.default_rng(12)
    head = "#! FIELDS time t p sigma_t sigma_p height biasf\n#! SET multivariate false\n"
    head += "#! SET kerneltype stretched-gaussian\n"
    if periodic:
        head += "#! SET min_p -pi\n#! SET max_p pi\n"
    rows = [
        f"{k + 1} {rng.uniform(0, 3):.6f} {rng.uniform(-3.1, 3.1):.6f} 0.25 {rng.uniform(0.1, 0.4):.4f} "
        f"{5 * np.exp(-k / 60):.6f} 10"
        for k in range(n)
    ]
    path.write_text(head + "\n".join(rows) + "\n")
    path.with_name("plumed.dat").write_text(f"METAD ARG=t,p FILE={path.name}\n")


@pytest.mark.parametrize("periodic", [False, True])
def test_surface_is_that_of_sum_hills(tmp_path, periodic):
    write_hills(tmp_path / "HILLS", periodic)
    low, high = ("-0.5,-pi", "3.5,pi") if periodic else ("-0.5,-4", "3.5,4")
    found = run_tool(
        tmp_path, "sum_hills", "--hills", "HILLS", "--outfile", "fes.dat",
        "--min", low, "--max", high, "--bin", "80,90",
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    theirs = read_table(tmp_path / "fes.dat")
    end = np.pi if periodic else 4.0
    ours = free_energy(tmp_path / "HILLS", bins=(80, 90), ranges=((-0.5, 3.5), (-end, end)), from_zero=False)
    # The first variable runs fastest in PLUMED's files.
    reference = theirs["file.free"].reshape(ours.values.shape[::-1]).T
    np.testing.assert_allclose(ours.axes[0], np.unique(theirs["t"].round(6)), atol=1e-6)
    assert reference.min() < -10
    np.testing.assert_allclose(ours.values, reference, atol=1e-6)
    zeroed = free_energy(tmp_path / "HILLS", bins=(80, 90), ranges=((-0.5, 3.5), (-end, end)))
    assert zeroed.values.min() == 0.0
    # What we export is what sum_hills writes.
    again = read_table(export(ours, tmp_path / "ours.dat"))
    np.testing.assert_allclose(again["file.free"], theirs["file.free"], atol=1e-6)


def test_a_file_cut_by_a_killed_run_is_read(tmp_path):
    write_hills(tmp_path / "HILLS", False, 30)
    whole = (tmp_path / "HILLS").read_text()
    (tmp_path / "HILLS").write_text(whole + "31 1.0 2.")
    assert len(read_hills(tmp_path / "HILLS")) == 30
