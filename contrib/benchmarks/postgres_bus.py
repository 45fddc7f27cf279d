"""How fast the bus `postgres` is, beside what no PostgreSQL user could do better.

    PYTHONPATH=contrib python contrib/benchmarks/postgres_bus.py [--messages N]

The bare loops use psycopg with the same guarantee: a taken message is known to be ours
until it is settled, and a done task is sent in the statement that deletes what it came
from. Both take turns and medians of ratios are told, since rates move a lot. With
`--old` somebody has had a transaction open since before the messages were sent; with
`--full` a million wait.
"""

import argparse
import contextlib
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from brokers.ports import split
from brokers.postgres import Postgres
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres

from task_core.api import Bus, BusContext, Message

TASK = b'{"type":"load","job":"nightly","info":"s3://bucket/file.csv?table=sales",'
TASK += b'"created":"2026-01-01T12:00:00Z","id":"0190d0e0-1234-7abc-8def-0123456789ab"}'
TABLE = """
CREATE TABLE IF NOT EXISTS bare (
    chan int, due timestamptz, id bigint GENERATED ALWAYS AS IDENTITY,
    attempts int NOT NULL DEFAULT 0, body bytea NOT NULL, PRIMARY KEY (chan, due, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0)
"""
TAKE = """
UPDATE bare SET due = clock_timestamp() + interval '30 s', attempts = attempts + 1
FROM (
    SELECT chan, due, id FROM bare WHERE chan = %s AND due <= clock_timestamp()
    ORDER BY due, id LIMIT %s FOR UPDATE SKIP LOCKED
) AS picked
WHERE bare.chan = picked.chan AND bare.due = picked.due AND bare.id = picked.id
RETURNING bare.id, bare.due, attempts, body
"""
SETTLE = """
WITH gone AS (
    DELETE FROM bare USING unnest(%s::bigint[], %s::timestamptz[]) AS t (id, due)
    WHERE chan = %s AND bare.id = t.id AND bare.due = t.due RETURNING 1
)
INSERT INTO bare (chan, due, body)
SELECT 2, clock_timestamp(), body FROM unnest(%s::bytea[]) AS body
WHERE (SELECT count(*) FROM gone) = %s
"""
SEND = """
INSERT INTO bare (chan, due, body)
SELECT %s, clock_timestamp(), body FROM unnest(%s::bytea[]) AS body
"""


