"""How strongly atoms scatter X-rays and neutrons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ionpath.arrays import Floats
from ionpath.citations import references
from ionpath.errors import InputError

# fmt: off
_XRAY: dict[str, tuple[float, ...]] = {
    "Li": (0.974637, 0.150472, 0.811055, 0.262416, 0.790108,
        4.334946, 0.342451, 97.102969, 201.363824, 1.409234, 0.002542),
    "O": (2.960427, 2.508818, 0.637853, 0.722838, 1.142756,
        14.182259, 5.936858, 0.112726, 34.958481, 0.39024, 0.027014),
    "F": (3.511943, 2.772244, 0.678385, 0.915159, 1.089261,
        10.687859, 4.380466, 0.093982, 27.255203, 0.313066, 0.032557),
    "Na": (4.910127, 3.081783, 1.262067, 1.098938, 0.560991,
        3.281434, 9.119178, 0.102763, 132.013942, 0.405878, 0.079712),
    "Al": (4.730796, 2.313951, 1.54198, 1.117564, 3.154754,
        3.620931, 43.051166, 0.09596, 100.932109, 1.555918, 0.139509),
    "Si": (5.275329, 3.191038, 1.511514, 1.356849, 2.519114,
        2.631338, 33.730728, 0.081119, 86.28864, 1.170087, 0.145073),
    "P": (1.950541, 4.14693, 1.49456, 1.522042, 5.729711,
        0.908139, 27.044953, 0.07128, 67.52019, 1.981173, 0.155233),
    "S": (6.372157, 5.154568, 1.473732, 1.635073, 1.209372,
        1.514347, 22.092528, 0.061373, 55.445176, 0.6469251, 0.154722),
    "Cl": (1.446071, 6.870609, 6.151801, 1.750347, 0.634168,
        0.052357, 1.193165, 18.343416, 46.398394, 0.4010051, 0.146773),
    "Ge": (16.540614, 1.5679, 3.727829, 3.345098, 6.785079,
        2.866618, 0.012198, 13.432163, 58.866046, 0.210974, 0.018726),
    "As": (17.025643, 4.503441, 3.715904, 3.9372, 6.790175,
        2.597739, 0.003012, 14.272119, 50.437997, 0.193015, -2.984117),
    "Se": (17.354071, 4.653248, 4.259489, 4.136455, 6.749163,
        2.349787, 0.00255, 15.57946, 45.181201, 0.177432, -3.160982),
    "Br": (17.55057, 5.411882, 3.93718, 3.880645, 6.7077931,
        2.119226, 16.557185, 0.002481, 42.164009, 0.162121, -2.492088),
    "Sn": (19.325171, 6.281571, 4.498866, 1.856934, 17.91731,
        6.118104, 0.036915, 32.529047, 95.037182, 0.565651, 0.119024),
    "Sb": (5.394956, 6.54957, 19.650681, 1.82782, 17.867833,
        33.326523, 0.030974, 5.564929, 87.130965, 0.523992, -0.290506),
    "I": (19.884502, 6.7364593, 8.110516, 1.170953, 17.548715,
        4.628591, 0.027754, 31.849096, 84.406391, 0.46355, -0.448811),
    "Li+": (0.432724, 0.549257, 0.376575, -0.336481, 0.97606,
        0.260367, 1.042836, 7.885294, 0.260368, 3.042539, 0.001764),
    "Cl-": (1.0618021, 7.139886, 6.524271, 2.355626, 35.829404,
        0.144727, 1.171795, 19.467656, 60.320301, 0.000436, -34.916604),
    "Br-": (17.71431, 6.466926, 6.947385, 4.402674, -0.697279,
        2.122554, 19.050767, 0.152708, 58.690361, 58.690373, 1.152674),
}
# fmt: on
"""Five amplitudes, five widths (A^2) and the constant of f(s), s = Q / 4 pi (Waasmaier and Kirfel 1995)."""

NEUTRON_LENGTHS: dict[str, float] = {
    "Li": -1.90, "7Li": -2.22, "B": 5.30, "C": 6.646, "N": 9.36, "O": 5.803, "F": 5.654, "Na": 3.63,
    "Mg": 5.375, "Al": 3.449, "Si": 4.149, "P": 5.13, "S": 2.847, "Cl": 9.577, "K": 3.67, "Ga": 7.288,
    "Ge": 8.185, "As": 6.58, "Se": 7.970, "Br": 6.795, "Sn": 6.225, "Sb": 5.57, "I": 5.28,
}  # fmt: skip
"""Coherent scattering lengths of the natural elements, and of 7Li, in fm (Sears 1992)."""


@references("sears1992")
def neutron_lengths(
    species: Sequence[str], *, isotopes: Mapping[str, float | str] | None = None
) -> dict[str, float]:
    """Give coherent neutron scattering lengths.

    Parameters
    ----------
    species : sequence of str
        Chemical symbols.
    isotopes : mapping of str to (float or str), optional
        Own lengths in fm, or another name of the table, for example ``{"Li": "7Li"}``.

    Returns
    -------
    dict of str to float
        Lengths in fm.

    Raises
    ------
    InputError
        If an element is not in the table.

    Examples
    --------
    >>> neutron_lengths(["Li", "P"], isotopes={"Li": "7Li"})
    {'Li': -2.22, 'P': 5.13}
    """
    own = dict(isotopes or {})
    lengths = {}
    for symbol in dict.fromkeys(map(str, species)):
        value = own.get(symbol, symbol)
        if isinstance(value, str) and value not in NEUTRON_LENGTHS:
            raise InputError(
                "species", need="elements with a known neutron scattering length", got=value,
                remedy=f"give isotopes={{{symbol!r}: length in fm}}",
            )  # fmt: skip
        lengths[symbol] = NEUTRON_LENGTHS[value] if isinstance(value, str) else float(value)
    return lengths


@references("waasmaier1995")
def xray_form_factors(
    species: Sequence[str], q: ArrayLike, *, ions: Mapping[str, str] | None = None
) -> dict[str, Floats]:
    r"""Give X-ray form factors.

    Parameters
    ----------
    species : sequence of str
        Chemical symbols.
    q : array_like, (Q,)
        Moduli of the scattering vector, in 1/A; up to 75.
    ions : mapping of str to str, optional
        Which entry of the table to use instead of the neutral atom, for example ``{"Cl": "Cl-"}``.

    Returns
    -------
    dict of str to ndarray, (Q,)
        Form factors in electrons.

    Raises
    ------
    InputError
        If an element is not in the table.

    Notes
    -----
    .. math:: f(s) = \sum_{i=1}^{5} a_i e^{-b_i s^2} + c, \qquad s = Q / 4\pi

    Examples
    --------
    >>> {k: round(float(f[0]), 2) for k, f in xray_form_factors(["P", "S"], [0.0]).items()}
    {'P': 15.0, 'S': 16.0}
    """
    s = np.asarray(q, dtype=np.float64) / (4.0 * np.pi)
    factors = {}
    for symbol in dict.fromkeys(map(str, species)):
        entry = (ions or {}).get(symbol, symbol)
        if entry not in _XRAY:
            raise InputError(
                "species", need="elements with a tabulated X-ray form factor", got=entry,
                remedy=f"choose among {', '.join(_XRAY)}",
            )  # fmt: skip
        numbers = np.array(_XRAY[entry])
        gaussians = numbers[:5, None] * np.exp(-numbers[5:10, None] * s**2)
        factors[symbol] = np.asarray(gaussians.sum(axis=0) + numbers[10], dtype=np.float64)
    return factors
