"""Mutants that carry bodies wrongly, or refuse the wrong ones."""

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer, DoubleProducer
from task_core.api.bus import Role
from task_core.api.message import Message
from task_core.errors import BusError, PayloadError


def changed(deliveries, change):
    for delivery in deliveries:
        delivery.body = change(delivery.body)
    return deliveries


class Rewriting(DoubleProducer):
    """Changes messages on the way out."""

    def _send(self, messages):
        super()._send([self.rewritten(message) for message in messages])


@caught_by("a_body_is_delivered_as_the_broker_holds_it", r"assert \[b'one")
class StripsBodies(DoubleConsumer):
    """Takes a newline at the end for a frame."""

    def _receive(self, limit, timeout):
        return changed(super()._receive(limit, timeout), bytes.rstrip)


@caught_by("a_body_reaches_the_broker_unchanged_or_is_refused", r"xef\\xbf\\xbd")
class DecodesBodies(Rewriting):
    """Thinks that bodies are text."""

    def rewritten(self, message):
        text = message.body.decode(errors="replace")
        return Message(message.topic, text.encode())


@caught_by("a_body_reaches_the_broker_unchanged_or_is_refused", r"assert \[\] ==")
class LosesEmptyBodies(DoubleProducer):
    """Neither carries nor refuses them."""

    def _send(self, messages):
        super()._send([message for message in messages if message.body])


@caught_by("a_batch_arrives_whole", "assert")
class LosesTheTailOfABatch(DoubleProducer):
    """Splits it in hundreds, and forgets what is left."""

    def _send(self, messages):
        whole = len(messages) // 300 * 300
        super()._send(messages[: whole or len(messages)])


@caught_by("one_send_may_go_to_several_topics", r"assert \[b'1', b'2', b'3'\]")
class SendsAllToTheFirstTopic(DoubleProducer):
    """Takes a batch for one of one topic."""

    def _send(self, messages):
        first = messages[0].topic
        super()._send([Message(first, message.body) for message in messages])


@caught_by("sending_nothing_is_no_error", "IndexError")
class StumblesOverNothing(DoubleProducer):
    """Looks at the first message."""

    def final_send(self, messages):
        assert messages[0].topic
        super().send(messages)


@caught_by("one_refused_message_sends_nothing", r"assert \[b'good'\] == \[\]")
class SendsHalfOfARefusedBatch(DoubleProducer):
    """Checks one message after the other."""

    def final_send(self, messages):
        for message in messages:
            super().send([message])


class Unchecked(DoubleProducer):
    """Leaves the length of bodies to what comes after."""

    def final_send(self, messages):
        self._check_open()
        self._send(messages)


LONGEST = "the_longest_body_arrives_and_one_byte_more_is_refused"


@caught_by(LONGEST, "DID NOT RAISE.*PayloadError")
class CarriesOneByteTooMany(Unchecked):
    """Is generous."""


@caught_by(LONGEST, "at most")
class CarriesOneByteTooFew(DoubleProducer):
    """Counts the end of the line too."""

    def _send(self, messages):
        limit = self.bus.capabilities.max_bytes
        if any(len(message.body) >= limit for message in messages):
            raise PayloadError(f"at most {limit} bytes")
        super()._send(messages)


@caught_by(LONGEST, "DID NOT RAISE.*PayloadError")
class Truncates(Unchecked):
    """Sends as much as there is room for."""

    def _send(self, messages):
        super()._send([Message(one.topic, one.body[:100_000]) for one in messages])


@caught_by("a_prepared_topic_can_be_written", "assert")
class PreparesWithAMessage(DoubleProducer):
    """Writes something, to see whether it can."""

    def _prepare(self, topics):
        self.send([Message(topic, b"") for topic in topics])


@caught_by("a_bus_that_is_only_written_sends", "only read")
class TakesOutForIn(DoubleBus):
    """Confuses the roles."""

    def _producer(self):
        if self.role is Role.OUT:
            raise BusError("this bus is only read")
        return super()._producer()


