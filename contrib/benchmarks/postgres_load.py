"""How the bus `postgres` holds out: an old transaction, and a million that wait.

    PYTHONPATH=contrib python contrib/benchmarks/postgres_load.py [--full COUNT]
        [--minutes N] [--messages N]

Somebody's transaction, older than the messages, keeps all that is deleted, as a report
or a dump does: told is the rate beside that of a server without it, in turns, for as
long as it is asked.
With `--full`, told is what one take costs while so many wait, and while few do.
"""

import argparse
import contextlib
import statistics
import time
from collections.abc import Iterator

import bus
import psycopg
from brokers.postgres import Postgres
from yardstick import TASK

from task_core import open_bus
from task_core.api import Bus, Message

TAKES = 1000
WINDOW = 10


@contextlib.contextmanager
def old_transaction(server: Postgres) -> Iterator[None]:
    """Keep what is deleted."""
    with psycopg.connect(server.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        yield


def under_an_old_transaction(server: Postgres, messages: int, minutes: float) -> None:
    """Tell the rate while somebody's transaction is open, in turns with one without."""
    with Postgres() as other, old_transaction(server):
        old, fresh = open_bus(server.url), open_bus(other.url)
        for opened in (old, fresh):
            opened.prepare(["done"])
        ratios, ends = [], time.monotonic() + 60 * minutes
        while time.monotonic() < ends:
            took = [bus.work(opened, WINDOW, messages) for opened in (fresh, old)]
            ratios.append(took[0] / took[1])
            rate = messages / took[1]
            print(f"old transaction: {rate:,.0f}/s ({ratios[-1]:.2f})", flush=True)
        for part in (ratios, ratios[-5:]):
            middle, least = statistics.median(part), min(part)
            print(f"of {len(part)}: median {middle:.2f}, least {least:.2f}")
        old.close()
        fresh.close()


def with_many(server: Postgres, count: int) -> None:
    """Tell what a take costs while so many wait, beside one while few do."""
    opened = open_bus(server.url)
    producer = opened.producer()
    for topic in ("full", "few"):  # the server keeps the plans that it makes now
        opened.subscribe(topic, "bench").close()
    for _ in range(0, count, 5000):
        producer.send([Message("full", TASK)] * 5000)
    for _ in range(3):
        producer.send([Message("few", TASK)] * TAKES)
        told = "; ".join(
            f"{topic}: {takes(opened, topic)}" for topic in ("few", "full")
        )
        print(f"a take of one, {told}", flush=True)
    opened.close()


def takes(opened: Bus, topic: str) -> str:
    """Take one at a time, and tell how long that took."""
    consumer, found = opened.subscribe(topic, "bench"), []
    for _ in range(TAKES):
        begun = time.perf_counter()
        deliveries = consumer.receive(1, 5)
        found.append(1000 * (time.perf_counter() - begun))
        consumer.ack(deliveries)
    consumer.close()
    found.sort()
    return f"p50 {found[TAKES // 2]:.2f} ms, p99 {found[TAKES * 99 // 100]:.2f} ms"


def main() -> None:
    """Measure one of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--full", type=int, default=0, metavar="COUNT")
    options = parser.parse_args()
    with Postgres() as server:
        print(server.implementation)
        if options.full:
            with_many(server, options.full)
        else:
            under_an_old_transaction(server, options.messages, options.minutes)


if __name__ == "__main__":
    main()
