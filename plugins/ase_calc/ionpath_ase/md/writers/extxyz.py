"""Extended XYZ."""

from __future__ import annotations

import io
from typing import Any

from ionpath_ase.md.state import Snapshot
from ionpath_ase.md.writers.base import FrameFile


class ExtendedXYZ(FrameFile):
    """Extended XYZ: text, in the user's frame, with energy, and forces where they are known."""

    turned = False

    def encode(self, snapshot: Snapshot) -> bytes:
        """Bytes of one frame."""
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.io import write

        frame = self.frame(snapshot)
        labels: dict[str, Any] = {"energy": snapshot.potential_energy}
        if snapshot.forces is not None:
            labels["forces"] = snapshot.forces
        frame.calc = SinglePointCalculator(frame, **labels)
        text = io.StringIO()
        write(text, frame, format="extxyz")
        return text.getvalue().encode()
