"""Exchange of halide and chalcogenide between the free anion sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import one_of, whole
from pymatgen.analysis.argyrodite.anions import ARRANGEMENTS, Arrangement, arrange, count_halides, place_anions
from pymatgen.analysis.argyrodite.composition import between, say_charge, whole_number
from pymatgen.analysis.argyrodite.energies import check_calculator
from pymatgen.analysis.argyrodite.inequivalent import lowest_arrangement
from pymatgen.analysis.argyrodite.transformations.base import ArgyroditeTransformation, Change

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from pymatgen.analysis.argyrodite.framework import Argyrodite


@typed
@references("jang2025")
class SiteInversionTransformation(ArgyroditeTransformation):
    """Exchange halide and free chalcogenide until a given fraction of the free-sulfur orbit holds halide.

    Parameters
    ----------
    fraction : float
        Inversion y: halide fraction of the orbit of the free sulfur (4c or 4d, whichever it is) afterwards.
    arrangement : {"random", "even", "lowest"}
        One of all arrangements at random; pair correlations as near as possible to those of full disorder; or the
        lowest in energy of all inequivalent arrangements, or of a uniform sample of them where there are too many.
    calculator : str, dict or object, optional
        Energy for "lowest": "ewald" (default), the name of an ASE calculator, a dict with "name" and its
        arguments, an ASE calculator, or a function of the structure that gives eV. Only the first three can be
        written as JSON.
    nearest : bool
        Take the nearest fraction that the cell can hold instead of refusing one that it cannot.
    max_candidates : int
        Most arrangements whose energy is taken for "lowest".
    seed : int
        Seed of the choice.

    Notes
    -----
    Halide moves between the free anion sites only; the composition and everything else stay. The structure says
    what was done in ``structure.properties["argyrodite"]``. The smallest and largest possible fractions at an
    excess halide x are max(0, x) and min(1, 1 + x) (Jang et al., J. Mater. Chem. A 13, 16547 (2025), Eq. 3).

    Examples
    --------
    >>> from pymatgen.analysis.argyrodite import SiteInversionTransformation, analyse, argyrodite
    >>> inverted = SiteInversionTransformation(0.375, seed=1).apply_transformation(argyrodite(supercell=(1, 1, 2)))
    >>> analyse(inverted).inversion
    0.375
    """

    def __init__(
        self,
        fraction: float,
        arrangement: Arrangement = "random",
        calculator: Any = None,
        nearest: bool = False,
        max_candidates: int = 100,
        seed: int = 0,
    ) -> None:
        one_of("arrangement", arrangement, ARRANGEMENTS)
        self.fraction = between("fraction", fraction, 0.0, 1.0)
        self.arrangement = arrangement
        self.calculator = check_calculator(calculator)
        self.nearest = nearest
        self.max_candidates = whole("max_candidates", max_candidates)
        self.seed = whole("seed", seed, 0)

    def _apply(self, structure: Structure, found: Argyrodite) -> tuple[Structure, Change]:
        n, halides = found.n_formula_units, count_halides(found)
        inverted = whole_number(
            "fraction", self.fraction, n, nearest=self.nearest, low=max(0, halides - n), high=min(n, halides)
        )
        say_charge(structure, found)
        numbers = halides - inverted, inverted
        if self.arrangement == "lowest":
            halide = lowest_arrangement(structure, found, *numbers, self.calculator, self.max_candidates, self.seed)
        else:
            halide = arrange(structure, found, *numbers, self.arrangement, self.seed)
        made = place_anions(structure, found, halide, seed=self.seed)
        report = {"x_excess": halides / n - 1, "inversion": inverted / n, "inversion_requested": self.fraction}
        made.properties = {**made.properties, "argyrodite": report}
        return made, {}
