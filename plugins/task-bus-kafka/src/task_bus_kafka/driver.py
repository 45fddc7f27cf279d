"""What a client library has to do for us; one module for each implements it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from task_bus_kafka.headers import Pairs
from task_bus_kafka.marks import Mark
from task_bus_kafka.stock import Record


class Post(msgspec.Struct, gc=False):
    """A message as a client library sends it."""

    topic: str
    body: bytes
    key: bytes | None
    partition: int | None
    headers: Pairs


class Partitions(Protocol):
    """Told by a reader about the partitions that come and go; any thread."""

    def release(self, partitions: Collection[int]) -> Mapping[int, Mark]:
        """Give partitions up; return the progress to be written down first."""
        ...


class Reader(Protocol):
    """Reads one topic as a member of one group; one thread, but for what is marked."""

    @property
    def alive(self) -> bool:
        """Whether any broker is connected."""
        ...

    @property
    def joined(self) -> bool:
        """Whether the group has told us what is ours."""
        ...

    @property
    def membership(self) -> Any:
        """Who we are in the group, for transactions (any thread)."""
        ...

    def poll(self, limit: int, seconds: float) -> Sequence[Record]:
        """Return what was read, in order; wait until there is something."""
        ...

    def pause(self) -> None:
        """Read nothing until `resume`, and stay in the group by calling `poll`."""
        ...

    def resume(self) -> None:
        """Read again."""
        ...

    def committed(self, partition: int) -> Mark | None:
        """Return how far a partition is done."""
        ...

    def commit(self, marks: Mapping[int, Mark]) -> None:
        """Write progress down some time, after what was to be written before."""
        ...

    @property
    def has_failed(self) -> bool:
        """Whether a `commit` has failed since this was asked."""
        ...

    def commit_now(self, marks: Mapping[int, Mark], seconds: float) -> None:
        """Write progress down before this returns (any thread)."""
        ...

    def close(self) -> None:
        """Give up all partitions and leave the group."""
        ...


class Writer(Protocol):
    """Sends messages; one thread."""

    def partitions(self, topic: str) -> Sequence[int]:
        """Return the partitions of a topic."""
        ...

    def send(self, posts: Sequence[Post]) -> list[Exception | None]:
        """Send, wait until all are confirmed or failed, return what went wrong."""
        ...

    def transact(
        self,
        posts: Sequence[Post],
        topic: str,
        marks: Mapping[int, Mark],
        membership: Any,
    ) -> list[Exception | None]:
        """Send, and write progress down, both or neither."""
        ...

    def close(self) -> None:
        """Stop at once."""
        ...


class Driver(Protocol):
    """Makes readers and writers with one client library."""

    def reader(self, topic: str, group: str, partitions: Partitions) -> Reader:
        """Join a group."""
        ...

    def writer(self, transactional_id: str | None) -> Writer:
        """Connect to send."""
        ...
