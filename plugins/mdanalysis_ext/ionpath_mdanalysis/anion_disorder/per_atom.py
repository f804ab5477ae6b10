"""Numbers that every atom has in every frame: bond-orientational order, and the volume of the Voronoi cell."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar, Literal, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.errors import InputError, one_of, whole
from ionpath.frames import check_cutoff
from ionpath.structure import averaged_steinhardt, voronoi_volumes
from ionpath.sums import Sums
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._accumulating import block_error
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import MOST_BINS, Options, StructureAnalysis, cell_now, symbols_of


class _Numbers(Sums):
    """Sums over frames of one number per atom: frames, values, squares, histogram, means, and all on demand."""

    _adding = ("sums", "counts", "means", "rows")

    def __init__(self, n_atoms: int, edges: Floats, series: bool) -> None:
        self._edges, self._series = edges, series
        self.sums = np.zeros((3, n_atoms))
        self.counts = np.zeros(len(edges) - 1)
        self.means: list[float] = []
        self.rows: list[Any] = []

    def add(self, values: Floats) -> None:
        self.sums += np.stack([np.ones_like(values), values, values**2])
        self.counts += np.histogram(values, self._edges)[0]
        self.means.append(float(values.mean()))
        if self._series:
            self.rows.append(values.astype(np.float32))


class PerAtomAnalysis(StructureAnalysis):
    """Base of analyses that measure one number per atom and frame, kept as sums, or as a series on demand.

    `atoms` are needed, numbers of those in `of` (default: all) wanted; `edges` are those of the bins of the
    distribution.
    """

    _quantity = ""
    _unit: ClassVar[str] = ""

    def __init__(
        self, atoms: Any, of: Any, parameters: Mapping[str, Any], edges: Floats, series: bool, **options: Any
    ) -> None:
        of = atoms if of is None else of
        super().__init__({"atoms": atoms, "of": of}, {**parameters, "series": series}, **options)
        self._rows = _checks.rows_among(of, atoms, "of")
        self._set_edges(edges)

    def _set_edges(self, edges: Floats) -> None:
        self._edges = edges
        self._make = partial(_Numbers, len(self._rows), edges, self.parameters["series"])

    def _numbers(self, positions: Floats, cell: Floats) -> Floats:
        """Numbers of the atoms wanted in one frame."""
        raise NotImplementedError

    def _joined(self, chunk: Chunk) -> Any:
        return chunk.positions["atoms"]

    def _add(self, sums: Any, chunk: Chunk) -> None:
        for block, positions, cell in self._frames_of(chunk):
            sums.at(block).add(self._numbers(positions, cell))

    def _fill(self, sums: Any) -> None:
        found = sums.total()
        frames, total, squares = found.sums
        mean, means, counts = total / frames, np.array(found.means), found.counts
        parts = [part.mean() for part in np.array_split(means, min(self._n_blocks, len(means)))]
        self.results.update(
            per_atom=mean,
            per_atom_std=np.sqrt(np.maximum(squares / frames - mean**2, 0.0)),
            per_frame=means,
            mean=float(means.mean()),
            mean_error=float(block_error(np.array(parts))),
            edges=self._edges,
            density=counts / max(counts.sum(), 1) / np.diff(self._edges),
            outside_fraction=float(1.0 - counts.sum() / frames.sum()),
            indices=np.asarray(self.groups["of"].ix, dtype=np.int64),
        )
        if found.rows:
            self.results.series = np.array(found.rows)

    @figure()
    def plot(self, ax: Any = None, **line: Any) -> Any:
        """Plot the distribution over atoms and frames; `line` goes to matplotlib, for example ``label=``."""
        ax.stairs(self.results.density, self.results.edges, **line)
        ax.set(xlabel=self._quantity + self._unit, ylabel="density")
        if "label" in line:
            ax.legend()

    def _table(self) -> dict[str, Any]:
        r, unit = self.results, self._unit.strip(" ()")
        return {"atom": r.indices, "mean": r.per_atom, "std": r.per_atom_std, "units": {"mean": unit, "std": unit}}


@typed
@references("steinhardt1983", "lechner2008", "freud", "chen2025")
class AveragedSteinhardt(PerAtomAnalysis):
    """Averaged Steinhardt order of every atom.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms among which neighbours are counted: all, of whatever species.
    of : AtomGroup, optional
        Atoms whose order is wanted, for example the lithium ions; default: `atoms`.
    l : int, default 6
        Degree of the spherical harmonics.
    n_neighbours : int, default 12
        Neighbours are this many nearest atoms.
    cutoff : float, optional
        Neighbours are instead all within this distance, in A.
    averaged : bool, default True
        Average over the neighbours and the atom itself (Lechner and Dellago).
    bins : int, default 100
        Bins of the distribution, from 0 to 1.
    series : bool, default False
        Keep ``results.series``, the order of every atom in every frame, 4 bytes each. Nothing else grows with the
        frames but one number per frame.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.per_atom, results.per_atom_std : ndarray, (n,)
        Mean and standard deviation in time of every atom.
    results.per_frame : ndarray, (n_frames,)
        Mean over the atoms.
    results.mean, results.mean_error : float
        Mean over all, and its standard error.
    results.edges, results.density : ndarray
        Distribution.

    Raises
    ------
    InputError
        If `of` is not among `atoms`, or a cutoff is beyond half of the cell.
    """

    _quantity = "averaged order"

    def __init__(
        self,
        atoms: Any,
        of: Any = None,
        *,
        l: int = 6,
        n_neighbours: int = 12,
        cutoff: float | None = None,
        averaged: bool = True,
        bins: int = 100,
        series: bool = False,
        **options: Unpack[Options],
    ) -> None:
        _checks.check_group(atoms, "atoms")
        if cutoff is not None:
            check_cutoff(cutoff, cell_now(atoms), "cutoff")
        whole("l", l, 1, 20, remedy="use 4 or 6")
        if cutoff is None:
            whole("n_neighbours", n_neighbours, 1, max(1, len(atoms) - 1))
        whole("bins", bins, 1, MOST_BINS)
        chosen: dict[str, Any] = {"l": l, "n_neighbours": n_neighbours, "cutoff": cutoff, "averaged": averaged}
        super().__init__(atoms, of, chosen, np.linspace(0, 1, bins + 1), series, **options)
        self._chosen = chosen

    def _numbers(self, positions: Floats, cell: Floats) -> Floats:
        values = averaged_steinhardt(positions, cell, **self._chosen)
        return np.asarray(values[self._rows], dtype=np.float64)


@typed
@references("freud", "rycroft2009", "gellatly1982", "chen2023")
class IonVoronoiVolume(PerAtomAnalysis):
    """Volume of the Voronoi cell of every mobile ion.

    Parameters
    ----------
    mobile : AtomGroup
        Ions whose volumes are wanted.
    atoms : AtomGroup, optional
        Atoms that share out the space; default: all of the universe.
    mode : {"plain", "radical"}
        Plain cells hold what is nearest to an atom; radical ones take sizes into account.
    radii : mapping of str to float, optional
        Radii of the elements in A, for radical cells.
    bins : int, default 200
        Bins of the distribution.
    volume_range : tuple of float, default (0, 60)
        Range of the distribution, in A^3.
    series, **options
        See `AveragedSteinhardt`, whose results these are, with volumes in A^3.

    Raises
    ------
    InputError
        If an ion is not among `atoms`, or a radius is missing.
    """

    _quantity = "Voronoi volume"
    _unit = " (Å³)"

    def __init__(
        self,
        mobile: Any,
        atoms: Any = None,
        *,
        mode: Literal["plain", "radical"] = "plain",
        radii: Mapping[str, float] | None = None,
        bins: int = 200,
        volume_range: tuple[float, float] = (0.0, 60.0),
        series: bool = False,
        **options: Unpack[Options],
    ) -> None:
        _checks.check_group(mobile, "mobile")
        everything = mobile.universe.atoms if atoms is None else atoms
        _checks.check_group(everything, "atoms")
        one_of("mode", mode, ("plain", "radical"))
        self._radii: Floats | None = None
        if mode == "radical":
            symbols = symbols_of(everything, "atoms")
            missing = sorted(set(symbols) - set(radii or {}))
            if missing or radii is None:
                need = f"a radius of {', '.join(missing)} for radical cells"
                raise InputError("radii", need=need, got="none", remedy="give radii={'Li': 0.76, 'S': 1.84, ...} in A")
            self._radii = np.array([radii[s] for s in symbols])
        whole("bins", bins, 1, MOST_BINS)
        low, high = (float(x) for x in volume_range)
        if not (np.isfinite([low, high]).all() and low < high):
            raise InputError("volume_range", need="two volumes that increase, in A^3", got=repr(volume_range))
        parameters = {"mode": mode, "radii": dict(radii or {})}
        super().__init__(everything, mobile, parameters, np.linspace(*volume_range, bins + 1), series, **options)

    def _numbers(self, positions: Floats, cell: Floats) -> Floats:
        mode = self.parameters["mode"]
        return voronoi_volumes(positions, cell, self._rows, mode=mode, radii=self._radii)
