"""Figures: map of the mixing entropy, and site energies against inversion.

python examples/pymatgen_figures.py --folder figures
python examples/pymatgen_figures.py --calculator ionpath --method occupied
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pymatgen.analysis.argyrodite import (
    SiteInversionTransformation,
    argyrodite,
    overlap_table,
    plot_entropy_map,
    plot_site_energies,
    site_energies,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("figures"))
    parser.add_argument("--calculator", default="ewald")
    parser.add_argument("--method", choices=("frame", "occupied"), default="frame")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    plot_entropy_map().figure.savefig(options.folder / "entropy-map.png", dpi=150)
    cell = argyrodite(lithium="48h" if options.method == "occupied" else "24g")
    results = []
    for inversion in (0.0, 0.25, 0.5, 1.0):
        structure = SiteInversionTransformation(inversion, seed=1).apply_transformation(cell)
        results.append(site_energies(structure, options.calculator, method=options.method))
        print(results[-1].report())
    for row in overlap_table(results):
        print("  ".join(f"{name} {value:.3f}" for name, value in row.items()))
    plot_site_energies(results)[0].figure.savefig(options.folder / "site-energies.png", dpi=150)


if __name__ == "__main__":
    main()
