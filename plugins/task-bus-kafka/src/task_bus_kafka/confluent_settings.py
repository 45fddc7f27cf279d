"""Our options as the settings of confluent-kafka, which is built on librdkafka."""

from typing import Any

from task_bus_kafka.options import KafkaOptions
from task_bus_kafka.settings import BATCH, ROOM, milliseconds


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
            **self._common(),
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": self._lease,
            "heartbeat.interval.ms": max(50, min(1000, self._lease // 10)),
            "max.poll.interval.ms": max(300_000, self._lease),
            "partition.assignment.strategy": "cooperative-sticky",
            "queued.max.messages.kbytes": 16_384,
            **self._extra(),
        }

    def producer(self, transactional_id: str | None) -> dict[str, Any]:
        """Return those of a producer."""
        patience = milliseconds(self._options.send_timeout)
        found = {
            **self._common(),
            "socket.timeout.ms": max(patience, 300),
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "batch.size": BATCH,
            "partitioner": "murmur2_random",
            "message.max.bytes": self._options.max_bytes + ROOM,
            "message.timeout.ms": patience,
            "transaction.timeout.ms": 2 * patience,
            **self._extra(),
        }
        if transactional_id:
            found["transactional.id"] = transactional_id
        return found

    def _common(self) -> dict[str, Any]:
        options = self._options
        found = {
            "bootstrap.servers": ",".join(options.bootstrap),
            "client.id": "task",
            "reconnect.backoff.max.ms": 1000,
            "security.protocol": options.security_protocol.value,
            "sasl.mechanism": options.sasl_mechanism,
            "sasl.username": options.sasl_username,
            "sasl.password": options.sasl_password,
            "ssl.ca.location": options.ssl_cafile and str(options.ssl_cafile),
            "ssl.certificate.location": options.ssl_certfile
            and str(options.ssl_certfile),
            "ssl.key.location": options.ssl_keyfile and str(options.ssl_keyfile),
            "ssl.key.password": options.ssl_password,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _extra(self) -> dict[str, str]:
        pairs = (setting.partition("=") for setting in self._options.settings)
        return {name.strip(): value for name, _, value in pairs if "." in name}
