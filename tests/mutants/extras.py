"""Mutants that break what some buses do besides: order, delay, questions."""

from mutants.carrying import Rewriting
from mutants.catalog import caught_by
from mutants.double import DoubleBus, DoubleConsumer, DoubleProducer
from task_core.api.bus import Bus, ChannelState
from task_core.api.message import Message


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


@caught_by("the_longest_delay_is_taken_and_a_longer_one_refused", "OverflowError")
class DelaysForDaysAtMost(DoubleProducer):
    """Counts in too few bits, and has declared no limit."""

    def _send(self, messages):
        if any(message.delay > 2**31 / 1000 for message in messages):
            raise OverflowError
        super()._send(messages)


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


@caught_by("depth_tells_how_many_messages_wait", "assert False|assert.*comes_true")
class MiscountsDepth(DoubleBus):
    """Counts from the first message on, or from the one after it."""

    def _depth(self, topic, channel):
        return max(0, super()._depth(topic, channel) - 1)


NOT_MADE = r"NotImplementedError: .*{}"
PLAIN = {"ack": False, "nack": False, "lease": False, "attempts": False}
PLAIN |= {"nack_delay": False, "channels": False, "atomic_settle": False}
"""A bus that declares little; what it declares it must do."""


@caught_by("depth_tells_how_many_messages_wait", NOT_MADE.format("_depth"), **PLAIN)
class DeclaresDepthAlone(DoubleBus):
    """Has not made it."""

    _depth = Bus._depth


@caught_by("topics_tell_their_names_sorted", NOT_MADE.format("_topics"), **PLAIN)
class DeclaresTopicsAlone(DoubleBus):
    """Has not made it."""

    _topics = Bus._topics


@caught_by("peek_shows_and_takes_nothing", NOT_MADE.format("_peek"), **PLAIN)
class DeclaresPeekAlone(DoubleBus):
    """Has not made it."""

    _peek = Bus._peek


CHANNELS = "channels_tell_what_waits_and_what_is_held"


@caught_by(CHANNELS, "assert False|assert.*comes_true")
class TakesHeldForDone(DoubleBus):
    """Says that nothing is left while others hold it."""

    def _channels(self, topic):
        states = super()._channels(topic)
        return [ChannelState(one.name, one.waiting, 0) for one in states]


@caught_by(CHANNELS, r"assert \['second', 'kit'\]")
class TellsChannelsUnsorted(DoubleBus):
    """In the order in which they were made."""

    def _channels(self, topic):
        return super()._channels(topic)[::-1]


@caught_by(CHANNELS, "KeyError")
class KnowsOnlyItsTopics(DoubleBus):
    """Stumbles over others."""

    def _channels(self, topic):
        self.storage.topics[topic]
        return super()._channels(topic)


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
