"""The distribution as users get it: built, installed beside the hosts, used, and uninstalled without a trace."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(sysconfig.get_paths()["purelib"])
OURS = ("ionpath", "_ionpath_aliases", "ionpath_aliases", "_editable_impl_ionpath", "__editable__")

pytestmark = pytest.mark.install


def run(*command: object, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel and the sdist, built by the project's own backend."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    return {"wheel": next(folder.glob("*.whl")), "sdist": next(folder.glob("*.tar.gz")), "editable": ROOT}


class Environment:
    """A fresh virtual environment that sees the hosts of this one, but for those that are left out, and not ionpath."""

    def __init__(self, folder: Path, without: tuple[str, ...] = ()) -> None:
        venv.create(folder, with_pip=False, symlinks=True)
        self.python = folder / "bin" / "python"
        self.site = Path(
            run(self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").stdout.strip()
        )
        hosts = folder / "hosts"
        hosts.mkdir()
        for entry in SITE.iterdir():
            leave = entry.name.startswith(OURS) or entry.suffix == ".pth"
            leave |= any(entry.name.lower() == w or entry.name.lower().startswith(f"{w}-") for w in without)
            if not leave:
                (hosts / entry.name).symlink_to(entry)
        (self.site / "hosts.pth").write_text(f"{hosts}\n")
        self.before = self.listing()

    def listing(self) -> set[str]:
        return {str(p.relative_to(self.site)) for p in self.site.rglob("*") if "__pycache__" not in p.parts}

    def pip(self, *words: object) -> None:
        # This environment's own pip, told where to install: no download, no second copy of pip.
        run(sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", "-q", *words)

    def install(self, what: Path, editable: bool) -> None:
        self.pip("install", "--no-deps", "--no-index", "--no-build-isolation", *(["-e"] if editable else []), what)

    def uninstall(self) -> None:
        self.pip("uninstall", "-y", "ionpath")

    def script(self, code: str) -> str:
        variables = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTEST_CURRENT_TEST")}
        variables |= {"TF_CPP_MIN_LOG_LEVEL": "3"}
        return run(self.python, "-c", code, cwd=self.site.parent, env=variables).stdout


CORE = """
import sys, ionpath
assert not {"ase", "MDAnalysis", "pymatgen", "deepmd", "tensorflow", "matplotlib", "deeptime"} & set(sys.modules), \
    "import ionpath pulled in a host"
from ionpath.kinetics import mfpt_matrix
import numpy as np
assert abs(mfpt_matrix(np.array([[.8, .2], [.1, .9]]))[0, 1] - 5.0) < 1e-9
"""
MDANALYSIS = """
from MDAnalysis.analysis.path_entropy import PathEntropy
from MDAnalysis.analysis.ion_transport import IonDiffusion
import ionpath_mdanalysis
assert PathEntropy is ionpath_mdanalysis.PathEntropy
"""
ASE = """
from ase.calculators.calculator import get_calculator_class
assert get_calculator_class("ionpath").__name__ == "IonPath"
from ase._4.plugins import plugins
assert "ionpath" in [p.name for p in plugins.calculators]
"""
PYMATGEN = """
from pymatgen.transformations.site_inversion import SiteInversionTransformation
from pymatgen.analysis.argyrodite import SiteInversionTransformation as same, argyrodite
assert SiteInversionTransformation is same and len(argyrodite()) == 52
"""
PLUMED = """
import importlib
assert importlib.import_module("ionpath_plumed.shell").plumedCalculate
"""
HOSTS = {"MDAnalysis": MDANALYSIS, "ase": ASE, "pymatgen": PYMATGEN, "plumed": PLUMED}


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_install_use_uninstall(kind: str, distributions: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv")
    environment.install(distributions[kind], editable=kind == "editable")
    environment.script(CORE)
    environment.script("\n".join(HOSTS.values()))
    environment.uninstall()
    # pip leaves folders without files of their own; beside an installed pymatgen these are pymatgen's.
    left_over = environment.listing() - environment.before
    assert left_over <= {"pymatgen", "pymatgen/analysis"}
    assert not [path for path in left_over if (environment.site / path).is_file()]
    left = environment.script(
        "import importlib.util as u\n"
        "print([n for n in ('ionpath', '_ionpath_aliases', 'ionpath_ase') if u.find_spec(n)])"
    )
    assert left.strip() == "[]"


# What is left out of an environment to make a world without that host, as names in site-packages.
WITHOUT = {
    "MDAnalysis": ("mdanalysis",),
    "ase": ("ase",),
    "pymatgen": ("pymatgen", "pymatgen_core"),
    "plumed": ("plumed", "hillclimber"),
}


@pytest.mark.parametrize("host", list(WITHOUT))
def test_without_one_host(host: str, distributions: dict[str, Path], tmp_path: Path) -> None:
    environment = Environment(tmp_path / "venv", without=WITHOUT[host])
    environment.install(distributions["wheel"], editable=False)
    environment.script(CORE)
    probe = {"pymatgen": "pymatgen.core"}.get(host, host)
    environment.script(
        f"""
