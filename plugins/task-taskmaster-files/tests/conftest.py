"""What the tests of the taskmaster files share."""

import json
import os
import sqlite3

import pytest
from hypothesis import settings
from task_store.store import open_store
from task_taskmaster_files.options import Options
from task_taskmaster_files.taskmaster import make_taskmaster
from task_testing import FakeClock, RecordingBus

from task_core import TaskmasterLoop
from task_core.api import decode_task

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
        self.loop = None

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

    def run(self, seconds, script=(), **options):
        """Run for so long; return what is sent, as tasks with their topics.

        Args:
            seconds: How long.
            script: Seconds -> what is done then.
        """
        clock, start = FakeClock(self.clock.time()), self.clock.time()
        todo = sorted(dict(script).items())
        bus = RecordingBus()

        def step():
            while todo and clock.time() - start >= todo[0][0]:
                todo.pop(0)[1]()
            if clock.time() - start >= seconds:
                self.loop.stop()

        clock.on_wait = step
        taskmaster = self.make(clock, **options)
        self.loop = TaskmasterLoop(taskmaster, bus, clock=clock)
        self.loop.run()
        self.facts = taskmaster.info()
        self.clock = clock
        assert not todo, "the script went on"
        return [(decode_task(it.body), it.topic) for it in bus.sent]

    def make(self, clock, **options):
        """Make it, with a store of the test's time."""
        keywords = {"rules": self.rules, "watch": False, **options}
        taskmaster = make_taskmaster(Options(**keywords))
        url = keywords.get("store") or str(self.store)
        taskmaster._store = open_store(url, clock=clock)
        return taskmaster

    def names(self, seconds, script=(), **options):
        """Run for so long; return the infos of what is sent, below the base."""
        sent = self.run(seconds, script, **options)
        return [task.info.removeprefix(f"{self.base}/") for task, _ in sent]

    def age(self, days):
        """Let what the store notes be older."""
        with sqlite3.connect(self.store) as connection:
            connection.execute("UPDATE task_seen SET at = at - ?", (days * 86400,))
        connection.close()

    def seen(self):
        """Return the paths that the store knows."""
        connection = sqlite3.connect(self.store)
        rows = connection.execute("SELECT path FROM task_seen ORDER BY path").fetchall()
        connection.close()
        return [path.removeprefix(f"{self.base}/") for (path,) in rows]


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
