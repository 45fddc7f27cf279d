"""How fast the bus `nats` is, beside a bare loop on the same client, and beside taskiq.

    PYTHONPATH=contrib python contrib/benchmarks/nats_bus.py [--taskiq PYTHON]

The bare loop is the bus's own connection with the same guarantee: it pulls, publishes
done tasks, reads that they are confirmed, and acknowledges. It knows no topics,
channels, leases or delays, and checks nothing. Both take turns in one run on one
server; what counts is the median of the ratios, round by round. With `--taskiq`, a
Python that has taskiq with taskiq-nats, both work tasks that do nothing there, too.
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable

from brokers.nats import Nats
from brokers.ports import split
from peers import rate_of
from redis_peers import PEERS
from task_bus_nats.dialer import Dialer
from task_bus_nats.link import Link
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats

from task_core.api import Bus, BusContext, Message

TASK = (
    b'{"type":"nop","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'

TASKIQ = """
import os
from taskiq_nats import PullBasedJetStreamBroker
from count import count
broker = PullBasedJetStreamBroker(
    [os.environ["URL"]], queue="peers", pull_consume_batch=100
)

@broker.task
async def nop(n: int) -> None:
    count()

async def send():
    await broker.startup()
    for n in range(int(os.environ["TASKS"])):
        await nop.kiq(n)
    await broker.shutdown()
"""
"""The module of a task that does nothing."""


class Bare:
    """One connection."""

    def __init__(self, server: Nats) -> None:
        self.link = Link(Dialer(options_of(server)))
        self.link.connect()

    def stream(self, name: str) -> None:
        """Make a stream with a consumer, as the bus has them."""
        stream = {"name": name, "subjects": [name], "retention": "interest"}
        consumer = {
            "durable_name": "c",
            "ack_policy": "explicit",
            "ack_wait": 30 * 10**9,
            "max_ack_pending": -1,
        }
        self._call(f"STREAM.CREATE.{name}", stream)
        made = {"stream_name": name, "config": consumer}
        self._call(f"CONSUMER.DURABLE.CREATE.{name}.c", made)

    def _call(self, verb: str, request: object) -> None:
        answer = self.link.ask(f"$JS.API.{verb}", json.dumps(request).encode())
        assert b'"error"' not in answer.body, answer.body

    def publish(self, subject: bytes, bodies: list[bytes]) -> None:
        """Send, and read that each is confirmed."""
        link = self.link
        inbox = link.inbox.encode()
        link.write(
            b"".join(
                [
                    b"PUB %b %b.%d %d\r\n%b\r\n" % (subject, inbox, at, len(body), body)
                    for at, body in enumerate(bodies)
                ]
            )
        )
        assert not [it for it in link.take(len(bodies)) if b'"error"' in it.body]

    def work(self, name: str, window: int, count: int) -> float:
        """Pull and settle; return the seconds."""
        link = self.link
        self.stream(name)
        for _ in range(0, count, 500):
            self.publish(name.encode(), [TASK] * 500)
        sid, inbox = link.new_inbox()
        link.write(b"SUB %b %b\r\n" % (inbox, sid))
        waits = b',"expires":5000000000' if window == 1 else b',"no_wait":true'
        request = b'{"batch":%d%b}' % (window, waits)
        words = (f"$JS.API.CONSUMER.MSG.NEXT.{name}.c".encode(), inbox, len(request))
        pull = b"PUB %b %b %d\r\n%b\r\n" % (*words, request)
        begin = time.perf_counter()
        for _ in range(0, count, window):
            link.write(pull)
            found = link.take(window, sid)
            self.publish(b"done", [DONE] * len(found))
            acks = [b"PUB %b 4\r\n+ACK\r\n" % frame.reply for frame in found]
            link.write(b"".join(acks))
        link.flush()
        took = time.perf_counter() - begin
        link.write(b"UNSUB %b\r\n" % sid)
        self._call(f"STREAM.DELETE.{name}", {})
        return took

    def send(self, batch: int, count: int) -> float:
        """Send, each batch confirmed; return the seconds."""
        begin = time.perf_counter()
        for _ in range(0, count, batch):
            self.publish(b"sent", [TASK] * batch)
        return time.perf_counter() - begin


def options_of(server: Nats) -> NatsOptions:
    """Return where the server is."""
    host, port = split(server.address)
    return NatsOptions(host=host, port=port)


def bus_work(bus: Bus, window: int, count: int) -> float:
    """Receive and settle; return the seconds."""
    topic = uuid.uuid4().hex
    consumer, producer = bus.subscribe(topic, "bench"), bus.producer()
    for _ in range(0, count, 500):
        producer.send([Message(topic, TASK)] * 500)
    begin, left = time.perf_counter(), count
    while left > 0:
        found = consumer.receive(window, 10)
        assert found, "nothing comes"
        consumer.settle(found, [Message("done", DONE) for _ in found])
        left -= len(found)
    bus.ping()
    took = time.perf_counter() - begin
    consumer.close()
    bus.forget(topic)
    return took


def bus_send(bus: Bus, batch: int, count: int) -> float:
    """Send, each batch confirmed; return the seconds."""
    producer = bus.producer()
    begin = time.perf_counter()
    for _ in range(0, count, batch):
        producer.send([Message("sent", TASK) for _ in range(batch)])
    return time.perf_counter() - begin


Pair = tuple[int, Callable[[], float], Callable[[], float]]


def experiments(bare: Bare, bus: Bus, messages: int) -> dict[str, Pair]:
    """Return for each experiment: how many, the bare loop, and the bus."""
    found: dict[str, Pair] = {}
    for name, window, count in (
        ("one at a time", 1, messages // 10),
        ("window 10", 10, messages // 2),
        ("window 100", 100, messages),
    ):
        found[name] = (
            count,
            lambda w=window, n=count: bare.work(uuid.uuid4().hex, w, n),
            lambda w=window, n=count: bus_work(bus, w, n),
        )
    for name, batch, count in (
        ("send one", 1, messages // 10),
        ("send 100 at once", 100, messages),
    ):
        found[name] = (
            count,
            lambda b=batch, n=count: bare.send(b, n),
            lambda b=batch, n=count: bus_send(bus, b, n),
        )
    return found


def idle_latency(server: Nats, count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from a send to its receipt by who waits: bare, and bus."""
    bare, reader = Bare(server), Bare(server)
    bare.stream("idle")
    sid, inbox = reader.link.new_inbox()
    reader.link.write(b"SUB %b %b\r\n" % (inbox, sid))
    sender = nats.open(options_of(server), BusContext())
    bus = nats.open(options_of(server), BusContext())
    consumer, producer = bus.subscribe("lazy", "bench"), sender.producer()
    by_hand, by_bus = [], []
    request = b'{"batch":1,"expires":5000000000}'
    for _ in range(count):
        words = (b"$JS.API.CONSUMER.MSG.NEXT.idle.c", inbox, len(request), request)
        sent = time.perf_counter()
        bare.publish(b"idle", [TASK])
        reader.link.write(b"PUB %b %b %d\r\n%b\r\n" % words)
        (frame,) = reader.link.take(1, sid)
        by_hand.append((time.perf_counter() - sent) * 1000)
        reader.link.write(b"PUB %b 4\r\n+ACK\r\n" % frame.reply)
        assert not consumer.receive(1, 0.005)
        sent = time.perf_counter()
        producer.send([Message("lazy", TASK)])
        deliveries = consumer.receive(1, 10)
        by_bus.append((time.perf_counter() - sent) * 1000)
        consumer.ack(deliveries)
    bus.close()
    sender.close()
    return sorted(by_hand), sorted(by_bus)


