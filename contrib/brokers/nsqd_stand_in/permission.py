"""AUTH, and whether a client may do what it asks for."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from brokers.nsqd_stand_in import states
from brokers.nsqd_stand_in.auth import ask
from brokers.nsqd_stand_in.names import quoted
from brokers.nsqd_stand_in.wire import RESPONSE, ProtocolError, Reader, frame

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.client import Client

Answer = bytes | Awaitable[bytes | None] | None


def auth(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Take the secret of a client, and ask what it allows."""
    if client.state != states.INIT:
        raise ProtocolError("E_INVALID", "cannot AUTH in current state")
    if len(params) != 1:
        raise ProtocolError("E_INVALID", "AUTH invalid number of parameters")
    secret = _secret(client, reader)
    if client.authorizations is not None and client.authorizations.entries:
        raise ProtocolError("E_INVALID", "AUTH already set")
    if not client.broker.options.auth_http_address:
        raise ProtocolError("E_AUTH_DISABLED", "AUTH disabled")
    client.secret = secret.decode("utf-8", "surrogateescape")
    return _authorize(client)


def _secret(client: "Client", reader: Reader) -> bytes:
    bad, most = "E_BAD_BODY", client.broker.options.max_body_size
    size = reader.size(ProtocolError(bad, "AUTH failed to read body size"))
    if size > most:
        raise ProtocolError(bad, f"AUTH body too big {size} > {most}")
    if size <= 0:
        raise ProtocolError(bad, f"AUTH invalid body size {size}")
    return reader.body(size, ProtocolError(bad, "AUTH failed to read body"))


async def _authorize(client: "Client") -> bytes:
    await _ask(client)
    found = client.authorizations
    if found is None or not found.entries:
        raise ProtocolError("E_UNAUTHORIZED", "AUTH no authorizations found")
    answer = {
        "identity": found.identity,
        "identity_url": found.identity_url,
        "permission_count": len(found.entries),
    }
    return frame(RESPONSE, json.dumps(answer, separators=(",", ":")).encode())


async def _ask(client: "Client") -> None:
    query = {
        "common_name": "",
        "remote_ip": client.host,
        "secret": client.secret,
        "tls": "true" if client.identified.get("tls") else "false",
    }
    try:
        client.authorizations = await ask(client.broker.options, query)
    except ValueError as error:
        client.broker.log.write("warn", f"[{client.remote}] AUTH failed {error}")
        raise ProtocolError("E_AUTH_FAILED", "AUTH failed") from None


def permitted(
    client: "Client", command: str, topic: str, channel: str, do: Callable[[], bytes]
) -> Answer:
    """Do it if the client may; asks again when the last answer is too old.

    Raises:
        ProtocolError: it may not.
    """
    if not client.broker.options.auth_http_address:
        return do()
    if client.authorizations is None or not client.authorizations.entries:
        raise ProtocolError("E_AUTH_FIRST", f"AUTH required before {command}")
    if client.authorizations.expired:
        return _later(client, command, topic, channel, do)
    _check(client, command, topic, channel)
    return do()


async def _later(
    client: "Client", command: str, topic: str, channel: str, do: Callable[[], bytes]
) -> bytes:
    await _ask(client)
    _check(client, command, topic, channel)
    return do()


def _check(client: "Client", command: str, topic: str, channel: str) -> None:
    found = client.authorizations
    if found is None or not found.allow(topic, channel):
        names = f"{quoted(topic.encode())} {quoted(channel.encode())}"
        text = f"AUTH failed for {command} on {names}"
        raise ProtocolError("E_UNAUTHORIZED", text)
