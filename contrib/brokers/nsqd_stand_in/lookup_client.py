"""The connection of an nsqd at nsqlookupd: protocol V1."""

import asyncio
import json
import struct
from typing import Any, cast

from brokers.nsqd_stand_in.log import Log
from brokers.nsqd_stand_in.lookup_db import CLIENT, Peer, Registrations
from brokers.nsqd_stand_in.names import is_ephemeral, is_name
from brokers.nsqd_stand_in.wire import IncompleteError, ProtocolError, Reader, text_of

_SIZE = struct.Struct(">i")
_NEEDED = {
    "broadcast_address": str,
    "tcp_port": int,
    "http_port": int,
    "version": str,
}


class LookupClient(asyncio.Protocol):
    """One connection.

    Args:
        known: that it tells.
        about: this nsqlookupd, as answered to IDENTIFY.
        log: for what happens.
        clients: all of them; it adds and removes itself.
    """

    def __init__(
        self,
        known: Registrations,
        about: dict[str, Any],
        log: Log,
        clients: "set[LookupClient]",
    ) -> None:
        self._known, self._about, self._log = known, about, log
        self._clients = clients
        self._peer: Peer | None = None
        self._data = b""
        self._magic = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        host, port = self._transport.get_extra_info("peername")[:2]
        self._remote = f"{host}:{port}"
        self._clients.add(self)
        self._log.tell(f"TCP: new client({self._remote})")

    def connection_lost(self, exc: Exception | None) -> None:
        """End: it has nothing any more."""
        self._clients.discard(self)
        if self._peer is not None:
            self._known.forget_peer(self._peer)
        self._log.tell(f"PROTOCOL(V1): [{self._remote}] exiting ioloop")

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Do the commands that have come, whole ones only."""
        self._data += data
        try:
            if self._magic or self._begin():
                self._commands()
        except IncompleteError:
            pass
        except ProtocolError as error:
            self._log.complain(f"[{self._remote}] - {error}")
            self._send(str(error).encode("utf-8", "surrogateescape"))
            self.close()

    def _begin(self) -> bool:
        if len(self._data) < 4:
            return False
        self._magic = self._data.startswith(b"  V1")
        if not self._magic:
            self._send(b"E_BAD_PROTOCOL")
            self.close()
        self._data = self._data[4:]
        return self._magic

    def _commands(self) -> None:
        while (end := self._data.find(b"\n")) >= 0 and not self._transport.is_closing():
            reader = Reader(self._data, end + 1)
            self._send(self._command(self._data[:end].strip().split(b" "), reader))
            self._data = self._data[reader.position :]

    def _command(self, params: list[bytes], reader: Reader) -> bytes:
        match params[0]:
            case b"PING":
                return self._ping()
            case b"IDENTIFY":
                return self._identify(reader)
            case b"REGISTER" | b"UNREGISTER":
                return self._register(params)
        raise ProtocolError("E_INVALID", f"invalid command {text_of(params[0])}")

    def _send(self, data: bytes) -> None:
        self._transport.write(_SIZE.pack(len(data)) + data)

    def _ping(self) -> bytes:
        if self._peer is not None:
            self._peer.seen = asyncio.get_running_loop().time()
        return b"OK"

    def _identify(self, reader: Reader) -> bytes:
        if self._peer is not None:
            raise ProtocolError("E_INVALID", "cannot IDENTIFY again")
        bad = "E_BAD_BODY"
        size = reader.size(ProtocolError(bad, "IDENTIFY failed to read body size"))
        body = reader.body(size, ProtocolError(bad, "IDENTIFY failed to read body"))
        try:
            fields = {key.lower(): it for key, it in json.loads(body).items()}
        except (ValueError, AttributeError):
            raise ProtocolError(bad, "IDENTIFY failed to decode JSON body") from None
        if not all(fields.get(name) for name in _NEEDED):
            raise ProtocolError(bad, "IDENTIFY missing fields")
        if any(type(fields[name]) is not kind for name, kind in _NEEDED.items()):
            raise ProtocolError(bad, "IDENTIFY failed to decode JSON body")
        self._peer = Peer(self._remote, fields)
        self._known.add(CLIENT, self._peer)
        text = json.dumps(self._about, separators=(",", ":"), sort_keys=True)
        return text.encode()

    def _register(self, params: list[bytes]) -> bytes:
        if self._peer is None:
            raise ProtocolError("E_INVALID", "client must IDENTIFY")
        topic, channel = _names(params)
        if params[0] == b"UNREGISTER":
            self._unregister(self._peer, topic, channel)
            return b"OK"
        if channel:
            self._known.add(("channel", topic, channel), self._peer)
        self._known.add(("topic", topic, ""), self._peer)
        return b"OK"

    def _unregister(self, peer: Peer, topic: str, channel: str) -> None:
        key = ("channel", topic, channel) if channel else ("topic", topic, "")
        if not channel:
            for each in self._known.find("channel", topic, "*"):
                self._known.drop(each, peer)
        if self._known.drop(key, peer) and is_ephemeral(channel or topic):
            self._known.forget(key)


def _names(params: list[bytes]) -> tuple[str, str]:
    """Return topic and channel ("" when not given).

    Raises:
        ProtocolError: one of them is no name, or there is none.
    """
    command = params[0].decode()
    if len(params) < 2:
        text = f"{command} insufficient number of params"
        raise ProtocolError("E_INVALID", text)
    topic, channel = params[1], b"".join(params[2:3])
    if not is_name(topic):
        text = f"{command} topic name '{text_of(topic)}' is not valid"
        raise ProtocolError("E_BAD_TOPIC", text)
    if channel and not is_name(channel):
        text = f"{command} channel name '{text_of(channel)}' is not valid"
        raise ProtocolError("E_BAD_CHANNEL", text)
    return topic.decode(), channel.decode()
