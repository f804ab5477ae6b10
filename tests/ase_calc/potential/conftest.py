"""The scripts of examples/potential as modules; the sdist leaves them out."""

from __future__ import annotations

import sys
from pathlib import Path

POTENTIAL = Path(__file__).resolve().parents[3] / "examples" / "potential"
if POTENTIAL.is_dir():
    sys.path.insert(0, str(POTENTIAL))
else:
    collect_ignore_glob = ["test_*.py"]
