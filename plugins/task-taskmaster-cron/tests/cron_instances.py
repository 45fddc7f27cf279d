"""Two instances of the taskmaster as processes, which tests kill."""

import collections
import contextlib
import random
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from task_rules.missed import Missed
from task_store import open_store
from task_taskmaster_cron.by_store import AT_ONCE, SCOPE
from task_taskmaster_cron.rules import read_rules

from task_core.api import BusConnectionError, LeaseLostError, decode_task

COMMAND = str(Path(sys.executable).parent / "task")
RULES = 8
KILLS = 4
TAKEOVER = "2s"
PATIENCE = 150.0
"""Seconds that a busy machine may take for all of it."""


class Instances:
    """Two of them, on one rules file, one store and one bus.

    Args:
        folder: Where they run.
        bus: What they send to, as `--bus` takes it.
        store: What they share.
    """

    def __init__(self, folder, bus, store):
        self._folder, self.store = folder, open_store(store)
        rules = folder / "rules.toml"
        rule = '[[rule]]\ncron = "@every 1s"\ntype = "tick"\ntemplate = "%d {ts}"\n'
        rules.write_text("".join(rule % n for n in range(RULES)))
        self.begin = int(time.time())
        # All of them begin at one moment, so that each firing after it is owed.
        for rule in read_rules(rules, timezone="UTC", missed=Missed.ALL):
            self.store.progress.advance(SCOPE, rule.key, self.begin)
        flags = ["--taskmaster-rules", "rules.toml", "--taskmaster-store", store]
        flags += ["--taskmaster-missed", "all", "--taskmaster-takeover", TAKEOVER]
        self._command = [
            COMMAND,
            "launch",
            "--taskmaster",
            "cron",
            "--bus",
            bus,
            *flags,
        ]
        self._log = (folder / "crons.log").open("ab")
        self._processes = [self._start() for _ in range(2)]

    def kill(self, number):
        """Kill one at once, wherever it is, and start another."""
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start()

    def stop(self):
        """End both."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._log.close()
        self.store.close()

    @property
    def told(self):
        return (self._folder / "crons.log").read_text()

    def _start(self):
        return subprocess.Popen(self._command, cwd=self._folder, stderr=self._log)


class Seen:
    """What came of the bus: the bodies of each firing, and how late the latest was."""

    def __init__(self, consumer):
        self._consumer = consumer
        self.bodies = collections.defaultdict(list)
        self.latest, self._is_up = 0.0, False

    def read(self, seconds):
        try:
            deliveries = self._consumer.receive(1000, seconds)
        except BusConnectionError:
            time.sleep(0.05)  # it says so at once while the broker is away
            return
        now = time.time()
        for delivery in deliveries:
            info = decode_task(delivery.body).info
            self.bodies[info].append(delivery.body)
            late = now - moment(info)
            self._is_up = self._is_up or late < 2
            if self._is_up:  # until then the first ones were starting
                self.latest = max(self.latest, late)
        with contextlib.suppress(BusConnectionError, LeaseLostError):
            self._consumer.ack(deliveries)


def moment(info):
    """Return the time of a firing."""
    text = info.partition(" ")[2]
    return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()


def owed(begin, end):
    """Return all firings after a moment, up to another one."""
    seconds = range(begin + 1, end + 1)
    stamps = [
        datetime.fromtimestamp(it, UTC).strftime("%Y%m%dT%H%M%S") for it in seconds
    ]
    return {f"{n} {stamp}" for n in range(RULES) for stamp in stamps}


def kill_at_random(instances, consumer, seed, trouble=lambda: None):
    """Kill them now and then; return what was sent, when all that is owed has come.

    Args:
        instances, consumer: Who sends, and where that comes.
        seed: Of chance.
        trouble: Another one, which comes between two of the kills.

    Returns:
        What came of the bus; until when all had to come.
    """
    choose, seen = random.Random(seed), Seen(consumer)
    deadline = time.monotonic() + PATIENCE
    while not seen.bodies:
        assert time.monotonic() < deadline, instances.told
        seen.read(0.5)
    for number in range(KILLS):
        if number == KILLS // 2:
            trouble()
        until = time.monotonic() + choose.uniform(0.2, 2.5)
        while (left := until - time.monotonic()) > 0:
            seen.read(left)
        instances.kill(choose.randrange(2))
    end = int(time.time()) + 1
    wanted = owed(instances.begin, end)
    while not wanted <= seen.bodies.keys():
        assert time.monotonic() < deadline, (
            sorted(wanted - seen.bodies.keys())[:20],
            instances.told,
        )
        seen.read(0.5)
    return seen, end


def check(seen, record_property):
    """Twice is only what was in flight when its sender was killed: the same bytes."""
    twice = {info: bodies for info, bodies in seen.bodies.items() if len(bodies) > 1}
    for info, bodies in twice.items():
        assert len(set(bodies)) == 1, info
    assert sum(len(bodies) - 1 for bodies in twice.values()) <= KILLS * AT_ONCE
    told = f"{len(seen.bodies)} firings, {len(twice)} twice, latest {seen.latest:.1f}s"
    record_property("told", told)
    print(told)
