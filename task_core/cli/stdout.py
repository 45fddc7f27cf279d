"""Keeps the data streams for the bus: what is said to people goes to stderr."""

import io
import os
import select
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import click

from task_core.errors import BusError

ESCAPED = "backslashreplace"
PATIENCE = 0.5
"""Seconds that what is said waits for a reader, once the process is to stop."""
LOOK = 0.1
"""Seconds between two looks whether it is."""
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
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if _number_of(stream) == number:  # else it is somebody's own
            setattr(sys, name, _said(number, stream))
    return own


class _Room:
    """Waits for room in what people read, which may be a pipe that is full.

    Once the process is to stop, not for long: who waits holds locks that others need
    for their last words.
    """

    def __init__(self) -> None:
        self.stops: Sequence[int] = ()
        self._gave_up = False
        self.renew_lock()

    def renew_lock(self) -> None:
        """Make a new one: in a child that was forked nobody is left to release it."""
        self._lock = threading.RLock()

    def write(self, number: int, piece: memoryview) -> int:
        """Write to a descriptor; return how many bytes, 0 when nobody reads them."""
        limit = float("inf")
        while not (written := self._write_now(number, piece)):
            if self.stops:
                limit = min(limit, time.monotonic() + PATIENCE)
                self._gave_up |= time.monotonic() >= limit
                if self._gave_up:
                    return 0
            select.select([], [number], [], LOOK)
        return written

    def _write_now(self, number: int, piece: memoryview) -> int:
        with self._lock:  # another thread could take the room that was seen
            if not select.select([], [number], [], 0)[1]:
                return 0
            self._gave_up = False
            return os.write(number, piece)


_room = _Room()
os.register_at_fork(after_in_child=_room.renew_lock)


class Said(io.RawIOBase):
    """A descriptor for people: what cannot be written there is dropped.

    A worker may print what it likes, whether or not its reader is still there.

    Args:
        number: The descriptor. It stays open when this is closed.
    """

    name, mode = "<stderr>", "wb"

    def __init__(self, number: int) -> None:
        self._number = number

    def writable(self) -> bool:
        """Return True."""
        return True

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._number

    def write(self, data: Any) -> int:
        """Write what can be written, in pieces that a pipe with room takes at once."""
        rest = memoryview(data).cast("B")
        size = len(rest)
        with suppress(OSError, ValueError):
            while rest:
                written = _room.write(self._number, rest[: select.PIPE_BUF])
                if not written:
                    break
                rest = rest[written:]
        return size


def _said(number: int, like: Any) -> TextIO:
    unbuffered = getattr(like, "write_through", False)
    raw: Any = Said(number)
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None),
        errors=ESCAPED,
        line_buffering=getattr(like, "line_buffering", False),
        write_through=unbuffered,
    )


def _number_of(stream: Any) -> int:
    try:
        number: int = stream.fileno()
    except (AttributeError, OSError, ValueError):  # it is no file, or closed
        return -1
    return number


def own_stderr() -> TextIO:
    """Return stderr as it is now, for whoever goes on when others close or replace it.

    Their `sys.stderr` may be a buffer for a moment, and closed when that is over.
    """
    if getattr(sys.stderr, "closed", True) or _number_of(sys.stderr) == 2:
        return _said(2, sys.stderr)
    return sys.stderr


def stop_with(stops: Sequence[int]) -> None:
    """Let what is said wait for no reader as soon as there is a signal to stop.

    Args:
        stops: The signals; they are added while the process runs.
    """
    _room.stops = stops


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
