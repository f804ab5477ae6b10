"""Configurational entropy of a structure, from partial occupancies or from one arrangement in a supercell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.arguments import finite, typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.constants import GAS_CONSTANT
from ionpath.disorder.mixing import entropy_map, mixing_entropy
from ionpath.documented import documented
from ionpath.errors import InputError, require
from ionpath.msonable import Msonable
from pymatgen.analysis.argyrodite.framework import Argyrodite, analyse, mobile_species

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pymatgen.core import Structure


@documented
@dataclass(frozen=True)
class ConfigurationalEntropy(Msonable):
    """Ideal entropy of mixing of an argyrodite."""

    by_site: Mapping[str, float]  # entropy of each orbit per formula unit, in R
    # species on each orbit and their mean fractions; what is missing to 1 is vacancies
    fractions: Mapping[str, Mapping[str, float]]
    # inversion, x_excess: halide fraction of the free-sulfur orbit, and halide per formula unit beyond one
    inversion: float
    x_excess: float

    @property
    def anions(self) -> float:
        """Entropy of the anions on 4a, 4c or 4d, and 16e per formula unit, in R."""
        return float(sum(v for k, v in self.by_site.items() if k in ("4a", "4c", "4d", "16e")))

    @property
    def total(self) -> float:
        """Entropy of all orbits per formula unit, in R."""
        return float(sum(self.by_site.values()))

    @property
    def joule(self) -> float:
        """Entropy of the anions per mole of formula units, in J/mol/K."""
        return self.anions * GAS_CONSTANT

    def report(self) -> str:
        """Table with a line for each orbit, and the sum over the anions."""
        lines = [f"inversion {self.inversion:.4f}, excess halide {self.x_excess:+.4f}"]
        for orbit, value in self.by_site.items():
            share = ", ".join(f"{e} {p:.4f}" for e, p in self.fractions[orbit].items())
            lines.append(f"  {orbit:4s} {value:8.5f} R  {value * GAS_CONSTANT:8.4f} J/mol/K  ({share})")
        lines.append(f"  anions on the two orbits: {self.anions:.5f} R = {self.joule:.4f} J/mol/K")
        return "\n".join(lines)


@typed
@references("jang2025")
def configurational_entropy(structure: Structure, *, lithium: bool = False) -> ConfigurationalEntropy:
    """Return the ideal entropy of mixing per formula unit.

    Parameters
    ----------
    structure : Structure
        Argyrodite with partial occupancies, as refined; or one arrangement in a supercell, whose fractions are then
        those of full disorder at its composition and inversion.
    lithium : bool
        Also count lithium, cations that share its sites, and vacancies on each occupied lithium position. This takes
        the positions as independent, which positions of one split pair are not, and is an upper bound.

    Returns
    -------
    ConfigurationalEntropy
        By orbit, whole, in R and in J/mol/K.

    Raises
    ------
    InputError
        If it is not an argyrodite.

    Notes
    -----
    S/R = -sum over the orbits of m sum_i p_i ln p_i with the mean fractions p of each orbit and its m sites per formula
    unit: 1 for 4a, for 4c or 4d, and for the centres, 4 for the bound anions 16e where several elements share them
    (Jang et al., J. Mater. Chem. A 13, 16547 (2025), Eq. 3, for the first two). It does not see the
    order within an orbit; see `AnionClusterExpansion` for what order takes away.

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import argyrodite, configurational_entropy
    >>> round(configurational_entropy(argyrodite(inversion=0.5)).anions, 4)
    1.3863
    """
    found = analyse(structure)
    orbits = {"4a": found.halide_sites, found.sulfur_orbit: found.sulfur_sites}
    fractions = {name: _mean_fractions(structure, sites) for name, sites in orbits.items()}
    for name, sites in (("16e", found.bonded), ("4b", found.centres)):
        mean = _mean_fractions(structure, sites)
        if len(mean) > 1:
            fractions[name] = mean
    by_site = {
        name: mixing_entropy({name: list(p.values())}, sites_per_formula=4.0 if name == "16e" else 1.0)
        for name, p in fractions.items()
    }
    if lithium:
        name = getattr(mobile_species(structure, found.mobile), "symbol", "Li")
        by_site[name] = _lithium_entropy(structure, found)
        fractions[name] = _mean_fractions(structure, found.mobile)
    return ConfigurationalEntropy(by_site, fractions, found.inversion, found.x_excess)


def _mean_fractions(structure: Structure, sites: Indices) -> dict[str, float]:
    total: dict[str, float] = {}
    for k in sites:
        for species, amount in structure[int(k)].species.items():
            total[species.symbol] = total.get(species.symbol, 0.0) + float(amount)
    share = {e: total[e] / len(sites) for e in sorted(total)}
    # Refined occupancies are rounded; what they lack to 1 within that rounding is spread over the species.
    whole = sum(share.values())
    return {e: p / whole for e, p in share.items()} if 0.98 < whole < 1.02 else share


def _lithium_entropy(structure: Structure, found: Argyrodite) -> float:
    occupancies = [np.array([*structure[int(k)].species.values()], dtype=float) for k in found.mobile]
    each = [mixing_entropy([(p / max(p.sum(), 1.0)).tolist()], vacancies=True) for p in occupancies]
    return float(sum(each)) / found.n_formula_units


def _axis(name: str, values: ArrayLike) -> Floats:
    """Values along an axis of a map, which has two or more."""
    found = finite(name, values)
    if found.ndim != 1 or len(found) < 2:
        remedy = "leave it out"
        raise InputError(name, need="two values or more, from 0 to 1", got=f"shape {found.shape}", remedy=remedy)
    return np.asarray(found, dtype=np.float64)


@typed
def plot_entropy_map(x_excess: ArrayLike | None = None, inversion: ArrayLike | None = None, *, ax: Any = None) -> Any:
    """Draw the ideal entropy over excess halide and inversion.

    Parameters
    ----------
    x_excess : array_like, optional
        Values of x; 0 to 1 in 201 steps without it.
    inversion : array_like, optional
        Values of y; 0 to 1 in 201 steps without it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    matplotlib Axes
        With the map, contours in R, and the line of the largest entropy at each x.

    Raises
    ------
    InputError
        If there are fewer than two values of x or of y.
    MissingDependency
        If matplotlib is not installed.
    """
    if ax is None:
        pyplot = require("matplotlib.pyplot", purpose="figures", install="pip install 'ionpath[pymatgen]'")
        _, ax = pyplot.subplots(figsize=(5.2, 4.2), layout="constrained")
    xs = np.linspace(0.0, 1.0, 201) if x_excess is None else _axis("x_excess", x_excess)
    ys = np.linspace(0.0, 1.0, 201) if inversion is None else _axis("inversion", inversion)
    x, y, entropy = entropy_map(xs, ys)
    mesh = ax.pcolormesh(x, y, entropy, shading="nearest", cmap="viridis", vmin=0.0, rasterized=True)
    lines = ax.contour(x, y, entropy, levels=[0.25, 0.5, 0.75, 1.0, 1.25], colors="white", linewidths=0.8)
    ax.clabel(lines, fmt="%.2f R", fontsize=7)
    ax.plot(xs, (1 + xs) / 2, "--", color="crimson", linewidth=1.2, label="largest at each x")
    ax.figure.colorbar(mesh, ax=ax, label="mixing entropy (R per formula unit)")
    ax.set_xlabel("excess halide x in Li$_{6-x}$PS$_{5-x}$X$_{1+x}$")
    ax.set_ylabel("halide fraction of the free-sulfur orbit y")
    ax.legend(loc="lower right", fontsize=8)
    return ax
