"""What is still there after an nsqd went down and came again."""

import json

import pytest
from brokers.process import BrokerError
from brokers.tests.raw import (
    Raw,
    batch,
    body,
    channel_stats,
    http,
    post,
    topic_stats,
    until,
)


def received(server, topic, channel, number):
    """Receive and finish so many messages; return bodies and attempts."""
    client = Raw(server.tcp).subscribe(topic, channel, ready=100)
    found = []
    for _ in range(number):
        message = client.message()
        client.send(b"FIN " + message.id + b"\n")
        found.append((message.body, message.attempts))
    client.sync()
    client.close()
    return found


def depths(server, topic):
    """Return how much waits in each channel."""
    return [it["depth"] for it in topic_stats(server.http, topic)["channels"]]


def sent(server, topic, *bodies):
    """Publish messages, the last one by itself."""
    producer = Raw(server.tcp)
    if bodies[1:]:
        producer.ok(b"MPUB " + topic + b"\n" + batch(*bodies[:-1]))
    producer.ok(b"PUB " + topic + b"\n" + body(bodies[-1]))
    producer.close()


@pytest.mark.parametrize("down", ["stop", "kill"])
def test_confirmed_messages_survive(make, down):
    server = make(options=["--sync-every=1"])  # else a killed nsqd forgets the last
    bodies = [b"%d" % number for number in range(100)]
    for topic in ("waits", "flows"):
        post(server.http, f"/topic/create?topic={topic}")
    for channel in "ab":
        post(server.http, f"/channel/create?topic=flows&channel={channel}")
    for topic in (b"waits", b"flows"):
        sent(server, topic, *bodies)
    until(lambda: depths(server, "flows") == [100, 100])
    getattr(server, down)()
    server.start()
    for topic, channel in (("waits", "new"), ("flows", "a"), ("flows", "b")):
        found = received(server, topic, channel, 100)
        assert [name for name, _ in found] == bodies


def test_after_a_clean_end_only_what_is_unfinished_comes_with_its_attempts(make):
    server = make()
    client = Raw(server.tcp).subscribe("t", "c", ready=4)
    sent(server, b"t", b"done", b"in flight", b"requeued", b"put off", b"?")
    messages = {message.body: message for message in (client.message() for _ in "1234")}
    client.send(b"RDY 0\n")
    client.send(b"FIN " + messages[b"done"].id + b"\n")
    client.send(b"REQ " + messages[b"requeued"].id + b" 0\n")
    client.send(b"REQ " + messages[b"put off"].id + b" 3600000\n")
    client.sync()
    server.restart()
    client.close()
    assert sorted(received(server, "t", "c", 4)) == [
        (b"?", 1),
        (b"in flight", 2),
        (b"put off", 2),
        (b"requeued", 2),
    ]
    assert channel_stats(server.http, "t", "c")["depth"] == 0


def test_what_was_in_flight_survives_even_a_killed_stand_in(make, kind):
    if kind == "real":
        pytest.skip("a killed nsqd may lose what is in flight")
    server = make()
    client = Raw(server.tcp).subscribe("t", "c", ready=2)
    sent(server, b"t", b"done", b"in flight", b"waits")
    done, _ = client.message(), client.message()
    client.send(b"RDY 0\nFIN " + done.id + b"\n")
    client.sync()
    server.kill()
    server.start()
    client.close()
    assert sorted(received(server, "t", "c", 2)) == [(b"in flight", 1), (b"waits", 1)]


def test_topics_and_channels_survive(make):
    server = make()
    for topic in ("with", "without"):
        post(server.http, f"/topic/create?topic={topic}")
    post(server.http, "/channel/create?topic=with&channel=c")
    server.restart()
    assert depths(server, "with") == [0]
    assert depths(server, "without") == []


def test_what_is_deleted_does_not_come_back(make):
    server = make()
    for topic in ("kept", "gone"):
        post(server.http, f"/topic/create?topic={topic}")
        for channel in ("kept", "gone"):
            post(server.http, f"/channel/create?topic={topic}&channel={channel}")
        sent(server, topic.encode(), b"x")
    post(server.http, "/topic/delete?topic=gone")
    post(server.http, "/channel/delete?topic=kept&channel=gone")
    server.restart()
    assert topic_stats(server.http, "gone") is None
    (channel,) = topic_stats(server.http, "kept")["channels"]
    assert (channel["channel_name"], channel["depth"]) == ("kept", 1)


def test_what_is_ephemeral_does_not_survive(make):
    server = make()
    client = Raw(server.tcp).subscribe("t", "c#ephemeral")
    other = Raw(server.tcp).subscribe("e#ephemeral", "c")
    sent(server, b"t", b"only for who listens")
    server.restart()
    for each in (client, other):
        each.close()
    path = "/stats?format=json"
    topics = json.loads(http(server.http, "GET", path)[2])["topics"]
    assert [(topic["topic_name"], topic["channels"]) for topic in topics] == [("t", [])]
    assert topics[0]["depth"] == 0


def test_connections_end_with_the_server(make):
    server = make()
    client = Raw(server.tcp).subscribe("t", "c", ready=1)
    server.stop()
    assert client.ended()
    client.close()


def test_two_do_not_share_a_folder(make, tmp_path):
    make(folder=tmp_path / "one")
    with pytest.raises(BrokerError, match=r"failed to (lock|instantiate)"):
        make(folder=tmp_path / "one")
