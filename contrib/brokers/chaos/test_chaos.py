"""At least once, for real: launchers and brokers that are killed, cut and restarted.

Every seed chooses another order of troubles. `CHAOS_RUNS=20` runs twenty of them,
from `CHAOS_SEED` on; fewer are enough for every day. Which broker ran is told at
the end.
"""

import collections
import contextlib
import functools
import os
import random
import threading
import time
from datetime import timedelta

import pytest
from brokers.kafka import Kafka
from brokers.nats import Nats
from brokers.nsq import Nsqd
from brokers.ports import split
from brokers.postgres import Postgres
from brokers.proxy import Proxy
from brokers.redis import Redis
from fleet import Fleet
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.plugin import nsq
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis

from task_core.api import (
    BusConnectionError,
    BusContext,
    LeaseLostError,
    Message,
    SendError,
    Task,
    decode_task,
    encode_task,
)

RUNS = int(os.environ.get("CHAOS_RUNS", "2"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))
TASKS = 400
WORKERS = 3
EVERY = 0.5
"""Seconds between two lots of tasks: troubles are to meet some of them unsent."""
LEAST_TROUBLES = 3
FROZEN = 2.0
"""Seconds that a launcher stands still at the least: as long as its leases."""
PATIENCE = 150.0
"""Seconds in which everything must be done."""
SYNC = ("--sync-timeout=500ms", "--sync-every=100000")
"""An nsqd that is killed between two syncs delivers again what came before the kill."""


class Nsqs:
    """Two nsqds, each behind a proxy."""

    lease = "2s"

    def __init__(self, stack):
        self.brokers = [stack.enter_context(Nsqd(options=SYNC)) for _ in range(2)]
        self.proxies = [stack.enter_context(Proxy(one.tcp)) for one in self.brokers]
        addresses = tuple(proxy.address for proxy in self.proxies)
        http = tuple(one.http for one in self.brokers)
        self.url = f"nsq://{','.join(addresses)}"
        self._options = NsqOptions(nsqd=addresses, http=http)
        self.bus = self.open()
        # An nsqd keeps what was sent before the first channel for that one.
        self.bus.producer().prepare(["work", "done"])

    def open(self):
        return nsq.open(self._options, BusContext())

    def troubles(self, choose):
        broker, proxy = choose.choice(self.brokers), choose.choice(self.proxies)
        return [broker.kill, proxy.cut, broker.stop], broker.start


class Kafkas:
    """One Kafka, behind a proxy."""

    lease = "2s"

    def __init__(self, stack):
        proxy = Proxy()
        broker = Kafka(
            partitions=4,
            properties={"advertised.listeners": f"PLAINTEXT://{proxy.address}"},
        )
        proxy.target = broker.bootstrap
        self.broker, self.proxy = stack.enter_context(broker), proxy
        stack.enter_context(proxy)
        self.url = f"kafka://{proxy.address}?partitions=4"
        self._options = KafkaOptions(bootstrap=(proxy.address,), partitions=4)
        self.bus = self.open()
        self.bus.producer().prepare(["work", "done"])

    def open(self):
        return kafka.open(self._options, BusContext())

    def troubles(self, choose):
        return [self.broker.kill, self.proxy.cut, self.proxy.cut], self.broker.start


class Served:
    """One server that can be paused, behind a proxy."""

    lease = "2s"

    def __init__(self, stack):
        self.broker = stack.enter_context(self.make())
        self.proxy = stack.enter_context(Proxy(self.broker.address))
        self.bus = self.open()

    def troubles(self, choose):
        broker, proxy = self.broker, self.proxy
        return [broker.kill, proxy.cut, broker.stop, broker.pause], self._repair

    def _repair(self):
        if self.broker.running:
            self.broker.resume()
        self.broker.start()


class Redises(Served):
    """One Redis."""

    make = Redis

    @property
    def url(self):
        return f"redis://{self.proxy.address}"

    def open(self):
        host, port = split(self.proxy.address)
        return redis.open(RedisOptions(host=host, port=port), BusContext())


class Postgreses(Served):
    """One PostgreSQL; who asks one that is paused gives up after two seconds."""

    make = Postgres

    @property
    def url(self):
        return f"postgres://postgres@{self.proxy.address}/postgres?timeout=2s"

    def open(self):
        host, port = split(self.proxy.address)
        where = {"host": host, "port": port, "dbname": "postgres", "user": "postgres"}
        patience = timedelta(seconds=2)
        return postgres.open(PostgresOptions(**where, timeout=patience), BusContext())


class Natses(Served):
    """One NATS; who asks one that is paused gives up after two seconds."""

    make = Nats

    @property
    def url(self):
        return f"nats://{self.proxy.address}?connect_timeout=2s"

    def open(self):
        host, port = split(self.proxy.address)
        patience = timedelta(seconds=2)
        options = NatsOptions(host=host, port=port, connect_timeout=patience)
        return nats.open(options, BusContext())


