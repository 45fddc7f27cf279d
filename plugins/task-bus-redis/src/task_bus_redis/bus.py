"""The bus: it connects when it is used, and each consumer on its own."""

from collections.abc import Callable, Sequence

import attrs

from task_bus_redis.consumer import RedisConsumer
from task_bus_redis.dialer import Dialer
from task_bus_redis.keys import Keys, check_names
from task_bus_redis.link import Link
from task_bus_redis.options import SENTINEL, RedisOptions, database
from task_bus_redis.producer import RedisProducer
from task_bus_redis.scripts import script
from task_core.api import (
    Bus,
    BusContext,
    Capabilities,
    ChannelState,
    Consumer,
    OptionError,
    Producer,
    addresses_of,
)


def make_bus(
    options: RedisOptions, context: BusContext, capabilities: Capabilities
) -> "RedisBus":
    """Check the options, and make the bus.

    Raises:
        OptionError: One of them is wrong.
    """
    checks: tuple[tuple[str, Callable[[str], object], Sequence[str]], ...] = (
        ("db", database, [options.db]),
        ("sentinel", lambda text: addresses_of(text, SENTINEL), options.sentinel),
    )
    mistakes = []
    for name, check, values in checks:
        try:
            list(map(check, values))
        except ValueError as error:
            mistakes.append(f"bus.redis.{name}: {error}")
    if mistakes:
        raise OptionError(mistakes)
    return RedisBus(
        options, context, attrs.evolve(capabilities, max_bytes=options.max_bytes)
    )


class RedisBus(Bus):
    """Carries messages over one server.

    Args:
        options: See the manifest.
        context: What it is opened for.
        capabilities: Those of the manifest, with the size that the options tell.
    """

    expires_channels = True

    def __init__(
        self, options: RedisOptions, context: BusContext, capabilities: Capabilities
    ) -> None:
        name = "rediss" if options.tls else "redis"
        super().__init__(name, capabilities, lease=context.lease)
        self._keys = Keys(options.prefix)
        self._dialer = Dialer(options, self._keys.registry)
        self._link = Link(self._dialer)

    def _subscribe(
        self, topic: str, channel: str, *, prefetch: int | None, temporary: bool
    ) -> Consumer:
        check_names(topic, channel)
        consumer = RedisConsumer(
            self,
            topic,
            channel,
            self._keys,
            Link(self._dialer),
            self._link,
            is_temporary=temporary,
        )
        consumer.begin()
        return consumer

    def _producer(self) -> Producer:
        return RedisProducer(self, self._keys, self._link)

    def _topics(self) -> Sequence[str]:
        bases = self._link.call("SMEMBERS", self._keys.registry)
        return sorted(map(self._keys.topic_of, bases))

    def _depth(self, topic: str, channel: str) -> int:
        """Return how many messages nobody holds, delayed ones included."""
        states = {one.name: one.waiting for one in self._states(topic)}
        return states.get(channel, states.get("", 0))

    def _channels(self, topic: str) -> Sequence[ChannelState]:
        return sorted((one for one in self._states(topic) if one.name), key=_name)

    def _states(self, topic: str) -> list[ChannelState]:
        check_names(topic)
        base = self._keys.base(topic)
        rows = self._link.run(script("channels"), self._keys.registry, base)
        return [
            ChannelState(name.decode(), int(waiting), int(held))
            for name, waiting, held in rows
        ]

    def _peek(self, topic: str, limit: int) -> Sequence[bytes]:
        base = self._keys.base(topic)
        states = self._states(topic)
        fullest = max(states, key=lambda one: one.waiting + (one.held or 0))
        stream = f"{base}:tasks:{fullest.name}"
        entries = self._link.call("XRANGE", stream, "-", "+", "COUNT", limit)
        return [_body(fields) for _, fields in entries]

    def _forget(self, topic: str, channel: str) -> None:
        check_names(topic, channel)
        base = self._keys.base(topic)
        self._link.run(script("forget"), self._keys.registry, base, channel)

    def _ping(self) -> None:
        self._link.call("PING")

    def _close(self) -> None:
        self._link.drop()


def _name(state: ChannelState) -> str:
    return state.name


def _body(fields: list[bytes]) -> bytes:
    return fields[fields.index(b"b", 0) + 1]
