"""The ground of every analysis here: chunks of frames in, plain arrays between, results out.

A subclass says which atoms it reads, eats chunks of frames (`_process`), and hands back what one block of frames
gives (`_block_results`); `_finish` makes the results from the blocks. Serial, multiprocessing and dask runs take
the same road, so that what they give differs by nothing.
"""

from __future__ import annotations

import copy
import multiprocessing
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, Self, TypedDict

import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.analysis.results import ResultsGroup
from MDAnalysis.lib.log import ProgressBar
from numpy.typing import NDArray

import ionpath
from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints
from ionpath.citations import cite
from ionpath.compiled import kernels
from ionpath.errors import InputError, require
from ionpath_mdanalysis import _checks, _display, _plots, _store
from ionpath_mdanalysis._frames import cell_vectors, direct_frames, slice_of
from ionpath_mdanalysis._results import IonResults
from ionpath_mdanalysis.looks import check_clock, check_joins, joins, look_at
from ionpath_mdanalysis.times import check_times

CHUNK_BYTES = 16 * 2**20
"""Size of the coordinates that are held at a time, if the user does not choose a number of frames."""


@dataclass(frozen=True)
class Chunk:
    """Consecutive frames as arrays."""

    frames: Ints  # (n_frames,): frame numbers in the trajectory
    times: Floats  # (n_frames,): times in ps, as the trajectory gives them
    # (n_frames, 6): cell lengths in A and angles in degrees; nan where the trajectory has no cell
    dimensions: Floats
    # (n_frames, 3, 3): cell vectors as rows, in A; the first along x, the second in the xy plane
    cells: Floats
    # (n_frames, n_atoms, 3): positions in A of each group, in the order of its atoms, as the trajectory has them
    # (wrapped or not)
    positions: dict[str, NDArray[np.float32]]
    first: int  # number of the first of these frames among all frames of the run, counted from 0


class Reading(TypedDict, total=False):
    """Keywords that every analysis takes."""

    frame_time: float | None
    chunk_frames: int | None
    verbose: bool


