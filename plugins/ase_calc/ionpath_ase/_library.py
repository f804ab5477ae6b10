"""deepmd-kit's C library: frozen TensorFlow models without TensorFlow's Python, whose import takes 3 s of CPU time."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionpath.errors import IonpathError
from ionpath_ase._verlet import VerletNeighbours
from ionpath_ase.md.lammps_model import virial_of_images
from ionpath_ase.md.programs import folder_of

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_NEEDED = ("DP_NewDeepPotWithParam2", "DP_DeepPotComputeNList", "DP_DeepPotCompute", "DP_NewNlist", "DP_DeleteChar")


@cache
def _library() -> Any:
    """The library with TensorFlow's beside it, or nothing where an installation keeps them elsewhere."""
    deepmd, tensorflow = folder_of("deepmd"), folder_of("tensorflow")
    if deepmd is None or tensorflow is None:
        return None
    try:
        for name in ("framework", "cc"):  # found by name from then on; no search path leads to them
            for found in sorted(tensorflow.glob(f"libtensorflow_{name}.*2*")):
                ctypes.CDLL(str(found))
        loaded = ctypes.CDLL(str(next((deepmd / "lib").glob("libdeepmd_c.[sd]*"))))
    except (OSError, StopIteration):
        return None
    if not all(hasattr(loaded, name) for name in _NEEDED):
        return None
    word, number, real = ctypes.c_void_p, ctypes.c_int, ctypes.c_double
    arrays = [word] * 5
    for name, result, arguments in (
        ("NewDeepPotWithParam2", word, [ctypes.c_char_p, number, ctypes.c_char_p, number]),
        ("DeepPotCheckOK", word, [word]), ("DeepPotGetTypeMap", word, [word]), ("DeleteChar", None, [word]),
        ("DeepPotGetCutoff", real, [word]), ("DeepPotGetDimFParam", number, [word]),
        ("DeepPotGetDimAParam", number, [word]), ("DeepPotGetNumbTypes", number, [word]),
        ("DeleteDeepPot", None, [word]), ("DeleteNlist", None, [word]),
        ("NewNlist", word, [number, word, word, word]),
        ("DeepPotCompute", None, [word, number, word, word, word, *arrays]),
        ("DeepPotComputeNList", None, [word, number, word, word, word, number, word, number, *arrays]),
    ):  # fmt: skip
        function = getattr(loaded, f"DP_{name}")
        function.restype, function.argtypes = result, arguments
    return loaded


def opened(path: Path) -> Library | None:
    """A model through the library, or nothing: where there is none, or the model is not one for it."""
    if path.suffix != ".pb" or not path.is_file() or _library() is None:
        return None
    content = path.read_bytes()
    if b"spin_attr" in content:
        return None
    try:
        found = Library(path, content)
    except IonpathError:  # the road through Python says what is wrong
        return None
    return found if found.plain else None


class Library:
    """A plain Deep Potential as C functions of arrays."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._c = _library()
        self._path = path
        self._each: Any = None  # made when virials of atoms are wanted, which the exchanged names do not give
        self._content = content
        self._listed: tuple[VerletNeighbours, int] | None = None  # lists that the library has taken over
        self._made: list[tuple[Any, Any]] = []
        self._model = self._new(virial_of_images(content))
        self.cutoff = float(self._c.DP_DeepPotGetCutoff(self._model))
        self.elements = tuple(self._text(self._c.DP_DeepPotGetTypeMap(self._model)).split())
        self.plain = not (self._c.DP_DeepPotGetDimFParam(self._model) or self._c.DP_DeepPotGetDimAParam(self._model))

    def _new(self, content: bytes) -> Any:
        model = self._c.DP_NewDeepPotWithParam2(str(self._path).encode(), 0, content, len(content))
        self._made.append((self._c.DP_DeleteDeepPot, model))
        self._check(model)
        return model

    def __del__(self) -> None:
        for delete, thing in self._made:
            delete(thing)

    def _text(self, pointer: Any) -> str:
        try:
            return (ctypes.string_at(pointer) if pointer else b"").decode(errors="replace")
        finally:
            self._c.DP_DeleteChar(pointer)

    def _check(self, model: Any) -> None:
        told = self._text(self._c.DP_DeepPotCheckOK(model))
        if told:
            raise IonpathError(f"the model {self._path.name}: {told[:300]}")

    def evaluate(
        self, positions: FloatArray, cell: FloatArray | None, types: IntArray, per_atom: bool
    ) -> tuple[FloatArray, ...]:
        """Energy, forces and virial, and those of each atom where wanted; the library searches neighbours."""
        if per_atom and self._each is None:
            self._each = self._new(self._content)
        self._listed = None
        model, count = (self._each if per_atom else self._model), len(types)
        shapes = ((), (count, 3), (3, 3), *(((count,), (count, 3, 3)) if per_atom else ()))
        found = tuple(np.zeros(shape) for shape in shapes)
        box = None if cell is None else np.ascontiguousarray(cell, dtype=np.float64)
        place, kinds = np.ascontiguousarray(positions, dtype=np.float64), np.ascontiguousarray(types, dtype=np.int32)
        out = [_at(array) for array in found] + [None] * (5 - len(found))
        self._c.DP_DeepPotCompute(model, count, _at(place), _at(kinds), None if box is None else _at(box), *out)
        self._check(model)
        return found

    def evaluate_with_lists(
        self, neighbours: VerletNeighbours, positions: FloatArray, cell: FloatArray, types: IntArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """Energy, forces and virial with lists that are kept from step to step."""
        neighbours.update(positions, cell, types)
        known = self._listed == (neighbours, neighbours.builds)
        self._listed = None
        place = np.ascontiguousarray(neighbours.coordinates(positions, cell))
        box = np.ascontiguousarray(cell, dtype=np.float64)
        energy, forces, virial = np.zeros(()), np.zeros(place.shape), np.zeros((3, 3))
        lists = neighbours.lists
        table = self._c.DP_NewNlist(len(types), _at(lists.atoms), _at(lists.counts), _at(lists.starts))
        self._c.DP_DeepPotComputeNList(
            self._model, len(place), _at(place), _at(neighbours.all_types), _at(box), len(neighbours.ghosts), table,
            int(known), _at(energy), _at(forces), _at(virial), None, None,
        )  # fmt: skip
        self._c.DP_DeleteNlist(table)
        self._check(self._model)
        self._listed = neighbours, neighbours.builds
        return float(energy), neighbours.collect(forces), virial


def _at(array: NDArray[Any]) -> int:
    """Address of an array."""
    return int(array.ctypes.data)
