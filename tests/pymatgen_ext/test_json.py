"""Results as workflows and databases keep them: strict JSON, and the same object back."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monty.json import MontyDecoder

from pymatgen.analysis.argyrodite import (
    EnumerateSiteInversionTransformation,
    analyse,
    argyrodite,
    configurational_entropy,
    energy_above_hull,
    inversion_grid,
    lithium_orderings,
    lithium_sites,
    site_energies,
    thermodynamics,
)

# What the sentence says is tested once, below.
pytestmark = pytest.mark.filterwarnings("ignore:energies of unrelaxed probes:UserWarning")


def results() -> dict[str, Any]:
    listed = EnumerateSiteInversionTransformation(calculator="ewald").apply_transformation(argyrodite(), True)
    cell = argyrodite(inversion=0.5)
    return {
        "analyse": analyse(argyrodite(inversion=0.3, ordered=False)),
        "entropy": configurational_entropy(cell, lithium=True),
        "sites": lithium_sites(cell),
        "energies": site_energies(cell, kinds=["T4"]),
        "thermodynamics": thermodynamics(listed, [300.0, 900.0]),  # type: ignore[arg-type]
        "hull": energy_above_hull([cell], [cell], energies=[-1.0], competing_energies=[-2.0])[0],
        "grid": inversion_grid()[3],
        "ordering": lithium_orderings()[0],
    }


def same(one: Any, other: Any) -> bool:
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and all(
            same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one)
        )
    if isinstance(one, np.ndarray) or (isinstance(one, float) and np.isnan(one)):
        return np.array_equal(one, other, equal_nan=np.asarray(one).dtype.kind == "f")
    return bool(one == other) and type(one) is type(other)


@pytest.mark.parametrize(
    "name", ["analyse", "entropy", "sites", "energies", "thermodynamics", "hull", "grid", "ordering"]
)
def test_every_result_survives_strict_json(name: str) -> None:
    result = results()[name]
    text = json.dumps(result.as_dict(), allow_nan=False)
    again = json.loads(text, cls=MontyDecoder)
    assert same(result, again)
    assert same(result, type(result).from_dict(json.loads(text)))


# jobflow calls what monty has deprecated.
@pytest.mark.filterwarnings("ignore:cd is deprecated:FutureWarning", "ignore::DeprecationWarning")
def test_outputs_of_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """jobflow keeps results in a store and hands them to the next job."""
    monkeypatch.chdir(tmp_path)
    jobflow = pytest.importorskip("jobflow", reason="jobflow is not installed")
    stores = pytest.importorskip("maggma.stores", reason="maggma is not installed")

    first = jobflow.job(argyrodite)(inversion=0.5)
    jobs = [first, jobflow.job(configurational_entropy)(first.output), jobflow.job(analyse)(first.output)]
    store = jobflow.JobStore(stores.MemoryStore())
    out = jobflow.run_locally(jobflow.Flow(jobs), store=store, log=False)
    entropy, found = (out[j.uuid][1].output for j in jobs[1:])
    assert entropy.anions == pytest.approx(2 * np.log(2))  # R
    assert found.inversion == 0.5
