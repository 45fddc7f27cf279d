"""Mutants that close wrongly, or go on afterwards."""

# ruff: noqa: D106, N801  a nested class is the value of an attribute

import threading
import time

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer, DoubleProducer


@caught_by("the_public_methods_are_those_of_the_contract", "replaced: wake")
class WakesInItsOwnWay(DoubleConsumer):
    """Knows better than the contract."""

    def final_wake(self):
        super().wake()


@caught_by("the_public_methods_are_those_of_the_contract", "replaced: subscribe")
class ReplacesAMethodOfAnObject(DoubleBus):
    """After it was made."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.subscribe = super().subscribe


@caught_by("the_bus_has_the_name_of_its_plugin", "assert 'memory' == 'double'")
class HasAnotherName(DoubleBus):
    """Calls itself as what it is made of."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.name = "memory"


@caught_by("a_bus_may_be_closed_before_its_first_use", "AttributeError")
class CannotCloseUnused(DoubleBus):
    """Closes a connection that it never made."""

    connection = None

    def _subscribe(self, topic, channel, **hints):
        self.connection = []
        return super()._subscribe(topic, channel, **hints)

    def _producer(self):
        self.connection = []
        return super()._producer()

    def _close(self):
        self.connection.copy()
        super()._close()


@caught_by("closing_twice_is_no_error", r"super\(\).__init__\(bus, topic, channel\)")
class ConsumerOfItsOwn(DoubleConsumer):
    """Has an `__init__` of its own, and nothing of the base's."""

    def __init__(self, bus, topic, channel, **more):
        pass


@caught_by("closing_twice_is_no_error", r"super\(\).__init__\(name, capabilities\)")
class BusOfItsOwn(DoubleBus):
    """Has an `__init__` of its own, and nothing of the base's."""

    def __init__(self, options, context, capabilities):
        pass


@caught_by("closing_twice_is_no_error", "RuntimeError")
class CannotCloseTwice(DoubleConsumer):
    """Is surprised."""

    def final_close(self):
        if self.closed:
            raise RuntimeError("closed already")
        super().close()


@caught_by("closing_twice_is_no_error", "RuntimeError")
class CannotCloseAProducerTwice(DoubleProducer):
    """Is surprised."""

    def final_close(self):
        if self.closed:
            raise RuntimeError("closed already")
        super().close()


@caught_by(
    "a_consumer_may_be_closed_before_its_first_receive", "has no attribute 'session'"
)
class CannotCloseBeforeReceive(DoubleConsumer):
    """Ends a session that the first receive would have begun."""

    def _receive(self, limit, timeout):
        self.session = []
        return super()._receive(limit, timeout)

    def _close(self):
        self.session.clear()
        super()._close()


@caught_by("a_consumer_may_be_closed_before_its_first_receive", "assert")
class ClosingUnusedLosesMessages(DoubleConsumer):
    """Takes when it subscribes, and forgets when it closes."""

    def _close(self):
        with self._changed:
            self.stored.ready.clear()
        super()._close()


@caught_by("a_closed_consumer_refuses", "DID NOT RAISE")
class DeliversAfterClose(DoubleConsumer):
    """Does not look."""

    def _check_open(self):
        pass


@caught_by("a_closed_producer_refuses", "DID NOT RAISE")
class SendsAfterClose(DoubleProducer):
    """Does not look."""

    def _check_open(self):
        pass


@caught_by("a_closed_producer_refuses", "assert")
class SendsAndThenSeesThatItIsClosed(DoubleProducer):
    """Looks too late."""

    def final_send(self, messages):
        self._send(messages)
        self._check_open()


@caught_by("a_closed_bus_closes_what_it_made", "DID NOT RAISE")
class ForgetsItsConsumers(DoubleBus):
    """Only closes itself."""

    def final_close(self):
        self.closed = True

    class consumer_class(DoubleConsumer):
        def _check_open(self):
            pass


@caught_by("a_closed_bus_closes_what_it_made", "DID NOT RAISE")
class ForgetsItsProducers(DoubleBus):
    """Closes its consumers only."""

    class producer_class(DoubleProducer):
        def _check_open(self):
            pass


@caught_by("a_closed_bus_makes_nothing_new", "DID NOT RAISE")
class ReopensInSilence(DoubleBus):
    """Connects again when it is asked."""

    def _check_open(self):
        pass


@caught_by("a_closed_consumer_settles_nothing", r"assert \[b'late'\] == \[\]")
class SendsForAClosedConsumer(DoubleConsumer):
    """Sends, and looks then whether it may acknowledge."""

    def final_settle(self, deliveries, messages):
        self.bus.shared_producer().send(messages)
        self.ack(deliveries)


@caught_by("a_closed_consumer_settles_nothing", "DID NOT RAISE")
class SettlesAfterClose(DoubleConsumer):
    """Does not look whether it has anything."""

    def final_settle(self, deliveries, messages):
        if not self.closed:
            super().settle(deliveries, messages)


@caught_by("a_closed_bus_answers_nothing", "DID NOT RAISE")
class AnswersAfterClose(DoubleBus):
    """Connects again when it is asked."""

    def final_depth(self, topic, channel):
        return self._depth(topic, channel)


@caught_by("a_closed_bus_answers_nothing", "DID NOT RAISE")
class PingsAfterClose(DoubleBus):
    """Only looks whether the broker is there."""

    def final_ping(self):
        self.reach()


class Belled(DoubleConsumer):
    """Is woken by a bell of its own."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.bell = threading.Event()

    def final_wake(self):
        self.bell.set()
        super().wake()


@caught_by("a_wake_after_close_is_no_error", "AttributeError")
class CannotBeWokenAfterClose(Belled):
    """Has given its bell away."""

    def _close(self):
        super()._close()
        self.bell = None


@caught_by("closing_while_others_wake_is_safe", "AttributeError")
class IsWokenWhileItCloses(Belled):
    """Takes its bell apart, and puts it together again."""

    def _close(self):
        bell, self.bell = self.bell, None
        time.sleep(0.05)
        self.bell = bell
        super()._close()


@caught_by("another_thread_may_go_on", "used in another thread")
class BelongsToOneThread(DoubleConsumer):
    """Has a connection that can be used where it was made alone."""

    owner = 0

    def _receive(self, limit, timeout):
        self.owner = self.owner or threading.get_ident()
        if threading.get_ident() != self.owner:
            raise RuntimeError("used in another thread than it was made in")
        return super()._receive(limit, timeout)
