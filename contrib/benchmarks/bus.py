"""How fast a bus is, beside the bare loops of its yardstick, in turns on one broker."""

import statistics
import time
import uuid
from collections.abc import Callable

from table import Row
from yardstick import DONE, TASK, Yardstick

from task_core import open_bus
from task_core.api import Bus, Message

WINDOWS = {"one at a time": 1, "window of 10": 10, "window of 100": 100}
BATCHES = {"send one": 1, "send 100 at once": 100}
SHARE = {1: 10, 10: 2, 100: 1}
"""One at a time, a tenth of the messages is enough."""
LATENCIES = 100


def compare(yardstick: Yardstick, messages: int, rounds: int) -> list[Row]:
    """Let bare loops and bus take turns; return the medians, and those of ratios."""
    bus = open_bus(yardstick.url)
    bus.prepare(["done", "sent"])
    took: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, window in WINDOWS.items():
            count = messages // SHARE[window]
            pair = yardstick.work(window, count), work(bus, window, count)
            took.setdefault(name, []).append((count / pair[0], count / pair[1]))
        for name, batch in BATCHES.items():
            count = messages // SHARE[batch]
            bare = seconds(lambda: yardstick.send(batch, count))  # noqa: B023
            ours = send(bus, batch, count)
            took.setdefault(name, []).append((count / bare, count / ours))
        yardstick.clean()
    bus.close()
    return [*(_row(name, pairs) for name, pairs in took.items()), *waits(yardstick)]


def _row(name: str, pairs: list[tuple[float, float]]) -> Row:
    bare, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(ours / bare for bare, ours in pairs)
    return Row(name, bare, ours, ratio)


def work(bus: Bus, window: int, count: int) -> float:
    """Fill a new topic, receive and settle all; return the seconds after the first."""
    topic = f"bench-{uuid.uuid4().hex[:10]}"
    bus.prepare([topic])
    consumer, producer = bus.subscribe(topic, "bench"), bus.producer()
    for begin in range(0, count + 1, 500):
        many = min(500, count + 1 - begin)
        producer.send([Message(topic, TASK) for _ in range(many)])
    consumer.settle(consumer.receive(1, 30), [Message("done", DONE)])
    begun, left = time.perf_counter(), count
    while left > 0:
        found = consumer.receive(window, 30)
        assert found, "nothing comes"
        consumer.settle(found, [Message("done", DONE) for _ in found])
        left -= len(found)
    bus.ping()  # what was only written has arrived
    took = time.perf_counter() - begun
    consumer.close()
    bus.forget(topic)
    return took


def send(bus: Bus, batch: int, count: int) -> float:
    """Send, each batch confirmed before the next; return the seconds.

    The first batch is not counted: it connects, which the bare loop has long done.
    """
    producer = bus.producer()

    def some() -> None:
        producer.send([Message("sent", TASK) for _ in range(batch)])

    def all_of_them() -> None:
        for _ in range(0, count, batch):
            some()

    some()
    took = seconds(all_of_them)
    producer.close()
    return took


def waits(yardstick: Yardstick) -> list[Row]:
    """Return the time from a send to its receipt by who sleeps, in milliseconds."""
    bare, ours = yardstick.latency(LATENCIES), latency(yardstick.url, LATENCIES)
    if not bare:
        return []
    middle = 1000 * statistics.median(bare), 1000 * statistics.median(ours)
    return [Row("idle, send to receipt", *middle, middle[0] / middle[1], "ms")]


def latency(url: str, count: int) -> list[float]:
    """Return seconds from a send to its receipt by a consumer that sleeps."""
    bus, other = open_bus(url), open_bus(url)
    consumer, producer = bus.subscribe("lazy", "bench"), other.producer()
    found = []
    for _ in range(count):
        assert not consumer.receive(1, 0.02)  # it falls asleep
        begun = time.perf_counter()
        producer.send([Message("lazy", TASK)])
        deliveries = consumer.receive(1, 30)
        found.append(time.perf_counter() - begun)
        consumer.ack(deliveries)
    bus.close()
    other.close()
    return found


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun
