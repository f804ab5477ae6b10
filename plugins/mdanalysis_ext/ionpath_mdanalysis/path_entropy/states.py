"""In which coordination shell, and on which of its vertices, each ion is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.elements import ANIONS
from ionpath.errors import InputError, one_of
from ionpath.framework import split_common
from ionpath.periodic import minimum_image
from ionpath.plugins import available
from ionpath.sites.assign import SiteAssignment
from ionpath.sites.discretisers import MARGIN, checked
from ionpath.sites.network import SiteNetwork
from ionpath.sites.plausibility import warn_of_assignment
from ionpath.sites.recording import RunRecorder
from ionpath.sites.runs import ShellRuns
from ionpath.sites.shells import CoordinationShells, Home
from ionpath.sites.trajectories import Unassigned
from ionpath_mdanalysis import _checks, _plots
from ionpath_mdanalysis._base import Chunk, IonAnalysis
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis._shell_sources import placed, read_frames


@typed
@references("guan2024")
class ShellStates(IonAnalysis):
    """States of mobile ions: shell and vertex of each ion in each frame.

    Parameters
    ----------
    mobile : AtomGroup
        The mobile ions.
    shells : CoordinationShells or SiteNetwork
        Sites around centres, or of any crystal, in the cell of the trajectory: see
        `ionpath_mdanalysis.CoordinationShells` and `ionpath_mdanalysis.SiteNetwork`.
    centres : AtomGroup, optional
        Atoms that the shells follow, in the order of ``shells.centres``; default: the atoms that `shells` names, if
        it names any.
    framework : AtomGroup, optional
        Atoms that do not diffuse, whose drift is taken out where no centres are followed; default: all atoms but
        `mobile`.
    method : str, default "nearest"
        ``"nearest"`` site within `cutoff`; ``"geometric"`` and ``"voronoi"`` as published; or the name of a
        discretiser that another package brings (`ionpath.plugins`).
    cutoff : float, optional
        Radius in A: of a site (nearest, default 1.4) or of a shell (geometric, default 3.0).
    mode : {"correct", "published"}
        For ``"geometric"``: nearest direction of a vertex, or the published thresholds.
    core_sets : bool, default True
        Ions keep their site until they have reached another one. Otherwise frames on no site are unassigned.
    minimum_residence : int, default 1
        Stays of fewer frames do not count (with core sets).
    home : {"visited", "initial", "folded"}
        What counts as outside: with ``"visited"`` (default) any shell but the one looked at, for every shell that an
        ion visits; with ``"initial"`` the same for its first shell only; with ``"folded"``, the default for a
        network, no shell at all.
    unassigned : {"external", "skip"}
        What frames on no site count as: outside, or nothing.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.sites : ndarray of int, (n_frames, n_ions)
        Site of each ion, -1 for none. Tables are the only results that grow with the frames: 5 bytes for each ion and
        frame, or 3 where sites fit 16 bits.
    results.states : ndarray of int8, (n_frames, n_ions)
        Vertex of each ion in whichever shell, 0 for none.
    results.runs : ionpath.kinetics.ShellRuns
        The same as runs; `ionpath.kinetics` takes it wherever it takes trajectories.
    results.occupancy : ndarray, (n_sites,)
        Mean number of ions on each site.
    results.state_occupancy : ndarray, (n_states,)
        Part of the time that an ion is on a vertex with each label; entry 0: on none.
    results.unassigned_fraction : float
        Part of the ion-frames on no site, before core sets.
    results.ambiguous_fraction : float
        Part of the ion-frames with a second site less than 0.1 A further away than the first.
    results.n_hops : int
        Changes of site.

    Raises
    ------
    InputError
        If groups and shells do not fit together.

    Notes
    -----
    Positions may be wrapped or not. Sites move with their centre and are strained with the cell; see
    `ionpath.kinetics.assign_sites` for the rules and `ionpath.kinetics.core_sets` for core sets.
    """

    _tables: ClassVar[bool] = True
    _even_times: ClassVar[bool] = True

    def __init__(
        self,
        mobile: Any,
        shells: CoordinationShells,
        *,
        centres: Any = None,
        framework: Any = None,
        method: str = "nearest",
        cutoff: float | None = None,
        mode: Literal["correct", "published"] = "correct",
        core_sets: bool = True,
        minimum_residence: int = 1,
        home: Home | None = None,
        unassigned: Unassigned = "external",
        **options: Any,
    ) -> None:
        _checks.check_group(mobile, "mobile")
        if not isinstance(shells, CoordinationShells):
            raise InputError(
                "shells",
                need="CoordinationShells",
                got=type(shells).__name__,
                remedy="make them with CoordinationShells.for_argyrodite, .from_universe, .from_structure or "
                ".from_density, or take a SiteNetwork",
            )
        if not core_sets and minimum_residence > 1:
            need = "core sets"
            raise InputError("minimum_residence", need=need, got="core_sets=False", remedy="leave one of them out")
        home = shells.default_home if home is None else home
        if isinstance(shells, SiteNetwork) and (home != "folded" or method in ("geometric", "voronoi")):
            got = f"a network, {home!r}, {method!r}"
            remedy = "leave home and method out: sites of a network are folded, and the nearest one counts"
            raise InputError("shells", need="shells with centres for this home and method", got=got, remedy=remedy)
        parameters = {
            "method": method,
            "cutoff": cutoff,
            "mode": mode,
            "core_sets": core_sets,
            "minimum_residence": minimum_residence,
            "home": home,
            "unassigned": unassigned,
        }
        if centres is None and (framework is None or isinstance(shells, SiteNetwork)):
            shells = placed(shells, mobile)
        others = _followed(mobile, shells, centres, framework)
        super().__init__(mobile, others, parameters=parameters, **options)
        self.shells = shells
        self._assign = discretiser(method, shells, cutoff, mode)
        self._origin = _origin(self.groups["framework"]) if "framework" in self.groups else None

    def _prepare_block(self) -> None:
        core = self.parameters["core_sets"]
        self._recorder = RunRecorder(len(self.groups["mobile"]), core_sets=core)
        self._ion_frames = self._unassigned = self._ambiguous = 0

    def _process(self, chunk: Chunk) -> None:
        check_cells(chunk, self.shells)
        ions: Any = chunk.positions["mobile"]
        centres: Any = chunk.positions.get("centres")
        if self._origin is not None:
            ions = ions - _drift(chunk, self._origin)[:, None]
        site, ambiguous = self._assign(ions, chunk.cells, centres)
        self._ion_frames += site.size
        self._unassigned += int(np.count_nonzero(site < 0))
        self._ambiguous += int(np.count_nonzero(ambiguous))
        self._recorder.add(site)

    def _block_results(self) -> dict[str, Any]:
        counted = (self._ion_frames, self._unassigned, self._ambiguous)
        return {**self._recorder.runs(), "counted": np.array(counted)}

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        chosen = self.parameters
        n_ions = len(self.groups["mobile"])
        runs = ShellRuns.from_parts(
            blocks,
            n_ions,
            self.shells,
            core_sets=chosen["core_sets"],
            home=chosen["home"],
            unassigned=chosen["unassigned"],
        )
        if chosen["minimum_residence"] > 1:
            runs = runs.minimum_residence(chosen["minimum_residence"])
        total, unassigned, ambiguous = sum(block["counted"] for block in blocks).tolist()
        self.results.unassigned_fraction = unassigned / total
        # Without core sets an ion on no site is outside, as shells that hold some of the ions mean it.
        warn_of_assignment(unassigned / total, n_ions if chosen["core_sets"] else 0, self.shells.n_sites)
        self.results.ambiguous_fraction = ambiguous / total
        self._fill(runs)

    def _fill(self, runs: ShellRuns) -> None:
        results = self.results
        results.shells = self.shells
        results.runs = runs
        results.occupancy = runs.site_frames() / runs.n_frames
        label = np.bincount(np.append(self.shells.vertex, 0)[runs.site], weights=runs.length, minlength=runs.n_states)
        results.state_occupancy = label / label.sum()
        results.n_hops = int(np.count_nonzero((runs.ion[1:] == runs.ion[:-1]) & (runs.site[1:] >= 0)))
        results.n_states = runs.n_states
        results.labels = self.shells.state_names
        if self._tables:
            kind = np.int16 if self.shells.n_sites < np.iinfo(np.int16).max else np.int32
            results.sites = runs.table(runs.site, kind)
            results.states = runs.labels()

    def _rebuild(self) -> None:
        self.shells = self.results.shells

    def _headline(self) -> dict[str, Any]:
        return facts(self.results)

    def _table(self) -> dict[str, Any]:
        shells = self.shells
        x, y, z = shells.site_positions.T
        return {
            "site": np.arange(shells.n_sites),
            "shell": shells.centre_of,
            "kind": shells.kinds[shells.centre_of],
            "vertex": shells.vertex,
            "x": x,
            "y": y,
            "z": z,
            "occupancy": self.results.occupancy,
            "units": {"x": "A", "y": "A", "z": "A", "occupancy": "ions"},
        }

    @figure()
    def plot_occupancy(self, ax: Any = None) -> Any:
        """Plot the mean number of ions on the sites with each label, by kind of shell."""
        _plots.occupancy(ax, self.shells, self.results.occupancy)

    def plot_states(self, ion: int = 0, ax: Any = None) -> Any:
        """Plot the state of one of the mobile ions against time, a step for every change, whichever shell it is in.

        It is drawn on `ax`, by default on new axes, which are returned. InputError if there is no such ion.
        """
        states = self.results.runs[self._ion(ion)].labels()[:, 0]
        return _plots.states_in_time(self._axes(ax), self.times, states, self.results.labels)

    def plot_trajectory(self, ion: int = 0, *, shell: int | None = None, plane: str = "xy", ax: Any = None) -> Any:
        """Plot where one ion was about a centre, coloured by its state: its trajectory projected onto a plane.

        There is one cloud for each state of this shell, in A from its centre; frames in other shells are left out.
        `ion` is its number among the mobile ones, `shell` that of the shell (of a network: of the site), by default the
        one in which the ion is longest; `plane` is "xy", "xz" or "yz". It is drawn on `ax`, by default on new axes,
        which are returned. InputError if there is no such ion, shell or plane, or the ion is never in the shell.
        """
        one_of("plane", plane, ("xy", "xz", "yz"))
        site = self.results.runs[self._ion(ion)].sites()[:, 0]
        home = np.where(site >= 0, self.shells.centre_of[site], -1)
        chosen = int(np.bincount(home[home >= 0]).argmax()) if shell is None else shell
        inside = np.flatnonzero(home == chosen)
        if not len(inside):
            need = f"a shell that ion {ion} visits, such as {np.unique(home[home >= 0])[:8].tolist()}"
            raise InputError("shell", need=need, got=repr(chosen), remedy="leave it out")
        found = self._about(ion, chosen, np.asarray(self.frames)[inside])
        states = self.shells.vertex[site[inside]]
        return _plots.cloud(self._axes(ax), found, states, self.results.labels, plane)

    def _ion(self, ion: int) -> int:
        """Refuse ions that do not exist."""
        self._require_results()
        n = self.results.runs.n_ions
        if not 0 <= ion < n:
            remedy = "count mobile ions from 0"
            raise InputError("ion", need=f"a number from 0 to {n - 1}", got=repr(ion), remedy=remedy)
        return ion

    def _about(self, ion: int, shell: int, frames: Any) -> Floats:
        """Vectors in A from the centre of a shell to an ion, frame by frame, read again."""
        if not getattr(self, "groups", None):
            got = "results that were loaded from a file"
            remedy = "run ShellStates on the trajectory, with these shells"
            raise InputError("positions", need="the trajectory", got=got, remedy=remedy)
        mobile = self.groups["mobile"]
        followed = self.groups.get("centres")
        rest = followed if followed is not None else self.groups.get("framework", mobile.universe.atoms[:0])
        seen = read_frames(mobile.universe, mobile[[ion]], rest, frames)
        if followed is not None:
            vector = seen.ions[:, 0] - seen.fixed[:, shell]
        else:
            vector = seen.ions[:, 0] - self.shells.centres[shell] @ seen.cells
            vector = vector if seen.drift is None else vector - seen.drift
        return np.array([minimum_image(v, cell) for v, cell in zip(vector, seen.cells, strict=True)])


def discretiser(
    method: str, shells: CoordinationShells, cutoff: float | None = None, mode: str = "correct"
) -> Callable[..., SiteAssignment]:
    """Find the rule that gives ions their sites, a built-in one or one that another package brings."""
    rules = available("discretisers")
    one_of("method", method, sorted(rules))
    assign = rules[method](shells, cutoff=cutoff, mode=mode, margin=MARGIN)
    return partial(checked, method, shells, assign)


def facts(results: Any) -> dict[str, Any]:
    """Few words on states, for a repr."""
    shells = results.shells
    sites = f"{shells.n_sites} in {len(np.unique(shells.centre_of))} shells"
    return {
        "sites": repr(shells) if isinstance(shells, SiteNetwork) else sites,
        "unassigned": f"{results.unassigned_fraction:.2%}",
        "ambiguous": f"{results.ambiguous_fraction:.2%}",
        "hops": results.n_hops,
    }


def check_cells(chunk: Chunk, shells: CoordinationShells) -> None:
    """Refuse shells of another cell than that of the trajectory."""
    edges = np.linalg.norm(shells.cell, axis=1)
    strain = np.abs(chunk.dimensions[:, :3] / edges - 1.0)
    if strain.max() > 0.1:
        frame = int(np.argmax(strain.max(axis=1)))
        need = f"a reference cell like that of the trajectory, {chunk.dimensions[frame, :3].round(3)} A"
        remedy = "make the shells from a supercell that has the size of the simulation"
        raise InputError("shells", need=need, got=f"one of {edges.round(3)} A", remedy=remedy)


def _followed(mobile: Any, shells: CoordinationShells, centres: Any, framework: Any) -> dict[str, Any]:
    """Groups to read beside the ions: the centres, or the framework whose drift is taken out."""
    universe = mobile.universe
    if centres is None and shells.centre_atoms is not None and framework is None:
        if shells.centre_atoms.max() >= len(universe.atoms):
            need = f"centres among the {len(universe.atoms)} atoms of the universe"
            remedy = "make the shells from this universe, or pass centres=AtomGroup"
            raise InputError("shells", need=need, got=f"atom {shells.centre_atoms.max()}", remedy=remedy)
        centres = universe.atoms[shells.centre_atoms]
        _check_kinds(centres, shells)
    if centres is not None:
        _checks.check_group(centres, "centres")
        if len(centres) != shells.n_centres:
            got = str(len(centres))
            remedy = "select the centres in the order of shells.centres"
            raise InputError("centres", need=f"{shells.n_centres} atoms, one for each shell", got=got, remedy=remedy)
        return {"centres": centres}
    if framework is None:
        framework = universe.atoms - mobile
        return {"framework": framework} if len(framework) else {}
    return {"framework": framework}


def _check_kinds(centres: Any, shells: CoordinationShells) -> None:
    """Refuse centres of another element than the shells were made with, where both are known."""
    elements = getattr(centres, "elements", None)
    kinds = [set(str(kind).split("/")) for kind in shells.kinds]
    known = set(map(str, getattr(centres.universe.atoms, "elements", ()))) | ANIONS
    if elements is None or not set().union(*kinds) <= known:
        return
    wrong = [k for k, (element, kind) in enumerate(zip(elements, kinds, strict=True)) if element not in kind]
    if wrong:
        k = wrong[0]
        got = f"{elements[k]} (atom {centres.ix[k]})"
        remedy = "the atoms of structure and trajectory are ordered differently: pass centres=AtomGroup"
        raise InputError("shells", need=f"{shells.kinds[k]} as centre of shell {k}", got=got, remedy=remedy)


def _origin(framework: Any) -> Floats:
    """Fractional coordinates of the framework in the first frame of the file, which drift is counted from."""
    from MDAnalysis.lib.mdamath import triclinic_vectors

    trajectory = framework.universe.trajectory
    here = trajectory.frame
    ts = trajectory[0]
    _checks.check_box(ts.dimensions, 0, trajectory)
    cell = triclinic_vectors(ts.dimensions, dtype=np.float64)
    coordinates = framework.positions.astype(np.float64) @ np.linalg.inv(cell)
    trajectory[here]
    return np.asarray(coordinates)


def _drift(chunk: Chunk, origin: Floats) -> Floats:
    """Mean displacement of the framework since the first frame of the file, in A."""
    inverse = np.linalg.inv(chunk.cells)
    moved = np.matmul(chunk.positions["framework"].astype(np.float64), inverse) - origin
    common = split_common(moved)[1][:, 0]
    common -= np.rint(common)
    return np.asarray(np.einsum("ti,tij->tj", common, chunk.cells))
