"""Take out of a model what its graph computes twice, or in a roundabout way: the same numbers in less time.

deepmd-kit 3.2 leaves three things in the graph of a frozen ``se_e2_a`` model:

* With two descriptors, the fitting nets are differentiated once for each. The two are the same but for their names.
* The derivative of a tensor that was cut into slices is a sum of slices padded with zeros. Side by side they are the
  same tensor.
* The virial is summed over pairs, from nine products of each. Where images of atoms have forces of their own, as with
  the neighbour lists of LAMMPS and of `IonPath`, it is the sum of force times position over atoms and images, which
  costs nothing. Where forces of images are folded back onto the atoms, the sum over pairs stays.

Virials of atoms stay as they are. deepmd's interface to LAMMPS sums them to get the virial, and would gain nothing from
the third point; so there is one more output, `EACH_VIRIAL`, force times position of each atom and image. Our LAMMPS
engine, which needs the sum alone, takes it in place of `ATOM_VIRIAL` (`with_virial_of_images`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ionpath.arguments import typed
from ionpath.errors import InputError, require
from ionpath.files import atomic_path
from ionpath_ase._model import INSTALL
from ionpath_ase._quiet import calm_environment, quiet_stderr, without_keras
from ionpath_ase.md.lammps_model import ATOM_VIRIAL, EACH_VIRIAL

PREFIX = "lean"


@typed
def simplify_graph(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> Path:
    """Write a model that gives the same numbers in less time.

    Parameters
    ----------
    source, target : str or path
        Frozen TensorFlow model, compressed or not, and the simpler one, which may be the same file.

    Returns
    -------
    pathlib.Path
        The simpler model. One that is simple already is copied as it is.

    Raises
    ------
    InputError
        If the file is not a frozen potential, or another one is there under the name of the target.
    MissingDependency
        If TensorFlow is not installed.

    Examples
    --------
    >>> simplify_graph("frozen.pb", "lean.pb")  # doctest: +SKIP
    """
    return simplified(source, target, lambda there: there.samefile(source))


def simplified(source: str | os.PathLike[str], target: str | os.PathLike[str], own: Callable[[Path], bool]) -> Path:
    """The same, with what tells whether a file under the name of the target may be replaced."""
    graph, tf = read_graph(source)
    names = {node.name for node in graph.node}
    if EACH_VIRIAL not in names:
        _merge_equal_nodes(graph)
        _join_padded_slices(graph, tf)
        _virial_from_images(graph, tf)
        _drop_unused(graph)
    made = Path(target)
    with atomic_path(made, own=own) as part:
        part.write_bytes(graph.SerializeToString(deterministic=True))
    return made


def read_graph(source: str | os.PathLike[str]) -> tuple[Any, Any]:
    """Read a frozen potential of the TensorFlow backend."""
    calm_environment()
    with quiet_stderr(), without_keras():
        tf = require("tensorflow", purpose="changing a frozen model", install=INSTALL)
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(Path(source).read_bytes())
    except DecodeError:
        graph.Clear()
    if not {"o_force", "o_virial", ATOM_VIRIAL} <= {node.name for node in graph.node}:
        need = "a frozen Deep Potential of deepmd-kit's TensorFlow backend (.pb)"
        remedy = "freeze it with `dp --tf freeze`; models of other backends stay as they are"
        raise InputError(f"model {Path(source).name}", need=need, got="something else", remedy=remedy)
    return graph, tf


def _is_asked_for(name: str) -> bool:
    """Whether deepmd-kit looks a node up by its name: inputs, outputs, attributes, and all that is no computation."""
    return name.startswith(("o_", "t_")) or "_attr" in name


def _node_of(name: str) -> str:
    """Node that an input comes from: ``a:1`` and ``^a`` come from ``a``."""
    return name.lstrip("^").split(":")[0]


def _merge_equal_nodes(graph: Any) -> None:
    """Keep one of all nodes that do the same with the same inputs."""
    nodes = {node.name: node for node in graph.node}
    kept: list[Any] = []
    first: dict[bytes, str] = {}
    same: dict[str, str] = {}
    for name in _inputs_first(nodes):
        node = nodes[name]
        for hint in ("_class", "_output_shapes"):  # they name nodes that may go
            if hint in node.attr:
                del node.attr[hint]
        for k, given in enumerate(node.input):
            if _node_of(given) in same:
                node.input[k] = given.replace(_node_of(given), same[_node_of(given)], 1)
        if node.op == "Placeholder" or _is_asked_for(name):
            kept.append(node)
            continue
        anonymous = type(node)()
        anonymous.CopyFrom(node)
        anonymous.name = ""
        key = anonymous.SerializeToString(deterministic=True)
        if first.setdefault(key, name) == name:
            kept.append(node)
        else:
            same[name] = first[key]
    kept = [_copy(node) for node in kept]
    del graph.node[:]
    graph.node.extend(kept)


def _copy(node: Any) -> Any:
    made = type(node)()
    made.CopyFrom(node)
    return made


def _inputs_first(nodes: dict[str, Any]) -> list[str]:
    """Names in an order in which each node comes after its inputs."""
    order: dict[str, None] = {}
    for start in nodes:
        stack = [start]
        while stack:
            missing = [i for i in map(_node_of, nodes[stack[-1]].input) if i not in order]
            if missing:
                stack.extend(missing)
            else:
                order.setdefault(stack.pop(), None)
    return list(order)


def _join_padded_slices(graph: Any, tf: Any) -> None:
    """Write the derivative of a tensor that was cut along one axis as one tensor, not as a sum of padded ones."""
    nodes = {node.name: node for node in graph.node}
    for total in [node for node in graph.node if node.op == "AddN"]:
        terms = [nodes[_node_of(name)] for name in total.input]
        padded = [nodes[_node_of(term.input[0])] if term.op == "Cast" else term for term in terms]
        cuts = [nodes.get(pad.name.removesuffix("_grad/Pad").removeprefix(_scope(pad.name))) for pad in padded]
        if any(pad.op != "Pad" for pad in padded) or any(cut is None or cut.op != "Slice" for cut in cuts):
            continue
        axis = _axis_of_cuts(cuts, nodes, tf)
        if axis is None:
            continue
        kind = padded[0].attr["T"].type
        along = _constant(graph, tf, f"{total.name}/axis", axis, tf.int32)
        joined = graph.node.add(name=f"{total.name}/joined", op="ConcatV2")
        joined.input.extend([pad.input[0] for pad in padded] + [along])
        joined.attr["N"].i = len(padded)
        joined.attr["T"].type = kind
        joined.attr["Tidx"].type = tf.int32.as_datatype_enum
        wanted = total.attr["T"].type
        total.op = "Cast"
        total.attr.clear()
        total.attr["SrcT"].type, total.attr["DstT"].type = kind, wanted
        del total.input[:]
        total.input.append(joined.name)


def _scope(name: str) -> str:
    """``gradients/`` or ``gradients_1/``, in which the derivative of a node is found under its own name."""
    return f"{name.split('/')[0]}/"


def _axis_of_cuts(cuts: list[Any], nodes: dict[str, Any], tf: Any) -> int | None:
    """Axis along which slices of one tensor follow each other from 0 without a gap, None if they do not.

    The last must reach the end, as with deepmd-kit's slices it does; if not, shapes do not fit and TensorFlow says so.
    """
    if len({_uncast(nodes, _node_of(cut.input[0])) for cut in cuts}) != 1:
        return None
    begins = [_bounds(nodes, _node_of(cut.input[1]), tf) for cut in cuts]
    sizes = [_bounds(nodes, _node_of(cut.input[2]), tf) for cut in cuts]
    for axis in range(len(begins[0])):
        place: Counter[int | str] = Counter()
        for begin, size in zip(begins, sizes, strict=True):
            if begin[axis] != place:
                break
            place = place + size[axis]
        else:
            return axis
    return None


def _bounds(nodes: dict[str, Any], name: str, tf: Any) -> list[Counter[int | str]]:
    """Bounds of a slice along each axis: how often each of ``t_natoms`` enters, and under "" a number.

    A size of -1, all that there is, is a quantity of its own, behind which nothing follows.
    """
    node = nodes[name]
    if node.op == "Const":
        values = tf.make_ndarray(node.attr["value"].tensor).ravel().tolist()
        return [Counter({"all": 1} if value < 0 else {"": value} if value else {}) for value in values]
    given = [_bounds(nodes, _node_of(name), tf) for name in node.input if _node_of(name) != "t_natoms"]
    if node.op == "Pack":
        return [part[0] for part in given]
    if node.op == "AddV2":
        return [given[0][0] + given[1][0]]
    if node.op == "StridedSlice" and node.input[0] == "t_natoms":
        return [Counter({given[0][0][""]: 1})]
    return [Counter({name: 1})]  # anything else is only like itself


def _uncast(nodes: dict[str, Any], name: str) -> str:
    return _node_of(nodes[name].input[0]) if nodes[name].op == "Cast" else name


def _pair_virials(nodes: dict[str, Any], name: str) -> list[Any] | None:
    """Nodes whose sum a virial is; None if anything but sums over pairs enters it."""
    node = nodes[name]
    if node.op == "ProdVirialSeA":
        return [node]
    if node.op not in ("Reshape", "AddV2"):
        return None
    parts = [_pair_virials(nodes, _node_of(given)) for given in node.input[: 1 if node.op == "Reshape" else 2]]
    return None if any(part is None for part in parts) else [n for part in parts for n in part or []]


def _virial_from_images(graph: Any, tf: Any) -> None:
    """Sum the virial over atoms and images where images have forces of their own."""
    nodes = {node.name: node for node in graph.node}
    over_pairs = _pair_virials(nodes, "o_virial")
    if over_pairs is None:  # a pair table, for example
        return
    real, whole = nodes["o_force"].attr["T"].type, tf.int32.as_datatype_enum

    def add(name: str, op: str, inputs: list[str], **types: int) -> str:
        node = graph.node.add(name=f"{PREFIX}/{name}", op=op)
        node.input.extend(inputs)
        for key, value in types.items():
            node.attr[key].type = value
        return node.name

    def number(name: str, value: Any) -> str:
        return _constant(graph, tf, f"{PREFIX}/{name}", value, tf.int32)

    def count(name: str, place: int) -> str:
        ends = [number(f"{name}/{k}", [v]) for k, v in enumerate((place, place + 1, 1))]
        taken = add(name, "StridedSlice", ["t_natoms", *ends], T=whole, Index=whole)
        graph.node[-1].attr["shrink_axis_mask"].i = 1
        return taken

    atoms, and_images = count("atoms", 0), count("atoms_and_images", 1)
    has_images = add("has_images", "Greater", [and_images, atoms], T=whole)

    # forces and positions as (frames, atoms and images, 3)
    shape = add("shape", "Pack", [number("any", -1), and_images, number("three", 3)], T=whole)
    graph.node[-1].attr["N"].i = 3
    forces = add("forces", "Reshape", ["o_force", shape], T=real, Tshape=whole)
    places = add("positions", "Reshape", ["t_coord", shape], T=real, Tshape=whole)
    gate = add("forces_of_images", "Switch", [forces, has_images], T=real)
    product = add("product", "BatchMatMulV2", [f"{gate}:1", places], T=real)
    graph.node[-1].attr["adj_x"].b = True
    images = add("by_images", "Reshape", [product, "o_virial/shape"], T=real, Tshape=whole)

    # the sum over pairs, which is left out where there are images
    total = ""
    for node in over_pairs:
        gated = add(f"{node.name}/gate", "Switch", [node.input[0], has_images], T=real)
        pairs = add(node.name, node.op, [gated, *node.input[1:]])
        graph.node[-1].attr.MergeFrom(node.attr)
        total = add(f"{node.name}/sum", "AddV2", [total, pairs], T=real) if total else pairs
    folded = add("by_pairs", "Reshape", [total, "o_virial/shape"], T=real, Tshape=whole)

    merged = add("virial", "Merge", [folded, images], T=real)
    graph.node[-1].attr["N"].i = 2
    virial = nodes["o_virial"]
    virial.op = "Identity"
    virial.attr.clear()
    virial.attr["T"].type = real
    del virial.input[:]
    virial.input.append(merged)

    # force times position of each atom and image
    column = add("columns", "ExpandDims", [forces, number("last", -1)], T=real, Tdim=whole)
    row = add("rows", "ExpandDims", [places, number("last_but_one", -2)], T=real, Tdim=whole)
    each = add("products", "Mul", [column, row], T=real)
    named = graph.node.add(name=EACH_VIRIAL, op="Reshape")
    named.input.extend([each, f"{ATOM_VIRIAL}/shape"])
    named.attr["T"].type, named.attr["Tshape"].type = real, whole


def _constant(graph: Any, tf: Any, name: str, value: Any, kind: Any) -> str:
    node = graph.node.add(name=name, op="Const")
    node.attr["dtype"].type = kind.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value, dtype=kind))
    return name


def _drop_unused(graph: Any) -> None:
    """Remove what no output needs."""
    nodes = {node.name: node for node in graph.node}
    stack = [name for name, node in nodes.items() if _is_asked_for(name) or node.op == "Placeholder"]
    used: set[str] = set()
    while stack:
        name = stack.pop()
        if name not in used:
            used.add(name)
            stack.extend(map(_node_of, nodes[name].input))
    kept = [_copy(node) for node in graph.node if node.name in used]
    del graph.node[:]
    graph.node.extend(kept)
