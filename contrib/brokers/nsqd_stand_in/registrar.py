"""Tells one nsqlookupd which topics and channels there are here."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.settings import HOST, VERSION, address
from brokers.nsqd_stand_in.wire import SIZE

_PING = 15.0
_TIMEOUT = 1.0


class Registrar:
    """A connection to one nsqlookupd, made again when it is lost.

    Args:
        broker: of whose topics it tells.
        server: address of the nsqlookupd.
        ports: at which this nsqd is reached: TCP, HTTP.
    """

    def __init__(self, broker: Broker, server: str, ports: tuple[int, int]) -> None:
        self._broker, self._server, self._ports = broker, server, ports
        self._lines: asyncio.Queue[str] = asyncio.Queue()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._http = ""

    def tell(self, command: str, topic: str, channel: str) -> None:
        """Say, soon, that a topic or channel is there or gone."""
        self._lines.put_nowait(f"{command} {topic} {channel}".rstrip())

    async def channels(self, topic: str) -> Sequence[str]:
        """Return the channels of a topic that are known elsewhere."""
        url = f"http://{self._http}/channels?topic={quote(topic)}"
        try:
            found = await asyncio.to_thread(_get, url) if self._http else {}
        except (OSError, ValueError):
            found = {}
        names: list[str] = found.get("channels", [])
        return names

    async def run(self) -> None:
        """Tell what there is to tell, and give a sign of life, for ever."""
        line = ""
        while True:
            try:
                await asyncio.wait_for(self._say(line), _TIMEOUT)
            except (OSError, ValueError, EOFError):
                if self._streams is not None:
                    self._streams[1].close()
                    self._streams = None
            try:
                line = await asyncio.wait_for(self._lines.get(), _PING)
            except TimeoutError:
                line = "PING"

    async def _say(self, line: str) -> None:
        if self._streams is None:
            await self._connect()
        if line:
            await self._command(line)

    async def _connect(self) -> None:
        self._streams = await asyncio.open_connection(*address(self._server))
        self._streams[1].write(b"  V1")
        about = {
            "version": VERSION,
            "tcp_port": self._ports[0],
            "http_port": self._ports[1],
            "hostname": HOST,
            "broadcast_address": self._broker.options.broadcast_address,
        }
        body = json.dumps(about).encode()
        answer = await self._command("IDENTIFY", SIZE.pack(len(body)) + body)
        found = json.loads(answer)
        self._http = f"{found['broadcast_address']}:{found['http_port']}"
        for topic in list(self._broker.topics.values()):
            for name in list(topic.channels) or [""]:
                await self._command(f"REGISTER {topic.name} {name}".rstrip())

    async def _command(self, line: str, body: bytes = b"") -> bytes:
        assert self._streams is not None
        reader, writer = self._streams
        writer.write(line.encode() + b"\n" + body)
        (size,) = SIZE.unpack(await reader.readexactly(4))
        return await reader.readexactly(size)


def _get(url: str) -> dict[str, Any]:
    with urlopen(url, timeout=_TIMEOUT) as answer:
        found: dict[str, Any] = json.load(answer)
    return found
