"""The biasing and printing part of a plumed.dat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ionpath.errors import InputError, one_of, positive
from ionpath_plumed.presets import Protocol

METHODS = ("metad", "opes", "opes-explore", "opes-multithermal")


@dataclass(frozen=True)
class Bias:
    """How a run is biased."""

    settings: Protocol  # widths, heights and paces
    temperature: float  # temperature in K
    timestep: float  # time step in fs
    method: str  # ``metad``, ``opes``, ``opes-explore`` or ``opes-multithermal``
    barrier: float  # highest barrier in kJ/mol for OPES
    walkers: int  # number of walkers that share hills
    # lowest and highest temperature in K of ``opes-multithermal``
    temperature_range: tuple[float, float]

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("temperature", "timestep", "barrier", "walkers"):
            remedy = "for example walkers=2" if name == "walkers" else "check its unit"
            positive(name, getattr(self, name), remedy=remedy)
        if self.settings.pace < self.timestep:
            got = f"{self.settings.pace:g} fs"
            remedy = f"for example pace={50 * self.timestep:g}"
            raise InputError("pace", need=f"the {self.timestep:g} fs of a time step, or more", got=got, remedy=remedy)
        one_of("method", self.method, METHODS)
        if self.walkers > 1 and self.method != "metad":
            raise InputError("walkers", need="1 with OPES", got=f"{self.walkers}", remedy="use method='metad'")
        low, high = self.temperature_range
        if self.method == "opes-multithermal" and not 50.0 <= low <= self.temperature <= high:
            need = f"50 K or more, around the {self.temperature:g} K of the thermostat"
            remedy = "the expanded ensemble is singular at 0 K"
            raise InputError("temperature_range", need=need, got=f"{low:g} to {high:g} K", remedy=remedy)

    @property
    def stride(self) -> int:
        """Steps between hills."""
        return max(round(self.settings.pace / self.timestep), 1)


def write_bias(
    body: Sequence[str],
    bias: Bias,
    variables: Sequence[str],
    printed: str,
    *,
    grid: Sequence[tuple[float | str, float | str]] | None,
) -> str:
    """Compose a plumed.dat."""
    s = bias.settings
    spacing = ",".join([f"{s.sigma / 5:g}"] * len(variables))
    head = [
        f"# {s.kind}: {s.sigma:g} wide hills of {s.height:g} kJ/mol every {bias.stride * bias.timestep:g} fs "
        f"({bias.stride} steps of {bias.timestep:g} fs), gamma = {s.bias_factor:g}",
        f"# settings: {s.source}",
        "UNITS LENGTH=A ENERGY=kj/mol TIME=ps",
        "LOAD FILE=PythonCVInterface.so",
        "",
        *body,
        "",
    ]
    joined = ",".join(variables)
    stored = ""
    if grid is not None:
        low, high = (
            ",".join(f"{end[k]:g}" if isinstance(end[k], float) else str(end[k]) for end in grid) for k in (0, 1)
        )
        stored = f" GRID_MIN={low} GRID_MAX={high} GRID_SPACING={spacing}"
    tail = _action(bias, joined, len(variables), stored)
    extra = ",metad.rbias" if "CALC_RCT" in tail[-1] else ""
    tail += [f"PRINT ARG={printed},metad.bias{extra} STRIDE={bias.stride} FILE=COLVAR", f"FLUSH STRIDE={bias.stride}"]
    return "\n".join([*head, *tail]) + "\n"


def _action(bias: Bias, joined: str, n: int, stored: str) -> list[str]:
    s = bias.settings
    sigma = ",".join([f"{s.sigma:g}"] * n)
    if bias.method == "metad":
        more = stored + (" CALC_RCT RCT_USTRIDE=10" if stored and bias.walkers == 1 else "")
        if bias.walkers > 1:
            more += f" WALKERS_N={bias.walkers} WALKERS_ID=0 WALKERS_DIR=. WALKERS_RSTRIDE={10 * bias.stride}"
        return [
            "# well-tempered metadynamics",
            f"metad: METAD ARG={joined} SIGMA={sigma} HEIGHT={s.height:g} PACE={bias.stride} "
            f"BIASFACTOR={s.bias_factor:g} TEMP={bias.temperature:g} FILE=HILLS{more}",
        ]
    if bias.method == "opes-multithermal":
        low, high = bias.temperature_range
        return [
            f"# all temperatures from {low:g} to {high:g} K at once: the bias acts on the potential energy",
            "energy: ENERGY",
            f"ecv: ECV_MULTITHERMAL ARG=energy TEMP={bias.temperature:g} TEMP_MIN={low:g} TEMP_MAX={high:g}",
            f"metad: OPES_EXPANDED ARG=ecv.* PACE={bias.stride} FILE=DELTAFS",
        ]
    action = "OPES_METAD" if bias.method == "opes" else "OPES_METAD_EXPLORE"
    return [
        "# on-the-fly probability enhanced sampling; BARRIER in kJ/mol",
        f"metad: {action} ARG={joined} SIGMA={sigma} PACE={bias.stride} BARRIER={bias.barrier:g} "
        f"TEMP={bias.temperature:g} FILE=KERNELS STATE_WFILE=STATE STATE_WSTRIDE={100 * bias.stride}",
    ]
