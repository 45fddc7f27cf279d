"""Rules of `task_core.launcher.context`: what a run sees and may do."""

import logging
import math
import threading

import pytest

from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.errors import DecodeError
from task_core.launcher.context import Job, RunContext, SharedContext, stamp_unrun
from task_core.launcher.stop import Cancel
from task_core.task import Task


@pytest.fixture
def cancel():
    return Cancel()


@pytest.fixture
def context(cancel):
    shared = SharedContext(
        cancel=cancel, log=logging.getLogger("task.test"), options="options"
    )
    return RunContext(Task(type="load", info="a"), 2, shared)


def test_a_context_shows_its_surroundings(context):
    """Task, attempt, options, log, and no deadline unless there is one."""
    assert (context.task.info, context.attempt) == ("a", 2)
    assert (context.options, context.log.name) == ("options", "task.test")
    assert context.deadline is None


def test_cancelled_tells_that_the_launcher_stops(context, cancel):
    """For every run at once."""
    assert not context.cancelled
    cancel.request()
    assert context.cancelled


def test_wait_sleeps_and_ends_early_on_cancel(context, cancel):
    """True means cancelled, then and afterwards."""
    assert context.wait(0.01) is False
    threading.Timer(0.02, cancel.request).start()
    assert context.wait(30) is True
    assert context.wait(30) is True


@pytest.mark.parametrize("seconds", [math.inf, 1e12])
def test_a_wait_may_be_as_long_as_a_worker_likes(context, cancel, seconds):
    """Until somebody stops it."""
    threading.Timer(0.02, cancel.request).start()
    assert context.wait(seconds) is True


def test_a_child_goes_to_the_topic_of_its_type_unless_told(context):
    """In the order of sending."""
    context.send(Task(type="sum", info="1"))
    context.send(Task(type="sum", info="2"), topic="other")
    sent = [(child.info, topic) for child, topic in context.children]
    assert sent == [("1", "sum"), ("2", "other")]


def test_a_child_is_as_it_was_when_it_was_sent(context):
    """Workers re-use one object in a loop."""
    child = Task(type="sum", info="")
    for number in range(3):
        child.info = str(number)
        context.send(child)
    assert [sent.info for sent, _ in context.children] == ["0", "1", "2"]


def test_a_child_that_nobody_could_read_is_refused_where_it_is_sent(context):
    """Not when the task settles."""
    with pytest.raises(DecodeError, match="info"):
        context.send(Task(type="sum", info=5))
    assert context.children == []


def test_two_receipts_of_one_message_are_two_jobs():
    """They are held, and settled, one by one."""
    delivery, task = Delivery(b""), Task(type="load", info="")
    assert len({Job(delivery, task), Job(delivery, task)}) == 2


def test_a_task_that_never_ran_has_both_dates():
    """One that had begun keeps its begin."""
    fresh, begun = (
        Task(type="load", info=""),
        Task(type="load", info="", started="2017-01-01T00:00:00Z"),
    )
    for task in (fresh, begun):
        stamp_unrun(task, SystemClock())
    assert fresh.started == fresh.ended == begun.ended != ""
    assert begun.started == "2017-01-01T00:00:00Z"
