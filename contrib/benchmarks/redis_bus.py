"""How fast the bus `redis` is, beside a bare loop on the same client.

    PYTHONPATH=contrib python contrib/benchmarks/redis_bus.py [--messages N]

The bare loop is redis-py at the level of its connections, as the bus is, with the same
guarantee: a script checks who holds a message, adds its done task, acknowledges and
deletes it. It knows no topics, channels, delays or leases. Both take turns in one run
on one server; what counts is the median of the ratios, round by round.
"""

import argparse
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from brokers.ports import split
from brokers.redis import Redis
from redis import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis

from task_core.api import Bus, BusContext, Message

TASK = (
    b'{"type":"nop","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'
SETTLE = b"""
local me, count = ARGV[1], tonumber(ARGV[2])
for i = 3, 2 + count do
  local held = redis.call('XPENDING', KEYS[1], 'g', ARGV[i], ARGV[i], 1, me)
  if #held == 0 then return 0 end
end
for i = 3 + count, #ARGV do redis.call('XADD', KEYS[2], '*', 'b', ARGV[i]) end
redis.call('XACK', KEYS[1], 'g', unpack(ARGV, 3, 2 + count))
redis.call('XDEL', KEYS[1], unpack(ARGV, 3, 2 + count))
return 1
"""
SEND = b"for i = 1, #ARGV do redis.call('XADD', KEYS[1], '*', 'b', ARGV[i]) end"


class Bare:
    """One connection."""

    def __init__(self, server: Redis) -> None:
        host, port = split(server.address)
        retry = Retry(NoBackoff(), 0)
        kind: Any = Connection
        self._connection = kind(host=host, port=port, protocol=2, retry=retry)
        self._connection.connect()
        self.settle = self.call("SCRIPT", "LOAD", SETTLE)
        self.send = self.call("SCRIPT", "LOAD", SEND)

    def call(self, *words: Any) -> Any:
        """Send a command, and return the answer."""
        packed = self._connection.pack_command(*words)
        self._connection.send_packed_command(packed, check_health=False)
        return self._connection.read_response(disable_decoding=True)


def bare_work(bare: Bare, stream: str, window: int, count: int) -> float:
    """Read and settle; return the seconds."""
    bare.call("XGROUP", "CREATE", stream, "g", "0", "MKSTREAM")
    for _ in range(0, count, 500):
        bare.call("EVALSHA", bare.send, 1, stream, *[TASK] * 500)
    read = ("XREADGROUP", "GROUP", "g", "me", "COUNT", window, "BLOCK", 5000)
    begin, left = time.perf_counter(), count
    while left > 0:
        ((_, entries),) = bare.call(*read, "STREAMS", stream, ">")
        ids = [entry for entry, _ in entries]
        words = ("me", len(ids), *ids, *[DONE] * len(ids))
        assert bare.call("EVALSHA", bare.settle, 2, stream, "done", *words) == 1
        left -= len(ids)
    return time.perf_counter() - begin


def bus_work(bus: Bus, topic: str, window: int, count: int) -> float:
    """Receive and settle; return the seconds."""
    consumer, producer = bus.subscribe(topic, "bench"), bus.producer()
    for _ in range(0, count, 500):
        producer.send([Message(topic, TASK)] * 500)
    begin, left = time.perf_counter(), count
    while left > 0:
        found = consumer.receive(window, 10)
        assert found, "nothing comes"
        consumer.settle(found, [Message("done", DONE) for _ in found])
        left -= len(found)
    took = time.perf_counter() - begin
    consumer.close()
    return took


def bare_send(bare: Bare, batch: int, count: int) -> float:
    """Add, each batch confirmed; return the seconds."""
    begin = time.perf_counter()
    for _ in range(0, count, batch):
        if batch == 1:
            bare.call("XADD", "sent", "*", "b", TASK)
        else:
            bare.call("EVALSHA", bare.send, 1, "sent", *[TASK] * batch)
    return time.perf_counter() - begin


def bus_send(bus: Bus, batch: int, count: int) -> float:
    """Send, each batch confirmed; return the seconds."""
    producer = bus.producer()
    begin = time.perf_counter()
    for _ in range(0, count, batch):
        producer.send([Message("sent", TASK) for _ in range(batch)])
    return time.perf_counter() - begin


def open_bus(server: Redis) -> Bus:
    """Open the bus."""
    host, port = split(server.address)
    return redis.open(RedisOptions(host=host, port=port), BusContext())


Pair = tuple[int, Callable[[], float], Callable[[], float]]


def experiments(bare: Bare, bus: Bus, messages: int) -> dict[str, Pair]:
    """Return for each experiment: how many, the bare loop, and the bus."""
    found: dict[str, Pair] = {}
    for name, window, count in (
        ("one at a time", 1, messages // 10),
        ("window 10", 10, messages // 5),
        ("window 100", 100, messages),
    ):

        def by_hand(window: int = window, count: int = count) -> float:
            return bare_work(bare, uuid.uuid4().hex, window, count)

        def by_bus(window: int = window, count: int = count) -> float:
            topic = uuid.uuid4().hex
            took = bus_work(bus, topic, window, count)
            bus.forget(topic)
            return took

        found[name] = (count, by_hand, by_bus)
    for name, batch, count in (
        ("send one", 1, messages // 10),
        ("send 100 at once", 100, messages),
    ):
        found[name] = (
            count,
            lambda batch=batch, count=count: bare_send(bare, batch, count),
            lambda batch=batch, count=count: bus_send(bus, batch, count),
        )
    return found


def idle_latency(server: Redis, count: int) -> tuple[list[float], list[float]]:
    """Return milliseconds from a send to its receipt by who waits: bare, and bus."""
    bare, bus = Bare(server), open_bus(server)
    bare.call("XGROUP", "CREATE", "idle", "g", "0", "MKSTREAM")
    consumer, producer = bus.subscribe("idle", "bench"), bus.producer()
    reader = Bare(server)
    by_hand, by_bus = [], []
    wait = ("XREADGROUP", "GROUP", "g", "me", "BLOCK", 5000, "STREAMS", "idle", ">")
    for _ in range(count):
        sent = time.perf_counter()
        bare.call("XADD", "idle", "*", "b", TASK)
        reader.call(*wait)
        by_hand.append((time.perf_counter() - sent) * 1000)
        assert not consumer.receive(1, 0.005)
        sent = time.perf_counter()
        producer.send([Message("idle", TASK)])
        deliveries = consumer.receive(1, 10)
        by_bus.append((time.perf_counter() - sent) * 1000)
        consumer.ack(deliveries)
    bus.close()
    return sorted(by_hand), sorted(by_bus)


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args()
    with Redis() as server:
        print(f"{server.implementation}, Python {sys.version.split()[0]}")
        bare, bus = Bare(server), open_bus(server)
        took: dict[str, list[tuple[float, float]]] = {}
        pairs = experiments(bare, bus, options.messages)
        for _ in range(options.rounds):
            for name, (_, by_hand, by_bus) in pairs.items():
                took.setdefault(name, []).append((by_hand(), by_bus()))
            bare.call("DEL", "done", "sent")
            bus.forget("done")
            bus.forget("sent")
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


if __name__ == "__main__":
    main()
