"""Rules of `task_bus_nats.link`: answers and their numbers."""

import pytest

from task_core.api import Message


@pytest.fixture
def bus(open_bus, topic):
    """Open a bus whose topic has a channel."""
    bus = open_bus()
    bus.subscribe(topic, "c")
    return bus


def test_answers_come_to_subjects_that_the_server_knows(bus, topic):
    """It keeps what it has found out of each; new ones take it twice as long."""
    producer = bus.producer()
    for count in (1, 3, 100, 1):
        producer.send([Message(topic, b"x")] * count)
        assert bus._link.reserve(0) == 0


def test_answers_that_an_interrupt_left_behind_are_for_nobody(bus, topic, monkeypatch):
    """They have the numbers of those to come, and would confirm what was not sent."""
    link, producer = bus._link, bus.producer()
    producer.send([Message(topic, b"1")])
    before = link.number

    def interrupted(count):
        raise KeyboardInterrupt

    for count in (1, 3):
        with monkeypatch.context() as patch:
            patch.setattr(link, "take", interrupted)
            with pytest.raises(KeyboardInterrupt):
                producer.send([Message(topic, b"2")] * count)
        producer.send([Message(topic, b"3")])
        assert link.number == before + 1
        before = link.number
