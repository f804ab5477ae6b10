"""``python -m ionpath_cli``: the command line where no script is on the path."""

import sys

from ionpath_cli.cli import main

sys.exit(main())
