"""For each broker, the fastest loops that we can write at the guarantee of its bus."""

from importlib import import_module

from yardstick import Yardstick

PLACES = {
    "sqlite": "yardsticks.sqlite:SqliteLoops",
    "redis": "yardsticks.redis:RedisLoops",
    "nats": "yardsticks.nats:NatsLoops",
    "postgres": "yardsticks.postgres:PostgresLoops",
    "nsq": "yardsticks.nsq:NsqLoops",
    "kafka": "yardsticks.kafka:KafkaPythonLoops",
    "kafka-confluent": "yardsticks.kafka:ConfluentLoops",
}
"""By bus: where its yardstick is, which imports a client library."""


def yardstick(bus: str) -> Yardstick:
    """Start a broker, and return the loops on it; `close` ends both."""
    module, _, name = PLACES[bus].partition(":")
    made: Yardstick = getattr(import_module(module), name)()
    return made
