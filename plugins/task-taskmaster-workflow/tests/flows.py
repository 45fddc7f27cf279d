"""What the tests of the taskmaster say in short."""

from datetime import UTC, datetime, timedelta

from task_store import open_store
from task_taskmaster_workflow.folder import Library
from task_taskmaster_workflow.options import Options
from task_taskmaster_workflow.taskmaster import WorkflowTaskmaster
from task_testing import FakeClock, RecordingBus, run_taskmaster

from task_core.api import Task, encode_task, parse_meta

FLOWS = []
"""All that a test has made; their stores are closed when it ends."""
START = datetime(2026, 1, 5, tzinfo=UTC)
SLOW_DISK = 300.0
"""Real seconds that a run may take: what it keeps is brought to disk."""


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def meta_of(task):
    return {key: ",".join(values) for key, values in parse_meta(task.meta).items()}


def done(type, info="", result="complete", meta="workflow=shop.toml", **fields):
    fields = {"id": "run-1", "created": "2026-01-05T00:00:00Z", **fields}
    return Task(type=type, info=info, result=result, meta=meta, **fields)


class Flow:
    """A taskmaster in a test; each call is a process of its own.

    Args:
        files: The folder with its files.
        start: When it begins.
    """

    def __init__(self, files, start=START):
        self.files = files
        self.clock = FakeClock(start.timestamp())
        self.store = open_store(str(files.folder / "state.db"), clock=self.clock)
        FLOWS.append(self)
        self.bus = RecordingBus()
        self.options = Options(path=files.folder)

    def make(self):
        library = Library(self.options.path)
        return WorkflowTaskmaster(library, self.store, self.options)

    def pass_time(self, bus=None, edit=None, **length):
        """Let time pass, and return what is sent, with its topics.

        Args:
            bus: Where to.
            edit: What is done at the first wait.
            length: How much.
        """
        until = datetime.fromtimestamp(self.clock.time(), UTC) + timedelta(**length)
        left = [edit] if edit else []
        self.clock.on_wait = lambda: left and left.pop()()
        return run_taskmaster(
            self.make().keep_time,
            clock=self.clock,
            until=until,
            bus=bus or RecordingBus(),
            patience=SLOW_DISK,
        )

    def follow(self, *tasks):
        """Let it read done tasks, and return what it had to say of them."""
        taskmaster = self.make()
        bus = RecordingBus([encode_task(task) for task in tasks])
        run_taskmaster(taskmaster.follow, clock=self.clock, bus=bus)
        return taskmaster.info()["done tasks"]

    def after(self, *tasks, **length):
        """Return what is sent after some tasks are done, without its topics."""
        self.follow(*tasks)
        return [task for task, _ in self.pass_time(**(length or {"seconds": 2}))]
