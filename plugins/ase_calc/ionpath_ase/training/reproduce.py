"""From nothing but packages to the shipped potential: structures, labels, three trainings, a judgement."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ionpath.errors import InputError
from ionpath.files import atomic_path
from ionpath_ase.training.angular import AngularSettings
from ionpath_ase.training.dataset import read_frames, split_by_tag
from ionpath_ase.training.evaluate import Errors, evaluate, write_table
from ionpath_ase.training.fit import fit
from ionpath_ase.training.halves import halve
from ionpath_ase.training.labelling import label_frames, teacher
from ionpath_ase.training.refine import RefineSettings, refine
from ionpath_ase.training.structures import MELTS, gathered, pushed_together, starting_structure, variants

if TYPE_CHECKING:
    from ase import Atoms

_STARTS = (
    ("LPSCl-II", 0), ("LPSCl-48h", 0), ("LPSCl-III", 0), ("LPSCl-III", 1), ("LPSCl-III", 2), ("LPSCl-III", 3),
    ("x=0.00,y=0.25", 0), ("x=0.00,y=0.50", 0), ("x=0.00,y=0.75", 0), ("x=0.00,y=1.00", 0),
    ("x=0.25,y=0.25", 0), ("x=0.75,y=0.75", 0), ("x=1.00,y=1.00", 0), ("LSPSCl", 0), ("Li7PS6", 0),
    ("beta-Li3PS4", 0), ("gamma-Li3PS4", 0), ("Li7P3S11", 0), ("Li4P2S6", 0), ("Li2S", 0), ("LiCl", 0),
)  # fmt: skip
_CONSTANT = tuple(entry for entry in _STARTS if entry[0] not in ("LiCl", "Li2S", "Li4P2S6"))
_JUDGED = (("LPSCl-II", 0), ("x=0.00,y=0.50", 0), ("LPSCl-III", 1), ("beta-Li3PS4", 0), ("LSPSCl", 0))

_PAIRS: dict[str, dict[str, Any]] = {
    "anions": {},
    "centres": {"elements": ("P", "Si"), "distances": (1.5, 3.2), "within": 7.0},
}
"""Which pairs are pushed together, and how far (`pushed_together`)."""


@dataclass(frozen=True)
class Sampling:
    """Runs of molecular dynamics, one per structure, temperature and strain.

    Attributes
    ----------
    name : str
        What to call the set.
    starts : tuple[tuple[str, int], ...]
        Names of starting structures, each with a seed.
    temperatures : tuple[float, ...]
        Temperatures in K.
    frames : int
        Frames of each run.
    stride : int
        Time steps of 2 fs between frames.
    final_temperature : float | None
        Temperature at the end in K, for a ramp.
    strains : tuple[float, ...]
        Strains of the cells.
    shortest : float
        Crystals are repeated until no lattice vector is shorter than this, in A.
    pushed : str
        Push a pair of each frame together (`pushed_together`), of ``anions`` or of the ``centres`` of tetrahedra, and
        end without complaint where atoms fall onto each other: for what a potential does not know yet.
    gathered : int
        Gather so many P or Si around one before each run (`gathered`); the run may end as one with `pushed` may.
    max_force : float
        Frames with a larger force component, in eV/A, are not trained on.
    """

    name: str
    starts: tuple[tuple[str, int], ...]
    temperatures: tuple[float, ...]
    frames: int
    stride: int
    final_temperature: float | None = None
    strains: tuple[float, ...] = (0.0,)
    shortest: float = 6.0
    pushed: Literal["", "anions", "centres"] = ""
    gathered: int = 0
    max_force: float = 12.0


@dataclass(frozen=True)
class Recipe:
    """How a potential is made.

    Attributes
    ----------
    heated : Sampling
        Runs with the sampler, before there is a model.
    constant : Sampling
        Runs with the first model.
    added : tuple[Sampling, ...]
        Runs with the model of the first stage: strained cells, large cells, melts.
    judged : Sampling
        Runs with the same model whose frames no model is trained on.
    close : tuple[Sampling, ...]
        Runs of melts with the model of the second stage, and pairs of anions, or of P and Si, pushed together;
        and of melts in which P and Si were gathered in clusters.
    first_steps : int
        Training steps of the model that makes `constant`.
    stage_steps : tuple[int, int, int]
        Training steps of the three stages of the first model; in the third it has its outer descriptor.
    onward : Sampling
        Runs with the first model, for its angular term.
    refine_steps : int
        Training steps of this term (`refine`).
    refine_weights : dict[str, float]
        `weights` of this training.
    sizes : AngularSettings
        Sizes of the term.
    member_steps : tuple[int, int]
        Training steps of the other models, which have one descriptor: of the second from the second stage of the first,
        and of those with weights of their own.
    weights : dict[str, float]
        How much more often frames are drawn from the second stage on, by pattern of their tag (`fit`). Patterns of sets
        that come later wait until these are there.
    overrides : dict[str, Any]
        Entries of the preset ``shipped`` to change.
    members : int
        Number of models that differ in their seed: ``argyrodite.pb``, ``argyrodite.2.pb`` and so on.
    engine : str
        Engine of the runs with a model.
    seed : int
        Seed of velocities and of the weights of the nets; each member has the next.
    """

    heated: Sampling = Sampling("heated", _STARTS, (300.0,), 10, 15, 1200.0, (-0.02, 0.01, 0.04))
    constant: Sampling = Sampling("constant", _CONSTANT, (300.0, 600.0, 900.0), 15, 40)
    added: tuple[Sampling, ...] = (
        Sampling("strained", _CONSTANT, (300.0, 650.0, 1000.0), 3, 250, None, (-0.02, 0.03)),
        Sampling(
            "volume",
            (("LiCl", 0), ("Li2S", 0)),
            (100.0, 600.0),
            2,
            100,
            None,
            (-0.07, -0.05, -0.03, 0.0, 0.03, 0.06),
        ),
        Sampling(
            "large", (("LPSCl-II", 0), ("LPSCl-III", 0), ("LSPSCl", 0)), (600.0,), 2, 500, shortest=11.0
        ),
        Sampling(
            "melts",
            (("LPSCl-III", 2), ("LSPSCl", 0), ("Li7PS6", 0), ("beta-Li3PS4", 0)),
            (1500.0, 2000.0, 3000.0),
            4,
            500,
        ),
        Sampling("silicon", tuple(("LSPSCl", seed) for seed in range(4)), (300.0, 600.0, 900.0), 4, 150),
        Sampling(
            "relatives",
            tuple(
                (name, 1) for name in ("beta-Li3PS4", "gamma-Li3PS4", "Li7P3S11", "Li4P2S6", "Li2S", "Li7PS6")
            ),
            (300.0, 600.0, 900.0),
            4,
            150,
        ),
        Sampling(
            "quenched",
            (("LSPSCl", 0), ("LPSCl-III", 0), ("beta-Li3PS4", 0), ("Li7PS6", 0)),
            (1800.0,),
            12,
            250,
            300.0,
        ),
    )
    judged: Sampling = Sampling("judged", _JUDGED, (300.0, 600.0, 900.0), 3, 500)
    close: tuple[Sampling, ...] = (
        Sampling(
            "close",
            (
                *(("beta-Li3PS4", seed) for seed in range(4)),
                ("gamma-Li3PS4", 0), ("LSPSCl", 0), ("LPSCl-III", 0), ("Li7P3S11", 0), ("melt-75Li2S-25P2S5", 0),
            ),
            (1500.0, 1800.0),
            6,
            200,
            pushed="anions",
        ),
        Sampling(
            "packed",
            (*((name, 0) for name in MELTS), ("beta-Li3PS4", 4), ("Li7P3S11", 1), ("Li4P2S6", 1)),
            (1500.0, 1800.0),
            10,
            250,
            pushed="centres",
            max_force=60.0,
        ),
        Sampling(
            "gathered",
            (
                *((name, 1) for name in MELTS), *(("beta-Li3PS4", seed) for seed in range(3)),
                ("Li7P3S11", 1), ("LSPSCl", 0),
            ),
            (900.0, 1500.0, 1800.0),
            5,
            50,
            gathered=4,
            max_force=60.0,
        ),
    )  # fmt: skip
    onward: Sampling = Sampling(
        "onward",
        (
            *(("LSPSCl", seed) for seed in range(4, 57)), *(("beta-Li3PS4", seed) for seed in range(3)),
            ("x=0.00,y=0.50", 1), ("LPSCl-III", 4), ("LPSCl-II", 1),
        ),
        (300.0, 600.0, 900.0),
        12,
        150,
    )  # fmt: skip
    refine_steps: int = 120_000
    refine_weights: dict[str, float] = field(
        default_factory=lambda: {
            "packed*": 2.0,
            "gathered*": 2.0,
            "close*": 0.4,
            "melts*": 0.5,
            "*LSPSCl*": 2.2,
            "*Li3PS4*": 2.0,
        }
    )
    sizes: AngularSettings = field(default_factory=AngularSettings)
    first_steps: int = 36_000
    stage_steps: tuple[int, int, int] = (57_000, 200_000, 90_000)
    member_steps: tuple[int, int] = (25_000, 120_000)
    weights: dict[str, float] = field(
        default_factory=lambda: {
            "packed*": 2.5,
            "gathered*": 2.5,
            "close*": 1.0,
            "*LSPSCl*": 2.2,
            "*Li3PS4*": 2.5,
            "*LiCl*": 0.5,
        }
    )
    overrides: dict[str, Any] = field(default_factory=dict)
    members: int = 1
    engine: str = "lammps"
    seed: int = 1


FULL = Recipe()
"""The way of the shipped potential: some 4,000 labels, and hours to days on a processor."""
_PAIR = (("LiCl", 0), ("gamma-Li3PS4", 0))
QUICK = Recipe(
    heated=Sampling("heated", _PAIR, (300.0,), 4, 5, 600.0, (0.0, 0.02)),
    constant=Sampling("constant", _PAIR, (300.0,), 3, 5),
    added=(Sampling("strained", _PAIR, (600.0,), 2, 5, None, (-0.02,)),),
    judged=Sampling("judged", _PAIR, (300.0,), 2, 10),
    close=(
        Sampling("close", (("gamma-Li3PS4", 0),), (600.0,), 2, 10, pushed="anions"),
        Sampling("packed", (("gamma-Li3PS4", 2),), (600.0,), 2, 10, pushed="centres", max_force=60.0),
        Sampling("gathered", (("gamma-Li3PS4", 2),), (600.0,), 2, 10, gathered=1, max_force=60.0),
    ),
    onward=Sampling("onward", (("gamma-Li3PS4", 1),), (600.0,), 2, 10),
    refine_steps=300,
    refine_weights={"packed*": 2.0, "gathered*": 2.0, "*Li3PS4*": 2.0},
    sizes=AngularSettings(basis=6, channels=5, axes=3, neurons=8),
    first_steps=500,
    stage_steps=(1500, 1500, 500),
    member_steps=(500, 1500),
    weights={"packed*": 2.0, "gathered*": 2.0, "*Li3PS4*": 2.0},
    overrides={"embedding": [4, 8], "axis": 4, "fitting": [16, 16]},
    engine="ase",
)
"""The same road with a net and runs that are too small to be of use: it shows that every part works."""


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` made.

    Attributes
    ----------
    models : tuple[Path, ...]
        Compressed potentials.
    training_frames : int
        Frames that they were trained on.
    errors : tuple[Errors, ...]
        Errors of the first on runs of their own, by tag, the last row for all.
    table : Path
        The same as CSV.
    """

    models: tuple[Path, ...]
    training_frames: int
    errors: tuple[Errors, ...]
    table: Path


