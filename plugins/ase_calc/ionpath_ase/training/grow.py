"""Extend a trained potential by a second descriptor without changing what it says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath_ase._model import INSTALL
from ionpath_ase._quiet import calm_environment

FINER = 16.0
"""How much finer directions are normalised in the outer descriptor. Those of some hundred neighbours cancel to a few
percent, and deepmd-kit divides their products by the square of the number of neighbours: as they are, a fitting net
hardly sees them."""
_SCOPES = ("filter_type_all", "descrpt_attr")


def is_hybrid(checkpoint: str | os.PathLike[str]) -> bool:
    """Whether a deepmd-kit checkpoint has more than one descriptor."""
    return "descrpt_attr_1/t_avg" in _shapes(checkpoint)


def grow(
    initial: str | os.PathLike[str],
    fresh: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    finer: float = FINER,
) -> Path:
    """Give a trained model a second descriptor, to which its fitting nets do not listen yet.

    Parameters
    ----------
    initial : str or path
        Checkpoint of a trained model with one descriptor.
    fresh : str or path
        Checkpoint of a model with this descriptor and a second one, of any training: it says shapes and statistics.
    target : str or path
        Checkpoint to write. Its energies and forces are those of `initial`.
    finer : float, default 16
        Divides the standard deviation by which directions enter the second descriptor.

    Returns
    -------
    pathlib.Path
        The checkpoint.

    Raises
    ------
    InputError
        If the first descriptor or the nets of the two do not have the same shape.
    MissingDependency
        If TensorFlow is not installed.

    Notes
    -----
    Rows of the first layers that belong to the new descriptor begin at zero, so that the function is the same and its
    gradient is not: function-preserving growth, Chen, Goodfellow and Shlens, arXiv:1511.05641.
    """
    old, values = _values(initial), _values(fresh)
    made = {name: _grown(name, value, old, finer) for name, value in values.items()}
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _save(target, made)
    shutil.copyfile(f"{os.fspath(fresh)}.meta", f"{target}.meta")
    return target


def _grown(name: str, value: Any, old: dict[str, Any], finer: float) -> Any:
    """Value of one variable: of the trained model where it has it, with room for the new descriptor."""
    if "Adam" in name:
        return np.zeros_like(value)
    if name == "descrpt_attr_1/t_std":
        parts = value.reshape(len(value), -1, 4).copy()
        parts[..., 1:] /= finer
        return parts.reshape(value.shape)
    for scope in _SCOPES:
        name = name.replace(f"{scope}_0/", f"{scope}/", 1)
    if name in ("global_step", "beta1_power", "beta2_power") or name not in old:
        return value
    known = old[name]
    if name.startswith("layer_0_") and name.endswith("/matrix") and len(known) < len(value):
        return np.concatenate([known, np.zeros_like(value[len(known) :])])
    if known.shape != value.shape:
        raise InputError(
            f"variable {name}",
            need=f"the shape {value.shape} of the new input",
            got=str(known.shape),
            remedy="grow a model by a second descriptor only, and keep sel, embedding and fitting of the first",
        )
    return known


def _shapes(checkpoint: str | os.PathLike[str]) -> dict[str, Any]:
    return dict(_reader(checkpoint).get_variable_to_shape_map())


def _values(checkpoint: str | os.PathLike[str]) -> dict[str, Any]:
    reader = _reader(checkpoint)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def _reader(checkpoint: str | os.PathLike[str]) -> Any:
    if not Path(f"{os.fspath(checkpoint)}.index").exists():
        raise InputError(
            "checkpoint",
            need="the prefix of a checkpoint of deepmd-kit, such as run/model.ckpt",
            got=os.fspath(checkpoint),
        )
    return _tensorflow().train.load_checkpoint(str(Path(checkpoint).resolve()))


def _save(target: Path, values: dict[str, Any]) -> None:
    tf = _tensorflow().compat.v1
    names = sorted(values)
    with tf.Graph().as_default(), tf.Session() as session:
        session.run(
            tf.raw_ops.SaveV2(
                prefix=str(target.resolve()),
                tensor_names=names,
                shape_and_slices=[""] * len(names),
                tensors=[tf.constant(values[name]) for name in names],
            )
        )


def _tensorflow() -> Any:
    calm_environment()
    return require("tensorflow", purpose="reading checkpoints of deepmd-kit", install=INSTALL)
