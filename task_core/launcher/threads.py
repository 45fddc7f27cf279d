"""Slots for plain functions: one thread each."""

import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue

from task_core.clock import Clock
from task_core.launcher.call import Call
from task_core.launcher.context import Surroundings
from task_core.launcher.exchange import Exchange
from task_core.launcher.hooks import Hooks
from task_core.launcher.job import Job
from task_core.launcher.run import Run, make_run


def make_slots(
    count: int,
    call: Call,
    exchange: Exchange,
    surroundings: Surroundings,
    clock: Clock,
    hooks: Hooks,
) -> "ThreadSlots":
    """Return slots for a plain function."""
    return ThreadSlots(count, make_run(call, surroundings, clock, hooks), exchange)


class ThreadSlots:
    """Threads that take jobs from the exchange.

    The threads are daemons: one that never returns must not keep the process alive.

    Args:
        count: How many tasks run at a time.
        run: What to call for each job; it never raises.
        exchange: Where jobs come from and go to.
    """

    def __init__(self, count: int, run: Run, exchange: Exchange) -> None:
        self._count = count
        self._run = run
        self._exchange = exchange
        self._tokens: SimpleQueue[bool] = SimpleQueue()  # True: work; False: stop
        self._threads = [
            threading.Thread(target=self._serve, name=f"slot-{n}", daemon=True)
            for n in range(count)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Hand over jobs (bus thread)."""
        waiting = self._exchange.waiting
        waiting.extend(jobs)
        # A token that nobody has taken yet will do as well, so they never pile up.
        for _ in range(min(len(waiting), self._count) - self._tokens.qsize()):
            self._tokens.put(True)

    def close(self) -> None:
        """Let the threads end; does not wait for those that are busy."""
        for _ in self._threads:
            self._tokens.put(False)

    def _serve(self) -> None:
        exchange, run, clock = self._exchange, self._run, time.perf_counter
        finished = exchange.finished
        take, give = exchange.waiting.popleft, finished.append
        while self._tokens.get():
            begin = clock()
            while True:
                try:
                    job = take()
                except IndexError:
                    break
                run(job)
                end = clock()
                job.took = end - begin
                begin = end
                give(job)
                if exchange.sleeping and len(finished) >= exchange.wake_at:
                    exchange.wake()
            if exchange.sleeping and finished:
                exchange.wake()
