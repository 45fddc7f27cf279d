"""What must outlive the process: one file that is only ever appended to.

Every record is written to the operating system before its command is answered, so a
killed process loses nothing; nothing is synced, so a machine that loses power may.
"""

import json
import os
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

from brokers.nsqd_stand_in.message import Message

NOTE, PUT, FINISHED, REQUEUED, KEPT = b"N", b"P", b"F", b"R", b"K"
HEAD = struct.Struct(">cI")
FIRST = struct.Struct(">QQ")
ATTEMPTS = struct.Struct(">16sH")
MESSAGE = struct.Struct(">16sQHI")
_ROOM = 64 * 1024 * 1024


def named(*names: str) -> bytes:
    """Return names, each after its length."""
    return b"".join(bytes((len(name),)) + name.encode() for name in names)


class Journal:
    """Appends records; they are on their way to the disk after `flush`.

    Args:
        path: of the file, made when missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[bytes] = []
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size
        self._limit = _ROOM

    def _append(self, kind: bytes, *parts: bytes) -> None:
        self._pending.append(HEAD.pack(kind, sum(map(len, parts))))
        self._pending.extend(parts)

    def note(self, what: str, topic: str, channel: str = "") -> None:
        """Record what happens to a topic or channel as a whole."""
        self._append(NOTE, json.dumps([what, topic, channel]).encode())

    def put(self, topic: str, first: int, timestamp: int, batch: bytes) -> None:
        """Record published messages: the numbers count up from the first.

        Args:
            topic: that they were published to.
            first: number of the first message.
            timestamp: of all of them, in nanoseconds.
            batch: sizes and bodies, as in the body of an `MPUB` after its count.
        """
        self._append(PUT, named(topic), FIRST.pack(first, timestamp), batch)

    def finished(self, topic: str, channel: str, ids: Sequence[bytes]) -> None:
        """Record that a channel is done with messages."""
        self._append(FINISHED, named(topic, channel), *ids)

    def requeued(self, topic: str, channel: str, message: Message) -> None:
        """Record that a message is at the end of the queue again."""
        parts = ATTEMPTS.pack(message.id, message.attempts)
        self._append(REQUEUED, named(topic, channel), parts)

    def kept(self, topic: str, channel: str, messages: Iterable[Message]) -> None:
        """Record what a channel holds (no channel: what waits in the topic)."""
        parts = [named(topic, channel)]
        for it in messages:
            head = MESSAGE.pack(it.id, it.timestamp, it.attempts, len(it.body))
            parts += (head, it.body)
        self._append(KEPT, *parts)

    def flush(self) -> None:
        """Hand the records to the operating system."""
        if self._pending:
            data = memoryview(b"".join(self._pending))
            self._pending.clear()
            self._size += len(data)
            while data:
                data = data[os.write(self._file, data) :]

    @property
    def is_long(self) -> bool:
        """Whether it is time to begin anew with `rewrite`."""
        return self._size > self._limit

    def rewrite(self, records: "Journal") -> None:
        """Put another journal in the place of this one."""
        records.flush()
        os.replace(records._path, self._path)
        os.close(self._file)
        self._pending.clear()
        self._file, self._size = records._file, records._size
        self._limit = max(_ROOM, 2 * self._size)

    def beside(self) -> "Journal":
        """Return an empty one to fill, for `rewrite`."""
        path = self._path.with_suffix(".new")
        path.unlink(missing_ok=True)
        return Journal(path)
