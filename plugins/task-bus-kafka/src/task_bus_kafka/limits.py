"""How much a topic takes: known before anything is sent.

A broker that finds a message too long has stored others by then, and would get those
again with what takes its place.
"""

from collections.abc import Callable, Iterable, Mapping

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

    def learn(self, topics: Iterable[str]) -> None:
        """Ask for the limits of topics."""
        if self._plain:
            self._known.update(self._ask(topics))

    def largest(self, messages: Iterable[Outgoing]) -> int | None:
        """Return how much may be sent at once, or None: then libraries send no more.

        Raises:
            PayloadError: Some are too long for their topic; it tells which.
        """
        known, refused, told = self._known, list[int](), ""
        least: int | None = None
        if not known:
            return None
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
            least = limit if least is None else min(least, limit)
        if refused:
            raise PayloadError(f"bus 'kafka': {told}", refused)
        return None if least is None or least >= BATCH else least