def reproduce(
    folder: str | os.PathLike[str],
    *,
    recipe: Recipe = FULL,
    labels: Any = None,
    sampler: Any = None,
    progress: bool = True,
) -> Reproduction:
    """Make the shipped potential again.

    Parameters
    ----------
    folder : str or path
        Where everything goes. A stopped call goes on.
    recipe : Recipe, optional
        `FULL` or `QUICK`, or one's own.
    labels : ase.calculators.calculator.Calculator, optional
        Teacher; SevenNet-l3i5 with D3(BJ) by default.
    sampler : ase.calculators.calculator.Calculator, optional
        Makes the first runs; SevenNet-0 by default, or `labels` where that is given.
    progress : bool, default True
        Show bars.

    Returns
    -------
    Reproduction
        Potentials and errors.

    Raises
    ------
    InputError
        If all labels of a set were refused.
    MissingDependency
        If pymatgen, deepmd-kit, or for the default teacher ``sevenn`` or ``dftd3`` is not installed.

    Notes
    -----
    The steps are those of the model card: ramps with the sampler, labelled; a first model, and runs at constant
    temperature with it, labelled; stage one on nine tenths of both; runs with that model on strained cells, large cells
    and melts, labelled; stage two from the weights of stage one, on all but the tenth; melts with that model, of
    crystals and of atoms packed at random, and pairs of anions, or of P and Si, pushed together, labelled; stage three,
    in which the model has its second, outer descriptor (`grow`). The
    other members have one descriptor: the second goes on from stage two, the others have weights of their own. Runs
    with the first, labelled; then it gets its angular term (`refine`), trained on all of it. Weights are stored in half
    precision (`halve`). Structures, random numbers and the order of frames are not those of the shipped files, so that
    the numbers agree, not the bytes.
    """
    place = Path(folder)
    if labels is None:
        labels, sampler = teacher(), sampler or teacher("7net-0", dispersion=False)
    shared: dict[str, Any] = {"place": place, "recipe": recipe, "labels": labels, "progress": progress}
    heated = _sampled(recipe.heated, None, sampler or labels, **shared)
    rest = [atoms for index, atoms in enumerate(heated) if index % 10]
    first = _fitted(
        place / "first", rest, recipe.first_steps, test=heated[::10], recipe=recipe, overrides={"outer": None},
        progress=progress,
    )  # fmt: skip
    constant = _sampled(recipe.constant, first, None, **shared)
    known = [*heated, *constant]
    aside = split_by_tag([str(atoms.info["tag"]) for atoms in known], seed=20261121)
    test = [atoms for atoms, chosen in zip(known, aside, strict=True) if chosen]
    train = [atoms for atoms, chosen in zip(known, aside, strict=True) if not chosen]
    single = {"outer": None}
    one = single | {"lr": (2e-3, 4.3e-4)}
    two = single | {"lr": (1e-3, 1e-6), "energy": (0.05, 1.0), "force": (500.0, 20.0), "virial": (0.03, 0.1)}
    three = {"lr": (1e-3, 2e-6), "energy": (0.05, 2.0), "force": (500.0, 50.0), "virial": (0.03, 0.2)}
    home = place / "member-1"
    fitted = partial(_fitted, test=test, recipe=recipe, progress=progress)
    stage = fitted(home / "one", train, recipe.stage_steps[0], overrides=one)
    for sampling in recipe.added:
        train += _sampled(sampling, stage, None, **shared)
    judged = _sampled(recipe.judged, stage, None, **shared)
    fitted = partial(fitted, weights=recipe.weights)
    stage = fitted(
        home / "two", train, recipe.stage_steps[1], overrides=two, initial=home / "one" / "model.ckpt"
    )
    for sampling in recipe.close:
        train += _sampled(sampling, stage, None, **shared)
    onward = {"initial": home / "two" / "model.ckpt"}
    models = [fitted(home / "three", train, recipe.stage_steps[2], overrides=three, **onward)]
    short, long = recipe.member_steps
    if recipe.members > 1:
        models.append(fitted(place / "member-2", train, short, overrides=three | single, **onward))
    for member in range(2, recipe.members):
        seed = recipe.seed + member
        models.append(fitted(place / f"member-{member + 1}", train, long, overrides=single, seed=seed))
    train += _sampled(recipe.onward, models[0], None, **shared)
    models[0] = _refined(home / "refined.pb", models[0], train, recipe, progress)
    return _judged(place, models, len(train), judged)


