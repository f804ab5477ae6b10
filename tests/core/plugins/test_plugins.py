"""The plugin contract: what is accepted, what is refused and in which words, and a toy package that uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ionpath import plugins
from ionpath.errors import InputError
from ionpath.kinetics import SiteAssignment
from ionpath.plugins import PluginError, hookimpl

TOY = Path(__file__).parent / "toy_plugin"


def octants(shells, *, cutoff, mode, margin):
    return lambda ions, cells, centres: SiteAssignment(np.zeros(ions.shape[:2], dtype=np.int32), np.zeros(1, bool))


class Good:
    @hookimpl
    def discretisers(self):
        return {"octants-here": octants}


def test_register_and_find() -> None:
    good = Good()
    plugins.register(good, name="good")
    try:
        assert plugins.available("discretisers")["octants-here"] is octants
    finally:
        plugins.unregister(good)
    assert "octants-here" not in plugins.available("discretisers")


def test_plugin_replaces_builtin_of_the_same_name() -> None:
    class Replaces:
        @hookimpl
        def discretisers(self):
            return {"nearest": octants}

    plugin = Replaces()
    plugins.register(plugin)
    try:
        assert plugins.available("discretisers")["nearest"] is octants
    finally:
        plugins.unregister(plugin)
    assert plugins.available("discretisers")["nearest"] is not octants


class Misspelt:
    @hookimpl
    def discretizers(self):
        return {}


class TakesTooMuch:
    @hookimpl
    def discretisers(self, positions):
        return {}


class NotAMapping:
    @hookimpl
    def order_parameters(self):
        return [octants]


class NotCallable:
    @hookimpl
    def collective_variables(self):
        return {"shell": 3}


class WrongArguments:
    @hookimpl
    def discretisers(self):
        return {"short": lambda shells, cutoff: None}


@pytest.mark.parametrize(
    ("plugin", "sentence"),
    [
        (Misspelt(), "plugin 'bad': unknown hook 'discretizers'; the hooks are discretisers, order_parameters"),
        (TakesTooMuch(), r"(?s)plugin 'bad'.*discretisers.*positions"),
        (NotAMapping(), "plugin 'bad', hook 'order_parameters': need a dict with names as keys"),
        (NotCallable(), "plugin 'bad', hook 'collective_variables', entry 'shell': need a function, got 3"),
        (
            WrongArguments(),
            "plugin 'bad', hook 'discretisers', entry 'short': must be callable with 1 positional argument and cutoff, "
            "mode, margin by name",
        ),
    ],
)
def test_broken_plugin_is_refused_and_forgotten(plugin: object, sentence: str) -> None:
    before = set(plugins.available("discretisers"))
    with pytest.raises(PluginError, match=sentence):
        plugins.register(plugin, name="bad")
    assert not plugins.manager().is_registered(plugin)
    assert set(plugins.available("discretisers")) == before


def test_unknown_kind() -> None:
    with pytest.raises(
        InputError, match="kind: need one of 'discretisers', .*, got 'descretisers'; did you mean 'discretisers'"
    ):
        plugins.available("descretisers")


def test_broken_entry_point_names_package_and_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise RuntimeError("no such library")

    point = SimpleNamespace(name="ghost", value="ghost.hooks", dist=SimpleNamespace(name="ghost-pack"), load=load)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    plugins.manager.cache_clear()
    try:
        with pytest.raises(PluginError, match=r"plugin 'ghost' of package 'ghost-pack' .*pip uninstall ghost-pack"):
            plugins.manager()
    finally:
        monkeypatch.undo()
        plugins.manager.cache_clear()


@pytest.fixture(scope="module")
def toy_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy package of this folder, installed by pip as a user's package would be."""
    folder = tmp_path_factory.mktemp("toy") / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--no-index"]
        + ["--no-build-isolation", "--target", str(folder), str(TOY)],
        check=True,
        capture_output=True,
        text=True,
    )
    return folder


def test_toy_package_is_found_by_its_entry_point(toy_site: Path) -> None:
    code = "from ionpath.plugins import available; print(sorted(available('discretisers')))"
    out = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({str(toy_site)!r}); {code}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "hemispheres" in out
    assert "nearest" in out


def test_the_calculator_runs_the_toy_potential(toy_site: Path) -> None:
    """The file that a package registers is the one that is evaluated: here a shipped one under another name."""
    code = f"""
import shutil, sys; sys.path.append({str(toy_site)!r})
import ionpath_toy
from pathlib import Path
from ase import Atoms
from ionpath_ase import IonPath, potentials
shutil.copy(potentials.resolve("argyrodite.2"), Path(ionpath_toy.__file__).with_name("toy.pb"))
energies = []
for model in ("toy-potential", "argyrodite.2"):
    atoms = Atoms("Li3PS4", [[2, 0, 0], [0, 2.4, 1], [-2, -1, 1], [0, 0, 5], [1.2, 1.2, 6.2], [-1.2, -1.2, 6.2],
                             [1.2, -1.2, 3.8], [-1.2, 1.2, 3.8]], cell=[12, 12, 12], pbc=True)
    atoms.calc = IonPath(model)
    energies.append(atoms.get_potential_energy())
print(energies[0] == energies[1] < -20.0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "True"


def test_path_entropy_uses_the_toy_discretiser(toy_site: Path) -> None:
    """On a trajectory whose ions always are on sites, the toy's brute force and the built-in rule agree."""
    code = f"""
import sys; sys.path.append({str(toy_site)!r})
import numpy as np
from MDAnalysis.analysis.path_entropy import CoordinationShells, PathEntropy
from ionpath_mdanalysis.example import hopping_universe

u = hopping_universe(n_frames=400, seed=1)
lithium = u.select_atoms("name Li")
shells = CoordinationShells.from_universe(u, centres="name S", mobile=lithium, n_vertices=6)
ours, toys = (
    PathEntropy(lithium, shells=shells, lag=5, n_samples=0, method=method).run().results
    for method in ("nearest", "hemispheres")
)
assert toys.total > 0.0
print(abs(toys.total - ours.total) / ours.total)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.05


def test_built_in_entries_keep_the_contract_and_cost_nothing_elsewhere() -> None:
    """They are not looked at when the manager is made: names of structures come without SciPy."""
    plugins._check_entries(plugins.manager(), plugins._BuiltIn, "ionpath")
    script = "import sys; from ionpath.plugins import available; available('structures'); print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
