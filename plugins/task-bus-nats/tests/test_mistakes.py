"""What people get wrong is told in one line that says what to do."""

import base64
import socket
import subprocess
import sys
from datetime import timedelta

import nkeys
import pytest
from brokers.bus_fixtures import refusal
from brokers.nats import Nats
from brokers.ports import free_address, split
from nats_operator import Operator
from task_bus_nats.jetstream import JetStream
from task_bus_nats.login import login
from task_bus_nats.options import NatsOptions
from task_bus_nats.plugin import nats as manifest
from task_bus_nats.wire import Frame

from task_core.api import (
    BusConnectionError,
    BusContext,
    Message,
    OptionError,
)

SOON = timedelta(seconds=0.5)
SECRET = "wrong-secret"
FEW = {"pub": {"deny": ["$JS.API.>"]}}
MEANS = {"over": "TASK_BUS_NATS_PASSWORD", "few": "lists the rights"}
"""Of credentials that are over, or do not allow enough: what is told."""


@pytest.fixture
def told():
    """Use a bus; return the one line that it says, and whether to try again."""

    def told(**options):
        bus = manifest.open(NatsOptions(**options), BusContext())
        found = refusal(lambda: bus.producer().send([Message("t", b"1")]))
        bus.close()
        return found

    return told


@pytest.fixture
def server_with(start):
    """Start a server with some settings; return where it is."""
    return lambda **more: at(start(Nats, **more))


class WithoutJetStream(Nats):
    """A server that only passes messages on."""

    def answers(self):
        with socket.create_connection(split(self.address), timeout=1) as connection:
            return connection.recv(4096).startswith(b"INFO ")


def at(server):
    host, port = split(server.address)
    return {"host": host, "port": port}


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


@pytest.mark.parametrize("login", [{}, {"user": "tester", "password": SECRET}])
def test_a_wrong_login_says_how_to_give_one(told, guarded_options, login):
    """And does not show it."""
    where = {"host": guarded_options.host, "port": guarded_options.port}
    text, again = told(**where, tls_ca=guarded_options.tls_ca, **login)
    assert "the login is missing or wrong: give user and password" in text
    assert "TASK_BUS_NATS_PASSWORD" in text
    assert not again


def test_a_certificate_that_nobody_vouches_for_is_told(told, guarded_options):
    """With the option that helps."""
    text, again = told(host=guarded_options.host, port=guarded_options.port)
    assert "is not trusted: option tls_ca names who vouches for it" in text
    assert not again


def test_tls_that_a_server_has_not_is_told(told, nats):
    """Nobody speaks in the open who insisted on TLS."""
    text, again = told(**at(nats), tls=True)
    assert "offers no TLS: leave out option tls, or turn it on there" in text
    assert not again


def test_a_server_without_jetstream_is_told(told, start):
    """It cannot keep messages."""
    server = start(WithoutJetStream, options={"jetstream": False})
    text, again = told(**at(server))
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


def test_files_that_are_not_there_are_told(told, nats, tmp_path):
    """Of TLS at once; of logins when one logs in."""
    gone = tmp_path / "gone"
    with pytest.raises(OptionError, match="cannot use .*gone"):
        manifest.open(NatsOptions(tls_ca=gone), BusContext())
    with pytest.raises(OptionError, match="name its certificate, too"):
        manifest.open(NatsOptions(tls_key=gone), BusContext())
    for option in ("credentials", "nkey"):
        text, again = told(**at(nats), **{option: gone})
        assert f"cannot read {gone}: No such file or directory" in text
        assert not again


def test_files_without_what_they_should_hold_are_told(told, nats, tmp_path):
    """Without showing what they hold."""
    file = tmp_path / "file"
    file.write_text(f"{SECRET}\n")
    assert "holds no seed of an nkey" in told(**at(nats), nkey=file)[0]
    assert "holds no JWT with its seed" in told(**at(nats), credentials=file)[0]


def test_a_token_logs_in(server_with, told):
    """The right one."""
    where = server_with(options={"authorization": {"token": "s3cret"}})
    bus = manifest.open(NatsOptions(**where, token="s3cret"), BusContext())
    bus.ping()
    bus.close()
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, token=SECRET)[0]


def test_credentials_are_a_jwt_and_a_signature_of_what_the_server_says(tmp_path):
    """The seed in the file signs, and stays here."""
    seed = nkeys.encode_seed(b"x" * 32, nkeys.PREFIX_BYTE_USER)
    file = tmp_path / "worker.creds"
    file.write_text(
        "-----BEGIN NATS USER JWT-----\ne30.e30.e30\n------END NATS USER JWT------\n\n"
        "*** IMPORTANT: keep it secret ***\n\n-----BEGIN USER NKEY SEED-----\n"
        f"{seed.decode()}\n------END USER NKEY SEED------\n"
    )
    told = login(NatsOptions(credentials=file), "nonce")
    assert told.keys() == {"jwt", "sig"}
    assert told["jwt"] == "e30.e30.e30"
    signature = base64.urlsafe_b64decode(told["sig"] + "==")
    assert nkeys.from_seed(seed).verify(b"nonce", signature)


def test_credentials_log_in_where_an_operator_decides(server_with, told, tmp_path):
    """By a JWT of its account; one of another account, or that is over, does not."""
    operator = Operator()
    where = server_with(options=operator.settings())
    file = operator.credentials(tmp_path / "worker.creds")
    bus = manifest.open(NatsOptions(**where, credentials=file), BusContext())
    bus.producer().send([Message("t", b"1")])
    (one,) = bus.subscribe("t", "c").receive(1, 10)
    assert one.body == b"1"
    bus.close()
    for name, rights in {"over": {"exp": 1}, "few": FEW}.items():
        file = operator.credentials(tmp_path / name, **rights)
        text, again = told(**where, credentials=file)
        assert MEANS[name] in text
        assert not again
    file = Operator(b"other").credentials(tmp_path / "other")
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, credentials=file)[0]


def test_an_nkey_logs_in(server_with, told, tmp_path):
    """Its seed never leaves this machine."""
    files = [tmp_path / "known", tmp_path / "stranger"]
    publics = []
    for file in files:
        seed = nkeys.encode_seed(file.name.ljust(32).encode(), nkeys.PREFIX_BYTE_USER)
        file.write_bytes(seed + b"\n")
        publics.append(nkeys.from_seed(seed).public_key.decode())
    where = server_with(options={"authorization": {"users": [{"nkey": publics[0]}]}})
    bus = manifest.open(NatsOptions(**where, nkey=files[0]), BusContext())
    bus.ping()
    bus.close()
    assert "TASK_BUS_NATS_PASSWORD" in told(**where, nkey=files[1])[0]


def test_a_user_without_a_password_is_a_token_and_is_hidden():
    """`nats://TOKEN@HOST` is how NATS writes it."""
    assert login(NatsOptions(user="t0ken"), "")["auth_token"] == "t0ken"
    assert "auth_token" not in login(NatsOptions(user="ada", password="p"), "")
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "task_core",
            "config",
            "show",
            "--bus",
            "nats://t0ken@h",
        ],
        capture_output=True,
        check=True,
    )
    assert b"bus.nats.user" in shown.stdout
    assert b"t0ken" not in shown.stdout + shown.stderr
