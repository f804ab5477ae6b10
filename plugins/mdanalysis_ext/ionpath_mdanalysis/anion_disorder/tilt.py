"""Tilt of tetrahedra: where their bonds point, and how often they rotate."""

from __future__ import annotations

from typing import Any

import numpy as np

from ionpath.citations import references
from ionpath.disorder import (
    RotationCounter,
    TiltFreeEnergy,
    TiltHistogram,
    bond_angles,
    bond_vectors,
    rotation_rate,
    site_permutations,
    tetrahedra,
)
from ionpath.errors import InputError
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.anion_disorder._structure import (
    Floats,
    StructureAnalysis,
    ligands_of,
    symbols_of,
)


class TetrahedronAnalysis(StructureAnalysis):
    """Base of the analyses of tetrahedra, whose ligands are those of the first frame analysed.

    Parameters
    ----------
    centres : AtomGroup
        Central atoms.
    ligands : AtomGroup or None
        Possible ligands; default: all anions of the universe.
    cutoff : float
        Longest bond in the first frame, in A.
    rotation : float or array_like or None
        How the crystal lies in the box: angle in degrees by which its axes are turned about z, or its axes as rows.
    **options
        As for `StructureAnalysis`.
    """

    def __init__(self, centres: Any, ligands: Any, *, cutoff: float, rotation: Any, **options: Any) -> None:
        super().__init__({"centres": centres, "ligands": ligands_of(centres, ligands)}, **options)
        self._cutoff = float(cutoff)
        self._axes_of_crystal = rotation_matrix(rotation)
        self._centre_symbols = np.array(symbols_of(self.groups["centres"], "centres"))
        self._ligand_symbols = np.array(symbols_of(self.groups["ligands"], "ligands"))

    def _look_at_first_frame(self) -> None:
        ts = self._first_frame()
        _checks.check_box(ts.dimensions, ts.frame)
        from ionpath_mdanalysis._base import cell_vectors

        cell = cell_vectors(np.asarray(ts.dimensions)[None])[0]
        centres = ts.positions[self.groups["centres"].ix].astype(np.float64)
        ligands = ts.positions[self.groups["ligands"].ix].astype(np.float64)
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
        both = np.concatenate([chunk.positions["centres"], chunk.positions["ligands"]], axis=1)
        n = len(self.groups["centres"])
        vectors = bond_vectors(both.astype(np.float64), chunk.cells, np.arange(n), self._members + n)
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
        raise InputError(
            "rotation", need="an angle in degrees, or three orthogonal unit vectors", got=repr(rotation),
            remedy="leave it out if the crystal lies along the box",
        )  # fmt: skip
    return given


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
    n_blocks : int, default 5
        Blocks of time, for errors.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

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
        n_blocks: int = 5,
        **options: Any,
    ) -> None:
        if not (np.isfinite(temperature) and temperature > 0):
            raise InputError(
                "temperature", need="a positive one in K", got=repr(temperature), remedy="give it"
            )
        TiltHistogram(bins=bins, n_blocks=n_blocks)
        axes = rotation_matrix(rotation)
        parameters = {
            "temperature": float(temperature), "bins": bins, "jacobian": jacobian, "cutoff": cutoff,
            "rotation": axes, "n_blocks": n_blocks,
        }  # fmt: skip
        super().__init__(
            centres,
            ligands,
            cutoff=cutoff,
            rotation=axes,
            n_blocks=n_blocks,
            parameters=parameters,
            **options,
        )

    def _prepare_block(self) -> None:
        self._histograms = {str(kind): self._empty() for kind in np.unique(self._bond_kinds)}
        self._rotations = RotationCounter(len(self._members))

    def _empty(self) -> TiltHistogram:
        return TiltHistogram(bins=self.parameters["bins"], n_blocks=self._n_blocks)

    def _process(self, chunk: Chunk) -> None:
        vectors = self._bonds(chunk)
        theta, phi = bond_angles(vectors)
        block = np.array([self._next_block() for _ in chunk.frames])
        for kind, histogram in self._histograms.items():
            chosen = self._bond_kinds == kind
            histogram.add(theta[:, chosen], phi[:, chosen], block)
        reference = self._reference @ self._axes_of_crystal.T
        self._rotations.add(site_permutations(vectors, reference))

    def _block_results(self) -> dict[str, Any]:
        return {
            "tilt": {kind: histogram.state() for kind, histogram in self._histograms.items()},
            "rotations": self._rotations.state(),
        }

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        free = {}
        for kind in blocks[0]["tilt"]:
            total = self._empty()
            for block in blocks:
                total.merge(block["tilt"][kind])
            free[kind] = total.result(self.parameters["temperature"], jacobian=self.parameters["jacobian"])
        rotations = RotationCounter(len(self._members))
        for block in blocks:
            rotations.merge(block["rotations"])
        self.results.free_energy = free
        self.results.rotation = {}
        duration = self.frame_time * (self.n_frames - 1)
        for kind in np.unique(self._tetrahedron_kinds):
            chosen = self._tetrahedron_kinds == kind
            if self.n_frames > 1:
                events = int(rotations.events[chosen].sum())
                self.results.rotation[str(kind)] = rotation_rate(events, duration * int(chosen.sum()))
        self.results.n_tetrahedra = {
            str(k): int((self._tetrahedron_kinds == k).sum()) for k in np.unique(self._tetrahedron_kinds)
        }

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

    def plot(self, ax: Any = None) -> Any:
        """Plot F(theta) and F(phi) of every kind of bond.

        Parameters
        ----------
        ax : pair of matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        pair of matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax, ncols=2, figsize=(9, 3.5)) if ax is None else ax
        for kind, free in self.results.free_energy.items():
            sides = (
                (axes[0], free.theta_edges, free.theta, free.theta_error),
                (axes[1], free.phi_edges, free.phi, free.phi_error),
            )
            for axis, edges, energy, error in sides:
                middle = 0.5 * (edges[1:] + edges[:-1])
                axis.errorbar(middle, np.where(np.isfinite(energy), energy, np.nan), error, label=kind, lw=1)
        axes[0].set(xlabel="θ (°)", ylabel="free energy (kJ/mol)")
        axes[1].set(xlabel="φ (°)")
        axes[0].legend()
        return axes

    def plot_joint(self, kind: str | None = None, ax: Any = None) -> Any:
        """Plot F(theta, phi) of one kind of bond.

        Parameters
        ----------
        kind : str, optional
            Kind of bond, such as ``"P-S"``; default: the first.
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        free = self._chosen(kind)
        axes = self._axes(ax)
        shown = np.where(np.isfinite(free.joint), free.joint, np.nan)
        image = axes.pcolormesh(free.joint_phi_edges, free.joint_theta_edges, shown)
        axes.figure.colorbar(image, ax=axes, label="free energy (kJ/mol)")
        axes.set(xlabel="φ (°)", ylabel="θ (°)")
        return axes

    def _table(self) -> dict[str, Any]:
        rows: dict[str, list[Any]] = {"bond": [], "angle": [], "value": [], "free energy": [], "error": []}
        for kind, free in self.results.free_energy.items():
            for name, edges, energy, error in (
                ("theta", free.theta_edges, free.theta, free.theta_error),
                ("phi", free.phi_edges, free.phi, free.phi_error),
            ):
                rows["bond"] += [kind] * len(energy)
                rows["angle"] += [name] * len(energy)
                rows["value"] += (0.5 * (edges[1:] + edges[:-1])).tolist()
                rows["free energy"] += energy.tolist()
                rows["error"] += error.tolist()
        return {**rows, "units": {"value": "degree", "free energy": "kJ/mol", "error": "kJ/mol"}}
