"""Reading a topic in a loop: what the body leaves is settled."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from time import monotonic

from task_core.api.bus import Bus
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.client.sent import Span, check_text, seconds_of
from task_core.clock import SystemClock
from task_core.dead import DeadLetter, dead_topic, encode_dead
from task_core.errors import BusConnectionError, DecodeError, LeaseLostError
from task_core.task import Task
from task_core.wire import decode_task

TURN = 60.0
"""Seconds that one receive waits."""
FIRST_PAUSE, LAST_PAUSE = 0.1, 5.0
"""Seconds before a lost connection is tried again: they double."""


class Reading(Iterator[Task]):
    """Iterates over the tasks of a topic, in the thread that uses it.

    Args:
        open_bus: Makes the bus, which is closed in the end.
        topic, channel: What to read.
        timeout: Time without a task after which it ends; None: never.

    Raises:
        TypeError: Topic or channel is no text.
        UsageError: The timeout is no time.
    """

    def __init__(
        self,
        open_bus: Callable[[], Bus],
        topic: str,
        channel: str,
        timeout: Span | None,
    ) -> None:
        check_text("topic", topic)
        check_text("channel", channel)
        seconds = None if timeout is None else seconds_of("timeout", timeout)
        self._stopped = threading.Event()
        self._consumers: list[Consumer] = []
        # It knows nothing of this object: so both end, and give back what they hold,
        # with the loop that leaves them, and not when garbage is collected.
        self._tasks = _tasks(
            open_bus, topic, channel, seconds, self._stopped, self._consumers
        )

    def __next__(self) -> Task:
        return next(self._tasks)

    def close(self) -> None:
        """Give back what is not settled, and close the connection."""
        self._tasks.close()

    def stop(self) -> None:
        """End the wait for the next task, and the iteration (any thread)."""
        self._stopped.set()
        for consumer in self._consumers:
            consumer.wake()


def _tasks(
    open_bus: Callable[[], Bus],
    topic: str,
    channel: str,
    timeout: float | None,
    stopped: threading.Event,
    consumers: list[Consumer],
) -> Generator[Task]:
    """Yield tasks, each settled when the next one is asked for.

    Args:
        open_bus, topic, channel, timeout: As for `Reading`, in seconds.
        stopped: Ends it.
        consumers: Gets the one that may have to be woken.
    """
    bus = open_bus()
    try:
        consumer = bus.subscribe(topic, channel, prefetch=1)
        consumers.append(consumer)
        while found := _receive(consumer, timeout, stopped):
            yield from _offer(consumer, found[0])
    finally:
        bus.close()  # what is not settled is given back


def _receive(
    consumer: Consumer, timeout: float | None, stopped: threading.Event
) -> Sequence[Delivery]:
    """Wait for one delivery; none at the end of the stream or of the time."""
    end = None if timeout is None else monotonic() + timeout
    pause = FIRST_PAUSE
    while not (consumer.exhausted or stopped.is_set()):
        left = TURN if end is None else end - monotonic()
        try:
            found = consumer.receive(1, max(0.0, min(left, TURN)))
        except BusConnectionError:
            if end is not None and monotonic() + pause >= end:
                raise
            stopped.wait(pause)
            pause = min(2 * pause, LAST_PAUSE)
            continue
        if found or (end is not None and monotonic() >= end):
            return found
    return ()


def _offer(consumer: Consumer, delivery: Delivery) -> Generator[Task]:
    try:
        task = decode_task(delivery.body)
    except DecodeError as error:
        _settle(consumer, delivery, [_dead(consumer, delivery, str(error))])
        return
    yield task
    _settle(consumer, delivery, [])


def _settle(consumer: Consumer, delivery: Delivery, messages: list[Message]) -> None:
    try:
        consumer.settle([delivery], messages)
    except LeaseLostError:
        pass  # the body took longer than the lease: somebody else has it


def _dead(consumer: Consumer, delivery: Delivery, reason: str) -> Message:
    letter = DeadLetter(
        reason=reason,
        topic=consumer.topic,
        channel=consumer.channel,
        position=delivery.place,
        attempt=delivery.attempt,
        time=SystemClock().stamp(),
    )
    return Message(dead_topic(consumer.topic), encode_dead(letter, delivery.body))
