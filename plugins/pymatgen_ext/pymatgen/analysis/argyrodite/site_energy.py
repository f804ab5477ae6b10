"""Energies of a lithium probe on the tetrahedral sites, their densities and overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Bools, Floats, Indices, Symbols
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, require, warn
from ionpath.msonable import Msonable
from ionpath.periodic import minimum_image
from pymatgen.analysis.argyrodite.energies import EnergyFunction, describe, energy_function
from pymatgen.analysis.argyrodite.framework import analyse, mobile_species, require_ordered
from pymatgen.analysis.argyrodite.tetrahedral_sites import LithiumSites, lithium_sites

if TYPE_CHECKING:
    from pymatgen.core import Structure

KINDS = ("T2", "T4", "T5")
_WIDTH = 0.05
_UNRELAXED = "the order of the sites is not that of lithium in the crystal; see site_free_energies"


@typed
@documented
@dataclass(frozen=True)
class SiteEnergies(Msonable):
    """Energies of a lithium probe."""

    kinds: Symbols  # (K,): kind of each site
    energies: Floats  # (K,): energy of the probe there, in eV, against the reference of the method
    frac_coords: Floats  # (K, 3): where
    inversion: float  # halide fraction of the free-sulfur orbit of the structure
    method: str  # {"frame", "occupied", "populations"}: how the energies were taken
    calculator: str  # with what
    # (K,): standard error of each, in eV; None where they come from one calculation
    error: Floats | None = None
    bound: Bools | None = None  # (K,): whether a site was never filled, so that its energy is a lower bound
    population: Floats | None = None  # (K,): share of time that a site is filled

    def of(self, kind: str) -> Floats:
        """Energies in eV on one kind of site: T2, T4 or T5; InputError if no such site was probed."""
        found = self.energies[self.kinds == kind]
        if len(found) == 0:
            raise InputError("kind", need=f"one of {', '.join(sorted(set(self.kinds.tolist())))}", got=repr(kind))
        return found

    def spread(self, kind: str) -> float:
        """Standard deviation in eV over the sites of one kind (T2, T4 or T5), less what their errors alone would make.

        It is 0 where the errors explain all of it.
        """
        noise = 0.0 if self.error is None else float((self.error[self.kinds == kind] ** 2).mean())
        return float(np.sqrt(max(0.0, self.of(kind).var() - noise)))

    def density(self, kind: str, grid: ArrayLike, *, width: float = _WIDTH) -> Floats:
        """Density of site energies of one kind (T2, T4 or T5) in 1/eV, of unit area, at the energies `grid` (M,) in eV.

        `width` is the standard deviation in eV of the Gaussian put on each site; the sum is divided by the number of
        sites of the kind.
        """
        positive("width", width, "eV")
        x = np.asarray(grid, dtype=np.float64)[:, None] - self.of(kind)[None, :]
        return np.asarray(np.exp(-0.5 * (x / width) ** 2).mean(axis=1) / (width * np.sqrt(2 * np.pi)))

    def overlap(self, one: str, other: str, *, width: float = _WIDTH) -> float:
        """Common area of the densities of two kinds of site: 0 where they are apart, 1 where they are the same.

        It is the integral of the smaller of the two; `width` is the standard deviation of their Gaussians in eV.
        """
        both = np.concatenate([self.of(one), self.of(other)])
        grid = np.linspace(both.min() - 6 * width, both.max() + 6 * width, 4001)
        smaller = np.minimum(self.density(one, grid, width=width), self.density(other, grid, width=width))
        return float(np.trapezoid(smaller, grid))

    def report(self) -> str:
        """Table of means, spreads and overlaps."""
        kinds = sorted(set(self.kinds.tolist()))
        lines = [f"inversion {self.inversion:.4f}, {self.method}, {self.calculator}"]
        for k in kinds:
            own = self.kinds == k
            lines.append(f"  {k}: mean {self.of(k).mean():8.4f} eV, spread {self.spread(k):7.4f} eV")
            if self.bound is not None and self.bound[own].any():
                lines[-1] += f" ({int(self.bound[own].sum())} of {int(own.sum())} never filled: lower bounds)"
        if self.method != "populations":
            lines.append("  unrelaxed: " + _UNRELAXED)
        pairs = [(a, b) for i, a in enumerate(kinds) for b in kinds[i + 1 :]]
        return "\n".join(lines + [f"  overlap {a}-{b}: {self.overlap(a, b):.4f}" for a, b in pairs])


@typed
@references("jang2025")
def site_energies(
    structure: Structure,
    calculator: Any = None,
    *,
    method: Literal["frame", "occupied"] = "frame",
    kinds: Sequence[str] = KINDS,
    sites: LithiumSites | None = None,
) -> SiteEnergies:
    """Probe the tetrahedral sites of an anion arrangement with lithium, without relaxation.

    Parameters
    ----------
    structure : Structure
        Ordered argyrodite.
    calculator : str, dict or object, optional
        As in `SiteInversionTransformation`; the Ewald sum without it.
    method : {"frame", "occupied"}
        "frame": the lithium is taken out, and one is put on each site in turn; the reference is the empty frame.
        It needs a calculator that knows what to do with charge: the Ewald sum (with a uniform background), or DFT.
        "occupied": the lithium nearest to the site is moved there; the reference is the structure itself. This is the
        method for machine-learned potentials, which know no charged frame.
    kinds : sequence of str
        Kinds of site to probe.
    sites : LithiumSites, optional
        Sites, if they are known.

    Returns
    -------
    SiteEnergies
        One energy per site.

    Raises
    ------
    InputError
        If it is not an ordered argyrodite, or has no lithium for the method "occupied".

    Warns
    -----
    UserWarning
        Always: unrelaxed probes put T2 about 1.2 eV above T5 with the shipped potential, and T4 lowest with formal
        charges, while lithium is on T2 20 to 40 % of the time and hardly ever on T4. `site_free_energies` gives
        energies that agree with where lithium is.

    Notes
    -----
    Every position once for the given arrangement, as in Fig. 4c of Jang et al., J. Mater. Chem. A 13, 16547 (2025);
    its densities are divided by the number of sites of each kind. Formal charges reproduce how inversion broadens the
    energies, but not their order: they make T4 the best site, against all evidence.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite, site_energies
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = site_energies(argyrodite(), kinds=["T4"])
    >>> len(found.energies), bool(found.energies.std() < 1e-6)
    (16, True)
    """
    one_of("method", method, ("frame", "occupied"))
    warn(f"energies of unrelaxed probes: {_UNRELAXED}")
    require_ordered(structure, "site energies")
    found = analyse(structure)
    where = lithium_sites(structure) if sites is None else sites
    chosen = where.of(*kinds)
    energy = energy_function(calculator)
    values = (
        _on_frame(structure, found.mobile, where.coords[chosen], energy)
        if method == "frame"
        else _on_occupied(structure, found.mobile, where.coords[chosen], energy)
    )
    return SiteEnergies(
        where.kinds[chosen], values, where.frac_coords[chosen], found.inversion, method, describe(calculator)
    )


def _on_frame(structure: Structure, mobile: Indices, places: Floats, energy: EnergyFunction) -> Floats:
    frame = structure.copy()
    species = mobile_species(structure, mobile)
    frame.remove_sites([int(k) for k in mobile])
    reference = energy(frame)
    values = []
    for place in places:
        probed = frame.copy()
        probed.append(species, place, coords_are_cartesian=True)
        values.append(energy(probed) - reference)
    return np.array(values)


def _on_occupied(structure: Structure, mobile: Indices, places: Floats, energy: EnergyFunction) -> Floats:
    if len(mobile) == 0:
        remedy = "use method='frame', or keep the lithium"
        raise InputError("structure", need="lithium to move", got="none", remedy=remedy)
    reference = energy(structure)
    ions = structure.cart_coords[mobile]
    values = []
    for place in places:
        apart = np.linalg.norm(minimum_image(ions - place, structure.lattice.matrix), axis=1)
        moved = structure.copy()
        moved.sites[int(mobile[int(apart.argmin())])].coords = place
        values.append(energy(moved) - reference)
    return np.array(values)


@typed
def overlap_table(results: Iterable[SiteEnergies], *, width: float = _WIDTH) -> list[dict[str, float]]:
    """Return the overlaps of the densities against inversion.

    Parameters
    ----------
    results : iterable of SiteEnergies
        One for each arrangement.
    width : float
        Standard deviation of the Gaussians, in eV.

    Returns
    -------
    list of dict
        "inversion", and the overlap of each pair of kinds under a name like "T2-T5".
    """
    rows = []
    for result in sorted(results, key=lambda r: r.inversion):
        kinds = sorted(set(result.kinds.tolist()))
        row = {"inversion": result.inversion}
        for i, a in enumerate(kinds):
            row |= {f"{a}-{b}": result.overlap(a, b, width=width) for b in kinds[i + 1 :]}
        rows.append(row)
    return rows


@typed
def plot_site_energies(results: Iterable[SiteEnergies], *, width: float = _WIDTH, axes: Any = None) -> Any:
    """Draw the densities of site energies, one panel for each arrangement.

    Parameters
    ----------
    results : iterable of SiteEnergies
        What to draw.
    width : float
        Standard deviation of the Gaussians, in eV.
    axes : sequence of matplotlib Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    ndarray of matplotlib Axes
        One per result.
    """
    listed = sorted(results, key=lambda r: r.inversion)
    if not listed:
        raise InputError("results", need="one result or more", got="none", remedy="compute site energies first")
    if axes is None:
        pyplot = require("matplotlib.pyplot", purpose="figures", install="pip install 'ionpath[pymatgen]'")
        size = (5.2, 0.6 + 1.4 * len(listed))
        _, axes = pyplot.subplots(len(listed), 1, sharex=True, squeeze=False, figsize=size, layout="constrained")
    panels = np.asarray(axes).ravel()
    low = min(r.energies.min() for r in listed) - 5 * width
    high = max(r.energies.max() for r in listed) + 5 * width
    grid = np.linspace(low, high, 800)
    for ax, result in zip(panels, listed, strict=True):
        for kind in sorted(set(result.kinds.tolist())):
            ax.fill_between(grid, result.density(kind, grid, width=width), alpha=0.5, label=kind)
        ax.set_ylabel(f"y = {result.inversion:.3g}")
        ax.set_yticks([])
    panels[0].legend()
    panels[-1].set_xlabel("site energy (eV)")
    return panels
