"""Rules of `task_core.launcher.lending`: who uses the bus, and when."""

import logging
import threading
import time

import pytest
from msgspec.structs import replace

from task_core.api import Capabilities, failed
from task_core.errors import BusConnectionError
from task_core.launcher.at_work import Record
from task_core.launcher.lending import may_lend
from task_core.launcher.plan import AckMode

LEASED = Capabilities(ack=True, nack=True, lease=True)
STREAM = Capabilities(bounded=True)
SLOT = "slot-0"
LIMIT = 20


@pytest.fixture
def users(script):
    """`users(bodies, …)` makes a bus, and a list of threads that have received."""

    def make(bodies, *, then=lambda bus, names: None, **more):
        names = []

        def on_receive(bus):
            names.append(threading.current_thread().name)
            then(bus, names)

        return script(bodies, on_receive=on_receive, **more), names

    return make


def nothing(info):
    """Do a tiny task."""


@pytest.mark.parametrize(("capabilities", "more"), [(LEASED, 0), (STREAM, None)])
def test_the_slot_uses_the_bus_while_tasks_are_tiny(
    rig, users, make_tasks, capabilities, more
):
    """With one held at a time, or on a stream; every task is done once."""
    bus, names = users(make_tasks(*range(3000)), capabilities=capabilities)
    made = rig(nothing, bus, prefetch=more)
    made.launcher.run()
    assert SLOT in names
    assert names[0] != SLOT
    assert [int(task.info) for task in bus.done] == [*range(3000)]
    assert made.stats.received == made.stats.done == 3000


@pytest.mark.parametrize(
    ("settings", "heard"),
    [
        ({"concurrency": 2, "prefetch": 0}, ()),
        ({"prefetch": 10}, ()),
        ({"prefetch": None}, ()),
        ({"prefetch": 0, "rate": 1e6}, ()),
        ({"prefetch": 0}, ("task_settled",)),
        ({"prefetch": 0}, ("task_before_send",)),
    ],
)
def test_otherwise_the_bus_thread_does(rig, users, make_tasks, hooks, settings, heard):
    """Others settle some while others run; and hooks count on one thread."""
    bus, names = users(make_tasks(*range(300)), capabilities=LEASED)
    listening = hooks(**dict.fromkeys(heard, lambda **facts: None))
    made = rig(nothing, bus, hooks=listening, **settings)
    made.launcher.run()
    assert len(bus.done) == 300
    assert SLOT not in names


@pytest.mark.parametrize(("prefetch", "may"), [(None, False), (0, True)])
def test_what_is_acknowledged_early_makes_no_stream(rig, memory, prefetch, may):
    """It comes from a broker all the same."""
    made = rig(nothing, memory.open(), prefetch=prefetch, ack=AckMode.EARLY)
    assert may_lend(made.launcher.plan, made.launcher.parts) is may
    made.launcher.close()


def test_a_task_that_takes_longer_keeps_its_lease(rig, users, make_tasks):
    """The bus is taken back while it runs."""
    bus, names = users(make_tasks(*range(20), "long", *range(20)), capabilities=LEASED)
    extended = threading.Event()
    bus.extended = Told(extended)

    def work(info):
        assert info != "long" or extended.wait(LIMIT)

    made = rig(work, bus, prefetch=0, lease=0.3)
    made.launcher.run()
    assert SLOT in names
    assert [20] in bus.extended
    assert [task.result for task in bus.done] == ["complete"] * 41


class Told(list):
    """A list that tells when something is added."""

    def __init__(self, event):
        super().__init__()
        self.event = event

    def append(self, item):
        super().append(item)
        self.event.set()


def test_a_stop_is_heeded_while_the_slot_waits_for_more(rig, users, make_tasks, until):
    """Whoever has the bus."""
    bus, names = users(make_tasks(*range(50)), capabilities=LEASED, bounded=False)
    made = rig(nothing, bus, prefetch=0).start()
    until(lambda: len(bus.done) == 50 and SLOT in names)
    made.launcher.stop()
    made.join()
    assert made.stats.done == 50


def test_a_stop_that_comes_while_the_slot_receives_ends_that(rig, users, make_tasks):
    """And what came then is done or given back."""

    def then(bus, names):
        if names.count(SLOT) == 10 and names[-1] == SLOT:
            made.launcher.stop()

    bus, names = users(make_tasks(*range(50)), capabilities=LEASED, then=then)
    made = rig(nothing, bus, prefetch=0)
    made.launcher.run()
    assert SLOT in names
    assert not bus.held
    assert 10 <= made.stats.done < 50


def test_a_stop_is_heeded_though_many_wait(rig, users, make_tasks):
    """On a stream a thousand do, and each may have become slower."""
    begun = []

    def work(info):
        begun.append(info)
        if len(begun) >= 2000:
            time.sleep(0.002)
        if len(begun) == 2050:
            made.launcher.stop()
            made.launcher.stop()

    bus, names = users(make_tasks(*range(5000)), capabilities=STREAM)
    made = rig(work, bus)
    made.launcher.run()
    assert SLOT in names
    assert len(begun) < 2500
    results = [task.result for task in bus.done]
    assert results.count("complete") >= len(begun) - 1  # one is running


