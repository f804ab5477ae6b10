"""The tutorials run from an empty folder, and their outputs say what their text says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

PLACE = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
NUMBER = r"[\d.]+ ± [\d.]+"
SAID = {
    "xdatcar": [
        "50 atoms, 22 Li, 151 frames",
        rf"D +{NUMBER} A\^2/ps",
        rf"conductivity {NUMBER} mS/cm",
        rf"mean per pair +{NUMBER} J/mol/K",
        r"Markovian at a lag of 1 ps",
        r"\[prinz2011\]",
    ],
    "lammps": [
        r"diffusion coefficient +< [\d.]+ A\^2/ps",
        r"conductivity .* [\d.]+ mS/cm, sound: False",
        "results/report.html",
        "<IPython.core.display.Image object>",
        "scontrol requeue",
        "--temprature: need an option of `ionpath md`",
    ],
    "jobflow": [
        "inversion 0.5000",
        r"= 11.5263 J/mol/K",
        rf"diffusion_coefficient +{NUMBER} A\^2/ps",
        "'@class': 'Estimate'",
        "True",
    ],
    "barrier": ["METAD ARG=cage.py-theta", r"'cage.py-d1': 2.\d+", "20 hills in 2 ps; not converged", "False after"],
    "figures": [
        rf"ordered +{NUMBER} J/mol/K \(too few hops, not Markovian\) a pair, 6 states",
        "upper bound only",
        "@article{metzner2009,",
    ],
    "own_material": ["Li24P8S32", "upper bound only", "6 states: 4a 1", "not an argyrodite"],
}
"""Notebook -> what its outputs hold."""


def test_every_notebook_is_tested_and_on_the_site() -> None:
    assert {path.stem for path in PLACE.iterdir()} == set(SAID)
    index = (PLACE.parent / "index.md").read_text(encoding="utf-8")
    assert all(index.count(f"notebooks/{name}\n") == 1 for name in SAID)


BRINGS = {
    "MDAnalysis": "mdanalysis",
    "ase": "ase>",
    "ionpath_ase": "deepmd-kit",
    "ionpath_plumed": "plotly",
    "jobflow": "jobflow>",
    "matplotlib": "matplotlib",
    "pymatgen": "pymatgen>",
}
"""What a cell imports -> a requirement that brings it."""


@pytest.mark.parametrize("name", list(SAID))
def test_a_notebook_says_what_to_install(name: str) -> None:
    """The extras that it names bring all that its cells import."""
    text = (PLACE / f"{name}.md").read_text(encoding="utf-8")
    (needs,) = re.findall(r'Needs `pip install "ionpath\[([\w,-]+)\]"`', text)
    project = tomllib.loads((PLACE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras, brought = needs.split(","), ""
    while extras:
        for line in project["optional-dependencies"][extras.pop()]:
            inner = re.fullmatch(r"ionpath\[([\w,-]+)\]", line)
            extras += inner[1].split(",") if inner else []
            brought += f"{line} ".lower()
    cells = "".join(re.findall(r"```\{code-cell\} python\n(.*?)```", text, flags=re.DOTALL))
    imported = set(re.findall(r"^(?:from|import) (\w+)", cells, flags=re.MULTILINE))
    assert [host for host in imported & set(BRINGS) if BRINGS[host] not in brought] == []
    assert "ionpath build" not in cells or "pymatgen>" in brought
    assert ("ionpath_plumed" not in imported) or "pip install --no-deps hillclimber" in text


@pytest.mark.slow  # 12 to 45 s each
@pytest.mark.parametrize("name", list(SAID))
def test_notebook_runs(name: str, tmp_path: Path) -> None:
    read = pytest.importorskip("myst_nb.core.read")
    nbclient = pytest.importorskip("nbclient")
    notebook = read.read_myst_markdown_notebook((PLACE / f"{name}.md").read_text(encoding="utf-8"))
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    text = "\n".join(shown(output) for cell in notebook.cells for output in cell.get("outputs", []))
    for said in SAID[name]:
        assert re.search(said, text), said
    figures = sum("plot" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert figures == 0 or text.count("<Figure size") >= 1


def shown(output: Any) -> str:
    """Text of one output, stderr left out as on the site."""
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    return output.get("data", {}).get("text/plain", "")
