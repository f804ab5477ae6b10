"""What a refusal advises, typed: the call it names works, with the very words that it names."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ionpath.errors import InputError

sys.path.insert(0, str(Path(__file__).parent / "faults"))  # modules of that folder are no tests

import advised
import rows

pytestmark = pytest.mark.filterwarnings("ignore")
rng = np.random.default_rng(0)
BONDS = 2.05 / np.sqrt(3) * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1.1]])  # A, of a PS4
SPREAD = np.abs(rng.normal(size=200))
POSITIONS = rng.uniform(0, 9, (12, 3))  # A
WIDE = 80 * np.eye(3)
LONELY = np.vstack([POSITIONS[:8], [[4.5, 4.5, 40.0]]])  # the last atom has no neighbour within 20 A
TWO_SETS = np.array([[0, 1, 0, 1, 0, 1, 0, 0, 1, 1], [2, 3, 2, 3, 3, 2, 2, 3, 2, 3]])  # states that never meet


class Row(NamedTuple):
    """A call, what is wrong with it, and what is typed instead: words of the remedy, or the argument it names."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    wrong: dict[str, Any]
    typed: dict[str, Any]
    match: str
    door: Any = None


def core() -> dict[str, Row]:
    from ionpath import disorder as d, kinetics as k, softness as s, structure as t

    near = s.find_neighbours(LONELY, WIDE, 20.0)
    return {
        "measure": Row(
            d.tetrahedral_distortion,
            (BONDS,),
            {"measure": "q", "mode": "published"},
            {"measure": "sd", "mode": "published"},
            "mode: need 'correct'",
        ),
        "three anions": Row(
            d.tetrahedral_distortion, (BONDS[:3],), {"measure": "rmsd"}, {"measure": "q"}, "four anions"
        ),
        "vacancies": Row(d.mixing_entropy, ({"4a": [0.5, 0.25]},), {}, {"vacancies": True}, "need a sum of 1"),
        "range": Row(d.support_entropy, (SPREAD + 9.0,), {}, {"lower": 0.0, "upper": 20.0}, "give lower and upper"),
        "connected": Row(k.estimate_msm, (TWO_SETS, 1), {}, {"connected": "largest"}, "reachable from every other"),
        "effective": Row(
            k.bayesian_msm,
            (TWO_SETS[0], 1),
            {"count_mode": "sliding", "n_samples": 3},
            {"count_mode": "sliding-effective", "n_samples": 3},
            "counts are correlated",
        ),
        "affine": Row(
            s.nonaffine_displacement,
            (LONELY, LONELY + 0.01, near),
            {"cell": WIDE},
            {"cell": WIDE, "on_singular": "nan"},
            "at least 4 neighbours",
        ),
        "classes": Row(
            s.label_ions,
            (SPREAD,),
            {"method": "threshold", "value": [0.1, 0.5]},
            {"method": "classes", "value": [0.1, 0.5]},
            "one threshold",
        ),
        "gap": Row(
            s.split_samples,
            (np.arange(40) % 8, np.arange(40.0)),
            {"kind": "time", "gap": 100.0, "n_folds": 2},
            {"kind": "ion", "gap": 100.0, "n_folds": 2},
            "further than the gap",
        ),
        "isotopes": Row(t.neutron_lengths, (["Po"],), {}, {"isotopes": {"Po": 3.0}}, "neutron scattering length"),
        "radii": Row(
            t.voronoi_volumes,
            (POSITIONS, 9 * np.eye(3)),
            {"mode": "radical"},
            {"mode": "radical", "radii": np.ones(12)},
            "radii in A",
        ),
        "bins": Row(
            t.radial_distribution,
            (POSITIONS, 9 * np.eye(3), ["S"] * 12),
            {"r_max": 4.0, "bins": 0},
            {"r_max": 4.0},
            "leave it out",
        ),
    }


def mdanalysis() -> dict[str, Row]:
    import ionpath_mdanalysis as im
    from ionpath_mdanalysis.softness import layer_means

    u = rows.universe()
    vertices = {"n_vertices": 6, "mobile": rows.lithium()}
    return {
        "a selection": Row(
            im.CoordinationShells.from_universe,
            (u,),
            {**vertices, "centres": "nme S"},
            {**vertices, "centres": "name S"},
            "centres: need a selection of MDAnalysis, got 'nme S'",
        ),
        "a selection of ions": Row(
            im.CoordinationShells.from_density,
            (u,),
            {"mobile": "name Li and"},
            {"mobile": "name Li"},
            "mobile: need a selection of MDAnalysis",
        ),
        "no universe": Row(im.SiteNetwork.from_density, ([1],), {}, {}, "universe: need an MDAnalysis Universe"),
        "affine cutoff": Row(
            _ran,
            (im.NonAffineDisplacement, rows.lithium()),
            {"cutoff": 2.0},
            {"cutoff": 9.0},
            "use a larger cutoff",
            im.NonAffineDisplacement,
        ),
        "half a cell": Row(
            _ran,
            (im.NonAffineDisplacement, rows.lithium()),
            {"cutoff": 99.0},
            {"cutoff": 9.0},
            "^cutoff: need at most half",
            im.NonAffineDisplacement,
        ),
        "radical": Row(
            _ran,
            (im.IonVoronoiVolume, rows.ps4("element Li"), rows.ps4()),
            {"mode": "radical"},
            {"mode": "radical", "radii": {"Li": 0.76, "S": 1.84, "P": 0.4}},
            "radius of",
            im.IonVoronoiVolume,
        ),
        "cages": Row(
            _ran,
            (im.IonHops, rows.lithium()),
            {"mode": "cage"},
            {"mode": "cage", "centres": u.select_atoms("name S")},
            "centres of the cages",
            im.IonHops,
        ),
        "voxels": Row(
            _ran, (im.IonDensity, rows.lithium()), {"spacing": 1e-3}, {"spacing": 0.25}, "take a spacing", im.IonDensity
        ),
        "series": Row(
            _series,
            (im.AveragedSteinhardt, rows.ps4("element S")),
            {},
            {"series": True},
            "series=True",
            im.AveragedSteinhardt,
        ),
        "one system": Row(
            _series,
            (im.AveragedSteinhardt, rows.ps4("element S")),
            {"series": True, "system": "x"},
            {"series": True},
            "system: need 0",
            layer_means,
        ),
    }


