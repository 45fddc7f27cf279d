"""Mutants that settle wrongly, or forget about leases."""

from collections import Counter

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


@caught_by("what_was_given_back_comes_again", "assert")
class LosesOnNack(DoubleConsumer):
    """Takes it for an ack."""

    def _nack(self, deliveries, delay):
        self._ack(deliveries)


@caught_by("what_was_given_back_comes_again", "assert")
class AcksAtTheSecondReceipt(DoubleConsumer):
    """Gives every message two chances."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        self._ack([delivery for delivery in found if delivery.attempt > 1])
        return found

    def _nack(self, deliveries, delay):
        super()._nack([d for d in deliveries if d.attempt == 1], delay)


NACK_DELAY = "a_nack_with_delay_comes_after_it_and_not_before"


@caught_by(NACK_DELAY, "assert.*b'1'")
class IgnoresTheDelayOfANack(DoubleConsumer):
    """Gives it back at once."""

    def _nack(self, deliveries, delay):
        super()._nack(deliveries, 0)


@caught_by(NACK_DELAY, "assert")
class TheDelayOfANackNeverEnds(DoubleConsumer):
    """Takes seconds for hours."""

    def _nack(self, deliveries, delay):
        super()._nack(deliveries, delay * 3600)


@caught_by("attempts_count_the_receipts_of_a_message", "assert")
class AttemptsAreAlwaysOne(DoubleConsumer):
    """Does not count."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.attempt = 1
        return found


@caught_by("a_lease_that_ends_counts_as_an_attempt", r"assert \(1, 0\) == \(2, 0\)")
class CountsNacksOnly(DoubleConsumer):
    """Does not see that a message kills its workers."""

    nacks = Counter()  # noqa: RUF012  of the process

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.attempt = 1 + self.nacks[delivery.body]
        return found

    def _nack(self, deliveries, delay):
        self.nacks.update(delivery.body for delivery in deliveries)
        super()._nack(deliveries, delay)


@caught_by("a_lease_that_ends_counts_as_an_attempt", r"assert \(2, 1\) == \(2, 0\)")
class TakesALostLeaseForReturned(DoubleConsumer):
    """Thinks well of its consumers."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.returned = delivery.attempt - 1
        return found


@caught_by("attempts_count_the_receipts_of_a_message", "assert")
class IsSureOfNothing(DoubleConsumer):
    """Says of more receipts than there were that they may be no losses."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.unsure = delivery.attempt
        return found


@caught_by("attempts_count_the_receipts_of_a_message", "assert")
class CountsReturnsInAdvance(DoubleConsumer):
    """Says that it was given back once more than it was."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.returned = delivery.attempt
        return found


@caught_by(
    "what_was_given_back_is_told_apart_from_deaths",
    r"assert \(3, 0, 0\) == \(3, 2, 0\)",
)
class TakesStopsForDeaths(DoubleConsumer):
    """Counts receipts, and not what was given back."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.returned = 0
        return found


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


@caught_by(REFUSED, "LeaseLostError")
class GivesUpWhatItCouldNotSettle(DoubleConsumer):
    """Lets others have it."""

    def final_settle(self, deliveries, messages):
        try:
            super().settle(deliveries, messages)
        except PayloadError:
            self.nack(deliveries)
            raise
