"""A way around the bus: plain clients of kafka-python."""

import contextlib

from brokers.ports import free_address
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import TopicAlreadyExistsError

from task_core.testing import Backdoor


class KafkaBackdoor(Backdoor):
    """Reads and writes one Kafka.

    Args:
        kafka: The broker.
        options: Makes options of the bus with other values.
        partitions: Of the topics that are put to.
    """

    def __init__(self, kafka, options, partitions=1):
        self.kafka = kafka
        self.broker = kafka.implementation
        self._options = options
        self._partitions = partitions

    def put(self, topic, bodies):
        self.make(topic)
        producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap, acks="all")
        with contextlib.closing(producer):
            for future in [producer.send(topic, body) for body in bodies]:
                future.get(30)

    def make(self, topic):
        admin = KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        shape = {topic: {"num_partitions": self._partitions, "replication_factor": 1}}
        with contextlib.closing(admin), contextlib.suppress(TopicAlreadyExistsError):
            admin.create_topics(shape, wait_for_metadata=True)

    def remove(self, topic):
        admin = KafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        with contextlib.closing(admin):
            admin.delete_topics([topic])

    def take(self, topic):
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
        )
        with contextlib.closing(consumer):
            if topic not in consumer.topics():
                return []
            numbers = sorted(consumer.partitions_for_topic(topic))
            partitions = [TopicPartition(topic, number) for number in numbers]
            consumer.assign(partitions)
            consumer.seek_to_beginning()
            ends = consumer.end_offsets(partitions)
            found = []
            while any(consumer.position(at) < end for at, end in ends.items()):
                for records in consumer.poll(200).values():
                    found += [record.value for record in records]
        return found

    def stop(self):
        self.kafka.stop()

    def start(self):
        self.kafka.start()

    def unreachable(self):
        address = free_address()
        return self._options(bootstrap=(address,)), address

    def refused(self):
        secret = "wrong-secret"
        options = self._options(
            bootstrap=(self.kafka.sasl,),
            security_protocol="SASL_PLAINTEXT",
            sasl_mechanism="PLAIN",
            sasl_username=self.kafka.user,
            sasl_password=secret,
        )
        return options, secret
