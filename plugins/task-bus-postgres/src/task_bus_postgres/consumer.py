"""Reads one channel: takes, settles, gives back, and how it waits."""

from collections.abc import Sequence
from time import monotonic

import msgspec

from task_bus_postgres.binary import (
    FALSE,
    INT4,
    INT8,
    TIMESTAMPTZ,
    TRUE,
    array,
    float8,
    int4,
    items_of,
    to_int,
)
from task_bus_postgres.errors import LeaseOverError, not_sent
from task_bus_postgres.link import Link, Row
from task_bus_postgres.options import PostgresOptions
from task_bus_postgres.sleep import Sleep
from task_bus_postgres.statements import Statements
from task_bus_postgres.words import NOTHING, name_of, words_of
from task_core.api import (
    Bus,
    BusError,
    Consumer,
    Delivery,
    LeaseLostError,
    Message,
)

SHORTEST_LIFE = 15.0
"""Seconds that a temporary channel outlives a reader that was killed, at least."""
SWEEP_EVERY = 30.0
"""Seconds between two looks for what readers that died have left."""

_decode = msgspec.json.Decoder(dict[str, str]).decode
Token = list[bytes]
"""Of a delivery: its number, its rank, and when the lease ends; that is renewed."""


class PostgresConsumer(Consumer):
    """Reads one channel over a connection of its own.

    Args:
        bus, topic, channel: As for every consumer.
        link: The connection.
        statements: For its schema.
        options: See the manifest.
        is_temporary: Whether the channel goes with its reader.

    Raises:
        ValueError: PostgreSQL can have no such names.
    """

    knows_lost = True

    def __init__(
        self,
        bus: Bus,
        topic: str,
        channel: str,
        link: Link,
        statements: Statements,
        options: PostgresOptions,
        *,
        is_temporary: bool,
    ) -> None:
        super().__init__(bus, topic, channel)
        self._names = name_of(topic), name_of(channel)
        self._link = link
        self._sql = statements
        self._lease = float8(bus.lease)
        self._life = max(SHORTEST_LIFE, 2 * bus.lease) if is_temporary else 0.0
        self._sleep = Sleep(options)
        self._number = b""
        self._generation = 0  # of the connection that hears what is new
        self._tidy_at = 0.0
        self._mine: dict[bytes, Token] = {}  # what we hold, as far as we know

    def begin(self) -> None:
        """Find the channel, or make it; the first one gets what was sent before."""
        ((self._number, bell),) = self._link.call(
            self._sql.subscribe, *self._names, float8(self._life)
        )
        if self._sleep.notified:
            self._link.call(b'LISTEN "%b"' % bell)
        self._sleep.begin()
        self._generation = self._link.generation
        self._tidy_at = monotonic() + (self._life / 3 or SWEEP_EVERY)

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        if not self._link.connected or self._link.generation != self._generation:
            self.begin()
        if monotonic() >= self._tidy_at:
            self._tidy()
        sleep = self._sleep
        if sleep.registered:
            sleep.hear(self._link)
        if sleep.must_look(timeout) and (found := self._take(limit)):
            return found
        seconds = min(timeout, self._tidy_at - monotonic())
        sleep.until(seconds, self._link, self._waker)
        return ()

    def _take(self, limit: int) -> list[Delivery]:
        """Take what is due: what came back, what waited, and what is new."""
        sleep = self._sleep
        with sleep.looking() as marks:
            rows = self._link.call(
                self._sql.take,
                self._number,
                int4(min(limit, 2**31 - 1)),
                self._lease,
                sleep.lanes,
                marks,
                TRUE if sleep.registered else FALSE,
                TRUE if sleep.notified else FALSE,
            )
        if rows[0][0] is not None:
            sleep.found(rows)
            return [self._delivery(row) for row in rows]
        *_, lanes, seconds = rows[0]
        if lanes is None:  # somebody has deleted the channel
            self.begin()
        elif sleep.told(lanes, seconds):
            return []
        return self._take(limit)

    def _delivery(self, row: Row) -> Delivery:
        number, rank, due, _, attempts, returned, headers, body, *_ = row
        token = [number, rank, due]
        self._mine[number] = token
        names = _decode(headers) if headers else None
        times = to_int(attempts), to_int(returned)
        return Delivery(body, token, times[0], names, times[1], position=to_int(number))

    def _tidy(self) -> None:
        """Delete what dead readers left, and keep the own temporary channel alive."""
        self._link.call(self._sql.sweep, self._number, float8(self._life))
        self._tidy_at = monotonic() + (self._life / 3 or SWEEP_EVERY)

    def _settle(
        self, deliveries: Sequence[Delivery], messages: Sequence[Message]
    ) -> None:
        """Send and acknowledge in one statement: both happen or neither."""
        words = words_of(messages) if messages else NOTHING
        self._link.connect()
        try:
            self._link.call(self._sql.settle, *self._tokens(deliveries), *words)
        except LeaseOverError:
            raise self._lost(deliveries) from None
        except BusError as error:
            raise (not_sent(error, messages) if messages else error) from None
        self._drop(deliveries)
        if any(message.topic == self.topic for message in messages):
            self._sleep.look_again()  # the server takes this connection for awake

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._settle(deliveries, ())

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        """Give these back; one whose lease was lost is somebody else's already."""
        self._link.call(self._sql.give_back, *self._tokens(deliveries), float8(delay))
        self._sleep.look_at_all()
        self._drop(deliveries)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        try:
            ((until,),) = self._link.call(
                self._sql.extend, *self._tokens(deliveries), self._lease
            )
        except LeaseOverError:
            raise self._lost(deliveries) from None
        for delivery in deliveries:
            delivery.token[2] = until

    def _tokens(self, deliveries: Sequence[Delivery]) -> tuple[bytes, ...]:
        """Return the channel, and the leases, as the functions read them."""
        return self._leases([delivery.token for delivery in deliveries])

    def _leases(self, tokens: Sequence[Token]) -> tuple[bytes, ...]:
        numbers, ranks, ends = zip(*tokens, strict=True) if tokens else ((), (), ())
        return (
            self._number,
            array(INT8, numbers),
            array(INT4, ranks),
            array(TIMESTAMPTZ, ends),
        )

    def _lost(self, deliveries: Sequence[Delivery]) -> LeaseLostError:
        ((found,),) = self._link.call(self._sql.lost, *self._tokens(deliveries))
        lost = [deliveries[to_int(at)] for at in items_of(found)]
        self._drop(lost)
        return LeaseLostError(
            f"bus 'postgres': the lease of {len(lost)} of {len(deliveries)} deliveries"
            f" of topic '{self.topic}' was over and others have them; nothing was done",
            lost,
        )

    def _drop(self, deliveries: Sequence[Delivery]) -> None:
        """Note that these are not ours any more; what we have got again is."""
        for delivery in deliveries:
            token: Token = delivery.token
            if self._mine.get(token[0]) is token:
                del self._mine[token[0]]

    def _close(self) -> None:
        """Give back what is held; a temporary channel goes by the base."""
        try:
            if self._mine and not self._life and self._link.connected:
                leases = self._leases(list(self._mine.values()))
                self._link.call(self._sql.give_back, *leases, float8(0.0))
        except BusError:
            pass  # the leases end by themselves
        self._link.drop()
