"""Rules of `task_core.client.bus_thread`: one thread at a time uses the bus."""

import itertools
import sys
import threading

import pytest
from task_testing import RecordingBus

from task_core.api import Capabilities, Message
from task_core.client import bus_thread
from task_core.client.bus_thread import LEAST_PATIENCE, BusThread
from task_core.client.request import Request
from task_core.errors import (
    BusClosedError,
    BusConnectionError,
    BusError,
    FrameworkError,
    OptionError,
    PayloadError,
    SendError,
    UnsupportedCapabilityError,
)

LONG = 60
MESSAGES = [Message("load", b"a")]


class Telling(RecordingBus):
    """Notes which thread makes each call, and does what a test wants in it."""

    def __init__(self, act=lambda: None, **more):
        super().__init__(**more)
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
        one.stop().join(20)


def send(thread, seconds=LONG):
    return thread.submit(MESSAGES, seconds).wait()


def test_who_is_alone_sends_by_itself_once_the_bus_is_open(make):
    """The first time, and with little patience, the client's thread does."""
    bus = Telling()
    thread, me = make(bus), threading.current_thread()
    assert all([send(thread), send(thread), send(thread, LEAST_PATIENCE - 1)])
    assert [one is me for one in bus.threads] == [False, True, False]


@pytest.fixture
def merge(make):
    """Have several send while another one does, so that theirs leave in one call."""

    def merge(bus, *batches, seconds=LONG):
        inside, go = threading.Event(), threading.Event()
        act = bus.act

        def hold():
            if threading.current_thread() is first:
                inside.set()
                assert go.wait(20)
            else:
                act()

        bus.act = lambda: None
        thread = make(bus)
        first = threading.Thread(target=send, args=(thread,))
        send(thread)
        bus.act = hold
        first.start()
        assert inside.wait(20)
        waiting = [thread.submit(batch, seconds) for batch in batches]
        go.set()
        first.join()
        return waiting

    return merge


def outcome(request):
    """Return what a caller is told: True, or an error."""
    try:
        return request.wait()
    except (FrameworkError, ValueError) as error:
        return error


def test_what_comes_while_one_sends_leaves_together(merge):
    """In one call of the client's thread."""
    bus = Telling()
    assert all(one.wait() for one in merge(bus, *[MESSAGES] * 3))
    sizes = [len(things) for call, things in bus.calls if call == "send"]
    assert sizes == [1, 1, 3]


def test_each_caller_is_told_of_its_own_messages(merge):
    """By their positions in what it gave, in an error that is its alone."""

    def refuse():
        _, things = bus.calls[-1]
        raise SendError("database is locked", range(len(things)), transient=True)

    bus = Telling(refuse)
    waiting = merge(bus, MESSAGES * 5, MESSAGES * 2, seconds=0.5)
    told = [outcome(one) or one.abandon("late") for one in waiting]
    assert told[0] is not told[1]
    for error, count in zip(told, (5, 2), strict=True):
        # A machine that stood still may have had no time to tell.
        assert isinstance(error, SendError | BusConnectionError)
        if isinstance(error, SendError):
            assert error.unsent == tuple(range(count))


def test_after_a_part_was_confirmed_each_error_tells_the_rest(merge):
    """By the positions in what came first, whatever is the trouble later."""

    def confirm_some():
        sizes.append(len(bus.calls[-1][1]))
        if len(sizes) == 1:
            raise SendError("half", [1, 3, 5], transient=True)
        if len(sizes) == 2:
            raise SendError("less", [1, 2], transient=True)
        raise BusConnectionError("gone") if len(sizes) == 3 else BusError("no more")

    sizes = []
    bus = Telling(confirm_some)
    waiting = merge(bus, MESSAGES * 4, MESSAGES * 2)
    told = [outcome(one) for one in waiting]
    assert [(type(one), one.unsent) for one in told] == [
        (SendError, (3,)),
        (SendError, (1,)),
    ]
    assert sizes == [6, 3, 2, 2, 1, 1]


