"""``ionpath analyze``: path entropy, first-passage times, diffusion and conductivity of one trajectory."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ionpath.errors import InputError, MissingDependency, positive, require, whole
from ionpath.files import atomic_path
from ionpath_cli.density import density_table
from ionpath_cli.intact import read_json
from ionpath_cli.messages import LOG
from ionpath_cli.options import parser, read_atoms, write_config
from ionpath_cli.record import FILE, Figure, Quantity, Record, origin
from ionpath_cli.sites import sites_of, states_of
from ionpath_cli.trajectory import NO_DT, Given, Opened, open_trajectory, without_times
from ionpath_cli.words import error_in_words, in_words

EXAMPLE = """
  ionpath analyze XDATCAR --frame-time 0.1 --temperature 600 -o results/LPSCl
  ionpath analyze run.data run.lammpstrj --frame-time 0.1 --temperature 600
  ionpath analyze structure.extxyz trajectory.xtc --sites sites.cif \\
      --temperature 600 --json -
  ionpath report results
"""
INSTALL = 'pip install "ionpath[mdanalysis]"'
MOST_FRAMES, MOST_POINTS = 2000, 48
"""The page needs no more: of longer runs every so many frames are counted, and voxels of larger cells are larger."""
WRITTEN = (
    "path-entropy.npz", "diffusion.npz", "msd.csv", "pairs.csv", "density.json", "msd.png", "path-entropy.png",
    "mfpt.png", "occupancy.png", "timescales.png", "density.png", "analyze.toml",
)  # fmt: skip
"""Files of a record, by which a folder of somebody else is known."""
FOR_PAPERS = tuple(f"{Path(name).stem}.{kind}" for name in WRITTEN if name.endswith(".png") for kind in ("svg", "pdf"))
"""Those that ``--figures`` adds."""


def main(argv: list[str]) -> int:
    """Run ``ionpath analyze``."""
    arguments = parser("analyze", "Analyse one trajectory and leave numbers, tables and figures in a folder.", EXAMPLE)
    add = arguments.add_argument
    # fmt: off
    add("structure", type=Path, metavar="FILE", help="the trajectory, or the structure that it needs "
        "beside it: XDATCAR, extended XYZ, ASE .traj, LAMMPS dump or data, GROMACS, DCD, or what MDAnalysis reads")
    add("trajectory", type=Path, nargs="?", metavar="TRAJECTORY", help="the frames, if FILE has none")
    add("--temperature", type=float, required=True, metavar="K", help="of the trajectory")
    add("--frame-time", type=float, metavar="PS", help="time between the frames of the file, which XDATCAR, LAMMPS and "
        "others do not say")
    add("--time-unit", choices=("fs", "ps", "ns"), help="of Time in extended XYZ (GPUMD: fs)")
    add("--length-unit", choices=("A", "nm", "bohr"), default="A", help="of positions and cell, for formats that do "
        "not fix it; default A")
    add("--cell", metavar="A,B,C[,ALPHA,BETA,GAMMA]", help="lengths in A, and angles if they are not 90 degrees, of a "
        "cell that the file does not say; in place of that of the file, if it says one")
    add("--format", metavar="F", help="MDAnalysis' name of the format, if the file name does not tell")
    add("--topology-format", metavar="F", help="the same for FILE")
    add("--atom-style", metavar="STYLE", help="of a LAMMPS data file that does not say it")
    add("--elements", metavar="1=Li,2=S", help="element of each type of atoms, if the files do not say them")
    add("--unwrap", action="store_true", help="positions were wrapped into the cell again on the way: follow the ions "
        "by shortest steps, which is decided by the first frames otherwise")
    add("--mobile", default="element Li", metavar="SELECTION", help="the ions that move; default 'element Li'")
    add("--framework", metavar="SELECTION", help="the atoms that stay; default: all others")
    add("--charge", type=float, metavar="E", help="of a mobile ion; default: the formal one of its element")
    add("--start", type=int, metavar="N", help="first frame, counted from 0")
    add("--stop", type=int, metavar="N", help="frame to stop before")
    add("--step", type=int, metavar="N", help="take every Nth frame")
    add("--sites", type=Path, metavar="CRYSTAL", help="crystal with every site of the ions, as large as the trajectory "
        "or with --repeats; default: the cages of an argyrodite, else sites found in the density")
    add("--repeats", type=int, nargs=3, metavar="N", help="cells of --sites along each vector, or equivalent cells "
        "over which the density of the ions is averaged; default: 1 1 1, or as the framework repeats")
    add("--separation", type=float, metavar="A", help="least distance of two sites of the density; default 2.2")
    add("--fold", choices=("translations", "symmetry", "cages", "none"), help="sites without "
        "cages that are one state: those that a translation takes to each other (default), or a symmetry of the "
        "crystal; those near each other; or each its own")
    add("--lag-time", type=float, default=1.0, metavar="PS", help="of the Markov model; default 1")
    add("--label", help="name in the report, which averages runs of one name, for example other arrangements of "
        "one composition; default: that of the folder")
    add("--figures", choices=("svg", "pdf"), help="the figures in this format, too, for a paper")
    add("--json", metavar="FILE", help="write the results there, too; - for standard output and nothing else")
    add("-o", "--output", type=Path, default=Path("results"), metavar="FOLDER", help="default results")
    # fmt: on
    options = arguments.parse_args(argv)
    for name in ("temperature", "lag_time", *["separation"] * (options.separation is not None)):
        positive(f"--{name.replace('_', '-')}", getattr(options, name))
    for number in options.repeats or ():
        whole("--repeats", number)
    if options.sites and options.separation is not None:
        need, remedy = "sites that are looked for in the density", "leave one of the two out"
        raise InputError("--separation", need=need, got="--sites", remedy=remedy)
    _check_output(options.output, options.json, [options.structure, options.trajectory, options.sites])
    given = Given(**{name: getattr(options, name) for name in Given.__dataclass_fields__})
    names = ("temperature", "sites", "repeats", "separation", "fold", "lag_time", "unwrap")
    asked = {name: getattr(options, name) for name in names}
    made = {"command": shlex.join(["ionpath", "analyze", *argv]), "figures": options.figures}
    label = options.label or options.output.resolve().name
    record = analyse(given, options.output, label=label, progress=LOG.isEnabledFor(20), made=made, **asked)
    write_config(options.output / "analyze.toml", arguments, options)
    text = json.dumps(record.as_dict(), indent=1, allow_nan=False)
    if options.json == "-":
        print(text)
        return 0
    if options.json:
        with atomic_path(options.json) as part:
            part.write_text(text, encoding="utf-8")
    for quantity in record.quantities:
        print(f"{quantity.name:44} {quantity.estimate}")
    for note in record.notes:
        print(f"note: {note}")
    LOG.info("tables and figures are in %s; one page of them: ionpath report %s", options.output, options.output)
    return 0


def _check_output(folder: Path, json_file: str | None, inputs: Sequence[Path | None]) -> None:
    """Refuse, before anything is read, a place for results that cannot be written to or that holds something else."""
    part = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not part.is_dir():
        remedy = "name another, for example -o results"
        raise InputError("--output", need="a folder", got=f"{part}, which is a file", remedy=remedy)
    others = [name for name in (FILE, *WRITTEN, *FOR_PAPERS) if (folder / name).exists()]
    mine = _is_record(folder / FILE) or (FILE not in others and (folder / "diffusion.npz").exists())
    if others and not mine:
        got = f"{others[0]} in {folder}"
        remedy = "move it away, or name another, for example -o results"
        raise InputError("--output", need="a folder without files of the names of results", got=got, remedy=remedy)
    if json_file in (None, "-"):
        return
    target = Path(str(json_file))
    same = target.exists() and any(one is not None and one.exists() and target.samefile(one) for one in inputs)
    if same or target.is_dir() or (target.exists() and not _is_record(target)):
        got = f"{target}, which is {'a folder' if target.is_dir() else 'an input' if same else 'something else'}"
        raise InputError("--json", need="a new file, or one that this command wrote", got=got, remedy="name another")


def _is_record(path: Path) -> bool:
    content = read_json(path)
    return isinstance(content, dict) and "quantities" in content


def analyse(
    given: Given,
    folder: Path,
    *,
    temperature: float,
    sites: Path | None = None,
    repeats: Sequence[int] | None = None,
    separation: float | None = None,
    fold: str | None = None,
    lag_time: float = 1.0,
    unwrap: bool = False,
    label: str = "",
    progress: bool = True,
    made: Mapping[str, Any] | None = None,
) -> Record:
    """Analyse one trajectory, which `made` says the origin of; what cannot be found stands in the notes, with why."""
    crystal = None if sites is None else read_atoms(sites)
    opened = open_trajectory(given)
    parameters = origin(**{"command": "ionpath_cli.analyze.analyse", **(made or {})})
    parameters |= {"temperature": temperature, "lag_time": lag_time, "sites": sites and str(sites), **opened.facts}
    record = Record(label or folder.name, parameters=parameters, notes=list(opened.notes))
    from ionpath_cli.cli import options_of

    with without_times():
        _transport(opened, temperature, unwrap, folder, record, progress)
        try:
            _density(opened, folder, record, progress)
        except InputError as error:  # of a cell that is too large for a grid, or of none
            record.notes.append(f"No density. {error_in_words(error, options_of('analyze', []))}")
        try:
            with _noting(record):
                shells = sites_of(opened, crystal, record, repeats=repeats, separation=separation, fold=fold)
                _kinetics(opened, shells, lag_time, folder, record, progress)
        except InputError as error:
            record.notes.append(f"No path entropy. {error_in_words(error, options_of('analyze', []))}")
    record.notes[:] = [in_words(note, options_of("analyze", [])) for note in record.notes]
    record.save(folder)
    return record


@contextmanager
def _noting(record: Record) -> Iterator[None]:
    """Put what is warned of among the notes: it is about the numbers, and belongs beside them."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        finally:
            said = [f"{one.message}." for one in seen if one.category is UserWarning and NO_DT not in str(one.message)]
            record.notes.extend(note for note in dict.fromkeys(said) if note not in record.notes)


