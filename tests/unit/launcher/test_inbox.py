"""Rules of `task_core.launcher.inbox`: every delivery is sorted into one place."""

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.dead import decode_dead
from task_core.launcher.batch import DEAD
from task_core.launcher.inbox import Inbox
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Plan, TypePolicy
from task_core.launcher.quarantine import Quarantine
from task_core.launcher.stats import Stats


@pytest.fixture
def make(hooks):
    def make(policy="run", most_bytes=0, **functions):
        clock, listeners = SystemClock(), hooks(**functions)
        policy = TypePolicy(policy)
        plan = Plan(type_policy=policy, max_task_bytes=most_bytes).completed("load")
        outbox = Outbox(plan, None, Stats(clock), listeners, clock)
        quarantine = Quarantine(5, Capabilities(attempts=True))
        inbox = Inbox(plan, "load", quarantine, outbox, clock, listeners)
        return inbox, outbox._batch

    return make


GOOD = b'{"type":"load","info":"a"}'
OTHER = b'{"type":"x","info":"b"}'


def infos(jobs):
    return [job.task.info for job in jobs]


def test_tasks_become_jobs_in_their_order(make):
    """With their deliveries."""
    deliveries = [Delivery(GOOD, 1), Delivery(OTHER, 2)]
    inbox, batch = make()
    jobs = inbox.sort(deliveries)
    assert infos(jobs) == ["a", "b"]
    assert [job.delivery for job in jobs] == deliveries
    assert len(batch) == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{}", "`type` is missing"),
        (b'{"type":"load"}', "`info` is missing"),
        (b"\xff", "not"),
        (b"[" * 100_000, "not"),
    ],
)
def test_what_is_no_task_is_dead_with_bytes_and_reason(make, body, reason):
    """Whatever it is."""
    inbox, batch = make()
    assert inbox.sort([Delivery(body)]) == []
    letter = decode_dead(batch.messages[0].body)
    assert (batch.deliveries[0].body, letter.original) == (body, body)
    assert batch.fates == {0: DEAD}
    assert letter.reason.startswith(reason)


def test_what_was_handed_out_too_often_is_dead(make):
    """The last allowed attempt still runs."""
    inbox, batch = make()
    assert len(inbox.sort([Delivery(GOOD, 1, 5), Delivery(GOOD, 2, 6)])) == 1
    assert batch.fates == {0: DEAD}


def test_the_policy_parts_tasks_of_another_type(make):
    """`reject` gives them an outcome, `ignore` none."""
    deliveries = [Delivery(OTHER, 1), Delivery(GOOD, 2)]
    inbox, batch = make("reject")
    assert infos(inbox.sort(deliveries)) == ["a"]
    (refused,) = batch.jobs
    assert refused.task.msg == "unexpected task type 'x' wanting 'load'"
    inbox, batch = make("ignore")
    assert infos(inbox.sort(deliveries)) == ["a"]
    assert (batch.deliveries, batch.messages) == (deliveries[:1], [])


def test_observers_are_told_of_tasks_alone(make):
    """Dead deliveries are none."""
    told = []
    inbox, _ = make(task_received=lambda task, delivery: told.append(delivery.token))
    inbox.sort([Delivery(GOOD, 1), Delivery(b"", 2), Delivery(OTHER, 3)])
    assert told == [1, 3]


def test_what_is_too_long_is_dead_unread(make):
    """Its bytes are kept, and the reason names both lengths."""
    inbox, batch = make(most_bytes=len(GOOD))
    jobs = inbox.sort([Delivery(GOOD, 1), Delivery(GOOD + b" ", 2)])
    assert len(jobs) == 1
    letter = decode_dead(batch.messages[0].body)
    assert letter.reason == "27 bytes; --max-task-bytes is 26"
    assert batch.fates == {0: DEAD}
