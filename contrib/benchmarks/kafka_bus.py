"""How fast the bus `kafka` is, beside a bare loop on the same client library.

    python contrib/benchmarks/kafka_bus.py [--bootstrap HOST:PORT] [--messages 20000]
        [--rounds 5] [--clients kafka-python confluent]

The bare loop gives the same guarantee: each done task is confirmed by all in-sync
replicas before its message is finished, and progress is written down twice a second,
off the path of a task. It knows no channels, no order of completion, no leases. Both
take turns in one run; what counts is the median of the ratios, round by round. Without
`--bootstrap` a broker is started (`contrib/` has to be on `PYTHONPATH`).
"""

import argparse
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from kafka_bare import DONE, TASK, BareConfluent, BarePython
from task_bus_kafka.bus import KafkaBus
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka

from task_core.api import BusContext, Message

BATCH = 500


class Loop(Protocol):
    """What takes part in the benchmark."""

    def send(self, topic: str, count: int, batch: int) -> None:
        """Send tasks, each batch confirmed before the next."""

    def work(self, topic: str, count: int, window: int) -> Iterator[None]:
        """Join first (one step), then receive and settle so many."""

    def close(self) -> None:
        """End."""


class OnBus:
    """The bus."""

    def __init__(self, bootstrap: str, client: str) -> None:
        options = KafkaOptions(
            bootstrap=(bootstrap,), client=Client(client), partitions=1
        )
        self._bus = kafka.open(options, BusContext())
        assert isinstance(self._bus, KafkaBus)
        self._producer = self._bus.producer()

    def send(self, topic: str, count: int, batch: int) -> None:
        self._producer.prepare([topic])
        for _ in range(0, count, batch):
            self._producer.send([Message(topic, TASK) for _ in range(batch)])

    def work(self, topic: str, count: int, window: int) -> Iterator[None]:
        done = f"{topic}-done"
        self._producer.prepare([done])
        consumer = self._bus.subscribe(topic, "bench")
        first = consumer.receive(1, 30)
        consumer.settle(first, [Message(done, DONE)])
        yield
        left = count - 1
        while left:
            found = consumer.receive(min(window, left), 30)
            consumer.settle(found, [Message(done, DONE) for _ in found])
            left -= len(found)
        yield
        consumer.close()

    def close(self) -> None:
        self._bus.close()


def seconds(action: Callable[[], object]) -> float:
    """Return how long something takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def make_topics(bootstrap: str, topic: str) -> None:
    """Make a topic of tasks and one of done tasks, of one partition each."""
    bus = kafka.open(KafkaOptions(bootstrap=(bootstrap,), partitions=1), BusContext())
    bus.producer().prepare([topic, f"{topic}-done"])
    bus.close()


def rates_of(loop: Loop, bootstrap: str, messages: int) -> dict[str, float]:
    """Return tasks a second for each experiment."""
    found = {}
    for name, window, count in (
        ("one at a time", 1, messages // 10),
        ("window 100", 100, messages),
    ):
        topic = f"bench-{uuid.uuid4().hex[:10]}"
        make_topics(bootstrap, topic)
        loop.send(topic, count, BATCH)
        steps = loop.work(topic, count, window)
        next(steps)
        found[name] = count / seconds(lambda: next(steps))  # noqa: B023
        next(steps, None)
    for name, batch, count in (
        ("send one", 1, messages // 10),
        ("send 100 at once", 100, messages),
    ):
        topic = f"bench-{uuid.uuid4().hex[:10]}"
        make_topics(bootstrap, topic)
        loop.send(topic, batch, batch)
        taken = seconds(lambda: loop.send(topic, count, batch))  # noqa: B023
        found[name] = count / taken
    return found


def compare(bootstrap: str, client: str, options: argparse.Namespace) -> None:
    """Let a bare loop and the bus take turns; print the medians."""
    bare_of = BarePython if client == Client.PYTHON.value else BareConfluent
    rounds = []
    for _ in range(options.rounds):
        pair = []
        for loop in (bare_of(bootstrap), OnBus(bootstrap, client)):
            pair.append(rates_of(loop, bootstrap, options.messages))
            loop.close()
        rounds.append(pair)
    print(f"{client:28}{'bare/s':>10}{'bus/s':>10}{'ratio':>8}   (medians)")
    for name in rounds[0][0]:
        bare = statistics.median(pair[0][name] for pair in rounds)
        bus = statistics.median(pair[1][name] for pair in rounds)
        ratio = statistics.median(pair[1][name] / pair[0][name] for pair in rounds)
        print(f"{name:28}{bare:>10,.0f}{bus:>10,.0f}{ratio:>8.2f}")


def launch(bootstrap: str, client: str, messages: int, *flags: str) -> None:
    """Let `task launch` work on as many tasks; print its own count of tasks/s."""
    topic = f"bench-{uuid.uuid4().hex[:10]}"
    make_topics(bootstrap, topic)
    bus = OnBus(bootstrap, client)
    bus.send(topic, messages, BATCH)
    bus.close()
    command = [
        *(sys.executable, "-m", "task_core", "launch", "--worker", "nop"),
        *("--bus", f"kafka://{bootstrap}?client={client}", "--topic", topic),
        *("--type-policy", "run", "--done-topic", f"{topic}-done"),
        *("--max-tasks", "{}", *flags),
    ]

    def run(count: int) -> None:
        words = [word.format(count) for word in command]
        subprocess.run(words, check=True, capture_output=True)

    start = seconds(lambda: run(1))  # of the interpreter and the group
    taken = seconds(lambda: run(messages - 1)) - start
    named = " ".join(flags) or "as it comes"
    print(f"task launch, {client}, {named}: {(messages - 2) / taken:,.0f} tasks/s")


def latency(bootstrap: str, client: str, count: int) -> None:
    """Print how long it takes from a send to its receipt in an idle consumer."""
    topic = f"bench-{uuid.uuid4().hex[:10]}"
    make_topics(bootstrap, topic)
    options = KafkaOptions(bootstrap=(bootstrap,), client=Client(client))
    bus = kafka.open(options, BusContext())
    consumer, producer = bus.subscribe(topic, "bench"), bus.producer()
    waits = []
    for number in range(count + 1):
        sent = time.perf_counter()
        producer.send([Message(topic, TASK)])
        consumer.ack(consumer.receive(1, 10))
        if number:
            waits.append((time.perf_counter() - sent) * 1000)
        time.sleep(0.02)
    bus.close()
    waits.sort()
    middle, last = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
    print(f"send to receipt, {client}: p50 {middle:.1f} ms, p99 {last:.1f} ms")


@contextmanager
def broker(bootstrap: str) -> Iterator[str]:
    """Give the address of a broker that runs."""
    if bootstrap:
        yield bootstrap
        return
    from brokers.kafka import Kafka

    with Kafka() as started:
        yield started.bootstrap


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", default="")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    clients = [client.value for client in Client]
    parser.add_argument("--clients", nargs="+", choices=clients, default=clients)
    options = parser.parse_args()
    with broker(options.bootstrap) as bootstrap:
        for client in options.clients:
            compare(bootstrap, client, options)
            latency(bootstrap, client, 200)
            launch(bootstrap, client, options.messages // 10, "--prefetch", "0")
            launch(bootstrap, client, options.messages)


if __name__ == "__main__":
    main()
