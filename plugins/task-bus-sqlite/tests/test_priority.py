"""Rules of messages with a priority."""

from sqlite_bodies import bodies, send, stored

from task_core.api import Message


def test_a_higher_priority_comes_first_and_below_zero_last(bus):
    """Equal ones in the order of sending."""
    consumer = bus.subscribe("load", "load")
    for number, priority in enumerate((0, 5, -1, 9, 0, 5, -7)):
        send(bus, b"%d" % number, priority=priority)
    found = consumer.receive(9, 0)
    assert bodies(found) == [b"3", b"1", b"5", b"0", b"4", b"2", b"6"]
    consumer.ack(found)
    assert stored(bus) == 0


def test_what_is_urgent_overtakes_a_backlog(bus):
    """One by one, and nothing is passed over or comes twice."""
    consumer = bus.subscribe("load", "load")
    send(bus, *[b"%d" % n for n in range(5)])
    seen = []
    for number in range(5):
        send(bus, b"u%d" % number, priority=1)
        found = consumer.receive(1, 0)
        seen += bodies(found)
        consumer.ack(found)
    assert seen == [b"u0", b"u1", b"u2", b"u3", b"u4"]
    assert bodies(consumer.receive(9, 0)) == [b"0", b"1", b"2", b"3", b"4"]


def test_every_channel_gets_what_is_urgent_first(bus):
    """Once each."""
    consumers = [bus.subscribe("load", name) for name in "ab"]
    bus.producer().send(
        [
            Message("load", b"0"),
            Message("load", b"1", priority=1),
            Message("load", b"2"),
        ]
    )
    for consumer in consumers:
        found = consumer.receive(9, 0)
        assert bodies(found) == [b"1", b"0", b"2"]
        consumer.ack(found)
        assert consumer.receive(9, 0) == ()
    assert stored(bus) == 0


def test_what_was_given_back_keeps_its_priority(bus):
    """High before what is new, low after it."""
    consumer = bus.subscribe("load", "load")
    for body, priority in ((b"low", -1), (b"middle", 2), (b"high", 3)):
        send(bus, body, priority=priority)
    consumer.nack(consumer.receive(9, 0))
    send(bus, b"new")
    assert bodies(consumer.receive(9, 0)) == [b"high", b"middle", b"new", b"low"]
    consumer.close()
    again = bus.subscribe("load", "load")
    assert bodies(again.receive(9, 0)) == [b"high", b"middle", b"new", b"low"]


def test_what_is_urgent_and_delayed_comes_in_its_time(bus):
    """Not before, and once."""
    consumer = bus.subscribe("load", "load")
    send(bus, b"later", priority=9, delay=0.1)
    send(bus, b"now")
    assert bodies(consumer.receive(9, 0)) == [b"now"]
    assert bodies(consumer.receive(9, 5)) == [b"later"]


def test_the_number_of_a_message_that_went_before_its_turn_is_not_used_again(bus):
    """The next one with a priority would be taken for lined up, and be lost."""
    consumer = bus.subscribe("load", "load")
    send(bus, b"0")
    for body in (b"1", b"2", b"3"):
        send(bus, body, priority=1)
        found = consumer.receive(1, 0)
        assert bodies(found) == [body]
        consumer.ack(found)
    assert bus.depth("load", "load") == 1
    assert bodies(consumer.receive(9, 0)) == [b"0"]


def test_a_channel_that_comes_late_lines_up_only_what_is_for_it(bus):
    """Urgent ones of before are for those who were there."""
    bus.subscribe("load", "first")
    send(bus, b"old", priority=5)
    late = bus.subscribe("load", "late")
    send(bus, b"new", priority=1)
    assert bus.depth("load", "late") == 1
    assert bodies(late.receive(9, 0)) == [b"new"]
