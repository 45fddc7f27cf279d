"""Right workers and taskmasters, and the wrong workers."""

import logging
import time
from datetime import UTC, datetime, timedelta

import pytest
from task_testing import Situation, TaskmasterContract, WorkerContract

from task_core.api import complete
from task_core.api.plugin import TaskmasterPlugin, WorkerPlugin
from task_core.api.taskmaster import Taskmaster
from task_core.api.worker import Worker, WorkerContext
from task_core.task import Task

START = datetime(2026, 1, 1, tzinfo=UTC)
PLUGINS = {}


def caught_by(rule, tells):
    """Enlist a wrong worker or taskmaster: its rule, and what the failure says."""

    def enlist(part):
        PLUGINS[part.__name__] = (part, f"test_{rule}", tells)
        return part

    return enlist


class RightWorker(Worker):
    """Does what it should; knows one info that it cannot do."""

    def do_task(self, ctx: WorkerContext):
        if ctx.task.info == "bad":
            raise ValueError("bad info")
        ctx.send(Task.new("child", ctx.task.info))
        return complete("done")


class RightTaskmaster(Taskmaster):
    """Sends what it reads, and each minute a number."""

    def run(self, ctx):
        for task in ctx.deliveries("events", "kit"):
            self.answer(ctx, task)
        for number in (1, 2, 3):
            ctx.wait(60)
            if ctx.stopping:
                return
            ctx.send(Task.new("load", str(number), clock=ctx.clock))
        ctx.wait(3600)

    def answer(self, ctx, task):
        ctx.send(Task.new("load", task.info, clock=ctx.clock))


class Workers(WorkerContract):
    patience = 1.0
    part = RightWorker

    @pytest.fixture
    def plugin(self):
        return WorkerPlugin(
            name="mutant",
            summary="Works.",
            make=lambda options: self.part(),
            api=getattr(self.part, "api", 1),
        )

    @pytest.fixture
    def tasks(self):
        return [Task.new("mutant", "good")]

    @pytest.fixture
    def bad_tasks(self):
        return [Task.new("mutant", "bad")]


class Taskmasters(TaskmasterContract):
    patience = 2.0
    part = RightTaskmaster

    @pytest.fixture
    def plugin(self):
        return TaskmasterPlugin(
            name="mutant",
            summary="Sends.",
            make=lambda options: self.part(),
            api=getattr(self.part, "api", 1),
        )

    @pytest.fixture
    def situation(self):
        return Situation(
            sends=[("load", info) for info in ("a", "b", "1", "2")],
            bodies=[b'{"type":"event","info":"a"}', b'{"type":"event","info":"b"}'],
            start=START,
            until=START + timedelta(seconds=150),
        )


def wrong_plugin(name):
    """Return the contract class of a mutant."""
    part, _, _ = PLUGINS[name]
    home = Workers if issubclass(part, Worker) else Taskmasters
    return type(f"Wrong{name}", (home,), {"part": part})


KNOWN = "the_manifest_speaks_a_known_api"


@caught_by(KNOWN, "assert 99 <=")
class SpeaksOfTomorrow(RightWorker):
    """Was written for a core that is not there yet."""

    api = 99


@caught_by("the_launcher_can_call_it", "WorkerError")
class CannotBeCalled(RightWorker):
    """Wants three things that nobody has."""

    def __new__(cls):
        return lambda one, two, three: "done"


@caught_by("it_completes_its_tasks", "error")
class Fails(RightWorker):
    """Cannot do what it should."""

    def do_task(self, ctx):
        raise RuntimeError("not today")


@caught_by("the_done_task_is_the_task_that_came", "assert")
class ChangesTheId(RightWorker):
    """Makes the task its own."""

    def do_task(self, ctx):
        ctx.task.id = "mine"
        return "done"


@caught_by("doing_a_task_twice_does_no_harm", "assert")
class WorksOnlyOnce(RightWorker):
    """Stumbles over what it left itself."""

    seen = set()  # noqa: RUF012  of the process

    def do_task(self, ctx):
        if ctx.task.id in self.seen:
            raise FileExistsError(ctx.task.id)
        self.seen.add(ctx.task.id)
        return "done"


@caught_by("it_completes_its_tasks", "SystemExit")
class EndsAsAProgramDoes(RightWorker):
    """Takes itself for one."""

    def do_task(self, ctx):
        raise SystemExit(0)


@caught_by("what_it_cannot_do_is_an_error_and_says_why", "assert")
class CompletesWhatItCannotDo(RightWorker):
    """Swallows its errors."""

    def do_task(self, ctx):
        return "done"


@caught_by("what_it_sends_can_be_carried", "assert")
class SendsATaskWithoutType(RightWorker):
    """Leaves out the one thing that must be there."""

    def do_task(self, ctx):
        ctx.send(Task(type="", info="x"), "somewhere")
        return "done"


@caught_by("it_ends_when_the_launcher_stops", "goes on")
class GoesOnAfterTheStop(RightWorker):
    """Does not look whether it is cancelled."""

    def do_task(self, ctx):
        time.sleep(3 if ctx.cancelled else 0)
        return "done"


@caught_by("it_prints_nothing", "assert")
class Prints(RightWorker):
    """Writes into the data."""

    def do_task(self, ctx):
        print("working")
        return "done"


@caught_by("it_leaves_the_logging_of_others_alone", "assert")
class ConfiguresLogging(RightWorker):
    """Takes the logs for its own."""

    def do_task(self, ctx):
        logging.getLogger().setLevel(logging.DEBUG)
        return "done"
