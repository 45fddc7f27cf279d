"""Rules of `task_core.launcher.refused`: one bad message stops nobody."""

import hashlib
from collections import Counter

import attrs
import pytest

from task_core.api.message import Delivery, Message
from task_core.api.worker import complete, retry
from task_core.builtin.buses import MEMORY
from task_core.builtin.memory_bus import MemoryBus
from task_core.dead import decode_dead
from task_core.errors import PayloadError
from task_core.launcher.batch import Batch
from task_core.launcher.context import Job
from task_core.launcher.plan import Plan
from task_core.launcher.refused import replace_refused
from task_core.task import Task
from task_core.wire import decode_task, encode_task

LIMIT = 20_000


@pytest.fixture
def narrow(memory):
    """A bus that carries little, and its other end."""
    memory.watch("done", "load.dead", "sum")
    small = attrs.evolve(MEMORY, max_bytes=LIMIT)
    return MemoryBus(memory.name_, small, 30.0)


@pytest.mark.parametrize("junk", [b"\x01" * 18_000, b"\xff" * 19_000])
def test_a_dead_letter_that_is_too_long_is_cut(rig, memory, narrow, make_tasks, junk):
    """It tells how much is missing, and its digest; all others are done."""
    memory.put(*make_tasks("a"), junk, *make_tasks("b"))
    rig(lambda info: None, narrow, max_tasks=3, prefetch=5).start().join()
    assert sorted(task.info for task in memory.tasks()) == ["a", "b"]
    (body,) = memory.take("load.dead")
    letter = decode_dead(body)
    rest = junk[len(letter.original) :]
    assert junk.startswith(letter.original)
    digest = hashlib.sha256(rest).hexdigest()
    assert letter.rest == f"{len(rest)} bytes, SHA-256 {digest}"
    assert letter.reason.startswith("not ")


def test_a_result_that_is_too_long_is_an_error_of_its_task(
    rig, memory, narrow, make_tasks
):
    """With the begin of the message; its children do not leave."""
    memory.put(*make_tasks("a", "b"))

    def worker(info, ctx):
        if info == "a":
            ctx.send(Task(type="sum", info=""))
            return "long" * LIMIT
        return None

    made = rig(worker, narrow, max_tasks=2, prefetch=5)
    made.start().join()
    done = {task.info: task for task in memory.tasks()}
    assert done["b"].result == "complete"
    assert done["a"].result == "error"
    assert done["a"].msg.startswith("done task too long: longlong")
    assert len(done["a"].msg) < 300
    assert memory.take("sum") == []
    assert made.stats.results == {"complete": 1, "error": 1}


def test_a_task_that_leaves_no_room_for_its_report_is_a_dead_letter(
    rig, memory, narrow, make_tasks
):
    """Its bytes fitted, they just do not fit twice."""
    info = "x" * (LIMIT - len(encode_task(Task(type="load", info=""))))
    memory.put(*make_tasks(info))
    made = rig(lambda info: None, narrow, max_tasks=1)
    made.start().join()
    assert memory.take("done") == []
    letter = decode_dead(*memory.take("load.dead"))
    assert letter.reason == "done task too long: "
    assert made.stats.dead == 1


def test_a_child_that_is_known_to_be_refused_is_an_error_where_it_is_sent(
    rig, memory, narrow, make_tasks
):
    """The worker may catch it."""
    memory.put(*make_tasks("a", "b"))
    caught = []

    def worker(info, ctx):
        big = Task(type="sum", info="x" * LIMIT)
        if info == "b":
            ctx.send(big)
        with pytest.raises(PayloadError):
            ctx.send(big)
        with pytest.raises(PayloadError, match="topic required"):
            ctx.send(Task(type="", info=""))
        caught.append(info)

    rig(worker, narrow, max_tasks=2).start().join()
    done = {task.info: task for task in memory.tasks()}
    assert (done["a"].result, done["b"].result) == ("complete", "error")
    assert done["b"].msg.startswith("PayloadError: bus 'memory' carries at most")
    assert caught == ["a"]


def job_batch():
    batch = Batch()
    task = Task(type="load", info="a", msg="fine")
    job = Job(Delivery(b"body"), task, complete("fine"))
    batch.add(job.delivery, [b"child", b"done"], None, job)
    return batch


def test_a_child_that_the_bus_refuses_late_is_an_error_of_its_task():
    """It may only show when it is written."""
    error = PayloadError("topic 'a/b' cannot be written", [0])
    rest = replace_refused(
        job_batch(), error, Counter(), Plan().completed("load"), None
    )
    (message,) = rest.messages
    assert (message.topic, rest.fates) == ("done", {0: "error"})
    assert b"topic 'a/b' cannot be written" in message.body


def test_each_task_is_told_of_its_own_child():
    """The bus says in words what is wrong with the first one alone."""
    batch = Batch()
    for info in "ab":
        job = Job(Delivery(b"body"), Task(type="load", info=info), complete())
        child, done = Message(info, b"child"), Message("done", b"done")
        batch.add(job.delivery, [child, done], None, job)
    error = PayloadError("topic 'a' cannot be written", [0, 2])
    plan = Plan().completed("load")
    rest = replace_refused(batch, error, Counter(), plan, None)
    assert [decode_task(one.body).msg for one in rest.messages] == [
        "topic 'a' cannot be written",
        "the bus cannot carry a child task: 5 bytes for topic 'b'",
    ]


def test_what_cannot_be_told_apart_ends_it():
    """A bus that refuses without a word about which, or refuses everything."""
    batch, plan = job_batch(), Plan().completed("load")
    with pytest.raises(PayloadError):
        replace_refused(batch, PayloadError("no"), Counter(), plan, None)


def test_delays_are_shortened_to_what_the_bus_takes(rig, memory, make_tasks, caplog):
    """With a warning."""
    memory.put(*make_tasks("a"))
    short = attrs.evolve(MEMORY, max_delay=0.01)
    bus = MemoryBus(memory.name_, short, 30.0)
    runs = []

    def worker(info):
        runs.append(info)
        return retry("later", 7200) if len(runs) == 1 else None

    rig(worker, bus, max_tasks=2).start().join()
    assert runs == ["a", "a"]
    assert "a retry is due in 7200s, but the bus delays at most 0.01s" in caplog.text
