"""What people get wrong is told in one line that says what to do."""

import logging
import struct
import subprocess
import sys
import uuid
from datetime import timedelta

import psycopg
import pytest
from brokers.bus_fixtures import refusal
from brokers.ports import free_address, split
from task_bus_postgres.errors import of_state
from task_bus_postgres.options import PostgresOptions, SslMode
from task_bus_postgres.plugin import postgres as plugin

from task_core.api import BusConnectionError, BusContext, BusError, Message


@pytest.fixture
def told(make_options):
    """Use a bus; return the one line that it says, and whether to try again."""

    def told(*, create=True, **options):
        bus = plugin.open(make_options(**options), BusContext(create=create))
        found = refusal(bus.ping)
        bus.close()
        return found

    return told


def test_nobody_at_the_port_is_told(told):
    """With the address."""
    host, port = split(free_address())
    text, again = told(host=host, port=port)
    assert f"{host}:{port}: cannot be reached" in text
    assert again


def test_a_port_that_speaks_something_else_is_told(told, listening):
    """Somebody else listens there."""
    port = listening(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    text, again = told(host="127.0.0.1", port=port, sslmode=SslMode.DISABLE)
    assert "does not speak PostgreSQL: is the port right?" in text
    assert not again


def test_a_server_that_is_silent_is_given_up(told, listening):
    """After the time that the options tell; libpq knows no less than two seconds."""
    more = {"sslmode": SslMode.DISABLE, "connect_timeout": timedelta(seconds=2)}
    text, again = told(host="127.0.0.1", port=listening(), **more)
    assert "does not answer in time" in text
    assert again


def test_a_server_that_falls_silent_at_the_first_look_is_given_up(told, listening):
    """It has let us in, and its disk hangs, or whatever stands in between."""
    version = b"server_version\0" + b"15.2\0"
    hello = [
        b"R" + struct.pack(">ii", 8, 0),
        b"S" + struct.pack(">i", 4 + len(version)) + version,
        b"Z" + struct.pack(">i", 5) + b"I",
    ]
    port, second = listening(b"".join(hello)), timedelta(seconds=1)
    options = {"host": "127.0.0.1", "port": port, "timeout": second}
    text, again = told(sslmode=SslMode.DISABLE, **options)
    assert f"127.0.0.1:{port}: does not answer in time" in text
    assert again


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        ("", "give user and password, for example postgres://NAME@HOST/DATABASE"),
        (
            "wrong-secret",
            "with postgresql://) or the user is wrong",
        ),
    ],
)
def test_a_wrong_login_says_how_to_give_one(told, server, password, problem):
    """And does not show it; one that is given is not asked for again."""
    text, again = told(user=server.user, password=password)
    assert "TASK_BUS_POSTGRES_PASSWORD" in text
    assert problem in text
    assert "wrong-secret" not in text
    assert not again


def test_a_user_that_is_not_there_is_told(told):
    """It is the login that is wrong."""
    text, again = told(user="nobody-at-all")
    assert 'role "nobody-at-all" does not exist' in text
    assert "give user and password" in text
    assert not again


def test_a_database_that_is_not_there_is_told(told):
    """By its name, and what makes one."""
    text, again = told(dbname="nowhere")
    assert 'database "nowhere" does not exist' in text
    assert "option dbname" in text
    assert not again


def test_a_certificate_that_nobody_vouches_for_is_told(told, server, certificate):
    """As is a file that is not there, and who serves no TLS."""
    text, again = told(sslmode=SslMode.VERIFY_FULL, sslrootcert=certificate.key)
    assert "option sslrootcert" in text or "sslrootcert" in text
    text, again = told(sslmode=SslMode.VERIFY_FULL, sslrootcert="/no/such/file")
    assert "option sslrootcert" in text
    assert not again


@pytest.mark.parametrize(
    "told_by_libpq",
    [
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is shutting down",
        "FATAL:  the database system is in recovery mode",
        "FATAL:  the database system is not yet accepting connections",
        "FATAL:  sorry, too many clients already",
        'FATAL:  too many connections for database "tasks"',
        'FATAL:  too many connections for role "worker"',
        "FATAL:  remaining connection slots are reserved for roles with SUPERUSER",
        "server closed the connection unexpectedly",
        "connection timeout expired",
    ],
)
def test_what_passes_is_worth_another_try(told_by_libpq):
    """A launcher waits for its end, and gives up for nothing of it."""
    text = f'connection to server at "h", port 5 failed: {told_by_libpq}'
    assert isinstance(of_state("", text, "h:5"), BusConnectionError)


@pytest.mark.parametrize("state", ["26000", "42P05"])
def test_sessions_that_others_have_as_well_are_told_how_to_share(state):
    """A statement is not there that was, or one is that was not."""
    text = str(of_state(state, 'prepared statement "task_0" ...', "h:5"))
    assert "behind PgBouncer take notify=false" in text


@pytest.fixture
def some_user(server, sql):
    """Make a user without rights; return options with its name."""
    name = f"user_{uuid.uuid4().hex[:8]}"
    sql(f"CREATE ROLE {name} LOGIN")
    yield {"user": name}
    sql(f"DROP OWNED BY {name} CASCADE")
    sql(f"DROP ROLE {name}")


