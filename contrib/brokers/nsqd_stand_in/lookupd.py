"""`python -m brokers.nsqd_stand_in.lookupd`: what `nsqlookupd` would be called with."""

import asyncio
import json
import sys
from argparse import Namespace
from typing import Any

from brokers.nsqd_stand_in.server import port_of, until_signal
from brokers.nsqd_stand_in.settings import HOST, VERSION, address, parse
from brokers.nsqd_stand_in.web import HttpError, Request, serve
from brokers.nsqd_stand_in.wire import SIZE, is_ephemeral

_FIELDS = "hostname", "broadcast_address", "tcp_port", "http_port", "version"
Peer = dict[str, Any]
"""How an nsqd that has told about itself is reached."""


class Lookupd:
    """Knows who has which topics and channels.

    Args:
        options: as the flags gave them.
    """

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._peers: list[Peer] = []
        self._topics: dict[str, list[Peer]] = {}
        self._channels: dict[tuple[str, str], list[Peer]] = {}
        self._about: dict[str, object] = {}

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        http = await serve(
            {
                ("GET", "/ping"): self._ping,
                ("GET", "/lookup"): self._lookup,
                ("GET", "/topics"): self._list_topics,
                ("GET", "/channels"): self._list_channels,
                ("GET", "/nodes"): self._nodes,
                ("POST", "/topic/delete"): self._delete_topic,
                ("POST", "/channel/delete"): self._delete_channel,
            },
            *address(self._options.http_address),
        )
        where = address(self._options.tcp_address)
        tcp = await asyncio.start_server(self._connection, *where)
        self._about = {
            "broadcast_address": self._options.broadcast_address,
            "hostname": HOST,
            "http_port": port_of(http),
            "tcp_port": port_of(tcp),
            "version": VERSION,
        }
        await until_signal()

    async def _ping(self, request: Request) -> str:
        return "OK"

    async def _lookup(self, request: Request) -> dict[str, Any]:
        topic = request.need("topic")
        if topic not in self._topics:
            raise HttpError(404, "TOPIC_NOT_FOUND")
        found = await self._list_channels(request)
        return found | {"producers": self._topics[topic]}

    async def _list_topics(self, request: Request) -> dict[str, Any]:
        return {"topics": list(self._topics)}

    async def _list_channels(self, request: Request) -> dict[str, Any]:
        wanted = request.need("topic")
        return {"channels": [it for topic, it in self._channels if topic == wanted]}

    async def _nodes(self, request: Request) -> dict[str, Any]:
        return {"producers": [self._node(it) for it in self._peers]}

    def _node(self, peer: Peer) -> dict[str, Any]:
        topics = [name for name, peers in self._topics.items() if peer in peers]
        return peer | {"tombstones": [False] * len(topics), "topics": topics}

    async def _delete_topic(self, request: Request) -> None:
        topic = request.need("topic")
        self._topics.pop(topic, None)
        for key in [it for it in self._channels if it[0] == topic]:
            del self._channels[key]

    async def _delete_channel(self, request: Request) -> None:
        if self._channels.pop(request.topic_and_channel(), None) is None:
            raise HttpError(404, "CHANNEL_NOT_FOUND")

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Serve one nsqd: protocol V1."""
        host, port = writer.get_extra_info("peername")[:2]
        peer: Peer = {"remote_address": f"{host}:{port}"}
        try:
            await self._commands(reader, writer, peer)
        except (OSError, EOFError):
            pass  # it is gone
        finally:
            for peers in (
                self._peers,
                *self._topics.values(),
                *self._channels.values(),
            ):
                if peer in peers:
                    peers.remove(peer)
            writer.close()

    async def _commands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        await reader.readexactly(4)  # the protocol: there is but one
        while True:
            words = (await reader.readuntil(b"\n")).decode().split()
            match words:
                case ["PING"]:
                    _send(writer, b"OK")
                case ["IDENTIFY"]:
                    await self._identify(reader, peer)
                    text = json.dumps(self._about, separators=(",", ":"))
                    _send(writer, text.encode())
                case ["REGISTER" | "UNREGISTER" as command, topic, *channel]:
                    self._register(command, topic, "".join(channel), peer)
                    _send(writer, b"OK")
                case _:
                    _send(writer, f"E_INVALID invalid command {words[0]}".encode())
                    return

    async def _identify(self, reader: asyncio.StreamReader, peer: Peer) -> None:
        (size,) = SIZE.unpack(await reader.readexactly(4))
        fields = json.loads(await reader.readexactly(size))
        peer |= {name: fields[name] for name in _FIELDS}
        self._peers.append(peer)

    def _register(self, command: str, topic: str, channel: str, peer: Peer) -> None:
        if command == "REGISTER":
            _add(self._topics.setdefault(topic, []), peer)
            if channel:
                _add(self._channels.setdefault((topic, channel), []), peer)
        elif channel:
            _drop(self._channels, (topic, channel), peer, is_ephemeral(channel))
        else:
            for key in [it for it in self._channels if it[0] == topic]:
                _drop(self._channels, key, peer, ephemeral=False)
            _drop(self._topics, topic, peer, is_ephemeral(topic))


def _add(peers: list[Peer], peer: Peer) -> None:
    if peer not in peers:
        peers.append(peer)


def _drop(
    known: dict[Any, list[Peer]], key: object, peer: Peer, ephemeral: bool
) -> None:
    """Note that a peer has it no longer; what is ephemeral goes with its last one."""
    peers = known.get(key, [])
    if peer in peers:
        peers.remove(peer)
    if not peers and ephemeral:
        known.pop(key, None)


def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(SIZE.pack(len(data)) + data)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    options = parse("nsqlookupd", 4160, 4161)
    try:
        asyncio.run(Lookupd(options).run())
    except OSError as error:
        print(f"failed to instantiate nsqlookupd - {error}", file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
