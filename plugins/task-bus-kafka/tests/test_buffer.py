"""What a consumer has in memory, and when it reads no more; without a broker."""

import threading
import time
from types import SimpleNamespace

import pytest
from task_bus_kafka import buffer as buffer_module
from task_bus_kafka import hold as hold_module
from task_bus_kafka.buffer import Buffer
from task_bus_kafka.consumer import KafkaConsumer
from task_bus_kafka.delayed import FRAME
from task_bus_kafka.headers import DUE
from task_bus_kafka.hold import Hold
from task_bus_kafka.poller import Poller
from task_bus_kafka.progress import Progress
from task_bus_kafka.records import Record

from task_core.api import Capabilities, Delivery, LeaseLostError, Message

BODY = b"x" * 100


@pytest.fixture
def buffer(monkeypatch):
    monkeypatch.setattr(buffer_module, "HOLD", 3 * (len(BODY) + FRAME))
    return Buffer(30.0)


def add(buffer, *delays):
    """Take in messages that are to come after so many seconds."""
    due = [str(round((time.time() + delay) * 1000)).encode() for delay in delays]
    records = [
        Record(partition=0, offset=at, body=BODY, headers=[(DUE, text)])
        for at, text in enumerate(due)
    ]
    buffer.add(records, lambda partition: None)


def test_no_more_is_read_when_too_much_waits_for_its_time(buffer):
    add(buffer, 60, 60)
    assert buffer.low
    add(buffer, 60, 60, 60)
    assert not buffer.low


def test_what_is_handed_out_makes_room_to_read_on(buffer):
    add(buffer, 0.5, 0.5, 60)
    assert not buffer.low
    while not buffer.take(1):
        time.sleep(0.01)
    assert buffer.low


def test_what_goes_to_others_makes_room_to_read_on(buffer):
    add(buffer, 60, 60, 60)
    assert not buffer.low
    buffer.release([0])
    assert buffer.low


def test_what_is_given_back_for_later_takes_room(buffer):
    records = [Record(0, at, BODY, None) for at in range(3)]
    buffer.add(records, lambda partition: None)
    held = buffer.take(3)
    buffer.give_back([Delivery(one.body, one) for one in held], 60)
    assert not buffer.low


def test_what_was_held_of_a_topic_that_is_made_anew_is_lost():
    buffer = Buffer(30.0)
    old = [Record(0, at, b"old", None) for at in range(10, 13)]
    buffer.add(old, lambda partition: Progress(10, 10))
    held = [Delivery(one.body, one) for one in buffer.take(2)]
    buffer.add([Record(0, 0, b"new", None)], lambda partition: None)
    assert buffer.lost(held) == held
    buffer.finish(held)
    assert [one.body for one in buffer.take(10)] == [b"new"]


def test_asking_how_far_a_partition_is_done_holds_nobody_up(buffer):
    ended = []

    def ask(partition):
        other = threading.Thread(target=buffer.release, args=([9],))
        other.start()
        other.join(30)
        ended.append(not other.is_alive())

    buffer.add([Record(0, 0, BODY, None)], ask)
    assert ended == [True]


class Reader:
    """What a poller wants of a reader; its group may refuse to note progress."""

    alive = joined = has_partitions = True
    is_urgent = refuses = has_failed = says_nothing = False

    def __init__(self):
        self.unread = [Record(0, at, BODY, None) for at in range(3)]
        self.noted = []

    def resume(self):
        pass

    def poll(self, limit, seconds):
        records, self.unread = self.unread, []
        return records

    def positions(self):
        return {}

    def committed(self, partition):
        return None

    def is_unheard(self, seconds):
        return self.says_nothing

    def commit(self, progress):
        self.has_failed = self.refuses
        self.noted += [] if self.refuses else [progress]


def work_on(buffer, poller):
    """Finish the next message, if it is handed out; let the poller do its part."""
    poller.look_for_answers()
    with buffer.changed:
        taken = buffer.take(1)
    buffer.finish([Delivery(one.body, one) for one in taken])
    poller._commit_at = 0.0
    poller._turn()
    return len(taken)


