"""Rules of `task_core.launcher.suspects`: what may have killed a worker runs alone."""

from task_core.api.message import Delivery
from task_core.launcher.job import Job
from task_core.launcher.suspects import Suspects
from task_core.task import Task


def jobs(*attempts):
    task = Task(type="load", info="")
    return [Job(Delivery(b"", None, attempt), task) for attempt in attempts]


def test_first_and_second_receipts_are_no_suspects():
    """A clean stop accounts for the second."""
    suspects, given = Suspects(5), jobs(1, 2)
    assert suspects.part(given) == given
    assert not suspects


def test_suspects_are_kept_and_the_others_returned():
    """In the order in which they came, on an even attempt."""
    suspects = Suspects(5)
    first, second, third, fourth = given = jobs(1, 4, 2, 4)
    assert suspects.part(given) == [first, third]
    assert len(suspects) == 2
    assert [suspects.next(), suspects.next()] == [second, fourth]
    assert not suspects


def test_every_other_attempt_begins_at_the_other_end():
    """So the harmless ones get past the one that kills."""
    suspects = Suspects(5)
    first, second = given = jobs(3, 3)
    suspects.part(given)
    assert [suspects.next(), suspects.next()] == [second, first]


def test_those_that_have_not_run_can_be_recalled():
    """On a stop; then there are none."""
    suspects, given = Suspects(5), jobs(4, 4)
    suspects.part(given)
    assert suspects.recall() == given
    assert suspects.recall() == []
