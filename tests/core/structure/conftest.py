"""Frames that the tests of this folder share."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Frames = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]


@cache
def read(path: Path) -> Frames:
    with gzip.open(path, "rt") as file:
        lines = file.read().split("\n")
    cell = np.array([line.split() for line in lines[2:5]], dtype=float) * float(lines[1])
    symbols = np.repeat(lines[5].split(), [int(n) for n in lines[6].split()])
    n, frames, at = len(symbols), [], 7
    while at < len(lines) and lines[at].startswith("Direct"):
        frames.append(np.array([line.split() for line in lines[at + 1 : at + 1 + n]], dtype=float))
        at += 1 + n
    return np.array(frames) @ cell, cell, symbols


@pytest.fixture(scope="session")
def aimd(shared_data: Path) -> Callable[[str], Frames]:
    """Ab initio trajectory of Li6PS5Cl at 500 K (Morgan 2021): positions (T, N, 3), cell and symbols."""
    return lambda name: read(shared_data / "aimd" / f"Li6PS5Cl-{name}.XDATCAR.gz")


@pytest.fixture
def sheared() -> Frames:
    """Three random frames of a binary gas in a sheared cell."""
    rng = np.random.default_rng(4)
    cell = np.array([[11.0, 0, 0], [3.0, 12.0, 0], [-2.5, 4.0, 10.0]])
    symbols = np.array(["Li"] * 25 + ["S"] * 35)
    return rng.uniform(-1, 2, (3, 60, 3)) @ cell, cell, symbols


def turn(seed: int = 0) -> np.ndarray[Any, Any]:
    """A random rotation."""
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


@pytest.fixture
def rotation() -> np.ndarray[Any, Any]:
    """A random rotation matrix."""
    return turn()
