"""What people get wrong is told in one line that says what to do."""

import logging
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from brokers.bus_fixtures import refusal
from brokers.ports import free_address, split
from brokers.redis import Redis
from redis_topology import client
from task_bus_redis.options import RedisOptions
from task_bus_redis.plugin import redis as plain
from task_bus_redis.plugin import rediss

from task_core.api import (
    BusContext,
    Message,
    OptionError,
)

SOON = timedelta(seconds=0.3)
README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def told():
    """Use a bus; return the one line that it says, and whether to try again."""

    def told(plugin=plain, **options):
        bus = plugin.open(RedisOptions(**options), BusContext())
        found = refusal(lambda: bus.producer().send([Message("t", b"1")]))
        bus.close()
        return found

    return told


def at(server):
    host, port = split(server.address)
    return {"host": host, "port": port}


def test_something_else_at_the_port_is_told(told, listening):
    """It will not be Redis if one asks again."""
    port = listening(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    text, again = told(host="127.0.0.1", port=port)
    assert f"127.0.0.1:{port}: does not speak Redis" in text
    assert not again


def test_somebody_who_says_nothing_is_given_up(told, listening):
    """After the time that the options tell."""
    text, again = told(host="127.0.0.1", port=listening(), connect_timeout=SOON)
    assert "does not answer in time" in text
    assert again


def test_nobody_at_the_port_is_told(told):
    """With the address, once."""
    host, port = split(free_address())
    text, again = told(host=host, port=port)
    told_of = f"Redis at {host}:{port}: cannot be reached (Connection refused.)"
    assert text == f"{told_of}; does it run, and is the port right?"
    assert again


@pytest.mark.parametrize(
    ("login", "problem"),
    [
        (
            {},
            "give the password (TASK_BUS_REDIS_PASSWORD, or TASK_BUS_REDISS_PASSWORD",
        ),
        ({"password": "wrong-secret"}, "with rediss://) or the username is"),
    ],
)
def test_a_wrong_login_says_how_to_give_one(told, guarded, login, problem):
    """And does not show it; one that is given is not asked for again."""
    text, again = told(**at(guarded), **login)
    assert problem in text
    assert "wrong-secret" not in text
    assert not again


def test_a_password_that_nobody_asked_for_is_refused(told, redis):
    """For a user who is not known; where there is no login at all, it is too much."""
    text, again = told(**at(redis), username="nobody", password="x")
    assert "TASK_BUS_REDIS_PASSWORD" in text
    assert not again
    text, again = told(**at(redis), password="x")
    assert "asks for no password: leave it out" in text
    assert not again


def test_keys_of_somebody_else_are_told(told, redis):
    """Systems may share a database, each with a prefix of its own."""
    prefix = f"p{uuid.uuid4().hex[:8]}"
    client(redis).set(f"{prefix}:{{t}}:channels", "x")
    text, again = told(**at(redis), prefix=prefix)
    assert "option prefix" in text
    assert not again


def test_a_wrong_database_is_told(told, redis):
    """There is none of that number; or it is no number."""
    text, again = told(**at(redis), db="99")
    assert "has no such database: option db" in text
    assert not again
    with pytest.raises(OptionError, match="bus.redis.db: the database is a number"):
        plain.open(RedisOptions(db="/tasks"), BusContext())


@pytest.mark.parametrize("port", [0, 65_536])
def test_a_port_is_one_that_there_is(port):
    """The system would take the rest of a division by 65,536, and reach another."""
    with pytest.raises(ValueError, match="'port' must be in range"):
        RedisOptions(port=port)


def test_a_server_has_some_time_to_answer():
    """Else the server would be blamed."""
    with pytest.raises(ValueError, match="more than 0s"):
        RedisOptions(connect_timeout=timedelta(0))


def test_sentinels_are_addresses(told, redis):
    """All mistakes at once; and a server that is none is told to be none."""
    with pytest.raises(OptionError) as caught:
        plain.open(RedisOptions(db="x", sentinel=("a:b", "c")), BusContext())
    assert "bus.redis.sentinel: a server is HOST or HOST:PORT" in str(caught.value)
    assert "bus.redis.db" in str(caught.value)
    text, _ = told(sentinel=("127.0.0.1:1,127.0.0.1:2",))  # as a list of TOML has it
    assert "127.0.0.1:1: cannot be reached" in text
    assert "127.0.0.1:2: cannot be reached" in text
    text, again = told(sentinel=(redis.address,))
    assert f"Redis at {redis.address}: is no sentinel: option sentinel" in text
    assert again


@pytest.fixture
def some_user(redis):
    """Make a user with these rights; return options with its login."""
    name = f"user-{uuid.uuid4().hex[:8]}"

    def some_user(*rights):
        client(redis).acl_setuser(name, enabled=True, reset=True)
        client(redis).execute_command("ACL", "SETUSER", name, "on", ">pw", *rights)
        return {**at(redis), "username": name, "password": "pw"}

    yield some_user
    client(redis).acl_deluser(name)


@pytest.mark.parametrize(
    "rights",
    [
        ("~*", "+@all", "-evalsha"),
        ("~*", "+@all", "-script"),
        ("~*", "+@all", "-xadd"),
        ("~other:*", "+@all"),
    ],
    ids=" ".join,
)
def test_a_missing_right_is_told_with_where_to_read(told, some_user, rights):
    """The server says which one it is."""
    text, again = told(**some_user(*rights))
    assert "lists the rights" in text
    assert not again


def test_the_rights_that_the_readme_names_are_enough(redis, some_user):
    """For all that a launcher does."""
    (line,) = [it for it in README.read_text().splitlines() if it.startswith("  `+@")]
    login = some_user("~task:*", *line.strip(" `.").split())
    bus = plain.open(RedisOptions(**login), BusContext(lease=5))
    topic = f"test-{uuid.uuid4().hex[:8]}"
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(topic, b"1"), Message(topic, b"2", delay=0.05)])
    (first,) = consumer.receive(1, 5)
    consumer.extend([first])
    consumer.nack([first], delay=0.01)
    found = [*consumer.receive(1, 5), *consumer.receive(1, 5)]
    consumer.settle(found, [Message("done", b"3")])
    threading.Timer(0.2, consumer.wake).start()
    consumer.receive(1, 30)
    assert topic in bus.topics()
    assert bus.depth(topic, "c") == 0
    bus.peek("done", 1)
    bus.ping()
    bus.close()


