"""Rules of the bus `sqlite` that take several processes, some of them killed."""

import collections
import contextlib
import multiprocessing
import os
import random
import signal
import time

import pytest

from task_core.api.bus import BusContext, Message
from task_core.builtin.buses import SqliteOptions, sqlite

SPAWN = multiprocessing.get_context("spawn")


def open_bus(path, lease=30.0):
    return sqlite.open(SqliteOptions(path=path), BusContext(lease=lease))


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "task.db")


@contextlib.contextmanager
def process(target, *args):
    """Run a function in a process of its own, which is killed in the end."""
    started = SPAWN.Process(target=target, args=args, daemon=True)
    started.start()
    try:
        yield started
    finally:
        started.kill()
        started.join()


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


def hold(path, mouth):
    """Receive all, and do nothing."""
    consumer = open_bus(path, lease=1.0).subscribe("load", "load")
    assert len(consumer.receive(9, 5)) == 3
    mouth.send(time.time())
    time.sleep(60)


@pytest.mark.parametrize("topics", [1, 2])
def test_what_eight_send_four_settle_exactly_once_and_nobody_is_ever_busy(path, topics):
    """A thousand messages under contention: none lost, none twice, no error."""
    open_bus(path).subscribe("load", "load")
    with contextlib.ExitStack() as stack:
        queue = SPAWN.SimpleQueue()
        for number in range(4):
            stack.enter_context(process(work, path, number, queue))
        senders = [
            stack.enter_context(process(send, path, number, topics))
            for number in range(8)
        ]
        for sender in senders:
            sender.join(30)
            assert sender.exitcode == 0
        done = collections.Counter()
        while done.total() < 1000:
            done.update(queue.get())
    assert done == {b"%d:%d" % (s, n): 1 for s in range(8) for n in range(125)}
    bus = open_bus(path)
    consumer = bus.subscribe("done", "check")
    published = [d.body for d in consumer.receive(2000, 0)]
    assert collections.Counter(published) == done
    assert bus.depth("load", "load") == 0
    bus.close()


def send(path, number, topics):
    """Send 125 messages, one by one or five at a time."""
    producer = open_bus(path).producer()
    batch = 1 if number % 2 else 5
    bodies = [b"%d:%d" % (number, n) for n in range(125)]
    for begin in range(0, 125, batch):
        messages = [Message("load", body) for body in bodies[begin : begin + batch]]
        if topics > 1:
            messages.append(Message("noise", b""))
        producer.send(messages)


def work(path, number, queue):
    """Settle what comes, one by one or seven at a time."""
    bus = open_bus(path)
    consumer = bus.subscribe("load", "load")
    while True:
        deliveries = consumer.receive(1 if number % 2 else 7, 60)
        bodies = [delivery.body for delivery in deliveries]
        bus.settle(consumer, deliveries, [Message("done", body) for body in bodies])
        queue.put(bodies)


def test_sixteen_processes_may_open_a_new_file_at_once(path):
    """One of them makes it, and none of them sees half of it."""
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(process(send, path, 0, 1)) for _ in range(16)]
        for one in started:
            one.join(60)
            assert one.exitcode == 0
    bus = open_bus(path)
    assert bus.depth("load", "x") == 16 * 125
    bus.close()


def test_an_idle_consumer_wakes_soon_and_costs_little(path):
    """Half of the sends reach another process within 50 ms; idle is below 1 %."""
    ear, mouth = SPAWN.Pipe(duplex=False)
    bus = open_bus(path)
    producer = bus.producer()
    with process(listen, path, mouth):
        ear.recv()
        waits = []
        for _ in range(9):
            time.sleep(0.1)  # long enough for the listener to look seldom
            sent = time.time()
            producer.send([Message("load", b"")])
            waits.append(ear.recv() - sent)
        begin = ear.recv()
        cost = (ear.recv() - begin) / 2
    assert sorted(waits)[4] < 0.05
    assert cost < 0.01 * 1.5  # with some room for a machine under load
    bus.close()


def listen(path, mouth):
    """Tell when messages come, then what two idle seconds cost."""
    consumer = open_bus(path).subscribe("load", "load")
    mouth.send(0.0)
    for _ in range(9):
        deliveries = ()
        while not deliveries:
            deliveries = consumer.receive(1, 10)
        mouth.send(time.time())
        consumer.ack(deliveries)
    consumer.receive(1, 0.2)
    mouth.send(time.process_time())
    consumer.receive(1, 2)
    mouth.send(time.process_time())
    consumer.receive(1, 60)


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


def toil(path):
    """Settle some at a time, slowly."""
    bus = open_bus(path, lease=0.5)
    consumer = bus.subscribe("load", "load")
    while True:
        deliveries = consumer.receive(10, 60)
        time.sleep(0.005)
        done = [Message("done", delivery.body) for delivery in deliveries]
        bus.settle(consumer, deliveries, done)