SCENES = {
    "nsq": Nsqs,
    "kafka": Kafkas,
    "redis": Redises,
    "postgres": Postgreses,
    "nats": Natses,
}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_every_task_is_done_whatever_is_killed_or_cut(scene, seed, tmp_path):
    """None is lost, none appears that nobody sent, and no launcher gives up."""
    choose = random.Random(seed)
    with contextlib.ExitStack() as stack:
        stage = scene(stack)
        stack.callback(stage.bus.close)
        check = stage.bus.subscribe("done", "check")
        fleet = Fleet(
            tmp_path,
            stage.url,
            count=WORKERS,
            lease=stage.lease,
            waits=True,
            mixed=True,
        )
        stack.callback(fleet.stop)
        wanted = {str(number) for number in range(TASKS)}
        sender = threading.Thread(target=_send, args=[stage.open(), sorted(wanted)])
        sender.start()
        stack.callback(sender.join)
        seen = collections.Counter()
        next_trouble = time.monotonic() + 2
        deadline = time.monotonic() + PATIENCE
        happened, repair = [], None
        while time.monotonic() < deadline:
            if seen.keys() >= wanted and len(happened) >= LEAST_TROUBLES:
                break
            seen.update(_look(check))
            if time.monotonic() < next_trouble:
                continue
            next_trouble = time.monotonic() + choose.uniform(0.5, 1.5)
            if repair:
                repair()
                repair = None
            elif choose.random() < 0.4:
                fleet.kill(choose.randrange(WORKERS))
                happened.append("a launcher killed")
            elif choose.random() < 0.2:
                repair = functools.partial(fleet.thaw, choose.randrange(WORKERS))
                fleet.freeze(*repair.args)
                next_trouble += FROZEN
                happened.append("a launcher frozen")
            elif len(happened) < 8:
                acts, repair = stage.troubles(choose)
                act = choose.choice(acts)
                act()
                happened.append(act.__qualname__)
        if repair:
            repair()
        told = f"after {happened}:\n{fleet.told}"
        assert wanted - seen.keys() == set(), told
        assert seen.keys() - wanted == set(), told
        assert fleet.ended() == 0, told
        assert len(happened) >= LEAST_TROUBLES, told
        assert len(fleet.runs) >= TASKS


def _send(bus, numbers):
    """Send, one lot after the other, whatever happens (a thread of its own)."""
    producer = bus.producer()
    for lot in _batches(numbers):
        _insist(lambda lot=lot: producer.send(lot))
        time.sleep(EVERY)
    bus.close()


def _batches(numbers):
    """Yield the tasks in lots, so that troubles find some unsent."""
    for start in range(0, len(numbers), 20):
        lot = numbers[start : start + 20]
        yield [Message("work", encode_task(Task.new("work", n))) for n in lot]


def _look(check):
    """Return what is newly done, also when the broker goes away at its ack."""
    deliveries = ()
    try:
        deliveries = check.receive(100, 0.2)
        with contextlib.suppress(LeaseLostError):
            check.ack(deliveries)
    except BusConnectionError:  # the ack may have come there: then they come no more
        time.sleep(0.1)  # nothing tells when it is back
    return [decode_task(delivery.body).info for delivery in deliveries]


def _insist(act):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except (BusConnectionError, SendError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)  # as above


def test_what_waits_on_a_dead_nsqd_is_done_when_it_returns(tmp_path):
    """Meanwhile the other one carries everything."""
    with contextlib.ExitStack() as stack:
        stage = Nsqs(stack)
        stack.callback(stage.bus.close)
        check = stage.bus.subscribe("done", "check")
        first, second = stage.brokers
        alone = nsq.open(NsqOptions(nsqd=(second.tcp,)), BusContext())
        stack.callback(alone.close)
        on_second = [
            Message("work", encode_task(Task.new("work", f"{n}"))) for n in "12"
        ]
        alone.producer().send(on_second)
        second.stop()
        fleet = Fleet(tmp_path, stage.url, count=2, lease=stage.lease, waits=True)
        stack.callback(fleet.stop)
        others = [str(number) for number in range(10, 60)]
        producer = stage.bus.producer()
        for lot in _batches(others):
            _insist(lambda lot=lot: producer.send(lot))
        assert _done(check, 50) == set(others)
        assert fleet.ended() == 0, fleet.told
        second.start()
        assert _done(check, 2) >= {"1", "2"}
        assert first.running


def _done(check, count):
    seen, deadline = set(), time.monotonic() + PATIENCE
    while len(seen) < count and time.monotonic() < deadline:
        seen.update(_look(check))
    return seen
