"""Check a potential in long runs: tetrahedra, drift, lattice parameter, diffusion, and distances beside the teacher's.

    python examples/ase_validation.py run validation --picoseconds 200       12 runs; goes on where it stopped
    python examples/ase_validation.py table validation
    python examples/ase_validation.py frames validation                      every 2 ps at 600 K: to be labelled
    ionpath train label validation/frames.extxyz -o validation/labels.extxyz
    python examples/ase_validation.py distances validation                   g(r) of potential and teacher, and a figure

Half a minute: ``... run try --systems LPSCl-II --temperatures 600 --picoseconds 1``, then ``table try``.

The teacher's g(r) comes from the potential's own frames, each weighted by exp(-(E_teacher - E_potential) / kT): exact,
as long as the effective number of frames (printed) is not small, and both curves share their noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

SYSTEMS = ("LPSCl-II", "LPSCl-III")
PAIRS = (("Li", "S"), ("P", "S"), ("Li", "Li"))
EXPERIMENT = {"LPSCl-II": 9.85, "LPSCl-III": 9.80}
"""Cubic lattice parameters at 300 K in A: Li6PS5Cl, Li5.5PS4.5Cl1.5."""
BOND = 2.6
"""Largest length of a P-S bond in A."""
SETTLE = 0.1
"""Share of each run that is left out."""


def run(options: argparse.Namespace) -> None:
    """Run what is not there yet."""
    from ionpath_ase import run_md
    from ionpath_ase.training import starting_structure

    for temperature in options.temperatures:
        for ensemble in options.ensembles:
            for system in options.systems:
                atoms = starting_structure(system).repeat(options.repeat)
                if ensemble == "nvt" and system in EXPERIMENT:
                    edge = EXPERIMENT[system] * np.array(options.repeat)
                    atoms.set_cell(edge, scale_atoms=True)
                run_md(
                    atoms,
                    temperature=temperature,
                    picoseconds=options.picoseconds,
                    ensemble=ensemble,
                    model=options.model,
                    interval=0.1,
                    checkpoint_interval=5.0,
                    processes=options.processes,
                    trajectory=options.folder / f"{system}_{ensemble}_{temperature:g}K.extxyz",
                )


def mean_with_error(series: np.ndarray, blocks: int = 8) -> tuple[float, float]:
    """Mean and its standard error from the means of blocks."""
    means = np.array([block.mean() for block in np.array_split(series, blocks)])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(blocks))


def slope_with_error(time: np.ndarray, series: np.ndarray, blocks: int = 8) -> tuple[float, float]:
    """Slope and its standard error, from a line through the means of blocks."""
    t, y = (np.array([block.mean() for block in np.array_split(x, blocks)]) for x in (time, series))
    (slope, _), covariance = np.polyfit(t, y, 1, cov=True)
    return float(slope), float(np.sqrt(covariance[0, 0]))


def table(options: argparse.Namespace) -> None:
    """Print one line per run, and then what became of its tetrahedra."""
    from ase.io import read

    tetrahedra = []
    print("| system | ensemble | K | ps | whole PS4, least | drift (meV/atom/100 ps) | a (A) | GPa | D (cm2/s) |")
    print("|---|---|---|---|---|---|---|---|---|")
    for path in sorted(options.folder.glob("*_n?t_*K.extxyz")):
        system, ensemble, kelvin = path.stem.split("_")
        frames = read(path, ":")
        log = np.genfromtxt(path.with_suffix(".csv"), delimiter=",", names=True)
        late = log["time_ps"] > SETTLE * log["time_ps"][-1]
        n_atoms, number = len(frames[0]), int((frames[0].symbols == "P").sum())
        cells = number / 4  # a cubic cell of an argyrodite has four tetrahedra
        drift = slope_with_error(log["time_ps"][late], log["potential_energy_eV"][late] / n_atoms * 1e5)
        edge = mean_with_error((log["volume_A3"][late] / cells) ** (1 / 3))
        pressure = mean_with_error(log["pressure_GPa"][late])
        kept = frames[int(SETTLE * len(frames)) :]
        found = diffusion(kept, float(kelvin[:-1]))
        to_sulfur = distances_to_sulfur(frames)
        whole = ((to_sulfur[::10] < BOND).sum(axis=-1) == 4).sum(axis=-1).min()
        tetrahedra.append(f"{path.stem}: {bonds(to_sulfur)}")
        print(
            f"| {system} | {ensemble} | {kelvin[:-1]} | {log['time_ps'][-1]:.0f} "
            f"| {whole} of {number} | "
            f"{drift[0]:+.1f} ± {drift[1]:.1f} | {edge[0]:.3f} ± {edge[1]:.3f} "
            f"| {pressure[0]:+.2f} ± {pressure[1]:.2f} | {found} |",
            flush=True,
        )
    print("", *tetrahedra, sep="\n")


def diffusion(kept: list, temperature: float) -> str:
    """Diffusion coefficient of lithium in cm2/s, with its error."""
    from ionpath.errors import InputError
    from ionpath.transport import ion_transport

    try:
        found = ion_transport(
            np.array([a.positions for a in kept]),
            np.array([a.cell.array for a in kept]),
            kept[0].symbols == "Li",
            frame_time=kept[1].info["time"] - kept[0].info["time"],
            temperature=temperature,
            masses=kept[0].get_masses(),
            minimum_msd=16.0,  # A^2: jumps that stay in a cage reach 11 to 12
        ).diffusion.coefficient
    except InputError:
        return "too short"
    if np.isnan(found.value):
        return f"< {found.high * 1e-4:.1e}"
    return f"{found.value * 1e-4:.2e} ± {found.error * 1e-4:.1e}"  # 1 A^2/ps is 1e-4 cm2/s


def distances_to_sulfur(frames: list) -> np.ndarray:
    """Distances in A of all phosphorus and sulfur atoms, shape (n_frames, n_phosphorus, n_sulfur)."""
    phosphorus, sulfur = (np.flatnonzero(frames[0].symbols == element) for element in ("P", "S"))
    return np.array([[a.get_distances(i, sulfur, mic=True) for i in phosphorus] for a in frames])


def bonds(to_sulfur: np.ndarray) -> str:
    """Say how long P-S bonds became, and whether phosphorus has its own sulfur at the end."""
    order = np.argsort(to_sulfur, axis=-1)
    own = (np.sort(order[0, :, :4]) == np.sort(order[-1, :, :4])).all(axis=-1)
    longest = np.take_along_axis(to_sulfur, order[:, :, 3:4], axis=-1).max(axis=(1, 2))
    return (
        f"{own.sum()} of {own.size} P have at the end the four S they began with; the longest of four P-S is "
        f"{longest.max():.2f} A, above {BOND} A in {(longest > BOND).sum()} of {longest.size} frames"
    )


def frames(options: argparse.Namespace) -> None:
    """Write the frames that the teacher is to label, with the energy of the potential."""
    from ase import Atoms
    from ase.io import read, write

    chosen = []
    for path in sorted(options.folder.glob("*_nvt_600K.extxyz")):
        for frame in read(path, "::20")[10:]:
            atoms = Atoms(frame.symbols, positions=frame.positions, cell=frame.cell, pbc=True)
            tag = f"{path.stem}/{frame.info['step']}"
            atoms.info = {"tag": tag, "potential_energy": frame.get_potential_energy()}
            chosen.append(atoms)
    write(options.folder / "frames.extxyz", chosen)
    print(f"{len(chosen)} frames: ionpath train label {options.folder}/frames.extxyz -o {options.folder}/labels.extxyz")


def distances(options: argparse.Namespace) -> None:
    """Compare g(r) of the potential with that of the teacher, by weights."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    from ase import units
    from ase.io import read

    from ionpath.structure import radial_distribution

    runs: dict[str, list] = {}
    for frame in read(options.folder / "labels.extxyz", ":"):
        runs.setdefault(frame.info["tag"].split("/")[0], []).append(frame)
    figure, axes = plt.subplots(
        len(runs), len(PAIRS), figsize=(9, 2.6 * len(runs)), squeeze=False, layout="constrained"
    )
    rng, means = np.random.default_rng(0), []
    print("| run | frames, effective | pair | peak, potential and teacher (A) | largest difference of g | its error |")
    print("|---|---|---|---|---|---|")
    for row, (name, found) in zip(axes, runs.items(), strict=True):
        gap = np.array([a.get_potential_energy() - a.info["potential_energy"] for a in found])
        weights = np.exp(-(gap - gap.mean()) / (units.kB * 600.0))
        effective = weights.sum() ** 2 / (weights**2).sum()
        each = [
            radial_distribution(a.positions, a.cell.array, a.get_chemical_symbols(), r_max=4.8, bins=96, pairs=PAIRS)
            for a in found
        ]
        g, r = np.array([one.g for one in each]), (each[0].edges[1:] + each[0].edges[:-1]) / 2
        plain, weighted = g.mean(axis=0), np.average(g, axis=0, weights=weights)
        draws = rng.integers(len(found), size=(400, len(found)))
        spread = np.std([np.average(g[d], axis=0, weights=weights[d]) - g[d].mean(axis=0) for d in draws], axis=0)
        for axis, pair, one, two, error in zip(row, PAIRS, plain, weighted, spread, strict=True):
            axis.fill_between(r, two - 2 * error, two + 2 * error, color="0.8")
            axis.plot(r, two, "k-", lw=1, label="teacher, 2 errors")
            axis.plot(r, one, "--", lw=1, label="potential")
            axis.set(xlabel="r (Å)", ylabel=f"g {pair[0]}-{pair[1]}", title=name.replace("_", " "))
            worst = int(np.abs(one - two).argmax())
            print(
                f"| {name} | {len(found)}, {effective:.0f} | {'-'.join(pair)} "
                f"| {r[one.argmax()]:.2f}, {r[two.argmax()]:.2f} "
                f"| {one[worst] - two[worst]:+.2f} of {two[worst]:.2f} at {r[worst]:.2f} A | {error[worst]:.2f} |"
            )
        lengths = np.sort(distances_to_sulfur(found), axis=-1)[:, :, :4].mean(axis=(1, 2))
        theirs = np.average(lengths, weights=weights)
        off = np.std([np.average(lengths[d], weights=weights[d]) - lengths[d].mean() for d in draws])
        means.append(
            f"{name}: P-S bonds of {lengths.mean():.4f} A, the teacher's {theirs:.4f}, "
            f"a difference of {lengths.mean() - theirs:+.4f} ± {off:.4f}"
        )
        row[0].legend(frameon=False, fontsize=7)
    print("", *means, sep="\n")
    figure.savefig(options.folder / "distances.png", dpi=150)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = {"run": run, "table": table, "frames": frames, "distances": distances}
    parser.add_argument("task", choices=tasks)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--systems", nargs="+", default=SYSTEMS)
    parser.add_argument("--temperatures", nargs="+", type=float, default=(300.0, 600.0, 900.0), help="K")
    parser.add_argument("--ensembles", nargs="+", choices=("nvt", "npt"), default=("npt", "nvt"))
    parser.add_argument("--picoseconds", type=float, default=200.0)
    parser.add_argument("--repeat", type=int, nargs=3, default=(1, 1, 1), help="cubic cells along each axis")
    parser.add_argument("--model", default="argyrodite")
    parser.add_argument("--processes", type=int, help="MPI processes of LAMMPS")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    tasks[options.task](options)


if __name__ == "__main__":
    main()
