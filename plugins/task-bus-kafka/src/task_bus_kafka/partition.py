"""One partition of a consumer: what of it is open, and how far it is done."""

import math
from collections.abc import Container, Iterator
from time import monotonic

from task_bus_kafka.progress import Progress, Run, runs_of


class OpenMessage:
    """One message that is not done; while it is handed out, the token of its delivery.

    Args:
        partition: The one that it is of.
        offset: Where in the partition.
        body: Its bytes.
        headers: As they were sent, or None.
        receipts: How often it was handed out.
        returned: How often it was given back.
    """

    __slots__ = (
        "body",
        "ends",
        "headers",
        "offset",
        "partition",
        "receipts",
        "returned",
    )

    def __init__(
        self,
        partition: "Partition",
        offset: int,
        body: bytes,
        headers: dict[str, str] | None,
        receipts: int,
        returned: int,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.body = body
        self.headers = headers
        self.receipts = receipts
        self.returned = returned
        self.ends = 0.0  # when its lease is over, while it is handed out

    def __str__(self) -> str:
        """Tell people where it is."""
        return f"{self.partition.number}:{self.offset}"

    @property
    def valid(self) -> bool:
        """Whether it is still open, and this its newest receipt."""
        return self.partition.open.get(self.offset) is self

    def renew(self, *, returned: bool) -> "OpenMessage":
        """Return the one that takes its place; this one is lost.

        Args:
            returned: Whether it was given back, and not just held for too long.
        """
        new = OpenMessage(
            self.partition,
            self.offset,
            self.body,
            self.headers,
            self.receipts,
            self.returned + returned,
        )
        self.partition.open[self.offset] = new
        self.partition.take_back(self)
        return new


class Partition:
    """What is known of one partition while it is ours.

    When its last owner died at work, one of the messages may have killed it: of those
    that it held when it last wrote progress down, or of those that it came to in the
    moment after. Until we are past them, progress had better be written down at each
    step: else a killer is never found, and what is done before it is done each time.

    Args:
        before: How far others had come, or None if nobody was there.
        caution: Seconds after the last of what was held then in which what killed may
            still come; 0 where each step is written down anyway.
        number: Its number in the topic.
    """

    def __init__(
        self, before: Progress | None, caution: float = 0.0, number: int = 0
    ) -> None:
        self.number = number
        self.open: dict[int, OpenMessage] = {}  # in the order of offsets
        self.fresh = True  # nothing was handed out since it became ours
        self._before = before or Progress(0, 0)
        self._next = self._before.offset
        self._end = self._before.end
        self._caution = caution
        self.suspect = bool(caution) and self._before.at_work
        self._suspects = 0  # that are handed out
        self._suspect_until = math.inf

    def is_behind(self, offset: int) -> bool:
        """Whether this was read before, so that somebody must have cut the topic."""
        return offset < self._next

    def add(
        self, offset: int, body: bytes, headers: dict[str, str] | None
    ) -> OpenMessage | None:
        """Take in the next message; None if others have done it already."""
        self._next = offset + 1
        run = self._before.run_of(offset)
        if run is None:
            return None
        message = OpenMessage(self, offset, body, headers, run.receipts, run.returned)
        self.open[offset] = message
        return message

    def hand_out(self, message: OpenMessage) -> None:
        """Note that a message goes to a worker."""
        message.receipts += 1
        self._end = max(self._end, message.offset + 1)
        if self.suspect:
            self._watch(message, 1)

    def finish(self, message: OpenMessage) -> None:
        """Note that a message is done."""
        del self.open[message.offset]
        if self.suspect:
            self._watch(message, -1)

    def take_back(self, message: OpenMessage) -> None:
        """Note that a message that was handed out is to be handed out again."""
        if self.suspect:
            self._watch(message, -1)

    def _watch(self, message: OpenMessage, change: int) -> None:
        if message.offset < self._before.end:
            self._suspects += change
        elif self._suspect_until < math.inf:
            return
        self._suspect_until = monotonic() + self._caution

    def is_suspect(self) -> bool:
        """Whether what killed the last owner may still come."""
        if self.suspect and not self._suspects and monotonic() > self._suspect_until:
            self.suspect = False
        return self.suspect

    def advance(self, offset: int) -> None:
        """Note that there is nothing before an offset but what was added."""
        self._next = max(self._next, offset)

    def drop(self) -> None:
        """Forget everything: the partition is somebody else's."""
        self.open.clear()

    def progress(
        self, without: Container[OpenMessage] = (), *, leaving: bool = False
    ) -> Progress:
        """Return how far this is done.

        Args:
            without: Count these as done too.
            leaving: Whether we hand the partition on, and give back what is out.
        """
        runs = runs_of(self._runs(without, leaving))
        offset = next(
            (at for at, message in self.open.items() if message not in without), None
        )
        if offset is None:
            offset = self._first_unread()
        at_work = bool(self._caution) and not leaving
        return Progress(offset, max(self._end, offset), runs, at_work)

    def _first_unread(self) -> int:
        """Return where to go on when all that was read is done."""
        for run in self._before.runs:
            if run.last >= self._next:
                return max(run.first, self._next)
        return max(self._next, self._before.end)

    def _runs(self, without: Container[OpenMessage], leaving: bool) -> Iterator[Run]:
        """Yield what is open and was, or may have been, handed out."""
        in_time = monotonic() if leaving else math.inf  # later it is a lease that ended
        for offset, message in self.open.items():
            if offset >= self._end:
                break
            if message not in without:
                returned = message.returned + (message.ends > in_time)
                yield Run(offset, offset, message.receipts, returned)
        for run in self._before.runs:  # what we have not read yet
            if run.last >= self._next:
                first = max(run.first, self._next)
                yield Run(first, run.last, run.receipts, run.returned)
