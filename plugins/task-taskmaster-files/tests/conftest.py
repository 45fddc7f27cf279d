"""What the tests of the taskmaster files share."""

import contextlib
import json
import os
import sqlite3
from datetime import UTC, datetime

import pytest
from brokers.store_fixtures import new_database, server  # noqa: F401  fixtures
from hypothesis import settings
from task_taskmaster_files.options import Options
from task_taskmaster_files.taskmaster import make_taskmaster
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import DecodeError

SLOW_DISK = 300.0
"""Real seconds that a run may take: what it keeps is brought to disk."""

# A busy machine is no failure.
settings.register_profile("files", deadline=None)
settings.load_profile("files")


class Place:
    """A folder with rules and files; each `run` is a process of its own.

    Time is the test's, and goes on from run to run.
    """

    def __init__(self, folder):
        self.folder = folder
        self.base = folder / "in"
        self.base.mkdir()
        self.rules = folder / "rules.toml"
        self.store = folder / "rules.store.db"
        self.clock = FakeClock(1_767_225_600)  # 2026-01-01

    def rule(self, files="*.csv", *, more="", type_="load", existing="send"):
        """Write a rules file with one rule."""
        text = f'[[rule]]\nfiles = "{self.base}/{files}"\ntype = "{type_}"\n'
        if existing:
            text += f'existing = "{existing}"\n'
        self.rules.write_text(f"{text}{more}\n")

    def write(self, name, text="x"):
        """Write a file as a whole; return its path."""
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        # Two versions within one tick of the file system's clock are one.
        self._ticks = getattr(self, "_ticks", 0) + 1
        moment = 1_700_000_000_000_000_000 + self._ticks
        os.utime(path, ns=(moment, moment))
        return str(path)

    def run(self, seconds, script=(), bodies=(), **options):
        """Run for so long; return what is sent, as tasks with their topics.

        Args:
            seconds: How long.
            script: Seconds -> what is done then.
            bodies: What is on the topic of events.
        """
        clock, start = FakeClock(self.clock.time()), self.clock.time()
        todo = sorted(dict(script).items())
        self.bus = bus = RecordingBus(bodies)

        def step():
            while todo and clock.time() - start >= todo[0][0]:
                todo.pop(0)[1]()

        clock.on_wait = step
        taskmaster = self.make(clock, **options)
        end = datetime.fromtimestamp(start + seconds, UTC)
        sent = run_taskmaster(
            taskmaster, clock=clock, until=end, bus=bus, patience=SLOW_DISK
        )
        self.facts = taskmaster.info()
        self.clock = clock
        assert not todo, "the script went on"
        return sent

    def run_raw(self, seconds, **keywords):
        """Run for so long; return the topics and bodies of what is sent."""
        with contextlib.suppress(DecodeError):  # a dead letter is no task
            self.run(seconds, **keywords)
        return [(it.topic, it.body) for it in self.bus.sent]

    def make(self, clock, **options):
        """Make it, with a store of the test's time."""
        keywords = {"rules": self.rules, "watch": False, **options}
        return make_taskmaster(Options(**keywords), clock)

    def names(self, seconds, script=(), **options):
        """Run for so long; return the infos of what is sent, below the base."""
        sent = self.run(seconds, script, **options)
        return [task.info.removeprefix(f"{self.base}/") for task, _ in sent]

    def age(self, days):
        """Let what the store notes be older."""
        with sqlite3.connect(self.store) as connection:
            connection.execute("UPDATE task_seen SET at = at - ?", (days * 86400,))
            then = "UPDATE task_progress SET done = done - ?"
            connection.execute(then, (days * 86400,))
        connection.close()

    def seen(self):
        """Return the paths that the store knows."""
        return self._kept("SELECT path FROM task_seen ORDER BY path")

    def fired(self):
        """Return the groups that the store knows to have fired."""
        told = "SELECT key FROM task_progress WHERE scope LIKE 'files:%' ORDER BY key"
        return self._kept(told)

    def _kept(self, look):
        with contextlib.closing(sqlite3.connect(self.store)) as connection:
            rows = connection.execute(look).fetchall()
        return [text.removeprefix(f"{self.base}/") for (text,) in rows]


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def lines():
    """Read a file of JSON lines."""

    def lines(path):
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    return lines
