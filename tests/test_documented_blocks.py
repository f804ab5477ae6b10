"""What README and docs print runs as printed, on the trajectory that is shipped."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from ionpath.data import EXAMPLES, example
from ionpath.errors import InputError

mda = pytest.importorskip("MDAnalysis")
pytest.importorskip("pymatgen.core")

ROOT = Path(__file__).resolve().parents[1]
SLOW = pytest.mark.slow
PAGES = [
    ("README", 1),
    ("docs/analyze", 1),
    ("docs/mdanalysis", 1),
    ("docs/states", 1),
    ("docs/path_entropy", 1),
    ("docs/your_material", 1),
    ("docs/transport", 1),
    ("docs/extend", 1),
    pytest.param("docs/pymatgen", 1, marks=SLOW),
    pytest.param("docs/potential", 1, marks=SLOW),
    pytest.param("docs/structure", 2, marks=SLOW),
    pytest.param("docs/softness", 3, marks=SLOW),
    pytest.param("docs/plumed", 1, marks=SLOW),
    pytest.param("docs/cluster", 1, marks=SLOW),
]
"""Pages, and how often the cell is repeated along each edge: 10 A hold no second shell, which these analyses refuse."""
LEFT_OUT = {
    "README": ("run_md(",),
    "docs/mdanalysis": ("class LayerProfiles",),
    "docs/cluster": ("--scheduler",),
    "docs/pymatgen": ("write_grid(", "AnionClusterExpansion"),
    "docs/softness": ("ordered", 'correlate("ionpath")'),
    "docs/transport": ("extrapolate(runs", "size_convergence"),
}
"""Words of blocks that are left out: minutes of dynamics or of energies, smol, excerpts of the source, and what only a
reader has, such as several runs, a potential of their own, a teacher or a glass. The page on training has nothing
else: that is tested where trainings are short (tests/ase_calc)."""
SHORTER = {
    "docs/plumed": {"picoseconds=400": "picoseconds=0.5"},
    "docs/cluster": {  # the queue is one machine; the options of its jobs are dask-jobqueue's
        "from dask_jobqueue import SLURMCluster": "from dask.distributed import LocalCluster",
        'SLURMCluster(cores=1, processes=1, memory="8GB", walltime="02:00:00", local_directory="/tmp")':
        "LocalCluster(n_workers=2, processes=False, dashboard_address=None)",
        "cluster.scale(jobs=16)\n": "",
        "n_workers=16": "n_workers=2",
    },
}  # fmt: skip
"""What is said in place of hours and of a cluster."""
AFTER = {
    ("docs/pymatgen", "def relaxed"): """
from pytest import approx
assert [(e["inversion"], e["multiplicity"]) for e in entries[:2]] == [(0.5, 24), (0.75, 16)]
assert thermodynamics(entries, 300).entropy[0] == approx(np.log(24) / 4, abs=0.01), "R per formula unit"
assert entries[1]["energy"] - entries[0]["energy"] == approx(0.77, abs=0.1), "eV per cell"
""",
    ("docs/plumed", "export("): "assert surface.names == ('cage.py-d1', 'cage.py-d2')",
    ("docs/plumed", "values.data"): """
from pytest import approx
assert values.data[0, 1:4] == approx([2.217, 5.552, -3.335], abs=5e-4), "A"
""",
    ("docs/cluster", "SLURMCluster"): "assert paths.results.uncertainty.mean_per_pair.unit == 'J/mol/K'",
}
"""What the page says of a block that holds these words."""
BEFORE = {
    ("docs/plumed", 0): """
import subprocess, sys
build = [sys.executable, "-m", "ionpath_cli", "build", "--lattice", "9.75", "-o", "start.extxyz"]
subprocess.run(build, check=True)
""",
    ("docs/pymatgen", 7): """
import numpy as np
from pymatgen.analysis.argyrodite import lspscl
crystal, rng = lspscl(), np.random.default_rng(0)
symbols = np.array([site.specie.symbol for site in crystal])
lithium, cell = np.flatnonzero(symbols == "Li"), crystal.lattice.matrix
cells = np.repeat(cell[None], 400, axis=0)
positions = crystal.cart_coords + rng.normal(0, 0.2, (400, len(crystal), 3))
for ion in lithium:  # one ion takes the place of another now and then, and back
    other = rng.choice(lithium)
    there = rng.integers(2, size=8).repeat(50).astype(bool)
    positions[there, ion] += crystal.cart_coords[other] - crystal.cart_coords[ion]
""",
}
"""What a block needs that the page's reader has: files and names of their own."""


