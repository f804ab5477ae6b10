"""Settings of the softness literature, each corrected and as published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ionpath.arguments import typed
from ionpath.citations import references
from ionpath.documented import documented
from ionpath.errors import InputError, one_of
from ionpath.softness.functions import StructureFunctions
from ionpath.softness.model import ModelKind
from ionpath.softness.splits import SplitKind

PresetName = Literal["chen2025", "chen2023", "guan2024"]


@documented
@dataclass(frozen=True)
class Preset:
    """Everything that makes softness."""

    # name, mode: paper, and ``"correct"`` or ``"published"``
    name: str
    mode: str
    functions: StructureFunctions  # features
    kind: ModelKind  # classifier
    penalty: float | None  # C
    power: Literal["root", "square"]  # {"root", "square"}: whether D_cum sums roots of D2min or D2min
    nonaffine_cutoff: float  # neighbours of the affine fit, in A
    split: SplitKind  # kind of test split


@typed
@references("guan2024", "chen2025", "chen2023")
def preset(
    name: PresetName, species: Sequence[str], *, mode: Literal["correct", "published"] = "correct", mobile: str = "Li"
) -> Preset:
    """Look up the settings of a paper.

    Parameters
    ----------
    name : {"chen2025", "chen2023", "guan2024"}
        Paper.
    species : sequence of str
        Chemical symbols that the system has.
    mode : {"correct", "published"}
        See Notes.
    mobile : str, default "Li"
        Species of the ions.

    Returns
    -------
    Preset
        Settings.

    Raises
    ------
    InputError
        If the name or mode is unknown, or the mobile species is absent.

    Notes
    -----
    ============  ==========================================  ==============================================
    preset        correct                                     published
    ============  ==========================================  ==============================================
    ``chen2025``  Gaussians 0.2 A apart up to 10 A for every  the same for Li, P and S (150 functions)
                  species, logistic regression
    ``chen2023``  as above                                    Li only; D_cum is the sum of D2min itself
    ``guan2024``  48 Gaussians of L = 1 A from 0.3 to 5.0 A   37 Gaussians from 3 to 39 A, 1 A apart, of all
                  per species, cutoff 6 A, Gaussian kernel    species together, cutoff 6 A, so that about 30
                  with C = 200                                are zero; tested on randomly chosen samples
    ============  ==========================================  ==============================================

    Correct settings test on other ions at other times; published ones of ``guan2024`` on 30 % of the samples chosen
    at random, which share ions and frames with the training set. D_cum is the sum of sqrt(D2min) but where stated.
    The place of the Gaussians of ``chen2025`` within their shells is not published: it is the middle here. Its C is not
    published either. Of 0.001, 0.01 and 1, the value 0.01 does best (balanced accuracy 0.56 +- 0.03) for ions and times
    held out of 14 ps of ab initio molecular dynamics of Li6PS5Cl at 500 K with 50 % inversion, labelled over 1 ps; at
    0 % it is 0.001 (0.56 +- 0.01, and 0.53 +- 0.01 with 0.01). Search for it with more data.

    Examples
    --------
    >>> preset("chen2025", ["Cl", "Li", "P", "S"]).functions.n_functions
    200
    >>> preset("guan2024", ["Cl", "Li", "P", "S"], mode="published").functions.n_functions
    37
    """
    one_of("mode", mode, ("correct", "published"))
    kinds = tuple(sorted({str(s) for s in species}))
    if mobile not in kinds:
        remedy = "choose a species that is there"
        raise InputError("mobile", need=f"one of {', '.join(kinds)}", got=repr(mobile), remedy=remedy)
    published = mode == "published"
    if name == "guan2024":
        functions = _guan(kinds, published)
        return Preset(name, mode, functions, "rbf-svm", 200.0, "root", 5.0, "random" if published else "ion-and-time")
    one_of("preset", name, ("chen2025", "chen2023", "guan2024"))
    chosen = kinds
    if published and name == "chen2025":
        chosen = tuple(s for s in kinds if s in (mobile, "P", "S"))
    elif published:
        chosen = (mobile,)
    power: Literal["root", "square"] = "square" if published and name == "chen2023" else "root"
    return Preset(name, mode, StructureFunctions.spaced(chosen), "logistic", 0.01, power, 5.0, "ion-and-time")


def _guan(kinds: tuple[str, ...], published: bool) -> StructureFunctions:
    if published:
        return StructureFunctions(kinds, tuple(np.arange(3.0, 39.5, 1.0).tolist()), 1.0, 6.0, pooled=True)
    return StructureFunctions(kinds, tuple(np.round(np.arange(0.3, 5.05, 0.1), 10).tolist()), 1.0, 6.0)
