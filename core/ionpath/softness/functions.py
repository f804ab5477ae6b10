"""Which structure functions describe the surroundings of an ion: a list that travels with every model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arguments import typed
from ionpath.arrays import Floats, Ints, Words
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, positive, whole
from ionpath.frames import as_symbols, indices_of
from ionpath.msonable import Msonable
from ionpath.softness.angular import ANGULAR, angular_from_neighbours
from ionpath.softness.neighbours import find_neighbours
from ionpath.softness.radial import radial_from_neighbours

Kind = Literal["gaussian", "shell"]


@typed
@documented
@dataclass(frozen=True)
class StructureFunctions(Msonable):
    """Structure functions of one kind of ion.

    Examples
    --------
    >>> functions = StructureFunctions.spaced(("Li", "S"), spacing=0.5, cutoff=2.0)
    >>> functions.n_functions, functions.labels[:2]
    (8, ('Li 0.25', 'Li 0.75'))
    """

    species: tuple[str, ...]  # kinds of neighbours, each with functions of its own
    positions: tuple[float, ...]  # distances mu at which the radial functions sit, evenly spaced, in A
    width: float  # width L of the Gaussians, or of the shells, in A
    cutoff: float  # neighbours beyond it do not count, in A
    # {"gaussian", "shell"}: exp(-(R - mu)^2 / L^2), or 1 where mu - L/2 <= R < mu + L/2
    kind: Kind = "gaussian"
    pooled: bool = False  # count neighbours of all species together
    angular: tuple[tuple[float, float, float], ...] = ()  # angular functions as (xi in A, zeta, lambda); empty for none
    angular_cutoff: float = 5.0  # neighbours of angular functions, in A

    def __post_init__(self) -> None:
        # A file gives lists back.
        object.__setattr__(self, "species", tuple(map(str, self.species)))
        object.__setattr__(self, "positions", tuple(map(float, self.positions)))
        object.__setattr__(self, "angular", tuple((float(a), float(b), float(c)) for a, b, c in self.angular))
        if not self.species or len(set(self.species)) < len(self.species):
            raise InputError("species", need="different kinds of neighbours", got=repr(self.species))
        steps = np.diff(self.positions)
        if not self.positions or (steps.size and np.ptp(steps) > 1e-9 * abs(steps).max()):
            got = repr(self.positions)[:40]
            remedy = "make them with StructureFunctions.spaced"
            raise InputError("positions", need="evenly spaced distances in A", got=got, remedy=remedy)
        for name in ("width", "cutoff", "angular_cutoff"):
            positive(name, getattr(self, name), "A")
        one_of("kind", self.kind, ("gaussian", "shell"))

    @classmethod
    def spaced(
        cls, species: tuple[str, ...], *, spacing: float = 0.2, cutoff: float = 10.0, **options: Any
    ) -> StructureFunctions:
        """Fill the sphere with functions one width apart, in the middle of cutoff / spacing shells.

        `spacing` is the distance between functions, and their width, in A; `cutoff` the radius in A. Options are
        ``kind``, ``pooled``, ``angular``, ``angular_cutoff``.
        """
        for name, length in (("spacing", spacing), ("cutoff", cutoff)):
            positive(name, length, "A")
        whole("cutoff / spacing", max(1, round(cutoff / spacing)), 1, 10_000, remedy="use a larger spacing")
        if not (np.isfinite(spacing) and 0 < spacing <= cutoff):
            raise InputError("spacing", need="a positive length up to the cutoff", got=repr(spacing))
        centres = spacing * (np.arange(round(cutoff / spacing)) + 0.5)
        return cls(tuple(species), tuple(np.round(centres, 10).tolist()), spacing, cutoff, **options)

    def with_angular(self, parameters: tuple[tuple[float, float, float], ...] = ANGULAR) -> StructureFunctions:
        """A new list with angular functions (xi, zeta, lambda) added; by default a set of 8 over three ranges."""
        return replace(self, angular=parameters)

    @property
    def _kinds(self) -> tuple[str, ...]:
        return ("+".join(self.species),) if self.pooled else self.species

    @property
    def reach(self) -> float:
        """Largest distance in A at which a neighbour counts."""
        return max(self.cutoff, self.angular_cutoff) if self.angular else self.cutoff

    @property
    def n_radial(self) -> int:
        """Number of radial functions."""
        return len(self._kinds) * len(self.positions)

    @property
    def n_functions(self) -> int:
        """Number of functions."""
        return len(self.labels)

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each function: the neighbours, and mu in A or the angular parameters."""
        kinds = self._kinds
        radial = [f"{kind} {mu:g}" for kind in kinds for mu in self.positions]
        pairs = [f"{a}-{b}" for k, a in enumerate(kinds) for b in kinds[k:]]
        angular = [f"{pair} xi={x:g} zeta={z:g} lambda={s:g}" for pair in pairs for x, z, s in self.angular]
        return tuple(radial + (angular if self.angular else []))

    def codes(self, symbols: Words, *, absent: bool = False) -> Ints:
        """Kind of neighbour that each atom (n_atoms,) is, by its symbol; -1 for those that do not count.

        InputError if a species is absent, unless `absent` allows it: its functions are then zero.
        """
        names = np.asarray(symbols, dtype=str)
        codes = np.full(len(names), -1, dtype=np.int64)
        for k, kind in enumerate(self.species):
            chosen = names == kind if absent else indices_of(names, kind, "species")
            codes[chosen] = 0 if self.pooled else k
        return codes

    def compute(self, positions: ArrayLike, cell: ArrayLike, symbols: Words, centres: ArrayLike) -> Floats:
        """All functions (n_centres, n_functions) of some atoms in one frame, in the order of `labels`.

        Positions (n_atoms, 3) in A may be wrapped; the cell (3, 3) has its vectors as rows, in A; `centres` are the
        indices of the atoms whose surroundings are described. InputError if a species is absent, or the cutoff reaches
        beyond half of the cell.
        """
        names = as_symbols(np.asarray(symbols, dtype=str), len(np.asarray(positions)))
        codes = self.codes(names)
        return self.of_neighbours(find_neighbours(positions, cell, self.reach, centres), codes)

    def of_neighbours(self, neighbours: Any, codes: Ints) -> Floats:
        """All functions (n_centres, n_functions) from `Neighbours` within `reach`, with the `codes` of all atoms."""
        radial = radial_from_neighbours(
            neighbours, codes, len(self._kinds), self.positions, self.width, self.cutoff, self.kind
        )
        parts = [radial.reshape(len(radial), -1)]
        if self.angular:
            near = neighbours.within(self.angular_cutoff)
            parts.append(angular_from_neighbours(near, codes, len(self._kinds), self.angular))
        return np.concatenate(parts, axis=1)
