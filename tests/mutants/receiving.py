"""Mutants that receive too much, too late or too early, or mistake a wake."""

import time

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer


@caught_by(
    "receive_returns_at_most_limit_and_in_the_end_all",
    "more than the limit was delivered",
)
class ReturnsMoreThanTheLimit(DoubleConsumer):
    """Returns whatever it has got."""

    def _receive(self, limit, timeout):
        return super()._receive(limit + 1, timeout)


@caught_by("receive_returns_at_most_limit_and_in_the_end_all", "assert")
class LosesWhatIsBeyondTheLimit(DoubleConsumer):
    """Throws away what it should not have taken."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit + 1, timeout)
        return found[:limit]


@caught_by("receive_returns_at_most_limit_and_in_the_end_all", "assert 1 == 10")
class TellsOnePlaceForAll(DoubleConsumer):
    """Takes the number of the topic for that of the message."""

    def _receive(self, limit, timeout):
        found = super()._receive(limit, timeout)
        for delivery in found:
            delivery.position = 7
        return found


class Buffering(DoubleConsumer):
    """Takes more than it was asked for, and keeps it for later."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.buffer = []

    def _receive(self, limit, timeout):
        if not self.buffer:
            self.fill(limit, timeout)
        found, self.buffer = self.buffer[:limit], self.buffer[limit:]
        return found


@caught_by("no_more_than_the_limit_leaves_the_broker", "assert 10 <= 1|assert.*<= 1")
class Hoards(Buffering):
    """Takes ten at a time."""

    def fill(self, limit, timeout):
        self.buffer.extend(DoubleConsumer._receive(self, 10, timeout))


@caught_by("what_was_settled_makes_room_for_no_more_than_the_limit", "assert 2 <= 1")
class FetchesAhead(Buffering):
    """Has the next two at hand when one is done."""

    def fill(self, limit, timeout):
        self.buffer.extend(DoubleConsumer._receive(self, limit, timeout))

    def _ack(self, deliveries):
        super()._ack(deliveries)
        self.buffer.extend(DoubleConsumer._receive(self, 2, 0))


@caught_by("who_says_how_much_it_will_hold_gets_all_in_turn", "0 of 1 came")
class TakesPrefetchForATotal(DoubleBus):
    """Never makes room for more."""

    def _subscribe(self, topic, channel, *, prefetch, temporary):
        consumer = super()._subscribe(
            topic, channel, prefetch=prefetch, temporary=temporary
        )
        if prefetch is not None:
            with self.storage.changed:
                del consumer.stored.ready[prefetch:]
        return consumer


@caught_by("what_one_consumer_does_not_hold_another_gets", "assert")
class KeepsTheRestForItself(Buffering):
    """Has it all at hand."""

    def fill(self, limit, timeout):
        self.buffer.extend(DoubleConsumer._receive(self, 100, timeout))


@caught_by("what_comes_again_counts_towards_the_limit", "more than the limit")
class AddsWhatComesAgain(DoubleConsumer):
    """Takes what comes again first, and then as many as it was asked for."""

    def _receive(self, limit, timeout):
        old = [d for d in super()._receive(limit, timeout) if d.attempt > 1]
        return [*old, *super()._receive(limit, 0)] or super()._receive(limit, timeout)


@caught_by("receive_is_never_late", r"assert.*\+ 1\.0")
class IsLate(DoubleConsumer):
    """Rounds the timeout up."""

    def _receive(self, limit, timeout):
        return super()._receive(limit, timeout + 1.2)


@caught_by("receive_is_never_late", r"assert \(0\.4 - 0\.05\) <")
class DoesNotWait(DoubleConsumer):
    """Looks once."""

    def final_receive(self, limit, timeout):
        return super().receive(limit, 0)


@caught_by("receive_is_never_late", "_receive gives None, not a list of Delivery")
class ReturnsNoneForNothing(DoubleConsumer):
    """Knows two words for it."""

    def _receive(self, limit, timeout):
        return super()._receive(limit, timeout) or None


@caught_by("receive_returns_as_soon_as_there_is_one", r"assert.*< 1\.0")
class WaitsForItsWholeTimeout(DoubleConsumer):
    """Sleeps, and looks then."""

    def _receive(self, limit, timeout):
        if found := super()._receive(limit, 0):
            return found
        time.sleep(timeout)
        return super()._receive(limit, 0)


@caught_by("receive_returns_as_soon_as_there_is_one", r"assert.*< 1\.0")
class WaitsForTheLimit(DoubleConsumer):
    """Likes full batches."""

    def _receive(self, limit, timeout):
        found = list(super()._receive(limit, timeout))
        deadline = time.monotonic() + timeout
        while found and len(found) < limit and time.monotonic() < deadline:
            found += super()._receive(limit - len(found), 0.1)
        return found


@caught_by("a_bounded_stream_ends_after_its_last_message", "assert", bounded=True)
class NeverEnds(DoubleConsumer):
    """Declares an end that it does not tell."""


@caught_by("a_bounded_stream_ends_after_its_last_message", "assert", bounded=True)
class EndsTooEarly(DoubleConsumer):
    """Says that it is at the end before it begins."""

    def _exhausted(self):
        return True


@caught_by("a_stream_without_end_is_never_exhausted", "assert not True")
class SaysThatItIsExhausted(DoubleConsumer):
    """Takes a pause for the end."""

    def _exhausted(self):
        return not self.stored.ready


@caught_by("a_wake_ends_the_wait", r"assert 0\.25 <")
class WakeDoesNothing(DoubleConsumer):
    """Cannot be woken."""

    def _wake(self):
        pass


@caught_by("a_wake_before_the_wait_ends_it", r"assert.*< 1\.0")
class ForgetsAnEarlyWake(DoubleConsumer):
    """Begins each wait anew."""

    def final_receive(self, limit, timeout):
        self._woken = False
        return super().receive(limit, timeout)


@caught_by("a_wake_costs_no_message", "assert")
class AWakeCostsAMessage(DoubleConsumer):
    """Throws away what came together with the wake."""

    def final_receive(self, limit, timeout):
        woken = self._woken
        found = super().receive(limit, timeout)
        return () if woken else found
