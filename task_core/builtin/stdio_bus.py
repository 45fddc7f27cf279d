"""The buses of a shell pipe: stdin, stdout, stderr and nothing at all."""

import os
from collections.abc import Sequence

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.refusals import check_messages
from task_core.builtin.line_consumer import LineConsumer
from task_core.builtin.line_producer import LineProducer, LineWriter
from task_core.errors import BusError
from task_core.wire import is_dead_topic

STDIN = 0
STDERR = 2


class StdioBus(Bus):
    """Reads stdin, or writes one stream, or both.

    Args:
        name: `stdio`, `stdin`, `stdout` or `stderr`.
        capabilities: Those of the manifest.
        reads: Whether it may be read.
        out: Descriptor and name of the stream for data, or None to refuse writing.
    """

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        reads: bool,
        out: tuple[int, str] | None,
    ) -> None:
        super().__init__(name, capabilities)
        self._reads = reads
        self._out = out
        self._open: list[Consumer | Producer] = []

    def subscribe(self, topic: str, channel: str) -> Consumer:
        """Start to read stdin, whatever the topic."""
        self.check_open()
        if not self._reads:
            raise BusError(
                f"bus '{self.name}' cannot be read: give --in-bus, for example stdin"
            )
        consumer = LineConsumer(self, topic, channel, STDIN, "stdin", owned=False)
        self._open.append(consumer)
        return consumer

    def producer(self) -> Producer:
        """Return a producer for the stream."""
        self.check_open()
        if self._out is None:
            raise BusError(
                f"bus '{self.name}' cannot be written: give --out-bus, for example"
                " stdout"
            )
        producer = StreamProducer(self, *self._out)
        self._open.append(producer)
        return producer

    def close(self) -> None:
        """Stop reading and writing; the streams themselves stay open."""
        self.closed = True
        while self._open:
            self._open.pop().close()


class StreamProducer(LineProducer):
    """Writes everything to one stream, dead letters to stderr.

    Args:
        bus: The bus that made it.
        fd: The stream for data.
        name: What to call it in messages.
    """

    def __init__(self, bus: Bus, fd: int, name: str) -> None:
        super().__init__(bus)
        self._data = LineWriter(fd, name)
        self._dead = self._data if fd == STDERR else LineWriter(STDERR, "stderr")

    def writer_for(self, topic: str) -> LineWriter:
        """Return the stream of a topic."""
        return self._dead if is_dead_topic(topic) else self._data

    def prepare(self, topics: Sequence[str]) -> None:
        """Check that the stream is open."""
        try:
            os.fstat(self._data.fd)
        except OSError:
            raise BusError(f"{self._data.name} is closed") from None


class NullBus(Bus):
    """Takes everything, keeps nothing, delivers nothing."""

    def subscribe(self, topic: str, channel: str) -> Consumer:
        """Return a consumer that is at its end."""
        self.check_open()
        return NullConsumer(self, topic, channel)

    def producer(self) -> Producer:
        """Return a producer that swallows."""
        self.check_open()
        return NullProducer(self)

    def close(self) -> None:
        """Nothing is held."""
        self.closed = True


class NullConsumer(Consumer):
    """At its end from the start."""

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Return nothing."""
        self.check_open()
        return ()

    def wake(self) -> None:
        """Nobody ever waits."""

    def close(self) -> None:
        """Nothing is held."""
        self.closed = True

    @property
    def exhausted(self) -> bool:
        """Always."""
        return True


class NullProducer(Producer):
    """Swallows."""

    def send(self, messages: Sequence[Message]) -> None:
        """Check the messages and forget them."""
        self.check_open()
        check_messages(self.bus, messages)

    def close(self) -> None:
        """Nothing is held."""
        self.closed = True
