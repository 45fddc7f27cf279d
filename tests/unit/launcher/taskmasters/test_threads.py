"""Rules of taskmasters with several loops: a thread and a bus each, and one end."""

import logging
import threading
from functools import partial

import pytest

from task_core.api.taskmaster import FunctionTaskmaster, Taskmaster
from task_core.errors import (
    BusConnectionError,
    BusError,
    PluginContractError,
    UsageError,
)
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.task import Task

LIMIT = 30


class Several(Taskmaster):
    """A taskmaster whose loops are given."""

    def __init__(self, *functions):
        self.functions = functions

    def loops(self):
        return self.functions


@pytest.fixture
def several(memory):
    memory.watch("sum")

    def several(*functions, **more):
        more.setdefault("log", logging.getLogger("task.test"))
        return TaskmasterLoop(Several(*functions), memory.open, **more)

    return several


@pytest.fixture
def started():
    """Run a loop in a thread; its error is in the list."""

    def start(made):
        errors = []

        def run():
            try:
                made.run()
            except BaseException as error:  # noqa: BLE001  for the test
                errors.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread, errors

    return start


def child(info):
    return Task(type="sum", info=info)


def test_loops_run_at_once_each_in_a_thread_with_a_bus_of_its_own(several, memory):
    """None waits for another one."""
    together, contexts, threads = threading.Barrier(2, timeout=LIMIT), [], set()

    def loop(ctx):
        contexts.append(ctx)
        threads.add(threading.get_ident())
        together.wait()
        ctx.send(child("x"))

    made = several(loop, loop)
    made.run()
    assert len(threads) == 2
    assert contexts[0] is not contexts[1]
    assert made.buses[0] is not made.buses[1]
    assert all(bus.closed for bus in made.buses)
    assert len(memory.tasks("sum")) == 2
    assert made.sent == 2


def test_a_taskmaster_ends_when_all_its_loops_have_returned(several, started):
    """One that has nothing more to do leaves the others alone."""
    first, second = threading.Event(), threading.Event()

    def short(ctx):
        first.set()

    def long(ctx):
        first.wait(LIMIT)
        assert not ctx.wait(0.2)
        second.wait(LIMIT)

    thread, errors = started(several(short, long))
    assert first.wait(LIMIT)
    thread.join(0.3)
    assert thread.is_alive()
    second.set()
    thread.join(LIMIT)
    assert not thread.is_alive()
    assert errors == []


def test_a_stop_ends_every_loop(several, started):
    """Whatever each waits for."""
    began, ended = threading.Barrier(4, timeout=LIMIT), []

    def waits(ctx):
        began.wait()
        ended.append(ctx.wait(3600))

    def reads(ctx):
        began.wait()
        ended.append(list(ctx.deliveries("load", "load")) or ctx.stopping)

    def gathers(ctx):
        began.wait()
        ended.append(list(ctx.batches("load", "other", wait=3600)) or ctx.stopping)

    made = several(waits, reads, gathers)
    thread, errors = started(made)
    began.wait()
    made.stop()
    thread.join(LIMIT)
    assert (ended, errors) == ([True] * 3, [])


def test_one_loop_that_fails_ends_all(several, caplog):
    """Its error is that of the taskmaster; the others are stopped as by a signal."""
    ended = []

    def waits(ctx):
        ended.append(ctx.wait(3600))

    def fails(ctx):
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        several(waits, fails, waits).run()
    assert ended == [True, True]
    text = "loop 'fails' failed, and the others are stopped: ValueError: boom"
    assert text in caplog.text


def test_the_worst_of_several_errors_is_told(several):
    """A bug hides behind no outage that it brought to light."""
    together = threading.Barrier(2, timeout=LIMIT)

    def away(ctx):
        together.wait()
        raise BusError("away")

    def bug(ctx):
        together.wait()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        several(away, bug).run()


def test_a_loop_that_does_not_return_holds_up_no_error_for_ever(several, caplog):
    """It has the time that a signal would give it; then it is left as it is."""
    release = threading.Event()

    def stuck(ctx):
        release.wait()

    def fails(ctx):
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        several(stuck, fails, kill_time=0.1).run()
    release.set()
    assert "did not return in time, and is left as it is: stuck" in caplog.text


def test_a_loop_waits_in_an_outage_while_the_others_go_on(several, flaky_buses):
    """Each insists for itself."""
    away = threading.Event()
    went_on = []

    def sends(ctx):
        ctx.send(child("late"))

    def goes_on(ctx):
        away.wait(LIMIT)
        went_on.append(ctx.wait(0.01))

    flaky_buses(away, times=3)
    several(sends, goes_on).run()
    assert went_on == [False]


@pytest.fixture
def flaky_buses(memory, monkeypatch):
    def make(away, times):
        open_, first = memory.open, [True]

        def flaky():
            bus = open_()
            if first.pop() if first else False:
                producer = bus.producer()
                send, left = producer.send, [BusConnectionError("away")] * times

                def fail(messages):
                    if left:
                        away.set()
                        raise left.pop()
                    send(messages)

                producer.send = fail
                bus.producer = lambda: producer
            return bus

        monkeypatch.setattr(memory, "open", flaky)

    return make


