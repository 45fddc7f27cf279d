"""On every bus that counts receipts, tasks that kill are put aside, and nobody else.

`CHAOS_RUNS=3` chooses three combinations of killers, slots, limits and windows for each
bus, others for each `CHAOS_SEED`, and `CHAOS_RUNS=144` runs every one. Without it there
is one short combination for each: a death on Kafka takes seconds. The grid of one bus,
for as long as there is time, in an order that the seed gives, with a table at the end:

    CHAOS_RUNS=144 CHAOS_MINUTES=30 CHAOS_SEED=1 PYTHONPATH=contrib pytest -k nsq \
        -p brokers.fixtures contrib/brokers/chaos/test_killers.py
"""

import contextlib
import itertools
import os
import random
import signal
import subprocess
import time
import uuid

import pytest
from brokers.kafka import Kafka
from brokers.ports import split
from brokers.process import BrokerMissingError
from brokers.proxy import Proxy
from cli_lines import COMMAND
from fleet import BEGUN
from killers import INNOCENTS, Killers, taken
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka as plugin_of_kafka
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as plugin_of_nats
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq as plugin_of_nsq
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres as plugin_of_postgres
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plugin_of_redis
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite as plugin_of_sqlite

from task_core.api import BusContext, Message, Task, decode_task, encode_task

RUNS = int(os.environ.get("CHAOS_RUNS", "0"))
SEED = os.environ.get("CHAOS_SEED", "0")
EVERY = list(itertools.product([1, 2, 3, 4], [1, 4, 8, 16], [1, 3, 5], [None, 0, 20]))
MINUTES = float(os.environ.get("CHAOS_MINUTES", "inf"))
BEGUN_AT = time.monotonic()
COMMIT_INTERVAL = 0.5
"""Seconds in which Kafka's clients write progress down, where no transaction does."""
FLUSHED = 0.5
"""Seconds in which acknowledgements have left for an nsqd: a hundredth, if there is a
processor for it."""
CUTS, STOPS = 30, 6 if RUNS else 4
PATIENCE = 120.0
"""Seconds in which what must happen has happened."""


class Stage:
    """A bus to play on: how workers call it, and how the test opens it.

    Args:
        url: As `--bus` takes it.
        plugin, options: What opens it.
        forgets: Seconds before a death of which the bus may forget what was settled.
    """

    def __init__(self, url, plugin, options, *, forgets=0.0):
        self.url, self.forgets = url, forgets
        self.bus = plugin.open(options, BusContext())
        self.topic = f"work-{uuid.uuid4().hex[:12]}"


def on_sqlite(request):
    path = str(request.getfixturevalue("tmp_path") / "task.db")
    return Stage(f"sqlite://{path}", plugin_of_sqlite, SqliteOptions(path=path))


def on_nsq(request, proxy=None):
    nsqd = request.getfixturevalue("nsqd")
    address = nsqd.tcp
    if proxy:
        proxy.target, address = nsqd.tcp, proxy.address
    options = NsqOptions(nsqd=(address,), http=(nsqd.http,))
    url = f"nsq://{address}?http={nsqd.http}"
    return Stage(url, plugin_of_nsq, options, forgets=FLUSHED)


def on_redis(request, proxy=None):
    address = request.getfixturevalue("redis").address
    if proxy:
        proxy.target, address = address, proxy.address
    host, port = split(address)
    options = RedisOptions(host=host, port=port)
    return Stage(f"redis://{address}", plugin_of_redis, options)


def on_postgres(request, proxy=None):
    address = request.getfixturevalue("postgres").address
    if proxy:
        proxy.target, address = address, proxy.address
    host, port = split(address)
    where = {"host": host, "port": port, "dbname": "postgres", "user": "postgres"}
    url = f"postgres://postgres@{address}/postgres"
    return Stage(url, plugin_of_postgres, PostgresOptions(**where))


def on_nats(request, proxy=None):
    address = request.getfixturevalue("nats").address
    if proxy:
        proxy.target, address = address, proxy.address
    host, port = split(address)
    options = NatsOptions(host=host, port=port)
    return Stage(f"nats://{address}", plugin_of_nats, options)


def on_kafka(**more):
    def stage(request, proxy=None):
        address = request.getfixturevalue("kafka").bootstrap
        if proxy:
            address = request.getfixturevalue("kafka_behind")(proxy)
        options = KafkaOptions(bootstrap=(address,), partitions=2, **more)
        flags = "&".join(f"{name}={str(value).lower()}" for name, value in more.items())
        forgets = 0.0 if options.transactions else 2 * COMMIT_INTERVAL
        url = f"kafka://{address}?partitions=2&{flags}"
        return Stage(url, plugin_of_kafka, options, forgets=forgets)

    return stage


STAGES = {
    "sqlite": on_sqlite,
    "nsq": on_nsq,
    "redis": on_redis,
    "postgres": on_postgres,
    "nats": on_nats,
    "kafka-python": on_kafka(),
    "confluent": on_kafka(client=Client.CONFLUENT),
    "transactions": on_kafka(transactions=True),
}
SHORT = list(STAGES) if RUNS else ["sqlite", "nsq", "kafka-python"]
"""Where connections flap and launchers are stopped."""


def cells(name):
    """Return what is tried on a bus."""
    choose = random.Random(f"{SEED} {name}")
    if not RUNS:
        return [(1, choose.choice([1, 4, 8, 16]), 1, choose.choice([None, 0, 20]))]
    return choose.sample(EVERY, min(RUNS, len(EVERY)))


