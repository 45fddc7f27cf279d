"""Rules of `task_core.launcher.facts`: what a status page tells."""

import threading

import msgspec
import pytest

from task_core.api.taskmaster import FunctionTaskmaster
from task_core.api.worker import failed
from task_core.errors import BusConnectionError
from task_core.launcher.facts import info_of, launcher_facts, taskmaster_info, unready
from task_core.launcher.taskmasters.loop import TaskmasterLoop
from task_core.task import Task
from task_core.wire import encode_task


@pytest.fixture
def busy(rig, memory, make_tasks, until):
    """A launcher whose worker is at the second of two tasks; the first one failed."""
    release = threading.Event()

    def load(info):
        if info == "bad":
            return failed("no such file")
        release.wait(20)
        return None

    memory.put(*make_tasks("bad", "long"))
    made = rig(load, memory).start()
    until(lambda: made.stats.done == 1 and launcher_facts(made.launcher)["tasks"])
    yield made
    release.set()
    made.launcher.stop()
    made.join()


def test_the_facts_have_the_names_of_the_go_system_and_ours(busy):
    """All of it is JSON."""
    facts = msgspec.json.decode(msgspec.json.encode(launcher_facts(busy.launcher)))
    assert (facts["tasks_consumed"], facts["tasks_running"]) == (1, 1)
    assert facts["consumer"]["received"] == 2
    assert facts["producer"]["sent"] == {"done": 1}
    assert facts["results"] == {"complete": 0, "error": 1}
    assert (facts["window"]["slots"], facts["window"]["held"]) == (1, 1)
    assert facts["lease"]["length"] == "30s"
    assert facts["attempts"] == {"most": 5, "held": {"1": 1}}
    (running,) = facts["tasks"]
    assert (running["type"], running["info"], running["attempt"]) == ("load", "long", 1)
    assert running["since"].endswith("Z")
    assert facts["last_error"]["task"]["msg"] == "no such file"


def test_the_date_of_the_oldest_task_that_is_held_is_told(rig, memory, until):
    """Whatever the zone of its sender; one without a date is as good as new."""
    release = threading.Event()
    dates = ("2027-01-01T00:30:00Z", "", "2027-01-01T01:00:00+01:00")
    memory.put(
        *(encode_task(Task(type="load", info="", created=date)) for date in dates)
    )
    made = rig(lambda info: str(release.wait(20)), memory, concurrency=3).start()
    until(lambda: len(made.launcher.parts.in_flight.jobs) == 3)
    assert launcher_facts(made.launcher)["oldest"] == dates[2]
    release.set()
    until(lambda: made.stats.done == 3)
    until(lambda: launcher_facts(made.launcher)["oldest"] == "")
    made.launcher.stop()
    made.join()


def test_one_launcher_is_told_as_such_and_several_as_a_list(busy):
    """With the process that they are in."""
    found = info_of([busy.launcher], "1.2")
    assert (found["app_name"], found["version"], found["state"]) == (
        "load",
        "1.2",
        "working",
    )
    assert found["launcher"]["worker"] == "load"
    assert len(info_of([busy.launcher] * 2, "1.2")["launchers"]) == 2


def test_it_is_ready_while_it_receives(busy):
    """And says why it is not: also while it waits for what runs."""
    assert unready([busy.launcher]) == ""
    busy.launcher.stop()
    assert unready([busy.launcher]) == "stopping"


def test_it_is_not_ready_before_the_bus_is_there(rig, memory):
    """Nothing has been received by then."""
    assert unready([rig(lambda info: info, memory).launcher]) == "starting"


def test_it_is_not_ready_while_the_bus_is_away(rig, script, until):
    """The reason is what the bus said, without secrets."""
    away = threading.Event()

    def fail(bus):
        if away.is_set():
            raise BusConnectionError("nsq://u:s3cret@h is away")

    away.set()
    made = rig(lambda info: info, script(bounded=False, on_receive=fail)).start()
    until(lambda: unready([made.launcher]) not in {"", "starting"})
    assert unready([made.launcher]) == "the bus is away: nsq://u:********@h is away"
    assert "is away" in launcher_facts(made.launcher)["last_error"]["bus"]
    away.clear()
    until(lambda: not unready([made.launcher]))
    made.launcher.stop()
    made.join()


def test_it_is_not_ready_while_it_pauses(rig, memory, make_tasks, until):
    """Every task failed: a broken worker had better be looked at."""

    def load(info):
        return failed("no")

    memory.put(*make_tasks(*"abcdef"))
    made = rig(load, memory, pause_on_errors=2).start()
    until(lambda: unready([made.launcher]).startswith("paused: "))
    made.launcher.stop()
    made.join()


def test_who_has_no_bus_says_so_also_in_a_pause_and_at_the_end(
    rig, script, make_tasks, until
):
    """A broken broker may be why tasks fail; and a stop waits for it."""
    away = threading.Event()

    def fail(bus):
        if away.is_set():
            raise BusConnectionError("refused")

    bus = script(make_tasks("a"), bounded=False, on_receive=fail)
    made = rig(lambda info: failed("no"), bus, pause_on_errors=1).start()
    until(lambda: unready([made.launcher]).startswith("paused: "))
    assert launcher_facts(made.launcher)["away"] == ""
    away.set()
    until(lambda: unready([made.launcher]) == "the bus is away: refused")
    made.launcher.stop()
    facts = launcher_facts(made.launcher)
    assert (facts["state"], facts["away"]) == ("stopping", "refused")
    made.join()


def test_a_taskmaster_tells_its_counts_and_what_it_says_of_itself(memory):
    """Whatever its info() does."""

    class Twice(FunctionTaskmaster):
        def info(self):
            return {"next": "12:00"}

    def run(ctx):
        ctx.send(Task.new("load", "a"))

    loop = TaskmasterLoop(Twice(run), memory)
    loop.run()
    found = taskmaster_info(loop, "twice", "1.2")
    assert (found["app_name"], found["state"]) == ("twice", "working")
    assert found["taskmaster"]["producer"]["sent"] == {"load": 1}
    assert found["taskmaster"]["info"] == {"next": "12:00"}
    loop.stop()
    assert taskmaster_info(loop, "twice", "1.2")["state"] == "stopping"


def test_a_taskmaster_says_that_its_bus_is_away_in_any_state(memory):
    """Without the secrets that the bus has said."""
    loop = TaskmasterLoop(FunctionTaskmaster(lambda ctx: None), memory)
    loop._contexts[0].line.outages.away = "no nsq://u:s3cret@h"
    assert loop.unready == "the bus is away: no nsq://u:********@h"
    loop.stop()
    facts = loop.facts()
    assert (facts["state"], facts["away"]) == ("stopping", "no nsq://u:********@h")


def test_an_info_that_raises_is_told_and_harms_nothing(memory):
    """It is its author's."""

    class Broken(FunctionTaskmaster):
        def info(self):
            raise ValueError("no")

    loop = TaskmasterLoop(Broken(lambda ctx: None), memory)
    facts = taskmaster_info(loop, "broken", "1.2")["taskmaster"]
    assert facts["info"] == {"error": "its info() raised ValueError: no"}
