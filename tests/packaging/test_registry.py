"""What registries are told agrees with what the project says of itself."""

from __future__ import annotations

import json
import re
import runpy
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from ionpath import __version__

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FILES = [
    "CITATION.cff",
    ".zenodo.json",
    "packaging/conda/recipe.yaml",
    "packaging/mdakits/metadata.yaml",
    "packaging/plumed-nest/nest.yml",
    "packaging/README.md",
    "README.md",
    "CONTRIBUTING.md",
]


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", FILES)
def test_addresses_are_those_of_the_project(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    hosts = re.findall(r"https://(?:github\.com|raw\.githubusercontent\.com|[\w-]+\.readthedocs\.io)[\w/.-]*", text)
    homes = (PROJECT["urls"]["Homepage"], PROJECT["urls"]["Documentation"])
    assert [url for url in hosts if not url.startswith(homes)] == []


def test_conda_recipe_needs_what_the_project_needs() -> None:
    recipe = load("packaging/conda/recipe.yaml")
    assert recipe["context"]["version"] == __version__
    run = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert run == {*PROJECT["dependencies"], f"python{PROJECT['requires-python']}"}
    points = dict(line.split(" = ") for line in recipe["build"]["python"]["entry_points"])
    assert points == PROJECT["scripts"]
    extras = " ".join(",".join(lines) for lines in PROJECT["optional-dependencies"].values())
    for line in recipe["requirements"]["run_constraints"]:
        name, bound = line.split()
        if name != "plumed":  # which no extra can name, as it is no package of its index
            assert re.search(rf"{name}(\[[\w,]+\])?{re.escape(bound)}\b", extras, flags=re.IGNORECASE), line
    for name in recipe["tests"][0]["python"]["imports"]:
        import_module(name)


def test_the_site_is_built_where_it_is_hosted_as_make_docs_builds_it() -> None:
    hosted, makefile = load(".readthedocs.yaml"), (ROOT / "Makefile").read_text(encoding="utf-8")
    assert PROJECT["urls"]["Documentation"].endswith(".readthedocs.io")
    (install,) = hosted["python"]["install"]
    assert set(install["extra_requirements"]) <= set(PROJECT["optional-dependencies"])
    for extra in install["extra_requirements"]:
        assert f"'.[{extra}]'" in makefile
    assert hosted["sphinx"]["fail_on_warning"] and "sphinx-build -W" in makefile
    assert (ROOT / hosted["sphinx"]["configuration"]).is_file()
    (kernel,) = hosted["build"]["jobs"]["post_install"]
    assert kernel.removeprefix("python -m pip ") in makefile.replace(" --disable-pip-version-check -q", "")
    version = tuple(map(int, hosted["build"]["tools"]["python"].split(".")))
    assert (3, 11) <= version < (3, 14), "TensorFlow has no wheels for 3.14"


def test_mdakit_metadata() -> None:
    data = load("packaging/mdakits/metadata.yaml")
    needed = "project_name authors maintainers description keywords license project_home documentation_home"
    assert {*needed.split(), "documentation_type"} <= set(data)
    assert data["license"] == PROJECT["license"]
    assert data["python_requires"] == PROJECT["requires-python"]
    assert f"MDAnalysis[parallel]{data['mdanalysis_requires']}" in PROJECT["optional-dependencies"]["mdanalysis"]
    assert import_module(data["import_name"]).PathEntropy
    folders = re.findall(r"ionpath/(tests/\w+)", " ".join(data["run_tests"]))
    assert folders and all((ROOT / folder).is_dir() for folder in folders)


def test_archive_metadata_and_citation_say_the_same() -> None:
    archive, citation = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8")), load("CITATION.cff")
    assert archive["title"] == citation["title"]
    assert archive["license"] == citation["license"] == PROJECT["license"]
    assert archive["keywords"] == citation["keywords"] == PROJECT["keywords"]
    assert [who["name"] for who in archive["creators"]] == [who["name"] for who in PROJECT["authors"]]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert "version" not in archive, "which the archive takes from the tag"


def test_plumed_bundle_is_complete_and_its_input_is_plumed(tmp_path: Path) -> None:
    bundle = runpy.run_path(str(ROOT / "packaging" / "plumed-nest" / "bundle.py"))["bundle"]
    for name in ("nest.txt", "--help"):
        with pytest.raises(SystemExit, match=r"need the name of a new file that ends on \.zip, got .*; name another"):
            bundle(tmp_path / name)
    with zipfile.ZipFile(bundle(tmp_path / "nest.zip")) as archive:
        assert {"nest.yml", "README.md", "inter-cage/plumed.dat", "inter-cage/start.extxyz"} <= set(archive.namelist())
        nest = yaml.safe_load(archive.read("nest.yml"))
        archive.extractall(tmp_path)
    assert f"/v{__version__}/" in nest["url"]
    assert set(nest) == {"url", "pname", "category", "keyw", "plumed_version", "contributor", "doi", "history"}
    ase_io, plumed = pytest.importorskip("ase.io"), pytest.importorskip("ionpath_plumed")
    pytest.importorskip("plumed")
    atoms = ase_io.read(tmp_path / "inter-cage" / "start.extxyz")
    assert "Li5.5PS4.5Cl1.5" in nest["pname"]
    counts = {element: atoms.symbols.count(element) / atoms.symbols.count("P") for element in ("Li", "S", "Cl")}
    assert counts == {"Li": 5.5, "S": 4.5, "Cl": 1.5}
    values = plumed.evaluate((tmp_path / "inter-cage" / "plumed.dat").read_text(), [atoms])
    assert 1.5 < values["cage.py-d1"][0] < 3.0, "A, of an ion in the shell of its first centre"


def test_classifiers_are_the_versions_that_the_workflow_runs_everything_on() -> None:
    workflow = load(".github/workflows/test.yml")
    tested = workflow["jobs"]["everything"]["strategy"]["matrix"]["python"]
    named = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert named == tested
    assert PROJECT["requires-python"] == f">={tested[0]}"
