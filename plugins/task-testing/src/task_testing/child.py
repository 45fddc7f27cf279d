"""A process of its own that uses a bus, for the rules about many and about dying.

It reads what to do from stdin as one pickle, and tells in lines what it did. It
is not in the room of the contract, which imports pytest: a kit starts dozens of these.
"""

import contextlib
import io
import os
import pickle
import pkgutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import attrs

from task_core import make_launcher
from task_core.api import Bus, BusContext, BusPlugin, LeaseLostError, Message

KILLER = "killer"
"""How the info of a task begins that ends its worker's process."""
READY, SENT = b"ready", b"sent"
"""What a child tells of itself, beside what it received."""
DEAD = 9
"""Exit status of such a process."""
NEVER = -9
"""Exit status of one that did not end when it was told to."""
KNOWN = 9
"""Settles after which it is known how many steps one takes."""


@attrs.frozen(kw_only=True, eq=False)
class Job:
    """What a child is to do.

    Args:
        plugin, options, context: How to open the bus.
        act: `send`, `hold`, `work`, `settle` or `launch`.
        topic, channel: Where.
        bodies: What to send.
        count: How many messages to hold, or how many slots to launch.
        done: Topic that gets what was settled.
        cut: At which part of a settle to die.
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
    done: str = ""
    cut: float = 0.0
    path: tuple[str, ...] = attrs.field(factory=lambda: tuple(sys.path))


class Child:
    """One such process.

    Args:
        job: What it is to do.
        told: Gets the lines that it tells, and an empty one when it is gone.

    Raises:
        TypeError: Other processes cannot be given the plugin or its options.
    """

    def __init__(self, job: Job, told: SimpleQueue[bytes]) -> None:
        script = pickle.dumps(job.path) + _pickled(job)
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._stdin.write(script)
        self._stdin.flush()
        self._listener = threading.Thread(target=self._listen, args=[told])
        self._listener.start()

    def _listen(self, told: SimpleQueue[bytes]) -> None:
        for line in self._stdout:
            told.put(line.rstrip(b"\n"))
        told.put(b"")

    def end(self, patience: float) -> int:
        """Tell it to come to an end; return its exit status, or `NEVER`."""
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._listener.join()
        return self._process.wait()

    def kill(self) -> None:
        """Kill it, as the system does when memory is short."""
        self._process.kill()
        self.end(0)
        self._stdout.close()


class _ByName(pickle.Pickler):
    """Names a plugin that is a value of its module: what it holds may be anything."""

    def reducer_override(self, part: object) -> Any:
        """Return how a plugin is imported; the rest is pickled as ever."""
        if not isinstance(part, BusPlugin):
            return NotImplemented
        for holder in (part.options, part.open):
            home = getattr(holder, "__module__", "")
            module = sys.modules.get(home)
            for name, value in vars(module).items() if module else ():
                if value is part:
                    return pkgutil.resolve_name, (f"{home}:{name}",)
        return NotImplemented


def _pickled(job: Job) -> bytes:
    try:
        try:
            return pickle.dumps(job)
        except (pickle.PicklingError, AttributeError, TypeError):
            into = io.BytesIO()
            _ByName(into).dump(job)
            return into.getvalue()
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(
            "other processes cannot be given the plugin or its options: what they hold"
            f" must be importable ({error}); give the plugin a name in a module, as its"
            " entry point needs it anyway; if they share no messages anyway, set"
            " 'shared = False' in the backdoor"
        ) from None


@contextlib.contextmanager
def children(told: SimpleQueue[bytes], *jobs: Job) -> Iterator[list[Child]]:
    """Start children that tell into one queue; kill those that are left at the end."""
    started: list[Child] = []
    try:
        for job in jobs:  # one that does not start must not hide others
            started.append(Child(job, told))  # noqa: PERF401
        yield started
    finally:
        for child in started:
            child.kill()


def _tell(text: bytes) -> None:
    sys.stdout.buffer.write(text + b"\n")
    sys.stdout.buffer.flush()


def _send(bus: Bus, job: Job) -> None:
    producer = bus.producer()
    for body in job.bodies:
        producer.send([Message(job.topic, body)])
    _tell(SENT)


def _hold(bus: Bus, job: Job) -> None:
    """Receive, and then do nothing more: not even say good-bye."""
    consumer = bus.subscribe(job.topic, job.channel)
    held = 0
    while held < job.count:
        for delivery in consumer.receive(job.count - held, 10):
            held += 1
            _tell(delivery.body)
    sys.stdin.buffer.read()


def _work(bus: Bus, job: Job) -> None:
    """Receive and acknowledge until stdin ends and nothing more comes."""
    consumer = bus.subscribe(job.topic, job.channel)
    _tell(READY)
    ending = threading.Event()
    threading.Thread(target=_await_end, args=[ending], daemon=True).start()
    while True:
        last = ending.is_set()
        found = consumer.receive(10, 0.2)
        for delivery in found:
            _tell(delivery.body)
        try:
            consumer.ack(found)
        except LeaseLostError as error:  # brokers deal anew while others join
            consumer.ack([one for one in found if one not in error.deliveries])
        if last and not found:
            break


def _settle(bus: Bus, job: Job) -> None:
    """Settle one message at a time, by sending it on; when told to, die at that.

    A settle that took longer than a lease, since the machine is busy, has done nothing,
    and the message comes again: whoever looks for what is there sees that, too.
    """
    consumer = bus.subscribe(job.topic, job.channel)
    _tell(READY)
    sys.stdin.buffer.read()
    taken: list[int] = []
    while True:
        for delivery in consumer.receive(1, 10):
            steps = _Steps()
            if len(taken) >= KNOWN:
                steps.last = max(1, int(job.cut * min(taken)))
            sys.setprofile(steps)
            try:
                consumer.settle([delivery], [Message(job.done, delivery.body)])
            except LeaseLostError:
                continue
            finally:
                sys.setprofile(None)
            taken.append(steps.count)


class _Steps:
    """Counts what is called, and what returns; ends the process at a step.

    Time would not do: a settle may take next to none, and a kill comes when it likes.
    """

    def __init__(self) -> None:
        self.count = 0
        self.last = -1

    def __call__(self, *event: object) -> None:
        self.count += 1
        if self.count == self.last:
            os._exit(DEAD)


def _launch(bus: Bus, job: Job) -> None:
    """Launch a worker that dies of some tasks, until nothing is left to do."""

    def do(info: str) -> None:
        _tell(info.encode())
        if info.startswith(KILLER):
            os._exit(DEAD)

    make_launcher(
        do,
        bus,
        topic=job.topic,
        channel=job.channel,
        done_topic=job.done,
        concurrency=job.count,
        lease=job.context.lease,
        drain=True,
    ).run()


def _await_end(ending: threading.Event) -> None:
    sys.stdin.buffer.read()
    ending.set()


ACTS = {
    "send": _send,
    "hold": _hold,
    "work": _work,
    "settle": _settle,
    "launch": _launch,
}


def main() -> None:
    """Do the job that comes on stdin."""
    sys.path[:] = pickle.load(sys.stdin.buffer)
    job: Job = pickle.load(sys.stdin.buffer)
    bus = job.plugin.open(job.options, job.context)
    ACTS[job.act](bus, job)
    bus.close()


if __name__ == "__main__":
    main()
