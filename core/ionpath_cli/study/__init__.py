"""Studies: published results computed again, from structures to a comparison row by row."""

from ionpath_cli.study.definition import Row, Runs, Study, System, load_study, study_names
from ionpath_cli.study.plan import Plan, make_plan

__all__ = ["Plan", "Row", "Runs", "Study", "System", "load_study", "make_plan", "study_names"]