def _refined(target: Path, model: Path, train: Sequence[Atoms], recipe: Recipe, progress: bool) -> Path:
    """Add the angular term, unless that is done."""
    if not target.exists():
        refine(
            model,
            train,
            target,
            settings=RefineSettings(steps=recipe.refine_steps, seed=recipe.seed),
            sizes=recipe.sizes,
            weights=recipe.refine_weights,
            progress=progress,
        )
    return target


def _judged(
    place: Path, models: Sequence[Path], training_frames: int, frames: Sequence[Atoms]
) -> Reproduction:
    """Give the models their names, and compare the first with frames of runs of their own."""
    from ionpath_ase.calculator import IonPath

    named = []
    for number, model in enumerate(models, 1):
        target = place / ("argyrodite.pb" if number == 1 else f"argyrodite.{number}.pb")
        named.append(halve(model, target))
    errors = tuple(evaluate(frames, IonPath(named[0])))
    return Reproduction(tuple(named), training_frames, errors, write_table(errors, place / "errors.csv"))


def weights_of_these(frames: Sequence[Atoms], weights: dict[str, float]) -> dict[str, float]:
    """Leave out patterns that fit none of the frames yet."""
    tags = {str(atoms.info["tag"]) for atoms in frames}
    return {p: factor for p, factor in weights.items() if any(fnmatch(tag, p) for tag in tags)}


