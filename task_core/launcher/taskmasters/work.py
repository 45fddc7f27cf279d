"""What the bodies of a loop have in hand, and what they have left unfinished."""

import contextlib
from collections.abc import Callable, Iterator

from task_core.api.bus import Consumer
from task_core.api.message import Delivery, Message


class Work:
    """What the body of a loop has in hand.

    Args:
        consumer: What the deliveries came from.
        bury: Sends one of its deliveries to the dead topic, with the reason.
        deliveries: Those that are neither settled nor given back.
        batch: Those of them that the body has now, or had last.
        messages: What the body has sent; it leaves with the settle.
    """

    def __init__(self, consumer: Consumer, bury: "Bury") -> None:
        self.consumer = consumer
        self.bury = bury
        self.deliveries: list[Delivery] = []
        self.batch: list[Delivery] = []
        self.messages: list[Message] = []


Bury = Callable[[Work, Delivery, str], None]


class Works:
    """The works of one thread: a loop in the body of another adds one.

    A body that breaks looks like one that fails, until it uses its context again or its
    error comes out. What it had is kept so long.

    Args:
        close: Closes a consumer, which gives back what it holds.
    """

    def __init__(self, close: Callable[[Consumer], None]) -> None:
        self._close = close
        self._held: list[Work] = []
        self._left: list[Work] = []

    @property
    def inner(self) -> Work | None:
        """What the innermost body has in hand."""
        return self._held[-1] if self._held else None

    @property
    def holds(self) -> bool:
        """Whether there are deliveries in work."""
        return any(work.deliveries for work in self._held)

    def __iter__(self) -> Iterator[Work]:
        """Yield what bodies have in hand, the outermost first."""
        yield from self._held

    @contextlib.contextmanager
    def working(self, consumer: Consumer, bury: Bury) -> Iterator[Work]:
        """Hold deliveries: what is sent meanwhile leaves with their settle."""
        work = Work(consumer, bury)
        self._held.append(work)
        try:
            yield work
        except GeneratorExit:
            self._left.append(work)
            raise
        finally:
            self._held.remove(work)

    def has_left(self, consumer: Consumer) -> bool:
        """Whether it is yet to be closed."""
        return any(work.consumer is consumer for work in self._left)

    def give_back(self) -> None:
        """Give back what bodies have left by a break: they go on."""
        while self._left:
            self._close(self._left.pop().consumer)

    def failed_alone(self) -> tuple[Work, Delivery] | None:
        """Return the work and the only delivery that a body had when it failed."""
        if len(self._left) != 1 or len(self._left[0].batch) != 1:
            return None
        return self._left[0], self._left[0].batch[0]
