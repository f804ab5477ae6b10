"""How far ions move and where they are: diffusion, van Hove functions, hops and densities."""

from ionpath_mdanalysis.ion_transport.activation import (
    Extrapolation,
    arrhenius,
    extrapolate,
    meyer_neldel,
    plot_arrhenius,
)
from ionpath_mdanalysis.ion_transport.composition import plot_conductivity_line, plot_conductivity_map
from ionpath_mdanalysis.ion_transport.density import IonDensity
from ionpath_mdanalysis.ion_transport.diffusion import IonDiffusion
from ionpath_mdanalysis.ion_transport.hops import IonHops
from ionpath_mdanalysis.ion_transport.nongaussian import NonGaussianParameter
from ionpath_mdanalysis.ion_transport.vanhove import SelfVanHove

__all__ = [
    "Extrapolation",
    "IonDensity",
    "IonDiffusion",
    "IonHops",
    "NonGaussianParameter",
    "SelfVanHove",
    "arrhenius",
    "extrapolate",
    "meyer_neldel",
    "plot_arrhenius",
    "plot_conductivity_line",
    "plot_conductivity_map",
]
