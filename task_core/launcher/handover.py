"""Where the bus thread and the slots meet, and the slots of plain functions.

Deques append and pop atomically, so jobs need no lock. What costs is waking a thread:
a slot wakes the bus thread once, and in a rush of tiny tasks only when enough of them
are finished to be worth it.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextvars import Context
from queue import Empty, SimpleQueue
from typing import Protocol

from task_core.api.worker import describe, failed
from task_core.errors import UsageError
from task_core.launcher.at_work import AT_WORK, AtWork, about, name_of
from task_core.launcher.context import Job, LeftBehind
from task_core.launcher.run import Run

MOST_THREADS = 10_000
"""Slots that plain functions can have: no machine gets through more, however idle."""

log = logging.getLogger("task")


class Handover:
    """Jobs on their way to the slots and back.

    Args:
        waiting: What the slots take from.
        finished: What they put back.
        sleeping: Whether the bus thread waits, and wants to be woken.
        wake_at: How many finished jobs are worth waking it for.
    """

    def __init__(self) -> None:
        self.waiting: deque[Job] = deque()
        self.finished: deque[Job] = deque()
        self.sleeping = False
        self.wake_at = 1
        self.left_behind = 0
        """How many runs did not end in time, and cost no slot any more."""
        self._called = False
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._wake: Callable[[], None] = self._ring

    def collect(self) -> list[Job]:
        """Take all finished jobs (who has the bus)."""
        finished = self.finished
        return [finished.popleft() for _ in range(len(finished))]

    def recall(self) -> list[Job]:
        """Take back the jobs that no slot has begun (bus thread)."""
        taken: list[Job] = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self.waiting.popleft())
        return taken

    def fall_asleep(self, wake_at: int, wake: Callable[[], None] | None = None) -> bool:
        """Announce that the bus thread is about to wait.

        Args:
            wake_at: How many finished jobs are worth waking it for.
            wake: What wakes it; the bell of `sleep` when not given.

        Returns:
            False when there is enough to do already: do not wait.
        """
        self._wake = wake or self._ring
        self.wake_at = wake_at
        self.sleeping = True  # first this, then look: others do it the other way
        called, self._called = self._called, False
        return not called and len(self.finished) < wake_at

    def stay_awake(self) -> None:
        """Announce that the bus thread is awake."""
        self.sleeping = False

    def sleep(self, seconds: float, wake_at: int) -> None:
        """Wait until enough jobs are finished, or `wake`, or the time is over."""
        if self.fall_asleep(wake_at):
            with contextlib.suppress(Empty):
                self._bell.get(timeout=seconds)
        self.stay_awake()

    def wake(self) -> None:
        """End the wait of the bus thread (slots)."""
        self.sleeping = False
        self._wake()

    def call(self) -> None:
        """End the wait of the bus thread, or its next one (any thread)."""
        self._called = True
        self.wake()

    def leave(self, job: Job, how: str) -> None:
        """Take a job, with its outcome, from a run that does not end (any thread)."""
        self.left_behind += 1
        what = f"task {name_of(job)}: {job.outcome.msg}, and {how}"
        left = f"it is left behind ({self.left_behind} so far)"
        text = "slot: %s: %s, and another one takes its slot"
        log.warning(text, what, left, extra=about(job))
        job.told = True
        self.finished.append(job)
        if self.sleeping:
            self.wake()

    def _ring(self) -> None:
        self._bell.put(None)


class Slots(Protocol):
    """What the launcher asks of slots, whatever they are made of."""

    def start(self) -> None:
        """Get ready to run."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (who has the bus)."""

    def held(self) -> Collection[Job | None]:
        """Return the jobs that the slots have now, perhaps some that are finished."""

    def mend(self) -> int:
        """Replace what has ended, wake what waits; return how many were replaced."""

    def close(self) -> None:
        """End what is idle; does not wait for what is busy."""


