"""What the tests of the taskmaster cron share."""

import pytest
from hypothesis import settings
from task_rules.missed import Missed
from task_taskmaster_cron.options import Options
from task_taskmaster_cron.taskmaster import make_taskmaster
from task_testing import FakeClock, RecordingBus, run_taskmaster

# A busy machine is no failure.
settings.register_profile("cron", deadline=None)
settings.load_profile("cron")

SLOW_DISK = 300.0
"""Seconds that a run may take: each firing brings its state to disk, one by one."""


class Place:
    """A folder with a rules file; each `run` is a process of its own."""

    def __init__(self, folder):
        self.rules = folder / "rules.toml"
        self.state = folder / "rules.state.json"

    def write(self, *rules):
        self.rules.write_text("\n".join(f"[[rule]]\n{rule}" for rule in rules))

    def make(self, **options):
        return make_taskmaster(Options(rules=self.rules, **options))

    def run(self, start, until, bus=None, **options):
        """Return what is sent, as (created, info, topic)."""
        clock = FakeClock(start.timestamp())
        taskmaster = self.make(**options)
        bus = bus or RecordingBus()
        sent = run_taskmaster(
            taskmaster, clock=clock, until=until, bus=bus, patience=SLOW_DISK
        )
        return [(task.created, task.info, topic) for task, topic in sent]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture(params=list(Missed), ids=str)
def missed(request):
    return request.param
