"""The yardstick: decode, stamp, call, encode in one loop, write in batches, no more.

The clock is read once for each task: when one ends, the next one begins. With an
argument, tasks are handed to a thread in windows of so many.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from queue import SimpleQueue
from typing import Any

import msgspec


class Task(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The same keys as the framework's."""

    type: str
    job: str = ""
    info: str
    created: str = ""
    id: str = ""
    meta: str = ""
    result: str = ""
    msg: str = ""
    started: str = ""
    ended: str = ""


decode = msgspec.json.Decoder(Task).decode
encode = msgspec.json.Encoder().encode


def work(info: str) -> None:
    """Do nothing."""


class Second:
    """The second that it is, as text, and when it is over."""

    text = ""
    end = 0.0

    def begin(self, now: float) -> None:
        """Begin the next one."""
        self.text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        self.end = now // 1 + 1


def do_all(tasks: list[Task], second: Second) -> None:
    """Do decoded tasks."""
    clock = time.time
    if (now := clock()) >= second.end:
        second.begin(now)
    for task in tasks:
        task.started = second.text
        work(task.info)
        task.result = "complete"
        if (now := clock()) >= second.end:
            second.begin(now)
        task.ended = second.text


BATCH = 256
"""Lines that are written at a time: one write for each would be half of the cost."""


def inline(write: Callable[[bytes], Any]) -> None:
    """Do all in this thread."""
    second = Second()
    for lines in windows(BATCH):
        tasks = [*map(decode, lines)]
        do_all(tasks, second)
        write(b"\n".join([*map(encode, tasks), b""]))


def handed_over(write: Callable[[bytes], Any], window: int) -> None:
    """Read and write here, work in another thread."""
    todo: SimpleQueue[list[Task] | None] = SimpleQueue()
    done: SimpleQueue[list[Task]] = SimpleQueue()
    threading.Thread(target=serve, args=(todo, done), daemon=True).start()
    for lines in windows(window):
        todo.put([*map(decode, lines)])
        write(b"\n".join([*map(encode, done.get()), b""]))
    todo.put(None)


def windows(size: int) -> Iterator[list[bytes]]:
    """Return the lines of stdin in lists of so many."""
    while lines := list(islice(sys.stdin.buffer, size)):
        yield lines


def serve(
    todo: "SimpleQueue[list[Task] | None]", done: "SimpleQueue[list[Task]]"
) -> None:
    """Work until told to stop."""
    second = Second()
    while (tasks := todo.get()) is not None:
        do_all(tasks, second)
        done.put(tasks)


if sys.argv[1:]:
    handed_over(sys.stdout.buffer.write, int(sys.argv[1]))
else:
    inline(sys.stdout.buffer.write)
