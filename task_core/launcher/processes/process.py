"""One child process, as its parent sees it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from math import inf
from pathlib import Path

import msgspec

import task_core
from task_core.launcher.at_work import place_of
from task_core.launcher.context import Job, limit_of
from task_core.launcher.processes.ends import (
    GARBLED,
    OURS,
    SILENT,
    TIMEOUT,
    describe_end,
)
from task_core.launcher.processes.frames import (
    Begin,
    Cancel,
    Close,
    Frames,
    FromChild,
    Recall,
    Struct,
    Work,
    frame,
)
from task_core.launcher.processes.lines import Lines
from task_core.wire import encode_task

MOST_BYTES = 1 << 18
"""Bytes that are read at a time."""
STALL = 0.05
"""Seconds at work on one task after which others get what is in store behind it."""
HEED = 0.5
"""The part of the grace for a run that heeds its deadline; the rest is to clean up."""
NUDGE = 0.25
"""Seconds after which a run that is late is interrupted again."""
_PROGRAM = (
    "import sys; sys.path.append({!r});"
    " from task_core.launcher.processes.child import main; main()"
)


class Process:
    """A child process and what it has to do. All of it is the slots' thread's.

    Args:
        recipe: What it is told at its start.
        timeout: Seconds that a run may take, or None.
        now: The moment, on the clock of deadlines.

    Raises:
        OSError: The system starts no more.
    """

    def __init__(self, recipe: bytes, timeout: float | None, now: float) -> None:
        self.jobs: dict[int, Job] = {}
        """What it has, by number and in order: the first one is at work."""
        self.ready = False
        self.leaving = False
        """Whether it begins nothing more."""
        self.recalled = False
        """Whether it was asked to give back what it has not begun."""
        self.silent = False
        """Whether it says nothing any more; mostly it is ending."""
        self.gone = False
        """Whether it has ended, as far as anybody has told."""
        self.ended_by = ""
        """Why it ends, when that is known."""
        self.limit: float | None = None
        """Seconds that the first job may take."""
        self.since = now
        """When the first job began, or what else is waited for."""
        self.lines = Lines()
        self._timeout = timeout
        self._nudged = -inf
        self._silent_since: float | None = None
        self._count = 0
        self._frames = Frames(FromChild)
        self._out = bytearray(frame([Begin(recipe)]))
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._socket, self.channel = ours, ours.fileno()
        folder = str(Path(task_core.__file__).parent.parent)
        words = ["-P", "-c", _PROGRAM.format(folder)]
        with contextlib.ExitStack() as undo, theirs:
            undo.callback(ours.close)
            self._popen = subprocess.Popen(
                [sys.executable, *words, str(theirs.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=2,  # nothing that it prints is data
                pass_fds=[theirs.fileno()],
                process_group=0,  # what a terminal sends goes to the parent alone
            )
            undo.pop_all()
        self.pid = self._popen.pid
        self.pidfd = _pidfd(self.pid)

    @property
    def wants_to_send(self) -> bool:
        """Whether something waits until the child reads."""
        return bool(self._out)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._popen.poll() is not None

    def has_room(self, most: int, now: float) -> bool:
        """Whether it can be given work.

        Args:
            most: How much it may have.
            now: The moment: nothing is to wait behind a task that takes long.
        """
        begins = self.ready and not (self.leaving or self.recalled or self.silent)
        if not begins or len(self.jobs) >= most:
            return False
        return not self.jobs or now - self.since < STALL

    def give(self, jobs: Iterable[Job], now: float, stamp: str) -> None:
        """Hand over jobs; `stamp` is the same moment, as tasks write it."""
        idle, works = not self.jobs, []
        for job in jobs:
            self._count += 1
            self.jobs[self._count] = job
            body, attempt = encode_task(job.task), job.delivery.attempt
            works.append(Work(self._count, body, attempt, place_of(job)))
        self.say(*works)
        if idle:
            self.begin(now, stamp)

    def begin(self, now: float, stamp: str) -> None:
        """Note that the first job begins, if there is one: a dead child cannot tell."""
        self.since, self._nudged = now, -inf
        first = next(iter(self.jobs.values()), None)
        if first is not None:
            first.task.started = stamp
        with contextlib.suppress(ValueError):  # nonsense in its meta: it ends at once
            self.limit = limit_of(first.task, self._timeout) if first else None

    def take(self, numbers: Sequence[int]) -> list[Job]:
        """Take back jobs that it has not begun."""
        return [self.jobs.pop(number) for number in numbers if number in self.jobs]

    def recall(self) -> None:
        """Ask for what it has not begun."""
        self.recalled = True
        self.say(Recall())

    def cancel(self, grace: float) -> None:
        """Tell it that the launcher stops."""
        self.say(Cancel(grace))

    def close(self, now: float) -> None:
        """Let it end."""
        self.leaving, self.since = True, now
        self.say(Close())

    def tend(self, now: float, grace: float, *, closing: bool) -> float:
        """End what is late; return the seconds until something may be.

        Args:
            now: The moment.
            grace: Seconds after a timeout, and for an orderly end.
            closing: Whether there is no time left for what is busy.
        """
        spent = now - self.since
        if closing and not self.leaving:
            if self.ready and not (self.jobs or self.silent):
                self.close(now)
            else:
                self.kill()
            return grace
        if self.leaving:
            return _await(spent, grace, self.kill)
        if self.silent:
            return self._tend_silence(now, grace)
        if not self.jobs:
            return inf
        waits = self._tend_run(now, grace)
        if len(self.jobs) > 1 and not self.recalled:
            waits = min(waits, _await(spent, STALL, self.recall))
        return waits

    def _tend_silence(self, now: float, grace: float) -> float:
        """Let it end by itself, so that it is told how it did; then kill it."""
        if self._silent_since is None:
            self._silent_since = now
        return _await(now - self._silent_since, grace, lambda: self.kill(SILENT))

    def _tend_run(self, now: float, grace: float) -> float:
        """Let it heed its deadline, then interrupt it, then kill it."""
        if self.limit is None:
            return inf
        late = now - self.since - self.limit
        if late < grace * HEED:
            return grace * HEED - late
        if late >= grace:
            self.kill(TIMEOUT)
            return inf
        if now - self._nudged >= NUDGE:
            self._nudged = now
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        return min(NUDGE, grace - late)

    def say(self, *messages: Struct) -> None:
        """Send messages, as far as the child reads them; `flush` sends the rest."""
        self._out += frame(messages)
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        with contextlib.suppress(OSError):  # it is ending: that is seen elsewhere
            while self._out:
                del self._out[: self._socket.send(self._out)]

    def hear(self) -> list[Struct]:
        """Return what it has said; note when it says nothing more."""
        found: list[Struct] = []
        data = b"."
        try:
            while data and (self.gone or not found):
                data = self._socket.recv(MOST_BYTES)
                found += self._frames.feed(data)
                self.silent |= not data
        except BlockingIOError:
            pass
        except OSError:
            self.silent = True
        except msgspec.MsgspecError:
            self.silent = True
            self.kill(GARBLED)
        return found

    def kill(self, why: str = "") -> None:
        """End it, and what it has started, at once."""
        self.ended_by = self.ended_by or why
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def bury(self) -> str:
        """Free what belongs to it, and say how it ended."""
        self.lines.end()
        if not (self.leaving and self.ended):
            self.kill()
        code = self._popen.wait()
        self._socket.close()
        if self.pidfd is not None:
            os.close(self.pidfd)
        return self.ended_by if self.ended_by in OURS else describe_end(code)


def _await(spent: float, most: float, act: Callable[[], None]) -> float:
    """Act when the time is over; return the seconds until then."""
    if spent < most:
        return most - spent
    act()
    return inf


def _pidfd(pid: int) -> int | None:
    """Return a descriptor that is ready when a process has ended, where there is one.

    The channel alone does not tell: a process that the child has forked may have it.
    """
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
