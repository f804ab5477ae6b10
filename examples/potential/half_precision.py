"""Store the matrices of a frozen model in half precision: the file is smaller, and computes as before.

    python examples/potential/half_precision.py model.pb -o smaller.pb
    python examples/potential/half_precision.py model.pb -o smallest.pb --eight-bits 'layer_0_*' 'angular/first/*'

Matrices of the nets keep 11 of 24 bits. Those that `--eight-bits` names become whole numbers of 8 bits with a scale for
each row, which is coarser: judge the model that comes out. Tables of a compressed model and what normalises
environments stay as they are: there, small differences count. TensorFlow turns the weights into single precision once,
when the model is loaded.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, IonpathError
from ionpath.files import atomic_path
from ionpath_ase.training.simplify import read_graph

_SMALLEST = 2048
"""Arrays with fewer numbers stay as they are: biases, scales."""


def store_in_half_precision(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, eight_bits: Sequence[str] = ()
) -> Path:
    """Write a frozen TensorFlow model whose weights take half the room; `target` may be the same file.

    Matrices whose name fits a pattern of `eight_bits` take a quarter.
    """
    graph, tf = read_graph(source)
    used = set()
    for node in list(graph.node):
        if node.op != "Const" or not node.name.endswith("/matrix"):
            continue
        if node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size < _SMALLEST or np.abs(value).max() > np.finfo(np.float16).max:
            continue
        fitting = [pattern for pattern in eight_bits if fnmatch(node.name, pattern)]
        used.update(fitting)
        if fitting:
            _in_eight_bits(graph, tf, node, value)
        else:
            node.input.append(_constant(graph, tf, f"{node.name}/half", value.astype(np.float16)))
            _becomes(node, "Cast", SrcT=tf.float16, DstT=tf.float32)
    if unused := [pattern for pattern in eight_bits if pattern not in used]:
        raise InputError(
            "eight bits", need="patterns that fit names of matrices in single precision",
            got=f"{', '.join(unused)}, which fits none", remedy="start from the model that `refine.py` wrote",
        )  # fmt: skip
    made = Path(target)
    with atomic_path(made) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
    return made


def _in_eight_bits(graph: Any, tf: Any, node: Any, value: np.ndarray) -> None:
    """Store a matrix as whole numbers times the scale of their row."""
    scale = np.abs(value).max(axis=-1, keepdims=True) / 127.0
    whole = np.round(value / np.where(scale > 0.0, scale, 1.0)).astype(np.int8)
    cast = graph.node.add(name=f"{node.name}/whole", op="Cast")
    cast.input.append(_constant(graph, tf, f"{node.name}/eight_bits", whole))
    _becomes(cast, "Cast", SrcT=tf.int8, DstT=tf.float32)
    node.input.extend([cast.name, _constant(graph, tf, f"{node.name}/scale", scale.astype(np.float32))])
    _becomes(node, "Mul", T=tf.float32)


def _constant(graph: Any, tf: Any, name: str, value: np.ndarray) -> str:
    """Add a constant to a graph."""
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    return name


def _becomes(node: Any, operation: str, **types: Any) -> None:
    """Make a node compute what it held."""
    node.op = operation
    node.attr.clear()
    for name, kind in types.items():
        node.attr[name].type = kind.as_datatype_enum


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="frozen TensorFlow model (.pb)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="smaller model")
    parser.add_argument(
        "--eight-bits", nargs="+", default=[], metavar="PATTERN", help="matrices to store in 8 bits, by name"
    )
    options = parser.parse_args(argv)
    made = store_in_half_precision(options.model, options.output, eight_bits=options.eight_bits)
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB of {options.model.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main()
    except IonpathError as error:
        raise SystemExit(str(error)) from None