class Bare:
    """A connection of psycopg, with statements that the server remembers."""

    def __init__(self, server: Postgres) -> None:
        self._connection = psycopg.connect(server.url, autocommit=True)
        self._cursor = self._connection.cursor(binary=True)
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            self._connection.execute(f"SET enable_{way} = off")

    def run(self, text: str, *words: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        self._cursor.execute(text, words, prepare=True)
        return self._cursor.fetchall() if self._cursor.description else []

    def wait(self) -> None:
        """Wait for a notification."""
        list(self._connection.notifies(timeout=10, stop_after=1))


def bare_work(bare: Bare, window: int, count: int) -> float:
    """Take and settle each window with a done task for each; return the seconds."""
    for _ in range(0, count, 500):
        bare.run(SEND, 1, [TASK] * min(500, count))
    left = count
    begin = time.perf_counter()
    while left:
        rows = bare.run(TAKE, 1, window)
        ids, ends = [row[0] for row in rows], [row[1] for row in rows]
        bare.run(SETTLE, ids, ends, 1, [TASK] * len(rows), len(rows))
        left -= len(rows)
    return time.perf_counter() - begin


def bus_work(bus: Bus, topic: str, window: int, count: int) -> float:
    """Receive and settle each window with a done task for each; return the seconds."""
    consumer, producer = bus.subscribe(topic, "bench"), bus.producer()
    for _ in range(0, count, 500):
        producer.send([Message(topic, TASK) for _ in range(min(500, count))])
    left = count
    begin = time.perf_counter()
    while left:
        deliveries = consumer.receive(window, 5)
        consumer.settle(deliveries, [Message("done", TASK) for _ in deliveries])
        left -= len(deliveries)
    took = time.perf_counter() - begin
    consumer.close()
    return took


def bare_send(bare: Bare, batch: int, count: int) -> float:
    """Send, each batch confirmed; return the seconds."""
    begin = time.perf_counter()
    for _ in range(0, count, batch):
        bare.run(SEND, 3, [TASK] * batch)
    return time.perf_counter() - begin


def bus_send(bus: Bus, batch: int, count: int) -> float:
    """Send, each batch confirmed; return the seconds."""
    producer = bus.producer()
    begin = time.perf_counter()
    for _ in range(0, count, batch):
        producer.send([Message("sent", TASK) for _ in range(batch)])
    return time.perf_counter() - begin


def open_bus(server: Postgres) -> Bus:
    """Open the bus."""
    host, port = split(server.address)
    options = PostgresOptions(host=host, port=port, user="postgres", dbname="postgres")
    return postgres.open(options, BusContext())


Pair = tuple[int, Callable[[], float], Callable[[], float]]


def experiments(bare: Bare, bus: Bus, messages: int) -> dict[str, Pair]:
    """Return for each experiment: how many, the bare loop, and the bus."""
    found: dict[str, Pair] = {}
    for name, window, count in (
        ("one at a time", 1, messages // 10),
        ("window 10", 10, messages // 2),
        ("window 100", 100, messages),
    ):

        def by_hand(window: int = window, count: int = count) -> float:
            return bare_work(bare, window, count)

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


def bare_latency(server: Postgres, count: int) -> list[float]:
    """Return milliseconds from a send to its receipt by who listens."""
    sender, reader = Bare(server), Bare(server)
    reader.run("LISTEN bare")
    waits = []
    for _ in range(count):
        time.sleep(0.03)
        sent = time.perf_counter()
        sender.run(SEND, 4, [TASK])
        sender.run("NOTIFY bare")
        reader.wait()
        ((number, ends, *_),) = reader.run(TAKE, 4, 1)
        waits.append((time.perf_counter() - sent) * 1000)
        reader.run(SETTLE, [number], [ends], 4, [], 1)
    return sorted(waits)


def idle_latency(server: Postgres, count: int) -> list[float]:
    """Return milliseconds from a send to its receipt by who sleeps."""
    bus, other = open_bus(server), open_bus(server)
    consumer, producer = bus.subscribe("idle", "bench"), other.producer()
    waits = []
    for _ in range(count):
        assert not consumer.receive(1, 0.03)  # it falls asleep
        sent = time.perf_counter()
        producer.send([Message("idle", TASK)])
        deliveries = consumer.receive(1, 10)
        waits.append((time.perf_counter() - sent) * 1000)
        consumer.ack(deliveries)
    bus.close()
    other.close()
    return sorted(waits)


@contextlib.contextmanager
def old_transaction(server: Postgres) -> Iterator[None]:
    """Keep what is deleted, as a report or a dump does."""
    with psycopg.connect(server.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        yield


def under_an_old_transaction(server: Postgres, messages: int) -> None:
    """Tell how the rate falls while somebody's transaction is open."""
    bus = open_bus(server)
    fresh = messages / bus_work(bus, uuid.uuid4().hex, 10, messages)
    with old_transaction(server):
        topic = "one-topic"
        for _ in range(10):
            rate = messages / bus_work(bus, topic, 10, messages)
            print(f"window 10, old transaction: {rate:,.0f}/s ({rate / fresh:.2f})")
    bus.close()


def with_a_million(server: Postgres, count: int) -> None:
    """Tell what a take costs while so many wait."""
    bus = open_bus(server)
    producer, consumer = bus.producer(), bus.subscribe("full", "bench")
    for _ in range(10):  # the server keeps the plans that it makes now
        producer.send([Message("full", TASK)])
        consumer.ack(consumer.receive(1, 5))
    for _ in range(0, count, 5000):
        producer.send([Message("full", TASK)] * 5000)
    takes = []
    for _ in range(1000):
        begin = time.perf_counter()
        deliveries = consumer.receive(1, 5)
        takes.append((time.perf_counter() - begin) * 1000)
        consumer.ack(deliveries)
    takes.sort()
    print(f"{count:,} wait: a take p50 {takes[500]:.2f} ms, p99 {takes[990]:.2f} ms")
    bus.close()


def main() -> None:
    """Run all experiments and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--full", type=int, default=0, metavar="COUNT")
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--no-sync", action="store_true", help="do not wait for a disk")
    options = parser.parse_args()
    settings = {"synchronous_commit": "off"} if options.no_sync else {}
    with Postgres(options=settings) as server:
        print(f"{server.implementation}, Python {sys.version.split()[0]}")
        if options.old:
            under_an_old_transaction(server, options.messages)
        if options.full:
            with_a_million(server, options.full)
        if not options.old and not options.full:
            compare(server, options.messages, options.rounds)


def compare(server: Postgres, messages: int, rounds: int) -> None:
    """Take turns with the bare loops."""
    bare, bus = Bare(server), open_bus(server)
    bare.run(TABLE)
    took: dict[str, list[tuple[float, float]]] = {}
    pairs = experiments(bare, bus, messages)
    for _ in range(rounds):
        for name, (_, by_hand, by_bus) in pairs.items():
            took.setdefault(name, []).append((by_hand(), by_bus()))
        bare.run("TRUNCATE bare")
        bus.forget("done")
        bus.forget("sent")
    print(f"{'':20}{'bare/s':>10}{'bus/s':>10}{'ratio':>8}   (medians)")
    for name, seconds in took.items():
        count = pairs[name][0]
        by_hand = count / statistics.median(pair[0] for pair in seconds)
        by_bus = count / statistics.median(pair[1] for pair in seconds)
        ratio = statistics.median(pair[0] / pair[1] for pair in seconds)
        print(f"{name:20}{by_hand:>10,.0f}{by_bus:>10,.0f}{ratio:>8.2f}")
    for name, measure in (("bare", bare_latency), ("bus", idle_latency)):
        waits = measure(server, 200)
        told = f"p50 {waits[100]:.2f} ms, p99 {waits[197]:.2f} ms"
        print(f"idle, send to receipt, {name}: {told}")
    bus.close()


if __name__ == "__main__":
    main()
