"""Hops of ions: by the published rules or from cage to cage."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.errors import InputError
from ionpath.periodic import fractional
from ionpath.sites.nearest import Points, nearest_in_frames
from ionpath.sites.trajectories import core_sets
from ionpath.transport.events import Hops
from ionpath.transport.hops import displacement_hops, final_displacement_hops, residence_times, site_hops
from ionpath.transport.strings import cooperative_strings
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis

MODES = ("cage", "published_events", "published_final")


class IonHops(SeriesAnalysis):
    """Hops of ions with rates, residence times, jump lengths, and who jumps together.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    framework : AtomGroup, optional
        The atoms that do not diffuse, whose drift is taken off; default: all others.
    centres : AtomGroup or array_like of shape (M, 3), optional
        Atoms in the middle of the cages (in argyrodites the anions on 4d), which are followed, or fixed positions in
        the first analysed frame in A.
    mode : {"cage", "published_events", "published_final"}, optional
        Rule, see Notes; default: by cage if there are centres, else published events.
    hysteresis : float, default 1.0
        Time in ps for which a centre has to be the nearest one (cage).
    distance : float, default 3.0
        Displacement in A that counts (published modes).
    smoothing : float, default 1.0
        Time in ps over which positions are averaged first (published events).
    string_window, string_distance : float, default 1.0 and 1.5
        Hops within this time (ps), of which one ends within this distance (A) of where the other began, belong to one
        cooperative string.
    drift : {"framework", "none"}, default "framework"
        Whether the drift of the framework is taken off.
    weights : {"mass", "equal"}, optional
        How the atoms of the framework count; default: by mass if the topology has masses.
    unwrap : bool, default True
        Undo jumps across the faces of the cell.
    **kwargs
        ``frame_time``, ``chunk_frames``, ``verbose`` of `IonAnalysis`.

    Attributes
    ----------
    results.hops : Hops
        Events.
    results.count : int
        Number of hops.
    results.rate : Estimate
        Hops per ion in 1/ps.
    results.lengths : ndarray, shape (K,)
        Length of each hop in A.
    results.strings : Strings
        Cooperative strings.
    results.cages : ndarray of int32, shape (T, N)
        Cage of every ion (mode cage).
    results.residence : Residence
        Stays in cages (mode cage); ``results.residence_time`` is their mean in ps.
    results.return_fraction : float
        Fraction of hops that lead straight back (mode cage).

    Notes
    -----
    ``cage``: the nearest centre changes and stays the nearest for `hysteresis`. ``published_events``: each time an ion
    has gone further than `distance` from where the last event left it. ``published_final``: ions further than
    `distance` from where they began at the end. 3 A do not separate cages: moves within one cage of an argyrodite are
    up to 5 A long, some hops between cages 2.4 A. Memory: 24 bytes per mobile ion and frame, and 4 for the cage.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(400, seed=2)
    >>> found = IonHops(u.select_atoms("name Li"), centres=u.select_atoms("name S")).run()
    >>> found.results.hops.mode, found.results.count > 0
    ('cage', True)
    """

    __references__ = ("jang2025", "morgan2021", "donati1998")

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        centres: Any = None,
        mode: str | None = None,
        hysteresis: float = 1.0,
        distance: float = 3.0,
        smoothing: float = 1.0,
        string_window: float = 1.0,
        string_distance: float = 1.5,
        drift: str = "framework",
        weights: str | None = None,
        unwrap: bool = True,
        **kwargs: Any,
    ) -> None:
        chosen = mode or ("published_events" if centres is None else "cage")
        _check_mode(chosen, centres)
        places = None if centres is None or hasattr(centres, "universe") else _places(centres)
        super().__init__(
            mobile,
            framework,
            others={"centres": centres} if centres is not None and places is None else None,
            centres=places,
            mode=chosen,
            hysteresis=hysteresis,
            distance=distance,
            smoothing=smoothing,
            string_window=string_window,
            string_distance=string_distance,
            drift=drift,
            weights=weights,
            unwrap=unwrap,
            **kwargs,
        )

    def _prepare_block(self) -> None:
        super()._prepare_block()
        self._nearest: list[Any] = []

    def _process(self, chunk: Chunk) -> None:
        super()._process(chunk)
        if self.parameters["mode"] != "cage":
            return
        drift, cell = self._drifts[-1], self._reference["cell"]
        moving = "centres" in self.groups
        rest = fractional(self._reference["centres"] if moving else self.parameters["centres"], cell)
        shifts = self._displacements(chunk, "centres", drift) @ cell if moving else None
        ions = fractional(chunk.positions["mobile"], chunk.cells) - drift[:, None]
        points = Points(cell, np.asarray(rest), np.arange(len(rest)))
        self._nearest.append(nearest_in_frames(points, np.asarray(ions), shifts, np.inf, 0.0).site)

    def _block_results(self) -> dict[str, Any]:
        block = super()._block_results()
        if self._nearest:
            block["nearest"] = np.concatenate(self._nearest)
        return block

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        free, cells = self._assemble(blocks)
        p, results = self.parameters, self.results
        hops = self._find(blocks, free.positions)
        results.hops, results.count, results.rate = hops, hops.count, hops.rate
        results.lengths, results.per_ion = hops.lengths, hops.per_ion
        results.strings = cooperative_strings(
            hops, cells.mean(axis=0), window=p["string_window"], distance=p["string_distance"]
        )

    def _find(self, blocks: list[dict[str, Any]], positions: Any) -> Hops:
        p, dt, results = self.parameters, self.frame_time, self.results
        if p["mode"] == "published_final":
            return final_displacement_hops(positions, frame_time=dt, distance=p["distance"])
        if p["mode"] == "published_events":
            return displacement_hops(
                positions, frame_time=dt, distance=p["distance"], smoothing=p["smoothing"]
            )
        width = max(1, round(p["hysteresis"] / dt))
        results.cages = core_sets(np.concatenate([b["nearest"] for b in blocks]), minimum_residence=width)
        hops = site_hops(results.cages, positions, frame_time=dt, average=width, mode="cage")
        results.residence = residence_times(results.cages, frame_time=dt)
        results.residence_time, results.return_fraction = results.residence.mean, hops.returns
        return hops

    def _headline(self) -> dict[str, Any]:
        r = self.results
        return {
            "mode": self.parameters["mode"],
            "hops": r.count,
            "rate": str(r.rate),
            "in strings": r.strings.cooperative_fraction,
        }

    def _table(self) -> dict[str, Any]:
        hops = self.results.hops
        return {
            "time": hops.times,
            "frame": hops.frame,
            "ion": hops.ion,
            "origin": hops.origin,
            "destination": hops.destination,
            "length": hops.lengths,
            "string": self.results.strings.string,
            "units": {"time": "ps", "length": "A"},
        }

    def plot(self, ax: Any = None) -> Any:
        """Draw the cumulative number of hops per ion against time.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; new axes by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax, hops = self._axes(ax), self.results.hops
        ax.step(
            np.append(hops.times, hops.duration),
            np.append(np.arange(1, hops.count + 1), hops.count) / hops.n_ions,
        )
        ax.set(xlabel="time (ps)", ylabel="hops per ion", title=f"{hops.mode}: {hops.rate}")
        return ax

    def plot_lengths(self, ax: Any = None) -> Any:
        """Draw the distribution of jump lengths.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; new axes by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = self._axes(ax)
        ax.hist(self.results.lengths, bins="auto")
        ax.set(xlabel="jump length (Å)", ylabel="hops")
        return ax

    def plot_strings(self, ax: Any = None) -> Any:
        """Draw how many ions move together.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; new axes by default.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        ax = self._axes(ax)
        sizes, counts = self.results.strings.distribution()
        ax.bar(sizes, counts)
        ax.set(xlabel="ions in a string", ylabel="strings", yscale="log")
        return ax


def _check_mode(mode: str, centres: Any) -> None:
    if mode not in MODES:
        raise InputError(
            "mode", need=f"one of {', '.join(map(repr, MODES))}", got=repr(mode), remedy="choose one"
        )
    if mode == "cage" and centres is None:
        raise InputError(
            "centres", need="centres of the cages for mode='cage'", got="none",
            remedy="pass the anions in the middle of the cages, or their positions",
        )  # fmt: skip


def _places(centres: Any) -> Any:
    places = np.asarray(centres, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2:
        raise InputError(
            "centres", need="an AtomGroup, or at least two positions (M, 3) in A", got=f"shape {places.shape}",
            remedy="pass the anions in the middle of the cages",
        )  # fmt: skip
    return places
