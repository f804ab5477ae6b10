"""Softness: how ready the surroundings of an ion are to let it move."""

from ionpath.softness.angular import ANGULAR, angular_structure_functions
from ionpath.softness.correlation import Correlation, neighbour_fraction, softness_correlation
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.grid import GridSearch, grid_search
from ionpath.softness.labels import Labels, label_ions
from ionpath.softness.model import SoftnessModel
from ionpath.softness.neighbours import Neighbours, find_neighbours
from ionpath.softness.nonaffine import AffineFit, affine_fit, cumulative_displacement, nonaffine_displacement
from ionpath.softness.presets import Preset, preset
from ionpath.softness.radial import radial_structure_functions
from ionpath.softness.rearrangement import (
    ArrheniusSplit,
    RearrangementProbability,
    arrhenius_split,
    rearrangement_probability,
)
from ionpath.softness.scores import Scores, score
from ionpath.softness.splits import Fold, split_samples
from ionpath.softness.training import (
    CrossValidation,
    Weights,
    cross_validate,
    feature_weights,
    fit_softness,
    make_classifier,
)

__all__ = [
    "ANGULAR",
    "AffineFit",
    "ArrheniusSplit",
    "Correlation",
    "CrossValidation",
    "Fold",
    "GridSearch",
    "Labels",
    "Neighbours",
    "Preset",
    "RearrangementProbability",
    "Scores",
    "SoftnessModel",
    "StructureFunctions",
    "Weights",
    "affine_fit",
    "angular_structure_functions",
    "arrhenius_split",
    "cross_validate",
    "cumulative_displacement",
    "feature_weights",
    "find_neighbours",
    "fit_softness",
    "grid_search",
    "label_ions",
    "make_classifier",
    "neighbour_fraction",
    "nonaffine_displacement",
    "preset",
    "radial_structure_functions",
    "rearrangement_probability",
    "score",
    "softness_correlation",
    "split_samples",
]
