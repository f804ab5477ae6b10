"""Rings of the anion network, by persistent homology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.structure import DiffractionPeak, Rings, persistent_rings
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.anion_disorder._structure import (
    ANIONS,
    StructureAnalysis,
    check_species,
    symbols_of,
)

LARGE = 8
"""Rings of more atoms than this are called large."""


@references("edelsbrunner1994", "gudhi", "chen2023")
class RingTopology(StructureAnalysis):
    """Rings of the anion network: sizes, make-up, persistence, and their length scale.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms that hold the species named.
    species : sequence of str, default ("P", "S")
        Species that make the network.
    radii : mapping of str to float, optional
        Radii in A of the balls at the start, for the weighted filtration.
    min_persistence : float, default 0.1
        Least difference between the radii of death and birth, in A; rings that live less are noise.
    bins : int, default 60
        Bins of the persistence diagram along both axes.
    largest_radius : float, default 6
        Range of the persistence diagram, in A.
    n_blocks : int, default 5
        Blocks of time, for errors.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.sizes : ndarray of int
        Numbers of atoms in a ring.
    results.rings_per_frame, results.rings_per_frame_error : ndarray
        Mean number of rings of each size in a frame, and its standard error.
    results.diameters : ndarray
        Mean diameter of the hole in rings of each size, twice the radius at which it fills, in A.
    results.formulas : dict of str to float
        Mean number of rings of each make-up in a frame.
    results.anions_only_fraction : float
        Share of the rings that hold no centre, but anions alone.
    results.edges : ndarray
        Edges of the persistence diagram, in A.
    results.diagram : ndarray, (birth, death)
        Mean number of rings in a frame in each bin of the two radii.
    results.membership : ndarray, (n_atoms,)
        Mean number of large rings (more than 8 atoms) that each atom belongs to.
    results.large_length, results.large_length_error : float
        Mean diameter of the holes of large rings, in A.
    results.winding_fraction : float
        Share of the rings for which only a cycle around the whole cell was found.

    Raises
    ------
    InputError
        If a species is absent, a radius is missing, or the cell is too small.

    Notes
    -----
    A frame of a few hundred atoms takes about a tenth of a second: run it with a step. The diameters and 2 pi / Q of
    the first sharp diffraction peak are compared by `compare`.
    """

    def __init__(
        self,
        atoms: Any,
        *,
        species: Sequence[str] = ("P", "S"),
        radii: Mapping[str, float] | None = None,
        min_persistence: float = 0.1,
        bins: int = 60,
        largest_radius: float = 6.0,
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        _checks.check_group(atoms, "atoms")
        chosen = [species] if isinstance(species, str) else list(species)
        check_species(chosen, atoms, "species")
        missing = [s for s in chosen if radii is not None and s not in radii]
        if missing:
            raise InputError(
                "radii", need=f"a radius of {missing[0]}", got="none", remedy="give one for each species"
            )
        parameters = {
            "species": chosen, "radii": None if radii is None else dict(radii),
            "min_persistence": min_persistence, "n_blocks": n_blocks,
        }  # fmt: skip
        super().__init__({"atoms": atoms}, n_blocks=n_blocks, parameters=parameters, **options)
        self._symbols = symbols_of(atoms, "atoms")
        self._edges = np.linspace(0.0, largest_radius, bins + 1)

    def _prepare_block(self) -> None:
        self._tables: list[tuple[int, Any, Any]] = []
        self._formulas: dict[str, float] = {}
        self._diagram = np.zeros((len(self._edges) - 1,) * 2)
        self._membership = np.zeros(len(self._symbols))
        self._facts = np.zeros(4)  # rings, without centres, winding, outside of the diagram

    def _process(self, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk, "atoms"):
            rings = persistent_rings(
                positions, cell, self._symbols, select=self.parameters["species"],
                radii=self.parameters["radii"], min_persistence=self.parameters["min_persistence"],
            )  # fmt: skip
            self._count(rings, block)

    def _count(self, rings: Rings, block: int) -> None:
        share = 1.0 / rings.copies
        sizes = share * np.bincount(rings.size)
        diameters = share * np.bincount(rings.size, 2.0 * rings.death_radius)
        self._tables.append((block, sizes, diameters))
        for name in rings.formulas():
            self._formulas[name] = self._formulas.get(name, 0.0) + share
        radii = (rings.birth_radius, rings.death_radius)
        inside = share * np.histogram2d(*radii, bins=[self._edges, self._edges])[0]
        self._diagram += inside
        members = rings.members[rings.size > LARGE]
        self._membership += share * np.bincount(members[members >= 0], minlength=len(self._symbols))
        anions = [k for k, s in enumerate(rings.species) if s in ANIONS]
        alone = rings.composition[:, anions].sum(axis=1) == rings.size
        counts = np.array([len(rings.size), alone.sum(), rings.winds.sum()]) * share
        self._facts += [*counts, counts[0] - inside.sum()]

    def _block_results(self) -> dict[str, Any]:
        return {
            "tables": self._tables,
            "formulas": self._formulas,
            "diagram": self._diagram,
            "membership": self._membership,
            "facts": self._facts,
        }

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        tables = [table for block in blocks for table in block["tables"]]
        width = max(len(sizes) for _, sizes, _ in tables)
        counts = np.array([np.pad(sizes, (0, width - len(sizes))) for _, sizes, _ in tables], dtype=float)
        spans = np.array([np.pad(d, (0, width - len(d))) for _, _, d in tables])
        which = np.array([block for block, _, _ in tables])
        n_frames = len(tables)
        formulas: dict[str, float] = {}
        for block in blocks:
            for name, number in block["formulas"].items():
                formulas[name] = formulas.get(name, 0.0) + number / n_frames
        rings, alone, winding, outside = sum(block["facts"] for block in blocks)
        shown = np.flatnonzero(counts.sum(axis=0))
        large = np.arange(width) > LARGE
        n_large = counts[:, large].sum()
        self.results.update(
            sizes=shown,
            rings_per_frame=counts.mean(axis=0)[shown],
            rings_per_frame_error=_error(counts, which)[shown],
            diameters=(spans.sum(axis=0)[shown] / counts.sum(axis=0)[shown]),
            formulas={
                name: formulas[name] for name in sorted(formulas, key=lambda n: (-round(formulas[n], 9), n))
            },
            anions_only_fraction=float(alone / rings) if rings else float("nan"),
            winding_fraction=float(winding / rings) if rings else float("nan"),
            outside_fraction=float(outside / rings) if rings else float("nan"),
            edges=self._edges,
            diagram=sum(block["diagram"] for block in blocks) / n_frames,
            membership=sum(block["membership"] for block in blocks) / n_frames,
            large_length=float(spans[:, large].sum() / n_large) if n_large else float("nan"),
            large_length_error=_ratio_error(spans[:, large].sum(axis=1), counts[:, large].sum(axis=1), which),
        )

    def compare(self, peak: DiffractionPeak) -> dict[str, float]:
        """Lay the diameters of the rings beside the length behind a diffraction peak.

        Parameters
        ----------
        peak : DiffractionPeak
            What `StructureFactor.first_peak` gives.

        Returns
        -------
        dict of str to float
            ``length`` of the peak (2 pi / Q, in A), mean diameters of small and large rings (more than 8 atoms), and
            the ratio of the latter to the length.
        """
        self._require_results()
        r = self.results
        small = r.sizes <= LARGE
        weight = r.rings_per_frame[small]
        mean = float((r.diameters[small] * weight).sum() / weight.sum()) if weight.sum() else float("nan")
        return {
            "length": peak.length,
            "small rings": mean,
            "large rings": r.large_length,
            "large rings / length": r.large_length / peak.length,
        }

    def plot(self, ax: Any = None) -> Any:
        """Plot how many rings there are of each size.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax)
        r = self.results
        axes.bar(r.sizes, r.rings_per_frame, yerr=r.rings_per_frame_error)
        axes.set(xlabel="atoms in the ring", ylabel="rings per frame")
        return axes

    def plot_diagram(self, ax: Any = None) -> Any:
        """Plot the persistence diagram.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax)
        r = self.results
        shown = np.where(r.diagram > 0, r.diagram, np.nan)
        image = axes.pcolormesh(r.edges, r.edges, shown.T)
        axes.figure.colorbar(image, ax=axes, label="rings per frame")
        axes.plot(r.edges[[0, -1]], r.edges[[0, -1]], color="0.6", lw=0.8)
        axes.set(xlabel="birth radius (Å)", ylabel="death radius (Å)", aspect="equal")
        return axes

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {
            "size": r.sizes, "rings per frame": r.rings_per_frame, "error": r.rings_per_frame_error,
            "diameter": r.diameters, "units": {"diameter": "A"},
        }  # fmt: skip


def _error(values: Any, which: Any) -> Any:
    means = np.array([values[which == k].mean(axis=0) for k in np.unique(which)])
    if len(means) < 2:
        return np.full(values.shape[1], np.nan)
    return means.std(axis=0, ddof=1) / np.sqrt(len(means))


def _ratio_error(total: Any, count: Any, which: Any) -> float:
    sums = [(total[which == k].sum(), count[which == k].sum()) for k in np.unique(which)]
    ratios = [t / c for t, c in sums if c]
    return float(np.std(ratios, ddof=1) / np.sqrt(len(ratios))) if len(ratios) > 1 else float("nan")
