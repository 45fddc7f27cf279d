"""What is shown: tasks that are done, one that fails, one that kills its worker."""

import time
from collections.abc import Sequence

from task_command_demo.processes import Processes
from task_command_demo.screen import Screen, style
from task_core.api import (
    Bus,
    Consumer,
    Delivery,
    Message,
    Task,
    dead_topic,
    decode_dead,
    decode_task,
    encode_task,
)

TOPIC = "demo"
PATIENCE = 60.0
"""Seconds at the end for what is still in work: a busy machine takes them."""
TICK = 0.1
"""Seconds between two looks."""


class Demo:
    """One demonstration.

    Args:
        bus: The SQLite file, as the processes see it.
        processes: The processes.
    """

    def __init__(self, bus: Bus, processes: Processes) -> None:
        self._bus = bus
        self._processes = processes
        self._screen = Screen()
        self._producer = bus.producer()
        bus.subscribe(TOPIC, TOPIC).close()  # a channel gets what is sent from now on
        self._done = bus.subscribe("done", "watch")
        self._dead = bus.subscribe(dead_topic(TOPIC), "watch")
        self._tasks = bus.subscribe(TOPIC, "watch")

    def run(self, seconds: float, *, has_cron: bool) -> None:
        """Watch for a while; make the tasks as well when nobody else does."""
        begin = time.monotonic()
        script = [(1.0, "fail"), (2.0, "kill")]
        if not has_cron:
            script += [(float(n), f"2026/{n:02}.csv") for n in range(int(seconds))]
        script = sorted(it for it in script if it[0] < seconds)
        while (now := time.monotonic() - begin) < seconds or script:
            while script and script[0][0] <= now:
                self._send(script.pop(0)[1])
            self._watch()
        self._processes.stop_taskmaster()
        while self._open() and time.monotonic() - begin < seconds + PATIENCE:
            self._watch()

    def _watch(self) -> None:
        self._look()
        self._processes.replace_the_dead()
        self._screen.draw(self._bus.depth(TOPIC, TOPIC), self._processes.deaths)
        time.sleep(TICK)

    def _open(self) -> int:
        """How many tasks are neither done nor dead."""
        counts = self._screen.counts
        return 2 * counts["sent"] - sum(counts.values())

    def summary(self) -> str:
        """Say what happened."""
        counts = self._screen.counts
        some = {0: "no tasks were lost", 1: "1 task is still in work"}
        left = some.get(self._open(), f"{self._open()} tasks are still in work")
        return (
            f"{counts['sent']} tasks: {counts['complete']} complete,"
            f" {counts['error']} error, {counts['dead']} dead;"
            f" {self._processes.deaths} workers were killed and replaced,"
            f" {left}"
        )

    def _send(self, info: str) -> None:
        self._producer.send([Message(TOPIC, encode_task(Task.new("demo", info)))])

    def _look(self) -> None:
        for delivery in self._take(self._tasks):
            task = decode_task(delivery.body)
            if "retry=" not in task.meta:
                self._screen.counts["sent"] += 1
            self._screen.tell(f"sent      {task.info}  {task.meta}".rstrip())
        for delivery in self._take(self._done):
            task = decode_task(delivery.body)
            self._screen.counts[task.result] += 1
            colour = "green" if task.result == "complete" else "red"
            self._screen.tell(f"{style(f'{task.result:8}', fg=colour)}  {task.msg}")
        for delivery in self._take(self._dead):
            self._screen.counts["dead"] += 1
            reason = decode_dead(delivery.body).reason
            self._screen.tell(f"{style('dead    ', fg='magenta')}  {reason}")

    def _take(self, consumer: Consumer) -> Sequence[Delivery]:
        deliveries = consumer.receive(100, 0)
        if deliveries:
            consumer.ack(deliveries)
        return deliveries
