"""Slots that are child processes: one thread feeds them all, and hears them."""

import logging
import threading
from collections.abc import Callable, Collection, Sequence

from task_core.api.waker import Waker
from task_core.api.worker import describe
from task_core.clock import Clock
from task_core.errors import WorkerError
from task_core.launcher.context import UNFINISHED, Job, SharedContext
from task_core.launcher.handover import Handover
from task_core.launcher.processes.blame import blame
from task_core.launcher.processes.children import Children
from task_core.launcher.processes.ends import BROKEN_OFF, TIMEOUT
from task_core.launcher.processes.feeding import Feeder
from task_core.launcher.processes.frames import (
    Back,
    Broken,
    Done,
    Log,
    Print,
    Ready,
    Retire,
    Struct,
)
from task_core.launcher.processes.lines import repeat
from task_core.launcher.processes.outcomes import finish
from task_core.launcher.processes.polls import Polls
from task_core.launcher.processes.process import Process
from task_core.launcher.processes.watched import Watched

LOOK = 0.2
"""Seconds after which who waits for the first process looks whether it still should."""

log = logging.getLogger("task")


class ProcessSlots:
    """Child processes that do jobs, each one at a time.

    Args:
        children: Starts processes, and knows those that are there.
        handover: Where jobs come from and go to.
        shared: The cancel switch, the timeout, and how long a stop has yet to go.
        clock: Measures.
        watched: The hooks around runs, or None.
        lazy: Whether a process is given a job only when it has none.
        stopped: Tells whether somebody wants the end.
    """

    def __init__(
        self,
        children: Children,
        handover: Handover,
        shared: SharedContext,
        clock: Clock,
        watched: Watched | None,
        *,
        lazy: bool,
        stopped: Callable[[], bool],
    ) -> None:
        self._children = children
        self._handover = handover
        self._shared = shared
        self._clock = clock
        self._watched = watched
        self._feeder = Feeder(handover, watched, clock, lazy=lazy)
        self._stopped = stopped
        self._waker = Waker()
        shared.cancel.listen(self._waker.wake)
        self._polls = Polls(self._waker)
        self._began = threading.Event()
        self._error: WorkerError | None = None
        self._asleep = False
        self._cancelled = False
        self._closing = False
        self._thread = self._make_thread()

    def _make_thread(self) -> threading.Thread:
        return threading.Thread(target=self._main, name="slots", daemon=True)

    def start(self) -> None:
        """Start the processes; return when the first one has the worker.

        Raises:
            WorkerError: It cannot make it.
        """
        self._thread.start()
        while not (self._began.wait(LOOK) or self._stopped()):
            pass
        if self._error is not None:
            raise self._error

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (bus thread)."""
        self._handover.waiting.extend(jobs)
        if self._asleep:
            self._asleep = False
            self._waker.wake()

    def held(self) -> Collection[Job | None]:
        """Return the jobs that processes have now, perhaps some that are finished."""
        return [job for one in [*self._children.all] for job in [*one.jobs.values()]]

    def running(self) -> dict[Job, float]:
        """Return what processes are at, and for how many seconds."""
        now = self._clock.monotonic()
        found = [([*one.jobs.values()], one.since) for one in [*self._children.all]]
        return {jobs[0]: now - since for jobs, since in found if jobs}

    def mend(self) -> int:
        """Start anew when the thread has ended; what it had is lost."""
        if self._closing or self._thread.is_alive():
            return 0
        self._thread = self._make_thread()
        self._thread.start()
        return self._children.count

    def close(self) -> None:
        """Let idle processes end; those that are busy have no time left."""
        self._closing = True
        self._waker.wake()

    def wait(self) -> None:
        """Wait until all have ended, after `close`."""
        if self._thread.ident is not None:
            self._thread.join()

    def _main(self) -> None:
        try:
            while not self._closing or self._children.all:
                self._turn()
        except BaseException as error:
            anew = not self._give_up(f"no process can be used: {describe(error)}")
            if anew:
                log.exception("the thread of the slots: it starts anew")
        finally:
            for one in [*self._children.all]:
                one.kill(BROKEN_OFF)
                self._bury(one)
        if self._closing:
            self._polls.close()
            self._waker.close()

    def _turn(self) -> None:
        """Give what waits, hear what is said, and look at the clock."""
        now = self._clock.monotonic()
        if self._shared.cancel.requested and not self._cancelled:
            self._cancel()
        if not (self._closing or self._cancelled):
            self._start_children(now)
        self._asleep = True  # first this, then look: the bus thread does it otherwise
        self._feed(now)
        self._report()
        seconds = self._children.tend(now, closing=self._closing)
        for one in self._polls.wait(seconds, self._children.all):
            self._hear(one)
        self._asleep = False

    def _start_children(self, now: float) -> None:
        """Start what is missing; who cannot start goes on with those that are there."""
        started, trouble = self._children.start(now)
        for one in started:
            self._polls.add(one)
        alone = not self._children.all
        if trouble and not (
            alone and self._give_up(f"the system starts no process: {trouble}")
        ):
            self._pause(trouble)

    def _cancel(self) -> None:
        """Tell all that the launcher stops; what they have not begun goes back."""
        self._cancelled = True
        for one in self._children.all:
            one.cancel(self._shared.grace())
            one.recall()
        if self._watched is not None:  # the bus thread may have some of those back
            self._watched.left(self.held())

    def _feed(self, now: float) -> None:
        if self._cancelled:
            self._leave(self._handover.recall())
        if not self._handover.waiting or self._closing:
            return
        self._feeder.feed(self._children.all, now)

    def _report(self) -> None:
        """Wake the bus thread if there is enough, or nothing else to come."""
        handover = self._handover
        found = len(handover.finished)
        if not (handover.sleeping and found):
            return
        if found >= handover.wake_at or not any(one.jobs for one in self._children.all):
            handover.wake()

    def _hear(self, one: Process) -> None:
        messages = one.hear()
        done = [message for message in messages if isinstance(message, Done)]
        for message in messages:
            self._heed(one, message)
        if done:
            one.begin(self._clock.monotonic(), self._clock.stamp())
            self._feeder.learn(done)
        if one.gone:
            self._bury(one)
        elif one.silent:
            self._polls.mute(one)

    def _heed(self, one: Process, message: Struct) -> None:
        match message:
            case Done():
                if job := one.jobs.pop(message.number, None):
                    one.leaving |= one.ended_by == TIMEOUT  # it ended, just too late
                    finish(job, message, self._shared)
                    self._finish(job)
            case Log():
                repeat(message)
            case Print():
                one.lines.add(message)
            case Back():
                one.recalled = False
                self._return(one.take(message.numbers))
            case Retire():
                log.debug("process %d retires: %s", one.pid, message.reason)
                one.close(self._clock.monotonic())
                self._return(one.take([*one.jobs]))
            case Ready():
                one.ready = True
                self._children.note_start()
                self._began.set()
            case Broken():
                log.debug("process %d: %s", one.pid, message.log)
                one.ended_by = message.text

    def _finish(self, job: Job) -> None:
        if self._watched is not None:
            self._watched.finished(job)
        self._handover.finished.append(job)

    def _return(self, jobs: Sequence[Job]) -> None:
        """Let others have jobs that were not begun, before all that wait."""
        for job in jobs:
            job.task.started = ""
        if self._cancelled:
            self._leave(jobs)
        else:
            self._handover.waiting.extendleft(reversed(jobs))

    def _leave(self, jobs: Sequence[Job]) -> None:
        """Leave jobs unfinished: the bus gets them back."""
        for job in jobs:
            job.outcome = UNFINISHED
            self._finish(job)

    def _bury(self, one: Process) -> None:
        """Free what belonged to a process; what it was at has an outcome now."""
        self._polls.remove(one)
        how = self._children.drop(one)
        if self._closing:
            return
        guilty, innocent = blame(one, how, self._shared, self._clock)
        one.jobs.clear()
        if guilty is not None:
            self._finish(guilty)
        self._return(innocent)
        if not one.ready:
            self._failed_start(one, how)
        elif guilty is None and not one.leaving:
            log.warning("process %d had no task and %s: replaced", one.pid, how)

    def _failed_start(self, one: Process, how: str) -> None:
        text = one.ended_by or f"a process {how} before it had the worker"
        if not self._give_up(text):
            self._pause(text)

    def _give_up(self, text: str) -> bool:
        """End it all, if nobody relies on it yet; say whether."""
        if self._began.is_set():
            return False
        self._error, self._closing = WorkerError(text), True
        self._began.set()
        return True

    def _pause(self, text: str) -> None:
        """Wait before the next try, longer each time."""
        seconds = self._children.note_failure(self._clock.monotonic())
        log.error("no new process: %s; the next try is in %gs", text, seconds)
