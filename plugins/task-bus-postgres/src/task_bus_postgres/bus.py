"""The bus: it connects when it is used, and each consumer on its own."""

from collections.abc import Sequence

from task_bus_postgres.binary import int4, to_int
from task_bus_postgres.consumer import PostgresConsumer
from task_bus_postgres.dialer import Dialer
from task_bus_postgres.link import Link
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.producer import PostgresProducer
from task_bus_postgres.statements import statements_of
from task_bus_postgres.words import name_of
from task_core.api import (
    Bus,
    BusContext,
    BusError,
    Capabilities,
    ChannelState,
    Consumer,
    Producer,
)


class PostgresBus(Bus):
    """Carries messages through one database.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest, with the size that the options tell.
    """

    def __init__(
        self, options: PostgresOptions, context: BusContext, capabilities: Capabilities
    ) -> None:
        super().__init__("postgres", capabilities, lease=context.lease)
        self._options = options
        self._dialer = Dialer(options, create=context.create)
        self._sql = statements_of(options.schema)
        self._link = self._new_link()

    def _new_link(self) -> Link:
        return Link(self._dialer, prepares=self._options.notify)

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        try:
            consumer = PostgresConsumer(
                self,
                topic,
                channel,
                self._new_link(),
                self._sql,
                self._options,
                is_temporary=temporary,
            )
        except ValueError as error:
            raise BusError(str(error)) from None
        consumer.begin()
        return consumer

    def _producer(self) -> Producer:
        return PostgresProducer(self, self._link, self._sql, self._options.schema)

    def _topics(self) -> Sequence[str]:
        return sorted(name.decode() for (name,) in self._link.call(self._sql.topics))

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        states = {one.name: one.waiting for _, one in self._states(topic)}
        return states.get(channel, states.get("", 0))

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        return [one for _, one in self._states(topic) if one.name]

    def _states(self, topic: str) -> list[tuple[int, ChannelState]]:
        """Return the channels with their numbers, by name."""
        rows = self._link.call(self._sql.states, _name(topic))
        return [
            (to_int(number), ChannelState(name.decode(), to_int(waiting), to_int(held)))
            for number, name, waiting, held in rows
        ]

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        if not (states := self._states(topic)):
            return ()
        fullest, _ = max(states, key=lambda it: it[1].waiting + (it[1].held or 0))
        count = int4(min(limit, 2**31 - 1))
        return [
            body for (body,) in self._link.call(self._sql.peek, int4(fullest), count)
        ]

    def _forget(self, topic: str, channel: str) -> None:
        self._link.call(self._sql.forget, _name(topic), _name(channel))

    def _ping(self) -> None:
        self._link.call(b"SELECT 1")

    def _close(self) -> None:
        self._link.drop()


def _name(text: str) -> bytes:
    try:
        return name_of(text)
    except ValueError as error:
        raise BusError(str(error)) from None