def _fitted(
    folder: Path,
    train: Sequence[Atoms],
    steps: int,
    *,
    test: Sequence[Atoms],
    recipe: Recipe,
    seed: int | None = None,
    overrides: dict[str, Any] | None = None,
    weights: dict[str, float] | None = None,
    initial: Path | None = None,
    progress: bool = True,
) -> Path:
    """Train, unless that is done."""
    model = folder / "model.pb"
    if not model.exists():
        fit(
            train,
            folder,
            steps=steps,
            seed=recipe.seed if seed is None else seed,
            test=test,
            initial=initial,
            weights=weights_of_these(train, weights or {}),
            overrides={**recipe.overrides, **(overrides or {})},
            progress=progress,
        )
    return model


def _sampled(
    sampling: Sampling,
    model: Path | None,
    calculator: Any,
    *,
    place: Path,
    recipe: Recipe,
    labels: Any,
    progress: bool,
) -> list[Atoms]:
    """Labelled frames of a set, made where they are not there yet."""
    path = place / f"{sampling.name}.extxyz"
    done = path.with_suffix(".done")
    if not done.exists():
        frames = list(_runs(sampling, model, calculator, place / sampling.name, recipe, progress))
        report = label_frames(frames, labels, path, max_force=sampling.max_force, progress=progress)
        if report.labelled + report.kept == 0:
            raise InputError(
                f"frames of {sampling.name}", need="labels that can be used", got=report.refused[0][1]
            )
        with atomic_path(done) as part:
            part.write_text(
                "\n".join(f"frame {index} refused: {why}" for index, why in report.refused) + "\n"
            )
    return read_frames(path)


