"""Where JSON of version 0.1.0 looks for the transformation."""

from pymatgen.analysis.argyrodite.transformations import AliovalentSubstitutionTransformation

__all__ = ["AliovalentSubstitutionTransformation"]
