"""Layers across a cell: composition, mass density, and how amorphous they are."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, heights
from ionpath.citations import references
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.structure import AmorphisationProfile as Profile, Regions, divide_regions
from ionpath.structure.amorphisation import LayerGrid, layer_amplitudes, layer_grid, normalised_profile
from ionpath.structure.profiles import LayerHistogram
from ionpath.structure.regions import NAMES
from ionpath.sums import Sums
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import MOST_BINS, Options, StructureAnalysis, cell_now, symbols_of

Axis = Literal["x", "y", "z", 0, 1, 2]


def axis_number(axis: Axis) -> int:
    """Number of a cell vector from its name."""
    numbers: dict[Any, int] = {"x": 0, "y": 1, "z": 2, 0: 0, 1: 1, 2: 2}
    if axis not in numbers:
        raise InputError("axis", need="x, y or z", got=repr(axis), remedy="choose one of them")
    return numbers[axis]


@typed
@references("chen2025")
class LayerProfiles(StructureAnalysis):
    """Composition and mass density in layers across a cell.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms to count, usually all of them.
    axis : {"y", "x", "z"}
        Cell vector that counts the layers.
    bins : int, default 20
        Number of layers.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.y : ndarray, (B,)
        Centres of the layers, in A.
    results.species : tuple of str
        Species.
    results.fractions, results.densities : ndarray, (species, B)
        Number fractions, and number densities in 1/A^3.
    results.mass_density, results.mass_density_error : ndarray, (B,)
        Mass density and its standard error, in g/cm^3.

    Raises
    ------
    InputError
        If elements or masses are not known.
    """

    _values = ("y", "species", "fractions", "densities", "mass_density")
    _spread = ("mass_density",)

    def __init__(self, atoms: Any, *, axis: Axis = "y", bins: int = 20, **options: Unpack[Options]) -> None:
        symbols, number = symbols_of(atoms), axis_number(axis)
        whole("bins", bins, 1, MOST_BINS)
        super().__init__({"atoms": atoms}, {"axis": number, "bins": bins}, **options)
        self._make = partial(LayerHistogram, symbols, _masses(atoms), axis=number, bins=bins)

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the number fractions, with the mass density on an axis of its own."""
        r = self.results
        for name, row in zip(r.species, r.fractions, strict=True):
            ax.plot(r.y, row, "o-", ms=3, label=name)
        ax.set(xlabel="position (Å)", ylabel="number fraction", ylim=(0, None))
        ax.legend(fontsize="small")
        other = ax.twinx()
        other.errorbar(r.y, r.mass_density, r.mass_density_error, color="0.5", ls="--", lw=1)
        other.set_ylabel("mass density (g/cm³)")

    def _table(self) -> dict[str, Any]:
        r = self.results
        table = {"y": r.y, "mass density": r.mass_density, "error": r.mass_density_error}
        table.update(dict(zip(r.species, r.fractions, strict=True)))
        return {**table, "units": {"y": "A", "mass density": "g/cm^3", "error": "g/cm^3"}}


def _masses(atoms: Any) -> Floats:
    masses = getattr(atoms, "masses", None)
    if masses is None or not (np.asarray(masses) > 0).all():
        got = "none" if masses is None else "atoms without a mass"
        remedy = "call u.guess_TopologyAttrs(to_guess=['masses']) or add_TopologyAttr('masses', values)"
        raise InputError("atoms", need="masses in the topology", got=got, remedy=remedy)
    return np.asarray(masses, dtype=np.float64)


class _Amplitudes(Sums):
    """Sums of the amplitudes of all layers, of their squares, of heights, and of frames."""

    _adding = ("_sums", "_totals")

    def __init__(self, layers: LayerGrid) -> None:
        self._layers = layers
        self._sums = np.zeros((2, layers.n_layers))
        self._totals = np.zeros(2)

    def add(self, positions: Floats, cell: Floats) -> None:
        amplitudes = layer_amplitudes(positions, cell, self._layers)
        self._sums += [amplitudes, amplitudes**2]
        self._totals += [heights(cell)[self._layers.axis], 1.0]

    def result(self) -> Profile:
        (total, squares), (height, count) = self._sums, self._totals
        return normalised_profile(total, squares, int(count), float(height / count), self._layers)


