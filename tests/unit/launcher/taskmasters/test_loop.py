"""Rules of loops of taskmasters: events in, tasks out, nothing lost."""

import hashlib
import logging
import threading
import time
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from task_core.api.taskmaster import FunctionTaskmaster
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.clock import SystemClock
from task_core.dead import decode_dead
from task_core.errors import PayloadError
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.task import Task

LIMIT = 20


class FakeClock(SystemClock):
    """Time that passes only while somebody waits."""

    def __init__(self, start=1_000_000.0):
        super().__init__()
        self.now = start
        self.waits = []
        self.on_wait = lambda: None

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def wait(self, event, seconds):
        self.waits.append(seconds)
        self.now += seconds
        self.on_wait()
        return event.is_set()


@pytest.fixture
def loop(memory):
    memory.watch("sum", "load.dead")

    def loop(run, clock=None, lease=30.0, bus=None, **more):
        return TaskmasterLoop(
            FunctionTaskmaster(run),
            bus=bus or memory.open(lease),
            lease=lease,
            **more,
            clock=clock or SystemClock(),
            log=logging.getLogger("task.test"),
        )

    return loop


def child(info=""):
    return Task(type="sum", info=info)


def test_what_is_no_task_is_told_where_it_is_sent(loop):
    """With what there is instead."""

    def run(ctx):
        ctx.send("sum")

    with pytest.raises(TypeError, match="^ctx.send: a task is wanted, not 'sum': make"):
        loop(run).run()


def test_what_is_sent_is_there_when_the_call_returns(loop, memory):
    """On the topic of its type, or where it is told to go."""
    memory.watch("elsewhere")
    seen = []

    def run(ctx):
        ctx.send(child("a"))
        seen.extend(memory.tasks("sum"))
        ctx.send(child("b"), topic="elsewhere")

    loop(run).run()
    assert [task.info for task in seen] == ["a"]
    assert [task.info for task in memory.tasks("elsewhere")] == ["b"]


def test_what_a_loop_body_sends_leaves_with_the_settle(loop, memory, make_tasks):
    """Not before; then the delivery is gone."""
    memory.put(*make_tasks("1", "2"))
    early = []

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            ctx.send(child(task.info))
            early.append([t.info for t in memory.tasks("sum")])
            if task.info == "2":
                made.stop()

    made = loop(run)
    made.run()
    assert early == [[], ["1"]]
    assert [task.info for task in memory.tasks("sum")] == ["2"]
    assert memory.depth("load", "load") == 0


@pytest.mark.parametrize("leave", ["break", "raise"])
def test_a_loop_body_that_is_left_gives_its_delivery_back(
    loop, memory, make_tasks, leave
):
    """With the next use of the context; and what it sent does not leave."""
    memory.put(*make_tasks("1"))
    depths = []

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            ctx.send(child(task.info))
            if leave == "raise":
                raise ValueError("boom")
            break
        ctx.send(child("after"))
        depths.append(memory.depth("load", "load"))

    if leave == "raise":
        with pytest.raises(ValueError, match="boom"):
            loop(run).run()
        assert memory.tasks("sum") == []
    else:
        loop(run).run()
        assert depths == [1]
        assert [task.info for task in memory.tasks("sum")] == ["after"]
    assert memory.depth("load", "load") == 1


def test_loops_inside_loops_keep_their_deliveries_apart(loop, memory, make_tasks):
    """Each settles with what its own body sent."""
    memory.put(*make_tasks("outer"))
    memory.put(*make_tasks("inner"), topic="other")

    def run(ctx):
        for _ in ctx.deliveries("load", "load"):
            ctx.send(child("1"))
            for _ in ctx.deliveries("other", "load"):
                ctx.send(child("2"))
                break
            ctx.send(child("3"))
            made.stop()

    made = loop(run)
    made.run()
    assert [task.info for task in memory.tasks("sum")] == ["1", "3"]
    assert memory.depth("load", "load") == 0
    assert memory.depth("other", "load") == 1


def test_what_is_no_task_goes_to_the_dead_topic(loop, memory, make_tasks):
    """The loop body never sees it."""
    memory.put(b"nonsense", *make_tasks("1"))
    seen = []

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            seen.append(task.info)
            made.stop()

    made = loop(run)
    made.run()
    assert seen == ["1"]
    assert decode_dead(memory.take("load.dead")[0]).original == b"nonsense"
    assert memory.depth("load", "load") == 0


def test_a_bounded_stream_ends_the_loop(script, make_tasks):
    """A file of tasks, for example."""
    bus, seen = script(make_tasks("1", "2")), []

    def run(ctx):
        seen.extend(task.info for task in ctx.deliveries("load", "load"))

    TaskmasterLoop(
        FunctionTaskmaster(run),
        bus=bus,
        lease=30.0,
        clock=SystemClock(),
        log=logging.getLogger(),
    ).run()
    assert seen == ["1", "2"]
    assert bus.settled == [0, 1]
    assert bus.closed


