"""Readers that MDAnalysis lacks: extended XYZ, ASE ``.traj``, VASP ``XDATCAR``, and ASE ``Atoms`` objects.

`registry.register` makes MDAnalysis know them. With ionpath installed that happens by itself as soon as a script
imports MDAnalysis; formats that MDAnalysis itself knows keep their own readers.
"""
