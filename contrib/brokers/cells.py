"""Pairs of a bus and a store, for tests of several instances of a taskmaster."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import attrs
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from brokers.insist import present
from brokers.kafka import Kafka
from brokers.nsq import Nsqd
from brokers.postgres import Postgres
from brokers.process import Broker
from task_core.api import Bus, BusContext

B = TypeVar("B", bound=Broker)
FROZEN = 3.0
"""Seconds for which a server of stores falls silent."""


@attrs.frozen(kw_only=True)
class Cell:
    """A bus and a store.

    Args:
        bus: Opened, for the test; closed in the end.
        url: The same, for `--bus`.
        store: For `--taskmaster-store`.
        broker, server: What runs for them; None for a file.
    """

    bus: Bus
    url: str
    store: str
    broker: Broker | None = None
    server: Postgres | None = None

    def trouble(self) -> None:
        """Restart the broker and the server; freeze the latter before, for a while."""
        if self.server is not None:
            self.server.pause()
            time.sleep(FROZEN)  # longer than a call may wait
            self.server.resume()
        for one in (self.broker, self.server):
            if one is not None:
                one.restart()


def open_cell(
    stack: contextlib.ExitStack,
    folder: Path,
    bus: str,
    store: str,
    topics: Sequence[str],
) -> Cell:
    """Start what a cell needs, until the end of a stack.

    Args:
        stack: Ends it.
        folder: For files.
        bus: `sqlite`, `nsq` or `kafka`.
        store: `file` or `postgres`.
        topics: Are there from the start.
    """
    opened, url, broker = _BUSES[bus](stack, folder, topics)
    stack.callback(opened.close)
    if store == "file":
        place = str(folder / "store.db")
        return Cell(bus=opened, url=url, store=place, broker=broker)
    server = _started(stack, Postgres())
    place = f"{server.url}?timeout=1"
    return Cell(bus=opened, url=url, store=place, broker=broker, server=server)


Opened = tuple[Bus, str, Broker | None]


def _on_sqlite(
    stack: contextlib.ExitStack, folder: Path, topics: Sequence[str]
) -> Opened:
    path = str(folder / "bus.db")
    return sqlite.open(SqliteOptions(path=path), BusContext()), f"sqlite://{path}", None


def _on_nsq(stack: contextlib.ExitStack, folder: Path, topics: Sequence[str]) -> Opened:
    broker = _started(stack, Nsqd())
    options = NsqOptions(nsqd=(broker.tcp,), http=(broker.http,))
    bus = nsq.open(options, BusContext())
    bus.producer().prepare(topics)
    return bus, f"nsq://{broker.tcp}", broker


def _on_kafka(
    stack: contextlib.ExitStack, folder: Path, topics: Sequence[str]
) -> Opened:
    broker = _started(stack, Kafka(partitions=2))
    options = KafkaOptions(bootstrap=(broker.bootstrap,), partitions=2)
    bus = kafka.open(options, BusContext())
    bus.producer().prepare(topics)
    return bus, f"kafka://{broker.bootstrap}?partitions=2", broker


_BUSES: dict[str, Callable[..., Opened]] = {
    "sqlite": _on_sqlite,
    "nsq": _on_nsq,
    "kafka": _on_kafka,
}


def _started(stack: contextlib.ExitStack, broker: B) -> B:
    """Start it; where there is none, skip the test, or fail it."""
    stack.callback(broker.close)
    present(broker.start)
    return broker
