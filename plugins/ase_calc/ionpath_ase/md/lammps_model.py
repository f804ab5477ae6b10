"""A model as the LAMMPS engine wants it: deepmd's interface sums virials of atoms, and the sum can be had cheaply."""

from __future__ import annotations

import re
from pathlib import Path

ATOM_VIRIAL = "o_atom_virial"
"""Virials of atoms in a frozen model: each pair's belongs to the neighbour."""
EACH_VIRIAL = "o_each_virial"
"""Force times position of each atom and image, in models that `ionpath_ase.training.lean` wrote: the same sum."""
_SET_ASIDE = "o_pair_virial"


def with_virial_of_images(model: Path, folder: Path) -> Path:
    """Return a model whose virials of atoms are force times position, for runs that need their sum alone."""
    content = model.read_bytes()
    if model.suffix != ".pb" or EACH_VIRIAL.encode() not in content:
        return model
    copy = folder / "model.pb"
    copy.write_bytes(virial_of_images(content))
    return copy


def virial_of_images(content: bytes) -> bytes:
    """The same for the bytes of a frozen model: names of one length can be exchanged without reading the graph."""
    if EACH_VIRIAL.encode() in content:
        for old, new in ((ATOM_VIRIAL, _SET_ASIDE), (EACH_VIRIAL, ATOM_VIRIAL)):
            content = content.replace(old.encode(), new.encode())
    return content


def elements(model: Path) -> tuple[str, ...]:
    """Elements of a frozen model in the order of its types, without loading it; none where the file does not say."""
    if model.suffix != ".pb":
        return ()
    found = re.search(rb"model_attr/tmap\x12\x05Const.{0,60}?\x12\x00B(.)", model.read_bytes(), re.DOTALL)
    if found is None:
        return ()
    text = found.string[found.end() : found.end() + found[1][0]]
    return tuple(text.decode(errors="replace").split())
