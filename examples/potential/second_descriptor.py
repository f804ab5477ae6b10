"""Extend a trained potential by a second descriptor without changing what it says.

    python examples/potential/second_descriptor.py one/model.ckpt two/model.ckpt -o both/model.ckpt

`one` is a training with one descriptor, `two` any training with this descriptor and a second one, for its shapes and
statistics; `ionpath train fit --initial both/model.ckpt` goes on from there. Rows of the first layers that belong to
the new descriptor begin at zero, so that the function is the same and its gradient is not: function-preserving growth,
Chen, Goodfellow and Shlens, arXiv:1511.05641.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ionpath.errors import InputError, IonpathError, require
from ionpath_ase.training.fitting import train

if TYPE_CHECKING:
    from ase import Atoms

FINER = 16.0
"""How much finer directions are normalised in the outer descriptor. Those of some hundred neighbours cancel to a few
percent, and deepmd-kit divides their products by the square of the number of neighbours: as they are, a fitting net
hardly sees them."""
_SCOPES = ("filter_type_all", "descrpt_attr")


def has_second_descriptor(checkpoint: str | os.PathLike[str]) -> bool:
    """Whether a deepmd-kit checkpoint has more than one descriptor."""
    return "descrpt_attr_1/t_avg" in _reader(checkpoint).get_variable_to_shape_map()


def add_second_descriptor(
    initial: str | os.PathLike[str],
    fresh: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    finer: float = FINER,
) -> Path:
    """Write the checkpoint `target`: the model of `initial`, with the second descriptor of `fresh` in its inputs."""
    old, values = _values(initial), _values(fresh)
    made = {name: _extended(name, value, old, finer) for name, value in values.items()}
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _save(target, made)
    shutil.copyfile(f"{os.fspath(fresh)}.meta", f"{target}.meta")
    return target


def extended_checkpoint(initial: str | os.PathLike[str], frames: Sequence[Atoms], folder: Path, **options: Any) -> Path:
    """Checkpoint in `folder` of the model of `initial` with the outer descriptor that `options` of `dp_input` describe.

    Statistics of the new descriptor come from 20 steps of training on `frames`.
    """
    target = folder / "extended" / "model.ckpt"
    if not Path(f"{target}.index").exists():
        scratch = folder / "fresh"
        train(scratch, frames, frames[:1], options | {"steps": 20}, progress=False)
        add_second_descriptor(initial, scratch / "model.ckpt", target)
        shutil.rmtree(scratch)
    return target


def _extended(name: str, value: Any, old: dict[str, Any], finer: float) -> Any:
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
            remedy="add a second descriptor only, and keep sel, embedding and fitting of the first",
        )
    return known


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
    return require("tensorflow", purpose="reading checkpoints of deepmd-kit", install='pip install "ionpath[ase]"')


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("initial", help="checkpoint of a trained model with one descriptor")
    parser.add_argument("fresh", help="checkpoint of a model with this and a second descriptor")
    parser.add_argument("-o", "--output", type=Path, required=True, help="checkpoint to write")
    options = parser.parse_args(argv)
    print(add_second_descriptor(options.initial, options.fresh, options.output))


if __name__ == "__main__":
    try:
        main()
    except IonpathError as error:
        raise SystemExit(str(error)) from None
