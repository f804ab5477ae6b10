"""Rings of the anion network, by persistent homology."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.elements import ANIONS
from ionpath.errors import InputError, positive, whole
from ionpath.structure import DiffractionPeak, Rings, persistent_rings
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import Options, StructureAnalysis, check_species, symbols_of

LARGE = 8
"""Rings of more atoms than this are called large."""


class _Counts:
    """Rings counted frame by frame: by size and make-up, in the diagram, and by the atoms they hold."""

    def __init__(self, n_atoms: int, edges: Floats) -> None:
        self._edges = edges
        self.n_frames = 0
        self.sizes = self.spans = np.zeros(0)  # number and summed diameter of the rings of each size
        self.formulas: dict[str, float] = {}
        self.diagram = np.zeros((len(edges) - 1,) * 2)
        self.membership = np.zeros(n_atoms)
        self.facts = np.zeros(4)  # rings, without centres, winding, outside of the diagram

    def add(self, rings: Rings) -> None:
        share = 1.0 / rings.copies
        members = rings.members[rings.size > LARGE]
        anions = [k for k, symbol in enumerate(rings.species) if symbol in ANIONS]
        alone = rings.composition[:, anions].sum(axis=1) == rings.size
        inside = np.histogram2d(rings.birth_radius, rings.death_radius, bins=[self._edges, self._edges])[0]
        formulas = {name: share * number for name, number in Counter(rings.formulas()).items()}
        self.merge((
            1,
            share * np.bincount(rings.size),
            share * np.bincount(rings.size, 2.0 * rings.death_radius),
            formulas,
            share * inside,
            share * np.bincount(members[members >= 0], minlength=len(self.membership)),
            share * np.array([len(alone), alone.sum(), rings.winds.sum(), len(alone) - inside.sum()]),
        ))  # fmt: skip

    def state(self) -> tuple[Any, ...]:
        return (self.n_frames, self.sizes, self.spans, self.formulas, self.diagram, self.membership, self.facts)

    def merge(self, state: tuple[Any, ...]) -> None:
        n_frames, sizes, spans, formulas, diagram, membership, facts = state
        self.n_frames += n_frames
        self.sizes, self.spans = _added(self.sizes, sizes), _added(self.spans, spans)
        for name, number in formulas.items():
            self.formulas[name] = self.formulas.get(name, 0.0) + number
        self.diagram += diagram
        self.membership += membership
        self.facts += facts

    @property
    def large_length(self) -> float:
        """Mean diameter of large rings; nan without any."""
        number = self.sizes[LARGE + 1 :].sum()
        return float(self.spans[LARGE + 1 :].sum() / number) if number else float("nan")


def _added(a: Floats, b: Floats) -> Floats:
    """Sum of two arrays of which one may be longer."""
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer + np.pad(shorter, (0, len(longer) - len(shorter)))


@typed
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
    longest : int, optional
        Refuse a frame in which a ring has more atoms than this; default: as many as it takes.
    bins : int, default 60
        Bins of the persistence diagram along both axes.
    largest_radius : float, default 6
        Range of the persistence diagram, in A.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

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
    A frame of 3,328 atoms takes about a tenth of a second with numba (``pip install "ionpath[fast]"``), ten times as
    long without. The diameters and 2 pi / Q of
    the first sharp diffraction peak are compared by `compare`.
    """

    def __init__(
        self,
        atoms: Any,
        *,
        species: Sequence[str] = ("P", "S"),
        radii: Mapping[str, float] | None = None,
        min_persistence: float = 0.1,
        longest: int | None = None,
        bins: int = 60,
        largest_radius: float = 6.0,
        **options: Unpack[Options],
    ) -> None:
        symbols = symbols_of(atoms)
        chosen = check_species(species, symbols, "species")
        missing = [s for s in chosen if radii is not None and s not in radii]
        if missing:
            raise InputError("radii", need=f"a radius of {missing[0]}", got="none", remedy="give one for each species")
        whole("bins", bins, 1, 2000)
        positive("largest_radius", largest_radius, "A")
        positive("min_persistence", min_persistence, "A", zero=True)
        if longest is not None:
            whole("longest", longest, 3, 10**9, remedy="leave it out")
        given = None if radii is None else dict(radii)
        parameters = {"species": chosen, "radii": given, "min_persistence": min_persistence, "longest": longest}
        super().__init__({"atoms": atoms}, parameters, **options)
        self._edges = np.linspace(0.0, largest_radius, bins + 1)
        self._make = partial(_Counts, len(symbols), self._edges)
        self._find = partial(
            persistent_rings,
            species=symbols,
            select=chosen,
            radii=given,
            min_persistence=min_persistence,
            longest=longest,
        )

    def _add(self, sums: Any, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk):
            sums.at(block).add(self._find(positions, cell))

    def _fill(self, sums: Any) -> None:
        found: _Counts = sums.total()
        width, n_frames = len(found.sizes), found.n_frames
        shown = np.flatnonzero(found.sizes)
        rings, alone, winding, outside = found.facts
        nan = float("nan")
        order = sorted(found.formulas, key=lambda name: (-round(found.formulas[name], 9), name))

        def per_frame(part: _Counts) -> Floats:
            return np.pad(part.sizes, (0, width - len(part.sizes)))[shown] / part.n_frames

        self.results.update(
            sizes=shown,
            rings_per_frame=per_frame(found),
            rings_per_frame_error=sums.error(per_frame),
            diameters=found.spans[shown] / found.sizes[shown],
            formulas={name: found.formulas[name] / n_frames for name in order},
            anions_only_fraction=float(alone / rings) if rings else nan,
            winding_fraction=float(winding / rings) if rings else nan,
            outside_fraction=float(outside / rings) if rings else nan,
            edges=self._edges,
            diagram=found.diagram / n_frames,
            membership=found.membership / n_frames,
            large_length=found.large_length,
            large_length_error=float(sums.error(lambda part: part.large_length)),
        )

    def compare(self, peak: DiffractionPeak) -> dict[str, float]:
        """Lay the diameters of the rings beside the length behind a peak of `StructureFactor.first_peak`.

        ``length`` of the peak (2 pi / Q, in A), mean diameters of small and large rings (more than 8 atoms), and the
        ratio of the latter to the length.
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

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot how many rings there are of each size."""
        r = self.results
        ax.bar(r.sizes, r.rings_per_frame, yerr=r.rings_per_frame_error)
        ax.set(xlabel="atoms in the ring", ylabel="rings per frame")

    @figure()
    def plot_diagram(self, ax: Any = None) -> Any:
        """Plot the persistence diagram."""
        r = self.results
        shown = np.where(r.diagram > 0, r.diagram, np.nan)
        image = ax.pcolormesh(r.edges, r.edges, shown.T)
        ax.figure.colorbar(image, ax=ax, label="rings per frame")
        ax.plot(r.edges[[0, -1]], r.edges[[0, -1]], color="0.6", lw=0.8)
        ax.set(xlabel="birth radius (Å)", ylabel="death radius (Å)", aspect="equal")

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {
            "size": r.sizes, "rings per frame": r.rings_per_frame, "error": r.rings_per_frame_error,
            "diameter": r.diameters, "units": {"diameter": "A"},
        }  # fmt: skip
