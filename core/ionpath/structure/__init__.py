"""Structure of disordered conductors: pair and angle distributions, scattering, anions, order, volumes and rings."""

from ionpath.structure.amorphisation import AmorphisationProfile, amorphisation_profile
from ionpath.structure.angles import AngleDistribution, AngleHistogram, angle_distribution
from ionpath.structure.clusters import AnionClusters, anion_clusters
from ionpath.structure.form_factors import neutron_lengths, xray_form_factors
from ionpath.structure.homology import PersistenceDiagram, persistence_diagram
from ionpath.structure.lifetime import Lifetime, lifetimes, persistent_labels
from ionpath.structure.profiles import LayerProfile, layer_profiles
from ionpath.structure.rdf import RadialDistribution, RadialHistogram, first_minimum, radial_distribution
from ionpath.structure.reciprocal import DirectStructureFactor, direct_structure_factors, reciprocal_vectors
from ionpath.structure.regions import Regions, divide_regions
from ionpath.structure.rings import Rings, persistent_rings
from ionpath.structure.scattering import (
    DiffractionPeak,
    first_sharp_diffraction_peak,
    partial_structure_factors,
    r_chi,
    read_radial_distribution,
    read_structure_factor,
    total_structure_factor,
)
from ionpath.structure.steinhardt import averaged_steinhardt
from ionpath.structure.voronoi import voronoi_volumes

__all__ = [
    "AmorphisationProfile",
    "AngleDistribution",
    "AngleHistogram",
    "AnionClusters",
    "DiffractionPeak",
    "DirectStructureFactor",
    "LayerProfile",
    "Lifetime",
    "PersistenceDiagram",
    "RadialDistribution",
    "RadialHistogram",
    "Regions",
    "Rings",
    "amorphisation_profile",
    "angle_distribution",
    "anion_clusters",
    "averaged_steinhardt",
    "direct_structure_factors",
    "divide_regions",
    "first_minimum",
    "first_sharp_diffraction_peak",
    "layer_profiles",
    "lifetimes",
    "neutron_lengths",
    "partial_structure_factors",
    "persistence_diagram",
    "persistent_labels",
    "persistent_rings",
    "r_chi",
    "radial_distribution",
    "read_radial_distribution",
    "read_structure_factor",
    "reciprocal_vectors",
    "total_structure_factor",
    "voronoi_volumes",
    "xray_form_factors",
]
