"""Reads with kafka-python."""

import contextlib
import threading
from collections.abc import Collection, Mapping, Sequence
from time import monotonic
from typing import Any

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.consumer.subscription_state import AsyncConsumerRebalanceListener  # type: ignore[import-untyped]
from kafka.errors import KafkaError, RetriableError  # type: ignore[import-untyped]
from kafka.future import Future  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from task_bus_kafka.driver import Reader, RebalanceListener
from task_bus_kafka.network import connected
from task_bus_kafka.progress import Progress
from task_bus_kafka.python_group import Membership
from task_bus_kafka.records import Record

REST = 0.1
"""Seconds between two tries of the last commit of a partition."""
BRIEF = 3.0
"""Seconds that this commit may take, and after it leaving the group."""


class PythonReader(Reader):
    """A member of a group; see the base."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        topic: str,
        listener: RebalanceListener,
        patience: float,
    ) -> None:
        super().__init__(topic, listener, patience)
        self._consumer, self._client = connected(KafkaConsumer, settings)
        self._membership = Membership(self._consumer, self._client._manager)
        self._consumer.subscribe([topic], listener=_Listener(self, listener))
        self._learn()

    def _learn(self) -> None:
        """Await that the partitions of the topic are known; then the group is joined.

        A leader that does not know them assigns none, and has the group join again
        when it does: meanwhile a second member may come, and get what is the first's.
        """
        cluster, manager = self._client.cluster, self._client._manager
        ends = monotonic() + self._patience
        while not cluster.partitions_for_topic(self._topic):
            if (left := ends - monotonic()) <= 0:
                break  # somebody has deleted it; it may be made anew
            with contextlib.suppress(KafkaError):
                manager.run(manager.wait_for, cluster.request_update(), left * 1000)

    async def commit_last(self, progress: Mapping[int, Progress]) -> None:
        """Write progress down before others go on (in the client's own thread)."""
        ends = monotonic() + min(self._patience, BRIEF)
        while (left := ends - monotonic()) > 0:
            commit = self._send_commit(progress)
            try:
                await self._client._manager.wait_for(commit, left * 1000)
            except RetriableError:  # the coordinator moves, or has just started
                await self._client._net.sleep(REST)
            except KafkaError:
                return  # others do again what was not written down
            else:
                return

    @property
    def alive(self) -> bool:
        brokers = self._client.cluster.brokers()
        return any(self._client.connected(broker.node_id) for broker in brokers)

    @property
    def joined(self) -> bool:
        return self._membership.look()

    @property
    def has_partitions(self) -> bool:
        return bool(self._consumer.assignment())

    @property
    def membership(self) -> Any:
        return self._consumer.group_metadata()

    def _poll(self, limit: int, seconds: float) -> Sequence[Record]:
        self._membership.look()
        self._membership.keep()
        found = self._consumer.poll(round(seconds * 1000), max_records=limit)
        return [
            Record(record.partition, record.offset, record.value or b"", record.headers)
            for records in found.values()
            for record in records
        ]

    def _pause(self, paused: bool) -> None:
        if paused:
            self._consumer.pause(*self._consumer.assignment())
        else:
            self._consumer.resume(*self._consumer.paused())

    def positions(self) -> Mapping[int, int]:
        states = dict(self._consumer._subscription.assignment)
        return {
            at.partition: state.position.offset
            for at, state in states.items()
            if state.position is not None
        }

    def _committed(self, partition: int) -> Any:
        return self._consumer.committed(
            TopicPartition(self._topic, partition),
            metadata=True,
            timeout_ms=self._patience * 1000,
        )

    def _commit(self, progress: Mapping[int, Progress]) -> None:
        future = self._send_commit(progress)
        future.add_callback(lambda _: self._answered())
        future.add_errback(self._answered)

    def _send_commit(self, progress: Mapping[int, Progress]) -> Future:
        """Write progress down; the answer is to come."""
        return self._membership.commit(offsets_of(self._topic, progress))

    def _commit_soon(self, progress: Mapping[int, Progress]) -> threading.Event:
        done = threading.Event()
        future = self._send_commit(progress)
        future.add_callback(lambda _: self._answered())
        future.add_errback(self._answered)
        future.add_both(lambda _: done.set())
        return done

    def close(self) -> None:
        self._consumer.close(timeout_ms=min(self._patience, BRIEF) * 1000)


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Writes down the progress of partitions before others get them.

    Runs in the client's own thread, which must not wait for itself.
    """

    def __init__(self, reader: PythonReader, listener: RebalanceListener) -> None:
        self._reader = reader
        self._listener = listener

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if progress := self._listener.release([number for _, number in revoked]):
            await self._reader.commit_last(progress)

    async def on_partitions_assigned(
        self, assigned: Collection[TopicPartition]
    ) -> None:
        return

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        self._listener.release([number for _, number in lost])


def offsets_of(
    topic: str, progress: Mapping[int, Progress]
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return progress as the library takes it."""
    return {
        TopicPartition(topic, number): OffsetAndMetadata(one.offset, one.text, -1)
        for number, one in progress.items()
    }
