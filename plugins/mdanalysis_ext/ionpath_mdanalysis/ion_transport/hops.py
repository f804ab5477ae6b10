"""Hops of ions: by the published rules or from cage to cage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import InputError, one_of, positive
from ionpath.periodic import fractional
from ionpath.sites.follow import PointFollower
from ionpath.sites.nearest import Points
from ionpath.sites.trajectories import core_sets
from ionpath.transport.hop_stream import CageStream, DisplacementStream
from ionpath.transport.hops import displacement_hops, final_displacement_hops
from ionpath.transport.lagged import Landmarks, Rows
from ionpath.transport.strings import cooperative_strings
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis, SeriesOptions

MODES = ("cage", "published_events", "published_final")


@typed
class IonHops(SeriesAnalysis):
    """Hops of ions with rates, residence times, jump lengths, and who jumps together.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse, whose drift is taken off; default: all others.
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
    **options
        ``unwrap``, ``method``, ``drift``, ``weights``, ``frame_time``, ``chunk_frames``, ``verbose``: see
        `SeriesAnalysis`.

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
    up to 5 A long, some hops between cages 2.4 A.

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
        **options: Unpack[SeriesOptions],
    ) -> None:
        chosen = mode or ("published_events" if centres is None else "cage")
        one_of("mode", chosen, MODES)
        if chosen == "cage" and centres is None:
            remedy = "pass the anions in the middle of the cages, or their positions"
            raise InputError("centres", need="centres of the cages for mode='cage'", got="none", remedy=remedy)
        for name, number in (("hysteresis", hysteresis), ("smoothing", smoothing)):
            positive(name, number, "ps", zero=True)
        positive("distance", distance, "A")
        positive("string_window", string_window, "ps")
        positive("string_distance", string_distance, "A")
        places = None if centres is None or hasattr(centres, "universe") else _places(centres)
        parameters = {
            "centres": places, "mode": chosen, "hysteresis": hysteresis, "distance": distance,
            "smoothing": smoothing, "string_window": string_window, "string_distance": string_distance,
        }  # fmt: skip
        others = {"centres": centres} if centres is not None and places is None else None
        super().__init__(mobile, framework, parameters, others=others, **options)

    def _setup_frames(self, *args: Any, **kwargs: Any) -> None:
        super()._setup_frames(*args, **kwargs)
        time = self.parameters["hysteresis" if self.parameters["mode"] == "cage" else "smoothing"]
        self._width = max(1, round(time / self._spacing))

    def _prepare_block(self) -> None:
        super()._prepare_block()
        self._cages: PointFollower | None = None

    def _consumers(self) -> dict[str, Any]:
        p = self.parameters
        if p["mode"] == "cage":
            return {"nearest": CageStream(self._width, keep=not self._stream)}
        if p["mode"] == "published_final":
            return {"ends": Landmarks([0, self._total - 1])}
        return {"events": DisplacementStream(self._width, p["distance"]) if self._stream else Rows()}

    def _more(self, chunk: Chunk, drift: Floats) -> dict[str, Any]:
        if self.parameters["mode"] != "cage":
            return {}
        cell, moving = self._reference["cell"], "centres" in self.groups
        rest = fractional(self._reference["centres"] if moving else self.parameters["centres"], cell)
        shifts = self._displacements(chunk, "centres", drift) @ cell if moving else None
        ions = fractional(chunk.positions["mobile"], chunk.cells) - drift[:, None]
        if self._cages is None:
            self._cages = PointFollower(Points(cell, np.asarray(rest), np.arange(len(rest))))
        return {"nearest": self._cages(np.asarray(ions), shifts)}

    def _use(self, consumers: dict[str, Any], cells: Floats) -> None:
        p, r, dt = self.parameters, self.results, self.frame_time
        found = next(iter(consumers.values()))
        if p["mode"] == "cage":
            hops, r.residence = found.result(self._total, dt)
            r.residence_time, r.return_fraction = r.residence.mean, hops.returns
            if not self._stream:
                r.cages = core_sets(found.labels, minimum_residence=self._width)
        elif p["mode"] == "published_final":
            ends = final_displacement_hops(found.positions, frame_time=dt, distance=p["distance"])
            hops = replace(ends, frame=ends.frame * (self._total - 1), n_frames=self._total)
        elif self._stream:
            hops = found.result(self._total, dt)
        else:
            hops = displacement_hops(found.positions, frame_time=dt, distance=p["distance"], smoothing=self._width * dt)
        r.update(hops=hops, count=hops.count, rate=hops.rate, lengths=hops.lengths, per_ion=hops.per_ion)
        r.strings = cooperative_strings(
            hops, cells.mean(axis=0), window=p["string_window"], distance=p["string_distance"]
        )

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

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Draw the cumulative number of hops per ion against time."""
        hops = self.results.hops
        ax.step(np.append(hops.times, hops.duration), np.append(np.arange(1, hops.count + 1), hops.count) / hops.n_ions)
        ax.set(xlabel="time (ps)", ylabel="hops per ion", title=f"{hops.mode}: {hops.rate}")

    @figure()
    def plot_lengths(self, ax: Any = None) -> Any:
        """Draw the distribution of jump lengths."""
        ax.hist(self.results.lengths, bins="auto")
        ax.set(xlabel="jump length (Å)", ylabel="hops")

    @figure()
    def plot_strings(self, ax: Any = None) -> Any:
        """Draw how many ions move together."""
        sizes, counts = self.results.strings.distribution()
        ax.bar(sizes, counts)
        ax.set(xlabel="ions in a string", ylabel="strings", yscale="log")


def _places(centres: Any) -> Any:
    places = np.asarray(centres, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 3 or len(places) < 2:
        got = f"shape {places.shape}"
        remedy = "pass the anions in the middle of the cages"
        raise InputError("centres", need="an AtomGroup, or at least two positions (M, 3) in A", got=got, remedy=remedy)
    return places
