"""Addresses, and the names that NSQ allows."""

import re
from collections.abc import Iterable, Sequence

import attrs

from task_core.api import BusError, OptionError, dead_topic, excerpt, fitting_dead_topic

_NAME = re.compile(r"[.a-zA-Z0-9_-]+(#ephemeral)?")
_ADDRESS = re.compile(r"(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\s/@]+))(:(?P<port>\d{1,5}))?")
_LONGEST = 64
_EPHEMERAL = "#ephemeral"
_DEAD = dead_topic("")


@attrs.frozen
class Address:
    """Where somebody listens; a key of dictionaries, so it has equality."""

    host: str
    port: int
    scheme: str = "http"
    """For those that are asked by HTTP: `http` or `https`."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def addresses(
    key: str, texts: Sequence[str], port: int, schemes: Sequence[str] = ("http",)
) -> tuple[Address, ...]:
    """Read addresses, each once, in their order.

    Args:
        key: Name of the option, for messages.
        texts: `host`, `host:port` or `[v6]:port`; `http://` before it is no harm.
        port: That of those who name none.
        schemes: What may stand before it.

    Raises:
        OptionError: Some are none; all of them are named.
    """
    found = {text: _address(text, port, schemes) for text in texts}
    problems = [
        f"bus 'nsq': {key}: {excerpt(text)} is no HOST:PORT"
        for text, address in found.items()
        if address is None
    ]
    if problems:
        raise OptionError(problems)
    return tuple(dict.fromkeys(address for address in found.values() if address))


def _address(text: str, port: int, schemes: Sequence[str]) -> Address | None:
    scheme, slashes, rest = text.strip().rpartition("://")
    match = _ADDRESS.fullmatch(rest.rstrip("/"))
    if match is None or int(match["port"] or port) > 65535:
        return None
    if slashes and scheme not in schemes:
        return None
    host, number = match["v6"] or match["host"], int(match["port"] or port)
    return Address(host, number, scheme or "http")


def ephemeral(channel: str) -> str:
    """Return the name of a channel that an nsqd deletes with its last reader."""
    if channel.endswith(_EPHEMERAL):
        return channel
    return channel[: _LONGEST - len(_EPHEMERAL)] + _EPHEMERAL


def nsq_topic(topic: str) -> str:
    """Return the name that a topic has on NSQ: its own, but for some dead topics.

    What is ephemeral must end so, and a name must not be too long.

    Example:
        >>> nsq_topic("load"), nsq_topic("load.dead"), nsq_topic("load#ephemeral.dead")
        ('load', 'load.dead', 'load.dead#ephemeral')
    """
    origin = topic.removesuffix(_DEAD)
    if origin == topic or name_problem("topic", origin):
        return topic
    ending = _EPHEMERAL if origin.endswith(_EPHEMERAL) else ""
    return fitting_dead_topic(origin, _LONGEST, ending)


def topics_of(names: Iterable[str]) -> list[str]:
    """Return the topics, sorted, whose names on NSQ these are."""
    found = set(names)
    for origin in list(found):
        dead = origin + _DEAD
        if (name := nsq_topic(dead)) != dead and name in found:
            found = found - {name} | {dead}
    return sorted(found)


def name_problem(kind: str, name: str) -> str:
    """Say why an nsqd would refuse a name, or nothing.

    Args:
        kind: `topic` or `channel`.
        name: The name.
    """
    if not name:
        return f"{kind} required: it is empty"
    if len(name) <= _LONGEST and _NAME.fullmatch(name):
        return ""
    return (
        f"{excerpt(name)} is no name of a {kind}: use 1 to {_LONGEST} of A-Z a-z 0-9"
        " . _ - (and #ephemeral at the end)"
    )


def checked(kind: str, name: str) -> str:
    """Return the name that a topic or a channel has on NSQ.

    Raises:
        BusError: It is empty, too long or has other characters.
    """
    found = nsq_topic(name) if kind == "topic" else name
    if problem := name_problem(kind, found):
        raise BusError(f"bus 'nsq': {problem}")
    return found
