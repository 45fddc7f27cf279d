"""Who is sent to, when nsqlookupds tell: asking them keeps nobody waiting."""

import threading
import time
from datetime import timedelta

import pytest
from task_bus_nsq.names import Address
from task_bus_nsq.nodes import Nodes
from task_bus_nsq.options import NsqOptions
from task_bus_nsq.settings import make_settings

from task_core.api import BusConnectionError

A, B = Address("a", 1), Address("b", 1)


class FakeDiscovery:
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
def nodes_of():
    """Make nodes that are asked for again after 0.1 seconds."""

    def nodes_of(discovery, **options):
        options.setdefault("lookupd", ("x",))
        options.setdefault("lookup_interval", timedelta(seconds=0.1))
        return Nodes(make_settings(NsqOptions(**options), 30), discovery)

    return nodes_of


def until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_named_nsqds_are_not_asked_for(nodes_of):
    discovery = FakeDiscovery(B)
    nodes = nodes_of(discovery, nsqd=("a:1",))
    nodes.doubt()
    assert list(nodes.get()) == [A]
    assert discovery.asked == 0


def test_a_slow_nsqlookupd_keeps_nobody_waiting_after_the_first_time(nodes_of):
    discovery = FakeDiscovery(A)
    nodes = nodes_of(discovery)
    before = nodes.get()
    discovery.found = [A, B]
    discovery.may_answer.clear()
    until(lambda: nodes.get() and discovery.asked == 2)
    begin = time.monotonic()
    assert nodes.get() is before
    assert time.monotonic() - begin < 10
    assert discovery.asked == 2
    discovery.may_answer.set()
    until(lambda: nodes.get() == [A, B])


def test_without_an_answer_those_that_were_known_stay(nodes_of):
    discovery = FakeDiscovery(A)
    nodes = nodes_of(discovery)
    nodes.get()
    discovery.found = []
    nodes.doubt()
    assert nodes.get() == [A]
    assert discovery.asked == 2


def test_the_first_time_there_must_be_an_answer(nodes_of):
    discovery = FakeDiscovery()
    nodes = nodes_of(discovery)
    with pytest.raises(BusConnectionError):
        nodes.get()
    discovery.found = [A]
    assert nodes.get() == [A]


def test_those_that_are_doubted_are_asked_for_at_once(nodes_of):
    discovery = FakeDiscovery(A)
    nodes = nodes_of(discovery, lookup_interval=timedelta(days=1))
    nodes.get()
    discovery.found = [B]
    assert nodes.get() == [A]
    nodes.doubt()
    assert nodes.get() == [B]
