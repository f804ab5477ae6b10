"""From labelled frames to a Deep Potential: data sets, labels, splits, training runs, evaluation."""

from ionpath_ase.training.concurrent import LoopResult, learn
from ionpath_ase.training.dataset import TYPE_MAP, read_frames, split_by_tag, write_deepmd
from ionpath_ase.training.dpgen import DpgenSettings, write_dpgen
from ionpath_ase.training.evaluate import Errors, evaluate, format_table, write_table
from ionpath_ase.training.fit import TrainedModel, compress, fit, learning_curve
from ionpath_ase.training.labelling import LabelReport, label_frames, teacher, teacher_named
from ionpath_ase.training.loop_settings import LoopSettings
from ionpath_ase.training.opes import multithermal_lines
from ionpath_ase.training.packing import packed_ions
from ionpath_ase.training.presets import PRESETS, dp_input
from ionpath_ase.training.repulsion import screened_repulsion, write_repulsion
from ionpath_ase.training.selection import DeviationError, Window
from ionpath_ase.training.simplify import simplify_graph
from ionpath_ase.training.structures import (
    starting_structure,
    starting_structures,
    structure_names,
    variants,
    with_close_pair,
    with_former_cluster,
)

__all__ = [
    "PRESETS",
    "TYPE_MAP",
    "DeviationError",
    "DpgenSettings",
    "Errors",
    "LabelReport",
    "LoopResult",
    "LoopSettings",
    "TrainedModel",
    "Window",
    "compress",
    "dp_input",
    "evaluate",
    "fit",
    "format_table",
    "label_frames",
    "learn",
    "learning_curve",
    "multithermal_lines",
    "packed_ions",
    "read_frames",
    "screened_repulsion",
    "simplify_graph",
    "split_by_tag",
    "starting_structure",
    "starting_structures",
    "structure_names",
    "teacher",
    "teacher_named",
    "variants",
    "with_close_pair",
    "with_former_cluster",
    "write_deepmd",
    "write_dpgen",
    "write_repulsion",
    "write_table",
]
