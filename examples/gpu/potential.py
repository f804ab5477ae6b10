"""A Deep Potential in JAX: energies and forces of many systems in one call, on a GPU.

    python examples/gpu/potential.py argyrodite.2 argyrodite.2.npz

writes the numbers of a compressed model (``se_e2_a`` with one table for each kind of neighbour, as ``argyrodite.2`` and
``argyrodite.3`` of this package are) into a file that a machine without TensorFlow can read. `Potential` evaluates them
in the single precision of the model. Systems are put one behind the other: every atom has a list of its neighbours, so
that nothing has to know which system it is in.

Descriptor and networks: Zhang et al., NeurIPS 2018 (arXiv:1805.09003); tables in place of the embedding network: Lu et
al., https://doi.org/10.1021/acs.jctc.2c00102.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LAYERS = ("layer_0", "layer_1", "layer_2", "final_layer")


def numbers_of(model: Path) -> dict[str, Any]:
    """Tables, networks and scales of a compressed model, as arrays."""
    import tensorflow as tf
    from tensorflow.python.framework import tensor_util

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(model.read_bytes())
    known = {node.name: tensor_util.MakeNdarray(node.attr["value"].tensor) for node in graph.node if node.op == "Const"}
    kinds = known["model_attr/tmap"][()].decode().split()
    tables = [f"Const_{k}" if k else "Const" for k in range(len(kinds))]
    if not all(name in known for name in (*tables, "filter_type_all/TabulateFusionSeA/table_info")):
        raise SystemExit(f"{model} is not a compressed se_e2_a model with one table for each kind of neighbour")
    found: dict[str, Any] = {
        "kinds": np.array(kinds),
        "cutoff": known["descrpt_attr/rcut"],
        "places": known["descrpt_attr/sel"],  # of a list of neighbours, by kind
        "mean": known["descrpt_attr/t_avg"].reshape(len(kinds), -1, 4)[:, 0],  # the same for all neighbours
        "scale": known["descrpt_attr/t_std"].reshape(len(kinds), -1, 4)[:, 0],
        "grid": known["filter_type_all/TabulateFusionSeA/table_info"],
        "table": np.stack([known[name] for name in tables]),
        "atom energy": known["fitting_attr/t_bias_atom_e"],
    }
    for kind in range(len(kinds)):
        for layer in LAYERS:
            for part in ("matrix", "bias", "idt"):
                name = f"{layer}_type_{kind}/{part}"
                values = known.get(name, known.get(f"{name}/half"))
                if values is not None:
                    found[f"{layer}.{kind}.{part}"] = np.asarray(values, np.float32)
    return found


class Potential:
    """A model whose atoms are in the order of their kinds.

    Parameters
    ----------
    file : path
        What `numbers_of` found, as ``.npz``.
    smooth : float
        Distance in A at which the switching function begins (``rcut_smth`` of the model).
    axis : int
        Number of columns of the descriptor (``axis_neuron`` of the model).
    """

    def __init__(self, file: Path, smooth: float = 0.5, axis: int = 10) -> None:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)  # distances in double precision, as deepmd-kit
        jax.config.update("jax_default_matmul_precision", "highest")  # single precision, not TF32
        with np.load(file) as saved:
            numbers = {name: saved[name] for name in saved.files}
        self.kinds: list[str] = numbers["kinds"].tolist()
        self.cutoff, self.smooth, self.axis = float(numbers["cutoff"]), smooth, axis
        self._places = [float(n) for n in numbers["places"]]
        self._mean, self._scale = numbers["mean"], numbers["scale"]
        self._grid = [round(float(value), 6) for value in numbers["grid"][:5]]  # low, high, end, and two widths
        self._intervals, width = numbers["table"].shape[1], numbers["table"].shape[2] // 6
        self._table = jnp.asarray(numbers["table"].reshape(-1, width, 6), jnp.float32)
        self._energy = numbers["atom energy"]
        self._networks = {name: jnp.asarray(value) for name, value in numbers.items() if "." in name}

    def _embed(self, kind: Any, distance: Any) -> tuple[Any, Any]:
        """Embedding of a scaled inverse distance, and its derivative: polynomials of fifth degree on two grids."""
        import jax.numpy as jnp

        low, high, _, fine, coarse = self._grid
        first = round((high - low) / fine)
        inner = jnp.clip(jnp.floor((distance - low) / fine), 0, first - 1)
        outer = jnp.clip(jnp.floor((distance - high) / coarse), 0, self._intervals - first - 1)
        here = jnp.where(distance < high, inner, first + outer).astype(jnp.int32)
        x = jnp.where(distance < high, distance - (inner * fine + low), distance - (outer * coarse + high))[..., None]
        a, b, c, d, e, f = jnp.moveaxis(self._table[kind * self._intervals + here], -1, 0)
        value = a + x * (b + x * (c + x * (d + x * (e + x * f))))
        return value, b + x * (2 * c + x * (3 * d + x * (4 * e + x * 5 * f)))

    def of(self, counts: np.ndarray) -> Callable[..., Any]:
        """Energies and forces of a list of atoms, `counts` of each kind.

        Returns
        -------
        callable
            ``evaluate(positions, neighbours, shifts, kinds)`` of arrays (n, 3) in A, (n, m) indices, (n, m, 3) in A to
            the images that are meant (far away where a place of the list is empty), and (n, m) kinds of the neighbours;
            returns energies (n,) in eV, forces (n, 3) in eV/A and virials (n, 3, 3) in eV of the atoms.
        """
        import jax
        import jax.numpy as jnp

        kinds = np.repeat(np.arange(len(self.kinds)), counts)
        edges = np.concatenate([[0], np.cumsum(counts)])
        mean, scale = self._mean[kinds][:, None], self._scale[kinds][:, None]
        # A list that is not full has, in deepmd-kit, neighbours at an infinite distance: their scaled distance and
        # embedding depend on the two kinds alone.
        nothing = (-self._mean / self._scale)[:, 0]
        of_nothing = jnp.stack([
            jnp.stack([self._embed(jnp.array(u), jnp.array(value, jnp.float32))[0] for u in range(len(self.kinds))])
            for value in nothing
        ])  # fmt: skip
        empty = jnp.asarray(nothing[:, None], jnp.float32) * jnp.einsum(
            "u,kug->kg", jnp.asarray(self._places, jnp.float32), of_nothing
        )
        own, embedding_of_nothing = jnp.asarray(nothing[kinds], jnp.float32), of_nothing[jnp.asarray(kinds)]

        @jax.custom_jvp
        def embed(distance: Any, kind: Any) -> Any:
            return self._embed(kind, distance)[0]

        @embed.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            value, slope = self._embed(primals[1], primals[0])
            return value, slope * tangents[0][..., None]

        def network(kind: int, descriptor: Any) -> Any:
            part = {
                name.split(".", 2)[0] + name.split(".")[2]: v
                for name, v in self._networks.items()
                if f".{kind}." in name
            }
            hidden = jnp.tanh(descriptor @ part["layer_0matrix"] + part["layer_0bias"])
            for layer in ("layer_1", "layer_2"):
                step = jnp.tanh(hidden @ part[f"{layer}matrix"] + part[f"{layer}bias"])
                hidden = hidden + step * part[f"{layer}idt"]
            return (hidden @ part["final_layermatrix"] + part["final_layerbias"])[:, 0]

        def energies(vectors: Any, neighbour: Any) -> Any:
            square = (vectors**2).sum(-1)
            near = square < self.cutoff**2
            r = jnp.sqrt(jnp.where(near, square, 1.0))
            x = (r - self.smooth) / (self.cutoff - self.smooth)
            switch = jnp.where(x > 0, x**3 * (-6 * x**2 + 15 * x - 10) + 1, 1.0) / r
            rows = jnp.concatenate([switch[..., None], switch[..., None] * vectors / r[..., None]], -1)
            rows = ((rows - mean) / scale).astype(jnp.float32)
            weight = near.astype(jnp.float32)[..., None]
            sums = jnp.einsum("nmc,nmg->ncg", rows * weight, embed(rows[..., 0], neighbour))
            filled = (jax.nn.one_hot(neighbour, len(self.kinds), dtype=jnp.float32) * weight).sum(1)
            less = own[:, None] * jnp.einsum("nu,nug->ng", filled, embedding_of_nothing)
            sums = sums.at[:, 0].add(empty[jnp.asarray(kinds)] - less) / sum(self._places)
            descriptor = jnp.einsum("ncg,nca->nga", sums, sums[:, :, : self.axis]).reshape(len(kinds), -1)
            parts = [
                network(k, descriptor[a:b]).astype(jnp.float64) + self._energy[k]
                for k, (a, b) in enumerate(itertools.pairwise(edges)) if b > a
            ]  # fmt: skip
            return jnp.concatenate(parts)

        def evaluate(positions: Any, neighbours: Any, shifts: Any, kinds: Any) -> tuple[Any, Any, Any]:
            def total(vectors: Any) -> tuple[Any, Any]:
                each = energies(vectors, kinds)
                return each.sum(), each

            vectors = positions[neighbours] - positions[:, None] + shifts
            slope, energy = jax.grad(total, has_aux=True)(vectors)
            forces = slope.sum(1).at[neighbours].add(-slope)
            return energy, forces, -jnp.einsum("nma,nmb->nab", slope, vectors)

        return evaluate


if __name__ == "__main__":
    from ionpath_ase.potentials import resolve

    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    np.savez(sys.argv[2], **numbers_of(Path(resolve(sys.argv[1]))))
    print(sys.argv[2])
