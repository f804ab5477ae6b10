"""Disorder of the anions: tilt and distortion of tetrahedra, and configurational entropies."""

from ionpath.disorder.distortion import tetrahedral_distortion
from ionpath.disorder.entropy import (
    EntropyComparison,
    compare_entropies,
    jackknife_error,
    number_of_states,
    shannon_entropy,
    support_entropy,
)
from ionpath.disorder.mixing import MixingEntropy, argyrodite_mixing_entropy, entropy_map, mixing_entropy
from ionpath.disorder.rotation import RotationCounter, RotationRate, corner_permutations, rotation_rate
from ionpath.disorder.tilt import TiltFreeEnergy, TiltHistogram, bond_angles, bond_vectors, tetrahedra, tilt_free_energy

__all__ = [
    "EntropyComparison",
    "MixingEntropy",
    "RotationCounter",
    "RotationRate",
    "TiltFreeEnergy",
    "TiltHistogram",
    "argyrodite_mixing_entropy",
    "bond_angles",
    "bond_vectors",
    "compare_entropies",
    "corner_permutations",
    "entropy_map",
    "jackknife_error",
    "mixing_entropy",
    "number_of_states",
    "rotation_rate",
    "shannon_entropy",
    "support_entropy",
    "tetrahedra",
    "tetrahedral_distortion",
    "tilt_free_energy",
]
