"""Reads one channel: pulls what it is asked for, and waits for what comes."""

import json
from collections.abc import Iterable, Sequence
from time import monotonic

from task_bus_nats.errors import MissingError
from task_bus_nats.headers import HEADERS
from task_bus_nats.link import Link
from task_bus_nats.returns import Returns, attempt_of, position_of
from task_bus_nats.topics import SECOND, Channel, Topics, lag_of
from task_bus_nats.wire import Frame, header_of, status_of
from task_core.api import Bus, BusConnectionError, BusError, Consumer, Delivery, Event

LONGEST = 10.0
"""Seconds of one wait in the server: then it is asked for a sign of life."""
LOOK = 60.0
"""Seconds after which an idle reader sees that its channel is still there."""
MOST = 1000
"""Messages of one pull."""
OVER = b'{"batch":1,"expires":1}'
"""A pull whose time is over at once."""
NOTHING, LATE, GONE = 404, 408, {409, 503}
"""Statuses that end a pull: there is nothing, time is over, the channel is gone."""


class NatsConsumer(Consumer):
    """Reads one channel over the connection of its bus.

    Args:
        bus: The bus that made it.
        channel: What it reads.
        link: The connection.
        topics: Makes the channel.
        returns: Knows what was given back.
        pulls: What to ask for messages.
    """

    def __init__(
        self,
        bus: Bus,
        channel: Channel,
        link: Link,
        topics: Topics,
        returns: Returns,
        pulls: str,
    ) -> None:
        super().__init__(bus, channel.topic, channel.name)
        self._of = channel
        self._link = link
        self._topics = topics
        self._returns = returns
        self._pulls = pulls.encode()
        # how settling a first receipt begins; its place in the stream follows
        self._firsts = b"$JS.ACK.%b.1." % self._pulls.partition(b".MSG.NEXT.")[2]
        self._number = -1  # of the connection that knows our subscription
        self._sid, self._inbox = b"", b""
        self._asked: tuple[float, bytes] = (-1.0, b"")  # the last wait, as written
        self._look_at = 0.0
        self._lag = lag_of(channel.lease)
        self._busy = True  # there may be more: do not wait

    def begin(self) -> None:
        """Make the channel, or see that it is there."""
        self._topics.open(self._of)
        self._look_at = monotonic() + LOOK

    def _receive(self, limit: int, timeout: float) -> Sequence[Delivery]:
        link = self._link
        link.connect()
        if self._number != link.number:
            self.begin()
            link.connect()
            self._number, self._sid = link.number, b""
        try:
            if timeout <= 0 or (self._busy and limit > 1):
                if found := self._fetch(limit):
                    return found
                if timeout <= 0:
                    return ()
            found = self._wait(min(timeout, LONGEST))
        except MissingError:
            self.begin()
            return ()
        except BaseException as error:
            if not isinstance(error, BusError):  # what comes would be for nobody
                link.drop()
            raise
        self._busy = bool(found)
        if not found and monotonic() > self._look_at:
            self.begin()
        return found

    def _fetch(self, limit: int) -> list[Delivery]:
        """Take what is there."""
        limit, asked = min(limit, MOST), monotonic()
        self._link.write(b"".join(self._pull(b'{"batch":%d,"no_wait":true}' % limit)))
        frames = self._link.take(limit, self._sid, ends=True)
        if not frames[-1].reply:
            end = frames.pop()
            if not frames and status_of(end.head) in GONE:
                raise MissingError("the channel is gone")
        if frames and monotonic() - asked > self._lag:  # since then, for the server
            self._say([it.reply for it in frames], b"+WPI")
        return self._deliveries(frames)

    def _wait(self, seconds: float) -> list[Delivery]:
        """Wait for one message; `wake` ends it."""
        link, deadline = self._link, monotonic() + seconds
        asked, words = self._asked
        if self._sid and asked == seconds:
            link.write(words)
        else:
            expires = round((seconds + 1) * SECOND)
            begin, words = self._pull(b'{"batch":1,"expires":%d}' % expires)
            link.write(begin + words)
            self._asked = seconds, words
        while True:
            event = link.wait(self._waker, deadline - monotonic())
            while link.frames:
                frame = link.frames.popleft()
                if frame.sid != self._sid:
                    continue
                if frame.reply:
                    return self._deliveries([frame])
                if (status := status_of(frame.head)) in GONE:
                    raise MissingError("the channel is gone")
                if status in {NOTHING, LATE}:
                    return []
            if event is not Event.READY:
                return self._cancel()

    def _pull(self, request: bytes) -> tuple[bytes, bytes]:
        """Return what to write: a subscription if we have none, and the pull."""
        begin = b""
        if not self._sid:
            self._sid, self._inbox = self._link.new_inbox()
            self._asked = -1.0, b""
            begin = b"SUB %b %b\r\n" % (self._inbox, self._sid)
        words = (self._pulls, self._inbox, len(request), request)
        return begin, b"PUB %b %b %d\r\n%b\r\n" % words

    def _cancel(self) -> list[Delivery]:
        """End a pull. What was on its way came before the answer.

        Servers like 2.9 keep one that nobody waits for any more, and what is given back
        then is lost on it until its lease is over. Another pull makes them look.
        """
        sid, self._sid = self._sid, b""
        words = (sid, self._pulls, self._inbox, len(OVER), OVER)
        self._link.write(b"UNSUB %b\r\nPUB %b %b %d\r\n%b\r\n" % words)
        self._link.flush()
        came = [it for it in self._link.frames if it.sid == sid and it.reply]
        self._link.frames.clear()
        return self._deliveries(came)

    def _deliveries(self, frames: Iterable[Frame]) -> list[Delivery]:
        found, again = [], False
        firsts, at = self._firsts, len(self._firsts)
        for _, _, reply, head, body in frames:
            if reply.startswith(firsts):  # most are: no need to take all of it apart
                attempt, position = 1, reply[at : reply.index(b".", at)]
            else:
                attempt, position = attempt_of(reply), position_of(reply)
                again = again or attempt > 1
            headers = _headers(head) if head else None
            found.append(Delivery(body, reply, attempt, headers, position=position))
        if again:
            self._returns.look(found)
        return found

    def _ack(self, deliveries: Sequence[Delivery]) -> None:
        self._link.connect()
        self._link.write(
            b"".join([b"PUB %b 4\r\n+ACK\r\n" % one.token for one in deliveries])
        )

    def _nack(self, deliveries: Sequence[Delivery], delay: float) -> None:
        words = b"-NAK"
        if delay:
            words += b' {"delay": %d}' % round(delay * SECOND)
        self._link.connect()
        self._returns.note(deliveries)
        self._tell(deliveries, words)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        self._tell(deliveries, b"+WPI")

    def _tell(self, deliveries: Iterable[Delivery], words: bytes) -> None:
        """Say something of each, and see that it was heard."""
        self._link.connect()
        self._say([one.token for one in deliveries], words)
        self._link.flush()

    def _say(self, tokens: Iterable[bytes], words: bytes) -> None:
        said = b"%d\r\n%b\r\n" % (len(words), words)
        self._link.write(b"".join([b"PUB %b %b" % (it, said) for it in tokens]))

    def _close(self) -> None:
        """Leave; what is held was given back before."""
        if self._sid and self._number == self._link.number and self._link.connected:
            try:
                self._link.write(b"UNSUB %b\r\n" % self._sid)
            except BusConnectionError:
                pass  # then there is nothing to leave


def _headers(head: bytes) -> dict[str, str] | None:
    text = header_of(head, HEADERS.encode())
    return json.loads(text) if text else None
