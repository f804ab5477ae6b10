"""Diffusion and conductivity of ions."""

from __future__ import annotations

import re
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.elements import SYMBOLS, formal_charge
from ionpath.errors import InputError, positive, warn
from ionpath.transport.conduction import conductivity
from ionpath.transport.diffusion import estimate_diffusion
from ionpath.transport.lagged import Landmarks, Rows, SquareSums
from ionpath.transport.msd import equal_pieces, local_exponent, logarithmic_lags, mean_squared_displacement, msd_of_sums
from ionpath_mdanalysis._checks import check_group
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis._shell_sources import species_names
from ionpath_mdanalysis.ion_transport._drift import SeriesAnalysis, SeriesOptions


def charge_of(ions: Any, *, asked: bool) -> float:
    """Formal charge in e of the elements of ions, or of their names; 1 where it is not asked for."""
    check_group(ions, "mobile")
    names = sorted({re.sub("[^A-Za-z].*", "", name).capitalize() or name for name in species_names(ions).tolist()})
    if (charge := formal_charge(names)) is not None or not asked:
        return 1.0 if charge is None else charge
    called = ", ".join(names)
    if set(names) <= SYMBOLS:
        need, got = "the charge of a mobile ion in e, for conductivities", f"none known for {called}"
        raise InputError("charge", need=need, got=got, remedy="pass it, for example charge=2")
    warn(f"charge: nothing says which element {called} is: conductivities are for 1 e; pass charge= otherwise")
    return 1.0


def warn_of_a_part(ions: Any) -> None:
    """Warn of ions of which there are more, whose conductivity is that of a part."""
    check_group(ions, "mobile")
    here = species_names(ions)
    there = int(np.isin(species_names(ions.universe.atoms), here).sum())
    if there > len(here):
        warn(
            f"mobile: need all {there} {', '.join(sorted(set(here.tolist())))} for the conductivity of the material, "
            f"got {len(here)}: it is that of these alone, and the others count as framework where none is given"
        )


