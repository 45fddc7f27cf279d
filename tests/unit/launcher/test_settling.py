"""Rules of `task_core.launcher.settling`: gathered, then settled in one call."""

import pytest

from task_core.api.message import Delivery, Message
from task_core.api.worker import COMPLETE, failed, retry
from task_core.clock import SystemClock
from task_core.errors import LeaseLostError, SendError
from task_core.launcher.intake import Arrivals
from task_core.launcher.job import Job
from task_core.launcher.retries import Retries, RetryPolicy
from task_core.launcher.settling import Settler
from task_core.launcher.stats import Stats
from task_core.task import Task
from task_core.wire import decode_task


class Context:
    def __init__(self, *children):
        self.children = [(child, child.type) for child in children]


def job(info, outcome=COMPLETE, children=()):
    task = Task(type="load", info=info)
    return Job(Delivery(b"", info), task, outcome, Context(*children))


@pytest.fixture
def make(script, hooks):
    def make(retries=None, **functions):
        bus, listeners = script(), hooks(**functions)
        settler = Settler(bus, None, "done", retries, Stats(SystemClock()), listeners)
        return settler, bus

    return make


def test_many_jobs_are_one_settle(make):
    """With what went past the slots."""
    settler, bus = make()
    settler.add_jobs([job("a"), job("b", failed("x"))])
    letter = (Delivery(b"", "dead"), Message("load.dead", b"letter"))
    settler.add_arrivals(
        Arrivals(
            refused=[job("c", failed("y"))], ignored=[Delivery(b"", "d")], dead=[letter]
        )
    )
    assert settler.waiting == 5
    settler.flush()
    assert bus.settled == ["a", "b", "c", "d", "dead"]
    assert [(t.info, t.result, t.msg) for t in bus.done] == [
        ("a", "complete", ""),
        ("b", "error", "x"),
        ("c", "error", "y"),
    ]
    assert bus.sent[-1] == ("load.dead", b"letter")
    assert len(bus.settles) == 1
    assert settler.waiting == 0


def test_nothing_gathered_is_no_call(make):
    """The bus is left alone."""
    settler, bus = make()
    settler.flush()
    assert bus.settles == []


def test_when_the_bus_refuses_everything_is_kept(make):
    """The next flush settles all of it, once, and only then it counts."""
    settled = []
    settler, bus = make(task_settled=lambda task: settled.append(task.info))
    bus.failures.append(SendError("no"))
    settler.add_jobs([job("a"), job("b", failed("x"))])
    with pytest.raises(SendError):
        settler.flush()
    assert settler._stats.results == {"complete": 0}
    assert settled == []
    settler.add_jobs([job("c")])
    settler.flush()
    settler.flush()
    assert bus.settled == ["a", "b", "c"]
    assert settler._stats.results == {"complete": 2, "error": 1}
    assert settled == ["a", "b", "c"]


def test_a_task_that_is_sent_to_run_again_is_acknowledged_and_not_done(make, hooks):
    """Its children do not leave: the next run sends them."""
    settled = []
    retries = Retries(RetryPolicy(), "load", hooks(), choose=lambda most: most)
    settler, bus = make(retries, task_settled=settled.append)
    settler.add_jobs([job("a", retry("x"), [Task(type="sum", info="")])])
    settler.flush()
    assert bus.settled == ["a"]
    assert [topic for topic, _ in bus.sent] == ["load"]
    assert settled == []


def test_a_hook_may_change_what_is_sent(make):
    """Children and done tasks; None leaves them as they are."""

    def before(task, topic):
        if topic == "done":
            return None
        return Task(type=task.type, info=f"{task.info} to {topic}")

    settler, bus = make(task_before_send=before)
    settler.add_jobs([job("a", children=[Task(type="sum", info="b")])])
    settler.flush()
    assert decode_task(bus.sent[0][1]).info == "b to sum"
    assert bus.done[0].info == "a"


def broken(task, topic):
    raise ValueError("boom")


@pytest.mark.parametrize(
    ("hook", "msg"),
    [
        (broken, "ValueError: boom"),
        (lambda task, topic: "x", "TypeError: a task_before_send hook returned str,"),
    ],
)
def test_a_hook_that_fails_before_a_send_is_an_error_of_the_task(make, hook, msg):
    """Its children stay; its neighbours and the launcher are not harmed."""

    def before(task, topic):
        return None if task.info == "b" else hook(task, topic)

    settler, bus = make(task_before_send=before)
    settler.add_jobs([job("a", children=[Task(type="sum", info="")]), job("b")])
    settler.flush()
    assert [topic for topic, _ in bus.sent] == ["done", "done"]
    first, second = bus.done
    assert first.result == "error"
    assert first.msg.startswith(msg)
    assert second.result == "complete"
    assert settler._stats.results == {"complete": 1, "error": 1}


def test_a_hook_that_fails_over_a_retry_is_an_error_of_the_task(make, hooks):
    """It is done, and tells why."""

    def decide(**facts):
        raise ValueError("boom")

    retries = Retries(RetryPolicy(errors=1), "load", hooks(task_retry_delay=decide))
    settler, bus = make(retries)
    settler.add_jobs([job("a", failed("x"))])
    settler.flush()
    assert (bus.done[0].result, bus.done[0].msg) == ("error", "ValueError: boom")


def test_observers_are_told_after_the_bus_has_confirmed(make):
    """Messages once, tasks one by one."""
    told = []
    settler, bus = make(
        task_sent=lambda messages: told.append((len(messages), len(bus.settles))),
        task_settled=lambda task: told.append((task.info, task.result)),
    )
    settler.add_jobs([job("a"), job("b")])
    assert told == []
    settler.flush()
    assert told == [(2, 1), ("a", "complete"), ("b", "complete")]


def test_what_went_to_others_is_left_out_and_counted(make, monkeypatch):
    """Neither its done task nor its child leaves; all others do."""
    settler, bus = make()
    jobs = [job("a"), job("b", children=[Task(type="c", info="")]), job("c")]
    settle, lost = bus.settle, jobs[1].delivery

    def settle_or_lose(consumer, deliveries, messages):
        if any(delivery is lost for delivery in deliveries):
            raise LeaseLostError("gone", [lost])
        settle(consumer, deliveries, messages)

    monkeypatch.setattr(bus, "settle", settle_or_lose)
    settler.add_jobs(jobs)
    settler.flush()
    assert bus.settled == ["a", "c"]
    assert [task.info for task in bus.done] == ["a", "c"]
    assert settler._stats.lost == 1
    assert settler._stats.done == 2
