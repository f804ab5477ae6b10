"""What the shipped potentials do not know: structures whose charges do not add up, and a phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ionpath.elements import CHARGES
from ionpath.errors import warn

KNOWN = frozenset({"Li", "P", "Si", "S", "Cl"})
"""Elements that the shipped potentials were trained on."""
_FOLDER = Path(__file__).resolve().parent
_TRAINED_ON_LPSCL_I = "argyrodite-lpscl-i"


def untrained_phases(model: Path) -> tuple[str, ...]:
    """Phases of the elements that a shipped potential knows and was not trained on; of other files nothing is known.

    >>> from ionpath_ase.potentials import resolve
    >>> untrained_phases(resolve("argyrodite")), untrained_phases(resolve("argyrodite-lpscl-i"))
    (('LPSCl-I',), ())
    """
    return ("LPSCl-I",) if model.parent == _FOLDER and model.stem != _TRAINED_ON_LPSCL_I else ()


def excess_charge(symbols: Sequence[str]) -> int:
    """Sum of formal charges, unless phosphorus explains it.

    >>> excess_charge(["Li"] * 6 + ["P"] + ["S"] * 5 + ["Cl"])
    0
    >>> excess_charge(["Li"] * 4 + ["P"] * 2 + ["S"] * 6)
    0
    >>> excess_charge(["Li"] * 5 + ["P"] + ["S"] * 5 + ["Cl"])
    -1
    """
    count = Counter(symbols)
    total = sum(CHARGES[element] * number for element, number in count.items())
    return 0 if 0 <= total <= count["P"] else total


def warn_if_charged(model: Path, symbols: Sequence[str], given: float = 0.0) -> None:
    """Warn where atoms carry a total charge `given`, or a shipped potential evaluates what is not neutral.

    >>> from ionpath_ase.potentials import resolve
    >>> warn_if_charged(resolve("argyrodite"), ["Li", "Cl"])
    """
    if not abs(given) < 1e-3:  # nan as well
        warn(
            f"initial charges: need a sum of 0, got {given:+.3g} e; a Deep Potential knows elements and places only, "
            "and returns the energy of these atoms whatever charge they carry"
        )
    if model.parent != _FOLDER or not set(symbols) <= KNOWN:
        return
    charge = excess_charge(symbols)
    if charge:
        formula = " ".join(f"{number} {element}" for element, number in Counter(symbols).items())
        warn(
            f"structure: need a neutral one (Li+, P5+, Si4+, S2-, Cl-), got {formula}, a charge of {charge:+d} e; "
            f"{model.stem} has seen no other; its energy may be off by 0.7 eV for each lithium too few or too many: "
            "do not compare it with that of another composition"
        )
