"""Mutants that cannot stand trouble: nobody there, a wrong login, a restart."""

import time

import attrs

from mutants.catalog import caught_by
from mutants.double import (
    SECRET,
    Broker,
    DoubleBus,
    DoubleConsumer,
    DoubleOptions,
    DoubleProducer,
)
from task_core.errors import BusConnectionError, BusError, LeaseLostError, SendError
from task_core.options import option

ADDRESS = "an_address_where_nobody_is_gives_a_connection_error"
LOGIN = "a_refused_login_is_told_without_its_secret"


class Retold(DoubleBus):
    """Says in its own words that the broker cannot be reached."""

    def reach(self):
        try:
            super().reach()
        except BusConnectionError as error:
            raise self.told(error) from None


@caught_by(ADDRESS, "ConnectionRefusedError")
class LeaksTheErrorsOfItsDriver(Retold):
    """Lets them through."""

    def told(self, error):
        return ConnectionRefusedError(111, str(error))


@caught_by(ADDRESS, "BusError")
class TakesADeadBrokerForAnError(Retold):
    """Nobody would try again."""

    def told(self, error):
        return BusError(str(error))


@caught_by(ADDRESS, "assert '.*' in 'not connected'")
class HidesTheAddress(Retold):
    """Says that something is wrong, somewhere."""

    def told(self, error):
        return BusConnectionError("not connected")


@caught_by(ADDRESS, r"assert '\\n' not in")
class TellsAStory(Retold):
    """In many lines."""

    def told(self, error):
        return BusConnectionError(f"{error}\nbecause of this and that")


@caught_by(ADDRESS, "DID NOT RAISE")
class PingsNobody(DoubleBus):
    """Is content with itself."""

    def _ping(self):
        pass


class Guarded(DoubleBus):
    """Says in its own words that the login was refused."""

    def reach(self):
        if self.options.secret != SECRET:
            raise self.told()
        super().reach()


@caught_by(LOGIN, "assert.*BusConnectionError")
class WouldLogInForEver(Guarded):
    """Takes a refusal for an outage."""

    def told(self):
        return BusConnectionError("the login was refused")


@caught_by(LOGIN, "assert 'open barley' not in")
class ShowsTheSecret(Guarded):
    """Quotes what it said."""

    def told(self):
        return BusError(f"the login with '{self.options.secret}' was refused")


@caught_by(LOGIN, "DID NOT RAISE")
class ServesStrangers(DoubleBus):
    """Goes on without a login."""

    def reach(self):
        if self.options.secret == SECRET:
            super().reach()


@caught_by(LOGIN, "assert 'open barley' not in")
@attrs.frozen(kw_only=True, eq=False)
class HasAnOpenSecret(DoubleOptions):
    """Prints it with the other options."""

    secret: str = option(SECRET, help="Of the login.")


@caught_by(LOGIN, "assert 'open barley' not in")
class ShowsWhatItsDriverSaid(Guarded):
    """Quotes nothing itself, but what led to it."""

    def told(self):
        error = BusError("the login was refused")
        error.__cause__ = ValueError(f"wrong: {self.options.secret}")
        return error


class Remembering(DoubleBus):
    """Knows whether its connection was ever lost."""

    lost = False

    def reach(self):
        try:
            super().reach()
        except BusConnectionError:
            self.lost = True
            raise
        if self.lost:
            self.after_loss()

    def after_loss(self):
        raise BusConnectionError("the connection is lost")


@caught_by("a_producer_goes_on_after_a_restart", "the connection is lost")
class NeverConnectsAgain(Remembering):
    """One outage is its end."""


@caught_by("a_producer_goes_on_after_a_restart", "BusClosedError")
class ClosesItselfInAnOutage(Remembering):
    """One outage is its end."""

    def after_loss(self):
        self.close()
        self._check_open()


@caught_by("a_producer_goes_on_after_a_restart", "DID NOT RAISE")
class SendsIntoTheVoid(DoubleProducer):
    """Does not wait for the confirmation."""

    def _send(self, messages):
        try:
            super()._send(messages)
        except BusConnectionError:
            pass


@caught_by("a_producer_goes_on_after_a_restart", "transient")
class GivesUpWhatItCouldNotSend(DoubleProducer):
    """Calls an outage a lasting failure."""

    def _send(self, messages):
        try:
            super()._send(messages)
        except BusConnectionError as error:
            raise SendError(str(error), range(len(messages))) from None


@caught_by("a_producer_goes_on_after_a_restart", "BrokenPipeError")
class LeaksWhatItsSocketRaised(DoubleProducer):
    """Lets an `OSError` through, which nobody takes for an outage."""

    def _send(self, messages):
        try:
            super()._send(messages)
        except BusConnectionError as error:
            raise BrokenPipeError(32, str(error)) from None


CONSUMER = "a_consumer_goes_on_after_a_restart"


@caught_by(CONSUMER, "assert|BusConnectionError")
class NeverSubscribesAgain(DoubleConsumer):
    """Is connected, and hears nothing."""

    deaf = False

    def _receive(self, limit, timeout):
        return () if self.deaf else super()._receive(limit, timeout)

    def _ack(self, deliveries):
        try:
            super()._ack(deliveries)
        except LeaseLostError:
            self.deaf = True
            raise


@caught_by(CONSUMER, "assert")
class LosesWhatWasHeldInARestart(Broker):
    """Forgets what was in flight."""

    def lose(self, channel):
        channel.ack(list(channel._leases))


@caught_by(CONSUMER, "assert|Failed")
class LosesWhatWaitedInARestart(Broker):
    """Keeps messages in memory only."""

    def lose(self, channel):
        super().lose(channel)
        channel.ready.clear()


@caught_by("what_was_confirmed_survives_a_restart", "assert")
class LosesWhatItConfirmed(Broker):
    """Keeps messages in memory only."""

    def stop(self):
        super().stop()
        self.storage.topics.clear()


REPEATED = "a_settle_that_the_broker_did_not_confirm_can_be_repeated"


@caught_by(REPEATED, r"assert set\(\) ==")
class SettlesOnlyOnce(DoubleConsumer):
    """Takes a repeated settle for one that is done."""

    tried = ()

    def _settle(self, deliveries, messages):
        tokens = [delivery.token for delivery in deliveries]
        if tokens != self.tried:
            self.tried = tokens
            super()._settle(deliveries, messages)


@caught_by(REPEATED, "came again|assert|DID NOT RAISE")
class TakesAnOutageForSettled(DoubleConsumer):
    """Says that all is done while the broker is away."""

    def _settle(self, deliveries, messages):
        try:
            super()._settle(deliveries, messages)
        except BusConnectionError:
            pass


@caught_by("a_restart_does_not_hinder_closing", r"assert .* < (0\.8|3\.2)")
class ClosesWhenTheBrokerIsBack(DoubleConsumer):
    """Waits for its answer."""

    def _close(self):
        if not Broker.all[self.bus.options.address].up:
            time.sleep(4.0)
        super()._close()


@caught_by("a_restart_does_not_hinder_closing", "BusConnectionError")
class CannotCloseWhileTheBrokerIsAway(DoubleConsumer):
    """Wants to say good-bye."""

    def _close(self):
        self.bus.reach()
        super()._close()
