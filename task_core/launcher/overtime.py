"""Runs in threads that are late: they are interrupted, and left behind in the end."""

import contextlib
import ctypes
import threading
from collections.abc import Callable
from contextvars import Context, copy_context

import attrs

from task_core.clock import Clock
from task_core.launcher.context import Job, LeftBehind, SharedContext
from task_core.launcher.timeouts import (
    LONGEST,
    Run,
    TimedOut,
    give_up_on,
    grace_of,
    take_over,
    time_out,
)

HEED = 0.9
"""The part of the grace for a run that heeds its deadline, and may end programs."""
IDLE = 5.0
"""Seconds without a run to watch after which the thread that does so ends."""


@attrs.define(eq=False)
class Entry:
    """One run that may take so long.

    Args:
        job: What the launcher waits for.
        seconds: How long it may take.
        deadline: When that is over.
        thread: In which it runs.
        context: What context variables are in it.
        interrupted: Whether an exception was raised in it.
        left: Whether it was left behind.
    """

    job: Job
    seconds: float
    deadline: float
    thread: int = attrs.field(factory=threading.get_ident)
    context: Context = attrs.field(factory=copy_context)
    interrupted: bool = False
    left: bool = False


class Overtime:
    """Sees to it that runs in threads end soon after their deadline, or cost no slot.

    Most of the grace is for a run that heeds its deadline; then it is interrupted. A
    thread in C code hears neither: then its slot gets another one.

    Args:
        shared: The grace.
        clock: Measures, and stamps what is left behind.
        leave: Gives the slot of a thread to another one; takes the thread and the job,
            which has its outcome.
        after: Called for that job before, with the context variables of its run.
    """

    def __init__(
        self,
        shared: SharedContext,
        clock: Clock,
        leave: Callable[[int, Job], None],
        after: Callable[[Job], None],
    ) -> None:
        self._shared = shared
        self._clock = clock
        self._leave = leave
        self._after = after
        self._entries: set[Entry] = set()
        # What takes it must be C: an exception of ours that lands in Python just after
        # the lock is taken would leave it locked for ever.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._watches = False
        self._next = 0.0

    def __call__(self, job: Job, seconds: float, run: Run) -> None:
        """Do a job, in the thread of its slot."""
        # What a thread that is left behind does later must not be seen by anybody.
        own = Job(job.delivery, job.task)
        entry = Entry(job, seconds, self._shared.monotonic() + seconds)
        try:
            self._enter(entry)
            run(own)
        except TimedOut:  # it hit our own code
            entry.interrupted = True
        while True:
            try:
                self._exit(entry)
                break
            except TimedOut:
                continue
        if entry.left:
            raise LeftBehind
        take_over(job, own)
        if self._shared.monotonic() >= entry.deadline:
            time_out(job, self._shared, seconds)

    def _enter(self, entry: Entry) -> None:
        with self._lock:
            self._entries.add(entry)
            if not self._watches:
                self._start()
            elif entry.deadline < self._next:
                self._changed.notify()

    def _start(self) -> None:
        """Let a thread watch; when the system has none, the next run tries again."""
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=self._watch, name="slots", daemon=True).start()
            self._watches = True

    def _exit(self, entry: Entry) -> None:
        """Note that a run has ended; may be interrupted and called again."""
        with self._lock:
            self._entries.discard(entry)
            if entry.interrupted:
                _raise_in(entry.thread, None)  # what has not arrived is not wanted

    def _watch(self) -> None:
        """Look at each run when it may be late."""
        with self._lock:
            while True:
                now = self._shared.monotonic()
                late = [self._look(entry, now) for entry in [*self._entries]]
                wait = min([*late, LONGEST]) if late else IDLE
                self._next = now + wait
                woken = self._changed.wait(max(wait, 0.0))
                if not (woken or self._entries or late):
                    self._watches = False
                    return

    def _look(self, entry: Entry, now: float) -> float:
        """Do what is due with a run; return the seconds until something else is."""
        late = now - entry.deadline
        grace = grace_of(self._shared)
        if not entry.interrupted and late >= grace * HEED:
            entry.interrupted = True
            _raise_in(entry.thread, TimedOut)
        if late < grace:
            return (grace if entry.interrupted else grace * HEED) - late
        entry.left = True
        self._entries.discard(entry)
        job = entry.job
        give_up_on(job, self._shared, self._clock, entry.seconds, entry.seconds + late)
        entry.context.run(self._after, job)
        self._leave(entry.thread, job)
        return IDLE


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in a thread when it runs Python again; None: take it back."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), error and ctypes.py_object(error)
    )
