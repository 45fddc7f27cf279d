"""Writes messages as lines to descriptors."""

import os
import select
import threading
from abc import abstractmethod
from collections.abc import Collection, Sequence

from task_core.api.message import Message
from task_core.api.producer import Producer
from task_core.errors import BusClosedError, PayloadError, SendError

_WRITES = threading.Lock()
"""Held while somebody writes: of what several threads have, a line stays whole."""


class LineWriter:
    """Writes whole lines to one descriptor.

    Args:
        fd: Where to.
        name: What to call it in messages.
    """

    def __init__(self, fd: int, name: str) -> None:
        self.fd = fd
        self.name = name
        self.written = 0
        """How many lines got there so far."""
        self._torn = False

    def write(self, bodies: Sequence[bytes]) -> None:
        """Write all, or raise; `written` tells how many whole lines got there.

        Raises:
            OSError: The system refused.
        """
        # after a failure half a line may be there: it must not spoil the next one
        start = [b""] if self._torn else []
        data = b"\n".join([*start, *bodies, b""])
        view = memoryview(data)
        self._torn = True
        position = 0
        with _WRITES:
            try:
                while position < len(data):
                    position += self._write_some(view[position:])
            except BaseException:
                whole = data.count(b"\n", len(start), max(position, len(start)))
                self.written += whole
                raise
        self.written += len(bodies)
        self._torn = False

    def _write_some(self, view: memoryview) -> int:
        while True:
            try:
                return os.write(self.fd, view)
            except BlockingIOError:  # a slow reader of a non-blocking stream
                poll = select.poll()
                poll.register(self.fd, select.POLLOUT)
                poll.poll()


class LineProducer(Producer):
    """Sends each batch with one write for each place that it goes to."""

    @abstractmethod
    def _writer_for(self, topic: str) -> LineWriter:
        """Return where a topic goes.

        Raises:
            OSError, ValueError: It cannot be opened.
        """

    def _send(self, messages: Sequence[Message]) -> None:
        bodies = [message.body for message in messages]
        if b"\n" in b"".join(bodies):
            raise _holds_newline(messages)
        sent: list[Sequence[int]] = []
        for writer, positions in self._group(messages).items():
            before = writer.written
            try:
                if len(positions) < len(bodies):
                    writer.write([bodies[n] for n in positions])
                else:
                    writer.write(bodies)
            except BrokenPipeError:
                raise _closed_by_reader(writer) from None
            except OSError as error:
                sent.append(positions[: writer.written - before])
                unsent = {*range(len(bodies))}.difference(*sent)
                raise _failure(writer.name, error, unsent) from None
            sent.append(positions)

    def _group(self, messages: Sequence[Message]) -> dict[LineWriter, Sequence[int]]:
        everything = range(len(messages))
        writers: dict[str, LineWriter] = {}
        for topic in {message.topic for message in messages}:
            try:
                writers[topic] = self._writer_for(topic)
            except (OSError, ValueError) as error:  # no file name holds a NUL
                raise _refusal(topic, error, messages) from None
        if len(set(writers.values())) == 1:
            return dict.fromkeys(writers.values(), everything)
        groups: dict[LineWriter, list[int]] = {}
        for position, message in enumerate(messages):
            groups.setdefault(writers[message.topic], []).append(position)
        return dict(groups)


def _holds_newline(messages: Sequence[Message]) -> PayloadError:
    broken = [at for at, message in enumerate(messages) if b"\n" in message.body]
    topic = messages[broken[0]].topic
    return PayloadError(
        f"a message for topic '{topic}' holds a newline: a bus of lines cannot carry"
        " it",
        broken,
    )


def _closed_by_reader(writer: LineWriter) -> BusClosedError:
    return BusClosedError(
        f"{writer.name} was closed by its reader; messages written: {writer.written}"
    )


def _refusal(
    topic: str, error: OSError | ValueError, messages: Sequence[Message]
) -> PayloadError:
    """Single out what goes to a place that cannot be: the others may be sent."""
    reason, place = str(error), ""
    if isinstance(error, OSError):
        reason = error.strerror or reason
        if error.filename and not error.filename.endswith(topic):
            place = f" to '{error.filename}'"  # a URL may name one for all topics
    positions = [at for at, message in enumerate(messages) if message.topic == topic]
    return PayloadError(f"cannot write topic '{topic}'{place}: {reason}", positions)


def _failure(name: str, error: OSError, unsent: Collection[int]) -> SendError:
    text = f"cannot write {name}: {error.strerror}"
    return SendError(f"{text}; messages not written: {len(unsent)}", sorted(unsent))
