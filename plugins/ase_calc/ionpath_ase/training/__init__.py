"""From labelled frames to a Deep Potential: data sets, labels, splits, training runs, evaluation."""

from ionpath_ase.training.angular import AngularSettings
from ionpath_ase.training.concurrent import LoopResult, learn
from ionpath_ase.training.dataset import TYPE_MAP, read_frames, split_by_tag, write_deepmd
from ionpath_ase.training.dpgen import DpgenSettings, write_dpgen
from ionpath_ase.training.evaluate import Errors, evaluate, format_table, write_table
from ionpath_ase.training.fit import TrainedModel, compress, fit, learning_curve
from ionpath_ase.training.grow import grow
from ionpath_ase.training.halves import halve
from ionpath_ase.training.labelling import LabelReport, label_frames, teacher, teacher_named
from ionpath_ase.training.lean import lean
from ionpath_ase.training.loop_settings import LoopSettings
from ionpath_ase.training.opes import multithermal_lines
from ionpath_ase.training.presets import PRESETS, dp_input
from ionpath_ase.training.refine import RefineSettings, refine
from ionpath_ase.training.reproduce import FULL, QUICK, Recipe, Reproduction, Sampling, reproduce
from ionpath_ase.training.selection import DeviationError, Window
from ionpath_ase.training.structures import (
    gathered,
    pushed_together,
    starting_structure,
    starting_structures,
    structure_names,
    variants,
)

__all__ = [
    "FULL",
    "PRESETS",
    "QUICK",
    "TYPE_MAP",
    "AngularSettings",
    "DeviationError",
    "DpgenSettings",
    "Errors",
    "LabelReport",
    "LoopResult",
    "LoopSettings",
    "Recipe",
    "RefineSettings",
    "Reproduction",
    "Sampling",
    "TrainedModel",
    "Window",
    "compress",
    "dp_input",
    "evaluate",
    "fit",
    "format_table",
    "gathered",
    "grow",
    "halve",
    "label_frames",
    "lean",
    "learn",
    "learning_curve",
    "multithermal_lines",
    "pushed_together",
    "read_frames",
    "refine",
    "reproduce",
    "split_by_tag",
    "starting_structure",
    "starting_structures",
    "structure_names",
    "teacher",
    "teacher_named",
    "variants",
    "write_deepmd",
    "write_dpgen",
    "write_table",
]
