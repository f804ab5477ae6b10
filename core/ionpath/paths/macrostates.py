"""Path entropy between groups of states, such as the top, the plane and the bottom of an octahedron."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats, Indices
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, whole
from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.inputs import as_set
from ionpath.msonable import Msonable
from ionpath.paths.fluxes import FLUX_TOLERANCE, gross_flux
from ionpath.paths.walks import walk_entropy
from ionpath.units import entropy_factor

OCTAHEDRON = {"top": (1,), "plane": (2, 3, 4, 5), "bottom": (6,), "external": (0,)}
"""Groups of the seven states of an octahedral shell: 1 and 6 are the apices, 0 is external."""


@typed
@documented
@dataclass(frozen=True, eq=False)
class MacrostatePathEntropy(Msonable):
    """Path entropies between groups of states."""

    names: tuple[str, ...]  # names of the groups, in the order of rows and columns
    matrix: Floats  # (n_groups, n_groups): path entropy from row to column
    unit: str  # unit of the matrix
    mode: str  # "correct" or "published"
    n_models: int  # number of models whose flux was averaged

    def between(self, source: str, target: str) -> float:
        """Entry of `matrix` between two groups by name; InputError if a name is unknown."""
        for name in (source, target):
            if name not in self.names:
                raise InputError("group", need=f"one of {', '.join(self.names)}", got=repr(name))
        return float(self.matrix[self.names.index(source), self.names.index(target)])


@typed
@references("guan2024", "metzner2009")
def macrostate_path_entropy(
    models: Any,
    groups: Mapping[str, Iterable[int]] | None = None,
    *,
    mode: str = "correct",
    max_edges: int = 4,
    unit: str = "J/mol/K",
) -> MacrostatePathEntropy:
    r"""Path entropies between groups of states that together are all states.

    Parameters
    ----------
    models : MarkovStateModel, Chain, array_like of shape (n, n), or list of models
        One model of all ions; or one model per ion (`estimate_msms`), of whose fluxes the mean is taken over the models
        that connect all states.
    groups : mapping of str to iterable of int, optional
        States of each group. By default those of an octahedral shell, `OCTAHEDRON`.
    mode : {"correct", "published"}
        Divide rows of the flux by their sum, which makes them probabilities; or by their Euclidean norm, as in
        Table 3 of arXiv:2412.07115, which does not.
    max_edges : int
        Longest path; with four groups all paths have at most four steps but for returns between the two groups
        on the way.
    unit : {"J/mol/K", "R", "nat"}
        Unit of the result; Table 3 is in nats.

    Returns
    -------
    MacrostatePathEntropy
        Matrix with the names of its rows.

    Raises
    ------
    InputError
        If groups overlap or leave a state out, no model connects all states, or an argument is unknown.

    Notes
    -----
    The gross flux between states is summed over groups, :math:`F_{AB} = \sum_{i \in A, j \in B} f_{ij}`, made a net
    flux, and :math:`S = -\sum f \ln f` is taken over the walks that neither return to the source nor go on from the
    target. With four groups and four steps these are seven patterns: s-t, s-X-t, s-X-Y-t, s-X-Y-X-t, and the last three
    with X and Y exchanged. The published values are from one model per ion: pass a list of
    models, and ``mode="published"``.

    Examples
    --------
    >>> T = np.full((7, 7), 0.02) + 0.86 * np.eye(7)
    >>> result = macrostate_path_entropy(T, unit="nat")
    >>> round(result.between("top", "bottom"), 3)
    0.956
    """
    one_of("mode", mode, ("correct", "published"))
    whole("max_edges", max_edges)
    factor = entropy_factor(unit)
    chains = _chains(models)
    complete = [chain for chain in chains if not chain.outside.size]
    if not complete:
        remedy = "use one model of all ions, or longer trajectories"
        raise InputError("models", need="a model that connects all states", got=f"none of {len(chains)}", remedy=remedy)
    named = OCTAHEDRON if groups is None else groups
    sets = _partition(named, complete[0].n_states)
    size = len(sets)
    matrix = np.zeros((size, size))
    for s in range(size):
        for t in range(size):
            if s != t:
                flux = np.mean([_coarse(chain, sets, s, t) for chain in complete], axis=0)
                matrix[s, t] = _entropy(flux, s, t, mode, max_edges)
    return MacrostatePathEntropy(tuple(named), factor * matrix, unit, mode, len(complete))


def _chains(models: Any) -> list[Chain]:
    several = isinstance(models, Sequence) and len(models) > 0 and hasattr(models[0], "transition_matrix")
    return [as_chain(model) for model in models] if several else [as_chain(models)]


def _partition(groups: Mapping[str, Iterable[int]], n_states: int) -> list[Indices]:
    sets = [as_set(list(states), n_states, f"group {name!r}") for name, states in groups.items()]
    every = np.concatenate(sets) if sets else np.zeros(0, dtype=np.intp)
    counts = np.bincount(every, minlength=n_states)
    if len(sets) < 2 or (counts != 1).any():
        need = f"at least two groups that hold each of the {n_states} states once"
        got = f"{np.flatnonzero(counts == 0).tolist()} in none, {np.flatnonzero(counts > 1).tolist()} in several"
        raise InputError("groups", need=need, got=got, remedy="put every state into one group")
    return sets


def _coarse(chain: Chain, sets: list[Indices], s: int, t: int) -> Floats:
    gross = gross_flux(chain, sets[s].tolist(), sets[t].tolist())
    between = np.array([[gross[np.ix_(a, b)].sum() for b in sets] for a in sets])
    np.fill_diagonal(between, 0.0)
    return np.maximum(0.0, between - between.T)


def _entropy(flux: Floats, s: int, t: int, mode: str, max_edges: int) -> float:
    flux = np.where(flux < FLUX_TOLERANCE * flux.max(), 0.0, flux)
    norm = flux.sum(axis=1) if mode == "correct" else np.linalg.norm(flux, axis=1)
    steps = np.divide(flux, norm[:, None], out=np.zeros_like(flux), where=norm[:, None] > 0)
    steps[:, s] = 0.0
    steps[t, :] = 0.0
    unit = np.eye(len(flux))
    return float(walk_entropy(steps[None], unit[s][None], unit[t][None] > 0, max_edges, clip=mode == "correct")[0])
