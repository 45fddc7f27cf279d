"""Rules of the launcher and the taskmaster loop while the broker is away."""

import logging
import threading
import time

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.taskmaster import FunctionTaskmaster
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.clock import SystemClock
from task_core.errors import BusConnectionError, LeaseLostError, SendError
from task_core.launcher import drain, loop, outages
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.task import Task

LIMIT = 20


class ScriptedFailures:
    """Calls that raise what is written down for them, one at a time."""

    failures: dict[str, list[Exception]]

    def after_failures(self, name, call):
        """Return the call, which first fails as often as told."""

        def act(*arguments, **more):
            if left := self.failures.get(name):
                raise left.pop(0)
            return call(*arguments, **more)

        return act


AWAY = BusConnectionError("broker a:1 is away")
PARTLY = BusConnectionError("not every broker answers: b:1 is away")


def test_a_lost_connection_while_receiving_is_sat_out(rig, script, make_tasks):
    """The same launcher goes on when the broker is back."""
    failures = [AWAY, AWAY]

    def fail_twice(bus):
        if failures:
            raise failures.pop()

    bus = script(make_tasks("a", "b"), on_receive=fail_twice)
    rig(lambda info: None, bus).launcher.run()
    assert [task.info for task in bus.done] == ["a", "b"]


@pytest.mark.parametrize("error", [AWAY, SendError("half", [0], transient=True)])
def test_outcomes_are_kept_until_the_broker_is_back(rig, script, make_tasks, error):
    """A task that is done is not done again, nor lost."""
    runs = []
    bus = script(make_tasks("a", "b"), bounded=True)
    bus.failures += [error] * 3
    made = rig(runs.append, bus)
    made.launcher.run()
    assert sorted(runs) == ["a", "b"]
    assert sorted(task.info for task in bus.done) == ["a", "b"]
    assert made.launcher.running == 0


def test_what_was_lost_in_the_outage_is_left_to_others(rig, script, make_tasks, caplog):
    """Its done task is not sent: the broker hands it out again."""
    bus = script(make_tasks("a"))
    bus.failures += [AWAY, LeaseLostError("lost", list(bus.left))]
    made = rig(lambda info: None, bus)
    made.launcher.run()
    assert bus.done == []
    assert made.stats.lost == 1
    assert "the bus is back" not in caplog.text  # nobody asked it


def test_hooks_are_told_of_an_outage_once(rig, script, make_tasks, hooks):
    """`bus_lost`, with the error."""
    told = []
    bus = script(make_tasks("a"))
    bus.failures += [AWAY, AWAY]
    listening = hooks(bus_lost=lambda error: told.append(error))  # noqa: PLW0108  by name
    rig(lambda info: None, bus, hooks=listening).launcher.run()
    assert told == [AWAY]


def test_a_stop_ends_the_wait_for_the_broker(rig, script, until):
    """At once; it does not sit the pause out."""

    def fail(bus):
        raise AWAY

    bus = script(bounded=False, on_receive=fail)
    made = rig(lambda info: None, bus).start()
    until(lambda: len(bus.limits) > 2)
    made.launcher.stop()
    made.join(LIMIT)
    assert bus.closed


def test_a_stop_while_connecting_is_not_followed_by_a_wait(
    rig, script, monkeypatch, caplog
):
    """Nor by the news that the bus is back."""
    monkeypatch.setattr(outages, "FIRST_PAUSE", 60.0)

    def fail(bus):
        made.launcher.stop()
        raise AWAY

    bus = script(bounded=False, on_receive=fail)
    made = rig(lambda info: None, bus)
    made.start().join(LIMIT)
    assert "the bus is back" not in caplog.text


def test_nothing_more_is_received_while_nothing_can_be_settled(rig, script, make_tasks):
    """Another worker may reach the broker, and have it done."""
    bus = script(make_tasks(*range(9)))
    bus.failures += [AWAY] * 4
    left = []
    bus.on_receive = lambda bus: left.append(len(bus.failures))
    rig(lambda info: None, bus, prefetch=0).launcher.run()
    assert set(left) == {4, 0}
    assert len(bus.done) == 9


@pytest.mark.parametrize("finished", [True, False])
def test_leases_are_kept_while_nothing_can_be_settled(
    rig, script, make_tasks, until, finished
):
    """The bus that is written may be away, and the one that is read hand out again."""
    bus = script(
        make_tasks("a", "b"),
        bounded=False,
        capabilities=Capabilities(ack=True, nack=True, lease=True),
    )
    bus.failures += [AWAY] * 10_000
    go = threading.Event()

    def work(info):
        if info == "b" and not finished:
            go.wait(LIMIT)

    made = rig(work, bus, concurrency=2, prefetch=0, lease=0.06, kill_time=0.1)
    made.start()
    until(lambda: len(bus.failures) < 10_000)
    before = len(bus.extended)
    until(lambda: len(bus.extended) > before + 2)
    assert bus.extended[-1] in ([0, 1], [1, 0])
    bus.failures.clear()
    go.set()
    until(lambda: len(bus.done) == 2)
    made.launcher.stop()
    made.join(LIMIT)


