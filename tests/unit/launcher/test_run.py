"""Rules of `task_core.launcher.run`: whatever a worker does, there is an outcome."""

import logging
import os
import subprocess
import sys
import threading

import attrs
import pytest

from task_core.api.message import Delivery
from task_core.api.worker import (
    Kind,
    Outcome,
    alert,
    complete,
    failed,
    interrupted,
    retry,
    warn,
)
from task_core.clock import SystemClock
from task_core.errors import HookError
from task_core.launcher.context import Job, SharedContext
from task_core.launcher.plan import NoHooks
from task_core.launcher.run import make_run, outcome_of
from task_core.launcher.signature import compile_call
from task_core.launcher.stop import Cancel
from task_core.task import Result, Task
from task_core.wire import decode_task, encode_task

LOG = logging.getLogger("task.test")


def perform(worker, task=None, hooks=None, attempt=1):
    """Run a worker once and return the job."""
    task = task or Task(type="load", info="a?n=3", meta="key=abc&name=test")
    body = encode_task(task)
    job = Job(Delivery(body, None, attempt), decode_task(body))
    shared = SharedContext(cancel=Cancel(), log=LOG)
    make_run(compile_call(worker), shared, SystemClock(), hooks or NoHooks())(job)
    return job


def test_a_run_stamps_begin_and_end():
    """As the wire writes dates; the worker sees `started`, not `ended`."""
    seen = []

    def worker(task: Task):
        seen.append((task.started, task.ended))

    task = perform(worker).task
    assert seen == [(task.started, "")]
    assert task.moment("started") <= task.moment("ended")


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("error", "msg"),
    [
        (ValueError("no such\n table"), "ValueError: no such table"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (GeneratorExit(), "GeneratorExit"),
        (UnprintableError(), "UnprintableError"),
    ],
)
def test_whatever_a_worker_raises_is_an_error_of_the_task(error, msg, caplog):
    """Its type and text in one line; the traceback is for the log."""

    def worker(info):
        raise error

    assert perform(worker).outcome == failed(msg)
    assert "the worker raised" in caplog.text


def test_the_traceback_begins_in_the_worker(caplog):
    """Frames of the framework tell its author nothing."""

    def worker(info):
        raise ValueError("boom")

    perform(worker)
    assert "in worker" in caplog.text
    assert "launcher/run.py" not in caplog.text


def test_wrong_parameters_are_an_error_that_names_the_field(caplog):
    """Without a traceback: it is the task that is wrong, not the worker."""

    @attrs.frozen
    class Params:
        path: str
        n: int

    def worker(params: Params):
        raise AssertionError("must not run")

    outcome = perform(worker, Task(type="load", info="a?n=many")).outcome
    assert outcome.result == "error"
    assert "n" in outcome.msg
    assert "many" in outcome.msg
    assert caplog.text == ""


def test_an_outcome_that_cannot_even_be_described_is_an_error(caplog):
    """A slot survives it."""

    class Wild:
        def __repr__(self):
            raise RuntimeError("no repr")

    assert perform(lambda info: Outcome("complete", Wild())).outcome.result == "error"


def test_meta_of_the_worker_replaces_keys_and_keeps_others():
    """Sorted by key."""

    def worker(info, ctx):
        ctx.meta["key"] = "xyz"
        ctx.meta["count"] = ["10", "11"]

    assert perform(worker).task.meta == "count=10&count=11&key=xyz&name=test"


def test_meta_is_merged_also_when_the_worker_fails():
    """What it found out until then is worth keeping."""

    def worker(info, ctx):
        ctx.meta["at"] = "row 5"
        raise ValueError("boom")

    job = perform(worker)
    assert job.outcome == failed("ValueError: boom")
    assert job.task.meta == "at=row+5&key=abc&name=test"


def raising():
    yield "1"
    raise LookupError("no more")


