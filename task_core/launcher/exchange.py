"""Where the bus thread and the slots meet: jobs go in, finished jobs come out.

Deques append and pop atomically, so jobs need no lock. What costs is waking a thread:
a slot wakes the bus thread once, and in a rush of tiny tasks only when enough of them
are finished to be worth it.
"""

from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue

from task_core.launcher.job import Job


class Exchange:
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
        self._called = False
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._alarm: Callable[[], None] = self._ring

    def collect(self) -> list[Job]:
        """Take all finished jobs (bus thread)."""
        finished = self.finished
        return [finished.popleft() for _ in range(len(finished))]

    def recall(self) -> list[Job]:
        """Take back the jobs that no slot has begun (bus thread)."""
        taken = []
        while self.waiting:
            try:
                taken.append(self.waiting.popleft())
            except IndexError:  # a slot was quicker
                break
        return taken

    def lie_down(self, wake_at: int, alarm: Callable[[], None] | None = None) -> bool:
        """Announce that the bus thread is about to wait.

        Args:
            wake_at: How many finished jobs are worth waking it for.
            alarm: What wakes it; the exchange's own bell when not given.

        Returns:
            False when there is enough to do already: do not wait.
        """
        self._alarm = alarm or self._ring
        self.wake_at = wake_at
        self.sleeping = True  # first this, then look: others do it the other way
        called, self._called = self._called, False
        return not called and len(self.finished) < wake_at

    def get_up(self) -> None:
        """Announce that the bus thread is awake."""
        self.sleeping = False

    def sleep(self, seconds: float, wake_at: int) -> None:
        """Wait until enough jobs are finished, or `wake`, or the time is over."""
        if self.lie_down(wake_at):
            try:
                self._bell.get(timeout=seconds)
            except Empty:
                pass
        self.get_up()

    def wake(self) -> None:
        """End the wait of the bus thread (slots)."""
        self.sleeping = False
        self._alarm()

    def call(self) -> None:
        """End the wait of the bus thread, or its next one (any thread)."""
        self._called = True
        self.wake()

    def _ring(self) -> None:
        self._bell.put(None)
