"""Writes to topics: a batch is one statement, all of it arrives or nothing."""

from collections.abc import Sequence
from typing import Any

from task_bus_postgres.binary import INT4, TEXT, array, int4
from task_bus_postgres.errors import not_sent
from task_bus_postgres.link import Link
from task_bus_postgres.outbox import send_within
from task_bus_postgres.statements import Statements
from task_bus_postgres.words import name_of, rank_of, words_of
from task_core.api import Bus, BusError, Message, Producer


class PostgresProducer(Producer):
    """Writes over the connection of its bus.

    Args:
        bus: The bus that made it.
        link: The connection.
        statements: For its schema.
        schema: The name of that.
    """

    def __init__(
        self, bus: Bus, link: Link, statements: Statements, schema: str
    ) -> None:
        super().__init__(bus)
        self._link = link
        self._sql = statements
        self._schema = schema
        self._made: set[tuple[str, int]] = set()  # topics, with ranks of messages

    def _send(self, messages: Sequence[Message]) -> None:
        words = words_of(messages)
        self._link.connect()
        try:
            self._link.call(self._sql.send, *words)
        except BusError as error:
            raise not_sent(error, messages) from None

    def _send_within(self, messages: Sequence[Message], connection: Any) -> None:
        """Send over a connection of the caller's.

        What its topics need is made before, over ours: others would have to wait for
        the end of a transaction that makes a topic.
        """
        words_of(messages)  # to see whether all of it can be carried
        wanted = {(one.topic, rank_of(one.priority)) for one in messages}
        for topic, rank in wanted - self._made:
            words = array(TEXT, [name_of(topic)]), array(INT4, [int4(rank)])
            self._link.call(self._sql.prepare, *words)
            self._made.add((topic, rank))
        send_within(self._schema, messages, connection)

    def _prepare(self, topics: Sequence[str]) -> None:
        """Connect; topics need no making."""
        self._link.connect()
