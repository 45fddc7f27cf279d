"""Tasks that kill their worker among many that do not: a scenario for every bus."""

import collections
import subprocess
import time

from cli_lines import COMMAND

from task_core.api import Message, Task, decode_dead, decode_task, encode_task

WORKER = """
import os, time
from task_core.api import hookimpl, worker

LOG = os.open("runs.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
HERE = os.getpid()

def write(what, info):
    os.write(LOG, f"{what} {info} {HERE} {time.monotonic()}\\n".encode())

@worker
def work(info: str):
    write("run", info)
    if info.startswith("killer"):
        os._exit(9)

@hookimpl
def task_settled(task):
    write("settled", task.info)
"""
"""Both a worker and hooks: writes down what runs, and what the bus has confirmed."""
INNOCENTS, LEASE = 200, 1
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
        most: What a launcher may hold, besides its slots; None where it measures that.
        forgets: Seconds before a death of which the bus may forget what was settled.
    """

    def __init__(self, folder, url, bus, *flags, topic="work", most=None, forgets=0.0):
        self._folder = folder
        self._bus = bus
        self._topic = topic
        self._most, self._forgets = most, forgets
        self._command = [COMMAND, "launch", "-w", "worker.py:work", "--bus", url]
        self._command += ["--hooks", "./worker.py"]
        self._command += ["--topic", topic, "--done-topic", f"{topic}.done"]
        self._command += ["--drain", "--lease", f"{LEASE}s", "-l", "warning", *flags]
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
        return self._reckon(killers, slots)

    def _reckon(self, killers, slots):
        """See that only what was in flight at a death ran again; say what it was."""
        lives = collections.defaultdict(Life)
        for line in (self._folder / "runs.log").read_text().splitlines():
            what, name, process, at = line.split()
            lives[process].note(what, name, float(at))
        runs = collections.Counter(name for life in lives.values() for name in life.ran)
        told = f"{self.deaths} deaths, {sum(runs.values()) - len(runs)} too many"
        held = [life.in_flight() for life in lives.values() if life.died]
        told += f", in flight {[len(names) for names in held]}"
        free = [life.may_repeat(self._forgets) for life in lives.values() if life.died]
        told += f", forgotten {[len(names) for names in free]}"
        late = [life.late for life in lives.values() if life.late]
        told += f", leases over {[len(names) for names in late]}"
        print(f"{killers} killers, {slots} slots: {told}")
        free += held + late
        most = collections.Counter(name for names in free for name in names)
        again = [name for name in runs if runs[name] - 1 > most[name]]
        assert not again, f"{told}, settled and run again: {again}"
        if self._most is not None:
            assert max(map(len, held), default=0) <= slots + self._most, told
        return told


class Life:
    """What one process has done: tasks that ran, and when they were settled."""

    def __init__(self):
        self.ran, self.died = [], 0.0
        # What ran again here, not settled yet: its lease was over. That began with its
        # receipt, so the runs may be less than a lease apart.
        self.late = []
        self._settled = {}

    def note(self, what, name, at):
        """Note a line of the log."""
        if what == "settled":
            self._settled[name] = at
            return
        if name in self.ran and name not in self._settled:
            self.late.append(name)
        self.ran.append(name)
        self.died = at if name.startswith("killer") else self.died

    def in_flight(self):
        """Return what had run, and was not settled when the process died."""
        return [name for name in self.ran if name not in self._settled]

    def may_repeat(self, seconds):
        """Return what was settled in so many seconds before it died."""
        settled = self._settled.items()
        return [name for name, at in settled if at > self.died - seconds]


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
