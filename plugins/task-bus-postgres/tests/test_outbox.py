"""Sending within the caller's own transaction: sent when it is committed, or never."""

import asyncio
import sqlite3
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg
import pytest

from task_core import connect
from task_core.api import SendError, Task, UsageError


class RollbackError(Exception):
    """Ends a transaction."""


@pytest.fixture
def tasks(server):
    with connect(server.url) as tasks:
        yield tasks


@pytest.fixture
def orders(sql, topic):
    """A table of the application's, in the same database."""
    name = "orders_" + topic.removeprefix("test-")
    sql(f"CREATE TABLE {name} (id int)")
    yield name
    sql(f"DROP TABLE {name}")


def of_psycopg(server):
    @contextmanager
    def transaction():
        with psycopg.connect(server.url) as connection:
            yield connection, connection.execute

    return transaction


def of_psycopg2(server):
    module = pytest.importorskip("psycopg2")

    @contextmanager
    def transaction():
        connection = module.connect(server.url)
        try:
            with connection, connection.cursor() as cursor:
                yield connection, cursor.execute
        finally:
            connection.close()

    return transaction


def of_sqlalchemy(server):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    url = server.url.replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)

    @contextmanager
    def transaction():
        with engine.begin() as connection:
            yield connection, connection.exec_driver_sql

    return transaction


def of_session(server):
    sqlalchemy = pytest.importorskip("sqlalchemy")
    orm = pytest.importorskip("sqlalchemy.orm")
    url = server.url.replace("postgresql:", "postgresql+psycopg:")
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)

    @contextmanager
    def transaction():
        with orm.Session(engine) as session, session.begin():
            yield session, lambda text: session.execute(sqlalchemy.text(text))

    return transaction


def of_django(server):
    django = pytest.importorskip("django")
    from django.conf import settings
    from django.db.utils import ConnectionHandler

    if not settings.configured:
        settings.configure(USE_TZ=True)
        django.setup()
    host, _, port = server.address.partition(":")
    handler = ConnectionHandler(
        {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "postgres",
                "HOST": host,
                "PORT": port,
            }
        }
    )

    @contextmanager
    def transaction():
        connection = handler["default"]
        connection.ensure_connection()
        try:
            with connection.cursor() as cursor:
                connection.set_autocommit(False)
                try:
                    yield connection, cursor.execute
                except BaseException:
                    connection.rollback()
                    raise
                connection.commit()
        finally:
            connection.close()

    return transaction


