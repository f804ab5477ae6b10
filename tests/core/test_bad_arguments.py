"""Arguments that cannot be: one sentence each, and no memory asked for first."""

from __future__ import annotations

import re

import numpy as np
import pytest

from ionpath import disorder as d, softness as s, transport as t
from ionpath.errors import InputError
from ionpath.estimate import Estimate

rng = np.random.default_rng(0)
w = rng.normal(size=(60, 5, 3)).cumsum(axis=0)  # A
cell = 20.0 * np.eye(3)  # A
feats, lab = rng.normal(size=(40, 4)), np.arange(40) % 2
F = s.StructureFunctions.spaced(("S",), spacing=1.0, cutoff=4.0)
D = Estimate(0.1, 0.01, 0.08, 0.12, "A^2/ps")

BAD = {
    "ion_transport mobile twice": lambda: t.ion_transport(w, cell, [0, 0, 1], frame_time=1.0, temperature=300.0),
    "ion_transport charge nan": lambda: t.ion_transport(
        w, cell, [0, 1], frame_time=1.0, temperature=300.0, charge=np.nan
    ),
    "bond_vectors index -1": lambda: d.bond_vectors(w[0], cell, [0], [[1, 2, 3, -1]]),
    "ne charge nan": lambda: t.nernst_einstein(0.1, 0.01, 300.0, np.nan),
    "ne charge text": lambda: t.nernst_einstein(0.1, 0.01, 300.0, "two"),
    "ne D nan": lambda: t.nernst_einstein(np.nan, 0.01, 300.0),
    "cond n_ions 0": lambda: t.conductivity(D, 0, 100.0, 300.0),
    "cond volume -1": lambda: t.conductivity(D, 3, -100.0, 300.0),
    "cond volume 0": lambda: t.conductivity(D, 3, 0.0, 300.0),
    "msd complex": lambda: t.mean_squared_displacement(w + 1j),
    "msd text": lambda: t.mean_squared_displacement(np.full((5, 2, 3), "x")),
    "msdfft text": lambda: t.msd_by_fft(["a", "b"]),
    "msdfft nan": lambda: t.msd_by_fft([0, np.nan, 1]),
    "msdfft empty": lambda: t.msd_by_fft([]),
    "band": lambda: t.estimate_diffusion(w, band=(1.1, 0.9)),
    "discard 2": lambda: t.estimate_diffusion(w, discard=2.0),
    "discard nan": lambda: t.estimate_diffusion(w, discard=np.nan),
    "ballistic nan": lambda: t.estimate_diffusion(w, ballistic=np.nan),
    "ballistic -1": lambda: t.estimate_diffusion(w, ballistic=-1.0),
    "window reversed": lambda: t.estimate_diffusion(w, window=(20.0, 5.0)),
    "window nan": lambda: t.estimate_diffusion(w, window=(np.nan, 5.0)),
    "window 1": lambda: t.estimate_diffusion(w, window=(5.0,)),
    "minimum_msd text": lambda: t.estimate_diffusion(w, minimum_msd="x"),
    "frame_time text": lambda: t.estimate_diffusion(w, "x"),
    "exponent span": lambda: t.local_exponent([0, 1, 2], [0, 1, 2], span=0.0),
    "exponent shapes": lambda: t.local_exponent([0, 1, 2], [0, 1]),
    "covariance empty": lambda: t.msd_covariance([], [0, 1], 5),
    "covariance nan": lambda: t.msd_covariance([1], [0, np.nan, 1], 5),
    "cooperation blocks": lambda: t.cooperation(w, blocks=0),
    "vanhove dr": lambda: t.self_van_hove(w, [1], dr=1e-12),
    "vanhove rmax inf": lambda: t.self_van_hove(w, [1], r_max=np.inf),
    "vanhove lags text": lambda: t.self_van_hove(w, ["a"]),
    "distinct origins 0": lambda: t.distinct_van_hove(w, cell, [1], origins=0),
    "distinct origins -3": lambda: t.distinct_van_hove(w, cell, [1], origins=-3),
    "ngp lag": lambda: t.non_gaussian_parameter(w, lags=[1.5]),
    "hops distance": lambda: t.displacement_hops(w, distance=np.nan),
    "hops smoothing nan": lambda: t.displacement_hops(w, smoothing=np.nan),
    "hops smoothing -1": lambda: t.displacement_hops(w, smoothing=-1.0),
    "cage hyst nan": lambda: t.cage_hops(w, cell, w[0], hysteresis=np.nan),
    "cage hyst -1": lambda: t.cage_hops(w, cell, w[0], hysteresis=-1.0),
    "cage centres nan": lambda: t.cage_hops(w, cell, np.full((3, 3), np.nan)),
    "site_hops float": lambda: t.site_hops(w[:, :, 0]),
    "site_hops average": lambda: t.site_hops(np.zeros((4, 2), int), average=-2),
    "residence dt": lambda: t.residence_times(np.zeros((4, 2), int), frame_time=0.0),
    "strings window": lambda: t.cooperative_strings(t.displacement_hops(w), cell, window=0.0),
    "arrhenius text": lambda: t.arrhenius([300, "x"], [1, 2], [0.1, 0.1]),
    "arrhenius at": lambda: t.arrhenius([300, 400, 500], [1.0, 2.0, 3.0], [0.1] * 3).at(np.nan),
    "arrhenius at text": lambda: t.arrhenius([300, 400, 500], [1.0, 2.0, 3.0], [0.1] * 3).at("x"),
    "mn empty": lambda: t.meyer_neldel([]),
    "mn text": lambda: t.meyer_neldel(["a", "b", "c"]),
    "drift word": lambda: t.remove_drift(w, w, drift="box"),
    "rotation_rate -1": lambda: d.rotation_rate(-1, 1.0),
    "rotation_rate 1.5": lambda: d.rotation_rate(1.5, 1.0),
    "mixing nan": lambda: d.mixing_entropy([[np.nan, 1.0]]),
    "mixing sum": lambda: d.mixing_entropy([[0.5, 0.6]]),
    "argyro 2": lambda: d.argyrodite_mixing_entropy(2.0, 0.5),
    "argyro nan": lambda: d.argyrodite_mixing_entropy(0.1, np.nan),
    "support widths": lambda: d.support_entropy([0.1, 0.2], widths=(1e-14,)),
    "shannon width 0": lambda: d.shannon_entropy([0.1, 0.2], width=0.0),
    "shannon width tiny": lambda: d.shannon_entropy([0.1, 0.2], width=1e-14),
    "shannon nan": lambda: d.shannon_entropy([np.nan, 0.2], width=0.1),
    "shannon empty": lambda: d.shannon_entropy([], width=0.1),
    "jackknife blocks": lambda: d.jackknife_error(np.ones((5, 2)), np.mean, n_blocks=1),
    "jackknife blocks many": lambda: d.jackknife_error(np.ones((5, 2)), np.mean, n_blocks=10**6),
    "distortion nan": lambda: d.tetrahedral_distortion(np.full((4, 3), np.nan)),
    "distortion zero": lambda: d.tetrahedral_distortion(np.zeros((4, 3))),
    "tilt bins huge": lambda: d.tilt_free_energy(np.ones((10, 2)), np.ones((10, 2)), temperature=300.0, bins=10**6),
    "tilt nan": lambda: d.tilt_free_energy(np.full((10, 2), np.nan), np.ones((10, 2)), temperature=300.0),
    "tilt n_blocks": lambda: d.tilt_free_energy(np.ones((10, 2)), np.ones((10, 2)), temperature=300.0, n_blocks=0),
    "tilt range": lambda: d.tilt_free_energy(np.full((10, 2), 999.0), np.ones((10, 2)), temperature=300.0),
    "bond_angles zero": lambda: d.bond_angles([0, 0, 0.0]),
    "bond_angles shape": lambda: d.bond_angles([1, 2.0]),
    "site_perm core": lambda: d.corner_permutations(np.ones((2, 1, 4, 3)), np.ones((1, 4, 3)), core=np.nan),
    "spaced tiny": lambda: s.StructureFunctions.spaced(("S",), spacing=1e-9, cutoff=10.0),
    "spaced text": lambda: s.StructureFunctions.spaced(("S",), spacing="x"),
    "fit kind": lambda: s.fit_softness(feats, lab, F, kind="tree"),
    "fit penalty": lambda: s.fit_softness(feats, lab, F, penalty=np.nan),
    "fit penalty text": lambda: s.fit_softness(feats, lab, F, penalty="x"),
    "fit labels neg": lambda: s.fit_softness(feats, lab - 1, F),
    "fit labels nan": lambda: s.fit_softness(feats, np.where(lab, np.nan, 0), F),
    "label method": lambda: s.label_ions([1.0, 2.0], "median"),
    "label value text": lambda: s.label_ions([1.0, 2.0], "quantile", "x"),
    "splits folds": lambda: s.split_samples(np.arange(5), np.arange(5.0), n_folds=2.5),
    "splits kind": lambda: s.split_samples(np.arange(5), np.arange(5.0), "ions"),
    "splits gap nan": lambda: s.split_samples(np.tile(np.arange(5), 5), np.repeat(np.arange(5.0), 5), gap=np.nan),
    "splits seed": lambda: s.split_samples(np.arange(5), np.arange(5.0), seed=-1),
    "neigh cutoff": lambda: s.find_neighbours(w[0], cell, 50.0, [0]),
    "neigh centres": lambda: s.find_neighbours(w[0], cell, 5.0, [99]),
    "neigh centres neg": lambda: s.find_neighbours(w[0], cell, 5.0, [-1]),
    "neigh centres float": lambda: s.find_neighbours(w[0], cell, 5.0, [0.5]),
    "corr bins 0": lambda: s.softness_correlation(w[:, :, 0], w[:, :, 1], n_bins=0),
    "corr bins neg": lambda: s.softness_correlation(w[:, :, 0], w[:, :, 1], n_bins=-1),
    "rearr bins 0": lambda: s.rearrangement_probability(w[:, :, 0], w[:, :, 1] > 0, n_bins=0),
    "rearr bins huge": lambda: s.rearrangement_probability(w[:, :, 0], w[:, :, 1] > 0, n_bins=10**10),
    "rearr nan": lambda: s.rearrangement_probability([np.nan, 1.0], [0, 1]),
    "cum power": lambda: s.cumulative_displacement(np.ones((3, 2)), power="cube"),
    "cum neg": lambda: s.cumulative_displacement(-np.ones((3, 2))),
    "preset": lambda: s.preset("chen2024", ["Li"]),
    "score classes": lambda: s.score([0, 1], [0, 1], n_classes=0),
    "groups": lambda: s.feature_weights(feats, lab, F, np.arange(40), n_groups=1),
    "grid empty": lambda: s.grid_search(lambda f: feats, np.arange(40.0), F, (), spacings=()),
    "nonaffine shapes": lambda: s.nonaffine_displacement(
        w[0], w[1][:3], s.find_neighbours(w[0], cell, 9.0, [0]), cell=cell
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match=r"^[^:]+: need .+, got .+") as caught:
        BAD[name]()
    assert not re.search(r"array\(|Traceback|<function", str(caught.value)) or len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["entropy_uncertainty", "bayesian_msm", "resampled_chains", "implied_timescales"])
def test_samples_without_end_are_refused_before_memory_is_asked_for(name):
    from ionpath import kinetics

    chain = np.random.default_rng(0).integers(0, 2, 200)
    lags, more = ([1, 2], {"frame_time": 1.0}) if name == "implied_timescales" else (1, {})
    if name == "bayesian_msm":
        more = {"count_mode": "sample"}
    with pytest.raises(InputError, match="n_samples: need a whole number from . to 100000, got 10{12}; a few hundred"):
        getattr(kinetics, name)(chain, lags, n_samples=10**12, **more)
