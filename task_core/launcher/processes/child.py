"""A child process: makes the worker, does what its parent sends, and dies with it."""

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections import deque
from contextvars import Context
from functools import partial
from queue import SimpleQueue
from types import FrameType

from task_core.api.message import Delivery
from task_core.api.worker import describe, failed
from task_core.errors import FrameworkError
from task_core.launcher.at_work import AT_WORK, AtWork
from task_core.launcher.context import Job
from task_core.launcher.processes.channel import (
    Channel,
    divert,
    divert_logs,
    speak_for_itself,
)
from task_core.launcher.processes.frames import (
    Back,
    Begin,
    Broken,
    Cancel,
    Close,
    Done,
    Frames,
    Ready,
    Recall,
    Retire,
    Struct,
    ToChild,
    Work,
    frame,
)
from task_core.launcher.processes.limits import Limits
from task_core.launcher.processes.making import Doer, make_doer
from task_core.launcher.processes.orphans import die_with
from task_core.launcher.signals import on_fork
from task_core.launcher.timeouts import TimedOut
from task_core.wire import decode_task, encode_task, plain_text

MOST_BYTES = 1 << 16
"""Bytes that are read at a time."""
HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that others send to all processes of a service, or of a terminal."""


class Child:
    """Does tasks in the main thread; another one listens to the parent.

    Args:
        channel: To the parent.
        doer: Does them.
        limits: Tell when it has done enough.
    """

    def __init__(self, channel: Channel, doer: Doer, limits: Limits) -> None:
        self._channel = channel
        self._doer = doer
        self._limits = limits
        self._slot = AtWork(doer.shared.worker)
        self._waiting: deque[Work] = deque()
        self._bell: SimpleQueue[bool] = SimpleQueue()  # True: work; False: the end
        self._due: float | None = None
        self._interrupted = False

    def listen(self, frames: Frames) -> None:
        """Hear what the parent says; without a parent there is nothing to live for."""
        while data := self._channel.socket.recv(MOST_BYTES):
            for message in frames.feed(data):
                self.hear(message)
        os._exit(1)

    def hear(self, message: Struct) -> None:
        """Act on a message while the main thread works."""
        match message:
            case Work():
                self._waiting.append(message)
                self._bell.put(True)
            case Cancel(grace=grace):
                self._doer.cancel(grace)
            case Recall():
                self._recall()
            case Close():
                self._bell.put(False)

    def work(self) -> None:
        """Work until told to close, or until it was enough."""
        context = self._fresh_context()
        while self._bell.get():
            if (work := self._next()) is None:  # it was recalled
                continue
            context.run(self._do, work)
            if len(context) > 1:
                context = self._fresh_context()
            if reason := self._limits.reached(interrupted=self._interrupted):
                self._channel.send(Retire(reason))
                while self._bell.get():
                    """What has come meanwhile goes to a successor."""
                return

    def _fresh_context(self) -> Context:
        """Return one without what a task has set: that is gone with it."""
        context = Context()
        context.run(AT_WORK.set, self._slot)
        return context

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        """Interrupt a run that has not heeded its deadline.

        Anybody may send this signal to all processes of a service: then it is the
        parent who decides what becomes of the tasks.
        """
        late = self._due is not None and time.monotonic() >= self._due
        # In the middle of a message it would cut that: the signal comes again.
        if late and not self._interrupted and not self._channel.sending:
            self._interrupted = True
            raise TimedOut

    def _next(self) -> Work | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _recall(self) -> None:
        back: list[int] = []
        while True:
            try:
                back.append(self._waiting.pop().number)
            except IndexError:
                break
        self._channel.send(Back(back[::-1]))

    def _do(self, work: Work) -> None:
        delivery = Delivery(work.task, attempt=work.attempt, position=work.position)
        job = Job(delivery, decode_task(work.task))
        self._slot.job = job
        begin = time.perf_counter()
        try:
            if self._doer.interruptible:
                self._due = self._doer.deadline_of(job.task)
            self._doer.do(job)
            self._due = None
        except TimedOut as error:  # just outside of the worker
            job.outcome = failed(error)
        job.took = time.perf_counter() - begin
        self._channel.send_frame(done(work, job))


def done(work: Work, job: Job) -> bytes:
    """Return the frame that says how a run went."""
    try:
        return frame([_done(work.number, job)])
    except Exception as error:  # noqa: BLE001  what a worker left may be no text
        job.task, job.context = decode_task(work.task), None
        job.outcome, job.told = failed(error), False
        return frame([_done(work.number, job)])


def _done(number: int, job: Job) -> Done:
    outcome, children = job.outcome, job.context.children if job.context else ()
    return Done(
        number=number,
        task=encode_task(job.task),
        kind=outcome.kind,
        msg=outcome.msg and plain_text(outcome.msg),
        delay=None if outcome.delay is None else float(outcome.delay),
        took=job.took,
        excepted=job.excepted,
        told=job.told,
        children=[(encode_task(child), topic) for child, topic in children],
    )


def main() -> None:
    """Live: called by the parent, with a descriptor and its own id as arguments."""
    descriptor, parent = map(int, sys.argv[1:3])
    die_with(parent)
    channel = Channel(socket.socket(fileno=descriptor))
    frames = Frames(ToChild)
    on_fork(be_nobodys, HEARD)
    for number in HEARD:
        signal.signal(number, _leave_it)
    begin, *rest = _first(channel, frames)
    assert isinstance(begin, Begin)
    try:
        divert(channel)
        doer, limits = make_doer(begin.recipe, partial(divert_logs, channel))
    except BaseException as error:  # noqa: BLE001  importing runs anybody's code
        channel.send(_broken(error))
        os._exit(1)
    child = Child(channel, doer, limits)
    signal.signal(signal.SIGTERM, child.on_sigterm)
    channel.send(Ready())
    for message in rest:
        child.hear(message)
    threading.Thread(target=child.listen, args=(frames,), daemon=True).start()
    child.work()
    _end(doer)


def _first(channel: Channel, frames: Frames) -> list[Struct]:
    while data := channel.socket.recv(MOST_BYTES):
        if found := frames.feed(data):
            return found
    os._exit(1)


def _end(doer: Doer) -> None:
    try:
        doer.close()
    except BaseException as error:  # noqa: BLE001  it is told
        doer.log.warning("the worker's close() raised %s", describe(error))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _broken(error: BaseException) -> Broken:
    if isinstance(error, FrameworkError):
        return Broken(str(error))
    trace = "".join(traceback.format_exception(error))
    return Broken(describe(error), trace)


def be_nobodys() -> None:
    """Let a process that a worker forked speak for itself, and act on signals."""
    speak_for_itself()
    for number in HEARD:
        signal.signal(number, signal.SIG_DFL)


def _leave_it(number: int, frame: FrameType | None) -> None:
    """Do nothing: the parent decides."""
