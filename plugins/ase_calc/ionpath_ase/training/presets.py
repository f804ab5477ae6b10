"""Settings of deepmd-kit by name: those of the shipped potential, and those that papers have published."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from ionpath.arguments import typed
from ionpath.errors import InputError, one_of, whole
from ionpath_ase.training.dataset import TYPE_MAP
from ionpath_ase.training.repulsion import TABLE


def _presets() -> dict[str, dict[str, Any]]:
    """Those of presets.json, which say what differs from the shipped one, and from what published ones share."""
    tables = json.loads(files(__package__).joinpath("presets.json").read_text("utf-8"))
    shipped, published = tables.pop("shipped"), tables.pop("published")
    return {"shipped": shipped} | {name: shipped | published | table for name, table in tables.items()}


PRESETS = _presets()
"""Name -> settings. ``shipped`` is the potential of this package; ``outer`` is its second descriptor, and
``overrides={"outer": None}`` leaves it out. ``path-entropy-*`` carry range, nets, learning rate
and prefactors of Guan et al., arXiv:2412.07115 (I also for LPSCl-II); ``thiophosphate-glass`` those of the first
training of Chen et al. (Li3PS4), with screened nuclear repulsion below 0.9 A, and ``thiophosphate-glass-final`` those
of the second, which goes on from the first (``initial=``) without it. ``repulsion`` is None or the distances in A
between which the potential takes over. Numbers of neighbours, axis, and what a paper does not state are ours."""
SOFTMIN = 0.1
"""Decay of the mean over neighbours that finds the nearest one, for the repulsion (as in deepmd-kit's examples)."""


@typed
def dp_input(
    preset: str = "shipped",
    *,
    training: Sequence[str | os.PathLike[str]],
    validation: Sequence[str | os.PathLike[str]] = (),
    elements: Sequence[str] = TYPE_MAP,
    steps: int | None = None,
    seed: int = 1,
    overrides: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the input of ``dp train``.

    Parameters
    ----------
    preset : str, default "shipped"
        Name in `PRESETS`.
    training, validation : sequence of path
        Folders of deepmd-kit systems to train on, and of those that are only watched.
    elements : sequence of str, optional
        Elements in the order of the model's types.
    steps : int, optional
        Training steps, if not those of the preset. The learning rate decays to its end over them.
    seed : int, default 1
        Seed of weights and of the order of frames; committees differ in it.
    overrides : dict, optional
        Entries of the preset to change, such as ``{"fitting": [64, 64]}``.

    Returns
    -------
    dict
        Input, ready for ``json.dump``. With ``repulsion`` it names a table that `write_repulsion` writes beside it.

    Raises
    ------
    InputError
        If the preset, one of its entries, or an element is unknown, or there is no training system.

    Examples
    --------
    >>> made = dp_input("path-entropy-III", training=["data/a"], seed=3)
    >>> made["model"]["fitting_net"]["neuron"], made["model"]["descriptor"]["rcut"]
    ([480, 480, 480], 6.5)
    """
    one_of("preset", preset, PRESETS)
    chosen = copy.deepcopy(PRESETS[preset])
    unknown = sorted(set(overrides or {}) - set(chosen))
    if unknown:
        raise InputError("overrides", need=f"only {', '.join(chosen)}", got=", ".join(unknown))
    chosen |= overrides or {}
    for counts in [part["sel"] for part in (chosen, chosen["outer"]) if part]:
        missing = [element for element in elements if element not in counts]
        if missing:
            need = f"a number of neighbours for {', '.join(missing)}"
            remedy = 'pass overrides={"sel": {...}, "outer": None}'
            raise InputError("elements", need=need, got=f"those of {', '.join(counts)}", remedy=remedy)
    if not training:
        raise InputError("training", need="at least one system", got="none")
    total = chosen["steps"] if steps is None else whole("steps", steps, remedy="leave it out for those of the preset")
    data = {"systems": [os.fspath(p) for p in training], "batch_size": 1, "auto_prob": "prob_sys_size"}
    made: dict[str, Any] = {
        "model": _model(chosen, list(elements), seed),
        "learning_rate": {
            "type": "exp",
            "start_lr": chosen["lr"][0],
            "stop_lr": chosen["lr"][1],
            "decay_steps": min(chosen["decay_steps"], max(5, total // 20)),
        },
        "loss": {"type": "ener"},
        "training": {
            "training_data": data,
            "numb_steps": total,
            "seed": seed,
            "disp_file": "lcurve.out",
            "disp_freq": max(1, min(1000, total // 20)),
            "save_freq": max(1, min(2000, total // 4)),
            "max_ckpt_keep": 2,
        },
    }
    for letter, name in (("e", "energy"), ("f", "force"), ("v", "virial")):
        made["loss"][f"start_pref_{letter}"], made["loss"][f"limit_pref_{letter}"] = chosen[name]
    if validation:
        systems = [os.fspath(p) for p in validation]
        made["training"]["validation_data"] = {"systems": systems, "batch_size": 1, "numb_btch": 8}
    return made


def _model(chosen: dict[str, Any], elements: list[str], seed: int) -> dict[str, Any]:
    """Descriptor, one or two of them, and fitting net."""
    shared = {
        "type": "se_e2_a",
        "resnet_dt": False,
        "type_one_side": True,
        "precision": chosen["precision"],
        "seed": seed,
    }
    parts = [
        {
            "sel": [part["sel"][element] for element in elements],
            "rcut": part["rcut"],
            "rcut_smth": part["rcut_smth"],
            "neuron": part["embedding"],
            "axis_neuron": part["axis"],
            **shared,
        }
        for part in (chosen, chosen["outer"])
        if part
    ]
    made: dict[str, Any] = {
        "type_map": elements,
        "descriptor": parts[0] if len(parts) == 1 else {"type": "hybrid", "list": parts},
        "fitting_net": {"neuron": chosen["fitting"], "resnet_dt": True, "precision": chosen["precision"], "seed": seed},
    }
    if chosen["repulsion"]:
        inner, outer = chosen["repulsion"]
        made |= {"use_srtab": TABLE, "smin_alpha": SOFTMIN, "sw_rmin": inner, "sw_rmax": outer}
    return made