import importlib
try:
    importlib.import_module({probe!r})
except ModuleNotFoundError as error:
    assert error.name.split(".")[0] == {host!r}, error
else:
    raise SystemExit("{host} is still there")
"""
    )
    needs_ase = {"MDAnalysis", "pymatgen"} if host == "ase" else set()
    for other, code in HOSTS.items():
        if other not in {host, *needs_ase}:
            environment.script(code)
    doctor = environment.script(
        "from ionpath_cli.doctor import examine\n"
        "for f in examine():\n    print(f.state, '|', f.part, '|', f.detail, '|', f.remedy)"
    )
    absent = [line for line in doctor.splitlines() if line.startswith("absent")]
    assert any(host.lower() in line.lower() for line in absent), doctor


def test_wheel_holds_what_it_should(distributions: dict[str, Path]) -> None:
    import zipfile

    names = zipfile.ZipFile(distributions["wheel"]).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {n for n in tops if not n.endswith(".dist-info")} == {
        "ionpath",
        "ionpath_ase",
        "ionpath_cli",
        "ionpath_mdanalysis",
        "ionpath_plumed",
        "pymatgen",
        "_ionpath_aliases.py",
        "ionpath_aliases.pth",
        "ionpath_aliases.start",
    }
    assert not [n for n in names if n in ("pymatgen/__init__.py", "pymatgen/analysis/__init__.py")]
    assert all(f"{p}/py.typed" in names for p in tops if p.startswith("ionpath") and "." not in p)
    assert [n for n in names if n.endswith(".pb")], "the shipped potential is missing"
    assert [n for n in names if n.endswith("guan2024.toml")], "the studies are missing"
    assert distributions["wheel"].stat().st_size < 14e6


def test_start_up_stays_cheap() -> None:
    """The alias finder imports nothing at start-up."""
    code = "import sys; print(sorted(m for m in sys.modules if m.split('.')[0] in ('ionpath', 'numpy', 'MDAnalysis')))"
    assert run(sys.executable, "-c", code).stdout.strip() == "[]"


def test_ase_lists_the_plugin() -> None:
    assert "ionpath" in run(sys.executable, "-m", "ase", "info", "--plugins").stdout


def test_hosts_and_site_are_real() -> None:
    """Guards the fixture: the hosts that the environments see are installed here as ordinary packages."""
    assert str(SITE) in {*site.getsitepackages(), site.getusersitepackages()}
    assert (SITE / "MDAnalysis").is_dir()


def test_distributions_hold_what_they_should(distributions: dict[str, Path]) -> None:
    """No training frames in the sdist; templates, trajectories and potentials in the wheel; links that PyPI follows."""
    import re
    import tarfile
    import zipfile

    with tarfile.open(distributions["sdist"]) as archive:
        names = ["/".join(name.split("/")[1:]) for name in archive.getnames()]
    assert not [name for name in names if name.startswith(("examples/potential", ".ci", "demo-run"))]
    assert {"docs/figures/overview.png", "docs/notebooks/xdatcar.md", "README.md", "tests/conftest.py"} <= set(names)
    with zipfile.ZipFile(distributions["wheel"]) as archive:
        held = set(archive.namelist())
        metadata = archive.read(next(name for name in held if name.endswith("METADATA"))).decode()
    assert {
        "ionpath_cli/templates/report.html.j2",
        "ionpath_cli/study/templates/comparison.html.j2",
        "ionpath/data/Li6PS5Cl-ordered.xtc",
        "ionpath_ase/potentials/argyrodite.pb",
        "ionpath_ase/potentials/argyrodite-lpscl-i.pb",
    } <= held
    links = re.findall(r"\]\(([^)]+)\)", metadata)
    assert len(links) > 15 and [link for link in links if not link.startswith("https://")] == []
    assert "Project-URL: Source, https://" in metadata
    assert max(distributions[kind].stat().st_size for kind in ("wheel", "sdist")) < 15e6
