"""Atoms in results that go into JSON: as MSONAtoms of pymatgen, which every monty decoder knows."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

from ionpath.errors import InputError
from ionpath.msonable import READERS, WRITERS, encode


def written(atoms: Any, name: str) -> dict[str, Any]:
    """Atoms without their calculator; InputError that calls them `name` where JSON has no form for their info."""
    try:
        text = importlib.import_module("ase.io.jsonio").encode(atoms)
        info = json.loads(text).get("info", {})
    except TypeError as error:
        remedy = "take it out of atoms.info before the run"
        raise InputError(f"{name}.info", need="numbers, texts and arrays", got=str(error), remedy=remedy) from error
    return {"@module": "pymatgen.io.ase", "@class": "MSONAtoms", "atoms_json": text, "atoms_info": encode(info)}


def read(data: Mapping[str, Any]) -> Any:
    """Atoms that `written` wrote, by ASE alone."""
    return importlib.import_module("ase.io.jsonio").decode(data["atoms_json"])


WRITERS["ase.atoms"] = written
READERS["MSONAtoms"] = read