def test_what_may_have_killed_before_runs_at_once(rig, users, make_tasks, monkeypatch):
    """Also when it is the slot that receives it."""
    monkeypatch.setattr("task_core.launcher.loop.LOOK_EVERY", 3600.0)

    def then(bus, names):
        if names.count(SLOT) == 10 and names[-1] == SLOT:
            bus.left[0] = replace(bus.left[0], attempt=2)

    counting = Capabilities(ack=True, nack=True, lease=True, attempts=True)
    bus, names = users(make_tasks(*range(50)), capabilities=counting, then=then)
    made = rig(nothing, bus, prefetch=0, lease=36000.0).start()
    made.join()
    assert SLOT in names
    assert len(bus.done) == 50


def test_a_worker_with_threads_of_its_own_gets_no_bus(rig, users, make_tasks):
    """They may raise an exception in its thread, which is not to hit a settle."""
    end = threading.Event()

    def work(info):
        if info == "25":
            threading.Thread(target=end.wait, args=(LIMIT,)).start()

    bus, names = users(make_tasks(*range(50)), capabilities=LEASED)
    made = rig(work, bus, prefetch=0)
    made.launcher.run()
    end.set()
    assert SLOT in names[:25]
    assert SLOT not in names[27:]
    assert len(bus.done) == 50


def test_who_asks_for_the_backlog_takes_no_bus_away(rig, users, make_tasks):
    """It is looked for by whoever has the bus."""

    def then(bus, names):
        made.launcher.loop.watchdog.wanted = True

    bus, names = users(make_tasks(*range(300)), capabilities=LEASED, then=then)
    made = rig(nothing, bus, prefetch=0)
    made.launcher.run()
    assert names.count(SLOT) > 200


def test_an_interrupt_of_the_bus_thread_ends_the_lending_first(
    rig, users, make_tasks, monkeypatch
):
    """Then only is the bus closed: nobody uses it beside that."""
    bus, _ = users(make_tasks(*range(50)), capabilities=LEASED, bounded=False)
    made = rig(nothing, bus, prefetch=0)
    used = []

    def close():
        used.append(made.launcher.loop._using.locked())

    monkeypatch.setattr(bus, "_close", close)

    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    monkeypatch.setattr("task_core.launcher.lending.Event", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.launcher.run()
    assert used == [False]
    assert made.launcher.loop._threads.between is None


def test_lines_about_failed_tasks_name_them(rig, users, make_tasks, caplog):
    """Also those that the slot writes, between two tasks."""
    logging.setLogRecordFactory(Record)
    bus, _ = users(make_tasks(*range(50)), capabilities=LEASED)
    made = rig(lambda info: failed("no"), bus, prefetch=0)
    made.launcher.run()
    told = [one for one in caplog.records if "no" in one.getMessage()]
    assert SLOT in {one.threadName for one in told}
    assert [one.at_work.info for one in told] == [str(n) for n in range(50)]


def test_when_nothing_comes_the_bus_thread_waits(rig, users, make_tasks, until):
    """It waits for long, and the slot rests."""
    bus, names = users(make_tasks(*range(50)), capabilities=LEASED, bounded=False)
    made = rig(nothing, bus, prefetch=0).start()
    until(lambda: SLOT in names and names[-1] != SLOT)
    assert len(bus.done) == 50
    made.launcher.stop()
    made.join()


@pytest.mark.parametrize("wants", ["max_tasks", "drain"])
def test_it_ends_as_ever(rig, users, make_tasks, wants):
    """No more is received than is wanted, and what is there is done."""
    count = 30 if wants == "max_tasks" else 60
    settings = {"max_tasks": 30} if wants == "max_tasks" else {"drain": True}
    bus, names = users(make_tasks(*range(60)), capabilities=LEASED, bounded=False)
    made = rig(nothing, bus, prefetch=0, **settings)
    made.launcher.run()
    assert SLOT in names
    assert made.stats.received == len(bus.done) == count


def fail_once(error):
    """Return what lets the next settle fail, once, while the slot has the bus."""

    def then(bus, names):
        if names.count(SLOT) == 10 and names[-1] == SLOT:
            bus.failures.append(error)

    return then


def test_an_outage_is_sat_out_and_nothing_is_lost(rig, users, make_tasks, caplog):
    """By the bus thread: the slot only tells it."""
    error = BusConnectionError("it is away")
    bus, names = users(
        make_tasks(*range(50)), capabilities=LEASED, then=fail_once(error)
    )
    made = rig(nothing, bus, prefetch=0)
    made.launcher.run()
    assert SLOT in names
    assert "it is away; trying again" in caplog.text
    assert [int(task.info) for task in bus.done] == [*range(50)]


def test_what_is_no_error_of_a_bus_ends_the_launcher(rig, users, make_tasks):
    """It is raised where it is told, and tells where it was."""
    bus, names = users(
        make_tasks(*range(50)), capabilities=LEASED, then=fail_once(ZeroDivisionError())
    )
    made = rig(nothing, bus, prefetch=0)
    with pytest.raises(ZeroDivisionError):
        made.launcher.run()
    assert SLOT in names
