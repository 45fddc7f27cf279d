"""What a bus is measured against."""

from abc import ABC, abstractmethod

TASK = (
    b'{"type":"plain","info":"s3://bucket/2026/01/01/file.json?dest=x&threads=4",'
    b'"created":"2026-01-01T00:00:00Z","id":"12345678-1234-1234-1234-123456789012"}'
)
DONE = TASK[:-1] + b',"result":"complete","started":"2026-01-01T00:00:01Z"}'


class Yardstick(ABC):
    """The fastest loops on one broker, with the guarantee of the bus and nothing else.

    They know no topics, channels, delays or outages. They use the client library of
    the bus, one connection each way at most, and confirm what the bus confirms.
    """

    title: str
    """Broker and client, with versions."""
    url: str
    """How the bus finds the same broker."""

    @abstractmethod
    def work(self, window: int, count: int) -> float:
        """Fill a new queue; take so many at a time, settle each with a done task.

        Returns:
            The seconds without the filling.
        """

    @abstractmethod
    def send(self, batch: int, count: int) -> None:
        """Send, each batch confirmed before the next."""

    def latency(self, count: int) -> list[float]:
        """Return seconds from a send to its receipt by somebody who waits."""
        del count
        return []

    def clean(self) -> None:
        """Take away what a round has left behind."""

    @abstractmethod
    def close(self) -> None:
        """Close the connections and end the broker."""
