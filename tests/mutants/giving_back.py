"""Mutants that give back wrongly, or miscount what was given back."""

from collections import Counter

from mutants.catalog import caught_by
from mutants.double import DoubleConsumer


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


GIVES_ONE_BACK = "giving_one_back_leaves_the_others"


@caught_by(GIVES_ONE_BACK, "in (0.8|3.2) s, .* did not come")
class NackAcksTheOthers(DoubleConsumer):
    """Goes on from what was given back, whatever came before and after it."""

    def _nack(self, deliveries, delay):
        super()._nack(deliveries, delay)
        with self._changed:
            self.stored.ack(list(self.stored.owned_by(self)))


@caught_by(GIVES_ONE_BACK, "assert")
class NackGivesBackAll(DoubleConsumer):
    """Knows only a position in the stream, and goes back to it."""

    def _nack(self, deliveries, delay):
        with self._changed:
            self.stored.give_back(list(self.stored.owned_by(self)), 0)


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
