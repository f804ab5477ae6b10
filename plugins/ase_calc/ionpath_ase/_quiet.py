"""Keep the start-up chatter of compiled libraries off the terminal, but not their errors."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back what libraries write to file descriptor 2; show it if the block raises.

    Yields
    ------
    None
        While the block runs, the descriptor points to a temporary file.

    Notes
    -----
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


def calm_environment() -> None:
    """Set what TensorFlow reads when it is imported, unless the user has set it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads:
        os.environ.setdefault("DP_INTRA_OP_PARALLELISM_THREADS", threads)
        os.environ.setdefault("DP_INTER_OP_PARALLELISM_THREADS", threads)
