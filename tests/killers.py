"""Tasks that kill their worker among many that do not: a scenario for every bus."""

import collections
import subprocess

from cli_lines import COMMAND

from task_core.api import Message, Task, decode_dead, decode_task, encode_task

WORKER = """
import os
from task_core.api import worker

LOG = os.open("runs.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

@worker
def work(info: str):
    os.write(LOG, f"{info}\\n".encode())
    if info.startswith("killer"):
        os._exit(9)
"""
INNOCENTS = 200


class Killers:
    """Sends tasks, starts a worker again and again until all is done, and looks.

    Args:
        folder: Where it runs; gets the worker's file and `runs.log`.
        url: The bus, as `--bus` takes it.
        bus: The same bus, opened by the test.
        flags: For the worker: `-c`, `--max-attempts`, `--prefetch`.
    """

    def __init__(self, folder, url, bus, *flags):
        self._folder = folder
        self._bus = bus
        self._command = [COMMAND, "launch", "-w", "worker.py:work", "--bus", url]
        self._command += ["--drain", "--lease", "1s", "-l", "warning", *flags]
        self.deaths = 0
        (folder / "worker.py").write_text(WORKER)

    def send(self, *places):
        """Send many innocents, with killers at some places among them."""
        names = [f"innocent-{number}" for number in range(INNOCENTS)]
        for number, place in enumerate(places):
            names.insert(place, f"killer-{number}")
        self._bus.subscribe("work", "work").close()
        tasks = [Task.new("work", name) for name in names]
        self._bus.producer().send([Message("work", encode_task(t)) for t in tasks])

    def run(self, most_deaths=200):
        """Start the worker until it ends by itself."""
        while True:
            done = subprocess.run(self._command, cwd=self._folder, check=False)
            if done.returncode == 0:
                break
            assert done.returncode == 9, "it did not die of a task"
            self.deaths += 1
            assert self.deaths < most_deaths, "it goes on and on"

    def taken(self, topic):
        """Take all that is on a topic."""
        consumer = self._bus.subscribe(topic, "check")
        found = []
        while bodies := consumer.receive(1000, 0.2):
            found += [delivery.body for delivery in bodies]
            consumer.ack(bodies)
        consumer.close()
        return found

    def check(self, killers, slots):
        """See that everybody got what it deserves."""
        done = {decode_task(body).info for body in self.taken("done")}
        letters = [decode_dead(body) for body in self.taken("work.dead")]
        dead = collections.Counter(decode_task(x.original).info for x in letters)
        assert dead == {f"killer-{number}": 1 for number in range(killers)}
        assert done == {f"innocent-{number}" for number in range(INNOCENTS)}
        runs = (self._folder / "runs.log").read_text().split()
        innocent = [name for name in runs if name.startswith("innocent")]
        assert len(innocent) - INNOCENTS <= self.deaths * slots
