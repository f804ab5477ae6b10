"""Markov models of ions between sites: counts, transition matrices, resampled models, time scales, tests of the lag."""
