"""IDENTIFY: who a client is, and which features both sides use."""

import json
import ssl
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from brokers.nsqd_stand_in import states
from brokers.nsqd_stand_in.layers import Deflate, Tls
from brokers.nsqd_stand_in.permission import Answer
from brokers.nsqd_stand_in.settings import VERSION
from brokers.nsqd_stand_in.wire import OK, RESPONSE, ProtocolError, Reader, frame

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.client import Client

_KINDS: dict[str, type] = {
    "client_id": str,
    "hostname": str,
    "heartbeat_interval": int,
    "output_buffer_size": int,
    "output_buffer_timeout": int,
    "feature_negotiation": bool,
    "tls_v1": bool,
    "deflate": bool,
    "deflate_level": int,
    "snappy": bool,
    "sample_rate": int,
    "user_agent": str,
    "msg_timeout": int,
}


def identify(client: "Client", params: list[bytes], reader: Reader) -> Answer:
    """Learn who the client is, and agree on features."""
    if client.state != states.INIT:
        raise ProtocolError("E_INVALID", "cannot IDENTIFY in current state")
    asked = SimpleNamespace(**_asked(_body(client, reader)))
    client.identified |= vars(asked)
    try:
        _apply(client, asked)
    except ValueError as error:
        raise _bad(str(error)) from None
    client.beat()
    if not asked.feature_negotiation:
        return OK
    return _negotiate(client, asked)


def _bad(text: str) -> ProtocolError:
    return ProtocolError("E_BAD_BODY", f"IDENTIFY {text}")


def _body(client: "Client", reader: Reader) -> bytes:
    most = client.broker.options.max_body_size
    size = reader.size(_bad("failed to read body size"))
    if size > most:
        raise _bad(f"body too big {size} > {most}")
    if size <= 0:
        raise _bad(f"invalid body size {size}")
    return reader.body(size, _bad("failed to read body"))


def _asked(body: bytes) -> dict[str, Any]:
    """Return every field, those that are missing as zero."""
    try:
        found = json.loads(body)
        fields = {} if found is None else found
        given = {key.lower(): value for key, value in fields.items()}
    except (ValueError, AttributeError):
        raise _bad("failed to decode JSON body") from None
    asked = {name: kind() for name, kind in _KINDS.items()}
    for name, kind in _KINDS.items():
        value = given.get(name)
        if value is not None:
            if type(value) is not kind:
                raise _bad("failed to decode JSON body")
            asked[name] = value
    return asked


def _apply(client: "Client", asked: SimpleNamespace) -> None:
    """Set what is asked for.

    Raises:
        ValueError: it is out of range.
    """
    options = client.broker.options
    beat = asked.heartbeat_interval
    if beat == -1:
        client.heartbeat = 0.0
    elif _in_range(beat, 1.0, options.max_heartbeat_interval, "heartbeat interval"):
        client.heartbeat = beat / 1000
    _buffer(client, asked)
    if not 0 <= asked.sample_rate <= 99:
        raise ValueError(f"sample rate ({asked.sample_rate}) is invalid")
    client.sample_rate = asked.sample_rate
    timeout = asked.msg_timeout
    if _in_range(timeout, 1.0, options.max_msg_timeout, "msg timeout"):
        client.msg_timeout = timeout / 1000


def _in_range(value: int, least: float, most: float, what: str) -> bool:
    """Whether a value (milliseconds) is given; least and most are seconds."""
    if value and not least * 1000 <= value <= most * 1000:
        raise ValueError(f"{what} ({value}) is invalid")
    return value != 0


def _buffer(client: "Client", asked: SimpleNamespace) -> None:
    """Set how many bytes of messages are held back, and for how long."""
    options = client.broker.options
    seconds, size = options.output_buffer_timeout, 16_384
    limits = options.min_output_buffer_timeout, options.max_output_buffer_timeout
    timeout = asked.output_buffer_timeout
    if timeout == -1:
        seconds = 0.0
    elif _in_range(timeout, *limits, "output buffer timeout"):
        seconds = timeout / 1000
    if asked.output_buffer_size == -1:
        size, seconds = 1, 0.0
    elif asked.output_buffer_size:
        size = asked.output_buffer_size
        if not 64 <= size <= options.max_output_buffer_size:
            raise ValueError(f"output buffer size ({size}) is invalid")
    client.buffer_size, client.buffer_seconds = size, seconds


def _negotiate(client: "Client", asked: SimpleNamespace) -> bytes | None:
    options = client.broker.options
    tls = client.broker.tls is not None and asked.tls_v1
    deflate = options.deflate and asked.deflate
    level = asked.deflate_level if deflate and asked.deflate_level > 0 else 6
    level = min(level, options.max_deflate_level)
    if deflate and options.snappy and asked.snappy:
        text = "cannot enable both deflate and snappy compression"
        raise ProtocolError("E_IDENTIFY_FAILED", text)
    answer = {
        "max_rdy_count": options.max_rdy_count,
        "version": VERSION,
        "max_msg_timeout": round(options.max_msg_timeout * 1000),
        "msg_timeout": round(client.msg_timeout * 1000),
        "tls_v1": tls,
        "deflate": deflate,
        "deflate_level": level,
        "max_deflate_level": options.max_deflate_level,
        "snappy": False,
        "sample_rate": client.sample_rate,
        "auth_required": bool(options.auth_http_address),
        "output_buffer_size": client.buffer_size,
        "output_buffer_timeout": round(client.buffer_seconds * 1000),
    }
    client.send(frame(RESPONSE, json.dumps(answer, separators=(",", ":")).encode()))
    client.flush()
    client.identified |= {"deflate": deflate, "snappy": False}
    compression = level if deflate else 0
    if client.broker.tls is not None and tls:
        _start_tls(client, client.broker.tls, compression)
    else:
        _start_deflate(client, compression)
    return None


def _start_tls(client: "Client", context: ssl.SSLContext, compression: int) -> None:
    """Put TLS between, and compression (0: none) behind it when it stands."""

    def outside(data: bytes) -> None:
        client.write(data, 0)

    def shaken() -> None:
        client.identified["tls"] = True
        client.cipher = (layer.tls.cipher() or ("",))[0], layer.tls.version() or ""
        client.send(OK)
        client.flush()
        _start_deflate(client, compression)

    def failed(text: str) -> None:
        client.broker.log.complain(f"[{client.remote}] - TLS: {text}")
        client.transport.close()

    layer = Tls(context, outside, shaken, failed)
    client.layers.append(layer)


def _start_deflate(client: "Client", level: int) -> None:
    if level:
        client.layers.append(Deflate(level))
        client.send(OK)
