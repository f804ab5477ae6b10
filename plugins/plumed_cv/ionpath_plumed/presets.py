"""Settings of the metadynamics protocols, published and recommended, in consistent units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ionpath.citations import references
from ionpath.errors import InputError, one_of, positive


@references("guan2024")
@dataclass(frozen=True)
class Protocol:
    """Settings of one kind of metadynamics run."""

    kind: str  # ``inter-cage``, ``intra-cage``, ``concerted``, ``tilt`` or ``position``
    sigma: float  # width of a hill: A for distances and positions, rad for angles, nodes for the progress along a path
    height: float  # first height of a hill in kJ/mol
    pace: float  # time between hills in fs
    bias_factor: float  # gamma of well-tempered metadynamics
    walls: tuple[float, float] | None = None  # lower and upper wall in A on the distances
    source: str = "arXiv:2412.07115"  # where the numbers come from
    unit: str = ""  # tetrahedron that ``tilt`` is for


BETWEEN = (1.5, 8.5)
WITHIN = (1.5, 3.0)

PRESETS: dict[str, Protocol] = {
    "inter-cage": Protocol("inter-cage", 0.20, 5.0, 50.0, 20.0, BETWEEN, "Li6PS5Cl of arXiv:2412.07115"),
    "inter-cage-disordered": Protocol(
        "inter-cage", 0.20, 5.0, 100.0, 20.0, BETWEEN, "Li5.5PS4.5Cl1.5 of arXiv:2412.07115"
    ),
    "intra-cage": Protocol("intra-cage", 0.20, 2.0, 100.0, 10.0, WITHIN),
    "concerted": Protocol("concerted", 0.20, 2.0, 100.0, 10.0, BETWEEN),
    "tilt": Protocol("tilt", 0.25, 2.0, 100.0, 10.0, None, "PS4 of Li6PS5Cl, arXiv:2412.07115", "PS4"),
    "tilt-disordered": Protocol(
        "tilt", 0.25, 2.0, 100.0, 20.0, None, "PS4 of Li5.5PS4.5Cl1.5, arXiv:2412.07115", "PS4"
    ),
    "tilt-amm2": Protocol("tilt", 0.25, 5.0, 50.0, 20.0, None, "PS4 of the Amm2 phase, arXiv:2412.07115", "PS4"),
    "tilt-SiS4": Protocol("tilt", 0.25, 2.0, 50.0, 100.0, None, "SiS4 of Li-Si-P-S-Cl, arXiv:2412.07115", "SiS4"),
    "tilt-SiS3Cl": Protocol("tilt", 0.25, 2.0, 100.0, 20.0, None, "SiS3Cl of Li-Si-P-S-Cl, arXiv:2412.07115", "SiS3Cl"),
    "position": Protocol("position", 0.20, 5.0, 100.0, 50.0),
}
"""Name -> published settings. The width of the angle of ``intra-cage`` is 0.20 rad (printed as A in the source)."""


Hills = Literal["recommended", "published"]
RECOMMENDED: dict[str, dict[str, float]] = {
    "inter-cage": {"sigma": 0.1, "height": 2.0, "pace": 50.0, "bias_factor": 10.0},
    "intra-cage": {"sigma": 0.1, "height": 2.0, "pace": 100.0, "bias_factor": 10.0},
    "concerted": {"sigma": 0.1, "height": 2.0, "pace": 50.0, "bias_factor": 15.0},
    "tilt": {"height": 2.0, "pace": 50.0, "bias_factor": 100.0},
    "position": {"height": 2.0},
}
"""Kind -> hills in place of published ones; docs/plumed.md says why. In three dimensions narrow ones last too long, and
a bond is turned over by none that a bias factor of 10 makes small."""


def protocol(name: str, hills: Hills = "recommended", **changes: float | tuple[float, float] | None) -> Protocol:
    """Settings by name, with changes.

    >>> protocol("inter-cage", pace=100.0).pace
    100.0
    """
    one_of("protocol", name, PRESETS)
    one_of("hills", hills, ("recommended", "published"))
    base = PRESETS[name]
    if hills == "recommended" and base.kind in RECOMMENDED:
        base = replace(base, source=f"ionpath, in place of those of {base.source}", **RECOMMENDED[base.kind])  # type: ignore[arg-type]
    given = {key: value for key, value in changes.items() if value is not None}
    settings = replace(base, **given)  # type: ignore[arg-type]
    for field in ("sigma", "height", "pace"):
        positive(field, getattr(settings, field), remedy="leave it out")
    if not settings.bias_factor > 1:
        remedy = "published values are 10 to 100"
        raise InputError("bias_factor", need="a number above 1", got=f"{settings.bias_factor}", remedy=remedy)
    return settings