@caught_by("a_bus_that_is_only_read_delivers", "only written")
class TakesInForOut(DoubleBus):
    """Confuses the roles."""

    def _subscribe(self, topic, channel, **hints):
        if self.role is Role.IN:
            raise BusError("this bus is only written")
        return super()._subscribe(topic, channel, **hints)


@caught_by("messages_come_in_the_order_of_sending", "assert.*b'49', b'48'")
class ReversesWhatItDelivers(DoubleConsumer):
    """Takes from the end of a list."""

    def _receive(self, limit, timeout):
        return super()._receive(limit, timeout)[::-1]


@caught_by("messages_are_written_in_the_order_of_sending", "assert")
class ReversesWhatItSends(DoubleProducer):
    """Takes from the end of a list."""

    def _send(self, messages):
        super()._send(messages[::-1])


DELAYED = "a_delayed_message_comes_after_its_delay_and_not_before"


@caught_by(DELAYED, "assert.*b'later'")
class IgnoresDelay(Rewriting):
    """Sends at once."""

    def rewritten(self, message):
        return Message(message.topic, message.body)


@caught_by(DELAYED, "assert")
class LosesWhatIsDelayed(DoubleProducer):
    """Keeps it in a timer that nobody runs."""

    def _send(self, messages):
        super()._send([message for message in messages if not message.delay])


@caught_by("a_higher_priority_comes_first", "assert.*b'low'", priority=True)
class IgnoresPriority(DoubleBus):
    """Declares what it does not do."""


@caught_by("headers_come_as_they_were_sent", "assert None ==")
class DropsHeaders(Rewriting):
    """Has no place for them."""

    def rewritten(self, message):
        return Message(message.topic, message.body, delay=message.delay)


@caught_by("depth_tells_how_many_messages_wait", "assert False|assert.*comes_true")
class LiesAboutDepth(DoubleBus):
    """Always says that there is nothing to do."""

    def _depth(self, topic, channel):
        return 0


@caught_by("topics_tell_their_names_sorted", "assert")
class TellsTopicsUnsorted(DoubleBus):
    """In the order in which they were made."""

    def _topics(self):
        return list(self.storage.topics)


@caught_by("peek_shows_and_takes_nothing", "assert")
class PeekTakes(DoubleBus):
    """Reads as a consumer does."""

    def _peek(self, topic, limit):
        consumer = self.subscribe(topic, "kit")
        found = consumer.receive(limit, 0)
        consumer.ack(found)
        return [delivery.body for delivery in found]


@caught_by("a_ping_of_a_broker_that_works_says_nothing", "NotImplementedError")
class CannotPing(DoubleBus):
    """Is not finished."""

    def _ping(self):
        raise NotImplementedError


@caught_by("undeclared_calls_are_refused", "DID NOT RAISE", nack=False)
class AcceptsAnUndeclaredNack(DoubleConsumer):
    """Does it, and says nothing."""

    def final_nack(self, deliveries, delay=0.0):
        self._nack(deliveries, delay)


@caught_by("undeclared_questions_are_refused", "DID NOT RAISE", depth=False)
class GuessesAnUndeclaredDepth(DoubleBus):
    """Says a number."""

    def final_depth(self, topic, channel):
        return 3


@caught_by("undeclared_wishes_are_refused", "DID NOT RAISE", headers=False)
class ForgetsUndeclaredHeaders(DoubleProducer):
    """Sends the rest."""

    def final_send(self, messages):
        super().send([Message(message.topic, message.body) for message in messages])


@caught_by("undeclared_wishes_are_refused", "assert", headers=False)
class SendsBeforeItRefusesAWish(DoubleProducer):
    """Checks one message after the other."""

    def final_send(self, messages):
        for message in messages:
            super().send([message])