def compare(python: str, count: int) -> None:
    """Print what `task launch` and taskiq do, each on a new server, in turns."""
    peers = {name: PEERS[name] for name in ("task launch", "task launch -c 8")}
    peers["taskiq"] = (TASKIQ, *PEERS["taskiq"][1:])
    rates: dict[str, list[float]] = {}
    for _ in range(3):
        for name, peer in peers.items():
            many = count * (1 if name == "taskiq" else 5)
            with Nats() as server:
                rate = rate_of(peer, server.url, python, many)
            rates.setdefault(name, []).append(rate)
    for name, found in rates.items():
        print(f"{name:24}{statistics.median(found):>10,.0f}/s")


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--taskiq", metavar="PYTHON")
    parser.add_argument("--tasks", type=int, default=2_000)
    options = parser.parse_args()
    with Nats() as server:
        print(f"{server.implementation}, Python {sys.version.split()[0]}")
        bare, bus = Bare(server), nats.open(options_of(server), BusContext())
        for name in ("done", "sent"):
            bare.stream(name)
        took: dict[str, list[tuple[float, float]]] = {}
        pairs = experiments(bare, bus, options.messages)
        for _ in range(options.rounds):
            for name, (_, by_hand, by_bus) in pairs.items():
                took.setdefault(name, []).append((by_hand(), by_bus()))
        print(f"{'':20}{'bare/s':>10}{'bus/s':>10}{'ratio':>8}   (medians)")
        for name, seconds in took.items():
            count = pairs[name][0]
            by_hand = count / statistics.median(pair[0] for pair in seconds)
            by_bus = count / statistics.median(pair[1] for pair in seconds)
            ratio = statistics.median(pair[0] / pair[1] for pair in seconds)
            print(f"{name:20}{by_hand:>10,.0f}{by_bus:>10,.0f}{ratio:>8.2f}")
        for name, waits in zip(("bare", "bus"), idle_latency(server, 200), strict=True):
            told = f"p50 {waits[100]:.2f} ms, p99 {waits[197]:.2f} ms"
            print(f"idle, send to receipt, {name}: {told}")
        bus.close()
        if options.taskiq:
            compare(options.taskiq, options.tasks)


if __name__ == "__main__":
    main()
