"""Tasks from the lines of a stream: what is none is reported, and the others go on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import BinaryIO

import attrs

from task_core.api.message import Message
from task_core.api.part import Sender
from task_core.cli.render import Counter
from task_core.cli.stdout import tell
from task_core.cli.waiting import Waiting
from task_core.errors import DecodeError, PayloadError, SendError
from task_core.shown import shown
from task_core.task import Task, topic_of

CHUNK = 1 << 16
"""Bytes of stdin that are sent together, at most."""

Batch = Sequence[tuple[int, bytes]]
"""Lines with their numbers."""


@attrs.frozen(kw_only=True, eq=False)
class Envelope:
    """Where tasks go, when, and what they overtake.

    Args:
        topic: The task's type when empty.
        delay: Seconds to arrive not before.
        priority: Higher arrives first.
    """

    topic: str
    delay: float
    priority: int

    def around(self, task_type: str, body: bytes) -> Message:
        """Return the message with a task in it."""
        topic = self.topic or task_type
        return Message(topic, body, delay=self.delay, priority=self.priority)


def send_lines(
    stream: BinaryIO,
    producer: Sender,
    messages: Callable[[Batch], Iterator[tuple[int, Message | None]]],
    waiting: Waiting | None,
) -> int:
    """Send the lines of a stream; report those that are no tasks, and go on."""
    bad, counter, tally = 0, Counter("sent"), Tally()
    chunks = waiting.chunks(stream, CHUNK) if waiting else _chunks(stream)
    try:
        for batch in _batches(chunks):
            lines = list(messages(batch))
            good = [(number, message) for number, message in lines if message]
            bad += len(lines) - len(good) + _send(producer, good, waiting, tally)
            if not waiting:
                counter.show(tally.sent)
    except BaseException as error:  # who ends it goes on from here as well
        counter.clear()
        says_why = not isinstance(error, KeyboardInterrupt)
        tell(f"task: {tally.sent:,} sent before this{':' * says_why}")
        raise
    counter.clear()
    if bad:
        tell(f"task: {tally.sent:,} sent, {bad:,} refused")
    return 1 if bad else 0


@attrs.define
class Tally:
    """How many tasks the bus has confirmed."""

    sent: int = 0


def _send(
    producer: Sender,
    lines: Sequence[tuple[int, Message]],
    waiting: Waiting | None,
    tally: Tally,
) -> int:
    """Send what the bus takes; report the rest, and return how much that was."""
    try:
        producer.send([message for _, message in lines])
    except SendError as error:
        if error.unsent:  # the others are there
            tally.sent += len(lines) - len(error.unsent)
        raise
    except PayloadError as error:
        refused = frozenset(error.refused)
        if not refused:
            raise
        _report(lines[min(refused)][0], error, len(refused) - 1)
        if waiting:
            for at in refused:
                waiting.forget(lines[at][1].body)
        rest = [line for at, line in enumerate(lines) if at not in refused]
        return len(refused) + _send(producer, rest, waiting, tally)
    tally.sent += len(lines)
    return 0


def _report(number: int, error: Exception, others: int = 0) -> None:
    lines = "line" if others == 1 else "lines"
    more = f" (and {others:,} more {lines} like it)" if others else ""
    tell(f"task: line {number}: {shown(str(error))}{more}")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read1(CHUNK), b"")  # type: ignore[attr-defined]


def _batches(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Yield numbered lines, those that are there already, without waiting for more."""
    number = 1
    pieces: list[bytes] = []  # of a line that has not ended
    for chunk in chain(chunks, (b"\n",)):
        first, *lines = chunk.split(b"\n")
        pieces.append(first)
        if not lines:
            continue
        ready = [b"".join(pieces), *lines[:-1]]
        pieces = [lines[-1]]
        yield list(enumerate(ready, number))
        number += len(ready)


def messages_of(
    read: Callable[[bytes], tuple[Task, bytes]],
    envelope: Envelope,
    waiting: Waiting | None,
    batch: Batch,
) -> Iterator[tuple[int, Message | None]]:
    """Yield numbered messages of lines; of those that are no tasks None, and report.

    Args:
        read: Returns the task of a line, and the bytes to send.
        envelope: Where they go.
        waiting: Who waits for done tasks.
        batch: Numbered lines; those that are blank are passed over.
    """
    for number, line in batch:
        body = line.strip()
        if not body:
            continue
        try:
            task, body = read(body)
            kind = task.type if envelope.topic else topic_of(task)
        except DecodeError as error:
            _report(number, error)
            yield number, None
        else:
            body = waiting.expect(task, body) if waiting else body
            yield number, envelope.around(kind, body)
