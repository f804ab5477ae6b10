"""What a softness is made of: systems as a user calls them, the preset, and what the user put in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import numpy as np

from ionpath.errors import InputError, one_of, whole
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.model import ModelKind, SoftnessModel
from ionpath.softness.presets import Preset, preset as settings_of
from ionpath.softness.splits import SplitKind
from ionpath_mdanalysis import _checks

PUBLISHED_CLASSES = (10.0, 20.0, 30.0, 40.0, 50.0)
"""Edges in A^2 of the published classes, floor(D / 0.10 nm^2) from 0 to 0.5 nm^2 (arXiv:2412.07115)."""
CHANGES = ("functions", "kind", "penalty", "nonaffine_cutoff", "split")
"""Settings of a preset that keywords replace."""


class SoftnessOptions(TypedDict, total=False):
    """Keywords that take the place of settings of the preset, and those of every analysis."""

    frame_time: float | Sequence[float | None] | None  # one, or one for each trajectory
    chunk_frames: int | None
    verbose: bool
    functions: StructureFunctions | None
    kind: ModelKind | None
    penalty: float | None
    nonaffine_cutoff: float | None
    split: SplitKind | None
    seed: int
    most: int


def settle(
    preset: Any,
    symbols: Sequence[Any],
    ion: str,
    options: dict[str, Any],
    *,
    mode: Any,
    lag: int | None,
    window: int | None,
    label: Any,
    value: Any,
    model: Any,
) -> tuple[Preset, SoftnessModel | None, dict[str, Any], dict[str, Any]]:
    """Settings, the model to apply, parameters to be kept, and keywords for the base."""
    species = tuple(sorted({symbol for row in symbols for symbol in row.tolist()}))
    chosen: Preset = preset if isinstance(preset, Preset) else settings_of(preset, species, mode=mode, mobile=ion)
    changes = {key: options.pop(key, None) for key in CHANGES}
    if changes["kind"] not in (None, chosen.kind):
        chosen = replace(chosen, penalty=None)  # that of another classifier
    if chosen.name == "guan2024" and chosen.mode == "published" and label == "classes" and value is None:
        chosen, value = replace(chosen, power="square"), PUBLISHED_CLASSES
    trained = model
    if not isinstance(model, SoftnessModel) and hasattr(model, "_require_results"):
        model._require_results()
        trained, p = model.results.model, model.parameters
        label, value = _same_labels(model, label, value)
        chosen = replace(chosen, power=p["power"], nonaffine_cutoff=p["nonaffine_cutoff"])
        lag = p["lag"] if lag is None else lag
        window = p["window"] if window is None else window
    if trained is not None:
        if not isinstance(trained, SoftnessModel):
            need = "a Softness that was run, or its results.model"
            raise InputError("model", need=need, got=type(model).__name__, remedy="pass Softness(...).run()")
        chosen, changes["kind"] = replace(chosen, functions=trained.functions, kind=trained.kind), None
    chosen = replace(chosen, **{key: x for key, x in changes.items() if x is not None})
    if trained is not None:
        for row in symbols:
            trained.check(chosen.functions, ion, tuple(row.tolist()))
    label = label or "quantile"
    one_of("label", label, ("quantile", "threshold", "classes"))
    value = {"quantile": 0.5, "classes": 5}.get(label) if value is None else value
    parameters = {
        "preset": chosen.name, "mode": chosen.mode, "functions": chosen.functions, "power": chosen.power,
        "kind": chosen.kind, "penalty": chosen.penalty, "split": chosen.split, "label": label,
        "value": value if value is None or np.isscalar(value) else list(np.asarray(value, float)),
        "lag": 10 if lag is None else lag, "window": 1 if window is None else window,
        "nonaffine_cutoff": chosen.nonaffine_cutoff, "seed": options.pop("seed", 1),
        "most": whole("most", options.pop("most", 250_000)), "applied": trained is not None,
    }  # fmt: skip
    return chosen, trained, parameters, options


def _same_labels(trained: Any, label: Any, value: Any) -> tuple[Any, Any]:
    """Mobile means the same displacement as in training, unless the user says otherwise."""
    if label is not None or value is not None:
        return label, value
    found = trained.results.labels
    edges = (found[0] if isinstance(found, tuple) else found).thresholds
    return ("threshold", float(edges[0])) if len(edges) == 1 else ("classes", edges.tolist())


def groups_of(mobile: Any, atoms: Any) -> tuple[list[str], list[Any], list[Any]]:
    """Names, ions and neighbours of one or several systems."""
    if isinstance(mobile, Mapping):
        names, groups = [str(name) for name in mobile], list(mobile.values())
    else:
        groups = list(mobile) if isinstance(mobile, (list, tuple)) else [mobile]
        names = [str(k + 1) for k in range(len(groups))] if len(groups) > 1 else [""]
    if not groups:
        raise InputError("mobile", need="at least one AtomGroup or Universe", got="none")
    ions = [_ions(group) for group in groups]
    others = list(atoms) if isinstance(atoms, (list, tuple)) else [atoms] * len(ions)
    if len(others) != len(ions) or (atoms is not None and len(ions) > 1 and not isinstance(atoms, (list, tuple))):
        raise InputError("atoms", need=f"one AtomGroup for each of {len(ions)} systems", got=repr(atoms)[:40])
    for group in ions:
        _checks.check_group(group, "mobile")
    everything = [g.universe.atoms if other is None else other for g, other in zip(ions, others, strict=True)]
    for other in everything:
        _checks.check_group(other, "atoms")
    return names, ions, everything


def _ions(group: Any) -> Any:
    """The lithium ions of a universe; anything else as it is."""
    if hasattr(group, "atoms") and hasattr(group, "trajectory") and hasattr(group, "add_TopologyAttr"):
        symbols = _checks.elements_of(group.atoms, "mobile")
        if not (symbols == "Li").any():
            got = f"only {', '.join(sorted(set(symbols.tolist())))}"
            remedy = "pass the mobile ions as an AtomGroup"
            raise InputError("mobile", need="lithium in the universe", got=got, remedy=remedy)
        return group.atoms[symbols == "Li"]
    return group


def one_species(groups: Sequence[Any]) -> str:
    found = sorted({symbol for group in groups for symbol in _checks.elements_of(group, "mobile").tolist()})
    if len(found) != 1:
        remedy = "train a model for each species"
        raise InputError("mobile", need="ions of one species", got=", ".join(found), remedy=remedy)
    return str(found[0])
