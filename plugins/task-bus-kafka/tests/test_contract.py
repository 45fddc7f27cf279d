"""The bus keeps the contract: with either client library, and with transactions."""

import contextlib
import time
import uuid
from datetime import timedelta

import attrs
import pytest
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.options import Client, KafkaOptions, Security
from task_bus_kafka.plugin import kafka as plugin_of_kafka
from task_testing import BusContract

from task_core.api import BusContext, Message

WHOLE_PARTITIONS = {
    "test_what_one_consumer_does_not_hold_another_gets": (
        "Kafka hands out partitions: the only one has a reader already"
    ),
    "test_a_lost_lease_does_not_hinder_the_rest": (
        "Kafka hands out partitions: with the only one, the heir has all that comes"
    ),
}


@pytest.fixture(scope="module")
def one_backdoor(own_kafka):
    with contextlib.closing(KafkaBackdoor(own_kafka)) as backdoor:
        yield backdoor


class KafkaContract:
    """What the contract is kept with."""

    expected_failures = WHOLE_PARTITIONS
    changes = {}  # noqa: RUF012  read only
    patience = 25.0  # twelve processes start beside a broker; less than a lease
    away = 30.0  # a member that missed a lease is a new one, and awaits its old self

    @pytest.fixture
    def plugin(self):
        return plugin_of_kafka

    @pytest.fixture
    def make(self, own_kafka):
        def make(security_protocol="PLAINTEXT", **more):
            given = {
                "bootstrap": (own_kafka.bootstrap,),
                "partitions": 1,
                "connect_timeout": timedelta(seconds=10),
                "send_timeout": timedelta(seconds=10),
                "security_protocol": Security(security_protocol),
            }
            return KafkaOptions(**{**given, **self.changes, **more})

        return make

    @pytest.fixture
    def options(self, make):
        return make()

    @pytest.fixture
    def backdoor(self, one_backdoor, make):
        one_backdoor.options = make
        return one_backdoor


class TestKafka(KafkaContract, BusContract):
    pass


class TestTransactions(KafkaContract, BusContract):
    label = "transactions"
    changes = {"transactions": True}  # noqa: RUF012  read only


class TestConfluent(KafkaContract, BusContract):
    label = "confluent"
    changes = {"client": Client.CONFLUENT}  # noqa: RUF012  read only


@pytest.mark.parametrize("client", list(Client))
def test_a_broker_that_falls_silent_does_not_hold_up_who_closes(own_kafka, client):
    """Left alone, the libraries wait for a minute and more."""
    patience, topic = timedelta(seconds=3), f"silent-{uuid.uuid4().hex}"
    options = KafkaOptions(
        bootstrap=(own_kafka.bootstrap,), client=client, partitions=1
    )
    with contextlib.closing(plugin_of_kafka.open(options, BusContext())) as bus:
        bus.producer().send([Message(topic, b"1")])
    options = attrs.evolve(options, connect_timeout=patience)
    bus = plugin_of_kafka.open(options, BusContext())
    consumer = bus.subscribe(topic, "group")
    consumer.ack(consumer.receive(1, 60))
    own_kafka.pause()
    try:
        begin = time.monotonic()
        bus.close()
        assert time.monotonic() - begin < 30
    finally:
        own_kafka.resume()
