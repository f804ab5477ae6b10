"""Results as dictionaries: strict JSON, there and back, with monty's decoder and without."""

from __future__ import annotations

import importlib.util
import json
import math
import pkgutil
import re
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import ionpath
from ionpath.errors import InputError
from ionpath.estimate import Estimate
from ionpath.msonable import Msonable, decode, encode


@dataclass(frozen=True)
class Inner(Msonable):
    value: float
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Outer(Msonable):
    matrix: NDArray[np.float64]
    none: NDArray[np.int64]
    waves: NDArray[np.complex128]
    names: NDArray[np.str_]
    parts: tuple[Inner, ...]
    sets: tuple[tuple[int, ...], ...]
    ends: tuple[float, float]
    table: dict[int, float]
    bound: float
    missing: float | None
    seen: list[bool] = field(default_factory=list)


def outer() -> Outer:
    return Outer(
        matrix=np.array([[1.5, np.nan], [np.inf, -np.inf]]),
        none=np.zeros((0, 3), dtype=np.int64),
        waves=np.array([1 + 2j, 3 - 4j]),
        names=np.array(["Li", "S"]),
        parts=(Inner(math.nan, "ps"), Inner(2.0)),
        sets=((1, 2), ()),
        ends=(0.0, math.nan),
        table={1: 0.5, 12: 2.0},
        bound=math.inf,
        missing=None,
        seen=[True, np.bool_(False)],  # type: ignore[list-item]
    )


def same(a: Outer, b: Outer, arrays: tuple[str, ...] = ("matrix", "none", "waves")) -> None:
    for name in arrays:
        one, two = getattr(a, name), getattr(b, name)
        assert one.dtype == two.dtype and one.shape == two.shape
        np.testing.assert_array_equal(one, two)
    assert b.names.tolist() == ["Li", "S"]
    assert math.isnan(b.parts[0].value) and b.parts[0].unit == "ps" and b.parts[1] == Inner(2.0)
    assert (b.sets, b.table, b.bound, b.missing, b.seen) == (a.sets, a.table, math.inf, None, [True, False])
    assert b.ends[0] == 0.0 and math.isnan(b.ends[1])


def test_there_and_back_through_strict_json() -> None:
    text = json.dumps(outer().as_dict(), allow_nan=False)
    data = json.loads(text)
    assert data["matrix"]["data"] == [[1.5, None], ["inf", "-inf"]]
    assert data["bound"] == "inf"
    assert (data["@class"], data["@version"]) == ("Outer", ionpath.__version__)
    same(outer(), Outer.from_dict(data))


def test_monty_decodes_and_sanitises_it() -> None:
    monty = pytest.importorskip("monty.json", reason="needs monty")
    text = json.dumps(outer(), cls=monty.MontyEncoder)
    again = json.loads(text, cls=monty.MontyDecoder)
    assert isinstance(again, Outer)
    same(outer(), again, ("matrix", "waves"))  # monty's own arrays forget the shape of an empty one
    clean = monty.jsanitize(outer(), strict=True, enum_values=True, allow_bson=True)  # what jobflow does
    json.dumps(clean, allow_nan=False)


def test_what_has_no_form_is_named() -> None:
    with pytest.raises(InputError, match=r"Inner.value: need numbers, texts, arrays, .*, got function"):
        Inner(lambda: 0).as_dict()  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Inner: need the fields value, unit, got colour; pass what"):
        Inner.from_dict({"value": 1.0, "colour": 2})
    with pytest.raises(InputError, match="Inner: need the fields value, unit, got no value; pass what"):
        Inner.from_dict({"unit": "ps"})


def test_plain_values() -> None:
    assert encode({1: np.float32(0.5), "a": [np.int8(3), None]}) == {"1": 0.5, "a": [3, None]}
    assert decode({"a": [1]}) == {"a": [1]}


PLUGINS = ("ionpath_ase", "ionpath_plumed", "ionpath_mdanalysis", "pymatgen.analysis.argyrodite")


@pytest.mark.parametrize("package", ["ionpath", *PLUGINS])
def test_every_frozen_result_is_msonable(package: str) -> None:
    """Records that hold functions, trees or what a host gives are left out by name."""
    inner = {"CellVariable", "EnclosingSearch", "Clustering", "Varied", "Periodic", "Component", "Evaluation", "Units",
             "Samples", "Learnt", "Preset", "LayerGrid", "PeriodicComplex", "ReferenceFrames", "Fold"}  # fmt: skip
    inner |= {  # what engines, readers and protocols hand on, and settings
        "Job", "Bias", "Outputs", "MDSettings", "Snapshot", "Checkpoint", "DpgenSettings", "Exploration", "Window",
        "LoopSettings", "Request", "Bound", "Protocol", "Choice", "Recipe", "Crystal", "Chunk", "Cell",
        "SampledFrames", "Frame", "CrystalSites", "System", "Increments", "Operations",
    }  # fmt: skip
    missing = []
    home = pytest.importorskip(package)
    for module in pkgutil.walk_packages(home.__path__, f"{package}."):
        if module.name.endswith("__main__") or module.name.startswith("ionpath.cvs."):
            continue
        for name, cls in vars(importlib.import_module(module.name)).items():
            ours = isinstance(cls, type) and is_dataclass(cls) and cls.__module__ == module.name
            if ours and not name.startswith("_") and name not in inner and not issubclass(cls, Msonable):
                missing.append(f"{module.name}.{name}")
    assert not missing


