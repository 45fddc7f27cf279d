"""TLS that verifies, and secrets that nobody sees."""

import threading
import time
from datetime import timedelta

import pytest
from brokers.auth import AuthServer
from brokers.ports import free_address
from nsq_backdoor import NsqBackdoor

from task_core.api import (
    BusConnectionError,
    BusError,
    Message,
    UnsupportedCapabilityError,
)


def receive(consumer, count):
    """Receive and settle until so many have come."""
    found = []
    deadline = time.monotonic() + 15
    while len(found) < count and time.monotonic() < deadline:
        try:
            came = consumer.receive(count, 1)
        except BusConnectionError:
            continue
        consumer.ack(came)
        found += [it.body for it in came]
    return found


def outage(act):
    """Do something until it tells of an outage that has begun before it."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            act()
        except BusConnectionError as error:
            if "closed the connection" not in str(error):
                return str(error)
    return ""


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


@pytest.fixture
def moody(start_nsqd):
    """An nsqd that asks a server of its own whom to let in; and that server."""
    with AuthServer() as server:
        yield start_nsqd(auth=server), server


def test_an_auth_server_that_is_away_is_an_outage_once_a_login_worked(moody, buses):
    """For who reads and for who sends."""
    nsqd, server = moody
    secret = server.secret
    bus = buses(nsqd=(nsqd.tcp,), auth_secret=secret)
    consumer, producer = bus.subscribe("t", "c"), bus.producer()
    producer.send([Message("t", b"1")])
    server.secret = "none: refuses, as one that is away does"
    nsqd.restart()
    for act in (
        lambda: consumer.receive(1, 1),
        lambda: bus.subscribe("t", "d"),
        lambda: bus.producer().prepare(["t"]),
        bus.ping,
    ):
        assert "auth server" in outage(act)
    server.secret = secret
    producer.send([Message("t", b"2")])
    assert sorted(receive(consumer, 2)) == [b"1", b"2"]


def test_a_secret_that_never_worked_is_no_outage(moody, buses):
    nsqd, _ = moody
    assert "auth server" in refusal(buses(nsqd=(nsqd.tcp,), auth_secret="wrong"))


def test_a_launcher_outlives_a_restart_of_the_auth_server(moody, task):
    nsqd, server = moody
    door = NsqBackdoor(nsqd, secret=server.secret)
    secret = server.secret
    flags = ("--topic", "work", "--channel", "c", "--done-topic", "done")
    url = f"nsq://{nsqd.tcp}?http={nsqd.http}&auth_secret={secret}"
    launcher = task("launch", "--worker", "nop", *flags, "--max-tasks", "2", bus=url)
    door.put("work", [b'{"type":"nop","info":"1"}'])
    while not door.take("done"):
        assert launcher.poll() is None, launcher.communicate()
    server.secret = "none"
    nsqd.restart()
    time.sleep(1)
    assert launcher.poll() is None, launcher.communicate()
    server.secret = secret
    door.put("work", [b'{"type":"nop","info":"2"}'])
    _, stderr = launcher.communicate(timeout=300)
    assert launcher.returncode == 0, stderr


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
