"""Analyses of mobile ions for MDAnalysis, with readers for the formats of ASE and VASP.

The readers register with MDAnalysis when this package is imported; the analyses are imported
when they are first used.
"""

from typing import TYPE_CHECKING

from ionpath.lazy import face
from ionpath_mdanalysis.readers.registry import register

if TYPE_CHECKING:
    from ionpath_mdanalysis._base import IonAnalysis as IonAnalysis
    from ionpath_mdanalysis.anion_disorder import (
        AmorphisationProfile as AmorphisationProfile,
        AnionSpeciation as AnionSpeciation,
        AveragedSteinhardt as AveragedSteinhardt,
        IonVoronoiVolume as IonVoronoiVolume,
        RingTopology as RingTopology,
        StructureFactor as StructureFactor,
        TetrahedralDistortion as TetrahedralDistortion,
        TetrahedronTilt as TetrahedronTilt,
    )
    from ionpath_mdanalysis.ion_transport import (
        IonDensity as IonDensity,
        IonDiffusion as IonDiffusion,
        IonHops as IonHops,
        NonGaussianParameter as NonGaussianParameter,
        SelfVanHove as SelfVanHove,
    )
    from ionpath_mdanalysis.path_entropy import (
        CoordinationShells as CoordinationShells,
        MarkovStates as MarkovStates,
        PathEntropy as PathEntropy,
        ShellStates as ShellStates,
        SiteNetwork as SiteNetwork,
    )
    from ionpath_mdanalysis.softness import NonAffineDisplacement as NonAffineDisplacement, Softness as Softness
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        _base=["IonAnalysis"],
        anion_disorder=[
            "AmorphisationProfile",
            "AnionSpeciation",
            "AveragedSteinhardt",
            "IonVoronoiVolume",
            "RingTopology",
            "StructureFactor",
            "TetrahedralDistortion",
            "TetrahedronTilt",
        ],
        ion_transport=["IonDensity", "IonDiffusion", "IonHops", "NonGaussianParameter", "SelfVanHove"],
        path_entropy=["CoordinationShells", "MarkovStates", "PathEntropy", "ShellStates", "SiteNetwork"],
        softness=["NonAffineDisplacement", "Softness"],
    )

register()