@pytest.mark.parametrize(
    "wait",
    [
        lambda ctx: ctx.wait(3600),
        lambda ctx: ctx.wait_until(datetime.now(UTC) + timedelta(hours=1)),
        lambda ctx: list(ctx.deliveries("load", "load")) or ctx.stopping,
    ],
)
def test_a_stop_ends_every_wait_at_once(loop, wait):
    """And the next one does not even begin."""
    began, answers = threading.Event(), []

    def run(ctx):
        began.set()
        answers.append(wait(ctx))
        answers.append(wait(ctx))

    made = loop(run)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    assert began.wait(LIMIT)
    made.stop()
    thread.join(LIMIT)
    assert answers == [True, True]


def test_a_stop_before_the_run_counts(loop, memory, make_tasks):
    """Nothing is taken from the bus."""
    memory.put(*make_tasks("1"))

    def run(ctx):
        assert list(ctx.deliveries("load", "load")) == []

    made = loop(run)
    made.stop()
    made.run()
    assert memory.depth("load", "load") == 1


@pytest.mark.parametrize(
    "wait",
    [
        lambda ctx: ctx.wait(3600),
        lambda ctx: ctx.wait_until(datetime.now(UTC) + timedelta(hours=1)),
    ],
)
def test_somebody_else_may_wake_a_taskmaster(loop, wait):
    """One wait ends early and says that it is not to stop; the next one does not."""
    answers, woken = [], threading.Event()

    def run(ctx):
        threading.Timer(0.05, ctx.wake).start()
        answers.append(wait(ctx))
        woken.set()
        answers.append(wait(ctx))

    made = loop(run)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    assert woken.wait(LIMIT)
    assert answers == [False]
    made.stop()
    thread.join(LIMIT)
    assert answers == [False, True]


def test_who_is_woken_before_the_wait_does_not_wait(loop):
    """What there is to do came just before: it would lie there until the next time."""
    clock, answers = FakeClock(), []

    def run(ctx):
        ctx.wake()
        ctx.wake()
        answers.append(ctx.wait(150))
        answers.append(ctx.wait(10))

    loop(run, clock).run()
    assert answers == [False, False]
    assert clock.waits == [60, 10]


def test_wait_takes_as_long_as_it_says(loop):
    """In naps: clocks get set, machines sleep."""
    clock, answers = FakeClock(), []
    loop(lambda ctx: answers.append(ctx.wait(150)), clock).run()
    assert answers == [False]
    assert clock.waits == [60, 60, 30]
    loop(lambda ctx: answers.append(ctx.wait(0)), clock).run()
    assert len(clock.waits) == 3


def test_wait_until_follows_a_clock_that_is_set(loop):
    """The moment counts, not the seconds that were left at the beginning."""
    clock, answers = FakeClock(), []

    def jump():
        clock.now += 86_400

    def run(ctx):
        moment = datetime.fromtimestamp(clock.now, UTC) + timedelta(days=1, hours=1)
        clock.on_wait = jump
        answers.append(ctx.wait_until(moment))

    loop(run, clock).run()
    assert answers == [False]
    assert sum(clock.waits) == 120  # a nap, the day's jump, one more nap and its jump


def test_a_moment_without_a_zone_is_refused(loop):
    """It would be waited for in the zone of the machine."""
    with pytest.raises(ValueError, match="with a zone"):
        loop(lambda ctx: ctx.wait_until(datetime(2026, 1, 1))).run()


def test_a_moment_that_is_past_is_no_wait(loop):
    """Late is late."""
    clock = FakeClock()
    past = datetime.fromtimestamp(clock.now - 1, UTC)
    loop(lambda ctx: ctx.wait_until(past), clock).run()
    assert clock.waits == []


def test_a_loop_body_that_waits_keeps_its_delivery(loop, memory, make_tasks):
    """Its lease is renewed meanwhile: nobody else gets the task."""
    memory.put(*make_tasks("1"))
    other = memory.open()
    stolen = []

    def run(ctx):
        for _ in ctx.deliveries("load", "load"):
            ctx.wait(1.2)
            stolen.extend(other.subscribe("load", "load").receive(1, 0))
            made.stop()

    made = loop(run, lease=0.5)
    made.run()
    assert stolen == []
    assert memory.depth("load", "load") == 0


def test_the_bus_is_closed_at_the_end(loop, memory, make_tasks):
    """Also when the taskmaster fails."""

    def run(ctx):
        raise ValueError("boom")

    made = loop(run)
    with pytest.raises(ValueError, match="boom"):
        made.run()
    assert made.buses[0].closed


