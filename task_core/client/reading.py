"""Reading a topic in a loop: what the body leaves is settled."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic

from task_core.api.bus import Bus
from task_core.api.consumer import Consumer
from task_core.api.message import Delivery, Message
from task_core.client.outages import again, attach
from task_core.client.sent import Span, check_text, seconds_of
from task_core.clock import SystemClock
from task_core.dead import KEPT_BYTES, DeadLetter, dead_topic, encode_dead
from task_core.errors import BusError, DecodeError, LeaseLostError, PayloadError
from task_core.task import Task
from task_core.wire import decode_task

TURN = 60.0
"""Seconds that one receive waits."""
START = 30.0
"""Seconds that a broker may be away at first, for who waits for tasks without end."""


class Reading(Iterator[Task]):
    """Iterates over the tasks of a topic, in the thread that uses it.

    Args:
        open_bus: Makes the bus, which is closed in the end.
        topic, channel: What to read.
        timeout: Time without a task after which it ends; None: never. A broker may be
            away for as long.

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
    subscribe = partial(_subscribe, topic, channel)
    start = START if timeout is None else timeout
    try:
        opened = again(partial(attach, open_bus, subscribe), _until(start, stopped))
    except BusError:
        if stopped.is_set():
            return  # and nobody wants to know any more
        raise
    bus, consumer = opened
    try:
        consumers.append(consumer)
        while found := _receive(consumer, timeout, stopped):
            yield from _offer(consumer, found[0], timeout, stopped)
    except BusError:
        if not stopped.is_set():
            raise
    finally:
        # What is not settled is given back; without a broker, by the end of its lease.
        with suppress(BusError):
            bus.close()


def _subscribe(topic: str, channel: str, bus: Bus) -> Consumer:
    return bus.subscribe(topic, channel, prefetch=1)


def _until(seconds: float | None, stopped: threading.Event) -> Callable[[float], bool]:
    """Return what waits before another try, and says whether there is to be one."""
    end = inf if seconds is None else monotonic() + seconds

    def wait(pause: float) -> bool:
        left = end - monotonic()
        return left > 0 and not stopped.wait(min(pause, left))

    return wait


def _receive(
    consumer: Consumer, timeout: float | None, stopped: threading.Event
) -> Sequence[Delivery]:
    """Wait for one delivery; none at the end of the stream or of the time."""
    end = inf if timeout is None else monotonic() + timeout
    wait = _until(timeout, stopped)

    def receive() -> Sequence[Delivery]:
        return consumer.receive(1, max(0.0, min(end - monotonic(), TURN)))

    while not (consumer.exhausted or stopped.is_set()):
        found = again(receive, wait)
        if found or monotonic() >= end:
            return found
    return ()


def _offer(
    consumer: Consumer,
    delivery: Delivery,
    timeout: float | None,
    stopped: threading.Event,
) -> Generator[Task]:
    """Yield what a delivery says, and settle it; or bury it."""

    def settle(*messages: Message) -> None:
        act = partial(consumer.settle, [delivery], messages)
        # The body may take longer than the lease: then somebody else has it.
        with suppress(LeaseLostError):
            again(act, _until(timeout, stopped))

    try:
        task = decode_task(delivery.body)
    except DecodeError as error:
        _bury(consumer, delivery, str(error), settle)
        return
    yield task
    settle()


def _bury(
    consumer: Consumer,
    delivery: Delivery,
    reason: str,
    settle: Callable[[Message], None],
) -> None:
    """Send a delivery to the dead topic, cut if the bus cannot carry all of it."""
    for keep in (None, *KEPT_BYTES):
        try:
            settle(_dead(consumer, delivery, reason, keep))
        except PayloadError:
            if keep == KEPT_BYTES[-1]:
                raise
        else:
            break


def _dead(
    consumer: Consumer, delivery: Delivery, reason: str, keep: int | None
) -> Message:
    letter = DeadLetter(
        reason=reason,
        topic=consumer.topic,
        channel=consumer.channel,
        position=delivery.place,
        attempt=delivery.attempt,
        time=SystemClock().stamp(),
    )
    return Message(dead_topic(consumer.topic), encode_dead(letter, delivery.body, keep))
