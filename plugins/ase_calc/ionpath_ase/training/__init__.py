"""From labelled frames to a Deep Potential: data sets, labels, splits, training runs, evaluation."""

from ionpath_ase.training.dataset import TYPE_MAP, read_frames, split_by_tag, write_deepmd
from ionpath_ase.training.evaluate import Errors, evaluate, format_table, write_table
from ionpath_ase.training.fit import TrainedModel, compress, fit, learning_curve
from ionpath_ase.training.labelling import LabelReport, label_frames, teacher
from ionpath_ase.training.presets import PRESETS, dp_input
from ionpath_ase.training.structures import starting_structure, starting_structures, structure_names, variants

__all__ = [
    "PRESETS",
    "TYPE_MAP",
    "Errors",
    "LabelReport",
    "TrainedModel",
    "compress",
    "dp_input",
    "evaluate",
    "fit",
    "format_table",
    "label_frames",
    "learning_curve",
    "read_frames",
    "split_by_tag",
    "starting_structure",
    "starting_structures",
    "structure_names",
    "teacher",
    "variants",
    "write_deepmd",
    "write_table",
]