def test_who_waits_no_longer_is_told_what_was_confirmed_by_then():
    """Of one that is sent in part, the rest; of one that is not, that it is late."""
    request = Request(MESSAGES * 3, deadline=0)
    assert type(request.abandon("late")) is BusConnectionError
    request.keep([0, 2])
    request.keep([1])
    error = request.abandon("late")
    assert (str(error), error.unsent, error.transient) == ("late", (2,), True)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (Message("load", b"bad", delay=5.0), UnsupportedCapabilityError),
        (Message("load", b"odd"), ValueError),
        (Message("load", b"long"), PayloadError),
    ],
)
def test_what_is_wrong_with_one_message_is_told_to_its_sender_alone(merge, bad, kind):
    """Also when the bus does not say whose it is."""

    def look():
        _, bodies = bus.calls[-1]
        if b"odd" in bodies:
            raise ValueError("a plugin's own")
        if b"long" in bodies:
            raise PayloadError("too long, whichever it is")

    bus = Telling(look, capabilities=Capabilities())
    good, told, also_good = map(outcome, merge(bus, MESSAGES, [bad], MESSAGES))
    assert (good, also_good) == (True, True)
    assert type(told) is kind
    assert [one.body for one in bus.sent].count(b"a") == 4


def test_a_bus_that_cannot_be_opened_is_tried_once_for_all_who_wait():
    """It is no message's fault; each is told at once, by an error of its own."""
    begun, go = threading.Event(), threading.Event()
    tries = []

    def open_bus():
        tries.append(len(tries))
        begun.set()
        assert go.wait(LONG)
        raise OptionError(["the password is wrong", "and so is the user"])

    thread = BusThread(open_bus, "test")
    waiting = [thread.submit(MESSAGES, LONG)]
    assert begun.wait(LONG)
    waiting += [thread.submit(MESSAGES, LONG) for _ in range(3)]
    go.set()
    told = [outcome(one) for one in waiting]
    thread.stop().join(20)
    assert [str(one) for one in told] == [
        "the password is wrong\nand so is the user"
    ] * 4
    assert len({id(one) for one in told}) == 4
    assert tries == [0, 1]  # the first, and all who came meanwhile


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


def interrupt_at(step, act):
    """Do something with a Ctrl-C before one of its steps in the file under test.

    Returns:
        Whether it had so many.
    """
    steps = itertools.count(1)

    def trace(frame, event, _):
        if frame.f_code.co_filename != bus_thread.__file__:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(steps) == step:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()  # whoever measures coverage
    sys._getframe().f_trace_opcodes = True  # Python 3.12 looks now if anybody wants it
    sys.settrace(trace)
    try:
        act()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return next(steps) > step


def test_an_interrupt_may_come_anywhere(make):
    """Nobody is left with a turn that does not end."""
    thread = make(*(Telling() for _ in range(9999)))
    send(thread)
    step = 1
    while interrupt_at(step, lambda: send(thread)):
        other = threading.Thread(target=send, args=(thread,))
        other.start()
        other.join(LONG)
        assert not other.is_alive(), f"after step {step}"
        assert send(thread)
        step += 1
    assert step > 50


def test_a_signal_that_sends_does_not_break_in_on_who_sends(make):
    """It comes in the middle of a call, in the same thread: the bus is in use."""
    told = []

    def handle():
        if len(bus.threads) == 2:
            told.append(outcome(thread.submit(MESSAGES, LEAST_PATIENCE)))

    bus = Telling(handle)
    thread = make(bus)
    thread.submit(MESSAGES, LONG).wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Request, "wait", lambda self: "in the queue")
        thread.submit(MESSAGES, LONG)
    assert told == ["in the queue"]


def test_after_the_end_nothing_is_sent(make):
    """By nobody."""
    thread = make(Telling())
    send(thread)
    thread.stop().join(20)
    with pytest.raises(BusClosedError):
        send(thread)
