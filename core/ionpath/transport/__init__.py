"""How far ions move: displacements, diffusion and conductivity with errors, hops, and where the ions are."""

from importlib import import_module
from typing import Any

_EXPORTS = {
    "MeanSquaredDisplacement": "msd",
    "collective_displacement": "msd",
    "cooperation": "msd",
    "local_exponent": "msd",
    "mean_squared_displacement": "msd",
    "msd_by_fft": "msd",
    "msd_covariance": "covariance",
    "DiffusiveWindow": "window",
    "diffusive_window": "window",
    "Diffusion": "diffusion",
    "estimate_diffusion": "diffusion",
    "conductivity": "conduction",
    "haven_ratio": "conduction",
    "nernst_einstein": "conduction",
    "Driftless": "drift",
    "remove_drift": "drift",
    "Arrhenius": "activation",
    "MeyerNeldel": "activation",
    "arrhenius": "activation",
    "meyer_neldel": "activation",
    "DensityAccumulator": "density",
    "DensityGrid": "density",
    "gaussian_smooth": "density",
    "ion_density": "density",
    "Percolation": "percolation",
    "percolates": "percolation",
    "percolation_threshold": "percolation",
    "DensitySites": "peaks",
    "density_sites": "peaks",
    "write_opendx": "grids",
    "write_vasp_grid": "grids",
    "RegionPopulations": "regions",
    "region_populations": "regions",
    "Hops": "events",
    "Residence": "events",
    "cage_hops": "hops",
    "displacement_hops": "hops",
    "final_displacement_hops": "hops",
    "residence_times": "hops",
    "site_hops": "hops",
    "Strings": "strings",
    "cooperative_strings": "strings",
    "NonGaussian": "nongaussian",
    "non_gaussian_parameter": "nongaussian",
    "VanHove": "vanhove",
    "self_van_hove": "vanhove",
    "distinct_van_hove": "vanhove",
    "IonTransport": "summary",
    "ion_transport": "summary",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
