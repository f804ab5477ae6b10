"""Analyses on disk: arrays in one npz file, everything else as JSON inside it. Nothing is pickled."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import ionpath
from ionpath.errors import InputError
from ionpath.files import atomic_path, marked, unread
from ionpath.moved import MOVED

FORMAT = 1
DAMAGED = (
    ArithmeticError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError, RuntimeError, TypeError,
    ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What zipfile, zlib, NumPy and json raise for a damaged file, according to where the damage is."""


def write(path: str | os.PathLike[str], metadata: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write values and metadata, atomically, and over no file but one of these."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    tree = {
        "format": FORMAT,
        "ionpath": ionpath.__version__,
        "metadata": _pack(dict(metadata), "metadata", arrays),
        "values": {key: _pack(value, key, arrays) for key, value in values.items()},
    }
    with atomic_path(path, own=marked(b"__json__.npy")) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, __json__=np.array(json.dumps(tree)), **arrays)


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Read what `write` wrote; the sums in the file are checked before anything in it is believed."""
    try:
        if (got := unread(path)) and os.path.exists(path):
            raise OSError(got)
        with zipfile.ZipFile(path) as packed:
            damaged = packed.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"its part {damaged} is damaged")
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        tree = json.loads(str(arrays.pop("__json__")))
        if tree["format"] > FORMAT:
            got = f"{tree['format']}, written by ionpath {tree['ionpath']}"
            raise InputError(os.fspath(path), need=f"file format {FORMAT} or older", got=got, remedy="update ionpath")
        values = {key: _unpack(value, arrays) for key, value in tree["values"].items()}
        metadata = _unpack(tree["metadata"], arrays)
        missing = {"class", "frames", "times", "n_frames", "frame_time", "parameters"} - set(metadata)
        if missing:
            raise KeyError(sorted(missing)[0])
        return metadata, values, tree["ionpath"]
    except DAMAGED as error:
        if isinstance(error, (FileNotFoundError, PermissionError, InputError)):
            raise
        got = f"something else ({type(error).__name__}: {str(error)[:80]})"
        remedy = "save the analysis again"
        raise InputError(os.fspath(path), need="a file written by .save()", got=got, remedy=remedy) from error


def _pack(value: Any, name: str, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        items = [_pack(item, f"{name}.{i}", arrays) for i, item in enumerate(value)]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _pack(item, f"{name}.{key}", arrays) for key, item in value.items()}}
    if dataclasses.is_dataclass(value) and _ours(type(value).__module__):
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
        packed = {key: _pack(item, f"{name}.{key}", arrays) for key, item in fields.items()}
        return {"dataclass": f"{type(value).__module__}:{type(value).__qualname__}", "fields": packed}
    need = "arrays, numbers, texts, or results of ionpath"
    raise InputError(name, need=need, got=type(value).__name__, remedy="remove it from results before saving")


def _unpack(value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "list" in value or "tuple" in value:
        items = [_unpack(item, arrays) for item in next(iter(value.values()))]
        return tuple(items) if "tuple" in value else items
    if "dict" in value:
        return {key: _unpack(item, arrays) for key, item in value["dict"].items()}
    module, _, name = value["dataclass"].partition(":")
    if not _ours(module):
        raise InputError("dataclass", need="a class of ionpath", got=value["dataclass"], remedy="save again")
    cls: Any = importlib.import_module(MOVED.get(module, module))
    for part in name.split("."):
        cls = getattr(cls, part)
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise InputError("dataclass", need="a dataclass of ionpath", got=value["dataclass"], remedy="save again")
    return cls(**{key: _unpack(item, arrays) for key, item in value["fields"].items()})


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("ionpath", "ionpath_mdanalysis")
