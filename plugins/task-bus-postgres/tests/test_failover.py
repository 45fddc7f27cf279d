"""Several servers: the bus finds the one that can be written to."""

import psycopg
import pytest
from brokers.insist import again, present
from brokers.ports import free_address, split
from brokers.postgres import Postgres
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.plugin import postgres as plugin

from task_core import connect
from task_core.api import BusConnectionError, BusContext, Message, OptionError


@pytest.fixture
def pair():
    """A server, and a replica that has all that was confirmed."""
    primary = Postgres()
    replica = Postgres(replica_of=primary)
    try:
        present(primary.start)
        replica.start()
        with psycopg.connect(primary.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
        yield primary, replica
    finally:
        replica.close()
        primary.close()


def test_after_a_failover_work_goes_on_at_the_new_primary(pair, topic):
    """With all that was confirmed; what is held can be settled there."""
    primary, replica = pair
    hosts = f"{free_address()},{replica.address},{primary.address}"
    host, port = hosts.rpartition(":")[::2]
    where = {"host": host, "port": int(port), "user": "postgres", "dbname": "postgres"}
    bus = plugin.open(PostgresOptions(**where), BusContext(lease=60.0))
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    bodies = [b"%d" % number for number in range(200)]
    for body in bodies:
        producer.send([Message(topic, body)])
    (held,) = consumer.receive(1, 10)
    with psycopg.connect(primary.url) as connection:  # so that the lease is there, too
        connection.execute("CREATE TABLE all_before_is_there ()")
    primary.kill()
    replica.promote()
    again(lambda: producer.send([Message(topic, b"new")]))
    again(lambda: consumer.settle([held], [Message("done", b"0")]))
    found = []
    while len(found) < 200:
        came = again(lambda: consumer.receive(100, 1))
        consumer.ack(came)
        found += [one.body for one in came]
    assert found == [*bodies[1:], b"new"]
    assert bus.depth("done", "any") == 1
    bus.close()


def test_a_url_names_several_servers(server, topic):
    """As libpq's do: each with a port of its own."""
    there = server.address
    with connect(f"postgres://postgres@{free_address()},{there}/postgres") as tasks:
        tasks.send(topic, "a")
        assert [it.info for it in tasks.read(topic, channel="c", timeout=1)] == ["a"]


def test_replicas_alone_are_told(pair):
    """Each with its address; the launcher waits until one can be written to."""
    _, replica = pair
    nobody = free_address()
    host, port = split(replica.address)
    options = PostgresOptions(
        host=f"{nobody},{host}", port=port, user="postgres", dbname="postgres"
    )
    bus = plugin.open(options, BusContext())
    with pytest.raises(BusConnectionError) as caught:
        bus.ping()
    text = str(caught.value)
    assert f"PostgreSQL at {nobody}: cannot be reached" in text
    assert f"PostgreSQL at {replica.address}: takes nothing that is written" in text
    assert "\n" not in text


def test_servers_are_addresses():
    """It is told before anything is tried."""
    with pytest.raises(OptionError, match=r"bus\.postgres\.host: a server is HOST or"):
        plugin.open(PostgresOptions(host="a:b,c"), BusContext())
    with pytest.raises(ValueError, match="'port' must be in range"):
        PostgresOptions(port=65_536)
