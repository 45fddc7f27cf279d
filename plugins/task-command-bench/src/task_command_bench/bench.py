"""How fast a bus is here, measured with the framework's own calls."""

import time
import uuid
from collections.abc import Iterator

import attrs

from task_core.api import (
    Bus,
    BusError,
    Consumer,
    Delivery,
    Message,
    Task,
    encode_task,
)

BATCH = 100
LATENCIES = 100
PATIENCE = 10.0
"""Seconds without a message after which something is wrong."""


@attrs.frozen(kw_only=True, eq=False)
class Figure:
    """One line of the result.

    Args:
        what: What was measured.
        value, unit: What came out, in messages a second or in milliseconds.
    """

    what: str
    value: float
    unit: str

    @property
    def shown(self) -> str:
        """The value for people."""
        return f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:.2f}"


class Bench:
    """Measures one bus.

    Args:
        bus: What to measure.
        count: How many messages for each figure.
    """

    def __init__(self, bus: Bus, count: int) -> None:
        self._bus = bus
        self._count = count
        name = f"bench-{uuid.uuid4().hex[:8]}"
        self._topic, self._done = name, f"{name}-done"
        self._body = encode_task(Task.new("bench", "s3://bucket/file.json?n=1"))
        self._producer = bus.producer()
        self._consumer = bus.subscribe(self._topic, "bench")
        self._consumer.ack([])  # a bus that cannot says so before anything is sent
        self._drain = bus.subscribe(self._done, "bench")

    def figures(self) -> Iterator[Figure]:
        """Measure one thing after the other."""
        yield self._rate("send, one at a time", self._send(1))
        yield self._rate("receive and settle, one at a time", self._settle(1))
        yield self._rate(f"send, {BATCH} at a time", self._send(BATCH))
        yield self._rate(f"receive and settle, {BATCH} at a time", self._settle(BATCH))
        waits = sorted(self._latency() for _ in range(LATENCIES))
        yield Figure(what="latency, median", value=waits[LATENCIES // 2], unit="ms")
        yield Figure(what="latency, 99 %", value=waits[-2], unit="ms")

    def close(self) -> None:
        """Delete the topics that were made, where the bus can do that."""
        self._consumer.close()
        self._drain.close()
        if self._bus.capabilities.channels:
            self._bus.forget(self._topic)
            self._bus.forget(self._done)

    def _rate(self, what: str, seconds: float) -> Figure:
        return Figure(what=what, value=self._count / seconds, unit="/s")

    def _send(self, size: int) -> float:
        begin = time.perf_counter()
        for start in range(0, self._count, size):
            number = min(size, self._count - start)
            self._producer.send([Message(self._topic, self._body)] * number)
        return time.perf_counter() - begin

    def _settle(self, size: int) -> float:
        begin, left = time.perf_counter(), self._count
        while left:
            deliveries = self._receive(self._consumer, min(size, left))
            done = [Message(self._done, delivery.body) for delivery in deliveries]
            self._consumer.settle(deliveries, done)
            left -= len(deliveries)
        took = time.perf_counter() - begin
        self._empty()
        return took

    def _empty(self) -> None:
        """Take the done tasks out again."""
        left = self._count
        while left:
            deliveries = self._receive(self._drain, BATCH)
            self._drain.ack(deliveries)
            left -= len(deliveries)

    def _latency(self) -> float:
        """Return milliseconds from a send to its receipt on an idle topic."""
        begin = time.perf_counter()
        self._producer.send([Message(self._topic, self._body)])
        deliveries = self._receive(self._consumer, 1)
        took = time.perf_counter() - begin
        self._consumer.ack(deliveries)
        return took * 1000

    def _receive(self, consumer: Consumer, limit: int) -> list[Delivery]:
        deliveries = list(consumer.receive(limit, PATIENCE))
        if not deliveries:
            text = (
                f"bus '{self._bus.name}' lost a message: nothing came for {PATIENCE}s"
            )
            raise BusError(text)
        return deliveries
