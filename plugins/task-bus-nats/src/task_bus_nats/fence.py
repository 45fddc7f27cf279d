"""Sees that what a server has confirmed is there, also when it stops just then.

A stream keeps what one of its consumers wants. A server that stops ends the consumers
first, and goes on to confirm what it drops: old ones (2.9) all that comes until the
connection ends, new ones (2.15) what they are at. So behind what is sent comes a
question in the same queue: which message is the last on this subject? It needs no wait
of its own; if it is what was sent, the consumers were there, and all of it was kept.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from task_bus_nats.jetstream import JetStream
from task_bus_nats.link import Link
from task_bus_nats.names import Names
from task_bus_nats.wire import Frame
from task_core.api import BusConnectionError, BusError, Message

NEVER = 2**62
"""The number of no message: what wants to come after it is always refused."""
HEAD = b"NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: %d\r\n\r\n" % NEVER
END = b"%d %d\r\n%b\r\n" % (len(HEAD), len(HEAD), HEAD)
LAST = re.compile(rb'"wrong last sequence: (\d+)"')
PLACE = re.compile(rb'"seq": ?(\d+)')


class Asked(NamedTuple):
    """What is asked behind one batch.

    Args:
        line: What to write.
        topic: What it is about.
        at: Which message of the batch is the last on that topic.
        confirmed: The number of that message's confirmation.
        reply: The number of the answer.
    """

    line: bytes
    topic: str
    at: int
    confirmed: int
    reply: int


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

    def ask(self, messages: Sequence[Message], first: int) -> list[Asked]:
        """Return a question for each topic of a batch.

        Args:
            messages: The batch.
            first: The number of the answer to its first.
        """
        lasts = {message.topic: at for at, message in enumerate(messages)}
        number = self._link.reserve(len(lasts))
        return [
            self.ask_of(topic, at, first + at, reply)
            for reply, (topic, at) in enumerate(lasts.items(), number)
        ]

    def ask_of(self, topic: str, at: int, confirmed: int, reply: int) -> Asked:
        """Return the question for a topic; see `Asked`."""
        words = (self._names.subject(topic), self._link.inbox.encode(), reply, END)
        line = b"HPUB %b %b.%d %b" % words
        return Asked(line, topic, at, confirmed, reply)

    def failures(
        self,
        messages: Sequence[Message],
        asked: Sequence[Asked],
        frames: Sequence[Frame],
    ) -> dict[int, BusError | None]:
        """Return those of a batch that are confirmed, and perhaps dropped.

        Args:
            messages: The batch.
            asked: What was asked behind it.
            frames: All answers.

        Raises:
            BusError: The server cannot be asked.
        """
        gone = {
            one.topic
            for one in asked
            if (messages[one.at].delay or not self._is_kept(one, frames))
            and not self._is_there(one.topic)
        }
        if not gone:
            return {}
        error = BusConnectionError(
            f"NATS at {self._link.address}: it stops, and may have dropped what it"
            " has confirmed"
        )
        return {at: error for at, it in enumerate(messages) if it.topic in gone}

    def _is_there(self, topic: str) -> bool:
        """Whether the server still has the stream, so that its consumers were there."""
        return self._server.stream(self._names.place(topic).stream) is not None

    def _is_kept(self, one: Asked, frames: Sequence[Frame]) -> bool:
        """Whether a message was the last on its subject, or an earlier one, behind it.

        In a batch, answers may come in any order.
        """
        cut, place, last = len(self._link.inbox) + 1, b"", b""
        for frame in reversed(frames):  # both are at the end, most often
            number = int(frame.subject[cut:])
            if number == one.reply:
                last = frame.body
            elif number == one.confirmed:
                place = frame.body
            if place and last:
                break
        return _follows(last, place)


def says_kept(frames: Sequence[Frame]) -> bool:
    """Whether the answers to one message and its question, in order, say so."""
    confirmed, told = frames[0].body, frames[1].body
    if b'"error"' in confirmed:
        return False
    place = confirmed.partition(b'"seq":')[2][:-1]  # last of all, most often
    if place.isdigit() and b': %b"' % place in told:
        return True
    return _follows(told, confirmed)


def _follows(told: bytes, confirmed: bytes) -> bool:
    """Whether the last message of a subject, as told, is a confirmed one or later."""
    found, sent = LAST.search(told), PLACE.search(confirmed)
    return bool(found and sent and int(found[1]) >= int(sent[1]))