def test_results_of_all_plugins_are_jsonable() -> None:
    """Only the base of what goes into JSON has nothing but `Shown`."""
    held = {"Msonable"}
    folders = [
        Path(found.submodule_search_locations[0])
        for package in ("ionpath", "ionpath_ase", "ionpath_plumed", "ionpath_mdanalysis")
        if (found := importlib.util.find_spec(package)) and found.submodule_search_locations
    ]
    text = "".join(path.read_text() for folder in folders for path in folder.rglob("*.py"))
    assert set(re.findall(r"^class (\w+)\(Shown\)", text, re.MULTILINE)) <= held


def test_bands_and_their_barriers_come_back() -> None:
    pytest.importorskip("ionpath_ase", reason="the ASE plugin is not installed")
    from ionpath_ase.bands import Barrier, Hop
    from ionpath_ase.barriers import Barriers

    bands = Barriers(
        (Barrier(3, 0.2, 0.1, np.array([0.0, 0.2, 0.1]), 3.5, True),),
        ((1, "no place"),),
        (Hop(3, (0.0, 1.0, 2.0)), Hop(4)),
    )
    again = Barriers.from_dict(json.loads(json.dumps(bands.as_dict(), allow_nan=False)))
    assert (again.refused, again.candidates) == (bands.refused, bands.candidates)
    assert again.hops[0].energies.tolist() == [0.0, 0.2, 0.1] and math.isnan(again.hops[0].accuracy)


def test_runs_trainings_and_inputs_come_back() -> None:
    """Atoms too, constraints and what a reader of CIF left in them; without ASE's objects in the JSON."""
    pytest.importorskip("ionpath_ase", reason="the ASE plugin is not installed")
    monty = pytest.importorskip("monty.json", reason="needs monty")
    from ase.constraints import FixAtoms
    from ase.spacegroup import crystal

    from ionpath_ase.glass import Annealed, GlassCeramic, HeatStep
    from ionpath_ase.md import MDProfile, MDResult
    from ionpath_ase.quench import Quench
    from ionpath_ase.training import Errors, LabelReport, LoopResult, TrainedModel
    from ionpath_ase.training.loop_report import ExplorationRow, IterationReport
    from ionpath_plumed import PlumedInput

    atoms = crystal("LiCl", [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.13] * 3 + [90] * 3)
    atoms.set_constraint(FixAtoms([0]))
    atoms.set_momenta(np.full((8, 3), 0.1), apply_constraint=False)
    place, nan = Path("a", "run.xtc"), math.nan
    pressure = Estimate(0.1, nan, nan, nan, "GPa")
    run = MDResult(place, place, place, place, atoms, 5, 3, 300.0, 0.0, "1", 0, pressure, MDProfile(1.0, 2.0, 3.0, 4.0))
    quench = Quench(atoms, {"melt": run}, 25.0)
    row = ExplorationRow(0, "a", 300.0, 1, 1, 0, 0, 0, nan, nan, "")
    errors = Errors("all", 2, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, nan)
    for result in (
        run,
        Annealed(atoms, (HeatStep(300.0, 1.0),), (run, run)),
        GlassCeramic(atoms, 4, 0.5, quench, run),
        LabelReport(place, 1, 0, 0, ((3, "too close"),)),
        LoopResult((place,), place, (IterationReport(0, (row,), 9, (errors,), 1, 0),), "done", True),
        TrainedModel(place, place, 9, (errors,), place),
        PlumedInput("d: DISTANCE ATOMS=1,2\n", {"a.pdb": "END"}, variables=("d",), start=(0.5,), atoms={"ions": [1]}),
    ):
        text = json.dumps(result.as_dict(), allow_nan=False)
        assert repr(type(result).from_dict(json.loads(text))) == repr(result)
        assert repr(json.loads(text, cls=monty.MontyDecoder)) == repr(result)
    again = MDResult.from_dict(json.loads(json.dumps(run.as_dict())))
    assert again.atoms == atoms and again.atoms.constraints[0].index.tolist() == [0]
    assert again.atoms.get_momenta()[1].tolist() == [0.1] * 3 and again.atoms.info["unit_cell"] == "conventional"
    atoms.info["why"] = print
    with pytest.raises(InputError, match=r"MDResult.atoms.info: need numbers, texts and arrays, got .*; take it out"):
        run.as_dict()
