"""Argyrodites."""
