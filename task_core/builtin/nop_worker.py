"""The worker `nop`: for trying out everything around a worker."""

import itertools
import random

from task_core.api.worker import (
    Outcome,
    Worker,
    WorkerContext,
    complete,
    failed,
    interrupted,
)


class NopWorker(Worker):
    """Waits, then completes or fails.

    Args:
        fail_rate: Of every 100 tasks exactly so many fail, evenly spread.
        dur: Seconds that a task takes.
        variance: A random part of so many seconds is added; a failing task takes a
            random part of the whole.
    """

    def __init__(self, fail_rate: int, dur: float, variance: float) -> None:
        self._fail_rate = fail_rate
        self._dur = dur
        self._variance = variance
        self._numbers = itertools.count(1)

    def do_task(self, ctx: WorkerContext) -> Outcome:
        """Do nothing for a while; a cancel ends it early."""
        fails = self._fails(next(self._numbers))
        seconds = self._dur + random.random() * self._variance
        if fails:
            seconds *= random.random()
        if seconds and ctx.wait(seconds):
            return interrupted()
        return failed("failed") if fails else complete("finished")

    def _fails(self, number: int) -> bool:
        """Whether the failures due grow by one with this task."""
        rate = self._fail_rate
        return number * rate // 100 > (number - 1) * rate // 100
