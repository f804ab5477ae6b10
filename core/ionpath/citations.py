"""Who to cite: every public method carries the keys of the papers that it implements."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from ionpath.arguments import typed
from ionpath.errors import InputError, one_of
from ionpath.version import __version__

T = TypeVar("T")

REFERENCES: dict[str, str] = {
    "guan2024": "Guan, Wang, Yeo, Cai, Unlocking the Ion Migration in Solid-State Electrolytes via Path Entropy, "
    "arXiv:2412.07115",
    "jang2025": "Jang et al., high-entropy anion-disordered argyrodites, J. Mater. Chem. A 13, 16547 (2025)",
    "chen2023": "Chen et al., Anion clusters govern Li conduction in glassy thiophosphates, ACS Energy Lett. 8, 1969 "
    "(2023)",
    "chen2025": "Chen et al., Disorder-induced enhancement of Li-ion transport in Li3PS4",
    "tiwary2015": "Tiwary, Parrinello, A time-independent free energy estimator for metadynamics, J. Phys. Chem. B 119, "
    "736 (2015), doi:10.1021/jp504920s",
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
    "steinhardt1983": "Steinhardt, Nelson, Ronchetti, Bond-orientational order in liquids and glasses, Phys. Rev. B 28, "
    "784 (1983), doi:10.1103/PhysRevB.28.784",
    "lechner2008": "Lechner, Dellago, Accurate determination of crystal structures based on averaged local bond order "
    "parameters, J. Chem. Phys. 129, 114707 (2008), doi:10.1063/1.2977970",
    "freud": "Ramasubramani et al., freud: a software suite for high throughput analysis of particle simulation data, "
    "Comput. Phys. Commun. 254, 107275 (2020), doi:10.1016/j.cpc.2020.107275",
    "rycroft2009": "Rycroft, VORO++: a three-dimensional Voronoi cell library in C++, Chaos 19, 041111 (2009), "
    "doi:10.1063/1.3215722",
    "gellatly1982": "Gellatly, Finney, Characterisation of models of multicomponent amorphous metals: the radical "
    "alternative to the Voronoi polyhedron, J. Non-Cryst. Solids 50, 313 (1982), doi:10.1016/0022-3093(82)90093-X",
    "faber1965": "Faber, Ziman, A theory of the electrical properties of liquid metals, Phil. Mag. 11, 153 (1965), "
    "doi:10.1080/14786436508211931",
    "lorch1969": "Lorch, Neutron diffraction by germania, silica and radiation-damaged silica glasses, J. Phys. C 2, 229 "
    "(1969), doi:10.1088/0022-3719/2/2/305",
    "waasmaier1995": "Waasmaier, Kirfel, New analytical scattering-factor functions for free atoms and ions, "
    "Acta Cryst. A 51, 416 (1995), doi:10.1107/S0108767394013292",
    "sears1992": "Sears, Neutron scattering lengths and cross sections, Neutron News 3, 26 (1992), "
    "doi:10.1080/10448639208218770",
    "wright1993": "Wright, The comparison of molecular dynamics simulations with diffraction experiments, "
    "J. Non-Cryst. Solids 159, 264 (1993), doi:10.1016/0022-3093(93)90232-M",
    "errington2001": "Errington, Debenedetti, Relationship between structural order and the anomalies of liquid water, "
    "Nature 409, 318 (2001), doi:10.1038/35053024",
    "miller1955": "Miller, Note on the bias of information estimates, in: Information Theory in Psychology, 95 (1955)",
    "edelsbrunner1994": "Edelsbrunner, Muecke, Three-dimensional alpha shapes, ACM Trans. Graph. 13, 43 (1994), "
    "doi:10.1145/174462.156635",
    "gudhi": "Maria, Boissonnat, Glisse, Yvinec, The Gudhi library: simplicial complexes and persistent homology, "
    "ICMS 2014, LNCS 8592, 167 (2014), doi:10.1007/978-3-662-44199-2_28",
    "falk1998": "Falk, Langer, Dynamics of viscoplastic deformation in amorphous solids, Phys. Rev. E 57, 7192 (1998), "
    "doi:10.1103/PhysRevE.57.7192",
    "cubuk2015": "Cubuk et al., Identifying structural flow defects in disordered solids using machine-learning methods, "
    "Phys. Rev. Lett. 114, 108001 (2015), doi:10.1103/PhysRevLett.114.108001",
    "schoenholz2016": "Schoenholz et al., A structural approach to relaxation in glassy liquids, Nat. Phys. 12, 469 "
    "(2016), doi:10.1038/nphys3644",
    "behler2007": "Behler, Parrinello, Generalized neural-network representation of high-dimensional potential-energy "
    "surfaces, Phys. Rev. Lett. 98, 146401 (2007), doi:10.1103/PhysRevLett.98.146401",
    "scikit-learn": "Pedregosa et al., Scikit-learn: machine learning in Python, J. Mach. Learn. Res. 12, 2825 (2011)",
    "morgan2021": "Morgan, Mechanistic origin of superionic lithium diffusion in anion-disordered Li6PS5X argyrodites, "
    "Chem. Mater. 33, 2004 (2021), doi:10.1021/acs.chemmater.0c03738",
}
"""Citation key -> reference with DOI."""


def references(*keys: str) -> Callable[[T], T]:
    """Mark a function or class with the papers that it implements, by keys of `REFERENCES`, in ``__references__``.

    An unknown key is a KeyError at import time.
    """
    for key in keys:
        REFERENCES[key]

    def mark(thing: T) -> T:
        thing.__references__ = keys  # type: ignore[attr-defined]
        return thing

    return mark


@typed
def cite(*objects: Any, format: Literal["text", "bibtex"] = "text") -> None:
    """Print the references of the methods used.

    Parameters
    ----------
    *objects : object
        Functions, classes, or results and analyses of ours. Without any, all references are printed.
    format : {"text", "bibtex"}, optional
        A line for each, or entries for a .bib file, of which the first is ionpath itself.

    Examples
    --------
    >>> from ionpath.kinetics import mfpt_matrix
    >>> cite(mfpt_matrix)  # doctest: +ELLIPSIS
    [deeptime] Hoffmann et al., ...
    """
    one_of("format", format, ("text", "bibtex"))
    print(bibtex(*objects) if format == "bibtex" else "\n".join(f"[{key}] {REFERENCES[key]}" for key in _keys(objects)))


@typed
def bibtex(*objects: Any) -> str:
    """Return the references of the methods used as entries for a .bib file.

    Parameters
    ----------
    *objects : object
        As for `cite`.

    Returns
    -------
    str
        BibTeX; the first entry is ionpath itself.

    Examples
    --------
    >>> from ionpath.transport import nernst_einstein
    >>> print(bibtex(nernst_einstein).splitlines()[0])
    @software{ionpath,
    """
    own = {"title": "{ionpath}", "author": "{ionpath developers}", "version": __version__}
    return "\n\n".join([_entry("software", "ionpath", own), *(_bibtex(key, REFERENCES[key]) for key in _keys(objects))])


def _keys(objects: Sequence[Any]) -> list[str]:
    if not objects:
        return list(REFERENCES)
    if wrong := [thing for thing in objects if isinstance(thing, (str, bytes, int, float))]:
        raise InputError("objects", need="functions, classes or results of ionpath", got=repr(wrong[0])[:80])
    return list(dict.fromkeys(key for thing in objects for key in getattr(thing, "__references__", ())))


def _bibtex(key: str, reference: str) -> str:
    """Entry of one reference, whose form is: authors, title, journal volume, page (year), doi."""
    text, _, doi = reference.partition(", doi:")
    names: list[str] = []
    parts = text.split(", ")
    while len(parts) > 1 and (len(parts[0].split()) <= 2 or parts[0].endswith("et al.")):
        names.append(parts.pop(0))
        if names[-1].endswith("et al."):
            names[-1] = f"{names[-1].removesuffix(' et al.')} and others"
            break
    rest, fields = ", ".join(parts), {"author": " and ".join(_family(name) for name in names)}
    journal = re.fullmatch(r"(.+), ([^,]+) (\d+), (\w+) \((\d{4})\)", rest)
    preprint = re.fullmatch(r"(.+), arXiv:([\d.]+)", rest)
    if journal:
        fields |= dict(zip(("title", "journal", "volume", "pages", "year"), journal.groups(), strict=True))
    elif preprint:
        fields |= {"title": preprint[1], "eprint": preprint[2], "archiveprefix": "arXiv"}
    else:
        fields["title"] = rest
    if "year" not in fields and (year := re.search(r"(?:19|20)\d\d", key)):
        fields["year"] = year[0]
    fields["title"] = f"{{{fields['title']}}}"
    return _entry("article" if journal else "misc", key, fields | ({"doi": doi} if doi else {}))


def _family(name: str) -> str:
    """A name of two words in braces, or BibTeX takes the first one for a given name."""
    family = name.removesuffix(" and others")
    return name.replace(family, f"{{{family}}}") if " " in family else name


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    return "\n".join([f"@{kind}{{{key},", *(f"  {name} = {{{value}}}," for name, value in fields.items()), "}"])
