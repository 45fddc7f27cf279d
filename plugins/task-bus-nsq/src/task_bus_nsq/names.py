"""Addresses, and the names that NSQ allows."""

import re
from collections.abc import Sequence

import attrs

from task_core.api import BusError, OptionError, excerpt

_NAME = re.compile(r"[.a-zA-Z0-9_-]+(#ephemeral)?")
_ADDRESS = re.compile(r"(\[(?P<v6>[^\]]+)\]|(?P<host>[^:\s/@]+))(:(?P<port>\d{1,5}))?")
_LONGEST = 64
_EPHEMERAL = "#ephemeral"


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


def check_name(kind: str, name: str) -> None:
    """Refuse a name that an nsqd would refuse.

    Raises:
        BusError: It is empty, too long or has other characters.
    """
    if problem := name_problem(kind, name):
        raise BusError(f"bus 'nsq': {problem}")
