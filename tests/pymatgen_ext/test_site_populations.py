"""Free energies of sites from populations: known truth, and ab initio molecular dynamics."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from ionpath.constants import BOLTZMANN_EV
from ionpath.errors import InputError
from pymatgen.analysis.argyrodite import SiteEnergies, argyrodite, lithium_sites, site_free_energies


def drawn(energies: dict[str, float], temperature: float, frames: int, *, seed: int = 0) -> list[Structure]:
    """Frames whose sites are filled independently, with the populations that their energies ask for; eV and K."""
    frame = argyrodite(lithium="none")
    sites = lithium_sites(frame)
    rng = np.random.default_rng(seed)
    p = np.zeros(len(sites))
    for kind, energy in energies.items():
        p[sites.kinds == kind] = 1 / (1 + np.exp(energy / (BOLTZMANN_EV * temperature)))
    made = []
    for _ in range(frames):
        # Always so many ions: empty ones rest on T1, which nothing asks for here.
        on = rng.random(len(p)) < p
        structure = frame.copy()
        spare = sites.of("T1")
        places = np.concatenate([sites.coords[on], sites.coords[spare]])[: 48 + 16]
        for place in np.concatenate([places, np.repeat(sites.coords[spare[:1]], 64 - len(places), axis=0)]):
            structure.append("Li", place + rng.normal(0, 0.1, 3), coords_are_cartesian=True)
        made.append(structure)
    return made


def test_known_energies_are_found_and_their_errors_hold() -> None:
    truth = {"T5": 0.02, "T2": 0.08}  # eV
    frames = drawn(truth, 600.0, 300)
    found = site_free_energies(frames, 600.0, kinds=["T5", "T2"])
    assert isinstance(found, SiteEnergies)
    assert found.error is not None
    assert found.bound is not None
    assert not found.bound.any()
    assert found.of("T2").mean() - found.of("T5").mean() == pytest.approx(0.06, abs=0.004)
    # All sites of a kind are alike: the spread is noise, and most of it is recognised as such.
    assert found.spread("T5") < 0.4 * found.of("T5").std() + 0.002
    pulls = (found.of("T2") - found.of("T2").mean()) / found.error[found.kinds == "T2"]
    assert 0.8 < (np.abs(pulls) < 2).mean() <= 1.0
    assert found.population is not None
    expected = 1 / (1 + np.exp(0.08 / (BOLTZMANN_EV * 600.0)))
    assert found.population[found.kinds == "T2"].mean() == pytest.approx(expected, abs=0.01)


def test_what_was_never_filled_is_a_bound() -> None:
    frames = [argyrodite(lithium="T5", seed=k) for k in range(10)]
    found = site_free_energies(frames, 500.0)
    assert found.bound is not None
    assert found.bound[found.kinds != "T5"].all()
    assert "48 of 48 never filled: lower bounds" in found.report()


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"frames: need at least 10, got 3; pass more of the trajectory"):
        site_free_energies([argyrodite()] * 3, 500.0)
    with pytest.raises(InputError, match=r"temperature: need a positive number in K, got -1"):
        site_free_energies([argyrodite()] * 10, -1.0)
    with pytest.raises(InputError, match=r"frames: need mobile cations, got none; keep the lithium"):
        site_free_energies([argyrodite(lithium="none")] * 10, 500.0)
    with pytest.raises(InputError, match=r"frames: need lithium on T5 at some time, got none"):
        site_free_energies([argyrodite(lithium="T2")] * 10, 500.0)


# Share of lithium on T5 and T2 in %: B. J. Morgan, Chem. Mater. 33, 2004 (2021), doi:10.1021/acs.chemmater.0c03738.
# Xdatcar of pymatgen leaves its file open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("inversion", "t5", "t2"), [(0.0, 80.20, 19.78), (0.5, 65.92, 31.43)])
def test_ab_initio_molecular_dynamics(
    tmp_path: Path, shared_data: Path, inversion: float, t5: float, t2: float
) -> None:
    """T2 within 0.1 eV of T5 where it holds 20 to 40 % of lithium; inversion broadens T5 and joins the kinds."""
    vasp = pytest.importorskip("pymatgen.io.vasp", reason="pymatgen is not installed")
    plain = tmp_path / "XDATCAR"
    name = f"Li6PS5Cl-{100 * inversion:.0f}p-run1.XDATCAR.gz"
    plain.write_bytes(gzip.decompress((shared_data / "aimd" / name).read_bytes()))
    found = site_free_energies(vasp.Xdatcar(str(plain)).structures, 500.0)
    assert found.inversion == inversion
    population = {k: found.population[found.kinds == k].sum() for k in ("T2", "T5")}  # type: ignore[index]
    assert 100 * population["T5"] / 192 == pytest.approx(t5, abs=2.5)
    assert 100 * population["T2"] / 192 == pytest.approx(t2, abs=2.5)
    assert 0.0 < found.of("T2").mean() - found.of("T5").mean() < 0.1  # eV
    if inversion == 0.0:
        assert found.spread("T5") < 0.02
        assert found.overlap("T2", "T5") < 0.55
        assert found.overlap("T4", "T5") < 0.10
    else:
        assert found.spread("T5") > 0.03
        assert found.overlap("T2", "T5") > 0.65
        assert found.overlap("T4", "T5") > 0.25
