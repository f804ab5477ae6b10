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
    """Hold back what libraries write to file descriptor 2; show it if the block raises.

    TensorFlow and deepmd-kit report missing CUDA libraries from C++ code, where Python's ``sys.stderr`` and logging
    have no say. Setting the environment variable ``IONPATH_VERBOSE`` to anything leaves the descriptor alone.
    """
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
    """Let TensorFlow be imported without Keras, which brings scikit-learn, pandas and matplotlib along.

    TensorFlow's last line imports one module of Keras for SavedModels, and goes on without it. That is a third of all
    that happens before the first energy (1.5 of 5.0 s of CPU time until a model is loaded). Keras can be imported
    afterwards, by ``tf.keras`` as well.
    """
    eager = "keras.src.optimizers"
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
    """Close file descriptor 2 to what compiled libraries write while the interpreter unloads them.

    deepmd-kit's stand-in for the CUDA runtime complains once more from its destructor. Handlers of ``atexit`` run in
    reverse order, and tracebacks are printed before them, so that nothing of Python's is lost but the messages of
    handlers that were registered earlier.
    """
    if not os.environ.get("IONPATH_VERBOSE"):
        atexit.register(_point_stderr_nowhere)


def _point_stderr_nowhere() -> None:
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
