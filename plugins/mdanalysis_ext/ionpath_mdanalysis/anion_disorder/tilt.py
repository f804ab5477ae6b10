"""Tilt of tetrahedra: where their bonds point, and how often they rotate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.disorder import (
    RotationCounter,
    TiltFreeEnergy,
    TiltHistogram,
    bond_angles,
    bond_vectors,
    corner_permutations,
    rotation_rate,
    tetrahedra,
)
from ionpath.errors import InputError, positive, warn
from ionpath_mdanalysis import _checks, _plots
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis._frames import cell_vectors
from ionpath_mdanalysis.anion_disorder._structure import Options, StructureAnalysis, ligands_of, symbols_of

SLANTED = 0.1
"""Slope of the third vector of a box against z, from which on it is no fluctuation."""


class TetrahedronAnalysis(StructureAnalysis):
    """Base of the analyses of tetrahedra, whose ligands are those of the first frame analysed.

    By default all anions of the universe can be ligands; `cutoff` is the longest bond in the first frame, in A.
    `rotation` says how the crystal lies in the box: angle in degrees by which its axes are turned about z, or its axes
    as rows. Options are those of `StructureAnalysis`.
    """

    def __init__(
        self, centres: Any, ligands: Any, parameters: Any, *, cutoff: float, rotation: Any, **options: Any
    ) -> None:
        positive("cutoff", cutoff, "A")
        self._cutoff, self._axes_of_crystal = float(cutoff), rotation_matrix(rotation)
        self._told = rotation is not None or parameters.get("measure", "sd") != "sd"  # the others do not depend on it
        parameters = {**parameters, "cutoff": cutoff, "rotation": self._axes_of_crystal}
        super().__init__({"centres": centres, "ligands": ligands_of(centres, ligands)}, parameters, **options)
        self._centre_symbols = np.array(symbols_of(self.groups["centres"], "centres"))
        self._ligand_symbols = np.array(symbols_of(self.groups["ligands"], "ligands"))

    def _look_at(self, first: Any) -> None:
        _checks.check_box(first.dimensions, first.frame, self._trajectory)
        cell = cell_vectors(np.asarray(first.dimensions)[None])[0]
        if not self._told and np.abs(cell[2, :2]).max() > SLANTED * cell[2, 2]:
            warn(
                "rotation: directions are those in the box, whose first vector lies along x, and its third is not "
                "along z: in a primitive cell the crystal lies otherwise; pass rotation=, its axes as rows, or 0"
            )
        centres = first.positions[self.groups["centres"].ix].astype(np.float64)
        ligands = first.positions[self.groups["ligands"].ix].astype(np.float64)
        both = np.concatenate([centres, ligands])
        n = len(centres)
        found = tetrahedra(both, cell, np.arange(n), np.arange(n, len(both)), cutoff=self._cutoff)
        self._members = found - n
        self._reference = bond_vectors(both, cell, np.arange(n), found)
        ends = self._ligand_symbols[self._members]
        self._bond_kinds = np.char.add(np.char.add(self._centre_symbols[:, None], "-"), ends)
        self._tetrahedron_kinds = np.array(
            [_formula(c, row) for c, row in zip(self._centre_symbols, ends, strict=True)]
        )

    def _bonds(self, chunk: Chunk) -> Floats:
        """Bond vectors in the frame of the crystal, (T, M, 4, 3)."""
        n = len(self.groups["centres"])
        positions = self._joined(chunk).astype(np.float64)
        vectors = bond_vectors(positions, chunk.cells, np.arange(n), self._members + n)
        return np.asarray(vectors @ self._axes_of_crystal.T, dtype=np.float64)


def _formula(centre: str, ends: Any) -> str:
    names, counts = np.unique(ends, return_counts=True)
    order = np.lexsort((names, -counts))
    return str(centre) + "".join(f"{names[k]}{counts[k] if counts[k] > 1 else ''}" for k in order)


def rotation_matrix(rotation: Any) -> Floats:
    """Make the axes of a crystal from what a user says about them."""
    if rotation is None:
        return np.eye(3)
    given = np.asarray(rotation, dtype=np.float64)
    if given.ndim == 0 and np.isfinite(given):
        turn = np.radians(float(given))
        return np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1.0]])
    if given.shape != (3, 3) or not np.allclose(given @ given.T, np.eye(3), atol=1e-6):
        need = "an angle in degrees, or three orthogonal unit vectors"
        remedy = "leave it out if the crystal lies along the box"
        raise InputError("rotation", need=need, got=repr(rotation), remedy=remedy)
    return given


class _Directions:
    """Directions of the bonds of each kind, and rotations of tetrahedra, added up chunk by chunk."""

    def __init__(self, bond_kinds: Any, bins: int, n_blocks: int) -> None:
        self._bond_kinds = bond_kinds
        self.histograms = {str(kind): TiltHistogram(bins=bins, n_blocks=n_blocks) for kind in np.unique(bond_kinds)}
        self.rotations = RotationCounter(len(bond_kinds))

    def add(self, vectors: Floats, reference: Floats, block: Any) -> None:
        theta, phi = bond_angles(vectors)
        for kind, histogram in self.histograms.items():
            chosen = self._bond_kinds == kind
            histogram.add(theta[:, chosen], phi[:, chosen], block)
        self.rotations.add(corner_permutations(vectors, reference))

    def state(self) -> tuple[dict[str, Any], Any]:
        return {kind: h.state() for kind, h in self.histograms.items()}, self.rotations.state()

    def merge(self, state: tuple[dict[str, Any], Any]) -> None:
        for kind, histogram in self.histograms.items():
            histogram.merge(state[0][kind])
        self.rotations.merge(state[1])


@typed
@references("guan2024")
class TetrahedronTilt(TetrahedronAnalysis):
    """Directions of the bonds of tetrahedra: free energies of both angles, and rotations.

    Parameters
    ----------
    centres : AtomGroup
        Central atoms, P or Si or both.
    ligands : AtomGroup, optional
        Possible ligands; default: all anions of the universe. Each centre must have four within `cutoff` in the
        first frame, and keeps them.
    temperature : float
        Temperature in K.
    bins : int, default 90
        Bins of the polar angle; the azimuth has twice as many, the joint free energy half as many along both.
    jacobian : bool, default False
        Divide by the solid angle of a bin, so that free rotation gives a flat free energy.
    cutoff : float, default 3.0
        Longest bond in the first frame, in A.
    rotation : float or array_like, optional
        How the crystal lies in the box: angle in degrees by which its axes are turned about z, or its axes as
        rows; default: along the box.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.free_energy : dict of str to ionpath.disorder.TiltFreeEnergy
        F(theta), F(phi) and F(theta, phi) in kJ/mol with errors, for each kind of bond (``"P-S"``, ``"Si-Cl"``).
    results.rotation : dict of str to ionpath.disorder.RotationRate
        Rotations per tetrahedron and ps, for each kind of tetrahedron (``"PS4"``, ``"SiS3Cl"``).

    Raises
    ------
    InputError
        If a centre has not four ligands, or the temperature is not positive.

    Notes
    -----
    A rotation is counted when every ligand points, within 40 degrees, where another one pointed in the first frame;
    in between, the tetrahedron keeps its orientation.
    """

    _even_times = True

    def __init__(
        self,
        centres: Any,
        ligands: Any = None,
        *,
        temperature: float,
        bins: int = 90,
        jacobian: bool = False,
        cutoff: float = 3.0,
        rotation: Any = None,
        **options: Unpack[Options],
    ) -> None:
        positive("temperature", temperature, "K")
        TiltHistogram(bins=bins)  # refuses bad bins
        parameters = {"temperature": float(temperature), "bins": bins, "jacobian": jacobian}
        super().__init__(centres, ligands, parameters, cutoff=cutoff, rotation=rotation, **options)

    def _empty(self) -> _Directions:
        return _Directions(self._bond_kinds, self.parameters["bins"], self._n_blocks)

    def _add(self, sums: _Directions, chunk: Chunk) -> None:
        sums.add(self._bonds(chunk), self._reference @ self._axes_of_crystal.T, self._blocks(chunk))

    def _fill(self, sums: _Directions) -> None:
        p, rotation, numbers = self.parameters, {}, {}
        duration = self.frame_time * (self.n_frames - 1)
        for kind in map(str, np.unique(self._tetrahedron_kinds)):
            chosen = self._tetrahedron_kinds == kind
            numbers[kind] = int(chosen.sum())
            if self.n_frames > 1:
                events = int(sums.rotations.events[chosen].sum())
                rotation[kind] = rotation_rate(events, duration * numbers[kind])
        self.results.update(
            free_energy={
                kind: histogram.result(p["temperature"], jacobian=p["jacobian"])
                for kind, histogram in sums.histograms.items()
            },
            rotation=rotation,
            n_tetrahedra=numbers,
        )

    def _headline(self) -> dict[str, Any]:
        return {f"rotations of {k} (1/ps)": r.rate for k, r in self.results.rotation.items()}

    def _chosen(self, kind: str | None) -> TiltFreeEnergy:
        self._require_results()
        known = self.results.free_energy
        if kind is None:
            kind = next(iter(known))
        if kind not in known:
            raise InputError("kind", need=f"one of {', '.join(known)}", got=repr(kind), remedy="choose one")
        return known[kind]

    @figure(ncols=2, figsize=(9, 3.5))
    def plot(self, ax: Any = None) -> Any:
        """Plot F(theta) and F(phi) of every kind of bond, on a pair of axes."""
        for kind, free in self.results.free_energy.items():
            for axes, edges, energy, error in zip(ax, *_angles(free), strict=True):
                middle = 0.5 * (edges[1:] + edges[:-1])
                axes.errorbar(middle, np.where(np.isfinite(energy), energy, np.nan), error, label=kind, lw=1)
        ax[0].set(xlabel="θ (°)", ylabel="free energy (kJ/mol)")
        ax[1].set(xlabel="φ (°)")
        ax[0].legend()

    @figure()
    def plot_joint(self, kind: str | None = None, ax: Any = None) -> Any:
        """Plot F(theta, phi) of one kind of bond, such as ``"P-S"``; by default of the first."""
        free = self._chosen(kind)
        shown = np.where(np.isfinite(free.joint), free.joint, np.nan)
        image = ax.pcolormesh(free.joint_phi_edges, free.joint_theta_edges, shown)
        ax.figure.colorbar(image, ax=ax, label="free energy (kJ/mol)")
        ax.set(xlabel="φ (°)", ylabel="θ (°)")

    def _table(self) -> dict[str, Any]:
        rows: dict[str, list[Any]] = {"bond": [], "angle": [], "value": [], "free energy": [], "error": []}
        for kind, free in self.results.free_energy.items():
            for name, edges, energy, error in zip(("theta", "phi"), *_angles(free), strict=True):
                rows["bond"] += [kind] * len(energy)
                rows["angle"] += [name] * len(energy)
                rows["value"] += (0.5 * (edges[1:] + edges[:-1])).tolist()
                rows["free energy"] += energy.tolist()
                rows["error"] += error.tolist()
        return {**rows, "units": {"value": "degree", "free energy": "kJ/mol", "error": "kJ/mol"}}


def _angles(free: TiltFreeEnergy) -> tuple[tuple[Floats, Floats], ...]:
    """Edges, free energies and errors of both angles."""
    return ((free.theta_edges, free.phi_edges), (free.theta, free.phi), (free.theta_error, free.phi_error))


@typed
@references("guan2024")
def plot_tilt_series(analyses: Mapping[Any, TetrahedronTilt], kind: str | None = None, axes: Any = None) -> Any:
    """Draw F(theta) and F(phi) of one kind of bond at several temperatures, or in several systems.

    Parameters
    ----------
    analyses : mapping of float or str to TetrahedronTilt
        Finished analyses, by their temperature in K or their name.
    kind : str, optional
        Bond such as ``"P-S"`` or ``"Si-Cl"``; default: the first of the first analysis.
    axes : sequence of two matplotlib.axes.Axes, optional
        Where to draw; new axes by default.

    Returns
    -------
    sequence of matplotlib.axes.Axes
        Axes of theta and phi, with a line for each analysis.

    Raises
    ------
    InputError
        If there is no analysis, one has no such bond, a temperature in K is not that of its analysis, or free energies
        with and without the Jacobian are mixed.

    Examples
    --------
    >>> import MDAnalysis
    >>> from ionpath.data import EXAMPLES, example
    >>> found = {}
    >>> for name in EXAMPLES:
    ...     u = MDAnalysis.Universe(*example(name))
    ...     found[name] = TetrahedronTilt(u.select_atoms("element P"), temperature=600, bins=30).run(stop=20)
    >>> [ax.get_xlabel() for ax in plot_tilt_series(found, "P-S")]
    ['θ (°)', 'φ (°)']
    """
    if not analyses:
        raise InputError("analyses", need="at least one", got="none", remedy="pass a dict of them by temperature in K")
    if kind is None:
        first = next(iter(analyses.values()))
        first._require_results()
        kind = next(iter(first.results.free_energy))
    found = {}
    for name, analysis in analyses.items():
        free, number = analysis._chosen(kind), isinstance(name, (int, float))
        if number and abs(name - free.temperature) > 1e-6 * free.temperature:
            need = f"its temperature, {free.temperature:g} K"
            remedy = "use the temperature of each analysis, or names"
            raise InputError(f"analyses[{name:g}]", need=need, got=f"{name:g} K", remedy=remedy)
        found[f"{name:g} K" if number else str(name)] = free
    if len({free.jacobian for free in found.values()}) > 1:
        raise InputError("jacobian", need="the same in all", got="True and False", remedy="run all with the same one")
    axes = _plots.new_axes(axes, ncols=2, figsize=(9, 3.5))
    for name, free in found.items():
        for ax, edges, energy, error in zip(axes, *_angles(free), strict=True):
            shown = np.where(np.isfinite(energy), energy, np.nan)
            ax.errorbar(0.5 * (edges[1:] + edges[:-1]), shown, error, label=name, lw=1)
    axes[0].set(xlabel="θ (°)", ylabel="free energy (kJ/mol)", title=kind)
    axes[1].set(xlabel="φ (°)")
    axes[0].legend()
    return axes
