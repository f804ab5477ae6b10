"""Add an angular term to a frozen Deep Potential, and train the term alone.

    python examples/potential/refine.py my-potential/model.pb labelled.extxyz -o refined.pb --weight '*LSPSCl*=2.2'

Only the term is trained, on differences of energy, forces and virial: see `angular.py` for its equation. Adam with
decoupled decay of weights (Loshchilov and Hutter, arXiv:1711.05101), one frame a step. Checkpoints lie beside the new
model (``refined.pb.npz``), and the same call goes on from there.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from angular import AngularSettings, angular_term, initial_values
from numpy.typing import NDArray

from ionpath.errors import InputError, IonpathError, require
from ionpath.files import atomic_path
from ionpath_ase import IonPath
from ionpath_ase.training import read_frames, simplify_graph
from ionpath_ase.training.fitting import frame_weights, weight_from_text
from ionpath_ase.training.simplify import read_graph

if TYPE_CHECKING:
    from ase import Atoms

INSTALL = 'pip install "ionpath[ase]"'
SCOPE = "angular"
_NAMES = {name: f"{SCOPE}/{name}/matrix" for name in ("first", "second")}
"""Weights that may be stored in half precision (`half_precision.py`)."""
_SAVED = "refine/"
_FORCE, _ENERGY, _VIRIAL = 0.05, 0.004, 0.01
"""Errors of one weight in the loss: eV/A, eV/atom, eV/atom."""
_STEEPEST = 20.0
"""Gradients of the loss are cut to this length: melts do not rule the training."""
_FALL = 0.003
"""Of the learning rate, from the first step to the last."""
_NORMALISED_FROM, _BLOCK, _KEPT_EVERY = 200, 500, 2000
"""Frames that features are normalised by, frames drawn at a time, steps between checkpoints."""


@dataclass(frozen=True)
class RefineSettings:
    """How the term is trained.

    Attributes
    ----------
    steps : int
        Steps of one frame each.
    learning_rate : float
        At the start; it falls exponentially to 3/1000 of this.
    decay : float
        Weights shrink by this times the learning rate at each step: so frames are not learned by heart.
    seed : int
        Seed of weights and of the order of frames.
    """

    steps: int = 60_000
    learning_rate: float = 1e-3
    decay: float = 0.2
    seed: int = 1


def refine(
    model: str | os.PathLike[str],
    frames: Sequence[Atoms],
    target: str | os.PathLike[str],
    *,
    settings: RefineSettings | None = None,
    sizes: AngularSettings | None = None,
    weights: Mapping[str, float] | None = None,
    initial: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Path:
    """Train an angular term on what a potential leaves of the labels, and write both as one potential.

    `weights` say how much more often frames are drawn, by pattern of their tag, as in `fit`; `initial` is a term of the
    same sizes to start from, for a second training on more frames: a checkpoint (``.npz``), or a potential that has one
    (``.pb``).
    """
    settings, sizes = settings or RefineSettings(), sizes or AngularSettings()
    base = _Base(Path(model))
    samples = _samples(base, frames)
    chances = frame_weights(frames, weights or {})
    start = initial_values(sizes, len(base.sel), settings.seed)
    if initial is not None:
        start = _start_from(initial, start)
    checkpoint = Path(f"{os.fspath(target)}.npz")
    trained = _train(base, samples, chances, settings, start, sizes, checkpoint, progress)
    return _write(base, trained, sizes, Path(target))


class _Base:
    """The graph of a frozen potential, and the names in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.graph, self.tf = read_graph(path)
        require("deepmd.tf.env", purpose="adding to a frozen model", install=INSTALL)  # loads deepmd's operations
        # By name: its module of functions is empty where its C library, which `IonPath` runs on, came first.
        self.apply = require("tensorflow.python.framework.op_def_library", purpose="training", install=INSTALL).apply_op
        nodes = {node.name: node for node in self.graph.node}
        self.suffix = "_0" if "o_rmat_0" in nodes else ""
        scope = f"descrpt_attr{self.suffix}"
        if not {f"o_rmat{self.suffix}", f"{scope}/t_avg", "o_atom_energy"} <= set(nodes):
            self._refuse("a model of another kind")
        if any(name.startswith(f"{SCOPE}/") for name in nodes):
            self._refuse("one that has an angular term")
        of_forces = [
            node for node in nodes.values()
            if node.op == "ProdForceSeA" and node.input[1] == f"o_rmat_deriv{self.suffix}"
        ]  # fmt: skip
        if len(of_forces) != 1:
            self._refuse("a descriptor of another kind")
        self.derivative = of_forces[0].input[0]
        self.sel = [int(n) for n in self._constant(nodes, f"{scope}/sel")]
        self.average = self._constant(nodes, f"{scope}/t_avg")
        self.deviation = self._constant(nodes, f"{scope}/t_std")

    def _refuse(self, got: str) -> None:
        raise InputError(
            f"model {self.path.name}",
            need="a frozen Deep Potential of deepmd-kit's TensorFlow backend (.pb) with se_e2_a descriptors",
            got=got,
            remedy="freeze it with `dp --tf freeze`, and refine the model without a term",
        )

    def _constant(self, nodes: dict[str, Any], name: str) -> NDArray[Any]:
        return np.asarray(self.tf.make_ndarray(nodes[name].attr["value"].tensor))

    def built(self, values: dict[str, Any], sizes: AngularSettings) -> dict[str, Any]:
        """Import the model into the default graph and add the term: tensors by name."""
        tf, v1 = self.tf, self.tf.compat.v1
        v1.import_graph_def(self.graph, name="")
        graph = v1.get_default_graph()

        def get(name: str) -> Any:
            return graph.get_tensor_by_name(f"{name}:0")

        matrix, natoms = get(f"o_rmat{self.suffix}"), get("t_natoms")
        with tf.name_scope(SCOPE):
            types = tf.reshape(get("t_type"), [-1, natoms[1]])[:, : natoms[0]]
            environment = tf.reshape(matrix, [-1, natoms[0], 4 * sum(self.sel)])
            energies, features = angular_term(
                tf, environment, types, natoms[2:], self.sel, self.average, self.deviation, values, sizes
            )
            (slope,) = v1.gradients(energies, matrix)
            slope = tf.reshape(slope, [-1, natoms[0] * 4 * sum(self.sel)], name="slope")
        return {"energies": energies, "features": features, "slope": slope, "get": get}


