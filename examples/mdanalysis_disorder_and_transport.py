"""Transport and anion disorder of argyrodites side by side, for example against site inversion: figure and table.

Usage: python examples/mdanalysis_disorder_and_transport.py 0=y0.00-208atoms-80ps 50=y0.50-208atoms-80ps
       [--temperature 900] [--skip 5] [--out transport] [--quick]

Each argument is NAME=PATH. A path is a folder of examples/pymatgen_inversion_series.py (structure.extxyz and
trajectory.xtc), a topology and a trajectory joined by +, or one file that holds both. Names that are numbers become the
axis of the conductivity (inversion in percent). Cages are the anions on 4d, which are found in the first frame:
anions that are not bound to P and have P at 0.43 a, while those on 4a have it at 0.50 a.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import MDAnalysis as mda
import numpy as np
import pandas as pd
from MDAnalysis.lib.distances import distance_array

from ionpath.constants import GAS_CONSTANT
from ionpath_mdanalysis import IonDiffusion, IonHops, SelfVanHove, TetrahedralDistortion, TetrahedronTilt
from ionpath_mdanalysis.anion_disorder import compare_disorder

LAGS = (1.0, 5.0, 10.0, 20.0)  # ps


def universe(path: str) -> mda.Universe:
    """Open a folder, a pair joined by +, or a file."""
    if Path(path).is_dir():
        return mda.Universe(f"{path}/structure.extxyz", f"{path}/trajectory.xtc")
    return mda.Universe(*path.split("+"))


def anions_on_4d(u: mda.Universe) -> mda.AtomGroup:
    """Anions in the middle of the cages, by their distance from P in the first frame."""
    phosphorus, anions = u.select_atoms("element P"), u.select_atoms("element S Cl Br I")
    nearest = distance_array(anions.positions, phosphorus.positions, box=u.dimensions).min(axis=1)
    edge = (4.0 * u.trajectory.ts.volume / len(phosphorus)) ** (1 / 3)
    return anions[(nearest > 3.0) & (nearest < 0.466 * edge)]


def analyse(path: str, temperature: float, skip: float, quick: bool) -> dict[str, Any]:
    """Run the analyses of one trajectory."""
    u = universe(path)
    lithium, phosphorus, cages = u.select_atoms("element Li"), u.select_atoms("element P"), anions_on_4d(u)
    start = round(skip / u.trajectory.dt)
    stop = start + 300 if quick else None
    reach = ((stop or len(u.trajectory)) - start) * u.trajectory.dt
    frames = {"start": start, "stop": stop}
    sparse = {"start": start, "stop": stop, "step": 10}
    return {
        "diffusion": IonDiffusion(lithium, temperature=temperature).run(**frames),
        "van Hove": SelfVanHove(lithium, lag_times=[t for t in LAGS if t < 0.5 * reach]).run(**frames),
        "hops": IonHops(lithium, centres=cages).run(**frames),
        "tilt": TetrahedronTilt(phosphorus, temperature=temperature).run(**sparse),
        "distortion": TetrahedralDistortion(phosphorus, mode="published", rotation=45.0).run(**sparse),
        "rmsd": TetrahedralDistortion(phosphorus, measure="rmsd").run(**sparse),
    }


def tilt_entropy(tilt: Any) -> float:
    """Shannon entropy of the directions of P-S bonds, in J/mol/K, over the bins of F(theta, phi)."""
    energy = tilt.results.free_energy["P-S"].joint
    share = np.exp(-1e3 * energy[np.isfinite(energy)] / (GAS_CONSTANT * tilt.parameters["temperature"]))
    share /= share.sum()
    return float(-GAS_CONSTANT * (share * np.log(share)).sum())


def estimate(value: Any, scale: float = 1.0, digits: int = 3) -> str:
    """Number with its error, or its bound."""
    if np.isfinite(value.value):
        return f"{value.value * scale:.{digits}g} ± {value.error * scale:.1g}"
    return f"< {value.high * scale:.{digits}g}"


def table(found: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """One column per trajectory."""
    runs = list(found.values())
    rows = {
        "conductivity, mS/cm": [estimate(r["diffusion"].results.conductivity) for r in runs],
        "MSD exponent at the last third": [
            f"{np.nanmedian(e[len(e) // 3 : len(e) // 2]):.2f}" for e in (r["diffusion"].results.exponent for r in runs)
        ],
    }
    time = runs[0]["van Hove"].results.times[-1]
    rows[f"van Hove weight beyond 5 A after {time:.0f} ps, %"] = [
        f"{100 * r['van Hove'].weight_beyond(5.0)[-1]:.2f}" for r in runs
    ]
    rows["hops between cages"] = [str(r["hops"].results.count) for r in runs]
    rows["hops between cages per ion and ns"] = [estimate(r["hops"].results.rate, 1e3) for r in runs]
    rows["tilt entropy, J/mol/K"] = [f"{tilt_entropy(r['tilt']):.2f}" for r in runs]
    if len(found) > 1:
        for key, label in (("distortion", "s_d, turned by 45 degrees"), ("rmsd", "RMSD from a tetrahedron")):
            both = compare_disorder({name: r[key] for name, r in found.items()}, check_orientation=False)
            for kind, values, errors in (
                ("support", both.support, both.support_error),
                ("Shannon", both.shannon, both.shannon_error),
            ):
                rows[f"{kind} entropy of {label}, J/mol/K"] = [
                    f"{v:.2f} ± {e:.2f}" for v, e in zip(values, errors, strict=True)
                ]
    return pd.DataFrame(rows, index=list(found)).T


def figure(found: dict[str, dict[str, Any]], path: str) -> None:
    """Displacement with its exponent, van Hove function, hops and conductivity."""
    _, axes = plt.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    names = list(found)
    numbers = all(name.replace(".", "", 1).isdigit() for name in names)
    x = [float(name) for name in names] if numbers else list(range(len(names)))
    for at, (name, r) in zip(x, found.items(), strict=True):
        d, v = r["diffusion"].results, r["van Hove"]
        lags = np.unique(np.geomspace(1, len(d.times) - 1, 200).astype(int))
        label = f"{name} %" if numbers else name
        axes[0, 0].loglog(d.times[lags], d.msd[lags], label=label)
        axes[0, 1].semilogx(d.times[lags], d.exponent[lags], lw=1)
        (line,) = axes[0, 2].plot(v.results.distances, v.results.radial[-1])
        axes[1, 0].plot(v.results.times, 100 * v.weight_beyond(5.0), "o-", ms=3)
        for axis, value, scale in ((axes[1, 1], r["hops"].results.rate, 1e3), (axes[1, 2], d.conductivity, 1.0)):
            if np.isfinite(value.value):
                axis.errorbar(at, value.value * scale, value.error * scale, fmt="o", capsize=3, c=line.get_color())
            else:
                axis.plot(at, value.high * scale, "v", mfc="none", c=line.get_color())
    axes[0, 0].set(xlabel="time (ps)", ylabel="MSD of Li (Å²)", xlim=(0.02, None))
    axes[0, 1].axhline(1.0, c="0.6", lw=0.8)
    axes[0, 1].set(xlabel="time (ps)", ylabel="exponent of the MSD", ylim=(0, 2))
    last = next(iter(found.values()))["van Hove"].results.times[-1]
    axes[0, 2].axvline(5.0, c="0.6", lw=0.8)
    axes[0, 2].set(xlabel="r (Å)", ylabel=f"4πr²G$_s$ after {last:.0f} ps (1/Å)", xlim=(0, 12))
    axes[1, 0].set(xlabel="time (ps)", ylabel="van Hove weight beyond 5 Å (%)", ylim=(0, None))
    axes[1, 1].set(ylabel="hops between 4d cages (1/ns per ion)", ylim=(0, None))
    axes[1, 2].set(ylabel="conductivity (mS/cm)", ylim=(0, None))
    for axis in axes[1, 1:]:
        axis.set(xlabel="S/Cl site inversion (%)" if numbers else "")
        if not numbers:
            axis.set_xticks(x, names)
    axes[0, 0].legend()
    plt.savefig(path, dpi=90)


def main() -> None:
    """Read the command line, run, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trajectories", nargs="+", metavar="NAME=PATH")
    parser.add_argument("--temperature", type=float, default=900.0, help="K")
    parser.add_argument("--skip", type=float, default=5.0, help="ps at the beginning that are left out")
    parser.add_argument("--out", default="transport", help="the figure is OUT.png")
    parser.add_argument("--quick", action="store_true", help="300 frames of each trajectory")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="numbers of samples differ")
    found = {}
    for item in options.trajectories:
        name, _, path = item.rpartition("=")
        found[name or path] = analyse(path, options.temperature, options.skip, options.quick)
    figure(found, f"{options.out}.png")
    print(table(found).to_string())


if __name__ == "__main__":
    main()