@typed
class IonDiffusion(SeriesAnalysis):
    """Mean squared displacement, diffusion coefficients and conductivity, with calibrated errors.

    Parameters
    ----------
    mobile, framework : AtomGroup
        The mobile ions, and the atoms that do not diffuse, whose drift is taken off; default: all others.
    temperature : float, optional
        Temperature in K; needed for conductivities.
    charge : float, optional
        Charge of an ion in e; default: the formal one of its element. Where that is not known and a temperature is
        given, it is needed; where the ions have no element either, it is 1, with a warning.
    window : tuple of float, optional
        First and last lag time of the fit in ps; default: chosen by the local exponent.
    minimum_msd : float, default 9.0
        Mean squared displacement in A^2 that ions must reach; else only an upper bound is given.
    ballistic : float, default 1.0
        Lag times below this (ps) are never used.
    **options
        ``unwrap``, ``method``, ``drift``, ``weights``, ``frame_time``, ``chunk_frames``, ``verbose``: see
        `SeriesAnalysis`.

    Attributes
    ----------
    results.times : ndarray, shape (M,)
        Lag times in ps: all of them, or about 64 logarithmic ones where frames are not kept (``method="stream"``).
    results.msd, results.exponent : ndarray, shape (M,)
        Mean squared displacement in A^2 and its local exponent.
    results.msd_axes, results.msd_collective : ndarray, shape (M, 3)
        Displacement along x, y and z, of single ions and of the sum of all (divided by their number), in A^2.
    results.diffusion_coefficient : Estimate
        Tracer diffusion coefficient in A^2/ps (1 A^2/ps = 1e-8 m^2/s), or an upper bound.
    results.diffusion_axes : tuple of Estimate
        The same along x, y and z of MDAnalysis, which lays the first vector of a cell along x and the second into the
        plane of x and y, however the file has turned them.
    results.collective_diffusion, results.haven_ratio : Estimate
        Diffusion of charge in A^2/ps, and the ratio of both.
    results.conductivity, results.collective_conductivity : Estimate
        Nernst-Einstein and full conductivity in mS/cm; only with a temperature.
    results.window : DiffusiveWindow
        Lag times of the fit and why they were chosen.
    results.verdict : str
        What was found, in one sentence.
    results.widening : float
        Factor by which errors were widened because ions move at the same times.
    results.drift : ndarray, shape (T, 3)
        What was taken off, in A.
    results.unwrapped, results.crossings : bool, int
        Whether jumps across faces were looked for and undone, and their number; ``results.wrapped`` if there are any.
    results.method : {"exact", "stream"}
        How displacements were averaged, see `SeriesAnalysis`.

    Notes
    -----
    See `ionpath.transport.estimate_diffusion` for the method.

    Examples
    --------
    >>> from ionpath_mdanalysis.example import hopping_universe
    >>> u = hopping_universe(n_frames=2000, across=0.05, seed=1)
    >>> found = IonDiffusion(u.select_atoms("name Li"), temperature=600.0).run()
    >>> found.results.conductivity.unit
    'mS/cm'
    """

    __references__ = ("bullerjahn2020", "michalet2010", "calandrini2011", "guan2024")

    def __init__(
        self,
        mobile: Any,
        framework: Any = None,
        *,
        temperature: float | None = None,
        charge: float | None = None,
        window: tuple[float, float] | None = None,
        minimum_msd: float = 9.0,
        ballistic: float = 1.0,
        **options: Unpack[SeriesOptions],
    ) -> None:
        if temperature is not None and not (np.isfinite(temperature) and temperature > 0):
            raise InputError("temperature", need="a temperature above zero in K", got=repr(temperature))
        if charge is None:
            charge = charge_of(mobile, asked=temperature is not None)
        if temperature is not None:
            warn_of_a_part(mobile)
        if not (isinstance(charge, (int, float)) and np.isfinite(charge) and charge):
            raise InputError("charge", need="the charge of an ion in e, other than 0", got=repr(charge), remedy="use 1")
        positive("minimum_msd", minimum_msd, "A^2")
        positive("ballistic", ballistic, "ps", zero=True)
        chosen = {
            "temperature": temperature, "charge": charge, "window": window, "minimum_msd": minimum_msd,
            "ballistic": ballistic,
        }  # fmt: skip
        super().__init__(mobile, framework, chosen, **options)

    @property
    def _needs_box(self) -> bool:  # type: ignore[override]  # a constant in the base, an option here
        p = self.parameters
        return bool(p["unwrap"] is not False or p["temperature"] or "framework" in self.groups)

    def _consumers(self) -> dict[str, Any]:
        if not self._stream:
            return {"series": Rows()}
        lags = logarithmic_lags(self._total)
        sums = SquareSums(len(self.groups["mobile"]) + 1, lags.size)
        return {"moved": self._pairs(lags, sums, centre=True), "pieces": Landmarks(equal_pieces(self._total))}

    def _use(self, consumers: dict[str, Any], cells: Floats) -> None:
        p, r, dt = self.parameters, self.results, self.frame_time
        if self._stream:
            msd = msd_of_sums(consumers["moved"], consumers["pieces"].positions, dt, self._factor)
        else:
            positions = consumers["series"].positions / np.sqrt(self._factor)
            msd = mean_squared_displacement(positions, frame_time=dt, lags=None, collective=self._factor == 1.0)
        found = estimate_diffusion(msd, window=p["window"], minimum_msd=p["minimum_msd"], ballistic=p["ballistic"])
        r.update(
            times=msd.times,
            msd=msd.total,
            msd_axes=msd.axes,
            msd_collective=msd.collective,
            exponent=local_exponent(msd.times, msd.total),
            diffusion_coefficient=found.coefficient,
            diffusion_axes=found.axes,
            collective_diffusion=found.collective,
            haven_ratio=found.haven_ratio,
            offset=found.offset,
            window=found.window,
            verdict=found.verdict,
            widening=found.widening,
            volume=float(np.abs(np.linalg.det(cells)).mean()) if np.isfinite(cells).all() else float("nan"),
        )
        r.density = msd.n_ions / r.volume
        if p["temperature"] is not None:
            box = (msd.n_ions, r.volume, p["temperature"])
            r.conductivity = conductivity(found.coefficient, *box, charge=p["charge"])
            r.collective_conductivity = conductivity(found.collective, *box, charge=p["charge"])

    def _headline(self) -> dict[str, Any]:
        shown = {"D": str(self.results.diffusion_coefficient)}
        if "conductivity" in self.results:
            shown["conductivity"] = str(self.results.conductivity)
        return {**shown, "verdict": self.results.verdict, "wrapped": self.results.wrapped}

    def _table(self) -> dict[str, Any]:
        r = self.results
        columns = {"time": r.times, "msd": r.msd, "exponent": r.exponent}
        columns |= {f"msd_{axis}": r.msd_axes[:, k] for k, axis in enumerate("xyz")}
        columns["msd_collective"] = r.msd_collective.sum(axis=1)
        units = {name: "A^2" for name in columns if name.startswith("msd")} | {"time": "ps"}
        return {**columns, "units": units}

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Draw the mean squared displacement, the window and the line through it."""
        r = self.results
        ax.loglog(r.times[1:], r.msd[1:], color="k", label="all")
        for k, axis in enumerate("xyz"):
            ax.loglog(r.times[1:], r.msd_axes[1:, k], lw=0.8, label=axis)
        ax.axvspan(r.window.start, r.window.stop, color="tab:green", alpha=0.15, lw=0, label="window")
        if np.isfinite(r.diffusion_coefficient.value):
            t = np.geomspace(r.window.start, r.window.stop, 50)
            fitted = r.offset + 6.0 * r.diffusion_coefficient.value * t
            ax.loglog(t, fitted, "--", color="tab:red", label=f"D = {r.diffusion_coefficient}")
        else:
            ax.plot([], [], " ", label=f"D {r.diffusion_coefficient}")
        ax.set(xlabel="lag time (ps)", ylabel="mean squared displacement (Å$^2$)")
        ax.legend(fontsize=8)

    @figure()
    def plot_exponent(self, ax: Any = None) -> Any:
        """Draw the local exponent against lag time, with the band of diffusion and the window."""
        r = self.results
        ax.semilogx(r.times[1:], r.exponent[1:], color="k")
        ax.axhspan(0.9, 1.1, color="0.85", lw=0, zorder=0)
        ax.axvspan(r.window.start, r.window.stop, color="tab:green", alpha=0.15, lw=0)
        ax.set(xlabel="lag time (ps)", ylabel="d ln MSD / d ln t", ylim=(0, 2.1), title=r.verdict)
        ax.title.set_size(8)
