"""TLS, compression, authorization, ephemeral names, and how it is called."""

import json
import os
import subprocess
import zlib
from pathlib import Path

import pytest
from brokers.auth import AuthServer
from brokers.nsq import program
from brokers.tests.profiles import running
from brokers.tests.raw import (
    PATIENCE,
    Raw,
    body,
    http,
    identify,
    topic_stats,
    until,
)

CONTRIB = Path(__file__).parents[2]


class Deflate:
    """Both directions, flushed at each write."""

    def __init__(self):
        self._in = zlib.decompressobj(-zlib.MAX_WBITS)
        self._out = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)

    def decompress(self, data):
        return self._in.decompress(data)

    def compress(self, data):
        return self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH)


def negotiated(client, **fields):
    """Identify, and return what was agreed on."""
    kind, data = client.ask(identify(**fields))
    assert kind == "response"
    return json.loads(data)


@pytest.mark.parametrize("level", [0, 1, 9])
def test_deflate_compresses_both_ways(connect, nsqd, topic, level):
    client = connect()
    agreed = negotiated(
        client, deflate=True, deflate_level=level, output_buffer_size=-1
    )
    assert (agreed["deflate"], agreed["deflate_level"]) == (True, min(level or 6, 6))
    client.compress(Deflate())
    assert client.frame() == ("response", b"OK")
    client.ok(f"SUB {topic} c\n".encode())
    client.ok(f"PUB {topic}\n".encode() + body(b"x" * 100_000))
    client.send(b"RDY 1\n")
    assert client.message().body == b"x" * 100_000


def test_tls_and_deflate_together(servers, topic):
    server, authority = servers("optional")
    client = Raw(server.tcp)
    agreed = negotiated(client, tls_v1=True, deflate=True, output_buffer_size=-1)
    assert (agreed["tls_v1"], agreed["deflate"]) == (True, True)
    client.upgrade(authority)
    assert client.frame() == ("response", b"OK")
    client.compress(Deflate())
    assert client.frame() == ("response", b"OK")
    client.ok(f"SUB {topic} c\n".encode())
    client.ok(f"PUB {topic}\n".encode() + body(b"x" * 300_000))
    client.send(b"RDY 1\n")
    assert client.message().body == b"x" * 300_000
    told = topic_stats(server.http, topic)["channels"][0]["clients"][0]
    assert (told["tls"], told["deflate"], told["snappy"]) == (True, True, False)
    assert told["tls_version"] == "TLS1.3"
    client.close()


def test_who_shows_no_certificate_is_refused_where_one_is_required(servers, topic):
    server, authority = servers("mutual")
    client = Raw(server.tcp)
    assert negotiated(client, tls_v1=True)["tls_v1"]
    with pytest.raises((OSError, EOFError)):
        upgraded(client, authority)
    client.close()


def upgraded(client, authority):
    """Go on in TLS, and wait for the answer to it."""
    client.upgrade(authority)
    assert client.frame() == ("response", b"OK")


def test_who_shows_a_certificate_is_let_in(servers, topic):
    server, authority = servers("mutual")
    client = Raw(server.tcp)
    negotiated(client, tls_v1=True)
    client.upgrade(authority, mine=(authority, authority.with_name("key.pem")))
    assert client.frame() == ("response", b"OK")
    client.ok(f"PUB {topic}\n".encode() + body(b"x"))
    client.close()


def test_http_is_refused_where_tls_is_required_for_all(servers):
    server, _ = servers("tls")
    status, _, answer = http(server.http, "GET", "/ping")
    assert (status, json.loads(answer)["message"]) == (403, "TLS_REQUIRED")


class Chosen(AuthServer):
    """Lets do what it is told to let do."""

    allowed = None

    def answer(self, path):
        if super().answer(path) is None:
            return None
        return {"ttl": 1, "identity": "chosen", "authorizations": self.allowed}


@pytest.fixture
def auth():
    with Chosen() as server:
        server.allowed = [
            {"topic": "^mine$", "channels": ["^c$", "^$"], "permissions": both}
            for both in (["publish"], ["subscribe"])
        ]
        yield server


def test_only_what_is_allowed_can_be_done(make, auth):
    server = make(auth=auth)
    for command, text in (
        (b"PUB other\n" + body(b"x"), 'PUB on "other" ""'),
        (b"DPUB other 0\n" + body(b"x"), 'DPUB on "other" ""'),
        (b"SUB mine d\n", 'SUB on "mine" "d"'),
        (b"SUB other c\n", 'SUB on "other" "c"'),
    ):
        client = Raw(server.tcp)
        kind, told = client.ask(b"AUTH\n" + body(auth.secret.encode()))
        assert (kind, json.loads(told)["permission_count"]) == ("response", 2)
        assert client.refused(command) == f"E_UNAUTHORIZED AUTH failed for {text}"
        client.close()
    client = Raw(server.tcp)
    client.ask(b"AUTH\n" + body(auth.secret.encode()))
    client.ok(b"PUB mine\n" + body(b"x"))
    client.ok(b"SUB mine c\n")
    client.close()


