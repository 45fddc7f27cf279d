"""A connection of a client: bytes in, frames out, and signs of life."""

import asyncio
import ssl
import time

from brokers.nsqd_stand_in.auth import Authorizations
from brokers.nsqd_stand_in.broker import Broker
from brokers.nsqd_stand_in.channel import Channel, Message
from brokers.nsqd_stand_in.wire import (
    ERROR,
    HEARTBEAT,
    OK,
    Input,
    ProtocolError,
    frame,
)

INIT, SUBSCRIBED, CLOSING = 0, 3, 4
"""States, by the numbers that `/stats` shows."""


class Connection:
    """One client.

    Args:
        broker: that it uses.
        reader: of the bytes that it sends.
        writer: of what it is sent.
    """

    def __init__(
        self,
        broker: Broker,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.broker, self._writer = broker, writer
        self.input = Input(reader, broker.settle)
        self.host, port = writer.get_extra_info("peername")[:2]
        self.remote = f"{self.host}:{port}"
        self.client_id = self.hostname = str(self.host)
        self.state = INIT
        self.tls = False
        self.channel: Channel | None = None
        self.authorizations: Authorizations | None = None
        self.secret = ""
        self.msg_timeout: float = broker.options.msg_timeout
        self.heartbeat = 30.0
        """Seconds between two; 0 for none."""
        self.buffer_size, self.buffer_seconds = 16_384, 0.25
        """Bytes of messages that are held back while more may come, and how long."""
        self.ready_count = self.in_flight = 0
        self.message_count = self.finish_count = self.requeue_count = 0
        self.connected = time.time()
        self.heard = self._beaten = broker.now()
        self._out: list[bytes] = []
        self._out_size = 0
        self._urgent = False
        self._since = 0.0
        broker.clients.add(self)

    @property
    def room(self) -> int:
        """How many more messages may be in flight here."""
        return self.ready_count - self.in_flight

    def deliver(self, message: Message) -> None:
        """Send a message; it may wait for more."""
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

    def fail(self, error: ProtocolError) -> None:
        """Answer with an error, which may end the connection."""
        self.send(frame(ERROR, error.data))

    def flush_or_wait(self, now: float) -> None:
        """Send now, or later if more messages may come into the buffer."""
        full = self._out_size >= self.buffer_size or self.room <= 0
        if self._urgent or full:
            self.flush()
        elif self._out and not self._since:
            self._since = now

    def flush(self) -> None:
        """Send now what is to be sent."""
        if self._out and not self._writer.is_closing():
            self._writer.write(b"".join(self._out))
        self._out.clear()
        self._out_size, self._urgent, self._since = 0, False, 0.0

    def beat(self, now: float) -> None:
        """Do what is due: send the buffer, a heartbeat, or end if nobody answers."""
        if self._since and 0 < self.buffer_seconds <= now - self._since:
            self.flush()
        if not self.heartbeat or now - self._beaten < self.heartbeat:
            return
        self._beaten = now
        if now - self.heard >= 2 * self.heartbeat:
            self._writer.transport.abort()
        else:
            self.send(HEARTBEAT)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on in TLS.

        Raises:
            OSError: the client does not want to.
        """
        self.flush()
        await self._writer.start_tls(context)
        self.tls = True
        self.send(OK)

    def close(self) -> None:
        """Close the connection, after what is to be sent."""
        self.flush()
        self._writer.close()

    def leave(self) -> None:
        """Be gone: what is in flight stays so until it is late."""
        self.broker.settle()
        self.close()
        self.broker.clients.discard(self)
        self.broker.outgoing.discard(self)
        if self.channel is not None:
            self.broker.leave(self, self.channel)
