"""Two short trajectories to try things on, which the documentation uses as well."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ionpath.arguments import typed
from ionpath.documented import documented
from ionpath.errors import one_of

__all__ = ["EXAMPLES", "Example", "example"]

EXAMPLES = ("Li6PS5Cl-ordered", "Li5.5PS4.5Cl1.5-disordered")
"""52 and 50 atoms at 600 K, 15 ps of the potential ``argyrodite.2`` with a frame every 0.05 ps, at the edge that each
crystal has without pressure. They are for trying: such small cells and short runs give no value worth quoting."""


@documented
class Example(NamedTuple):
    """Files of a trajectory, in the order in which ``MDAnalysis.Universe(*example)`` takes them."""

    structure: str  # path of the extended XYZ file with elements and cell
    trajectory: str  # path of the XTC file


@typed
def example(name: str = EXAMPLES[0]) -> Example:
    """Find a trajectory that is shipped with ionpath.

    Parameters
    ----------
    name : str
        One of `EXAMPLES`.

    Returns
    -------
    Example
        Paths of the structure (extended XYZ) and of the trajectory (XTC, ps and unwrapped positions).

    Examples
    --------
    >>> Path(example("Li6PS5Cl-ordered").trajectory).name
    'Li6PS5Cl-ordered.xtc'
    """
    one_of("example", name, EXAMPLES)
    place = Path(__file__).parent
    return Example(str(place / f"{name}.extxyz"), str(place / f"{name}.xtc"))
