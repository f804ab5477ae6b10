"""Enumeration of S/X inversion and building of disordered supercells, beside bsym, icet and pymatgen.

Answers are compared before times. Peers that are not installed are left out with a word.

    python benchmarks/enumeration.py [--quick] [--repeat 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from math import comb
from typing import Any

from threadpoolctl import threadpool_limits

from pymatgen.analysis.argyrodite import (
    EnumerateSiteInversionTransformation,
    ExcessHalideTransformation,
    SiteInversionTransformation,
    analyse,
    argyrodite,
    inversion_grid,
    write_grid,
)
from pymatgen.analysis.argyrodite.grids import iterate_grid

Rows = list[tuple[str, str, str]]


def best(work: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Give the shortest processor time of several calls, after one that warms up, and the answer."""
    answer = work()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        answer = work()
        times.append(time.process_time() - start)
    return min(times), answer


def ours(supercell: tuple[int, int, int], repeat: int) -> tuple[float, list[int]]:
    structure = argyrodite(lithium="none", supercell=supercell)  # as bsym gets it
    transformation = EnumerateSiteInversionTransformation()
    seconds, entries = best(lambda: transformation.apply_transformation(structure, return_ranked_list=True), repeat)
    return seconds, sorted(e["multiplicity"] for e in entries)


def with_bsym(supercell: tuple[int, int, int], repeat: int) -> tuple[float, list[int]] | None:
    try:
        from bsym.interface.pymatgen import unique_structure_substitutions
    except ImportError:
        return None
    parent = argyrodite(lithium="none", supercell=supercell)
    found = analyse(parent)
    sites = (*found.halide_sites, *found.sulfur_sites)
    for k in sites:
        parent[int(k)] = "Br"
    n = len(sites) // 2
    seconds, unique = best(lambda: unique_structure_substitutions(parent, "Br", {"S": n, "Cl": n}), repeat)
    return seconds, sorted(s.number_of_equivalent_configurations for s in unique)


def with_icet(supercell: tuple[int, int, int], repeat: int) -> tuple[float, int] | None:
    try:
        from icet.tools import enumerate_structures
    except ImportError:
        return None
    from pymatgen.io.ase import AseAtomsAdaptor

    parent = argyrodite(lithium="none", supercell=supercell)
    found = analyse(parent)
    free = {*found.halide_sites.tolist(), *found.sulfur_sites.tolist()}
    atoms = AseAtomsAdaptor.get_atoms(parent, msonable=False)
    symbols = [["S", "Cl"] if k in free else [site.specie.symbol] for k, site in enumerate(parent)]
    share = (len(free) / 2) / len(parent)
    work = lambda: sum(  # noqa: E731
        1 for _ in enumerate_structures(atoms, [1], symbols, concentration_restrictions={"Cl": (share, share)})
    )
    return best(work, repeat)


def compare(supercell: tuple[int, int, int], repeat: int) -> Rows:
    seconds, weights = ours(supercell, repeat)
    sites = 8 * supercell[0] * supercell[1] * supercell[2]
    assert sum(weights) == comb(sites, sites // 2)
    label = f"{sites} sites, {sites // 2} Cl"
    rows: Rows = [(label, "ionpath", f"{len(weights)} inequivalent, sum {sum(weights)}, {seconds * 1e3:.1f} ms")]
    peer = with_bsym(supercell, repeat)
    if peer is None:
        rows.append((label, "bsym", "not installed"))
    else:
        assert peer[1] == weights, "bsym finds other multiplicities"
        rows.append((label, "bsym", f"{len(peer[1])} inequivalent, same multiplicities, {peer[0] * 1e3:.1f} ms"))
    other = with_icet(supercell, 1) if sites == 8 else None
    if sites == 8:
        if other is None:
            rows.append((label, "icet", "not installed"))
        else:
            assert other[1] == len(weights), "icet finds another number"
            rows.append((label, "icet", f"{other[1]} inequivalent, {other[0] * 1e3:.1f} ms"))
    return rows


def draw(supercell: tuple[int, int, int], repeat: int) -> Rows:
    structure = argyrodite(supercell=supercell)
    transformation = EnumerateSiteInversionTransformation(fractions=[0.5], max_structures=20)
    seconds, entries = best(lambda: transformation.apply_transformation(structure, return_ranked_list=True), repeat)
    whole = entries[0]["inequivalent"]
    label = f"{len(structure)} atoms at y = 0.5"
    return [(label, "ionpath", f"20 drawn of {whole:.4g} inequivalent, {seconds:.2f} s")]


def build(repeat: int) -> Rows:
    unit = argyrodite()
    plain, big = best(lambda: unit.make_supercell([4, 4, 4], in_place=False), repeat)

    def from_cell() -> Any:
        return ExcessHalideTransformation(0.5, inversion=0.75).apply_transformation(
            unit.make_supercell([4, 4, 4], in_place=False)
        )

    both, made = best(from_cell, repeat)
    found = analyse(made)
    assert (found.x_excess, found.inversion, len(big)) == (0.5, 0.75, 3328)
    alone, _ = best(lambda: SiteInversionTransformation(0.375).apply_transformation(big), repeat)
    label = "3,328 atoms"
    return [
        (label, "pymatgen", f"plain supercell {plain * 1e3:.0f} ms"),
        (label, "ionpath", f"supercell, x = 0.5, y = 0.75: {both * 1e3:.0f} ms = {both / plain:.2f} supercells"),
        (label, "ionpath", f"inversion of a supercell that is there: {alone * 1e3:.0f} ms"),
    ]


def grid(cells: int) -> Rows:
    def peak(points: list[Any]) -> float:
        tracemalloc.start()
        for _ in iterate_grid(points, supercell=cells):
            pass
        size = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        return size

    few, many = peak(inversion_grid()[:3]), peak(inversion_grid())
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        files = write_grid(folder, supercell=cells)
        seconds = time.process_time() - start
        start = time.process_time()
        write_grid(folder, supercell=cells)
        again = time.process_time() - start
    label = f"grid of {len(files)} structures, {52 * cells**3} atoms each"
    return [
        (label, "ionpath", f"written in {seconds:.1f} s, found complete in {again * 1e3:.0f} ms"),
        (label, "ionpath", f"peak memory {few:.0f} MiB for 3 structures, {many:.0f} MiB for {len(files)}"),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller cells, one repeat")
    parser.add_argument("--repeat", type=int, default=5, help="calls per timing; the shortest counts")
    options = parser.parse_args(arguments)
    repeat = 1 if options.quick else options.repeat
    with threadpool_limits(1):
        rows = measure(options.quick, repeat)
    width = max(len(r[0]) for r in rows)
    for label, program, text in rows:
        print(f"{label:{width}s}  {program:9s} {text}")
    return 0


def measure(quick: bool, repeat: int) -> Rows:
    rows = compare((1, 1, 1), repeat) + compare((1, 1, 2), repeat)
    rows += draw((2, 2, 1), 1) + draw((2, 2, 2), 1)
    rows += draw((4, 4, 4), 1) if not quick else []
    rows += build(repeat) + grid(2 if quick else 4)
    return rows


if __name__ == "__main__":
    sys.exit(main())
