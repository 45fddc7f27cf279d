"""What the cluster has: topics, how far groups are, what lies there."""

from collections.abc import Callable, Iterable, Mapping
from time import monotonic, sleep
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.admin import OffsetSpec  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    TopicAlreadyExistsError,
    for_code,
)
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]
from kafka.structs import OffsetAndMetadata  # type: ignore[import-untyped]

from task_bus_kafka.errors import Complaints
from task_bus_kafka.marks import read_mark
from task_bus_kafka.network import keep_client
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.settings import Settings
from task_core.errors import BusError

T = TypeVar("T")
_NOT_YET = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError)
_NEW_CLUSTER = 10.0
"""Seconds in which a cluster has made the topic where groups keep their progress."""
_PAUSE = 0.1
_GLANCE = 2_000
"""Milliseconds that `peek` waits for what ought to be there."""


class Catalog:
    """Asks the cluster; connects when it is first asked, and again after a failure.

    Args:
        options: Tell how to make topics.
        settings: Of the client.
        complaints: Words what goes wrong.
    """

    def __init__(
        self, options: KafkaOptions, settings: Settings, complaints: Complaints
    ) -> None:
        self._settings = settings
        self._complaints = complaints
        self._shape = {
            "num_partitions": options.partitions or -1,
            "replication_factor": options.replication or -1,
        }
        self._known: set[str] = set()
        self._client: KafkaNetClient | None = None
        self._admin: KafkaAdminClient | None = None

    def ensure(self, topics: Iterable[str]) -> None:
        """Make the topics that are missing."""
        missing = set(topics) - self._known
        if missing:
            self._ask("make topics", lambda admin: self._make_topics(admin, missing))
            self._known |= missing

    def _make_topics(self, admin: KafkaAdminClient, topics: set[str]) -> None:
        missing = topics - set(admin.list_topics())
        if not missing:
            return
        answer = admin.create_topics(
            dict.fromkeys(missing, self._shape), raise_errors=False
        )
        for topic in answer["topics"]:
            kind = for_code(topic["error_code"])
            if topic["error_code"] and kind is not TopicAlreadyExistsError:
                reason = topic.get("error_message") or kind.__name__
                raise self._complaints.of(kind(f"topic '{topic['name']}': {reason}"))
        admin.wait_for_topics(list(missing))

    def names(self) -> list[str]:
        """Return the topics, without Kafka's own."""
        found = self._ask("list topics", lambda admin: admin.list_topics())
        return sorted(name for name in found if not name.startswith("__"))

    def lag(self, topic: str, group: str) -> int:
        """Return how many messages of a topic a group has not done."""
        return self._ask(f"lag of '{topic}'", lambda admin: _lag(admin, topic, group))

    def pin(self, topic: str, group: str) -> None:
        """Let a new group begin with what is sent from now on."""
        self._ask(f"begin '{topic}'", lambda admin: _pin(admin, topic, group))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._ask("ping", lambda admin: admin.describe_cluster())

    def peek(self, topic: str, limit: int) -> list[bytes]:
        """Return the first bodies of a topic, and take nothing."""
        ends = self._ask(
            f"peek '{topic}'", lambda admin: _offsets(admin, topic, OffsetSpec.LATEST)
        )
        if not ends:
            return []
        try:
            return self._read(ends, limit)
        except Exception as error:  # noqa: BLE001  whatever it raises
            raise self._complaints.of(error, f"peek '{topic}'") from None

    def _read(self, ends: Mapping[TopicPartition, int], limit: int) -> list[bytes]:
        consumer = KafkaConsumer(**self._settings.consumer(None))
        found: list[Any] = []
        try:
            consumer.assign(list(ends))
            consumer.seek_to_beginning()
            while len(found) < limit:
                records = consumer.poll(_GLANCE, max_records=limit)
                found += [record for some in records.values() for record in some]
                if not records or all(
                    consumer.position(at) >= end for at, end in ends.items()
                ):
                    break
        finally:
            consumer.close()
        found.sort(key=lambda record: record.timestamp)  # stable: keeps their order
        return [record.value or b"" for record in found[:limit]]

    def _ask(self, what: str, question: Callable[[KafkaAdminClient], T]) -> T:
        try:
            if self._admin is None:
                self._connect()
            return question(self._admin)
        except BusError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it raises
            self.close()
            raise self._complaints.of(error, what) from None

    def _connect(self) -> None:
        self._admin = KafkaAdminClient(
            **self._settings.admin(), kafka_client=keep_client(self._keep)
        )

    def _keep(self, client: KafkaNetClient) -> None:
        self._client = client

    def close(self) -> None:
        """Let go of the connection; may be repeated."""
        client, self._client, self._admin = self._client, None, None
        if client is not None:
            client.close()


def _partitions(admin: KafkaAdminClient, topic: str) -> list[TopicPartition]:
    if topic not in admin.list_topics():  # asking for it could make it
        return []
    (found,) = admin.describe_topics([topic])
    return [
        TopicPartition(topic, part["partition_index"]) for part in found["partitions"]
    ]


def _offsets(
    admin: KafkaAdminClient, topic: str, spec: OffsetSpec
) -> dict[TopicPartition, int]:
    partitions = _partitions(admin, topic)
    if not partitions:
        return {}
    found = admin.list_partition_offsets(dict.fromkeys(partitions, spec))
    return {partition: answer.offset for partition, answer in found.items()}


def _progress(
    admin: KafkaAdminClient, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Any]:
    """Return what a group has committed; a new cluster needs a moment for its books."""
    deadline = monotonic() + _NEW_CLUSTER
    while True:
        try:
            found: dict[TopicPartition, Any]
            found = admin.list_group_offsets({group: list(partitions)})[group]
        except _NOT_YET:
            if monotonic() > deadline:
                raise
            sleep(_PAUSE)  # nothing tells when it is ready
        else:
            return found


def _lag(admin: KafkaAdminClient, topic: str, group: str) -> int:
    ends = _offsets(admin, topic, OffsetSpec.LATEST)
    starts = _offsets(admin, topic, OffsetSpec.EARLIEST)
    done = _progress(admin, group, ends) if ends else {}
    lag = 0
    for partition, end in ends.items():
        kept = done.get(partition)
        if kept is None or kept.offset < 0:
            lag += end - starts[partition]
        else:
            mark = read_mark(kept.offset, kept.metadata)
            lag += max(0, end - max(mark.offset, starts[partition])) - mark.done_beyond
    return max(0, lag)


def _pin(admin: KafkaAdminClient, topic: str, group: str) -> None:
    """Write down the ends as the progress of a group that has none.

    Of a group that has some, what nothing is known of is a partition that came later,
    and all in it is new.
    """
    ends = _offsets(admin, topic, OffsetSpec.LATEST)
    done = _progress(admin, group, ends)
    if not any(kept.offset >= 0 for kept in done.values()):
        pinned = {at: OffsetAndMetadata(end, "", -1) for at, end in ends.items()}
        admin.alter_group_offsets(group, pinned)
