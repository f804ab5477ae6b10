"""Free energies from biased and unbiased sampling, on NumPy arrays: surfaces, basins, paths, barriers, convergence.

Values are kJ/mol with the lowest point at 0 unless a docstring says otherwise.
"""

from ionpath.free_energy.basins import Basin, find_basins
from ionpath.free_energy.blocks import BarrierSeries, Verdict, barrier_series, judge, judge_flat, variation
from ionpath.free_energy.crossings import CrossingError, crossing_error
from ionpath.free_energy.hills import Hills, sum_hills
from ionpath.free_energy.minpath import MinimumPath, minimum_path
from ionpath.free_energy.reweight import Histogram, effective_samples, reweight
from ionpath.free_energy.surface import FreeEnergySurface

__all__ = [
    "BarrierSeries",
    "Basin",
    "CrossingError",
    "FreeEnergySurface",
    "Hills",
    "Histogram",
    "MinimumPath",
    "Verdict",
    "barrier_series",
    "crossing_error",
    "effective_samples",
    "find_basins",
    "judge",
    "judge_flat",
    "minimum_path",
    "reweight",
    "sum_hills",
    "variation",
]
