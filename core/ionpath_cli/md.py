"""``ionpath md``: molecular dynamics of any structure that ASE reads, on ASE or LAMMPS."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ionpath.errors import InputError, positive, require
from ionpath.occupancies import check_full_occupancies
from ionpath_cli.messages import LOG
from ionpath_cli.options import parser, read_atoms, write_config

EXAMPLE = """
  ionpath build --excess 0.5 --inversion 0.75 --supercell 2 --lattice 9.78 -o start.extxyz
  ionpath md start.extxyz --temperature 600 --picoseconds 20
  ionpath analyze start.extxyz trajectory.xtc --temperature 600
"""

SHORTEST, LONGEST = 0.02, 10.0
"""Time steps in fs: others are in another unit."""


def main(argv: list[str]) -> int:
    """Run ``ionpath md``."""
    arguments = parser("md", "Run molecular dynamics; a run that was stopped goes on from its checkpoint.", EXAMPLE)
    arguments.add_argument("structure", type=Path, help="any file that ASE reads")
    arguments.add_argument("--temperature", type=float, default=300.0, help="K; default 300")
    arguments.add_argument("--picoseconds", type=float, default=20.0, help="length of the run; default 20")
    arguments.add_argument("--timestep", type=float, default=2.0, help="fs; default 2")
    arguments.add_argument("--engine", choices=("ase", "lammps"), default="lammps", help="default lammps")
    arguments.add_argument("--ensemble", choices=("nve", "nvt", "npt"), default="nvt", help="default nvt")
    words = "shipped name or a file that deepmd-kit reads; default argyrodite"
    arguments.add_argument("--model", default="argyrodite", help=words)
    arguments.add_argument("--seed", type=int, default=0, help="of the first velocities and the thermostat; default 0")
    words = ".xtc .dcd .extxyz .traj .h5md; default trajectory.xtc"
    arguments.add_argument("-o", "--trajectory", type=Path, default=Path("trajectory.xtc"), help=words)
    arguments.add_argument("--plumed", type=Path, help="PLUMED input; it reads and writes in the current folder")
    arguments.add_argument("--profile", action="store_true", help="say at the end where the time went")
    arguments.add_argument("--no-restart", action="store_true", help="begin again instead of going on")
    options = arguments.parse_args(argv)
    if not SHORTEST <= positive("--timestep", options.timestep, "fs") <= LONGEST:
        need = f"{SHORTEST:g} to {LONGEST:g} fs, which resolve the vibrations of atoms"
        raise InputError("--timestep", need=need, got=f"{options.timestep:g}", remedy="for example --timestep 2")
    engine = require("ionpath_ase", purpose="molecular dynamics", install='pip install "ionpath[ase]"')
    atoms = read_atoms(options.structure)
    order = f"ionpath build --from {options.structure} --supercell 2 -o ordered.extxyz"
    check_full_occupancies(atoms.info.get("occupancy"), str(options.structure), remedy=f"order them first: {order}")
    same = ("temperature", "picoseconds", "timestep", "engine", "ensemble", "model", "seed", "trajectory", "plumed")
    given = {name: getattr(options, name) for name in (*same, "profile")}
    done = engine.run_md(atoms, restart=not options.no_restart, progress=LOG.isEnabledFor(20), **given)
    if options.profile:
        print(done.profile or "nothing was left to do, and took no time", file=sys.stderr)
    write_config(options.trajectory.with_suffix(".md.toml"), arguments, options)
    LOG.info("mean of the run: %.0f K, %s", done.mean_temperature, done.mean_pressure)
    files = [options.trajectory.with_name(done.topology.name), options.trajectory]
    LOG.info("then: ionpath analyze %s --temperature %g", shlex.join(map(str, files)), options.temperature)
    print(options.trajectory)
    return 0
