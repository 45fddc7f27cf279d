"""Keeps the data stream clean: what workers print goes to stderr."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def claim_stdout() -> int:
    """Take stdout away from everybody else, for good.

    From here on file descriptor 1 is stderr, for `print`, for C code and for child
    processes alike.

    Returns:
        A new file descriptor of what stdout was.
    """
    sys.stdout.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    return own


@contextmanager
def diverted_stdout() -> Iterator[None]:
    """Point stdout at stderr for a while, for example while plugins are imported."""
    own = claim_stdout()
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(own, 1)
        os.close(own)
