"""Path entropy of mobile ions: states in coordination shells, Markov state models of them, and what follows.

Also importable as ``MDAnalysis.analysis.path_entropy``.
"""

from ionpath_mdanalysis.networks import SiteNetwork
from ionpath_mdanalysis.path_entropy.entropy import PathEntropy
from ionpath_mdanalysis.path_entropy.markov import MarkovStates
from ionpath_mdanalysis.path_entropy.series import plot_mfpt_series
from ionpath_mdanalysis.path_entropy.states import ShellStates
from ionpath_mdanalysis.shells import CoordinationShells

__all__ = ["CoordinationShells", "MarkovStates", "PathEntropy", "ShellStates", "SiteNetwork", "plot_mfpt_series"]
