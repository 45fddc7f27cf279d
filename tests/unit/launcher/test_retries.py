"""Rules of `task_core.launcher.retries`: a failed task comes back, not for ever."""

import logging

import pytest

from task_core.api.message import LONGEST_DELAY, Delivery
from task_core.api.worker import (
    alert,
    complete,
    failed,
    interrupted,
    later,
    retry,
    warn,
)
from task_core.errors import HookError
from task_core.launcher.context import Job
from task_core.launcher.plan import Plan
from task_core.launcher.retries import ASKED, LONGEST, Retries, retries_of
from task_core.task import Task
from task_core.wire import decode_task


def job(outcome, meta="", **fields):
    task = Task(type="load", info="a", id="7", meta=meta, **fields)
    return Job(Delivery(b""), task, outcome)


@pytest.fixture
def make(hooks):
    def make(errors=0, delay=1.0, **functions):
        plan = Plan(topic="load", retries=errors, retry_delay=delay)
        return Retries(plan, hooks(**functions), choose=lambda most: most)

    return make


def test_an_error_is_not_tried_again_unless_told(make):
    """A retry is the worker's wish or the operator's."""
    assert make().again(job(failed("x"))) is None
    assert make(errors=1).again(job(failed("x"))) is not None
    assert make().again(job(retry("x"))) is not None


@pytest.mark.parametrize("outcome", [complete(), warn("x"), alert("x"), interrupted()])
def test_other_outcomes_are_never_tried_again(make, outcome):
    """`alert` wants a person, `interrupted` is given back."""
    assert make(errors=9).again(job(outcome)) is None


def test_what_has_not_run_comes_back_with_the_same_bytes_for_ever(make):
    """No try is counted, and none is the last."""
    waiting = job(later("locked", 2.0), meta="retry=99")
    waiting.delivery = Delivery(b"as it came")
    message = make().again(waiting)
    assert (message.body, message.delay) == (b"as it came", 2.0)


def test_the_task_comes_back_as_it_was_and_counts(make):
    """Same id, info and other meta; no trace of the failed run."""
    failed_job = job(failed("x"), meta="key=b", job="j", started="2017-01-01T00:00:00Z")
    message = make(errors=1).again(failed_job)
    assert message.topic == "load"
    expected = Task(type="load", job="j", info="a", id="7", meta="key=b&retry=1")
    assert decode_task(message.body) == expected


def test_it_ends(make):
    """After as many further runs as the plan allows; `retry()` has its own count."""
    assert make(errors=2).again(job(failed("x"), meta="retry=1")) is not None
    assert make(errors=2).again(job(failed("x"), meta="retry=2")) is None
    last = job(retry("x"), meta=f"retry={ASKED}")
    assert make().again(last) is None
    assert make(errors=ASKED + 1).again(last) is not None


def test_the_delay_doubles_up_to_an_hour(make):
    """At most; jitter takes a random part of it."""
    retries = make(errors=9999, delay=1.0)
    metas = ["", "retry=1", "retry=2", "retry=50", "retry=2000"]
    delays = [retries.again(job(failed("x"), meta=meta)).delay for meta in metas]
    assert delays == [1, 2, 4, LONGEST, LONGEST]


def test_the_jitter_is_full(hooks):
    """Tasks that failed together do not come back together."""
    retries = Retries(Plan(topic="load", retries=1), hooks())
    delays = {retries.again(job(failed("x"))).delay for _ in range(20)}
    assert len(delays) > 10
    assert all(0 <= delay <= 1 for delay in delays)


def test_the_delay_of_the_worker_comes_first_then_that_of_a_hook(make):
    """None of a hook is no answer."""
    asked = []

    def decide(task, attempt, outcome):
        asked.append((task.info, attempt, outcome.msg))
        return 5

    retries = make(errors=9, task_retry_delay=decide)
    assert retries.again(job(retry("x", 0))).delay == 0
    assert retries.again(job(failed("x"), meta="retry=1")).delay == 5
    assert asked == [("a", 2, "x")]
    silent = make(errors=9, task_retry_delay=lambda **facts: None)
    assert silent.again(job(failed("x"))).delay == 1


@pytest.mark.parametrize(
    ("decided", "delay"), [(-1, 0), (float("nan"), 0), (float("inf"), LONGEST)]
)
def test_a_delay_of_a_hook_is_kept_within_bounds(make, decided, delay):
    """No bus could make sense of it."""
    retries = make(errors=1, task_retry_delay=lambda **facts: decided)
    assert retries.again(job(failed("x"))).delay == delay


@pytest.mark.parametrize("wrong", ["soon", SystemExit(3), HookError("x: no number")])
def test_a_hook_that_breaks_takes_no_run_away(hooks, caplog, wrong):
    """The worker's own error stays, and the usual delay holds."""

    def decide(**facts):
        if isinstance(wrong, BaseException):
            raise wrong
        return wrong

    plan = Plan(topic="load", retries=1, retry_delay=3.0)
    hooks = hooks(task_retry_delay=decide)
    log = logging.getLogger("task")
    retries = Retries(plan, hooks, log=log, choose=lambda most: most)
    one = job(failed("its own"))
    assert retries.again(one).delay == 3
    assert one.outcome == failed("its own")
    (line,) = caplog.messages
    assert "its next run comes after the delay of the launcher: " in line
    assert line.endswith(failed(wrong).msg) or wrong == "soon"


@pytest.mark.parametrize("outcome", [retry("x", 1e300), later("x", 1e300)])
def test_a_run_is_due_within_a_century(make, outcome):
    """Else the broker would refuse it, and stop each launcher that receives it."""
    assert make(errors=1).again(job(outcome)).delay == LONGEST_DELAY


@pytest.mark.parametrize(
    ("meta", "count"),
    [
        ("", 0),
        ("retry=3", 3),
        ("a=retry", 0),
        ("retry=x", 0),
        ("retry=-1", 0),
        ("retry=²", 0),
        ("retry=1&retry=4", 4),
        ("retry=" + "9" * 5000, 999_999_999),
    ],
)
def test_the_count_is_read_from_the_meta(meta, count):
    """What is no number counts as none."""
    assert retries_of(Task(type="load", info="", meta=meta)) == count
