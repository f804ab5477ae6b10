"""Every plumed.dat in examples/ is read by PLUMED with the structure beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.io import read

from ionpath.plumed_input import keywords
from ionpath_plumed import evaluate, metadynamics_input
from ionpath_plumed.inputs import PlumedInput
from ionpath_plumed.presets import PRESETS

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("plumed_*/plumed.dat"))


def test_there_are_examples_of_all_protocols():
    kinds = {PlumedInput.read(path.parent).kind for path in EXAMPLES}
    assert kinds == {"inter-cage", "intra-cage", "concerted", "tilt", "position"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_can_be_copied_and_used(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    given = PlumedInput.read(path.parent)
    variables = [line for line in given.lines if keywords(line)[1] not in ("METAD", "LOWER_WALLS", "UPPER_WALLS")]
    table = evaluate(variables, read("start.extxyz"), arguments=given.variables)
    assert np.isfinite(table.data).all()
    assert any(keywords(line)[1] == "METAD" for line in given.lines)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_is_what_is_written_today(path):
    *words, phase = path.parent.name.removeprefix("plumed_").split("_")
    name = "-".join(words)
    if phase == "III" and f"{name}-disordered" in PRESETS:
        name += "-disordered"
    made, kept = metadynamics_input(read(path.parent / "start.extxyz"), name), PlumedInput.read(path.parent)
    assert made.atoms == kept.atoms
    if name == "position":  # the cages are half a cell apart: the last digit decides between images
        return
    assert made.text == kept.text
    for box in ("start", "end", "reach", "end_reach"):
        assert getattr(made, box) == pytest.approx(getattr(kept, box), abs=1e-6)