def _kinetics(opened: Opened, shells: Any, lag_time: float, folder: Path, record: Record, progress: bool) -> None:
    from MDAnalysis.analysis.path_entropy import PathEntropy, SiteNetwork

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*they are left out", UserWarning)  # a note of the record
        paths = PathEntropy(
            opened.ions, shells=shells, lag_time=lag_time, frame_time=opened.frame_time, verbose=progress
        ).run(**opened.frames)
    r = paths.results
    if r.excluded_states:
        record.notes.append(f"{r.connected_reason[0].upper()}{r.connected_reason[1:]}.")
    if r.symmetry is not None:
        record.notes.append(f"Symmetry of the states: {r.symmetry}{', and are averaged over them' * r.symmetry.used}.")
    u = r.uncertainty
    states = [int(state) for state in r.connected_states]
    pairs = len(states) * (len(states) - 1)
    record.parameters.update(states=len(r.path_entropy), connected_states=states, pairs=pairs, lag=int(r.lag))
    # The name of a sum holds the number of its terms, so that sums over different numbers never share a row.
    kind = f"{pairs} ordered pairs of {len(states)} states"
    judged = str(r.verdict), bool(r.verdict)
    record.quantities.append(Quantity("path entropy, mean per pair", u.mean_per_pair, kind, *judged))
    sums = "compare with sums over as many terms only"
    record.quantities.append(Quantity(f"path entropy, all {pairs} pairs", u.total, sums, *judged))
    network = isinstance(shells, SiteNetwork)
    outside = "without a site" if network else "outside the cage"
    names = ("between states", "") if network else ("between vertices of a cage", "out of the cage")
    if 0 in states:
        name = f"path entropy, escape from {len(states) - 1} sites"
        record.quantities.append(Quantity(name, u.escape, f"into the state {outside}", *judged))
    _passage(paths, record, names)
    between = float(100.0 * r.unassigned_fraction)
    record.notes.append(str(r.verdict))
    record.notes.append(
        f"Lag {r.lag_time:g} ps. {states_of(shells, r.labels)} An ion that is between sites, {between:.2g} % of the "
        "time, counts for its last one."
    )
    paths.save(folder / "path-entropy.npz")
    with atomic_path(folder / "pairs.csv") as part:
        paths.to_dataframe().to_csv(part)
    for plot, key, file, caption in (
        (paths.plot_path_entropy, "Path entropy", "path-entropy.png",
         "Entropy of the distribution over paths from row to column, J/mol/K."),
        (paths.plot_mfpt, "First-passage times", "mfpt.png", "Mean first-passage time from row to column, ps."),
        (paths.plot_occupancy, "Where the ions are", "occupancy.png", "Occupancy of the sites."),
        (paths.plot_implied_timescales, "Is the lag long enough?", "timescales.png",
         "Implied timescales against the lag: flat where the model is Markovian."),
    ):  # fmt: skip
        _draw(plot, key, file, folder, record, caption)


