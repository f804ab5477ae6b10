"""How a potential is made, as `recipe.toml` says it."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from angular import AngularSettings

from ionpath.errors import InputError

FULL = Path(__file__).with_name("recipe.toml")
"""The way of the shipped potential: some 4,000 labels, and hours to days on a processor."""
QUICK = Path(__file__).with_name("quick.toml")
"""The same way with a net and runs that are too small to serve: it shows that every part works."""


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
    close_pair : str
        Push a pair of each frame together (`with_close_pair`), of ``anions`` or of the ``formers`` P and Si, and
        end without complaint where atoms fall onto each other: for what a potential does not know yet.
    cluster : int
        Gather so many P or Si around one before each run (`with_former_cluster`); the run may end as one with
        `close_pair` may.
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
    close_pair: Literal["", "anions", "formers"] = ""
    cluster: int = 0
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
    onward : Sampling
        Runs with the first model, for its angular term.
    first_steps : int
        Training steps of the model that makes `constant`.
    stage_steps : tuple[int, int, int]
        Training steps of the three stages of the first model; in the third it has its outer descriptor.
    refine_steps : int
        Training steps of the angular term.
    member_steps : tuple[int, int]
        Training steps of the other models, which have one descriptor: of the second from the second stage of the first,
        and of those with weights of their own.
    weights, refine_weights : dict[str, float]
        How much more often frames are drawn from the second stage on, and for the angular term, by pattern of their
        tag. Patterns of sets that come later wait until these are there.
    sizes : AngularSettings
        Sizes of the term.
    overrides : dict[str, Any]
        Entries of the preset ``shipped`` to change.
    members : int
        Number of models that differ in their seed: ``argyrodite.pb``, ``argyrodite.2.pb`` and so on.
    engine : str
        Engine of the runs with a model.
    seed : int
        Seed of velocities and of the weights of the nets; each member has the next.
    """

    heated: Sampling
    constant: Sampling
    added: tuple[Sampling, ...]
    judged: Sampling
    close: tuple[Sampling, ...]
    onward: Sampling
    first_steps: int
    stage_steps: tuple[int, int, int]
    refine_steps: int
    member_steps: tuple[int, int]
    weights: dict[str, float]
    refine_weights: dict[str, float]
    sizes: AngularSettings = field(default_factory=AngularSettings)
    overrides: dict[str, Any] = field(default_factory=dict)
    members: int = 1
    engine: str = "lammps"
    seed: int = 1

    @property
    def samplings(self) -> tuple[Sampling, ...]:
        """All sets, in the order in which they are made."""
        return (self.heated, self.constant, *self.added, self.judged, *self.close, self.onward)


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe from a TOML file."""
    with Path(path).open("rb") as file:
        found = tomllib.load(file)
    for name in ("heated", "constant", "judged", "onward"):
        found[name] = _sampling(name, found[name])
    for name in ("added", "close"):
        found[name] = tuple(_sampling(key, entries) for key, entries in found[name].items())
    for name in ("stage_steps", "member_steps"):
        found[name] = tuple(found[name])
    found["sizes"] = AngularSettings(**found.get("sizes", {}))
    return Recipe(**_known(found, Recipe, "recipe"))


def _sampling(name: str, entries: dict[str, Any]) -> Sampling:
    entries = {key: tuple(value) if isinstance(value, list) else value for key, value in entries.items()}
    entries["starts"] = tuple(start for text in entries["starts"] for start in starts_of(text))
    return Sampling(name, **_known(entries, Sampling, name))


def _known(entries: dict[str, Any], kind: type, name: str) -> dict[str, Any]:
    """Entries that the class has; others are an error."""
    names = [entry.name for entry in fields(kind)]
    unknown = sorted(set(entries) - set(names))
    if unknown:
        raise InputError(f"[{name}]", need=f"only {', '.join(names)}", got=", ".join(unknown))
    return entries


def starts_of(text: str) -> list[tuple[str, int]]:
    """Structures and seeds of one word of a recipe.

    >>> starts_of("LSPSCl"), starts_of("LSPSCl#2"), starts_of("LSPSCl#2-4")
    ([('LSPSCl', 0)], [('LSPSCl', 2)], [('LSPSCl', 2), ('LSPSCl', 3), ('LSPSCl', 4)])
    """
    match = re.fullmatch(r"([^#]+)(?:#(\d+)(?:-(\d+))?)?", text)
    if match is None:
        raise InputError("starts", need="a name, name#seed or name#first-last", got=repr(text))
    first = int(match[2] or 0)
    return [(match[1], seed) for seed in range(first, int(match[3] or first) + 1)]
