"""``python -m ionpath``: the command line where no script is on the path."""

import sys
from importlib import import_module

sys.exit(import_module("ionpath_cli.cli").main())
