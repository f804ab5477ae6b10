"""``ionpath build``: a crystal by name, by composition, or from a refined CIF, as a file that every host reads."""

from __future__ import annotations

import shlex
import warnings
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ionpath.errors import InputError, one_of, positive, require
from ionpath.files import atomic_path, sha256_of
from ionpath.plugins import available
from ionpath_cli.messages import LOG
from ionpath_cli.options import check_cif, parser, write_config

EXAMPLE = """
  ionpath build --excess 0.5 --inversion 0.75 --supercell 2 --seed 1 -o start.extxyz
  ionpath build LSPSCl --supercell 1 1 2 -o LSPSCl.lmp
  ionpath build --from refined.cif --supercell 2 --inversion 0.625 -o POSCAR
  ionpath build --grid excess --step 0.25 -o grid
"""
INSTALL = 'pip install "ionpath[pymatgen]"'
GLASSES = 'pip install "ionpath[ase]"'
FORMATS = ".extxyz, .xyz, .traj, .cif, .json, .vasp or POSCAR, .lmp or .data (LAMMPS)"
COMPOSED = "argyrodite"
EDGES = (8.0, 13.0)
"""Edges of the cubic cells of argyrodites, from oxides to telluride iodides, in A."""
MOST_POINTS = 5000
"""Structures that one grid makes."""


def main(argv: list[str]) -> int:
    """Run ``ionpath build``."""
    names = [name for name in available("structures") if not name.startswith("x=")]
    arguments = parser(
        "build",
        "Write a crystal: Li(6-x)PS(5-x)X(1+x) with given excess halide x and inversion y, another one by its name, or "
        "an ordered cell of a refined CIF.",
        EXAMPLE,
    )
    add = arguments.add_argument
    # fmt: off
    add("name", nargs="?", default=COMPOSED, help=f"{COMPOSED} (default), {', '.join(names)}, or one that "
        "`ionpath train structures --list` shows, glasses and melts among them")
    add("--from", dest="source", type=Path, metavar="FILE", help="argyrodite to start from; partial occupancies are "
        "replaced by one arrangement without filled split pairs")
    add("--halide", choices=("Cl", "Br", "I"), help="default Cl, or that of the file")
    add("--excess", type=float, metavar="X", help="excess halide x, -1 to 1; default 0, or that of the file")
    add("--inversion", type=float, metavar="Y", help="halide fraction of the free-sulfur orbit; default: least")
    add("--supercell", type=int, nargs="+", metavar="N", help="one number or three; default 1, of a grid 4")
    add("--lattice", type=float, metavar="A", help="edge of the cubic cell in A")
    add("--seed", type=int, default=0, help="seed of the arrangement")
    add("--grid", choices=("inversion", "excess"), help="all points of the literature, into the folder -o")
    add("--step", type=float, help="of the grid, one part in a whole number; default 1/32 or 1/8")
    add("-o", "--output", type=Path, default=Path("argyrodite.extxyz"), help=FORMATS + "; of a grid a folder")
    # fmt: on
    options = arguments.parse_args(argv)
    _check(options)
    host = require("pymatgen.analysis.argyrodite", purpose="building structures", install=INSTALL)
    try:
        if options.grid:
            status = _grid(host, options)
            write_config(options.output / "build.toml", arguments, options)
            return status
        note = options.output.parent / f"{options.output.name}.build.toml"
        structure = _built(host, options)
    except InputError as error:
        raise _in_words_of_the_command(error) from error
    known = note.read_text(encoding="utf-8", errors="replace") if note.is_file() else ""
    write(structure, options.output, own=lambda there: _digest(there) in known)
    write_config(note, arguments, options, more=[_digest(options.output)])
    print(f"{options.output}: {formula(structure)}, {len(structure)} atoms")
    if options.name == "LPSCl-I":
        print(
            "The potential argyrodite-lpscl-i was trained on this phase (--model argyrodite-lpscl-i); by the others "
            "its energy is some 10 meV/atom too high beside that of other phases."
        )
    return 0


def build(
    excess: float,
    inversion: float | None,
    supercell: tuple[int, int, int],
    *,
    lattice: float | None = None,
    seed: int = 0,
) -> Any:
    """Make a chloride with pymatgen's transformations."""
    host = require("pymatgen.analysis.argyrodite", purpose="building structures", install=INSTALL)
    return _composed(host.argyrodite(a=lattice, supercell=supercell, seed=seed), host, excess, inversion, seed)


def _digest(path: Path) -> str:
    """Line of the options that are kept beside a structure, by which a later call knows it for its own."""
    return f"# {path.name} is as it was written: {sha256_of(path)}"