@pytest.mark.parametrize("value", [5, None, [1], raising()])
def test_meta_that_is_no_text_is_an_error_of_the_task(value):
    """Also when it is lazy code that raises."""

    def worker(info, ctx):
        ctx.meta["n"] = value

    job = perform(worker)
    assert job.outcome.result == "error"
    assert "meta is no text" in job.outcome.msg
    assert job.task.meta == "key=abc&name=test"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("k", 3, "ctx.meta['k'] = 3,"),
        ("k", ["a", 3], "ctx.meta['k'] = ['a', 3],"),
        ("k", b"a", "ctx.meta['k'] = b'a',"),
        (5, "a", "ctx.meta[5] = 'a',"),
        ("k", raising(), "LookupError: no more"),
    ],
)
def test_meta_that_is_no_text_is_named(key, value, shown):
    """By key and value, for the author; of lazy code it is what that raised."""

    def worker(info, ctx):
        ctx.meta.update({"good": "1", "two": ["1", "2"], key: value})

    assert f"meta is no text: {shown}" in perform(worker).outcome.msg


def test_a_worker_that_spoils_its_task_gets_an_error_and_the_task_is_restored():
    """Nothing that no other program could read is ever sent."""

    def with_task(task: Task):
        task.meta = {"a": 1}

    def with_context(info, ctx):
        ctx.task.info = None

    spoilt = perform(with_task)
    assert spoilt.outcome == failed("the worker put something that is no text in: meta")
    assert spoilt.task.meta == "key=abc&name=test"
    assert spoilt.task.started
    assert spoilt.task.ended
    assert perform(with_context).task.info == "a?n=3"


@pytest.mark.parametrize("name", ["created", "started"])
@pytest.mark.parametrize("date", ["yesterday", "2026-02-30T00:00:00Z", 7])
def test_a_worker_that_puts_no_date_where_one_belongs_gets_an_error(name, date):
    """Nobody could read the done task; a date or none at all is its own affair."""

    def putting(text):
        return lambda info, ctx: setattr(ctx.task, name, text)

    spoilt = perform(putting(date))
    what = "text" if date == 7 else "date"
    told = f"the worker put something that is no {what} in: {name}"
    assert spoilt.outcome == failed(told)
    assert decode_task(encode_task(spoilt.task)).created == ""
    for good in ("", "2026-02-01T00:00:00.5+01:00"):
        done = perform(putting(good))
        assert (done.outcome, getattr(done.task, name)) == (complete(), good)


def test_a_context_is_made_only_for_workers_that_ask():
    """It tells the attempt."""
    seen = []
    assert perform(lambda info: None).context is None
    job = perform(lambda info, ctx: seen.append((ctx.attempt, ctx.task)), attempt=3)
    assert seen == [(3, job.task)]


FORKING = """
import logging, os, threading
from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.launcher.stop import Cancel
from task_core.errors import HookError
from task_core.launcher.context import Job, SharedContext
from task_core.launcher.plan import NoHooks
from task_core.launcher.run import make_run
from task_core.launcher.signature import compile_call
from task_core.task import Result, Task

def worker(info):
    pid = os.fork()
    if pid:
        return f"child {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}"

def perform():
    shared = SharedContext(cancel=Cancel(), log=logging.getLogger("task"))
    run = make_run(compile_call(worker), shared, SystemClock(), NoHooks())
    job = Job(Delivery(b""), Task(type="load", info=""))
    thread = threading.Thread(target=run, args=[job])
    thread.start()
    thread.join()
    print(job.outcome.msg, flush=True)
"""


