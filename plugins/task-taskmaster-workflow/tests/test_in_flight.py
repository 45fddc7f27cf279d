"""Backloads that wait for what is done: so many in flight, and no more."""

import pytest
from task_bus_sqlite.options import SqliteOptions
from task_bus_sqlite.plugin import sqlite
from task_store import open_store
from task_taskmaster_workflow.in_flight import InFlight
from task_taskmaster_workflow.sending import progress_of, save_plan, send_plan
from task_testing import RecordingBus

from task_core.api import (
    BusContext,
    Capabilities,
    Message,
    Task,
    UsageError,
    decode_task,
    encode_task,
)


class Place:
    """A plan of five tasks, a bus, and a worker that fails the last of them."""

    def __init__(self, folder):
        self.store = open_store(str(folder / "plans.db"))
        tasks = [Task.new("t", str(number)) for number in range(5)]
        save_plan(self.store, "p1", '{"task": "t"}', tasks, "me")
        path = str(folder / "bus.db")
        self.bus, self.other = (
            sqlite.open(SqliteOptions(path=path), BusContext()) for _ in range(2)
        )
        self.tasks = self.other.subscribe("t", "t")

    def work(self):
        """Do what there is; return how much that was."""
        deliveries = self.tasks.receive(10, 0)
        for delivery in deliveries:
            task = decode_task(delivery.body)
            task.result = "error" if task.info == "4" else "complete"
            task.msg = f"did {task.info}"
            self.tasks.settle([delivery], [Message("done", encode_task(task))])
        return len(deliveries)

    def send(self, tell):
        flying = InFlight(self.store, self.bus, "p1", "done", most=2)
        return send_plan(self.store, self.bus, "p1", in_flight=flying, tell=tell)

    @property
    def channels(self):
        return [it.name for it in self.other.channels("done")]

    def close(self):
        self.bus.close()
        self.other.close()
        self.store.close()


@pytest.fixture
def place(tmp_path):
    place = Place(tmp_path)
    yield place
    place.close()


def test_no_more_are_in_flight_than_asked_for(place):
    """It ends when all are done, says which failed, and leaves no channel behind."""
    at_once = []
    done = place.send(lambda progress: at_once.append(place.work()))
    assert max(at_once) == 2
    assert (done.state, done.done, done.failed) == ("done", 4, 1)
    last = place.store.plans.items("p1")[4]
    assert (last.state, last.note) == ("failed", "did 4")
    assert "backload-p1" not in place.channels


def test_what_is_done_while_nobody_sends_is_known_afterwards(place):
    """A kill in between forgets nothing, and what was sent is not sent again."""

    def die(progress):
        if progress.sent == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.send(die)
    assert place.work() == 2
    counts = []
    done = place.send(lambda progress: counts.append(place.work()))
    assert (sum(counts), done.done, done.failed) == (3, 4, 1)


def test_a_plan_that_is_cancelled_waits_for_nothing(place):
    """And leaves no channel behind."""

    def cancel(progress):
        if progress.sent == 2:
            place.store.plans.change("p1", "cancelled")

    assert place.send(cancel).state == "cancelled"
    assert progress_of(place.store, "p1").sent == 2
    assert "backload-p1" not in place.channels


def test_a_bus_that_cannot_tell_is_refused(place):
    """Before anything is sent."""
    bus = RecordingBus((), Capabilities())
    with pytest.raises(UsageError, match="leave out --max-in-flight"):
        InFlight(place.store, bus, "p1", "done", most=2)
    assert not bus.sent
