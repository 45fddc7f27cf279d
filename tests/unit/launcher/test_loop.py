"""Rules of `task_core.launcher.loop`: how much is received, and when it settles."""

import functools
import threading
import time

import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.worker import warn
from task_core.dead import decode_dead
from task_core.errors import SendError
from task_core.launcher.plan import TypePolicy
from task_core.task import Task
from task_core.wire import encode_task

LIMIT = 20
COUNTING = Capabilities(ack=True, nack=True, attempts=True, bounded=True)


def outcomes(bus):
    return [(task.info, task.result, task.msg) for task in bus.done]


def test_every_task_is_done_and_settled_once(rig, memory, make_tasks):
    """Over a real bus: nothing left, nothing twice."""
    memory.watch("done").put(*make_tasks(*range(500)))
    rig(
        lambda info: f"did {info}", memory.open(), concurrency=4, max_tasks=500
    ).start().join()
    tasks = memory.tasks()
    assert sorted(int(task.info) for task in tasks) == list(range(500))
    assert all(task.msg == f"did {task.info}" for task in tasks)
    assert memory.depth("load", "load") == 0


def test_end_of_input_lets_held_work_finish(rig, script, make_tasks):
    """It cancels nothing."""
    bus, cancelled = script(make_tasks(*range(20))), []

    def worker(info, ctx):
        cancelled.append(ctx.wait(0.01))

    rig(worker, bus, concurrency=4).start().join()
    assert sorted(bus.settled) == list(range(20))
    assert bus.given_back == []
    assert not any(cancelled)


def test_an_async_worker_is_run_as_well(rig, script, make_tasks):
    """All of it, through coroutine slots."""

    async def worker(info, ctx):
        await ctx.wait_async(0.001)
        return info

    bus = script(make_tasks(*range(20)))
    rig(worker, bus, concurrency=10).start().join()
    assert sorted(int(task.msg) for task in bus.done) == list(range(20))


def test_done_task_children_and_ack_are_one_settle(rig, script, make_tasks):
    """Children first, so that none is missing when the done task is seen."""

    def worker(info, ctx):
        ctx.send(Task(type="sum", info="child"))
        ctx.send(Task(type="sum", info="other"), topic="elsewhere")

    bus = script(make_tasks("a"))
    rig(worker, bus).start().join()
    assert len(bus.settles) == 1
    deliveries, messages = bus.settles[0]
    assert len(deliveries) == 1
    assert [message.topic for message in messages] == ["sum", "elsewhere", "done"]


def test_slow_tasks_are_never_hoarded(rig, script, make_tasks):
    """What another worker could do stays with the broker."""
    for concurrency in (1, 3):
        bus = script(make_tasks(*range(9)))
        rig(lambda info: time.sleep(0.06), bus, concurrency=concurrency).start().join()
        assert bus.most_held <= concurrency
        assert max(bus.limits) <= concurrency


def test_the_window_widens_for_tiny_tasks(rig, script, make_tasks):
    """And the settles get larger with it."""
    bus = script(make_tasks(*range(20_000)))
    rig(lambda info: None, bus).start().join(60)
    assert bus.most_held > 50
    assert len(bus.settles) < 10_000
    assert sorted(bus.settled) == list(range(20_000))


def test_a_fixed_prefetch_is_kept(rig, script, make_tasks):
    """Never less room than that, never more."""
    bus = script(make_tasks(*range(500)))
    rig(lambda info: None, bus, concurrency=2, prefetch=3).start().join()
    assert bus.limits[0] == 5
    assert max(bus.limits) == 5
    assert bus.most_held <= 5


@pytest.mark.parametrize(("prefetch", "told"), [(None, None), (0, 3), (7, 10)])
def test_the_bus_is_told_how_much_may_be_held(rig, script, prefetch, told):
    """For brokers that push; tasks that are measured may be any number."""
    bus = script()
    rig(lambda info: None, bus, concurrency=3, prefetch=prefetch).start().join()
    assert bus.prefetch == told


def test_prefetch_0_is_strict(rig, script, make_tasks):
    """Also for tiny tasks."""
    bus = script(make_tasks(*range(500)))
    rig(lambda info: None, bus, concurrency=2, prefetch=0).start().join()
    assert bus.most_held <= 2


def test_a_window_made_wide_by_tiny_tasks_closes_when_a_slow_one_comes(
    rig, script, make_tasks, until
):
    """What arrives while the slot is busy stays with the broker."""
    slow, go = threading.Event(), threading.Event()

    def worker(info):
        if info == "slow":
            slow.set()
            assert go.wait(LIMIT)

    bus = script(make_tasks(*range(2000), "slow"), bounded=False)
    made = rig(worker, bus).start()
    assert slow.wait(LIMIT)
    until(lambda: not made.window.buffer)
    time.sleep(0.02)  # a receive with a wide limit may have been under way
    bus.left.extend(
        script(make_tasks(*range(100))).left  # tokens collide; nobody looks
    )
    bus.bell.set()
    time.sleep(0.2)
    assert len(bus.left) == 100
    go.set()
    made.launcher.stop()
    made.join()


