"""Keeps the data streams for the bus: what workers print goes to stderr."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from task_core.errors import BusError

ESCAPED = "backslashreplace"


def claim_stdout() -> int:
    """Take stdout away from everybody else, for good.

    From here on file descriptor 1 is stderr, for `print`, for C code and for child
    processes alike.

    Returns:
        A new file descriptor of what stdout was.
    """
    _flush()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors != ESCAPED:
            # A worker may print what it likes, whatever the locale. This asks where the
            # file is, and so comes before another one takes its number, and only once.
            stream.reconfigure(errors=ESCAPED)
    own = os.dup(1)
    os.dup2(2, 1)
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


def open_streams() -> None:
    """See to it that stdout and stderr are there, which a shell can have closed.

    Another file would take their numbers, and get what is meant for people.

    Raises:
        BusError: stdout is closed: data would be lost without a word.
    """
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = _stream(2)
    if sys.stdout is None:
        text = "stdout is closed: point it at /dev/null if nobody wants what is written"
        raise BusError(text)


@contextmanager
def diverted_stdout() -> Iterator[None]:
    """Point stdout at stderr for a while, for example while plugins are imported."""
    own = claim_stdout()
    try:
        with kept_streams():
            yield
    finally:
        _flush()
        os.dup2(own, 1)
        os.close(own)


def _flush() -> None:
    if not getattr(sys.stdout, "closed", True):  # a plugin may have taken it away
        sys.stdout.flush()


def _stream(number: int) -> TextIO:
    return os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)


@contextmanager
def kept_streams() -> Iterator[None]:
    """Give `sys.stdout` and the like back if somebody closes them or takes them away.

    Others are free to put something of theirs in the place of these.
    """
    kept = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    try:
        yield
    finally:
        for number, (name, stream) in enumerate(kept.items()):
            if stream is not None and getattr(getattr(sys, name), "closed", True):
                setattr(sys, name, _stream(number) if stream.closed else stream)
