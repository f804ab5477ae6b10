"""Order parameters of other packages, averaged per atom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.errors import InputError, one_of, whole
from ionpath.plugins import available
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._frames import cell_vectors
from ionpath_mdanalysis.anion_disorder._structure import MOST_BINS, Options
from ionpath_mdanalysis.anion_disorder.per_atom import PerAtomAnalysis


def parameter(name: str) -> Callable[..., Any] | None:
    """The order parameter of a name, or None."""
    return available("order_parameters").get(name)


def evaluate(name: str, function: Callable[..., Any], positions: Floats, cell: Floats, n_atoms: int) -> Floats:
    """One finite number per atom, as the hook promises, or an error that names the entry."""
    values = np.asarray(function(positions, cell), dtype=np.float64)
    if values.shape != (n_atoms,) or not np.isfinite(values).all():
        raise InputError(
            f"order parameter {name!r}", need=f"one finite number for each of {n_atoms} atoms",
            got=f"shape {values.shape}" if values.shape != (n_atoms,) else "nan or infinity",
            remedy="mend the plugin that brings it, see ionpath.plugins.order_parameters",
        )  # fmt: skip
    return values


@typed
class OrderParameter(PerAtomAnalysis):
    """An order parameter that an installed package brings, of every atom.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms whose positions the order parameter sees.
    name : str
        Its name, one of ``ionpath.plugins.available("order_parameters")``.
    of : AtomGroup, optional
        Atoms whose numbers are wanted; default: all of `atoms`.
    bins : int, default 100
        Bins of the distribution.
    value_range : tuple of float, optional
        Range of the distribution; default: that of the first frame, half as wide again on both sides.
    series, **options
        See `AveragedSteinhardt`, whose results these are.

    Raises
    ------
    InputError
        If no package brings an order parameter of this name, or it does not return one number per atom.
    """

    def __init__(
        self,
        atoms: Any,
        name: str,
        of: Any = None,
        *,
        bins: int = 100,
        value_range: tuple[float, float] | None = None,
        series: bool = False,
        **options: Unpack[Options],
    ) -> None:
        known = available("order_parameters")
        if not known:
            remedy = "install one, or write one as docs/extend.md shows"
            raise InputError("name", need="an order parameter of an installed package", got=repr(name), remedy=remedy)
        one_of("name", name, known)
        self._function, self._bins, self._range = known[name], whole("bins", bins, 1, MOST_BINS), value_range
        _checks.check_group(atoms, "atoms")
        edges = np.linspace(*(value_range or (0.0, 1.0)), self._bins + 1)
        super().__init__(atoms, of, {"name": name}, edges, series, **options)
        self._quantity = name

    def _look_at(self, first: Any) -> None:
        if self._range is None:
            cell = cell_vectors(np.asarray(first.dimensions)[None])[0]
            values = self._numbers(first.positions[self.groups["atoms"].ix].astype(np.float64), cell)
            margin = 0.5 * float(np.ptp(values)) or max(abs(float(values[0])), 1.0)
            self._set_edges(np.linspace(values.min() - margin, values.max() + margin, self._bins + 1))

    def _numbers(self, positions: Floats, cell: Floats) -> Floats:
        name = self.parameters["name"]
        return evaluate(name, self._function, positions, cell, len(positions))[self._rows]
