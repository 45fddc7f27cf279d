"""Rules of `ctx.batches`: lists of tasks that settle together, and nobody's poison."""

import logging
import threading

import attrs
import pytest

from task_core.api.capabilities import Capabilities
from task_core.api.taskmaster import FunctionTaskmaster
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.dead import decode_dead
from task_core.errors import (
    BusConnectionError,
    DecodeError,
    LeaseLostError,
    PayloadError,
)
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.task import Task

LIMIT = 20
COUNTING = Capabilities(ack=True, nack=True, attempts=True, bounded=True)


@pytest.fixture
def loop(memory):
    memory.watch("sum", "load.dead", "sum.dead")

    def loop(run, bus=None, lease=30.0, **more):
        master = FunctionTaskmaster(run)
        more.setdefault("log", logging.getLogger("task.test"))
        return TaskmasterLoop(master, bus or memory.open(lease), lease=lease, **more)

    return loop


def child(info):
    return Task(type="sum", info=info)


def infos(tasks):
    return [task.info for task in tasks]


def test_a_batch_has_all_that_is_there_up_to_the_limit(loop, memory, make_tasks):
    """In the order of the topic, and none twice."""
    memory.put(*make_tasks(*"abcdefgh"))
    seen = []

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=0):
            seen.append(infos(batch))
            if "h" in seen[-1]:
                made.stop()

    made = loop(run)
    made.run()
    assert [info for batch in seen for info in batch] == list("abcdefgh")
    assert max(map(len, seen)) == 3
    assert memory.depth("load", "load") == 0


def test_a_batch_waits_for_more_from_its_first_task_on(loop, memory, make_tasks):
    """Until the limit is reached; what comes meanwhile is in it."""
    memory.put(*make_tasks("a"))
    seen = []

    def run(ctx):
        threading.Timer(0.2, memory.put, make_tasks("b", "c")).start()
        for batch in ctx.batches("load", "load", limit=3, wait=60):
            seen.append(infos(batch))
            made.stop()

    made = loop(run)
    made.run()
    assert seen == [["a", "b", "c"]]


def test_a_batch_does_not_wait_for_longer_than_it_says(loop, memory, make_tasks):
    """One task is a batch."""
    memory.put(*make_tasks("a"))
    seen = []

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=0.01):
            seen.append(infos(batch))
            made.stop()

    made = loop(run)
    made.run()
    assert seen == [["a"]]


def test_a_stop_hands_over_what_was_gathered(loop, memory, make_tasks):
    """It is done as what is in work is done; a pipe could not take it back."""
    memory.put(*make_tasks("a"))
    seen = []

    def run(ctx):
        threading.Timer(0.2, made.stop).start()
        seen.extend(map(infos, ctx.batches("load", "load", limit=3, wait=60)))

    made = loop(run)
    made.run()
    assert seen == [["a"]]
    assert memory.depth("load", "load") == 0


def test_what_the_body_sends_leaves_with_the_settle_of_the_whole_batch(
    loop, memory, make_tasks
):
    """Not before."""
    memory.put(*make_tasks(*"abc"))
    early = []

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=60):
            ctx.send(child(batch[0].info))
            ctx.send_all((child(task.info), None) for task in batch[1:])
            early.extend(memory.tasks("sum"))
            made.stop()

    made = loop(run)
    made.run()
    assert early == []
    assert infos(memory.tasks("sum")) == list("abc")
    assert memory.depth("load", "load") == 0
    assert made.sent == 3


@pytest.mark.parametrize("leave", ["break", "raise"])
def test_a_body_that_is_left_gives_the_whole_batch_back(
    loop, memory, make_tasks, leave
):
    """With the next use of the context; and what it sent does not leave."""
    memory.put(*make_tasks(*"abc"))

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=60):
            ctx.send(child(batch[0].info))
            if leave == "raise":
                raise ValueError("boom")
            break
        ctx.wait(0)
        assert memory.depth("load", "load") == 3

    if leave == "raise":
        with pytest.raises(ValueError, match="boom"):
            loop(run).run()
    else:
        loop(run).run()
    assert memory.tasks("sum") == []
    assert memory.depth("load", "load") == 3


def test_a_task_that_makes_the_body_raise_takes_no_other_along(
    loop, memory, make_tasks
):
    """After the first time each comes alone: only the one that raises is dead."""
    names = [str(number) for number in range(20)]
    memory.put(*make_tasks(*names[:7], "bad", *names[7:]))
    done = []

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=100, wait=0):
            if "bad" in infos(batch):
                raise ValueError("no")
            done.extend(infos(batch))
            if len(done) == len(names):
                made.stop()

    for _ in range(20):
        made = loop(run)
        try:
            made.run()
        except ValueError:
            continue
        break
    assert sorted(done) == sorted(names)
    (letter,) = map(decode_dead, memory.take("load.dead"))
    assert letter.original == make_tasks("bad")[0]
    assert letter.reason == "handed out 5 times, at last: ValueError: no"
    assert memory.depth("load", "load") == 0