KINDS = {
    "psycopg": of_psycopg,
    "psycopg2": of_psycopg2,
    "SQLAlchemy": of_sqlalchemy,
    "SQLAlchemy-session": of_session,
    "Django": of_django,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_task_is_sent_with_what_it_is_about_or_never(
    kind, server, tasks, topic, orders, sql, open_bus
):
    """The row and the task are committed together, or rolled back together."""
    transaction = kind(server)
    with suppress(RollbackError), transaction() as (connection, execute):
        execute(f"INSERT INTO {orders} VALUES (1)")
        tasks.send(topic, "lost", connection=connection)
        raise RollbackError
    with transaction() as (connection, execute):
        execute(f"INSERT INTO {orders} VALUES (2)")
        tasks.send(topic, "order=2", connection=connection)
        execute("SAVEPOINT here")
        tasks.send(topic, "undone", connection=connection)
        execute("ROLLBACK TO SAVEPOINT here")
        lot = [Task.new(topic, "a"), Task.new(f"{topic}-b", "b")]
        assert tasks.send_many(lot, connection=connection).count == 2
        assert open_bus().depth(topic, "any") == 0, "it is not committed yet"
    assert sql(f"SELECT id FROM {orders}") == [(2,)]
    found = [task.info for task in tasks.read(topic, channel="c", timeout=1)]
    assert found == ["order=2", "a"]
    assert open_bus().depth(f"{topic}-b", "any") == 1


def test_who_sleeps_is_woken_by_the_commit(server, tasks, topic, open_bus):
    """As by any other send."""
    consumer = open_bus(poll=timedelta(seconds=60)).subscribe(topic, "c")
    assert consumer.receive(1, 0.3) == ()
    with psycopg.connect(server.url) as connection:
        tasks.send(topic, "now", connection=connection)
        connection.commit()
    assert len(consumer.receive(1, 20)) == 1


def test_delay_and_priority_are_kept(server, tasks, topic, open_bus):
    """All that `send` takes."""
    with psycopg.connect(server.url) as connection:
        tasks.send(topic, "late", connection=connection, delay=60)
        tasks.send(topic, "low", connection=connection)
        tasks.send(topic, "high", connection=connection, priority=5)
    consumer = open_bus().subscribe(topic, "c")
    found = [*consumer.receive(9, 5), *consumer.receive(9, 0.2)]
    assert [b"high" in one.body for one in found] == [True, False]


def test_a_new_topic_holds_up_nobody_who_sends_to_it(server, tasks, topic):
    """The transaction may be long, and has not made the topic itself."""
    with psycopg.connect(server.url) as connection:
        tasks.send(topic, "1", connection=connection, priority=3)
        tasks.send(topic, "2", priority=3, timeout=5)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_transaction_that_is_older_than_the_topic_is_to_be_run_again(
    kind, level, server, tasks, topic, open_bus
):
    """It cannot see the topic; what it would make beside it nobody would read."""
    transaction = kind(server)
    with suppress(RollbackError), transaction() as (connection, execute):
        execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        execute("SELECT 1")
        open_bus().subscribe(topic, "c")
        with pytest.raises(SendError, match="run it again") as caught:
            tasks.send(topic, "1", connection=connection)
        assert caught.value.transient
        raise RollbackError
    with transaction() as (connection, execute):
        execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        tasks.send(topic, "2", connection=connection)
        tasks.send(topic, "3", connection=connection)
    found = [task.info for task in tasks.read(topic, channel="c", timeout=1)]
    assert found == ["2", "3"]


def test_sql_in_a_strict_transaction_says_how_to_make_a_topic(server, topic, sql):
    """Whoever sends by SQL has nobody who makes it before."""
    words = f"('{{{topic}}}', ARRAY['x'::bytea], NULL, NULL, NULL, NULL)"
    with psycopg.connect(server.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        with pytest.raises(psycopg.errors.SerializationFailure) as caught:
            connection.execute(f"SELECT task.send{words}")
        make = str(caught.value.diag.message_hint).partition(": ")[2]
    sql(make)
    with psycopg.connect(server.url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        connection.execute(f"SELECT task.send{words}")


def test_a_transaction_that_has_failed_sends_nothing(server, tasks, topic):
    """The error says why, and what to look at."""
    with psycopg.connect(server.url) as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        with pytest.raises(SendError, match="current transaction is aborted"):
            tasks.send(topic, connection=connection)
        connection.rollback()


def test_what_a_transaction_lacks_is_told_in_one_line(server, tasks, topic, sql):
    """Rights have another cure than a transaction that may not write."""
    role = "role_" + topic.removeprefix("test-")
    sql(f"CREATE ROLE {role}")
    hint = r"schema task\); its user needs the rights"
    for begin, told in (
        (f"SET ROLE {role}", hint),
        ("SET TRANSACTION READ ONLY", r"read-only transaction\)$"),
    ):
        with psycopg.connect(server.url) as connection:
            connection.execute(begin)
            with pytest.raises(SendError, match=told):
                tasks.send(topic, connection=connection)
            connection.rollback()
    sql(f"DROP ROLE {role}")


def test_a_connection_to_something_else_is_refused(tasks, topic):
    """One line that says which ones can be given."""
    with pytest.raises(UsageError, match="give one of psycopg"):
        tasks.send(topic, connection="postgres://")
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection, pytest.raises(UsageError, match="of sqlite"):
        tasks.send(topic, connection=connection)
    engine.dispose()


def test_a_connection_of_sqlite_is_told_to_be_one(tasks, topic):
    """Also without a wrapper that knows what it is."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises((SendError, UsageError)):
        tasks.send(topic, connection=connection)
    connection.close()


def test_connections_of_asyncio_are_refused(server, tasks, topic):
    """Nobody would wait for what they begin."""

    async def main():
        connection = await psycopg.AsyncConnection.connect(server.url)
        try:
            tasks.send(topic, connection=connection)
        finally:
            await connection.close()

    with pytest.raises(UsageError, match="take one that blocks"):
        asyncio.run(main())
