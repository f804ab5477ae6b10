"""Sentences for input that makes no collective variable."""

from __future__ import annotations

import numpy as np
import pytest

from ionpath.cvs import (
    BondTilt,
    FramePosition,
    PathProgress,
    Rational,
    ShellCoordinates,
    ShellMembership,
    TetrahedronDistortion,
    TetrahedronRotation,
)
from ionpath.errors import InputError


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ShellCoordinates(centres=((1,), ())), "centres: need at least one atom for every centre"),
        (lambda: ShellCoordinates(centres=((1, 1), (2,))), "centres: need different atoms"),
        (lambda: ShellCoordinates(centres=((0,), (2,))), "none of them the ion"),
        (lambda: ShellCoordinates(rotation=((1, 1, 0), (0, 1, 0), (0, 0, 1))), "rotation: need three perpendicular"),
        (lambda: TetrahedronDistortion(pairs=((0, 1), (0, 1))), "pairs: need different pairs"),
        (lambda: TetrahedronRotation(reference=((1, 0, 0), (2, 0, 0), (3, 0, 0))), "reference: need three or more"),
        (lambda: Rational(r0=0.0), "r0: need a width above 0 A, got 0.0"),
        (lambda: Rational(r0=1.0, nn=6, mm=4), "mm: need an exponent above nn"),
        (lambda: PathProgress(form="curved"), "form: need 'geometric' or 'branduardi', got 'curved'"),
        (lambda: PathProgress(form="branduardi", lam=-1.0), "lam: need a number above 0"),
        (lambda: ShellMembership(sites=((1.0, 2.0),)), "sites: need one vector"),
        (lambda: ShellMembership(sites=((1.0, 2.0, 3.0),), width=0.0), "width: need a number above 0"),
        (lambda: FramePosition(reference=((1.0, 2.0),)), "reference: need one position"),
        (lambda: BondTilt().evaluate(np.zeros((3, 3))), r"positions: need 2 atoms, .* got shape \(3, 3\)"),
        (lambda: BondTilt().evaluate([[0, 0, 0], [np.nan, 0, 1]]), "positions: need finite numbers, got nan"),
    ],
)
def test_sentence(make, match):
    with pytest.raises(InputError, match=match):
        make()