HELLO = (
    b"*6\r\n$7\r\nversion\r\n$5\r\n%b\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$1\r\nx\r\n"
)


@pytest.mark.parametrize(
    "answer", [HELLO % b"6.0.9", b"-ERR unknown command `HELLO`\r\n"]
)
def test_a_server_that_is_too_old_is_told(told, listening, answer):
    """It has no HELLO, or says so by it."""
    port = listening(b"+OK\r\n", b"+OK\r\n+OK\r\n", answer)
    text, again = told(host="127.0.0.1", port=port)
    assert "too old: take 6.2 or newer" in text
    assert not again


@pytest.mark.parametrize("policy", ["allkeys-lru", "noeviction"])
def test_a_server_that_may_throw_tasks_away_is_warned_of(start, caplog, policy):
    """Once for each bus, at its first use."""
    limits = {"maxmemory": "50mb", "maxmemory-policy": policy}
    server = start(Redis, options=limits)
    caplog.set_level(logging.WARNING, "task.bus.redis")
    bus = plain.open(RedisOptions(**at(server)), BusContext())
    bus.ping()
    bus.subscribe("t", "c")
    bus.close()
    found = [it.getMessage() for it in caplog.records]
    assert len(found) == (policy != "noeviction")
    assert all("set it to noeviction" in it for it in found)


def test_tls_that_does_not_fit_is_told(told, guarded, redis):
    """On either side, and where nobody vouches for the server."""
    host, port = split(guarded.tls)
    text, again = told(rediss, **at(redis), connect_timeout=SOON)
    assert "if it speaks no TLS there, take redis://" in text
    text, again = told(rediss, host=host, port=port)
    assert "option tls_ca" in text
    assert not again
    text, again = told(host=host, port=port, connect_timeout=SOON)
    assert "if it wants TLS, take rediss://" in text


def test_a_password_that_a_server_quotes_is_not_shown(told, listening):
    """One that knows no AUTH, as some proxies, says what followed it."""
    port = listening(
        b"-ERR unknown command 'AUTH', with args beginning with: 's3cret' \r\n"
    )
    text, _ = told(host="127.0.0.1", port=port, password="s3cret")
    assert "unknown command 'AUTH'" in text
    assert "s3cret" not in text
