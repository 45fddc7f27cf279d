"""All topics of one nsqd, what they keep on disk, and what is to be done next."""

import asyncio
import fcntl
import os
import ssl
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from brokers.nsqd_stand_in.journal import Journal
from brokers.nsqd_stand_in.log import Log
from brokers.nsqd_stand_in.message import Message, message_id
from brokers.nsqd_stand_in.names import is_ephemeral
from brokers.nsqd_stand_in.replay import Replay
from brokers.nsqd_stand_in.topic import Topic

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.channel import Channel
    from brokers.nsqd_stand_in.client import Client
    from brokers.nsqd_stand_in.registrar import Registrar

_SCAN = 0.1


class Broker:
    """Topics by name; made when they are first named.

    Args:
        options: as the flags gave them.
        log: for what happens.
        tls: how it is done, if it is.

    Raises:
        OSError: the data folder cannot be used, or another one uses it.
    """

    def __init__(
        self, options: SimpleNamespace, log: Log, tls: ssl.SSLContext | None = None
    ) -> None:
        self.options = options
        self.tls = tls
        self.log = log
        self.started = time.time()
        self.topics: dict[str, Topic] = {}
        self.clients: set[Client] = set()
        self.dirty: set[Channel] = set()
        """Channels that may have something to hand out or to record."""
        self.outgoing: set[Client] = set()
        """Clients that have frames to send."""
        self.registrars: list[Registrar] = []
        self._searches: set[asyncio.Future[None]] = set()
        self.now = asyncio.get_running_loop().time
        folder = Path(options.data_path or ".")
        self._lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path = folder / "nsqd-stand-in.journal"
        replay = Replay(path)
        self.journal = Journal(path)
        self._number = max(time.time_ns() >> 8, replay.last + 1)
        self._load(replay)

    def _load(self, replay: Replay) -> None:
        for kept in replay.topics.values():
            topic = self.topics[kept.name] = Topic(self, kept.name)
            topic.queue.extend((message, 0.0) for message in kept.waiting.values())
            topic.paused = True
            for name, messages in kept.channels.items():
                channel = topic.channel(name)
                channel.queue.extend(messages.values())
                channel.paused = name in kept.paused_channels
            topic.paused = kept.paused
        self.snapshot()

    def snapshot(self) -> None:
        """Write what there is now to a new journal, in the place of the old one."""
        new = self.journal.beside()
        for topic in self.topics.values():
            if not topic.ephemeral:
                _record(new, topic)
        self.journal.rewrite(new)

    def topic(self, name: str) -> Topic:
        """Return the topic; a new one gets the channels that nsqlookupd knows."""
        if name not in self.topics:
            topic = self.topics[name] = Topic(self, name)
            self.log.tell(f"TOPIC({name}): created")
            if not topic.ephemeral:
                self.journal.note("topic", name)
            self.register(name, "")
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
                    topic.channel(name)
        topic.started = True
        topic.flow()
        self.settle()

    def delete_topic(self, name: str) -> None:
        """Drop the topic, its channels and all their messages."""
        topic = self.topics.pop(name)
        self.log.tell(f"TOPIC({name}): deleting")
        for channel in topic.channels.values():
            channel.close()
            self.unregister(name, channel.name)
        if not topic.ephemeral:
            self.journal.note("no topic", name)
        self.unregister(name, "")

    def publish(
        self, topic: Topic, bodies: Sequence[bytes], batch: bytes, delay: float = 0.0
    ) -> None:
        """Take new messages in.

        Args:
            topic: for which they are.
            bodies: of the messages.
            batch: the same with a size before each.
            delay: seconds before channels hand them out.
        """
        timestamp = time.time_ns()
        first = self._number
        self._number += len(bodies)
        if topic.durable:
            self.journal.put(topic.name, first, timestamp, batch)
        numbers = range(first, self._number)
        pairs = zip(numbers, bodies, strict=True)
        topic.put(
            [Message(message_id(it), timestamp, body) for it, body in pairs], delay
        )

    def settle(self) -> None:
        """Do what commands have left: record, hand out, send."""
        now = self.now()
        while self.dirty:
            channel = self.dirty.pop()
            if channel.finished:
                names = channel.topic.name, channel.name
                self.journal.finished(*names, channel.finished)
                channel.finished.clear()
            channel.pump(now)
        self.journal.flush()
        while self.outgoing:
            self.outgoing.pop().flush_or_wait()

    def channels(self) -> "Iterator[Channel]":
        """Yield every channel of every topic."""
        for topic in self.topics.values():
            yield from topic.channels.values()

    async def scan(self) -> None:
        """Look for messages that are late or due, for ever."""
        while True:
            await asyncio.sleep(_SCAN)
            now = self.now()
            for channel in self.channels():
                channel.expire(now)
            self.settle()
            if self.journal.is_long:
                self.snapshot()

    def register(self, topic: str, channel: str) -> None:
        """Tell every nsqlookupd of a new topic or channel."""
        for registrar in self.registrars:
            registrar.tell("REGISTER", topic, channel)

    def unregister(self, topic: str, channel: str) -> None:
        """Tell every nsqlookupd of one that is gone."""
        for registrar in self.registrars:
            registrar.tell("UNREGISTER", topic, channel)

    def close(self) -> None:
        """Close all connections, and keep all messages with their attempts."""
        for client in list(self.clients):
            client.close()
        self.settle()
        self.snapshot()


def _record(journal: Journal, topic: Topic) -> None:
    """Write a topic with all that it holds, as if it was paused until the end."""
    journal.note("topic", topic.name)
    journal.note("pause", topic.name)
    for channel in topic.channels.values():
        if channel.durable:
            journal.note("channel", topic.name, channel.name)
            journal.kept(topic.name, channel.name, channel.held())
            if channel.paused:
                journal.note("pause", topic.name, channel.name)
    if topic.queue:
        journal.kept(topic.name, "", (message for message, _ in topic.queue))
    if not topic.paused:
        journal.note("unpause", topic.name)
