"""Bare loops on the bus's own connection.

They pull, publish done tasks, read that they are confirmed, and acknowledge.
"""

import json
import time
import uuid

from brokers.nats import Nats
from brokers.ports import split
from task_bus_nats.dialer import Dialer
from task_bus_nats.link import Link
from task_bus_nats.options import NatsOptions
from yardstick import DONE, TASK, Yardstick

CONSUMER = {
    "durable_name": "c",
    "ack_policy": "explicit",
    "ack_wait": 30 * 10**9,
    "max_ack_pending": -1,
}


class Connected:
    """A connection."""

    def __init__(self, server: Nats) -> None:
        host, port = split(server.address)
        self.link = Link(Dialer(NatsOptions(host=host, port=port)))
        self.link.connect()

    def make(self, name: str) -> None:
        """Make the quickest stream that keeps for a reader, and forgets what is done.

        It has one reader; the bus's serve any number of channels.
        """
        stream = {"name": name, "subjects": [name], "retention": "workqueue"}
        self.manage(f"STREAM.CREATE.{name}", stream)
        made = {"stream_name": name, "config": CONSUMER}
        self.manage(f"CONSUMER.DURABLE.CREATE.{name}.c", made)

    def manage(self, verb: str, request: object) -> None:
        """Ask the server to make or delete something."""
        answer = self.link.ask(f"$JS.API.{verb}", json.dumps(request).encode())
        assert b'"error"' not in answer.body, answer.body

    def publish(self, subject: bytes, bodies: list[bytes]) -> None:
        """Send, and read that each is confirmed."""
        inbox = self.link.inbox.encode()
        lines = [
            b"PUB %b %b.%d %d\r\n%b\r\n" % (subject, inbox, at, len(body), body)
            for at, body in enumerate(bodies)
        ]
        self.link.write(b"".join(lines))
        answers = self.link.take(len(bodies))
        assert not [answer for answer in answers if b'"error"' in answer.body]


class NatsLoops(Yardstick):
    """A stream for each queue, a durable consumer, pulls."""

    def __init__(self) -> None:
        self._server = Nats()
        self._server.start()
        self.title, self.url = self._server.implementation, self._server.url
        self._one = Connected(self._server)
        for name in ("done", "sent"):
            self._one.make(name)

    def work(self, window: int, count: int) -> float:
        one, link, name = self._one, self._one.link, uuid.uuid4().hex
        one.make(name)
        for begin in range(0, count, 500):
            one.publish(name.encode(), [TASK] * min(500, count - begin))
        sid, inbox = link.new_inbox()
        link.write(b"SUB %b %b\r\n" % (inbox, sid))
        waits = b',"expires":5000000000' if window == 1 else b',"no_wait":true'
        request = b'{"batch":%d%b}' % (window, waits)
        words = (f"$JS.API.CONSUMER.MSG.NEXT.{name}.c".encode(), inbox, len(request))
        pull = b"PUB %b %b %d\r\n%b\r\n" % (*words, request)
        begun = time.perf_counter()
        for _ in range(0, count, window):
            link.write(pull)
            found = link.take(window, sid)
            one.publish(b"done", [DONE] * len(found))
            acks = [b"PUB %b 4\r\n+ACK\r\n" % frame.reply for frame in found]
            link.write(b"".join(acks))
        link.flush()
        took = time.perf_counter() - begun
        link.write(b"UNSUB %b\r\n" % sid)
        one.manage(f"STREAM.DELETE.{name}", {})
        return took

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            self._one.publish(b"sent", [TASK] * batch)

    def latency(self, count: int) -> list[float]:
        self._one.make("idle")
        reader, waits = Connected(self._server).link, []
        sid, inbox = reader.new_inbox()
        reader.write(b"SUB %b %b\r\n" % (inbox, sid))
        request = b'{"batch":1,"expires":5000000000}'
        words = (b"$JS.API.CONSUMER.MSG.NEXT.idle.c", inbox, len(request), request)
        for _ in range(count):
            reader.write(b"PUB %b %b %d\r\n%b\r\n" % words)
            reader.flush()
            time.sleep(0.02)  # as long as the bus sleeps: a processor forgets, too
            begun = time.perf_counter()
            self._one.publish(b"idle", [TASK])
            (found,) = reader.take(1, sid)
            waits.append(time.perf_counter() - begun)
            reader.write(b"PUB %b 4\r\n+ACK\r\n" % found.reply)
        return waits

    def clean(self) -> None:
        for stream in ("done", "sent"):
            self._one.manage(f"STREAM.PURGE.{stream}", {})

    def close(self) -> None:
        self._server.close()
