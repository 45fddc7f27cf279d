"""What people get wrong is told in one line that says what to do."""

import socket
from datetime import timedelta

import pytest
from brokers.nats import Nats
from brokers.ports import free_address, split
from task_bus_nats.dialer import Dialer
from task_bus_nats.jetstream import JetStream
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest
from task_bus_nats.wire import Frame

from task_core.api import (
    BusConnectionError,
    BusContext,
    OptionError,
)

SOON = timedelta(seconds=0.5)
SECRET = "wrong-secret"


class WithoutJetStream(Nats):
    """A server that only passes messages on."""

    def answers(self):
        with socket.create_connection(split(self.address), timeout=1) as connection:
            return connection.recv(4096).startswith(b"INFO ")


def test_something_else_at_the_port_is_told(told, listening):
    """It will not be NATS if one asks again."""
    port = listening(greeting=b"220 mail.example.org ESMTP\r\n")
    text, again = told(host="127.0.0.1", port=port)
    assert f"127.0.0.1:{port}: does not speak NATS: is the port right?" in text
    assert not again


def test_somebody_who_says_nothing_is_given_up(told, listening):
    """After the time that the options tell."""
    port = listening()
    text, again = told(host="127.0.0.1", port=port, connect_timeout=SOON)
    assert "does not answer in time: is that the port of its clients (4222)" in text
    assert again


@pytest.mark.parametrize(("fresh", "dials"), [(9.0, [1, 2]), (0.0, [2, 3])])
def test_a_server_that_was_away_just_now_is_not_tried_again_at_once(
    monkeypatch, fresh, dials
):
    """One that is silent would take twice its time; later, and after that, it is."""
    dialed = []
    dial = Dialer.dial
    monkeypatch.setattr(Dialer, "dial", lambda self: dialed.append(1) or dial(self))
    monkeypatch.setattr("task_bus_nats.link.FRESH", fresh)
    bus = manifest.open(NatsOptions(host=free_address()), BusContext())
    for count in dials:
        with pytest.raises(BusConnectionError, match="cannot be reached"):
            bus.ping()
        assert len(dialed) == count
    bus.close()


def test_nobody_at_the_ports_is_told(told):
    """Of each server, with its address."""
    one, other = free_address(), free_address()
    text, again = told(host=f"{one},{other}")
    told_of = f"NATS at {one}: cannot be reached (Connection refused)"
    assert f"{told_of}; does it run, and is the port right?" in text
    assert f"NATS at {other}: cannot be reached" in text
    assert again


def test_a_server_that_is_too_old_is_told(told, listening):
    """With what to take."""
    info = b'INFO {"version":"2.8.4","max_payload":1048576}\r\nPONG\r\n'
    text, again = told(host="127.0.0.1", port=listening(greeting=info))
    assert "it is 2.8.4, which is too old: take 2.9 or newer" in text
    assert not again


def test_a_certificate_that_nobody_vouches_for_is_told(told, guarded_options):
    """With the option that helps."""
    text, again = told(host=guarded_options.host, port=guarded_options.port)
    assert "is not trusted: option tls_ca names who vouches for it" in text
    assert not again


def test_tls_that_a_server_has_not_is_told(told, here):
    """Nobody speaks in the open who insisted on TLS."""
    text, again = told(**here, tls=True)
    assert "offers no TLS: leave out option tls, or turn it on there" in text
    assert not again


def test_a_server_without_jetstream_is_told(told, server_with):
    """It cannot keep messages."""
    where = server_with(WithoutJetStream, options={"jetstream": False})
    text, again = told(**where)
    assert "has no JetStream: start it with -js" in text
    assert not again


class Beginning:
    """A connection to a server of a cluster that the others have not let in yet."""

    address, in_cluster = "127.0.0.1:4222", True

    def ask(self, subject, body):
        return Frame(b"_INBOX.1.0", b"1", b"", b"NATS/1.0 503\r\n\r\n", b"")


def test_a_server_that_waits_for_its_cluster_is_waited_for():
    """For a moment after its start nobody answers for JetStream there."""
    with pytest.raises(BusConnectionError) as caught:
        JetStream(Beginning(), "").stream("task_t")
    text = str(caught.value)
    assert "nobody in its cluster answers for JetStream just now" in text
    assert "where that lasts, it has no JetStream: start it with -js" in text


@pytest.mark.parametrize(
    "right", ["$JS.API.STREAM.CREATE.>", "$JS.API.>", "task.>"], ids=str
)
def test_missing_rights_are_told(told, server_with, right):
    """With what was refused, and where to read on."""
    who = {"user": "few", "password": "pw", "permissions": {"publish": {"deny": right}}}
    where = server_with(options={"authorization": {"users": [who]}})
    text, again = told(**where, user="few", password="pw")
    assert "the README of task-bus-nats lists the rights" in text
    assert right.partition(">")[0] in text
    assert not again


def test_servers_are_addresses():
    """It is told before anything is tried."""
    with pytest.raises(OptionError, match=r"bus\.nats\.host: a server is HOST or"):
        manifest.open(NatsOptions(host="a:b"), BusContext())
    with pytest.raises(ValueError, match="'port' must be in range"):
        NatsOptions(port=65_536)


def test_a_server_has_some_time_to_answer():
    """Else the server would be blamed."""
    with pytest.raises(ValueError, match="more than 0s"):
        NatsOptions(connect_timeout=timedelta(0))


def test_files_that_are_not_there_are_told(told, here, tmp_path):
    """Of TLS at once; of logins when one logs in."""
    gone = tmp_path / "gone"
    with pytest.raises(OptionError, match="cannot use .*gone"):
        manifest.open(NatsOptions(tls_ca=gone), BusContext())
    with pytest.raises(OptionError, match="name its certificate, too"):
        manifest.open(NatsOptions(tls_key=gone), BusContext())
    for option in ("credentials", "nkey"):
        text, again = told(**here, **{option: gone})
        assert f"cannot read {gone}: No such file or directory" in text
        assert not again


def test_files_without_what_they_should_hold_are_told(told, here, tmp_path):
    """Without showing what they hold."""
    file = tmp_path / "file"
    file.write_text(f"{SECRET}\n")
    assert "holds no seed of an nkey" in told(**here, nkey=file)[0]
    assert "holds no JWT with its seed" in told(**here, credentials=file)[0]
