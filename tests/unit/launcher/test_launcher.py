"""Rules of `task_core.launcher.launcher`: opens, works, and closes whatever happens."""

import threading
from queue import SimpleQueue

import pytest

from task_core.api.bus import BusContext
from task_core.api.worker import Worker
from task_core.builtin import buses
from task_core.builtin.bus_options import NopOptions
from task_core.errors import BusError, UsageError, WorkerError
from task_core.launcher import in_flight, loop
from task_core.launcher.handover import ThreadSlots

LIMIT = 20


def nop(**options):
    return buses.nop.open(NopOptions(**options), BusContext())


@pytest.mark.parametrize("option", ["init_err", "msg_err", "send_err"])
def test_a_failing_bus_ends_the_launcher_with_its_error(rig, option):
    """Opening, receiving, or settling."""
    made = rig(lambda info: None, nop(**{option: True}))
    with pytest.raises(BusError, match=option):
        made.launcher.run()


def test_a_bus_that_ends_is_done(rig):
    """The fake bus's whole stream."""
    bus = nop(count=1000)
    made = rig(lambda info: info, bus)
    made.launcher.run()
    assert len(bus.sent["done"]) == 1000
    assert made.stats.results == {"complete": 1000}


def test_the_bus_is_closed_also_after_a_failure(rig, script):
    """Closing gives back what is unsettled."""

    def fail(bus):
        raise BusError("gone")

    bus = script([b"x"], on_receive=fail)
    with pytest.raises(BusError, match="gone"):
        rig(lambda info: None, bus).launcher.run()
    assert bus.closed


class Closes(Worker):
    """Notes that it was closed, and raises then."""

    closed = 0

    def do_task(self, ctx):
        """Do nothing."""

    def close(self):
        self.closed += 1
        raise ValueError("odd")


def test_a_bus_that_fails_to_close_keeps_nobody_from_it(rig, hooks, caplog):
    """The worker is closed once, and hooks hear of the end."""
    worker, told = Closes(), []
    listen = hooks(launcher_stopped=lambda stats: told.append(stats["tasks_consumed"]))
    made = rig(worker, nop(count=1, stop_err=True), hooks=listen)
    with pytest.raises(BusError, match="stop_err"):
        made.launcher.run()
    assert (worker.closed, told) == (1, [1])
    assert "the worker's close() raised ValueError: odd" in caplog.messages


@pytest.mark.parametrize("done_topic", ["", "done"])
def test_a_launcher_that_cannot_be_made_closes_its_worker(rig, script, done_topic):
    """It was made before the bus was opened, or found to be of no use."""

    def opened():
        if done_topic:
            raise BusError("nobody answers")
        return bus

    bus, worker = script(), Closes()
    with pytest.raises((BusError, UsageError), match="nobody answers|is empty"):
        rig(worker, opened, done_topic=done_topic)
    assert worker.closed == 1
    assert bus.closed == (not done_topic)


def test_a_launcher_that_is_not_to_run_is_closed(rig):
    """Another one beside it could not be made."""
    worker = Closes()
    with pytest.raises(BusError, match="stop_err"):
        rig(worker, nop(stop_err=True)).launcher.close()
    assert worker.closed == 1


def test_after_a_failure_workers_are_told_to_stop(rig, script, make_tasks):
    """They must not go on for a launcher that is gone."""
    began, heard = threading.Event(), SimpleQueue()

    def worker(info, ctx):
        began.set()
        heard.put(ctx.wait(LIMIT))

    def fail_when_it_runs(bus):
        if len(bus.limits) > 1:
            assert began.wait(LIMIT)
            raise BusError("gone")

    bus = script(make_tasks("a"), bounded=False, on_receive=fail_when_it_runs)
    with pytest.raises(BusError):
        rig(worker, bus, concurrency=2).launcher.run()
    assert heard.get(timeout=LIMIT) is True


def test_after_a_failure_nothing_more_is_begun(rig, script, make_tasks, idle_slots):
    """The bus has it back already; somebody else may be doing it."""

    def fail_at_second(bus):
        if len(bus.limits) > 1:
            raise BusError("gone")

    slots = idle_slots()
    bus = script(make_tasks("a"), bounded=False, on_receive=fail_at_second)
    made = rig(lambda info: None, bus, concurrency=2, slots=slots)
    slots.handover = made.handover
    with pytest.raises(BusError):
        made.launcher.run()
    assert not made.handover.waiting


def test_the_snapshot_names_topic_channel_and_both_buses(rig, script, make_tasks):
    """For the status page and the last hook."""
    made = rig(lambda info: None, script(make_tasks("a", "b")))
    made.launcher.run()
    snapshot = made.launcher.snapshot()
    assert snapshot["tasks_consumed"] == 2
    assert snapshot["tasks_running"] == 0
    assert snapshot["producer"] == {"bus": "script", "sent": {"done": 2}}
    consumer = {"bus": "script", "topic": "load", "channel": "load", "received": 2}
    assert snapshot["consumer"] == consumer


def test_before_it_runs_nothing_is_held(rig, script):
    """A status page may ask early."""
    made = rig(lambda info: None, script())
    assert made.launcher.running == 0
    assert made.launcher.snapshot()["tasks_consumed"] == 0


@pytest.mark.parametrize(("topic", "told"), [("fetch-file", True), ("fetch", False)])
def test_tasks_that_wait_on_a_topic_of_nearly_that_name_are_told(
    rig, memory, make_tasks, caplog, topic, told
):
    """`fetch_file` and `fetch-file` never meet."""
    memory.put(*make_tasks("a"), topic="fetch_file")
    rig(lambda info: None, memory.open(), topic=topic, drain=True).start().join()
    assert ("1 task waits on topic 'fetch_file'" in caplog.text) == told


def test_a_topic_that_is_read_is_not_written(rig, memory):
    """Neither with done tasks nor with dead letters."""
    for names in ({"topic": "done"}, {"topic": "a.dead", "dead_topic": "a.dead"}):
        with pytest.raises(UsageError, match="for ever"):
            rig(lambda info: None, memory.open(), **names)


def test_a_slot_that_ends_is_replaced_and_its_task_is_an_error(
    rig, script, make_tasks, monkeypatch
):
    """The launcher does not wait for it for ever."""
    for module in (in_flight, loop):
        monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    serve, ended = ThreadSlots._serve, []

    def serve_or_end(slots, number):
        if ended:
            return serve(slots, number)
        ended.append(number)
        slots._tokens.get()
        return slots._handover.waiting.popleft() and None

    monkeypatch.setattr(ThreadSlots, "_serve", serve_or_end)
    made = rig(lambda info: info, script(make_tasks("a", "b", "c")))
    made.start().join()
    results = sorted(task.result for task in made.bus.done)
    assert results == ["complete", "complete", "error"]
    assert made.stats.replaced == 1


def test_it_has_begun_when_its_slots_have_the_worker(rig, script, idle_slots):
    """A process makes it only then; whoever waits for `began` relies on both."""

    class Slots(idle_slots):
        def start(self):
            self.early = made.launcher.began.is_set()
            raise WorkerError("no model file")

    slots = Slots()
    made = rig(lambda info: None, script(), slots=slots)
    with pytest.raises(WorkerError, match="no model file"):
        made.launcher.run()
    assert not slots.early
    assert not made.launcher.began.is_set()
    assert made.bus.closed