def test_a_pause_teaches_the_window_nothing(rig, script, make_tasks, until):
    """What was idle for long did not stall."""
    stalls = []
    bus = script(make_tasks("first"), bounded=False)
    made = rig(lambda info: None, bus)
    made.window.stall = stalls.append
    made.start()
    until(lambda: len(bus.settled) == 1)
    time.sleep(1.5)  # the pause
    bus.left.extend(script(make_tasks("last")).left)
    bus.bell.set()
    until(lambda: len(bus.settled) == 2)
    made.launcher.stop()
    made.join()
    assert max(stalls, default=0) < 1.4


def test_max_tasks_is_exact_over_a_bus_that_has_more(rig, memory, make_tasks):
    """The rest stays untouched."""
    memory.watch("done").put(*make_tasks(*range(100)))
    rig(
        lambda info: None, memory.open(), concurrency=3, prefetch=50, max_tasks=37
    ).start().join()
    assert len(memory.tasks()) == 37
    assert memory.depth("load", "load") == 63


def test_max_tasks_lets_work_finish_and_cancels_nothing(rig, script, make_tasks):
    """It is no stop."""
    bus, cancelled = script(make_tasks(*range(5)), bounded=False), []
    rig(
        lambda info, ctx: cancelled.append(ctx.wait(0.05)),
        bus,
        concurrency=5,
        max_tasks=5,
    ).start().join()
    assert len(bus.settled) == 5
    assert cancelled == [False] * 5


def test_drain_ends_when_the_topic_is_empty(rig, memory, make_tasks):
    """Children that come back to it included."""
    memory.watch("done").put(*make_tasks("3"))

    def worker(info, ctx):
        if info != "0":
            ctx.send(Task(type="load", info=str(int(info) - 1)))

    rig(worker, memory.open(), drain=True).start().join()
    assert [task.info for task in memory.tasks()] == ["3", "2", "1", "0"]


def test_drain_does_not_end_because_a_task_finished(rig, script, make_tasks):
    """A finished task wakes `receive`; that is not silence (a bus without `depth`)."""
    second = make_tasks("second")

    def later(bus):
        if len(bus.settled) == 1 and second:  # the first is settled, the topic silent
            threading.Timer(0.3, arrive, [bus, second.pop()]).start()

    def arrive(bus, body):
        bus.left.extend(script([body]).left)
        bus.bell.set()

    bus = script(make_tasks("first"), bounded=False, on_receive=later)
    rig(lambda info: time.sleep(0.05), bus, concurrency=2, drain=True).start().join()
    assert [task.info for task in bus.done] == ["first", "second"]


def test_drain_waits_for_what_others_hold(rig, memory, make_tasks):
    """If its holder was killed it comes again, and is done."""
    memory.watch("done").put(*make_tasks("a", "b"))
    killed = memory.open(lease=2.0).subscribe("load", "load")
    assert len(killed.receive(1, 0)) == 1
    rig(lambda info: None, memory.open(), drain=True).start().join()
    assert sorted(task.info for task in memory.tasks()) == ["a", "b"]


def test_what_is_no_task_goes_to_the_dead_topic_with_its_bytes(rig, script, make_tasks):
    """And is acknowledged in the same settle; its neighbours run."""
    bus = script([b'{"type":\xff', *make_tasks("a"), b"[]"])
    made = rig(lambda info: None, bus, prefetch=5)
    made.start().join()
    letters = [decode_dead(body) for topic, body in bus.sent if topic == "load.dead"]
    assert [letter.original for letter in letters] == [b'{"type":\xff', b"[]"]
    assert letters[1].reason == "not a JSON object but an array"
    assert (letters[0].topic, letters[0].channel) == ("load", "load")
    assert sorted(bus.settled) == [0, 1, 2]
    assert made.stats.dead == 2


def mixed(make_tasks):
    return make_tasks("a") + make_tasks("b", type="other")


def test_policy_run_does_tasks_of_any_type(rig, script, make_tasks):
    """The default: a worker may serve several."""
    bus = script(mixed(make_tasks))
    rig(lambda info: None, bus).start().join()
    assert [task.result for task in bus.done] == ["complete", "complete"]


def test_policy_reject_answers_with_an_error(rig, script, make_tasks):
    """As the Go system words it."""
    bus = script(mixed(make_tasks))
    rig(lambda info: None, bus, type_policy=TypePolicy.REJECT).start().join()
    assert ("b", "error", "unexpected task type 'other' wanting 'load'") in outcomes(
        bus
    )
    assert all(task.started and task.ended for task in bus.done)
    assert sorted(bus.settled) == [0, 1]


