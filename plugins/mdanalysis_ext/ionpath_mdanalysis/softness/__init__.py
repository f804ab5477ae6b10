"""How ready the surroundings of ions are to let them move."""

from ionpath_mdanalysis.softness.nonaffine import NonAffineDisplacement
from ionpath_mdanalysis.softness.softness import Softness
from ionpath_mdanalysis.softness.temperatures import plot_softness_arrhenius, softness_arrhenius

__all__ = ["NonAffineDisplacement", "Softness", "plot_softness_arrhenius", "softness_arrhenius"]
