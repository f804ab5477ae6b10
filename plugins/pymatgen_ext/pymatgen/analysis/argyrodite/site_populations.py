"""Free energies of the tetrahedral sites from how often lithium is on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats
from ionpath.citations import references
from ionpath.constants import BOLTZMANN_EV
from ionpath.errors import InputError, positive
from ionpath.lattice.neighbours import neighbours_within
from pymatgen.analysis.argyrodite.framework import MOBILE, analyse
from pymatgen.analysis.argyrodite.site_energy import KINDS, SiteEnergies
from pymatgen.analysis.argyrodite.tetrahedral_sites import lithium_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.tetrahedral_sites import LithiumSites

_BLOCKS = 5
_REACH = 3.0
"""A; an ion is never farther from the centre of the tetrahedron that it is in."""


@typed
@references("jang2025", "morgan2021")
def site_free_energies(
    frames: Sequence[Structure], temperature: float, *, kinds: Sequence[str] = KINDS
) -> SiteEnergies:
    """Free energy of every site from how often it is filled in molecular dynamics.

    Parameters
    ----------
    frames : sequence of Structure
        Frames of one trajectory, such as ``Xdatcar(...).structures``; one anion arrangement, the same order of atoms.
    temperature : float
        Temperature of the run, in K.
    kinds : sequence of str
        Kinds of site; the reference is the mean population of the T5 sites.

    Returns
    -------
    SiteEnergies
        With `error` from five blocks of time, and `bound` where a site was never filled.

    Raises
    ------
    InputError
        If there are fewer than ten frames, the anions are too far from an argyrodite, or T5 is never filled.

    Notes
    -----
    F = -kT ln(p / (1 - p)), with p the share of time that a site is filled: it holds one ion or none. The tetrahedra
    are those of the time-averaged anions, and their corners follow the anions in every frame. Half a count is added to
    what was seen, so that a site which was never filled has a lower bound of its energy. What ions do to each other is
    in the result, as it is in the populations: these are free energies at the temperature and lithium content of the
    run, not energies of one probe.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite
    >>> frames = [argyrodite(lithium="T5", seed=k) for k in range(10)]
    >>> found = site_free_energies(frames, 500.0)
    >>> bool(found.bound[found.kinds == "T2"].all()), bool(found.bound[found.kinds == "T5"].any())
    (True, False)
    """
    thermal = BOLTZMANN_EV * positive("temperature", temperature, "K")
    if len(frames) < 2 * _BLOCKS:
        remedy = "pass more of the trajectory"
        raise InputError("frames", need=f"at least {2 * _BLOCKS}", got=str(len(frames)), remedy=remedy)
    frame = _averaged(frames)
    sites = lithium_sites(frame)
    mobile = np.array([site.specie.symbol in MOBILE for site in frames[0]])
    if not mobile.any():
        raise InputError("frames", need="mobile cations", got="none", remedy="keep the lithium in the trajectory")
    filled = _filled(frames, sites, mobile)  # (n_frames, n_sites)
    chosen = sites.of(*kinds)
    seen = filled.sum(axis=0)
    mean = (seen + 0.5) / (len(frames) + 1)
    reference = mean[sites.of("T5")].mean()
    if seen[sites.of("T5")].sum() == 0:
        raise InputError("frames", need="lithium on T5 at some time", got="none", remedy="check the structure")
    blocks = np.array([part.mean(axis=0) for part in np.array_split(filled, _BLOCKS)])
    scatter = blocks.std(axis=0, ddof=1) / np.sqrt(_BLOCKS)
    # One count is the least that could have been seen or missed.
    scatter = np.maximum(scatter, 1.0 / (len(frames) + 1))
    energy = -thermal * (np.log(mean / (1 - mean)) - np.log(reference / (1 - reference)))
    found = analyse(frame)
    return SiteEnergies(
        kinds=sites.kinds[chosen],
        energies=energy[chosen],
        frac_coords=sites.frac_coords[chosen],
        inversion=found.inversion,
        method="populations",
        calculator=f"{len(frames)} frames at {temperature:g} K",
        error=(thermal * scatter / (mean * (1 - mean)))[chosen],
        bound=(seen == 0)[chosen],
        population=mean[chosen],
    )


def _averaged(frames: Sequence[Structure]) -> Structure:
    """Time-averaged frame without the ions that move."""
    first = frames[0]
    places = np.array([s.frac_coords for s in frames])
    steps = np.diff(places, axis=0)
    steps -= np.rint(steps)
    unwrapped = places[0] + np.concatenate([np.zeros((1, *places[0].shape)), np.cumsum(steps, axis=0)])
    kept = [k for k, site in enumerate(first) if site.specie.symbol not in MOBILE]
    frame = first.copy()
    for k in kept:
        frame.sites[k].frac_coords = unwrapped[:, k].mean(axis=0)
    frame.remove_sites([k for k in range(len(first)) if k not in set(kept)])
    return frame


def _filled(frames: Sequence[Structure], sites: LithiumSites, mobile: Bools) -> Floats:
    """Whether each site holds an ion in each frame."""
    framework = np.flatnonzero(~mobile)
    corners, base = framework[sites.vertices], sites.coords
    filled = np.zeros((len(frames), len(base)))
    for row, structure in zip(filled, frames, strict=True):
        cell = structure.lattice.matrix
        inverse = np.linalg.inv(cell)
        apart = (structure.cart_coords[corners] - base[:, None]) @ inverse
        apart -= np.rint(apart - sites.vectors @ inverse)
        tetrahedra = base[:, None] + apart @ cell
        middle = tetrahedra.mean(axis=1)
        near = neighbours_within(structure.cart_coords[mobile], middle, cell, _REACH)
        site = near.neighbour
        edges = (tetrahedra[site, 1:] - tetrahedra[site, :1]).transpose(0, 2, 1)
        places = middle[site] - near.vector
        share = np.linalg.solve(edges, (places - tetrahedra[site, 0])[..., None])[..., 0]
        inside = np.minimum(share.min(axis=1), 1.0 - share.sum(axis=1))
        order = np.lexsort((inside, near.centre))
        last = np.flatnonzero(np.diff(np.append(near.centre[order], -1)))
        row[site[order[last]]] = 1.0
    return filled
