"""What the processes of `test_kill.py` and `test_place.py` do.

In a module of its own: a spawned process must be able to import it by name.
"""

import contextlib
import multiprocessing
import time

from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api import BusError
from task_core.api.bus import BusContext
from task_core.api.message import Message

SPAWN = multiprocessing.get_context("spawn")


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


def open_bus(path, lease=30.0):
    return sqlite.open(SqliteOptions(path=path), BusContext(lease=lease))


def hold(path, mouth):
    """Receive all, and do nothing."""
    consumer = open_bus(path, lease=1.0).subscribe("load", "load")
    assert len(consumer.receive(9, 5)) == 3
    mouth.send(time.time())
    time.sleep(60)


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
        consumer.settle(deliveries, [Message("done", body) for body in bodies])
        queue.put(bodies)


def listen(path, mouth):
    """Tell when messages come."""
    consumer = open_bus(path).subscribe("load", "load")
    mouth.send(0.0)
    while True:
        if deliveries := consumer.receive(1, 10):
            mouth.send(time.time())
            consumer.ack(deliveries)


def toil(path):
    """Settle some at a time, slowly."""
    bus = open_bus(path, lease=0.5)
    consumer = bus.subscribe("load", "load")
    while True:
        deliveries = consumer.receive(10, 60)
        time.sleep(0.005)
        done = [Message("done", delivery.body) for delivery in deliveries]
        consumer.settle(deliveries, done)


def stay(path, ear):
    """Have the file open, and look at it when told."""
    bus = open_bus(path)
    bus.producer().send([Message("old", b"x" * 500)] * 20)
    ear.send("here")
    while ear.recv():
        try:
            bus.ping()
        except BusError as error:
            ear.send(str(error))
