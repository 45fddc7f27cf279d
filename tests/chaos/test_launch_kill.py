"""At least once, for real: `task launch` on SQLite, killed again and again.

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
KILL_EVERY = 0.2


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_every_task_is_done_once_whoever_is_killed_whenever(seed, tmp_path):
    """None is lost, none is reported twice, and only what was in work runs again."""
    options = SqliteOptions(path=str(tmp_path / "task.db"))
    bus = sqlite.open(options, BusContext())
    bus.subscribe("work", "work").close()
    tasks = [Task.new("work", str(number)) for number in range(TASKS)]
    bus.producer().send([Message("work", encode_task(task)) for task in tasks])
    fleet = Fleet(tmp_path, "sqlite", count=WORKERS, slots=SLOTS)
    choose, kills = random.Random(seed), 0
    try:
        done = bus.subscribe("done", "check")
        seen = collections.Counter()
        deadline = time.monotonic() + 60
        next_kill = time.monotonic() + KILL_EVERY
        while seen.total() < TASKS and time.monotonic() < deadline:
            deliveries = done.receive(TASKS, 0.05)
            seen.update(decode_task(d.body).info for d in deliveries)
            done.ack(deliveries)
            if time.monotonic() >= next_kill and seen.total() < TASKS - 50:
                fleet.kill(choose.randrange(WORKERS))
                kills += 1
                next_kill += KILL_EVERY
    finally:
        fleet.stop()
    assert seen == {str(number): 1 for number in range(TASKS)}
    assert bus.depth("work", "work") == 0
    runs = fleet.runs
    assert kills >= 2, "it was too quick to be a test"
    assert TASKS <= len(runs) <= TASKS + kills * SLOTS
    bus.close()
