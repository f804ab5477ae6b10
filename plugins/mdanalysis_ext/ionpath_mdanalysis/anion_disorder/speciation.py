"""Which anions a thiophosphate is made of, and how long they last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ionpath.citations import references
from ionpath.errors import InputError
from ionpath.frames import check_cutoff
from ionpath.structure import lifetimes, persistent_labels
from ionpath.structure.clusters import FREE, ClusterFinder, Frame, number_kinds, sorted_kinds
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis.anion_disorder._structure import (
    StructureAnalysis,
    cell_now,
    check_species,
    symbols_of,
)


@references("chen2023", "chen2025")
class AnionSpeciation(StructureAnalysis):
    """Anions in every frame: PS4, P2S7, P2S6 with a P-P bond, edge-sharing P2S6, and others by their formulas.

    Parameters
    ----------
    atoms : AtomGroup
        Atoms that hold the centres, and the ligands if `ligands` is not passed.
    ligands : AtomGroup, optional
        Ligand atoms.
    centre_species : str or sequence of str, default "P"
        Species of the centres among `atoms`, for example ``("P", "Si")``.
    ligand_species : str or sequence of str, default "S"
        Species of the ligands.
    bond : float, default 2.6
        Longest bond between a centre and a ligand, in A.
    centre_bond : float, default 2.6
        Longest bond between two centres, in A.
    persistence : float, default 0
        Time in ps that a centre must stay in a kind of unit for it to count; shorter changes are vibrations.
    **options
        ``frame_time``, ``chunk_frames``, ``verbose``: see `IonAnalysis`.

    Attributes
    ----------
    results.kinds : tuple of str
        Kinds of units, that with most centres first; ``"free"`` is a ligand without a centre.
    results.centre_fractions : dict of str to float
        Share of the centres in each kind.
    results.centre_fractions_error : dict of str to float
        Its standard error, from blocks of time.
    results.unit_fractions : dict of str to float
        Share of each kind among the units.
    results.unit_counts : ndarray of int, (n_frames, kinds)
        Units of each kind in every frame, by bonds alone.
    results.centre_kind : ndarray of int16, (n_frames, n_centres)
        Kind of every centre. It grows with the frames: 2 bytes per centre and frame.
    results.ligand_kind : ndarray of int16, (n_frames, n_ligands)
        Kind of the unit of every ligand, the same size per ligand.
    results.lifetimes : tuple of ionpath.structure.Lifetime
        How long centres stay in each kind, with 95 % intervals; empty for one frame.

    Raises
    ------
    InputError
        If a species is absent, or a bond is longer than half of the cell.
    """

    _even_times = True

    def __init__(
        self,
        atoms: Any,
        ligands: Any = None,
        *,
        centre_species: str | Sequence[str] = "P",
        ligand_species: str | Sequence[str] = "S",
        bond: float = 2.6,
        centre_bond: float = 2.6,
        persistence: float = 0.0,
        **options: Any,
    ) -> None:
        _checks.check_group(atoms, "atoms")
        if ligands is not None:
            _checks.check_group(ligands, "ligands")
            atoms = atoms - ligands  # no atom twice
        groups = {"atoms": atoms} if ligands is None else {"atoms": atoms, "ligands": ligands}
        centres = [centre_species] if isinstance(centre_species, str) else list(centre_species)
        ends = [ligand_species] if isinstance(ligand_species, str) else list(ligand_species)
        if not (np.isfinite(persistence) and persistence >= 0):
            raise InputError("persistence", need="a time in ps", got=repr(persistence), remedy="use 0 or 1")
        parameters = {
            "centre_species": centres, "ligand_species": ends, "bond": bond, "centre_bond": centre_bond,
            "persistence": persistence,
        }  # fmt: skip
        super().__init__(groups, parameters=parameters, **options)
        check_cutoff(max(bond, centre_bond), cell_now(atoms, "atoms"), "bond")
        check_species(centres, atoms, "atoms")
        check_species(ends, atoms if ligands is None else ligands, "atoms" if ligands is None else "ligands")
        self._symbols = [s for name, group in groups.items() for s in symbols_of(group, name)]
        self._finder = ClusterFinder(
            self._symbols, centres=centres, ligands=ends, bond=bond, centre_bond=centre_bond
        )

    def _prepare_block(self) -> None:
        self._kinds: tuple[str, ...] = ()
        self._rows: list[tuple[Any, Any, Any]] = []

    def _process(self, chunk: Chunk) -> None:
        positions = np.concatenate([chunk.positions[name] for name in self.groups], axis=1)
        frames: list[Frame] = [
            self._finder.frame(frame.astype(np.float64), cell)
            for frame, cell in zip(positions, chunk.cells, strict=True)
        ]
        self._kinds, centre, ligand, counts = number_kinds(frames, self._kinds)
        self._rows.append((centre, ligand, counts))

    def _block_results(self) -> dict[str, Any]:
        width = len(self._kinds)
        counts = [np.pad(row[2], ((0, 0), (0, width - row[2].shape[1]))) for row in self._rows]
        return {
            "kinds": self._kinds,
            "centre": np.concatenate([row[0] for row in self._rows]),
            "ligand": np.concatenate([row[1] for row in self._rows]),
            "counts": np.concatenate(counts),
        }

    def _finish(self, blocks: list[dict[str, Any]]) -> None:
        kinds, centre, ligand, counts = _joined(blocks)
        if self.parameters["persistence"] > 0 and len(centre) > 1:
            least = int(np.ceil(self.parameters["persistence"] / self.frame_time - 1e-9))
            centre = persistent_labels(centre, least).astype(np.int16)
            ligand = persistent_labels(ligand, least).astype(np.int16)
        per_frame = np.stack([(centre == k).mean(axis=1) for k in range(len(kinds))], axis=1)
        blocks_of_time = np.array_split(per_frame, min(self._n_blocks, len(per_frame)))
        means = np.array([block.mean(axis=0) for block in blocks_of_time])
        error = (
            means.std(axis=0, ddof=1) / np.sqrt(len(means)) if len(means) > 1 else np.full(len(kinds), np.nan)
        )
        shown = [k for k, name in enumerate(kinds) if name != FREE]
        share = per_frame.mean(axis=0)
        self.results.update(
            kinds=kinds,
            centre_fractions={kinds[k]: float(share[k]) for k in shown},
            centre_fractions_error={kinds[k]: float(error[k]) for k in shown},
            unit_fractions=_unit_fractions(kinds, share, self.parameters["centre_species"]),
            unit_counts=counts,
            centre_kind=centre,
            ligand_kind=ligand,
            lifetimes=lifetimes(centre, self.frame_time) if len(centre) > 1 else (),
        )

    def plot(self, ax: Any = None) -> Any:
        """Plot the share of the centres in each kind of unit against time.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to plot.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        axes = self._axes(ax)
        r = self.results
        for k, name in enumerate(r.kinds):
            if name in r.centre_fractions:
                axes.plot(self.times, (r.centre_kind == k).mean(axis=1), label=name)
        axes.set(xlabel="time (ps)", ylabel="share of the centres", ylim=(-0.02, 1.02))
        axes.legend(fontsize="small")
        return axes

    def _table(self) -> dict[str, Any]:
        r = self.results
        times = {r.kinds[x.label]: x for x in r.lifetimes}
        names = list(r.centre_fractions)
        nan = float("nan")
        return {
            "kind": names,
            "share of centres": [r.centre_fractions[n] for n in names],
            "error": [r.centre_fractions_error[n] for n in names],
            "share of units": [r.unit_fractions[n] for n in names],
            "lifetime": [times[n].mean if n in times else nan for n in names],
            "lifetime low": [times[n].low if n in times else nan for n in names],
            "lifetime high": [times[n].high if n in times else nan for n in names],
            "units": {"lifetime": "ps", "lifetime low": "ps", "lifetime high": "ps"},
        }