def test_a_taskmaster_reacts_to_done_tasks_of_a_launcher(rig, loop, memory, make_tasks):
    """The two together, over one bus."""
    memory.put(*make_tasks("1"))
    memory.subscribe("done", "master").close()  # the channel stays

    def run(ctx):
        for task in ctx.deliveries("done", "master"):
            ctx.send(child(f"after {task.info}: {task.result}"))
            made.stop()

    made = loop(run)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    rig(lambda info: None, memory.open(), max_tasks=1).start().join()
    thread.join(LIMIT)
    assert [t.info for t in memory.tasks("sum")] == ["after 1: complete"]


def test_a_body_that_always_raises_ends_in_the_dead_topic(loop, memory, make_tasks):
    """And the next task has its turn."""
    memory.put(*make_tasks("bad", "good"))

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            if task.info == "bad":
                raise ValueError("no")
            made.stop()

    for _ in range(3):
        made = loop(run, max_attempts=3)
        with pytest.raises(ValueError, match="no"):
            made.run()
    made = loop(run, max_attempts=3)
    made.run()
    letter = decode_dead(*memory.take("load.dead"))
    assert letter.original == make_tasks("bad")[0]
    assert letter.reason == "handed out 3 times, at last: ValueError: no"
    assert memory.depth("load", "load") == 0


def test_a_task_that_stops_gave_back_is_not_dead(loop, memory, make_tasks):
    """However often: a stop says nothing about it."""
    memory.put(*make_tasks("slow"))
    seen = []

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            seen.append(task.info)
            made.stop()
            break

    for _ in range(6):
        made = loop(run, max_attempts=3)
        made.run()
    assert seen == ["slow"] * 6
    assert memory.depth("load", "load") == 1
    assert memory.take("load.dead") == []


def test_what_a_break_left_is_given_back_when_the_body_goes_on(
    loop, memory, make_tasks
):
    """It need not wait for the end."""
    memory.put(*make_tasks("1"))
    seen = []

    def run(ctx):
        for _ in ctx.deliveries("load", "load"):
            break
        for task in ctx.deliveries("load", "load"):
            seen.append(task.info)
            made.stop()

    made = loop(run)
    made.run()
    assert seen == ["1"]
    assert memory.depth("load", "load") == 0


def narrow(memory):
    small = attrs.evolve(MEMORY, max_bytes=20_000)
    return MemoryBus(memory.name_, small, 30.0)


def test_what_the_bus_refuses_is_an_error_where_it_is_sent(loop, memory, make_tasks):
    """In a loop body and outside of one; the taskmaster may go on."""
    memory.put(*make_tasks("a"))
    big = child("x" * 20_000)

    def run(ctx):
        with pytest.raises(PayloadError):
            ctx.send(big)
        for _ in ctx.deliveries("load", "load"):
            with pytest.raises(PayloadError):
                ctx.send(big)
            ctx.send(child("small"))
            made.stop()

    made = loop(run, bus=narrow(memory))
    made.run()
    assert [task.info for task in memory.tasks("sum")] == ["small"]
    assert made.sent == 1


def test_a_dead_letter_that_is_too_long_is_cut(loop, memory, make_tasks):
    """As in the launcher."""
    memory.put(b"\xff" * 19_000, *make_tasks("a"))

    def run(ctx):
        for _ in ctx.deliveries("load", "load"):
            made.stop()

    made = loop(run, bus=narrow(memory))
    made.run()
    letter = decode_dead(*memory.take("load.dead"))
    assert letter.rest.endswith(hashlib.sha256(b"\xff" * 17_976).hexdigest())


def test_hooks_hear_of_what_a_taskmaster_does(loop, memory, make_tasks, hooks):
    """What it receives and sends; a decider may change what leaves."""
    memory.put(*make_tasks("a"))
    told = []
    listening = hooks(
        task_received=lambda task, delivery: told.append(("received", task.info)),
        task_sent=lambda messages: told.append(("sent", len(messages))),
        task_before_send=lambda task, topic, parent: child(f"changed for {topic}"),
    )

    def run(ctx):
        ctx.send(child("x"))
        for task in ctx.deliveries("load", "load"):
            ctx.send(task, topic="sum")
            made.stop()

    made = loop(run, hooks=listening)
    made.run()
    assert told == [("sent", 1), ("received", "a"), ("sent", 1)]
    assert {task.info for task in memory.tasks("sum")} == {"changed for sum"}


@pytest.mark.parametrize("asks", ["stopping", "wait", "send"])
def test_a_busy_body_keeps_its_delivery_when_it_only_calls_its_context(
    loop, memory, make_tasks, asks
):
    """It may work for long without a wait; whatever it asks for renews the lease."""
    memory.put(*make_tasks("1"))
    stolen = []

    def run(ctx):
        other = memory.open(0.5).subscribe("load", "load")
        for _ in ctx.deliveries("load", "load"):
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                if asks == "wait":
                    ctx.wait(0)
                elif asks == "send":
                    ctx.send(child())
                    time.sleep(0.01)  # it works
                elif ctx.stopping:
                    break
            stolen.extend(other.receive(1, 0))
            made.stop()

    made = loop(run, lease=0.5)
    made.run()
    assert stolen == []
