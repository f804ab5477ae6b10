"""A bar that shows how far a run is."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from ionpath_ase.md.settings import MDSettings
from ionpath_ase.md.state import Snapshot


class ProgressBar:
    """Progress bar in ps from the step `start` on, with time left and ns/day; before, it says what is waited for."""

    def __init__(self, settings: MDSettings, start: int, show: bool) -> None:
        self._ps = settings.timestep * 1e-3
        self._clock, self._start = time.perf_counter(), start
        self._bar = tqdm(
            total=settings.steps * self._ps,
            initial=start * self._ps,
            unit="ps",
            disable=not show,
            mininterval=0.1 if sys.stderr.isatty() else 10.0,  # a log file needs no animation
            desc=f"{settings.ensemble.upper()} {settings.temperature:g} K",
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {n:.2f}/{total:.2f} ps [{elapsed}<{remaining}{postfix}]",
        )
        self._bar.set_postfix_str(f"starting {settings.engine.replace('lammps', 'LAMMPS').replace('ase', 'ASE')}")

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *args: object) -> None:
        self._bar.close()

    def begin(self) -> None:
        """The first step comes next: speed and time left count from here."""
        self._clock = time.perf_counter()
        self._bar.unpause()

    def update(self, snapshot: Snapshot, note: str = "") -> None:
        """Move the bar."""
        days = (time.perf_counter() - self._clock) / 86400.0
        speed = (snapshot.step - self._start) * self._ps * 1e-3 / days
        text = f"{speed:.2f} ns/day, T={snapshot.temperature:.0f} K" + (f", {note}" if note else "")
        self._bar.set_postfix_str(text, refresh=False)
        # Sums of float steps may end a rounding above the total, which the bar warns about.
        self._bar.update(min(snapshot.step * self._ps, self._bar.total) - self._bar.n)
