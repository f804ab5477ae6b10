"""The version of ionpath."""

__version__ = "0.1.0"
