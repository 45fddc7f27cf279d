"""How much a topic takes: known before anything is sent.

A broker that finds a message too long has stored others by then, and would get those
again with what takes its place. What brokers do not tell is learned from what they
refuse.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from task_bus_kafka.records import Outgoing, size_of
from task_bus_kafka.settings import BATCH
from task_core.api import PayloadError


class Limits:
    """Knows the limits of topics.

    Args:
        ask: Returns the longest batch that topics take, where brokers tell.
        plain: Whether messages are sent as they are; compressed ones may fit though
            they are long.
    """

    def __init__(
        self, ask: Callable[[Iterable[str]], Mapping[str, int]], *, plain: bool
    ) -> None:
        self._ask = ask
        self._plain = plain
        self._known: dict[str, int] = {}
        self._at_once: dict[str, int] = {}  # as much as was not refused yet

    def learn(self, topics: Iterable[str]) -> None:
        """Ask for the limits of topics."""
        if self._plain:
            self._known.update(self._ask(topics))

    def narrow(self, refused: Iterable[Outgoing]) -> None:
        """Send less at once from now on: these were too much, and none is alone."""
        sizes: dict[str, int] = {}
        for message in refused:
            sizes[message.topic] = sizes.get(message.topic, 0) + size_of(message)
        for topic, size in sizes.items():
            before = min(size, self._at_once.get(topic, BATCH))
            self._at_once[topic] = max(1, before // 2)

    def largest(self, messages: Sequence[Outgoing]) -> int | None:
        """Return how much may be sent at once, or None: then libraries send no more.

        Raises:
            PayloadError: Some are too long for their topic; it tells which.
        """
        least = BATCH
        if self._known:
            least = min(least, self._least_known(messages))
        for message in messages if self._at_once else ():
            least = min(least, self._at_once.get(message.topic, least))
        return least if least < BATCH else None

    def _least_known(self, messages: Sequence[Outgoing]) -> int:
        known, refused, told, least = self._known, list[int](), "", BATCH
        for at, message in enumerate(messages):
            limit = known.get(message.topic)
            if limit is None:
                continue
            if len(message.body) > limit // 2 and (size := size_of(message)) > limit:
                refused.append(at)
                told = told or (
                    f"topic '{message.topic}' takes at most {limit} bytes in one"
                    f" message (its max.message.bytes), this one has {size}"
                )
            least = min(least, limit)
        if refused:
            raise PayloadError(f"bus 'kafka': {told}", refused)
        return least
