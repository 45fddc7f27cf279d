"""Rules of `task_testing.harness`: a test sees what a launcher would do."""

import asyncio
import subprocess
import sys

import attrs
import pytest
from task_testing import run_worker, try_worker

from task_core.api import (
    NoOptions,
    Task,
    Worker,
    complete,
    interrupted,
    option,
    retry,
    worker,
)
from task_core.errors import UsageError, WorkerError


@worker(name="greet-er", task_type="greet")
def greeter(info: str):
    """Greet."""
    return f"Hello {info}"


def test_a_plugin_a_function_and_a_worker_can_be_run():
    """All that `--worker` takes."""

    class Greeter(Worker):
        def do_task(self, ctx):
            return f"Hello {ctx.task.info}"

    for subject in (greeter, greeter.make(NoOptions()), Greeter, Greeter()):
        done = run_worker(subject, "world")
        assert (done.result, done.msg) == ("complete", "Hello world")


def test_info_becomes_a_task_of_the_workers_type():
    """With everything that a new task has; and it is stamped."""
    done = run_worker(greeter, "world")
    assert (done.type, done.info) == ("greet", "world")
    assert all([done.id, done.created, done.started, done.ended])


def test_a_given_task_is_left_as_it_is():
    """The done task is another one, with the same id and meta."""
    task = Task(type="x", info="world", id="7", meta="a=1")
    done = run_worker(greeter, task)
    assert (done.type, done.id, done.meta) == ("x", "7", "a=1")
    assert task == Task(type="x", info="world", id="7", meta="a=1")


def test_an_exception_is_an_error_of_the_task(caplog):
    """As in production; the traceback is in the log, where pytest shows it."""

    def broken(info):
        raise ValueError("boom")

    done = run_worker(broken, "")
    assert (done.result, done.msg) == ("error", "ValueError: boom")
    assert "in broken" in caplog.text


def test_an_async_worker_can_be_run_also_from_async_tests():
    """Its loop is not the test's."""

    async def waits(info, ctx):
        await asyncio.sleep(0)
        return "cancelled" if await ctx.wait_async(0) else info

    assert run_worker(waits, "a").msg == "a"

    async def in_a_loop():
        return run_worker(waits, "b").msg

    assert asyncio.run(in_a_loop()) == "b"


def test_a_trial_tells_children_and_the_outcome():
    """Also what the done task does not show."""

    def split(info, ctx):
        ctx.send(Task.new("part", "1"))
        ctx.send(Task.new("part", "2"), topic="elsewhere")
        return retry("once more", 5)

    trial = try_worker(split, "")
    sent = [(child.info, topic) for child, topic in trial.children]
    assert sent == [("1", "part"), ("2", "elsewhere")]
    assert trial.outcome == retry("once more", 5)
    assert (trial.done.result, trial.done.msg) == ("error", "once more")


def test_a_worker_can_be_tried_while_the_launcher_stops():
    """Plain and async."""

    def plain(info, ctx):
        return interrupted() if ctx.wait(30) else "late"

    async def waiting(info, ctx):
        return interrupted() if await ctx.wait_async(30) else "late"

    for subject in (plain, waiting):
        assert try_worker(subject, "", cancelled=True).outcome == interrupted()


def test_the_attempt_can_be_chosen():
    """For workers that behave otherwise the second time."""
    assert run_worker(lambda info, ctx: str(ctx.attempt), "", attempt=3).msg == "3"


@attrs.frozen(kw_only=True)
class Options:
    table: str = option("t", help="Where to.")


@attrs.frozen(kw_only=True)
class Required:
    table: str = option(help="Where to.")


def test_options_have_their_defaults_or_what_the_test_gives():
    """For a function in `ctx.options`, for a class as its argument."""

    @worker(options=Options)
    def load(info, ctx):
        return ctx.options.table

    @worker(options=Options)
    class Loader(Worker):
        def __init__(self, options):
            self.table = options.table

        def do_task(self, ctx):
            return self.table

    for plugin in (load, Loader):
        assert run_worker(plugin, "").msg == "t"
        assert run_worker(plugin, "", options=Options(table="u")).msg == "u"


def test_options_that_must_be_given_are_named():
    """By the error."""

    @worker(options=Required)
    def load(info):
        """Do nothing."""

    with pytest.raises(
        UsageError, match=r"'load' has options without a default.*table"
    ):
        run_worker(load, "")


def test_what_was_made_for_the_run_is_closed_after_it():
    """What the test made is not."""
    closed = []

    class Closing(Worker):
        def do_task(self, ctx):
            return complete()

        def close(self):
            closed.append(self)

    run_worker(Closing(), "")
    assert closed == []
    run_worker(worker(Closing), "")
    assert len(closed) == 1


def test_a_worker_that_no_launcher_could_call_is_refused():
    """As at its start."""
    with pytest.raises(WorkerError, match="must take one parameter"):
        run_worker(lambda: None, "")


def test_importing_the_testing_package_needs_no_pytest():
    """Authors may use another framework."""
    code = "import sys, task_testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
