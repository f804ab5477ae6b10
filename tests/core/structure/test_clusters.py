"""Anion speciation and lifetimes: known units, glass compositions, flicker, censored runs, bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ionpath.errors import InputError
from ionpath.structure import anion_clusters, lifetimes, persistent_labels

BOND = 2.05  # A
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)


def ps4() -> tuple[Any, list[str]]:
    return np.concatenate([[[0.0, 0, 0]], BOND * CORNERS]), ["P"] + ["S"] * 4


def p2s7() -> tuple[Any, list[str]]:
    """Two tetrahedra that share a corner."""
    first = np.concatenate([[[0.0, 0, 0]], BOND * CORNERS])
    second = 2 * BOND * CORNERS[0] - first[[0, 2, 3, 4]]
    return np.concatenate([first, second]), ["P"] + ["S"] * 4 + ["P"] + ["S"] * 3


def p2s6() -> tuple[Any, list[str]]:
    """Ethane-like: a P-P bond of 2.25 A, three S on each."""
    first = np.concatenate([[[0.0, 0, 0]], BOND * CORNERS[1:]])
    second = 2.25 * CORNERS[0] - first
    return np.concatenate([first, second]), ["P", "S", "S", "S"] * 2


def p2s6_edge() -> tuple[Any, list[str]]:
    """Two tetrahedra that share an edge, P and P 2.8 A apart."""
    phosphorus = [[1.4, 0, 0], [-1.4, 0, 0]]
    shared = [[0, 1.5, 0], [0, -1.5, 0]]
    outer = [[x * 2.45, 0, z * 1.75] for x in (1, -1) for z in (1, -1)]
    return np.array(phosphorus + shared + outer), ["P", "P"] + ["S"] * 6


def p3s10() -> tuple[Any, list[str]]:
    """A chain of three tetrahedra."""
    pair, names = p2s7()
    far = 2 * pair[6] - np.concatenate([pair[[5]], pair[[1]], pair[7:]])
    return np.concatenate([pair, far]), [*names, "P", "S", "S", "S"]


def scatter(units: list[tuple[Any, list[str]]], cell: Any, seed: int = 0) -> tuple[Any, list[str]]:
    """Units at places of a coarse grid, turned at random, wrapped at random, in random order."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(*[np.arange(5)] * 3), -1).reshape(-1, 3) + 0.5
    places = places[rng.permutation(len(places))[: len(units)]] / 5.0
    positions, names = [], []
    for (points, symbols), place in zip(units, places, strict=True):
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        positions.append(points @ q.T + place @ cell)
        names += symbols
    together = np.concatenate(positions) + rng.integers(-2, 3, (len(names), 3)) @ cell
    order = rng.permutation(len(names))
    return together[order], np.array(names)[order].tolist()


CELL = np.array([[60.0, 0, 0], [5.0, 58.0, 0], [-4.0, 6.0, 62.0]])


def test_every_unit_has_its_name() -> None:
    units = [ps4()] * 3 + [p2s7()] * 2 + [p2s6()] * 2 + [p2s6_edge()] + [p3s10()]
    units += [(np.zeros((1, 3)), ["S"])] * 4
    positions, names = scatter(units, CELL)
    found = anion_clusters(positions, CELL, names)
    counts = dict(zip(found.kinds, found.unit_counts[0].tolist(), strict=True))
    assert counts == {
        "PS4": 3, "P2S7": 2, "P2S6": 2, "P2S6 edge-sharing": 1, "P3S10 (0 direct, 2 shared)": 1, "free": 4,
    }  # fmt: skip
    assert found.centre_fractions()["P2S7"] == pytest.approx(4 / 16)
    assert found.unit_fractions()["PS4"] == pytest.approx(3 / 9)
    assert sum(found.centre_fractions().values()) == pytest.approx(1.0)
    free = found.kinds.index("free")
    assert (found.ligand_kind[0] == free).sum() == 4


