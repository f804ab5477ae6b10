"""``ionpath metad``: metadynamics of a lithium hop, from input to barrier."""

from __future__ import annotations

from ionpath.errors import require


def main(argv: list[str]) -> int:
    """Run ``ionpath metad``.

    Parameters
    ----------
    argv : list of str
        Arguments after ``ionpath metad``.

    Returns
    -------
    int
        Exit status.
    """
    plugin = require("ionpath_plumed.cli", purpose="metadynamics", install='pip install "ionpath[plumed]"')
    return int(plugin.metad(argv))
