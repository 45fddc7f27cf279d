"""How much of what it did is done again when a worker is killed.

What was at work, and what one commit interval did: tasks are counted, and each lasts at
least a while, so a busy machine does fewer of them, not more.
"""

import contextlib
import subprocess
import sys
import threading
import time
import uuid

import pytest
from kafka import TopicPartition
from kafka_backdoor import KafkaBackdoor
from task_bus_kafka.options import Client
from task_bus_kafka.poller import UNHEARD
from task_bus_kafka.progress import read_progress

LEASE, INTERVAL, PACE = 300.0, 0.2, 0.01
MOST = round(2 * (INTERVAL + UNHEARD) / PACE)
"""Tasks in one commit interval, and until it is noticed that no commit is answered;
twice that, as threads do not get the processor when they are due."""
ENOUGH = 2 * MOST
"""Tasks that a worker does before it is killed."""
WORKER = f"""
import sys, time
from contextlib import suppress
from datetime import timedelta
from task_bus_kafka.options import Client, KafkaOptions
from task_bus_kafka.plugin import kafka
from task_core.api import BusContext, LeaseLostError
bootstrap, client, topic = sys.argv[1:]
options = KafkaOptions(
    bootstrap=(bootstrap,),
    client=Client(client),
    commit_interval=timedelta(seconds={INTERVAL}),
)
bus = kafka.open(options, BusContext(lease={LEASE}))
consumer = bus.subscribe(topic, "group")
while True:
    for one in consumer.receive(1, 1):
        print(one.token, flush=True)
        time.sleep({PACE})
        with suppress(LeaseLostError):  # the other one has it
            consumer.settle([one], [])
"""


class Worker:
    """A process that does task after task, and tells each when it begins."""

    def __init__(self, *arguments):
        command = [sys.executable, "-c", WORKER, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.begun = []
        self.listening = threading.Thread(target=self.listen)
        self.listening.start()

    def listen(self):
        with self.process.stdout:
            for line in self.process.stdout:
                self.begun.append(tuple(map(int, line.split(":"))))

    def await_more(self, count, seconds):
        """Return whether so many more have begun in time."""
        wanted, ends = len(self.begun) + count, time.monotonic() + seconds
        while len(self.begun) < wanted and time.monotonic() < ends:
            time.sleep(0.05)
        return len(self.begun) >= wanted

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.listening.join()


@pytest.mark.parametrize("client", list(Client))
def test_who_is_killed_leaves_one_commit_interval_to_be_done_again(kafka, client):
    """Also while the group waits for one that died, and changes nobody's place."""
    topic = f"repeats-{uuid.uuid4().hex[:12]}"
    with contextlib.ExitStack() as stack:
        backdoor = stack.enter_context(
            contextlib.closing(KafkaBackdoor(kafka, None, 2))
        )
        backdoor.put(topic, [b"x"] * 60 * MOST)

        def start():
            worker = Worker(kafka.bootstrap, client.value, topic)
            stack.callback(worker.kill)
            return worker

        first, second = start(), start()
        assert first.await_more(ENOUGH, 120)
        assert second.await_more(ENOUGH, 120)
        first.kill()
        assert len(repeats(backdoor, topic, first)) <= 1 + MOST
        start()
        await_change(backdoor, topic)
        second.await_more(ENOUGH, 8)  # or nothing more is handed out
        second.kill()
        assert state(backdoor, topic) == "PreparingRebalance"
        assert len(repeats(backdoor, topic, second)) <= 1 + MOST


def repeats(backdoor, topic, worker):
    """Return what a worker began, and its heirs will begin, too."""
    asked = [TopicPartition(topic, number) for number in range(2)]
    group = f"{topic}.group"
    kept = backdoor.admin.list_group_offsets({group: asked})[group]
    progress = {
        at.partition: read_progress(one.offset, one.metadata)
        for at, one in kept.items()
    }
    return [
        offset
        for number, offset in set(worker.begun)
        if offset >= progress[number].offset and progress[number].run_of(offset)
    ]


def state(backdoor, topic):
    group = f"{topic}.group"
    return backdoor.admin.describe_groups([group])[group]["group_state"]


def await_change(backdoor, topic):
    """Await that the group waits for its members to join anew."""
    ends = time.monotonic() + 60
    while state(backdoor, topic) != "PreparingRebalance":
        assert time.monotonic() < ends
        time.sleep(0.1)
