"""Rules of `task_core.launcher.intake`: every delivery is sorted into one place."""

import pytest

from task_core.api.message import Delivery
from task_core.clock import SystemClock
from task_core.launcher.dead_letters import DeadLetters
from task_core.launcher.intake import Intake
from task_core.wire import decode_dead


@pytest.fixture
def make(hooks):
    def make(policy="run", **functions):
        clock = SystemClock()
        return Intake(
            dead_letters=DeadLetters("load", "load", "load.dead", clock),
            task_type="load",
            type_policy=policy,
            max_attempts=5,
            clock=clock,
            hooks=hooks(**functions),
        )

    return make


GOOD = b'{"type":"load","info":"a"}'
OTHER = b'{"type":"x","info":"b"}'


def infos(jobs):
    return [job.task.info for job in jobs]


def test_tasks_become_jobs_in_their_order(make):
    """With their deliveries."""
    deliveries = [Delivery(GOOD, 1), Delivery(OTHER, 2)]
    arrivals = make().sort(deliveries)
    assert infos(arrivals.jobs) == ["a", "b"]
    assert [job.delivery for job in arrivals.jobs] == deliveries
    assert [arrivals.refused, arrivals.ignored, arrivals.dead] == [[], [], []]


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
    ((delivery, message),) = make().sort([Delivery(body)]).dead
    letter = decode_dead(message.body)
    assert (delivery.body, letter.original) == (body, body)
    assert letter.reason.startswith(reason)


def test_what_was_handed_out_too_often_is_dead(make):
    """The last allowed attempt still runs."""
    arrivals = make().sort([Delivery(GOOD, 1, 5), Delivery(GOOD, 2, 6)])
    assert len(arrivals.jobs) == 1
    assert len(arrivals.dead) == 1


def test_the_policy_parts_tasks_of_another_type(make):
    """`reject` gives them an outcome, `ignore` none."""
    deliveries = [Delivery(OTHER, 1), Delivery(GOOD, 2)]
    rejected = make("reject").sort(deliveries)
    assert (infos(rejected.jobs), infos(rejected.refused)) == (["a"], ["b"])
    assert rejected.refused[0].outcome.msg == "unexpected task type 'x' wanting 'load'"
    ignored = make("ignore").sort(deliveries)
    assert infos(ignored.jobs) == ["a"]
    assert ignored.ignored == deliveries[:1]


def test_observers_are_told_of_tasks_alone(make):
    """Dead deliveries are none."""
    told = []
    intake = make(task_received=lambda task, delivery: told.append(delivery.token))
    intake.sort([Delivery(GOOD, 1), Delivery(b"", 2), Delivery(OTHER, 3)])
    assert told == [1, 3]
