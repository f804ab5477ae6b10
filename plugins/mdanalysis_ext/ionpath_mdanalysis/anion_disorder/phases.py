"""Dynamics of the ions of each phase of a glass-ceramic, with those that change phase counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of, warn
from ionpath.msonable import Msonable
from ionpath.structure.regions import NAMES, Regions
from ionpath_mdanalysis._frames import cell_vectors
from ionpath_mdanalysis._shell_sources import chosen_frames
from ionpath_mdanalysis.anion_disorder.layers import AmorphisationProfile

KEEP = ("initial", "stayed")


@documented
@dataclass(frozen=True)
class PhaseDynamics(Msonable):
    """An analysis of the ions of each phase."""

    # region -> the analysis of its ions, which was run; regions without ions are left out. What comes back from a
    # dictionary has its ``results`` alone.
    analyses: dict[str, Any]
    initial: dict[str, int]  # number of ions in each region in the first frame
    left: dict[str, int]  # those of them that were elsewhere in more than a tenth of the frames
    # (n_frames, 3): part of the ions in crystal, interface and glass in the frames that were looked at
    shares: Floats = field(repr=False)
    keep: str = "initial"  # "initial" or "stayed"

    def as_dict(self) -> dict[str, Any]:
        """All fields in JSON's own types; of each analysis its results."""
        results = {name: one.results for name, one in self.analyses.items()}
        return super(PhaseDynamics, replace(self, analyses=results)).as_dict()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` wrote; InputError if fields are missing or unknown."""
        found = super().from_dict(data)
        return replace(found, analyses={name: SimpleNamespace(results=r) for name, r in found.analyses.items()})


@typed
@references("chen2025")
def phase_dynamics(
    profile: AmorphisationProfile | Regions,
    mobile: Any,
    analysis: Callable[..., Any],
    *,
    keep: str = "initial",
    start: int | None = None,
    stop: int | None = None,
    step: int | None = None,
    least: float = 0.9,
    **options: Any,
) -> PhaseDynamics:
    """Run an analysis of ion transport once for the ions of each phase.

    Parameters
    ----------
    profile : AmorphisationProfile or Regions
        Which layers are crystal, interface and glass: a profile that was run, or its layers told in another way.
    mobile : AtomGroup
        The mobile ions.
    analysis : callable
        Class such as `IonDiffusion` or `NonGaussianParameter`; called with the ions of a phase and `options`.
    keep : {"initial", "stayed"}
        Ions that are in the phase in the first frame, or only those of them that stay in it. The latter are no fair
        sample: ions that go far are missing.
    start, stop, step : int, optional
        Frames to analyse; default: all.
    least : float
        Part of the frames that an ion which stays is in its phase.
    **options
        For `analysis`; ``framework`` is all that is not `mobile` if left out.

    Returns
    -------
    PhaseDynamics
        Analyses by region, and how many ions changed phase.

    Raises
    ------
    InputError
        If the profile cannot be divided, `keep` is unknown, `mobile` is empty, or no phase has ions that are kept.

    Warns
    -----
    UserWarning
        If more than half of the ions of a phase leave it: its numbers are then those of its surroundings as well.

    Examples
    --------
    A crystal below and a glass above, in which ions take steps of 0.3 A:

    >>> import MDAnalysis
    >>> from ionpath_mdanalysis.ion_transport import IonDiffusion
    >>> rng = np.random.default_rng(0)
    >>> lattice = 3.0 * np.stack(np.meshgrid(range(6), range(12), range(6), indexing="ij"), -1).reshape(-1, 3) + 0.5
    >>> places = np.concatenate([lattice, rng.uniform([0, 36, 0], [18, 72, 18], (432, 3))])
    >>> steps = rng.normal(0, 0.3, (60, 864, 3)) * (np.arange(864) % 2 == 0)[:, None]
    >>> steps[:, :432] *= 0.1
    >>> u = MDAnalysis.Universe.empty(864, trajectory=True)
    >>> u.add_TopologyAttr("elements", ["Li", "S"] * 432)
    >>> run = (places + steps.cumsum(axis=0)).astype("f4")
    >>> _ = u.load_new(run, order="fac", dimensions=[18, 72, 18, 90, 90, 90], dt=0.1)
    >>> profile = AmorphisationProfile(u.atoms, thickness=6.0).run(stop=1)
    >>> found = phase_dynamics(profile, u.select_atoms("element Li"), IonDiffusion, verbose=False)
    >>> crystal, glass = (found.analyses[name].results.msd for name in ("crystal", "glass"))
    >>> bool(glass[10] > 5 * crystal[10])
    True

    It goes into JSON, with the results of each analysis:

    >>> again = PhaseDynamics.from_dict(found.as_dict())
    >>> bool((again.analyses["glass"].results.msd == glass).all()), again.left == found.left
    (True, True)
    """
    one_of("keep", keep, KEEP)
    if not len(mobile):
        raise InputError("mobile", need="at least one atom", got="an empty selection", remedy="widen it")
    regions = profile if isinstance(profile, Regions) else profile.regions()
    trajectory = mobile.universe.trajectory
    here = trajectory.frame
    rows = []
    for frame in chosen_frames(mobile.universe, start, stop, step, 1000):
        ts = trajectory[int(frame)]
        rows.append(regions.of(mobile.positions, cell_vectors(ts.dimensions[None])[0]))
    trajectory[here]
    table = np.array(rows)
    stays = (table == table[0]).mean(axis=0) >= least
    options.setdefault("framework", mobile.universe.atoms - mobile)  # not the ions of the other phases
    initial, left, analyses = {}, {}, {}
    for k, name in enumerate(NAMES):
        began = table[0] == k
        initial[name], left[name] = int(began.sum()), int((began & ~stays).sum())
        kept = began & stays if keep == "stayed" else began
        if kept.any():
            analyses[name] = analysis(mobile[kept], **options).run(start=start, stop=stop, step=step)
        if 2 * left[name] > initial[name]:
            warn(f"{left[name]} of {initial[name]} ions leave the {name}: its dynamics are also of its surroundings")
    if not analyses:
        remedy = "take keep='initial', or a shorter part of the run with stop="
        raise InputError("keep", need="ions that stay in a phase", got=f"none of {len(mobile)}", remedy=remedy)
    shares = np.array([[(row == k).mean() for k in range(len(NAMES))] for row in table])
    return PhaseDynamics(analyses, initial, left, shares, keep)