def pymatgen() -> dict[str, Row]:
    from pymatgen.analysis.argyrodite import ExcessHalideTransformation, SiteInversionTransformation, argyrodite

    bare = argyrodite(halide=None)
    change = ExcessHalideTransformation
    return {
        "no halide": Row(
            _applied,
            (change, bare, 0.0),
            {},
            {"halide": "Cl"},
            "need the halide to insert, as the structure has none",
            change,
        ),
        "nearest": Row(
            _applied,
            (SiteInversionTransformation, argyrodite(), 0.3),
            {},
            {"nearest": True},
            "nearest=True",
            SiteInversionTransformation,
        ),
        "lithium": Row(argyrodite, (), {"lithium": {"T5": 20}}, {"lithium": {"T5": 20, "T4": 4}}, "add up to 24"),
        "centre": Row(argyrodite, (), {"centre": "nonsense"}, {"centre": "As"}, "centre: need .*, got .nonsense."),
    }


def others() -> dict[str, Row]:
    from ionpath_ase.md import MDSettings
    from ionpath_ase.training import DpgenSettings
    from ionpath_plumed import find_shells, find_tetrahedra, metadynamics_input

    crystal = rows.argyrodite_atoms()
    npt = {"temperature": 300.0, "steps": 5, "ensemble": "npt", "thermostat": "langevin"}
    return {
        "engine": Row(MDSettings, (), {**npt, "engine": "ase"}, {**npt, "engine": "lammps"}, "or engine="),
        "temperatures": Row(DpgenSettings, (), {"temperatures": (300.0, float("nan"))}, {}, "temperatures: need"),
        "cold": Row(
            MDSettings, (), {"temperature": 1e-12, "steps": 5}, {"temperature": 1.0, "steps": 5}, "temperature: need"
        ),
        "radius": Row(find_shells, (crystal,), {"radius": 0.5}, {"radius": 3.0}, "raise radius="),
        "least": Row(find_shells, (crystal,), {"least": 40}, {"least": 4}, "lower least="),
        "cutoff": Row(find_tetrahedra, (crystal,), {"cutoff": 0.5}, {"cutoff": 2.8}, "raise cutoff="),
        "a protocol": Row(
            metadynamics_input, (crystal,), {"radius": 0.5}, {"radius": 3.0}, "raise radius=, or name ion="
        ),
    }


def _ran(kind: Any, *groups: Any, **options: Any) -> Any:
    return kind(*groups, **options).run(stop=20)


def _series(kind: Any, group: Any, system: Any = 0, **options: Any) -> Any:
    from ionpath_mdanalysis.softness import layer_means

    return layer_means(kind(group, **options).run(), bins=2, system=system)


def _applied(kind: Any, structure: Any, *args: Any, **options: Any) -> Any:
    return kind(*args, **options).apply_transformation(structure)


DOORS = {"core": core, "mdanalysis": mdanalysis, "pymatgen": pymatgen, "others": others}


@pytest.mark.parametrize("door", DOORS)
def test_what_is_advised_works_when_it_is_typed(door: str) -> None:
    told = []
    for name, row in DOORS[door]().items():
        try:
            row.function(*row.args, **row.wrong)
        except InputError as error:
            said, called = str(error), row.door or row.function
            changed = {k for k, v in row.typed.items() if k not in row.wrong or row.wrong[k] is not v}
            changed |= set(row.wrong) - set(row.typed)
            unnamed = {word for word in changed if not re.search(rf"\b{word}\b", f"{error.name} {error.remedy}")}
            told += [f"{name}: {error}, which does not name {unnamed}"] * bool(unnamed)
            told += [
                f"{name}: advises {word}, which is not there"
                for word in advised.dead_ends(error.name, error.remedy, called)
            ]
        else:
            said = "accepted"
        if not re.search(row.match, said):
            told.append(f"{name}: {said}")
        if row.typed:
            try:
                row.function(*row.args, **row.typed)
            except InputError as error:
                told.append(f"{name}, typed: {error}")
    assert not told, "\n".join(told)
