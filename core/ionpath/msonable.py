"""Results as dictionaries of JSON's own types, in the protocol of monty: what jobflow, atomate2 or a database keep.

monty itself is not imported: its decoder finds the class by the keys ``@module`` and ``@class`` and calls `from_dict`.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import InputError
from ionpath.moved import MOVED
from ionpath.notebook import Shown
from ionpath.version import __version__

WRITERS: dict[str, Callable[[Any, str], dict[str, Any]]] = {}
"""How objects of a host are written, by the module of their class: put here by the plugin that knows them."""
READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {}
"""How they are read again, by ``@class``."""


class Msonable(Shown):
    """Base of a dataclass that goes into a dictionary of JSON's own types and comes back.

    NaN becomes null, infinities the texts "inf" and "-inf", arrays what monty's decoder knows as such, and so
    do Atoms of ASE with `ionpath_ase`, without their calculator.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Rates(Msonable):
    ...     values: NDArray[np.float64]
    ...     states: tuple[int, ...]
    ...     fastest: float = float("nan")
    >>> rates = Rates(np.array([1.0, np.nan]), (0, 3))
    >>> rates.as_dict()["values"]["data"], rates.as_dict()["fastest"]
    ([1.0, None], None)
    >>> Rates.from_dict(rates.as_dict())
    Rates(values=array([ 1., nan]), states=(0, 3), fastest=nan)
    """

    def as_dict(self) -> dict[str, Any]:
        """All fields in JSON's own types, with class and version; InputError for what has no such form."""
        cls = type(self)
        found = {"@module": cls.__module__, "@class": cls.__qualname__, "@version": __version__}
        return found | {
            field.name: encode(getattr(self, field.name), f"{cls.__name__}.{field.name}")
            for field in dataclasses.fields(self)  # type: ignore[arg-type]  # subclasses are dataclasses
            if field.init
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote, keys that begin with @ left out; InputError if fields are missing or unknown."""
        fields = {f.name: f for f in dataclasses.fields(cls) if f.init}  # type: ignore[arg-type]  # as above
        given = {key: value for key, value in data.items() if not key.startswith("@")}
        missing = dataclasses.MISSING
        needed = {k for k, f in fields.items() if f.default is missing and f.default_factory is missing}
        if not needed <= set(given) <= set(fields):
            wrong = sorted(set(given) - set(fields)) or [f"no {key}" for key in sorted(needed - set(given))]
            remedy = f"pass what {cls.__name__}.as_dict() wrote"
            raise InputError(cls.__name__, need=f"the fields {', '.join(fields)}", got=", ".join(wrong), remedy=remedy)
        names = vars(sys.modules[cls.__module__])
        return cls(**{key: decode(value, str(fields[key].type), names) for key, value in given.items()})


def encode(value: Any, name: str = "value") -> Any:
    """Value in JSON's own types: numbers, texts, lists, dictionaries and None.

    Arrays, paths and objects with ``as_dict`` have such a form; InputError, which calls the value `name`, for what has
    none.

    >>> encode({"D": float("nan"), "lags": (1, 2)})
    {'D': None, 'lags': [1, 2]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufcSU":
        return _array(value)
    if isinstance(value, (list, tuple)):
        return [encode(item, f"{name}[{k}]") for k, item in enumerate(value)]
    if isinstance(value, Mapping) and not hasattr(value, "as_dict"):  # results of MDAnalysis are both
        return {str(key): encode(item, f"{name}[{key!r}]") for key, item in value.items()}
    for cls in type(value).__mro__:
        if cls.__module__ in WRITERS:
            return WRITERS[cls.__module__](value, name)
    if hasattr(value, "as_dict"):
        return encode(value.as_dict(), name)
    need = "numbers, texts, arrays, or objects with as_dict"
    raise InputError(name, need=need, got=type(value).__name__, remedy="leave it out of what is saved")


def _array(array: NDArray[Any]) -> dict[str, Any]:
    head = {"@module": "numpy", "@class": "array", "dtype": str(array.dtype)}
    if array.size == 0:
        head["shape"] = list(array.shape)  # type: ignore[assignment]  # which empty lists do not tell
    if array.dtype.kind == "c":
        return {**head, "data": [encode(array.real.tolist()), encode(array.imag.tolist())]}
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return {**head, "data": encode(array.tolist())}
    return {**head, "data": array.tolist()}


def decode(value: Any, hint: str = "", names: Mapping[str, Any] | None = None) -> Any:
    """Value that `encode` wrote.

    `hint` is the annotation of the field, which tells a tuple from a list and a NaN from None; `names` are classes that
    it may name, for dictionaries that do not say theirs (``dataclasses.asdict``).

    >>> decode([1, 2], "tuple[int, ...]"), decode(None, "float")
    ((1, 2), nan)
    """
    if hint == "float" and (value is None or isinstance(value, str)):
        return math.nan if value is None else float(value)
    if hint == "Path" and isinstance(value, str):
        return Path(value)
    outer, _, inner = hint.removesuffix("]").partition("[")
    if isinstance(value, list):
        inner = inner if "[" in inner else inner.partition(",")[0]
        items = [decode(item, inner.removesuffix(", ..."), names) for item in value]
        return tuple(items) if outer == "tuple" else items
    if not isinstance(value, Mapping):
        return value
    if value.get("@module") == "numpy":
        return _read_array(value["data"], np.dtype(value["dtype"]), value.get("shape"))
    if value.get("@class") in READERS:
        return READERS[value["@class"]](value)
    found: Any = (names or {}).get(hint.removesuffix(" | None"))
    if "@class" in value:
        module = str(value.get("@module"))
        found = importlib.import_module(MOVED.get(module, module))
        for part in value["@class"].split("."):
            found = getattr(found, part)
    if hasattr(found, "from_dict"):
        return found.from_dict(value)
    key, _, inner = inner.partition(", ")
    return {int(k) if key == "int" else k: decode(item, inner, names) for k, item in value.items()}


def _read_array(data: Any, dtype: np.dtype[Any], shape: Any) -> NDArray[Any]:
    if dtype.kind == "c":
        array = np.array(data[0]) + 1j * np.array(data[1])
        return array.astype(dtype)
    array = np.array(data, dtype=dtype)
    return array if shape is None else array.reshape(shape)
