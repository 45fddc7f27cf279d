"""Keeps the data streams for the bus: what workers print goes to stderr."""

import io
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
    _flush()
    own = os.dup(1)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A worker may print what it likes, whatever the locale.
            stream.reconfigure(errors="backslashreplace")
    return own


def claim_stdin() -> int:
    """Take stdin away from everybody else, for good.

    From here on file descriptor 0 has nothing to read: a child process of a worker,
    like `ssh` or `ffmpeg`, would eat the tasks.

    Returns:
        A new file descriptor of what stdin was; -1 when it was closed.
    """
    try:
        own = os.dup(0)
    except OSError:
        own = -1
    nothing = os.open(os.devnull, os.O_RDONLY)
    if nothing:
        os.dup2(nothing, 0)
        os.close(nothing)
    else:
        os.set_inheritable(0, True)
    return own


@contextmanager
def diverted_stdout() -> Iterator[None]:
    """Point stdout at stderr for a while, for example while plugins are imported."""
    own = claim_stdout()
    try:
        yield
    finally:
        _flush()
        os.dup2(own, 1)
        os.close(own)


def _flush() -> None:
    if sys.stdout is not None:  # a plugin may have taken it away
        sys.stdout.flush()