def test_when_one_bus_cannot_be_opened_none_stays_open(memory):
    """The error is told before anything runs."""
    opened = []

    def open_():
        if opened:
            raise BusError("no more connections")
        opened.append(memory.open())
        return opened[0]

    with pytest.raises(BusError, match="no more connections"):
        TaskmasterLoop(Several(print, print), open_)
    assert opened[0].closed


def test_one_open_bus_is_not_shared_by_several_loops(memory):
    """One thread owns a bus."""
    with pytest.raises(UsageError, match="2 loops need a bus each"):
        TaskmasterLoop(Several(print, print), memory.open())


@pytest.mark.parametrize("loops", [(), (None,), ("run",)])
def test_what_is_no_loop_is_told_before_anything_is_opened(loops):
    """With the name of the class."""
    with pytest.raises(PluginContractError, match=r"Several\.loops: functions that"):
        TaskmasterLoop(Several(*loops), pytest.fail)


def test_loops_that_are_none_are_told():
    """A return is easily forgotten."""

    class Forgets(Taskmaster):
        """Returns nothing."""

        def loops(self): ...

    with pytest.raises(PluginContractError, match=r"^Forgets\.loops: .*None$"):
        TaskmasterLoop(Forgets(), pytest.fail)


async def awaited(ctx): ...
async def both(ctx):
    yield


def yields(ctx):
    yield


def greedy(ctx, more): ...
def shy(): ...


@pytest.mark.parametrize(
    ("loop", "text"),
    [
        (awaited, "awaited is an async def, which nobody awaits (write def)"),
        (both, "both has a yield, so a call does nothing (write ctx.send(task)"),
        (yields, "yields has a yield, so a call does nothing (write ctx.send(task)"),
        (greedy, "greedy must take the context alone, not (ctx, more)"),
        (shy, "shy must take the context alone, not ()"),
    ],
)
def test_a_loop_that_cannot_be_called_is_refused_before_anything_is_opened(loop, text):
    """Alone, or beside others; `guard.blaming` tells whose it is."""
    for made in (FunctionTaskmaster(loop), Several(print, loop)):
        with pytest.raises(PluginContractError) as caught:
            TaskmasterLoop(made, pytest.fail)
        assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    "loop", [partial(greedy, more=1), lambda *args: None, print, lambda ctx, more=1: 0]
)
def test_a_loop_that_takes_a_context_will_do(memory, loop):
    """However it is written."""
    TaskmasterLoop(FunctionTaskmaster(loop), memory.open())


def test_what_is_no_taskmaster_is_told():
    """Whatever `make` returned."""
    with pytest.raises(PluginContractError, match=r"it is list"):
        TaskmasterLoop([], pytest.fail)


def test_loops_wake_each_other(several):
    """A context is all that one needs of another."""
    contexts, answers, ready = {}, [], threading.Event()

    def sleeper(ctx):
        contexts["sleeper"] = ctx
        ready.set()
        answers.append(ctx.wait(3600))

    def caller(ctx):
        assert ready.wait(LIMIT)
        contexts["sleeper"].wake()

    several(sleeper, caller).run()
    assert answers == [False]


def test_hooks_are_told_once_of_what_belongs_to_the_whole(several, hooks):
    """And of the bus of each loop."""
    told = []
    listening = hooks(
        bus_opened=lambda bus: told.append(("opened", bus.name)),
        launcher_started=lambda guarantee, facts: told.append(("started", guarantee)),
        launcher_stopping=lambda reason: told.append(("stopping", reason)),
        launcher_stopped=lambda stats: told.append(("stopped", stats["producer"])),
    )

    def loop(ctx):
        ctx.send(child("x"))

    several(loop, loop, hooks=listening).run()
    assert told == [
        ("opened", "memory"),
        ("opened", "memory"),
        ("started", "taskmaster Several on bus memory"),
        ("stopping", "the taskmaster returned"),
        ("stopped", {"bus": "memory", "sent": {"sum": 2}}),
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_hooks_hear_of_the_end_after_a_failure(several, hooks, count):
    """Of its counts; not of a reason, since there was none to stop."""
    told = []
    listening = hooks(
        launcher_stopping=lambda reason: told.append((reason,)),
        launcher_stopped=lambda stats: told.append("stopped"),
    )

    def fails(ctx):
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        several(*[fails] * count, hooks=listening).run()
    assert told == ["stopped"]


def test_hooks_hear_why_it_was_stopped(several, hooks):
    """As in a launcher."""
    told = []
    made = several(
        lambda ctx: made.stop(),
        hooks=hooks(launcher_stopping=lambda reason: told.extend([reason])),
    )
    made.run()
    assert told == ["stopped"]
