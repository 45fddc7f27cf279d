"""The bus `kafka`."""

from collections.abc import Sequence
from uuid import uuid4

import attrs

from task_bus_kafka.admin import Admin
from task_bus_kafka.buffer import Buffer
from task_bus_kafka.consumer import KafkaConsumer
from task_bus_kafka.driver import Driver, Reader, RebalanceListener
from task_bus_kafka.errors import Errors, quiet_log
from task_bus_kafka.names import kafka_topic
from task_bus_kafka.options import KafkaOptions, ReadFrom
from task_bus_kafka.poller import Poller
from task_bus_kafka.producer import KafkaProducer
from task_bus_kafka.settings import Settings
from task_core.api import Bus, BusContext, Capabilities, ChannelState, Consumer

CAUTION = 4
"""Commit intervals in which we are past what another did in one: that takes longer when
each step is written down."""


class KafkaBus(Bus):
    """Carries messages over Kafka; connects when it is first used.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest.
        settings: Of the client that asks the cluster.
        driver: Of the client that carries messages.
    """

    def __init__(
        self,
        options: KafkaOptions,
        context: BusContext,
        capabilities: Capabilities,
        settings: Settings,
        driver: Driver,
    ) -> None:
        able = attrs.evolve(
            capabilities,
            ordered=options.partitions == 1,
            atomic_settle=options.transactions,
            max_bytes=options.max_bytes,
        )
        super().__init__("kafka", able, lease=context.lease)
        quiet_log()
        self._options = options
        self._driver = driver
        self._errors = Errors(options)
        self._admin = Admin(options, settings, self._errors)
        self._transactor: KafkaProducer | None = None
        self._temporary: set[tuple[str, str]] = set()  # topics and channels of lookers

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        """Join the group of the channel."""
        self._admin.ensure([topic])
        if temporary:
            self._temporary.add((topic, channel))
        name, group = kafka_topic(topic), self._group(topic, channel)
        if self._options.from_ == ReadFrom.NEW:
            self._admin.pin(name, group)

        def make(listener: RebalanceListener) -> Reader:
            return self._driver.reader(name, group, listener)

        interval = 0.0  # the progress is in the transactions
        if not self._options.transactions:
            interval = self._options.commit_interval.total_seconds()
        buffer = Buffer(self.lease, CAUTION * interval)
        patience = self._options.connect_timeout.total_seconds()
        where = f"topic '{topic}' for group '{group}'"
        poller = Poller(buffer, make, self._errors, interval, patience, where)
        poller.start()
        transactor = self._make_transactor if self._options.transactions else None
        return KafkaConsumer(self, topic, channel, buffer, poller, transactor)

    def _producer(self, transactional_id: str | None = None) -> KafkaProducer:
        return KafkaProducer(
            self,
            lambda: self._driver.writer(transactional_id),
            self._admin,
            self._errors,
            self._options,
        )

    def _make_transactor(self) -> KafkaProducer:
        """Return what settles in transactions; made when it is first needed."""
        if self._transactor is None:
            # Nobody else has this name: it is the group that fences zombies.
            self._transactor = self._producer(f"task-{uuid4()}")
        return self._transactor

    def _topics(self) -> Sequence[str]:
        """Return the names of all but Kafka's own."""
        return self._admin.names()

    def _depth(self, topic: str, channel: str) -> int:
        """Return the lag: how many messages a channel has not done.

        What its consumers hold, and what they did within the last commit interval,
        counts too; of our own consumers, what is done is written down first.
        """
        for consumer in self._consumers:
            reads = (consumer.topic, consumer.channel) == (topic, channel)
            if isinstance(consumer, KafkaConsumer) and reads:
                consumer.commit()
        return self._admin.lag(kafka_topic(topic), self._group(topic, channel))

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        """Return the groups with progress in a topic; who holds what, nobody knows."""
        if self._options.group:
            return ()
        return self._admin.channels(
            kafka_topic(topic), f"{self._options.group_prefix}{topic}."
        )

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        return self._admin.peek(kafka_topic(topic), limit)

    def _forget(self, topic: str, channel: str) -> None:
        if not channel:
            self._admin.delete_topic(kafka_topic(topic))
        elif (group := self._group(topic, channel)) == self._options.group:
            # that others, of other topics, may have in common
            self._admin.delete_progress(kafka_topic(topic), group)
        else:
            self._admin.delete_group(group)
            self._temporary.discard((topic, channel))

    def _ping(self) -> None:
        self._admin.ping()

    def _close(self) -> None:
        if self._transactor is not None:
            self._transactor.close()
        self._admin.close()

    def _group(self, topic: str, channel: str) -> str:
        """Return the name of a channel's group.

        Each topic has its own: members that read other topics would hold this one up
        whenever one of them comes, goes or dies. Whoever only looks has its own, too,
        whatever that of the others is called: in theirs it would take their messages.
        """
        if self._options.group and (topic, channel) not in self._temporary:
            return self._options.group
        return f"{self._options.group_prefix}{topic}.{channel}"
