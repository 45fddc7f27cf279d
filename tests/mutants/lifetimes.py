"""Mutants that close wrongly, or go on afterwards."""

# ruff: noqa: D106, N801  a nested class is the value of an attribute

import time

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer, DoubleProducer


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

    def subscribe(self, topic, channel):
        self.connection = self._open
        return super().subscribe(topic, channel)

    def producer(self):
        self.connection = self._open
        return super().producer()

    def close(self):
        self.connection.copy()
        super().close()


@caught_by("closing_twice_is_no_error", "RuntimeError")
class CannotCloseTwice(DoubleConsumer):
    """Is surprised."""

    def close(self):
        if self.closed:
            raise RuntimeError("closed already")
        super().close()


@caught_by("closing_twice_is_no_error", "RuntimeError")
class CannotCloseAProducerTwice(DoubleProducer):
    """Is surprised."""

    def close(self):
        if self.closed:
            raise RuntimeError("closed already")
        super().close()


@caught_by(
    "a_consumer_may_be_closed_before_its_first_receive", "has no attribute 'session'"
)
class CannotCloseBeforeReceive(DoubleConsumer):
    """Ends a session that the first receive would have begun."""

    def receive(self, limit, timeout):
        self.session = []
        return super().receive(limit, timeout)

    def close(self):
        self.session.clear()
        super().close()


@caught_by("a_consumer_may_be_closed_before_its_first_receive", "assert")
class ClosingUnusedLosesMessages(DoubleConsumer):
    """Takes when it subscribes, and forgets when it closes."""

    def close(self):
        if not self.closed:
            with self._lock:
                self.stored.ready.clear()
        super().close()


@caught_by("a_closed_consumer_refuses", "DID NOT RAISE")
class DeliversAfterClose(DoubleConsumer):
    """Does not look."""

    def check_open(self):
        pass


@caught_by("a_closed_producer_refuses", "DID NOT RAISE")
class SendsAfterClose(DoubleProducer):
    """Does not look."""

    def check_open(self):
        pass


@caught_by("a_closed_producer_refuses", "assert")
class SendsAndThenSeesThatItIsClosed(DoubleProducer):
    """Looks too late."""

    def send(self, messages):
        self.put(messages)
        self.check_open()


@caught_by("a_closed_bus_closes_what_it_made", "DID NOT RAISE")
class ForgetsItsConsumers(DoubleBus):
    """Only closes itself."""

    def close(self):
        self.closed = True

    class consumer_class(DoubleConsumer):
        def check_open(self):
            pass


@caught_by("a_closed_bus_closes_what_it_made", "DID NOT RAISE")
class ForgetsItsProducers(DoubleBus):
    """Closes its consumers only."""

    class producer_class(DoubleProducer):
        def check_open(self):
            pass


@caught_by("a_closed_bus_makes_nothing_new", "DID NOT RAISE")
class ReopensInSilence(DoubleBus):
    """Connects again when it is asked."""

    def check_open(self):
        pass


@caught_by("a_closed_consumer_settles_nothing", r"assert \[b'late'\] == \[\]")
class SendsForAClosedConsumer(DoubleBus):
    """Sends, and looks then whether it may acknowledge."""

    def settle(self, consumer, deliveries, messages):
        self.producer().send(messages)
        consumer.ack(deliveries)


@caught_by("a_closed_consumer_settles_nothing", "DID NOT RAISE")
class SettlesAfterClose(DoubleConsumer):
    """Does not look whether it has anything."""

    def settle(self, deliveries):
        if not self.closed:
            super().settle(deliveries)


@caught_by("a_closed_bus_answers_nothing", "DID NOT RAISE")
class AnswersAfterClose(DoubleBus):
    """Connects again when it is asked."""

    def depth(self, topic, channel):
        closed, self.closed = self.closed, False
        try:
            return super().depth(topic, channel)
        finally:
            self.closed = closed


@caught_by("a_closed_bus_answers_nothing", "DID NOT RAISE")
class PingsAfterClose(DoubleBus):
    """Only looks whether the broker is there."""

    def ping(self):
        self.reach()


@caught_by("a_wake_after_close_is_no_error", "AttributeError")
class CannotBeWokenAfterClose(DoubleConsumer):
    """Has given its bell away."""

    def close(self):
        super().close()
        self._bell = None


@caught_by("closing_while_others_wake_is_safe", "AttributeError")
class IsWokenWhileItCloses(DoubleConsumer):
    """Takes its bell apart, and puts it together again."""

    def close(self):
        bell, self._bell = self._bell, None
        time.sleep(0.05)
        self._bell = bell
        super().close()
