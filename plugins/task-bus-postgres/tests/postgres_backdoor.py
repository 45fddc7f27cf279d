"""A way around the bus: the tables by hand."""

import time

import psycopg
from brokers.ports import free_address, split
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.schema import make
from task_testing import Backdoor

WRONG = "wrong-secret"


class PostgresBackdoor(Backdoor):
    """Reads and writes one server.

    Args:
        server: The broker.
        schema: Where the tables are.
    """

    def __init__(self, server, schema="task"):
        self.server = server
        self.broker = server.implementation
        self._schema = schema
        self._connection = psycopg.connect(server.url, autocommit=True)
        make(self._connection, schema, server.address, 0, create=True)

    def close(self):
        self._connection.close()

    def _run(self, text, *values):
        text = text.replace("task.", f"{self._schema}.")
        try:
            cursor = self._connection.execute(text, values)
        except psycopg.OperationalError:  # the server was started anew
            self.close()
            self._connection = psycopg.connect(self.server.url, autocommit=True)
            cursor = self._connection.execute(text, values)
        return cursor.fetchall() if cursor.description else []

    def put(self, topic, bodies):
        self._run("SELECT task.prepare(%s::text[], '{}')", [topic])
        for body in bodies:
            self._run(
                "INSERT INTO task.message (channel, rank, due, body)"
                " SELECT id, 0, clock_timestamp(), %s"
                " FROM task.channel WHERE topic = %s",
                body,
                topic,
            )
        self._run("SELECT task.wake(id, '') FROM task.channel WHERE topic = %s", topic)

    def _await_dead(self):
        """Wait for statements of killed clients, which the server carries out yet."""
        deadline = time.monotonic() + 60
        while self._run(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active'"
            " AND pid <> pg_backend_pid() AND query LIKE %s",
            "%settle(%",
        ):
            assert time.monotonic() < deadline, "a killed client still settles"
            time.sleep(0.01)

    def take(self, topic):
        self._await_dead()
        rows = self._run(
            "SELECT body FROM task.message JOIN task.channel ON channel.id = channel"
            " WHERE topic = %s AND name = '' ORDER BY message.id",
            topic,
        )
        return [body for (body,) in rows]

    def in_flight(self, topic, channel):
        ((count,),) = self._run(
            "SELECT count(*) FROM task.message"
            " JOIN task.channel ON channel.id = channel"
            " WHERE topic = %s AND name = %s AND held AND due > clock_timestamp()",
            topic,
            channel,
        )
        return count

    def stop(self):
        self.server.stop()

    def start(self):
        self.server.start()

    def unreachable(self):
        address = free_address()
        host, port = split(address)
        return PostgresOptions(host=host, port=port), address

    def refused(self):
        host, port = split(self.server.address)
        options = PostgresOptions(
            host=host,
            port=port,
            user=self.server.user,
            password=WRONG,
            dbname="postgres",
        )
        return options, WRONG
