"""``ionpath metad``: the command of the PLUMED plugin, with its options kept beside the results."""

from __future__ import annotations

from ionpath.errors import require
from ionpath_cli.options import write_config

INSTALL = 'pip install "ionpath[ase,plumed]"'


def main(argv: list[str]) -> int:
    """Run ``ionpath metad``."""
    plugin = require("ionpath_plumed.cli", purpose="metadynamics", install=INSTALL)
    status = int(plugin.metad(argv) or 0)
    arguments = plugin.options()
    given = arguments.parse_args(argv)
    if status == 0 and not given.analyse and given.folder.is_dir():
        write_config(given.folder / "metad.toml", arguments, given)
    return status
