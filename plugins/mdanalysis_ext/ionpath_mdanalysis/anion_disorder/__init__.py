"""Structure and anion disorder: pairs, scattering, anions, order, volumes, rings, tilt and distortion.

Also importable as ``MDAnalysis.analysis.anion_disorder``. Every class is imported when it is first used.
"""

from typing import TYPE_CHECKING

from ionpath.lazy import face

if TYPE_CHECKING:
    from ionpath_mdanalysis.anion_disorder.distortion import (
        TetrahedralDistortion as TetrahedralDistortion,
        compare_disorder as compare_disorder,
    )
    from ionpath_mdanalysis.anion_disorder.layers import (
        AmorphisationProfile as AmorphisationProfile,
        LayerProfiles as LayerProfiles,
    )
    from ionpath_mdanalysis.anion_disorder.order_parameter import OrderParameter as OrderParameter
    from ionpath_mdanalysis.anion_disorder.per_atom import (
        AveragedSteinhardt as AveragedSteinhardt,
        IonVoronoiVolume as IonVoronoiVolume,
    )
    from ionpath_mdanalysis.anion_disorder.phases import (
        PhaseDynamics as PhaseDynamics,
        phase_dynamics as phase_dynamics,
    )
    from ionpath_mdanalysis.anion_disorder.radial import (
        AngleDistribution as AngleDistribution,
        RadialDistributions as RadialDistributions,
    )
    from ionpath_mdanalysis.anion_disorder.rings import RingTopology as RingTopology
    from ionpath_mdanalysis.anion_disorder.scattering import StructureFactor as StructureFactor
    from ionpath_mdanalysis.anion_disorder.speciation import AnionSpeciation as AnionSpeciation
    from ionpath_mdanalysis.anion_disorder.tilt import (
        TetrahedronTilt as TetrahedronTilt,
        plot_tilt_series as plot_tilt_series,
    )
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        distortion=["TetrahedralDistortion", "compare_disorder"],
        layers=["AmorphisationProfile", "LayerProfiles"],
        order_parameter=["OrderParameter"],
        per_atom=["AveragedSteinhardt", "IonVoronoiVolume"],
        phases=["PhaseDynamics", "phase_dynamics"],
        radial=["AngleDistribution", "RadialDistributions"],
        rings=["RingTopology"],
        scattering=["StructureFactor"],
        speciation=["AnionSpeciation"],
        tilt=["TetrahedronTilt", "plot_tilt_series"],
    )
