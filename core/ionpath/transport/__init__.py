"""How far ions move: displacements, diffusion and conductivity with errors, hops, and where the ions are."""

from ionpath.framework import Driftless, remove_drift
from ionpath.sites.density import DensityAccumulator, DensityGrid, gaussian_smooth, ion_density
from ionpath.sites.maxima import DensitySites, density_sites
from ionpath.transport.activation import Arrhenius, MeyerNeldel, arrhenius, meyer_neldel
from ionpath.transport.conduction import conductivity, haven_ratio, nernst_einstein
from ionpath.transport.covariance import msd_covariance
from ionpath.transport.diffusion import Diffusion, estimate_diffusion
from ionpath.transport.events import Hops, Residence
from ionpath.transport.hops import cage_hops, displacement_hops, final_displacement_hops, residence_times, site_hops
from ionpath.transport.msd import (
    MeanSquaredDisplacement,
    collective_displacement,
    cooperation,
    local_exponent,
    mean_squared_displacement,
    msd_by_fft,
)
from ionpath.transport.nongaussian import NonGaussian, non_gaussian_parameter
from ionpath.transport.percolation import Percolation, percolates, percolation_threshold
from ionpath.transport.slab_populations import RegionPopulations, region_populations
from ionpath.transport.strings import Strings, cooperative_strings
from ionpath.transport.summary import IonTransport, ion_transport
from ionpath.transport.vanhove import VanHove, distinct_van_hove, self_van_hove
from ionpath.transport.volumetric_files import write_opendx, write_vasp_grid
from ionpath.transport.window import DiffusiveWindow, diffusive_window

__all__ = [
    "Arrhenius",
    "DensityAccumulator",
    "DensityGrid",
    "DensitySites",
    "Diffusion",
    "DiffusiveWindow",
    "Driftless",
    "Hops",
    "IonTransport",
    "MeanSquaredDisplacement",
    "MeyerNeldel",
    "NonGaussian",
    "Percolation",
    "RegionPopulations",
    "Residence",
    "Strings",
    "VanHove",
    "arrhenius",
    "cage_hops",
    "collective_displacement",
    "conductivity",
    "cooperation",
    "cooperative_strings",
    "density_sites",
    "diffusive_window",
    "displacement_hops",
    "distinct_van_hove",
    "estimate_diffusion",
    "final_displacement_hops",
    "gaussian_smooth",
    "haven_ratio",
    "ion_density",
    "ion_transport",
    "local_exponent",
    "mean_squared_displacement",
    "meyer_neldel",
    "msd_by_fft",
    "msd_covariance",
    "nernst_einstein",
    "non_gaussian_parameter",
    "percolates",
    "percolation_threshold",
    "region_populations",
    "remove_drift",
    "residence_times",
    "self_van_hove",
    "site_hops",
    "write_opendx",
    "write_vasp_grid",
]