def test_what_is_refused_does_not_run_again(rig, memory, make_tasks):
    """Of another type, or with nonsense for a timeout: no run would change that."""
    memory.watch("done").put(*make_tasks("b", type="other"))
    memory.put(encode_task(Task(type="load", info="c", meta="timeout=soon")))
    settings = {"type_policy": TypePolicy.REJECT, "retries": 3, "retry_delay": 600.0}
    ran = []
    made = rig(ran.append, memory.open(), drain=True, **settings)
    made.start().join()
    assert [task.result for task in memory.tasks()] == ["error", "error"]
    assert (made.stats.retried, ran) == (0, [])


def test_policy_ignore_acknowledges_and_says_nothing(rig, script, make_tasks):
    """Not even a dead letter."""
    bus = script(mixed(make_tasks))
    rig(lambda info: None, bus, type_policy=TypePolicy.IGNORE).start().join()
    assert outcomes(bus) == [("a", "complete", "")]
    assert sorted(bus.settled) == [0, 1]


def test_leases_of_held_deliveries_are_renewed(rig, script, make_tasks):
    """At a third of their length, while the worker keeps its slot."""
    renewed = threading.Event()
    bus = script(
        make_tasks("a"),
        capabilities=Capabilities(ack=True, nack=True, lease=True, bounded=True),
    )
    real = list.append

    class Extended(list):
        def append(self, tokens):
            real(self, tokens)
            renewed.set()

    bus.extended = Extended()
    rig(lambda info: str(renewed.wait(LIMIT)), bus, lease=0.15).start().join()
    assert bus.extended[0] == [0]
    assert bus.done[0].msg == "True"


def test_suspects_run_alone(rig, script, make_tasks):
    """A delivery that may have killed its worker gets all slots for itself."""
    running, most = [], []
    lock = threading.Lock()

    def worker(info):
        with lock:
            running.append(info)
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.remove(info)

    bus = script(make_tasks(*range(4)), attempt=3, capabilities=COUNTING)
    rig(worker, bus, concurrency=4, max_attempts=5).start().join()
    assert most == [1, 1, 1, 1]
    assert sorted(bus.settled) == [0, 1, 2, 3]


def test_what_was_handed_out_too_often_is_dead(rig, script, make_tasks):
    """It never runs again."""
    bus = script(make_tasks("a"), attempt=6, capabilities=COUNTING)
    rig(lambda info: pytest.fail("ran"), bus, max_attempts=5).start().join()
    letter = decode_dead(bus.sent[0][1])
    assert letter.original == make_tasks("a")[0]
    assert letter.reason == "handed out 6 times and never settled"


def test_a_failed_task_comes_back_through_the_bus(rig, memory, make_tasks):
    """And then its done task says how often it ran before."""
    memory.watch("done").put(*make_tasks("a"))
    runs = []

    def worker(info):
        runs.append(info)
        if len(runs) < 3:
            raise ValueError("not yet")

    made = rig(worker, memory.open(), retries=5, retry_delay=0.01, max_tasks=3)
    made.start().join()
    (done,) = memory.tasks()
    assert (done.result, done.meta) == ("complete", "retry=2")
    assert made.stats.retried == 2
    assert made.stats.results == {"complete": 1}


def test_when_settling_fails_nothing_is_acknowledged(rig, script, make_tasks):
    """The launcher ends with the error; slots begin nothing more."""
    bus = script(make_tasks(*range(100)))
    bus.failures.append(SendError("no"))
    made = rig(lambda info: None, bus)
    with pytest.raises(SendError):
        made.launcher.run()
    assert bus.settled == []
    assert bus.closed
    assert not made.handover.waiting
    assert made.stats.results == {"complete": 0}


def test_hooks_are_told_at_each_moment_of_a_task(rig, script, make_tasks, hooks):
    """In this order."""
    seen = []

    def tell(name):
        return lambda **facts: seen.append(name)

    names = [
        "bus_opened",
        "launcher_started",
        "task_received",
        "task_started",
        "task_finished",
        "task_sent",
        "task_settled",
        "launcher_stopping",
        "launcher_stopped",
    ]
    bus = script(make_tasks("a"))
    rig(
        lambda info: None, bus, hooks=hooks(**{n: tell(n) for n in names})
    ).start().join()
    before, after = seen.index("launcher_stopping"), seen.index("launcher_stopped")
    assert after == len(seen) - 1
    assert before > seen.index("task_received")
    assert [name for name in seen if name != "launcher_stopping"] == [
        name for name in names if name != "launcher_stopping"
    ]


