"""Stand-ins for what a test wants to own: the time, and the bus."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from task_core.api import (
    Bus,
    BusError,
    Capabilities,
    Consumer,
    Delivery,
    Message,
    Producer,
)


class FakeClock:
    """A clock that goes on only by `advance`, and when somebody waits on it.

    Args:
        now: Where it begins, in seconds since 1970-01-01 UTC.
        on_wait: Called after each wait, for example to set the event in the end.
        waits: The lengths of all waits, in seconds.

    Example:
        >>> clock = FakeClock(0)
        >>> clock.advance(90)
        >>> clock.stamp()
        '1970-01-01T00:01:30Z'
    """

    def __init__(
        self,
        now: float = 1_500_000_000.0,
        on_wait: Callable[[], object] = lambda: None,
    ) -> None:
        self.on_wait = on_wait
        self.waits: list[float] = []
        self._time = now
        self._monotonic = 0.0

    def time(self) -> float:
        """Return seconds since 1970-01-01 UTC."""
        return self._time

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._monotonic

    def stamp(self) -> str:
        """Return now as the wire writes it."""
        return f"{datetime.fromtimestamp(int(self._time), UTC):%Y-%m-%dT%H:%M:%SZ}"

    def second(self) -> tuple[str, float]:
        """Return the same, and until when it is true: a moment of `monotonic`."""
        return self.stamp(), self._monotonic + 1 - self._time % 1

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the whole time pass at once, unless the event is set already."""
        if event.is_set():
            return True
        self.waits.append(seconds)
        self.advance(seconds)
        self.on_wait()
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._time += seconds
        self._monotonic += seconds


EVERYTHING = Capabilities(
    ack=True,
    nack=True,
    nack_delay=True,
    lease=True,
    ordered=True,
    delay=True,
    priority=True,
    batch_send=True,
    bounded=True,
    headers=True,
)
"""What a `RecordingBus` declares when it is not told otherwise."""


class RecordingBus(Bus):
    """Delivers given bodies, then ends; writes down what is done to it.

    For tests of what calls a bus. What was nacked is written down and does not come
    again: the bus `memory` is the one that behaves like a broker.

    Args:
        bodies: What its consumers deliver.
        capabilities: What it declares; anything else is refused as on any bus.
        calls: The name of each call that changed something, with the bodies in it.
        sent: All messages that were sent.

    Example:
        >>> bus = RecordingBus([b"a"])
        >>> consumer = bus.subscribe("load", "load")
        >>> consumer.settle(consumer.receive(1, 0), [Message("done", b"b")])
        >>> bus.calls
        [('send', [b'b']), ('ack', [b'a'])]
    """

    def __init__(
        self, bodies: Iterable[bytes] = (), capabilities: Capabilities = EVERYTHING
    ) -> None:
        super().__init__("recording", capabilities)
        self.waiting = deque(bodies)
        self.calls: list[tuple[str, list[bytes]]] = []
        self.sent: list[Message] = []

    def again(self) -> "RecordingBus":
        """Return another connection to the same: it delivers and writes down there."""
        other = RecordingBus((), self.capabilities)
        other.waiting, other.calls, other.sent = self.waiting, self.calls, self.sent
        return other

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        return RecordingConsumer(self, topic, channel)

    def _producer(self) -> Producer:
        return RecordingProducer(self)

    def _close(self) -> None:
        self.record("close")

    def record(self, call: str, things: Sequence[Delivery | Message] = ()) -> None:
        """Write a call down."""
        self.calls.append((call, [thing.body for thing in things]))


class RecordingConsumer(Consumer):
    """Delivers what a `RecordingBus` was given."""

    bus: RecordingBus
    knows_lost = True  # any delivery will do

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        waiting, found = self.bus.waiting, list[Delivery]()
        while waiting and len(found) < limit:
            try:
                found.append(Delivery(waiting.popleft()))
            except IndexError:  # another loop was faster
                break
        return found

    def _exhausted(self) -> bool:
        return not self.bus.waiting

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self.bus.record("ack", deliveries)

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        self.bus.record("nack", deliveries)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        self.bus.record("extend", deliveries)


class RecordingProducer(Producer):
    """Writes down what is sent."""

    bus: RecordingBus

    def _send(self, messages: Sequence[Message]) -> None:
        self.bus.record("send", messages)
        self.bus.sent.extend(messages)


FAILING = ("receive", "send", "ack", "nack", "extend", "close")
"""Calls that a `FlakyBus` can let fail."""


class FlakyBus(RecordingBus):
    """A recording bus whose calls first fail as told: a broker in trouble.

    Args:
        bodies, capabilities: As for `RecordingBus`.
        failures: Errors by the name of a call (`receive`, `send`, `ack`, `nack`,
            `extend`, `close`), in order; each is raised once. Those in an outage are
            `BusConnectionError`.

    Raises:
        ValueError: `failures` names what is no such call.

    Example:
        >>> from task_core.api import BusConnectionError
        >>> bus = FlakyBus([b"a"], failures={"receive": [BusConnectionError("away")]})
        >>> consumer = bus.subscribe("load", "load")
        >>> consumer.receive(1, 0)
        Traceback (most recent call last):
        task_core.errors.BusConnectionError: away
        >>> [delivery.body for delivery in consumer.receive(1, 0)]
        [b'a']
    """

    def __init__(
        self,
        bodies: Iterable[bytes] = (),
        capabilities: Capabilities = EVERYTHING,
        *,
        failures: Mapping[str, Iterable[BusError]],
    ) -> None:
        super().__init__(bodies, capabilities)
        if wrong := [call for call in failures if call not in FAILING]:
            text = f"no call of a bus that can fail is named {wrong[0]!r}"
            raise ValueError(f"{text}: there is {', '.join(FAILING)}")
        self.failures = {call: deque(errors) for call, errors in failures.items()}

    def again(self) -> "FlakyBus":
        """Return another connection to the same, with the same troubles."""
        other = FlakyBus((), self.capabilities, failures={})
        other.waiting, other.calls, other.sent = self.waiting, self.calls, self.sent
        other.failures = self.failures
        return other

    def _subscribe(self, topic: str, channel: str, **hints: object) -> Consumer:
        return FlakyConsumer(self, topic, channel)

    def record(self, call: str, things: Sequence[Delivery | Message] = ()) -> None:
        """Fail, or write a call down."""
        self.fail(call)
        super().record(call, things)

    def fail(self, call: str) -> None:
        """Raise the next error of a call, if there is one left."""
        if left := self.failures.get(call):
            raise left.popleft()


class FlakyConsumer(RecordingConsumer):
    """Delivers what a `FlakyBus` was given."""

    bus: FlakyBus

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        self.bus.fail("receive")
        return super()._receive(limit, timeout)
