"""Mutants that give messages to the wrong readers, and those of processes."""

import functools
import uuid
from pathlib import Path

from task_bus_sqlite.bus import SqliteBus

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer
from task_core.api.message import Message
from task_core.builtin.memory_topics import Channel


@caught_by("every_channel_gets_each_message", "assert")
class ChannelsShare(DoubleBus):
    """Knows topics only."""

    def _subscribe(self, topic, channel, **hints):
        return super()._subscribe(topic, "the only one", **hints)


@caught_by("consumers_on_one_channel_share_its_messages", "assert")
class EachConsumerIsAChannel(DoubleBus):
    """Gives every message to each consumer."""

    def _subscribe(self, topic, channel, **hints):
        return super()._subscribe(topic, f"{channel}-{uuid.uuid4().hex}", **hints)


@caught_by("the_first_channel_gets_what_was_sent_before_it", "assert")
class ForgetsWhatNobodyReads(DoubleConsumer):
    """Drops messages of topics that have no channel."""

    def __init__(self, bus, topic, channel, **more):
        bus.storage.topic(topic)._backlog.clear()
        super().__init__(bus, topic, channel, **more)


@caught_by("a_late_channel_gets_all_that_is_sent_from_then_on", "assert")
class ForgetsLateChannels(DoubleConsumer):
    """Serves only the channels that were there at the first message."""

    def __init__(self, bus, topic, channel, **more):
        with bus.storage.changed:
            late = bus.storage.topic(topic).channels
        super().__init__(bus, topic, channel, **more)
        if len(late) > 1:
            self.stored = Channel()


@caught_by("a_late_channel_gets_all_that_is_sent_from_then_on", "assert")
class LateChannelsGetHalfOfThePast(DoubleConsumer):
    """Some of what was there before, and some not."""

    def __init__(self, bus, topic, channel, **more):
        super().__init__(bus, topic, channel, **more)
        if channel == "late":
            with self._changed:
                topics = bus.storage.topic(topic)
                here, topics.channels = topics.channels, {channel: self.stored}
                topics.put([Message(topic, b"old 2")], 0)
                topics.channels = here


@caught_by("topics_do_not_see_each_other", "assert")
class ChannelsOfOneNameAreOne(DoubleBus):
    """Knows channels by their name only."""

    def _subscribe(self, topic, channel, **hints):
        shared = self._known()
        with self.storage.changed:
            stored = self.storage.topic(topic)
            known = shared.setdefault(channel, stored.channel(channel))
            if known is not stored.channels[channel]:
                known.ready += stored.channels[channel].ready
                stored.channels[channel] = known
        return super()._subscribe(topic, channel, **hints)

    def _known(self):
        return self.storage.__dict__.setdefault("shared", {})


QUEUE = {"channels": False}
"""A plain queue: rules about processes are for it, too."""


@caught_by("what_a_killed_process_held_comes_again", "did not come", **QUEUE)
class NeverReturnsWhatADeadProcessHeld(SqliteBus):
    """Waits for the consumer to say good-bye."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.lease = 3600.0


@caught_by("what_kills_its_worker_is_put_aside_and_nothing_else", "innocent", **QUEUE)
class CountsOneReceiptForThree(SqliteBus):
    """Takes what was held beside a killer for one."""

    def _subscribe(self, topic, channel, **hints):
        consumer = super()._subscribe(topic, channel, **hints)
        consumer._receive = functools.partial(receive_and_add, consumer._receive)
        return consumer


def receive_and_add(receive, limit, timeout):
    """Count too much from the second receipt on."""
    found = receive(limit, timeout)
    for delivery in found:
        delivery.attempt = 6 * delivery.attempt - 5
    return found


class MovesWhenSomebodyJoins(SqliteBus):
    """Leaves half of what there is to a second one, as brokers with partitions do."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.place = options.path

    def _subscribe(self, topic, channel, **hints):
        consumer = super()._subscribe(topic, channel, **hints)
        first, joined = (Path(f"{self.place}.{name}") for name in ("first", "joined"))
        if first.exists():
            joined.touch()
        else:
            first.touch()
            parts = consumer._receive, self.left, consumer, joined
            consumer._receive = functools.partial(receive_half, *parts)
        return consumer

    def left(self, consumer, deliveries):
        """Take these for somebody else's."""


def receive_half(receive, left, consumer, joined, limit, timeout):
    """Leave what has an even number, from the time on when somebody has joined."""
    found = receive(limit, timeout)
    if not joined.exists():
        return found
    others = [delivery for delivery in found if int(delivery.body) % 2 == 0]
    left(consumer, others)
    return [delivery for delivery in found if delivery not in others]


JOINED = "one_that_joins_and_is_killed_takes_nothing_along"


@caught_by(JOINED, "did not come", **QUEUE)
class NeverTakesBackWhatItLeft(MovesWhenSomebodyJoins):
    """Reads no more of a part that has gone, though it comes back."""


@caught_by(JOINED, "did not come", **QUEUE)
class AcksWhatItLeft(MovesWhenSomebodyJoins):
    """Writes down for somebody else how far it has read itself."""

    def left(self, consumer, deliveries):
        consumer._ack(deliveries)


@caught_by("a_settle_is_done_or_not_when_its_process_is_killed", "assert", **QUEUE)
class SendsFirstAndAcksThen(SqliteBus):
    """Declares one step, and makes two."""

    def _subscribe(self, topic, channel, **hints):
        consumer = super()._subscribe(topic, channel, **hints)
        consumer._settle = functools.partial(settle_in_two_steps, consumer._settle)
        return consumer


def settle_in_two_steps(settle, deliveries, messages):
    """Send, and acknowledge then."""
    settle([], messages)
    settle(deliveries, [])


@caught_by("eight_senders_and_four_consumers_lose_nothing", "assert", **QUEUE)
class LosesOneInAHundred(SqliteBus):
    """Counts on that nobody sends so many."""

    def _producer(self):
        producer = super()._producer()
        producer._send = Lossy(producer._send)
        return producer


class Lossy:
    """Sends, but for one in a hundred."""

    def __init__(self, send):
        self.send = send
        self.count = 0

    def __call__(self, messages):
        self.count += 1
        if self.count % 100:
            self.send(messages)
