"""What the analysis of a metadynamics run came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ionpath.documented import documented
from ionpath.estimate import Estimate
from ionpath.free_energy import BarrierSeries, Basin, FreeEnergySurface, MinimumPath, Verdict
from ionpath.msonable import Msonable


@documented
@dataclass(frozen=True)
class MetadynamicsResult(Msonable):
    """What a metadynamics run says about a barrier."""

    surface: FreeEnergySurface  # free energy in kJ/mol; inf where no hill reached
    basins: list[Basin]  # basins, deepest first
    path: MinimumPath | None  # minimum free-energy path between the two ends; None where hills do not connect them
    # barrier, reverse_barrier: barriers in kJ/mol with errors over the last 20 % of the run; nan where they are not
    # known throughout it, and an upper bound where one variable has one basin
    barrier: Estimate
    reverse_barrier: Estimate
    series: BarrierSeries | None  # barrier against time
    verdict: Verdict  # converged or not, and why
    n_hills: int  # number of hills
    picoseconds: float  # length of the run in ps
    figures: tuple[Path, ...] = ()  # figures and tables that were written
    equivalent: bool = False  # whether a symmetry exchanges the two ends, so that there and back are one barrier

    def __str__(self) -> str:
        if np.isfinite(self.barrier.high) and np.isnan(self.barrier.value):
            what = f"barrier {self.barrier}"
        elif self.path is None:
            depth = float(np.ptp(self.surface.values[np.isfinite(self.surface.values)]))
            what = f"no barrier yet: hills of up to {depth:.0f} kJ/mol, and no way between the two basins"
        elif np.isnan(self.barrier.value):
            what = f"barrier about {self.path.barrier:.0f} kJ/mol (back {self.path.reverse_barrier:.0f}) at the end"
        else:
            back = "the same back, as both ends are equivalent" if self.equivalent else f"back {self.reverse_barrier}"
            what = f"barrier {self.barrier}, {back}"
        return f"{what}; {self.n_hills} hills in {self.picoseconds:.4g} ps; {self.verdict.sentence}"