def write(structure: Any, path: Path, own: Callable[[Path], bool] | None = None) -> None:
    """Write a structure in the format that the file name asks for; another file stays where `own` does not know it."""
    check_format(path)
    ordered = structure.get_sorted_structure(key=lambda site: _rank(site.specie.symbol))
    with atomic_path(path, own=own, argument="--output") as part:
        if "POSCAR" in path.name or path.suffix == ".vasp":
            ordered.to(filename=str(part), fmt="poscar")  # each element once, as its potential is
        elif path.suffix in (".cif", ".json"):
            structure.to(filename=str(part), fmt=path.suffix[1:])
        else:
            from pymatgen.io.ase import AseAtomsAdaptor

            atoms = AseAtomsAdaptor.get_atoms(structure, msonable=False)
            if path.suffix in (".lmp", ".data"):
                elements = list(dict.fromkeys(site.specie.symbol for site in ordered))
                atoms.write(part, format="lammps-data", specorder=elements, masses=True)
            else:
                atoms.write(part, format={".extxyz": "extxyz", ".xyz": "extxyz", ".traj": "traj"}[path.suffix])


def check_format(path: Path) -> None:
    """Refuse a file name that stands for no format, or that lies in a folder which is not there."""
    known = (".extxyz", ".xyz", ".traj", ".cif", ".json", ".vasp", ".lmp", ".data")
    if "POSCAR" not in path.name and path.suffix not in known:
        remedy = "for example -o start.extxyz"
        raise InputError("--output", need=f"a file name with {FORMATS}", got=str(path), remedy=remedy)
    if not path.parent.is_dir():
        file = path.parent.exists() or any(above.is_file() for above in path.parent.parents)
        remedy = "name another one" if file else f"mkdir -p {shlex.quote(str(path.parent))}"
        raise InputError("--output", need="an existing folder", got=str(path.parent), remedy=remedy)


def formula(structure: Any) -> str:
    """Formula per tetrahedron where there is one kind of centre, otherwise the reduced one."""
    from ionpath.elements import FORMERS

    amounts = structure.composition.element_composition.get_el_amt_dict()
    centres = [amounts[e] for e in amounts if e in FORMERS]
    if len(centres) != 1:
        return str(structure.composition.reduced_formula)
    shares = {e: amounts[e] / centres[0] for e in sorted(amounts, key=_rank)}
    if any(abs(100 * v - round(100 * v)) > 1e-6 for v in shares.values()):
        return str(structure.composition.reduced_formula)
    return "".join(e + ("" if v == 1 else f"{v:g}") for e, v in shares.items())


def _rank(element: str) -> int:
    """Cations, centres, chalcogenides, halides: the order in which formulas are written."""
    from ionpath.elements import CHALCOGENS, FORMERS, HALOGENS, MOBILE

    groups = (MOBILE, FORMERS, CHALCOGENS, HALOGENS)
    return next((10 * k + (element != "P") for k, group in enumerate(groups) if element in group), 99)


def _check(options: Namespace) -> None:
    """Refuse options that have no meaning together before anything is made."""
    if options.name not in (COMPOSED, *available("structures")) and options.name not in (names := _names()):
        one_of("name", options.name, [COMPOSED, *(name for name in names if "=" not in name)])  # not those of the grid
    if options.supercell and len(options.supercell) not in (1, 3):
        raise InputError("--supercell", need="one number or three", got=" ".join(map(str, options.supercell)))
    own = ("excess", "inversion", "lattice", "halide", "source", "grid")
    given = [o for o in own if getattr(options, o) is not None]
    if options.name != COMPOSED and given:
        flag = f"--{given[0]}".replace("--source", "--from")
        need = f"to be left out, as {options.name} has its own composition"
        raise InputError(flag, need=need, got=str(getattr(options, given[0])), remedy=f"or leave out {options.name}")
    if options.source is not None and not options.source.is_file():
        raise InputError("--from", need="an existing file", got=str(options.source), remedy="check its name")
    if options.source is not None and options.output.exists() and options.output.samefile(options.source):
        remedy = "-o ordered.extxyz"
        raise InputError("--output", need="another file than that of --from", got=str(options.output), remedy=remedy)
    if options.lattice is not None and not (EDGES[0] <= positive("--lattice", options.lattice, "A") <= EDGES[1]):
        need = f"an edge of {EDGES[0]:g} to {EDGES[1]:g} A, as argyrodites have"
        raise InputError("--lattice", need=need, got=f"{options.lattice:g}", remedy="for example --lattice 9.86")
    if options.source is not None and options.halide is not None and not options.excess:
        need = "--excess beside it, as the file has a halide of its own"
        remedy = "add --excess 0.5, or leave out --halide"
        raise InputError("--halide", need=need, got=f"{options.halide} alone", remedy=remedy)
    if options.step is not None and not options.grid:
        raise InputError("--step", need="--grid inversion or --grid excess beside it", got=f"{options.step:g} alone")
    if not options.grid:
        check_format(options.output)


