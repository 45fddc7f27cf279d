"""TLS that verifies, and secrets that nobody sees."""

import threading
from datetime import timedelta

import pytest
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor

from task_core.api import (
    BusConnectionError,
    BusError,
    Message,
    UnsupportedCapabilityError,
)


@pytest.fixture
def good(guarded, auth, certificate):
    """Options that are let in."""
    return {
        "nsqd": (guarded.tcp,),
        "http": (guarded.http,),
        "tls": True,
        "tls_ca": certificate.certificate,
        "auth_secret": auth.secret,
    }


def refusal(bus):
    """Return what both ways of use say; neither is a matter of trying again."""
    told = set()
    for act in (
        lambda: bus.subscribe("t", "c"),
        lambda: bus.producer().send([Message("t", b"1")]),
    ):
        with pytest.raises(BusError) as caught:
            act()
        assert not isinstance(caught.value, BusConnectionError)
        told.add(str(caught.value).replace("SUB", "PUB"))
    assert len(told) == 1
    return told.pop()


def test_messages_travel_over_tls(good, buses, guarded):
    topic = NsqBackdoor(guarded).topic()
    bus = buses(**good)
    bodies = [b"%04d" % number * 100 for number in range(500)]
    bus.producer().send([Message(topic, body) for body in bodies])
    consumer = bus.subscribe(topic, "c")
    client = NsqBackdoor(guarded).channel(topic, "c")["clients"][0]
    assert client["tls"]
    found = []
    while len(found) < 500:
        came = consumer.receive(100, 10)
        assert came
        consumer.settle(came, [Message("done", b"1")])
        found += [it.body for it in came]
    assert sorted(found) == bodies


def test_an_nsqd_that_nobody_vouches_for_is_not_trusted(good, buses):
    assert "tls_ca" in refusal(buses(**{**good, "tls_ca": None}))


def test_a_host_with_the_name_of_another_is_not_trusted(
    start_nsqd, good, certificate, buses
):
    address = free_address().replace("127.0.0.1", "127.0.0.2")  # not in the certificate
    start_nsqd(tls=certificate, options=(f"--tcp-address={address}",))
    assert "not trusted" in refusal(buses(**{**good, "nsqd": (address,)}))


def test_any_certificate_is_believed_only_when_told_so(good, buses):
    bus = buses(**{**good, "tls_ca": None, "tls_insecure": True})
    bus.ping()


def test_an_nsqd_without_tls_is_not_spoken_to_in_the_open(good, buses, nsqd):
    assert "no TLS" in refusal(buses(**{**good, "nsqd": (nsqd.tcp,)}))


def test_an_nsqd_that_wants_tls_says_which_option(start_nsqd, certificate, buses):
    nsqd = start_nsqd(tls=certificate, options=("--tls-required=tcp-https",))
    assert "option tls" in refusal(buses(nsqd=(nsqd.tcp,)))


def test_a_wrong_secret_is_refused_and_not_shown(good, buses):
    text = refusal(buses(**{**good, "auth_secret": "wrong-secret"}))
    assert "auth_secret" in text
    assert "wrong-secret" not in text


def test_a_missing_secret_is_told(good, buses):
    assert "auth_secret" in refusal(buses(**{**good, "auth_secret": ""}))


def test_a_secret_that_nobody_asks_for_is_not_sent(nsqd, buses):
    bus = buses(nsqd=(nsqd.tcp,), auth_secret="unasked")
    topic = NsqBackdoor(nsqd).topic()
    bus.producer().send([Message(topic, b"1")])
    assert NsqBackdoor(nsqd).take(topic) == [b"1"]


def test_depth_and_topics_are_asked_by_https(start_nsqd, certificate, buses):
    https = free_address()
    nsqd = start_nsqd(tls=certificate, options=(f"--https-address={https}",))
    NsqBackdoor(nsqd).put("t", [b"1"])
    options = {"nsqd": (nsqd.tcp,), "http": (f"https://{https}",), "tls": True}
    bus = buses(**options, tls_ca=certificate.certificate)
    assert bus.topics() == ["t"]
    assert bus.depth("t", "c") == 1
    with pytest.raises(UnsupportedCapabilityError, match="(?i)certificate"):
        buses(**options).topics()


def test_an_nsqd_that_hangs_is_given_up_over_tls_too(
    start_nsqd, certificate, buses, monkeypatch
):
    monkeypatch.setattr("task_bus_nsq.consumer.GOODBYE", 0.2)
    nsqd = start_nsqd(tls=certificate)
    options = {"nsqd": (nsqd.tcp,), "tls": True, "tls_ca": certificate.certificate}
    soon = timedelta(seconds=0.3)
    bus = buses(**options, answer_timeout=soon, connect_timeout=soon)
    producer, consumer = bus.producer(), bus.subscribe("t", "c")
    producer.prepare(["t"])
    told = []

    def use():
        try:
            producer.send([Message("t", b"1")])
        except BusError as error:
            told.append(str(error))
        consumer.close()
        told.append("closed")

    nsqd.pause()
    try:
        thread = threading.Thread(target=use, daemon=True)
        thread.start()
        thread.join(8)
    finally:
        nsqd.resume()
    assert len(told) == 2
    assert "no answer in time" in told[0]