def test_a_lease_that_is_due_does_not_shorten_the_waits_to_nothing(
    rig, script, until, monkeypatch
):
    """Or the outage would cost a processor."""
    monkeypatch.setattr(outages, "FIRST_PAUSE", 0.1)
    monkeypatch.setattr(outages, "LAST_PAUSE", 0.1)

    def fail(bus):
        raise AWAY

    bus = script(
        bounded=False,
        on_receive=fail,
        capabilities=Capabilities(ack=True, lease=True),
    )
    begin = time.monotonic()
    made = rig(lambda info: None, bus, lease=0.15).start()
    until(lambda: len(bus.limits) > 10)
    assert time.monotonic() - begin > 0.25
    made.launcher.stop()
    made.join(LIMIT)


def test_after_a_stop_the_broker_has_the_kill_time_to_come_back(
    rig, script, make_tasks, until, monkeypatch
):
    """Then the launcher ends with the error; the broker has the task still."""
    monkeypatch.setattr(outages, "FIRST_PAUSE", 60.0)
    bus = script(make_tasks("a"), bounded=False)
    bus.failures += [AWAY] * 10_000
    made = rig(lambda info: None, bus, kill_time=0.3)
    raised = []

    def run():
        try:
            made.launcher.run()
        except BusConnectionError as error:
            raised.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    until(lambda: made.launcher.running == 1 and len(bus.failures) < 10_000)
    begin = time.monotonic()
    made.launcher.stop()
    runner.join(LIMIT)
    assert 0.2 < time.monotonic() - begin < 30  # no pause lasts longer
    assert not runner.is_alive()
    assert raised == [AWAY]
    assert bus.closed


def test_a_second_stop_ends_an_outage_at_once(rig, script, make_tasks, until):
    """However long the kill time is: what is not settled comes again."""
    bus = script(make_tasks("a"), bounded=False)
    bus.failures += [AWAY] * 10_000
    made = rig(lambda info: None, bus, kill_time=3600)
    raised = []

    def run():
        try:
            made.launcher.run()
        except BusConnectionError as error:
            raised.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    until(lambda: made.launcher.running == 1 and len(bus.failures) < 10_000)
    made.launcher.stop()
    time.sleep(0.1)
    assert runner.is_alive()
    made.launcher.stop()
    runner.join(LIMIT)
    assert raised == [AWAY]
    assert made.launcher.running == 1


def test_a_backlog_that_does_not_arrive_is_subscribed_anew(
    rig, memory, make_tasks, monkeypatch
):
    """The watchdog: a consumer that the broker has forgotten gets nothing."""
    monkeypatch.setattr(outages, "FIRST_STALL", 0.05)
    monkeypatch.setattr(loop, "LONGEST_WAIT", 0.02)
    bus = memory.open()
    subscribe, consumers = bus.subscribe, []

    def forgetful(*arguments, **more):
        consumer = subscribe(*arguments, **more)
        consumers.append(consumer)
        if len(consumers) == 1:
            consumer.receive = lambda limit, timeout: ()
            consumer._close = away  # it may be the connection
        return consumer

    def away():
        raise AWAY

    bus.subscribe = forgetful
    memory.put(*make_tasks("a"))
    made = rig(lambda info: None, bus, max_tasks=1)
    made.start().join(LIMIT)
    assert len(consumers) == 2
    assert made.stats.done == 1


@pytest.fixture
def quick_drain(monkeypatch):
    """A topic is quiet after a moment."""
    monkeypatch.setattr(drain, "QUIET", 0.01)
    monkeypatch.setattr(drain.Drain, "looks_every", 0.01)


@pytest.mark.usefixtures("quick_drain")
def test_drain_reads_on_while_nobody_can_tell_what_waits(
    rig, flaky, memory, make_tasks, until, caplog
):
    """One of several brokers may be away: what the others have is done meanwhile."""
    bus = flaky(depth=[PARTLY] * 1_000_000)
    done = []
    made = rig(done.append, bus, drain=True).start()
    for info in "abc":
        memory.put(*make_tasks(info))
        until(lambda info=info: info in done)
    until(lambda: len(bus.failures["depth"]) < 999_990)
    assert made.thread.is_alive()
    bus.failures["depth"] = []
    made.join(LIMIT)
    told = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert told == [f"{PARTLY}; reads on until it can be told that 'load' is empty"]