@pytest.mark.parametrize(("x", "y", "n6", "n7"), [(0.465, 1.605, 0.0575, 0.140), (0.465, 1.651, 0.0115, 0.186)])
def test_composition_identities_of_the_glass(x: float, y: float, n6: float, n7: float) -> None:
    """LiPxSy without free sulfide: n4 + 2(n6 + n7) = x, n6 = 1.6625 - y per Li (Chen 2023, PHYSICS 3.7)."""
    n4 = 0.070
    per_thousand = [round(n * 200) for n in (n4, n6, n7)]
    units = [ps4()] * per_thousand[0] + [p2s6()] * per_thousand[1] + [p2s7()] * per_thousand[2]
    positions, names = scatter(units, CELL)
    found = anion_clusters(positions, CELL, names)
    shares = found.centre_fractions()
    assert shares["PS4"] == pytest.approx(n4 / x, abs=0.01)
    assert shares["P2S6"] == pytest.approx(2 * n6 / x, abs=0.01)
    assert shares["P2S7"] == pytest.approx(2 * n7 / x, abs=0.01)
    sulfur = names.count("S") / 200
    assert n6 == pytest.approx(1.6625 - y) and sulfur == pytest.approx(y, abs=0.03)


def test_other_centres_and_ligands() -> None:
    points, _ = ps4()
    found = anion_clusters(points, CELL, ["Si", "S", "S", "S", "Cl"], centres=("P", "Si")[1:], ligands=("S", "Cl"))
    assert found.kinds == ("SiS3Cl",)


def test_every_phosphorus_of_the_argyrodite_is_ps4(aimd: Callable[[str], Any]) -> None:
    positions, cell, symbols = aimd("50p-run1")
    found = anion_clusters(positions[::20], cell, symbols.tolist())
    assert found.kinds == ("PS4", "free")
    assert found.unit_counts.tolist() == [[32, 32]] * 7  # 32 P; 160 S - 4 x 32
    assert found.unit_fractions() == {"PS4": 1.0}


def test_melt_is_not_all_ps4(shared_data: Any) -> None:
    ase_io = pytest.importorskip("ase.io", reason="the melt is an extended XYZ file")
    frames = ase_io.read(shared_data / "dft" / "beta-Li3PS4.extxyz.gz", index="::4")
    found = [anion_clusters(a.positions, a.cell.array, a.get_chemical_symbols()) for a in frames]
    for clusters in found:
        assert sum(clusters.centre_fractions().values()) == pytest.approx(1.0)
    # At 3000 K bonds break: some P has three S for a while.
    assert any("PS3" in clusters.kinds for clusters in found)
    assert all("PS4" in clusters.kinds for clusters in found)


def test_flicker_is_removed() -> None:
    labels = np.array([[0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 0], [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]).T
    kept = persistent_labels(labels, 3)
    assert kept[:, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert kept[:, 1].tolist() == [0] * 11
    assert persistent_labels(labels, 1).tolist() == labels.tolist()
    hopeless = np.array([[0], [1], [0], [1]])
    assert persistent_labels(hopeless, 3).tolist() == hopeless.tolist()


def test_lifetimes_are_those_of_the_process_that_made_them() -> None:
    """Two states left with probability 0.02 and 0.1 per step of 0.5 ps: 25 and 5 ps."""
    rng = np.random.default_rng(6)
    state, rows = np.zeros(300, dtype=int), []
    for _ in range(400):
        leave = rng.random(300) < np.where(state == 0, 0.02, 0.1)
        state = np.where(leave, 1 - state, state)
        rows.append(state)
    first, second = lifetimes(np.array(rows), 0.5)
    assert first.low < 25.0 < first.high and second.low < 5.0 < second.high
    assert first.mean == pytest.approx(25.0, rel=0.1) and second.mean == pytest.approx(5.0, rel=0.1)


def test_label_that_never_ends_has_a_lower_bound_only() -> None:
    (only,) = lifetimes(np.zeros((11, 4), dtype=int), 0.1)
    # 95 % two-sided: time / 3.689 for no event
    assert only.mean == only.high == np.inf and only.low == pytest.approx(4.0 / 3.6889, rel=1e-3)  # ps


def test_bad_input() -> None:
    points, names = ps4()
    with pytest.raises(InputError, match="centres: need atoms of Ge, got only P, S; choose species"):
        anion_clusters(points, CELL, names, centres="Ge")
    with pytest.raises(InputError, match="bond: need at most half of the smallest height"):
        anion_clusters(points, CELL, names, bond=40.0)
    with pytest.raises(InputError, match="labels: need shape .frames, items. with two frames at least"):
        lifetimes([[0, 1]], 0.1)
    with pytest.raises(InputError, match="frame_time: need a positive number in ps, got 0"):
        lifetimes([[0], [1]], 0)
    with pytest.raises(InputError, match="labels: need shape .frames, items., got shape .3,."):
        persistent_labels([0, 1, 2], 2)
