"""A topic: keeps messages until there is a channel, then copies them to each."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from brokers.nsqd_stand_in.channel import Channel
from brokers.nsqd_stand_in.message import Message
from brokers.nsqd_stand_in.names import is_ephemeral

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.broker import Broker


class Topic:
    """Copies each message to every channel.

    Args:
        broker: that it belongs to.
        name: of the topic.
    """

    def __init__(self, broker: "Broker", name: str) -> None:
        self.broker = broker
        self.name = name
        self.ephemeral = is_ephemeral(name)
        self.paused = False
        self.started = True
        """Whether the channels that nsqlookupd knows of are there."""
        self.channels: dict[str, Channel] = {}
        self.queue: deque[tuple[Message, float]] = deque()
        """Messages that wait, each with the seconds that it is to be put off."""
        self.message_count = self.message_bytes = 0

    @property
    def flows(self) -> bool:
        """Whether messages go on to channels."""
        return bool(self.channels) and self.started and not self.paused

    @property
    def durable(self) -> bool:
        """Whether what is published now comes back after a restart."""
        if self.ephemeral:
            return False
        return not self.flows or any(it.durable for it in self.channels.values())

    def put(self, messages: Sequence[Message], delay: float = 0.0) -> None:
        """Take messages in; with a delay (in seconds) channels put them off."""
        self.message_count += len(messages)
        self.message_bytes += sum(len(message.body) for message in messages)
        if self.flows:
            self._copy(messages, delay)
        else:
            self._keep(messages, delay)

    def _keep(self, messages: Sequence[Message], delay: float) -> None:
        """Let messages wait; a delay is forgotten on disk, as nsqd forgets it."""
        memory = self.broker.options.mem_queue_size
        for message in messages:
            in_memory = len(self.queue) < memory
            if in_memory or not self.ephemeral:
                self.queue.append((message, delay if in_memory else 0.0))

    def _copy(self, messages: Sequence[Message], delay: float) -> None:
        due = self.broker.now() + delay if delay else None
        first, *others = self.channels.values()
        for channel in others:
            channel.put([message.copy() for message in messages], due)
        first.put(messages, due)

    def flow(self) -> None:
        """Hand what waits to the channels, if it may flow now."""
        if not self.flows or not self.queue:
            return
        waiting, self.queue = self.queue, deque()
        for message, delay in waiting:
            self._copy((message,), delay)
        if not self.durable and not self.ephemeral:
            self.broker.journal.note("empty", self.name)

    def channel(self, name: str) -> Channel:
        """Return the channel; a new one is made, the first gets what waits."""
        if name not in self.channels:
            self.broker.log.tell(f"TOPIC({self.name}): new channel({name})")
            channel = self.channels[name] = Channel(self, name)
            if channel.durable:
                self.broker.journal.note("channel", self.name, name)
            self.broker.register(self.name, name)
            self.flow()
        return self.channels[name]

    def delete_channel(self, name: str) -> None:
        """Drop the channel with its messages and clients."""
        channel = self.channels[name]
        self.broker.log.tell(f"TOPIC({self.name}): deleting channel {name}")
        channel.close()
        del self.channels[name]
        if channel.durable:
            self.broker.journal.note("no channel", self.name, name)
        self.broker.unregister(self.name, name)
        if self.ephemeral and not self.channels:
            self.broker.delete_topic(self.name)

    def pause(self, paused: bool) -> None:
        """Hold messages back from all channels, or let them go on."""
        self.paused = paused
        if not self.ephemeral:
            self.broker.journal.note("pause" if paused else "unpause", self.name)
        self.flow()

    def empty(self) -> None:
        """Drop what waits here; what the channels have stays."""
        self.queue.clear()
        if not self.ephemeral:
            self.broker.journal.note("empty", self.name)
