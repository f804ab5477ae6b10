"""Which anions a thiophosphate is made of, and how long they last."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.errors import positive
from ionpath.frames import check_cutoff
from ionpath.structure import lifetimes, persistent_labels
from ionpath.structure.clusters import FREE, ClusterFinder, Frame, number_kinds, sorted_kinds
from ionpath_mdanalysis import _checks
from ionpath_mdanalysis._accumulating import block_error
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import Options, StructureAnalysis, cell_now, check_species, symbols_of


class _Kinds:
    """Kinds of the units of centres and ligands, numbered as they are met, and counts of units, frame by frame."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._rows: list[tuple[Any, Any, Any]] = []

    def add(self, frames: list[Frame]) -> None:
        self._names, *rows = number_kinds(frames, self._names)
        self._rows.append((rows[0], rows[1], rows[2]))

    def state(self) -> tuple[tuple[str, ...], list[tuple[Any, Any, Any]]]:
        return self._names, self._rows

    def merge(self, state: tuple[tuple[str, ...], list[tuple[Any, Any, Any]]]) -> None:
        self._names = tuple(dict.fromkeys((*self._names, *state[0])))
        place = np.array([self._names.index(name) for name in state[0]], dtype=np.int16)
        for centre, ligand, counts in state[1]:
            moved = np.zeros((len(counts), len(self._names)), dtype=np.int64)
            moved[:, place[: counts.shape[1]]] = counts
            self._rows.append((place[centre], place[ligand], moved))

    def result(self) -> tuple[tuple[str, ...], Any, Any, Any]:
        """Names of the kinds, that with most centres first; kinds of centres and ligands; counts of units."""
        counts = np.zeros((sum(len(row[2]) for row in self._rows), len(self._names)), dtype=np.int64)
        at = 0
        for row in self._rows:
            counts[at : at + len(row[2]), : row[2].shape[1]] = row[2]
            at += len(row[2])
        centre, ligand = (np.concatenate([row[k] for row in self._rows]) for k in (0, 1))
        return sorted_kinds(self._names, centre, ligand, counts)


@typed
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
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

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
        **options: Unpack[Options],
    ) -> None:
        _checks.check_group(atoms, "atoms")
        groups = {"atoms": atoms}
        if ligands is not None:
            _checks.check_group(ligands, "ligands")
            groups = {"atoms": atoms - ligands, "ligands": ligands}  # no atom twice
        symbols = {name: symbols_of(group, name) for name, group in groups.items()}
        *_, ends_among = symbols
        centres = check_species(centre_species, symbols["atoms"], "atoms")
        ends = check_species(ligand_species, symbols[ends_among], ends_among)
        positive("persistence", persistence, "ps", zero=True)
        check_cutoff(max(bond, centre_bond), cell_now(atoms), "bond")
        parameters = {
            "centre_species": centres, "ligand_species": ends, "bond": bond, "centre_bond": centre_bond,
            "persistence": persistence,
        }  # fmt: skip
        super().__init__(groups, parameters, **options)
        everything = [symbol for group in symbols.values() for symbol in group]
        self._finder = ClusterFinder(everything, centres=centres, ligands=ends, bond=bond, centre_bond=centre_bond)

    def _empty(self) -> _Kinds:
        return _Kinds()

    def _add(self, sums: _Kinds, chunk: Chunk) -> None:
        sums.add([self._finder.frame(positions, cell) for _, positions, cell in self._frames_of(chunk)])

    def _fill(self, sums: _Kinds) -> None:
        kinds, centre, ligand, counts = sums.result()
        if self.parameters["persistence"] > 0 and len(centre) > 1:
            least = int(np.ceil(self.parameters["persistence"] / self.frame_time - 1e-3))
            centre = persistent_labels(centre, least).astype(np.int16)
            ligand = persistent_labels(ligand, least).astype(np.int16)
        per_frame = np.stack([(centre == k).mean(axis=1) for k in range(len(kinds))], axis=1)
        blocks = np.array_split(per_frame, min(self._n_blocks, len(per_frame)))
        error = block_error(np.array([block.mean(axis=0) for block in blocks]))
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

    @figure()
    def plot(self, ax: Any = None) -> Any:
        """Plot the share of the centres in each kind of unit against time."""
        r = self.results
        for k, name in enumerate(r.kinds):
            if name in r.centre_fractions:
                ax.plot(self.times, (r.centre_kind == k).mean(axis=1), label=name)
        ax.set(xlabel="time (ps)", ylabel="share of the centres", ylim=(-0.02, 1.02))
        ax.legend(fontsize="small")

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
