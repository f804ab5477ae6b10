"""Who to cite: every public method carries the keys of the papers that it implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

REFERENCES: dict[str, str] = {
    "guan2024": "Guan, Wang, Yeo, Cai, Unlocking the Ion Migration in Solid-State Electrolytes via Path Entropy, "
    "arXiv:2412.07115",
    "jang2025": "Jang et al., high-entropy anion-disordered argyrodites, J. Mater. Chem. A 13, 16547 (2025)",
    "chen2023": "Chen et al., Anion clusters govern Li conduction in glassy thiophosphates, ACS Energy Lett. 8, 1969 "
    "(2023)",
    "chen2025": "Chen et al., Disorder-induced enhancement of Li-ion transport in Li3PS4",
    "deeptime": "Hoffmann et al., Deeptime: a Python library for machine learning dynamical models from time series "
    "data, "
    "Mach. Learn.: Sci. Technol. 3, 015009 (2022), doi:10.1088/2632-2153/ac3de0",
    "metzner2009": "Metzner, Schuette, Vanden-Eijnden, Transition path theory for Markov jump processes, "
    "Multiscale Model. Simul. 7, 1192 (2009), doi:10.1137/070699500",
    "trendelkamp2015": "Trendelkamp-Schroer et al., Estimation and uncertainty of reversible Markov models, "
    "J. Chem. Phys. 143, 174101 (2015), doi:10.1063/1.4934536",
    "ekroot1993": "Ekroot, Cover, The entropy of Markov trajectories, IEEE Trans. Inf. Theory 39, 1418 (1993), "
    "doi:10.1109/18.243461",
    "prinz2011": "Prinz et al., Markov models of molecular kinetics: generation and validation, "
    "J. Chem. Phys. 134, 174105 (2011), doi:10.1063/1.3565032",
    "bullerjahn2020": "Bullerjahn, von Buelow, Hummer, Optimal estimates of self-diffusion coefficients from molecular "
    "dynamics simulations, J. Chem. Phys. 153, 024116 (2020), doi:10.1063/5.0008312",
    "michalet2010": "Michalet, Mean square displacement analysis of single-particle trajectories with localization "
    "error, Phys. Rev. E 82, 041914 (2010), doi:10.1103/PhysRevE.82.041914",
    "calandrini2011": "Calandrini et al., nMoldyn: interfacing spectroscopic experiments, molecular dynamics simulations "
    "and models for time correlation functions, Ecole thematique SFN 12, 201 (2011), doi:10.1051/sfn/201112010",
    "vanhove1954": "Van Hove, Correlations in space and time and Born approximation scattering in systems of interacting "
    "particles, Phys. Rev. 95, 249 (1954), doi:10.1103/PhysRev.95.249",
    "rahman1964": "Rahman, Correlations in the motion of atoms in liquid argon, Phys. Rev. 136, A405 (1964), "
    "doi:10.1103/PhysRev.136.A405",
    "donati1998": "Donati et al., Stringlike cooperative motion in a supercooled liquid, Phys. Rev. Lett. 80, 2338 "
    "(1998), doi:10.1103/PhysRevLett.80.2338",
    "yelon2006": "Yelon, Movaghar, Crandall, Multi-excitation entropy: its role in thermodynamics and kinetics, "
    "Rep. Prog. Phys. 69, 1145 (2006), doi:10.1088/0034-4885/69/4/R04",
    "morgan2021": "Morgan, Mechanistic origin of superionic lithium diffusion in anion-disordered Li6PS5X argyrodites, "
    "Chem. Mater. 33, 2004 (2021), doi:10.1021/acs.chemmater.0c03738",
}
"""Citation key -> reference with DOI."""


def references(*keys: str) -> Callable[[T], T]:
    """Mark a function or class with the papers that it implements.

    Parameters
    ----------
    *keys : str
        Keys of `REFERENCES`.

    Returns
    -------
    callable
        Decorator that leaves the object as it is but for ``__references__``.

    Raises
    ------
    KeyError
        If a key is unknown, at import time.
    """
    for key in keys:
        REFERENCES[key]

    def mark(thing: T) -> T:
        thing.__references__ = keys  # type: ignore[attr-defined]
        return thing

    return mark


def cite(*objects: Any) -> None:
    """Print the references of the methods used.

    Parameters
    ----------
    *objects : object
        Functions, classes, or results and analyses of ours. Without any, all references are printed.

    Examples
    --------
    >>> from ionpath.kinetics import mfpt_matrix
    >>> cite(mfpt_matrix)  # doctest: +ELLIPSIS
    [deeptime] Hoffmann et al., ...
    """
    keys: list[str] = []
    for thing in objects:
        keys += [k for k in getattr(thing, "__references__", ()) if k not in keys]
    for key in keys if objects else REFERENCES:
        print(f"[{key}] {REFERENCES[key]}")
