"""What the tests of the taskmaster retry share."""

import pytest
from task_store import open_store
from task_taskmaster_retry.rules import read_rules
from task_taskmaster_retry.taskmaster import Retry
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import Task, encode_task

RULE = '[[rule]]\ntype = "load"\nretry = 3\nwait = "10s"\njitter = 0\n'
SLOW_DISK = 300.0
"""Real seconds that a run may take: what it keeps is brought to disk."""


class Place:
    """A folder with rules and a store; each `run` is a process of its own."""

    def __init__(self, folder):
        self.rules = folder / "retry.toml"
        self.store = str(folder / "store.db")
        self.clock = FakeClock(1_767_571_200.0)
        self.rules.write_text(RULE)

    def run(self, *done, until=None):
        """Return what is sent for done tasks: tasks and topics."""
        store = open_store(self.store, clock=self.clock)
        bus = RecordingBus([encode_task(task) for task in done])
        try:
            return run_taskmaster(
                Retry(read_rules(self.rules), store),
                clock=self.clock,
                bus=bus,
                until=until,
                patience=SLOW_DISK,
            )
        finally:
            store.close()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def failed(**more):
    """Return a done task that has failed."""
    fields = {
        "type": "load",
        "job": "orders",
        "info": "a.csv",
        "id": "7",
        "created": "2026-01-05T00:00:00Z",
        "meta": "cron=2026-01-05T00",
        "result": "error",
        "msg": "timeout",
        "started": "2026-01-05T00:00:01Z",
        "ended": "2026-01-05T00:00:02Z",
    }
    return Task(**{**fields, **more})


@pytest.fixture(name="failed")
def failed_():
    return failed