def test_a_missing_right_is_told_with_what_to_do(told, some_user):
    """To make the schema, or to use it."""
    text, again = told(**some_user, schema="of_somebody_else")
    assert "permission denied" in text
    assert "task postgres schema" in text
    assert not again


def test_what_the_command_prints_is_all_that_a_user_needs(
    server, some_user, open_bus, sql, topic
):
    """For all that a launcher does: one with rights runs it once."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    words = ("postgres", "schema", "--schema", schema, "--user", some_user["user"])
    done = subprocess.run(
        [sys.executable, "-m", "task_core", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(done.stdout)
    bus = open_bus(**some_user, schema=schema)
    consumer, producer = bus.subscribe(topic, "c"), bus.producer()
    producer.send([Message(topic, b"1", priority=2), Message(topic, b"2", delay=0.05)])
    (first,) = consumer.receive(1, 5)
    consumer.extend([first])
    consumer.nack([first], delay=0.01)
    found = [*consumer.receive(1, 5), *consumer.receive(1, 5)]
    consumer.settle(found, [Message("done", b"3")])
    assert topic in bus.topics()
    assert bus.depth(topic, "c") == 0
    assert bus.peek("done", 1) == [b"3"]
    bus.subscribe(topic, "t", temporary=True).close()
    bus.forget(topic)
    bus.close()
    sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--schema", 'a"b'), "--schema cannot be"),
        (("--after", "7"), "--after cannot be '7'"),
    ],
    ids=["schema", "after"],
)
def test_the_command_refuses_what_it_cannot_print(words, told):
    """One line, and the exit code of wrong usage."""
    done = subprocess.run(
        [sys.executable, "-m", "task_core", "postgres", "schema", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def _message(kind, body):
    return kind + struct.pack(">i", 4 + len(body)) + body


def test_a_server_that_is_too_old_is_told(told, listening):
    """By what it says of itself."""
    version = b"server_version\x009.3.1\x00"
    parts = ((b"R", bytes(4)), (b"S", version), (b"K", bytes(8)), (b"Z", b"I"))
    answer = b"".join(_message(*part) for part in parts)
    more = {"sslmode": SslMode.DISABLE}
    text, again = told(host="127.0.0.1", port=listening(answer), **more)
    assert "is of version 9, too old: take 12 or newer" in text
    assert not again


def test_who_only_looks_makes_no_tables(told, sql):
    """A mistyped database stays as it is."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    text, again = told(schema=schema, create=False)
    assert f"has no schema '{schema}' of tasks" in text
    assert not again
    assert sql("SELECT to_regnamespace(%s::text)", schema) == [(None,)]


def test_tables_of_a_newer_version_are_told(told, sql, open_bus):
    """If this program is said to be too old for them."""
    schema = f"s{uuid.uuid4().hex[:8]}"
    open_bus(schema=schema).ping()
    sql(f"UPDATE {schema}.version SET version = 9")
    open_bus(schema=schema).ping()
    sql(f"UPDATE {schema}.version SET oldest = 9")
    text, again = told(schema=schema)
    assert "update task-bus-postgres" in text
    assert not again
    sql(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def user_with(sql, open_bus):
    """Make a user with a setting of the server's; return its name."""
    open_bus().ping()  # the tables are not to be that user's
    name = f"user_{uuid.uuid4().hex[:8]}"

    def user_with(setting):
        sql(f"CREATE ROLE {name} LOGIN SUPERUSER")
        sql(f"ALTER ROLE {name} SET {setting}")
        return name

    yield user_with
    sql(f"DROP ROLE {name}")


def test_a_server_that_takes_no_writes_is_told(open_bus, user_with, topic):
    """A replica, or one that is set so; the launcher waits for its end."""
    bus = open_bus(user=user_with("default_transaction_read_only = on"))
    with pytest.raises(BusError, match="name the primary") as caught:
        bus.producer().send([Message(topic, b"1")])
    assert caught.value.transient
    bus.close()


def test_a_server_that_may_forget_what_it_confirmed_is_warned_of(
    open_bus, user_with, caplog, topic
):
    """Once for each bus, at its first use."""
    name = user_with("synchronous_commit = off")
    caplog.set_level(logging.WARNING, "task.bus.postgres")
    bus = open_bus(user=name)
    bus.ping()
    bus.subscribe(topic, "c")
    bus.close()
    (record,) = caplog.records
    assert "synchronous_commit=off" in record.getMessage()


NAMES = "a b", 'a"b', "1a", ""
WRONG = [({"schema": name}, "letters, digits and _") for name in NAMES]
TIMES = "connect_timeout", "timeout", "poll"
WRONG += [({name: timedelta(0)}, "more than 0s") for name in TIMES]


@pytest.mark.parametrize(("options", "why"), WRONG)
def test_a_name_that_needs_quotes_and_no_time_are_refused(options, why):
    """Before anything is connected."""
    with pytest.raises(ValueError, match=why):
        PostgresOptions(**options)
