"""The bus `kafka`."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import uuid4

from task_bus_kafka.catalog import Catalog
from task_bus_kafka.consumer import KafkaConsumer
from task_bus_kafka.driver import Driver, Partitions, Post, Reader, Writer
from task_bus_kafka.errors import Complaints, hush
from task_bus_kafka.marks import Mark
from task_bus_kafka.options import KafkaOptions, ReadFrom
from task_bus_kafka.producer import KafkaProducer
from task_bus_kafka.pump import Pump
from task_bus_kafka.settings import Settings
from task_bus_kafka.stock import Stock
from task_core.api.bus import Bus, BusContext, Consumer, Producer
from task_core.api.capabilities import Capabilities
from task_core.api.message import Delivery, Message
from task_core.errors import BusConnectionError, SendError

Part = TypeVar("Part", KafkaConsumer, KafkaProducer)


class KafkaBus(Bus):
    """Carries messages over Kafka; connects when it is first used.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: What it can do with these options.
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
        super().__init__("kafka", capabilities)
        hush()
        self._options = options
        self._lease = context.lease
        self._driver = driver
        self._complaints = Complaints(options)
        self._catalog = Catalog(options, settings, self._complaints)
        self._patience = options.connect_timeout.total_seconds()
        self._transactor: KafkaProducer | None = None
        self._open: list[Consumer | Producer] = []

    def subscribe(self, topic: str, channel: str) -> KafkaConsumer:
        """Start to read a topic as a member of the channel's group."""
        self.check_open()
        self._catalog.ensure([topic])
        group = self._group(topic, channel)
        if self._options.from_ == ReadFrom.NEW:
            self._catalog.pin(topic, group)

        def make(partitions: Partitions) -> Reader:
            return self._driver.reader(topic, group, partitions)

        stock = Stock(self._lease)
        interval = 0.0  # the progress is in the transactions
        if not self._options.transactions:
            interval = self._options.commit_interval.total_seconds()
        pump = Pump(stock, make, self._complaints, interval, self._patience)
        pump.start()
        consumer = KafkaConsumer(self, topic, channel, stock, pump)
        return self._keep(consumer)

    def producer(self) -> KafkaProducer:
        """Return a new producer; it connects when it is first used."""
        return self._producer(lambda: self._driver.writer(None))

    def _producer(self, make: Callable[[], Writer]) -> KafkaProducer:
        self.check_open()
        producer = KafkaProducer(
            self, make, self._catalog, self._complaints, self._options.key
        )
        return self._keep(producer)

    def settle(
        self,
        consumer: Consumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send, then note that the deliveries are done.

        Raises:
            LeaseLostError: Others have some of these deliveries; nothing was sent.
            SendError: Some messages were not confirmed; nothing is done.
        """
        self.check_open()
        assert isinstance(consumer, KafkaConsumer)
        consumer.check(deliveries)
        if self._options.transactions:
            self._transact(consumer, deliveries, messages)
        elif messages:
            if self._settler is None:
                self._settler = self.producer()
            self._settler.send(messages)
        consumer.stock.finish(deliveries)

    def _transact(
        self,
        consumer: KafkaConsumer,
        deliveries: Sequence[Delivery],
        messages: Sequence[Message],
    ) -> None:
        """Send, and write progress down as if these were done, in one transaction."""
        if self._transactor is None:
            name = f"task-{uuid4()}"  # nobody else has it: the group fences zombies
            self._transactor = self._producer(lambda: self._driver.writer(name))
        membership, marks = None, dict[int, Mark]()
        if deliveries:
            if (reader := consumer.pump.reader) is None:
                raise consumer.pump.problem or BusConnectionError(
                    "bus 'kafka': its place in the group is about to be taken again"
                )
            membership = reader.membership  # before: with a later one, progress would
            # be taken from us that is no longer ours to write down
            marks = consumer.stock.marks({delivery.token for delivery in deliveries})

        def act(writer: Writer, posts: list[Post]) -> list[Exception | None]:
            return writer.transact(posts, consumer.topic, marks, membership)

        try:
            self._transactor.send_with(messages, act)
        except SendError:
            consumer.check(deliveries)  # it may be the group that refused
            raise

    def topics(self) -> Sequence[str]:
        """Return the names of the topics, sorted, without Kafka's own."""
        self.check_open()
        return self._catalog.names()

    def depth(self, topic: str, channel: str) -> int:
        """Return the lag: how many messages a channel has not done.

        What its consumers hold, and what they did within the last commit interval,
        counts too; of our own consumers, what is done is written down first.
        """
        self.check_open()
        for consumer in self._open:
            if isinstance(consumer, KafkaConsumer) and (
                consumer.topic,
                consumer.channel,
            ) == (topic, channel):
                consumer.pump.mark_now(self._patience)
        return self._catalog.lag(topic, self._group(topic, channel))

    def peek(self, topic: str, limit: int) -> Sequence[bytes]:
        """Return the first bodies of a topic, and take nothing."""
        self.check_open()
        return self._catalog.peek(topic, limit)

    def ping(self) -> None:
        """Ask a broker what its cluster is like."""
        self.check_open()
        self._catalog.ping()

    def close(self) -> None:
        """Give back what is unsettled and let go of the brokers; may be repeated."""
        if not self.closed:
            self.closed = True
            while self._open:
                self._open.pop().close()
            self._catalog.close()

    def _keep(self, part: Part) -> Part:
        """Remember what `close` is to close."""
        self._open = [it for it in self._open if not it.closed]
        self._open.append(part)
        return part

    def _group(self, topic: str, channel: str) -> str:
        """Return the name of a channel's group.

        Each topic has its own: members that read other topics would hold this one up
        whenever one of them comes, goes or dies.
        """
        return self._options.group or f"{self._options.group_prefix}{topic}.{channel}"
