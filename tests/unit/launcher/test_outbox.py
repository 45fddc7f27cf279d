"""Rules of `task_core.launcher.outbox`: gathered, then settled in one call."""

import pytest

from task_core.api.message import Delivery, Message
from task_core.api.worker import (
    COMPLETE,
    alert,
    complete,
    failed,
    interrupted,
    later,
    retry,
    warn,
)
from task_core.clock import SystemClock
from task_core.dead import decode_dead
from task_core.errors import HookError, LeaseLostError, SendError
from task_core.launcher.batch import DEAD, IGNORED, RETRY, Batch
from task_core.launcher.context import Job, refused
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Plan
from task_core.launcher.retries import Retries
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
        consumer, clock = script().subscribe("load", "load"), SystemClock()
        listeners, plan = hooks(**functions), Plan().completed("load")
        outbox = Outbox(plan, retries, Stats(clock), listeners, clock)
        return outbox, consumer

    return make


def test_many_jobs_are_one_settle(make):
    """With what went past the slots."""
    outbox, consumer = make()
    outbox.add_jobs([job("a"), job("b", failed("x"))])
    outbox.add_jobs([job("c", failed("y"))])
    outbox.add(Delivery(b"", "d"), IGNORED, None)
    outbox.add_dead(Delivery(b"\xff\x00", "dead", 3), "no UTF-8")
    assert len(outbox.waiting) == 5
    outbox.flush(consumer)
    assert consumer.bus.settled == ["a", "b", "c", "d", "dead"]
    assert [(t.info, t.result, t.msg) for t in consumer.bus.done] == [
        ("a", "complete", ""),
        ("b", "error", "x"),
        ("c", "error", "y"),
    ]
    topic, body = consumer.bus.sent[-1]
    letter = decode_dead(body)
    assert topic == "load.dead"
    assert (letter.topic, letter.channel, letter.attempt) == ("load", "load", 3)
    assert (letter.original, letter.reason) == (b"\xff\x00", "no UTF-8")
    assert letter.time.endswith("Z")
    assert len(consumer.bus.settles) == 1
    assert len(outbox.waiting) == 0


def test_nothing_gathered_is_no_call(make):
    """The bus is left alone."""
    outbox, consumer = make()
    outbox.flush(consumer)
    assert consumer.bus.settles == []


def test_when_the_bus_refuses_everything_is_kept(make):
    """The next flush settles all of it, once, and only then it counts."""
    settled = []
    outbox, consumer = make(task_settled=lambda task: settled.append(task.info))
    consumer.bus.failures.append(SendError("no"))
    outbox.add_jobs([job("a"), job("b", failed("x"))])
    with pytest.raises(SendError):
        outbox.flush(consumer)
    assert outbox._stats.results == {"complete": 0}
    assert settled == []
    outbox.add_jobs([job("c")])
    outbox.flush(consumer)
    outbox.flush(consumer)
    assert consumer.bus.settled == ["a", "b", "c"]
    assert outbox._stats.results == {"complete": 2, "error": 1}
    assert settled == ["a", "b", "c"]


def test_a_task_that_is_sent_to_run_again_is_acknowledged_and_not_done(make, hooks):
    """Its children do not leave: the next run sends them."""
    settled = []
    retries = Retries(Plan(topic="load"), hooks(), choose=lambda most: most)
    outbox, consumer = make(retries, task_settled=settled.append)
    outbox.add_jobs([job("a", retry("x"), [Task(type="sum", info="")])])
    outbox.flush(consumer)
    assert consumer.bus.settled == ["a"]
    assert [topic for topic, _ in consumer.bus.sent] == ["load"]
    assert settled == []


def told(caplog):
    return [(one.levelname, one.getMessage()) for one in caplog.records]