def test_what_was_handed_out_before_comes_alone_and_in_its_place(script, make_tasks):
    """The others go on in batches around it."""
    bus, seen = script(make_tasks(*"abcdefg"), capabilities=COUNTING), []
    for at in (3, 4):
        bus.left[at].attempt = 2

    def run(ctx):
        seen.extend(map(infos, ctx.batches("load", "load", limit=100, wait=60)))

    master = FunctionTaskmaster(run)
    TaskmasterLoop(master, bus).run()
    assert seen == [["a", "b", "c"], ["d"], ["e"], ["f", "g"]]
    assert [[one.token for one in few] for few, _ in bus.settles] == [
        [0, 1, 2],
        [3],
        [4],
        [5, 6],
    ]
    assert bus.limits[:3] == [1, 2, 4]


def test_what_is_no_task_is_singled_out(loop, memory, make_tasks):
    """The body never sees it, the others are in its batch."""
    good, other = make_tasks("a", "b")
    memory.put(good, b"nonsense", other)
    seen = []

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=2, wait=60):
            seen.append(infos(batch))
            made.stop()

    made = loop(run)
    made.run()
    assert seen == [["a", "b"]]
    (letter,) = map(decode_dead, memory.take("load.dead"))
    assert letter.original == b"nonsense"
    assert made.sent == 0


@pytest.mark.parametrize("first", [0, 1])
def test_leases_are_kept_while_a_batch_is_gathered_and_worked_on(
    loop, memory, make_tasks, first
):
    """Nobody else gets one of them, however long both take."""
    memory.put(*make_tasks("a"))
    stolen = []

    def run(ctx):
        other = memory.open(1.0).subscribe("load", "load")
        for _ in ctx.batches("load", "load", limit=2, wait=0 if first else 2.5):
            if first:
                ctx.wait(2.5)
            stolen.extend(other.receive(1, 0))
            made.stop()

    made = loop(run, lease=1.0)
    made.run()
    assert stolen == []
    assert memory.depth("load", "load") == 0


def test_a_batch_is_settled_without_what_others_have_by_now(script, make_tasks):
    """What it led to leaves nevertheless: it may be of the others."""
    bus = script(make_tasks(*"abc"), capabilities=COUNTING)

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=60):
            lost = [bus_held[1]]
            bus.failures.append(LeaseLostError("gone", lost))
            ctx.send(child(str(len(batch))))

    bus_held = list(bus.left)
    master = FunctionTaskmaster(run)
    TaskmasterLoop(master, bus).run()
    assert bus.settled == [0, 2]
    assert len(bus.sent) == 1


def test_nothing_leaves_for_a_batch_that_others_have_as_a_whole(script, make_tasks):
    """They do it again."""
    bus = script(make_tasks(*"abc"), capabilities=COUNTING)

    def run(ctx):
        for _ in ctx.batches("load", "load", limit=3, wait=60):
            bus.failures.append(LeaseLostError("gone", bus_held))
            ctx.send(child("x"))

    bus_held = list(bus.left)
    master = FunctionTaskmaster(run)
    made = TaskmasterLoop(master, bus)
    made.run()
    assert (bus.settled, bus.sent, made.sent) == ([], [], 0)


def test_a_batch_is_settled_after_an_outage(script, make_tasks):
    """The loop tries again until the bus is back."""
    bus = script(make_tasks(*"abc"), capabilities=COUNTING)
    bus.failures += [BusConnectionError("away")] * 2
    master = FunctionTaskmaster(lambda ctx: list(ctx.batches("load", "x")))
    TaskmasterLoop(master, bus).run()
    assert bus.settled == [0, 1, 2]


def test_a_message_that_the_bus_refuses_is_singled_out(script, make_tasks, caplog):
    """Nobody knows of which task it is: it goes to the dead topic, the rest leaves."""
    bus = script(make_tasks(*"abc"), capabilities=COUNTING)
    bus.failures += [PayloadError("bad name", [1]), PayloadError("too long", [1])]

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=3, wait=60):
            ctx.send_all((child(task.info), f"to-{task.info}") for task in batch)

    master = FunctionTaskmaster(run)
    made = TaskmasterLoop(master, bus)
    made.run()
    assert bus.settled == [0, 1, 2]
    assert [topic for topic, _ in bus.sent] == ["to-a", "load.dead", "to-c"]
    letter = decode_dead(bus.sent[1][1])
    assert (letter.topic, letter.reason) == ("to-b", "bad name")
    assert made.sent == 2
    assert "a message goes to the dead topic: bad name" in caplog.text


