"""A way around the bus: plain clients of kafka-python."""

import contextlib
import time
from datetime import timedelta
from functools import cached_property

from brokers.insist import until
from brokers.ports import free_address
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import InvalidReplicationFactorError, TopicAlreadyExistsError
from task_testing import Backdoor


class KafkaBackdoor(Backdoor):
    """Reads and writes one Kafka, with clients that it keeps until `close`.

    Args:
        kafka: The broker.
        options: Makes options of the bus with other values.
        partitions: Of the topics that are put to.
    """

    def __init__(self, kafka, options=None, partitions=1):
        self.kafka = kafka
        self.broker = kafka.implementation
        self.options = options
        self._partitions = partitions

    @cached_property
    def admin(self):
        return KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)

    @cached_property
    def producer(self):
        return KafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all")

    @cached_property
    def consumer(self):
        return KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
        )

    @cached_property
    def watcher(self):
        """Sees what is not committed yet, too."""
        return KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, allow_auto_create_topics=False
        )

    def close(self):
        for name in ("admin", "producer", "consumer", "watcher"):
            if client := self.__dict__.pop(name, None):
                client.close()

    def wide_topic(self):
        topic = self.topic()
        self.make(topic, 2)
        return topic

    def put(self, topic, bodies):
        self.make(topic)
        for future in [self.producer.send(topic, body) for body in bodies]:
            future.get(30)
        self.producer._accumulator._batches.clear()  # as our writer, and for its reason

    def make(self, topic, partitions=None):
        count = partitions or self._partitions
        self._create({topic: {"num_partitions": count, "replication_factor": 1}})

    def make_with(self, topic, **configs):
        """Make a topic of one partition with settings of its own."""
        configs = {name.replace("_", "."): value for name, value in configs.items()}
        shape = {"num_partitions": 1, "replication_factor": 1, "configs": configs}
        self._create({topic: shape})

    def _create(self, shapes):
        """Make topics; a broker is not heard while its machine stands still."""

        def create():
            with contextlib.suppress(TopicAlreadyExistsError):
                self.admin.create_topics(shapes, wait_for_metadata=True)
            return True

        until(create, InvalidReplicationFactorError)

    def remove(self, topic):
        self.admin.delete_topics([topic])

    def grow(self, topic, partitions):
        self.admin.create_partitions({topic: partitions})
        self.close()  # these clients would learn of it some time

    def forget(self, topic, before):
        """Do what the end of the retention does, on the only partition."""
        self.admin.delete_records({TopicPartition(topic, 0): before})

    def bad_topic(self):
        return "no name of a topic"

    def take(self, topic):
        consumer = self.consumer
        if topic not in consumer.topics():
            return []
        numbers = sorted(consumer.partitions_for_topic(topic))
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        # A commit is confirmed a moment before readers see what it was about.
        ends = self.watcher.end_offsets(partitions)
        # That of who was killed ends with its time: twice `send_timeout`.
        found, deadline = [], time.monotonic() + 60
        while any(consumer.position(at) < end for at, end in ends.items()):
            assert time.monotonic() < deadline, "a transaction does not end"
            for records in consumer.poll(200).values():
                found += [record.value for record in records]
        return found

    def stop(self):
        self.close()  # the connections end with it
        self.kafka.stop()

    def start(self):
        self.kafka.start()

    def unreachable(self):
        address = free_address()
        soon = timedelta(seconds=0.5)
        return self.options(bootstrap=(address,), connect_timeout=soon), address

    def refused(self):
        secret = "wrong-secret"
        options = self.options(
            bootstrap=(self.kafka.sasl,),
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_username=self.kafka.user,
            sasl_password=secret,
        )
        return options, secret
