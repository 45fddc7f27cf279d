"""Reads a file as it grows, through truncation and rotation, like `tail -F`."""

import errno
import os

from task_core.api.part import Owner
from task_core.api.waker import Event
from task_core.builtin.line_consumer import LineConsumer

PAUSE = 0.05
"""Seconds between two looks at a file that has no more."""


class FollowingConsumer(LineConsumer):
    """Delivers the lines of a file and those that are added later; never exhausted.

    When the file is cut or another takes its place, its unfinished last line ends.

    Args:
        bus, topic, channel: As for every consumer.
        fd: The open file; the consumer owns it.
        path: Its name, to notice when another file takes its place.
    """

    def __init__(
        self, bus: Owner, topic: str, channel: str, fd: int, path: str
    ) -> None:
        super().__init__(bus, topic, channel, fd, f"'{path}'", owned=True)
        self._path = os.path.abspath(path)  # a worker may change its folder
        self._at_end = False
        self._leaving = False  # the file was moved away: read its rest, then change

    def _wait(self, seconds: float) -> Event:
        if not self._at_end:
            return super()._wait(seconds)
        event = self._waker.wait(min(seconds, PAUSE))
        if event is Event.WOKEN:
            return event
        self._at_end = False
        return Event.READY

    def _is_over(self) -> bool:
        return False

    def _reach_end(self) -> None:
        if self._leaving:
            self._change()
        elif self._replaced():
            self._leaving = True
        elif self._cut():
            self._buffer.finish()
            self._buffer.restart()
            os.lseek(self._fd, 0, os.SEEK_SET)
        else:
            self._at_end = True

    def _replaced(self) -> bool:
        try:
            found = os.stat(self._path)
        except OSError:  # between the rename and the new file
            return False
        return not os.path.samestat(found, os.fstat(self._fd))

    def _cut(self) -> bool:
        return self._regular and (
            os.fstat(self._fd).st_size < os.lseek(self._fd, 0, os.SEEK_CUR)
        )

    def _change(self) -> None:
        try:
            fd = open_to_read(self._path)
        except OSError:  # gone again
            self._at_end = True
            return
        self._buffer.finish()
        self._buffer.restart()
        os.close(self._fd)
        self._fd = fd
        self._leaving = False
        self._regular = self._is_regular()


def open_to_read(path: str) -> int:
    """Open a file or a named pipe; a pipe without a writer does not block.

    Raises:
        OSError: It cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if os.path.isdir(fd):
        os.close(fd)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return fd
