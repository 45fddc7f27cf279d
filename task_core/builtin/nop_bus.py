"""A bus that pretends: fake messages in, all remembered out, errors on demand."""

from collections.abc import Sequence

from task_core.api.bus import Bus, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.api.refusals import check_messages
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

    def subscribe(self, topic: str, channel: str) -> Consumer:
        """Return a consumer of fakes; `init_err` fails."""
        self.check_open()
        self.fail_if("init_err")
        return NopConsumer(self, topic, channel)

    def producer(self) -> Producer:
        """Return a producer that remembers; `init_err` fails."""
        self.check_open()
        self.fail_if("init_err")
        return NopProducer(self)

    def close(self) -> None:
        """Nothing is held; `stop_err` fails."""
        self.closed = True
        self.fail_if("stop_err")

    def fail_if(self, name: str, error: type[BusError] = BusError) -> None:
        """Raise when this option, or `err`, is on."""
        for wanted in (name, "err"):
            if getattr(self.options, wanted):
                raise error(f"bus 'nop': fails because of its option '{wanted}'")


class NopConsumer(Consumer):
    """Delivers fakes.

    Args:
        bus, topic, channel: As for every consumer.
    """

    bus: NopBus

    def __init__(self, bus: NopBus, topic: str, channel: str) -> None:
        super().__init__(bus, topic, channel)
        self._left = _length(bus.options)

    def receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        """Return `limit` fakes, or what is left; `msg_err` fails."""
        self.bus.fail_if("msg_err")
        self.check_open()
        count = limit if self._left is None else min(limit, self._left)
        if self._left is not None:
            self._left -= count
        return [Delivery(FAKE_MESSAGE) for _ in range(count)]

    def wake(self) -> None:
        """Nobody ever waits."""

    def close(self) -> None:
        """Nothing is held; `stop_err` fails."""
        self.closed = True
        self.bus.fail_if("stop_err")

    @property
    def exhausted(self) -> bool:
        """Whether the last fake was delivered."""
        return self._left == 0


class NopProducer(Producer):
    """Remembers in `NopBus.sent`."""

    bus: NopBus

    def send(self, messages: Sequence[Message]) -> None:
        """Remember messages; `send_err` fails."""
        self.check_open()
        check_messages(self.bus, messages)
        self.bus.fail_if("send_err", SendError)
        for message in messages:
            self.bus.sent.setdefault(message.topic, []).append(message.body)

    def close(self) -> None:
        """Nothing is held; `stop_err` fails."""
        self.closed = True
        self.bus.fail_if("stop_err")


def _length(options: NopOptions) -> int | None:
    """Return how many messages there are to be, None for no end."""
    if options.msg_done:
        return 0
    return 1 if options.msg_msg_done else options.count or None
