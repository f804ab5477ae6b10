"""Store the matrices of a frozen model in half precision: the file is smaller, and computes as before."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ionpath.files import atomic_path
from ionpath_ase.training.lean import read_graph

_SMALLEST = 2048
"""Arrays with fewer numbers stay as they are: biases, scales."""


def halve(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Path:
    """Write a model whose weights take half of the room.

    Parameters
    ----------
    source : str or path
        Frozen TensorFlow model.
    target : str or path
        The smaller model; may be the same file.

    Returns
    -------
    pathlib.Path
        The smaller model.

    Raises
    ------
    InputError
        If the file is not a frozen potential.
    MissingDependency
        If TensorFlow is not installed.

    Notes
    -----
    Matrices of the nets keep 11 of 24 bits. Tables of a compressed model and what normalises environments stay as they
    are: there, small differences count.
    TensorFlow turns the weights into single precision once, when the model is loaded.
    """
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
