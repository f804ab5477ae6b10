"""``ionpath doctor``: what is installed, whether it works, and what to type for what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ionpath.errors import InputError
from ionpath_cli.options import parser

EXAMPLE = """
  ionpath doctor            check everything that is installed
  ionpath doctor --require plumed --require ase
  ionpath doctor --plumed-line
"""
MARKS = {"ok": "ok     ", "absent": "absent ", "broken": "BROKEN "}


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    part: str  # what was looked at
    state: str  # {"ok", "absent", "broken"}: whether it works; a part that is not installed is absent, not broken
    detail: str  # version, measured number, or the error
    remedy: str = ""  # what to type if it is absent or broken


def main(argv: list[str]) -> int:
    """Print the report."""
    arguments = parser("doctor", "Look at every part of the installation and try it.", EXAMPLE)
    words = "count PART as a failure when it is absent: a word of its name"
    arguments.add_argument("--require", action="append", default=[], metavar="PART", help=words)
    words = "print the LOAD line with which any engine on this machine finds collective variables in Python, and stop"
    arguments.add_argument("--plumed-line", action="store_true", help=words)
    options = arguments.parse_args(argv)
    if options.plumed_line:
        from ionpath_plumed.kernel import pycv_path

        print(f"LOAD FILE={pycv_path()}")
        return 0
    broken, absent, unknown = False, False, set(options.require)
    for finding in examine():
        required = {word for word in options.require if word.lower() in finding.part.lower()}
        unknown -= required
        broken |= finding.state == "broken"
        absent |= bool(required) and finding.state == "absent"
        print(f"{MARKS[finding.state]} {finding.part:34} {finding.detail}", flush=True)
        if finding.remedy and finding.state != "ok":
            print(f"{'':42}-> {finding.remedy}")
    if unknown:
        need = "a word of a part that is listed above"
        raise InputError("--require", need=need, got=", ".join(sorted(unknown)), remedy="for example --require plumed")
    print("something that is installed does not work" if broken else "what is installed works", end="")
    print(", and something that is required is absent" * absent)
    return int(broken or absent)


def examine() -> Iterator[Finding]:
    """Look at every part, which takes a minute in all."""
    mdanalysis = partial(_host, "MDAnalysis", "MDAnalysis.analysis.path_entropy", "PathEntropy")
    pymatgen = partial(_host, "pymatgen.core", "pymatgen.transformations.site_inversion", "SiteInversionTransformation")
    checks: list[tuple[str, Callable[[], str | None], str]] = [
        ("ionpath core", _core, "pip install --force-reinstall ionpath"),
        ("alias finder", _aliases, "pip install --force-reinstall ionpath (and not with --target)"),
        ("ASE plugin", _ase, 'pip install "ionpath[ase]"'),
        ("Deep Potential (deepmd-kit)", _potential, 'pip install "ionpath[ase]"'),
        ("LAMMPS with deepmd", _lammps, 'pip install "ionpath[ase]"'),
        ("MPI", _mpi, 'pip install "deepmd-kit[cpu,lmp]"'),
        ("MDAnalysis plugin", mdanalysis, 'pip install "ionpath[mdanalysis]"'),
        ("pymatgen plugin", pymatgen, 'pip install "ionpath[pymatgen]"'),
        ("PLUMED kernel", _plumed, "pip install --no-deps hillclimber  (or conda install -c conda-forge py-plumed)"),
        ("PLUMED Python CVs (pycv)", _pycv, "pip install --no-deps hillclimber"),
        ("third-party plugins", _plugins, "repair or uninstall the plugin that is named"),
    ]
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from (_run(*check) for check in checks)


def _run(part: str, check: Callable[[], str | None], remedy: str) -> Finding:
    try:
        detail = check()
    except Exception as error:  # whatever breaks a part is what this report is for
        return Finding(part, "broken", f"{type(error).__name__}: {error}".splitlines()[0][:300], remedy)
    return Finding(part, "absent", "not installed", remedy) if detail is None else Finding(part, "ok", detail)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "version unknown"


def _core() -> str:
    import numpy as np

    from ionpath import __version__
    from ionpath.kinetics import path_entropy

    # The octahedron of six vertices: opposite vertices have four equal paths, so ln 4 nats.
    hop = np.array([[0.0 if j in (i, 5 - i) else 0.02 for j in range(6)] for i in range(6)])
    matrix = hop + np.diag(1.0 - hop.sum(axis=1))
    value = path_entropy(matrix, 0, 5, unit="nat")
    if abs(value - np.log(4.0)) > 1e-9:
        raise RuntimeError(f"path entropy of the octahedron is {value}, not ln 4")
    return f"{__version__}, NumPy {np.__version__}, deeptime {_version('deeptime')}"


def _aliases() -> str:
    import _ionpath_aliases

    if _ionpath_aliases.Aliases not in sys.meta_path:
        raise RuntimeError("installed, but Python did not run it at start-up")
    return f"{len(_ionpath_aliases.ALIASES)} names"


def _ase() -> str | None:
    if not _installed("ase"):
        return None
    from ase.calculators.calculator import get_calculator_class

    return f"ase {_version('ase')}, calculator {get_calculator_class('ionpath').__name__}"


def _potential() -> str | None:
    if not (_installed("deepmd") and _installed("ase")):
        return None
    import numpy as np
    from ase import Atoms
    from ase.calculators.calculator import get_calculator_class

    corners = 1.18 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    atoms = Atoms("PS4Li3", positions=np.concatenate([np.zeros((1, 3)), corners, -1.3 * corners[:3]]))
    atoms.calc = get_calculator_class("ionpath")()
    force = float(np.abs(atoms.get_forces()).max())
    if not np.isfinite(force):
        raise RuntimeError("the shipped potential gives forces that are not finite")
    return f"deepmd-kit {_version('deepmd-kit')}, model 'argyrodite' evaluates"


def _lammps() -> str | None:
    if _program("lmp") is None or not _installed("ase"):
        return None
    from ionpath_ase.md.lammps_engine import environment, launcher
    from ionpath_ase.md.programs import plugin

    run = _asked(*launcher(1), said=f"plugin load {plugin()}\ninfo styles pair\n", env=environment(1))
    version = next((line for line in run.stdout.splitlines() if line.startswith("LAMMPS")), "")
    if not version:
        raise RuntimeError(f"lmp does not run: {(run.stderr or run.stdout).strip()[-200:]}")
    if "deepmd" not in run.stdout:
        raise RuntimeError(f"{version.strip()} runs, but its plugin with pair_style deepmd does not load")
    return f"{version.strip()}, pair_style deepmd loads"


def _mpi() -> str | None:
    program = _program("mpirun")
    if program is None:
        return None
    ranks = _asked(program, "-np", "2", sys.executable, "-c", "print('rank')")
    if ranks.stdout.count("rank") != 2:
        raise RuntimeError(f"mpirun -np 2 failed: {ranks.stderr.strip()[-200:]}")
    return "mpirun starts 2 ranks"


def _host(module: str, place: str, name: str) -> str | None:
    """A host, and whether a class of its plugin is found where scripts look."""
    if not _installed(module):
        return None
    host = module.partition(".")[0]
    return f"{host} {_version(host)}, {getattr(importlib.import_module(place), name).__name__} found where scripts look"


def _plumed() -> str | None:
    if not _installed("plumed"):
        return None
    # A kernel that does not load can end the process, so a child looks.
    words = "import plumed; p = plumed.Plumed(); p.cmd('setNatoms', 1); print('kernel')"
    child = _asked(sys.executable, "-c", words)
    if "kernel" not in child.stdout:
        raise RuntimeError((child.stderr or child.stdout).strip().splitlines()[-1])
    return "kernel loads"


def _pycv() -> str | None:
    if not _installed("plumed"):
        return None
    import plumed

    if not hasattr(plumed, "get_pycv_path"):
        return None
    return str(plumed.get_pycv_path()).rpartition("/")[2]


def _plugins() -> str:
    from ionpath.plugins import manager

    names = [name for name, _ in manager().list_name_plugin() if name != "ionpath"]
    return ", ".join(names) or "none"


def _asked(*words: str, said: str | None = None, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What a program answers within two minutes."""
    return subprocess.run(words, input=said, capture_output=True, text=True, timeout=120, check=False, env=env)


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)