@typed
class IonAnalysis(AnalysisBase):
    """Base of the analyses of mobile ions.

    Parameters
    ----------
    mobile : AtomGroup or mapping of str to AtomGroup
        The mobile ions, or groups of any names.
    others : dict of str to AtomGroup, optional
        Further groups to read.
    frame_time : float, optional
        Time in ps between frames of the file, needed where the trajectory does not say it and times matter.
    chunk_frames : int, optional
        Frames held in memory at a time; default: as many as fit 16 MiB of coordinates. Results do not depend
        on it.
    verbose : bool, default False
        Show a progress bar (serial backend).
    parameters : mapping, optional
        What else the user chose, kept with the results and in saved files.
    **unknown
        Refused, with the name that was meant.

    Raises
    ------
    InputError
        If a group is empty, updates itself, or belongs to another universe.
    TypeError
        If a keyword is not known.

    Notes
    -----
    To make a subclass, derive from `ionpath_mdanalysis._accumulating.Accumulating`, or override these methods. Nothing
    but the block results goes from one block of frames to another, since each may be read in a process of its own:

    * ``_prepare_block()`` makes empty accumulators on ``self``;
    * ``_process(chunk)`` adds a `Chunk` to them; its positions are overwritten after the call, so copy what is kept;
    * ``_block_results()`` returns a dict of arrays, all that is known of this block;
    * ``_finish(blocks)`` gets the list of these dicts in the order of time, in the main process, and fills
      ``self.results``. ``self.times``, ``self.frames`` and ``self.frame_time`` are set.

    ``_derived`` names results that ``save`` must not write and that ``_rebuild`` makes again.
    """

    _analysis_algorithm_is_parallelizable = True
    _min_frames: ClassVar[int] = 1
    _even_times: ClassVar[bool] = False
    _needs_box: ClassVar[bool] = True
    _derived: ClassVar[tuple[str, ...]] = ()
    _keywords: ClassVar[tuple[str, ...]] = ()
    __references__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def get_supported_backends(cls) -> tuple[str, ...]:
        """Names of the backends that `run` takes."""
        return ("serial", "multiprocessing", "dask")

    results: Any
    times: Any

    def __init__(
        self,
        mobile: Any,
        others: Mapping[str, Any] | None = None,
        *,
        frame_time: float | None = None,
        chunk_frames: int | None = None,
        verbose: bool = False,
        parameters: Mapping[str, Any] | None = None,
        **unknown: object,
    ) -> None:
        _checks.check_keywords(unknown, type(self), self._keywords)
        groups = {**(mobile if isinstance(mobile, Mapping) else {"mobile": mobile}), **(others or {})}
        for name, group in groups.items():
            _checks.check_group(group, name)
        _checks.check_universe(groups)
        if frame_time is not None and not (np.isfinite(frame_time) and frame_time > 0):
            raise InputError("frame_time", need="a positive time in ps", got=repr(frame_time))
        if chunk_frames is not None and chunk_frames < 1:
            raise InputError("chunk_frames", need="at least 1", got=repr(chunk_frames))
        super().__init__(next(iter(groups.values())).universe.trajectory, verbose=verbose)
        self.groups: dict[str, Any] = groups
        self._given_frame_time = frame_time
        self._chunk_frames = chunk_frames
        self.parameters: dict[str, Any] = dict(parameters or {})
        self.frame_time = float("nan")
        self._metadata: dict[str, Any] = {}
        self._offset = self._total = 0
        self._forks = False

    # What a subclass overrides.

    def _prepare_block(self) -> None:
        """Make empty accumulators."""

    def _process(self, chunk: Chunk) -> None:
        """Add frames to the accumulators."""
        raise NotImplementedError

    def _block_results(self) -> dict[str, Any]:
        """Return all that is known of this block of frames."""
        raise NotImplementedError

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        """Fill ``self.results`` from the blocks, which are in the order of time."""
        raise NotImplementedError

    def _rebuild(self) -> None:
        """Make the results that are not stored from those that are."""

    def _table(self) -> dict[str, Any]:
        """Columns of `to_dataframe`."""
        raise NotImplementedError

    def _headline(self) -> dict[str, Any]:
        """Few results for the repr, each with its unit in the key."""
        return {k: v for k, v in self.results.items() if isinstance(v, (int, float, str))}

    # The road from frames to results.

    def run(self, *args: Any, **kwargs: Any) -> Self:
        """Read the trajectory, compute the results, and return the analysis itself.

        Arguments are ``start``, ``stop``, ``step``, ``frames``, ``verbose``, ``n_workers``, ``n_parts``, ``backend``
        and the rest of `MDAnalysis.analysis.base.AnalysisBase.run`. InputError if there are too few frames, no cell,
        coordinates that are not numbers, or times that are not known or do not increase.
        """
        if not self.groups:
            remedy = f"make a new {type(self).__name__} with an AtomGroup"
            raise InputError("run", need="a trajectory", got="results loaded from a file", remedy=remedy)
        self._forks = kwargs.get("backend") == "multiprocessing" and multiprocessing.get_start_method() == "fork"
        with warnings.catch_warnings():
            if self._given_frame_time is not None:  # the time that a reader makes up is not used
                warnings.filterwarnings("ignore", "Reader has no dt information", UserWarning)
            with _checks.of_its_reader(self._trajectory):
                super().run(*args, **kwargs)
        return self

    def _setup_computation_groups(self, *args: Any, **kwargs: Any) -> Any:
        parts = super()._setup_computation_groups(*args, **kwargs)
        if self._forks and len(parts) > 1 and kernels() is not None:
            # Compiled code that one frame loads here is in every worker, which would take half a second each for it.
            frame = self._trajectory.frame
            self._compute(parts[0][:1])
            self._trajectory[frame]
        return parts

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        _checks.check_frame_count(self.n_frames, self._min_frames)
        _checks.check_order(next(iter(self.groups.values())).universe)
        _checks.warn_of_damage(self._trajectory, self.parameters.get("temperature"))
        if self._even_times and self._given_frame_time is None and self.n_frames > 1:
            check_times(self._trajectory)
        if self._even_times:
            frame = self._trajectory.frame
            self._first_cell = look_at(self, 0)["cell"]
            self._trajectory[frame]
        if self._even_times and self.n_frames > 1 and joins(self._trajectory):
            frame, chosen = self._trajectory.frame, self._sliced_trajectory
            ends = [chosen[k].frame for k in (0, self.n_frames - 1)]
            check_joins(self._trajectory, next(iter(self.groups.values())), *ends)
            self._trajectory[frame]
        self._total = self.n_frames

    def _compute(self, indexed_frames: Any, verbose: bool | None = None, **kwargs: Any) -> Any:
        # A block never shares its accumulators with another one, be it in this process or elsewhere.
        block = copy.copy(self)
        block.results = IonResults()
        block._offset = int(indexed_frames[0, 0]) if len(indexed_frames) else 0
        done = block._read(indexed_frames, verbose, **kwargs)
        # Buffers and the universe need not travel back from a worker.
        return SimpleNamespace(frames=done.frames, times=done.times, results=done.results)

    def _prepare(self) -> None:
        n_atoms = sum(len(group) for group in self.groups.values())
        size = self._chunk_frames or max(1, CHUNK_BYTES // (12 * n_atoms))
        self._size = max(1, min(size, self.n_frames))
        self._indices = {name: slice_of(group.ix) for name, group in self.groups.items()}
        self._buffer = {name: np.empty((self._size, len(group), 3), np.float32) for name, group in self.groups.items()}
        self._dimensions = np.full((self._size, 6), np.nan)
        self._filled = 0
        self._prepare_block()

    def _read(self, indexed_frames: Any, verbose: bool | None, **kwargs: Any) -> Any:
        """Go through the frames, straight from the file where that gives the same."""
        numbers = indexed_frames[:, 1]
        direct = direct_frames(self._trajectory, numbers)
        look = {"desc": type(self).__name__.lstrip("_")} | (kwargs.get("progressbar_kwargs") or {})
        kwargs["progressbar_kwargs"] = look
        if direct is None:
            return AnalysisBase._compute(self, indexed_frames, verbose, **kwargs)
        self._prepare_sliced_trajectory(slicer=numbers)
        self._prepare()
        shown = bool(self._verbose if verbose is None else verbose)
        bar = ProgressBar(direct, total=len(numbers), verbose=shown, **look)
        for self._frame_index, frame in enumerate(bar):
            self.frames[self._frame_index] = numbers[self._frame_index]
            self.times[self._frame_index] = frame.time
            self._take(frame.positions, frame.dimensions, frame.scale)
        self._trajectory.rewind()
        return self

    def _single_frame(self) -> None:
        self._take(self._ts.positions, self._ts.dimensions)

    def _take(self, positions: Any, dimensions: Any, scale: float = 1.0) -> None:
        """Copy one frame into the buffers, and work on them when they are full."""
        at = self._filled
        self._dimensions[at] = np.nan if dimensions is None else dimensions
        for name, index in self._indices.items():
            np.multiply(positions[index], np.float32(scale), out=self._buffer[name][at])
        self._filled += 1
        last = self._frame_index + 1 == self.n_frames
        if self._filled == self._size or last:
            self._flush()
        if last:
            self.results.blocks = [self._block_results()]

    def _flush(self) -> None:
        n, end = self._filled, self._frame_index + 1
        chunk = Chunk(
            frames=self.frames[end - n : end],
            times=self.times[end - n : end],
            dimensions=self._dimensions[:n],
            cells=cell_vectors(self._dimensions[:n]),
            positions={name: buffer[:n] for name, buffer in self._buffer.items()},
            first=self._offset + end - n,
        )
        if self._needs_box:
            _checks.check_boxes(chunk.dimensions, chunk.frames, self._trajectory)
        if self._even_times:
            _checks.check_cells(chunk.cells, self._first_cell, chunk.frames)
        for name, positions in chunk.positions.items():
            _checks.check_finite(positions, chunk.frames, name)
        _checks.warn_of_repeated(next(iter(chunk.positions.values())), chunk.frames)
        self._process(chunk)
        self._filled = 0

    def _get_aggregator(self) -> ResultsGroup:
        return ResultsGroup(lookup={"blocks": ResultsGroup.flatten_sequence})

    def _conclude(self) -> None:
        blocks: list[dict[str, Any]] = self.results["blocks"]
        self.results = IonResults()
        if self._given_frame_time is not None:
            check_clock(self.times, self.frames, self._trajectory, self._given_frame_time)
            self.times = self.frames * self._given_frame_time
        if self._even_times:
            self.frame_time = _checks.even_frame_time(self.times)
        elif len(self.times) > 1:
            self.frame_time = float(self.times[-1] - self.times[0]) / (len(self.times) - 1)
        self._describe()
        self._finish(blocks)

    def _describe(self) -> None:
        """Note what saved files say about a run."""
        self._metadata = {
            "class": type(self).__name__,
            "n_frames": int(self.n_frames),
            "frame_time": self.frame_time,
            "atoms": {name: len(group) for name, group in self.groups.items()},
            "parameters": self.parameters,
        }

    # What a user does with the results.

    def _require_results(self) -> None:
        if not len(self.results):
            raise InputError(type(self).__name__, need="results", got="none yet", remedy="call .run() first")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the results with parameters and version to one file (npz with JSON inside), atomically.

        InputError if the analysis was not run.
        """
        self._require_results()
        values = {key: value for key, value in self.results.items() if key not in self._derived}
        metadata = {**self._metadata, "frames": self.frames, "times": self.times}
        _store.write(path, metadata, values)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote: results to plot, tabulate and print; it cannot be run again.

        InputError if the file holds something else.
        """
        metadata, values, version = _store.read(path)
        if metadata["class"] != cls.__name__:
            got = f"results of {metadata['class']}"
            remedy = f"load it with {metadata['class']}.load"
            raise InputError(os.fspath(path), need=f"results of {cls.__name__}", got=got, remedy=remedy)
        self = cls.__new__(cls)
        self._without_trajectory(metadata["parameters"])
        self.frames, self.times = metadata.pop("frames"), metadata.pop("times")
        self.n_frames, self.frame_time = metadata["n_frames"], metadata["frame_time"]
        self._metadata = {**metadata, "version": version}
        self.results = IonResults(**values)
        self._rebuild()
        return self

    def _without_trajectory(self, parameters: Mapping[str, Any]) -> None:
        """Become an analysis of what was read before."""
        self.groups, self._verbose, self.results = {}, False, IonResults()
        self.parameters, self.frame_time, self._metadata = dict(parameters), float("nan"), {}

    def to_dataframe(self) -> Any:
        """Results as a pandas DataFrame, one row per item; ``attrs["units"]`` has the units of its columns.

        MissingDependency if pandas is not installed; InputError if the analysis was not run.
        """
        pandas = require("pandas", purpose="tables", install="pip install pandas")
        self._require_results()
        table = self._table()
        units = table.pop("units", {})
        frame = pandas.DataFrame(table)
        frame.attrs.update(units=units, version=ionpath.__version__, parameters=str(self.parameters))
        return frame

    def cite(self, format: Literal["text", "bibtex"] = "text") -> None:
        """Print the references of the methods used, a line for each, or entries for a .bib file (``format="bibtex"``).

        `ionpath.bibtex` returns these.
        """
        cite(self, format=format)

    def _axes(self, ax: Any = None, **kwargs: Any) -> Any:
        self._require_results()
        return _plots.new_axes(ax, **kwargs)

    def __repr__(self) -> str:
        return _display.text(self)

    def _repr_html_(self) -> str:
        return _display.html(self)
