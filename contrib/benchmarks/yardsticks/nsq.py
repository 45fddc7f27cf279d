"""Bare loops on nsq-py alone: each done task is confirmed before its message finishes.

RDY is set once, so that the next message is on its way while the last one is worked on;
the bus asks for each anew.
"""

import logging
import os
import struct
import tempfile
import time
import uuid
from typing import Any
from urllib.request import ProxyHandler, build_opener

from brokers.nsq import Nsqd
from nsq.connection import Connection
from yardstick import DONE, TASK, Yardstick

logging.getLogger("nsq").setLevel(logging.ERROR)  # it tells of every connection
MESSAGE = 2
_http = build_opener(ProxyHandler({}))


def connected(nsqd: Nsqd) -> Connection:
    """Connect, and have nsqd send as soon as it can."""
    host, port = nsqd.tcp.split(":")
    settings = {"heartbeat_interval": 60_000, "output_buffer_timeout": 25}
    return Connection(host, int(port), timeout=5, **settings)


def confirm(writer: Connection) -> None:
    """Wait for OK."""
    while not any(it.data == b"OK" for it in writer.read()):
        pass


def messages(reader: Connection) -> list[Any]:
    """Return what has come, heartbeats aside."""
    return [it for it in reader.read() if it.frame_type == MESSAGE]


class NsqLoops(Yardstick):
    """Two connections of nsq-py."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=os.getcwd())
        memory = ("--mem-queue-size=1000000",)  # what is measured is no disk
        self._nsqd = Nsqd(folder=self._folder.name, options=memory)
        self._nsqd.start()
        self.title = f"{self._nsqd.implementation}, nsq-py"
        self.url = f"nsq://{self._nsqd.tcp}?http={self._nsqd.http}"
        self._writer = connected(self._nsqd)

    def _post(self, path: str, body: bytes = b"") -> None:
        with _http.open(f"http://{self._nsqd.http}{path}", data=body, timeout=30) as it:
            it.read()

    def _fill(self, topic: str, count: int) -> None:
        self._post(f"/topic/create?topic={topic}")
        self._post(f"/channel/create?topic={topic}&channel=bench")
        part = struct.pack(">i", len(TASK)) + TASK
        for begin in range(0, count, 1000):
            many = min(1000, count - begin)
            body = struct.pack(">i", many) + part * many
            self._post(f"/mpub?topic={topic}&binary=true", body)

    def work(self, window: int, count: int) -> float:
        topic = f"bare-{uuid.uuid4().hex[:8]}"
        self._fill(topic, count)
        reader, left = connected(self._nsqd), count
        begun = time.perf_counter()
        reader.sub(topic.encode(), b"bench")
        reader.rdy(window)
        while left > 0:
            found = messages(reader)
            if not found:
                continue
            self._publish(b"done", DONE, len(found))
            reader.setblocking(0)  # gathers what is sent
            for message in found:
                message.fin()
            while reader.pending():
                reader.flush()
            reader.setblocking(1)
            left -= len(found)
        reader.close()
        took = time.perf_counter() - begun
        self._post(f"/topic/delete?topic={topic}")
        return took

    def _publish(self, topic: bytes, body: bytes, count: int) -> None:
        if count == 1:
            self._writer.pub(topic, body)
        else:
            self._writer.mpub(topic, *[body] * count)
        confirm(self._writer)

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            self._publish(b"sent", TASK, batch)

    def latency(self, count: int) -> list[float]:
        self._post("/topic/create?topic=idle")
        reader, waits = connected(self._nsqd), []
        reader.sub(b"idle", b"bare")
        reader.rdy(1)
        for _ in range(count):
            time.sleep(0.02)  # as long as the bus sleeps: a processor forgets, too
            begun = time.perf_counter()
            self._publish(b"idle", TASK, 1)
            while not (
                found := [it for it in reader.read() if it.frame_type == MESSAGE]
            ):
                pass
            waits.append(time.perf_counter() - begun)
            found[0].fin()
        reader.close()
        return waits

    def clean(self) -> None:
        for topic in ("done", "sent"):
            self._post(f"/topic/empty?topic={topic}")

    def close(self) -> None:
        self._writer.close()
        self._nsqd.close()
        self._folder.cleanup()
