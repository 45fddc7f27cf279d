"""Rules of `task_core.launcher.custody`: what is not finished goes back, once."""

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.api.worker import complete, interrupted
from task_core.clock import SystemClock
from task_core.launcher.custody import Custody
from task_core.launcher.job import Job
from task_core.launcher.settling import Settler
from task_core.launcher.stats import Stats
from task_core.task import Task


def job(info, outcome):
    return Job(Delivery(b"", info), Task(type="load", info=info), outcome)


@pytest.fixture
def make(script, hooks):
    def make(**capabilities):
        bus = script(capabilities=Capabilities(**capabilities))
        consumer, clock = bus.subscribe("load", "load"), SystemClock()
        stats = Stats(clock)
        settler = Settler(bus, consumer, "done", None, stats, hooks())
        return Custody(bus, consumer, settler, stats, clock), bus, settler

    return make


def test_what_is_given_back_is_held_no_more(make):
    """Where the bus takes it: at once, and without a done task."""
    custody, bus, settler = make(ack=True, nack=True)
    held = [job("a", complete()), job("b", complete())]
    custody.jobs.update(held)
    custody.give_back(held[:1])
    settler.flush()
    assert (bus.given_back, bus.sent) == (["a"], [])
    assert custody.jobs == {held[1]}


def test_without_nack_what_is_not_acknowledged_goes_back_by_itself(make):
    """When the consumer closes."""
    custody, bus, settler = make(ack=True)
    custody.give_back([job("a", complete())])
    settler.flush()
    assert (bus.given_back, bus.settles) == ([], [])


def test_without_acknowledgement_there_is_a_done_task_that_says_why(make):
    """Stamped as if it had run."""
    custody, bus, settler = make()
    custody.give_back([job("a", complete())])
    settler.flush()
    done = bus.done[0]
    assert (done.result, done.msg) == ("error", "task interrupted")
    assert done.started
    assert done.ended


def test_only_unfinished_jobs_are_taken_back(make):
    """The others are to be settled, in their order."""
    custody, bus, _ = make(ack=True, nack=True)
    jobs = [job("a", complete()), job("b", interrupted()), job("c", complete())]
    assert custody.take_back_unfinished(jobs) == [jobs[0], jobs[2]]
    assert bus.given_back == ["b"]


def test_nothing_to_give_back_is_no_call(make):
    """The bus is left alone."""
    custody, bus, _ = make(ack=True, nack=True)
    custody.give_back([])
    assert custody.take_back_unfinished([]) == []
    assert bus.given_back == []
