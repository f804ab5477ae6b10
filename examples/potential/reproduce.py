"""From nothing but packages to the shipped potential: structures, labels, three trainings, a judgement.

    python examples/potential/reproduce.py -o argyrodite                        # SevenNet; hours to days
    python examples/potential/reproduce.py -o try --quick --teacher argyrodite  # minutes; shows that every part works

A stopped call goes on. Steps: ramps with the sampler, labelled; a first model, and runs at constant temperature with
it, labelled; stage one on nine tenths of both; runs with that model on strained cells, large cells and melts, labelled;
stage two from the weights of stage one, on all but the tenth; melts with that model, of crystals and of atoms packed at
random, and pairs of anions, or of P and Si, pushed together, labelled; stage three, in which the model has its second,
outer descriptor (`second_descriptor.py`). The other members have one descriptor: the second goes on from stage two, and
the others have weights of their own. Runs with the first, labelled; then it gets its angular term (`refine.py`), which
is trained on all of it. Weights are stored in half precision (`half_precision.py`). Structures, random numbers and the
order of frames are not those of the shipped files, so that the numbers agree, not the bytes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from half_precision import store_in_half_precision
from recipe import FULL, QUICK, Recipe, Sampling, read_recipe
from refine import RefineSettings, refine
from second_descriptor import extended_checkpoint

from ionpath.errors import InputError, IonpathError
from ionpath.files import atomic_path
from ionpath_ase.training import (
    Errors,
    evaluate,
    fit,
    format_table,
    label_frames,
    read_frames,
    split_by_tag,
    starting_structure,
    teacher,
    teacher_named,
    variants,
    with_close_pair,
    with_former_cluster,
    write_table,
)

if TYPE_CHECKING:
    from ase import Atoms

_PAIRS: dict[str, dict[str, Any]] = {
    "anions": {},
    "formers": {"elements": ("P", "Si"), "distances": (1.5, 3.2), "within": 7.0},
}
"""Which pairs are pushed together, and how far (`with_close_pair`)."""


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
    folder: str | os.PathLike[str], recipe: Recipe, *, labels: Any = None, sampler: Any = None, progress: bool = True
) -> Reproduction:
    """Make the shipped potential again in a folder; a stopped call goes on.

    `labels` is the teacher, SevenNet-l3i5 with D3(BJ) by default; `sampler` makes the first runs, SevenNet-0 by
    default, or `labels` where that is given.
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
    stage = fitted(home / "two", train, recipe.stage_steps[1], overrides=two, initial=home / "one" / "model.ckpt")
    for sampling in recipe.close:
        train += _sampled(sampling, stage, None, **shared)
    onward = home / "two" / "model.ckpt"
    models = [fitted(home / "three", train, recipe.stage_steps[2], overrides=three, initial=onward, extended=True)]
    short, long = recipe.member_steps
    if recipe.members > 1:
        models.append(fitted(place / "member-2", train, short, overrides=three | single, initial=onward))
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


def _judged(place: Path, models: Sequence[Path], training_frames: int, frames: Sequence[Atoms]) -> Reproduction:
    """Name the models, and compare the first with frames of runs of their own."""
    from ionpath_ase.calculator import IonPath

    named = []
    for number, model in enumerate(models, 1):
        target = place / ("argyrodite.pb" if number == 1 else f"argyrodite.{number}.pb")
        named.append(store_in_half_precision(model, target))
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
    extended: bool = False,
    progress: bool = True,
) -> Path:
    """Train, unless that is done; with `extended`, the model of `initial` gets its second descriptor first."""
    model = folder / "model.pb"
    if not model.exists():
        shared: dict[str, Any] = {
            "seed": recipe.seed if seed is None else seed,
            "overrides": {**recipe.overrides, **(overrides or {})},
        }
        if extended and initial is not None:
            initial = extended_checkpoint(initial, train, folder, **shared)
        fit(
            train,
            folder,
            steps=steps,
            test=test,
            initial=initial,
            weights=weights_of_these(train, weights or {}),
            progress=progress,
            **shared,
        )
    return model


def _sampled(
    sampling: Sampling, model: Path | None, calculator: Any, *, place: Path, recipe: Recipe, labels: Any, progress: bool
) -> list[Atoms]:
    """Labelled frames of a set, made where they are not there yet."""
    path = place / f"{sampling.name}.extxyz"
    done = path.with_suffix(".done")
    if not done.exists():
        frames = list(_runs(sampling, model, calculator, place / sampling.name, recipe, progress))
        report = label_frames(frames, labels, path, max_force=sampling.max_force, progress=progress)
        if report.labelled + report.kept == 0:
            raise InputError(f"frames of {sampling.name}", need="labels that can be used", got=report.refused[0][1])
        with atomic_path(done) as part:
            part.write_text("\n".join(f"frame {index} refused: {why}" for index, why in report.refused) + "\n")
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
                atoms = start
                if sampling.cluster:
                    atoms = with_former_cluster(start, sampling.cluster, seed=seed + k)
                atoms.calc = calculator
                trajectory = folder / f"{run}.extxyz"
                with suppress(*([UnstableRun] if sampling.close_pair or sampling.cluster else [])):
                    run_md(
                        atoms,
                        temperature=temperature,
                        final_temperature=sampling.final_temperature,
                        picoseconds=sampling.frames * sampling.stride * 2e-3,
                        interval=sampling.stride * 2e-3,
                        thermostat="langevin",
                        engine="ase" if model is None else recipe.engine,
                        trajectory=trajectory,
                        seed=recipe.seed + 17 * seed,
                        progress=progress,
                        **({} if model is None else {"model": model}),
                    )
                # a run that stopped before its first frame leaves its start
                for index, frame in enumerate(read(trajectory, "1:") or read(trajectory, ":")):
                    frame.info = {"tag": f"{sampling.name}:{name}-{seed}/{temperature:g}K"}
                    frame.wrap()
                    yield frame
                    if sampling.close_pair:
                        yield with_close_pair(frame, seed=index, **_PAIRS[sampling.close_pair])


def main(argv: list[str] | None = None) -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder")
    parser.add_argument("--recipe", type=Path, default=FULL, help="TOML file; recipe.toml by default")
    parser.add_argument("--quick", action="store_true", help="tiny net and runs (quick.toml)")
    parser.add_argument("--members", type=int, help="number of models; default 1")
    parser.add_argument("--teacher", default="7net-l3i5", help="as for `ionpath train label`")
    options = parser.parse_args(argv)
    recipe = read_recipe(QUICK if options.quick else options.recipe)
    if options.members:
        recipe = replace(recipe, members=options.members)
    sampler = teacher("7net-0", dispersion=False) if options.teacher.startswith("7net-") else None
    made = reproduce(options.output, recipe, labels=teacher_named(options.teacher), sampler=sampler)
    print(format_table(made.errors))
    print(f"trained on {made.training_frames} frames: {', '.join(str(path) for path in made.models)}")


if __name__ == "__main__":
    try:
        main()
    except IonpathError as error:
        raise SystemExit(str(error)) from None
