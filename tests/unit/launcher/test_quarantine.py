"""Rules of `task_core.launcher.quarantine`: what may have killed runs alone."""

from task_core.api.message import Delivery
from task_core.launcher.context import Job
from task_core.launcher.quarantine import Quarantine
from task_core.task import Task


def jobs(*attempts):
    task = Task(type="load", info="")
    return [Job(Delivery(b"", None, attempt), task) for attempt in attempts]


def test_first_and_second_receipts_are_no_suspects():
    """A clean stop accounts for the second."""
    quarantine, given = Quarantine(5), jobs(1, 2)
    assert quarantine.part(given) == given
    assert not quarantine


def test_suspects_are_kept_and_the_others_returned():
    """In the order in which they came, on an even attempt."""
    quarantine = Quarantine(5)
    first, second, third, fourth = given = jobs(1, 4, 2, 4)
    assert quarantine.part(given) == [first, third]
    assert len(quarantine) == 2
    assert [quarantine.next(), quarantine.next()] == [second, fourth]
    assert not quarantine


def test_every_other_attempt_begins_at_the_other_end():
    """So the harmless ones get past the one that kills."""
    quarantine = Quarantine(5)
    first, second = given = jobs(3, 3)
    quarantine.part(given)
    assert [quarantine.next(), quarantine.next()] == [second, first]


def test_those_that_have_not_run_can_be_recalled():
    """On a stop; then there are none."""
    quarantine, given = Quarantine(5), jobs(4, 4)
    quarantine.part(given)
    assert quarantine.recall() == given
    assert quarantine.recall() == []
