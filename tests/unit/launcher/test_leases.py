"""Rules of `task_core.launcher.leases`: renewed at a third of their length."""

from task_core.api.message import Delivery
from task_core.errors import LeaseLostError
from task_core.launcher.job import Job
from task_core.launcher.leases import FOREVER, Leases, without_lost
from task_core.task import Task


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now


class Consumer:
    def __init__(self):
        self.extended = []

    def extend(self, deliveries):
        self.extended.append(list(deliveries))


def test_held_deliveries_are_extended_when_a_third_is_over():
    """Not sooner; then the next third begins."""
    clock, consumer = Clock(), Consumer()
    leases, job = (
        Leases(consumer, 30, clock),
        Job(Delivery(b"a"), Task(type="", info="")),
    )
    clock.now += 9.9
    leases.renew([job])
    assert consumer.extended == []
    assert round(leases.left, 6) == 0.1
    clock.now += 0.2
    leases.renew([job])
    leases.renew([job])
    assert consumer.extended == [[job.delivery]]
    assert leases.left == 10


def test_nothing_held_is_nothing_to_extend():
    """No empty call reaches the bus; time goes on."""
    clock, consumer = Clock(), Consumer()
    leases = Leases(consumer, 30, clock)
    clock.now += 60
    assert leases.left == 0
    leases.renew([])
    assert consumer.extended == []
    assert leases.left == 10


def test_a_bus_without_leases_is_never_asked():
    """However long it takes."""
    clock, consumer = Clock(), Consumer()
    leases = Leases(consumer, FOREVER, clock)
    clock.now += 1e9
    leases.renew([Job(Delivery(b"a"), Task(type="", info=""))])
    assert consumer.extended == []
    assert leases.left == FOREVER


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
