"""What can be set. Light, so that help and lists cost nothing."""

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs

from task_core.api import UrlPart, more_than_nothing, option

_ADDRESS = re.compile(r"(\[[^\]]+\]|[^:\s/\[\]]+)(:(?P<port>\d{1,5}))?")


class Client(StrEnum):
    """The library that talks to the brokers."""

    PYTHON = "kafka-python"
    """Pure Python; always there."""
    CONFLUENT = "confluent"
    """Built on librdkafka, and several times as fast; an extra."""


class Key(StrEnum):
    """What keeps messages in order: those of one key go to one partition."""

    NONE = "none"
    JOB = "job"
    TYPE = "type"


class ReadFrom(StrEnum):
    """Which messages a new channel sees."""

    START = "start"
    NEW = "new"


class Security(StrEnum):
    """How to talk to the brokers."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


def _count(instance: Any, attribute: "attrs.Attribute[Any]", value: int | None) -> None:
    if value is not None and value < 1:
        raise ValueError(f"{attribute.name} must be at least 1, not {value}")


def _addresses(
    instance: Any, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]
) -> None:
    if any("@" in address for address in value):
        raise ValueError(
            "these are addresses alone; who logs in is said with"
            " sasl_username and sasl_password"
        )
    for address in value:
        found = _ADDRESS.fullmatch(address.strip())
        if not found or not 0 < int(found["port"] or 9092) < 65536:
            raise ValueError(f"'{address}' is no HOST:PORT")


def _assignments(
    instance: Any, attribute: "attrs.Attribute[Any]", value: tuple[str, ...]
) -> None:
    for setting in value:
        if "=" not in setting:
            raise ValueError(f"{attribute.name} are NAME=VALUE, not {setting!r}")


@attrs.frozen(kw_only=True, eq=False)
class KafkaOptions:
    """Options of the bus `kafka`."""

    bootstrap: tuple[str, ...] = option(
        ("localhost:9092",),
        help="Brokers to ask first, the port 9092 when not given.",
        url=UrlPart.AUTHORITY,
        metavar="HOST:PORT",
        validator=_addresses,
    )
    client: Client = option(
        Client.PYTHON,
        help="Client library; confluent needs the extra task-bus-kafka[confluent].",
    )
    group: str | None = option(
        None, help="The consumer group by its full name, whatever the channel."
    )
    group_prefix: str = option(
        "", help="What names of groups begin with, before TOPIC.CHANNEL."
    )
    from_: ReadFrom = option(
        ReadFrom.START,
        help="What a new channel sees: all that is there (start), or what is sent"
        " from now on (new).",
    )
    key: Key = option(
        Key.NONE, help="Part of a task that keeps tasks in order: job, type or none."
    )
    partitions: int | None = option(
        None,
        help="Partitions of topics that this makes; the broker's default when not"
        " given.",
        validator=_count,
    )
    replication: int | None = option(
        None,
        help="Replicas of topics that this makes; the broker's default when not given.",
        validator=_count,
    )
    transactions: bool = option(
        False, help="Settle in transactions: done tasks and progress, both or neither."
    )
    commit_interval: timedelta = option(
        timedelta(seconds=0.5),
        help="How often progress is written down; a crash repeats no more than that.",
        validator=more_than_nothing,
    )
    connect_timeout: timedelta = option(
        timedelta(seconds=10),
        help="How long to try to reach a broker.",
        validator=more_than_nothing,
    )
    send_timeout: timedelta = option(
        timedelta(seconds=15),
        help="How long to try to get a message confirmed.",
        validator=more_than_nothing,
    )
    max_bytes: int = option(
        1_000_000,
        help="Longest body; raise it together with the broker's message.max.bytes.",
        validator=_count,
    )
    security_protocol: Security = option(
        Security.PLAINTEXT, help="How to talk to the brokers."
    )
    sasl_mechanism: str | None = option(
        None, help="How to log in: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, …"
    )
    sasl_username: str | None = option(None, help="Who logs in.")
    sasl_password: str | None = option(None, help="The password.", secret=True)
    ssl_cafile: Path | None = option(
        None, help="Certificates to trust (PEM); the system's when not given."
    )
    ssl_certfile: Path | None = option(None, help="Our own certificate (PEM).")
    ssl_keyfile: Path | None = option(None, help="The key of our certificate (PEM).")
    ssl_password: str | None = option(
        None, help="The password of that key.", secret=True
    )
    settings: tuple[str, ...] = option(
        (),
        help="Any other settings, by the names of the client library.",
        metavar="NAME=VALUE",
        validator=_assignments,
        secret=True,  # some of the libraries' are passwords
    )


OURS = frozenset(
    (
        "bootstrap_servers",
        "enable_auto_commit",
        "group_id",
        "transactional_id",
        "sasl_password",
        "sasl_plain_password",
        "ssl_key_password",
        "ssl_password",
    )
)
"""Settings of the libraries that only our options give: tasks would be lost, or
passwords shown."""
SASL = ("sasl_mechanism", "sasl_username", "sasl_password")
TLS = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password")


def compresses(options: KafkaOptions) -> bool:
    """Whether messages are made smaller on their way, by a setting of the library."""
    return any("compression" in setting for setting in options.settings)


def problems_of(options: KafkaOptions) -> list[str]:
    """Return what does not go together, a line for each."""
    protocol = options.security_protocol
    unused = [
        *(() if protocol.startswith("SASL") else SASL),
        *(() if protocol.endswith("SSL") else TLS),
    ]
    problems = [
        f"{name} does nothing when security_protocol is {protocol}"
        for name in unused
        if getattr(options, name)
    ]
    names = [setting.partition("=")[0].strip() for setting in options.settings]
    if protocol.startswith("SASL") and not options.sasl_mechanism:
        problems.append(f"security_protocol {protocol} needs sasl_mechanism")
    problems += [
        f"settings: '{name}' is up to the bus; see its other options"
        for name in names
        if name.replace(".", "_") in OURS
    ]
    return problems
