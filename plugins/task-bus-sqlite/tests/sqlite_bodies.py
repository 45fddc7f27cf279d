"""What the tests of the bus say in short."""

from task_core.api import Message


def send(bus, *bodies, topic="load", **more):
    bus.producer().send([Message(topic, body, **more) for body in bodies])


def bodies(deliveries):
    return [delivery.body for delivery in deliveries]


def stored(bus):
    """How many messages are in the file, whatever their state."""
    return bus._file.read("SELECT count(*) FROM messages")[0]


def rows(bus):
    """How many rows each table has, those without any left out."""
    tables = bus._file.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    found = {
        name: bus._file.read(f"SELECT count(*) FROM {name}")[0] for (name,) in tables
    }
    return {name: count for name, count in found.items() if count}