@typed
@references("chen2025")
class AmorphisationProfile(StructureAnalysis):
    """How amorphous the layers of a cell are, and where crystal, interface and glass lie.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms that tell: all, or the framework.
    axis : {"y", "x", "z"}
        Cell vector that counts the layers.
    thickness : float, default 6
        Thickness of a layer, in A; rounded so that whole layers fit.
    grid : float, default 0.5
        Largest distance between points of the grid, in A.
    sigma : float, default 0.7
        Width of the Gaussian of an atom, in A.
    thresholds : tuple of float, optional
        Crystal below the first, glass above the second; default: from the profile.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.y : ndarray, (B,)
        Centres of the layers, in A.
    results.profile, results.error : ndarray, (B,)
        Amorphisation of every layer, 1 for the most amorphous one, and its standard error.
    results.contrast : float
        Highest less lowest value.
    results.layers : ionpath.structure.AmorphisationProfile
        The same as one object.

    Raises
    ------
    InputError
        If fewer than two layers fit.

    Notes
    -----
    `ionpath.structure.amorphisation_profile` says what is computed. `regions` divides the layers, and `select`
    gives the atoms of a region.
    """

    _values = ("y", "profile", "error")

    def __init__(
        self,
        atoms: Any,
        *,
        axis: Axis = "y",
        thickness: float = 6.0,
        grid: float = 0.5,
        sigma: float = 0.7,
        thresholds: tuple[float, float] | None = None,
        **options: Unpack[Options],
    ) -> None:
        number, cell = axis_number(axis), cell_now(atoms)
        points = round(float(np.linalg.norm(cell, axis=1).max()) / positive("grid", grid, "A"))
        whole("cell / grid", points, 1, 10_000, remedy="use a coarser grid")
        chosen: dict[str, Any] = {"axis": number, "thickness": thickness, "grid": grid, "sigma": sigma}
        super().__init__({"atoms": atoms}, {**chosen, "thresholds": thresholds}, **options)
        self._make = partial(_Amplitudes, layer_grid(cell, **chosen))

    def _add_results(self, found: Profile) -> None:
        self.results.update(contrast=float(np.ptp(found.profile)), layers=found)

    def regions(self, **options: Any) -> Regions:
        """Tell crystal, interface and glass apart: the region of every layer.

        Options are ``thresholds``, ``interface_layers``, ``contrast`` of `ionpath.structure.divide_regions`. InputError
        if the profile is too flat to be divided.
        """
        self._require_results()
        profile: Profile = self.results.layers
        return divide_regions(profile, **{"thresholds": self.parameters["thresholds"], **options})

    def select(self, region: Literal["crystal", "interface", "glass"], group: Any = None, **options: Any) -> Any:
        """Select the atoms of `group` that lie in a region in the frame that the universe is at, for other analyses.

        The selection is fixed; by default it is among the atoms of the analysis. Options are those of `regions`.
        InputError if the region is unknown, or results were loaded and no group is passed.
        """
        one_of("region", region, NAMES)
        atoms = self.groups.get("atoms") if group is None else group
        if atoms is None:
            raise InputError("group", need="an AtomGroup", got="none", remedy="pass the atoms to choose from")
        found = self.regions(**options).of(atoms.positions, cell_now(atoms))
        return atoms[found == NAMES.index(region)]

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the profile with its regions, if it can be divided."""
        r = self.results
        ax.errorbar(r.y, r.profile, r.error, fmt="o-", ms=3)
        half = 0.5 * r.layers.thickness
        for y, kind in zip(r.y, self._kinds(), strict=False):
            ax.axvspan(y - half, y + half, color=("C0", "0.6", "C3")[kind], alpha=0.15, lw=0)
        ax.set(xlabel="position (Å)", ylabel="amorphisation")

    def _kinds(self) -> Any:
        """Region of every layer; none where the profile cannot be divided."""
        try:
            return self.regions().layers
        except InputError:
            return []

    def _table(self) -> dict[str, Any]:
        r = self.results
        region = [NAMES[k] for k in self._kinds()] or ["not divided"] * len(r.y)
        return {"y": r.y, "profile": r.profile, "error": r.error, "region": region, "units": {"y": "A"}}