def _passage(paths: Any, record: Record, names: tuple[str, str]) -> None:
    r = paths.results
    for name, time in zip(names, (r.mfpt_between_vertices, r.mfpt_to_external), strict=True):
        if name and np.isfinite(time.value):
            judged = str(r.verdict), bool(r.verdict)
            record.quantities.append(Quantity(f"first passage {name}", time, "mean", *judged))
        elif name:
            record.notes.append(f"No passage {name} and back was seen at this lag, so there is no time for it.")


def _transport(opened: Opened, temperature: float, unwrap: bool, folder: Path, record: Record, progress: bool) -> None:
    from MDAnalysis.analysis.ion_transport import IonDiffusion

    seen: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always", UserWarning)
            rest = opened.framework if len(opened.framework) else None
            about = {"temperature": temperature, "charge": opened.charge, "frame_time": opened.frame_time}
            run = IonDiffusion(opened.ions, rest, unwrap=unwrap or None, verbose=progress, **about).run(**opened.frames)
    except InputError:  # there will be no record of what was said
        for one in seen:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        raise
    said = [one for one in seen if one.category is UserWarning and NO_DT not in str(one.message)]
    record.notes.extend(f"{one.message}." for one in said)
    r = run.results
    record.parameters.update(frames=int(run.n_frames), picoseconds=float(run.times[-1] - run.times[0]))
    judged = str(r.verdict), math.isfinite(r.diffusion_coefficient.value)
    record.quantities.extend(
        [
            Quantity("diffusion coefficient", r.diffusion_coefficient, "tracer", *judged),
            Quantity("conductivity (Nernst-Einstein)", r.conductivity, f"at {temperature:g} K", *judged),
            Quantity("Haven ratio", r.haven_ratio, "", *judged),
        ]
    )
    record.notes.append(str(r.verdict))
    _clear(folder)
    run.save(folder / "diffusion.npz")
    with atomic_path(folder / "msd.csv") as part:
        run.to_dataframe().to_csv(part)
    _draw(run.plot, "Mean squared displacement", "msd.png", folder, record,
          "Displacement of the ions against time, with the window of the fit.")  # fmt: skip


