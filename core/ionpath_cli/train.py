"""``ionpath train``: the command of the ASE plugin, with its options kept beside the results."""

from __future__ import annotations

from ionpath.errors import require
from ionpath_cli.options import write_config


def main(argv: list[str]) -> int:
    """Run ``ionpath train``."""
    plugin = require("ionpath_ase.cli", purpose="training", install='pip install "ionpath[ase]"')
    status = int(plugin.train(argv))
    given = plugin.parser().parse_args(argv)
    output = given.output
    if status == 0 and output is not None and output.exists():
        beside = output / "train.toml" if output.is_dir() else output.with_name(f"{output.name}.train.toml")
        write_config(beside, plugin.parser(given.task), given)
    return status
