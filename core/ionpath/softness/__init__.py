"""Softness: how ready the surroundings of an ion are to let it move.

Every name is imported when it is first used, so that ``import ionpath.softness`` does not pull in scikit-learn.
"""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Motion
    "nonaffine_displacement": "nonaffine",
    "affine_fit": "nonaffine",
    "AffineFit": "nonaffine",
    "cumulative_displacement": "nonaffine",
    "label_ions": "labels",
    "Labels": "labels",
    # Structure
    "Neighbours": "neighbours",
    "find_neighbours": "neighbours",
    "radial_structure_functions": "radial",
    "angular_structure_functions": "angular",
    "ANGULAR": "angular",
    "StructureFunctions": "functions",
    "Preset": "presets",
    "preset": "presets",
    # Learning
    "Fold": "splits",
    "split_samples": "splits",
    "make_classifier": "training",
    "fit_softness": "training",
    "SoftnessModel": "model",
    "cross_validate": "training",
    "CrossValidation": "training",
    "feature_weights": "training",
    "Weights": "training",
    "Scores": "scores",
    "score": "scores",
    "GridSearch": "grid",
    "grid_search": "grid",
    # What softness goes with
    "Correlation": "correlation",
    "softness_correlation": "correlation",
    "neighbour_fraction": "correlation",
    "RearrangementProbability": "rearrangement",
    "rearrangement_probability": "rearrangement",
    "ArrheniusSplit": "rearrangement",
    "arrhenius_split": "rearrangement",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath.softness.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath.softness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
