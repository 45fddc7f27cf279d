"""Rules of `task_core.client.bus_thread`: one thread at a time uses the bus."""

import threading

import pytest
from task_testing import RecordingBus

from task_core.api import Message
from task_core.client.bus_thread import LEAST_PATIENCE, BusThread
from task_core.errors import BusClosedError

LONG = 60
MESSAGES = [Message("load", b"a")]


class Telling(RecordingBus):
    """Notes which thread makes each call, and does what a test wants in it."""

    def __init__(self, act=lambda: None):
        super().__init__()
        self.threads = []
        self.act = act

    def record(self, call, things=()):
        super().record(call, things)
        self.threads.append(threading.current_thread())
        self.act()


@pytest.fixture
def make():
    made = []

    def make(*buses):
        left = iter(buses)
        made.append(BusThread(lambda: next(left), "test"))
        return made[-1]

    yield make
    for one in made:
        one.close(20)


def send(thread, seconds=LONG):
    return thread.submit(MESSAGES, seconds).wait()


def test_who_is_alone_sends_by_itself_once_the_bus_is_open(make):
    """The first time, and with little patience, the client's thread does."""
    bus = Telling()
    thread, me = make(bus), threading.current_thread()
    assert all([send(thread), send(thread), send(thread, LEAST_PATIENCE - 1)])
    assert [one is me for one in bus.threads] == [False, True, False]


def test_what_comes_while_one_sends_leaves_together(make):
    """In one call of the client's thread."""
    inside, go = threading.Event(), threading.Event()

    def hold():
        if threading.current_thread() is first:
            inside.set()
            assert go.wait(20)

    bus = Telling(hold)
    thread = make(bus)
    first = threading.Thread(target=send, args=(thread,))
    send(thread)
    first.start()
    assert inside.wait(20)
    waiting = [thread.submit(MESSAGES, LONG) for _ in range(3)]
    go.set()
    assert all(one.wait() for one in waiting)
    first.join()
    sizes = [len(things) for call, things in bus.calls if call == "send"]
    assert sum(sizes) == 5
    assert len(sizes) < 5


def test_an_interrupt_in_the_middle_leaves_no_half_used_bus(make):
    """The next one opens another."""

    def interrupt():
        if len(broken.threads) > 1 and not broken.closed:
            raise KeyboardInterrupt

    broken, fresh = Telling(interrupt), Telling()
    thread = make(broken, fresh)
    send(thread)
    with pytest.raises(KeyboardInterrupt):
        send(thread)
    assert broken.closed
    assert send(thread)
    assert len(fresh.threads) == 1


def test_after_the_end_nothing_is_sent(make):
    """By nobody."""
    thread = make(Telling())
    send(thread)
    thread.close(20)
    with pytest.raises(BusClosedError):
        send(thread)
