"""Two instances of the taskmaster as processes, which tests kill; and the workers."""

import collections
import random
import time
from datetime import UTC, datetime, timedelta

from brokers.instances import COMMAND, Processes
from task_store import StoreAwayError, open_store

from task_core.api import (
    BusConnectionError,
    BusError,
    Message,
    decode_task,
    encode_task,
)

TOPICS = ("root", "left", "right", "both")
FLOW = """
[defaults]
missed = "all"

[[phase]]
task = "root"
cron = "{cron}"
template = "{{ts}}"

[[phase]]
task = "left"
dependsOn = "root"
template = "{{ts}}"

[[phase]]
task = "right"
dependsOn = "root"
template = "{{ts}}"

[[phase]]
task = "both"
dependsOn = ["left", "right"]
template = "{{ts}}"
"""
EACH_SECOND, NEVER = "* * * * * *", "0 0 1 1 *"
KILLS = 3
IN_FLIGHT = 100
"""What one instance takes over at a time, and so sends twice at most."""
TWICE = 0.2
"""Part of the done messages that come twice."""
PATIENCE = 240.0
"""Seconds that a busy machine may take for all of it."""


class Instances(Processes):
    """Two of them, on one file of phases, one store and one bus.

    Args:
        folder: Where they run.
        bus: As `--bus` takes it.
        store: What they share.
    """

    def __init__(self, folder, bus, store):
        self._flow, self.store = folder / "flow.toml", open_store(store)
        self.fire(EACH_SECOND)
        flags = ["--taskmaster-path", "flow.toml", "--taskmaster-store", store]
        flags += ["--taskmaster-refresh", "0.5s", "--bus", bus]
        command = [COMMAND, "launch", "--taskmaster", "workflow", *flags]
        super().__init__(folder, [command, command])

    def fire(self, cron):
        """Write the file of phases, at once."""
        new = self._flow.with_name("new")
        new.write_text(FLOW.format(cron=cron))
        new.rename(self._flow)

    def stop(self):
        super().stop()
        self.store.close()


class Workers:
    """Does all tasks, and writes down their bytes; now and then it tells twice.

    Args:
        bus: Where tasks are.
        choose: Of chance.
    """

    def __init__(self, bus, choose):
        self._consumers = [bus.subscribe(topic, "work") for topic in TOPICS]
        self._choose = choose
        self.bodies = {topic: collections.defaultdict(list) for topic in TOPICS}

    def work(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for consumer in self._consumers:
                try:
                    self._work(consumer)
                except BusConnectionError:
                    time.sleep(0.05)  # it says so at once while the broker is away
                except BusError:
                    continue  # a lease that a restart has ended: it comes again

    def _work(self, consumer):
        for delivery in consumer.receive(100, 0.05):
            task = decode_task(delivery.body)
            self.bodies[task.type][task.id].append(delivery.body)
            task.result = "complete"
            times = 2 if self._choose.random() < TWICE else 1
            consumer.settle([delivery], [Message("done", encode_task(task))] * times)

    def counts(self):
        return {topic: len(found) for topic, found in self.bodies.items()}


def kill_at_random(instances, bus, seed, trouble=lambda: None):
    """Kill them now and then; return what was done when all has got to its end.

    Args:
        instances, bus: Who sends, and where.
        seed: Of chance.
        trouble: Another one, which comes between two of the kills.
    """
    choose = random.Random(seed)
    workers = Workers(bus, choose)
    deadline = time.monotonic() + PATIENCE

    def until(what):
        while not what():
            instances.check(deadline, workers.counts())
            workers.work(0.3)

    until(lambda: workers.bodies["both"])
    for number in range(KILLS):
        if number == KILLS // 2:
            trouble()
        workers.work(choose.uniform(0.2, 2))  # at any moment, and not at an event
        instances.kill(choose.randrange(2))
    instances.fire(NEVER)
    until(lambda: all_is_over(instances.store, workers.bodies))
    return workers.bodies


def all_is_over(store, bodies):
    """Whether all that is claimed was sent and has come, and nothing is to follow it.

    Equal counts are not enough: a firing that was taken over late, from one that was
    killed, may be sent and not here yet, while all others are at their end.

    Args:
        store: Where the claims are.
        bodies: What has come, by topic and id.
    """
    try:
        claims = store.claims.holding(b"{")
    except StoreAwayError:
        return False  # it was restarted
    runs = {decode_task(it.claim.body).id for it in claims}
    sent = all(it.sent is not None for it in claims)
    return sent and all(found.keys() == runs for found in bodies.values())


def check(bodies, record_property):
    """Each firing is followed to its end; what comes twice is the same to the byte."""
    runs = bodies["root"]
    firings = sorted(decode_task(found[0]).info for found in runs.values())
    wanted = each_second(firings[0], firings[-1])
    assert firings == wanted, f"{set(wanted) - set(firings)} missing of {firings}"
    twice = 0
    for topic in TOPICS:
        assert bodies[topic].keys() == runs.keys(), topic
        for id_, found in bodies[topic].items():
            assert len(set(found)) == 1, (topic, id_)
            twice += len(found) - 1
    assert twice <= KILLS * IN_FLIGHT
    told = f"{len(firings)} firings, {4 * len(firings)} tasks, {twice} twice"
    record_property("told", told)
    print(told)


def moment(topic, info):
    """Return when a task was to be claimed, if that is known."""
    fires = topic == TOPICS[0]
    read = datetime.strptime(info, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return read.timestamp() if fires else 0.0


def each_second(first, last):
    """Return all firings from one to another."""
    moment, end = (
        datetime.strptime(it, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        for it in (first, last)
    )
    count = int((end - moment).total_seconds()) + 1
    moments = (moment + timedelta(seconds=number) for number in range(count))
    return [f"{it:%Y%m%dT%H%M%S}" for it in moments]
