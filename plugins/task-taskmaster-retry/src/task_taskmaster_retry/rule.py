"""One rule: which failed tasks are sent again, how often and when."""

import random
import re
from collections.abc import Callable

import attrs

from task_core.api import Result, Task, parse_meta

COUNT = "retry"
"""Key of the meta that counts how often a task was sent again."""
FAILED = "failed"
"""Its value in a task that is given up."""
TRIED = "retried"
"""Key of the meta that says how often what is given up was sent again."""


@attrs.frozen(kw_only=True)
class Rule:
    """One rule of the file.

    Args:
        number: Its place in the file, from 1.
        type, job: Of its tasks; any job when that is empty.
        match: Found in the message of its tasks; in any when None.
        retry: How often a task is sent again.
        wait: Seconds before the first time.
        factor: What the wait is multiplied with each time.
        max_wait: Seconds that it grows to at most.
        jitter: Which part of the wait may be added at random.
        topic: Where the tasks go.
    """

    number: int
    type: str
    job: str
    match: re.Pattern[str] | None
    retry: int
    wait: float
    factor: float
    max_wait: float
    jitter: float
    topic: str

    def is_for(self, task: Task) -> bool:
        """Whether it is about a done task."""
        return (
            task.result == Result.ERROR
            and task.type == self.type
            and self.job in ("", task.job)
            and (self.match is None or self.match.search(task.msg) is not None)
        )

    def delay(self, count: int, choose: Callable[[], float] = random.random) -> float:
        """Return the seconds to wait.

        Args:
            count: How often the task was sent again before.
            choose: Returns a random number from 0 to 1.
        """
        # As floats: a power that is too large is the cap, and no error.
        try:
            wait = self.wait * self.factor**count
        except OverflowError:
            wait = self.max_wait
        return min(wait, self.max_wait) * (1 + self.jitter * choose())

    def __str__(self) -> str:
        return f"rule {self.number} ({self.type}{self.job and ':'}{self.job})"


def count_of(task: Task) -> int | None:
    """Return how often a task was sent again, or None when it was given up."""
    (count, *_) = parse_meta(task.meta).get(COUNT, ["0"])
    if count == FAILED:
        return None
    return int(count) if count.isascii() and count.isdecimal() else 0
