"""The yardstick: decode, call, encode in one loop, write in batches, nothing else.

With an argument, tasks are handed to a thread in windows of so many.
"""

import sys
import threading
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


def do(line: bytes) -> bytes:
    """Do one task from line to line."""
    task = decode(line)
    work(task.info)
    task.result = "complete"
    return encode(task)


BATCH = 256
"""Lines that are written at a time: one write for each would be half of the cost."""


def inline(write: Callable[[bytes], Any]) -> None:
    """Do all in this thread."""
    for lines in windows(BATCH):
        write(b"\n".join([*map(do, lines), b""]))


def handed_over(write: Callable[[bytes], Any], window: int) -> None:
    """Read and write here, work in another thread."""
    todo: SimpleQueue[list[Task] | None] = SimpleQueue()
    done: SimpleQueue[list[Task]] = SimpleQueue()
    threading.Thread(target=serve, args=(todo, done), daemon=True).start()
    for lines in windows(window):
        todo.put([decode(line) for line in lines])
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
    while (tasks := todo.get()) is not None:
        for task in tasks:
            work(task.info)
            task.result = "complete"
        done.put(tasks)


if sys.argv[1:]:
    handed_over(sys.stdout.buffer.write, int(sys.argv[1]))
else:
    inline(sys.stdout.buffer.write)