def python(code):
    """Run a program in a fresh process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )


def test_a_forked_child_that_comes_back_is_ended():
    """It must not settle the task a second time."""
    done = python(FORKING + "perform()")
    assert done.stdout == "child 70\n"
    assert "a worker forked; its child" in done.stderr
    assert done.returncode == 0


def test_a_launcher_may_itself_live_in_a_forked_child():
    """Only forks since it was made count (`--instances` forks)."""
    code = "if os.fork() == 0:\n    perform()\nelse:\n    os.wait()"
    done = python(FORKING + code)
    assert done.stdout == "child 70\n"


def test_hooks_are_called_around_the_run_in_its_thread(hooks):
    """`task_started` before, `task_finished` after."""
    seen = []
    watch = hooks(
        task_started=lambda task: seen.append(("started", threading.get_ident())),
        task_finished=lambda task, outcome: seen.append((outcome.msg, task.info)),
    )
    perform(lambda info: seen.append("run") or "fine", hooks=watch)
    assert seen == [("started", threading.get_ident()), "run", ("fine", "a?n=3")]


def test_a_decider_that_answers_takes_the_place_of_the_run(hooks):
    """The task is stamped as if it had run; observers of the end are told."""
    finished = []
    watch = hooks(
        task_should_run=lambda task: complete("cached"),
        task_started=lambda task: finished.append("started"),
        task_finished=lambda task, outcome: finished.append(outcome.msg),
    )
    job = perform(lambda info: pytest.fail("ran"), hooks=watch)
    assert job.outcome == complete("cached")
    assert job.task.started
    assert job.task.ended
    assert finished == ["cached"]


def test_a_decider_that_has_no_opinion_lets_the_task_run(hooks):
    """None is no answer."""
    watch = hooks(task_should_run=lambda task: None)
    assert perform(lambda info: "ran", hooks=watch).outcome == complete("ran")


def test_a_decider_that_fails_or_answers_nonsense_is_an_error_of_the_task(
    hooks, caplog
):
    """The worker does not run."""

    def broken(task):
        raise ValueError("boom")

    worker = lambda info: pytest.fail("ran")  # noqa: E731
    outcome = perform(worker, hooks=hooks(task_should_run=broken)).outcome
    assert outcome == failed("ValueError: boom")

    def named(task):
        raise HookError("hooks 'x' of x 1.0: task_should_run failed: KeyError: 'a'")

    with caplog.at_level("ERROR"):
        outcome = perform(worker, hooks=hooks(task_should_run=named)).outcome
    assert outcome.msg.startswith("hooks 'x' of x 1.0: task_should_run failed")
    assert caplog.messages == [outcome.msg]
    outcome = perform(worker, hooks=hooks(task_should_run=lambda task: True)).outcome
    assert outcome.msg.startswith("a task_should_run hook returned bool, wanted")


def test_forks_are_counted_in_the_child_alone():
    """The parent goes on."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert perform(lambda info: "fine").outcome == complete("fine")


@pytest.mark.parametrize(
    ("returned", "outcome"),
    [
        (None, complete()),
        ("", complete()),
        ("three rows", complete("three rows")),
        (warn("odd"), warn("odd")),
        (alert("fire"), alert("fire")),
        (retry("later", 2.5), retry("later", 2.5)),
        (interrupted(), interrupted()),
    ],
)
def test_text_none_and_outcomes_are_outcomes(returned, outcome):
    """As the worker meant them."""
    assert outcome_of(returned) == outcome


@pytest.mark.parametrize(
    ("returned", "text"),
    [
        (5, "the worker returned int, wanted an outcome, text or None"),
        (True, "returned bool"),
        (b"bytes", "returned bytes"),
        (Result.ERROR, "returned Result.ERROR: return failed"),
        (Kind.ALERT, "returned Kind.ALERT: return failed"),
        (Outcome("complete", 5), "holds no text"),
        (Outcome("error", ValueError("x")), "holds no text"),
        (Outcome(""), "of no known kind"),
        (Outcome("done"), "of no known kind"),
        (retry("x", "5s"), "no number of seconds"),
        (retry("x", -1), "no number of seconds"),
        (retry("x", float("nan")), "no number of seconds"),
        (retry("x", float("inf")), "no number of seconds"),
    ],
)
def test_nonsense_is_an_error_that_says_what_was_wanted(returned, text):
    """It never reaches the bus."""
    outcome = outcome_of(returned)
    assert outcome.result == "error"
    assert text in outcome.msg


def test_a_plain_def_that_returns_a_coroutine_is_told_to_be_async():
    """And the coroutine is closed: no warning that it was never awaited."""

    async def work():
        """Do nothing."""

    assert "write it as async def" in outcome_of(work()).msg


@pytest.mark.parametrize(
    ("send", "words"),
    [
        (lambda ctx: ctx.send(Task.new("x"), 5), "topic: a text is wanted, not 5"),
        (lambda ctx: ctx.send("child"), "a task is wanted, not 'child'"),
        (lambda ctx: ctx.send(Task(type="x", info=b"y")), "`info` must be a string"),
    ],
)
def test_a_child_that_cannot_be_sent_is_an_error_of_its_parent(send, words):
    """And not of the launcher, which would end with it at each start."""

    def parent(info, ctx):
        send(ctx)

    job = perform(parent)
    assert job.outcome.result == "error"
    assert words in job.outcome.msg
    assert job.context.children == []
