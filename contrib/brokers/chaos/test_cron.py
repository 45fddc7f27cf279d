"""Two instances of cron that are killed at random, over brokers and both stores.

The broker, or the server of the store, is restarted in between. Each firing is sent;
what comes twice was in flight, and is the same to the byte.
`CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on.
"""

import contextlib
import gc
import os

import pytest
from brokers.kafka import Kafka
from brokers.nsq import Nsqd
from brokers.postgres import Postgres
from cron_instances import Instances, check, kill_at_random
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext

# The client library reads its own files in an old way.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*is deprecated. Use files:DeprecationWarning",
    "ignore:unclosed:ResourceWarning",  # a client, when its broker is restarted
)
RUNS = int(os.environ.get("CHAOS_RUNS", "1"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))


def on_sqlite(stack, folder):
    path = str(folder / "bus.db")
    bus = sqlite.open(SqliteOptions(path=path), BusContext())
    return bus, f"sqlite://{path}", None


def on_nsq(stack, folder):
    broker = stack.enter_context(Nsqd())
    options = NsqOptions(nsqd=(broker.tcp,), http=(broker.http,))
    bus = nsq.open(options, BusContext())
    bus.producer().prepare(["tick"])
    return bus, f"nsq://{broker.tcp}", broker


def on_kafka(stack, folder):
    broker = stack.enter_context(Kafka(partitions=2))
    options = KafkaOptions(bootstrap=(broker.bootstrap,), partitions=2)
    bus = kafka.open(options, BusContext())
    bus.producer().prepare(["tick"])
    return bus, f"kafka://{broker.bootstrap}?partitions=2", broker


def in_a_file(stack, folder):
    return str(folder / "store.db"), None


def in_postgres(stack, folder):
    server = stack.enter_context(Postgres())
    return server.url, server


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
@pytest.mark.parametrize(
    ("open_bus", "open_store"),
    [
        (on_nsq, in_a_file),
        (on_kafka, in_postgres),
        (on_sqlite, in_postgres),
    ],
)
def test_two_instances_send_each_firing_whoever_is_killed(
    open_bus, open_store, seed, tmp_path, record_property
):
    """Nothing is lost, on every bus and in both stores."""
    with contextlib.ExitStack() as stack:
        bus, url, broker = open_bus(stack, tmp_path)
        stack.callback(bus.close)
        consumer = bus.subscribe("tick", "check")
        store, server = open_store(stack, tmp_path)
        instances = Instances(tmp_path, url, store)
        stack.callback(instances.stop)

        def restart():
            one = broker or server
            one.stop()
            one.start()

        seen, _ = kill_at_random(instances, consumer, seed, restart)
    gc.collect()  # here, where sockets of a broker that went are known to be left
    check(seen, record_property)
