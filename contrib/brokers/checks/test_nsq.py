"""nsqd and nsqlookupd are found, started, and do what the tests of plugins need."""

import json
import socket
import ssl
import struct
import time
import urllib.request

import pytest
from brokers.auth import AuthServer
from brokers.nsq import Nsqd, NsqLookupd, implementation, program
from brokers.ports import split
from brokers.process import BrokerMissingError
from brokers.tls import Certificate


def http(address, path, body=None):
    with urllib.request.urlopen(f"http://{address}{path}", body, 5) as answer:
        return answer.read()


def depth(nsqd, topic):
    stats = json.loads(http(nsqd.http, f"/stats?format=json&topic={topic}"))
    return sum(it["depth"] for it in stats["topics"])


def frame(connection):
    size = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))[0]
    return connection.recv(size, socket.MSG_WAITALL)[4:]


def framed(connection):
    """As `frame`, for TLS, which has no flags."""
    return connection.recv(9999)[8:]


def say(connection, command, body):
    connection.sendall(command + b"\n" + struct.pack(">I", len(body)) + body)


@pytest.fixture
def connect():
    made = []

    def open_connection(nsqd):
        made.append(socket.create_connection(split(nsqd.tcp), timeout=5))
        made[-1].sendall(b"  V2")
        return made[-1]

    yield open_connection
    for connection in made:
        connection.close()


def test_messages_are_there_after_a_restart():
    with Nsqd() as nsqd:
        http(nsqd.http, "/pub?topic=kept", b"one")
        nsqd.restart()
        assert depth(nsqd, "kept") == 1


def test_a_killed_nsqd_starts_again_at_its_addresses():
    with Nsqd() as nsqd:
        before = nsqd.tcp, nsqd.http
        nsqd.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(split(nsqd.tcp), timeout=5)
        nsqd.start()
        assert (nsqd.tcp, nsqd.http) == before
        assert http(nsqd.http, "/ping") == b"OK"


def test_nsqlookupd_learns_of_topics_and_tells_the_loopback_address():
    with NsqLookupd() as lookupd, Nsqd(lookupd=[lookupd]) as nsqd:
        http(nsqd.http, "/topic/create?topic=known", b"")
        ends = time.monotonic() + 10
        while b"known" not in http(lookupd.http, "/topics"):
            assert time.monotonic() < ends, "nsqlookupd was not told"
            time.sleep(0.02)
        (producer,) = json.loads(http(lookupd.http, "/lookup?topic=known"))["producers"]
        told = f"{producer['broadcast_address']}:{producer['tcp_port']}"
        assert told == nsqd.tcp


def test_options_reach_nsqd(connect):
    with Nsqd(options=["--msg-timeout=1234ms"]) as nsqd:
        connection = connect(nsqd)
        say(connection, b"IDENTIFY", b'{"feature_negotiation":true}')
        assert json.loads(frame(connection))["msg_timeout"] == 1234


@pytest.mark.parametrize(
    ("secret", "answer"), [("right", b'"identity":"tester"'), ("wrong", b"E_AUTH")]
)
def test_only_who_knows_the_secret_comes_in(connect, secret, answer):
    with AuthServer("right") as auth, Nsqd(auth=auth) as nsqd:
        connection = connect(nsqd)
        say(connection, b"IDENTIFY", b'{"feature_negotiation":true}')
        assert json.loads(frame(connection))["auth_required"] is True
        say(connection, b"AUTH", secret.encode())
        assert answer in frame(connection)
        assert auth.asked == [secret]


def test_tls_is_verified_by_the_certificate_that_was_made(connect, tmp_path):
    certificate = Certificate.make(tmp_path / "ours")
    other = Certificate.make(tmp_path / "other")
    with Nsqd(tls=certificate) as nsqd:
        for trusted in (certificate, other):
            connection = connect(nsqd)
            body = b'{"feature_negotiation":true,"tls_v1":true}'
            say(connection, b"IDENTIFY", body)
            assert json.loads(frame(connection))["tls_v1"] is True
            context = ssl.create_default_context(cafile=trusted.certificate)
            context.verify_flags |= ssl.VERIFY_X509_STRICT
            if trusted is other:
                with pytest.raises(ssl.SSLCertVerificationError):
                    context.wrap_socket(connection, server_hostname="127.0.0.1")
                continue
            with context.wrap_socket(connection, server_hostname="127.0.0.1") as safe:
                assert framed(safe) in {b"OK", b""}


def test_the_real_one_is_demanded_and_missing(monkeypatch):
    monkeypatch.setenv("TASK_NSQ", "real")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("NSQD", raising=False)
    with pytest.raises(BrokerMissingError, match="there is no nsqd: put it on PATH"):
        program("nsqd")


def test_a_named_program_that_is_not_there_is_an_error_and_no_stand_in(monkeypatch):
    monkeypatch.setenv("NSQD", "/nowhere/nsqd")
    monkeypatch.delenv("TASK_NSQ", raising=False)
    with pytest.raises(BrokerMissingError, match="NSQD=/nowhere/nsqd: there is"):
        program("nsqd")


def test_a_choice_that_does_not_exist_is_an_error(monkeypatch):
    monkeypatch.setenv("TASK_NSQ", "yes")
    with pytest.raises(BrokerMissingError, match="real or stand-in, not 'yes'"):
        program("nsqlookupd")


def test_without_a_real_one_the_stand_in_runs_and_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    for name in ("NSQD", "TASK_NSQ"):
        monkeypatch.delenv(name, raising=False)
    implementation.cache_clear()
    assert program("nsqd")[1:] == ["-m", "brokers.nsqd_stand_in"]
    assert implementation("nsqd") == "nsqd stand-in"
    implementation.cache_clear()


def test_the_version_is_the_one_that_the_program_tells(monkeypatch, tmp_path):
    fake = tmp_path / "nsqd"
    fake.write_text("#!/bin/sh\necho 'nsqd v9.8.7-rc1 (built w/go1.99)'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("NSQD", str(fake))
    monkeypatch.delenv("TASK_NSQ", raising=False)
    implementation.cache_clear()
    assert implementation("nsqd") == "nsqd 9.8.7-rc1"
    implementation.cache_clear()
