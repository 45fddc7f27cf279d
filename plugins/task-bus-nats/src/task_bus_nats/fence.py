"""Sees that what a server has confirmed is there, also when it stops just then.

A stream keeps what one of its consumers wants. A server that stops ends the consumers
first, and goes on to confirm what it drops: old ones (2.9) all that comes until the
connection ends, new ones (2.15) what they are at. So behind what is sent comes a
question in the same queue: which message is the last on this subject? It needs no wait
of its own; if it is what was sent, the consumers were there, and all of it was kept.
"""

import re
from collections.abc import Sequence

import attrs

from task_bus_nats.jetstream import JetStream
from task_bus_nats.link import Link
from task_bus_nats.names import Names
from task_bus_nats.wire import Frame
from task_core.api import BusConnectionError, BusError, Message

NEVER = 2**62
"""The number of no message: what wants to come after it is always refused."""
HEAD = b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: %d\r\n\r\n" % NEVER
LAST = re.compile(rb'"wrong last sequence: (\d+)"')
PLACE = re.compile(rb'"seq": ?(\d+)')


@attrs.define(eq=False)
class Asked:
    """What is asked behind one batch.

    Args:
        messages: The batch.
        lines: What to write.
        pairs: For the last message of each topic: which it is, and the subjects of
            its confirmation and of the answer to the question behind it.
    """

    messages: Sequence[Message]
    lines: bytes
    pairs: list[tuple[int, bytes, bytes]]


class Fence:
    """Asks behind each batch, in the same write.

    Args:
        link: The connection.
        server: Whom to ask again when the answer leaves it open.
        names: What things are called.
    """

    def __init__(self, link: Link, server: JetStream, names: Names) -> None:
        self._link = link
        self._server = server
        self._names = names

    def ask(self, messages: Sequence[Message], first: int) -> "Asked":
        """Return what to write behind a batch.

        Args:
            messages: The batch.
            first: The number of the answer to its first.
        """
        inbox = self._link.inbox
        lasts = {message.topic: at for at, message in enumerate(messages)}
        number = self._link.reserve(len(lasts))
        asked = Asked(messages, b"", [])
        for question, (topic, at) in enumerate(lasts.items(), number):
            reply = b"%b.%d" % (inbox.encode(), question)
            words = (self._names.subject(topic), reply, len(HEAD), len(HEAD), HEAD)
            asked.lines += b"HPUB %b %b %d %d\r\n%b\r\n" % words
            asked.pairs.append((at, b"%b.%d" % (inbox.encode(), first + at), reply))
        return asked

    def failures(
        self, asked: "Asked", frames: Sequence[Frame]
    ) -> dict[int, BusError | None]:
        """Return those of a batch that are confirmed, and perhaps dropped.

        Args:
            asked: What was written behind it.
            frames: All answers.

        Raises:
            BusError: The server cannot be asked.
        """
        doubted = {
            asked.messages[at].topic
            for at, confirmed, question in asked.pairs
            if asked.messages[at].delay  # it has a subject of its own
            or not _is_kept(_body(frames, confirmed), _body(frames, question))
        }
        gone = {topic for topic in doubted if not self._is_there(topic)}
        if not gone:
            return {}
        error = BusConnectionError(
            f"NATS at {self._link.address}: it stops, and may have dropped what it"
            " has confirmed"
        )
        return {at: error for at, it in enumerate(asked.messages) if it.topic in gone}

    def _is_there(self, topic: str) -> bool:
        """Whether the server still has the stream, so that its consumers were there."""
        return self._server.stream(self._names.place(topic).stream) is not None


def _is_kept(confirmed: bytes, question: bytes) -> bool:
    """Whether a message was the last on its subject, or an earlier one, behind it."""
    place, last = PLACE.search(confirmed), LAST.search(question)
    return bool(place and last and int(last[1]) >= int(place[1]))


def _body(frames: Sequence[Frame], subject: bytes) -> bytes:
    """Return an answer; most often it is one of the last."""
    return next(it.body for it in reversed(frames) if it.subject == subject)
