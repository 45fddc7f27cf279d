"""At least once, for real: `task launch` on SQLite, killed and frozen again and again.

`CHAOS_RUNS=20` runs twenty seeds, from `CHAOS_SEED` on; fewer are enough for
every day.
"""

import collections
import os
import random
import time

import pytest
from fleet import Fleet
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext, Message, Task, decode_task, encode_task

RUNS = int(os.environ.get("CHAOS_RUNS", "4"))
FIRST = int(os.environ.get("CHAOS_SEED", "0"))
TASKS = 500
WORKERS = 4
SLOTS = 2
STEP = 15
"""Tasks that are done between two troubles, so that there is always somebody left."""
FROZEN = 1.5
"""Seconds that a launcher is stopped: longer than its leases."""
PATIENCE = 90.0


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_every_task_is_done_once_whoever_is_killed_or_frozen_whenever(seed, tmp_path):
    """None is lost, none is reported twice, and only what was in work runs again.

    One of the launchers has processes for slots, the others threads.
    """
    bus = sqlite.open(SqliteOptions(path=str(tmp_path / "task.db")), BusContext())
    bus.subscribe("work", "work").close()
    tasks = [Task.new("work", str(number)) for number in range(TASKS)]
    bus.producer().send([Message("work", encode_task(task)) for task in tasks])
    fleet = Fleet(tmp_path, "sqlite", count=WORKERS, slots=SLOTS, mixed=True)
    troubles = Troubles(fleet, random.Random(seed))
    try:
        done = bus.subscribe("done", "check")
        seen = collections.Counter()
        deadline = time.monotonic() + PATIENCE
        while seen.total() < TASKS and time.monotonic() < deadline:
            deliveries = done.receive(TASKS, 0.05)
            seen.update(decode_task(d.body).info for d in deliveries)
            done.ack(deliveries)
            troubles.go_on(seen.total())
    finally:
        fleet.stop()
    assert seen == {str(number): 1 for number in range(TASKS)}, fleet.told
    assert bus.depth("work", "work") == 0
    assert troubles.count >= 2, "it was too quick to be a test"
    assert TASKS <= len(fleet.runs) <= TASKS + troubles.count * SLOTS
    bus.close()


class Troubles:
    """Kills and freezes launchers, and thaws what has been frozen for long."""

    def __init__(self, fleet, choose):
        self._fleet, self._choose = fleet, choose
        self._next = STEP
        self._frozen = {}
        self.count = 0

    def go_on(self, done):
        """Make trouble if it is time to, but not to the last tasks."""
        now = time.monotonic()
        for number, until in list(self._frozen.items()):
            if now >= until:
                self._fleet.thaw(number)
                del self._frozen[number]
        if not self._next <= done < TASKS - 50:
            return
        self._next = done + STEP
        number = self._choose.randrange(WORKERS)
        if self._choose.random() < 0.7:
            self._frozen.pop(number, None)
            self._fleet.kill(number)
        elif number not in self._frozen:
            self._fleet.freeze(number)
            self._frozen[number] = now + FROZEN
        self.count += 1
