"""How ready the surroundings of ions are to let them move."""

from ionpath_mdanalysis.softness.nonaffine import NonAffineDisplacement
from ionpath_mdanalysis.softness.profile import LayerMeans, layer_means
from ionpath_mdanalysis.softness.softness import Softness
from ionpath_mdanalysis.softness.temperatures import plot_softness_arrhenius, softness_arrhenius

__all__ = [
    "LayerMeans",
    "NonAffineDisplacement",
    "Softness",
    "layer_means",
    "plot_softness_arrhenius",
    "softness_arrhenius",
]
