"""Messages -> the commands that carry them: many of one topic in one command."""

from collections.abc import Sequence

import attrs

from task_bus_nsq.link import Link
from task_core.api import Message
from task_core.errors import PayloadError

LARGEST_BATCH = 1_048_576
"""Bytes of a command with many messages.

An nsqd's --max-body-size bounds it, which is five times as much by default, and is
not told to clients.
"""


@attrs.define(eq=False)
class Parcel:
    """What one command carries, and one answer confirms.

    Args:
        topic: Where to.
        positions: Of its messages in the list given to `send`.
        bodies: Theirs.
        size: Bytes of the command's body.
        delay: Milliseconds; then it is one message alone.
    """

    topic: bytes
    positions: list[int]
    bodies: list[bytes]
    size: int
    delay: int = 0

    def put(self, link: Link) -> None:
        """Gather the command on a connection."""
        if self.delay:
            link.dpub(self.topic, self.delay, self.bodies[0])
        elif len(self.bodies) == 1:
            link.pub(self.topic, self.bodies[0])
        else:
            link.mpub(self.topic, *self.bodies)


def pack(messages: Sequence[Message], largest: int) -> list[Parcel]:
    """Sort messages into parcels; within a topic they keep their order.

    Args:
        messages: Checked ones.
        largest: Bytes of a parcel with more than one message.
    """
    return _pack_in_one(messages, largest) or _pack_in_many(messages, largest)


def _pack_in_one(messages: Sequence[Message], largest: int) -> list[Parcel]:
    """Return one parcel for all, or none if they need several: a task's usual case."""
    if not messages:
        return []
    topic = messages[0].topic
    for message in messages:
        if message.delay or message.topic != topic:
            return []
    bodies = [message.body for message in messages]
    size = 4 + 4 * len(bodies) + sum(map(len, bodies))
    if size > largest:
        return []
    return [Parcel(topic.encode(), list(range(len(bodies))), bodies, size)]


def _pack_in_many(messages: Sequence[Message], largest: int) -> list[Parcel]:
    parcels: list[Parcel] = []
    open_: dict[str, Parcel] = {}
    for position, message in enumerate(messages):
        size = len(message.body) + 4
        if message.delay:
            delay = max(1, round(message.delay * 1000))
            topic = message.topic.encode()
            parcels.append(Parcel(topic, [position], [message.body], size, delay))
            continue
        parcel = open_.get(message.topic)
        if parcel is None or parcel.size + size > largest:
            parcel = Parcel(message.topic.encode(), [], [], 4)
            open_[message.topic] = parcel
            parcels.append(parcel)
        parcel.positions.append(position)
        parcel.bodies.append(message.body)
        parcel.size += size
    return parcels


def check_bodies(messages: Sequence[Message]) -> None:
    """Refuse what NSQ cannot carry whatever its size.

    Raises:
        PayloadError: A body is empty.
    """
    for message in messages:
        if not message.body:
            raise PayloadError(
                f"bus 'nsq' carries no empty messages; this one is for topic"
                f" '{message.topic}'"
            )


def deliver(link: Link, parcels: list[Parcel]) -> None:
    """Send all parcels in one go, and take away those that were confirmed.

    Raises:
        OSError: The connection is lost, or there is no answer in time.
        RefusalError: The nsqd refuses the first that is left.
    """
    for parcel in parcels:
        parcel.put(link)
    try:
        while parcels:
            link.answer()
            del parcels[0]
    except BaseException:  # an interrupt, too: what is answered later is no answer
        link.drop()  # an nsqd that refuses closes, too
        raise