@dataclass(frozen=True)
class _Sample:
    """What a frame is fed as, and what the model leaves of its labels, with atoms sorted by type."""

    feed: dict[str, NDArray[Any]]
    energy: float
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]


def _samples(base: _Base, frames: Sequence[Atoms]) -> list[_Sample]:
    if not frames:
        raise InputError("frames", need="at least one labelled frame", got="none")
    calculator = IonPath(base.path)
    elements = calculator.elements
    made = []
    for number, atoms in enumerate(frames):
        if not atoms.pbc.all() or atoms.calc is None:
            raise InputError(
                f"frame {number}", need="energy, forces and stress in a cell periodic in all directions",
                got="no labels" if atoms.calc is None else f"pbc {atoms.pbc.tolist()}",
                remedy="label frames with `ionpath train label`",
            )  # fmt: skip
        found = atoms.copy()
        found.calc = calculator
        types = np.array([elements.index(symbol) for symbol in atoms.symbols])
        order = np.argsort(types, kind="stable")
        energy = atoms.get_potential_energy() - found.get_potential_energy()
        forces = (atoms.get_forces() - found.get_forces())[order]
        stress = atoms.get_stress(voigt=False) - found.get_stress(voigt=False)
        feed = {
            "t_coord": atoms.positions[order].ravel(),
            "t_type": types[order].astype(np.int32),
            "t_natoms": np.array(
                [len(atoms), len(atoms), *np.bincount(types, minlength=len(elements))], dtype=np.int32
            ),
            "t_box": atoms.cell.array.ravel(),
            "t_mesh": np.zeros(6, dtype=np.int32),
        }
        made.append(_Sample(feed, energy, forces, -atoms.get_volume() * stress.ravel()))
    return made


