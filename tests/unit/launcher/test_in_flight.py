"""Rules of `task_core.launcher.in_flight`: what is held is kept, or goes back, once."""

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery
from task_core.api.worker import complete, interrupted
from task_core.clock import SystemClock
from task_core.errors import LeaseLostError
from task_core.launcher.context import Job
from task_core.launcher.in_flight import WIDEST, InFlight, Window, without_lost
from task_core.launcher.outbox import Outbox
from task_core.launcher.plan import Plan
from task_core.launcher.stats import Stats
from task_core.task import Task


def job(info, outcome=None):
    task = Task(type="load", info=info)
    return Job(Delivery(b"", info), task, outcome or complete())


class Clock(SystemClock):
    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def make(script, hooks):
    def make(clock=None, **capabilities):
        bus = script(capabilities=Capabilities(**capabilities))
        clock, plan = clock or SystemClock(), Plan(lease=30.0).completed("load")
        stats = Stats(clock)
        outbox = Outbox(plan, None, stats, hooks(), clock)
        in_flight = InFlight(plan, bus, outbox, stats, clock)
        return in_flight, bus.subscribe("load", "load"), outbox

    return make


def test_what_is_given_back_is_held_no_more(make):
    """Where the bus takes it: at once, and without a done task."""
    in_flight, consumer, outbox = make(ack=True, nack=True)
    held = [job("a"), job("b")]
    in_flight.jobs.update(held)
    in_flight.give_back(held[:1], consumer)
    outbox.flush(consumer)
    assert (consumer.bus.given_back, consumer.bus.sent) == (["a"], [])
    assert in_flight.jobs == {held[1]}


def test_without_nack_what_is_not_acknowledged_goes_back_by_itself(make):
    """When the consumer closes."""
    in_flight, consumer, outbox = make(ack=True)
    in_flight.give_back([job("a")], consumer)
    outbox.flush(consumer)
    assert (consumer.bus.given_back, consumer.bus.settles) == ([], [])


def test_without_acknowledgement_there_is_a_done_task_that_says_why(make):
    """Stamped as if it had run."""
    in_flight, consumer, outbox = make()
    in_flight.give_back([job("a")], consumer)
    outbox.flush(consumer)
    done = consumer.bus.done[0]
    assert (done.result, done.msg) == ("error", "task interrupted")
    assert done.started
    assert done.ended


def test_only_unfinished_jobs_are_taken_back(make):
    """The others are to be settled, in their order."""
    in_flight, consumer, _ = make(ack=True, nack=True)
    jobs = [job("a"), job("b", interrupted()), job("c")]
    assert in_flight.take_back_unfinished(jobs, consumer) == [jobs[0], jobs[2]]
    assert consumer.bus.given_back == ["b"]


def test_nothing_to_give_back_is_no_call(make):
    """The bus is left alone."""
    in_flight, consumer, _ = make(ack=True, nack=True)
    in_flight.give_back([], consumer)
    assert in_flight.take_back_unfinished([], consumer) == []
    assert consumer.bus.given_back == []


def test_held_deliveries_are_extended_when_a_third_is_over(make):
    """Not sooner; then the next third begins. What waits to be settled is held too."""
    clock = Clock()
    in_flight, consumer, outbox = make(clock, ack=True, lease=True)
    in_flight.jobs.add(job("a"))
    outbox.add_jobs([job("b")])
    clock.now += 9.9
    in_flight.renew(consumer)
    assert consumer.bus.extended == []
    assert round(in_flight.renewal_in, 6) == 0.1
    clock.now += 0.2
    assert in_flight.renew(consumer)
    assert not in_flight.renew(consumer)
    assert consumer.bus.extended == [["a", "b"]]
    assert in_flight.renewal_in == 10


def test_nothing_held_is_nothing_to_extend(make):
    """No empty call reaches the bus; time goes on."""
    clock = Clock()
    in_flight, consumer, _ = make(clock, ack=True, lease=True)
    clock.now += 60
    assert in_flight.renewal_in == 0
    assert not in_flight.renew(consumer)
    assert consumer.bus.extended == []
    assert in_flight.renewal_in == 10


def test_a_bus_without_leases_is_never_asked(make):
    """However long it takes."""
    clock = Clock()
    in_flight, consumer, _ = make(clock, ack=True)
    in_flight.jobs.add(job("a"))
    clock.now += 1e9
    in_flight.renew(consumer)
    assert consumer.bus.extended == []
    assert in_flight.renewal_in == float("inf")


def test_what_is_lost_is_left_out_and_the_rest_renewed():
    """One lost lease must not cost the others theirs."""
    deliveries = [Delivery(b"a"), Delivery(b"b"), Delivery(b"c")]
    renewed = []

    def extend(some):
        if deliveries[1] in some:
            raise LeaseLostError("lost", [deliveries[1]])
        renewed.extend(some)

    assert without_lost(extend, deliveries) == 1
    assert renewed == [deliveries[0], deliveries[2]]


def jobs(seconds, count=1):
    task = Task(type="load", info="")
    return [Job(Delivery(b""), task, took=seconds) for _ in range(count)]


def test_it_begins_strict():
    """Nothing is known about the tasks yet."""
    assert Window(4).size == 4


@pytest.mark.parametrize("seconds", [0.051, 1, 3600])
def test_slow_tasks_have_no_buffer(seconds):
    """However many slots there are."""
    window = Window(8)
    window.measure(jobs(seconds))
    assert window.size == 8


def test_the_buffer_is_worth_50_milliseconds():
    """For each slot, after it has grown."""
    window = Window(2)
    for _ in range(10):
        window.measure(jobs(0.01))
    assert window.buffer == 2 * 5


def test_it_grows_twofold_at_most_and_shrinks_at_once():
    """One lucky task is no proof."""
    window = Window(1)
    window.measure(jobs(0))
    assert window.buffer == 2
    window.measure(jobs(0))
    assert window.buffer == 6
    window.measure(jobs(1))
    assert window.buffer == 0


def test_it_has_a_widest():
    """However tiny the tasks are."""
    window = Window(3)
    for _ in range(20):
        window.measure(jobs(0, 5))
    assert window.buffer == WIDEST


def test_a_stall_closes_it():
    """No job finished for longer than the buffer was to last."""
    window = Window(1)
    window.measure(jobs(0))
    window.stall(0.049)
    assert window.buffer == 2
    window.stall(0.05)
    assert window.buffer == 0


def test_a_fixed_window_learns_nothing():
    """`--prefetch N`; 0 is strict."""
    for fixed in (0, 7):
        window = Window(2, fixed)
        window.measure(jobs(0, 5))
        window.stall(60)
        assert window.size == 2 + fixed


def test_stalls_are_looked_for_only_while_there_is_something_to_lose():
    """A strict or fixed window costs no wake-ups."""
    window = Window(1)
    assert window.stalls_after == float("inf")
    window.measure(jobs(0))
    assert window.stalls_after == 0.05
    assert Window(1, 5).stalls_after == float("inf")
