"""Keeps the data streams for the bus: what is said to people goes to stderr."""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import click

from task_core.errors import BusError

ESCAPED = "backslashreplace"
_GONE = select.POLLERR | select.POLLHUP
_claimed: list[int] = []
"""What stdout was before somebody took it for good: only they write there."""


def claim_stdout() -> int:
    """Take stdout away from everybody else, for good.

    From here on file descriptor 1 is stderr, for `print`, for C code and for child
    processes alike.

    Returns:
        A new file descriptor of what stdout was.
    """
    own = _divert()
    _claimed.append(own)
    return own


def _divert() -> int:
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
    _claimed.clear()  # by a command that this process ran before
    if sys.stderr is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.stderr = _stream(2)
    if sys.stdout is None:
        text = "stdout is closed: point it at /dev/null if nobody wants what is written"
        raise BusError(text)


def stdout_is_gone() -> bool:
    """Whether nobody reads stdout any more.

    Of one that was claimed this says nothing: who has it tells what it could not write.
    """
    if _claimed:
        return False
    poll = select.poll()
    poll.register(1, 0)  # the end of its reader is told unasked
    return any(event & _GONE for _, event in poll.poll(0))


@contextmanager
def diverted_stdout() -> Iterator[None]:
    """Point stdout at stderr for a while, for example while plugins are imported."""
    own = _divert()
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


def tell(text: str, *, nl: bool = True) -> None:
    """Write a text to stderr.

    Its reader may be gone, or its disk full: what a report is about goes on.

    Args:
        text: What to say.
        nl: Whether to end the line.
    """
    with suppress(OSError):
        click.echo(text, nl=nl, err=True)


def give_up_untold() -> None:
    """Let Python end with the exit code that is meant, whatever stderr did not take."""
    try:
        if not getattr(sys.stderr, "closed", True):
            sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