def _names() -> list[str]:
    """Names of all crystals, and of the glasses and melts of the training, where that is installed."""
    try:
        return list(require("ionpath_ase.training", purpose="glasses and melts", install=GLASSES).structure_names())
    except ImportError:  # of it, or of ASE
        return list(available("structures"))


def _built(host: Any, options: Namespace) -> Any:
    from pymatgen.analysis.argyrodite.prototypes import repeated

    repeat = options.supercell if options.supercell and len(options.supercell) == 3 else (options.supercell or [1])[0]
    if options.name != COMPOSED:
        from pymatgen.core import Structure

        if options.name in available("structures"):
            symbols, positions, cell = available("structures")[options.name](options.seed)
        else:
            atoms = require("ionpath_ase.training", purpose="glasses and melts", install=GLASSES).starting_structure(
                options.name, seed=options.seed
            )
            symbols, positions, cell = atoms.get_chemical_symbols(), atoms.positions, atoms.cell.array
        return repeated(Structure(cell, symbols, positions, coords_are_cartesian=True), repeat)
    if options.source is None:
        start = host.argyrodite(options.halide or "Cl", a=options.lattice, supercell=repeat, seed=options.seed)
    else:
        start = repeated(_read(options.source), repeat)
        if options.lattice is not None:
            start.scale_lattice(start.volume * (options.lattice / host.analyse(start).edge) ** 3)
        if not start.is_ordered:
            with warnings.catch_warnings():
                if options.inversion is not None:  # which is set below
                    warnings.filterwarnings("ignore", ".*sites of the free sulfur")
                start = host.order_occupancies(start, seed=options.seed)
    return _composed(start, host, options.excess, options.inversion, options.seed, options.halide)


def _read(path: Path) -> Any:
    from pymatgen.core import Structure

    check_cif(path)
    with warnings.catch_warnings():  # pymatgen's remarks on what a CIF leaves out
        warnings.simplefilter("ignore")
        try:
            return Structure.from_file(path)
        except (ValueError, KeyError, IndexError, AssertionError) as error:
            words = str(error).splitlines()[0] if str(error) else type(error).__name__
            need = "a structure that pymatgen reads, such as .cif or POSCAR"
            remedy = f"check the file; ASE's formats can be converted: ase convert {path} start.cif"
            raise InputError("--from", need=need, got=f"{path}: {words}", remedy=remedy) from error


def _composed(
    structure: Any, host: Any, excess: float | None, inversion: float | None, seed: int, halide: str | None = None
) -> Any:
    if excess:
        step = host.ExcessHalideTransformation(excess, halide=halide, seed=seed)
        structure = step.apply_transformation(structure)
    if inversion is not None:
        structure = host.SiteInversionTransformation(inversion, seed=seed).apply_transformation(structure)
    return structure


def _in_words_of_the_command(error: InputError) -> InputError:
    """The same refusal with the options that are typed here instead of Python's arguments."""
    names = {"a": "lattice", "x": "excess", "1 + x": "excess", "fraction": "inversion", "folder": "output"}
    flags = ("lattice", "excess", "inversion", "seed", "supercell", "step", "output")
    flag = names.get(error.name, error.name)
    remedy = error.remedy.replace("a larger supercell", "a larger --supercell").replace("nearest=True for", f"--{flag}")
    remedy = remedy.replace("change the halide content with ExcessHalideTransformation first", "change --excess first")
    return InputError(f"--{flag}" if flag in flags else error.name, need=error.need, got=error.got, remedy=remedy)


def _grid(host: Any, options: Namespace) -> int:
    points = getattr(host, f"{options.grid}_grid")
    parts = 1 / options.step if options.step and options.step > 0 else 0
    n_points = (parts + 1) * (1 if options.grid == "inversion" else parts / 2 + 1)
    if n_points > MOST_POINTS:
        remedy = "for example --step 0.125"
        raise InputError("--step", need=f"at most {MOST_POINTS} structures", got=f"{n_points:.3g}", remedy=remedy)
    chosen = points(seeds=[options.seed]) if options.step is None else points(options.step, seeds=[options.seed])
    size = options.supercell or [4]
    written = host.write_grid(
        options.output, chosen, halide=options.halide or "Cl", a=options.lattice, fmt="extxyz",
        progress=LOG.isEnabledFor(20), supercell=size[0] if len(size) == 1 else tuple(size),
    )  # fmt: skip
    print(f"{options.output}: {len(written)} structures, listed in grid.csv")
    return 0
