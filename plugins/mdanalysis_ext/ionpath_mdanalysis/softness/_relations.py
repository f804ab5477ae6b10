"""What softness goes with: order parameters, energies of the ions, the anions around them, series of other analyses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.arrays import Floats
from ionpath.errors import InputError
from ionpath.softness.correlation import Correlation, softness_correlation
from ionpath_mdanalysis.anion_disorder.order_parameter import evaluate, parameter
from ionpath_mdanalysis.softness import _quantities
from ionpath_mdanalysis.softness._frames_again import System, series_of


def correlate(systems: Sequence[System], quantity: Any, n_bins: int) -> Correlation:
    """Correlate the softness of one or several systems with a quantity."""
    given: list[Any] | None = None
    if isinstance(quantity, (list, tuple)) and len(systems) > 1:
        given = list(quantity)
    elif isinstance(quantity, str) or len(systems) == 1:
        given = [quantity] * len(systems)
    if given is None or len(given) != len(systems):
        need = f"one for each of {len(systems)} systems, or a name for all"
        got = type(quantity).__name__ if given is None else str(len(given))
        raise InputError("quantity", need=need, got=got, remedy="pass a list")
    values = [_values(system, one) for system, one in zip(systems, given, strict=True)]
    several = len(systems) > 1
    return softness_correlation(
        tuple(s.softness for s in systems) if several else systems[0].softness,
        tuple(values) if several else values[0],
        n_bins=n_bins,
    )


def _values(system: System, quantity: Any) -> Any:
    """Values of a quantity at the times of the softness, (n_times, n_ions)."""
    function = parameter(quantity) if isinstance(quantity, str) else None
    if function is not None:
        n_atoms = len(system.needed("correlate"))
        found = [evaluate(quantity, function, *frame, n_atoms) for frame in system.read()]
        return np.array(found)[:, system.rows]
    if _quantities.is_calculator(quantity):
        return potential_energies([system], quantity)
    return series_of(quantity, system.frames, system.indices)


def potential_energies(systems: Sequence[System], calculator: Any, *, verbose: bool = False, **options: Any) -> Any:
    """Potential energy of each ion at the times of the softness, in eV.

    The energy is that of all atoms of the universe. How it is shared among atoms is up to the potential, and differs
    between potentials that agree on the total; differences between ions of one species in one potential are what can be
    compared. One frame is in memory at a time.
    """
    found = [
        _quantities.potential_energies(
            s.needed("potential_energies").universe.atoms, s.frames, s.indices, calculator, verbose=verbose, **options
        )
        for s in systems
    ]
    return tuple(found) if len(found) > 1 else found[0]


def correlate_rings(systems: Sequence[System], n_bins: int, most: int, **rules: Any) -> Correlation:
    """Correlate softness with the large rings around each ion, at `most` times of each system at most."""
    times = [np.unique(np.linspace(0, len(s.frames) - 1, most).round().astype(int)) for s in systems]
    counts = [
        _quantities.rings_beside(s.needed("correlate_rings"), s.frames[t], s.rows, **rules)
        for s, t in zip(systems, times, strict=True)
    ]
    if np.ptp(np.concatenate([count.ravel() for count in counts])) == 0:
        need = "ions with more large rings around them than others"
        raise InputError("rings", need=need, got="the same for all", remedy="a larger cell, or another network")
    soft = tuple(s.softness[t] for s, t in zip(systems, times, strict=True))
    return softness_correlation(soft, tuple(counts), n_bins=n_bins)


def correlate_anions(
    systems: Sequence[System], kinds: str | Sequence[str] | None, n_bins: int, **rules: Any
) -> dict[str, Correlation]:
    """Correlate softness with the shares of the kinds of anions around each ion."""
    shares = [_quantities.anion_shares(s.needed("correlate_anions"), s.frames, s.rows, **rules) for s in systems]
    known = sorted({kind for share in shares for kind in share})
    table: dict[str, tuple[Floats, ...]] = {
        kind: tuple(share.get(kind, np.zeros_like(s.softness)) for s, share in zip(systems, shares, strict=True))
        for kind in known
    }
    wanted = [kinds] if isinstance(kinds, str) else kinds
    if wanted is None:
        wanted = [kind for kind, rows in table.items() if np.ptp(np.concatenate([r.ravel() for r in rows])) > 0]
    absent = [kind for kind in wanted if kind not in table]
    if absent or not wanted:
        need = f"anions among {', '.join(known)}" if absent else "anions of more than one kind"
        remedy = "choose others, or other species of ligands" if absent else "correlate something else"
        raise InputError("kinds", need=need, got=absent[0] if absent else f"only {', '.join(known)}", remedy=remedy)
    soft = tuple(s.softness for s in systems)
    return {kind: softness_correlation(soft, table[kind], n_bins=n_bins) for kind in wanted}
