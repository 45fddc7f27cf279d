"""What nsqd tells nsqlookupd, and asks it."""

import json

from brokers.tests.raw import Raw, body, http, post, topic_stats, until


def asked(server, path):
    """Return what an nsqlookupd tells, or None where it knows nothing."""
    status, _, answer = http(server.http, "GET", path)
    return json.loads(answer) if status == 200 else None


def producers(server, topic):
    """Return the TCP ports of those that have a topic."""
    found = asked(server, f"/lookup?topic={topic}") or {"producers": []}
    return {it["tcp_port"] for it in found["producers"]}


def port(server):
    return int(server.tcp.rpartition(":")[2])


def test_topics_and_channels_are_told_as_they_come_and_go(make):
    lookupd = make("nsqlookupd")
    server = make(lookupd=[lookupd])
    until(lambda: asked(lookupd, "/nodes")["producers"])
    post(server.http, "/topic/create?topic=t")
    until(lambda: producers(lookupd, "t") == {port(server)})
    post(server.http, "/channel/create?topic=t&channel=c")
    until(lambda: asked(lookupd, "/channels?topic=t")["channels"] == ["c"])
    post(server.http, "/topic/delete?topic=t")
    until(lambda: producers(lookupd, "t") == set())
    node = asked(lookupd, "/nodes")["producers"][0]
    assert node["topics"] == []
    assert node["broadcast_address"] == "127.0.0.1"
    assert node["http_port"] == int(server.http.rpartition(":")[2])


def test_who_is_gone_is_known_no_longer(make):
    lookupd = make("nsqlookupd")
    first, second = make(lookupd=[lookupd]), make(lookupd=[lookupd])
    for server in (first, second):
        until(lambda: len(asked(lookupd, "/nodes")["producers"]) == 2)
        post(server.http, "/topic/create?topic=t")
    until(lambda: producers(lookupd, "t") == {port(first), port(second)})
    first.kill()
    until(lambda: producers(lookupd, "t") == {port(second)})
    second.stop()
    until(lambda: producers(lookupd, "t") == set())
    assert asked(lookupd, "/topics") == {"topics": ["t"]}
    first.start()
    until(lambda: producers(lookupd, "t") == {port(first)})


def test_a_new_topic_has_the_channels_that_are_known_elsewhere(make):
    lookupd = make("nsqlookupd")
    first, second = make(lookupd=[lookupd]), make(lookupd=[lookupd])
    until(lambda: len(asked(lookupd, "/nodes")["producers"]) == 2)
    client = Raw(first.tcp).subscribe("t", "known")
    other = Raw(first.tcp).subscribe("t", "known#ephemeral")
    until(lambda: len(asked(lookupd, "/channels?topic=t")["channels"]) == 2)
    producer = Raw(second.tcp)
    producer.ok(b"PUB t\n" + body(b"for all"))
    until(lambda: topic_stats(second.http, "t")["depth"] == 0)
    channels = topic_stats(second.http, "t")["channels"]
    assert [(it["channel_name"], it["depth"]) for it in channels] == [("known", 1)]
    for each in (client, other, producer):
        each.close()


def test_a_restarted_nsqlookupd_is_told_everything_again(make):
    lookupd = make("nsqlookupd")
    server = make(lookupd=[lookupd])
    post(server.http, "/topic/create?topic=old")
    until(lambda: producers(lookupd, "old") == {port(server)})
    lookupd.restart()
    assert producers(lookupd, "old") == set()
    post(server.http, "/topic/create?topic=first")  # meets the lost connection
    post(server.http, "/topic/create?topic=second")
    until(lambda: producers(lookupd, "old") == {port(server)})
    until(lambda: producers(lookupd, "first") == {port(server)})


def test_several_nsqlookupds_are_told_and_a_dead_one_does_no_harm(make):
    one, dead = make("nsqlookupd"), make("nsqlookupd")
    dead.stop()
    server = make(lookupd=[dead, one])
    post(server.http, "/topic/create?topic=t")
    until(lambda: producers(one, "t") == {port(server)})