@pytest.mark.parametrize(
    ("outcome", "level", "text"),
    [
        (failed("no such\ntable"), "WARNING", "failed: no such table"),
        (failed(""), "WARNING", "failed"),
        (failed("x" * 9999), "WARNING", f"failed: {'x' * 500}"),
        (retry("not yet"), "WARNING", "failed: not yet"),
        (later("not yet", 1), "WARNING", "failed: not yet"),
        (refused("another type"), "WARNING", "failed: another type"),
        (alert("call me"), "ERROR", "alert: call me"),
    ],
)
def test_a_task_that_failed_is_told_with_its_reason(make, caplog, outcome, level, text):
    """One line for each, whoever says so: nobody should have to look at done tasks."""
    outbox, _ = make()
    outbox.add_jobs([job("a", outcome), job("b")])
    assert told(caplog) == [(level, f"task load 'a', attempt 1, {text}")]


@pytest.mark.parametrize("outcome", [complete("x"), warn("x"), interrupted()])
def test_nothing_is_told_of_a_task_that_has_not_failed(make, caplog, outcome):
    """Nor of what the end of the launcher has interrupted: that was told."""
    outbox, _ = make()
    outbox.add_jobs([job("a", outcome)])
    assert told(caplog) == []


def test_what_was_told_is_not_told_again(make, caplog):
    """With a traceback, or how its process ended."""
    outbox, _ = make()
    raised, killed = job("a", failed("x")), job("b", failed("y"))
    raised.told, killed.killed = True, "was killed"
    outbox.add_jobs([raised, killed])
    assert told(caplog) == []


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [(failed("x"), 1), (retry("x"), 0), (later("x", 1), 0)],
)
def test_a_task_that_runs_again_is_told_unless_its_worker_wants_it_so(
    make, hooks, caplog, outcome, lines
):
    """With its reason at each run, as an exception is."""
    retries = Retries(Plan(topic="load", retries=1), hooks())
    outbox, _ = make(retries)
    outbox.add_jobs([job("a", outcome)])
    text = "task load 'a', attempt 1, failed and runs again: x"
    assert told(caplog) == [("WARNING", text)] * lines


def test_why_a_task_cannot_be_sent_is_told_once(make, caplog):
    """A mistake of a hook as what it is, all else as a failure of the task."""
    for error, name in ((HookError("a hook"), "task.hooks"), (OSError("no"), "task")):
        caplog.clear()

        def raises(error=error, **facts):
            raise error

        make(task_before_send=raises)[0].add_jobs([job("a")])
        assert [one.name for one in caplog.records] == [name]


def test_a_hook_may_change_what_is_sent(make):
    """Children and done tasks; None leaves them as they are."""

    def before(task, topic, parent):
        if topic == "done":
            return None
        return Task(type=task.type, info=f"{task.info} to {topic}")

    outbox, consumer = make(task_before_send=before)
    outbox.add_jobs([job("a", children=[Task(type="sum", info="b")])])
    outbox.flush(consumer)
    assert decode_task(consumer.bus.sent[0][1]).info == "b to sum"
    assert consumer.bus.done[0].info == "a"


def broken(task, topic):
    raise ValueError("boom")


def leaving(task, topic):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("hook", "msg"),
    [
        (broken, "ValueError: boom"),
        (leaving, "SystemExit: 3"),
        (lambda task, topic: "x", "TypeError: a task_before_send hook returned str,"),
    ],
)
def test_a_hook_that_fails_before_a_send_is_an_error_of_the_task(make, hook, msg):
    """Its children stay; its neighbours and the launcher are not harmed."""

    def before(task, topic, parent):
        return None if task.info == "b" else hook(task, topic)

    outbox, consumer = make(task_before_send=before)
    outbox.add_jobs([job("a", children=[Task(type="sum", info="")]), job("b")])
    outbox.flush(consumer)
    assert [topic for topic, _ in consumer.bus.sent] == ["done", "done"]
    first, second = consumer.bus.done
    assert first.result == "error"
    assert first.msg.startswith(msg)
    assert second.result == "complete"
    assert outbox._stats.results == {"complete": 1, "error": 1}


