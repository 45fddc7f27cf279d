"""Messages -> the commands that publish them: many of one topic in one command."""

import logging
from collections.abc import Iterable, Sequence

import attrs

from task_bus_nsq.connection import NsqdConnection
from task_bus_nsq.names import name_problem, nsq_topic
from task_core.api import Message, PayloadError

_log = logging.getLogger("task.bus.nsq")
Names = dict[str, bytes]
"""The names that topics have on NSQ, by those that callers use."""
LARGEST_BATCH = 1_048_576
"""Bytes of a command with many messages.

An nsqd's --max-body-size bounds it, which is five times as much by default, and is
told to clients only when it is too late.
"""


@attrs.define(eq=False)
class Batch:
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

    def put(self, connection: NsqdConnection) -> None:
        """Gather the command on a connection."""
        if self.delay:
            connection.dpub(self.topic, self.delay, self.bodies[0])
        elif len(self.bodies) == 1:
            connection.pub(self.topic, self.bodies[0])
        else:
            connection.mpub(self.topic, *self.bodies)


def make_batches(
    messages: Sequence[Message], names: Names, largest: int, longest: float
) -> list[Batch]:
    """Sort messages into batches; within a topic they keep their order.

    Args:
        messages: Checked ones.
        names: Those that their topics have on NSQ.
        largest: Bytes of a batch with more than one message.
        longest: Seconds of a delay; longer ones are shortened.
    """
    return _make_one(messages, names, largest) or _make_several(
        messages, names, largest, longest
    )


def _make_one(messages: Sequence[Message], names: Names, largest: int) -> list[Batch]:
    """Return one batch for all, or none if they need several: a task's usual case."""
    topic = messages[0].topic
    for message in messages:
        if message.delay or message.topic != topic:
            return []
    batch = _batch(names[topic], range(len(messages)), [it.body for it in messages])
    return [batch] if batch.size <= largest else []


def _make_several(
    messages: Sequence[Message], names: Names, largest: int, longest: float
) -> list[Batch]:
    batches: list[Batch] = []
    open_: dict[str, Batch] = {}
    for position, message in enumerate(messages):
        topic, size = names[message.topic], len(message.body) + 4
        if message.delay:
            alone = _batch(topic, [position], [message.body])
            alone.delay = max(1, round(_shortened(message, longest) * 1000))
            batches.append(alone)
            continue
        batch = open_.get(message.topic)
        if batch is None or batch.size + size > largest:
            batch = open_[message.topic] = _batch(topic, [], [])
            batches.append(batch)
        batch.positions.append(position)
        batch.bodies.append(message.body)
        batch.size += size
    return batches


def _batch(topic: bytes, positions: Iterable[int], bodies: list[bytes]) -> Batch:
    size = 4 + 4 * len(bodies) + sum(map(len, bodies))
    return Batch(topic, list(positions), bodies, size)


def _shortened(message: Message, longest: float) -> float:
    """Return the delay of a message, as far as an nsqd takes it."""
    if message.delay > longest:
        _log.warning(
            "a message for topic '%s' is due in %gs, but nsqd's --max-req-timeout is"
            " %gs: it comes then",
            message.topic,
            message.delay,
            longest,
        )
    return min(message.delay, longest)


def split(batch: Batch, largest: int) -> list[Batch]:
    """Return what is no larger, or a message alone, which no such limit binds."""
    half = len(batch.bodies) // 2
    if batch.size <= largest or not half:
        return [batch]
    first = _batch(batch.topic, batch.positions[:half], batch.bodies[:half])
    second = _batch(batch.topic, batch.positions[half:], batch.bodies[half:])
    return [*split(first, largest), *split(second, largest)]


def check_messages(messages: Sequence[Message], names: Names) -> None:
    """Refuse what NSQ cannot carry whatever its size.

    Args:
        messages: What is to be sent.
        names: Those of topics that were checked before; new ones are added.

    Raises:
        PayloadError: A body is empty, or a topic is none; it tells whose.
    """
    new = {message.topic for message in messages} - names.keys()
    if not new and all(message.body for message in messages):
        return
    problems = {at: _problem(message) for at, message in enumerate(messages)}
    if refused := {at: text for at, text in problems.items() if text}:
        raise PayloadError(f"bus 'nsq': {next(iter(refused.values()))}", refused)
    names.update((topic, nsq_topic(topic).encode()) for topic in new)


def _problem(message: Message) -> str:
    if message.body:
        return name_problem("topic", nsq_topic(message.topic))
    return f"it carries no empty messages; this one is for topic '{message.topic}'"


def deliver(connection: NsqdConnection, batches: list[Batch]) -> None:
    """Send all batches in one go, and take away those that were confirmed.

    Raises:
        OSError: The connection is lost, or there is no answer in time.
        RefusalError: The nsqd refuses the first that is left.
    """
    for batch in batches:
        batch.put(connection)
    try:
        while batches:
            connection.answer()
            del batches[0]
    except BaseException:  # an interrupt, too: what is answered later is no answer
        connection.drop()  # an nsqd that refuses closes, too
        raise
