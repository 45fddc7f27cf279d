"""A topic: keeps messages until there is a channel, then copies them to each."""

from collections import deque
from collections.abc import Sequence

from brokers.nsqd_stand_in.channel import Channel, Message
from brokers.nsqd_stand_in.wire import is_ephemeral


class Topic:
    """Copies each message to every channel.

    Args:
        name: of the topic.
        memory: messages that it keeps in memory, where a delay is not forgotten.
    """

    def __init__(self, name: str, memory: int) -> None:
        self.name, self._memory = name, memory
        self.ephemeral = is_ephemeral(name)
        self.started = True
        """Whether the channels that nsqlookupd knows of are there."""
        self.channels: dict[str, Channel] = {}
        self.queue: deque[tuple[Message, float]] = deque()
        """Messages that wait for a channel, each with the time before which none
        hands it out."""
        self.message_count = self.message_bytes = 0

    @property
    def flows(self) -> bool:
        """Whether messages go on to channels."""
        return bool(self.channels) and self.started

    @property
    def durable(self) -> bool:
        """Whether what is published now comes back after a restart."""
        if self.ephemeral:
            return False
        return not self.flows or any(it.durable for it in self.channels.values())

    def put(self, messages: Sequence[Message], due: float = 0.0) -> None:
        """Take messages in; with a time channels hand them out then."""
        self.message_count += len(messages)
        self.message_bytes += sum(len(message.body) for message in messages)
        if self.flows:
            self._copy(messages, due)
            return
        for message in messages:
            in_memory = len(self.queue) < self._memory
            if in_memory or not self.ephemeral:
                # nsqd writes no delay to disk
                self.queue.append((message, due if in_memory else 0.0))

    def _copy(self, messages: Sequence[Message], due: float) -> None:
        first, *others = self.channels.values()
        for channel in others:
            channel.put([message.copy() for message in messages], due)
        first.put(messages, due)

    def flow(self) -> bool:
        """Hand what waits to the channels if it may flow now; return whether it did."""
        if not (self.flows and self.queue):
            return False
        waiting, self.queue = self.queue, deque()
        for message, due in waiting:
            self._copy((message,), due)
        return True

    def add(self, name: str) -> Channel:
        """Return a new channel; it does not get what waits before `flow`."""
        channel = Channel(self.name, name, self._memory)
        self.channels[name] = channel
        return channel