def test_a_hook_that_fails_over_a_retry_takes_none_away(make, hooks):
    """The task comes back, as the launcher has promised."""

    def decide(**facts):
        raise ValueError("boom")

    retries = Retries(Plan(topic="load", retries=1), hooks(task_retry_delay=decide))
    outbox, consumer = make(retries)
    outbox.add_jobs([job("a", failed("x"))])
    outbox.flush(consumer)
    assert [topic for topic, _ in consumer.bus.sent] == ["load"]
    assert consumer.bus.done == []


def test_observers_are_told_after_the_bus_has_confirmed(make):
    """Messages once, tasks one by one."""
    told = []
    outbox, consumer = make(
        task_sent=lambda messages: told.append(
            (len(messages), len(consumer.bus.settles))
        ),
        task_settled=lambda task: told.append((task.info, task.result)),
    )
    outbox.add_jobs([job("a"), job("b")])
    assert told == []
    outbox.flush(consumer)
    assert told == [(2, 1), ("a", "complete"), ("b", "complete")]


def test_what_went_to_others_is_left_out_and_counted(make, monkeypatch):
    """Neither its done task nor its child leaves; all others do."""
    outbox, consumer = make()
    jobs = [job("a"), job("b", children=[Task(type="c", info="")]), job("c")]
    consumer.bus.failures.append(LeaseLostError("gone", [jobs[1].delivery]))
    outbox.add_jobs(jobs)
    outbox.flush(consumer)
    assert consumer.bus.settled == ["a", "c"]
    assert [task.info for task in consumer.bus.done] == ["a", "c"]
    assert outbox._stats.lost == 1
    assert outbox._stats.done == 2


def message(text: str) -> Message:
    return Message("done", text.encode())


def filled() -> tuple[Batch, list[Delivery]]:
    """Three deliveries: one plain with two messages, one retried, one dead."""
    deliveries = [Delivery(b"same"), Delivery(b"same"), Delivery(b"same")]
    batch = Batch()
    batch.add(deliveries[0], [message("child"), message("done")])
    batch.add(deliveries[1], [message("again")], RETRY)
    batch.add(deliveries[2], [message("letter")], DEAD)
    return batch, deliveries


def test_what_is_lost_takes_its_messages_and_fate_along():
    """Deliveries are told apart by who they are, not by what is in them."""
    batch, deliveries = filled()
    rest = batch.without([deliveries[1]])
    assert [
        d is deliveries[n] for d, n in zip(rest.deliveries, (0, 2), strict=True)
    ] == [True, True]
    assert [m.body for m in rest.messages] == [b"child", b"done", b"letter"]
    assert rest.ends == [2, 3]
    assert rest.fates == {1: DEAD}


def test_losing_nothing_changes_nothing():
    """A batch without strangers is the same batch."""
    batch, _ = filled()
    rest = batch.without([Delivery(b"same")])
    assert (rest.deliveries, rest.messages) == (batch.deliveries, batch.messages)
    assert (rest.ends, rest.fates) == (batch.ends, batch.fates)


def test_a_hook_before_a_send_is_told_which_task_has_made_it(make):
    """Of a done task, that itself."""
    told = []

    def before(task, topic, parent):
        told.append((task.info, topic, parent.info))

    outbox, consumer = make(task_before_send=before)
    outbox.add_jobs([job("a", children=[Task(type="sum", info="b")])])
    outbox.flush(consumer)
    assert told == [("b", "sum", "a"), ("a", "done", "a")]


def test_hooks_are_told_what_became_of_each_delivery(make):
    """In one call for each step, with what was no task."""
    told = []
    outbox, consumer = make(batch_settled=lambda batch: told.append([*batch]))
    outbox.add_jobs([job("a"), job("b")])
    outbox.add_dead(Delivery(b"x", None, 3), "not JSON")
    outbox.flush(consumer)
    ((first, second, third),) = told
    assert (first.task.info, first.fate, first.topic) == ("a", "complete", "load")
    assert second.task.info == "b"
    assert (third.task, third.fate, third.attempt) == (None, "dead", 3)