CHOSEN = [
    pytest.param(name, *cell, id=f"{name}-{'-'.join(map(str, cell))}")
    for name in STAGES
    for cell in cells(name)
]


@pytest.fixture(scope="module")
def kafka_behind():
    """Return what starts a Kafka that is only reached through a proxy."""
    with contextlib.ExitStack() as stack:

        def start(proxy):
            listener = {"advertised.listeners": f"PLAINTEXT://{proxy.address}"}
            broker = Kafka(properties=listener)
            proxy.target = broker.bootstrap
            try:
                stack.enter_context(broker)
            except BrokerMissingError as error:
                if os.environ.get("BROKERS_REQUIRED") == "1":
                    raise
                pytest.skip(str(error))
            return proxy.address

        yield start


@pytest.mark.parametrize(("name", "killers", "slots", "attempts", "prefetch"), CHOSEN)
def test_killers_are_dead_once_and_innocents_done(
    name, killers, slots, attempts, prefetch, request, tmp_path
):
    """However many slots, whatever `--max-attempts`, lazily and windowed."""
    if time.monotonic() - BEGUN_AT > 60 * MINUTES:
        pytest.skip("the time is over")
    stage = STAGES[name](request)
    flags = ["-c", str(slots), "--max-attempts", str(attempts)]
    if prefetch is not None:
        flags += ["--prefetch", str(prefetch)]
    more = {"topic": stage.topic, "most": prefetch, "forgets": stage.forgets}
    scenario = Killers(tmp_path, stage.url, stage.bus, *flags, **more)
    choose = random.Random(f"{SEED} {killers} {slots} {attempts} {prefetch}")
    with contextlib.closing(stage.bus):
        scenario.send(*[choose.randrange(INNOCENTS) for _ in range(killers)])
        scenario.run()
        told = scenario.check(killers, slots)
    request.node.user_properties.append(("told", told))


LAZY = """
import os
from pathlib import Path
from task_core.api import WorkerContext, interrupted, worker

LOG = os.open("runs.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@worker
def work(info: str, ctx: WorkerContext):
    os.write(LOG, f"{info}\\n".encode())
    if not Path("go").exists() and ctx.wait(600):
        return interrupted()
"""
"""Works until it is stopped, and gives back what it has; finishes when it may go."""


@pytest.fixture
def launch(tmp_path):
    """Return what starts a launcher of `worker.py`; none outlives the test."""
    started = []
    log = (tmp_path / "launchers.log").open("ab")

    def launch(stage, *flags):
        command = (COMMAND, "launch", "-w", "worker.py:work", "--bus", stage.url)
        topics = ("--topic", stage.topic, "--done-topic", f"{stage.topic}.done")
        limits = ("--max-attempts", "1", "--lease", "2s")
        process = subprocess.Popen(
            [*command, *topics, *limits, *flags], cwd=tmp_path, stderr=log
        )
        started.append(process)
        return process

    yield launch
    for process in started:
        process.kill()
        process.wait()
    log.close()
    print((tmp_path / "launchers.log").read_text())


def send(stage, count):
    """Send tasks; return their names."""
    names = {str(number) for number in range(count)}
    tasks = [Task.new("work", name) for name in sorted(names)]
    messages = [Message(stage.topic, encode_task(task)) for task in tasks]
    stage.bus.producer().send(messages)
    return names


def done_and_dead(stage):
    done = taken(stage.bus, f"{stage.topic}.done")
    return {decode_task(body).info for body in done}, taken(
        stage.bus, f"{stage.topic}.dead"
    )


def until(happened, process):
    """Await something that a process does."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.02)  # a file tells no events


@pytest.mark.parametrize("name", SHORT)
def test_clean_stops_kill_nobody(name, request, launch, tmp_path):
    """What is given back is no sign of killing: after six stops all slots are busy.

    Three receipts without an outcome would be too many.
    """
    stage = STAGES[name](request)
    (tmp_path / "worker.py").write_text(LAZY)
    log = tmp_path / "runs.log"
    log.touch()
    with contextlib.closing(stage.bus):
        names = send(stage, 8)
        for _ in range(STOPS):
            before = len(log.read_text().split())
            process = launch(stage, "-c", "4")
            until(lambda: len(log.read_text().split()) == before + 4, process)  # noqa: B023  at once
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        (tmp_path / "go").touch()
        assert launch(stage, "-c", "4", "--drain").wait(PATIENCE) == 0
        assert done_and_dead(stage) == (names, [])


STEADY = """
from task_core.api import WorkerContext, worker

@worker
def work(info: str, ctx: WorkerContext):
    ctx.wait(0.02)
"""


@pytest.mark.parametrize("name", SHORT[1:])
def test_flapping_connections_kill_nobody(name, request, launch, tmp_path):
    """Not even with two launchers that get from each other what a cut has cost."""
    (tmp_path / "worker.py").write_text(STEADY)
    with Proxy() as proxy:
        stage = STAGES[name](request, proxy)
        with contextlib.closing(stage.bus):
            names = send(stage, 300)
            launchers = [launch(stage, "-c", "2", "--drain") for _ in "12"]
            told = tmp_path / "launchers.log"
            until(lambda: told.read_text().count(BEGUN) == 2, launchers[1])
            for _ in range(CUTS):
                time.sleep(0.2)  # how long connections live here
                proxy.cut()
            assert [one.wait(PATIENCE) for one in launchers] == [0, 0]
            assert done_and_dead(stage) == (names, [])