def _clear(folder: Path) -> None:
    """Remove what an earlier analysis left: not all of it would be replaced, and a kill would leave some of each."""
    options = {"analyze.toml"}  # which the command may have been called with
    for name in {FILE, *WRITTEN, *FOR_PAPERS} - options:
        (folder / name).unlink(missing_ok=True)


def _density(opened: Opened, folder: Path, record: Record, progress: bool) -> None:
    """Where the ions are, from a part of a long run: a picture, and a grid for the page."""
    from MDAnalysis.analysis.ion_transport import IonDensity

    frames = dict(opened.frames)
    frames["step"] = (frames.get("step") or 1) * max(1, record.parameters["frames"] // MOST_FRAMES)
    rest = opened.framework if len(opened.framework) else None
    box = opened.ions.dimensions
    spacing = 0.25 if box is None else max(0.25, float(max(box[:3])) / MOST_POINTS)  # A
    run = IonDensity(opened.ions, rest, spacing=spacing, frame_time=opened.frame_time, verbose=progress).run(**frames)
    level = run.results.percolation.threshold
    caption = (
        f"Density of the ions in units of its mean, {run.n_frames} frames. "
        f"It is connected up to {level:.2g}, in voxels of {spacing:.2g} Å."
    )
    with (
        contextlib.suppress(MissingDependency),
        atomic_path(folder / "density.json") as part,
    ):  # plotly averages the grid
        part.write_text(json.dumps(density_table(run), allow_nan=False, separators=(",", ":")), encoding="utf-8")
    _draw(run.plot, "Density of the ions", "density.png", folder, record, caption)


def _draw(plot: Any, key: str, file: str, folder: Path, record: Record, caption: str) -> None:
    pyplot = require("matplotlib.pyplot", purpose="figures", install=INSTALL)
    vector = record.parameters.get("figures")
    with pyplot.rc_context({"figure.figsize": (5.2, 3.9)}):
        figure = plot().figure
    for name in [file, *([f"{Path(file).stem}.{vector}"] if vector else [])]:
        with atomic_path(folder / name) as part:
            figure.savefig(part, dpi=150, format=Path(name).suffix[1:])
    pyplot.close(figure)
    record.figures.append(Figure(key, file, caption))
