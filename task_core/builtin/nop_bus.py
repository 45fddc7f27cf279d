"""A bus that pretends: fake messages in, all remembered out, errors on demand."""

from collections.abc import Sequence

from task_core.api.bus import Bus
from task_core.api.capabilities import Capabilities
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.api.producer import Producer
from task_core.builtin.bus_options import NopOptions
from task_core.errors import BusError, SendError

FAKE_MESSAGE = b'{"type":"test","info":"test-info","created":"2017-01-01T00:00:01Z"}'


class NopBus(Bus):
    """Delivers `FAKE_MESSAGE` and keeps what is sent.

    Args:
        options: What is to go wrong.
        capabilities: Those of the manifest.
        sent: What was sent, by topic.
    """

    def __init__(self, options: NopOptions, capabilities: Capabilities) -> None:
        super().__init__("nop", capabilities)
        self.options = options
        self.sent: dict[str, list[bytes]] = {}

    def contains(self, topic: str, text: bytes) -> bool:
        """Return whether some message on a topic holds these bytes."""
        return any(text in body for body in self.sent.get(topic, ()))

    def fail_if(self, name: str, error: type[BusError] = BusError) -> None:
        """Raise when this option, or `err`, is on."""
        for wanted in (name, "err"):
            if getattr(self.options, wanted):
                raise error(f"bus 'nop': fails because of its option '{wanted}'")

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        self.fail_if("init_err")
        return NopConsumer(self, topic, channel)

    def _producer(self) -> Producer:
        self.fail_if("init_err")
        return NopProducer(self)

    def _close(self) -> None:
        self.fail_if("stop_err")


class NopConsumer(Consumer):
    """Delivers fakes."""

    bus: NopBus

    def __init__(self, bus: NopBus, topic: str, channel: str) -> None:
        super().__init__(bus, topic, channel)
        self._left = _length(bus.options)

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        self.bus.fail_if("msg_err")
        count = limit if self._left is None else min(limit, self._left)
        if self._left is not None:
            self._left -= count
        return [Delivery(FAKE_MESSAGE) for _ in range(count)]

    def _close(self) -> None:
        self.bus.fail_if("stop_err")

    def _exhausted(self) -> bool:
        return self._left == 0


class NopProducer(Producer):
    """Remembers in `NopBus.sent`."""

    bus: NopBus

    def _send(self, messages: Sequence[Message]) -> None:
        self.bus.fail_if("send_err", SendError)
        for message in messages:
            self.bus.sent.setdefault(message.topic, []).append(message.body)

    def _close(self) -> None:
        self.bus.fail_if("stop_err")


def _length(options: NopOptions) -> int | None:
    """Return how many messages there are to be, None for no end."""
    if options.msg_done:
        return 0
    return 1 if options.msg_msg_done else options.count or None
