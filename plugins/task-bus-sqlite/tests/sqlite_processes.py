"""What the processes of `test_kill.py` do.

In a module of its own: a spawned process must be able to import it by name.
"""

import time

from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite

from task_core.api.bus import BusContext
from task_core.api.message import Message


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