def _runs(
    sampling: Sampling, model: Path | None, calculator: Any, folder: Path, recipe: Recipe, progress: bool
) -> Iterator[Atoms]:
    """Frames of molecular dynamics, the starts left out."""
    from ase.io import read

    from ionpath_ase.md import UnstableRun, run_md

    for name, seed in sampling.starts:
        base = starting_structure(name, shortest=sampling.shortest, seed=seed)
        for number, strain in enumerate(sampling.strains):
            (start,) = variants(base, strains=(strain,), shear=0.0, rattle=0.02, seed=recipe.seed + seed)
            for k, temperature in enumerate(sampling.temperatures):
                run = f"{name}-{seed}-{number}-{temperature:g}K"
                atoms = gathered(start, sampling.gathered, seed=seed + k) if sampling.gathered else start
                atoms.calc = calculator
                trajectory = folder / f"{run}.extxyz"
                with suppress(*([UnstableRun] if sampling.pushed or sampling.gathered else [])):
                    run_md(
                        atoms,
                        temperature=temperature,
                        final_temperature=sampling.final_temperature,
                        picoseconds=sampling.frames * sampling.stride * 2e-3,
                        interval=sampling.stride * 2e-3,
                        thermostat="langevin",
                        engine="ase" if model is None else recipe.engine,
                        model="argyrodite" if model is None else model,
                        trajectory=trajectory,
                        seed=recipe.seed + 17 * seed,
                        progress=progress,
                    )
                # a run that stopped before its first frame leaves its start
                for index, frame in enumerate(read(trajectory, "1:") or read(trajectory, ":")):
                    frame.info = {"tag": f"{sampling.name}:{name}-{seed}/{temperature:g}K"}
                    frame.wrap()
                    yield frame
                    if sampling.pushed:
                        yield pushed_together(frame, seed=index, **_PAIRS[sampling.pushed])
