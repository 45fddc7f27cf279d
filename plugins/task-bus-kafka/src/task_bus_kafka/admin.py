"""What the cluster has: topics, groups, what lies there."""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from kafka.admin import ConfigResource, OffsetSpec  # type: ignore[import-untyped]
from kafka.errors import (  # type: ignore[import-untyped]
    InvalidReplicationFactorError,
    KafkaConnectionError,
    NoError,
    NotControllerError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.net.compat import KafkaNetClient  # type: ignore[import-untyped]

from task_bus_kafka import groups
from task_bus_kafka.errors import Errors
from task_bus_kafka.names import kafka_topic, name_problem
from task_bus_kafka.network import connected
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.patience import SOON, BrokersFencedError, patiently
from task_bus_kafka.settings import Settings
from task_core.api import BusConnectionError, BusError, ChannelState

T = TypeVar("T")
_LIMIT = "max.message.bytes"
_GLANCE = 2_000
"""Milliseconds that `peek` waits for what ought to be there."""


class Admin:
    """Asks the cluster; connects when it is first asked, and again after a failure.

    Also while the cluster needs a moment: the library never asks again who keeps a
    group, nor often where the brokers are.

    Args:
        options: Tell how to make topics.
        settings: Of the client.
        errors: Words what goes wrong.
    """

    def __init__(
        self, options: KafkaOptions, settings: Settings, errors: Errors
    ) -> None:
        self._settings = settings
        self._errors = errors
        self._shape = {
            "num_partitions": options.partitions or -1,
            "replication_factor": options.replication or -1,
        }
        self._client: KafkaNetClient | None = None
        self._admin: KafkaAdminClient | None = None

    def ensure(self, topics: Iterable[str]) -> None:
        """Make the topics that are missing.

        Raises:
            BusError: One of them cannot be.
        """
        for topic in topics:
            if problem := name_problem(topic):
                raise BusError(f"bus 'kafka': {problem}")
        names = {kafka_topic(topic) for topic in topics}
        self._ask("make topics", lambda admin: self._make_topics(admin, names))

    def _make_topics(self, admin: KafkaAdminClient, topics: set[str]) -> None:
        missing = topics - set(admin.list_topics())
        if not missing:
            return
        shapes = dict.fromkeys(missing, self._shape)
        answer = admin.create_topics(shapes, raise_errors=False)
        self._judge(answer["topics"], TopicAlreadyExistsError)
        admin.wait_for_topics(list(missing))

    def names(self) -> list[str]:
        """Return the topics, without Kafka's own."""
        found = self._ask("list topics", lambda admin: admin.list_topics())
        return sorted(name for name in found if not name.startswith("__"))

    def lag(self, topic: str, group: str) -> int:
        """Return how many messages of a topic a group has not done."""
        return self._ask(
            f"lag of '{topic}'", lambda admin: groups.lag_of(admin, topic, group)
        )

    def channels(self, topic: str, prefix: str) -> list[ChannelState]:
        """Return the groups of a topic whose names begin so, without that beginning."""
        what = f"groups of '{topic}'"
        return self._ask(what, lambda admin: groups.channels_of(admin, topic, prefix))

    def limits(self, topics: Iterable[str]) -> dict[str, int]:
        """Return the longest batch that topics take; what brokers do not tell is left.

        Raises:
            BusConnectionError: No broker answers.
        """
        asked = [ConfigResource("topic", topic, [_LIMIT]) for topic in topics]
        try:
            found = self._ask(
                "limits of topics",
                lambda admin: admin.describe_configs(asked, config_filter="all"),
            )
        except BusConnectionError:
            raise
        except BusError:  # it may be kept from us; then it is found out by sending
            return {}
        told = {name: it[_LIMIT] for name, it in found["topic"].items() if _LIMIT in it}
        return {name: int(one["value"]) for name, one in told.items()}

    def pin(self, topic: str, group: str) -> None:
        """Let a new group begin with what is sent from now on."""
        self._ask(f"begin '{topic}'", lambda admin: groups.pin(admin, topic, group))

    def delete_topic(self, topic: str) -> None:
        """Delete a topic, and with it what groups know of it."""
        self._ask(f"delete '{topic}'", lambda admin: self._delete_topic(admin, topic))

    def _delete_topic(self, admin: KafkaAdminClient, topic: str) -> None:
        answer = admin.delete_topics([topic], raise_errors=False)
        self._judge(answer["topics"], UnknownTopicOrPartitionError)

    def delete_group(self, group: str) -> None:
        """Delete a group; it must have no members."""
        what = f"delete group '{group}'"
        self._ask(what, lambda admin: groups.delete_group(admin, group))

    def delete_progress(self, topic: str, group: str) -> None:
        """Delete what a group knows of one topic."""
        what = f"delete '{topic}' from group '{group}'"
        self._ask(what, lambda admin: groups.delete_progress(admin, topic, group))

    def ping(self) -> None:
        """Ask for a sign of life."""
        self._ask("ping", lambda admin: admin.describe_cluster())

    def peek(self, topic: str, limit: int) -> list[bytes]:
        """Return the first bodies of a topic, and take nothing."""
        what = f"peek '{topic}'"
        ends = self._ask(
            what, lambda admin: groups.offsets_of(admin, topic, OffsetSpec.LATEST)
        )
        if not ends:
            return []
        try:
            return self._read(ends, limit)
        except Exception as error:  # noqa: BLE001  whatever it raises
            raise self._errors.of(error, what) from None

    def _read(self, ends: Mapping[TopicPartition, int], limit: int) -> list[bytes]:
        """Read as many of each partition: the oldest may all be in any of them."""
        consumer = KafkaConsumer(**self._settings.consumer(None))
        found: dict[TopicPartition, list[Any]] = {at: [] for at in ends}
        unread = set(ends)
        try:
            consumer.assign(list(ends))
            consumer.seek_to_beginning()
            while unread:
                records = consumer.poll(_GLANCE, max_records=limit)
                for at, some in records.items():
                    found[at] += some
                if not records:
                    break
                read = {
                    at
                    for at in unread
                    if len(found[at]) >= limit or consumer.position(at) >= ends[at]
                }
                consumer.pause(*read)
                unread -= read
        finally:
            consumer.close()
        oldest = sorted(chain(*found.values()), key=lambda record: record.timestamp)
        return [record.value or b"" for record in oldest[:limit]]

    def _judge(self, answers: Iterable[Mapping[str, Any]], harmless: type) -> None:
        """Raise the first refusal that matters; what is one for now, to ask again."""
        for answer in answers:
            kind = for_code(answer["error_code"])
            if kind in (NoError, harmless):
                continue
            reason = answer.get("error_message") or kind.__name__
            text = f"topic '{answer['name']}': {reason}"
            if kind is InvalidReplicationFactorError and "fenced" in reason:
                raise BrokersFencedError(text)  # what it means by it
            raise self._errors.of(kind(text))

    def _ask(self, what: str, question: Callable[[KafkaAdminClient], T]) -> T:
        try:
            return patiently(lambda: self._asked(question), SOON, self.close)
        except BusError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it raises
            self.close()
            raise self._errors.of(error, what) from None

    def _asked(self, question: Callable[[KafkaAdminClient], T]) -> T:
        """Ask; anew if the connection was cut, as any is that is idle for long."""
        was_there = self._admin is not None
        try:
            return question(self._connected())
        except KafkaConnectionError:
            if not was_there:
                raise
        except RuntimeError as error:
            if "controller" not in str(error):
                raise
            raise NotControllerError(str(error)) from None  # what it means by it
        self.close()
        return question(self._connected())

    def _connected(self) -> KafkaAdminClient:
        if self._admin is None:
            self._admin, self._client = connected(
                KafkaAdminClient, self._settings.admin()
            )
        return self._admin

    def close(self) -> None:
        """Let go of the connection; may be repeated."""
        client, self._client, self._admin = self._client, None, None
        if client is not None:
            client.close()
