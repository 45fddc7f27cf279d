"""Mutants that carry bodies wrongly, or refuse the wrong ones."""

import time

from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer, DoubleProducer
from task_core.api.bus import Role
from task_core.api.message import Message
from task_core.errors import BusConnectionError, BusError, PayloadError


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


REACHES = "a_body_reaches_the_broker_unchanged_or_is_refused"


@caught_by(REACHES, r"xef\\xbf\\xbd")
class DecodesBodies(Rewriting):
    """Thinks that bodies are text."""

    def rewritten(self, message):
        text = message.body.decode(errors="replace")
        return Message(message.topic, text.encode())


@caught_by(REACHES, r"assert \[\] ==")
class LosesEmptyBodies(DoubleProducer):
    """Neither carries nor refuses them."""

    def _send(self, messages):
        super()._send([message for message in messages if message.body])


@caught_by(REACHES, r"assert \[b'good'\] == \[\]")
class SendsTheOthersFirst(DoubleProducer):
    """Refuses an empty body when what comes before it has left."""

    def _send(self, messages):
        for at, message in enumerate(messages):
            if not message.body:
                raise PayloadError("it carries no empty messages", [at])
            super()._send([message])


@caught_by(REACHES, r"assert \(0,\) == \(1,\)")
class TellsNotWhichBodyIsWrong(DoubleProducer):
    """Refuses an empty body, and says that it was the first."""

    def _send(self, messages):
        if not all(message.body for message in messages):
            raise PayloadError("it carries no empty messages", [0])
        super()._send(messages)


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


@caught_by(
    "a_topic_may_have_letters_digits_dots_dashes_and_underscores",
    "assert",
)
class HasPlainNamesOnly(Rewriting):
    """Writes other characters in another way."""

    def rewritten(self, message):
        return Message(message.topic.replace(".", "_"), message.body)


BAD_NAME = "a_topic_that_the_broker_cannot_name_is_refused"


@caught_by(BAD_NAME, "DID NOT RAISE")
class TakesAnyName(DoubleBus):
    """Leaves it to the broker, which will not answer."""

    def check_names(self, topics):
        pass


@caught_by(BAD_NAME, "BusConnectionError")
class TriesABadNameAgain(DoubleBus):
    """Takes the answer of the broker for an outage."""

    def check_names(self, topics):
        try:
            super().check_names(topics)
        except PayloadError as error:
            raise BusConnectionError(str(error)) from None


@caught_by(BAD_NAME, r"assert \(\) == \(1,\)")
class DoesNotTellWhichNameIsBad(DoubleBus):
    """One bad name of a thousand holds up the others."""

    def check_names(self, topics):
        try:
            super().check_names(topics)
        except PayloadError as error:
            raise PayloadError(str(error)) from None


@caught_by("a_batch_is_quicker_than_its_messages_one_by_one", "assert")
class SendsABatchOneByOne(DoubleProducer):
    """Waits for the answer to each message."""

    def _send(self, messages):
        for message in messages:
            time.sleep(0.001)
            super()._send([message])


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