@pytest.fixture
def clock(monkeypatch):
    """Let time pass when the test says so: `clock.now`."""
    clock = SimpleNamespace(now=time.monotonic())
    for module in (buffer_module, hold_module):
        monkeypatch.setattr(module, "monotonic", lambda: clock.now)
    return clock


@pytest.mark.parametrize("trouble", ["refuses", "says_nothing"])
def test_nothing_more_is_handed_out_while_no_progress_is_noted(trouble, clock):
    """Who is killed then leaves no more to be done again than one interval's work."""
    buffer, reader = Buffer(30.0), Reader()
    poller = Poller(buffer, lambda _: reader, None, 0.5, 1.0, "")
    poller.reader = reader
    poller._turn()
    assert work_on(buffer, poller)
    setattr(reader, trouble, True)
    work_on(buffer, poller)  # who is refused does not know it yet
    poller._turn()
    for _ in range(10):
        assert not work_on(buffer, poller)
    reader.refuses = reader.has_failed = reader.says_nothing = False
    clock.now += 1
    while reader.noted[-1][0].offset < 3:
        assert work_on(buffer, poller)


def test_work_goes_on_after_a_lease_without_progress(clock):
    """Some are never allowed to note it: that must not end all work."""
    hold, began = Hold(20), clock.now
    hold.renew(10)
    while hold.lasts(clock.now):
        clock.now += 1
        hold.renew(10)
    assert clock.now == began + 20


class Overtaken:
    """A reader from which a partition goes while it is asked for its membership."""

    def __init__(self, buffer):
        self.buffer = buffer

    @property
    def membership(self):
        self.buffer.release([0])


def test_a_transaction_does_not_send_what_came_of_a_partition_that_went(buffer):
    """Its progress is not in there, so others do it again: it would be there twice."""
    sent = []
    poller = SimpleNamespace(
        reader=Overtaken(buffer),
        problem=None,
        join_again=lambda: None,
        look_for_answers=lambda: None,
        commit_now=lambda seconds: None,
    )
    transactor = SimpleNamespace(transact=lambda *given: sent.append(given))
    able = Capabilities(ack=True, lease=True, atomic_settle=True)
    bus = SimpleNamespace(name="kafka", capabilities=able, closed=False, lease=30.0)
    consumer = KafkaConsumer(bus, "t", "c", buffer, poller, lambda: transactor)
    buffer.add([Record(0, 0, BODY, None)], lambda partition: None)
    held = consumer.receive(1, 0)
    with pytest.raises(LeaseLostError) as caught:
        consumer.settle(held, [Message("done", b"done")])
    assert list(caught.value.deliveries) == held
    assert not sent


def test_an_owner_that_takes_nothing_for_long_is_there_all_the_same(buffer):
    """A slow rate or a pause is no silence: it would leave the group, and come back."""
    bus = SimpleNamespace(name="kafka", capabilities=Capabilities(), closed=False)
    consumer = KafkaConsumer(bus, "load", "load", buffer, None, None)
    buffer.hear()
    buffer._silent_since -= 3600
    assert buffer.is_abandoned
    assert not consumer.exhausted
    assert not buffer.is_abandoned


def test_nothing_is_handed_out_while_its_place_in_the_group_is_given_up(buffer):
    """It would be done here, be lost, and be done by others as well."""
    got = []
    reader = SimpleNamespace(
        alive=True,
        joined=True,
        has_partitions=True,
        resume=lambda: None,
        poll=lambda limit, seconds: [Record(0, 0, BODY, None)],
        committed=lambda partition: None,
        close=lambda: got.append(consumer.receive(1, 0)),  # its owner comes back now
    )
    poller = Poller(buffer, lambda _: reader, None, 0.0, 1.0, "")
    bus = SimpleNamespace(
        name="kafka", capabilities=Capabilities(), closed=False, lease=30.0
    )
    consumer = KafkaConsumer(bus, "load", "load", buffer, poller, None)
    buffer.hear()
    buffer._silent_since -= 3600
    poller._turn()
    assert got == [()]
    poller._turn()
    assert [one.body for one in consumer.receive(1, 0)] == [BODY]
