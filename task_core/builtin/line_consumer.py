"""Reads a descriptor line by line: a pipe, a terminal, a file."""

import os
import select
import stat
from collections.abc import Iterator, Sequence
from itertools import compress, count, repeat
from time import monotonic

from task_core.api.consumer import Consumer
from task_core.api.message import Delivery
from task_core.api.part import Owner
from task_core.api.waker import Event
from task_core.errors import BusError

SHORT_TASK = 32
"""Bytes of about the shortest task: so much is read for each one wanted, no more."""
CHUNK = 256 * 1024
"""Bytes that one read takes at most."""
LONGEST_REST = 1024 * 1024
"""Bytes of a line up to which its rest is read at the end."""
RUSH = 16
"""Who wants more lines than that at a time is short of nothing but tasks."""
NO, FIRST, NONE = repeat(None), repeat(1), repeat(0)
"""What a line has no more of than another one: a delivery is made without a call."""
LAST_MOMENT = 0.02
"""Seconds by which a line that is just coming in may exceed the timeout."""


class LineConsumer(Consumer):
    """Delivers the lines of a descriptor.

    Args:
        bus, topic, channel: As for every consumer.
        fd: What to read.
        name: What to call it in messages.
        owned: Close it at the end. One that is not owned and is a regular file is set
            back to its first undelivered byte instead: others may read on there.
    """

    def __init__(
        self, bus: Owner, topic: str, channel: str, fd: int, name: str, *, owned: bool
    ) -> None:
        super().__init__(bus, topic, channel)
        self._fd = fd
        self._name = name
        self._owned = owned
        self._buffer = LineBuffer()
        self._ended = False
        self._regular = self._is_regular()

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        buffer = self._buffer
        if found := buffer.take(limit):
            return found
        deadline = monotonic() + timeout
        while not self._ended:
            if self._wait(deadline - monotonic()) is not Event.READY:
                break
            came = self._read_for(limit)
            while came and self._wants_more(limit) and self._wait(0) is Event.READY:
                came = self._read_for(limit - buffer.lines)
            if found := buffer.take(limit):
                return found
            if monotonic() >= deadline + (LAST_MOMENT if came else 0):
                break
        return ()

    def _exhausted(self) -> bool:
        return self._buffer.empty and (self._ended or self._is_over())

    def _is_over(self) -> bool:
        """Whether nothing can come any more; seen without reading any further."""
        if self._regular:
            left = os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR)
            self._ended = left <= 0
        else:
            poll = select.poll()
            poll.register(self._fd, select.POLLIN)
            found = dict(poll.poll(0)).get(self._fd, 0)
            # A pipe that nobody writes any more, and with nothing in it.
            self._ended = bool(found & select.POLLHUP) and not found & select.POLLIN
        return self._ended

    def _drain(self) -> Sequence[Delivery]:
        """Hand over what was read ahead; a regular file keeps its lines itself."""
        if self._regular:
            return ()
        self._complete_line()
        return self._buffer.take_all()

    def _close(self) -> None:
        if self._owned:
            os.close(self._fd)
        elif self._regular and (pending := self._buffer.pending):
            os.lseek(self._fd, -pending, os.SEEK_CUR)

    def _complete_line(self) -> None:
        """Read a line that was begun to its end, as far as it has come, and no further.

        Byte by byte: what comes behind it was not asked for.
        """
        while 0 < self._buffer.partial < LONGEST_REST and not self._ended:
            event = self._wait(0)
            if event is Event.LATE:
                break
            if event is Event.READY:
                self._read(1)

    def _wait(self, seconds: float) -> Event:
        return self._waker.wait(seconds, self._fd)

    def _read_for(self, count: int) -> bool:
        """Read what holds no more tasks than so many; say whether anything came.

        But of a regular file, where `close` gives back what is left over.
        """
        least = CHUNK if self._regular and count > RUSH else self._buffer.partial
        return self._read(min(max(count * SHORT_TASK, least), CHUNK))

    def _wants_more(self, limit: int) -> bool:
        """Whether another read now spares a whole turn of the reader."""
        return limit > RUSH and self._buffer.lines < limit * 3 // 4

    def _read(self, size: int) -> bool:
        """Read once; return whether anything came."""
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:  # somebody else was quicker
            return False
        except OSError as error:
            raise self._failure(error) from None
        if data:
            self._buffer.feed(data)
        else:
            self._reach_end()
        return bool(data)

    def _reach_end(self) -> None:
        self._buffer.finish()
        self._ended = True

    def _is_regular(self) -> bool:
        try:
            return stat.S_ISREG(os.fstat(self._fd).st_mode)
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> BusError:
        return BusError(f"cannot read {self._name}: {error.strerror}")


class LineBuffer:
    """Holds what was read and not delivered: whole lines, and pieces of the last one.

    Lines stay exactly as read until they are taken, so that `pending` can count them.
    Each is told with its number, from 1 on.
    """

    def __init__(self) -> None:
        self.partial = 0
        """Bytes of the line that has no end yet."""
        self._pieces: list[bytes] = []
        self._lines: list[bytes] = []
        self._next = 0
        self._number: int | None = 1  # of the next line; None: that is not known
        self._unended = False  # the last line came without its newline
        self._has_returns = False  # as files of Windows have

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        self._has_returns = self._has_returns or b"\r" in data
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines:
            if self._pieces:
                lines[0] = b"".join([*self._pieces, lines[0]])
                self._pieces, self.partial = [], 0
            self._add(lines)
        if rest:
            self._pieces.append(rest)
            self.partial += len(rest)

    def finish(self) -> None:
        """Say that the input ended: so does its last line."""
        if self._pieces:
            self._add([b"".join(self._pieces)])
            self._pieces, self.partial, self._unended = [], 0, True

    def take(self, limit: int) -> list[Delivery]:
        """Return up to `limit` lines as deliveries; blank ones are skipped."""
        while self._lines:
            batch = self._lines[self._next : self._next + limit]
            numbers = self._numbers(len(batch))
            self._next += len(batch)
            if self._next == len(self._lines):
                self._clear()
            found = [*filter(bytes.strip, batch)]
            if len(found) < len(batch):
                numbers = compress(numbers, map(bytes.strip, batch))
            if self._has_returns:
                found = [line.removesuffix(b"\r") for line in found]
            if found:
                return [*map(Delivery, found, NO, FIRST, NO, NONE, NONE, numbers)]
        return []

    def restart(self) -> None:
        """Count anew: what comes is the beginning of another file."""
        self._number = None if self._lines else 1

    def _numbers(self, size: int) -> Iterator[int | None]:
        """Return the numbers of so many lines that are being taken."""
        if (number := self._number) is None:
            return NO
        self._number = number + size
        return count(number)

    def take_all(self) -> list[Delivery]:
        """Return everything, the unfinished last line too."""
        self.finish()
        return self.take(len(self._lines))

    @property
    def lines(self) -> int:
        """How many whole lines are held."""
        return len(self._lines) - self._next

    @property
    def empty(self) -> bool:
        """Whether nothing is held."""
        return not self._lines and not self._pieces

    @property
    def pending(self) -> int:
        """How many bytes of the input are held here."""
        held = sum(len(line) + 1 for line in self._lines[self._next :])
        return held + self.partial - self._unended

    def _add(self, lines: list[bytes]) -> None:
        self._lines = self._lines[self._next :] + lines if self._lines else lines
        self._next = 0

    def _clear(self) -> None:
        self._lines, self._next, self._unended = [], 0, False
