"""Redis, PostgreSQL and NATS start soon, keep what they confirmed, and know logins."""

import hashlib
import hmac
import os
import re
import socket
import ssl
import struct
import time
from base64 import b64decode, b64encode
from contextlib import contextmanager

import pytest
from brokers import postgres
from brokers.given import given_nats, given_postgres, given_redis
from brokers.nats import Nats
from brokers.ports import split
from brokers.postgres import Postgres
from brokers.process import BrokerMissingError
from brokers.redis import Redis
from brokers.tests.raw import until
from brokers.tls import Certificate

KINDS = {"Redis": Redis, "PostgreSQL": Postgres, "NATS": Nats}


@contextmanager
def running(kind, **how):
    """Start one; skip where there is none, and brokers are not required."""
    try:
        broker = kind(**how)
        broker.start()
    except BrokerMissingError as error:
        if os.environ.get("BROKERS_REQUIRED") == "1":
            raise
        pytest.skip(str(error))
    try:
        yield broker
    finally:
        broker.close()


@contextmanager
def dialed(address):
    with socket.create_connection(split(address), timeout=5) as connection:
        yield connection


def say(connection, data):
    """Send some bytes, and return some of the answer."""
    connection.sendall(data)
    return connection.recv(9999)


def kept(broker, word=None):
    """Write a word, or read it back."""
    with dialed(broker.address) as connection:
        if isinstance(broker, Redis):
            command = f"SET word {word}" if word else "GET word"
            return say(connection, command.encode() + b"\r\n")
        if isinstance(broker, Nats):
            return stream(connection, word)
        return query(
            connection,
            f"CREATE TABLE word AS SELECT '{word}'" if word else "SELECT * FROM word",
        )


def stream(connection, word):
    connection.recv(9999)  # INFO
    ask = b"CONNECT {}\r\nSUB inbox 1\r\n"
    if word:
        made = b'{"name":"WORD","subjects":["word"]}'
        ask += b"PUB $JS.API.STREAM.CREATE.WORD inbox %d\r\n%b\r\n" % (len(made), made)
        assert b'"config"' in answer(connection, ask)
        return answer(
            connection, b"PUB word inbox %d\r\n%b\r\n" % (len(word), word.encode())
        )
    last = b'{"last_by_subj":"word"}'
    ask += b"PUB $JS.API.STREAM.MSG.GET.WORD inbox %d\r\n%b\r\n" % (len(last), last)
    found = re.search(rb'"data":"(.*?)"', answer(connection, ask))
    return b64decode(found[1])


def answer(connection, data):
    """Return the first message that comes after this."""
    told = say(connection, data)
    while not re.search(rb"MSG inbox 1 .*\r\n.*\r\n", told):
        told += connection.recv(9999)
    return told


def query(connection, text):
    begin(connection, "postgres")
    while b"Z\0\0\0\5I" not in connection.recv(9999):
        pass
    told = b""
    connection.sendall(packet(b"Q", text.encode() + b"\0"))
    while not told.endswith(b"Z\0\0\0\5I"):
        told += connection.recv(9999)
    return told


def packet(kind, body):
    return kind + struct.pack(">i", len(body) + 4) + body


def begin(connection, user):
    about = f"user\0{user}\0database\0postgres\0\0".encode()
    connection.sendall(struct.pack(">ii", 8 + len(about), 3 << 16) + about)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("way", ["kill", "stop"])
def test_what_was_confirmed_is_there_when_it_comes_again(kind, way):
    with running(kind) as broker:
        assert re.fullmatch(rf"{broker.name} [0-9]+[.0-9]+", broker.implementation)
        kept(broker, "hello")
        getattr(broker, way)()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(split(broker.address), timeout=5)
        broker.start()
        assert b"hello" in kept(broker)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_it_is_silent_while_it_is_paused(kind):
    with running(kind) as broker:
        broker.pause()
        time.sleep(0.1)  # threads are stopped one by one, and nothing tells when
        with dialed(broker.address) as connection:
            connection.settimeout(0.2)
            if kind is Postgres:
                begin(connection, "postgres")
            connection.sendall(b"PING\r\n" if kind is Redis else b"")
            with pytest.raises(TimeoutError):
                connection.recv(1)
        broker.resume()
        kept(broker, "hello")


