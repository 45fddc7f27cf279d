"""A connection that reads one channel: what it holds, and how much it asks for."""

import logging
import socket
import struct
from collections.abc import Iterable
from time import monotonic

from task_bus_nsq.client import FRAME_TYPE_ERROR, FRAME_TYPE_MESSAGE
from task_bus_nsq.connection import HEARTBEAT, NsqdConnection
from task_bus_nsq.names import Address
from task_bus_nsq.settings import Settings
from task_core.api import Delivery

_log = logging.getLogger("task.bus.nsq")
_FRAME = struct.Struct(">ii")
_MESSAGE = struct.Struct(">qH16s")
_BODY = _FRAME.size + _MESSAGE.size
_LATE = (b"E_FIN_FAILED", b"E_REQ_FAILED", b"E_TOUCH_FAILED")


class Receipt:
    """Token of a delivery.

    Args:
        reader: The connection that it came from; no other can settle it.
        id: NSQ's own.
        arrived: When the nsqd handed it out, at the earliest.
        deadline: When its lease is over.
    """

    __slots__ = ("arrived", "deadline", "id", "reader")

    def __init__(
        self, reader: "Reader", id: bytes, arrived: float, deadline: float
    ) -> None:
        self.reader = reader
        self.id = id
        self.arrived = arrived
        self.deadline = deadline


class Reader(NsqdConnection):
    """Subscribes when it connects; then nothing comes until `ask`.

    `held` are the receipts of all that was read and is not settled. What an nsqd may
    hand out is said by RDY: no countdown, but how much it may have in flight.

    Args:
        address, settings: As for every connection.
        topic, channel: What to read.
    """

    def __init__(
        self, address: Address, settings: Settings, topic: str, channel: str
    ) -> None:
        self.held: dict[bytes, Receipt] = {}
        self._rests = False
        self._subscription = topic.encode(), channel.encode()
        super().__init__(address, settings, settings.heartbeat)
        self.is_done = False
        self.is_busy = True  # until it was asked, and nothing came
        self.made_at = self.asked_at = monotonic()
        self.since = self.made_at  # what is read next left the nsqd after this
        self._lease = min(settings.lease, self.max_lease)
        self._expiry = float("inf")
        self._max_attempts = settings.max_attempts

    @property
    def room(self) -> int:
        """How many more messages the nsqd will have in flight here."""
        return self.max_rdy_count - len(self.held)

    def _begin(self) -> None:
        self.sub(*self._subscription)
        self.answer()

    def take(self, arrived: float) -> list[Delivery]:
        """Read once, and return the messages in it.

        Args:
            arrived: When they left the nsqd, at the earliest.

        Raises:
            OSError: The connection is lost.
            RefusalError: The nsqd is about to close it.
        """
        self.read()
        found: list[Delivery] = []
        data, at = self._buffer, 0
        end, limit = len(data), self._max_attempts
        deadline = arrived + self._lease
        self._expiry = min(self._expiry, deadline)
        while end - at >= 8:
            size, kind = _FRAME.unpack_from(data, at)
            after = at + 4 + size
            if after > end:
                break
            if kind == FRAME_TYPE_MESSAGE:
                _, attempt, name = _MESSAGE.unpack_from(data, at + 8)
                if limit and attempt > limit:
                    self._discard(name, attempt)
                else:
                    token = Receipt(self, name, arrived, deadline)
                    self.held[name] = token
                    body = data[at + _BODY : after]
                    found.append(Delivery(body, token, attempt, position=name))
            else:
                self._hear(kind, data[at + 8 : after])
            at = after
        self._buffer = data[at:]
        return found

    def _discard(self, id: bytes, attempt: int) -> None:
        _log.warning(
            "dropped message %s of nsqd %s: handed out %d times, and max_attempts is"
            " set",
            id.decode("ascii", "replace"),
            self.address,
            attempt,
        )
        self.fin(id)

    def _hear(self, kind: int, data: bytes) -> None:
        """Act on what is no message."""
        if data == HEARTBEAT:
            return  # the flush timer gives signs of life
        if kind == FRAME_TYPE_ERROR:
            if not data.startswith(_LATE):
                raise self.refusal(data)
            # FIN, REQ and TOUCH have no other answer: it came too late
            _log.debug("nsqd %s: %s", self.address, data.decode("utf-8", "replace"))
            words = data.split(b" ", 3)
            if len(words) > 2:
                self.held.pop(words[2], None)
        elif data == b"CLOSE_WAIT":
            self.is_done = True

    def ask(self, share: int) -> None:
        """Let the nsqd hand out so many messages beyond those that are held."""
        count = len(self.held) + min(share, self.room) if share else 0
        with self._using:
            self._rests = False
            if count != self.last_ready_sent:
                self.rdy(count)

    def rest(self) -> bool:
        """Ask for nothing; the next `flush` says so, unless `ask` comes before it.

        Nothing is RDY 0, not what is held: else a message whose lease ends would make
        room for itself here, and come back to somebody who hangs.

        Returns:
            Whether messages may come until then.
        """
        self._rests = True
        return bool(self.last_ready_sent > len(self.held))

    def flush(self) -> None:
        """Send all commands that were gathered, and first that nothing is asked for.

        Raises:
            OSError: The connection is lost.
        """
        with self._using:
            if self._rests:
                self._rests = False
                if self.last_ready_sent:
                    self.last_ready_sent = 0
                    self.pending().appendleft(b"RDY 0\n")
            self._send_pending()

    def let_go(self, receipts: Iterable[Receipt], command: bytes, tail: bytes) -> None:
        """Finish or requeue.

        Args:
            receipts: Of this reader.
            command: `FIN` or `REQ`.
            tail: What follows each id.
        """
        held = self.held
        lines = [
            b"%b %b%b\n" % (command, receipt.id, tail)
            for receipt in receipts
            if held.pop(receipt.id, None) is not None
        ]
        self.pending().extend(lines)

    def renew(self, receipts: Iterable[Receipt]) -> None:
        """Restart leases, as far as the nsqd allows it."""
        now = monotonic()
        for receipt in receipts:
            self.touch(receipt.id)
            latest = receipt.arrived + self.max_lease
            receipt.deadline = min(now + self._lease, latest)

    def forget_expired(self, now: float) -> None:
        """Forget what the nsqd has taken back, so that it does not count as held."""
        if now < self._expiry:
            return
        late = [it for it in self.held.values() if it.deadline <= now]
        for receipt in late:
            del self.held[receipt.id]
        self._expiry = min(
            (receipt.deadline for receipt in self.held.values()), default=float("inf")
        )

    def leave(self, seconds: float) -> None:
        """Give back what is held, and close once the nsqd has heard all of it.

        Args:
            seconds: How long each of its two answers may take.

        Raises:
            OSError: It has not answered; the leases bring back what is held.
            RefusalError: It refuses.
        """
        self._set_patience(seconds)
        self.cls()
        self.flush()
        while not self.is_done:
            self.take(monotonic())
        self.let_go(list(self.held.values()), b"REQ", b" 0")
        self.flush()
        self._socket.shutdown(socket.SHUT_WR)
        while self._socket.recv(65_536):
            pass

    def drop(self) -> None:
        """Close without a word: what is held is lost."""
        super().drop()
        self.held.clear()
