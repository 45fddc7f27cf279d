"""All topics of one nsqd, what they keep on disk, and what is to be done next."""

import asyncio
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from brokers.nsqd_stand_in.channel import Channel, Consumer, Message
from brokers.nsqd_stand_in.journal import Journal
from brokers.nsqd_stand_in.topic import Topic
from brokers.nsqd_stand_in.wire import is_ephemeral

_SCAN = 0.1
_Kept = tuple[bytes, int, bytes, int]
"""A message: id, time, body, attempts."""


class Registrar(Protocol):
    """What is known here of an nsqlookupd."""

    def tell(self, command: str, topic: str, channel: str) -> None:
        """Say, soon, that a topic or channel is there or gone."""

    async def channels(self, topic: str) -> Sequence[str]:
        """Return the channels of a topic that are known elsewhere."""


class Broker:
    """Topics by name; made when they are first named.

    Args:
        options: as the flags gave them.

    Raises:
        OSError: the data folder cannot be used, or another one uses it.
    """

    def __init__(self, options: Namespace) -> None:
        self.options = options
        self.started = time.time()
        self.topics: dict[str, Topic] = {}
        self.clients: set[Consumer] = set()
        self.outgoing: set[Consumer] = set()
        """Clients that have frames to send."""
        self.dirty: set[Channel] = set()
        """Channels that may have something to hand out or to record."""
        self.registrars: list[Registrar] = []
        self.now = asyncio.get_running_loop().time
        self._searches: set[asyncio.Future[None]] = set()
        self._number = time.time_ns() >> 8
        self.journal = Journal(Path(options.data_path or "."))
        for what, *about in list(self.journal.replay()):
            getattr(self, what)(*about)  # what follows from it is noted anew below
        self.journal.rewrite(self._records())

    def _records(self) -> Iterator[tuple[Any, ...]]:
        """Yield what makes a journal of what there is now."""
        for topic in self.topics.values():
            if topic.ephemeral:
                continue
            yield "topic", topic.name
            for name, channel in topic.channels.items():
                if channel.durable:
                    yield "channel", topic.name, name
                    yield "keep", topic.name, name, _kept(channel.held())
            if topic.queue:
                yield "keep", topic.name, "", _kept([it for it, _ in topic.queue])

    def topic(self, name: str) -> Topic:
        """Return the topic; a new one gets the channels that nsqlookupd knows."""
        if name not in self.topics:
            topic = self.topics[name] = Topic(name, self.options.mem_queue_size)
            if not topic.ephemeral:
                self.journal.note("topic", name)
            self._tell("REGISTER", name)
            if self.registrars:
                topic.started = False
                search = asyncio.ensure_future(self._find_channels(topic))
                self._searches.add(search)
                search.add_done_callback(self._searches.discard)
        return self.topics[name]

    async def _find_channels(self, topic: Topic) -> None:
        for registrar in self.registrars:
            names = await registrar.channels(topic.name)
            if self.topics.get(topic.name) is not topic:
                return  # deleted in the meantime
            for name in names:
                if not is_ephemeral(name):
                    self.channel(topic.name, name)
        topic.started = True
        self._flow(topic)
        self.settle()

    def channel(self, topic: str, name: str) -> Channel:
        """Return the channel; the first of a topic gets what waits there."""
        of = self.topic(topic)
        if name not in of.channels:
            if of.add(name).durable:
                self.journal.note("channel", topic, name)
            self._tell("REGISTER", topic, name)
            self._flow(of)
        return of.channels[name]

    def _flow(self, topic: Topic) -> None:
        if topic.flow() and not topic.durable:
            self.journal.note("flowed", topic.name)
        self.dirty.update(topic.channels.values())

    def delete_topic(self, name: str) -> None:
        """Drop the topic, its channels and all their messages."""
        for channel in list(self.topics[name].channels):
            self.delete_channel(name, channel)
        if self.topics.pop(name, None):  # an ephemeral one went with its last channel
            self.journal.note("delete_topic", name)
            self._tell("UNREGISTER", name)

    def delete_channel(self, topic: str, name: str) -> None:
        """Drop the channel with its messages and clients."""
        of = self.topics[topic]
        channel = of.channels.pop(name)
        self.dirty.discard(channel)
        channel.close()
        if channel.durable:
            self.journal.note("delete_channel", topic, name)
        self._tell("UNREGISTER", topic, name)
        if of.ephemeral and not of.channels:
            del self.topics[topic]
            self._tell("UNREGISTER", topic)

    def leave(self, client: Consumer, channel: Channel) -> None:
        """Let a client go: what it has in flight comes back in time."""
        if client in channel.clients:
            channel.clients.remove(client)
            if not channel.clients and channel.ephemeral:
                self.delete_channel(channel.topic, channel.name)

    def publish(
        self,
        topic: str,
        bodies: Sequence[bytes],
        delay: float = 0.0,
        first: int = 0,
        timestamp: int = 0,
    ) -> None:
        """Take new messages in.

        Args:
            topic: for which they are.
            bodies: of the messages.
            delay: seconds before channels hand them out.
            first: number of the first; the next free one, if there is none.
            timestamp: nanoseconds of Unix time; now, if there is none.
        """
        timestamp = timestamp or time.time_ns()
        first = first or self._number
        self._number = max(self._number, first + len(bodies))
        of = self.topic(topic)
        if of.durable:
            self.journal.note("publish", topic, bodies, 0.0, first, timestamp)
        messages = [
            Message(b"%016x" % number, timestamp, body)
            for number, body in enumerate(bodies, first)
        ]
        of.put(messages, self.now() + delay if delay else 0.0)
        self.dirty.update(of.channels.values())

    def keep(self, topic: str, channel: str, messages: Sequence[_Kept]) -> None:
        """Take back what a channel, or with "" the topic, held."""
        of = self.channel(topic, channel) if channel else self.topic(topic)
        of.put([Message(*it) for it in messages])

    def flowed(self, topic: str) -> None:
        """Forget what waits in a topic: a channel that is not kept got it."""
        self.topic(topic).queue.clear()

    def finished(self, topic: str, channel: str, ids: Sequence[bytes]) -> None:
        """Forget messages of a channel."""
        for key in ids:
            self.channel(topic, channel).queue.pop(key, None)

    def requeue(self, topic: str, channel: str, id: bytes, attempts: int) -> None:
        """Put a message at the end once more."""
        queue = self.channel(topic, channel).queue
        if id in queue:
            queue.move_to_end(id)
            queue[id].attempts = attempts

    def note_requeued(self, channel: Channel, message: Message) -> None:
        """Note that a channel has a message back."""
        if channel.durable:
            names = channel.topic, channel.name
            self.journal.note("requeue", *names, message.id, message.attempts)
        self.dirty.add(channel)

    def settle(self) -> None:
        """Do what commands have left: record, hand out, send."""
        now = self.now()
        while self.dirty:
            channel = self.dirty.pop()
            if channel.finished and channel.durable:
                names = channel.topic, channel.name
                self.journal.note("finished", *names, channel.finished)
            channel.finished = []
            channel.pump(now)
        self.journal.flush()
        while self.outgoing:
            self.outgoing.pop().flush_or_wait(now)

    def channels(self) -> Iterator[Channel]:
        """Yield every channel of every topic."""
        for topic in self.topics.values():
            yield from topic.channels.values()

    async def scan(self) -> None:
        """Look for what is late or due, for ever."""
        while True:
            await asyncio.sleep(_SCAN)
            now = self.now()
            for channel in self.channels():
                for message in channel.expire(now):
                    self.note_requeued(channel, message)
                self.dirty.add(channel)
            for client in list(self.clients):
                client.beat(now)
            self.settle()

    def _tell(self, command: str, topic: str, channel: str = "") -> None:
        for registrar in self.registrars:
            registrar.tell(command, topic, channel)

    def close(self) -> None:
        """Close all connections, and keep all messages with their attempts."""
        for client in list(self.clients):
            client.close()
        self.settle()
        self.journal.rewrite(self._records())


def _kept(messages: Sequence[Message]) -> list[_Kept]:
    return [(it.id, it.timestamp, it.body, it.attempts) for it in messages]
