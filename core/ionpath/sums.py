"""Sums over the frames of a run, which parts of it can be joined by."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, ClassVar


class Sums:
    """Base of what adds up: its attributes that `_adding` names are arrays, numbers or lists."""

    _adding: ClassVar[tuple[str, ...]] = ("total",)

    def state(self) -> dict[str, Any]:
        """Sums over the frames so far."""
        return {name: getattr(self, name) for name in self._adding}

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add the `state` of another part."""
        for name in self._adding:
            setattr(self, name, operator.iadd(getattr(self, name), state[name]))
