"""Messages that wait for their time."""

import heapq
import math
from collections.abc import Iterator
from itertools import count

from task_bus_kafka.partition import OpenMessage

FRAME = 500
"""Bytes that a message takes beside its body."""


class Delayed:
    """Keeps messages in the order in which they are due.

    Args:
        size: Bytes that they take.
    """

    def __init__(self) -> None:
        self.size = 0
        self._heap: list[tuple[float, int, OpenMessage]] = []
        self._numbers = count()

    @property
    def next_due(self) -> float:
        """When the first is due."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, message: OpenMessage, due: float) -> None:
        """Take in one that is due at a time (of `monotonic`)."""
        heapq.heappush(self._heap, (due, next(self._numbers), message))
        self.size += len(message.body) + FRAME

    def take(self, now: float) -> Iterator[OpenMessage]:
        """Yield those that are due, and let them go."""
        while self._heap and self._heap[0][0] <= now:
            message = heapq.heappop(self._heap)[2]
            self.size -= len(message.body) + FRAME
            if message.valid:
                yield message

    def sweep(self) -> None:
        """Let go of those that are others' by now."""
        self._heap = [entry for entry in self._heap if entry[2].valid]
        heapq.heapify(self._heap)
        self.size = sum(len(message.body) + FRAME for *_, message in self._heap)
