"""Kinetics of ions between the sites of coordination shells: Markov state models, fluxes and path entropy."""

from ionpath.markov.chain import Chain, as_chain
from ionpath.markov.chapman import ChapmanKolmogorov, chapman_kolmogorov
from ionpath.markov.counting import count_matrices, count_matrix
from ionpath.markov.estimation import bayesian_msm, estimate_msm, estimate_msms
from ionpath.markov.resampling import ResampledChains, Spread, resampled_chains
from ionpath.markov.symmetry import SymmetryTest, average_counts
from ionpath.markov.timescales import ImpliedTimescales, implied_timescales
from ionpath.markov.verdict import MarkovVerdict, markovian_verdict
from ionpath.paths.entropy import path_entropy, path_entropy_matrix
from ionpath.paths.fluxes import committor, gross_flux, mfpt, net_flux, rate, total_flux
from ionpath.paths.macrostates import OCTAHEDRON, MacrostatePathEntropy, macrostate_path_entropy
from ionpath.paths.passage import mfpt_matrix, mfpt_per_ion
from ionpath.paths.pathways import Pathways, pathways
from ionpath.paths.released import released_path_entropy
from ionpath.paths.summary import PathEntropySummary, path_entropy_summary, summarise
from ionpath.paths.uncertainty import PathEntropyUncertainty, entropy_uncertainty
from ionpath.sites.assign import SiteAssignment, assign_sites
from ionpath.sites.crystal import ReferenceAtoms
from ionpath.sites.follow import SiteFollower
from ionpath.sites.network import SiteNetwork
from ionpath.sites.occupancy import SiteOccupancies, site_occupancies
from ionpath.sites.polyhedra import Tetrahedra, assign_tetrahedra
from ionpath.sites.recording import RunRecorder
from ionpath.sites.reference import match_atoms
from ionpath.sites.runs import ShellRuns
from ionpath.sites.shells import CoordinationShells
from ionpath.sites.symmetry import shell_symmetry
from ionpath.sites.trajectories import ShellTrajectories, core_sets, iter_shell_trajectories, shell_trajectories

__all__ = [
    "OCTAHEDRON",
    "Chain",
    "ChapmanKolmogorov",
    "CoordinationShells",
    "ImpliedTimescales",
    "MacrostatePathEntropy",
    "MarkovVerdict",
    "PathEntropySummary",
    "PathEntropyUncertainty",
    "Pathways",
    "ReferenceAtoms",
    "ResampledChains",
    "RunRecorder",
    "ShellRuns",
    "ShellTrajectories",
    "SiteAssignment",
    "SiteFollower",
    "SiteNetwork",
    "SiteOccupancies",
    "Spread",
    "SymmetryTest",
    "Tetrahedra",
    "as_chain",
    "assign_sites",
    "assign_tetrahedra",
    "average_counts",
    "bayesian_msm",
    "chapman_kolmogorov",
    "committor",
    "core_sets",
    "count_matrices",
    "count_matrix",
    "entropy_uncertainty",
    "estimate_msm",
    "estimate_msms",
    "gross_flux",
    "implied_timescales",
    "iter_shell_trajectories",
    "macrostate_path_entropy",
    "markovian_verdict",
    "match_atoms",
    "mfpt",
    "mfpt_matrix",
    "mfpt_per_ion",
    "net_flux",
    "path_entropy",
    "path_entropy_matrix",
    "path_entropy_summary",
    "pathways",
    "rate",
    "released_path_entropy",
    "resampled_chains",
    "shell_symmetry",
    "shell_trajectories",
    "site_occupancies",
    "summarise",
    "total_flux",
]
