"""Rules of `task_core.launcher.at_work`: lines of the log know their task."""

import asyncio
import logging

import pytest

from task_core.api.message import Delivery
from task_core.launcher.at_work import Record, name_of, stop_line
from task_core.launcher.context import Job
from task_core.task import Task

LOG = logging.getLogger("somebody.else")


@pytest.fixture
def told(caplog, monkeypatch):
    """Return what lines say of their task: `told() == [(text, task, attempt)]`."""
    logging.setLogRecordFactory(Record)
    caplog.set_level(logging.INFO)

    def read():
        return [
            (one.getMessage(), one.at_work.info, one.at_work.attempt)
            for one in caplog.records
            if one.name == LOG.name
        ]

    return read


def jobs(*infos):
    return [Job(Delivery(b"", None, 2), Task(type="load", info=one)) for one in infos]


def test_a_plain_function_logs_about_its_own_task(slots, until, told):
    """Each of many in one thread, without a context."""

    def load(info):
        LOG.info("half")

    made, handover, _ = slots(load)
    made.start()
    made.submit(jobs("a", "b", "c"))
    until(lambda: len(handover.finished) == 3)
    assert told() == [("half", name, 2) for name in "abc"]


def test_a_coroutine_logs_about_its_own_task(slots, until, told):
    """Also when several take turns in one event loop."""

    async def load(info):
        await asyncio.sleep(0)
        LOG.info("half %s", info)

    made, handover, _ = slots(load, count=3)
    made.start()
    made.submit(jobs("a", "b", "c"))
    until(lambda: len(handover.finished) == 3)
    assert sorted(told()) == [(f"half {name}", name, 2) for name in "abc"]


def test_what_a_coroutine_leaves_behind_names_its_own_task(slots, until, told):
    """And not the one that is at work by then."""
    gates = []

    async def later(gate):
        await gate.wait()
        LOG.info("late")

    async def load(info):
        if info == "first":
            gates.append(asyncio.Event())
            gates.append(asyncio.create_task(later(gates[0])))
        else:
            gates[0].set()
            await gates[1]

    made, handover, _ = slots(load)
    made.start()
    made.submit(jobs("first", "second"))
    until(lambda: len(handover.finished) == 2)
    assert told() == [("late", "first", 2)]


def test_a_line_outside_of_tasks_has_none(told, caplog):
    """It is None, so that formatters need not look whether it is there."""
    LOG.info("x")
    assert caplog.records[-1].at_work is None


@pytest.mark.parametrize(
    ("position", "told"),
    [(None, ""), (17, " at 17"), (b"0a1f", " at 0a1f"), ("2:17", " at 2:17")],
)
def test_a_task_without_an_id_is_named_by_its_info_and_its_place(position, told):
    """The place as the bus tells it. Secrets in the info are hidden."""
    delivery = Delivery(b"", position=position)
    job = Job(delivery, Task(type="load", info="nsq://u:s3cret@h"))
    assert name_of(job) == f"load 'nsq://u:********@h'{told}, attempt 1"
    job.task.id = "77"
    assert name_of(job) == "load 77, attempt 1"


@pytest.mark.parametrize("field", ["type", "id", "info"])
def test_a_task_writes_no_lines_of_its_own(field):
    """Whoever has sent it: its name is one line, and steers no terminal."""
    task = Task(type="load", info="a.csv")
    setattr(task, field, "7\n2027-01-01T00:00:00Z task: error: forged\x1b[2J")
    name = name_of(Job(Delivery(b""), task))
    assert name.isprintable()
    assert "7\\n2027" in name


def test_a_stop_says_how_many_are_waited_for_and_how_long():
    """It names some of them."""
    assert stop_line([], 10) == "stopping: nothing is running"
    assert stop_line(jobs("a"), 10) == (
        "stopping: waits up to 10s for 1 task to finish (a second signal ends it at"
        " once): load 'a', attempt 2"
    )
    line = stop_line(jobs(*"abcde"), 0.5)
    assert "waits up to 500ms for 5 tasks" in line
    assert line.endswith("load 'c', attempt 2 and 2 more")
