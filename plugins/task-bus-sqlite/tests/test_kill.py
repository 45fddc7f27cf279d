"""Rules of the bus `sqlite` that take several processes, some of them killed."""

import collections
import contextlib
import os
import random
import signal
import time

import pytest
from sqlite_processes import SPAWN, hold, listen, open_bus, process, send, toil, work

from task_core.api.message import Message


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "task.db")


def test_work_in_flight_of_a_killed_process_comes_back_within_a_lease(path):
    """For another process, which only waits: nobody sends anything."""
    bus = open_bus(path, lease=1.0)
    bus.producer().send([Message("load", b"%d" % n) for n in range(3)])
    consumer = bus.subscribe("load", "load")
    ear, mouth = SPAWN.Pipe(duplex=False)
    with process(hold, path, mouth) as holder:
        received = ear.recv()
        holder.kill()
        holder.join()
        back = []
        while len(back) < 3 and time.time() < received + 3:
            back += consumer.receive(9, 3)
    assert time.time() - received < 1.5
    assert [(d.body, d.attempt) for d in back] == [(b"0", 2), (b"1", 2), (b"2", 2)]
    bus.close()


@pytest.mark.parametrize("topics", [1, 2])
def test_what_eight_send_four_settle_exactly_once_and_nobody_is_ever_busy(path, topics):
    """A thousand messages under contention: none lost, none twice, no error."""
    bus = open_bus(path)
    bus.subscribe("load", "load")
    with contextlib.ExitStack() as stack:
        queue = SPAWN.SimpleQueue()
        for number in range(4):
            stack.enter_context(process(work, path, number, queue))
        senders = [
            stack.enter_context(process(send, path, number, topics))
            for number in range(8)
        ]
        for sender in senders:
            sender.join(300)
            assert sender.exitcode == 0
        done = collections.Counter()
        while done.total() < 1000:
            done.update(queue.get())
    assert done == {b"%d:%d" % (s, n): 1 for s in range(8) for n in range(125)}
    consumer = bus.subscribe("done", "check")
    published = [d.body for d in consumer.receive(2000, 0)]
    assert collections.Counter(published) == done
    assert bus.depth("load", "load") == 0
    bus.close()


def test_sixteen_processes_may_open_a_new_file_at_once(path):
    """One of them makes it, and none of them sees half of it."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(process(send, path, 0, 1)) for _ in range(16)]
        for one in started:
            one.join(300)
            assert one.exitcode == 0
    bus = open_bus(path)
    assert bus.depth("load", "x") == 16 * 125
    bus.close()


def test_an_idle_consumer_wakes_when_another_process_sends(path):
    """Long before its wait is over; how soon is measured in the benchmark."""
    ear, mouth = SPAWN.Pipe(duplex=False)
    bus = open_bus(path)
    producer = bus.producer()
    with process(listen, path, mouth):
        ear.recv()
        for _ in range(9):
            producer.send([Message("load", b"")])
            assert ear.poll(5), "half of the listener's patience"
            ear.recv()
    bus.close()


def test_whoever_is_killed_whenever_every_task_is_done(path):
    """At least once, the file stays sound, and done tasks are exactly those settled."""
    bus = open_bus(path, lease=0.5)
    consumer = bus.subscribe("done", "check")
    bus.producer().send([Message("load", b"%d" % n) for n in range(300)])
    bus.subscribe("load", "load")
    choose = random.Random(7)
    done = collections.Counter()
    deadline = time.monotonic() + 60
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(process(toil, path)) for _ in range(3)]
        while len(done) < 300 and time.monotonic() < deadline:
            deliveries = consumer.receive(40, 1)
            done.update(delivery.body for delivery in deliveries)
            consumer.ack(deliveries)
            if not deliveries:
                continue
            victim = choose.randrange(3)
            os.kill(workers[victim].pid, signal.SIGKILL)
            workers[victim].join()
            workers[victim] = stack.enter_context(process(toil, path))
    assert done == {b"%d" % n: 1 for n in range(300)}
    assert bus._file.read("PRAGMA integrity_check") == ("ok",)
    assert bus._file.read("SELECT count(*) FROM held") == (0,)
    assert bus._file.read("SELECT count(*) FROM messages") == (0,)
    bus.close()
