"""Who is sent to, when nsqlookupds tell: asking them keeps nobody waiting."""

import threading
import time
from datetime import timedelta

import pytest
from task_bus_nsq.names import Address
from task_bus_nsq.plugin import NsqOptions
from task_bus_nsq.settings import make_settings
from task_bus_nsq.targets import Targets

from task_core.api import BusConnectionError

A, B = Address("a", 1), Address("b", 1)


class FakeDirectory:
    """Answers with `found`, after `may_answer` is set."""

    def __init__(self, *found):
        self.found = list(found)
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def writable(self):
        self.asked += 1
        self.may_answer.wait(5)
        if not self.found:
            raise BusConnectionError("no nsqlookupd answers")
        return list(self.found)


@pytest.fixture
def targets_of():
    """Make targets that are asked for again after 0.1 seconds."""

    def targets_of(directory, **options):
        options.setdefault("lookupd", ("x",))
        options.setdefault("lookup_interval", timedelta(seconds=0.1))
        return Targets(make_settings(NsqOptions(**options), 30), directory)

    return targets_of


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_named_nsqds_are_not_asked_for(targets_of):
    directory = FakeDirectory(B)
    targets = targets_of(directory, nsqd=("a:1",))
    targets.doubt()
    assert list(targets.get()) == [A]
    assert directory.asked == 0


def test_a_slow_nsqlookupd_keeps_nobody_waiting_after_the_first_time(targets_of):
    directory = FakeDirectory(A)
    targets = targets_of(directory)
    before = targets.get()
    directory.found = [A, B]
    directory.may_answer.clear()
    until(lambda: targets.get() and directory.asked == 2)
    begin = time.monotonic()
    assert targets.get() is before
    assert time.monotonic() - begin < 1
    assert directory.asked == 2
    directory.may_answer.set()
    until(lambda: targets.get() == [A, B])


def test_without_an_answer_those_that_were_known_stay(targets_of):
    directory = FakeDirectory(A)
    targets = targets_of(directory)
    targets.get()
    directory.found = []
    targets.doubt()
    assert targets.get() == [A]
    assert directory.asked == 2


def test_the_first_time_there_must_be_an_answer(targets_of):
    directory = FakeDirectory()
    targets = targets_of(directory)
    with pytest.raises(BusConnectionError):
        targets.get()
    directory.found = [A]
    assert targets.get() == [A]


def test_those_that_are_doubted_are_asked_for_at_once(targets_of):
    directory = FakeDirectory(A)
    targets = targets_of(directory, lookup_interval=timedelta(days=1))
    targets.get()
    directory.found = [B]
    assert targets.get() == [A]
    targets.doubt()
    assert targets.get() == [B]
