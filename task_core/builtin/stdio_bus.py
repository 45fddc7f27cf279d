"""The buses of a shell pipe: stdin, stdout, stderr and nothing at all."""

import os
from collections.abc import Sequence

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.part import Owner
from task_core.api.producer import Producer
from task_core.builtin.line_consumer import LineConsumer
from task_core.builtin.line_producer import LineProducer, LineWriter
from task_core.dead import is_dead_topic
from task_core.errors import BusError

STDERR = 2


class StdioBus(Bus):
    """Reads stdin, or writes one stream, or both; the streams themselves stay open.

    Args:
        name: `stdio`, `stdin`, `stdout` or `stderr`.
        capabilities: Those of the manifest.
        stdin: Descriptor of what is read, or None to refuse reading.
        out: Descriptor and name of the stream for data, or None to refuse writing.
    """

    def __init__(
        self,
        name: str,
        capabilities: Capabilities,
        *,
        stdin: int | None,
        out: tuple[int, str] | None,
    ) -> None:
        super().__init__(name, capabilities)
        self._stdin = stdin
        self._out = out

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        if self._stdin is None:
            raise BusError(
                f"bus '{self.name}' cannot be read: give --in-bus, for example stdin"
            )
        return LineConsumer(self, topic, channel, self._stdin, "stdin", owned=False)

    def _producer(self) -> Producer:
        if self._out is None:
            raise BusError(
                f"bus '{self.name}' cannot be written: give --out-bus, for example"
                " stdout"
            )
        return StreamProducer(self, *self._out)


class StreamProducer(LineProducer):
    """Writes everything to one stream, dead letters to stderr.

    Args:
        bus: The bus that made it.
        fd: The stream for data.
        name: What to call it in messages.
    """

    def __init__(self, bus: Owner, fd: int, name: str) -> None:
        super().__init__(bus)
        self._data = LineWriter(fd, name)
        self._dead = self._data if fd == STDERR else LineWriter(STDERR, "stderr")

    def _writer_for(self, topic: str) -> LineWriter:
        return self._dead if is_dead_topic(topic) else self._data

    def _prepare(self, topics: Sequence[str]) -> None:
        try:
            os.fstat(self._data.fd)
        except OSError:
            raise BusError(f"{self._data.name} is closed") from None


class NullBus(Bus):
    """Takes everything, keeps nothing, delivers nothing."""

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        return NullConsumer(self, topic, channel)

    def _producer(self) -> Producer:
        return NullProducer(self)


class NullConsumer(Consumer):
    """At its end from the start."""

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        return ()

    def _exhausted(self) -> bool:
        return True


class NullProducer(Producer):
    """Swallows."""

    def _send(self, messages: Sequence[Message]) -> None:
        """Forget them."""