def test_permission_is_asked_for_again_when_its_time_is_over(make, auth):
    client = Raw(make(auth=auth).tcp)
    client.ask(b"AUTH\n" + body(auth.secret.encode()))
    auth.allowed = []
    client.ok(b"PUB mine\n" + body(b"x"))
    assert client.quiet(1.1)
    text = client.refused(b"PUB mine\n" + body(b"x"))
    assert text == 'E_UNAUTHORIZED AUTH failed for PUB on "mine" ""'
    assert len(auth.asked) == 2
    client.close()


def test_an_ephemeral_channel_goes_with_its_last_client(connect, nsqd, topic):
    client = connect().subscribe(topic, "c#ephemeral", ready=1)
    other = connect().subscribe(topic, "c#ephemeral")
    other.ok(f"PUB {topic}\n".encode() + body(b"x"))
    assert client.message().body == b"x"
    client.close()
    other.ok(f"PUB {topic}\n".encode() + body(b"dropped, nobody is ready"))
    assert len(topic_stats(nsqd.http, topic)["channels"]) == 1
    other.close()
    until(lambda: topic_stats(nsqd.http, topic)["channels"] == [])


def test_an_ephemeral_topic_goes_with_its_last_channel(connect, nsqd):
    client = connect().subscribe("going#ephemeral", "c#ephemeral", ready=1)
    client.close()
    until(lambda: topic_stats(nsqd.http, "going%23ephemeral") is None)


def test_an_ephemeral_channel_drops_what_nobody_is_ready_for(connect, nsqd, topic):
    client = connect().subscribe(topic, "c#ephemeral")
    client.ok(f"PUB {topic}\n".encode() + body(b"dropped"))
    until(lambda: topic_stats(nsqd.http, topic)["channels"][0]["message_count"] == 1)
    client.send(b"RDY 1\n")
    assert client.quiet()


def called(name, *flags):
    """Call the program, and return what it did at once."""
    command = [*program(name), *flags]
    here = {**os.environ, "PYTHONPATH": str(CONTRIB)}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=here,
    )


@pytest.mark.parametrize("name", ["nsqd", "nsqlookupd"])
def test_flags_that_there_are_not_are_refused(kind, name):
    done = called(name, "--no-such-flag=1")
    assert done.returncode == 2
    first = done.stderr.splitlines()[0]
    assert first == "flag provided but not defined: -no-such-flag"


@pytest.mark.parametrize("flag", ["--msg-timeout=soon", "--mem-queue-size=x"])
def test_values_that_are_none_are_refused(kind, flag):
    done = called("nsqd", flag)
    name, _, value = flag[2:].partition("=")
    assert done.returncode == 2
    assert done.stderr.startswith(f'invalid value "{value}" for flag -{name}: parse')


def test_a_flag_without_its_value_is_refused(kind):
    done = called("nsqd", "--msg-timeout")
    assert done.returncode == 2
    assert done.stderr.startswith("flag needs an argument: -msg-timeout")


@pytest.mark.parametrize("name", ["nsqd", "nsqlookupd"])
def test_it_tells_its_version(kind, name):
    done = called(name, "-version")
    assert done.returncode == 0
    assert done.stdout.startswith(name)
    assert "v1.3.0" in done.stdout


@pytest.mark.parametrize(
    "flags",
    [("--msg-timeout=7s",), ("-msg-timeout", "7s"), ("--msg-timeout", "7000ms")],
    ids=" ".join,
)
def test_flags_are_read_in_every_form(make, flags):
    client = Raw(make(options=flags).tcp)
    assert negotiated(client)["msg_timeout"] == 7000
    client.close()


def test_tls_cannot_be_required_without_a_certificate(kind, tmp_path):
    done = called("nsqd", "--tls-required", f"--data-path={tmp_path}")
    assert done.returncode == 1
    assert "without TLS key and cert" in done.stderr


def test_a_body_may_come_in_chunks(nsqd, connect, topic):
    status, _, answer = http(
        nsqd.http, "POST", f"/pub?topic={topic}", iter([b"a", b"b"])
    )
    assert (status, answer) == (200, b"OK")
    assert connect().subscribe(topic, "c", ready=1).message().body == b"ab"


@pytest.mark.parametrize("profile", ["small", "lookupd"])
def test_servers_end_cleanly(kind, tmp_path, profile):
    with running(profile, tmp_path) as (server, _):
        server.stop()
        assert server._process.returncode == 0
