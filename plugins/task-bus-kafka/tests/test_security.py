"""Logging in and TLS: with both client libraries, on a broker that asks for them."""

from datetime import timedelta

import pytest
from brokers.tls import Certificate
from task_bus_kafka.options import Client, KafkaOptions, Security
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext, BusError, Message


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def secure(certificate, broker):
    with broker(tls=certificate) as kafka:
        yield kafka


@pytest.fixture(params=list(Client))
def client(request):
    return request.param


@pytest.fixture
def carry(client):
    """Send a message and receive it; close the bus."""
    opened = []

    def carry(topic, seconds=10.0, **given):
        patience = timedelta(seconds=seconds)
        options = KafkaOptions(
            client=client, partitions=1, connect_timeout=patience, **given
        )
        bus = plugin.open(options, BusContext())
        opened.append(bus)
        bus.ping()
        bus.producer().send([Message(topic, b"secret")])
        consumer = bus.subscribe(topic, "group")
        (came,) = consumer.receive(1, 20)
        bus.settle(consumer, [came], [Message(f"{topic}-done", came.body)])
        return list(bus.peek(f"{topic}-done", 1))

    yield carry
    for bus in opened:
        bus.close()


def test_who_logs_in_with_the_right_password_is_served(secure, carry, client):
    came = carry(
        f"login-{client.name}",
        bootstrap=(secure.sasl,),
        security_protocol=Security.SASL_PLAINTEXT,
        sasl_mechanism="PLAIN",
        sasl_username=secure.user,
        sasl_password=secure.password,
    )
    assert came == [b"secret"]


def test_tasks_travel_over_tls(secure, carry, client, certificate):
    came = carry(
        f"tls-{client.name}",
        bootstrap=(secure.tls,),
        security_protocol=Security.SSL,
        ssl_cafile=certificate.certificate,
    )
    assert came == [b"secret"]


def test_a_broker_whose_certificate_nobody_vouches_for_gets_nothing(
    secure, carry, client
):
    with pytest.raises(BusError, match="ssl_cafile") as caught:
        carry(
            f"unknown-{client.name}",
            seconds=1.0,
            bootstrap=(secure.tls,),
            security_protocol=Security.SSL,
        )
    assert secure.tls in str(caught.value)
