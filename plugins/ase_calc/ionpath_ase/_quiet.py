"""Keep the start-up chatter of compiled libraries off the terminal, but not their errors."""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what C++ writes to file descriptor 2, unless IONPATH_VERBOSE is set; show it if the block raises."""
    if os.environ.get("IONPATH_VERBOSE"):
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)


@contextmanager
def without_keras() -> Iterator[None]:
    """Let TensorFlow be imported without Keras, which takes a third of the time until a model is loaded."""
    eager = "keras.src.optimizers"  # TensorFlow's last line imports it for SavedModels, and goes on without it
    if "tensorflow" in sys.modules or "keras" in sys.modules:
        yield
        return
    sys.modules[eager] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if sys.modules.get(eager, sys) is None:
            del sys.modules[eager]


def calm_environment() -> None:
    """Set what TensorFlow reads when it is imported, unless the user has set it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads:
        os.environ.setdefault("DP_INTRA_OP_PARALLELISM_THREADS", threads)
        os.environ.setdefault("DP_INTER_OP_PARALLELISM_THREADS", threads)


@cache
def quiet_exit() -> None:
    """Close file descriptor 2 to what destructors of compiled libraries write; tracebacks are printed before."""
    if not os.environ.get("IONPATH_VERBOSE"):
        atexit.register(_point_stderr_nowhere)


def _point_stderr_nowhere() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