@pytest.mark.usefixtures("quick_drain")
def test_drain_of_a_bus_that_is_away_tells_so_once(rig, flaky, caplog):
    """It is no second trouble that nobody can tell what waits."""
    bus = flaky(depth=[AWAY], receive=[AWAY, AWAY, AWAY])
    rig(lambda info: None, bus, drain=True).start().join(LIMIT)
    told = [one.message for one in caplog.records if one.levelname == "WARNING"]
    assert told[0] == "broker a:1 is away; trying again until it is back"
    assert [text.startswith("the bus is back after") for text in told] == [False, True]


def test_a_taskmaster_sends_when_the_broker_is_back(loop_of, flaky, memory):
    """Its `send` returns when the bus has it, however long that takes."""
    bus = flaky(send=[AWAY, SendError("half", [0], transient=True)])
    loop_of(bus, lambda ctx: ctx.send(Task.new("next", "a"))).run()
    assert [task.info for task in memory.tasks("next")] == ["a"]


def test_the_end_of_an_outage_is_told_after_a_send_of_a_taskmaster(
    loop_of, flaky, caplog
):
    """Once, by the first call that the broker answers."""
    caplog.set_level(logging.WARNING)

    def run(ctx):
        ctx.send(Task.new("next", "a"))
        ctx.send(Task.new("next", "b"))

    loop_of(flaky(send=[AWAY, AWAY]), run).run()
    told = [record.message for record in caplog.records]
    assert told[0] == "broker a:1 is away; trying again until it is back"
    assert [text.startswith("the bus is back after") for text in told] == [False, True]


def test_a_taskmaster_reads_on_when_the_broker_is_back(
    loop_of,
    flaky,
    memory,
    make_tasks,
):
    """And settles what it had in hand."""

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            ctx.send(Task.new("next", task.info))
            if task.info == "b":
                loop.stop()

    bus = flaky(receive=[AWAY, AWAY], settle=[AWAY], bodies=make_tasks("a", "b"))
    loop = loop_of(bus, run)
    loop.run()
    assert [task.info for task in memory.tasks("next")] == ["a", "b"]
    assert not any(bus.failures.values())


@pytest.mark.parametrize("sends", [False, True])
def test_a_taskmaster_that_reads_again_waits_for_the_broker(
    loop_of, flaky, memory, make_tasks, sends
):
    """One that was there before, that is: at the start it is a mistake."""

    def run(ctx):
        if sends:
            ctx.send(Task.new("next", "a"))
        else:
            for task in ctx.deliveries("load", "load"):
                ctx.send(Task.new("next", task.info))
                break
        bus.failures["subscribe"] = [AWAY, AWAY]
        for task in ctx.deliveries("load", "load"):
            ctx.send(Task.new("next", task.info))
            loop.stop()

    bus = flaky(bodies=make_tasks("b"))
    loop = loop_of(bus, run)
    loop.run()
    assert [task.info for task in memory.tasks("next")] == ["a"] * sends + ["b"]
    assert not any(bus.failures.values())
    bus = flaky(subscribe=[AWAY])
    with pytest.raises(BusConnectionError, match="broker a:1 is away"):
        loop_of(bus, lambda ctx: next(ctx.deliveries("load", "load"))).run()


@pytest.mark.parametrize("body", [b"no task", None])
def test_a_taskmaster_goes_on_when_others_have_what_it_held(
    loop_of, flaky, memory, make_tasks, body
):
    """After an outage the broker hands it out again, be it a task or none."""

    def run(ctx):
        for task in ctx.deliveries("load", "load"):
            ctx.send(Task.new("next", task.info))
            if task.info == "b":
                loop.stop()

    gone = LeaseLostError("it was handed out again", [])
    bodies = [body or make_tasks("a")[0], *make_tasks("b")]
    loop = loop_of(flaky(settle=[gone], bodies=bodies), run)
    loop.run()
    assert [task.info for task in memory.tasks("next")] == ["b"]


@pytest.fixture
def loop_of():
    def make(bus, run):
        master = FunctionTaskmaster(run)
        log = logging.getLogger("task.test")
        return TaskmasterLoop(master, bus=bus, lease=30.0, clock=SystemClock(), log=log)

    return make


class FlakyBus(ScriptedFailures, MemoryBus):
    """A memory bus whose calls fail as told before they work."""

    def _subscribe(self, topic, channel, **more):
        subscribe = self.after_failures("subscribe", super()._subscribe)
        made = subscribe(topic, channel, **more)
        made.receive = self.after_failures("receive", made.receive)
        made.settle = self.after_failures("settle", made.settle)
        return made

    def _depth(self, topic, channel):
        return self.after_failures("depth", super()._depth)(topic, channel)

    def _producer(self):
        made = super()._producer()
        made.send = self.after_failures("send", made.send)
        return made


@pytest.fixture
def flaky(memory):
    memory.watch("next")

    def make(*, bodies=(), **failures):
        memory.put(*bodies)
        bus = FlakyBus(memory.name_, MEMORY, 30.0)
        bus.failures = {name: list(errors) for name, errors in failures.items()}
        return bus

    return make
