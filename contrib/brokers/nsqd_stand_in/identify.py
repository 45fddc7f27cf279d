"""IDENTIFY and AUTH: who a client is, how it wants to be served, what it may do."""

import json
from typing import Any

from brokers.nsqd_stand_in.auth import ask
from brokers.nsqd_stand_in.connection import INIT, Connection
from brokers.nsqd_stand_in.settings import VERSION
from brokers.nsqd_stand_in.wire import OK, ProtocolError, told

_KINDS: dict[str, type] = {
    "client_id": str,
    "hostname": str,
    "heartbeat_interval": int,
    "output_buffer_size": int,
    "output_buffer_timeout": int,
    "feature_negotiation": bool,
    "tls_v1": bool,
    "msg_timeout": int,
}
_MOST_SIZE, _LEAST_SECONDS, _MOST_SECONDS = 65_536, 0.025, 30.0
"""Of the buffer of a client."""


async def identify(client: Connection, params: list[bytes]) -> None:
    """Learn who the client is, and agree on features."""
    if client.state != INIT:
        raise ProtocolError("E_INVALID", "cannot IDENTIFY in current state")
    options = client.broker.options
    most = options.max_body_size
    body = await client.input.body("E_BAD_BODY", "IDENTIFY", most)
    asked = _asked(body)
    client.client_id = asked["client_id"]
    client.hostname = asked["hostname"]
    try:
        _apply(client, asked)
    except ValueError as error:
        raise _bad(str(error)) from None
    if not asked["feature_negotiation"]:
        client.send(OK)
        return
    tls = options.tls is not None and asked["tls_v1"]
    client.send(told(_agreed(client, tls=tls)))
    if tls:
        await client.start_tls(options.tls)


def _bad(text: str) -> ProtocolError:
    return ProtocolError("E_BAD_BODY", f"IDENTIFY {text}")


def _asked(body: bytes) -> dict[str, Any]:
    """Return every field, those that are missing as zero."""
    try:
        fields = json.loads(body)
        fields = {} if fields is None else fields
        given = {key.lower(): value for key, value in fields.items()}
    except (ValueError, AttributeError):
        raise _bad("failed to decode JSON body") from None
    asked = {name: given.get(name) or kind() for name, kind in _KINDS.items()}
    if any(type(asked[name]) is not kind for name, kind in _KINDS.items()):
        raise _bad("failed to decode JSON body")
    return asked


def _apply(client: Connection, asked: dict[str, Any]) -> None:
    """Set what is asked for.

    Raises:
        ValueError: it is out of range.
    """
    options = client.broker.options
    beat, timeout = asked["heartbeat_interval"], asked["msg_timeout"]
    if beat == -1:
        client.heartbeat = 0.0
    elif _in_range(beat, 1.0, options.max_heartbeat_interval, "heartbeat interval"):
        client.heartbeat = beat / 1000
    _buffer(client, asked["output_buffer_size"], asked["output_buffer_timeout"])
    if _in_range(timeout, 1.0, options.max_msg_timeout, "msg timeout"):
        client.msg_timeout = timeout / 1000


def _in_range(value: int, least: float, most: float, what: str) -> bool:
    """Whether a value (milliseconds) is given; least and most are seconds."""
    if value and not least * 1000 <= value <= most * 1000:
        raise ValueError(f"{what} ({value}) is invalid")
    return value != 0


def _buffer(client: Connection, size: int, timeout: int) -> None:
    """Set how many bytes of messages are held back, and for how long."""
    if timeout == -1:
        client.buffer_seconds = 0.0
    elif _in_range(timeout, _LEAST_SECONDS, _MOST_SECONDS, "output buffer timeout"):
        client.buffer_seconds = timeout / 1000
    if size == -1:
        client.buffer_size, client.buffer_seconds = 1, 0.0
    elif size:
        if not 64 <= size <= _MOST_SIZE:
            raise ValueError(f"output buffer size ({size}) is invalid")
        client.buffer_size = size


def _agreed(client: Connection, *, tls: bool) -> dict[str, object]:
    options = client.broker.options
    return {
        "max_rdy_count": options.max_rdy_count,
        "version": VERSION,
        "max_msg_timeout": round(options.max_msg_timeout * 1000),
        "msg_timeout": round(client.msg_timeout * 1000),
        "tls_v1": tls,
        "deflate": False,
        "deflate_level": 6,
        "max_deflate_level": 6,
        "snappy": False,
        "sample_rate": 0,
        "auth_required": bool(options.auth_http_address),
        "output_buffer_size": client.buffer_size,
        "output_buffer_timeout": round(client.buffer_seconds * 1000),
    }


async def auth(client: Connection, params: list[bytes]) -> None:
    """Take the secret of a client, and ask what it allows."""
    if client.state != INIT:
        raise ProtocolError("E_INVALID", "cannot AUTH in current state")
    if len(params) != 1:
        raise ProtocolError("E_INVALID", "AUTH invalid number of parameters")
    options = client.broker.options
    most = options.max_body_size
    secret = await client.input.body("E_BAD_BODY", "AUTH", most)
    if client.authorizations is not None and client.authorizations.entries:
        raise ProtocolError("E_INVALID", "AUTH already set")
    if not options.auth_http_address:
        raise ProtocolError("E_AUTH_DISABLED", "AUTH disabled")
    client.secret = secret.decode("utf-8", "replace")
    await _ask(client)
    found = client.authorizations
    if found is None or not found.entries:
        raise ProtocolError("E_UNAUTHORIZED", "AUTH no authorizations found")
    answer = {
        "identity": found.identity,
        "identity_url": found.identity_url,
        "permission_count": len(found.entries),
    }
    client.send(told(answer))


async def _ask(client: Connection) -> None:
    query = {
        "common_name": "",
        "remote_ip": client.host,
        "secret": client.secret,
        "tls": "true" if client.tls else "false",
    }
    servers = client.broker.options.auth_http_address
    client.authorizations = await ask(servers, query)
    if client.authorizations is None:
        raise ProtocolError("E_AUTH_FAILED", "AUTH failed")


async def permit(
    client: Connection, command: str, topic: str, channel: str = ""
) -> None:
    """Let a command pass; asks again when the last answer is too old.

    Raises:
        ProtocolError: the client may not.
    """
    if not client.broker.options.auth_http_address:
        return
    if client.authorizations is None or not client.authorizations.entries:
        raise ProtocolError("E_AUTH_FIRST", f"AUTH required before {command}")
    if client.authorizations.expired:
        await _ask(client)
    if not client.authorizations.allow(topic, channel):
        text = f'AUTH failed for {command} on "{topic}" "{channel}"'
        raise ProtocolError("E_UNAUTHORIZED", text)
