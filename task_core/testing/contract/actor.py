"""A process of its own that uses a bus, for the rules about many and about dying.

It reads what to do from stdin as one pickle, and tells in lines what it did.
"""

import contextlib
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import attrs

from task_core.api.bus import Bus, BusContext
from task_core.api.message import Message
from task_core.api.plugin import BusPlugin


@attrs.frozen(kw_only=True, eq=False)
class Part:
    """What an actor is to do.

    Args:
        plugin, options, context: How to open the bus.
        act: `send`, `hold` or `work`.
        topic, channel: Where.
        bodies: What to send.
        count: How many messages to hold.
        path: Where modules are found.
    """

    plugin: BusPlugin
    options: Any
    context: BusContext
    act: str
    topic: str
    channel: str = "kit"
    bodies: tuple[bytes, ...] = ()
    count: int = 1
    path: tuple[str, ...] = attrs.field(factory=lambda: tuple(sys.path))


class Actor:
    """One such process.

    Args:
        part: What it is to do.
        told: Gets the lines that it tells, and an empty one when it is gone.
    """

    def __init__(self, part: Part, told: SimpleQueue[bytes]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        pickle.dump(part.path, self._stdin)
        pickle.dump(part, self._stdin)
        self._stdin.flush()
        self._listener = threading.Thread(target=self._listen, args=[told])
        self._listener.start()

    def _listen(self, told: SimpleQueue[bytes]) -> None:
        for line in self._stdout:
            told.put(line.rstrip(b"\n"))
        told.put(b"")

    def end(self) -> int:
        """Tell it to come to an end, await that, and return its exit status."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        self._listener.join()
        return self._process.wait()

    def kill(self) -> None:
        """Kill it, as the system does when memory is short."""
        self._process.kill()
        self.end()
        self._stdout.close()


@contextlib.contextmanager
def actors(told: SimpleQueue[bytes], *parts: Part) -> Iterator[list[Actor]]:
    """Start actors that tell into one queue; kill those that are left at the end."""
    started: list[Actor] = []
    try:
        for part in parts:  # one that does not start must not hide others
            started.append(Actor(part, told))  # noqa: PERF401
        yield started
    finally:
        for actor in started:
            actor.kill()


def _tell(text: bytes) -> None:
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.buffer.flush()


def _send(bus: Bus, part: Part) -> None:
    producer = bus.producer()
    for body in part.bodies:
        producer.send([Message(part.topic, body)])
    _tell(b"sent")


def _hold(bus: Bus, part: Part) -> None:
    """Receive, and then do nothing more: not even say good-bye."""
    consumer = bus.subscribe(part.topic, part.channel)
    held = 0
    while held < part.count:
        for delivery in consumer.receive(part.count - held, 10):
            held += 1
            _tell(delivery.body)
    sys.stdin.buffer.read()


def _work(bus: Bus, part: Part) -> None:
    """Receive and acknowledge until stdin ends and nothing more comes."""
    consumer = bus.subscribe(part.topic, part.channel)
    ending = threading.Event()
    threading.Thread(target=_await_end, args=[ending], daemon=True).start()
    while True:
        last = ending.is_set()
        found = consumer.receive(10, 0.2)
        for delivery in found:
            _tell(delivery.body)
        consumer.ack(found)
        if last and not found:
            break


def _await_end(ending: threading.Event) -> None:
    sys.stdin.buffer.read()
    ending.set()


def main() -> None:
    """Play the part that comes on stdin."""
    sys.path[:] = pickle.load(sys.stdin.buffer)  # noqa: S301  from our own parent
    part: Part = pickle.load(sys.stdin.buffer)  # noqa: S301
    bus = part.plugin.open(part.options, part.context)
    {"send": _send, "hold": _hold, "work": _work}[part.act](bus, part)
    bus.close()


if __name__ == "__main__":
    main()