def test_a_refusal_that_names_no_message_is_an_error(script, make_tasks):
    """Nothing could be left out."""
    bus = script(make_tasks(*"abc"), capabilities=COUNTING)
    bus.failures.append(PayloadError("no"))
    master = FunctionTaskmaster(lambda ctx: list(ctx.batches("load", "x")))
    with pytest.raises(PayloadError, match="no"):
        TaskmasterLoop(master, bus).run()
    assert bus.settled == []


def test_what_is_too_long_is_an_error_where_it_is_sent(loop, memory, make_tasks):
    """The body may go on; nothing of that call leaves."""
    memory.put(*make_tasks("a"))
    small = attrs.evolve(MEMORY, max_bytes=20_000)

    def run(ctx):
        for _ in ctx.batches("load", "load", limit=1):
            with pytest.raises(PayloadError) as caught:
                ctx.send_all([(child("a"), None), (child("x" * 20_000), None)])
            assert caught.value.refused == (1,)
            ctx.send(child("small"))
            made.stop()

    made = loop(run, MemoryBus(memory.name_, small, 30.0))
    made.run()
    assert infos(memory.tasks("sum")) == ["small"]


def test_a_batch_of_none_is_refused(loop):
    """At the first task, with the limit that was given."""
    with pytest.raises(ValueError, match="1 or more, not 0"):
        loop(lambda ctx: list(ctx.batches("load", "load", limit=0))).run()


def test_messages_that_are_no_tasks_are_read_by_the_taskmaster(
    loop, memory, make_tasks, hooks
):
    """What it cannot read goes to the dead topic; hooks hear of tasks as such alone."""
    memory.put(b"1", b"x", b"2")
    told, seen, fates = [], [], []
    listening = hooks(
        task_received=lambda task, delivery: told.append(task),
        task_settled=told.append,
        batch_settled=lambda batch: fates.extend((it.fate, it.task) for it in batch),
    )

    def read(body):
        if not body.isdigit():
            raise DecodeError("no number")
        return int(body)

    def run(ctx):
        for batch in ctx.messages("load", "load", read, limit=2, wait=60):
            seen.append(batch)
            ctx.send(child(str(sum(batch))))
            made.stop()

    made = loop(run, hooks=listening)
    made.run()
    assert (seen, told) == ([[1, 2]], [])
    assert fates == [("dead", None), ("read", None), ("read", None)]
    assert made.snapshot()["consumer"]["topics"] == ["load"]
    (letter,) = map(decode_dead, memory.take("load.dead"))
    assert (letter.original, letter.reason) == (b"x", "no number")
    assert made.sent == 1


def test_what_nobody_thought_of_when_reading_is_dead_in_the_end(loop, memory):
    """Else it ended the taskmaster at each start, and what follows had no turn."""
    memory.put(b"1", b"x", b"2")
    seen = []

    def run(ctx):
        for batch in ctx.messages("load", "load", int, limit=100, wait=0):
            seen.extend(batch)
            if len(seen) == 2:
                made.stop()

    for starts in range(1, 12):  # noqa: B007  how many there were
        made = loop(run)
        try:
            made.run()
        except ValueError:
            continue
        break
    assert sorted(seen) == [1, 2]
    assert starts == 5, "what is handed out five times has ended four of them"
    (letter,) = map(decode_dead, memory.take("load.dead"))
    assert letter.original == b"x"
    assert letter.reason.startswith("handed out 5 times, at last: ValueError: ")
    assert memory.depth("load", "load") == 0


def test_what_cannot_be_read_stays_where_nobody_counts(script):
    """As what a body raises on: no bus that cannot count tells the first time."""
    bus = script([b"x"], capabilities=attrs.evolve(COUNTING, attempts=False))
    master = FunctionTaskmaster(lambda ctx: list(ctx.messages("load", "x", int)))
    with pytest.raises(ValueError, match="invalid literal"):
        TaskmasterLoop(master, bus).run()
    assert bus.settled == []


def test_hooks_hear_of_each_task_of_a_batch(loop, memory, make_tasks, hooks):
    """When it is received, and when it is settled; of what is none, too, then."""
    first, second = make_tasks(*"ab")
    memory.put(first, b"nonsense", second)
    told = []

    def tell(batch):
        info = [one.task and one.task.info for one in batch]
        told.append((batch[0].fate, batch[0].topic, *info))

    listening = hooks(
        task_received=lambda task, delivery: told.append(("received", task.info)),
        task_settled=lambda task: told.append(("settled", task.info)),
        task_sent=lambda messages: told.append(("sent", messages[0].topic)),
        batch_settled=tell,
    )

    def run(ctx):
        for batch in ctx.batches("load", "load", limit=2, wait=60):
            ctx.send(child(batch[0].info))
            made.stop()

    made = loop(run, hooks=listening)
    made.run()
    assert told == [
        ("received", "a"),
        ("sent", "load.dead"),
        ("dead", "load", None),
        ("received", "b"),
        ("sent", "sum"),
        ("read", "load", "a", "b"),
        ("settled", "a"),
        ("settled", "b"),
    ]
