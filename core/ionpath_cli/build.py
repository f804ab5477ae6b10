"""``ionpath build``: an argyrodite with given excess chloride and inversion, as a file that every host reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ionpath.errors import require
from ionpath.files import atomic_path
from ionpath_cli.options import parser

EXAMPLE = """
  ionpath build --excess 0.5 --inversion 0.75 --supercell 2 2 2 --seed 1 -o LPSCl-III.extxyz
  ionpath build -o Li6PS5Cl.cif
"""
INSTALL = 'pip install "ionpath[pymatgen]"'


def main(argv: list[str]) -> int:
    """Run ``ionpath build``."""
    arguments = parser("build", "Write Li(6-x)PS(5-x)Cl(1+x) with lithium on 24g sites.", EXAMPLE)
    arguments.add_argument("--excess", type=float, default=0.0, metavar="X", help="excess chloride x, 0 to 1")
    arguments.add_argument(
        "--inversion",
        type=float,
        metavar="Y",
        help="fraction of chloride on the free-sulfur orbit; default: least",
    )
    arguments.add_argument(
        "--supercell", type=int, nargs=3, default=(1, 1, 1), metavar="N", help="default 1 1 1"
    )
    arguments.add_argument("--lattice", type=float, metavar="A", help="edge of the cubic cell in A")
    arguments.add_argument("--seed", type=int, default=0, help="seed of the arrangement")
    arguments.add_argument(
        "-o", "--output", type=Path, default=Path("argyrodite.extxyz"), help=".extxyz, .cif, POSCAR"
    )
    options = arguments.parse_args(argv)
    structure = build(
        options.excess,
        options.inversion,
        tuple(options.supercell),
        lattice=options.lattice,
        seed=options.seed,
    )
    write(structure, options.output)
    print(f"{options.output}: {structure.composition.reduced_formula}, {len(structure)} atoms")
    return 0


def build(
    excess: float,
    inversion: float | None,
    supercell: tuple[int, int, int],
    *,
    lattice: float | None = None,
    seed: int = 0,
) -> Any:
    """Make the structure with pymatgen's transformations."""
    host = require("pymatgen.analysis.argyrodite", purpose="building structures", install=INSTALL)
    structure = host.argyrodite(a=lattice, supercell=supercell, seed=seed)
    if excess:
        structure = host.ExcessHalideTransformation(excess, seed=seed).apply_transformation(structure)
    if inversion is not None:
        structure = host.SiteInversionTransformation(inversion, seed=seed).apply_transformation(structure)
    return structure


def write(structure: Any, path: Path) -> None:
    """Write a structure in the format that the file name asks for."""
    with atomic_path(path) as part:
        if path.suffix in (".extxyz", ".xyz", ".traj"):
            from pymatgen.io.ase import AseAtomsAdaptor

            AseAtomsAdaptor.get_atoms(structure, msonable=False).write(part)
        else:
            structure.to(filename=str(part), fmt="poscar" if "POSCAR" in path.name else "")
