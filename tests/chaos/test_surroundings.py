"""Launchers on a disk that is full, and beside clocks that jump."""

import collections
import os
import random
import time

import pytest
from fleet import Fleet
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusContext, Message, Task, decode_task, encode_task

FIRST = int(os.environ.get("CHAOS_SEED", "0"))
TASKS = 400
PATIENCE = 90.0
FULL = 4096
"""Bytes that a file may have on the disk that is full."""
UNLIMITED = -1
JUMPS = 8
JUMPING = """
import os, pathlib, time
real, place = time.time, pathlib.Path(os.environ["CLOCK"])
time.time = lambda: real() + float(place.read_text() or 0)
"""
"""A `sitecustomize` by which the wall clock of a process is as far ahead as we say."""


@pytest.fixture
def bus(tmp_path):
    bus = sqlite.open(SqliteOptions(path=str(tmp_path / "task.db")), BusContext())
    bus.subscribe("work", "work").close()
    yield bus
    bus.close()


def send(bus, numbers):
    """Send tasks that are told apart by their info."""
    tasks = [Task.new("work", str(number)) for number in numbers]
    bus.producer().send([Message("work", encode_task(task)) for task in tasks])


class Check:
    """Counts what is done."""

    def __init__(self, bus):
        self._consumer = bus.subscribe("done", "check")
        self.seen = collections.Counter()

    def until(self, count, fleet):
        """Wait until so many are done."""
        deadline = time.monotonic() + PATIENCE
        while self.seen.total() < count:
            assert time.monotonic() < deadline, (self.seen.total(), fleet.told)
            deliveries = self._consumer.receive(TASKS, 0.05)
            self.seen.update(decode_task(one.body).info for one in deliveries)
            self._consumer.ack(deliveries)


def test_a_disk_that_is_full_is_an_outage_and_loses_nothing(bus, tmp_path):
    """Launchers say so, wait, and go on by themselves when there is room again."""
    send(bus, range(TASKS))
    fleet, check = Fleet(tmp_path, "sqlite", count=3, waits=True), Check(bus)
    try:
        check.until(20, fleet)
        fleet.limit_files(FULL)
        deadline = time.monotonic() + PATIENCE
        while fleet.told.count("the disk failed") < 3:
            assert time.monotonic() < deadline, fleet.told
            time.sleep(0.05)  # a log tells no events
        before = check.seen.total()
        fleet.limit_files(UNLIMITED)
        check.until(TASKS, fleet)
        assert before < TASKS, "it was too late to be a test"
        assert check.seen == {str(number): 1 for number in range(TASKS)}
        assert fleet.ended() == 0
    finally:
        fleet.stop()


@pytest.mark.parametrize("seed", [FIRST, FIRST + 1])
def test_a_clock_that_jumps_loses_nothing_and_reports_nothing_twice(
    bus, tmp_path, seed
):
    """Leases of the others are over for it, or its own for them: tasks run again."""
    clock, place = tmp_path / "clock", tmp_path / "site"
    clock.write_text("0")
    place.mkdir()
    (place / "sitecustomize.py").write_text(JUMPING)
    jumping = {**os.environ, "CLOCK": str(clock), "PYTHONPATH": str(place)}
    fleet = Fleet(tmp_path, "sqlite", count=2, waits=True, environment=jumping)
    other = tmp_path / "other"
    other.mkdir()
    steady = Fleet(other, f"sqlite://{tmp_path}/task.db", count=2, waits=True)
    choose, check = random.Random(seed), Check(bus)
    try:
        for first in range(0, TASKS, TASKS // JUMPS):
            send(bus, range(first, first + TASKS // JUMPS))
            check.until(first + TASKS // JUMPS // 2, fleet)  # some are in work
            new = place / "clock.new"
            new.write_text(str(choose.choice([-3600, -5, 0, 5, 3600])))
            new.replace(clock)
        check.until(TASKS, fleet)
        assert fleet.ended() + steady.ended() == 0, fleet.told + steady.told
    finally:
        fleet.stop()
        steady.stop()
    assert check.seen == {str(number): 1 for number in range(TASKS)}
