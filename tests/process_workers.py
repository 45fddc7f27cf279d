"""Workers that child processes import; most are told what to do by their info."""

import asyncio
import contextlib
import contextvars
import os
import signal
import socket
import sys
import threading
import time

import attrs

from task_core.api import (
    Outcome,
    Task,
    Worker,
    WorkerContext,
    complete,
    interrupted,
    option,
    retry,
    worker,
)
from task_core.launcher.processes.channel import Channel
from task_core.launcher.processes.child import Child
from task_core.launcher.processes.frames import Recall, Retire, frame

KEPT = []
SPEECH = contextvars.ContextVar("speech", default="nothing")


def note(text):
    """Append a line to the file that the test looks at."""
    with open(os.environ["POOL_LOG"], "ab", buffering=0) as file:
        file.write(f"{text}\n".encode())


def noted(text):
    """Whether that line is there."""
    with open(os.environ["POOL_LOG"]) as file:
        return text in file.read().splitlines()


@worker
def upper(info: str) -> str:
    return info.upper()


RENAMED = worker(name="other")(note)


@worker
def pid(info: str) -> str:
    return str(os.getpid())


@attrs.frozen
class Params:
    path: str
    count: int = 1


@worker
def retires_late(info: str) -> str:
    """Have this process say that it retires when it has heard more from its parent."""
    heard, send, hear = threading.Event(), Channel.send, Child.hear

    def send_late(channel, *messages):
        if any(isinstance(one, Retire) for one in messages):
            heard.wait()
        send(channel, *messages)

    def note_and_hear(child, message):
        heard.set()
        hear(child, message)

    Channel.send, Child.hear = send_late, note_and_hear
    return str(os.getpid())


@worker
def typed(params: Params) -> str:
    return f"{params.path} {params.count + 1}"


@attrs.frozen(kw_only=True)
class Options:
    greeting: str = option("Hello", help="How to greet.")


@worker(options=Options)
def greets(info: str, ctx: WorkerContext) -> str:
    ctx.meta["attempt"] = str(ctx.attempt)
    ctx.send(Task.new("child", info), "children")
    return f"{ctx.options.greeting} {info}"


@worker
def speaks(info: str, ctx: WorkerContext) -> None:
    print("printed", info)
    ctx.log.warning("logged %s", info)
    print("a", "b", sep="-", file=sys.stderr)
    ctx.log.debug("nobody wants this")
    sys.stdout.write("no end")


@worker
def dies(info: str) -> str:
    note(info)
    if info.startswith("kill"):
        os.kill(os.getpid(), signal.SIGSEGV)
    if info.startswith("exit"):
        os._exit(3)
    if info.startswith("close"):
        os.closerange(3, 256)
    return info


@worker
def goes_silent(info: str) -> None:
    """Say nothing more; end when the launcher has noted that, or never."""
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=number) as channel:
            channel.shutdown(socket.SHUT_WR)
            channel.detach()
    while info == "never" or not noted("silent"):
        time.sleep(0.01)
    os._exit(7)


@worker
def remembers(info: str) -> str:
    before = SPEECH.get()
    SPEECH.set(info)
    return before


@worker
async def async_upper(info: str, ctx: WorkerContext) -> str:
    await asyncio.sleep(0)
    return info.upper()


def spin():
    while True:
        pass


@worker
def hangs(info: str) -> None:
    try:
        if info == "sleep":
            time.sleep(600)
        spin()
    finally:
        note("cleaned up")


@worker
def ignores(info: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note("ignores")
    time.sleep(600)


@worker
def swallows(info: str) -> None:
    while True:
        with contextlib.suppress(BaseException):
            time.sleep(600)


@worker
def heeds(info: str, ctx: WorkerContext) -> Outcome:
    note(f"begun {ctx.deadline is not None}")
    return interrupted() if ctx.wait(600) else complete()


@worker
async def async_hangs(info: str) -> None:
    try:
        await asyncio.sleep(600)
    finally:
        note("cancelled")


@worker
def grows(info: str) -> str:
    KEPT.append(bytearray(int(info)))
    return str(os.getpid())


@worker
def reads_stdin(info: str) -> str:
    return repr(sys.stdin.read() + os.read(0, 10).decode())


@worker
def nonsense(info: str, ctx: WorkerContext) -> str:
    ctx.task.info = 7
    return "no text"


@worker
class Counts(Worker):
    def __init__(self) -> None:
        self.count = 0

    def do_task(self, ctx) -> str:
        self.count += 1
        return f"{self.count}"

    def close(self) -> None:
        note(f"closed after {self.count}")


@worker
def waits(info: str) -> str:
    """Be tiny, or wait until all the others are done."""
    note(info)
    while info == "long":
        with open(os.environ["POOL_LOG"], "rb") as file:
            if len(file.readlines()) == WAITS_FOR:
                break
        time.sleep(0.01)
    return info


WAITS_FOR = 300
"""Tasks that run before the long one ends."""


class Soup(str):
    """Text of a class of its own, as markupsafe and bs4 make it."""

    __slots__ = ()


@worker
def answers_oddly(info: str, ctx: WorkerContext) -> Outcome:
    """Say what only some ways to the launcher can carry; or wait for the others."""
    while info == "neighbour" and not noted("odd"):
        time.sleep(0.01)
    note("odd")
    if info == "date":
        ctx.task.created = "yesterday"
    if info == "meta":
        ctx.meta["timeout"] = "soon"
        ctx.send(Task.new("child", info), Soup("children"))
    if info == "bool":
        return retry("once more", delay=True)
    if info == "half":
        return complete("\ud800")
    return complete(Soup(info))


@worker
def garbles(info: str) -> None:
    """Say what is no message."""
    words = frame([Recall()])  # the parent says this, and no child
    for number in range(3, 256):
        with contextlib.suppress(OSError), socket.socket(fileno=number) as channel:
            channel.sendall(words)
            channel.detach()
    time.sleep(600)


@worker
def outlives(info: str) -> str:
    """Die, or wait until no successor could be started."""
    if info == "dies":
        os._exit(3)
    while not noted("no fork"):
        time.sleep(0.01)
    return info


@worker
def prints_and_waits(info: str) -> str:
    """Print something; when the slots have broken down of it, be done."""
    if not noted("broken"):
        print("some words")
        time.sleep(600)
    return info
