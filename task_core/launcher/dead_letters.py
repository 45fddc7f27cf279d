"""Delivery -> dead letter: what cannot be decoded or run is kept, with the reason."""

from task_core.api.message import Delivery, Message
from task_core.clock import Clock
from task_core.wire import DeadLetter, encode_dead


class DeadLetters:
    """Writes the dead letters of one topic and channel.

    Args:
        topic, channel: Where the deliveries come from.
        dead_topic: Where their letters go.
        clock: For the time in the letter.
    """

    def __init__(self, topic: str, channel: str, dead_topic: str, clock: Clock) -> None:
        self._topic = topic
        self._channel = channel
        self._dead_topic = dead_topic
        self._clock = clock

    def write(self, delivery: Delivery, reason: str) -> Message:
        """Return the dead letter for a delivery."""
        letter = DeadLetter(
            reason=reason,
            topic=self._topic,
            channel=self._channel,
            attempt=delivery.attempt,
            time=self._clock.stamp(),
        )
        return Message(self._dead_topic, encode_dead(letter, delivery.body))
