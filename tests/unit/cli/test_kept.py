"""Rules of `task_core.cli.kept`: who looks for longer than a lease loses nothing."""

import json
from time import monotonic
from types import SimpleNamespace

import pytest

from task_core.api import held
from task_core.api.message import Message
from task_core.builtin import memory_bus
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus, MemoryConsumer
from task_core.cli import dead, kept, tail
from task_core.cli.kept import Kept
from task_core.cli.letters import CHANNEL, Filter, find
from task_core.cli.waiting import Waiting
from task_core.dead import DeadLetter, encode_dead
from task_core.errors import BusConnectionError
from task_core.task import Task
from task_core.wire import encode_task

LEASE = 30.0
THIRD = LEASE / 3 + 1
LOOK = SimpleNamespace(channel="c", follow=False, max=0)


class Clock:
    """Goes on as the real one does, and by leaps."""

    def __init__(self):
        self._ahead = 0.0

    def __call__(self):
        return monotonic() + self._ahead

    def leap(self, seconds):
        self._ahead += seconds


class Consumer(MemoryConsumer):
    """Its leases are reckoned here, as of many brokers: it sees when one is over."""

    knows_lost = False

    def _extend(self, deliveries):
        super()._extend(deliveries)
        self.bus.extended.append(len(deliveries))


class Bus(MemoryBus):
    """Notes which leases are renewed."""

    def __init__(self, name):
        super().__init__(name, MEMORY, LEASE)
        self.extended = []

    def _subscribe(self, topic, channel, **hints):
        return Consumer(self, topic, channel)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    for module in (held, kept, memory_bus):
        monkeypatch.setattr(module, "monotonic", made)
    return made


@pytest.fixture
def bus(request, clock):
    made = Bus(request.node.name)
    made.subscribe("t", "c").close()
    made.producer().send([Message("t", body) for body in (b"1", b"2", b"3")])
    yield made
    made.close()


@pytest.fixture
def letters(bus):
    """Three dead letters, as `task dead` has them in hand."""
    bus.subscribe("t.dead", CHANNEL).close()
    body = encode_dead(DeadLetter(reason="no", topic="t"), b"x")
    bus.producer().send([Message("t.dead", body)] * 3)
    every = Filter(type=None, reason=None, older=None, newer=None)
    return find(bus, "t.dead", "t", every, looks=False)


def redrive(bus, letters):
    return dead._redrive(bus, letters, {"yes": True, "to": None})


def test_leases_are_renewed_until_all_is_settled(bus, clock):
    """Those alone that are left."""
    hands = Kept(bus, bus.subscribe("t", "c"))
    for delivery in [*hands.waiting()]:
        clock.leap(THIRD)
        assert hands.settle(delivery)
    assert bus.extended == [3, 2, 1]


def test_leases_are_renewed_while_more_is_read(bus, clock):
    """And what was read last is no older than a lease."""
    hands = Kept(bus, bus.subscribe("t", "c"))
    found = []
    for delivery in hands.waiting():
        found.append(delivery)
        clock.leap(THIRD)
    assert hands.drop(found) == 3


def test_what_others_have_is_not_settled(bus, clock):
    """After a pause that was too long; the rest is."""
    hands = Kept(bus, bus.subscribe("t", "c"))
    first, second, third = hands.waiting()
    clock.leap(LEASE + 1)
    assert not hands.settle(first)
    assert hands.drop([second, third]) == 0
    assert [one.body for one in hands.waiting()] == [b"1", b"2", b"3"]


def test_a_redrive_that_takes_long_sends_all_back(bus, letters, clock, capsys):
    """Thousands of letters take longer than a lease."""
    hands = letters.kept
    original = hands.settle

    def slow(*words):
        clock.leap(THIRD)
        return original(*words)

    hands.settle = slow
    assert redrive(bus, letters) == 0
    assert capsys.readouterr().err == "3 sent back\n"


def test_letters_that_others_have_are_left_to_them(bus, letters, clock, capsys):
    """Which is told, and by the exit code as well."""
    clock.leap(LEASE + 1)
    assert redrive(bus, letters) == 1
    assert capsys.readouterr().err == "0 sent back\n3 left: others have them\n"
    assert dead._drop(bus, letters, {"yes": True}) == 1
    assert capsys.readouterr().err == "0 dropped\n3 left: others have them\n"


def test_a_redrive_that_fails_says_how_far_it_came(bus, letters, capsys):
    """Those letters are back already."""
    hands, items = letters.kept, letters.items
    original = hands.settle

    def settle(delivery, messages):
        if delivery is items[2].delivery:
            raise BusConnectionError("gone")
        return original(delivery, messages)

    hands.settle = settle
    with pytest.raises(BusConnectionError):
        redrive(bus, letters)
    assert capsys.readouterr().err == "2 sent back\n"


def test_a_reader_that_pauses_sees_all(bus, clock):
    """What was shown just then comes again; that is no error."""
    seen = []

    def show(body):
        seen.append(body)
        if len(seen) == 1:
            clock.leap(LEASE + 1)

    tail._show_all(bus, "t", LOOK, show)
    assert seen == [b"1", b"1", b"2", b"3"]


def test_what_could_not_be_shown_is_not_acknowledged(bus, request):
    """Whoever read it has gone."""

    def show(body):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        tail._show_all(bus, "t", LOOK, show)
    bus.close()
    again = Bus(request.node.name)
    found = again.subscribe("t", "c").receive(9, LEASE)
    again.close()
    assert [one.body for one in found] == [b"1", b"2", b"3"]


def test_a_pause_while_done_tasks_are_printed_is_no_error(bus, clock, monkeypatch):
    """What comes again was printed already."""
    task = Task.new("t", id="7")
    waiting = Waiting(bus, "done", 1, LEASE, count=False)
    printed = []

    def print_slowly(self, line):
        printed.append(json.loads(line)["id"])
        clock.leap(LEASE + 1)

    monkeypatch.setattr(Waiting, "_print", print_slowly)
    body = waiting.expect(task, encode_task(task))
    bus.producer().send([Message("done", body)])
    assert waiting.finish() == 0
    assert printed == ["7"]
