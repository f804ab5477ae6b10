"""Probability density of ions in the crystal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import require, warn
from ionpath.periodic import fractional
from ionpath.sites.density import DensityAccumulator, DensityGrid
from ionpath.sites.maxima import density_sites
from ionpath.transport.percolation import percolation_threshold
from ionpath.transport.slab_populations import population_trends, slab_edges, slab_fractions
from ionpath.transport.volumetric_files import write_opendx, write_vasp_grid
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.ion_transport._drift import DriftingAnalysis, DriftOptions


@typed
class IonDensity(DriftingAnalysis):
    """Where ions are: density on a grid, percolation threshold, sites, and populations of regions.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse, whose drift is taken off; default: all others.
    spacing : float, default 0.25
        Largest edge of a voxel in A.
    sigma : float, default 0.3
        Width in A of the Gaussian that smooths the density.
    sites : {"ions", "holes"}, default "ions"
        What a site is: a place that one ion fills, or every single hole between the anions; see
        `ionpath.transport.density_sites`.
    site_level : float, optional
        Least height of a site in units of the mean density; default: that of `sites`.
    site_separation : float, optional
        Least distance between two sites in A; default: that of `sites`.
    regions : sequence of float, optional
        Lower edges of slabs in fractional coordinates, whose populations are followed in time.
    axis : {0, 1, 2}, default 2
        Cell vector across which the slabs lie.
    **options
        ``drift``, ``weights``, ``frame_time``, ``chunk_frames``, ``verbose``: see `DriftingAnalysis`.

    Attributes
    ----------
    results.grid : DensityGrid
        Counts, mean cell, frames.
    results.density : ndarray, shape (na, nb, nc)
        Smoothed density in units of its mean.
    results.percolation : Percolation
        Critical levels in units of the mean density.
    results.sites : DensitySites
        Sites found in the density, with occupancies.
    results.populations : RegionPopulations
        Fractions of ions in the slabs against time; only with `regions`.
    results.framework : ndarray, shape (M, 3)
        Mean positions of the framework in the mean cell in A.

    Notes
    -----
    Memory does not grow with frames, but for the populations of regions (8 bytes per frame and slab). In a cell that
    changes, ions are counted by fractional coordinates.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> found = IonDensity(hopping_universe(400).select_atoms("name Li")).run()
    >>> len(found.results.sites.positions)  # eight octahedra
    48
    """

    __references__ = ("jang2025", "chen2025")
    _derived = ("density",)
    _min_frames: ClassVar[int] = 2

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        spacing: float = 0.25,
        sigma: float = 0.3,
        sites: str = "ions",
        site_level: float | None = None,
        site_separation: float | None = None,
        regions: Sequence[float] | None = None,
        axis: int = 2,
        **options: Unpack[DriftOptions],
    ) -> None:
        chosen = {
            "spacing": spacing, "sigma": sigma, "sites": sites, "site_level": site_level,
            "site_separation": site_separation, "axis": axis,
            "regions": None if regions is None else slab_edges(regions).tolist(),
        }  # fmt: skip
        super().__init__(mobile, framework, chosen, **options)
        self._symbols = _symbols(self.groups.get("framework"))

    def _prepare_block(self) -> None:
        self._grid = DensityAccumulator(self._reference["cell"], spacing=self.parameters["spacing"])
        self._framework_sum = np.zeros((len(self.groups.get("framework", ())), 3))
        self._slabs: list[Any] = []

    def _process(self, chunk: Chunk) -> None:
        drift = self._drift(chunk)
        if "framework" in self.groups:
            self._framework_sum += self._displacements(chunk, "framework", drift).sum(axis=0)
        moved = np.einsum("ti,tij->tj", drift, chunk.cells)
        positions = chunk.positions["mobile"].astype(np.float64) - moved[:, None]
        self._grid.add(positions, chunk.cells)
        if self.parameters["regions"] is not None:
            coordinate = fractional(positions, chunk.cells)[..., self.parameters["axis"]]
            self._slabs.append(slab_fractions(coordinate, np.asarray(self.parameters["regions"])))

    def _block_results(self) -> dict[str, Any]:
        block = {
            "counts": self._grid.counts,
            "cell_sum": self._grid.cell_sum,
            "n_frames": self._grid.n_frames,
            "framework": self._framework_sum,
        }
        return block | ({"slabs": np.concatenate(self._slabs)} if self._slabs else {})

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        if self.parameters["drift"] == "framework" and "framework" not in self.groups:
            warn("no framework atoms: the density is not corrected for drift; pass drift='none' if that is meant")
        n_frames = sum(block["n_frames"] for block in blocks)
        cell = sum(block["cell_sum"] for block in blocks) / n_frames
        grid = DensityGrid(sum(block["counts"] for block in blocks), cell, n_frames)
        results, p = self.results, self.parameters
        results.grid = grid
        self._rebuild()
        results.percolation = percolation_threshold(results.density)
        results.sites = density_sites(grid, sites=p["sites"], level=p["site_level"], separation=p["site_separation"])
        if "framework" in self.groups:
            start = fractional(self._reference["framework"], self._reference["cell"])
            results.framework = (start + sum(b["framework"] for b in blocks) / n_frames) @ cell
            results.symbols = list(self._symbols)
        if p["regions"] is not None:
            fractions = np.concatenate([block["slabs"] for block in blocks])
            results.populations = population_trends(fractions, np.asarray(p["regions"]), self.times - self.times[0])

    def _rebuild(self) -> None:
        self.results.density = self.results.grid.relative(self.parameters["sigma"])

    def write_opendx(self, path: str | os.PathLike[str]) -> None:
        """Write the smoothed density in units of its mean as OpenDX."""
        self._require_results()
        write_opendx(path, self.results.density, self.results.grid.cell)

    def write_vasp(self, path: str | os.PathLike[str]) -> None:
        """Write the smoothed density in A^-3 with the mean framework in the grid format of VASP."""
        self._require_results()
        r = self.results
        atoms = {"symbols": r.symbols, "positions": r.framework} if r.get("symbols") else {}
        write_vasp_grid(path, r.grid.density(self.parameters["sigma"]), r.grid.cell, **atoms)

    def _headline(self) -> dict[str, Any]:
        r = self.results
        return {"percolation threshold": r.percolation.threshold, "sites": len(r.sites.peaks)}

    def _table(self) -> dict[str, Any]:
        sites = self.results.sites
        columns = {axis: sites.positions[:, k] for k, axis in enumerate("xyz")}
        units = dict.fromkeys("xyz", "A")
        return {**columns, "peak": sites.peaks, "occupancy": sites.occupancies, "units": units}

    @figure()
    def plot(self, ax: Any = None, *, axis: int = 2) -> Any:
        """Draw the density as its mean along cell vector `axis`: 0, 1 or 2."""
        r = self.results
        lengths = np.delete(np.linalg.norm(r.grid.cell, axis=1), axis)
        image = ax.imshow(
            r.density.mean(axis=axis).T, origin="lower", extent=(0, lengths[0], 0, lengths[1]), cmap="magma"
        )
        ax.figure.colorbar(image, ax=ax, label="density / mean", shrink=0.85)
        names = [name for k, name in enumerate("abc") if k != axis]
        ax.set(xlabel=f"along {names[0]} (Å)", ylabel=f"along {names[1]} (Å)")

    def plot_isosurface(self, level: float | None = None, *, framework: bool = True) -> Any:
        """Surface of equal density in three dimensions, as a plotly Figure: ``.show()`` or ``.write_html(path)``.

        `level` is in units of the mean density; by default the percolation threshold. A grid of more than 36 points
        along an edge is averaged to 36, so that a notebook with it stays below 2 MB; ``results.density`` has them all.
        Mean places of the framework are drawn as points of each element, unless `framework` is False.
        """
        self._require_results()
        go = require("plotly.graph_objects", purpose="isosurfaces", install="pip install plotly")
        r = self.results
        value = r.percolation.threshold if level is None else level
        edges = np.linalg.norm(r.grid.cell, axis=1)
        shown, axes = _coarse(r.density, edges)
        x, y, z = (mesh.ravel().astype(np.float32) for mesh in np.meshgrid(*axes, indexing="ij"))
        surface = go.Isosurface(
            x=x, y=y, z=z, value=shown.ravel(), isomin=value, isomax=value, surface_count=1, opacity=0.6,
            caps={"x_show": False, "y_show": False, "z_show": False}, showscale=False,
        )  # fmt: skip
        figure = go.Figure([surface, *(self._framework_points(go, edges) if framework else ())])
        titles = {f"{k}axis": {"title": f"along {v} (Å)"} for k, v in zip("xyz", "abc", strict=True)}
        figure.update_layout(title=f"density = {value:.3g} x mean", scene={**titles, "aspectmode": "data"})
        return figure

    def _framework_points(self, go: Any, edges: Any) -> list[Any]:
        """The mean framework in the axes of the surface, one set of points for each element."""
        r = self.results
        if not r.get("symbols"):
            return []
        places = fractional(r.framework, r.grid.cell) % 1.0 * edges
        symbols, drawn = np.array(r.symbols), []
        for name in np.unique(symbols).tolist():
            x, y, z = places[symbols == name].T.astype(np.float32)
            drawn.append(go.Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker={"size": 3}))
        return drawn

    @figure()
    def plot_populations(self, ax: Any = None) -> Any:
        """Draw the fraction of ions in each slab against time."""
        populations = self.results.populations
        for k, edge in enumerate(populations.edges):
            ax.plot(populations.times, populations.fractions[:, k], label=f"from {edge:g}: {populations.trends[k]}")
        ax.set(xlabel="time (ps)", ylabel="fraction of ions")
        ax.legend(fontsize=8)


def _symbols(framework: Any) -> Sequence[str]:
    symbols = getattr(framework, "elements", None)
    return [] if symbols is None or not all(symbols) else [str(s) for s in symbols]


def _coarse(density: Floats, edges: Floats, most: int = 36) -> Any:
    """Means over blocks of voxels, at most so many along an edge, and where their middles lie (A)."""
    axes = []
    for axis, (n, edge) in enumerate(zip(density.shape, edges, strict=True)):
        starts = np.linspace(0, n, min(n, most) + 1).astype(int)
        sums = np.add.reduceat(density, starts[:-1], axis=axis)
        density = sums / np.diff(starts).reshape([-1 if k == axis else 1 for k in range(3)])
        axes.append(0.5 * (starts[1:] + starts[:-1]) * edge / n)
    return density.astype(np.float32), axes
