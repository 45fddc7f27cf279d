"""Addresses, and the names that NSQ allows."""

import re
from collections.abc import Sequence

import attrs

from task_core.errors import BusError, OptionError, PayloadError, excerpt

_NAME = re.compile(r"[.a-zA-Z0-9_-]+(#ephemeral)?")
_ADDRESS = re.compile(r"(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\s/@]+))(:(?P<port>\d{1,5}))?")
_LONGEST = 64


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


def is_name(name: str) -> bool:
    """Whether NSQ takes it for a topic or a channel."""
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def check_subscription(topic: str, channel: str) -> None:
    """Refuse names that an nsqd would refuse.

    Raises:
        BusError: It is empty, too long or has other characters.
    """
    for kind, name in (("topic", topic), ("channel", channel)):
        if not is_name(name):
            raise BusError(f"bus 'nsq': {_refusal(kind, name)}")


def check_topic(topic: str) -> None:
    """Refuse to send to a topic that an nsqd would refuse.

    Raises:
        PayloadError: It is empty, too long or has other characters.
    """
    if not is_name(topic):
        raise PayloadError(f"bus 'nsq': {_refusal('topic', topic)}")


def _refusal(kind: str, name: str) -> str:
    if not name:
        return f"{kind} required: it is empty"
    return (
        f"{excerpt(name)} is no name of a {kind}: use 1 to {_LONGEST} of A-Z a-z 0-9"
        " . _ - (and #ephemeral at the end)"
    )
