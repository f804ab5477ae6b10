"""Paths of a Markov chain: passage times, committors, fluxes and path entropies."""
