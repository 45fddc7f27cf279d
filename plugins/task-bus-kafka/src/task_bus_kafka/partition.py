"""One partition of a consumer: what of it is open, and how far it is done."""

from collections.abc import Container, Iterator

from task_bus_kafka.progress import Progress, runs_of


class OpenMessage:
    """One message that is not done; while it is handed out, the token of its delivery.

    Args:
        partition: The one that it is of.
        offset: Where in the partition.
        body: Its bytes.
        headers: As they were sent, or None.
        receipts: How often it was handed out.
    """

    __slots__ = ("body", "ends", "headers", "offset", "partition", "receipts")

    def __init__(
        self,
        partition: "Partition",
        offset: int,
        body: bytes,
        headers: dict[str, str] | None,
        receipts: int,
    ) -> None:
        self.partition = partition
        self.offset = offset
        self.body = body
        self.headers = headers
        self.receipts = receipts
        self.ends = 0.0

    @property
    def valid(self) -> bool:
        """Whether it is still open, and this its newest receipt."""
        return self.partition.open.get(self.offset) is self

    def renew(self) -> "OpenMessage":
        """Return the one that takes its place; this one is lost."""
        new = OpenMessage(
            self.partition, self.offset, self.body, self.headers, self.receipts
        )
        self.partition.open[self.offset] = new
        return new


class Partition:
    """What is known of one partition while it is ours.

    Args:
        before: How far others had come, or None if nobody was there.
    """

    def __init__(self, before: Progress | None) -> None:
        self.open: dict[int, OpenMessage] = {}  # in the order of offsets
        self.fresh = True  # nothing was handed out since it became ours
        self._before = before or Progress(0, 0)
        self._next = self._before.offset
        self._end = self._before.end

    def is_behind(self, offset: int) -> bool:
        """Whether this was read before, so that somebody must have cut the topic."""
        return offset < self._next

    def add(
        self, offset: int, body: bytes, headers: dict[str, str] | None
    ) -> OpenMessage | None:
        """Take in the next message; None if others have done it already."""
        self._next = offset + 1
        receipts = self._before.receipts(offset)
        if receipts is None:
            return None
        message = OpenMessage(self, offset, body, headers, receipts)
        self.open[offset] = message
        return message

    def hand_out(self, message: OpenMessage) -> None:
        """Note that a message goes to a worker."""
        message.receipts += 1
        self._end = max(self._end, message.offset + 1)

    def finish(self, message: OpenMessage) -> None:
        """Note that a message is done."""
        del self.open[message.offset]

    def drop(self) -> None:
        """Forget everything: the partition is somebody else's."""
        self.open.clear()

    def progress(self, without: Container[OpenMessage] = ()) -> Progress:
        """Return how far this is done.

        Args:
            without: Count these as done too.
        """
        receipts = tuple(self._receipts(without))
        offset = next(
            (at for at, message in self.open.items() if message not in without), None
        )
        if offset is None:
            offset = self._first_unread()
        return Progress(offset, max(self._end, offset), runs_of(receipts))

    def _first_unread(self) -> int:
        """Return where to go on when all that was read is done."""
        for run in self._before.runs:
            if run.last >= self._next:
                return max(run.first, self._next)
        return max(self._next, self._before.end)

    def _receipts(self, without: Container[OpenMessage]) -> Iterator[tuple[int, int]]:
        """Yield what is open and was, or may have been, handed out."""
        for offset, message in self.open.items():
            if offset >= self._end:
                break
            if message not in without:
                yield offset, message.receipts
        for run in self._before.runs:  # what we have not read yet
            for offset in range(max(run.first, self._next), run.last + 1):
                yield offset, run.receipts
