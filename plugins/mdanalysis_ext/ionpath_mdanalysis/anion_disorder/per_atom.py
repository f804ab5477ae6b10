"""Numbers that every atom has in every frame: bond-orientational order, and the volume of the Voronoi cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.frames import check_cutoff
from ionpath.structure import averaged_steinhardt, voronoi_volumes
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.anion_disorder._structure import Floats, StructureAnalysis, cell_now, symbols_of


class PerAtomAnalysis(StructureAnalysis):
    """Base of analyses that give one number per atom and frame, kept as sums, or as a series on demand.

    Parameters
    ----------
    groups : mapping of str to AtomGroup
        ``"atoms"``, of which all are needed, and ``"of"``, whose numbers are wanted.
    edges : ndarray
        Edges of the bins of the distribution.
    series : bool
        Keep the numbers of every frame.
    **options
        As for `StructureAnalysis`.
    """

    _quantity: ClassVar[str] = ""
    _unit: ClassVar[str] = ""

    def __init__(self, groups: Mapping[str, Any], *, edges: Floats, series: bool, **options: Any) -> None:
        super().__init__(groups, **options)
        self._edges = edges
        self._series = series
        atoms, of = groups["atoms"], groups["of"]
        place = {int(i): k for k, i in enumerate(atoms.ix)}
        if len(place) != len(atoms):
            raise InputError("atoms", need="every atom once", got="repeated atoms", remedy="use atoms.unique")
        missing = [int(i) for i in of.ix if int(i) not in place]
        if missing:
            raise InputError(
                "of", need="atoms that are among atoms", got=f"atom {missing[0]}, which is not",
                remedy="pass a larger group as atoms",
            )  # fmt: skip
        self._rows = np.array([place[int(i)] for i in of.ix], dtype=np.int64)

    def _values(self, positions: Floats, cell: Floats) -> Floats:
        """Give the numbers of the atoms wanted in one frame."""
        raise NotImplementedError

    def _prepare_block(self) -> None:
        size = len(self._rows)
        self._sums = np.zeros((3, size))  # frames, sum, sum of squares
        self._counts = np.zeros(len(self._edges) - 1)
        self._outside = 0
        self._means: list[float] = []
        self._kept: list[Floats] = []

    def _process(self, chunk: Chunk) -> None:
        for _, positions, cell in self._frames_of(chunk, "atoms"):
            values = self._values(positions, cell)
            self._sums += np.stack([np.ones_like(values), values, values**2])
            found = np.histogram(values, self._edges)[0]
            self._counts += found
            self._outside += len(values) - int(found.sum())
            self._means.append(float(values.mean()))
            if self._series:
                self._kept.append(values.astype(np.float32))

    def _block_results(self) -> dict[str, Any]:
        return {
            "sums": self._sums,
            "counts": self._counts,
            "outside": self._outside,
            "means": np.array(self._means),
            "kept": np.array(self._kept, dtype=np.float32),
        }

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        frames, total, squares = sum(block["sums"] for block in blocks)
        counts = sum(block["counts"] for block in blocks)
        means = np.concatenate([block["means"] for block in blocks])
        parts = [part.mean() for part in np.array_split(means, min(self._n_blocks, len(means)))]
        mean = total / frames
        self.results.update(
            per_atom=mean,
            per_atom_std=np.sqrt(np.maximum(squares / frames - mean**2, 0.0)),
            per_frame=means,
            mean=float(means.mean()),
            mean_error=float(np.std(parts, ddof=1) / np.sqrt(len(parts))) if len(parts) > 1 else float("nan"),
            edges=self._edges,
            density=counts / max(counts.sum(), 1) / np.diff(self._edges),
            outside_fraction=float(sum(block["outside"] for block in blocks) / frames.sum()),
            indices=np.asarray(self.groups["of"].ix, dtype=np.int64),
        )
        if self._series:
            self.results.series = np.concatenate([block["kept"] for block in blocks])

    def plot(self, ax: Any = None, **line: Any) -> Any:
        """Plot the distribution over atoms and frames."""
        axes = self._axes(ax)
        r = self.results
        axes.stairs(r.density, r.edges, **line)
        axes.set(xlabel=self._quantity + self._unit, ylabel="density")
        if "label" in line:
            axes.legend()
        return axes

    def _table(self) -> dict[str, Any]:
        r = self.results
        return {
            "atom": r.indices, "mean": r.per_atom, "std": r.per_atom_std,
            "units": {"mean": self._unit.strip(" ()"), "std": self._unit.strip(" ()")},
        }  # fmt: skip


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
    n_blocks : int, default 5
        Blocks of time, for the error of the mean.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

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
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        _checks.check_group(atoms, "atoms")
        if cutoff is not None:
            check_cutoff(cutoff, cell_now(atoms, "atoms"), "cutoff")
        parameters = {
            "l": l, "n_neighbours": n_neighbours, "cutoff": cutoff, "averaged": averaged, "series": series,
        }  # fmt: skip
        groups = {"atoms": atoms, "of": atoms if of is None else of}
        super().__init__(
            groups, edges=np.linspace(0, 1, bins + 1), series=series, n_blocks=n_blocks, parameters=parameters,
            **options,
        )  # fmt: skip

    def _values(self, positions: Floats, cell: Floats) -> Floats:
        p = self.parameters
        values = averaged_steinhardt(
            positions,
            cell,
            l=p["l"],
            n_neighbours=p["n_neighbours"],
            cutoff=p["cutoff"],
            averaged=p["averaged"],
        )
        return np.asarray(values[self._rows], dtype=np.float64)


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
    series : bool, default False
        Keep ``results.series``, the volume of every ion in every frame, 4 bytes each. Nothing else grows with the
        frames but one number per frame.
    n_blocks : int, default 5
        Blocks of time, for the error of the mean.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.per_atom, results.per_atom_std : ndarray, (n,)
        Mean and standard deviation in time of every ion, in A^3.
    results.per_frame : ndarray, (n_frames,)
        Mean over the ions, in A^3.
    results.mean, results.mean_error : float
        Mean over all, and its standard error, in A^3.
    results.edges, results.density : ndarray
        Distribution.

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
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        _checks.check_group(mobile, "mobile")
        everything = mobile.universe.atoms if atoms is None else atoms
        _checks.check_group(everything, "atoms")
        if mode not in ("plain", "radical"):
            raise InputError("mode", need="'plain' or 'radical'", got=repr(mode), remedy="choose one of them")
        self._radii: Floats | None = None
        if mode == "radical":
            symbols = symbols_of(everything, "atoms")
            missing = sorted(set(symbols) - set(radii or {}))
            if missing or radii is None:
                raise InputError(
                    "radii", need=f"a radius of {', '.join(missing)} for radical cells", got="none",
                    remedy="give radii={'Li': 0.76, 'S': 1.84, ...} in A",
                )  # fmt: skip
            self._radii = np.array([radii[s] for s in symbols])
        parameters = {"mode": mode, "radii": dict(radii or {}), "series": series}
        super().__init__(
            {"atoms": everything, "of": mobile}, edges=np.linspace(*volume_range, bins + 1), series=series,
            n_blocks=n_blocks, parameters=parameters, **options,
        )  # fmt: skip

    def _values(self, positions: Floats, cell: Floats) -> Floats:
        mode = self.parameters["mode"]
        return voronoi_volumes(positions, cell, self._rows, mode=mode, radii=self._radii)