def _train(
    base: _Base,
    samples: list[_Sample],
    chances: NDArray[np.float64],
    settings: RefineSettings,
    start: dict[str, NDArray[Any]],
    sizes: AngularSettings,
    checkpoint: Path,
    progress: bool,
) -> dict[str, NDArray[Any]]:
    """Weights of the term, from a checkpoint on if there is one."""
    from tqdm import tqdm

    tf, v1 = base.tf, base.tf.compat.v1
    kept = _load(checkpoint, start)
    first = int(kept.pop("step", 0))
    with tf.Graph().as_default(), v1.Session(config=_session(v1)) as session:
        of_term = {
            name: v1.get_variable(f"{_SAVED}{name}", initializer=value, trainable=name not in ("mean", "scale"))
            for name, value in start.items()
        }
        goal = _objective(base, of_term, sizes)
        rate, free = v1.placeholder(tf.float32, []), v1.trainable_variables()
        slopes, _ = tf.clip_by_global_norm(v1.gradients(goal.loss, free), _STEEPEST)
        stepped = v1.train.AdamOptimizer(rate).apply_gradients(zip(slopes, free, strict=True))
        with tf.control_dependencies([stepped]):
            step = tf.group([v1.assign(v, v * (1.0 - rate * settings.decay)) for v in free])
        session.run(v1.global_variables_initializer())
        saved = {variable.op.name: variable for variable in v1.global_variables()}
        feeds = [goal.fed(sample) for sample in samples]
        for name in kept:
            saved[name].load(kept[name], session)
        if not kept and (start["scale"] == 1.0).all():
            _normalise(session, goal.features, feeds, of_term, settings.seed)
        share, errors = chances / chances.sum(), []
        with tqdm(total=settings.steps, initial=first, disable=not progress, desc="refine") as bar:
            for number in range(first, settings.steps):
                if number % _BLOCK == 0 or number == first:
                    rng = np.random.default_rng([settings.seed, number // _BLOCK])
                    drawn = rng.choice(len(feeds), size=_BLOCK, p=share)
                now = settings.learning_rate * _FALL ** (number / settings.steps)
                _, error = session.run([step, goal.error], feeds[drawn[number % _BLOCK]] | {rate: now})
                errors.append(error)
                bar.update()
                done = number + 1
                if done % _BLOCK and done < settings.steps:
                    continue
                if not np.isfinite(errors).all():
                    raise IonpathError(f"the training diverged before step {done}: lower the learning rate")
                bar.set_postfix_str(f"{1e3 * np.mean(errors):.1f} meV/A")
                errors = []
                if done % _KEPT_EVERY == 0 or done == settings.steps:
                    _save(checkpoint, session.run(saved) | {"step": np.array(done)})
        return dict(session.run(of_term))


@dataclass(frozen=True)
class _Objective:
    """What is made small, as tensors."""

    loss: Any
    error: Any
    features: list[Any]
    inputs: dict[str, Any]

    def fed(self, sample: _Sample) -> dict[Any, Any]:
        """One frame by tensor."""
        given = sample.feed | {"energy": sample.energy, "forces": sample.forces, "virial": sample.virial}
        return {self.inputs[name]: value for name, value in given.items()}


def _objective(base: _Base, of_term: dict[str, Any], sizes: AngularSettings) -> _Objective:
    """Squares of what the term leaves of the labels, each in units of its usual error."""
    tf, v1 = base.tf, base.tf.compat.v1
    require("deepmd.tf.op", purpose="training", install=INSTALL)  # knows derivatives of deepmd's operations
    made = base.built(of_term, sizes)
    get, slope = made["get"], made["slope"]
    inputs = {name: get(name) for name in ("t_coord", "t_type", "t_natoms", "t_box", "t_mesh")}
    for name, shape in (("energy", []), ("forces", [None, 3]), ("virial", [9])):
        inputs[name] = v1.placeholder(tf.float64, shape)
    natoms, sel = inputs["t_natoms"], {"n_a_sel": sum(base.sel), "n_r_sel": 0}
    moved, near, apart = (get(f"o_{name}{base.suffix}") for name in ("rmat_deriv", "nlist", "rij"))
    known = {"net_deriv": slope, "in_deriv": moved, "nlist": near, "natoms": natoms, **sel}
    forces = tf.reshape(base.apply("ProdForceSeA", **known), [-1, 3])
    virial, _ = base.apply("ProdVirialSeA", rij=apart, **known)
    per_atom = 1.0 / tf.cast(natoms[0], tf.float64)
    energy = tf.cast(tf.reduce_sum(made["energies"]), tf.float64)
    off = (
        (1.0, (forces - inputs["forces"]) / _FORCE),
        (0.1, (energy - inputs["energy"]) * per_atom / _ENERGY),
        (0.05, (tf.reshape(virial, [9]) - inputs["virial"]) * per_atom / _VIRIAL),
    )
    loss = tf.add_n([weight * tf.reduce_mean(x * x) for weight, x in off])
    return _Objective(loss, tf.reduce_mean(tf.abs(forces - inputs["forces"])), made["features"], inputs)


def _session(v1: Any) -> Any:
    """As many threads as OMP_NUM_THREADS says, all without it."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "0") or 0)
    return v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=min(threads, 1))


def _normalise(
    session: Any, features: list[Any], feeds: list[dict[Any, Any]], of_term: dict[str, Any], seed: int
) -> None:
    """Give each number that a net receives a mean of 0 and a spread of 1 over some frames."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(feeds), size=min(_NORMALISED_FROM, len(feeds)), replace=False)
    found = [session.run(features, feeds[k]) for k in chosen]
    mean, scale = (session.run(of_term[name]) for name in ("mean", "scale"))
    for kind in range(len(features)):
        seen = np.concatenate([frame[kind][0] for frame in found])
        if len(seen) > 1:
            spread = seen.std(axis=0)
            mean[kind] = seen.mean(axis=0)
            scale[kind] = 1.0 / (spread + 0.02 * spread.max() + 1e-6)
    of_term["mean"].load(mean, session)
    of_term["scale"].load(scale, session)


def _start_from(initial: str | os.PathLike[str], start: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Weights of a term that was trained before, by name."""
    source = Path(initial)
    if not source.exists():
        raise InputError(
            "initial", need="a checkpoint of `refine` (.npz) or a potential with an angular term (.pb)",
            got=f"no file {source}",
        )  # fmt: skip
    if source.suffix == ".pb":
        kept = _term_of(source, start)
        _check_sizes(f"model {source.name}", kept, start, "start from a potential with an angular term, or from none")
        return kept
    known = _load(source, start)
    return {name: known[_SAVED + name] for name in start}


def _term_of(model: Path, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Weights of the angular term of a frozen potential, as `half_precision.py` stores them or in full."""
    graph, tf = read_graph(model)
    stored = {
        node.name: tf.make_ndarray(node.attr["value"].tensor)
        for node in graph.node
        if node.op == "Const" and node.name.startswith(f"{SCOPE}/")
    }
    found = {}
    for name in names:
        whole = _NAMES.get(name, f"{SCOPE}/{name}")
        for ending in ("", "/half", "/eight_bits"):
            if whole + ending in stored:
                found[name] = (stored[whole + ending] * stored.get(f"{whole}/scale", 1.0)).astype(np.float32)
    return found


def _load(checkpoint: Path, start: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Values of a checkpoint by name; none if there is none."""
    if not checkpoint.exists():
        return {}
    with np.load(checkpoint) as file:
        kept = {name: file[name] for name in file.files}
    found = {name: kept[_SAVED + name] for name in start if _SAVED + name in kept}
    _check_sizes(
        f"checkpoint {checkpoint.name}", found, start, "remove it, write to another file, or ask for its sizes"
    )
    return kept


def _check_sizes(name: str, found: dict[str, NDArray[Any]], start: dict[str, NDArray[Any]], remedy: str) -> None:
    sizes, wanted = ({key: value.shape for key, value in values.items()} for values in (found, start))
    if sizes != wanted:
        raise InputError(
            name, need="a term of the sizes that are asked for", got="another one" if sizes else "none", remedy=remedy
        )


def _save(checkpoint: Path, values: dict[str, NDArray[Any]]) -> None:
    with atomic_path(checkpoint) as part, part.open("wb") as file:
        np.savez(file, **values)  # type: ignore[arg-type]


def _write(base: _Base, values: dict[str, NDArray[Any]], sizes: AngularSettings, target: Path) -> Path:
    """Write the model with the term, whose weights are constants now."""
    tf = base.tf
    with tf.Graph().as_default() as graph:
        fixed = {name: tf.constant(value, name=_NAMES.get(name, f"{SCOPE}/{name}")) for name, value in values.items()}
        made = base.built(fixed, sizes)
        of_model = graph.get_tensor_by_name(f"{base.derivative}:0")
        with tf.name_scope(SCOPE):
            energies = tf.reshape(made["energies"], [-1], name="energies")
            slope = tf.add(of_model, made["slope"], name="slope_with_model")
            inner = graph.get_operation_by_name("o_atom_energy").inputs[0]
            atoms = tf.add(
                inner, tf.reshape(tf.cast(energies, inner.dtype), tf.shape(inner)), name="energies_with_model"
            )
        whole = graph.as_graph_def()
    for node in whole.node:
        if node.op in ("ProdForceSeA", "ProdVirialSeA", "Switch"):
            for k, given in enumerate(node.input):
                if given == base.derivative:
                    node.input[k] = slope.op.name
        if node.name == "o_atom_energy":
            node.input[0] = atoms.op.name
    with atomic_path(target) as part:
        part.write_bytes(whole.SerializeToString(deterministic=True))
    return target


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="frozen TensorFlow model (.pb); best compressed and not simplified")
    parser.add_argument("frames", type=Path, nargs="+", help="files with labelled frames, all trained on")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new model; checkpoints lie beside it")
    parser.add_argument("--steps", type=int, default=60_000, help="training steps; default 60000")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of the first step; default 0.001")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and of the order of frames")
    parser.add_argument(
        "--initial", type=Path, help="term to start from: a checkpoint (.npz), or a potential (.pb) that has one",
    )  # fmt: skip
    parser.add_argument(
        "--weight", action="append", default=[], metavar="PATTERN=FACTOR",
        help="draw frames whose tag fits more often, such as '*LSPSCl*=2'",
    )  # fmt: skip
    options = parser.parse_args(argv)
    made = refine(
        options.model,
        read_frames(*options.frames),
        options.output,
        settings=RefineSettings(options.steps, options.learning_rate, seed=options.seed),
        weights=dict(weight_from_text(text) for text in options.weight),
        initial=options.initial,
    )
    made = simplify_graph(made, made)
    print(f"{made}: `ionpath md --model {made}` and IonPath({str(made)!r}) take it")


if __name__ == "__main__":
    try:
        main()
    except IonpathError as error:
        raise SystemExit(str(error)) from None
