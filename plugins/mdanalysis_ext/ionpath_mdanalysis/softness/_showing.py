"""What a softness analysis shows: figures, and structures with softness."""

from __future__ import annotations

from typing import Any

from ionpath.softness.correlation import Correlation
from ionpath.softness.grid import GridSearch
from ionpath_mdanalysis.softness import _figures, _mapping


class Showing:
    """Figures and files of `Softness`."""

    results: Any
    _rows: Any
    _axes: Any
    _require_results: Any
    correlate: Any
    rearrangement_probability: Any

    def plot(self, ax: Any = None) -> Any:
        """Plot the distribution of softness of ions that then moved, and of those that did not."""
        return _figures.distribution(self._axes(ax), self.results)

    def plot_weights(self, ax: Any = None) -> Any:
        """Plot W(r) of each species with its errors."""
        return _figures.weights(self._axes(ax), self.results)

    def plot_probability(self, ax: Any = None) -> Any:
        """Plot the probability of rearrangement against softness."""
        self._require_results()
        return _figures.probability(self._axes(ax), self.rearrangement_probability())

    def plot_structure(self, frame: int = 0, ax: Any = None) -> Any:
        """Plot the structure along z with ions coloured by softness."""
        axes = self._axes(ax)
        atoms = _mapping.atoms_of(self, "plot_structure")
        positions, cell = next(iter(_mapping.frames_of(atoms, [int(self.results.frames[frame])])))
        return _figures.structure(axes, positions, cell, self._rows, self.results.softness[frame])

    def plot_correlation(self, quantity: Any, ax: Any = None, *, name: str = "quantity") -> Any:
        """Plot another quantity against softness, in bins."""
        found = quantity if isinstance(quantity, Correlation) else self.correlate(quantity)
        return _figures.correlation(self._axes(ax), found, name)

    def plot_grid(self, search: GridSearch, ax: Any = None, *, x: str = "cutoff", y: str = "spacing") -> Any:
        """Plot the scores of a grid search over two of its axes, at the best place of the others."""
        return _figures.grid(self._axes(ax), search, x, y)

    def write_extxyz(self, path: Any) -> None:
        """Write the structures with the softness of each ion, atomically."""
        self._require_results()
        _mapping.write_extxyz(self, path)
