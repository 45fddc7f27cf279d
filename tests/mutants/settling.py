"""Mutants that acknowledge wrongly, or do half of a `settle`."""

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer
from task_core.errors import PayloadError


@caught_by("what_was_acknowledged_never_comes_again", "assert")
class AckDoesNothing(DoubleConsumer):
    """Leaves it in flight."""

    def _ack(self, deliveries):
        pass


@caught_by("what_was_not_acknowledged_comes_again", "assert")
class AcksOnReceive(DoubleConsumer):
    """Delivers at most once."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        super()._ack(found)
        return found


@caught_by("what_was_not_acknowledged_comes_again", "assert")
class CloseGivesNothingBack(DoubleConsumer):
    """Leaves it to the lease."""

    def _close(self):
        pass


@caught_by("closing_the_bus_gives_back_too", "assert")
class ClosingTheBusGivesNothingBack(DoubleBus):
    """Only closes itself."""

    def final_close(self):
        self.closed = True


@caught_by("one_ack_does_not_acknowledge_others", "assert")
class OneAckAcksAll(DoubleConsumer):
    """Knows only a position in the stream."""

    def _ack(self, deliveries):
        with self._changed:
            self.stored.ack(self.stored.owned_by(self))


@caught_by("one_ack_does_not_acknowledge_others", "assert")
class OneAckAcksAllBefore(DoubleConsumer):
    """Commits a position in the stream, whatever is before it."""

    def _ack(self, deliveries):
        last = max(delivery.token for delivery in deliveries)
        with self._changed:
            held = self.stored.owned_by(self)
            self.stored.ack([token for token in held if token <= last])


SETTLES = "settle_sends_and_acknowledges"


@caught_by(SETTLES, "assert")
class SettleForgetsToAck(DoubleConsumer):
    """Only sends."""

    def _settle(self, deliveries, messages):
        super()._settle([], messages)


@caught_by(SETTLES, r"assert \[\] ==")
class SettleForgetsToSend(DoubleConsumer):
    """Only acknowledges."""

    def _settle(self, deliveries, messages):
        super()._settle(deliveries, [])


@caught_by("settle_without_messages_acknowledges", "assert")
class SettleWantsMessages(DoubleConsumer):
    """Has nothing to do without them."""

    def _settle(self, deliveries, messages):
        if messages:
            super()._settle(deliveries, messages)


@caught_by("settle_without_acks_only_sends", "assert")
class SettleWantsDeliveries(DoubleConsumer):
    """Has nothing to do without them."""

    def _settle(self, deliveries, messages):
        if deliveries:
            super()._settle(deliveries, messages)


@caught_by("a_settle_that_fails_acknowledges_nothing", "assert")
class SettleAcksBeforeItSends(DoubleConsumer):
    """Loses tasks when sending fails."""

    def final_settle(self, deliveries, messages):
        self.ack(deliveries)
        super().settle([], messages)


REFUSED = "a_refused_message_does_not_hinder_the_rest"


@caught_by(REFUSED, r"assert \(\) == \(1, 3\)")
class SaysThatSomethingIsWrong(DoubleConsumer):
    """One bad message of a thousand holds up the others."""

    def final_settle(self, deliveries, messages):
        try:
            super().settle(deliveries, messages)
        except PayloadError as error:
            raise PayloadError(str(error)) from None


@caught_by(REFUSED, r"assert \(1,\) == \(1, 3\)")
class FindsOneAfterTheOther(DoubleConsumer):
    """Sends as many round trips as there are wrong messages."""

    def final_settle(self, deliveries, messages):
        try:
            super().settle(deliveries, messages)
        except PayloadError as error:
            raise PayloadError(str(error), error.refused[:1]) from None


@caught_by(REFUSED, r"assert \[b'a', b'a', b'b'\] == \[b'a', b'b'\]")
class SettleSendsTheOthersFirst(DoubleConsumer):
    """Finds the wrong one on its way."""

    def _settle(self, deliveries, messages):
        producer = self.bus.producer()
        for at, message in enumerate(messages):
            try:
                producer.send([message])
            except PayloadError as error:
                raise PayloadError(str(error), [at]) from None
        super()._settle(deliveries, [])


@caught_by(REFUSED, r"assert \(0,\) == \(1,\)")
class SettleTellsNotWhich(DoubleConsumer):
    """Takes the first for the wrong one."""

    def _settle(self, deliveries, messages):
        try:
            super()._settle(deliveries, messages)
        except PayloadError as error:
            raise PayloadError(str(error), [0]) from None


@caught_by(REFUSED, "LeaseLostError")
class GivesUpWhatItCouldNotSettle(DoubleConsumer):
    """Lets others have it."""

    def final_settle(self, deliveries, messages):
        try:
            super().settle(deliveries, messages)
        except PayloadError:
            self.nack(deliveries)
            raise
