"""Our options as the settings of kafka-python."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer  # type: ignore[import-untyped]
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor  # type: ignore[import-untyped]

from task_bus_kafka.certificates import problems_of_files
from task_bus_kafka.options import Client, KafkaOptions, problems_of
from task_core.api import OptionError

ROOM = 48_576
"""Bytes for the key, the headers and the frame of a message, beside its body."""
BATCH = 256 * 1024
"""Bytes that go to a partition in one request."""


class Settings:
    """Makes the settings of consumers, producers and admin clients.

    Args:
        options: Ours.
        lease: Seconds after which a silent consumer counts as dead.

    Raises:
        OptionError: A setting is unknown to the library, or options do not go together.
    """

    def __init__(self, options: KafkaOptions, lease: float) -> None:
        self._options = options
        self._lease = round(lease * 1000)
        self._extra = {
            name: value
            for name, value in map(_read, options.settings)
            if "." not in name or options.client == Client.PYTHON
        }
        known = {**KafkaConsumer.DEFAULT_CONFIG, **KafkaAdminClient.DEFAULT_CONFIG}
        if options.client == Client.PYTHON:
            known |= KafkaProducer.DEFAULT_CONFIG
        extra = self._extra.items()
        problems = [*problems_of(options), *_problems_of(extra, known, options.client)]
        problems = problems or problems_of_files(options)
        if problems:
            raise OptionError(problems)

    def consumer(self, group: str | None) -> dict[str, Any]:
        """Return those of a consumer."""
        return self._with_extra(
            KafkaConsumer,
            **of_member(group, self._lease),
            partition_assignment_strategy=(CooperativeStickyAssignor,),
            request_timeout_ms=30_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def producer(self, transactional_id: str | None = None) -> dict[str, Any]:
        """Return those of a producer."""
        patience = milliseconds(self._options.send_timeout)
        return self._with_extra(
            KafkaProducer,
            **of_sender(patience),
            transactional_id=transactional_id,
            max_request_size=self._options.max_bytes + ROOM,
            max_block_ms=milliseconds(self._options.connect_timeout),
            delivery_timeout_ms=patience,
            request_timeout_ms=patience,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )

    def admin(self) -> dict[str, Any]:
        """Return those of an admin client."""
        patience = milliseconds(self._options.connect_timeout)
        return self._with_extra(KafkaAdminClient, request_timeout_ms=patience)

    def _with_extra(self, kind: type, **ours: Any) -> dict[str, Any]:
        extra = {k: v for k, v in self._extra.items() if k in kind.DEFAULT_CONFIG}  # type: ignore[attr-defined]
        wait = milliseconds(self._options.connect_timeout)
        common = {"bootstrap_timeout_ms": wait, **common_of(self._options)}
        return {**common, **ours, **extra}


def common_of(options: KafkaOptions) -> dict[str, Any]:
    """Return what all clients of both libraries are told, by the names of this one."""
    found = {
        "bootstrap_servers": list(options.bootstrap),
        "client_id": "task",
        "reconnect_backoff_max_ms": 1000,
        "security_protocol": options.security_protocol.value,
        "sasl_mechanism": options.sasl_mechanism,
        "sasl_plain_username": options.sasl_username,
        "sasl_plain_password": options.sasl_password,
        "ssl_cafile": options.ssl_cafile and str(options.ssl_cafile),
        "ssl_certfile": options.ssl_certfile and str(options.ssl_certfile),
        "ssl_keyfile": options.ssl_keyfile and str(options.ssl_keyfile),
        "ssl_password": options.ssl_password,
    }
    return {name: value for name, value in found.items() if value is not None}


def of_member(group: str | None, lease: int) -> dict[str, Any]:
    """Return what members of a group are told; the lease in milliseconds."""
    return {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # a new channel is told otherwise
        "isolation_level": "read_committed",
        "session_timeout_ms": lease,
        "heartbeat_interval_ms": max(50, min(1000, lease // 10)),
        "max_poll_interval_ms": max(300_000, lease),
    }


def of_sender(patience: int) -> dict[str, Any]:
    """Return what senders are told; their patience in milliseconds."""
    return {
        "acks": "all",
        "enable_idempotence": True,
        "transaction_timeout_ms": 2 * patience,
        "linger_ms": 0,
        "batch_size": BATCH,
    }


def _read(setting: str) -> tuple[str, Any]:
    """Read one `NAME=VALUE`: numbers, true, false and null are what they look like."""
    name, _, text = setting.partition("=")
    try:
        return name.strip(), json.loads(text)
    except ValueError:
        return name.strip(), text


def _problems_of(
    extra: Iterable[tuple[str, Any]], known: Mapping[str, Any], client: Client
) -> Iterator[str]:
    """Yield what is wrong with settings, and how to write them."""
    for name, value in extra:
        other = name.replace(".", "_")
        if name not in known:
            hint = f"; its name is {other}" if other in known else ""
            if client == Client.CONFLUENT and "_" in name:
                hint = f"; confluent's have dots, as in {name.replace('_', '.')}"
            yield f"settings: kafka-python knows no setting '{name}'{hint}"
        elif _is_number(known[name]) and not _is_number(value):
            yield f"settings: {name} is a number or true or false, not {value!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def milliseconds(span: timedelta) -> int:
    """Return a span as the libraries take it; never none at all."""
    return max(1, round(span.total_seconds() * 1000))
