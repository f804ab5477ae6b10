"""``ionpath analyze``: path entropy, first-passage times, diffusion and conductivity of one trajectory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, require
from ionpath.estimate import Estimate
from ionpath.files import atomic_path
from ionpath_cli.options import parser
from ionpath_cli.record import Figure, Quantity, Record

EXAMPLE = """
  ionpath build --supercell 2 2 2 -o sites.cif
  ionpath analyze structure.extxyz trajectory.xtc --sites sites.cif --temperature 600 -o results/LPSCl
  ionpath report results
"""
INSTALL = 'pip install "ionpath[mdanalysis]"'


def main(argv: list[str]) -> int:
    """Run ``ionpath analyze``."""
    arguments = parser(
        "analyze", "Analyse one trajectory and leave numbers, tables and figures in a folder.", EXAMPLE
    )
    arguments.add_argument(
        "structure", type=Path, help="topology: any file that MDAnalysis reads with elements"
    )
    arguments.add_argument("trajectory", type=Path, help="trajectory that MDAnalysis reads")
    arguments.add_argument("--temperature", type=float, required=True, help="of the trajectory, K")
    arguments.add_argument(
        "--sites",
        type=Path,
        help="crystal of the trajectory's size with every lithium site; default: the cages of an argyrodite, else "
        "sites found in the density",
    )
    arguments.add_argument("--mobile", default="element Li", help="selection; default 'element Li'")
    arguments.add_argument("--lag-time", type=float, default=1.0, help="of the Markov model, ps; default 1")
    arguments.add_argument("--label", help="name in the report; default: the output folder's")
    arguments.add_argument("-o", "--output", type=Path, default=Path("results"), help="default results")
    options = arguments.parse_args(argv)
    record = analyse(
        options.structure,
        options.trajectory,
        options.output,
        temperature=options.temperature,
        sites=options.sites,
        mobile=options.mobile,
        lag_time=options.lag_time,
        label=options.label or options.output.name,
    )
    for quantity in record.quantities:
        print(f"{quantity.name:44} {quantity.estimate}")
    for note in record.notes:
        print(f"note: {note}")
    return 0


def analyse(
    structure: Path,
    trajectory: Path,
    folder: Path,
    *,
    temperature: float,
    sites: Path | None = None,
    mobile: str = "element Li",
    lag_time: float = 1.0,
    label: str = "",
    progress: bool = True,
) -> Record:
    """Analyse one trajectory."""
    for name, path in (("structure", structure), ("trajectory", trajectory), ("sites", sites)):
        if path is not None and not path.exists():
            raise InputError(name, need="an existing file", got=str(path), remedy="check the path")
    mda = require("MDAnalysis", purpose="reading trajectories", install=INSTALL)
    universe = mda.Universe(str(structure), str(trajectory))
    ions = universe.select_atoms(mobile)
    record = Record(label or folder.name, parameters={"temperature": temperature, "lag_time": lag_time})
    _transport(universe, ions, temperature, folder, record, progress)
    _kinetics(universe, ions, _shells(universe, mobile, sites, record), lag_time, folder, record, progress)
    record.save(folder)
    return record


def _shells(universe: Any, mobile: str, sites: Path | None, record: Record) -> Any:
    from MDAnalysis.analysis.path_entropy import CoordinationShells

    from ionpath.lattice import NotArgyrodite

    if sites is None:
        try:
            return CoordinationShells.for_argyrodite(universe, mobile)
        except NotArgyrodite as error:
            record.notes.append(f"{error}. The sites are maxima of the density of the ions.")
            return CoordinationShells.from_density(universe, mobile)
    io = require("ase.io", purpose="reading the crystal with the sites", install='pip install "ionpath[ase]"')
    element = str(universe.select_atoms(mobile).elements[0])
    return CoordinationShells.from_structure(io.read(sites), mobile=element)


def _kinetics(
    universe: Any, ions: Any, shells: Any, lag_time: float, folder: Path, record: Record, progress: bool
) -> None:
    from MDAnalysis.analysis.path_entropy import PathEntropy

    from ionpath.errors import DisconnectedError

    try:
        paths = PathEntropy(ions, shells=shells, lag_time=lag_time, verbose=progress).run()
    except DisconnectedError as error:
        record.notes.append(f"{error}. What follows is of the largest connected set of states.")
        paths = PathEntropy(ions, shells=shells, lag_time=lag_time, connected="largest", verbose=progress)
        paths.run()
    r = paths.results
    u = r.uncertainty
    record.quantities.extend(
        [
            Quantity("path entropy, all pairs", u.total, f"{len(r.path_entropy)} states, pooled over ions"),
            Quantity("path entropy, mean per pair", u.mean_per_pair, "compares shells of different size"),
            Quantity("path entropy, escape from the cage", u.escape, "sum over vertices"),
        ]
    )
    _passage(paths, record)
    between = float(100.0 * r.unassigned_fraction)
    record.quantities.append(
        Quantity(
            "frames between sites", Estimate(between, 0.0, between, between, "%"), "the ion keeps its site"
        )
    )
    record.notes.append(str(r.verdict))
    record.notes.append(
        f"Lag {r.lag_time:g} ps. State 0 is every place outside the cage; 1 to 6 are its vertices from top to bottom."
    )
    paths.save(folder / "path-entropy.npz")
    with atomic_path(folder / "pairs.csv") as part:
        paths.to_dataframe().to_csv(part)
    for plot, key, file, caption in (
        (paths.plot_path_entropy, "Path entropy", "path-entropy.png",
         "Entropy of the distribution over paths from row to column, J/mol/K."),
        (paths.plot_mfpt, "First-passage times", "mfpt.png", "Mean first-passage time from row to column, ps."),
        (paths.plot_occupancy, "Where lithium is", "occupancy.png", "Occupancy of the sites."),
        (paths.plot_implied_timescales, "Is the lag long enough?", "timescales.png",
         "Implied timescales against the lag: flat where the model is Markovian."),
    ):  # fmt: skip
        _draw(plot, key, file, folder, record, caption)


def _passage(paths: Any, record: Record) -> None:
    from ionpath.kinetics import mfpt_matrix, resampled_chains

    r, connected = paths.results, paths.results.connected
    chains = resampled_chains(r.runs, r.lag, n_states=r.runs.n_states, n_samples=50, connected=connected)
    times = [mfpt_matrix(chain, frame_time=paths.frame_time) for chain in (chains.best, *chains.samples)]
    for name, columns in (("between vertices of a cage", slice(1, None)), ("out of the cage", slice(0, 1))):
        blocks = [t[1:, columns] for t in times]
        if (blocks[0][np.isfinite(blocks[0])] > 0).any():
            record.quantities.append(Quantity(f"first passage {name}", _mean_time(blocks), "mean"))
        else:
            record.notes.append(
                f"No passage {name} and back was seen at this lag, so there is no time for it."
            )


def _transport(
    universe: Any, ions: Any, temperature: float, folder: Path, record: Record, progress: bool
) -> None:
    from MDAnalysis.analysis.ion_transport import IonDiffusion

    run = IonDiffusion(ions, temperature=temperature, verbose=progress).run()
    r = run.results
    record.quantities.extend(
        [
            Quantity("diffusion coefficient", r.diffusion_coefficient, "tracer"),
            Quantity("conductivity (Nernst-Einstein)", r.conductivity, f"at {temperature:g} K"),
            Quantity("Haven ratio", r.haven_ratio),
        ]
    )
    record.notes.append(str(r.verdict))
    run.save(folder / "diffusion.npz")
    with atomic_path(folder / "msd.csv") as part:
        run.to_dataframe().to_csv(part)
    _draw(run.plot, "Mean squared displacement", "msd.png", folder, record,
          "Displacement of lithium against time, with the window of the fit.")  # fmt: skip


def _draw(plot: Any, key: str, file: str, folder: Path, record: Record, caption: str) -> None:
    pyplot = require("matplotlib.pyplot", purpose="figures", install=INSTALL)
    figure, ax = pyplot.subplots(figsize=(5.2, 3.9), layout="constrained")
    plot(ax=ax)
    with atomic_path(folder / file) as part:
        figure.savefig(part, dpi=150)
    pyplot.close(figure)
    record.figures.append(Figure(key, file, caption))


def _mean_time(times: list[Any]) -> Estimate:
    """Mean over pairs of the best chain (first), and its spread over chains that were resampled over ions."""
    means = np.array([_mean(t) for t in times])
    spread = means[1:][np.isfinite(means[1:])]
    low, high = np.percentile(spread, [2.5, 97.5])
    return Estimate(float(means[0]), float(spread.std(ddof=1)), float(low), float(high), "ps")


def _mean(times: Any) -> float:
    known = times[np.isfinite(times) & (times > 0)]
    return float(known.mean()) if known.size else float("nan")
