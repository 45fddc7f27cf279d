"""Rules of `task_core.launcher.loop`: a stop loses nothing, and ends in time."""

import random
import threading
import time

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.worker import interrupted
from task_core.launcher.context import RunContext
from task_core.task import Task

LIMIT = 20
NO_ACK = Capabilities(bounded=True)
ACK_ONLY = Capabilities(ack=True, lease=False)


class Gate:
    """A worker that tells when it began and waits to be let go."""

    def __init__(self, answer=lambda ctx: None):
        self.began = threading.Event()
        self.go = threading.Event()
        self.answer = answer

    def __call__(self, info, ctx):
        self.began.set()
        assert self.go.wait(LIMIT)
        return self.answer(ctx)


def waits(began):
    """Return a worker that stops when it is told to."""

    def worker(info, ctx):
        began.set()
        return interrupted() if ctx.wait(LIMIT) else "done"

    return worker


def test_a_stop_gives_back_what_no_slot_has_begun(rig, script, make_tasks, until):
    """What runs may finish, and settles as usual; `cancelled` tells it to hurry."""
    gate = Gate(lambda ctx: f"cancelled: {ctx.cancelled}")
    bus = script(make_tasks(*range(10)), bounded=False)
    made = rig(gate, bus, prefetch=4).start()
    assert gate.began.wait(LIMIT)
    made.launcher.stop()
    until(lambda: len(bus.given_back) == 4)
    gate.go.set()
    made.join()
    assert bus.given_back == [1, 2, 3, 4]
    assert [(t.info, t.msg) for t in bus.done] == [("0", "cancelled: True")]
    assert len(bus.left) == 5
    assert made.stats.returned == 4


def test_an_interrupted_task_is_given_back(rig, script, make_tasks):
    """Where the bus takes it, there is no done task; its children do not leave."""
    began = threading.Event()

    def worker(info, ctx):
        ctx.send(Task(type="sum", info=""))
        return waits(began)(info, ctx)

    bus = script(make_tasks("a"), bounded=False)
    made = rig(worker, bus).start()
    assert began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    assert bus.given_back == [0]
    assert bus.sent == []


def test_an_interrupted_async_task_is_given_back(rig, script, make_tasks):
    """`wait_async` hears of the stop."""
    began = threading.Event()

    async def worker(info, ctx):
        began.set()
        return interrupted() if await ctx.wait_async(LIMIT) else "done"

    bus = script(make_tasks("a"), bounded=False)
    made = rig(worker, bus).start()
    assert began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    assert bus.given_back == [0]


def test_an_interrupted_task_is_an_error_where_nothing_can_be_given_back(
    rig, script, make_tasks
):
    """So are those that had not begun."""
    began = threading.Event()
    bus = script(make_tasks(*range(3)), bounded=False, capabilities=NO_ACK)
    made = rig(waits(began), bus, prefetch=2).start()
    assert began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    assert [(t.result, t.msg) for t in bus.done] == [("error", "task interrupted")] * 3
    assert all(task.started and task.ended for task in bus.done)


def test_interrupted_without_a_stop_is_an_error(rig, script, make_tasks):
    """Given back it would come again at once, for ever."""
    bus = script(make_tasks("a"))
    rig(lambda info: interrupted(), bus).start().join()
    assert [(t.result, t.msg) for t in bus.done] == [("error", "task interrupted")]


def test_a_bus_that_only_acknowledges_gets_everything_back_by_not_being_told(
    rig, script, make_tasks
):
    """Closing gives back what is unsettled: no task becomes an error for a stop."""
    began = threading.Event()
    bus = script(make_tasks(*range(5)), bounded=False, capabilities=ACK_ONLY)
    made = rig(waits(began), bus, prefetch=4).start()
    assert began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    assert bus.settles == []
    assert bus.closed
    assert made.stats.returned == 5


@pytest.mark.parametrize("nack", [True, False])
def test_after_the_kill_time_a_worker_is_left_behind(rig, script, make_tasks, nack):
    """Its task is given back, or is a done task that says so; late results are lost."""
    gate = Gate()
    capabilities = Capabilities(ack=True, nack=True) if nack else NO_ACK
    bus = script(make_tasks("a"), bounded=False, capabilities=capabilities)
    made = rig(gate, bus, kill_time=0.1).start()
    assert gate.began.wait(LIMIT)
    begin = time.monotonic()
    made.launcher.stop()
    made.join()
    assert 0.1 <= time.monotonic() - begin < 5
    assert made.stats.abandoned == 1
    if nack:
        assert (bus.given_back, bus.sent) == ([0], [])
    else:
        msg = "worker forced to close; waited '100ms'"
        assert [(t.result, t.msg) for t in bus.done] == [("error", msg)]
        assert bus.done[0].started
        assert bus.done[0].ended
    gate.go.set()


def test_a_second_stop_ends_at_once(rig, script, make_tasks):
    """However long the kill time is."""
    gate = Gate()
    bus = script(make_tasks("a"), bounded=False)
    made = rig(gate, bus, kill_time=600).start()
    assert gate.began.wait(LIMIT)
    made.launcher.stop()
    made.launcher.stop()
    made.join()
    assert bus.given_back == [0]
    gate.go.set()