def blocks(page: str) -> list[str]:
    text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    found = [block for block in found if not any(word in block for word in LEFT_OUT.get(page, ()))]
    return [re.sub(r"^(>>>|\.\.\.) ?", "", block, flags=re.MULTILINE) for block in found]


def lay_out(repeat: int) -> None:
    """The names that the pages use, with the shipped trajectory behind them, in the current folder."""
    structure, trajectory = example("Li5.5PS4.5Cl1.5-disordered")
    shutil.copy(structure, "topology.extxyz")
    shutil.copy(trajectory, "trajectory.xtc")
    u = mda.Universe(structure, trajectory)
    order = np.argsort(u.atoms.elements, kind="stable")
    names, counts = np.unique(u.atoms.elements, return_counts=True)
    images = np.stack(np.meshgrid(*[np.arange(repeat)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    counts = counts * len(images)
    cell = repeat * u.trajectory.ts.triclinic_dimensions
    text = "run\n1.0\n" + "".join(" ".join(map(str, row)) + "\n" for row in cell)
    text += f"{' '.join(names)}\n{' '.join(map(str, counts))}\n"
    for k, ts in enumerate(u.trajectory[::2]):  # 0.1 ps, as the pages say
        scaled = (ts.positions @ np.linalg.inv(ts.triclinic_dimensions))[order, None] % 1
        scaled = (scaled + images).reshape(-1, 3) / repeat
        rows = "".join(" ".join(f"{x:.8f}" for x in row) + "\n" for row in scaled)
        text += f"Direct configuration={k + 1:6d}\n{rows}"
    Path("XDATCAR").write_text(text)
    for packed in ("XDATCAR.gz", "Li6PS5Cl-50p-run1.XDATCAR.gz", "Li6PS5Cl-50p-run2.XDATCAR.gz"):
        Path(packed).write_bytes(gzip.compress(text.encode()))


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize(("page", "repeat"), PAGES)
def test_blocks_run_as_printed(
    page: str, repeat: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    import matplotlib

    if "IONPATH_TEST_DATA" in "".join(blocks(page)):  # published states, which are not part of the project
        monkeypatch.setenv("IONPATH_TEST_DATA", str(request.getfixturevalue("shared_data")))

    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    Path("tests").symlink_to(ROOT / "tests")
    lay_out(repeat)
    u = mda.Universe("topology.extxyz", "trajectory.xtc")
    names = {"u": u, "universe": u}
    shorter = SHORTER.get(page, {})
    text = "".join(blocks(page))
    assert [words for words in shorter if words not in text] == [], "the page says something else now"
    assert [words for one, words in AFTER if one == page and words not in text] == []
    for number, block in enumerate(blocks(page)):
        run = block
        for long, short in shorter.items():
            run = run.replace(long, short)
        exec(BEFORE.get((page, number), ""), names)
        exec(compile(run, f"{page}.md, block {number}", "exec"), names)
        for (one, words), claim in AFTER.items():
            if one == page and words in block:
                exec(claim, {"np": np, **names})


@pytest.mark.parametrize(("name", "atoms", "lithium"), [(EXAMPLES[0], 52, 24), (EXAMPLES[1], 50, 22)])
def test_the_shipped_trajectories_are_what_they_say(name: str, atoms: int, lithium: int) -> None:
    u = mda.Universe(*example(name))
    assert (len(u.atoms), len(u.select_atoms("element Li"))) == (atoms, lithium)
    assert u.trajectory.n_frames == 301
    assert u.trajectory.dt == pytest.approx(0.05, rel=1e-5)
    size = sum(Path(file).stat().st_size for one in EXAMPLES for file in example(one))
    assert size < 400_000, "bytes, both of them together"
    steps = np.diff(u.trajectory.timeseries(), axis=0)
    assert np.abs(steps).max() < 0.5 * u.dimensions[:3].min(), "unwrapped, so that no atom jumps a cell"


def test_the_shipped_disordered_crystal_is_the_one_with_more_paths() -> None:
    """Cages that lithium can leave against cages that it cannot, by state 0 (outside) being visited or not."""
    from ionpath_mdanalysis import CoordinationShells, ShellStates

    outside = {}
    for name in EXAMPLES:
        u = mda.Universe(*example(name))
        lithium = u.select_atoms("element Li")
        states = ShellStates(lithium, shells=CoordinationShells.for_argyrodite(u, mobile=lithium)).run()
        outside[name] = int(states.results.runs.histogram()[0])
    assert outside[EXAMPLES[0]] < outside[EXAMPLES[1]], outside


def test_an_example_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="example: need 'Li6PS5Cl-ordered' or 'Li5.5PS4.5Cl1.5-disordered', got 'Na"):
        example("Na3PS4")