def test_a_killed_postgres_leaves_no_process_at_work():
    with running(Postgres) as broker, dialed(broker.address) as connection:
        begin(connection, "postgres")
        while b"Z\0\0\0\5I" not in connection.recv(9999):
            pass
        children = postgres._children(broker.pid)
        assert children
        broker.kill()
        until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in children))


def test_redis_lets_in_who_knows_the_password():
    with running(Redis, login=True) as broker, dialed(broker.address) as connection:
        assert say(connection, b"PING\r\n").startswith(b"-NOAUTH")
        wrong = say(connection, f"AUTH {broker.user} wrong\r\n".encode())
        assert wrong.startswith(b"-WRONGPASS")
        right = f"AUTH {broker.user} {broker.password}\r\n".encode()
        assert say(connection, right) == b"+OK\r\n"


def test_nats_lets_in_who_knows_the_password():
    with running(Nats, login=True) as broker:
        for password, told in (("wrong", b"-ERR"), (broker.password, b"PONG")):
            with dialed(broker.address) as connection:
                assert b'"auth_required":true' in connection.recv(9999)
                login = f'{{"user":"{broker.user}","pass":"{password}"}}'
                assert told in say(connection, f"CONNECT {login}\r\nPING\r\n".encode())


def test_postgres_lets_in_who_knows_the_password():
    with running(Postgres) as broker:
        for password, told in ((broker.password, b"R"), ("wrong", b"E")):
            with dialed(broker.address) as connection:
                assert scram(connection, broker.user, password)[:1] == told


def scram(connection, user, password):
    """Log in with SCRAM-SHA-256, and return the answer."""
    begin(connection, user)
    assert b"SCRAM-SHA-256" in connection.recv(9999)
    first = b"n=,r=nonce"
    body = b"SCRAM-SHA-256\0" + struct.pack(">i", len(first) + 3) + b"n,," + first
    told = say(connection, packet(b"p", body))[9:]
    nonce, salt, rounds = re.fullmatch(rb"r=(.*),s=(.*),i=(\d+)", told).groups()
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), b64decode(salt), int(rounds)
    )
    key = hmac.digest(salted, b"Client Key", "sha256")
    last = b"c=biws,r=" + nonce
    auth = b",".join((first, told, last))
    proof = hmac.digest(hashlib.sha256(key).digest(), auth, "sha256")
    mixed = bytes(a ^ b for a, b in zip(key, proof, strict=True))
    return say(connection, packet(b"p", last + b",p=" + b64encode(mixed)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_tls_is_verified_by_the_certificate_that_was_made(kind, tmp_path):
    certificate = Certificate.make(tmp_path)
    context = ssl.create_default_context(cafile=certificate.certificate)
    with running(kind, tls=certificate) as broker:
        address = broker.tls if kind is Redis else broker.address
        with dialed(address) as connection:
            if kind is Nats:
                assert b'"tls_required":true' in connection.recv(9999)
            if kind is Postgres:
                assert say(connection, struct.pack(">ii", 8, 80877103)) == b"S"
            with context.wrap_socket(connection, server_hostname="127.0.0.1") as safe:
                assert safe.version() == "TLSv1.3"


def test_settings_reach_the_broker():
    with (
        running(Redis, options={"maxmemory": "12345678"}) as broker,
        dialed(broker.address) as connection,
    ):
        assert b"12345678" in say(connection, b"CONFIG GET maxmemory\r\n")


@pytest.mark.parametrize(
    ("kind", "variable"),
    [(Redis, "REDIS_SERVER"), (Nats, "NATS_SERVER"), (Postgres, "POSTGRES")],
)
def test_a_named_program_that_is_not_there_is_an_error(kind, variable, monkeypatch):
    monkeypatch.setenv(variable, "/nowhere/server")
    with pytest.raises(BrokerMissingError, match=f"{variable}=/nowhere/server: there"):
        kind.here()


def test_a_developers_brokers_are_named_by_variables(monkeypatch):
    url = "postgresql://me@db:5432/mine"
    for variable, value in (
        ("TASK_TEST_REDIS", "a:1"),
        ("TASK_TEST_NATS", "b:2"),
        ("TASK_TEST_POSTGRES", url),
    ):
        monkeypatch.setenv(variable, value)
    assert given_redis().url == "redis://a:1"
    assert given_nats().url == "nats://b:2"
    assert given_postgres().url == url
    assert given_postgres().variable == "TASK_TEST_POSTGRES"
