"""Transformations of argyrodites: site inversion, excess halide, enumeration, aliovalent substitution."""

from pymatgen.analysis.argyrodite.transformations.aliovalent import AliovalentSubstitutionTransformation
from pymatgen.analysis.argyrodite.transformations.enumeration import EnumerateSiteInversionTransformation
from pymatgen.analysis.argyrodite.transformations.excess_halide import ExcessHalideTransformation
from pymatgen.analysis.argyrodite.transformations.site_inversion import SiteInversionTransformation

__all__ = [
    "AliovalentSubstitutionTransformation",
    "EnumerateSiteInversionTransformation",
    "ExcessHalideTransformation",
    "SiteInversionTransformation",
]
