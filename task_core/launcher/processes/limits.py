"""When a child process has done enough, and another one takes its place."""

import resource
import sys

from task_core.shown import noun


class Limits:
    """Counts the tasks of a child, and looks at its memory after each.

    Args:
        max_tasks: Tasks after which it retires; 0: never.
        max_memory: Bytes in memory from which on it retires; 0: never.
    """

    def __init__(self, max_tasks: int, max_memory: int) -> None:
        self._max_tasks = max_tasks
        self._max_memory = max_memory
        self._done = 0

    def reached(self, *, interrupted: bool) -> str:
        """Return why the child retires now, after a task; nothing if it does not.

        Args:
            interrupted: Whether its run was interrupted, wherever it just was.
        """
        self._done += 1
        if interrupted:
            return "a run was interrupted"
        if self._done == self._max_tasks:
            return f"{self._done:,} {noun(self._done, 'task')}"
        if self._max_memory and (used := resident()) > self._max_memory:
            return f"{used / (1 << 20):,.0f} MiB in memory"
        return ""


def resident() -> int:
    """Return the bytes that this process has in memory now."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # only Linux has it: elsewhere, the most that it ever had
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