def test_a_stop_while_nothing_runs_ends_at_once(rig, script):
    """Although the bus thread waits in `receive`."""
    waiting = threading.Event()
    bus = script(bounded=False, on_receive=lambda bus: waiting.set())
    made = rig(lambda info: None, bus).start()
    assert waiting.wait(LIMIT)
    begin = time.monotonic()
    made.launcher.stop()
    made.join()
    assert time.monotonic() - begin < 5


def test_a_stop_does_not_wait_when_all_was_given_back(
    rig, script, make_tasks, idle_slots
):
    """A stop between a receive and the first slot: nothing is left to wait for."""
    slots, calls = idle_slots(), []

    def stop_just_before_receiving(bus):
        calls.append(1)
        made.launcher.stop()
        made.handover._called = False  # as if the call had ended the wait before

    bus = script(make_tasks("a"), bounded=False, on_receive=stop_just_before_receiving)
    made = rig(lambda info: None, bus, slots=slots, kill_time=600)
    slots.handover = made.handover
    made.start().join(5)
    assert bus.given_back == [0]


def test_a_stop_before_the_launcher_runs_counts_once(rig, script, make_tasks):
    """Nothing is received; a signal in the first moment is not two."""
    bus = script(make_tasks("a"), bounded=False)
    made = rig(lambda info: None, bus)
    made.launcher.stop()
    made.start().join()
    assert bus.limits == []


def test_a_stop_after_the_end_of_input_still_cancels(rig, script, make_tasks):
    """While the last tasks finish."""
    began = threading.Event()
    bus = script(make_tasks("a"))
    made = rig(waits(began), bus).start()
    assert began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    assert bus.given_back == [0]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["nack", "ack", "none"])
def test_nothing_is_ever_lost(rig, script, make_tasks, seed, kind):
    """However stops, slots and ends meet, each delivery has exactly one fate.

    Settled, given back, or (where only silence gives back) left alone; and every
    settled one was reported.
    """
    dice = random.Random(seed)
    slow, stops = dice.choice([0, 0.0005, 0.004]), dice.choice([1, 1, 2])
    kinds = {"nack": Capabilities(ack=True, nack=True), "ack": ACK_ONLY, "none": NO_ACK}
    bus = script(make_tasks(*range(3000)), bounded=False, capabilities=kinds[kind])

    def worker(info, ctx):
        if slow and ctx.wait(dice.random() * slow):
            return interrupted()
        return info

    made = rig(
        worker,
        bus,
        concurrency=dice.choice([1, 2, 5]),
        prefetch=dice.choice([None, 0, 7]),
        kill_time=dice.choice([0.0, 0.01, 5]),
    ).start()
    for _ in range(stops):
        time.sleep(dice.random() * 0.03)
        made.launcher.stop()
    made.join()
    handed_out = set(range(3000 - len(bus.left)))
    assert len(set(bus.settled)) == len(bus.settled)
    assert len(set(bus.given_back)) == len(bus.given_back)
    assert not set(bus.settled) & set(bus.given_back)
    fates = set(bus.settled) | set(bus.given_back)
    assert handed_out - fates == (bus.held if kind == "ack" else set())
    assert sorted(int(task.info) for task in bus.done) == sorted(bus.settled)


def test_nothing_is_lost_over_a_real_bus(rig, memory, make_tasks):
    """Launchers come and go until every task is done; none is done twice."""
    memory.watch("done").put(*make_tasks(*range(2000)))
    dice = random.Random(1)
    for _ in range(8):
        made = rig(lambda info: None, memory.open(), concurrency=3).start()
        time.sleep(dice.random() * 0.01)
        made.launcher.stop()
        made.join()
    rig(lambda info: None, memory.open(), drain=True).start().join()
    infos = sorted(int(task.info) for task in memory.tasks(count=5000))
    assert infos == list(range(2000))


def test_the_context_of_an_abandoned_task_is_of_no_use_any_more(
    rig, script, make_tasks
):
    """What a worker does to its task after it was left behind changes nothing sent."""
    gate, contexts = Gate(), []

    def worker(info, ctx):
        contexts.append(ctx)
        return gate(info, ctx)

    bus = script(make_tasks("a"), bounded=False, capabilities=NO_ACK)
    made = rig(worker, bus, kill_time=0.0).start()
    assert gate.began.wait(LIMIT)
    made.launcher.stop()
    made.join()
    context = contexts[0]
    assert isinstance(context, RunContext)
    context.send(Task(type="sum", info=""))
    gate.go.set()
    assert [topic for topic, _ in bus.sent] == ["done"]
    assert context.task.result == ""  # the worker's own copy


def test_clean_stops_kill_nobody(rig, memory, make_tasks):
    """What was given back six times is no suspect, whatever `--max-attempts`."""
    memory.watch("done", "load.dead").put(*make_tasks("a", "b"))
    for _ in range(6):
        began = threading.Barrier(3)

        def worker(info, ctx, began=began):
            began.wait(LIMIT)
            return interrupted() if ctx.wait(LIMIT) else None

        made = rig(worker, memory.open(), concurrency=2, max_attempts=1).start()
        began.wait(LIMIT)  # both run: neither waits to run alone
        made.launcher.stop()
        made.join()
    rig(lambda info: None, memory.open(), drain=True, max_attempts=1).start().join()
    assert sorted(task.info for task in memory.tasks()) == ["a", "b"]
    assert memory.take("load.dead") == []
