"""TLS, authorization, ephemeral names, and how it is called."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from brokers.auth import AuthServer
from brokers.nsq import program
from brokers.tests.profiles import running
from brokers.tests.raw import (
    PATIENCE,
    Raw,
    body,
    identify,
    topic_stats,
    until,
)

CONTRIB = Path(__file__).parents[2]


def negotiated(client, **fields):
    """Identify, and return what was agreed on."""
    kind, data = client.ask(identify(**fields))
    assert kind == "response"
    return json.loads(data)


def test_large_messages_travel_in_tls_both_ways(servers, topic):
    server, authority = servers("optional")
    client = Raw(server.tcp)
    agreed = negotiated(client, tls_v1=True, output_buffer_size=-1)
    assert agreed["tls_v1"]
    client.upgrade(authority)
    assert client.frame() == ("response", b"OK")
    client.ok(f"SUB {topic} c\n".encode())
    client.ok(f"PUB {topic}\n".encode() + body(b"x" * 300_000))
    client.send(b"RDY 1\n")
    assert client.message().body == b"x" * 300_000
    assert topic_stats(server.http, topic)["channels"][0]["clients"][0]["tls"]
    client.close()


def test_what_is_told_of_a_client(connect, publish, nsqd, topic):
    client = connect().subscribe(topic, "c", ready=3)
    publish(topic, b"1", b"2", b"3")
    first, second, _ = (client.message() for _ in "123")
    client.send(b"FIN " + first.id + b"\nREQ " + second.id + b" 60000\n")
    client.sync()
    told = topic_stats(nsqd.http, topic)["channels"][0]["clients"][0]
    wanted = {
        "client_id": "raw",
        "hostname": "here",
        "state": 3,
        "ready_count": 3,
        "in_flight_count": 1,
        "message_count": 3,
        "finish_count": 1,
        "requeue_count": 1,
        "tls": False,
    }
    assert {name: told[name] for name in wanted} == wanted


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


@pytest.mark.parametrize(
    "flags", [("--no-such-flag=1",), ("--msg-timeout=soon",), ("--msg-timeout",)]
)
def test_what_is_no_flag_is_refused(kind, flags):
    done = called("nsqd", *flags)
    assert done.returncode == 2
    assert flags[0][2:].partition("=")[0] in done.stderr


@pytest.mark.parametrize("name", ["nsqd", "nsqlookupd"])
def test_it_tells_its_version(kind, name):
    done = called(name, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith(name)
    assert "v1.3.0" in done.stdout


@pytest.mark.parametrize(
    "flags",
    [("--msg-timeout=7s",), ("--msg-timeout", "7000ms")],
    ids=" ".join,
)
def test_flags_are_read_in_every_form(make, flags):
    client = Raw(make(options=flags).tcp)
    assert negotiated(client)["msg_timeout"] == 7000
    client.close()


@pytest.mark.parametrize("profile", ["small", "lookupd"])
def test_servers_end_cleanly(kind, tmp_path, profile):
    with running(profile, tmp_path) as (server, _):
        server.stop()
        assert server._process.returncode == 0