def _joined(blocks: list[dict[str, Any]]) -> tuple[tuple[str, ...], Any, Any, Any]:
    """Put blocks together, each of which numbered its kinds as it met them."""
    names: list[str] = []
    for block in blocks:
        names += [name for name in block["kinds"] if name not in names]
    maps = [np.array([names.index(name) for name in block["kinds"]], dtype=np.int16) for block in blocks]
    centre = np.concatenate([m[block["centre"]] for m, block in zip(maps, blocks, strict=True)])
    ligand = np.concatenate([m[block["ligand"]] for m, block in zip(maps, blocks, strict=True)])
    counts = np.zeros((len(centre), len(names)), dtype=np.int64)
    at = 0
    for m, block in zip(maps, blocks, strict=True):
        counts[at : at + len(block["counts"]), m] = block["counts"]
        at += len(block["counts"])
    return sorted_kinds(names, centre, ligand, counts)


def _unit_fractions(kinds: Sequence[str], share: Any, centre_species: Sequence[str]) -> dict[str, float]:
    """Share of units: share of the centres over the number of centres in a unit."""
    units = {}
    for name, part in zip(kinds, share, strict=True):
        formula = re.findall(r"([A-Z][a-z]?)(\d*)", name.split()[0])
        n_centres = sum(int(count or 1) for element, count in formula if element in centre_species)
        if name != FREE:
            units[name] = part / n_centres
    total = sum(units.values())
    return {name: float(value / total) for name, value in units.items()}
