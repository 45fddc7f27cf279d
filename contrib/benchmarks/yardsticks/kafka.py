"""Bare loops on the two client libraries of Kafka.

Each done task is confirmed by all in-sync replicas before its message is finished;
progress is written down twice a second, off the path of a task. The group is joined
before the clock starts.
"""

import time
import uuid
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from brokers.kafka import Kafka
from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.plugin import kafka
from yardstick import DONE, TASK, Yardstick

from task_core.api import BusContext

COMMIT_EVERY = 0.5


class KafkaLoops(Yardstick):
    """What both libraries have in common."""

    client: str

    def __init__(self) -> None:
        self._broker = Kafka(partitions=1)
        self._broker.start()
        self.bootstrap = self._broker.bootstrap
        self.title = f"{self._broker.implementation}, {self.client}"
        self.url = f"kafka://{self.bootstrap}?partitions=1&client={self.client}"
        self.prepare("done", "sent")

    def prepare(self, *topics: str) -> None:
        """Make topics of one partition."""
        options = KafkaOptions(bootstrap=(self.bootstrap,), partitions=1)
        bus = kafka.open(options, BusContext())
        bus.prepare(topics)
        bus.close()

    def work(self, window: int, count: int) -> float:
        topic = f"bare-{uuid.uuid4().hex[:10]}"
        self.prepare(topic)
        for begin in range(0, count, 500):
            self.publish(topic, TASK, min(500, count - begin))
        return self.read(topic, window, count)

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            self.publish("sent", TASK, batch)

    @abstractmethod
    def publish(self, topic: str, body: bytes, count: int) -> None:
        """Send so many, and wait until all are confirmed."""

    @abstractmethod
    def read(self, topic: str, window: int, count: int) -> float:
        """Join, then read and settle all; return the seconds after the first."""

    def close(self) -> None:
        self._broker.close()


class KafkaPythonLoops(KafkaLoops):
    """kafka-python alone."""

    client = "kafka-python"

    def __init__(self) -> None:
        from kafka import KafkaProducer

        super().__init__()
        self._producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True
        )

    def publish(self, topic: str, body: bytes, count: int) -> None:
        for future in [self._producer.send(topic, body) for _ in range(count)]:
            future.get(30)

    def read(self, topic: str, window: int, count: int) -> float:
        from kafka import KafkaConsumer
        from kafka.structs import OffsetAndMetadata

        consumer = KafkaConsumer(
            topic,
            bootstrap_servers=self.bootstrap,
            group_id=topic,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        while not consumer.poll(1000, max_records=1):
            pass
        begun, left, commit_at = time.perf_counter(), count - 1, 0.0
        while left > 0:
            for partition, records in consumer.poll(30_000, max_records=window).items():
                self.publish("done", DONE, len(records))
                end = OffsetAndMetadata(records[-1].offset + 1, "", -1)
                left -= len(records)
                if time.monotonic() > commit_at:
                    consumer.commit_async({partition: end})
                    commit_at = time.monotonic() + COMMIT_EVERY
        took = time.perf_counter() - begun
        consumer.close()
        return took

    def close(self) -> None:
        self._producer.close()
        super().close()


class ConfluentLoops(KafkaLoops):
    """confluent-kafka alone."""

    client = "confluent"

    def __init__(self) -> None:
        from confluent_kafka import Producer

        super().__init__()
        self._confirmed = 0
        settings = {"acks": "all", "enable.idempotence": True, "linger.ms": 0}
        self._producer = Producer({"bootstrap.servers": self.bootstrap, **settings})

    def _note(self, error: Any, message: Any) -> None:
        del message
        assert error is None
        self._confirmed += 1

    def publish(self, topic: str, body: bytes, count: int) -> None:
        self._confirmed = 0
        for _ in range(count):
            self._producer.produce(topic, body, on_delivery=self._note)
        while self._confirmed < count:
            self._producer.poll(1)

    def read(self, topic: str, window: int, count: int) -> float:
        from confluent_kafka import Consumer

        settings = {"enable.auto.commit": False, "auto.offset.reset": "earliest"}
        where = {"bootstrap.servers": self.bootstrap, "group.id": topic}
        consumer = Consumer({**where, **settings})
        consumer.subscribe([topic])
        while not consumer.poll(1):
            pass
        begun, left, commit_at = time.perf_counter(), count - 1, 0.0
        while left > 0:
            found: Sequence[Any] = [consumer.poll(30)]
            if window > 1:
                found = [*found, *consumer.consume(window - 1, 0)]
            self.publish("done", DONE, len(found))
            left -= len(found)
            if time.monotonic() > commit_at:
                consumer.commit(asynchronous=True)
                commit_at = time.monotonic() + COMMIT_EVERY
        took = time.perf_counter() - begun
        consumer.close()
        return took
