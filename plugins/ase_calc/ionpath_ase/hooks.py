"""What this package gives to others through `ionpath.plugins`: its engines of molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ionpath.errors import require
from ionpath.plugins import hookimpl


@hookimpl
def engines() -> Mapping[str, Callable[..., Any]]:
    """Factories of runs on ASE and on LAMMPS."""
    return {name: partial(_prepared, name) for name in ("ase", "lammps")}


def _prepared(
    engine: str, atoms: Any, *, trajectory: Any, plumed: Any = None, restart: bool = True, progress: bool = True,
    note: Callable[[], str] | None = None, follow: bool = False, first_frame: bool = True, **settings: Any,
) -> Any:  # fmt: skip
    require("ase", purpose="molecular dynamics", install='pip install "ionpath[ase]"')
    from ionpath_ase.md.driver import MolecularDynamics
    from ionpath_ase.md.settings import timed

    return MolecularDynamics(
        atoms, timed(len(atoms), engine=engine, **settings), trajectory=trajectory, plumed=plumed, restart=restart,
        progress=progress, note=note, follow=follow, first_frame=first_frame,
    )  # fmt: skip
