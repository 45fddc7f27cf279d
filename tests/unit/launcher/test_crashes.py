"""Rules of tasks whose process died of them: when they are dead."""

from types import SimpleNamespace

import pytest

from task_core.api import Capabilities, Delivery, Task, encode_task
from task_core.launcher.context import Job
from task_core.launcher.crashes import Crashes

BODY = encode_task(Task.new("work", "x"))


@pytest.fixture
def fates():
    """Return what becomes of deaths, each told by (attempt, returned)."""

    def fates(*receipts):
        given, dead = [], []
        in_flight = SimpleNamespace(give_back=lambda jobs, _: given.append(jobs))
        outbox = SimpleNamespace(add_dead=lambda _, reason: dead.append(reason))
        plan = SimpleNamespace(max_attempts=3)
        bus = SimpleNamespace(capabilities=Capabilities(nack=True, attempts=True))
        crashes = Crashes(plan, bus, in_flight, outbox)
        for attempt, returned in receipts:
            job = Job(Delivery(BODY, None, attempt, None, returned), Task.new("work"))
            job.killed = "exited with 9"
            assert crashes.sort([job], None) == []
        return len(given), dead

    return fates


def test_what_kills_its_process_each_time_is_dead_in_the_end(fates):
    """What we have given back for that is no stop."""
    given, dead = fates((1, 0), (2, 1), (3, 2))
    assert (given, dead) == (2, ["its process exited with 9, at receipt 3"])


def test_clean_stops_are_no_deaths(fates):
    """A task that was given back by many stops has one death, as any other."""
    assert fates((7, 6)) == (1, [])


def test_launchers_that_died_count(fates):
    """Receipts that ended in no way that is known."""
    given, dead = fates((3, 0))
    assert (given, len(dead)) == (0, 1)


def test_a_few_launchers_are_not_killed_in_turn_for_ever(fates):
    """What others have given back for that looks like stops: twice here is enough."""
    given, dead = fates((4, 3), (9, 8))
    assert (given, len(dead)) == (1, 1)
