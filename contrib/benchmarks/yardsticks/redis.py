"""Bare loops on redis-py at the level of its connections, as the bus uses it.

A script checks who holds a message, adds its done task, acknowledges and deletes it.
"""

import time
import uuid
from typing import Any

from brokers.ports import split
from brokers.redis import Redis
from redis import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry
from yardstick import DONE, TASK, Yardstick

SETTLE = b"""
local me, count = ARGV[1], tonumber(ARGV[2])
for i = 3, 2 + count do
  local held = redis.call('XPENDING', KEYS[1], 'g', ARGV[i], ARGV[i], 1, me)
  if #held == 0 then return 0 end
end
for i = 3 + count, #ARGV do redis.call('XADD', KEYS[2], '*', 'b', ARGV[i]) end
redis.call('XACK', KEYS[1], 'g', unpack(ARGV, 3, 2 + count))
redis.call('XDEL', KEYS[1], unpack(ARGV, 3, 2 + count))
return 1
"""
SEND = b"for i = 1, #ARGV do redis.call('XADD', KEYS[1], '*', 'b', ARGV[i]) end"


class Connected:
    """One connection."""

    def __init__(self, server: Redis) -> None:
        host, port = split(server.address)
        retry = Retry(NoBackoff(), 0)
        kind: Any = Connection
        self._connection = kind(host=host, port=port, protocol=2, retry=retry)
        self._connection.connect()

    def call(self, *words: Any) -> Any:
        """Send a command, and return the answer."""
        packed = self._connection.pack_command(*words)
        self._connection.send_packed_command(packed, check_health=False)
        return self._connection.read_response(disable_decoding=True)


class RedisLoops(Yardstick):
    """Streams, groups and two scripts."""

    def __init__(self) -> None:
        self._server = Redis()
        self._server.start()
        self.title, self.url = self._server.implementation, self._server.url
        self._one = Connected(self._server)
        self._call = self._one.call
        self._settle = self._call("SCRIPT", "LOAD", SETTLE)
        self._send = self._call("SCRIPT", "LOAD", SEND)

    def work(self, window: int, count: int) -> float:
        stream = uuid.uuid4().hex
        self._call("XGROUP", "CREATE", stream, "g", "0", "MKSTREAM")
        for begin in range(0, count, 500):
            bodies = [TASK] * min(500, count - begin)
            self._call("EVALSHA", self._send, 1, stream, *bodies)
        read = ("XREADGROUP", "GROUP", "g", "me", "COUNT", window, "BLOCK", 5000)
        begun, left = time.perf_counter(), count
        while left > 0:
            ((_, entries),) = self._call(*read, "STREAMS", stream, ">")
            ids = [entry for entry, _ in entries]
            words = ("me", len(ids), *ids, *[DONE] * len(ids))
            assert self._call("EVALSHA", self._settle, 2, stream, "done", *words) == 1
            left -= len(ids)
        return time.perf_counter() - begun

    def send(self, batch: int, count: int) -> None:
        for _ in range(0, count, batch):
            if batch == 1:
                self._call("XADD", "sent", "*", "b", TASK)
            else:
                self._call("EVALSHA", self._send, 1, "sent", *[TASK] * batch)

    def latency(self, count: int) -> list[float]:
        self._call("XGROUP", "CREATE", "idle", "g", "0", "MKSTREAM")
        reader, waits = Connected(self._server), []
        read = ("XREADGROUP", "GROUP", "g", "me", "BLOCK", 5000)
        for _ in range(count):
            time.sleep(0.02)  # as long as the bus sleeps: a processor forgets, too
            begun = time.perf_counter()
            self._call("XADD", "idle", "*", "b", TASK)
            reader.call(*read, "STREAMS", "idle", ">")
            waits.append(time.perf_counter() - begun)
        return waits

    def clean(self) -> None:
        self._call("DEL", "done", "sent")

    def close(self) -> None:
        self._server.close()
