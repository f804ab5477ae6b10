"""Distortion of tetrahedra, and the configurational entropies that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Literal, Unpack

import numpy as np

from ionpath.arguments import typed
from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.disorder import (
    EntropyComparison,
    compare_entropies,
    jackknife_error,
    shannon_entropy,
    support_entropy,
    tetrahedral_distortion,
)
from ionpath.errors import InputError, positive, warn
from ionpath.sums import Sums
from ionpath_mdanalysis._base import Chunk
from ionpath_mdanalysis._display import figure
from ionpath_mdanalysis.anion_disorder._structure import Options
from ionpath_mdanalysis.anion_disorder.tilt import TetrahedronAnalysis
from ionpath_mdanalysis.path_entropy import PathEntropy

Measure = Literal["sd", "q", "rmsd"]
Mode = Literal["correct", "published"]

_BINS = {"sd": (-5.5, 5.5, 0.05), "published": (0.0, 5.5, 0.05), "q": (-3.0, 1.01, 0.002), "rmsd": (0.0, 2.0, 0.005)}
"""Range and width of the bins of each measure; widths of the last two in proportion to their spread."""

ORIENTATION_TOLERANCE = 0.1
"""Difference in the mean of x^4 + y^4 + z^4 of the bond directions that means another orientation."""


class _Distortions(Sums):
    """The measure of every tetrahedron in every frame, and the sum over frames of the anisotropy of bonds."""

    _adding = ("rows", "anisotropy")

    def __init__(self, measure: Measure, mode: Mode) -> None:
        self._measure = partial(tetrahedral_distortion, measure=measure, mode=mode)
        self.rows: list[Any] = []
        self.anisotropy = 0.0

    def add(self, vectors: Floats) -> None:
        self.rows.append(self._measure(vectors).astype(np.float32))
        squares = (vectors**2).sum(axis=-1)
        self.anisotropy += float(((vectors**4).sum(axis=-1) / squares**2).mean(axis=(1, 2)).sum())


@typed
@references("guan2024", "errington2001", "miller1955")
class TetrahedralDistortion(TetrahedronAnalysis):
    """Distortion of every tetrahedron in every frame, and its entropies.

    Parameters
    ----------
    centres : AtomGroup
        Central atoms, P or Si or both.
    ligands : AtomGroup, optional
        Possible ligands; default: all anions of the universe. Each centre must have four within `cutoff` in the
        first frame, and keeps them.
    measure : {"sd", "q", "rmsd"}
        ``"sd"``: PLUMED's TETRAHEDRAL, which depends on the orientation; ``"q"`` (Errington and Debenedetti) and
        ``"rmsd"`` (from the best perfect tetrahedron, in A) do not.
    mode : {"correct", "published"}
        ``"published"``, for ``"sd"``: absolute components and unclamped weights, as the entropies of Guan et al. were
        made.
    rotation : float or array_like, optional
        How the crystal lies in the box: angle in degrees by which its axes are turned about z, or its axes as
        rows; default: along the box. The published boxes are turned by 45 degrees, and the published entropies are
        those in the frame of the box: use ``rotation=45`` to see a crystal along the box in such a frame.
    bin_width : float, optional
        Width of the bins of the entropies; default: 0.05 for sd, 0.002 for q, 0.005 A for rmsd.
    cutoff : float, default 3.0
        Longest bond in the first frame, in A.
    **options
        ``n_blocks``, ``frame_time``, ``chunk_frames``, ``verbose``: see `StructureAnalysis`.

    Attributes
    ----------
    results.distortion : ndarray of float32, (n_frames, n_tetrahedra)
        The measure. It grows with the frames, since entropies are compared at equal numbers of samples: 4 bytes per
        tetrahedron and frame.
    results.mean, results.std : float
        Mean and standard deviation over all.
    results.support_entropy, results.support_entropy_error : float
        R ln W with the number W of bins that occur, and its standard error, in J/mol/K. It grows with
        ``results.n_samples``.
    results.shannon_entropy, results.shannon_entropy_error : float
        Shannon entropy with the correction of Miller and Madow, and its standard error, in J/mol/K.
    results.n_samples : int
        Tetrahedra times frames.
    results.orientation : float
        Mean of x^4 + y^4 + z^4 of the bond directions in the frame of the crystal: 0.333 for bonds along (111), 0.556
        when these are turned by 45 degrees about z, 0.6 for all directions alike.

    Raises
    ------
    InputError
        If a centre has not four ligands, or measure and mode do not go together.

    Notes
    -----
    Entropies of two systems are compared by `compare_disorder`, at equal numbers of samples and equal orientation.
    """

    def __init__(
        self,
        centres: Any,
        ligands: Any = None,
        *,
        measure: Measure = "sd",
        mode: Mode = "correct",
        rotation: Any = None,
        bin_width: float | None = None,
        cutoff: float = 3.0,
        **options: Unpack[Options],
    ) -> None:
        tetrahedral_distortion(np.eye(4, 3) - 0.25, measure=measure, mode=mode)  # refuses bad names
        if bin_width is not None:
            positive("bin_width", bin_width)
        lower, upper, width = _BINS["published" if mode == "published" else measure]
        parameters = {
            "measure": measure, "mode": mode, "bin_width": width if bin_width is None else float(bin_width),
            "lower": lower, "upper": upper,
        }  # fmt: skip
        super().__init__(centres, ligands, parameters, cutoff=cutoff, rotation=rotation, **options)

    def _empty(self) -> _Distortions:
        return _Distortions(self.parameters["measure"], self.parameters["mode"])

    def _add(self, sums: _Distortions, chunk: Chunk) -> None:
        sums.add(self._bonds(chunk))

    def _fill(self, sums: _Distortions) -> None:
        values, p = np.concatenate(sums.rows), self.parameters
        bins = {"lower": p["lower"], "upper": p["upper"]}
        entropies: dict[str, Callable[[Any], float]] = {
            "support": partial(
                support_entropy, widths=tuple(p["bin_width"] * factor for factor in (1.0, 1.05, 1.1)), **bins
            ),
            "shannon": partial(shannon_entropy, width=p["bin_width"], **bins),
        }
        self.results.update(
            distortion=values,
            kinds=tuple(map(str, self._tetrahedron_kinds)),
            mean=float(values.mean(dtype=np.float64)),
            std=float(values.std(dtype=np.float64)),
            n_samples=int(values.size),
            orientation=sums.anisotropy / len(values),
        )
        n_blocks = min(self._n_blocks, len(values))
        for name, entropy in entropies.items():
            self.results[f"{name}_entropy"] = entropy(values)
            self.results[f"{name}_entropy_error"] = (
                jackknife_error(values, entropy, n_blocks=n_blocks) if n_blocks > 1 else float("nan")
            )

    @figure()
    def plot(self, ax: Any = None, **line: Any) -> Any:
        """Plot the distribution of the measure; `line` goes to matplotlib, for example ``label=``."""
        p = self.parameters
        edges = np.arange(p["lower"], p["upper"], p["bin_width"])
        counts = np.histogram(self.results.distortion, edges)[0]
        seen = np.flatnonzero(counts)
        shown = slice(max(seen[0] - 2, 0), seen[-1] + 3)
        density = counts / counts.sum() / p["bin_width"]
        ax.stairs(density[shown], edges[shown.start : shown.start + len(density[shown]) + 1], **line)
        ax.set(xlabel={"sd": "s_d", "q": "q", "rmsd": "RMSD (Å)"}[p["measure"]], ylabel="density")
        if "label" in line:
            ax.legend()

    def _table(self) -> dict[str, Any]:
        values = self.results.distortion
        return {
            "tetrahedron": np.arange(values.shape[1]),
            "kind": list(self.results.kinds),
            "mean": values.mean(axis=0, dtype=np.float64),
            "std": values.std(axis=0, dtype=np.float64),
            "units": {"mean": "A", "std": "A"} if self.parameters["measure"] == "rmsd" else {},
        }


@typed
@references("guan2024", "miller1955")
def compare_disorder(
    analyses: Mapping[str, TetrahedralDistortion],
    *,
    paths: Mapping[str, PathEntropy] | None = None,
    n_samples: int | None = None,
    n_blocks: int = 10,
    check_orientation: bool = True,
) -> EntropyComparison:
    """Compare the entropies of several systems at equal numbers of samples and equal orientation.

    Parameters
    ----------
    analyses : mapping of str to TetrahedralDistortion
        Analyses that were run or loaded, by the names of the systems.
    paths : mapping of str to PathEntropy, optional
        Finished path entropies of the same systems, which then stand beside those of the anions as means per pair.
    n_samples : int, optional
        Samples taken from each; default: as many as the smallest has. A warning says what was left out.
    n_blocks : int, default 10
        Blocks of time for the errors.
    check_orientation : bool, default True
        Refuse systems whose tetrahedra lie differently on average. Free rotation looks like that too: where the
        crystals are known to lie alike, pass False.

    Returns
    -------
    EntropyComparison
        Both entropies of every system, and with `paths` the path entropy per pair: ``.rows()`` for a table,
        ``.sentence`` for whether it rises with disorder.

    Raises
    ------
    InputError
        If measures or bins differ, tetrahedra lie in different orientations and the measure depends on it, or `paths`
        are of other systems, of different definitions or published totals.

    Warns
    -----
    UserWarning
        If numbers of samples differ, so that the longer ones are cut into pieces of the same number.
    """
    beside = _path_entropies(tuple(analyses), paths) if paths is not None else {}
    if len(analyses) < 2:
        raise InputError("analyses", need="at least two", got=str(len(analyses)), remedy="pass a dict of them")
    for analysis in analyses.values():
        analysis._require_results()
    first_name, first = next(iter(analyses.items()))
    for name, other in analyses.items():
        for key in ("measure", "mode", "bin_width"):
            if other.parameters[key] != first.parameters[key]:
                need = f"{first.parameters[key]!r} as in {first_name}"
                remedy = "run both with the same settings"
                raise InputError(f"{key} of {name}", need=need, got=repr(other.parameters[key]), remedy=remedy)
        apart = abs(other.results.orientation - first.results.orientation)
        if check_orientation and first.parameters["measure"] == "sd" and apart > ORIENTATION_TOLERANCE:
            raise InputError(
                f"orientation of {name}",
                need=f"tetrahedra that lie as in {first_name} (anisotropy {first.results.orientation:.3f})",
                got=f"{other.results.orientation:.3f}",
                remedy="turn one of them with TetrahedralDistortion(..., rotation=...), or take measure='q' or 'rmsd' "
                "in both",
            )
    sizes = {name: a.results.n_samples for name, a in analyses.items()}
    if n_samples is None and len(set(sizes.values())) > 1:
        warn(
            f"numbers of samples differ ({', '.join(f'{k}: {v}' for k, v in sizes.items())}); entropies are "
            f"compared at {min(sizes.values())} samples each"
        )
    p = first.parameters
    orientation = f"anisotropy {first.results.orientation:.2f}"
    both = compare_entropies(
        {name: a.results.distortion for name, a in analyses.items()},
        orientations=dict.fromkeys(analyses, orientation) if p["measure"] == "sd" else None,
        n_samples=n_samples,
        width=p["bin_width"],
        lower=p["lower"],
        upper=p["upper"],
        n_blocks=n_blocks,
    )
    return replace(both, **beside)


def _path_entropies(names: tuple[str, ...], paths: Mapping[str, PathEntropy]) -> dict[str, Any]:
    """Means per pair of all systems in the unit of the other entropies, and over how many pairs they are."""
    if set(names) != set(paths):
        got = ", ".join(map(str, paths)) or "none"
        remedy = "use the same names in both"
        raise InputError("paths", need=f"a path entropy for each of {', '.join(names)}", got=got, remedy=remedy)
    found, pairs = [], []
    for name in names:
        analysis, first = paths[name], paths[names[0]]
        analysis._require_results()
        if analysis.parameters["mode"] == "published":
            need = "entropies of mode='correct', which have means per pair with errors"
            remedy = "run PathEntropy without mode="
            raise InputError(f"paths of {name}", need=need, got="mode='published'", remedy=remedy)
        for key in ("definition", "max_edges"):
            if analysis.parameters[key] != first.parameters[key]:
                need = f"{first.parameters[key]!r} as in {names[0]}"
                remedy = "run both with the same settings"
                raise InputError(f"{key} of {name}", need=need, got=repr(analysis.parameters[key]), remedy=remedy)
        n = len(analysis.results.get("connected_states") or range(analysis.results.n_states))
        found.append(analysis._sum("mean_per_pair").to("J/mol/K"))
        pairs.append(n * (n - 1))
    return {"path_entropy": tuple(found), "n_pairs": tuple(pairs)}
