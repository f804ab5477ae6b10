"""Kinetics of ions between the sites of coordination shells: Markov state models, fluxes and path entropy.

Every name is imported when it is first used, so that ``import ionpath.kinetics`` does not pull in deeptime.
"""

from importlib import import_module
from typing import Any

_EXPORTS: dict[str, str] = {
    # Counts and models
    "count_matrix": "counting",
    "count_matrices": "counting",
    "estimate_msm": "estimation",
    "estimate_msms": "estimation",
    "bayesian_msm": "estimation",
    "Chain": "chain",
    "as_chain": "chain",
    # Functions of a transition matrix
    "mfpt_matrix": "passage",
    "mfpt": "passage",
    "mfpt_per_ion": "passage",
    "committor": "fluxes",
    "gross_flux": "fluxes",
    "net_flux": "fluxes",
    "total_flux": "fluxes",
    "rate": "fluxes",
    "Pathways": "decomposition",
    "pathways": "decomposition",
    # Path entropy
    "path_entropy": "entropy",
    "path_entropy_matrix": "entropy",
    "PathEntropySummary": "summary",
    "summarise": "summary",
    "path_entropy_summary": "summary",
    "macrostate_path_entropy": "macrostates",
    "MacrostatePathEntropy": "macrostates",
    "OCTAHEDRON": "macrostates",
    "released_path_entropy": "released",
    # Validation and uncertainty
    "ImpliedTimescales": "timescales",
    "implied_timescales": "timescales",
    "ChapmanKolmogorov": "validation",
    "chapman_kolmogorov": "validation",
    "MarkovVerdict": "verdict",
    "markovian_verdict": "verdict",
    "PathEntropyUncertainty": "uncertainty",
    "entropy_uncertainty": "uncertainty",
    "resampled_chains": "resampling",
    "ResampledChains": "resampling",
    # States in coordination shells (discretisation)
    # -- the modules shells.py, sites.py, assign.py and density.py add their names below this line --
    "CoordinationShells": "shells",
    "SiteAssignment": "assign",
    "assign_sites": "assign",
    "core_sets": "trajectories",
    "ShellTrajectories": "trajectories",
    "shell_trajectories": "trajectories",
    "iter_shell_trajectories": "trajectories",
    "ShellRuns": "runs",
    "RunRecorder": "recording",
    "SiteFollower": "follow",
    "Tetrahedra": "polyhedra",
    "assign_tetrahedra": "polyhedra",
    "match_atoms": "reference",
    "SiteOccupancies": "occupancy",
    "site_occupancies": "occupancy",
    # -- and above this one --
}
"""Public name -> module of this package that defines it."""

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        return getattr(import_module(f"ionpath.kinetics.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module 'ionpath.kinetics' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