class ThreadSlots:
    """Threads that take jobs and put them back finished.

    The threads are daemons: one that never returns must not keep the process alive.

    Args:
        count: How many tasks run at a time.
        run: What to call for each job; it never raises by itself.
        handover: Where jobs come from and go to.
        worker: Name of what they run, for the log.
    """

    def __init__(
        self, count: int, run: Run, handover: Handover, worker: str = ""
    ) -> None:
        self._count = count
        self._run = run
        self._worker = worker
        self._handover = handover
        self._tokens: SimpleQueue[bool] = SimpleQueue()  # True: work; False: stop
        self._held = [AtWork(worker) for _ in range(count)]
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.between: Callable[[], bool] | None = None  # None: a slot rests

    def start(self) -> None:
        """Start the threads.

        Raises:
            UsageError: The machine has not so many.
        """
        if self._count > MOST_THREADS:
            raise UsageError(
                f"-c {self._count}: a plain function can have {MOST_THREADS:,} slots,"
                " each is a thread; write the worker as async def to have more"
            )
        try:
            for number in range(self._count):
                self._threads.append(self._start(number))
        except RuntimeError as error:
            text = f"the system starts no more than {len(self._threads)} slots: {error}"
            raise UsageError(text) from None

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (who has the bus)."""
        waiting = self._handover.waiting
        waiting.extend(jobs)
        # A token that nobody has taken yet will do as well, so they never pile up.
        for _ in range(min(len(waiting), self._count) - self._tokens.qsize()):
            self._tokens.put(True)

    def lend(self, between: Callable[[], bool]) -> None:
        """Let slots call this when nothing waits; when it is true, they look again."""
        self.between = between
        self._tokens.put(True)  # for one that rests already

    def held(self) -> Collection[Job | None]:
        """Return the jobs that the threads have now, perhaps some that are finished."""
        return [slot.job for slot in self._held]

    def mend(self) -> int:
        """Replace threads that have ended, and wake those that wait beside a job."""
        ended = [n for n, thread in enumerate(self._threads) if not thread.is_alive()]
        replaced = 0
        with contextlib.suppress(RuntimeError):  # the system has no more: later
            for number in ended if not self._closing else ():
                self._threads[number] = self._start(number)
                replaced += 1
        self.submit(())
        return replaced

    def leave(self, thread: int, job: Job) -> None:
        """Give the slot of a thread that does not end to another one (any thread).

        Args:
            thread: Which one, as `threading.get_ident` has it.
            job: What it was at, with its outcome.
        """
        idents = [one.ident for one in self._threads]
        if thread in idents and not self._closing:
            number = idents.index(thread)
            try:  # what the old thread logs still tells its task
                self._threads[number] = self._start(number)
            except RuntimeError:  # the system has no more: `mend` finds one not alive
                self._threads[number] = self._make(number)
        self._handover.leave(job, "its thread does not end")

    def close(self) -> None:
        """Let the threads end; does not wait for those that are busy."""
        self._closing = True
        for _ in self._threads:
            self._tokens.put(False)

    def _make(self, number: int) -> threading.Thread:
        self._held[number] = AtWork(self._worker)
        return threading.Thread(
            target=self._serve, args=(number,), name=f"slot-{number}", daemon=True
        )

    def _start(self, number: int) -> threading.Thread:
        thread = self._make(number)
        thread.start()
        return thread

    def _serve(self, number: int) -> None:
        """Work until told to stop, whatever user code throws at this thread.

        An exception that another thread raises in this one may land anywhere; what it
        still leads to is found by `in_flight.Search`.
        """
        slot = self._held[number]
        while not self._closing:  # looked at again after each exception
            try:
                while self._rest(slot):
                    while True:
                        # What a task sets in context variables is gone with it.
                        context = Context()
                        context.run(AT_WORK.set, slot)
                        if not context.run(self._work, context, slot):
                            break
            except LeftBehind:
                return
            except BaseException as error:  # noqa: BLE001  see above
                log.warning("slot: %s, between two tasks", describe(error))
            else:
                return

    def _rest(self, slot: AtWork) -> bool:
        """Wait for work; return False when there will be none."""
        slot.job = None
        return self._tokens.get()

    def _work(self, context: Context, slot: AtWork) -> bool:
        """Run what waits; say whether to go on in a fresh context."""
        handover, run = self._handover, self._run
        finished = handover.finished
        take, give = handover.waiting.popleft, finished.append
        job: Job | None = None
        try:
            while True:
                try:
                    slot.job = job = take()
                except IndexError:
                    slot.job, between = None, self.between
                    if between is None or not between():
                        break
                    continue
                run(job)
                give(job)
                job = None
                if handover.sleeping and len(finished) >= handover.wake_at:
                    handover.wake()
                if len(context) > 1:
                    return True
        except BaseException as error:
            if job is None or isinstance(error, LeftBehind):
                raise
            name = name_of(job)
            log.warning("slot: %s, after task %s or in a hook", describe(error), name)
            job.outcome = failed(error)
            job.task.ended = job.task.ended or job.task.started
            give(job)
        if handover.sleeping and finished:
            handover.wake()
        return bool(handover.waiting)
