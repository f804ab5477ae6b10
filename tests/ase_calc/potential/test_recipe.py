"""The way from packages to the shipped potential: its recipe, and all of it in small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from recipe import FULL as FULL_PATH, QUICK as QUICK_PATH, Sampling, read_recipe, starts_of
from reproduce import reproduce, weights_of_these

from ionpath.errors import InputError
from ionpath_ase import IonPath
from ionpath_ase.training import PRESETS, read_frames, structure_names
from ionpath_ase.training.fitting import frame_weights
from ionpath_ase.training.structures import MELTS

FULL, QUICK = read_recipe(FULL_PATH), read_recipe(QUICK_PATH)


def test_full_recipe_is_that_of_the_model_card() -> None:
    assert FULL.stage_steps == (57_000, 200_000, 90_000)
    assert FULL.member_steps == (25_000, 120_000)
    assert FULL.overrides == {}  # the preset "shipped" as it is
    names = {name for sampling in FULL.samplings for name, _ in sampling.starts}
    assert names <= set(structure_names())
    assert {"LPSCl-II", "x=0.50,y=0.50", "LSPSCl", "Li7PS6", "beta-Li3PS4", "gamma-Li3PS4", "Li7P3S11", "LiCl"} <= names
    count = {s.name: len(s.starts) * len(s.temperatures) * len(s.strains) * s.frames for s in FULL.samplings}
    assert 600 < count["heated"] < 700  # 653 in the model card
    assert 700 < count["constant"] < 950  # 900
    assert 2000 < count["onward"] < 2200  # 2,118 in the model card
    assert count["judged"] == 45
    melts = next(s for s in FULL.added if s.name == "melts")
    assert (min(melts.temperatures), max(melts.temperatures)) == (1500.0, 3000.0)  # K
    assert FULL.heated.final_temperature == 1200.0  # K
    packed = next(s for s in FULL.close if s.name == "packed")
    assert (packed.close_pair, packed.max_force) == ("formers", 60.0)  # P meets P: forces are larger than 12 eV/A
    assert {name for name, _ in packed.starts} >= set(MELTS)
    clusters = next(s for s in FULL.close if s.name == "gathered")
    assert (clusters.cluster, clusters.max_force) == (4, 60.0)
    assert {name for name, _ in clusters.starts} >= set(MELTS)
    assert FULL.refine_steps == 120_000
    assert (FULL.sizes.degree, FULL.sizes.channels, FULL.sizes.axes, FULL.sizes.neurons) == (4, 24, 8, 128)
    assert set(QUICK.overrides) <= set(PRESETS["shipped"])


def test_patterns_of_later_sets_wait_for_them() -> None:
    """`fit` refuses a pattern that fits no frame; in stage two, sets of the third are not there yet."""

    def tagged(samplings: Sequence[Sampling]) -> list[Atoms]:
        return [
            Atoms("Li", info={"tag": f"{s.name}:{name}-{seed}/{kelvin:g}K"})
            for s in samplings
            for name, seed in s.starts
            for kelvin in s.temperatures
        ]

    first = tagged([FULL.heated, FULL.constant, *FULL.added])
    found = weights_of_these(first, FULL.weights)
    assert found == {"*LSPSCl*": 2.2, "*Li3PS4*": 2.5, "*LiCl*": 0.5}
    assert len(frame_weights(first, found)) == len(first)
    everything = [*first, *tagged([*FULL.close, FULL.onward])]
    assert weights_of_these(everything, FULL.weights) == FULL.weights
    assert set(frame_weights(everything, FULL.refine_weights)) == {0.4, 0.5, 1.0, 2.0, 2.2}


def test_recipes_are_read_or_refused(tmp_path: Path) -> None:
    assert starts_of("x=0.00,y=0.50#1") == [("x=0.00,y=0.50", 1)]
    assert starts_of("LSPSCl#4-6") == [("LSPSCl", 4), ("LSPSCl", 5), ("LSPSCl", 6)]
    with pytest.raises(InputError, match="starts: need a name, name#seed or name#first-last, got 'LSPSCl#a'"):
        starts_of("LSPSCl#a")
    path = tmp_path / "mine.toml"
    path.write_text(QUICK_PATH.read_text().replace("strains =", "strain ="))
    with pytest.raises(InputError, match=r"\[heated\]: need only name, starts, .*, got strain"):
        read_recipe(path)
    path.write_text("steps = 3\n" + QUICK_PATH.read_text())
    with pytest.raises(InputError, match=r"\[recipe\]: need only heated, .*, got steps"):
        read_recipe(path)


@pytest.mark.slow
def test_quick_reproduction_with_the_shipped_potential_as_teacher(tmp_path: Path) -> None:
    """All steps on the real programs; the shipped potential stands for the teacher, which is cheap."""
    recipe = replace(QUICK, members=3)
    made = reproduce(tmp_path, recipe, labels=IonPath(), progress=False)
    assert [path.name for path in made.models] == ["argyrodite.pb", "argyrodite.2.pb", "argyrodite.3.pb"]
    heated, judged = read_frames(tmp_path / "heated.extxyz"), read_frames(tmp_path / "judged.extxyz")
    assert len(heated) == 2 * 2 * 4
    assert len(judged) == 2 * 2
    assert len(read_frames(tmp_path / "close.extxyz")) == 2 * 2  # two of the run, each also with a pair pushed together
    packed = read_frames(tmp_path / "packed.extxyz")
    refused = (tmp_path / "packed.done").read_text().count("refused: ")
    assert len(packed) + refused == 2 * 2  # a pair of P may push others into each other
    assert len(packed) >= 2
    together = read_frames(tmp_path / "gathered.extxyz")
    for atoms in together:
        phosphorus = atoms[atoms.symbols == "P"].get_all_distances(mic=True)
        assert ((phosphorus > 0) & (phosphorus < 2.7)).any()
    assert [IonPath(path).cutoff for path in made.models] == [7.0, 6.0, 6.0]
    assert {a.info["tag"] for a in judged} == {"judged:LiCl-0/300K", "judged:gamma-Li3PS4-0/300K"}
    check = judged[0].copy()
    check.calc = IonPath()
    assert np.allclose(check.get_forces(), judged[0].get_forces(), atol=1e-4)
    assert b"angular/" in made.models[0].read_bytes()
    assert b"angular/" not in made.models[1].read_bytes()
    total = made.errors[-1]
    assert total.frames == 4
    spread = 1e3 * np.abs(np.concatenate([a.get_forces().ravel() for a in judged])).mean()
    assert total.force_mae < 0.8 * spread  # better than no forces at all
    stamp = made.models[0].read_bytes()
    again = reproduce(tmp_path, recipe, labels=IonPath(), progress=False)
    assert again == made
    assert again.models[0].read_bytes() == stamp


def test_sampling_is_frozen() -> None:
    with pytest.raises(AttributeError, match="cannot assign to field 'frames'"):
        Sampling("a", (), (), 1, 1).frames = 2  # type: ignore[misc]
