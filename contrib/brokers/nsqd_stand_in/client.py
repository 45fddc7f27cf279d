"""A connection that speaks protocol V2: bytes in, commands done, frames out."""

import asyncio
import random
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from brokers.nsqd_stand_in import commands, states
from brokers.nsqd_stand_in.auth import Authorizations
from brokers.nsqd_stand_in.layers import Layer
from brokers.nsqd_stand_in.message import Message
from brokers.nsqd_stand_in.wire import (
    ERROR,
    HEARTBEAT,
    IncompleteError,
    ProtocolError,
    Reader,
    frame,
)

if TYPE_CHECKING:
    from brokers.nsqd_stand_in.broker import Broker
    from brokers.nsqd_stand_in.channel import Channel

_LONGEST_LINE = 16 * 1024


class Client(asyncio.Protocol):
    """One connection.

    Args:
        broker: that it uses.
    """

    def __init__(self, broker: "Broker") -> None:
        self.broker = broker
        self.state = states.INIT
        self.identified: dict[str, object] = {}
        self.heartbeat = 30.0
        self.msg_timeout: float = broker.options.msg_timeout
        self.sample_rate = 0
        self.channel: Channel | None = None
        self.secret = ""
        self.authorizations: Authorizations | None = None
        self.ready_count = self.in_flight = 0
        self.message_count = self.finish_count = self.requeue_count = 0
        self.published: dict[str, int] = {}
        self.cipher = ("", "")
        """Of TLS: the suite, and the version like `TLSv1.3`."""
        self.layers: list[Layer] = []
        """Between the socket (first) and the protocol (last): TLS, compression."""
        self.connected = time.time()
        self.buffer_size = 16_384
        self.buffer_seconds: float = broker.options.output_buffer_timeout
        self._out: list[bytes] = []
        self._out_size = 0
        self._urgent = False
        self._flusher: asyncio.TimerHandle | None = None
        self._magic = False
        self._chunks: list[bytes] = []
        self._needed = 0
        self._failure: ProtocolError | None = None
        self._working: asyncio.Task[None] | None = None
        self._heard = broker.now()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        host, port = self.transport.get_extra_info("peername")[:2]
        self.host, self.remote = host, f"{host}:{port}"
        self.identified = {"client_id": host, "hostname": host}
        self.broker.clients.add(self)
        self.broker.log.tell(f"TCP: new client({self.remote})")
        self.beat()

    def connection_lost(self, exc: Exception | None) -> None:
        """End: what is in flight stays so until it is late."""
        self.broker.clients.discard(self)
        self.broker.outgoing.discard(self)
        for timer in (self._timer, self._flusher):
            if timer:
                timer.cancel()
        if self.channel is not None:
            channel, self.channel = self.channel, None
            channel.remove(self)
        self.broker.settle()
        self.broker.log.tell(f"PROTOCOL(V2): [{self.remote}] exiting ioloop")

    def close(self) -> None:
        """Close the connection, after what is to be sent."""
        if not self.transport.is_closing():
            self.flush()
            self.transport.close()

    def beat(self) -> None:
        """Send a heartbeat from time to time, and close if nobody answers."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.heartbeat > 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.heartbeat, self._beat)

    def _beat(self) -> None:
        if self.broker.now() - self._heard >= 2 * self.heartbeat:
            self.broker.log.complain(
                f"[{self.remote}] failed to read command - timeout"
            )
            self.transport.abort()
            return
        if self._magic:
            self.send(HEARTBEAT)
            self.flush()
        self.beat()

    def data_received(self, data: bytes) -> None:
        """Do the commands that have come, whole ones only."""
        for layer in self.layers:
            data = layer.decode(data)
        self._chunks.append(data)
        self.go_on()

    def go_on(self) -> None:
        """Do commands until more bytes or time are needed."""
        if self._working is None and sum(map(len, self._chunks)) >= self._needed:
            reader = Reader(b"".join(self._chunks), 0)
            self._needed = 0
            self._failure = None
            try:
                self._commands(reader)
            except ProtocolError as error:
                self.fail(error)
            self._chunks = [reader.data[reader.position :]]
        if self._out:
            self.broker.outgoing.add(self)
        self.broker.settle()

    def _commands(self, reader: Reader) -> None:
        if not self._magic and not self._begin(reader):
            return
        while self._working is None and not self.transport.is_closing():
            start = reader.position
            end = reader.data.find(b"\n", start)
            if end < 0:
                self._check_line(len(reader.data) - start)
                return
            self._heard = self.broker.now()
            reader.position = end + 1
            try:
                self._command(reader.data[start:end], reader)
            except IncompleteError as error:
                self._needed = error.needed - start
                self._failure = error.failure
                reader.position = start
                return

    def _begin(self, reader: Reader) -> bool:
        """Read the four bytes that say which protocol follows."""
        if len(reader.data) < 4:
            return False
        if not reader.data.startswith(b"  V2"):
            self.send(frame(ERROR, b"E_BAD_PROTOCOL"))
            self.close()
            return False
        reader.position = 4
        self._magic = True
        return True

    def _check_line(self, length: int) -> None:
        if length > _LONGEST_LINE:
            self.close()

    def _command(self, line: bytes, reader: Reader) -> None:
        params = line.removesuffix(b"\r").split(b" ")
        try:
            answer = commands.execute(self, params, reader)
        except ProtocolError as error:
            if error.fatal:
                raise
            self.send(error.frame)
            return
        if isinstance(answer, bytes):
            self.send(answer)
        elif answer is not None:
            self._working = asyncio.ensure_future(self._wait(answer))

    async def _wait(self, answer: Awaitable[bytes | None]) -> None:
        """Finish a command that takes time; the next ones wait for it."""
        try:
            data = await answer
            if data is not None:
                self.send(data)
        except ProtocolError as error:
            self.fail(error)
        self._working = None
        if not self.transport.is_closing():
            self.go_on()

    def eof_received(self) -> None:
        """Answer to a command that was cut off, and close."""
        if self._failure is not None:
            self.fail(self._failure)

    def fail(self, error: ProtocolError) -> None:
        """Answer with an error that ends the connection."""
        self.broker.log.complain(f"[{self.remote}] - {error}")
        self.send(error.frame)
        self.close()

    def deliver(self, message: Message) -> None:
        """Send a message, which is then in flight here."""
        self.in_flight += 1
        self.message_count += 1
        data = message.frame()
        self._out.append(data)
        self._out_size += len(data)
        self.broker.outgoing.add(self)

    def send(self, data: bytes) -> None:
        """Send a frame, with all messages before it."""
        self._out.append(data)
        self._urgent = True
        self.broker.outgoing.add(self)

    def flush_or_wait(self) -> None:
        """Send now, or later if more messages may come into the buffer."""
        full = self._out_size >= self.buffer_size
        if self._urgent or full or self.room <= 0:
            self.flush()
        elif self._out and self._flusher is None and self.buffer_seconds > 0:
            loop = asyncio.get_running_loop()
            self._flusher = loop.call_later(self.buffer_seconds, self.flush)

    def flush(self) -> None:
        """Send now what is to be sent."""
        if self._flusher:
            self._flusher.cancel()
            self._flusher = None
        if self._out and not self.transport.is_closing():
            data = b"".join(self._out)
            self._out.clear()
            self._out_size, self._urgent = 0, False
            self.write(data, len(self.layers))

    def write(self, data: bytes, layers: int) -> None:
        """Write through the first so many layers."""
        for layer in reversed(self.layers[:layers]):
            data = layer.encode(data)
        if data:
            self.transport.write(data)

    def samples_out(self) -> bool:
        """Whether this client, that wants a share only, is to miss a message."""
        return self.sample_rate > 0 and random.randrange(100) > self.sample_rate

    @property
    def room(self) -> int:
        """How many more messages may be in flight here."""
        return self.ready_count - self.in_flight
