"""Complete, commented plumed.dat for the metadynamics protocols, from a structure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ionpath.arguments import typed
from ionpath.errors import InputError, one_of
from ionpath_plumed.biases import Bias, write_bias
from ionpath_plumed.inputs import PlumedInput as PlumedInput
from ionpath_plumed.presets import PRESETS, Hills, protocol
from ionpath_plumed.recipes import RECIPES, Choice, named
from ionpath_plumed.structure import Crystal, as_crystal, corners_alike, exchangeable, upside_down

Method = Literal["metad", "opes", "opes-explore", "opes-multithermal"]
OF_METHODS = {
    "sigma": ("metad", "opes", "opes-explore"), "height": ("metad",), "bias_factor": ("metad",),
    "barrier": ("opes", "opes-explore"), "temperature_range": ("opes-multithermal",),
}  # fmt: skip
OF_KINDS = {
    "fence": ("inter-cage",), "rotation": ("intra-cage", "tilt"), "region": ("position",),
    "ion": ("inter-cage", "intra-cage", "position"),
}  # fmt: skip
"""Arguments that some methods, and some kinds of protocols, do not use."""


def check_protocol(name: str, arguments: Mapping[str, Any], where: str = "") -> None:
    """Refuse a protocol that is not there, and arguments that `metadynamics_input` does not know or use with it."""
    one_of(f"{where}protocol", name, PRESETS)
    for argument in arguments:
        one_of(f"{where}arguments", argument, list(inspect.signature(metadynamics_input).parameters)[2:])
    check_used(PRESETS[name].kind, arguments.get("method", "metad"), arguments, where)


def check_used(kind: str, method: str, given: Mapping[str, Any], where: str = "") -> None:
    """Refuse an argument that a kind of protocol, or a method, does not use; None is not given."""
    for chosen, users in ((method, OF_METHODS), (kind, OF_KINDS)):
        for argument, those in users.items():
            if given.get(argument) is not None and chosen not in those:
                need, got = f"none for {chosen}, which does not use it", f"{given[argument]}"
                got = got if argument != "ion" else f"atom {given[argument] + 1} of the structure"
                raise InputError(where + argument, need=need, got=got, remedy="leave it out")


@typed
def metadynamics_input(
    structure: Any,
    name: str = "inter-cage",
    *,
    temperature: float = 300.0,
    timestep: float = 2.0,
    ion: int | None = None,
    centres: Sequence[int] | None = None,
    mobile: str = "Li",
    radius: float = 3.0,
    rotation: float = 0.0,
    region: Sequence[Sequence[float]] | None = None,
    hills: Hills = "recommended",
    method: Method = "metad",
    barrier: float | None = None,
    temperature_range: tuple[float, float] | None = None,
    sigma: float | None = None,
    height: float | None = None,
    pace: float | None = None,
    bias_factor: float | None = None,
    walls: tuple[float, float] | None = None,
    fence: float | None = 0.0,
    walkers: int = 1,
    built: Any = None,
) -> PlumedInput:
    """Write the input of a metadynamics run for a structure.

    Parameters
    ----------
    structure : object
        ASE Atoms, pymatgen Structure, Universe, or (symbols, positions, cell); lengths in A.
    name : str
        Protocol: a key of `ionpath_plumed.presets.PRESETS`.
    temperature, timestep : float
        Temperature in K, and time step of the MD in fs, with which paces are counted.
    ion : int, optional
        Index (from 0) of the ion to bias; found if left out.
    centres : sequence of int, optional
        Indices of the centres: two shells (inter-cage), one (intra-cage), the shells from which, to which, and from
        there to which the ions go (concerted), or the central atom and an anion (tilt); found if left out. A concerted
        hop whose third shell is the first again is an exchange of two ions. It leaves all cages full, and is what is
        chosen where all are.
    mobile : str
        Element that moves.
    radius : float
        Largest distance in A of an ion from the centre of its shell.
    rotation : float
        Angle in degrees by which the crystal axes are turned about z against those of the box.
    region : sequence of (low, high), optional
        Box in A for the protocol ``position``; by default around two neighbouring cages.
    hills : {"recommended", "published"}
        Hills that give a known barrier within its error (0.1 A wide, 2 kJ/mol high), or those of arXiv:2412.07115
        (0.2 A and up to 5 kJ/mol), which make barriers of narrow valleys a few kJ/mol too high: docs/plumed.md.
    method : {"metad", "opes", "opes-explore", "opes-multithermal"}
        Well-tempered metadynamics, or on-the-fly probability enhanced sampling: of the variables, or of the potential
        energy in a range of temperatures (arXiv:2412.07115, Eq. 4).
    barrier : float, optional
        Highest barrier in kJ/mol that OPES is to overcome; default 80.
    temperature_range : tuple of float, optional
        Lowest (50 K or more) and highest temperature in K of ``opes-multithermal``; default 300 and 900.
    sigma, height, pace, bias_factor, walls : optional
        In place of those values: A or rad, kJ/mol, fs, gamma, A.
    fence : float or None
        By how many A the ion may be nearer to the centre of a third shell than to the nearer of the two (inter-cage).
        None: the published walls alone, within which the ion also goes to third cages, which the two distances cannot
        tell from the way between the two.
    walkers : int
        Number of walkers that share hills.
    built : object, optional
        The structure as it was built, where `structure` was heated since. If a symmetry of it, without its mobile
        ions, exchanges the two cages of a hop (inter-cage), turns a cage upside down (intra-cage) or takes a bond to
        all others of its tetrahedron (tilt), there and back are one barrier, and the analysis takes them as one.

    Returns
    -------
    PlumedInput
        Input with comments; `write` puts it in a folder.

    Raises
    ------
    InputError
        If the protocol is unknown, the structure lacks what it needs, or `ion` is far from the centres: a sentence
        says what.
    """
    settings = protocol(name, hills, sigma=sigma, height=height, pace=pace, bias_factor=bias_factor, walls=walls)
    given: dict[str, Any] = {"sigma": sigma, "height": height, "bias_factor": bias_factor}
    given |= {"barrier": barrier, "temperature_range": temperature_range}
    given |= {"fence": fence or None, "rotation": rotation or None, "region": region, "ion": ion}
    check_used(settings.kind, method, given)
    highest, kelvins = 80.0 if barrier is None else barrier, temperature_range or (300.0, 900.0)
    bias = Bias(settings, temperature, timestep, method, highest, walkers, kelvins)
    choice = Choice(ion, centres, mobile, radius, rotation, region, fence)
    crystal = as_crystal(structure)
    if ion is not None and 0 <= ion < len(crystal.symbols) and crystal.symbols[ion] != mobile:
        remedy = "name an ion of that element, or mobile= for another"
        raise InputError("ion", need=f"an atom of {mobile}", got=named(crystal, ion), remedy=remedy)
    recipe = RECIPES[settings.kind](crystal, settings, choice)
    return PlumedInput(
        write_bias(recipe.body, bias, recipe.variables, recipe.printed, grid=recipe.grid), recipe.files, settings.kind,
        temperature, timestep, recipe.variables, recipe.start, recipe.end, recipe.reach, recipe.end_reach, recipe.atoms,
        method, _symmetric(settings.kind, crystal, built, recipe.atoms, mobile),
    )  # fmt: skip


SYMMETRIES: dict[str, Callable[..., bool]] = {
    "inter-cage": exchangeable, "intra-cage": upside_down, "tilt": corners_alike,
}  # fmt: skip
"""Kind of protocol -> whether a symmetry exchanges its ends, of a crystal, the atoms that stay, and what moves."""


def _symmetric(kind: str, crystal: Crystal, built: Any, atoms: Mapping[str, Sequence[int]], mobile: str) -> bool:
    """Whether a symmetry of the structure as built exchanges the ends; atoms count from 1."""
    if kind not in SYMMETRIES:
        return False
    before = crystal if built is None else as_crystal(built)
    if not np.array_equal(before.symbols, crystal.symbols):
        got = f"{len(before.symbols)} atoms of other elements or in another order"
        raise InputError("built", need=f"the {len(crystal.symbols)} atoms of the structure", got=got)
    stay = [number - 1 for role in ("centres", "central", "anion") for number in atoms.get(role, ())]
    return SYMMETRIES[kind](before, *stay, mobile)
