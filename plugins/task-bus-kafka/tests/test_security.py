"""Logging in and TLS: with both client libraries, on a broker that asks for them."""

import subprocess
from datetime import timedelta

import pytest
from brokers.tls import Certificate
from task_bus_kafka.options import KafkaOptions, Security
from task_bus_kafka.plugin import kafka as plugin

from task_core.api import BusContext, BusError, Message
from task_core.errors import OptionError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate.make(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def locked_key(certificate):
    """The same key, behind a password."""
    locked = certificate.key.with_name("locked.pem")
    subprocess.run(
        [
            *("openssl", "pkey", "-in", certificate.key, "-out", locked),
            *("-aes256", "-passout", "pass:s3cret"),
        ],
        check=True,
    )
    return locked


@pytest.fixture(scope="module")
def secure(certificate, broker):
    with broker(tls=certificate) as kafka:
        yield kafka


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
        (came,) = consumer.receive(1, 60)
        consumer.settle([came], [Message(f"{topic}-done", came.body)])
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


def test_our_own_certificate_is_shown_with_a_key_that_has_a_password(
    secure, carry, client, certificate, locked_key
):
    given = {
        "bootstrap": (secure.tls,),
        "security_protocol": Security.SSL,
        "ssl_cafile": certificate.certificate,
        "ssl_certfile": certificate.certificate,
        "ssl_keyfile": locked_key,
    }
    topic = f"own-{client.name}"
    assert carry(topic, **given, ssl_password="s3cret") == [b"secret"]
    with pytest.raises(OptionError, match="ssl_password") as caught:
        carry(topic, **given, ssl_password="gu3ssed")
    assert "gu3ssed" not in str(caught.value)


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
