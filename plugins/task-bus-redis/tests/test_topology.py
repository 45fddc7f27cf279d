"""Sentinels and clusters: the bus finds the server that takes what is written."""

import pytest
from brokers.insist import again, until
from brokers.ports import split
from brokers.redis import Redis
from redis_topology import Sentinel, client, cluster_of, replica_of
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plugin

from task_core.api import BusConnectionError, BusContext, BusError, Message, SendError


@pytest.fixture(scope="module")
def two_nodes(start):
    return cluster_of(start, 2)


@pytest.fixture(scope="module")
def one_node(start):
    return cluster_of(start, 1)[0]


def options_of(server, **more):
    host, port = split(server.address)
    return RedisOptions(host=host, port=port, **more)


@pytest.fixture
def open_bus():
    opened = []

    def open_bus(options):
        opened.append(plugin.open(options, BusContext(lease=5.0)))
        return opened[-1]

    yield open_bus
    for bus in opened:
        bus.close()


def test_after_a_failover_work_goes_on_at_the_new_primary(open_bus, start, topic):
    """What had reached the replica is there, and held deliveries can be settled."""
    server = start(Redis)
    replica = replica_of(start, server)
    sentinel = start(Sentinel, server)
    asked = client(sentinel)
    until(lambda: asked.sentinel_master("mymaster")["num-slaves"] == 1)
    nobody = "127.0.0.1:1"
    bus = open_bus(RedisOptions(sentinel=(nobody, sentinel.address)))
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(topic, b"%d" % number) for number in range(3)])
    (held,) = consumer.receive(1, 5)
    assert client(server).wait(1, 5000) == 1
    server.kill()
    again(lambda: producer.send([Message(topic, b"new")]))
    again(lambda: consumer.settle([held], [Message("done", b"0")]))
    found = []
    while len(found) < 3:
        came = again(lambda: consumer.receive(9, 1))
        consumer.ack(came)
        found += [one.body for one in came]
    assert found == [b"1", b"2", b"new"]
    assert client(replica).info("replication")["role"] == "master"


def test_a_name_that_sentinels_do_not_know_is_told(open_bus, start):
    """And who was asked."""
    server = start(Redis)
    sentinel = start(Sentinel, server)
    options = RedisOptions(sentinel=(sentinel.address,), sentinel_name="other")
    with pytest.raises(BusConnectionError, match="knows no 'other'") as caught:
        open_bus(options).ping()
    assert sentinel.address in str(caught.value)
    with pytest.raises(BusError, match="it is a sentinel: name it by option sentinel"):
        open_bus(options_of(sentinel)).ping()


def test_a_replica_is_not_written_to(open_bus, start):
    """One line, in place of a refusal of each send."""
    server = start(Redis)
    replica = replica_of(start, server)
    with pytest.raises(BusConnectionError, match="is a replica: name the primary"):
        open_bus(options_of(replica)).ping()


def test_a_primary_that_becomes_a_replica_is_left(open_bus, start, topic):
    """Its answers tell, and the next use looks anew."""
    server, other = start(Redis), start(Redis)
    bus = open_bus(options_of(server))
    producer = bus.producer()
    producer.send([Message(topic, b"a")])
    client(server).replicaof(*split(other.address))
    with pytest.raises(SendError, match="is a replica now") as caught:
        producer.send([Message(topic, b"b")])
    assert caught.value.transient
    client(server).replicaof("NO", "ONE")
    producer.send([Message(topic, b"c")])


def test_a_cluster_wants_its_keys_on_one_node(open_bus, one_node):
    """And says which option does that."""
    with pytest.raises(BusError, match="set option prefix to '{task}'"):
        open_bus(options_of(one_node)).ping()
    with pytest.raises(BusError, match="has no such database"):
        open_bus(options_of(one_node, prefix="{task}", db="3")).ping()


@pytest.mark.parametrize("at", [0, 1])
def test_the_node_that_has_the_keys_is_found(open_bus, two_nodes, topic, at):
    """Whichever node is named; settling over topics is atomic there, too."""
    bus = open_bus(options_of(two_nodes[at], prefix="{task}"))
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(topic, b"a"), Message("other", b"b", delay=0.1)])
    (held,) = consumer.receive(1, 5)
    consumer.settle([held], [Message(topic, b"next"), Message("done", b"c")])
    assert [one.body for one in consumer.receive(9, 5)] == [b"next"]
    assert {topic, "other", "done"} <= set(bus.topics())
    assert bus.depth("done", "any") >= 1
