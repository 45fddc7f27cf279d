"""Our options as the settings of confluent-kafka, which is built on librdkafka."""

from typing import Any

from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.settings import ROOM, common_of, milliseconds, of_member, of_sender

_OTHERS = {
    "sasl_plain_username": "sasl.username",
    "sasl_plain_password": "sasl.password",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
    "ssl_password": "ssl.key.password",
}
"""Settings whose names differ by more than dots."""


class ConfluentSettings:
    """Makes the settings of consumers and producers.

    Args:
        options: Ours; of `settings`, those with a dot in their name are for this
            library, and the others for kafka-python, which asks and makes topics.
        lease: Seconds after which a silent consumer counts as dead.
    """

    def __init__(self, options: KafkaOptions, lease: float) -> None:
        self._options = options
        self._lease = round(lease * 1000)

    def consumer(self, group: str | None) -> dict[str, Any]:
        """Return those of a consumer."""
        return {
            **self._named(of_member(group, self._lease)),
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "partition.assignment.strategy": "cooperative-sticky",
            "queued.max.messages.kbytes": 16_384,
            **self._extra(),
        }

    def producer(self, transactional_id: str | None) -> dict[str, Any]:
        """Return those of a producer."""
        patience = milliseconds(self._options.send_timeout)
        found = {
            **self._named(of_sender(patience)),
            "socket.timeout.ms": max(patience, 300),
            "partitioner": "murmur2_random",
            "message.max.bytes": self._options.max_bytes + ROOM,
            "message.timeout.ms": patience,
            **self._extra(),
        }
        if transactional_id:
            found["transactional.id"] = transactional_id
        return found

    def _named(self, ours: dict[str, Any]) -> dict[str, Any]:
        """Return settings, with those of all clients, by the names of this library."""
        found = {**common_of(self._options), **ours}
        found["bootstrap_servers"] = ",".join(found["bootstrap_servers"])
        return {
            _OTHERS.get(name, name.replace("_", ".")): it for name, it in found.items()
        }

    def _extra(self) -> dict[str, str]:
        pairs = (setting.partition("=") for setting in self._options.settings)
        return {name.strip(): value for name, _, value in pairs if "." in name}
