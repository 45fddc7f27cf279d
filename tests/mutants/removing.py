"""Mutants that leave something behind, or take too much away."""

from mutants.catalog import caught_by
from mutants.double import DoubleBus

LOOKING = "a_temporary_channel_gets_what_is_sent_and_takes_nothing"


@caught_by(LOOKING, "of 4 came")
class LooksOnTheChannelOfOthers(DoubleBus):
    """Takes from them what it looks at."""

    def _subscribe(self, topic, channel, *, prefetch, temporary):
        chosen = "kit" if temporary else channel
        return super()._subscribe(topic, chosen, prefetch=prefetch, temporary=temporary)


@caught_by(LOOKING, "of 4 came")
class RemovesTheTopicAfterALook(DoubleBus):
    """Cleans up, and more than its own."""

    def _forget(self, topic, channel):
        super()._forget(topic, "kit")


@caught_by("looking_takes_nothing_from_the_first_channel", "0 of 1 came")
class GivesWhatWaitsToWhoLooks(DoubleBus):
    """Its first channel is the first, whoever reads it."""

    def _subscribe(self, topic, channel, *, prefetch, temporary):
        return super()._subscribe(topic, channel, prefetch=prefetch, temporary=False)


@caught_by("a_temporary_channel_goes_with_its_reader", "assert")
class KeepsTemporaryChannels(DoubleBus):
    """Says that its broker removes them; it does not."""

    expires_channels = True


DELETED = "a_channel_that_is_deleted_goes_and_others_stay"


@caught_by(DELETED, "assert")
class DeletesNothing(DoubleBus):
    """Says that it did."""

    def _forget(self, topic, channel):
        pass


@caught_by(DELETED, "of 3 came")
class DeletesAllChannels(DoubleBus):
    """Takes one for all."""

    def _forget(self, topic, channel):
        for name in list(self.storage.topics[topic].channels):
            super()._forget(topic, name)


@caught_by("a_topic_that_is_deleted_goes_and_others_stay", "assert")
class KeepsTheTopic(DoubleBus):
    """Deletes its channels only."""

    def _forget(self, topic, channel):
        self.storage.topics[topic].channels.pop(channel, None)


@caught_by("a_topic_that_is_deleted_goes_and_others_stay", "assert")
class DeletesAllTopics(DoubleBus):
    """Takes one for all."""

    def _forget(self, topic, channel):
        self.storage.topics.clear()


@caught_by("deleting_what_is_not_there_is_no_error", "KeyError")
class CannotDeleteTwice(DoubleBus):
    """Is surprised."""

    def _forget(self, topic, channel):
        del self.storage.topics[topic].channels[channel]
