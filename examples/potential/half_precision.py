"""Store the matrices of a frozen model in half precision: the file is smaller, and computes as before.

    python examples/potential/half_precision.py model.pb -o smaller.pb

Matrices of the nets keep 11 of 24 bits. Tables of a compressed model and what normalises environments stay as they
are: there, small differences count. TensorFlow turns the weights into single precision once, when the model is loaded.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

from ionpath.errors import IonpathError
from ionpath.files import atomic_path
from ionpath_ase.training.simplify import read_graph

_SMALLEST = 2048
"""Arrays with fewer numbers stay as they are: biases, scales."""


def store_in_half_precision(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Path:
    """Write a frozen TensorFlow model whose weights take half the room; `target` may be the same file."""
    graph, tf = read_graph(source)
    for node in list(graph.node):
        if node.op != "Const" or not node.name.endswith("/matrix"):
            continue
        if node.attr["dtype"].type != tf.float32.as_datatype_enum:
            continue
        value = tf.make_ndarray(node.attr["value"].tensor)
        if value.size < _SMALLEST or np.abs(value).max() > np.finfo(np.float16).max:
            continue
        small = graph.node.add(name=f"{node.name}/half", op="Const")
        small.attr["dtype"].type = tf.float16.as_datatype_enum
        small.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value.astype(np.float16)))
        node.op = "Cast"
        node.attr.clear()
        node.attr["SrcT"].type = tf.float16.as_datatype_enum
        node.attr["DstT"].type = tf.float32.as_datatype_enum
        node.input.append(small.name)
    made = Path(target)
    with atomic_path(made) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
    return made


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="frozen TensorFlow model (.pb)")
    parser.add_argument("-o", "--output", type=Path, required=True, help="smaller model")
    options = parser.parse_args(argv)
    made = store_in_half_precision(options.model, options.output)
    print(f"{made}: {made.stat().st_size / 1e6:.1f} MB of {options.model.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    try:
        main()
    except IonpathError as error:
        raise SystemExit(str(error)) from None