def test_observers_see_what_they_are_about(rig, script, make_tasks, hooks):
    """The settled task is the done task; what was sent is what the bus got."""
    facts = {}
    watch = hooks(
        task_received=lambda task, delivery: facts.update(body=delivery.body),
        task_settled=lambda task: facts.update(task=task),
        task_sent=lambda messages: facts.update(messages=messages),
        launcher_stopping=lambda reason: facts.update(reason=reason),
        launcher_stopped=lambda stats: facts.update(stats=stats),
    )
    bus = script(make_tasks("a"))
    rig(lambda info: warn("odd"), bus, hooks=watch).start().join()
    assert facts["body"] == make_tasks("a")[0]
    assert (facts["task"].result, facts["task"].msg) == ("warn", "odd")
    assert facts["messages"] == bus.settles[0][1]
    assert facts["reason"] == "end of input"
    assert facts["stats"]["tasks_consumed"] == 1


def test_running_counts_what_is_held_and_not_settled(rig, script, make_tasks):
    """One hundred slots, one hundred running."""
    go, full = threading.Event(), threading.Barrier(101)

    def worker(info):
        full.wait(LIMIT)
        assert go.wait(LIMIT)

    made = rig(worker, script(make_tasks(*range(100))), concurrency=100).start()
    full.wait(LIMIT)
    assert made.launcher.running == 100
    assert made.launcher.snapshot()["tasks_running"] == 100
    go.set()
    made.join()
    assert made.launcher.running == 0


class Markup(str):
    """Text of a class of its own, as markupsafe, numpy and bs4 make it."""

    __slots__ = ()


@pytest.mark.parametrize("place", ["returned", "outcome", "meta", "child", "info"])
def test_text_of_another_class_is_text(rig, script, make_tasks, place):
    """It reaches the wire, and harms nobody's batch."""

    def worker(info, ctx):
        text = Markup("text")
        if place == "outcome":
            return warn(text)
        if place == "meta":
            ctx.meta[text] = text
        if place == "child":
            ctx.send(Task(type=text, info=text))
        if place == "info":
            ctx.task.info = text
        return text if place == "returned" else None

    bus = script(make_tasks("a", "b"))
    rig(worker, bus, prefetch=3).start().join()
    assert [task.result for task in bus.done] in (["complete"] * 2, ["warn"] * 2)
    assert len(bus.settled) == 2
    assert b"text" in b"".join(body for _, body in bus.sent)


def test_a_decorated_coroutine_is_awaited(rig, script, make_tasks):
    """And one whose decorator has awaited it already is taken as it is."""

    async def inner(info):
        return info

    @functools.wraps(inner)
    def passes_on(info):
        return inner(info)

    @functools.wraps(inner)
    def has_awaited(info):
        return info

    for worker in (passes_on, has_awaited):
        bus = script(make_tasks("a"))
        rig(worker, bus).start().join()
        assert [task.msg for task in bus.done] == ["a"]


def test_what_was_read_ahead_of_max_tasks_goes_to_the_dead_topic(
    rig, script, make_tasks
):
    """A pipe cannot take it back: as it stands it can be sent again."""
    rest = [*make_tasks("c", "d"), b"no task"]
    bus = script(make_tasks("a", "b"), bounded=False, read_ahead=rest)
    made = rig(lambda info: None, bus, max_tasks=2)
    made.start().join()
    letters = [decode_dead(body) for topic, body in bus.sent if topic == "load.dead"]
    assert [letter.original for letter in letters] == rest
    reason = "read ahead but not taken: --max-tasks reached"
    assert {letter.reason for letter in letters} == {reason}
    assert made.stats.dead == 3
    assert [task.info for task in bus.done] == ["a", "b"]


def test_the_letter_of_what_was_read_ahead_tells_what_the_end_was(
    rig, script, make_tasks
):
    """There are several."""
    bus = script(bounded=False, read_ahead=make_tasks("c"))
    made = rig(lambda info: None, bus, max_leaked=1)
    made.handover.left_behind = 1
    made.start().join()
    (letter,) = [decode_dead(body) for _, body in bus.sent]
    why = "--max-leaked reached: runs were left behind"
    assert letter.reason == f"read ahead but not taken: {why}"


def test_what_was_read_ahead_of_a_stop_is_interrupted_or_no_task(
    rig, script, make_tasks
):
    """Every line has a line."""
    bus = script(
        bounded=False,
        capabilities=Capabilities(bounded=True),
        on_receive=lambda bus: made.launcher.stop(),
        read_ahead=[*make_tasks("c"), b"no task"],
    )
    made = rig(lambda info: None, bus)
    made.start().join()
    assert [(t.info, t.result, t.msg) for t in bus.done] == [
        ("c", "error", "task interrupted")
    ]
    assert made.stats.dead == 1
