"""Sending: to one of several nsqds, confirmed, and with what becomes of dead ones."""

import time
from datetime import timedelta

import pytest
from nsq_backdoor import NsqBackdoor

from task_core.api import BusConnectionError, Message, PayloadError, SendError


@pytest.fixture(scope="module")
def pair(start_nsqd):
    """Two nsqds."""
    return start_nsqd(), start_nsqd()


def sent(nsqds, topic):
    return [NsqBackdoor(nsqd).take(topic) for nsqd in nsqds]


def test_sends_are_spread_over_all_nsqds(pair, buses):
    topic = NsqBackdoor(pair[0]).topic()
    producer = buses(nsqd=tuple(it.tcp for it in pair)).producer()
    for number in range(10):
        producer.send([Message(topic, b"%d" % number)])
    assert [len(bodies) for bodies in sent(pair, topic)] == [5, 5]


def test_a_dead_nsqd_is_left_and_tried_again_later(start_nsqd, buses, monkeypatch):
    monkeypatch.setattr("task_bus_nsq.producer.FIRST_REST", 0.2)
    nsqds = start_nsqd(), start_nsqd()
    producer = buses(nsqd=tuple(it.tcp for it in nsqds)).producer()
    for _ in range(2):
        producer.send([Message("before", b"1")])
    nsqds[0].stop()
    for number in range(6):
        producer.send([Message("during", b"%d" % number)])
    nsqds[0].start()
    assert len(NsqBackdoor(nsqds[1]).take("during")) == 6
    deadline = time.monotonic() + 10
    while not NsqBackdoor(nsqds[0]).take("after"):
        assert time.monotonic() < deadline
        producer.send([Message("after", b"1")])
        time.sleep(0.05)


def test_an_idle_connection_that_broke_costs_no_send(start_nsqd, buses):
    nsqd = start_nsqd()
    producer = buses(nsqd=(nsqd.tcp,)).producer()
    producer.send([Message("t", b"1")])
    nsqd.restart()
    producer.send([Message("t", b"2")])
    assert sorted(NsqBackdoor(nsqd).take("t")) == [b"1", b"2"]


def test_without_any_nsqd_nothing_was_sent_and_the_address_is_shown(nsqd, buses):
    address = NsqBackdoor(nsqd).unreachable()[1]
    producer = buses(nsqd=(address,)).producer()
    for act in (
        lambda: producer.send([Message("t", b"1")]),
        lambda: producer.prepare([]),
    ):
        with pytest.raises(BusConnectionError, match=address):
            act()


def test_what_no_nsqd_confirms_is_named_and_may_be_sent_again(start_nsqd, buses):
    nsqd = start_nsqd()
    soon = timedelta(seconds=0.3)
    bus = buses(nsqd=(nsqd.tcp,), answer_timeout=soon, connect_timeout=soon)
    producer = bus.producer()
    producer.send([Message("t", b"1")])
    nsqd.pause()
    try:
        with pytest.raises(SendError) as caught:
            producer.send([Message("t", b"2"), Message("u", b"3")])
    finally:
        nsqd.resume()
    assert caught.value.unsent == (0, 1)
    assert caught.value.transient
    producer.send([Message("t", b"4")])


def test_a_message_that_an_nsqd_finds_too_long_is_named_and_known_from_then_on(
    start_nsqd, buses
):
    """So that the others can go on without it."""
    nsqd = start_nsqd(options=("--max-msg-size=100",))
    bus = buses(nsqd=(nsqd.tcp,))
    producer = bus.producer()
    batch = [Message("t", b"good"), Message("u", b"x" * 101), Message("u", b"good")]
    with pytest.raises(PayloadError, match="max_msg_size") as caught:
        producer.send(batch)
    assert caught.value.refused == (1,)
    assert bus.capabilities.max_bytes == 100
    with pytest.raises(PayloadError, match="at most 100 bytes"):
        producer.send([Message("v", b"x" * 101), Message("v", b"not sent")])
    producer.send([batch[0], batch[2]])
    assert NsqBackdoor(nsqd).take("u") == [b"good"]
    assert NsqBackdoor(nsqd).take("v") == []


def test_a_delay_beyond_what_an_nsqd_keeps_is_shortened_and_told(
    start_nsqd, buses, caplog
):
    nsqd = start_nsqd(options=("--max-req-timeout=200ms",))
    bus = buses(nsqd=(nsqd.tcp,))
    consumer = bus.subscribe("t", "c")
    bus.producer().send(
        [Message("t", b"1"), Message("t", b"2", delay=60.0), Message("u", b"3")]
    )
    found = []
    deadline = time.monotonic() + 15
    while len(found) < 2 and time.monotonic() < deadline:
        found += [it.body for it in consumer.receive(2, 1)]
    assert sorted(found) == [b"1", b"2"]
    assert NsqBackdoor(nsqd).take("u") == [b"3"]
    assert "delays are shortened" in caplog.text
    assert bus.capabilities.max_delay == 0.2


def test_a_batch_larger_than_max_body_size_is_sent_in_smaller_ones(start_nsqd, buses):
    nsqd = start_nsqd(options=("--max-body-size=1000", "--max-msg-size=1000"))
    bodies = [b"%02d" % number * 50 for number in range(40)]
    producer = buses(nsqd=(nsqd.tcp,)).producer()
    for topic in ("t", "u"):
        producer.send([Message(topic, body) for body in bodies])
        assert sorted(NsqBackdoor(nsqd).take(topic)) == bodies


def test_a_batch_larger_than_an_nsqd_takes_at_once_arrives(nsqd, buses):
    door = NsqBackdoor(nsqd)
    topic = door.topic()
    bodies = [b"%02d" % number * 50_000 for number in range(80)]  # 8 MB
    producer = buses(nsqd=(nsqd.tcp,)).producer()
    producer.send([Message(topic, body) for body in bodies])
    assert sorted(door.take(topic)) == bodies


def test_a_batch_of_large_messages_is_no_larger_than_an_nsqd_takes(start_nsqd, buses):
    nsqd = start_nsqd(options=("--max-msg-size=10000000",))  # and 5 MiB for a batch
    bodies = [b"%d" % number * 2_000_000 for number in range(4)]
    producer = buses(nsqd=(nsqd.tcp,), max_msg_size=10_000_000).producer()
    producer.send([Message("t", body) for body in bodies])
    assert sorted(NsqBackdoor(nsqd).take("t")) == bodies


def test_a_refusal_in_the_midst_of_a_large_message_is_heard(start_nsqd, buses):
    nsqd = start_nsqd(options=("--max-msg-size=100",))
    options = {"nsqd": (nsqd.tcp,), "max_msg_size": 10_000_000}
    with pytest.raises(PayloadError, match="max_msg_size"):
        buses(**options).producer().send([Message("t", b"x" * 10_000_000)])


def test_an_answer_to_an_interrupted_send_confirms_nothing_else(
    start_nsqd, buses, monkeypatch
):
    producer = buses(nsqd=(start_nsqd(options=("--max-msg-size=9",)).tcp,)).producer()

    def interrupted(connection):
        connection.flush()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        producer.prepare([])
        patch.setattr("task_bus_nsq.connection.NsqdConnection.answer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            producer.send([Message("t", b"1")])
    with pytest.raises(PayloadError):
        producer.send([Message("t", b"0123456789")])


def test_prepare_connects(nsqd, buses):
    producer = buses(nsqd=(nsqd.tcp,)).producer()
    producer.prepare(["t"])
    assert len(producer._connections) == 1
