"""The taskmaster as users run it: real processes, a real bus, kills at any moment."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from task_store import open_store
from workflow_instances import all_is_over

from task_core import open_bus

ROOT = '[[phase]]\ntask = "root"\ncron = "{cron}"\ntemplate = "{{ts}}"\n'
REST = """
[[phase]]
task = "left"
dependsOn = "root"
template = "{ts}"

[[phase]]
task = "right"
dependsOn = "root"
template = "{ts}"

[[phase]]
task = "both"
dependsOn = ["left", "right"]
template = "{ts}"
"""
EACH_SECOND, NEVER = "* * * * * *", "0 0 1 1 *"
TOPICS = ("root", "left", "right", "both")
RECORDER = '''
from task_core.api import encode_task, worker

@worker
def record(task, ctx):
    """Write down what arrives."""
    with open("record", "ab") as file:
        file.write(encode_task(task) + b"\\n")
'''
RECORDER = RECORDER.replace("(task, ctx)", "(task: Task, ctx: WorkerContext)").replace(
    "encode_task, worker", "Task, WorkerContext, encode_task, worker"
)


class Place:
    """A folder with a bus, a store and a workflow; starts processes in it."""

    def __init__(self, folder, store):
        self.folder = folder
        self.store = store
        self.running = []
        (folder / "record.py").write_text(RECORDER)
        (folder / "record").touch()
        self.write(EACH_SECOND)

    def write(self, cron):
        new = self.folder / "new"
        new.write_text(ROOT.format(cron=cron) + REST)
        new.rename(self.folder / "shop.toml")

    def start(self, *words):
        with open(self.folder / "log", "a") as log:
            process = subprocess.Popen(
                ["task", "launch", *words, "--bus", "sqlite://bus.db"],
                cwd=self.folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.running.append(process)
        return process

    def taskmaster(self):
        return self.start(
            *("--taskmaster", "workflow", "--taskmaster-path", "shop.toml"),
            *("--taskmaster-store", self.store, "--taskmaster-refresh", "500ms"),
        )

    def recorded(self):
        """Return what was recorded of each topic: all but when it got to its worker."""
        found = {topic: [] for topic in TOPICS}
        for line in (self.folder / "record").read_text().splitlines():
            task = json.loads(line)
            del task["started"]  # of what is sent twice, each has its own
            found[task["type"]].append(json.dumps(task))
        return found

    def is_attended(self):
        """Whether all workers have begun: who comes later misses what was sent."""
        with closing(open_bus(f"sqlite://{self.folder}/bus.db")) as bus:
            return all(len(bus.channels(topic)) == 2 for topic in TOPICS)

    def until(self, what, seconds=120):
        """Wait for something, with patience."""
        end = time.monotonic() + seconds
        while not what():
            ended = [it.args for it in self.running if it.poll() not in (None, -9)]
            assert not ended, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < end, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.1)

    def end(self):
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request, tmp_path):
    store = "store.db"
    if request.param == "postgres":
        store = request.getfixturevalue("new_database")()
    found = Place(tmp_path, store)
    yield found
    found.end()


def test_it_fires_follows_joins_and_stops(place):
    """With exit code 0 on SIGTERM."""
    process = place.taskmaster()
    for topic in TOPICS:
        place.start("--worker", "echo", "--topic", topic)
        place.start(*recorder(topic))
    place.until(lambda: place.recorded()["both"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, (place.folder / "log").read_text()


def recorder(topic):
    words = ("--worker", "./record.py:record", "--topic", topic)
    return (*words, "--channel", "record", "--done-topic", "recorded")


def test_two_instances_killed_at_random_lose_nothing(place):
    """And what they send twice is the same to the byte."""
    seed = random.Random(7)
    for topic in TOPICS:
        place.start(*recorder(topic))
        place.start("--worker", "echo", "--topic", topic)
    place.until(place.is_attended)
    instances = [place.taskmaster(), place.taskmaster()]
    place.until(lambda: place.recorded()["both"])
    for _ in range(6):
        time.sleep(seed.uniform(0.2, 2))  # a kill at any moment, and not at an event
        number = seed.randrange(2)
        instances[number].kill()
        instances[number] = place.taskmaster()
    place.write(NEVER)
    path = place.store if ":" in place.store else str(place.folder / place.store)
    with closing(open_store(path)) as store:
        place.until(lambda: all_is_over(store, by_id(place.recorded())))
    recorded = place.recorded()
    firings = sorted({json.loads(line)["info"] for line in recorded["root"]})
    assert firings == each_second(firings[0], firings[-1])
    for topic in TOPICS:
        lines = Counter(recorded[topic])
        assert len(lines) == len(firings), topic  # each once, whatever came twice
        assert lines.total() - len(lines) <= 6 * 100, "at most what was in flight"


def by_id(recorded):
    return {
        topic: {json.loads(line)["id"]: line for line in lines}
        for topic, lines in recorded.items()
    }


def each_second(first, last):
    moment, end = (datetime.fromisoformat(it) for it in (first, last))
    count = int((end - moment).total_seconds()) + 1
    moments = (moment + timedelta(seconds=number) for number in range(count))
    return [f"{it:%Y%m%dT%H%M%S}" for it in moments]
