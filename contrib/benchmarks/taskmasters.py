"""How many done tasks a taskmaster can follow up with another one, on one core.

    python contrib/benchmarks/taskmasters.py [--tasks 20000] [--rounds 5]

Each is read, decoded, followed by a new task and settled with it: one by one
(`ctx.deliveries`), and in batches (`ctx.batches`). The time is that of the processor,
so that a busy machine does not count, but for the disk, which `wall` shows as well.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core import TaskmasterLoop
from task_core.api import Bus, BusContext, Task, Taskmaster, TaskmasterContext
from task_core.api.message import Message
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.wire import encode_task

DONE = Task.new("load", "s3://shop/2026/01/05/orders.json?threads=4", meta="cron=x")
DONE.end("complete", "1,000 rows")


class Follower(Taskmaster):
    """Follows so many tasks, then stops."""

    def __init__(self, count: int, limit: int) -> None:
        self.stop: Callable[[], None] = list
        self._left = count
        self._limit = limit

    def run(self, ctx: TaskmasterContext) -> None:
        """React to the done tasks."""
        if self._limit == 1:
            for task in ctx.deliveries("done", "bench"):
                self._follow(ctx, [task])
        else:
            for tasks in ctx.batches("done", "bench", limit=self._limit, wait=0):
                self._follow(ctx, tasks)

    def _follow(self, ctx: TaskmasterContext, tasks: list[Task]) -> None:
        for task in tasks:
            ctx.send(Task.new("next", task.msg, id=task.id))
        self._left -= len(tasks)
        if not self._left:
            self.stop()


def measure(open_: Callable[[], Bus], count: int, limit: int) -> tuple[float, float]:
    """Return tasks per second of the processor, and of the wall clock."""
    bus = open_()
    bus.subscribe("done", "bench").close()
    bus.subscribe("next", "audience").close()
    producer, body = bus.producer(), encode_task(DONE)
    for _ in range(0, count, 1000):
        producer.send([Message("done", body)] * 1000)
    follower = Follower(count, limit)
    loop = TaskmasterLoop(follower, bus)
    follower.stop = loop.stop
    wall, cpu = time.perf_counter(), time.process_time()
    loop.run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return count / cpu, count / wall


def main() -> None:
    """Measure both buses, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(given.rounds):
        for limit in (1, 100, 1000):
            with tempfile.TemporaryDirectory() as folder:
                options = SqliteOptions(path=os.path.join(folder, "bench.db"))
                opens: dict[str, Callable[[], Bus]] = {
                    "memory": lambda: MemoryBus(object(), MEMORY, 30.0),
                    "sqlite": lambda o=options: sqlite.open(o, BusContext()),
                }
                for name, open_ in opens.items():
                    rates = measure(open_, given.tasks, limit)
                    found.setdefault((name, limit), []).append(rates)
    for (name, limit), rates in sorted(found.items()):
        cpu, wall = (statistics.median(column) for column in zip(*rates, strict=True))
        print(f"{name:8} limit {limit:5}: {cpu:9,.0f}/s of cpu, {wall:9,.0f}/s wall")


if __name__ == "__main__":
    main()
