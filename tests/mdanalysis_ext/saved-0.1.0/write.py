"""What wrote the files of this folder, with ionpath 0.1.0: ``python write.py FOLDER`` (pins what `load` must read)."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import MDAnalysis as mda
import numpy as np

import ionpath_mdanalysis as im
from ionpath.softness import StructureFunctions
from ionpath_mdanalysis.example import VERTICES, hopping_universe, hops

CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)


def thiophosphate(n_frames: int = 4) -> Any:
    """Eight PS4 on a cubic grid, 24 Li and 8 free S, in a box of 16 A, 0.5 ps between frames."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(2)] * 3), -1).reshape(-1, 3) * 8.0
    sulfur = (grid[:, None] + 2.05 * CORNERS).reshape(-1, 3)
    lithium = (grid[:, None] + [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]]).reshape(-1, 3)
    ideal = np.concatenate([lithium, grid, sulfur, grid + 4.0])
    names = ["Li"] * 24 + ["P"] * 8 + ["S"] * 40
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("name", names)
    u.add_TopologyAttr("elements", names)
    u.add_TopologyAttr("masses", [{"Li": 6.94, "P": 30.97, "S": 32.06}[n] for n in names])
    positions = ideal + rng.normal(0, 0.12, (n_frames, *ideal.shape))
    return u.load_new(positions.astype("f4"), order="fac", dimensions=[16, 16, 16, 90, 90, 90], dt=0.5)


def conductor() -> Any:
    """Sixty-four ions that are kicked every fourth frame where a sulfur is near."""
    rng, edge = np.random.default_rng(0), 18.0
    grid = np.stack(np.meshgrid(*[np.arange(4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) * edge / 4
    frames, near = np.empty((41, 128, 3)), np.zeros(64)
    for t in range(len(frames)):
        if t % 4 == 0:
            before, near = near, rng.random(64)
            sulfur = grid + edge / 8 - 0.5 + 0.9 * near[:, None] / np.sqrt(3) * np.array([-1.0, -1, -1])
            ions = grid + rng.normal(size=(64, 3)) * (0.05 + 0.8 * (before[:, None] > 0.5))
        frames[t] = np.concatenate([ions, sulfur + rng.normal(0, 0.01, (64, 3))])
    names = ["Li"] * 64 + ["S"] * 64
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("name", names)
    u.add_TopologyAttr("elements", names)
    box = np.array([edge] * 3 + [90.0] * 3, np.float32)
    return u.load_new((frames % edge).astype(np.float32), order="fac", dimensions=box, dt=0.5)


def analyses() -> dict[str, Any]:
    """Analyses that have not run yet, by the name of their file."""
    u = hopping_universe(n_frames=200, seed=3)
    lithium, sulfur = u.select_atoms("name Li"), u.select_atoms("name S")
    centres, _, _ = hops(2, cells=2, inside=0.02, across=0.01, rng=np.random.default_rng(3))
    shells = im.CoordinationShells.from_sites(
        np.eye(3) * 18.0, centres / 18.0, (centres[:, None] + VERTICES).reshape(-1, 3) / 18.0, centre_atoms=sulfur.ix
    )  # fmt: skip
    model = {"shells": shells, "lag": 5, "n_samples": 6}
    t, c = thiophosphate(), conductor()
    phosphorus, ions = t.select_atoms("name P"), c.select_atoms("name Li")
    functions = StructureFunctions.spaced(("Li", "S"), spacing=1.0, cutoff=5.0)
    return {
        "ShellStates": im.ShellStates(lithium[:6], shells),
        "MarkovStates": im.MarkovStates(lithium, **model),
        "PathEntropy": im.PathEntropy(lithium, **model),
        "PathEntropy-per-ion": im.PathEntropy(lithium, pooling="per_ion", **model),
        "PathEntropy-largest": im.PathEntropy(lithium, connected="largest", unit="nat", **{**model, "n_samples": 0}),
        "IonDiffusion": im.IonDiffusion(lithium, temperature=400.0, weights="equal"),
        "SelfVanHove": im.SelfVanHove(lithium, lag_times=[1, 10]),
        "NonGaussianParameter": im.NonGaussianParameter(lithium, lag_times=[1, 5]),
        "IonHops": im.IonHops(lithium, centres=sulfur),
        "IonDensity": im.IonDensity(lithium, spacing=1.5, regions=[0.1, 0.6]),
        "TetrahedronTilt": im.TetrahedronTilt(phosphorus, t.select_atoms("name S"), temperature=500, bins=10),
        "TetrahedralDistortion": im.TetrahedralDistortion(phosphorus),
        "AnionSpeciation": im.AnionSpeciation(t.atoms, persistence=1.0),
        "AveragedSteinhardt": im.AveragedSteinhardt(t.atoms, t.select_atoms("name Li")),
        "AmorphisationProfile": im.AmorphisationProfile(t.atoms, thickness=4.0),
        "IonVoronoiVolume": im.IonVoronoiVolume(t.select_atoms("name Li")),
        "RingTopology": im.RingTopology(thiophosphate(2).atoms, species=["Li", "P", "S"]),
        "StructureFactor": im.StructureFactor(t.atoms, q=np.arange(0.5, 8, 0.5)),
        "NonAffineDisplacement": im.NonAffineDisplacement(ions, lag=4, cutoff=6.0),
        "Softness": im.Softness(ions, functions=functions, lag=4, nonaffine_cutoff=6.0, n_groups=5),
    }  # fmt: skip


def digest(value: Any) -> Any:
    """What a value says: numbers and texts as they are, an array by its shape and two sums."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: digest(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        plain = np.nan_to_num(value.astype(float), posinf=1.0, neginf=-1.0).ravel()
        return {"shape": list(value.shape), "sum": plain.sum(), "moment": plain @ np.cos(np.arange(plain.size))}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (bool, int, float, str)) or value is None:
        return str(value) if isinstance(value, float) and not np.isfinite(value) else value
    if hasattr(value, "items"):
        return {str(key): digest(item) for key, item in value.items() if key != "msm"}
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype.kind == "U"):
        return [digest(item) for item in value]
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    found = {}
    for name, analysis in analyses().items():
        analysis.run()
        analysis.save(folder / f"{name}.npz")
        found[name] = digest(type(analysis).load(folder / f"{name}.npz").results)
    rows = ",\n".join(f'"{name}": {json.dumps(results, sort_keys=True)}' for name, results in found.items())
    (folder / "expected.json").write_text(f"{{\n{rows}\n}}\n")
