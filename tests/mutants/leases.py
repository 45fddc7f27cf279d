"""Mutants that forget about leases, or about whose they are."""

import math
import time

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer
from task_core.api.consumer import Consumer
from task_core.errors import LeaseLostError


@caught_by(
    "a_lease_that_ends_brings_the_message_to_another",
    r"0 of 1 came: \[\]; .* when its lease is over: (0.4|1.6) s .* context.lease",
)
class ForgetsLeases(DoubleBus):
    """Waits for ever for its consumers."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.lease = 3600.0


@caught_by("a_lease_that_ends_brings_the_message_to_another", "assert.*>=")
class EndsLeasesEarly(DoubleBus):
    """Has no patience."""

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.lease /= 4


@caught_by("extending_keeps_a_delivery", "0 of 1 came")
class DeliversNothing(DoubleConsumer):
    """Cannot break what it never does."""

    def final_receive(self, limit, timeout):
        return ()


@caught_by("extending_keeps_a_delivery", "assert")
class ExtendDoesNothing(DoubleConsumer):
    """Says that it did."""

    def _extend(self, deliveries):
        pass


@caught_by("extending_one_does_not_extend_others", "again when its lease is over")
class ExtendsAllThatItHolds(DoubleConsumer):
    """Restarts the leases of a consumer, not of deliveries."""

    def _extend(self, deliveries):
        with self._changed:
            held = self.stored.owned_by(self)
            self.stored.extend(held, time.monotonic() + self.bus.lease)


@caught_by("who_lost_a_lease_settles_nothing", "DID NOT RAISE")
class SettlesWhatOthersHave(DoubleConsumer):
    """Does not look whose it is."""

    def _settle(self, deliveries, messages):
        with self._changed:
            held = [d for d in deliveries if self.stored.holds(d.token)]
        super()._settle(held, messages)


@caught_by("who_lost_a_lease_settles_nothing", r"assert \[b'late'\] == \[\]")
class SendsForLostLeases(DoubleConsumer):
    """Sends, and looks then whose it is."""

    def _settle(self, deliveries, messages):
        self.bus.shared_producer().send(messages)
        super()._settle(deliveries, ())


class SettlesLikeTheBase(DoubleConsumer):
    """Sends, and acknowledges then."""

    _settle = Consumer._settle

    def _ack(self, deliveries):
        DoubleConsumer._settle(self, deliveries, ())


LATE = "a late result was sent: {}"


@caught_by(
    "who_lost_a_lease_settles_nothing",
    LATE.format("with 'knows_lost = True' a consumer has a _settle of its own"),
)
class KnowsWhatIsLostTooLate(SettlesLikeTheBase):
    """Keeps the list of what is held from the base, and settles as it does."""


class ReckonsByItself(SettlesLikeTheBase):
    """Has a lease that the base knows nothing of."""

    knows_lost = False

    def _receive(self, limit, timeout):
        self.bus.lease = self.bus.told
        try:
            return super()._receive(limit, timeout)
        finally:
            self.bus.lease = math.inf


@caught_by(
    "who_lost_a_lease_settles_nothing",
    LATE.format("the base reckons with a lease of inf s, not with the (0.4|1.6) s of"),
)
class DoesNotPassItsLeaseOn(DoubleBus):
    """Calls the `__init__` of the base without it."""

    consumer_class = ReckonsByItself

    def __init__(self, options, context, capabilities):
        super().__init__(options, context, capabilities)
        self.told, self.lease = self.lease, math.inf


@caught_by("who_lost_a_lease_settles_nothing", "assert")
class DoesNotTellWhichAreLost(DoubleConsumer):
    """Only that some are."""

    def _settle(self, deliveries, messages):
        try:
            super()._settle(deliveries, messages)
        except LeaseLostError as error:
            raise LeaseLostError(str(error), []) from None


@caught_by("a_lost_lease_does_not_hinder_the_rest", "LeaseLostError")
class AcksTheRestToo(DoubleConsumer):
    """Does half of what it refuses."""

    def _settle(self, deliveries, messages):
        held = [d for d in deliveries if self.stored.holds(d.token)]
        self.stored.ack([delivery.token for delivery in held])
        super()._settle([d for d in deliveries if d not in held], messages)


@caught_by("giving_back_what_others_have_changes_nothing", "assert|LeaseLostError")
class TakesFromOthers(DoubleConsumer):
    """Gives back by the name of the message, whoever has it."""

    def _nack(self, deliveries, delay):
        bodies = {delivery.body for delivery in deliveries}
        with self._changed:
            leases = self.stored._leases.items()
            found = [t for t, item in leases if item.entry.message.body in bodies]
            self.stored.give_back(found, 0)
