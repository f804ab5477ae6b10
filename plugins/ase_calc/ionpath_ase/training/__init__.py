"""From labelled frames to a Deep Potential: data sets, labels, splits, training runs, evaluation."""

from ionpath_ase.training.dataset import read_frames, split_by_tag, write_deepmd

__all__ = ["read_frames", "split_by_tag", "write_deepmd"]
