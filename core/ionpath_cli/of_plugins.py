"""``ionpath train`` and ``ionpath metad``: commands of plugins, with their options kept beside the results."""

from __future__ import annotations

from ionpath.errors import require
from ionpath_cli.options import read_atoms, write_config


def train(argv: list[str]) -> int:
    """Run ``ionpath train``."""
    plugin = require("ionpath_ase.cli", purpose="training", install='pip install "ionpath[ase]"')
    status = int(plugin.train(argv))
    given = plugin.parser().parse_args(argv)
    output = given.output
    if status == 0 and output is not None and output.exists():
        beside = output / "train.toml" if output.is_dir() else output.with_name(f"{output.name}.train.toml")
        write_config(beside, plugin.parser(given.task), given)
    return status


def metad(argv: list[str]) -> int:
    """Run ``ionpath metad``."""
    plugin = require("ionpath_plumed.cli", purpose="metadynamics", install='pip install "ionpath[ase,plumed]"')
    status = int(plugin.metad(argv, read_atoms) or 0)
    arguments = plugin.options()
    given = arguments.parse_args(argv)
    if status == 0 and not given.analyse and given.folder.is_dir():
        write_config(given.folder / "metad.toml", arguments, given)
    return status
