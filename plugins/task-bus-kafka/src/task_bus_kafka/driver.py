"""What a client library has to do for us; a reader and a writer for each do it."""

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

from task_bus_kafka.errors import may_pass
from task_bus_kafka.patience import patiently
from task_bus_kafka.progress import Progress, read_progress
from task_bus_kafka.records import Outgoing, Record, rounds

Outcomes = list[Exception | None]
"""What went wrong with each message that was sent."""


class RebalanceListener(Protocol):
    """Told by a reader about the partitions that go; any thread."""

    def release(self, partitions: Collection[int]) -> Mapping[int, Progress]:
        """Give partitions up; return the progress to be written down first."""


class Reader(ABC):
    """Reads one topic as a member of one group; one thread, but for `commit_soon`.

    Args:
        topic: What is read.
        listener: Told when partitions are to be given up.
        patience: Seconds that closing and asking may take.
    """

    def __init__(
        self, topic: str, listener: RebalanceListener, patience: float
    ) -> None:
        self._topic = topic
        self._listener = listener
        self._patience = patience
        self._failed = threading.Event()
        self._asked = math.inf  # since when a commit has no answer
        self._paused = False

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether any broker is connected."""

    @property
    @abstractmethod
    def joined(self) -> bool:
        """Whether the group has told us what is ours."""

    @property
    @abstractmethod
    def has_partitions(self) -> bool:
        """Whether the group has given us any."""

    @property
    @abstractmethod
    def membership(self) -> Any:
        """Who we are in the group, for transactions (any thread)."""

    @property
    def has_failed(self) -> bool:
        """Whether a commit has failed since this was asked."""
        failed = self._failed.is_set()
        self._failed.clear()
        return failed

    @property
    def is_urgent(self) -> bool:
        """Whether `commit_soon` waits for the next `poll`."""
        return False

    def pause(self) -> None:
        """Read nothing until `resume`; new partitions are paused by `poll`."""
        self._paused = True

    def resume(self) -> None:
        """Read again."""
        if self._paused:
            self._paused = False
            self._pause(False)

    def poll(self, limit: int, seconds: float) -> Sequence[Record]:
        """Return what was read, in order; wait until there is something."""
        if self._paused:
            self._pause(True)
        return self._poll(limit, seconds)

    def committed(self, partition: int) -> Progress | None:
        """Return how far a partition is done."""
        kept = patiently(lambda: self._committed(partition), self._patience)
        if kept is None or kept.offset < 0:
            return None
        return read_progress(kept.offset, kept.metadata or "")

    @abstractmethod
    def positions(self) -> Mapping[int, int]:
        """Return up to where partitions were read, messages or not, where known."""

    def commit(self, progress: Mapping[int, Progress]) -> None:
        """Write progress down some time, after what was to be written before."""
        self._asked = min(self._asked, monotonic())
        self._commit(progress)

    def is_unheard(self, seconds: float) -> bool:
        """Whether a commit has had no answer for so long."""
        return monotonic() > self._asked + seconds

    def _answered(self, error: object = None) -> None:
        """Note that a commit has an answer (any thread)."""
        self._asked = math.inf
        if error:
            self._failed.set()

    @abstractmethod
    def _commit(self, progress: Mapping[int, Progress]) -> None: ...

    def commit_soon(self, progress: Mapping[int, Progress]) -> threading.Event:
        """Write progress down, and set what is returned when it is (any thread)."""
        self._asked = min(self._asked, monotonic())
        return self._commit_soon(progress)

    @abstractmethod
    def _commit_soon(self, progress: Mapping[int, Progress]) -> threading.Event: ...

    @abstractmethod
    def close(self) -> None:
        """Give up all partitions and leave the group."""

    @abstractmethod
    def _poll(self, limit: int, seconds: float) -> Sequence[Record]: ...

    @abstractmethod
    def _pause(self, paused: bool) -> None:
        """Pause, or resume, whatever is ours now."""

    @abstractmethod
    def _committed(self, partition: int) -> Any:
        """Return what has an `offset` and `metadata`, or None."""


class Writer(ABC):
    """Sends messages; one thread.

    Args:
        connect_timeout: Seconds that connecting and asking may take.
        send_timeout: Seconds until a message counts as not confirmed.
        largest: Bytes that may be sent at once: a library may make one batch of all.
    """

    def __init__(self, connect_timeout: float, send_timeout: float) -> None:
        self.largest: int | None = None
        self._connect_timeout = connect_timeout
        self._patience = send_timeout + 1  # the library gives up first

    def transact(
        self,
        messages: Sequence[Outgoing],
        topic: str,
        progress: Mapping[int, Progress],
        membership: Any,
    ) -> Outcomes:
        """Send, and write progress down, both or neither.

        Returns:
            What went wrong, up to the round that failed: behind it nothing was tried.

        Raises:
            KafkaError: Neither happened; or both, if no answer to the commit came.
        """
        self._begin()
        outcomes = self._send_until_lost(messages)
        if any(outcomes):
            self._abort()
            return outcomes
        if progress:
            self._send_progress(topic, progress, membership)
        self._commit()
        return outcomes

    def probe(self, messages: Sequence[Outgoing]) -> Outcomes:
        """Do as `transact` and take it back, to see what brokers refuse."""
        self._begin()
        outcomes = self._send_until_lost(messages)
        self._abort()
        return outcomes

    def _send_until_lost(self, messages: Sequence[Outgoing]) -> Outcomes:
        """Send up to what fails: then libraries take nothing more, fit or not."""
        outcomes: Outcomes = []
        for part in rounds(messages, self.largest):
            outcomes += self._send(part)
            if any(outcomes):
                break
        return outcomes

    def send(self, messages: Sequence[Outgoing]) -> Outcomes:
        """Send, wait until all are confirmed or failed, return what went wrong."""
        outcomes: Outcomes = []
        for part in rounds(messages, self.largest):
            outcomes += self._send(part)
            if lost := [error for error in outcomes if error and may_pass(error)]:
                outcomes += lost[:1] * (len(messages) - len(outcomes))
                break
        return outcomes

    @abstractmethod
    def partitions(self, topic: str) -> Sequence[int]:
        """Return the partitions of a topic."""

    @abstractmethod
    def close(self) -> None:
        """Stop at once, whatever is on its way."""

    @abstractmethod
    def _send(self, messages: Sequence[Outgoing]) -> Outcomes: ...

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _abort(self) -> None: ...

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _send_progress(
        self, topic: str, progress: Mapping[int, Progress], membership: Any
    ) -> None: ...


class Driver:
    """Makes readers and writers with one client library.

    Args:
        settings: Of the library.
        reader, writer: Classes that take the settings, then what their base takes.
        connect_timeout, send_timeout: Seconds; see `Reader` and `Writer`.
    """

    def __init__(
        self,
        settings: "ClientSettings",
        reader: type[Any],
        writer: type[Any],
        connect_timeout: float,
        send_timeout: float,
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._writer = writer
        self._connect_timeout = connect_timeout
        self._send_timeout = send_timeout

    def reader(self, topic: str, group: str, listener: RebalanceListener) -> Reader:
        """Join a group.

        Raises:
            KafkaError: No broker answers, or it refuses (as of kafka-python).
        """
        made: Reader = self._reader(
            self._settings.consumer(group), topic, listener, self._connect_timeout
        )
        return made

    def writer(self, transactional_id: str | None) -> Writer:
        """Connect to send.

        Raises:
            KafkaError: No broker answers, or it refuses (as of kafka-python).
        """
        made: Writer = self._writer(
            self._settings.producer(transactional_id),
            self._connect_timeout,
            self._send_timeout,
        )
        return made


class ClientSettings(Protocol):
    """Our options as the settings of a client library."""

    def consumer(self, group: str | None) -> dict[str, Any]:
        """Return those of a consumer."""

    def producer(self, transactional_id: str | None) -> dict[str, Any]:
        """Return those of a producer."""
