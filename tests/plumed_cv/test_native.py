"""Our variables beside PLUMED's own in one input: values, forces and virials."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath_plumed.driver import evaluate
from ionpath_plumed.kernel import Engine

HEAD = ["UNITS LENGTH=A", "LOAD FILE=PythonCVInterface.so"]
CELL = np.array([[14.0, 0.0, 0.0], [3.0, 13.0, 0.0], [-2.0, 1.5, 15.0]])
NODES = "6.5,6.5 5,5 3.5,3.5 2,2"

Z_AXIS = ["o: FIXEDATOM AT=0,0,0", "x: FIXEDATOM AT=1,0,0", "z: FIXEDATOM AT=0,0,1"]
TETRAHEDRON = ["whole: TETRAHEDRAL SPECIESA=1 SPECIESB=2-5 SWITCH={RATIONAL R_0=0.7 D_0=1.0 D_MAX=60 NOSTRETCH} MEAN"]
CASES = {
    "second of two groups": (
        [
            "s: PYCVINTERFACE ATOMS=1,2,3,4,5,6 IMPORT=ionpath_plumed.shell INIT={groups=2 values=[d2,phi]}",
            "d: DISTANCE ATOMS=4,6",
        ],
        "s.py-d2-2",
        "d",
    ),
    "distance": (["s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell", "d: DISTANCE ATOMS=1,3"], "s.py-d2", "d"),
    "difference": (
        [
            "s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell",
            "a: DISTANCE ATOMS=1,2",
            "b: DISTANCE ATOMS=1,3",
            "d: CUSTOM ARG=a,b FUNC=x-y PERIODIC=NO",
        ],
        "s.py-difference",
        "d",
    ),
    "nearest": (
        [
            "s: PYCVINTERFACE ATOMS=1,2,3 IMPORT=ionpath_plumed.shell INIT={softness=0.2}",
            "a: DISTANCE ATOMS=1,2",
            "b: DISTANCE ATOMS=1,3",
            "d: CUSTOM ARG=a,b FUNC=-0.2*log(exp(-x/0.2)+exp(-y/0.2)) PERIODIC=NO",
        ],
        "s.py-nearest",
        "d",
    ),
    "mean of atoms as centre": (
        [
            "s: PYCVINTERFACE ATOMS=1,2,3,4,5 IMPORT=ionpath_plumed.shell INIT={centres=[[2,3,4],[5]]}",
            "WHOLEMOLECULES ENTITY0=2,3,4",
            "c: CENTER ATOMS=2,3,4 NOPBC",
            "d: DISTANCE ATOMS=1,c",
        ],
        "s.py-d1",
        "d",
    ),
    "coordination": (
        [
            "s: PYCVINTERFACE ATOMS=1,2,3,4,5,6 IMPORT=ionpath_plumed.shell "
            "INIT={neighbours=[1,4,5,6] r0=1.0 d0=2.0 nn=6 mm=10}",
            "d: COORDINATION GROUPA=2 GROUPB=1,4,5,6 SWITCH={RATIONAL R_0=1.0 D_0=2.0 NN=6 MM=10 D_MAX=60 NOSTRETCH}",
        ],
        "s.py-coordination",
        "d",
    ),
    "polar angle": (
        [*Z_AXIS, "t: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.tilt", "d: ANGLE ATOMS=1,2,z,o"],
        "t.py-theta",
        "d",
    ),
    "azimuthal angle": (
        [
            *Z_AXIS,
            "t: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.tilt",
            "d: TORSION VECTORA=x,o AXIS=o,z VECTORB=2,1",
        ],
        "t.py-phi",
        "d",
    ),
    "distortion": (
        ["t: PYCVINTERFACE ATOMS=1,2,3,4,5 IMPORT=ionpath_plumed.distortion INIT={d0=1.0 r0=0.7}", *TETRAHEDRON],
        "t.py-sd",
        "whole_mean",
    ),
    "path, first value": (
        [
            "p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path INIT={form=branduardi lam=0.5}",
            "a: DISTANCE ATOMS=1,2",
            "b: DISTANCE ATOMS=3,4",
            "e1: CUSTOM ARG=a,b FUNC=exp(-0.5*((x-6.5)^2+(y-6.5)^2)) PERIODIC=NO",
            "e2: CUSTOM ARG=a,b FUNC=exp(-0.5*((x-5)^2+(y-5)^2)) PERIODIC=NO",
            "e3: CUSTOM ARG=a,b FUNC=exp(-0.5*((x-3.5)^2+(y-3.5)^2)) PERIODIC=NO",
            "e4: CUSTOM ARG=a,b FUNC=exp(-0.5*((x-2)^2+(y-2)^2)) PERIODIC=NO",
            "d: CUSTOM ARG=e1,e2,e3,e4 VAR=a,b,c,d FUNC=(a+2*b+3*c+4*d)/(a+b+c+d) PERIODIC=NO",
        ],
        "p.py-s",
        "d",
    ),
    "position": (["x: PYCVINTERFACE ATOMS=1 IMPORT=ionpath_plumed.position", "d: POSITION ATOM=1"], "x.py-y", "d.y"),
    "position in a framework": (
        [
            "x: PYCVINTERFACE ATOMS=1,2 IMPORT=ionpath_plumed.position INIT={reference=[[1,2,3]] origin=[1,2,3]}",
            "v: DISTANCE ATOMS=2,1 COMPONENTS",
            "d: CUSTOM ARG=v.z FUNC=x+3 PERIODIC=NO",
        ],
        "x.py-z",
        "d",
    ),
}


def frames(n: int = 12) -> list[np.ndarray]:
    rng = np.random.default_rng(21)
    out = []
    for _ in range(n):
        place = rng.random((8, 3)) @ CELL
        place[1:5] = place[0] + 1.4 * rng.normal(size=(4, 3))
        out.append(place + rng.integers(-1, 2, size=(8, 3)) @ CELL)
    return out


def as_atoms(places: list[np.ndarray]) -> list:
    from ase import Atoms

    return [Atoms("Li8", positions=p, cell=CELL, pbc=True) for p in places]


@pytest.mark.parametrize("name", CASES)
def test_value_is_that_of_plumed(name):
    lines, ours, native = CASES[name]
    table = evaluate([*HEAD, *lines], as_atoms(frames()), arguments=[ours, native])
    assert np.ptp(table[native]) > 1e-3
    np.testing.assert_allclose(table[ours], table[native], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_forces_and_virial_are_those_of_plumed(name):
    lines, ours, native = CASES[name]
    found = []
    for argument in (ours, native):
        restraint = f"r: RESTRAINT ARG={argument} AT=0.3 KAPPA=2.0"
        with Engine([*HEAD, *lines, restraint], 8) as engine:
            found.append([engine.step(k, place, CELL) for k, place in enumerate(frames(5))])
    for (energy, force, virial), (energy_native, force_native, virial_native) in zip(*found, strict=True):
        assert energy == pytest.approx(energy_native, rel=1e-8)
        scale = 1 + np.abs(force_native).max()
        np.testing.assert_allclose(force / scale, force_native / scale, atol=1e-8)
        if "angle" not in name and name != "mean of atoms as centre":  # fixed and virtual atoms have their own strain
            if name == "distortion":  # see test_virial_of_the_distortion_is_the_numerical_one
                virial_native = virial_native.T
            scale = 1 + np.abs(virial_native).max()
            np.testing.assert_allclose(virial / scale, virial_native / scale, atol=1e-7)


def test_virial_of_the_distortion_is_the_numerical_one():
    # PLUMED's TETRAHEDRAL gives the transpose of its virial: strains of positions and cell decide.
    lines, ours, _ = CASES["distortion"]
    place = frames(1)[0]
    with Engine([*HEAD, *lines, f"r: RESTRAINT ARG={ours} AT=0.3 KAPPA=2.0"], 8) as engine:
        _, _, virial = engine.step(0, place, CELL)
        numeric, step = np.zeros((3, 3)), 1e-5
        for a, b in np.ndindex(3, 3):
            ends = []
            for sign in (1, -1):
                strain = np.eye(3)
                strain[a, b] += sign * step
                ends.append(engine.step(1, place @ strain, CELL @ strain)[0])
            numeric[a, b] = (ends[0] - ends[1]) / (2 * step)
    # What PLUMED hands to the engine is the derivative of the bias with respect to strain.
    np.testing.assert_allclose(virial, numeric, atol=1e-6 * np.abs(numeric).max())
    assert np.abs(virial - virial.T).max() > 0.1


def reference_file(path) -> str:
    lines = []
    for a, b in (pair.split(",") for pair in NODES.split()):
        lines += ["REMARK TYPE=EUCLIDEAN", f"REMARK ARG=a,b a={a} b={b}", "END"]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("form", ["geometric", "branduardi"])
def test_path_variables_of_plumed_from_a_reference_file(form, tmp_path):
    file = reference_file(tmp_path / "path.pdb")
    native = {
        "geometric": f"g: GPATH REFERENCE={file} ARG=a,b",
        "branduardi": f"g: PATH REFERENCE={file} ARG=a,b LAMBDA=0.5111111",
    }[form]
    names = {"geometric": ("g.s", "g.z"), "branduardi": ("g_spath", "g_zpath")}[form]
    lines = [
        "a: DISTANCE ATOMS=1,2",
        "b: DISTANCE ATOMS=3,4",
        f"p: PYCVINTERFACE ATOMS=1,2,3,4 IMPORT=ionpath_plumed.path INIT={{form={form} lam=0.5111111}}",
        native,
    ]
    places = []
    for a, b in ((5.5, 5.9), (4.0, 3.2), (6.0, 5.0), (2.2, 2.6), (3.0, 5.0), (5.2, 4.1)):
        place = np.zeros((8, 3))
        place[1, 0], place[2, 1], place[3] = a, 5.0, [0.0, 5.0 + b, 0.0]
        places.append(place)
    from ase import Atoms

    wide = [Atoms("Li8", positions=p, cell=np.eye(3) * 30, pbc=True) for p in places]
    table = evaluate([*HEAD, *lines], wide, arguments=["a", "b", "p.py-s", "p.py-z", *names])
    np.testing.assert_allclose(table["p.py-s"], table[names[0]], atol=1e-8)
    np.testing.assert_allclose(table["p.py-z"], table[names[1]], atol=1e-8)


def test_evaluation_of_a_universe_keeps_times_and_boxes(tmp_path):
    mda = pytest.importorskip("MDAnalysis")
    places = frames(4)
    box = [14.0, 13.0, 15.0, 90.0, 90.0, 90.0]
    universe = mda.Universe.empty(8, trajectory=True)
    universe.load_new(np.array(places, dtype="f4"), order="fac", dimensions=np.array(box, dtype="f4"), dt=0.5)
    table = evaluate([*HEAD, "d: DISTANCE ATOMS=1,2"], universe, arguments="d")
    np.testing.assert_allclose(table["time"], [0.0, 0.5, 1.0, 1.5])
    vectors = np.array([p[1] - p[0] for p in places])
    vectors -= np.round(vectors / box[:3]) * box[:3]
    np.testing.assert_allclose(table["d"], np.linalg.norm(vectors, axis=1), rtol=1e-5)
