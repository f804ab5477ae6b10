"""From labelled frames to a Deep Potential: data sets, labels, splits, training runs, evaluation."""

from typing import TYPE_CHECKING

from ionpath.lazy import face

if TYPE_CHECKING:
    from ionpath_ase.training.concurrent import LoopResult as LoopResult, learn as learn
    from ionpath_ase.training.dataset import (
        TYPE_MAP as TYPE_MAP,
        read_frames as read_frames,
        split_by_tag as split_by_tag,
        write_deepmd as write_deepmd,
    )
    from ionpath_ase.training.dpgen import DpgenSettings as DpgenSettings, write_dpgen as write_dpgen
    from ionpath_ase.training.evaluation import (
        Errors as Errors,
        evaluate as evaluate,
        format_table as format_table,
        write_table as write_table,
    )
    from ionpath_ase.training.fitting import (
        TrainedModel as TrainedModel,
        compress as compress,
        fit as fit,
        learning_curve as learning_curve,
    )
    from ionpath_ase.training.labelling import (
        LabelReport as LabelReport,
        label_frames as label_frames,
        teacher as teacher,
        teacher_named as teacher_named,
    )
    from ionpath_ase.training.opes import multithermal_lines as multithermal_lines
    from ionpath_ase.training.packing import packed_ions as packed_ions
    from ionpath_ase.training.presets import PRESETS as PRESETS, dp_input as dp_input
    from ionpath_ase.training.repulsion import (
        screened_repulsion as screened_repulsion,
        write_repulsion as write_repulsion,
    )
    from ionpath_ase.training.selection import (
        DeviationError as DeviationError,
        LoopSettings as LoopSettings,
        Window as Window,
    )
    from ionpath_ase.training.simplify import simplify_graph as simplify_graph
    from ionpath_ase.training.structures import (
        starting_structure as starting_structure,
        starting_structures as starting_structures,
        structure_names as structure_names,
        variants as variants,
        with_close_pair as with_close_pair,
        with_former_cluster as with_former_cluster,
    )
else:
    __all__, __getattr__, __dir__ = face(
        __name__,
        concurrent=["LoopResult", "learn"],
        dataset=["TYPE_MAP", "read_frames", "split_by_tag", "write_deepmd"],
        dpgen=["DpgenSettings", "write_dpgen"],
        evaluation=["Errors", "evaluate", "format_table", "write_table"],
        fitting=["TrainedModel", "compress", "fit", "learning_curve"],
        labelling=["LabelReport", "label_frames", "teacher", "teacher_named"],
        selection=["DeviationError", "LoopSettings", "Window"],
        opes=["multithermal_lines"],
        packing=["packed_ions"],
        presets=["PRESETS", "dp_input"],
        repulsion=["screened_repulsion", "write_repulsion"],
        simplify=["simplify_graph"],
        structures=[
            "starting_structure",
            "starting_structures",
            "structure_names",
            "variants",
            "with_close_pair",
            "with_former_cluster",
        ],
    )
