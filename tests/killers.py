"""Tasks that kill their worker among many that do not: a scenario for every bus."""

import collections
import subprocess
import time

from cli_lines import COMMAND

from task_core.api import Message, Task, decode_dead, decode_task, encode_task

WORKER = """
import os, time
from task_core.api import worker

LOG = os.open("runs.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@worker
def work(info: str):
    os.write(LOG, f"{info} {time.monotonic()}\\n".encode())
    if info.startswith("killer"):
        os._exit(9)
"""
INNOCENTS = 200
PATIENCE = 60.0
"""Seconds in which what is on a topic can be taken."""


class Killers:
    """Sends tasks, starts a worker again and again until all is done, and looks.

    Args:
        folder: Where it runs; gets the worker's file and `runs.log`.
        url: The bus, as `--bus` takes it.
        bus: The same bus, opened by the test.
        flags: For the worker: `-c`, `--max-attempts`, `--prefetch`.
        topic: What is read; what is written begins so.
        forgets: Seconds before a death of which the bus may forget what was done.
    """

    def __init__(self, folder, url, bus, *flags, topic="work", forgets=0.0):
        self._folder = folder
        self._bus = bus
        self._topic = topic
        self._forgets = forgets
        self._command = [COMMAND, "launch", "-w", "worker.py:work", "--bus", url]
        self._command += ["--topic", topic, "--done-topic", f"{topic}.done"]
        self._command += ["--drain", "--lease", "1s", "-l", "warning", *flags]
        self.deaths = 0
        (folder / "worker.py").write_text(WORKER)

    def send(self, *places):
        """Send many innocents, with killers at some places among them."""
        names = [f"innocent-{number}" for number in range(INNOCENTS)]
        for number, place in enumerate(places):
            names.insert(place, f"killer-{number}")
        tasks = [Task.new("work", name) for name in names]
        messages = [Message(self._topic, encode_task(task)) for task in tasks]
        self._bus.producer().send(messages)

    def run(self, most_deaths=200):
        """Start the worker until it ends by itself."""
        while True:
            done = subprocess.run(self._command, cwd=self._folder, check=False)
            if done.returncode == 0:
                break
            assert done.returncode == 9, "it did not die of a task"
            self.deaths += 1
            assert self.deaths < most_deaths, "it goes on and on"

    def check(self, killers, slots):
        """See that everybody got what it deserves; say what it has cost."""
        done = {
            decode_task(body).info for body in taken(self._bus, f"{self._topic}.done")
        }
        letters = map(decode_dead, taken(self._bus, f"{self._topic}.dead"))
        dead = collections.Counter(decode_task(x.original).info for x in letters)
        assert dead == {f"killer-{number}": 1 for number in range(killers)}, dead
        assert done == {f"innocent-{number}" for number in range(INNOCENTS)}
        extra, forgotten = self._count()
        told = f"{self.deaths} deaths, {extra} too many, {forgotten} forgotten"
        print(f"{killers} killers, {slots} slots: {told}")
        assert extra <= self.deaths * slots + forgotten, told
        return told

    def _count(self):
        """Return the runs that were too many, and those that may have been forgotten.

        These were at most so long before a death.
        """
        log = (self._folder / "runs.log").read_text()
        runs = [line.split() for line in log.splitlines()]
        deaths = [float(at) for name, at in runs if name.startswith("killer")]
        innocent = [float(at) for name, at in runs if name.startswith("innocent")]
        forgotten = sum(
            any(death - self._forgets <= at < death for death in deaths)
            for at in innocent
        )
        return len(innocent) - INNOCENTS, forgotten


def taken(bus, topic):
    """Take all that is on a topic."""
    consumer = bus.subscribe(topic, "check")
    found, deadline = [], time.monotonic() + PATIENCE
    while bodies := consumer.receive(1000, 0.2) or bus.depth(topic, "check"):
        assert time.monotonic() < deadline, f"something on {topic} does not come"
        if not isinstance(bodies, int):
            found += [delivery.body for delivery in bodies]
            consumer.ack(bodies)
    consumer.close()
    return found
